"""Arithmetic of charts: buckets to the cell width, ticks of values and of time, labels. Pure; nothing is drawn here."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from aa_tui.backend.support import humanize
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import Point

How = Literal["mean", "max", "rate", "sum"]
"""How the values of several intervals become one: volume by mean (the axis stays "a day"), latencies by max, rates by
mean weighted with n."""

Unit = Literal["count", "share", "score", "money", "latency"]
"""What a value is: a number, 0–1 shown in percent, 0–1 shown as it is, nano-dollars, milliseconds."""

_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0)
_FACTOR: dict[str, float] = {"count": 1.0, "share": 100.0, "score": 1.0, "money": 1e-9, "latency": 1e-3}


class Slot(NamedTuple):
    """A run of intervals drawn as one bucket, and the cells (first inclusive, last exclusive) it takes."""

    first: int
    last: int
    left: int
    right: int
    from_ms: int
    to_ms: int

    @property
    def intervals(self) -> int:
        """How many intervals of the series stand in this bucket."""
        return self.last - self.first


def slots(starts: Sequence[int], end_ms: int, width: int) -> tuple[Slot, ...]:
    """Lay intervals that begin at `starts` (the last one ends at `end_ms`) out over `width` cells.

    Every bucket but the last holds the same number of intervals, so that no bucket looks taller for holding more.
    """
    count = len(starts)
    if count == 0 or width <= 0:
        return ()
    per = math.ceil(count / width)
    total = math.ceil(count / per)
    found = []
    for index in range(total):
        first, last = index * per, min(count, (index + 1) * per)
        found.append(
            Slot(
                first,
                last,
                index * width // total,
                (index + 1) * width // total,
                starts[first],
                starts[last] if last < count else max(end_ms, starts[last - 1]),
            )
        )
    return tuple(found)


def interval_end(start_ms: int, interval: str, zone: str) -> int:
    """Return where the interval that begins at `start_ms` ends, by the calendar of the zone."""
    if interval == "hour":
        return start_ms + HOUR_MS
    start = humanize.instant(start_ms, zone)
    if interval == "month":
        end = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        end = start + timedelta(days=7 if interval == "week" else 1)
    # Aware arithmetic keeps the time of day, so that a day of 23 or 25 hours ends at midnight too.
    return round(end.timestamp() * 1000)


def combine(points: Sequence[Point], how: How) -> tuple[float | None, int]:
    """Return value and n of several intervals as one; None when none of them has a value."""
    if len(points) == 1:
        return points[0].value, points[0].n
    known = [(point.value, point.n) for point in points if point.value is not None]
    n = sum(point.n for point in points)
    if not known:
        return None, n
    values = [value for value, _ in known]
    if how == "max":
        return max(values), n
    if how == "sum":
        return sum(values), n
    weight = sum(count for _, count in known)
    if how == "rate" and weight:
        return sum(value * count for value, count in known) / weight, n
    return sum(values) / len(values), n


def slot_of(found: Sequence[Slot], column: int) -> int | None:
    """Return the index of the bucket that covers a cell, or None."""
    index = bisect_right([slot.left for slot in found], column) - 1
    return index if 0 <= index < len(found) and column < found[index].right else None


def nice_step(value: float) -> float:
    """Return the smallest round number not under `value` (1, 1.2, 1.5, 2, 2.5, 3 … times a power of ten)."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for step in _STEPS:
        if step * power >= value * (1 - 1e-9):
            return step * power
    return 10.0 * power


class Axis(NamedTuple):
    """The value axis: its top in the series' own unit, and (row, label) of its ticks, row 0 at the top."""

    top: float
    ticks: tuple[tuple[int, str], ...]

    @property
    def width(self) -> int:
        """Cells the labels need."""
        return max((len(label) for _, label in self.ticks), default=0)


def value_axis(highest: float | None, height: int, unit: Unit, full: float | None = None) -> Axis:
    """Return an axis from zero over `height` rows. `full` fixes the top (1.0 makes shares read from 0 to 100)."""
    divisions = 2 if height <= 7 or height % 3 or full is not None else 3
    if height >= 12:
        divisions = 4
    if height <= 2:
        divisions = 1
    factor = _FACTOR[unit]
    if full is not None:
        top, step = full * factor, full * factor / divisions
    else:
        step = nice_step((highest or 0) * factor / divisions)
        if unit == "count":
            step = max(1.0, math.ceil(step))
        top = step * divisions
    ticks = []
    taken: set[int] = set()
    for index in range(divisions + 1):
        row = min(height - 1, int(height - height * index / divisions))
        if row in taken:
            continue
        taken.add(row)
        ticks.append((row, axis_label(step * index, step)))
    return Axis(top / factor, tuple(ticks))


def axis_label(value: float, step: float) -> str:
    """Return a tick's text with just the decimals its step needs: `0`, `2.5`, `.05`, `12k`."""
    if value == 0:
        return "0"
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * (10 if suffix == "k" else 1):
            return f"{value / size:.6g}{suffix}" if step / size >= 0.1 else f"{value / size:.1f}{suffix}"
    decimals = 0
    while decimals < 4 and abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:
        decimals += 1
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("0.") else text


