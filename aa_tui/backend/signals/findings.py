"""What code says of a signal: the value of its findings. How they come about is each signal's file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

CODE = "code"
"""Method of what code found."""
SENDER = "sender"
"""Method of what the session's own events say."""
DERIVED_METHODS = (CODE, SENDER)
"""Methods that follow from a session's events alone, so they are never recorded by anybody."""

TRUE, FALSE = "True", "False"
"""How the values of binary signals are written."""


class Finding(NamedTuple):
    """A result of a signal that follows from a session's events."""

    signal: str
    value: str
    passed: bool | None
    """None where it neither passes nor fails: a hint of code is no judgement."""
    rationale: str
    labels: tuple[str, ...] = ()
    evidence: str | None = None
    """JSON as of judged results, but for what only a judge says: `[{"quote", "role", "event"}]`."""
    extras: str | None = None
    """JSON object."""
    method: str = CODE
    version: int = 1

    @property
    def labels_text(self) -> str | None:
        """The labels as the store holds them."""
        return json.dumps(self.labels, ensure_ascii=False) if self.labels else None


def binary(value: bool) -> str:
    """Return how a boolean is written as a signal's value."""
    return TRUE if value else FALSE


def counted(parts: Sequence[tuple[str, int]]) -> str:
    """Return names with how often each was seen: `retry_storm ×2, correction`."""
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in parts)
