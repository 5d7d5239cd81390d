"""The Sessions screen, driven by keys, on a workspace made up in memory."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Any

import pytest
from textual import events

from aa_tui.app import AAApp
from aa_tui.backend.model.filter import Filter, Sort, parse_filter
from aa_tui.backend.support.errors import StoreError
from aa_tui.screens.sessions import SessionsScreen
from tests.driving import app_on, lines, settle
from tests.fakes import FakeWorkspace, row


def sessions_of(app: AAApp) -> SessionsScreen:
    assert isinstance(app.screen, SessionsScreen)
    return app.screen


def text_of(app: AAApp) -> str:
    return "\n".join(lines(app))


async def test_first_rows_and_total_are_shown() -> None:
    app = app_on(FakeWorkspace(n=250), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = lines(app)
        assert "Nov 21 14:02" in shown[3] and "Refund for order 8812" in shown[3]
        assert shown[1].rstrip().endswith("250 · as of 14:02:11")
        assert len(sessions_of(app).table.ids) == 250


async def test_rows_far_below_are_fetched_when_they_are_reached() -> None:
    workspace = FakeWorkspace(n=5000)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)
        table = sessions_of(app).table
        assert table.cursor == 4999
        assert table.row(table.ids[4999]).key == "ticket-83214"
        assert "············" not in text_of(app)


async def test_filter_typed_completed_kept_and_undone_by_going_back() -> None:
    app = app_on(FakeWorkspace(n=90), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "slash", *"agent:cod")
        await settle(pilot)
        assert "coding-agent" in lines(app)[3]
        await pilot.press("tab", "enter")
        await settle(pilot)
        screen = sessions_of(app)
        assert screen.filter == parse_filter("agent:coding-agent")
        assert str(screen.address()) == "sessions?agents=coding-agent"
        assert "30 of 90" in lines(app)[1] and "agent:coding-agent" in lines(app)[1]
        await pilot.press("minus")
        await settle(pilot)
        assert screen.filter == Filter()
        assert screen.table.cursor == 2
        await pilot.press("alt+right")
        await settle(pilot)
        assert screen.filter.to_text() == "agent:coding-agent"


async def test_a_wrong_filter_points_at_its_column_and_keeps_the_list() -> None:
    app = app_on(FakeWorkspace(n=30), "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        before = list(sessions_of(app).table.ids)
        await pilot.press("slash", *"cost:zz", "enter")
        await settle(pilot)
        complaint = lines(app)[3]
        assert "“zz” is no amount of cost" in complaint
        # The sign stands under the character that is wrong.
        assert complaint.index("^") == lines(app)[2].index("zz")
        assert list(sessions_of(app).table.ids) == before
        await pilot.press("escape")
        await settle(pilot)
        assert sessions_of(app).filter == Filter()
        assert app.focused is sessions_of(app).table


async def test_sort_keeps_the_session_under_the_cursor_and_again_reverses() -> None:
    app = app_on(FakeWorkspace(n=60), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        table = sessions_of(app).table
        await pilot.press(*"jjjj")
        here = table.cursor_id
        await pilot.press("s", "n")
        await settle(pilot)
        turns = [table.row(row_id).turns for row_id in table.ids[:10]]
        assert turns == sorted(turns, reverse=True) and table.cursor_id == here
        assert "turns↓" in lines(app)[2]
        await pilot.press("s", "n")
        await settle(pilot)
        assert "turns↑" in lines(app)[2] and table.cursor_id == here
        assert sessions_of(app).address().params["sort"] == "+turns"
        await pilot.press("colon", *"sort +cost", "enter")
        await settle(pilot)
        assert sessions_of(app).sort == Sort("cost", False)
        await pilot.press("colon", *"sessions?sort=+tokens", "enter")
        await settle(pilot)
        assert sessions_of(app).sort == Sort("tokens", False)


async def test_marks_ranges_and_all() -> None:
    app = app_on(FakeWorkspace(n=500), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        table = sessions_of(app).table
        await pilot.press("space", "space", "j", "v", "j", "j", "v")
        await settle(pilot)
        assert table.marks.chosen(table.ids) == [table.ids[n] for n in (0, 1, 3, 4, 5)]
        assert "5 marked" in text_of(app)
        assert lines(app)[3].startswith("*")
        await pilot.press("escape")
        assert table.marks.count(500) == 0
        await pilot.press("asterisk")
        await settle(pilot)
        assert "500 marked" in text_of(app)
        await pilot.press("space")
        assert table.marks.count(500) == 499
        await settle(pilot)
        await pilot.press("slash", *"agent:support-bot", "enter")
        await settle(pilot)
        assert table.marks.count(len(table.ids)) == 0


async def test_new_sessions_wait_until_they_are_taken_and_the_cursor_stays() -> None:
    workspace = FakeWorkspace(n=40)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        screen = sessions_of(app)
        await pilot.press(*"jjj")
        here, before = screen.table.cursor_id, list(screen.table.ids)
        workspace.sessions.all += [row(-1), row(-2)]
        workspace.changes = 1
        app.watching.look()
        await settle(pilot)
        assert "+2 new" in lines(app)[1] and list(screen.table.ids) == before
        await pilot.press("r")
        await settle(pilot)
        assert len(screen.table.ids) == 42 and screen.table.cursor_id == here
        assert "new" not in lines(app)[1]


async def test_frozen_says_so_and_looks_for_nothing() -> None:
    workspace = FakeWorkspace(n=4)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        assert "frozen 14:02:11" in lines(app)[1]
        workspace.sessions.all.append(row(-1))
        workspace.changes = 1
        app.watching.look()
        await settle(pilot)
        assert "new" not in lines(app)[1]
        await pilot.press("w")
        await settle(pilot)
        assert "as of" in lines(app)[1] and len(sessions_of(app).table.ids) == 5


async def test_filtered_to_nothing_names_the_part_and_drops_it_with_one_key() -> None:
    app = app_on(FakeWorkspace(n=60), "sessions?q=agent:support-bot%20zebra")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(app)
        assert "No session matches" in shown and "x drops zebra" in shown
        await pilot.press("x")
        await settle(pilot)
        assert sessions_of(app).filter.to_text() == "agent:support-bot"
        assert "No session matches" not in text_of(app) and len(sessions_of(app).table.ids) == 20
        assert app.focused is sessions_of(app).table


async def test_no_data_yet_names_commands_and_fills_by_itself() -> None:
    workspace = FakeWorkspace(n=0)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(app)
        for command in ("aa-tui import --project demo", "aa-tui import PATH…", "aa-tui demo"):
            assert command in shown
        workspace.sessions.all.append(row(0))
        workspace.changes = 1
        app.watching.look()
        await settle(pilot)
        assert "ticket" not in text_of(app) and "Refund for order" in text_of(app)


async def test_failure_is_a_panel_and_r_tries_again() -> None:
    workspace = FakeWorkspace(n=10)
    workspace.sessions.error = StoreError("The disk [/is] \x1b[2Jgone.", "Put it back.")
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(app)
        assert "The disk [/is]" in shown and "\x1b" not in shown and "Put it back." in shown
        assert "? help" in lines(app)[-1]
        workspace.sessions.error = None
        await pilot.press("r")
        await settle(pilot)
        assert "Refund for order" in text_of(app) and "gone" not in text_of(app)


async def test_a_slow_answer_to_an_old_filter_never_replaces_a_newer_one() -> None:
    workspace = FakeWorkspace(n=90)
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        screen = sessions_of(app)
        workspace.sessions.gate.clear()
        screen.set_filter(parse_filter("agent:support-bot"))
        await pilot.pause()
        screen.set_filter(parse_filter("agent:coding-agent"))
        await pilot.pause()
        workspace.sessions.gate.set()
        await settle(pilot)
        agents = {screen.table.row(row_id).agent for row_id in screen.table.ids[:20]}
        assert agents == {"coding-agent"}


async def test_search_shows_the_passage_of_the_row_under_the_cursor() -> None:
    app = app_on(FakeWorkspace(n=60), "sessions?q=chargeback")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot, beyond=0.3)
        assert "“Dispute a chargeback from last month”" in text_of(app)


async def test_preview_beside_the_list_from_120_columns_on() -> None:
    app = app_on(FakeWorkspace(n=20), "sessions")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot, beyond=0.3)
        assert "lookup_order" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "lookup_order" not in text_of(app)
        assert "Refund for order" in text_of(app)


async def test_enter_opens_with_the_list_for_next_and_previous() -> None:
    app = app_on(FakeWorkspace(n=20), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        await settle(pilot)
        assert app.session_list is not None and app.session_list.index == 1 and len(app.session_list.ids) == 20
        assert str(app.screen.address()).startswith("session/ticket-88212")  # type: ignore[attr-defined]
        app.session_list.index = 5
        await pilot.press("minus")
        await settle(pilot)
        assert sessions_of(app).table.cursor == 5


async def test_copy_writes_an_osc52_sequence_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(AAApp, "_write_to_terminal", lambda self, sequence: written.append(sequence))
    app = app_on(FakeWorkspace(n=5), "sessions", clipboard="osc52")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("y", "i")
        await settle(pilot)
        assert written == ["\x1b]52;c;dGlja2V0LTg4MjEz\x07"]
        assert "sent to the terminal's clipboard" in text_of(app)


async def test_saved_filter_by_name_and_undo() -> None:
    workspace = FakeWorkspace(n=30)
    app = app_on(workspace, "sessions?agents=support-bot")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"save mine", "enter")
        await settle(pilot)
        assert workspace.views.saved == {"mine": "sessions?agents=support-bot"}
        await pilot.press("X")
        await settle(pilot)
        assert sessions_of(app).filter == Filter()
        await pilot.press("colon", *"view mine", "enter")
        await settle(pilot)
        assert sessions_of(app).filter.to_text() == "agent:support-bot"
        await pilot.press("z")
        await settle(pilot)
        assert workspace.views.saved == {}


async def test_marked_sessions_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = FakeWorkspace([row(0, title="=cmd()"), row(1), row(2)])
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("space", "space", "Y")
        await settle(pilot)
        file = tmp_path / "sessions-1.csv"
        written = file.read_text().splitlines()
        assert len(written) == 3 and written[1].startswith("ticket-88213,support-bot")
        assert ",'=cmd()," in written[1]
        assert file.stat().st_mode & 0o077 == 0


async def test_a_long_list_is_written_whole_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aa_tui.screens import session_list_actions

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session_list_actions, "_WRITTEN_AT_ONCE", 70)
    app = app_on(FakeWorkspace(n=500), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("Y")
        await settle(pilot)
        assert "500 sessions written to" in text_of(app)
        assert "of 500 sessions written" not in text_of(app)
        with (tmp_path / "sessions-1.csv").open(encoding="utf-8", newline="") as file:
            keys = [line[0] for line in csv.reader(file)]
        shown = await sessions_of(app)._rows_of(sessions_of(app).table.ids)
        assert keys == ["id", *(one.key for one in shown)]


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (40, 12), (160, 48)])
async def test_sizes(size: tuple[int, int]) -> None:
    app = app_on(FakeWorkspace(n=100), "sessions")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        shown = lines(app)
        assert len(shown) == size[1]
        assert shown[-1].rstrip().endswith("? help")
        assert "Refund" in shown[3] and shown[0].rstrip().endswith("demo")


async def test_below_the_least_size_it_says_so() -> None:
    app = app_on(FakeWorkspace(n=3), "sessions")
    async with app.run_test(size=(36, 10)) as pilot:
        await settle(pilot)
        assert "too small: make it 40 × 12" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "too small" not in text_of(app) and "Refund" in text_of(app)


async def test_mouse_sorts_moves_and_opens() -> None:
    app = app_on(FakeWorkspace(n=50), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        table = sessions_of(app).table
        await pilot.click(table, offset=(10, 5))
        await settle(pilot)
        assert table.cursor == 4
        turns = lines(app)[2].index("turns")
        await pilot.click(table, offset=(turns + 1, 0))
        await settle(pilot)
        assert sessions_of(app).order.key == "turns"
        top = round(table.scroll_y)
        await pilot.click(table, offset=(10, 2), times=2)
        await settle(pilot)
        assert app.session_list is not None and app.session_list.index == top + 1


async def test_a_cursor_move_repaints_two_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(FakeWorkspace(n=50), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot, beyond=0.2)
        painted: list[Any] = []
        show = AAApp._display

        def note(self: AAApp, screen: Any, update: Any) -> None:
            painted.append(update)
            show(self, screen, update)

        monkeypatch.setattr(AAApp, "_display", note)
        await pilot.press("j")
        await settle(pilot)
        await asyncio.sleep(0.2)
        spans = [span for update in painted if update is not None for span in update.spans]
        assert sorted(y for y, _, _ in spans) == [3, 4]


async def test_keys_typed_ahead_in_a_menu_choose_once() -> None:
    """Two letters that arrive before the menu is gone: the first counts, and nothing breaks."""
    app = app_on(FakeWorkspace(n=30), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        menu = app.screen
        for letter in "con":
            menu.post_message(events.Key(letter, letter))
        await settle(pilot)
        assert sessions_of(app).sort == Sort("cost", True)
        assert app.screen is sessions_of(app)
