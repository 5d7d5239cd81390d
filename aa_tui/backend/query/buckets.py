"""Hours, days, weeks and months of a time zone as instants, right over changes of the clocks. No SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, from_ms, to_ms

INTERVALS = ("hour", "day", "week", "month")


def auto_interval(from_ms_: int, to_ms_: int) -> str:
    """Return the interval that gives a chart a readable number of points."""
    span = to_ms_ - from_ms_
    return (
        "hour" if span <= 3 * DAY_MS else "day" if span <= 100 * DAY_MS else "week" if span <= 700 * DAY_MS else "month"
    )


def edges(from_ms_: int, to_ms_: int, interval: str, zone: str) -> list[int]:
    """Return the starts of the intervals that touch the range, the first at or before its beginning."""
    place = ZoneInfo(zone)
    local = from_ms(from_ms_).astimezone(place)
    found: list[int] = []
    if interval == "hour":
        # Whole hours of the zone are whole hours of the world but for odd offsets, which stay odd.
        at = to_ms(local.astimezone(UTC)) - (local.minute * 60 + local.second) * 1000 - local.microsecond // 1000
        while at < to_ms_:
            found.append(at)
            at += HOUR_MS
        return found
    day = local.date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    while (at := _midnight(day, place)) < to_ms_:
        found.append(at)
        if interval == "month":
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        else:
            day += timedelta(days=7 if interval == "week" else 1)
    return found


def _midnight(day: date, place: ZoneInfo) -> int:
    return to_ms(datetime.combine(day, time(), place))


def place_sql(at: str, starts: Sequence[int]) -> str:
    """Return SQL for the index of the interval that holds `at`: a division for every run of equally long intervals.

    Instants before the first start count as in the first interval.
    """
    runs: list[tuple[int, int]] = []
    for index, start in enumerate(starts[:-1]):
        length = starts[index + 1] - start
        if not runs or runs[-1][1] != length:
            runs.append((index, length))
    cases = "".join(
        f"WHEN {at} >= {starts[index]} THEN {index} + ({at} - {starts[index]}) / {length} "
        for index, length in reversed(runs)
    )
    last = len(starts) - 1
    return f"CASE WHEN {at} >= {starts[-1]} THEN {last} {cases}ELSE 0 END"
