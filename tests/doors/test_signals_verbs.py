"""Verbs of signals, and that nothing calls a model before somebody agreed, whatever keys lie about."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.report import ImportOptions
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.scoring_worker import ScoringWorker
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import SystemClock
from aa_tui.backend.support.settings import load_settings_light
from tests.doors.test_cli import Cli, cli, event, write_events
from tests.engine.model_server import ModelServer, status
from tests.scoring_kit import batch_answer, choice

__all__ = ["cli"]
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "AZURE_API_KEY")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=batch_answer) as running:
        yield running


@pytest.fixture
def imported(cli: Cli, tmp_path: Path) -> Path:
    """Closed sessions of long ago, in the store that the verbs use."""
    file = write_events(tmp_path / "events.jsonl")
    assert cli("import", str(file)).code == 0
    return file


def later(path: Path, *keys: str) -> Path:
    """Write sessions that nobody knows yet."""
    lines = []
    for number, key in enumerate(keys):
        at = 1_781_000_000_000 + number * 1000
        said = {"$llm_message": {"text": "where is my parcel"}}
        lines += [
            event("User Message", key, at, Agent_ID="billing", **said),
            event("AI Response", key, at + 1000, Agent_ID="billing", **{"$llm_message": {"text": "tomorrow"}}),
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def opened() -> Workspace:
    """Open the store that the verbs use."""
    return open_workspace(open_store(load_settings_light().values.store, create=True))


def test_status_says_that_it_is_off(cli: Cli, imported: Path) -> None:
    said = cli("signals")
    assert said.code == 0 and "Model scoring is off." in said.out and "No model is chosen" in said.out
    found = cli("signals", "status", "--json").objects()[0]
    assert found["on"] is False and found["cap"] == {"nano": 1_000_000_000, "tokens": 2_000_000}
    listed = [one["id"] for one in cli("signals", "list", "--json").objects()]
    assert "task_completion" in listed and "data_quality" in listed


def test_on_shows_everything_and_needs_a_yes(cli: Cli, imported: Path, server: ModelServer) -> None:
    words = ("signals", "on", "--provider", "compatible", "--model", "mock", "--base-url", server.base_url)
    refused = cli(*words)
    assert refused.code == 2 and "--yes" in refused.err
    for part in (server.base_url, "mock", "messages of users", "secret-shaped", "3 sessions", "local, free"):
        assert part in refused.err, part
    assert cli("signals", "status", "--json").objects()[0]["on"] is False
    agreed = cli(*words, "--max-cost", "0.25", "--json").objects()[0]
    assert agreed["on"] is True and agreed["cap"]["nano"] == 250_000_000
    assert server.calls == server.listings == 0
    assert cli("signals", "off").code == 0
    assert cli("signals", "status", "--json").objects()[0]["consent"] is None


def test_cap_switches_and_models(cli: Cli, imported: Path) -> None:
    assert cli("signals", "cap", "2.5", "--tokens", "1000", "--json").objects()[0]["cap"] == {
        "nano": 2_500_000_000,
        "tokens": 1000,
    }
    cli("signals", "set", "session_outcome", "on")
    switched = {one["id"]: one["on"] for one in cli("signals", "list", "--json").objects()}
    assert switched["session_outcome"] and switched["data_quality"]
    assert cli("signals", "set", "nonsense", "on").code == 2
    assert cli("signals", "models", "local", "--json").objects()[0]["use"] == "local"
    assert cli("signals", "models", "maybe").code == 2


def test_backfill_says_first_what_it_takes(cli: Cli, imported: Path, server: ModelServer) -> None:
    assert cli("signals", "backfill", "--yes").code == 2
    cli("signals", "on", "--provider", "compatible", "--model", "mock", "--base-url", server.base_url, "--yes")
    asked = cli("signals", "backfill")
    assert asked.code == 2 and "3 sessions to score, 3 calls: local, free" in asked.err and server.calls == 0
    done = cli("signals", "backfill", "agent:billing", "--yes", "--json")
    assert done.objects()[0]["done"] == 2 and server.calls == 2
    assert cli("signals", "backfill", "--max-cost", "0", "--json").objects()[0]["done"] == 1


def test_a_provider_that_cannot_be_used_is_exit_code_4(cli: Cli, imported: Path, server: ModelServer) -> None:
    cli("signals", "on", "--provider", "compatible", "--model", "mock", "--base-url", server.base_url, "--yes")
    server.always(status(401, "no such key"))
    failed = cli("signals", "backfill", "--yes")
    assert failed.code == 4 and "no such key" in failed.err and "3 left" in failed.out


def test_run_scores_what_waits(cli: Cli, imported: Path, server: ModelServer, tmp_path: Path) -> None:
    cli("signals", "on", "--provider", "compatible", "--model", "mock", "--base-url", server.base_url, "--yes")
    assert cli("import", str(later(tmp_path / "more.jsonl", "n1", "n2"))).code == 0
    assert server.calls == 0
    assert cli("signals", "run", "--json").objects()[0]["done"] == 2
    assert server.calls == 2


# --- nobody agreed -------------------------------------------------------------------------------------------------


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that this process connects to, besides the model server's own thread's."""
    found: list[Any] = []
    before = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        found.append(address)
        before(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return found


@pytest.fixture
def tempting(cli: Cli, imported: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Keys in the environment, a judge chosen on a running server, sessions that could be scored: and no consent."""
    for name in _KEYS:
        monkeypatch.setenv(name, "sk-lies-about-0123456789")
    monkeypatch.setenv("AA_TUI_JUDGE_PROVIDER", "compatible")
    monkeypatch.setenv("AA_TUI_JUDGE_MODEL", "mock")
    monkeypatch.setenv("AA_TUI_JUDGE_BASE_URL", server.base_url)
    ws = opened()
    ws.judges.set(choice(server.base_url))
    return ws


def silent(server: ModelServer, reached: list[Any]) -> None:
    assert (server.calls, server.listings) == (0, 0)
    assert [one for one in reached if isinstance(one, tuple)] == []


def test_import_and_follow_call_nobody(
    tempting: Workspace, server: ModelServer, reached: list[Any], cli: Cli, tmp_path: Path
) -> None:
    assert cli("import", str(later(tmp_path / "more.jsonl", "n1"))).code == 0
    token, seen = CancelToken(), threading.Event()
    worker = ScoringWorker(tempting.store, SystemClock())
    worker.start()
    folder = tmp_path / "followed"
    folder.mkdir()
    later(folder / "a.jsonl", "f1")
    follow = threading.Thread(
        target=tempting.imports.follow, args=([folder], ImportOptions(), lambda _report: seen.set()),
        kwargs={"token": token},
    )  # fmt: skip
    follow.start()
    assert seen.wait(30)
    worker.wake()
    time.sleep(0.3)
    token.cancel()
    follow.join(30)
    worker.stop()
    assert tempting.scoring.run_pending().calls == 0
    silent(server, reached)


def test_serve_calls_nobody(tempting: Workspace, server: ModelServer, reached: list[Any], cli: Cli) -> None:
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        assert cli("serve", "--port", "0", "--json").code == 0
    finally:
        timer.cancel()
    silent(server, reached)


def test_the_sample_calls_nobody(
    tempting: Workspace, server: ModelServer, reached: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.sources import demo

    monkeypatch.setattr(demo, "generate", partial(demo.generate, sessions=40, users=10))
    ProjectService(tempting.store).create("sample", tempting.actor)
    sample = open_workspace(tempting.store, "sample")
    sample.judges.set(choice(server.base_url))
    sample.imports.load_demo()
    assert sample.scoring.run_pending().calls == 0
    silent(server, reached)


async def test_the_app_starts_no_process_that_calls_models(
    tempting: Workspace, server: ModelServer, reached: list[Any]
) -> None:
    import sys

    from aa_tui.app import AAApp, AppOptions

    app = AAApp(lambda: tempting, "sessions", AppOptions(remember=False))
    async with app.run_test(size=(100, 24)) as pilot:
        await app.workspace_ready()
        await app.score_beside(tempting)
        await pilot.pause()
        assert app._scoring.pid is None
    assert "litellm" not in sys.modules
    silent(server, reached)


async def test_the_app_scores_in_a_process_of_its_own_once_agreed(
    cli: Cli, imported: Path, server: ModelServer, tmp_path: Path
) -> None:
    import asyncio

    from aa_tui.app import AAApp, AppOptions

    cli("signals", "on", "--provider", "compatible", "--model", "mock", "--base-url", server.base_url, "--yes")
    cli("import", str(later(tmp_path / "more.jsonl", "n1", "n2")))
    ws = opened()
    app = AAApp(lambda: ws, "sessions", AppOptions(remember=False))
    async with app.run_test(size=(100, 24)):
        await app.workspace_ready()
        await app.score_beside(ws)
        pid = app._scoring.pid
        assert pid is not None
        for _ in range(1200):
            if ws.scoring.status().waiting == 0 and server.calls == 2:
                break
            await asyncio.sleep(0.05)
        app.exit()
    with ws.store.reader() as reader:
        done = reader.one("SELECT COUNT(*) FROM scoring WHERE state='done'")
    assert done == (2,) and server.calls == 2
    for _ in range(400):
        if app._scoring.pid is None:
            break
        await asyncio.sleep(0.05)
    assert app._scoring.pid is None, "it ends with the app"
    assert json.dumps(ws.scoring.status().on) == "true"
