"""Partial repaints send only the cells that changed."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from aa_tui.widgets import textual_compat
from aa_tui.widgets.textual_compat import CroppedUpdate, NotedUpdate


@pytest.fixture(autouse=True)
def unknown_terminal() -> None:
    textual_compat._terminal.forget()


@pytest.mark.parametrize(
    ("span", "text", "column"),
    [((0, 3, 5), "de", 4), ((0, 0, 4), "abcd", 1), ((0, 6, 10), "ghij", 7), ((0, 0, 10), "abcdefghij", 1)],
)
def test_only_the_span_is_sent_from_where_it_begins(span: tuple[int, int, int], text: str, column: int) -> None:
    update = CroppedUpdate([{0: Strip([Segment("abcdefghij")])}], [span], [[10]])
    assert update.render_segments(Console()) == f"\x1b[1;{column}H{text}"


def test_pieces_of_several_widgets_and_lines_keep_their_places() -> None:
    chops: list[dict[int, Strip | None]]
    chops = [{0: Strip([Segment("aaaa")]), 4: Strip([Segment("bbbb")])}, {0: None, 4: Strip([Segment("cccc")])}]
    update = CroppedUpdate(chops, [(0, 2, 6), (1, 2, 6)], [[4, 8], [4, 8]])
    assert update.render_segments(Console()) == "\x1b[1;3Haa\x1b[1;5Hbb\x1b[2;5Hcc"


def test_a_wide_character_cut_in_half_leaves_a_blank_and_moves_nothing() -> None:
    update = CroppedUpdate([{0: Strip([Segment("a支b")])}], [(0, 2, 4)], [[4]])
    assert update.render_segments(Console()) == "\x1b[1;3H b"


def test_what_a_full_update_sent_is_not_sent_again() -> None:
    left, right, other = (Strip([Segment(text)]) for text in ("left", "right", "other"))
    sent = NotedUpdate([[left, right], [left, right]], Region(0, 0, 9, 2)).render_segments(Console())
    assert sent == "\x1b[1;1Hleft\x1b[1;5Hright\x1b[2;1Hleft\x1b[2;5Hright"
    chops: list[dict[int, Strip | None]] = [{0: left, 4: right}, {0: None, 4: other}]
    update = CroppedUpdate(chops, [(0, 0, 9), (1, 4, 9)], [[4, 9], [4, 9]])
    assert update.render_segments(Console()) == "\x1b[2;5Hother"
