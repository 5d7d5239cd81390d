"""HTTP connections that do not wait for ever: limits on heads, idle time, pipelining and the number of connections.

uvicorn bounds what comes after a request's head; what comes before it, and who may stay connected, is bounded here.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aa_tui.server.receiver.limits import ServerLimits

_PIPELINED = 4
"""Requests one connection may have waiting; no client that sends agent data pipelines at all."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines. Use `guarded` to set the limits."""

    limits: ClassVar[ServerLimits] = ServerLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_body = False
        self._begun = False
        self._refusal = (400, "Invalid HTTP request.")

    @property
    def idle(self) -> bool:
        """True while no request is under way or arriving."""
        return not self._begun and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            waiting = next((one for one in self.connections if getattr(one, "idle", False) and one is not self), None)
            if waiting is None:
                self._refuse(503, "Too many connections.")
                return
            waiting.transport.close()
            self.connections.discard(waiting)
        self._expect(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_body and self._head_bytes > self.limits.header_bytes and not self.transport.is_closing():
            self._refuse(431, "The request's head is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        if self._deadline is None:
            self._expect(self.limits.header_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.limits.headers or len(value) > self.limits.header_bytes:
            self._refusal = (431, "The request's head is too large.")
            raise ValueError("head too large")

    def on_headers_complete(self) -> None:
        self._expect(None)
        if len(self.pipeline) >= _PIPELINED:
            raise ValueError("too many pipelined requests")
        self._in_body, self._head_bytes = True, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body, self._begun, self._head_bytes = False, False, 0
        self._expect(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body:
            # Answered before the whole body came (too large, no key). Whoever still sends it should get to read the
            # answer, but not send for ever.
            self._expect(self.limits.idle_seconds)

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._refusal)

    def _expect(self, seconds: float | None) -> None:
        """Close the connection after so many seconds, or never."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"code": status, "error": message}).encode()
        head = (
            f"HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"{'retry-after: 2' + chr(13) + chr(10) if status == 503 else ''}connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def guarded(limits: ServerLimits) -> type[GuardedProtocol]:
    """Return the protocol with these limits; uvicorn makes its instances itself."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits})
