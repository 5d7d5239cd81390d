"""The receiver's paths: who may send what, in which encoding, and how the service's answer goes back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from aa_tui import __version__
from aa_tui.backend.support.errors import AAError
from aa_tui.server.receiver import answers, weight
from aa_tui.server.receiver.bodies import Refused, read_body
from aa_tui.server.receiver.limits import Admission, Gate, ServerLimits

if TYPE_CHECKING:
    from aa_tui.backend.service.receiving import Receiving, ReceivingProject

P = ParamSpec("P")
T = TypeVar("T")

_KEY_IN_BODY = re.compile(rb'"api_key"\s*:\s*"([^"\\]{1,200})"')
_STRANGERS = 256 * 1024
"""Amplitude's key is inside the body. A larger one is decoded only after a known key was seen in it."""
_KEYS_LOOKED_AT = 16
_TAIL = 64 * 1024
_HEALTH_SECONDS = 1.0


class Routes:
    """The endpoints over one `Receiving`. Its calls block until the commit, so they run on threads of their own."""

    def __init__(self, receiving: Receiving, reachable: Callable[[], bool], limits: ServerLimits) -> None:
        self._receiving = receiving
        self._reachable = reachable
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, "receive")
        self._decoding = Gate(limits.decoded_bytes)
        self._health: tuple[float, bool] | None = None
        self.admission = Admission(limits.budget, limits.requests)
        self.arrived: Callable[[], None] = lambda: None
        """Called when something was taken, so that whoever drains need not wait for its next look."""

    def app(self) -> ASGIApp:
        """Return the routes as an ASGI application. What it refuses it raises; `guard` words the answers."""
        routes = [Route(path, self._amplitude, methods=["POST"]) for path in answers.AMPLITUDE_PATHS]
        routes += [Route(path, self._otlp, methods=["POST"]) for path in answers.OTLP_PATHS]
        routes.append(Route(answers.HEALTH_PATH, self._healthz, methods=["GET"]))
        router = Router(routes, redirect_slashes=False)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            # Starlette answers 404 and 405 in plain text unless an application is there to do it.
            await router({**scope, "app": router}, receive, send)

        return app

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    # -- endpoints

    async def _healthz(self, _request: Request) -> Response:
        now = time.monotonic()
        if self._health is None or now - self._health[0] > _HEALTH_SECONDS:
            self._health = (now, await self._run(self._reachable))
        well = self._health[1]
        state = {"status": "ok" if well else "unavailable", "store": "ok" if well else "away", "version": __version__}
        return answers.amplitude(200 if well else 503, state)

    async def _amplitude(self, request: Request) -> Response:
        _media(request, ("application/json",))
        with self.admission.enter() as place:
            body = await read_body(request, self._limits.amplitude_bytes, place, self._limits)
            if len(body) > _STRANGERS:
                await self._refuse_strangers(body)
            if len(body) > self._limits.large_bytes:
                await self._run(weight.check_json, body, self._limits.most_values)
            answer = await self._receive(len(body), self._receiving.amplitude, body)
        if answer.status < 300:
            self.arrived()
        return answers.amplitude(answer.status, answer.body, answer.retry_after_s)

    async def _otlp(self, request: Request) -> Response:
        kind = answers.OTLP_PATHS[request.url.path]
        media = _media(request, ("application/x-protobuf", "application/json"))
        encoding: answers.Encoding = "protobuf" if media == answers.MEDIA["protobuf"] else "json"
        with self.admission.enter() as place:
            project = await self._project(request)
            body = await read_body(request, self._limits.otlp_bytes, place, self._limits)
            if len(body) > self._limits.large_bytes:
                if encoding == "json":
                    await self._run(weight.check_json, body, self._limits.most_values)
                else:
                    await self._run(weight.check_protobuf, body, kind, self._limits.most_values)
            answer = await self._receive(len(body), getattr(self._receiving, kind), project, body, encoding)
        if answer.status >= 300:
            return answers.otlp_error(encoding, answer.status, answer.message, answer.retry_after_s)
        self.arrived()
        return answers.otlp(encoding, answer.rejected, answer.message, kind)

    # -- who sends

    async def _project(self, request: Request) -> ReceivingProject:
        key = _key_of(request)
        project = await self._receive(0, self._receiving.project_of, key) if key else None
        if project is None:
            what = "That API key belongs to no project here." if key else "An API key is needed."
            raise Refused(
                401,
                f"{what} Send `Authorization: Bearer KEY` or `x-api-key: KEY`; `aa-tui projects` shows the keys.",
                www_authenticate="Bearer",
            )
        return project

    async def _refuse_strangers(self, body: bytes) -> None:
        """Refuse a large body in which no known key is to be seen: decoding it would be work for anybody's asking."""
        seen = dict.fromkeys(_keys_in(body))
        for key in seen:
            if await self._receive(0, self._receiving.project_of, key) is not None:
                return
        first = next(iter(seen), "")
        raise Refused(400, f"Invalid API key: {first[:4]}…" if first else "No api_key was found in the body.")

    # -- calls

    async def _receive(self, size: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call of the service on a thread; a store that is away is said to be, so that clients come again."""
        try:
            async with self._decoding.through(size):
                return await self._run(call, *args, **kwargs)
        except (AAError, OSError, MemoryError) as error:
            raise Refused(503, "The store cannot take data just now.", 5) from error
        except RecursionError as error:
            raise Refused(400, "The body is nested too deeply.") from error

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(call, *args, **kwargs))


def _media(request: Request, allowed: tuple[str, ...]) -> str:
    """Return the media type of the body.

    Raises:
        Refused: it is not one of `allowed`. What a web page may send without being asked is never among them.
    """
    named = request.headers.getlist("content-type")
    media, _, parameters = (named[0] if len(named) == 1 else "").partition(";")
    media = media.strip().lower()
    charset = parameters.replace(" ", "").lower().partition("charset=")[2].strip('"')
    if media not in allowed or charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise Refused(415, f"Content-Type must be {' or '.join(allowed)}, in UTF-8.", accept=", ".join(allowed))
    return media


def _key_of(request: Request) -> str:
    """Return the API key of an OTLP request, empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return (request.headers.get("x-api-key") or request.query_params.get("api_key") or "").strip()


def _keys_in(body: bytes) -> Iterator[str]:
    """Yield what is written as `api_key` at the beginning and at the end of a body."""
    for number, found in enumerate(_KEY_IN_BODY.finditer(body)):
        if number == _KEYS_LOOKED_AT:
            break
        yield found[1].decode("utf-8", "replace")
    tail = list(_KEY_IN_BODY.finditer(body, max(0, len(body) - _TAIL)))
    for found in tail[-_KEYS_LOOKED_AT:]:
        yield found[1].decode("utf-8", "replace")
