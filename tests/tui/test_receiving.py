"""The receiver beside the app: started, marked, seen by others, stopped; the reader is not moved by what arrives."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.app import AAApp
from aa_tui.backend.service import receivers
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import SystemClock
from aa_tui.host import receiver_child
from aa_tui.host.receiver_child import ReceiverChild
from aa_tui.screens.sessions import SessionsScreen
from tests.driving import app_on, line, lines, settle, until


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty project that can be written; receivers take a port nobody else has."""
    monkeypatch.setattr(receiver_child, "PORTS", (0,))
    store = open_store(str(tmp_path / "store.db"))
    ProjectService(store).create("mine", Actor("ada"), "UTC")
    yield open_workspace(store, "mine", Actor("ada"))
    store.close()


def send(port: int, key: str, session: str, turns: int = 1, begin: int = 0) -> None:
    now = SystemClock().now_ms()
    events = [
        {
            "event_type": "[Agent] User Message",
            "user_id": "ada",
            "insert_id": f"{session}-{number}",
            "time": now - 60_000 + number,
            "event_properties": {
                "[Agent] Session ID": session,
                "[Agent] Trace ID": f"{session}-{number}",
                "[Agent] Agent ID": "bot",
                "$llm_message": {"text": f"words of {session}"},
            },
        }
        for number in range(begin, begin + turns)
    ]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/2/httpapi",
        json.dumps({"api_key": key, "events": events}).encode(),
        {"Content-Type": "application/json; charset=UTF-8"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["code"] == 200


def shown(app: AAApp) -> str:
    return "\n".join(lines(app))


def table(app: AAApp) -> Any:
    assert isinstance(app.screen, SessionsScreen)
    return app.screen.table


async def test_started_by_a_key_it_takes_events_and_is_stopped(workspace: Workspace) -> None:
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await until(pilot, lambda app: "● rx " in shown(app))
        (one,) = receivers.running(workspace.store, workspace.clock)
        assert f"● rx {one.port} · 0 events" in shown(app)
        send(one.port, workspace.project.api_key, "first", 3)
        await until(pilot, lambda app: "3 events" in shown(app) and "words of first" in shown(app))
        assert len(table(app).ids) == 1
        # It is there from every place.
        await pilot.press("1")
        await until(pilot, lambda app: "Monitor" in shown(app) and f"● rx {one.port} · 3 events" in shown(app))
        await pilot.press("S")
        await until(pilot, lambda app: "copy OpenTelemetry's variables" in shown(app))
        assert workspace.project.api_key not in shown(app), "a key is copied, not shown"
        await pilot.press("x")
        await until(pilot, lambda app: "● rx " not in shown(app))
        assert receivers.running(workspace.store, workspace.clock) == []


async def test_new_data_appears_without_moving_the_reader(workspace: Workspace) -> None:
    child = ReceiverChild(workspace.store.url, "mine")
    child.start()
    try:
        port, key = int(child.url.rpartition(":")[2]), workspace.project.api_key
        for number in range(5):
            send(port, key, f"s{number}")
        app = app_on(workspace, "sessions")
        async with app.run_test(size=(120, 24)) as pilot:
            # A receiver of another process on the same store is noticed.
            await until(pilot, lambda app: f"● rx {port} · 5 events" in shown(app) and len(table(app).ids) == 5)
            await pilot.press("down", "down")
            reading = table(app).cursor_id
            at, row = table(app).cursor, next(text for text in lines(app) if f"{_key(app, reading)} " in text)
            send(port, key, "another")
            send(port, key, _key(app, reading), 4, begin=1)
            await until(pilot, lambda app: "+1 new" in shown(app))
            await until(pilot, lambda app: row not in shown(app))
            now = table(app)
            assert (now.cursor_id, now.cursor, len(now.ids)) == (reading, at, 5)
            assert now.row(reading).turns == 5, "a session that goes on is shown as it is now"
            await pilot.press("r")
            await until(pilot, lambda app: len(table(app).ids) == 6)
            assert table(app).cursor_id == reading
            await pilot.press("S")
            await until(pilot, lambda app: f"process {child.pid} on" in shown(app))
    finally:
        child.stop()


def _key(app: AAApp, row_id: int) -> str:
    return str(table(app).row(row_id).key)


async def test_one_that_is_killed_loses_its_mark(workspace: Workspace) -> None:
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await line(pilot, "receiver")
        await until(pilot, lambda app: "● rx " in shown(app))
        os.kill(receivers.running(workspace.store, workspace.clock)[0].pid, signal.SIGKILL)
        await until(pilot, lambda app: "● rx " not in shown(app))
        assert any("The receiver ended" in text for text in app.messages)


async def test_leaving_the_app_ends_it(workspace: Workspace) -> None:
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await until(pilot, lambda app: "● rx " in shown(app))
        pid = receivers.running(workspace.store, workspace.clock)[0].pid
        child = app.receiver._child
        assert child is not None and child.pid == pid
        app.exit()
    assert child._process is not None and child._process.wait(20) == 0
    assert receivers.running(workspace.store, workspace.clock) == []


async def test_why_it_does_not_start_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_child, "PORTS", (1,))
    monkeypatch.setattr(receiver_child.sys, "executable", "/bin/false")
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await until(pilot, lambda app: "The receiver ended at once" in shown(app))
        assert app.receiver._child is None and "● rx" not in shown(app)


async def test_a_store_that_may_only_be_read_takes_nothing(sample: Workspace) -> None:
    app = app_on(sample, "sessions")
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await until(pilot, lambda app: "receiver: opened with --read-only" in shown(app))
        assert app._receiver is None or app.receiver._child is None
