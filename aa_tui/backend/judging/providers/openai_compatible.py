"""The direct client: chat completions of any OpenAI-compatible server, over aiohttp. No retries, no provider library.

It is meant to cost little more than the bare HTTP call, because thousands of calls go through it. What a server
refuses of the request's form (a JSON schema, `max_tokens`, a temperature) is asked in another way and remembered.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment
from urllib.request import proxy_bypass_environment as bypasses  # type: ignore[attr-defined]

from aa_tui.backend.judging.providers.addresses import is_local, is_loopback_address, parsed
from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, ProviderError
from aa_tui.backend.judging.providers.errors import error_of, from_status, no_host, retry_after
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.redact import redact
from aa_tui.backend.judging.providers.ways import MOST_REQUESTS, Way
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.text import storable

if TYPE_CHECKING:
    import aiohttp

MOST_BYTES = 4 << 20
"""Largest answer that is read."""
_MOST_ERROR_BYTES = 64 << 10
_LONGEST_NAME = 200
_CONNECT_S = 20.0
"""Time for a connection; the whole call has the caller's deadline."""
_FINISHES = {"max_tokens": "length", "MAX_TOKENS": "length", "end_turn": "stop", "eos": "stop", "": "stop"}


class _NotLocal(OSError):
    """A connection that would have left this machine although it must not."""


class OpenAICompatible:
    """A client of one address. Belongs to the event loop that first calls it."""

    def __init__(
        self,
        base_url: str,
        key: Secret | None = None,
        *,
        local_only: bool = False,
        needs_key: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Talk to `base_url` (ending before `/chat/completions`).

        Args:
            local_only: connect to loopback addresses only, whatever a name resolves to.
            needs_key: without a key calls end with `no_key`, unsent.
            environment: where proxies are looked up, for addresses of other machines; the process's by default.

        Raises:
            ConfigError: the address is not well-formed.
        """
        parts = parsed(base_url)
        self._host = parts.hostname or ""
        self._base = base_url.rstrip("/")
        self._key = key
        self._secrets = (key.reveal(),) if key is not None else ()
        self._local_only = local_only
        self._needs_key = needs_key
        self._proxy = None if local_only or is_local(base_url) else _proxy(parts.scheme, self._host, environment)
        self._way = Way()
        self._session: aiohttp.ClientSession | None = None
        self._starting: asyncio.Lock | None = None
        self._url: Any = f"{self._base}/chat/completions"

    async def complete(self, request: CallRequest) -> CallReply:
        """Make one call; see `Provider.complete`."""
        if self._key is None and self._needs_key:
            raise ProviderError(ErrorKind.NO_KEY, f"There is no key for {self._host}.", terminal=True)
        begun = time.perf_counter()
        requests = 0
        while True:
            way, requests = self._way, requests + 1
            status, headers, body = await self._exchange("POST", self._url, self._body(request, way))
            if status == 200:
                return self._reply(body, requests, (time.perf_counter() - begun) * 1e3)
            message, code = error_of(_json(body))
            other = way.other(status, f"{message} {code} {_plain(body)}", request) if requests < MOST_REQUESTS else None
            if other is None:
                raise self._error(status, message or _plain(body), code, retry_after(headers))
            if self._way is way:  # calls in flight at the same time learn the same thing: one step, not one each
                self._way = other

    async def listing(self) -> tuple[tuple[str, str], ...]:
        """Return (name, owner) of the models the server lists, which costs nothing.

        Raises:
            ProviderError: it does not answer, or lists none.
        """
        status, headers, body = await self._exchange("GET", f"{self._base}/models", None)
        document = _json(body)
        if status != 200:
            message, code = error_of(document)
            raise self._error(status, message or _plain(body), code, retry_after(headers))
        listed = document.get("data") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ProviderError(ErrorKind.BAD_RESPONSE, "The server's list of models is none.", status=status)
        models = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
        return tuple((storable(one["id"])[:_LONGEST_NAME], str(one.get("owned_by") or "")) for one in models)

    async def aclose(self) -> None:
        """Close all connections; closing twice is fine, and a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    @staticmethod
    def _body(request: CallRequest, way: Way) -> bytes:
        asked = way.asked(request)
        asked["messages"] = [{"role": one.role, "content": one.content} for one in request.messages]
        # ASCII on purpose: a lone surrogate stays an escape instead of ending the call.
        return json.dumps(asked, separators=(",", ":")).encode("ascii")

    async def _exchange(self, method: str, url: Any, body: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        session = self._session or await self.open()
        failed: ProviderError
        try:
            async with session.request(
                method, url, data=body, allow_redirects=False, proxy=self._proxy
            ) as response:  # fmt: skip
                most = MOST_BYTES if response.status == 200 else _MOST_ERROR_BYTES
                return response.status, response.headers, await _read(response, most)
        except ProviderError:
            raise
        except (OSError, ValueError, TimeoutError, _client_error()) as error:
            failed = self._broken(error)
        # Outside of the handler, so that nothing that held a header hangs on the error.
        raise failed

    async def open(self) -> aiohttp.ClientSession:
        """Load what calls need and return the session; otherwise the first call does, within its deadline."""
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._session is None:
                # A third of a second of imports, which a loop with a screen on it should not sit through.
                await asyncio.to_thread(_client_error)
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> aiohttp.ClientSession:
        import aiohttp
        from yarl import URL

        self._url = URL(self._url)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "aa-tui"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        factory: Callable[[Any], socket.socket] | None = _local_socket if self._local_only else None
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, socket_factory=factory),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            trust_env=False,
        )

    # --- answers -----------------------------------------------------------------------------------------------------

    def _reply(self, body: bytes, requests: int, latency_ms: float) -> CallReply:
        document = _json(body)
        if not isinstance(document, dict):
            beginning = redact(_plain(body), self._secrets, 80)
            words = f"{self._host} answered with something that is no JSON object: {beginning}"
            raise ProviderError(ErrorKind.BAD_RESPONSE, words, status=200, maybe_billed=True)
        choices = document.get("choices")
        if not choices and document.get("error"):
            said, code = error_of(document)
            numbers = [int(name) for name in code.split() if name.isascii() and name.isdigit() and len(name) == 3]
            raise self._error(numbers[0] if numbers and numbers[0] >= 400 else 400, said, code, None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            words = f"{self._host} answered without a message (no choices)."
            raise ProviderError(ErrorKind.BAD_RESPONSE, words, status=200, maybe_billed=True)
        text, finish = message.get("content"), choice.get("finish_reason") or "stop"
        if isinstance(text, list):
            text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
        refusal = message.get("refusal")
        if not text and isinstance(refusal, str) and refusal:
            text, finish = refusal, "content_filter"
        usage = document.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        finish = str(finish)
        return CallReply(
            text=text if isinstance(text, str) else "",
            finish_reason=_FINISHES.get(finish, finish),
            model=storable(str(document.get("model") or ""))[:_LONGEST_NAME],
            input_tokens=_count(usage.get("prompt_tokens")),
            output_tokens=_count(usage.get("completion_tokens")),
            latency_ms=latency_ms,
            requests=requests,
        )

    def _error(self, status: int, message: str, code: str, wait: float | None) -> ProviderError:
        said = redact(message, self._secrets)
        return from_status(status, said, code=code, retry_after_s=wait, host=self._host)

    def _broken(self, error: BaseException) -> ProviderError:
        """Return the error of a call that got no whole answer."""
        import aiohttp

        host = self._host
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        if isinstance(cause, _NotLocal) or "only addresses of this machine" in str(cause):
            words = f"“{host}” is not on this machine, and this project allows local addresses only."
            return ProviderError(ErrorKind.BAD_REQUEST, words, terminal=True)
        if isinstance(error, aiohttp.ClientHttpProxyError):
            words = f"The proxy in the environment refuses the way to {host} ({error.status})."
            return ProviderError(
                ErrorKind.CONNECTION, words, terminal=error.status == 407, retryable=error.status >= 500
            )
        if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
            return no_host(host)
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError) or isinstance(cause, ssl.SSLError):
            words = f"{host} and this machine cannot agree on encryption: {redact(str(cause), self._secrets, 120)}"
            return ProviderError(ErrorKind.CONNECTION, words, terminal=True)
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | TimeoutError):
            reason = getattr(cause, "strerror", None) or "no connection"
            words = f"{host} does not take connections ({redact(str(reason), self._secrets, 80)})."
            return ProviderError(ErrorKind.CONNECTION, words, retryable=True)
        if isinstance(error, aiohttp.InvalidURL):
            return ProviderError(
                ErrorKind.BAD_REQUEST, "The address of the model server cannot be used.", terminal=True
            )
        if isinstance(error, aiohttp.ClientResponseError | ValueError):
            words = f"{host} does not answer as HTTP servers do."
            return ProviderError(ErrorKind.BAD_RESPONSE, words, maybe_billed=True)
        words = f"{host} closed the connection before the answer was whole."
        return ProviderError(ErrorKind.UNAVAILABLE, words, retryable=True, maybe_billed=True)


