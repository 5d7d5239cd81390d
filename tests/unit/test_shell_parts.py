"""The parts of the shell that need no terminal: fuzzy matching, commands, clipboard, columns, footer, themes, files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from aa_tui import themes
from aa_tui.actions import actions_for
from aa_tui.backend.support.fuzzy import fuzzy
from aa_tui.commands import Command, complete_command, parse_command
from aa_tui.host import clipboard
from aa_tui.widgets import glyphs
from aa_tui.widgets.columns import fit
from aa_tui.widgets.frame import FittedFooter, Hint
from aa_tui.widgets.mark_set import MarkSet
from aa_tui.widgets.session_columns import COLUMNS

KNOWN = actions_for("sessions")


def test_fuzzy_prefers_whole_words_and_refuses_strewn_letters() -> None:
    assert fuzzy("theme", "theme") > fuzzy("theme", "choose a theme now")  # type: ignore[operator]
    assert fuzzy("half down", "half page down") is not None
    assert fuzzy("zzz", "sessions") is None
    assert fuzzy("", "anything") == 0


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (":sessions agent:billing since:7d", Command("place", "sessions", "agent:billing since:7d")),
        ("mon", Command("place", "monitor")),
        ("q", Command("action", "app.quit")),
        ("sort -cost", Command("sort", "-cost")),
        ("sort", Command("action", "sessions.sort")),
        ("theme light", Command("theme", "light")),
        ("session/abc/turns", Command("open", "session/abc/turns")),
        ("ticket-1", None),
        ("", None),
    ],
)
def test_command_lines(line: str, command: Command | None) -> None:
    assert parse_command(line, KNOWN) == command


def test_completion_of_commands_and_values() -> None:
    assert complete_command("ru", KNOWN, (), ())[0] == "runs"
    assert complete_command("theme col", KNOWN, (), ()) == ["theme colour-blind"]
    assert complete_command("view ", KNOWN, (), ("mine",)) == ["view mine"]


def test_osc52_is_wrapped_for_tmux_and_limited() -> None:
    written: list[str] = []
    done = clipboard.copy("héllo", written.append, "osc52", {})
    assert done.done and base64.b64decode(written[0][7:-1]).decode() == "héllo"
    inside = clipboard.osc52("x", {"TMUX": "/tmp/t"})
    assert inside.count("\x1b]52") == 2 and "\x1bPtmux;\x1b\x1b]52" in inside
    too_long = clipboard.copy("x" * 80_000, written.append, "osc52", {})
    assert not too_long.done and "too long" in too_long.words and len(written) == 1
    assert not clipboard.copy("x", written.append, "off", {}).done


def test_a_local_tool_is_preferred_unless_remote(tmp_path: Path) -> None:
    tool = tmp_path / "xclip"
    tool.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    tool.chmod(0o700)
    env = {"DISPLAY": ":0", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", env["PATH"])
        assert clipboard.copy("here", lambda text: None, "auto", env).words == "copied to the clipboard"
        assert (tmp_path / "copied").read_text() == "here"
        written: list[str] = []
        clipboard.copy("there", written.append, "auto", {**env, "SSH_CONNECTION": "1 2 3 4"})
        assert written and (tmp_path / "copied").read_text() == "here"


@pytest.mark.parametrize("width", range(20, 200, 7))
def test_columns_fill_the_width_and_drop_by_priority(width: int) -> None:
    kept = fit(COLUMNS, width)
    used = sum(cells for _, cells in kept) + len(kept) - 1
    assert used == width or len(kept) == 1
    names = [column.key for column, _ in kept]
    assert names == [column.key for column in COLUMNS if column.key in names]
    dropped = [column.priority for column in COLUMNS if column.key not in names]
    assert not dropped or max(dropped) < min(column.priority for column, _ in kept)


def test_at_80_columns_the_columns_of_the_sketch_are_there() -> None:
    assert [column.key for column, _ in fit(COLUMNS, 77)] == ["started", "user", "title", "turns", "cost", "signals"]


def test_marks_of_all_cost_nothing_and_can_be_taken_back_one_by_one() -> None:
    marks = MarkSet()
    marks.add([1, 2])
    marks.toggle(2)
    assert marks.chosen(range(5)) == [1]
    marks.all()
    marks.toggle(3)
    assert marks.count(1_000_000) == 999_999 and 3 not in marks and 4 in marks
    marks.add([3])
    assert marks.count(10) == 10


@pytest.mark.parametrize("width", range(8, 160, 5))
def test_footer_never_cuts_help(width: int) -> None:
    footer = FittedFooter()
    hints = [Hint(key, f"title {n}", f"a.{n}", 90 - n) for n, key in enumerate(("enter", "/", "s", "space", "v", "y"))]
    footer.set(hints)
    shown = footer.shown(width)
    assert shown[-1].action == "app.help"
    assert sum(len(hint.key) + len(hint.title) + 3 for hint in shown[:-1]) + len("? help") + 1 <= max(width, 7)


def test_every_theme_has_every_colour() -> None:
    for palette in themes.PALETTES.values():
        assert set(palette.colours) == {*themes.MEANINGS[1:], *themes.SERIES}, palette.name
        if not palette.ansi:
            assert all(colour.startswith("#") for colour in palette.colours.values())


@pytest.mark.parametrize(
    ("colorfgbg", "theme"),
    [
        ("", "dark"),
        ("15;0", "dark"),
        ("12;8", "dark"),
        ("15;default", "dark"),
        ("x;y", "dark"),
        ("0;7", "light"),
        ("0;15", "light"),
        ("0;default;15", "light"),
    ],
)
def test_a_light_background_that_is_told_of_gets_the_light_theme(colorfgbg: str, theme: str) -> None:
    assert themes.fitting(colorfgbg) == theme


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", [name for name, palette in themes.PALETTES.items() if not palette.ansi])
def test_text_colours_can_be_read(name: str) -> None:
    palette = themes.PALETTES[name]
    assert _contrast(*palette.cursor) >= 4.5
    assert _contrast(palette.foreground, palette.background) >= 7
    for meaning in set(themes.MEANINGS[1:]) - {"line"}:
        assert _contrast(palette.colours[meaning], palette.background) >= 4.5, meaning


def test_mono_has_no_colour_and_tells_outcomes_apart() -> None:
    themes.use("mono")
    assert "$" not in themes.style("bad") + themes.style("cursor") + themes.style("chip")
    assert themes.style("bad") != themes.style("unknown")


def test_glyph_sets_are_one_cell_and_ascii_where_promised() -> None:
    from rich.cells import cell_len

    wide = {"left", "right", "both"}
    for name in glyphs.names():
        glyphs.set_ascii(False)
        assert cell_len(glyphs.get(name)) == (2 if name == "both" else 1), name
        glyphs.set_ascii(True)
        assert glyphs.get(name).isascii() and (len(glyphs.get(name)) == 1 or name in wide), name