def readout(value: float | None, unit: Unit) -> str:
    """Return one value as people read it, with its unit; None is the dash."""
    if value is None:
        return humanize.UNKNOWN
    if unit == "count":
        return humanize.count(value) if value >= 10 or value == int(value) else f"{value:.1f}"
    if unit == "share":
        return humanize.share(value)
    if unit == "score":
        return humanize.ratio(value)
    if unit == "money":
        return humanize.money(round(value))
    return humanize.latency(value)


def when(from_ms: int, to_ms: int, interval: str, zone: str, intervals: int = 1) -> str:
    """Say a bucket's time: `Nov 13`, `Nov 13 14:00`, `Nov 13 14:00 +3 h`, `Nov 10–16`, `Nov 2026`."""
    start = humanize.instant(from_ms, zone)
    if interval == "hour":
        text = f"{_plain_day(from_ms, zone)} {start:%H:%M}"
        return text if intervals == 1 else f"{text} +{intervals} h"
    if interval == "month" and intervals == 1:
        return f"{_plain_day(from_ms, zone)[:3]} {start.year}"
    last = humanize.instant(max(from_ms, to_ms - 1), zone)
    if last.date() == start.date():
        return _plain_day(from_ms, zone)
    end = str(last.day) if last.month == start.month else _plain_day(max(from_ms, to_ms - 1), zone)
    return f"{_plain_day(from_ms, zone)}–{end}"


def _plain_day(ms: int, zone: str) -> str:
    return humanize.day(ms, zone).replace("  ", " ")


def time_ticks(
    found: Sequence[Slot], interval: str, zone: str, keep_free: Collection[int] = ()
) -> tuple[tuple[int, str], ...]:
    """Return (cell, label) of the time axis: as many labels as stand apart, at round distances, off the cells to keep
    free."""
    if not found:
        return ()
    span = found[-1].to_ms - found[0].from_ms
    hourly = interval == "hour" and span <= 3 * DAY_MS
    monthly = interval == "month" or span > 400 * DAY_MS
    if hourly:
        wanted = [slot for slot in found if humanize.instant(slot.from_ms, zone).minute == 0]
        distances = [HOUR_MS * hours for hours in (1, 2, 3, 4, 6, 12, 24, 48)]
    else:
        wanted = list(found)
        distances = [DAY_MS * days for days in (1, 2, 5, 7, 10, 14, 28, 56, 91, 182, 364, 728)]
    width = found[-1].right - found[0].left
    room = 9 if not monthly else 11
    cell_ms = max(1.0, span / max(1, width))
    distance = next((each for each in distances if each / cell_ms >= room), distances[-1])
    ticks: list[tuple[int, str]] = []
    due: int | None = None
    for slot in wanted:
        start = humanize.instant(slot.from_ms, zone)
        if hourly:
            step = distance // HOUR_MS
            on_time = start.hour % min(step, 24) == 0 and (step <= 24 or due is None or slot.from_ms >= due)
            label = _plain_day(slot.from_ms, zone) if start.hour == 0 else f"{start:%H:%M}"
        else:
            on_time = due is None or slot.from_ms >= due - HOUR_MS * 2
            label = f"{_plain_day(slot.from_ms, zone)[:3]} {start.year}" if monthly else _plain_day(slot.from_ms, zone)
        if not on_time:
            continue
        if ticks and slot.left < ticks[-1][0] + len(ticks[-1][1]) + 2:
            continue
        if slot.left + len(label) > found[-1].right or any(
            slot.left <= cell < slot.left + len(label) for cell in keep_free
        ):
            continue
        ticks.append((slot.left, label))
        due = slot.from_ms + distance
    return tuple(ticks)


def notable(
    values: Sequence[float | None], higher_is_better: bool | None, counts: Sequence[int] | None = None
) -> int | None:
    """Return the index of the value that stands out on the bad side (both sides when neither is), or None.

    Stands out = more than five typical deviations (median absolute) and a quarter of the median away from it. With
    `counts`, a value about far fewer than usual is chance and is passed over.
    """
    least = 0.0
    if counts is not None:
        many = sorted(count for count in counts if count)
        least = max(5.0, many[len(many) // 2] / 4) if many else 0.0
    kept = [
        (index, value)
        for index, value in enumerate(values)
        if value is not None and (counts is None or counts[index] >= least)
    ]
    if len(kept) < 5:
        return None
    known = sorted(value for _, value in kept)
    middle = known[len(known) // 2]
    spread = sorted(abs(value - middle) for value in known)[len(known) // 2]
    best: int | None = None
    farthest = max(5 * spread, abs(middle) * 0.25, 1e-12)
    for index, value in kept:
        away = value - middle
        if higher_is_better is True:
            away = -away
        elif higher_is_better is None:
            away = abs(away)
        if away > farthest:
            best, farthest = index, away
    return best
