"""The road through a command: what it is given, what it may do, and that nothing of it outlives the call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aa_tui.backend.judging.calling import Caller, CallPolicy
from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.providers import open_provider
from aa_tui.backend.judging.providers.command import Command
from aa_tui.backend.judging.providers.contract import CallRequest, ProviderError
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.errors import ConfigError

REQUEST = CallRequest("any; rm -rf /", (Message("system", "Judge."), Message("user", "“Hé” " + "x" * 300_000)))
CHOICE = ModelChoice("command", "any")


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


async def test_the_prompt_is_on_stdin_and_the_reply_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AA_TUI_KEY_LLM_EXAMPLE_COM", "sk-secret")
    code = (
        "import os, sys; said = sys.stdin.read(); keys = [one for one in os.environ if 'AA_TUI_KEY' in one]; "
        "print(len(said), said.startswith('Judge.\\n\\n“Hé” xx'), os.listdir(), keys, sys.argv)"
    )
    reply = await python(code).complete(REQUEST)
    assert reply.text == f"{len('Judge.') + 2 + 300_005 + 1} True [] [] ['-c']"
    assert (reply.finish_reason, reply.input_tokens, reply.cost_nano) == ("stop", None, None)


async def test_a_command_that_does_not_read_its_input_is_fine() -> None:
    assert (await python("print('no need')").complete(REQUEST)).text == "no need"


async def test_the_deadline_kills_the_command_and_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time, pathlib; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"pathlib.Path({str(mark)!r}).write_text(f'{{os.getpid()}} {{child.pid}}'); time.sleep(60)"
    )
    caller = Caller(python(code), CallPolicy(deadline_s=1.5))
    begun = time.monotonic()
    called = await caller.call(REQUEST)
    assert (called.error, called.attempts) == (ErrorKind.TIMEOUT, 1)
    assert time.monotonic() - begun < 10
    await gone([int(pid) for pid in mark.read_text().split()])


async def test_what_it_leaves_running_does_not_keep_the_call_open(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid)); print('done')"
    )
    async with asyncio.timeout(20):
        assert (await python(code).complete(REQUEST)).text == "done"
    await gone([int(mark.read_text())])


async def gone(pids: list[int]) -> None:
    def alive(pid: int) -> bool:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        return bool(state) and not state.startswith("Z")

    async with asyncio.timeout(10):
        while any(map(alive, pids)):  # noqa: ASYNC110  (another process ends; nothing tells us)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("code", "kind", "terminal"),
    [
        ("import sys; sys.exit('Please run /login: not logged in')", ErrorKind.AUTH, True),
        ("import sys; sys.exit('usage limit reached, resets at 5pm')", ErrorKind.RATE_LIMITED, False),
        ("import sys; sys.exit('out of credits')", ErrorKind.QUOTA, True),
        ("import sys; sys.exit('boom token=abcdef0123456789abcdef')", ErrorKind.BAD_RESPONSE, False),
        ("import os; os.kill(os.getpid(), 11)", ErrorKind.BAD_RESPONSE, False),
    ],
)
async def test_how_it_fails(code: str, kind: ErrorKind, terminal: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        await python(code).complete(REQUEST)
    assert (caught.value.kind, caught.value.terminal) == (kind, terminal)
    assert "abcdef0123456789" not in caught.value.words


async def test_endless_output_is_ended() -> None:
    with pytest.raises(ProviderError) as caught:
        await python("while True: print('x' * 10000)").complete(REQUEST)
    assert caught.value.kind is ErrorKind.TOO_LARGE


async def test_endless_errors_do_not_stop_the_reply() -> None:
    reply = await python("import sys; sys.stderr.write('e' * 3_000_000); print('done')").complete(REQUEST)
    assert reply.text == "done"


async def test_a_missing_command_is_not_tried_again() -> None:
    called = await Caller(Command(("no-such-command-here",))).call(REQUEST)
    assert (called.error, called.attempts) == (ErrorKind.CONNECTION, 1)
    assert "no-such-command-here" in called.words


def test_the_command_comes_from_the_machine_only() -> None:
    with pytest.raises(ConfigError, match="No command is set"):
        open_provider(CHOICE, None)
    with pytest.raises(ConfigError, match="local addresses only"):
        open_provider(CHOICE, None, command=("echo",), local_only=True)
    assert isinstance(open_provider(CHOICE, None, command=("echo",)), Command)
