"""The road through a command of this machine: prompt on its stdin, reply on its stdout. For subscriptions with a CLI.

The argument vector comes from the settings of this machine and nothing of a project becomes part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence

from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, ProviderError
from aa_tui.backend.judging.providers.errors import from_status
from aa_tui.backend.judging.providers.redact import redact
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.settings import SECRET_PREFIX

MOST_BYTES = 1 << 20
"""Longest reply that is read; a command that writes more is ended."""
_MOST_ERROR_BYTES = 16 << 10
_READ = 1 << 16
_SWEEP_S = 0.1
_FAILURES = (
    (429, ("rate limit", "too many requests", "usage limit", "limit reached")),
    (401, ("log in", "login", "logged in", "unauthorized", "authenticat", "api key", "credential")),
    (402, ("quota", "credit", "billing")),
)
"""What commands say on stderr when they fail, and the status it amounts to."""


class Command:
    """A client that starts one process per call, in a group of its own that ends with the call."""

    def __init__(self, command: Sequence[str]) -> None:
        """Run `command`, an argument vector; no shell reads it."""
        self._command = tuple(command)

    async def complete(self, request: CallRequest) -> CallReply:
        """Make one call; see `Provider.complete`. Cancelling it kills the command and all it started."""
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="aa-tui-") as folder:  # an empty place: tools read their folder's notes
            process = await self._start(folder)
            try:
                reply, said = await self._talk(process, _prompt(request))
                code = await process.wait()
            finally:
                await _end(process)
        if len(reply) > MOST_BYTES:
            words = f"The command wrote more than {MOST_BYTES >> 20} MiB."
            raise ProviderError(ErrorKind.TOO_LARGE, words, maybe_billed=True)
        if code != 0:
            raise self._failed(code, said.decode("utf-8", "replace"))
        text = reply.decode("utf-8", "replace").strip()
        return CallReply(text, "stop", request.model, latency_ms=(time.perf_counter() - begun) * 1e3)

    async def aclose(self) -> None:
        """Nothing is kept between calls."""

    async def _start(self, folder: str) -> asyncio.subprocess.Process:
        program = shutil.which(self._command[0])
        if program is None:
            words = f"There is no command “{redact(self._command[0], longest=80)}” on this machine."
            raise ProviderError(ErrorKind.CONNECTION, words, terminal=True)
        reason = ""
        try:
            return await asyncio.create_subprocess_exec(
                program,
                *self._command[1:],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={name: text for name, text in os.environ.items() if not name.startswith(SECRET_PREFIX)},
                start_new_session=True,
            )
        except OSError as error:
            reason = error.strerror or "unknown reason"
        raise ProviderError(ErrorKind.CONNECTION, f"The command cannot be started: {reason}.", terminal=True)

    async def _talk(self, process: asyncio.subprocess.Process, prompt: bytes) -> tuple[bytes, bytes]:
        """Write and read at the same time, so that neither side waits for the other for ever."""
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None

        async def write(stdin: asyncio.StreamWriter) -> None:
            # A command may answer without having read everything.
            with contextlib.suppress(ConnectionError):
                stdin.write(prompt)
                await stdin.drain()
            stdin.close()

        async def sweep() -> None:
            # What the command left running must not keep its stdout open behind it. Waiting for the process would wait
            # for exactly that, so its end is looked for.
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(_SWEEP_S)
            _kill(process)

        sweeping = asyncio.create_task(sweep())
        try:
            async with asyncio.TaskGroup() as group:
                reply = group.create_task(_read(process, process.stdout, MOST_BYTES))
                said = group.create_task(_read(process, process.stderr, _MOST_ERROR_BYTES, keep_going=True))
                group.create_task(write(process.stdin))
        finally:
            sweeping.cancel()
        return reply.result(), said.result()

    def _failed(self, code: int, said: str) -> ProviderError:
        message = redact(said.strip())
        small = message.lower()
        for status, signs in _FAILURES:
            if any(sign in small for sign in signs):
                found = from_status(status, message, host="The command")
                return ProviderError(
                    found.kind, found.words, retryable=found.retryable, terminal=found.terminal
                )  # fmt: skip
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        words = f"The command {how}{f': {message}' if message else '.'}"
        return ProviderError(ErrorKind.BAD_RESPONSE, words, maybe_billed=True)


def _prompt(request: CallRequest) -> bytes:
    """Return the messages as one text; a reply that is asked about again is marked as such."""
    parts = [
        f"[your reply before]\n{one.content}" if one.role == "assistant" else one.content for one in request.messages
    ]
    return "\n\n".join(parts).encode("utf-8", "replace") + b"\n"


async def _read(
    process: asyncio.subprocess.Process, stream: asyncio.StreamReader, most: int, keep_going: bool = False
) -> bytes:
    found = bytearray()
    while chunk := await stream.read(_READ):
        if len(found) <= most:
            found += chunk
        if len(found) > most and not keep_going:
            _kill(process)
            break
    return bytes(found if not keep_going else found[:most])


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the whole group and take leave of the process, also when the call was cancelled."""
    _kill(process)
    if process.returncode is None:
        await process.wait()
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
