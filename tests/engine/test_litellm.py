"""The road through LiteLLM, against the loopback server: one process for all of it, because loading takes seconds."""

from __future__ import annotations

import ast
import asyncio
import os
import signal
from pathlib import Path

import pytest

from aa_tui.backend.judging.calling import Caller, CallPolicy
from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.providers import litellm_client, open_provider
from aa_tui.backend.judging.providers.contract import CallRequest, ProviderError
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.litellm_client import LiteLLM
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.errors import ConfigError
from tests.engine import model_server as ms
from tests.engine.model_server import Fault, ModelServer, status

K = ErrorKind
PLANTED = "sk-planted-0123456789abcdefghij"
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
REQUEST = CallRequest("openai/mock", (Message("user", "Answer in JSON."),), SCHEMA, 99)
PACKAGE = Path(__file__).resolve().parents[2] / "aa_tui"

FAULTS: list[tuple[str, Fault, int, ErrorKind | None]] = [
    ("429", status(429, retry_after="0"), 4, K.RATE_LIMITED),
    ("quota", status(429, code_name="insufficient_quota"), 1, K.QUOTA),
    ("401", status(401, f"Incorrect API key provided: {PLANTED}"), 1, K.AUTH),
    ("400", status(400, "messages must not be empty"), 1, K.BAD_REQUEST),
    ("404", status(404, "The model `x` does not exist", code_name="model_not_found"), 1, K.UNKNOWN_MODEL),
    ("too long", status(400, "maximum context length is 8192", code_name="context_length_exceeded"), 1, K.TOO_LONG),
    ("500", status(500), 4, K.UNAVAILABLE),
    ("reset", ms.RESET, 4, K.UNAVAILABLE),
    ("html", ms.HTML, 1, K.BAD_RESPONSE),
    ("not json", ms.NOT_JSON, 1, K.BAD_RESPONSE),
    ("empty choices", ms.EMPTY_CHOICES, 1, K.BAD_RESPONSE),
    ("null content", ms.NULL_CONTENT, 1, None),
    ("content filter", ms.CONTENT_FILTER, 1, None),
]


def seen_by_others(pid: int) -> bytes:
    """What the system shows of a process: its environment and arguments, where there is a /proc."""
    files = [Path(f"/proc/{pid}/{name}") for name in ("environ", "cmdline")]
    return b"".join(file.read_bytes() for file in files if file.exists())


async def test_the_library_in_its_own_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-address-000001")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OPENAI_API_BASE=http://127.0.0.1:9/v1\n")
    (tmp_path / "litellm.py").write_text("raise SystemExit('the wrong one')\n")
    with ModelServer() as server:
        choice = ModelChoice("litellm", "openai/mock", server.base_url)
        provider = open_provider(choice, Secret(PLANTED), local_only=True)
        assert isinstance(provider, LiteLLM)
        caller = Caller(provider, CallPolicy(first_backoff_s=0.002))
        first = await caller.call(REQUEST)
        assert first.reply is not None and first.reply.text == '{"ok": true}'
        assert (first.reply.output_tokens, first.reply.cost_nano, first.reply.requests) == (60, None, 1)
        (seen,) = server.requests
        assert seen.headers["authorization"] == f"Bearer {PLANTED}"
        assert seen.body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert (seen.body["max_tokens"], seen.body["temperature"], seen.body["model"]) == (99, 0, "mock")

        process = provider._process
        assert process is not None
        visible = seen_by_others(process.pid)
        assert b"sk-" not in visible and b"127.0.0.1:9" not in visible

        for name, fault, attempts, kind in FAULTS:
            before = server.calls
            server.always(fault)
            called = await caller.call(REQUEST)
            assert (name, server.calls - before, called.attempts, called.error) == (name, attempts, attempts, kind)
            assert PLANTED not in called.words
            caller.unblock()
        server.always(status(429, retry_after="17"))
        with pytest.raises(ProviderError) as caught:
            await provider.complete(REQUEST)
        assert (caught.value.kind, caught.value.retry_after_s) == (K.RATE_LIMITED, 17)
        server.always(ms.REFUSAL)
        refused = await caller.call(REQUEST)
        assert refused.reply is not None and refused.reply.finish_reason == "content_filter"
        server.always(ms.NO_SCHEMA)
        again = await caller.call(REQUEST)
        assert again.reply is not None and again.reply.requests == 2

        server.always(ms.HANG)
        before = server.calls
        hanging = asyncio.create_task(caller.call(REQUEST))
        async with asyncio.timeout(20):
            while server.calls == before:  # noqa: ASYNC110  (it happens in another thread)
                await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while provider._process is process and process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        assert caller.in_flight == 0
        await caller.aclose()
        assert provider._process is None
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


async def test_a_library_that_cannot_be_loaded_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "import sys; sys.modules['litellm'] = None; " + litellm_client._BOOT
    monkeypatch.setattr(litellm_client, "_BOOT", broken)
    provider = open_provider(ModelChoice("litellm", "openai/mock", "http://127.0.0.1:9/v1"), None)
    caller = Caller(provider)
    called = await caller.call(REQUEST)
    await caller.aclose()
    assert (called.error, called.attempts) == (K.BAD_REQUEST, 1)
    assert "cannot be loaded" in called.words


def test_addresses_of_others_are_refused_when_only_local_ones_are_allowed() -> None:
    for choice in (
        ModelChoice("anthropic", "claude"),
        ModelChoice("litellm", "cohere/command-r"),
        ModelChoice("litellm", "openai/x", "http://name.example/v1"),
        ModelChoice("bedrock", "x"),
    ):
        with pytest.raises(ConfigError, match="local addresses only"):
            open_provider(choice, None, local_only=True)


def test_one_file_imports_the_library() -> None:
    importing = set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "litellm" in source else ():
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "litellm" for name in names):
                importing.add(path.name)
    assert importing == {"litellm_child.py"}
