"""Hostile text on every screen: nothing raises, no action runs, nothing forbidden is drawn, the rest is readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len

from aa_tui.address import SESSION_TABS, Address
from aa_tui.app import AAApp
from aa_tui.backend.model.filter import Filter, Sort, facet_filter, to_link_params
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.drawable import drawable
from tests import hostile
from tests.driving import app_on, lines, settle, strips

TALL = (170, 300)
"""A terminal that shows all entries of a list at once."""
ALL = hostile.entries()

pytestmark = pytest.mark.skipif(not ALL, reason="shared data absent")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, homes: Any) -> Iterator[Workspace]:
    workspace = hostile.make_store(tmp_path_factory.mktemp("hostile"), ALL)
    yield workspace
    workspace.store.close()


@pytest.fixture(autouse=True)
def no_deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fail when stored text opens a link, rings, or runs one of Textual's own actions."""
    done: list[str] = []
    monkeypatch.setattr(AAApp, "open_url", lambda self, url, **more: done.append(f"opened {url}"))
    monkeypatch.setattr(AAApp, "bell", lambda self: done.append("rang"))
    monkeypatch.setattr(AAApp, "action_simulate_key", lambda self, key: done.append(f"pressed {key}"))
    return done


def check(app: AAApp, deeds: list[str]) -> list[str]:
    """Check everything that is drawn; return its lines."""
    for strip in strips(app):
        text = "".join(segment.text for segment in strip)
        found = hostile.FORBIDDEN.search(text)
        assert found is None, f"{found.group()!r} in {text!r}"
        assert cell_len(text) <= app.size.width, f"too wide: {text!r}"
        for segment in strip:
            style = segment.style
            if style is not None:
                assert style.link is None, f"a link: {segment.text!r}"
                assert "@click" not in style.meta, f"an action: {segment.text!r}"
    assert deeds == []
    assert app._exception is None
    return lines(app)


def said(entry: hostile.Entry) -> list[str]:
    """Return what must be readable of an entry where the start of its text is shown on one line."""
    words = entry.get("must_show") or ()
    text = entry["text"]
    short = not entry.get("gen") and len(text) < 60 and "\n" not in text
    return [word for word in words if short and len(word) < 40 and "\n" not in word and word in text]


async def test_session_list_with_search_and_preview(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "sessions")
    async with app.run_test(size=TALL) as pilot:
        await settle(pilot, 0.3)
        shown = "\n".join(check(app, no_deeds))
        for _ in range(6):
            await pilot.press("j")
            await settle(pilot, 0.2)
            check(app, no_deeds)
        await pilot.press("space", "v", "j", "v", "asterisk")
        await settle(pilot)
        check(app, no_deeds)
    rows = project.sessions.first_page(Filter(), Sort(), limit=500)
    assert len(rows) == len(ALL) + 1
    early = [(e["id"], word) for e in ALL for word in said(e) if word in drawable(e["text"], one_line=True)[:24]]
    assert len(early) > 50
    assert [name for name, word in early if word not in shown] == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (44, 14)])
