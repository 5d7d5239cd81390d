"""Fewer runs that look the same."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style

from aa_tui.widgets.runs import joined

RED, BLUE = Style.parse("red on black"), Style.parse("blue on black")
ON_WHITE, LINE, TURNED = (
    Style.parse(text) for text in ("red on white", "underline red on black", "reverse red on black")
)


def test_the_same_style_and_blanks_on_the_same_ground_are_one_run() -> None:
    line = [Segment("  ", BLUE), Segment("one", RED), Segment(" ", BLUE), Segment("two", RED), Segment("   ", BLUE)]
    assert joined(line) == [Segment("  one two   ", RED)]


def test_texts_of_different_styles_stay_apart_and_nothing_is_lost() -> None:
    line = [Segment("one", RED), Segment(" ", BLUE), Segment("", RED), Segment("two", BLUE)]
    assert joined(line) == [Segment("one ", RED), Segment("two", BLUE)]


@pytest.mark.parametrize("style", [ON_WHITE, LINE, TURNED])
def test_blanks_that_show_keep_their_style(style: Style) -> None:
    assert joined([Segment("a", RED), Segment("  ", style)]) == [Segment("a", RED), Segment("  ", style)]
    assert joined([Segment("  ", RED), Segment("a", style)]) == [Segment("  ", RED), Segment("a", style)]
