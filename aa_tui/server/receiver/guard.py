"""What every request passes first: Host and Origin, faults turned into answers, and one line of access log.

Loopback is not private: any page in a browser on this machine can send requests to it. A foreign name in `Host` is DNS
rebinding, an `Origin` is a page; programs that send agent data have neither.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aa_tui.server.receiver import answers
from aa_tui.server.receiver.bodies import Refused
from aa_tui.server.receiver.limits import Busy

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Access:
    """One request as the access log may know it: no query, no header, no body, so no key and no text."""

    method: str
    path: str
    """One of the receiver's paths, or `other`: what else was asked for is a stranger's text."""
    status: int
    client: str
    ms: float


class Guard:
    """Wraps the receiver's routes."""

    def __init__(
        self,
        inner: ASGIApp,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        own_addresses: bool = False,
        busy_seconds: int = 2,
        log: Callable[[Access], None] | None = None,
        fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Wrap `inner`.

        Args:
            hosts: names a request may be addressed to, besides loopback's.
            origins: pages that may send nevertheless, as browsers write them: `https://example.org`.
            own_addresses: also accept the very address a connection came in at; for wildcard binds. An address in
                `Host` is no rebinding, which needs a name.
            busy_seconds: after how long a refused client should come again.
            log: called after each request.
            fault: called with what was not expected.
        """
        self._inner = inner
        self._hosts = LOOPBACK_NAMES | {host_name(name) or name.lower() for name in hosts}
        self._origins = frozenset(one.lower() for one in origins)
        self._own_addresses = own_addresses
        self._busy_seconds = busy_seconds
        self._log = log
        self._fault = fault
        self.refused: Counter[int] = Counter()
        """Requests that were not taken, by status."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        begun = time.monotonic()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
            await self._inner(scope, receive, watched)
        except Exception as error:
            if status:
                # The answer has begun: it can only be cut off.
                raise
            await self._answer(scope, headers, error)(scope, receive, watched)
        finally:
            if status >= 400:
                self.refused[status] += 1
            if self._log is not None:
                path = scope["path"] if scope["path"] in answers.PATHS else "other"
                client = (scope.get("client") or ("",))[0]
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._log(Access(method, path, status, client, (time.monotonic() - begun) * 1000))

    def _check(self, scope: Scope, headers: Headers) -> None:
        named = headers.getlist("host")
        name = host_name(named[0]) if len(named) == 1 else None
        if name is None or not (name in self._hosts or self._is_own(scope, name)):
            raise Refused(421, "This receiver does not answer to that host name. `--allowed-host NAME` adds one.")
        for origin in headers.getlist("origin"):
            if origin.lower() not in self._origins:
                raise Refused(403, "Requests from web pages are refused.")

    def _is_own(self, scope: Scope, name: str) -> bool:
        if not self._own_addresses or not scope.get("server"):
            return False
        try:
            return ipaddress.ip_address(name) == ipaddress.ip_address(scope["server"][0])
        except ValueError:
            return False

    def _answer(self, scope: Scope, headers: Headers, error: Exception) -> ASGIApp:
        """Return the answer to what was raised; nothing of the error's own words goes to a sender."""
        if isinstance(error, Busy):
            error = Refused(429, "Too many requests are under way here.", self._busy_seconds)
        elif isinstance(error, HTTPException):
            error = _not_here(scope["path"], error)
        elif not isinstance(error, Refused):
            if self._fault is not None:
                self._fault(error)
            error = Refused(500, "The receiver failed on this request.")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return answers.refusal(scope["path"], kind, error.status, error.message, error.retry_after_s, error.headers)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


def _not_here(path: str, error: HTTPException) -> Refused:
    """Word what the router found no route for: 404 and 405."""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        words = f"Only {headers.get('Allow', 'POST')} is answered here."
    elif path.endswith("/v1/metrics"):
        words = "This receiver takes traces and logs. OTEL_METRICS_EXPORTER=none keeps metrics from being sent."
    else:
        words = f"There is nothing here. Paths: {', '.join(sorted(answers.PATHS))}."
    return Refused(error.status_code, words, None, **headers)


def host_name(header: str) -> str | None:
    """Return the name in a `Host` header without its port, in lower case, or None where it is none."""
    text = header.strip().lower()
    if text.startswith("["):
        name, bracket, port = text[1:].partition("]")
        if not bracket or (port and not (port.startswith(":") and port[1:].isdigit())):
            return None
        return name
    name, colon, port = text.partition(":")
    if colon and not port.isdigit():
        return None
    return name or None
