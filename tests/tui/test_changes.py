"""One watcher asks whether anything was committed; the place that is seen learns of it, others when they are seen."""

from __future__ import annotations

from typing import Any

import pytest

from aa_tui.app import AAApp
from aa_tui.backend.support.errors import StoreError
from aa_tui.screens.base import PlaceScreen
from tests.driving import app_on as driven
from tests.driving import lines, settle, until
from tests.fakes import FakeWorkspace, row
from tests.tui import fakes_monitor


def app_on(workspace: Any, place: str) -> AAApp:
    """Return the app at a place; it looks when a test lets it, not by the clock."""
    app = driven(workspace, place)
    app.set_interval = lambda *a, **k: None  # type: ignore
    return app


def painted_by(app: AAApp) -> list[Any]:
    """Return the list that every widget of the screen puts itself on from now on, instead of being painted."""
    painted: list[Any] = []
    for widget in app.screen.walk_children():
        widget.refresh = lambda *a, w=widget, **k: painted.append(w)  # type: ignore[method-assign]
    return painted


def asked_of(workspace: Any) -> list[Any]:
    """Return what was asked for rows or figures."""
    return [*getattr(workspace.sessions, "calls", ()), *getattr(getattr(workspace, "monitor", None), "asked", ())]


@pytest.mark.parametrize("place", ["sessions", "monitor"])
async def test_the_first_look_reads_nothing_again_and_paints_nothing(place: str) -> None:
    workspace = FakeWorkspace(n=40) if place == "sessions" else fakes_monitor.workspace()
    app = app_on(workspace, place)
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        assert app.watching.change is None
        before, painted = asked_of(workspace), painted_by(app)
        app.watching.look()
        await settle(pilot)
        assert app.watching.change is not None, "it has looked"
        assert (asked_of(workspace), painted) == (before, [])


async def test_a_commit_elsewhere_reads_no_list_again() -> None:
    workspace = FakeWorkspace(n=40)
    workspace.data_version = lambda: 7
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        before, painted = asked_of(workspace), painted_by(app)
        for _ in range(3):
            workspace.changes += 1
            app.watching.look()
            await settle(pilot)
        assert (asked_of(workspace), painted) == (before, [])


async def test_a_place_that_is_not_seen_asks_nothing_and_learns_of_it_when_it_is_seen_again() -> None:
    workspace = FakeWorkspace(n=40)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await settle(pilot)
        before = asked_of(workspace)
        workspace.sessions.all.append(row(-1))
        workspace.changes += 1
        app.watching.look()
        await settle(pilot)
        assert asked_of(workspace) == before
        await pilot.press("2")
        await settle(pilot)
        app.watching.look()
        await settle(pilot)
        assert "+1 new" in lines(app)[1]


async def test_what_is_committed_while_the_list_is_read_is_looked_for_after_it() -> None:
    workspace = FakeWorkspace(n=40)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        sessions, read = workspace.sessions, workspace.sessions.calls.count("ids")
        sessions.gate.clear()
        await pilot.press("r")
        await until(pilot, lambda app: sessions.calls.count("ids") == read + 1)
        workspace.changes += 1
        app.watching.look()
        await until(pilot, lambda app: app.watching.change == workspace.changes)
        sessions.gate.set()
        await settle(pilot)
        assert "count" not in sessions.calls
        sessions.all.append(row(-1))
        app.watching.look()
        await settle(pilot)
        assert "+1 new" in lines(app)[1]


async def test_figures_that_could_not_be_read_are_read_with_the_next_look() -> None:
    monitor = fakes_monitor.FakeMonitor()
    workspace = fakes_monitor.workspace(monitor)
    app = app_on(workspace, "monitor")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        asked, monitor.error = len(monitor.asked), StoreError("The store is locked.")
        workspace.store.changes += 1
        app.watching.look()
        await settle(pilot)
        assert "The store is locked. r tries again." in app.messages
        monitor.error = None
        app.watching.look()
        await settle(pilot)
        assert len(monitor.asked) == asked + 2
        app.watching.look()
        await settle(pilot)
        assert len(monitor.asked) == asked + 2


async def test_a_store_that_cannot_be_asked_any_more_is_said() -> None:
    def gone() -> int:
        raise StoreError("The server [/is] gone.")

    workspace = FakeWorkspace(n=4)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        workspace.store.change_counter = gone
        app.watching.look()
        await settle(pilot)
        assert isinstance(app.screen, PlaceScreen) and "The server [/is] gone." in lines(app)[-2]
        assert "Refund for order" in "\n".join(lines(app))