def _client_error() -> type[BaseException]:
    import aiohttp

    return aiohttp.ClientError


def _local_socket(info: Any) -> socket.socket:
    """Make a socket for an address of this machine, or none: the last step before a connection, after all names."""
    family, kind, protocol, _, address = info
    if not is_loopback_address(str(address[0])):
        raise _NotLocal("only addresses of this machine")
    return socket.socket(family, kind, protocol)


def _proxy(scheme: str, host: str, environment: Mapping[str, str] | None) -> str | None:
    if environment is None:
        proxies = getproxies_environment()
    else:
        proxies = {name[:-6].lower(): text for name, text in environment.items() if name.lower().endswith("_proxy")}
    if bypasses(host, proxies):
        return None
    return proxies.get(scheme) or proxies.get("all") or None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    length = response.content_length
    if length is not None and length <= most and "Content-Encoding" not in response.headers:
        return await response.read()
    found = bytearray()
    async for chunk in response.content.iter_any():
        found += chunk
        if len(found) > most:
            if response.status != 200:
                return bytes(found[:most])
            words = f"The answer is larger than {most >> 20} MiB."
            raise ProviderError(ErrorKind.BAD_RESPONSE, words, status=200, maybe_billed=True)
    return bytes(found)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _plain(body: bytes) -> str:
    """Return the beginning of a body that is no JSON, without tags, for an error's words."""
    return re.sub(r"<[^<>]{0,500}>", " ", body[:2_000].decode("utf-8", "replace"))


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else None