async def test_session_list_in_small_terminals(project: Workspace, no_deeds: list[str], size: tuple[int, int]) -> None:
    app = app_on(project, "sessions?q=before")
    async with app.run_test(size=size) as pilot:
        await settle(pilot, 0.3)
        for _ in range(len(ALL) // size[1] + 1):
            await pilot.press("pagedown")
            await settle(pilot)
            check(app, no_deeds)


async def test_passages_of_a_search(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "sessions?q=before")
    async with app.run_test(size=(100, 12)) as pilot:
        await settle(pilot, 0.3)
        table = app.screen.table  # type: ignore[attr-defined]
        for number in range(0, len(table.ids), 6):
            table.move_to(number)
            await settle(pilot, 0.17)
            check(app, no_deeds)


async def test_popups_of_the_list(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "sessions")
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        table = app.screen.table  # type: ignore[attr-defined]
        for number in range(0, len(ALL), 40):
            table.move_to(number)
            for key in ("f", "y"):
                await pilot.press(key)
                await settle(pilot)
                check(app, no_deeds)
                await pilot.press("escape")
                await settle(pilot)


async def test_filter_bar_with_hostile_values(project: Workspace, no_deeds: list[str]) -> None:
    """A filter on a hostile name is typed, shown as a chip, completed and edited; it still finds its session."""
    app = app_on(project, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        for number, entry in enumerate(ALL[::24]):
            wanted = facet_filter("agent", hostile.cut(entry)[:400].replace("\x00", "\u2400"))
            app.go(Address("sessions", to_link_params(wanted)))
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("slash")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("left", "backspace", "tab", "enter" if number % 2 else "escape", "escape")
            await settle(pilot)
            check(app, no_deeds)


async def test_offers_of_hostile_values(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "sessions")
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(pilot)
        for name in ("agent", "tool", "model", "error", "topic"):
            await pilot.press("slash", *name, "colon")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape")
            await settle(pilot)


@pytest.mark.parametrize("tab", SESSION_TABS)
async def test_tabs_of_a_session_with_all_entries(project: Workspace, no_deeds: list[str], tab: str) -> None:
    app = app_on(project, f"session/{hostile.DEEP}/{tab}")
    seen: list[str] = []
    async with app.run_test(size=TALL) as pilot:
        await settle(pilot)
        for _ in range(40):
            now = check(app, no_deeds)
            if seen[-len(now) :] == now:
                break
            seen += now
            await pilot.press("pagedown")
            await settle(pilot)
    if tab in ("thread", "turns"):
        shown = "\n".join(seen)
        assert [e["id"] for e in ALL for word in said(e) if word not in shown] == []


async def test_everything_unfolded(project: Workspace, no_deeds: list[str]) -> None:
    """Tool input and output, reasoning and errors of some entries, opened in the thread and in the turns."""
    app = app_on(project, f"session/{hostile.DEEP}/thread")
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        for tab in ("thread", "turns"):
            for _ in range(8):
                await pilot.press("o", "down")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("e", "o", "e", "o", "O")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape")
            if tab == "thread":
                await pilot.press("right", "right")
                await settle(pilot)


async def test_search_in_a_session(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, f"session/{hostile.DEEP}/thread")
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"after", "enter")
        await settle(pilot)
        for _ in range(10):
            await pilot.press("n")
            await settle(pilot)
            check(app, no_deeds)


async def test_monitor(project: Workspace, no_deeds: list[str]) -> None:
    """Agents, tools, errors, rules, topics and notes, ungrouped and grouped by each property."""
    app = app_on(project, "monitor?since=7d")
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        check(app, no_deeds)
        for _ in range(5):
            await pilot.press("right_square_bracket", "down", "question_mark")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape")
        for key in ("a", "g"):
            await pilot.press(key)
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape")
        for group in ("agent", "tool", "topic"):
            app.go(f"monitor?since=7d&by={group}")
            await settle(pilot)
            check(app, no_deeds)


async def test_monitor_on_one_hostile_agent(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "monitor?since=7d")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for entry in ALL[5::50]:
            wanted = facet_filter("agent", hostile.cut(entry)[:400].replace("\x00", "\u2400")).plus("since:7d")
            app.go(Address("monitor", to_link_params(wanted)))
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("slash")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape")


async def test_get_started_projects_help_palette_messages(project: Workspace, no_deeds: list[str]) -> None:
    app = app_on(project, "monitor/get-started")
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        check(app, no_deeds)
        for entry in ALL:
            app.flash(hostile.cut(entry))
        for action in (app.action_app_log, app.action_app_project, app.action_app_palette, app.action_app_help):
            action()
            await settle(pilot)
            for _ in range(3):
                check(app, no_deeds)
                await pilot.press("pagedown")
            await pilot.press("escape")
            await settle(pilot)
        app.go("sessions")
        await settle(pilot)
        app.screen.action_sessions_views()  # type: ignore[attr-defined]
        await settle(pilot)
        check(app, no_deeds)


async def test_command_line(project: Workspace, no_deeds: list[str]) -> None:
    """An entry typed, or pasted, after `:` is drawn, run and answered without harm."""
    app = app_on(project, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for entry in ALL[::24]:
            app.open_command_line("view " + hostile.cut(entry)[:500])
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("enter")
            await settle(pilot)
            check(app, no_deeds)
            await pilot.press("escape", "escape")
            await settle(pilot)


@pytest.mark.long
@pytest.mark.parametrize("entry", ALL, ids=lambda entry: str(entry["id"]))
async def test_each_entry_alone_at_full_size(entry: hostile.Entry, tmp_path: Any, no_deeds: list[str]) -> None:
    """One entry, not cut, in a store of its own: every tab, unfolded; big ones at three sizes."""
    workspace = hostile.make_store(tmp_path, (entry,), full=True)
    for size in ((80, 24), (44, 14), (160, 48)) if entry.get("gen") else ((80, 24),):
        app = app_on(workspace, f"session/{hostile.DEEP}/thread")
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            shown = []
            for _ in SESSION_TABS:
                await pilot.press("o", "down", "o", "down", "o")
                await settle(pilot)
                shown += check(app, no_deeds)
                await pilot.press("pagedown")
                await settle(pilot)
                shown += check(app, no_deeds)
                await pilot.press("right")
                await settle(pilot)
            assert re.search(r"\? help *$", shown[size[1] - 1])
            for place in ("sessions", "monitor?since=7d"):
                app.go(place)
                await settle(pilot, 0.2)
                check(app, no_deeds)
    workspace.store.close()
