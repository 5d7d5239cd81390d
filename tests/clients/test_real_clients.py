"""Each real client sends to a running `aa-tui serve`; what arrives is read with `aa-tui sessions --json`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.model import model_server

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60.0
NEEDS = {
    "amplitude_sdk": "amplitude_ai",
    "otel_manual": "opentelemetry.exporter.otlp.proto.http",
    "openinference": "openinference.instrumentation.openai",
    "openllmetry": "opentelemetry.instrumentation.openai",
    "litellm_otel": "litellm",
    "langgraph_agent": "openinference.instrumentation.langchain",
    "langgraph_langsmith": "langgraph",
}


@dataclass
class Receiver:
    """A running receiver, its project's key, and the environment programs need."""

    environment: dict[str, str]

    def run(self, program: str) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"tests.clients.programs.{program}"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def sessions(self, words: str) -> list[dict[str, Any]]:
        """Return the sessions that a filter selects, oldest first, as the command line tells them."""
        done = _aa(self.environment, "sessions", words, "--json")
        found = [json.loads(line) for line in done.splitlines()]
        return sorted(found, key=lambda session: str(session["started_at"]))

    def settled(self, words: str, **facts: Any) -> list[dict[str, Any]]:
        """Wait until the sessions a filter selects add up to these facts; return them."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = self.sessions(words)
            sums = {name: sum(session[name] or 0 for session in found) for name in facts}
            if found and sums == facts:
                return found
            assert time.monotonic() < deadline, (sums, found)
            time.sleep(0.3)


def _aa(environment: dict[str, str], *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "aa_tui", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    home = tmp_path_factory.mktemp("clients")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSMITH_"))}
    environment = {
        **kept,
        "HOME": str(home),
        "AA_TUI_STORE": str(home / "store.db"),
        "PYTHONPATH": str(ROOT),
        "AMPLITUDE_AI_DISABLE_TELEMETRY": "1",
    }
    _aa(environment, "projects", "create", "bots")
    environment["KEY"] = json.loads(_aa(environment, "projects", "--json").splitlines()[0])["api_key"]
    command = [sys.executable, "-m", "aa_tui", "serve", "--port", "0", "--json", "--project", "bots"]
    with (
        model_server() as model,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as serving,
    ):
        assert serving.stdout is not None
        try:
            environment["RECEIVER"] = json.loads(serving.stdout.readline())["url"]
            environment["MODEL_URL"] = model
            yield Receiver(environment)
            serving.terminate()
            assert serving.wait(WAIT_S) == 0
        finally:
            serving.kill()


def run(receiver: Receiver, program: str) -> None:
    """Run a program, or skip where its libraries are not installed."""
    module = NEEDS[program]
    for parent in (module.rpartition(".")[0], module):
        if parent and not _is_there(parent):
            pytest.skip(f"{module} is not installed")
    receiver.run(program)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def test_the_amplitude_sdk(receiver: Receiver) -> None:
    run(receiver, "amplitude_sdk")
    (session,) = receiver.settled("user:user-sdk", turns=2, messages=4, tool_calls=1, tool_errors=1, model_calls=2)
    assert session["id"] == "sdk-1"
    assert session["agent"] == "billing"
    assert (session["input_tokens"], session["output_tokens"]) == (150, 25)
    assert session["title"] == "Where is my parcel?"
    assert session["source"] == "amplitude"
    assert session["state"] in ("closing", "closed")


def test_the_opentelemetry_sdk(receiver: Receiver) -> None:
    run(receiver, "otel_manual")
    (session,) = receiver.settled("user:user-otel", turns=1, model_calls=2, tool_calls=1, errors=1)
    assert session["id"] == "otel-1"
    assert session["agent"] == "desk"
    assert session["user_messages"] == 1
    assert (session["input_tokens"], session["output_tokens"]) == (30, 9)


def test_openinference(receiver: Receiver) -> None:
    run(receiver, "openinference")
    (session,) = receiver.settled("user:user-oi", turns=3, model_calls=3, errors=1, user_messages=3)
    assert session["id"] == "oi-1"
    assert (session["input_tokens"], session["output_tokens"]) == (22, 14)


def test_openllmetry(receiver: Receiver) -> None:
    run(receiver, "openllmetry")
    (session,) = receiver.settled("user:user-ol", turns=1, model_calls=2, tool_calls=1, user_messages=1)
    assert session["id"] == "ol-1"
    assert (session["input_tokens"], session["output_tokens"]) == (22, 14)


def test_litellm(receiver: Receiver) -> None:
    """It names no session: every call is one of its own, found by its user; nothing is counted twice."""
    run(receiver, "litellm_otel")
    found = receiver.settled("user:user-ll", turns=3, model_calls=3, errors=1)
    assert [session["title"] for session in found] == ["Where is my parcel?", "And the other one?", "FAIL please"]
    assert all(session["cost_usd"] for session in found[:2])
    assert found[2]["cost_usd"] is None


@pytest.mark.parametrize(("program", "thread"), [("langgraph_agent", "lg"), ("langgraph_langsmith", "ls")])
def test_three_messages_of_one_langgraph_thread_are_one_session(receiver: Receiver, program: str, thread: str) -> None:
    run(receiver, program)
    (session,) = receiver.settled(f"user:user-{thread}", turns=3, user_messages=3, model_calls=6, tool_calls=3)
    assert session["id"] == f"{thread}-1"
    assert session["title"] == "Where is order A-1?"


WITHHELD = {
    "openinference": ("openinference", {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"}),
    "openllmetry": ("openllmetry", {"TRACELOOP_TRACE_CONTENT": "false"}),
    "litellm_otel": ("litellm", {"WITHHOLD": "1"}),
    "langgraph_langsmith": ("langsmith", {"LANGSMITH_HIDE_INPUTS": "true", "LANGSMITH_HIDE_OUTPUTS": "true"}),
}
"""What each program's texts are kept back by, and the environment that makes it so."""


@pytest.mark.parametrize("program", WITHHELD)
def test_a_client_that_keeps_texts_back_is_told_apart(receiver: Receiver, program: str) -> None:
    reason, environment = WITHHELD[program]
    project = f"hidden-{program}"
    _aa(receiver.environment, "projects", "create", project)
    projects = [json.loads(line) for line in _aa(receiver.environment, "projects", "--json").splitlines()]
    key = next(one["api_key"] for one in projects if one["name"] == project)
    hidden = Receiver({**receiver.environment, **environment, "KEY": key, "AA_TUI_PROJECT": project})
    run(hidden, program)
    deadline = time.monotonic() + WAIT_S
    while not (found := hidden.sessions(f"withheld:{reason}")):
        assert time.monotonic() < deadline, hidden.sessions("")
        time.sleep(0.3)
    assert all(session["model_calls"] for session in found)
    assert hidden.sessions("has:text") == []


def test_a_client_with_a_wrong_key_is_refused_and_nothing_is_stored(receiver: Receiver) -> None:
    if not _is_there("opentelemetry"):
        pytest.skip("opentelemetry is not installed")
    before = len(receiver.sessions(""))
    Receiver({**receiver.environment, "KEY": "0" * 32}).run("otel_manual")
    assert len(receiver.sessions("")) == before
