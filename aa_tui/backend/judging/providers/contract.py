"""What every road to a model takes and gives: request, reply, error. No client lives here, and no retries.

A provider makes one call and says what came of it; whoever calls (`judging.calling`) owns retries, deadlines and the
number of calls in flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aa_tui.backend.judging.messages import Message
from aa_tui.backend.model.judgement import ErrorKind


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One question to a model."""

    model: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    """The JSON schema of the reply, for servers that can be held to one."""
    max_tokens: int = 2_048
    """Most tokens of the reply."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Sampling parameters by the provider's names. Temperature is 0 unless given."""


@dataclass(frozen=True, slots=True)
class CallReply:
    """What a model wrote. Whether it is a usable verdict is the reply parser's business: `text` may be empty."""

    text: str
    finish_reason: str
    """`stop`, `length`, `content_filter`, `tool_calls` or the provider's own word."""
    model: str = ""
    """The model that answered, as the server names it; may be more exact than the one asked."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    """Nano-dollars where the provider library knows them; None is unknown."""
    latency_ms: float = 0.0
    requests: int = 1
    """Requests this call took: more than one when the server refused its form and was asked in another."""


class ProviderError(Exception):
    """A call that brought no reply.

    Attributes:
        kind: why.
        words: what happened, redacted, safe to show and to store.
        status: the HTTP status, where there was one.
        retry_after_s: how long the server asks to wait, in seconds.
        retryable: whether the same call may succeed a little later.
        terminal: whether every further call will fail alike until a person changes something.
        maybe_billed: whether the model may have worked on it all the same.
    """

    def __init__(
        self,
        kind: ErrorKind,
        words: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        retryable: bool = False,
        terminal: bool = False,
        maybe_billed: bool = False,
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.status = status
        self.retry_after_s = retry_after_s
        self.retryable = retryable
        self.terminal = terminal
        self.maybe_billed = maybe_billed


class Provider(Protocol):
    """One road to one model server."""

    async def complete(self, request: CallRequest) -> CallReply:
        """Make one call, without retries and without a deadline of its own; cancelling it ends it at once.

        Raises:
            ProviderError: there is no reply.
        """
        ...

    async def aclose(self) -> None:
        """Give connections and processes back; closing twice is fine."""
        ...
