"""The shell around the places: sections, history, command line, palette, help, themes, memory, ending."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aa_tui import themes
from aa_tui.actions import ACTIONS
from aa_tui.app import AAApp
from aa_tui.host import ui_state
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets import glyphs
from tests.driving import app_on, lines, settle
from tests.fakes import FakeWorkspace


def place_of(app: AAApp) -> PlaceScreen:
    assert isinstance(app.screen, PlaceScreen)
    return app.screen


async def test_digits_go_to_sections_and_minus_comes_back() -> None:
    app = app_on(FakeWorkspace(n=5), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key, section in (
            ("3", "evaluators"),
            ("4", "runs"),
            ("5", "datasets"),
            ("6", "cohorts"),
            ("2", "sessions"),
        ):
            await pilot.press(key)
            await settle(pilot)
            assert place_of(app).address().section == section
            assert lines(app)[-1].rstrip().endswith("? help")
        await pilot.press("minus")
        await settle(pilot)
        assert place_of(app).address().section == "cohorts"
        await pilot.press("alt+right")
        await settle(pilot)
        assert place_of(app).address().section == "sessions"


async def test_a_section_is_found_as_it_was_left() -> None:
    app = app_on(FakeWorkspace(n=30), "sessions?agents=support-bot")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "5", "2")
        await settle(pilot)
        assert str(place_of(app).address()) == "sessions?agents=support-bot"


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("runs", "runs"),
        ("sess", "sessions"),
        ("sessions agent:coding-agent", "sessions?agents=coding-agent"),
        ("sessions?agents=support-bot&sort=-cost", "sessions?agents=support-bot&sort=cost"),
        ("open datasets", "datasets"),
    ],
)
async def test_lines_after_colon_that_go_somewhere(line: str, address: str) -> None:
    app = app_on(FakeWorkspace(n=12), "cohorts")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon")
        await settle(pilot)
        for character in line:
            await pilot.press({" ": "space"}.get(character, character))
        await pilot.press("enter")
        await settle(pilot)
        assert str(place_of(app).address()) == address


async def test_a_line_that_means_nothing_is_said_so_and_kept_in_history() -> None:
    app = app_on(FakeWorkspace(n=2), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"bogus [/x] line", "enter")
        await settle(pilot)
        assert "“bogus [/x] line” is no command" in "\n".join(lines(app))
        await pilot.press("colon", "up")
        await settle(pilot)
        assert "bogus [/x] line" in lines(app)[-1]
        await pilot.press("escape")
        assert place_of(app).address().section == "runs"


async def test_tab_completes_a_command() -> None:
    app = app_on(FakeWorkspace(n=2), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"dat", "tab", "enter")
        await settle(pilot)
        assert place_of(app).address().section == "datasets"


async def test_help_is_searchable_and_says_why_something_cannot_be_done() -> None:
    app = app_on(FakeWorkspace(n=2), "sessions")
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        shown = "\n".join(lines(app))
        assert "Sessions" in shown and "Lists" in shown
        await pilot.press(*"clear")
        await settle(pilot)
        assert "no filter is set" in "\n".join(lines(app))
        await pilot.press("enter", "escape")
        await settle(pilot)
        assert place_of(app).address().section == "sessions"


async def test_a_disabled_key_says_why() -> None:
    app = app_on(FakeWorkspace(n=2), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert "only where a filter leaves nothing" in "\n".join(lines(app))


async def test_palette_does_what_is_found_by_name() -> None:
    app = app_on(FakeWorkspace(n=2), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        await pilot.press(*"cohorts", "enter")
        await settle(pilot)
        assert place_of(app).address().section == "cohorts"


async def test_theme_is_tried_on_and_restored_or_kept() -> None:
    app = app_on(FakeWorkspace(n=2), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"theme", "enter")
        await settle(pilot)
        await pilot.press("down")
        await settle(pilot)
        assert app.theme == "light"
        await pilot.press("escape")
        await settle(pilot)
        assert app.theme == "dark"
        for name in themes.PALETTES:
            app.use_theme(name)
            await settle(pilot)
            assert themes.current().name == name
            assert "Refund" in "\n".join(lines(app))


async def test_no_color_means_attributes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(FakeWorkspace(n=6), "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.theme == "mono"
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or all(c is None or c.is_default for c in (style.color, style.bgcolor))


async def test_ascii_glyphs_everywhere_in_the_frame() -> None:
    app = app_on(FakeWorkspace(n=6), "sessions", ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert glyphs.ascii_mode()
        assert lines(app)[3].startswith(">")
        await pilot.press("question_mark")
        await settle(pilot)
        shown = "\n".join(lines(app))
        assert shown.isascii() and "down j" in shown


async def test_keymap_from_settings_works_and_clashes_are_reported() -> None:
    app = app_on(FakeWorkspace(n=6), "sessions", keys={"sessions.sort": "o", "list.mark": "slash", "no.such": "x"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        said = "\n".join(app.messages)
        assert "no action 'no.such'" in said
        await pilot.press("o")
        await settle(pilot)
        assert "Sort by" in "\n".join(lines(app))
        await pilot.press("escape")
        await settle(pilot)
        assert "o sort" in lines(app)[-1]


async def test_ctrl_c_asks_once_and_quits_on_the_second() -> None:
    app = app_on(FakeWorkspace(n=2), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+c")
        await settle(pilot)
        assert "ctrl+c again quits" in "\n".join(lines(app)) and app.return_code is None
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_code == 0


async def test_a_read_only_store_refuses_decisions_in_words() -> None:
    app = app_on(FakeWorkspace(n=2, read_only=True), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("z")
        await settle(pilot)
        assert "undo: the file is not yours" in "\n".join(lines(app))


async def test_an_unexpected_error_is_logged_without_locals_and_named(tmp_path: Path) -> None:
    workspace = FakeWorkspace(n=2)
    workspace.sessions.error = ValueError("secret-value-in-message")
    app = app_on(workspace, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        shown = "\n".join(lines(app))
        assert "ValueError, logged as" in shown and "secret" not in shown
    from aa_tui.host.crash_log import log_path

    written = log_path().read_text()
    assert "ValueError" in written and "secret" not in written and "fakes.py" in written


async def test_places_and_theme_are_remembered_for_the_next_start() -> None:
    app = app_on(FakeWorkspace(n=9), "sessions?agents=support-bot", remember=True, memory="one")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.use_theme("light")
        await pilot.press("q")
    kept = json.loads(ui_state.state_path().read_text())
    assert kept["theme"] == "light"
    assert ui_state.state_path().stat().st_mode & 0o077 == 0
    again = app_on(FakeWorkspace(n=9), "", remember=True, memory="one")
    assert str(again._start) == "sessions?agents=support-bot" and again.theme == "light"
    elsewhere = app_on(FakeWorkspace(n=9), "", remember=True, memory="two")
    assert elsewhere._start.section == "monitor"


async def test_a_theme_that_only_fits_the_terminal_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")
    app = app_on(FakeWorkspace(n=2), "cohorts", remember=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.theme == "light"
        await pilot.press("q")
    monkeypatch.delenv("COLORFGBG")
    assert app_on(FakeWorkspace(n=2), "cohorts", remember=True).theme == "dark"


@pytest.mark.parametrize("damage", ["{", "[]", '{"version": 1, "theme": 3}', '{"version": 9}', "\x00"])
def test_a_damaged_memory_is_ignored_with_a_notice(damage: str) -> None:
    path = ui_state.state_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(damage)
    state, notice = ui_state.load_state()
    assert state == ui_state.UiState() and notice is not None and str(path) in notice


async def test_every_action_of_the_shell_has_a_method() -> None:
    for action in ACTIONS:
        if action.scope == "global":
            assert hasattr(AAApp, f"action_{action.id.replace('.', '_')}"), action.id
