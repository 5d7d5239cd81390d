"""In which form a server takes requests: JSON schema, name of the token limit, temperature. Learns; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aa_tui.backend.judging.providers.contract import CallRequest

FORMATS = ("json_schema", "json_object", "")
"""Ways of asking for JSON, the strictest first."""
MOST_REQUESTS = len(FORMATS) + 2
"""Requests until every way was tried: one per format, one per further thing a server may refuse."""
_REFUSING = frozenset({400, 404, 422, 501})
_ABOUT_FORMAT = re.compile(
    r"(?i)response_?format|json_schema|json_object|structured[ _]output|json[ _]mode|grammar|guided|invalid schema"
)


@dataclass(frozen=True, slots=True)
class Way:
    """How a server takes its requests."""

    format: int = 0
    """Index into `FORMATS`."""
    tokens: str = "max_tokens"
    """What the server calls the limit of the reply."""
    temperature: bool = True
    """Whether it takes the temperature 0 we ask for where nobody stated one."""

    def asked(self, request: CallRequest) -> dict[str, Any]:
        """Return the request as chat completions have it, without the messages."""
        said: dict[str, Any] = {"model": request.model, self.tokens: request.max_tokens}
        if self.temperature:
            said["temperature"] = 0
        if request.parameters:
            said.update(request.parameters)
        wanted = FORMATS[self.format] if request.schema is not None else ""
        if wanted == "json_schema":
            said["response_format"] = _held_to(request.schema or {})
        elif wanted:
            said["response_format"] = {"type": wanted}
        return said

    def other(self, status: int | None, message: str, request: CallRequest) -> Way | None:
        """Return another way where the server's refusal is about the form of the request, else None."""
        if status not in _REFUSING:
            return None
        if "max_completion_tokens" in message and self.tokens == "max_tokens":
            return replace(self, tokens="max_completion_tokens")
        if "temperature" in message and self.temperature and "temperature" not in request.parameters:
            return replace(self, temperature=False)
        if request.schema is not None and FORMATS[self.format] and _ABOUT_FORMAT.search(message):
            return replace(self, format=self.format + 1)
        return None


def _held_to(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}
