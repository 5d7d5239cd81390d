"""Numbers as people read them; unknown is never zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aa_tui.backend.support import humanize as h


@pytest.mark.parametrize(
    "say", [h.count, h.short_count, h.money, h.duration, h.latency, h.share, h.ratio, h.size, h.day]
)
def test_unknown_is_a_dash(say: object) -> None:
    assert say(None) == "–"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (h.count(1004), "1,004"),
        (h.money(41_200_000_000), "$41.20"),
        (h.money(21_000_000), "$0.021"),
        (h.money(900_000), "$0.0009"),
        (h.money(10), "<$0.0001"),
        (h.money(0), "$0"),
        (h.duration(400), "0.4 s"),
        (h.duration(312_000), "5 m 12 s"),
        (h.duration(7_500_000), "2 h 5 m"),
        (h.duration(86_400_000 * 3), "3 d"),
        (h.latency(85), "85 ms"),
        (h.latency(21_200), "21.2 s"),
        (h.share(0.78), "78 %"),
        (h.share(0.062), "6.2 %"),
        (h.moment(1_795_269_731_000), "Nov 21 14:02"),
        (h.moment(1_700_000_000_000, now_ms=1_795_269_731_000), "2023-11-14"),
        (h.clock(1_795_269_731_000, "Asia/Tokyo"), "23:02:11"),
        (h.clock(1_795_269_731_000, "No/Where"), "14:02:11"),
        (h.plural(1, "session"), "1 session"),
        (h.change(112, 100), "▲ 12 %"),
        (h.change(0.75, 0.78, "points"), "▼ 3 pt"),
        (h.change(1, 0), ""),
        (h.change(None, 3), ""),
    ],
)
def test_how_it_is_said(said: str, expected: str) -> None:
    assert said == expected


@given(st.integers(-(10**18), 10**18))
def test_any_number_can_be_said(value: int) -> None:
    for say in (h.count, h.short_count, h.money, h.duration, h.latency, h.moment, h.clock, h.full_moment):
        assert say(value)


@given(st.integers(0, 10**13))
def test_short_counts_are_short(value: int) -> None:
    assert len(h.short_count(value)) <= 5
