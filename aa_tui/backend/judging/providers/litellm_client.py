"""The road through LiteLLM: starts its process when it is first needed and speaks JSON lines with it. No library here.

The library takes seconds and hundreds of megabytes to load, prints, and reads the environment; so it lives in a
process of its own whose environment holds no key of ours: keys travel through the pipe, with the call they are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aa_tui.backend.judging.providers import ProviderKind
from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, ProviderError
from aa_tui.backend.judging.providers.errors import from_status, no_host, retry_after, sounds_like_no_host
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.redact import redact
from aa_tui.backend.judging.providers.ways import MOST_REQUESTS, Way
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.money import usd_to_nano

_ROOT = Path(__file__).resolve().parents[4]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from aa_tui.backend.judging.providers.litellm_child import main; main()"
)
_PASSES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""What the library's process sees of the environment. Keys of other providers and other addresses are not among it."""
_LONGEST_LINE = 8 << 20
_NO_KEY = "unused"
"""What is sent as the key where there is none: the library demands one even for servers that take none."""
_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception): ?)+(?:\w+Exception - )?")
_FINISHES = {"max_tokens": "length", "end_turn": "stop", "eos": "stop"}
_NO_JSON = re.compile(
    r"(?i)unable to get json|jsondecode|not valid json|invalid response object|empty or invalid response"
    r"|(?:expecting|extra data|unterminated|invalid)[^:]{0,60}: line \d+ column \d+"
)
_BROKEN = re.compile(r"(?i)connection error|disconnected|connection reset|payload is not completed")


