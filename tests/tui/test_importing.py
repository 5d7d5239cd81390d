"""Importing from inside the app: offered, followed, stopped, reported, refused; the reader stays where they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.app import AAApp
from aa_tui.backend.model.filter import Filter
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.host.path_names import complete_last_path
from aa_tui.screens.command_line import CommandLine
from aa_tui.screens.sessions import SessionsScreen
from tests.driving import app_on, children, line, lines, settle, until

NOW_MS = 1_790_000_000_000


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty project that can be written."""
    store = open_store(str(tmp_path / "store.db"))
    clock = FrozenClock(NOW_MS)
    ProjectService(store, clock).create("mine", Actor("ada"), "UTC")
    yield open_workspace(store, "mine", Actor("ada"), clock)
    store.close()


def events(session: str, count: int, at_ms: int = NOW_MS) -> list[str]:
    """Return lines of Amplitude's shape: questions and answers of one session."""
    return [
        json.dumps(
            {
                "event_type": "[Agent] AI Response" if number % 2 else "[Agent] User Message",
                "user_id": "ada",
                "insert_id": f"{session}-{number}",
                "time": at_ms + number * 1000,
                "event_properties": {
                    "[Agent] Session ID": session,
                    "[Agent] Trace ID": f"{session}-{number // 2}",
                    "[Agent] Agent ID": "bot",
                    "$llm_message": {"text": f"words of {session}, number {number}"},
                },
            }
        )
        for number in range(count)
    ]


def write(path: Path, *groups: list[str]) -> Path:
    path.write_text("\n".join(line for group in groups for line in group) + "\n", encoding="utf-8")
    return path


def long_file(folder: Path) -> Path:
    """Return a file that takes seconds to import."""
    return write(
        folder / "long.jsonl", *(events(f"long-{number}", 40, NOW_MS - number * 60_000) for number in range(900))
    )


def shown(app: AAApp) -> str:
    return "\n".join(lines(app))


async def test_a_path_after_import_comes_in_and_its_problems_can_be_read(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path / "events.jsonl", events("one", 4), ["{broken [/b]"], events("two", 2))
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(pilot)
        await line(pilot, f"import {path}")
        await until(pilot, lambda app: "importing" in lines(app)[-2])
        await until(pilot, lambda app: not app.importing.under_way and "words of two" in shown(app))
        assert "imported: 2 new sessions, 1 problem (:problems lists them)" in lines(app)[-2]
        await line(pilot, "problems")
        await settle(pilot)
        report = shown(app)
        assert "2  new sessions" in report and "events.jsonl" in report and "line 5" in report
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, SessionsScreen)
        await asyncio.sleep(2.1)
        await pilot.press("j")
        await settle(pilot)
        assert "imported" not in shown(app)
        assert any("imported: 2 new sessions" in message for message in app.messages)


async def test_what_comes_in_does_not_move_the_cursor(workspace: Workspace, tmp_path: Path) -> None:
    workspace.imports.run(
        [write(tmp_path / "old.jsonl", *(events(f"old-{n}", 2, NOW_MS - n * 60_000) for n in range(9)))]
    )
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "j")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        under, place = screen.table.cursor_id, screen.table.cursor
        newer = (events(f"new-{n}", 2, NOW_MS + n * 60_000) for n in range(5))
        await line(pilot, f"import {write(tmp_path / 'new.jsonl', *newer)}")
        await until(pilot, lambda app: app.importing.report is not None and "+5 new" in lines(app)[1])
        assert (screen.table.cursor_id, screen.table.cursor) == (under, place)
        await pilot.press("r")
        await settle(pilot)
        assert screen.table.cursor_id == under and len(screen.table.ids) == 14


async def test_places_of_coding_agents_are_offered_with_counts(workspace: Workspace) -> None:
    folder = Path.home() / ".claude" / "projects" / "-home-ada"
    folder.mkdir(parents=True)
    record: dict[str, Any] = {"type": "user", "sessionId": "c1", "uuid": "u1", "parentUuid": None}
    record |= {
        "timestamp": "2026-09-20T10:00:00Z",
        "cwd": "/home/ada",
        "version": "2.0.0",
        "message": {"role": "user", "content": "Fix the test"},
    }
    (folder / "c1.jsonl").write_text(json.dumps(record) + "\n")
    app = app_on(workspace, "monitor")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "I import" in lines(app)[-1] and "aa-tui import --project mine" in shown(app)
        await pilot.press("I")
        await until(pilot, lambda app: "Import into mine" in shown(app))
        assert "Claude Code" in shown(app) and "1 transcript," in shown(app)
        await pilot.press("1")
        await until(pilot, lambda app: app.importing.report is not None and "claude-code" in shown(app))
        assert "imported: 1 new session" in lines(app)[-2]


