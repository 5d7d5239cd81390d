"""What a project is set to, seen at once: set and undone here, or by another process; its memory; read-only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from aa_tui.app import AAApp
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, last_project, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.screens.sessions import SessionsScreen
from tests import builders
from tests.driving import app_on, children, line, lines, settle, until

AT_MS = builders.NOW_MS - builders.DAY_MS
"""14:13 of the day before, in UTC; 16:13 in Zurich, 23:13 in Tokyo."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A project in UTC with nine sessions, each a minute before the former."""
    ws = builders.workspace(tmp_path)
    for number in range(9):
        builders.session(ws, f"s-{number}", at=AT_MS - number * 60_000)
    ws.reread()
    yield ws
    ws.store.close()


def shown(app: AAApp) -> str:
    return "\n".join(lines(app))


async def test_a_setting_and_its_undo_are_seen_at_once_where_the_reader_is(workspace: Workspace) -> None:
    app = app_on(workspace, "sessions?agents=support-bot")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        screen = app.screen
        assert isinstance(screen, SessionsScreen) and "14:13" in lines(app)[3]
        under = screen.table.cursor_id
        await line(pilot, "set time_zone Europe/Zurich")
        await until(pilot, lambda app: "16:13" in lines(app)[3])
        assert "time_zone is set" in lines(app)[-2] and screen.table.cursor_id == under
        assert str(screen.address()) == "sessions?agents=support-bot"
        await pilot.press("z")
        await until(pilot, lambda app: "14:13" in lines(app)[3])
        assert "undo: set “time_zone”" in lines(app)[-2]
        await pilot.press("Z")
        await until(pilot, lambda app: "16:13" in lines(app)[3])
        assert screen.table.cursor_id == under


async def test_what_another_process_set_is_seen_too(workspace: Workspace) -> None:
    app = app_on(workspace, "session/s-0/info")
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda app: "14:13" in shown(app))
        other = open_store(workspace.store.url)
        try:
            ProjectService(other).set_setting(workspace.project, "time_zone", "Asia/Tokyo", Actor("eve"))
        finally:
            other.close()
        await until(pilot, lambda app: workspace.project.time_zone == "Asia/Tokyo" and "23:13" in shown(app))
        await pilot.press("2")
        await until(pilot, lambda app: "23:13" in lines(app)[3])


async def test_a_commit_that_sets_nothing_leaves_the_reader_alone(workspace: Workspace) -> None:
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "space")
        workspace.views.save("mine", "sessions")
        await app.take_changes()
        await settle(pilot)
        assert "1 marked" in lines(app)[-2]


async def test_the_project_switched_to_is_the_one_of_the_next_start(workspace: Workspace) -> None:
    ProjectService(workspace.store).create("other", Actor("tester"))
    for remember, wanted in ((False, None), (True, "other")):
        app = app_on(workspace, "cohorts", remember=remember)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await line(pilot, "project other")
            await until(pilot, lambda app: app.project_name == "other")
            await settle(pilot)
        kept = last_project(workspace.store)
        assert (kept and ProjectService(workspace.store).get(kept).name) == wanted
    assert open_workspace(workspace.store).project.name == "other"


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_store_that_may_only_be_read_says_so_from_the_start(
    workspace: Workspace, size: tuple[int, int]
) -> None:
    store = open_store(workspace.store.url, read_only=True)
    app = app_on(
        open_workspace(store, "test", Actor("ada"), workspace.clock), "sessions", problems=("keys: no action",)
    )
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "read-only: opened with --read-only" in lines(app)[-2]
        assert "read-only · " in lines(app)[1]
        assert app.messages[:2] == ["keys: no action", "read-only: opened with --read-only"]
        for section in ("3", "1"):
            await pilot.press(section)
            await settle(pilot)
            assert "read-only" in lines(app)[1]
    store.close()


async def test_the_sample_project_is_built_beside_the_app_and_stops_with_it(workspace: Workspace) -> None:
    app = app_on(workspace, "monitor/get-started")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "sample project" in lines(app)[-1])
        await pilot.press("d")
        await until(pilot, lambda app: "building the sample project" in lines(app)[-2])
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0 and app.project_name == "test"
    for _ in range(500):
        if not children():
            break
        await asyncio.sleep(0.02)
    assert children() == []