class LiteLLM:
    """A client that reaches any provider the library knows. Belongs to the event loop that first calls it."""

    def __init__(self, kind: ProviderKind, base_url: str = "", key: Secret | None = None) -> None:
        """Reach `kind`, at `base_url` where it is not the library's own address for it."""
        self._kind, self._base_url, self._key = kind, base_url, key
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting: asyncio.Lock | None = None
        self._loaded: asyncio.Future[None] | None = None
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._way = Way()
        self._environment = {name: os.environ[name] for name in kind.passes if name in os.environ}
        self._secrets = (*(() if key is None else (key.reveal(),)), *self._environment.values())

    async def complete(self, request: CallRequest) -> CallReply:
        """Make one call; see `Provider.complete`. The first one waits until the library is loaded."""
        if self._key is None and self._kind.needs_key and not self._base_url:
            raise ProviderError(ErrorKind.NO_KEY, f"There is no key for {self._kind.title}.", terminal=True)
        begun = time.perf_counter()
        requests = 0
        while True:
            way, requests = self._way, requests + 1
            said = await self._ask(self._arguments(request, way))
            if "error" not in said:
                return self._reply(said["reply"], requests, (time.perf_counter() - begun) * 1e3)
            failed = said["error"]
            other = way.other(failed["status"], failed["message"], request) if requests < MOST_REQUESTS else None
            if other is None:
                raise self._error(failed)
            if self._way is way:
                self._way = other

    async def aclose(self) -> None:
        """End the process; closing twice is fine, and a later call starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    # --- one exchange ------------------------------------------------------------------------------------------------

    def _arguments(self, request: CallRequest, way: Way) -> dict[str, Any]:
        asked = way.asked(request)
        prefix = self._kind.prefix
        asked["model"] = request.model if request.model.startswith(prefix) else prefix + request.model
        asked["messages"] = [{"role": one.role, "content": one.content} for one in request.messages]
        if self._base_url:
            asked["api_base"] = self._base_url
        if self._key is not None:
            asked["api_key"] = self._key.reveal()
        elif self._base_url:
            asked["api_key"] = _NO_KEY
        return asked

    async def _ask(self, call: dict[str, Any]) -> dict[str, Any]:
        process = await self._ready()
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            await self._send(process, {"id": number, "call": call})
            return await answer
        except asyncio.CancelledError:
            self._write(process, {"cancel": number})
            raise
        finally:
            self._pending.pop(number, None)

    async def _send(self, process: asyncio.subprocess.Process, document: dict[str, Any]) -> None:
        lost = False
        try:
            self._write(process, document)
            assert process.stdin is not None
            await process.stdin.drain()
        except ConnectionError:
            lost = True
        if lost:
            raise _ended()

    @staticmethod
    def _write(process: asyncio.subprocess.Process, document: dict[str, Any]) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(json.dumps(document).encode("ascii") + b"\n")

    # --- the process -------------------------------------------------------------------------------------------------

    async def _ready(self) -> asyncio.subprocess.Process:
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()
        process, loaded = self._process, self._loaded
        assert process is not None and loaded is not None
        await asyncio.shield(loaded)
        return process

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder the program was started in holds no code of ours
            "-c",
            _BOOT,
            str(_ROOT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_LINE,
            cwd=tempfile.gettempdir(),
            env={name: os.environ[name] for name in _PASSES if name in os.environ},
            start_new_session=True,
        )
        self._loaded = asyncio.get_running_loop().create_future()
        self._write(self._process, {"environment": self._environment})
        self._reader = asyncio.create_task(self._read(self._process, self._loaded))

    async def _read(self, process: asyncio.subprocess.Process, loaded: asyncio.Future[None]) -> None:
        """Hand each answer to whoever waits for it; when the process ends, tell all who still wait."""
        assert process.stdout is not None
        failed = _ended()
        with contextlib.suppress(ValueError, ConnectionError):  # a line that is none, or longer than any answer
            while line := await process.stdout.readline():
                said = json.loads(line)
                if "ready" in said:
                    loaded.set_result(None)
                elif "fatal" in said:
                    words = f"LiteLLM cannot be loaded: {redact(said['fatal'], self._secrets)}"
                    failed = ProviderError(ErrorKind.BAD_REQUEST, words, terminal=True)
                elif (answer := self._pending.get(said["id"])) is not None and not answer.done():
                    answer.set_result(said)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        still_waiting: list[asyncio.Future[Any]] = [loaded, *self._pending.values()]
        for waiting in still_waiting:
            if not waiting.done():
                waiting.set_exception(failed)
        if loaded.done() and not loaded.cancelled():
            loaded.exception()  # seen: nobody may be waiting for it

    # --- answers -----------------------------------------------------------------------------------------------------

    def _reply(self, said: dict[str, Any] | None, requests: int, latency_ms: float) -> CallReply:
        if said is None:
            words = f"{self._who} answered without a message (no choices)."
            raise ProviderError(ErrorKind.BAD_RESPONSE, words, status=200, maybe_billed=True)
        text, finish = said["text"], said["finish_reason"]
        if not text and said["refusal"]:
            text, finish = said["refusal"], "content_filter"
        return CallReply(
            text=text,
            finish_reason=_FINISHES.get(finish, finish),
            model=said["model"],
            input_tokens=_count(said["input_tokens"]),
            output_tokens=_count(said["output_tokens"]),
            # The library says 0 of models it has no price for.
            cost_nano=usd_to_nano(said["cost_usd"]) or None,
            latency_ms=latency_ms,
            requests=requests,
        )

    @property
    def _who(self) -> str:
        return self._kind.title if self._kind.id != "litellm" else "The provider"

    def _error(self, failed: dict[str, Any]) -> ProviderError:
        raw, name, status = failed["message"], failed["type"], failed["status"]
        message = redact(_PREFIX.sub("", raw), self._secrets)
        if sounds_like_no_host(raw):
            return no_host(self._base_url or self._kind.title)
        if name == "ContentPolicyViolationError":
            return ProviderError(
                ErrorKind.REFUSAL, f"{self._who} refuses the content. It says: {message}", status=status
            )
        if name == "ContextWindowExceededError":
            return ProviderError(ErrorKind.TOO_LONG, f"The text is too long for the model. {message}", status=status)
        if _NO_JSON.search(raw) or name in ("APIResponseValidationError", "JSONSchemaValidationError"):
            words = f"{self._who} answered with something that is no reply of its kind: {message}"
            return ProviderError(ErrorKind.BAD_RESPONSE, words, status=status, maybe_billed=True)
        if name == "InternalServerError" and _BROKEN.search(message):
            words = f"{self._who} closed the connection before the answer was whole."
            return ProviderError(ErrorKind.UNAVAILABLE, words, retryable=True, maybe_billed=True)
        if name == "APIConnectionError" or status is None:
            words = f"The connection to {self._who} failed: {message}"
            kind = ErrorKind.CONNECTION if name == "APIConnectionError" else ErrorKind.BAD_RESPONSE
            known = kind is ErrorKind.CONNECTION
            return ProviderError(kind, words, retryable=known, maybe_billed=known)
        wait = retry_after(failed["headers"])
        return from_status(status, message, code=failed["code"], retry_after_s=wait, host=self._who)


def _ended() -> ProviderError:
    words = "The process of the provider library ended."
    return ProviderError(ErrorKind.UNAVAILABLE, words, retryable=True, maybe_billed=True)


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else None