async def test_files_can_be_named_with_completion_where_no_agent_left_any(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path / "some events.jsonl", events("one", 2)).parent)
    app = app_on(workspace, "cohorts")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("I")
        await until(pilot, lambda app: "Import into mine" in shown(app))
        assert "there are none on this machine" in shown(app)
        await pilot.press("p")
        await until(pilot, lambda app: isinstance(app.screen, CommandLine) and app.focused is not None)
        assert lines(app)[-1].startswith(": import ")
        await pilot.press(*"so", "tab", "enter")
        await until(pilot, lambda app: app.importing.report is not None)
        assert app.importing.report is not None and app.importing.report.sessions == 1


async def test_an_import_can_be_stopped_and_keeps_what_came_in(workspace: Workspace, tmp_path: Path) -> None:
    first = write(tmp_path / "first.jsonl", events("first", 2))
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await line(pilot, f"import {first} {long_file(tmp_path)}")
        await until(pilot, lambda app: "importing" in lines(app)[-2] and " of 2 files" in lines(app)[-2])
        await line(pilot, "import elsewhere")
        await until(pilot, lambda app: "An import is under way" in shown(app))
        await pilot.press("I")
        await until(pilot, lambda app: "let it go on" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda app: not app.importing.under_way)
        assert "import stopped" in lines(app)[-2]
        assert children() == []
        assert app.importing.report is not None and app.importing.report.cancelled


async def test_quitting_asks_first_and_ends_the_child(workspace: Workspace, tmp_path: Path) -> None:
    app = app_on(workspace, "sessions")
    path = long_file(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await line(pilot, f"import {path}")
        await until(pilot, lambda app: "importing" in lines(app)[-2] and bool(children()))
        await pilot.press("q")
        await until(pilot, lambda app: "stop the import and quit" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda app: "stop the import and quit" not in shown(app))
        assert app.importing.under_way
        await pilot.press("q")
        await until(pilot, lambda app: "stop the import and quit" in shown(app))
        await pilot.press("x")
        await pilot.pause()
    assert app.return_code == 0
    for _ in range(500):
        if not children():
            break
        await asyncio.sleep(0.02)
    assert children() == []


async def test_what_cannot_be_imported_is_said(workspace: Workspace, tmp_path: Path) -> None:
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await line(pilot, f"import {tmp_path}/nothing-here")
        await until(pilot, lambda app: not app.importing.under_way and "no file or folder" in lines(app)[-2])
        await line(pilot, "import 'open")
        await until(pilot, lambda app: "A quote is left open" in shown(app))
        await line(pilot, "stop-import")
        await until(pilot, lambda app: "no import is under way" in shown(app))


async def test_a_read_only_store_and_a_viewer_say_why_not(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path / "events.jsonl", events("one", 2))
    read_only = open_workspace(open_store(workspace.store.url, read_only=True), "mine", Actor("ada"), workspace.clock)
    viewer = open_workspace(workspace.store, "mine", Actor("eve", "viewer"), workspace.clock)
    for opened, why in ((read_only, "opened with --read-only"), (viewer, "eve (viewer) lacks")):
        app = app_on(opened, "cohorts")
        async with app.run_test(size=(120, 24)) as pilot:
            await settle(pilot)
            await pilot.press("I")
            await settle(pilot)
            assert f"import: {why}" in shown(app)
            await line(pilot, f"import {path}")
            await settle(pilot)
            assert why in shown(app) and not app.importing.under_way
    assert workspace.sessions.count(Filter()) == 0
    read_only.store.close()


def test_path_names_are_completed_as_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs of mine").mkdir()
    (tmp_path / "log.jsonl").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert complete_last_path("import lo") == ["import log.jsonl", "import logs\\ of\\ mine/"]
    assert complete_last_path("import a 'logs of") == ["import a logs\\ of\\ mine/"]
    assert complete_last_path("import ~/log.") == ["import ~/log.jsonl"]
    assert complete_last_path("import ") == ["import log.jsonl", "import logs\\ of\\ mine/"]
    assert complete_last_path("import .h") == ["import .hidden"]
    assert complete_last_path("import no/such/") == []
