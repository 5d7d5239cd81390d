"""Hooks: fired once per close revision, whoever looks and whatever ends in between; history is left alone."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.service.hooks import Fired, HookRunner, SessionHook
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.sources.amplitude_event import event_from_amplitude
from aa_tui.backend.store import hooks as rows
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, FrozenClock
from tests.builders import workspace
from tests.store.test_ingest_pipeline import NOW_MS, event_line

WAIT_S = 20.0


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def clock_of(ws: Workspace) -> FrozenClock:
    assert isinstance(ws.clock, FrozenClock)
    return ws.clock


def send(ws: Workspace, session: str, number: int, at_ms: int, **properties: Any) -> None:
    record = json.loads(event_line(session, number))
    record["time"] = at_ms
    record["event_properties"].update(properties)
    event = event_from_amplitude(record, number)
    Writer(ws.store, ws.project.id, ws.clock).write([Incoming(event, "amplitude", 1)])


def writes(target: Path) -> str:
    """Return a command that appends what it reads as one line of a file."""
    program = f"import sys; open({str(target)!r}, 'a').write(sys.stdin.read().replace(chr(10), ' ') + chr(10))"
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}"


def fire(ws: Workspace, *hooks: SessionHook, timeout_s: int = 20) -> list[Fired]:
    """Scan once and wait for the commands."""
    told: list[Fired] = []
    runner = HookRunner(ws, hooks, timeout_s, told.append)
    runner.scan()
    runner.close()
    return told


def said(target: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []


def test_a_close_fires_once_and_a_close_after_reopening_once_more(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "out"
    hook = SessionHook("close", writes(target))
    clock = clock_of(ws)
    assert fire(ws, hook) == []
    send(ws, "s", 1, clock.now_ms())
    ws.imports.close_due()
    assert fire(ws, hook) == []
    clock.advance(HOUR_MS)
    assert ws.imports.close_due() == 1
    assert [(one.session_key, one.state) for one in fire(ws, hook)] == [("s", "done")]
    assert fire(ws, hook) == []
    send(ws, "s", 2, clock.now_ms())
    clock.advance(HOUR_MS)
    assert ws.imports.close_due() == 1
    assert len(fire(ws, hook)) == 1
    documents = said(target)
    assert [document["close_revision"] for document in documents] == [1, 2]
    assert documents[0]["id"] == "s"
    assert documents[0]["project"] == "test"
    assert "words of s number 1" in json.dumps(documents[0])


def test_two_programs_share_the_firings(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "out"
    hook = SessionHook("close", writes(target))
    fire(ws, hook)
    for number in range(12):
        send(ws, f"s{number}", 1, ws.clock.now_ms())
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    told: list[Fired] = []
    runners = [HookRunner(ws, [hook], 20, told.append) for _ in range(2)]
    threads = [threading.Thread(target=runner.scan) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    for runner in runners:
        runner.close()
    assert sorted(document["id"] for document in said(target)) == sorted(f"s{number}" for number in range(12))
    assert len(told) == 12


def test_only_sessions_with_a_failure_fire_the_other_hook(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "out"
    hooks = [SessionHook("failed", writes(target), only_failed=True)]
    fire(ws, *hooks)
    send(ws, "fine", 2, ws.clock.now_ms())
    send(ws, "broken", 2, ws.clock.now_ms(), **{"[Agent] Is Error": True, "[Agent] Error Message": "no"})
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    fire(ws, *hooks)
    assert [document["id"] for document in said(target)] == ["broken"]


def test_history_and_what_closed_before_the_hook_was_there_fire_nothing(ws: Workspace, tmp_path: Path) -> None:
    hook = SessionHook("close", writes(tmp_path / "out"))
    send(ws, "before", 1, ws.clock.now_ms() - HOUR_MS)
    ws.imports.close_due()
    clock_of(ws).advance(1)
    fire(ws, hook)
    clock_of(ws).advance(1)
    send(ws, "old", 1, ws.clock.now_ms() - 3 * DAY_MS)
    ws.imports.close_due()
    assert fire(ws, hook) == []


def test_a_session_opened_again_before_the_look_waits_for_its_next_close(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "out"
    hook = SessionHook("close", writes(target))
    fire(ws, hook)
    send(ws, "s", 1, ws.clock.now_ms())
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    send(ws, "s", 2, ws.clock.now_ms())
    assert fire(ws, hook) == []
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    fire(ws, hook)
    assert [document["close_revision"] for document in said(target)] == [2]


def test_a_failing_command_is_told_and_not_repeated(ws: Workspace) -> None:
    hook = SessionHook("close", "exit 3")
    fire(ws, hook)
    send(ws, "s", 1, ws.clock.now_ms())
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    assert [(one.state, one.reason) for one in fire(ws, hook)] == [("failed", "exit code 3")]
    assert fire(ws, hook) == []
    with ws.store.reader() as reader:
        assert rows.counts(reader, ws.project.id) == {"failed": 1}


def test_a_command_that_never_ends_is_ended_with_all_it_started(ws: Workspace, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    hook = SessionHook("close", f"sleep 300 & echo $! > {shlex.quote(str(pid))}; wait")
    fire(ws, hook)
    send(ws, "s", 1, ws.clock.now_ms())
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    assert [one.reason for one in fire(ws, hook, timeout_s=1)] == ["did not end within 1 s"]
    child = int(pid.read_text())
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.02)
    assert not _runs(child)


def test_a_firing_whose_program_was_killed_is_marked_and_not_repeated(ws: Workspace, tmp_path: Path) -> None:
    hook = SessionHook("close", writes(tmp_path / "out"))
    fire(ws, hook)
    send(ws, "s", 1, ws.clock.now_ms())
    clock_of(ws).advance(HOUR_MS)
    ws.imports.close_due()
    now = ws.clock.now_ms()
    with ws.store.reader() as reader:
        (close,) = rows.due(reader, 1, "close", only_failed=False, since_ms=0, fresh_ms=0, limit=5)
    with ws.store.write() as tx:
        assert rows.claim(tx, 1, close, "close", now, now + 1000)
        assert not rows.claim(tx, 1, close, "close", now, now + 1000)
    clock_of(ws).advance(2000)
    assert fire(ws, hook) == []
    with ws.store.reader() as reader:
        assert [run.state for run in rows.runs(reader, 1, close.session_id)] == ["interrupted"]


def test_without_hooks_nothing_is_written(ws: Workspace) -> None:
    assert fire(ws) == []
    with ws.store.reader() as reader:
        assert reader.fetch("SELECT * FROM hook", {}) == []


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
