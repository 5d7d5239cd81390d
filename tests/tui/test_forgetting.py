"""Deleting for good in the app: it asks, a word must be typed, and anything else keeps everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import DAY_MS, FrozenClock
from aa_tui.screens.forgetting import ConfirmDelete
from aa_tui.screens.session.screen import SessionScreen
from aa_tui.screens.sessions import SessionsScreen
from tests.builders import NOW_MS, workspace
from tests.driving import app_on, line, lines, settle, until

NASTY = "u[/red]\x1b[2J"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path)
    events = [
        AgentEvent(
            EventKind.USER_MESSAGE, f"{key}-1", session_key=key, user_id=user, time_ms=NOW_MS, text=f"words of {key}"
        )
        for key, user in (("one", NASTY), ("two", NASTY), ("three", "bob"))
    ]
    Writer(made.store, 1, made.clock).write([Incoming(event, "test", 1) for event in events])
    yield made
    made.store.close()


def keys(ws: Workspace) -> list[str]:
    with ws.store.reader() as reader:
        return sorted(row[0] for row in reader.fetch("SELECT key FROM session"))


async def confirm(pilot: Pilot[int], choice: str, word: str) -> None:
    await until(pilot, lambda app: "Delete for good" in "\n".join(lines(app)))
    await pilot.press(choice)
    await until(pilot, lambda app: isinstance(app.screen, ConfirmDelete) and app.focused is not None)
    await pilot.press(*word)


async def test_a_session_goes_once_the_word_is_typed(ws: Workspace) -> None:
    app = app_on(ws, "session/two")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await line(pilot, "delete")
        await confirm(pilot, "s", "delet")
        shown = "\n".join(lines(app))
        assert "1 session, 1 event" in shown
        assert "cannot be undone" in shown
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmDelete)
        assert keys(ws) == ["one", "three", "two"]
        await pilot.press(*"delete", "enter")
        await until(pilot, lambda app: isinstance(app.screen, SessionsScreen) and "Deleted for good" in lines(app)[-2])
        await settle(pilot)
        assert keys(ws) == ["one", "three"]
        assert "words of two" not in "\n".join(lines(app))


async def test_everything_of_a_user_goes_from_the_list(ws: Workspace) -> None:
    app = app_on(ws, "sessions?q=user:bob")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await line(pilot, "delete")
        await confirm(pilot, "u", "delete")
        await pilot.press("enter")
        await until(pilot, lambda app: "Deleted for good: 1 session, 1 event" in lines(app)[-2])
        assert keys(ws) == ["one", "two"]


async def test_escape_keeps_it_and_a_hostile_name_is_only_shown(ws: Workspace) -> None:
    app = app_on(ws, "session/one")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await line(pilot, "delete")
        await confirm(pilot, "u", "")
        assert "u[/red]" in "\n".join(lines(app))
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, SessionScreen)
        assert "Nothing was deleted" in lines(app)[-2]
        assert keys(ws) == ["one", "three", "two"]


async def test_who_may_not_is_told(ws: Workspace) -> None:
    member = Workspace(ws.store, ws.project, Actor("eve", "member"), ws.clock)
    app = app_on(member, "session/one")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await line(pilot, "delete")
        await until(pilot, lambda app: "Administer" in lines(app)[-2])
        assert keys(ws) == ["one", "three", "two"]


async def test_what_is_too_old_goes_some_time_after_the_start(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aa_tui.screens.opening._UPKEEP_AFTER_SECONDS", 0.1)
    ws.project = ProjectService(ws.store, ws.clock).set_setting(ws.project, "retention_days", 7, ws.actor)
    later = Workspace(ws.store, ws.project, ws.actor, FrozenClock(NOW_MS + 8 * DAY_MS))
    app = app_on(later, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda app: bool(app.messages))
        assert app.messages == ["Older than the project keeps, and deleted: 3 sessions, 3 events."]
        assert keys(ws) == []
