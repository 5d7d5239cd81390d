"""The arithmetic and the drawing of charts, without a terminal."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aa_tui.backend.query.readmodels import ChartMark, Point
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, parse_iso_ms
from aa_tui.widgets.charts import Bands, ChartSpec, DrawnSeries
from aa_tui.widgets.charts.draw import Picture, draw
from aa_tui.widgets.charts.scale import (
    axis_label,
    combine,
    interval_end,
    nice_step,
    notable,
    readout,
    slot_of,
    slots,
    time_ticks,
    value_axis,
    when,
)

START = parse_iso_ms("2026-10-24T00:00:00Z")


def points(values: list[float | None], step: int = DAY_MS) -> tuple[Point, ...]:
    return tuple(Point(START + i * step, value, 10) for i, value in enumerate(values))


def spec(values: list[float | None], **changes: object) -> ChartSpec:
    given_points = points(values)
    fields: dict[str, object] = {
        "measure": "sessions",
        "title": "Sessions a day",
        "unit": "count",
        "how": "mean",
        "form": "bars",
        "series": (DrawnSeries("", given_points),),
        "end_ms": START + len(values) * DAY_MS,
        "interval": "day",
        "zone": "UTC",
    }
    return ChartSpec(**{**fields, **changes})  # type: ignore[arg-type]


def plot(picture: Picture) -> list[str]:
    """The rows right of the axis."""
    return ["".join(char for char, _ in row[picture.left :]) for row in picture.rows]


# Buckets ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3000), st.integers(1, 200))
def test_buckets_cover_every_interval_once_and_every_cell_at_most_once(count: int, width: int) -> None:
    found = slots([START + i * HOUR_MS for i in range(count)], START + count * HOUR_MS, width)
    assert [index for slot in found for index in range(slot.first, slot.last)] == list(range(count))
    cells = [cell for slot in found for cell in range(slot.left, slot.right)]
    assert cells == sorted(set(cells)) and all(0 <= cell < width for cell in cells)
    assert all(slot.right > slot.left for slot in found)
    assert len({slot.intervals for slot in found[:-1]}) <= 1
    assert found[-1].to_ms == START + count * HOUR_MS
    assert all(slot_of(found, cell) == i for i, slot in enumerate(found) for cell in (slot.left, slot.right - 1))


def test_several_intervals_become_one_by_mean_max_or_weighted_rate() -> None:
    two = (Point(START, 2.0, 1), Point(START + DAY_MS, 4.0, 3))
    assert combine(two, "mean") == (3.0, 4)
    assert combine(two, "sum") == (6.0, 4)
    assert combine(two, "max") == (4.0, 4)
    assert combine(two, "rate") == (3.5, 4)


def test_no_data_is_not_zero_when_intervals_are_joined() -> None:
    assert combine((Point(START, None, 0), Point(START, None, 0)), "mean") == (None, 0)
    assert combine((Point(START, None, 0), Point(START, 6.0, 2)), "mean") == (6.0, 2)
    assert combine((Point(START, 0.0, 0), Point(START, 0.0, 0)), "rate") == (0.0, 0)


def test_a_day_ends_at_midnight_of_its_zone_when_the_clocks_change() -> None:
    start = parse_iso_ms("2026-10-25T00:00:00+02:00")
    assert interval_end(start, "day", "Europe/Vienna") - start == 25 * HOUR_MS
    assert interval_end(parse_iso_ms("2026-02-01T00:00:00Z"), "month", "UTC") == parse_iso_ms("2026-03-01T00:00:00Z")


# Ticks and words -------------------------------------------------------------------------------------------------


@given(st.floats(1e-9, 1e12))
def test_a_nice_step_is_not_smaller_and_not_much_larger(value: float) -> None:
    assert value * (1 - 1e-6) <= nice_step(value) <= value * 1.51


def test_value_axis_starts_at_zero_and_reaches_the_highest_value() -> None:
    axis = value_axis(61, 4, "count")
    assert axis.ticks == ((3, "0"), (2, "35"), (0, "70")) and axis.top == 70
    assert value_axis(0.93, 5, "share", full=1.0).ticks == ((4, "0"), (2, "50"), (0, "100"))
    assert value_axis(21_200, 4, "latency").ticks[-1] == (0, "24")
    assert [label for _, label in value_axis(0.9, 9, "share", full=1.0).ticks] == ["0", "50", "100"]
    assert value_axis(None, 4, "count").ticks[0] == (3, "0")
    assert [label for _, label in value_axis(5, 14, "count").ticks] == ["0", "2", "4", "6", "8"]


@pytest.mark.parametrize(
    ("value", "step", "label"),
    [(0, 1, "0"), (2.5, 2.5, "2.5"), (0.05, 0.05, ".05"), (12_000, 6000, "12k"), (3_500_000, 3_500_000, "3.5M")],
)
def test_axis_labels_have_the_decimals_their_step_needs(value: float, step: float, label: str) -> None:
    assert axis_label(value, step) == label


def test_time_ticks_stand_apart_at_round_distances_and_off_marks() -> None:
    found = slots([START + i * DAY_MS for i in range(30)], START + 30 * DAY_MS, 33)
    assert time_ticks(found, "day", "UTC") == ((0, "Oct 24"), (11, "Nov 3"), (22, "Nov 13"))
    moved = time_ticks(found, "day", "UTC", keep_free={12})
    assert all(not column <= 12 < column + len(label) for column, label in moved)
    hours = slots([START + i * HOUR_MS for i in range(24)], START + DAY_MS, 72)
    assert [label for _, label in time_ticks(hours, "hour", "UTC")][:3] == ["Oct 24", "03:00", "06:00"]
    assert time_ticks((), "day", "UTC") == ()


def test_a_bucket_says_its_time_in_the_zone() -> None:
    assert when(START, START + DAY_MS, "day", "UTC") == "Oct 24"
    assert when(START, START + 7 * DAY_MS, "week", "UTC") == "Oct 24–30"
    assert when(START, START + 10 * DAY_MS, "day", "UTC", 10) == "Oct 24–Nov 2"
    assert when(START, START + HOUR_MS, "hour", "Europe/Vienna") == "Oct 24 02:00"
    assert when(START, START + 31 * DAY_MS, "month", "UTC") == "Oct 2026"


def test_unknown_reads_as_a_dash() -> None:
    assert [readout(None, unit) for unit in ("count", "share", "score", "money", "latency")] == ["–"] * 5
    assert readout(0.0, "share") == "0 %" and readout(0.0, "money") == "$0"


def test_a_value_far_off_on_the_bad_side_is_found() -> None:
    calm = [0.8, 0.81, 0.79, 0.8, 0.82, 0.8, 0.79]
    assert notable([*calm, 0.3, *calm], True) == 7
    assert notable([*calm, 0.3, *calm], False) is None
    assert notable(calm, True) is None
    assert notable([0.8, None, 0.1], True) is None
    assert notable([*calm, 0.0, *calm], True, [40] * 7 + [2] + [40] * 7) is None
    assert notable([*calm, 0.0, *calm], True, [40] * 15) == 7


# Drawing ---------------------------------------------------------------------------------------------------------


def test_bars_reach_their_height_in_eighths() -> None:
    rows = plot(draw(spec([8.0, 4.0, 1.0, 2.0], unit="score", full=8.0), 6, 2))
    assert [row[:4] for row in rows] == ["    "] * 2  # narrower than a chart can be
    rows = plot(draw(spec([8.0, 4.0, 1.0, 6.0], full=8.0), 8, 2))
    assert "".join(sorted(set(rows[0]))) == " ▄█" and rows[1].startswith("█")
    assert "▂" in rows[1]


def test_zero_shows_a_sliver_and_no_data_shows_nothing() -> None:
    picture = draw(spec([4.0, 0.0, None, 4.0] * 5), 24, 3)
    bottom = plot(picture)[-1]
    for slot, value in zip(picture.slots, [4.0, 0.0, None, 4.0] * 5, strict=True):
        assert bottom[slot.left] == {4.0: "█", 0.0: "▁", None: " "}[value]


def test_ascii_bars_keep_height_sliver_and_gap() -> None:
    rows = plot(draw(spec([4.0, 0.0, None, 2.0]), 20, 3, ascii_only=True))
    assert all(char in " .:#" for row in rows for char in row)
    assert set(rows[-1]) == {"#", ".", " "}


def test_only_what_is_bad_gets_the_role_of_bad() -> None:
    picture = draw(spec([0.9, 0.7, 0.3] * 4, unit="share", how="rate", full=1.0, bands=Bands(0.8, 0.6, True)), 20, 4)
    roles = {picture.rows[-1][picture.left + slot.left][1] for slot in picture.slots}
    assert roles == {"bar", "bad"}


def test_incomplete_buckets_are_drawn_apart_and_said_in_words() -> None:
    cut = spec([4.0] * 10, known=(START + HOUR_MS, START + 9 * DAY_MS + HOUR_MS))
    picture = draw(cut, 20, 3)
    roles = [picture.rows[-1][picture.left + slot.left][1] for slot in picture.slots]
    assert roles == ["partial", *["bar"] * 8, "partial"]
    assert cut.incomplete(START, START + DAY_MS) == "in part"
    assert cut.incomplete(START + 9 * DAY_MS, START + 10 * DAY_MS) == "so far"


def test_of_two_lines_the_important_one_is_solid_and_the_other_dotted() -> None:
    series = (DrawnSeries("p50", points([1.0] * 20)), DrawnSeries("p90", points([9.0] * 20)))
    picture = draw(spec([1.0] * 20, form="lines", series=series), 30, 4)
    cells = [cell for row in picture.rows for cell in row[picture.left :]]
    dots = {
        role: [bin(ord(char) - 0x2800).count("1") for char, own in cells if own == role] for role in ("line", "line2")
    }
    assert sum(dots["line"]) > 1.8 * sum(dots["line2"]) > 0
    plain = draw(spec([1.0] * 20, form="lines", series=series), 30, 4, ascii_only=True)
    assert {char for row in plot(plain) for char in row} == {" ", ".", "*"}


def test_a_gap_breaks_a_line() -> None:
    series = (DrawnSeries("p90", points([5.0] * 8 + [None] * 4 + [5.0] * 8)),)
    picture = draw(spec([5.0] * 20, form="lines", series=series), 44, 4)
    gap = picture.slots[9]
    assert all(row[picture.left + gap.left][0] == " " for row in picture.rows)


def test_groups_stand_under_each_other_with_name_and_total() -> None:
    series = tuple(DrawnSeries(name, points([1.0, 2.0] * 5), "15", name) for name in ("support-bot", "coding", "other"))
    picture = draw(spec([1.0] * 10, form="multiples", series=series), 40, 4)
    texts = ["".join(char for char, _ in row) for row in picture.rows]
    assert [text.split("│")[0].strip() for text in texts[:3]] == ["support-bot", "coding", "other"]
    assert all(text.rstrip().endswith("15") for text in texts[:3])
    assert picture.bands == ((0, 1), (1, 2), (2, 3))


def test_wide_names_keep_the_columns_true() -> None:
    series = (
        DrawnSeries("支援", points([1.0] * 5), "5", "支援"),
        DrawnSeries("support", points([1.0] * 5), "5", "support"),
    )
    picture = draw(spec([1.0] * 5, form="multiples", series=series), 30, 2)
    assert {len(row) for row in picture.rows} == {30}


def test_marks_stand_on_the_time_axis_and_labels_give_way() -> None:
    marks = (ChartMark(START + 11 * DAY_MS, "2.4.0", "version"), ChartMark(START + 15 * DAY_MS, "back", "note"))
    axis = "".join(char for char, _ in draw(spec([4.0] * 30, marks=marks), 38, 4).axis)
    assert axis.count("▾") == 1 and axis.count("✎") == 1
    assert "Oct 24" in axis
    plain = "".join(char for char, _ in draw(spec([4.0] * 30, marks=marks), 38, 4, ascii_only=True).axis)
    assert plain.isascii() and "v" in plain.replace("Nov", "")


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e13)), min_size=1, max_size=400),
    st.integers(1, 90),
    st.integers(1, 20),
    st.sampled_from(["bars", "lines", "multiples"]),
    st.booleans(),
)
def test_any_series_fits_any_size(
    values: list[float | None], width: int, height: int, form: str, ascii_only: bool
) -> None:
    picture = draw(spec(values, form=form), width, height, ascii_only)
    assert len(picture.rows) == height
    assert all(len(row) == width for row in picture.rows)
    assert len(picture.axis) == width


def test_four_panels_of_a_large_terminal_are_drawn_quickly() -> None:
    hours = [float(i % 37) for i in range(720)]
    shown = [spec(hours) for _ in range(4)]
    best = 1e9
    for _ in range(5):
        begin = time.process_time()
        for each in shown:
            draw(each, 78, 20)
        best = min(best, time.process_time() - begin)
    # The bound of the design is 20 ms on a quiet machine; a shared one gets twice that.
    assert best < 0.040
