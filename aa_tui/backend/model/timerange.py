"""Time ranges as people say them (`7d`, `24h`, `2026-10-01..2026-10-31`, `all`) and what instants they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, to_ms
from aa_tui.backend.support.errors import UsageError

_SPAN = re.compile(r"(\d{1,4})([hdwm])")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_UNIT_MS = {"h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS, "m": 30 * DAY_MS}
_UNIT_WORD = {"h": "hour", "d": "day", "w": "week", "m": "month"}

PRESETS = ("24h", "7d", "30d", "90d", "all")
"""What the time menu offers."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range of session starts, kept as it was said so that it round-trips and moves with the clock."""

    text: str

    def bounds(self, now_ms: int, zone: str) -> tuple[int | None, int | None]:
        """Return (from, to) as epoch milliseconds, `to` exclusive; None is open. Days are whole days of `zone`."""
        if self.text == "all":
            return None, None
        span = _SPAN.fullmatch(self.text)
        if span:
            return now_ms - int(span[1]) * _UNIT_MS[span[2]], None
        first, _, last = self.text.partition("..")
        lower = _instant(first, zone) if first else None
        upper = _instant(last or first, zone, after=True) if (last or ".." not in self.text) else None
        return lower, upper

    def words(self) -> str:
        """Say the range in words: `last 7 days`, `all time`, `2026-10-01 to 2026-10-31`."""
        if self.text == "all":
            return "all time"
        span = _SPAN.fullmatch(self.text)
        if span:
            count = int(span[1])
            unit = _UNIT_WORD[span[2]]
            return f"last {unit}" if count == 1 else f"last {count} {unit}s"
        first, dots, last = self.text.partition("..")
        if not dots:
            return first
        if not last:
            return f"since {first}"
        return f"{first} to {last}" if first else f"until {last}"


def _instant(text: str, zone: str, after: bool = False) -> int:
    """A minute means its start; a day its start, or, as the end of a range, the start of the next one."""
    if "T" in text:
        return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))
    day = date.fromisoformat(text)
    if after and day < date.max:
        day += timedelta(days=1)
    return to_ms(datetime.combine(day, time(), ZoneInfo(zone)))


def parse_range(text: str) -> TimeRange:
    """Return the range a text means.

    Raises:
        UsageError: none of `24h`, `7d`, `2w`, `3m`, `all`, `2026-10-01`, `2026-10-01..`, `2026-10-01..2026-10-31`, or
            the same with minutes, `2026-10-01T14:00..2026-10-01T15:00`.
    """
    clean = text.strip().lower()
    if clean == "all" or _SPAN.fullmatch(clean):
        return TimeRange(clean)
    first, dots, last = clean.upper().partition("..")
    try:
        for piece in (first, last):
            if piece and not _MINUTE.fullmatch(piece):
                date.fromisoformat(piece)
            elif piece:
                datetime.fromisoformat(piece).replace(tzinfo=UTC)
        if "T" in first and not dots:
            raise ValueError("a single minute is no range")
    except ValueError:
        first = last = ""
    if not first and not last:
        raise UsageError(f"not a time range: {text!r}.", "Say 24h, 7d, 30d, all, 2026-10-01 or 2026-10-01..2026-10-31.")
    return TimeRange(f"{first}{dots}{last}")
