"""Numbers, money, durations and instants as people read them. Pure and plain; nothing here knows a terminal or colours.

Unknown (None) is always the dash `–`, never zero. Instants are epoch milliseconds, shown in a named time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache

UNKNOWN = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NANO = 1_000_000_000


def count(value: int | float | None) -> str:
    """Return a whole number with thousands marks: `1004` is `1,004`."""
    return UNKNOWN if value is None else f"{round(value):,}"


def short_count(value: int | float | None) -> str:
    """Return a count in at most five cells: `940`, `1.2k`, `35k`, `4.1M`."""
    if value is None:
        return UNKNOWN
    if abs(value) < 1000:
        return f"{round(value)}"
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        scaled = value / size
        if abs(scaled) < 9.95:
            return f"{scaled:.1f}{unit}"
        if abs(scaled) < 999.5:
            return f"{round(scaled)}{unit}"
    return f"{value / 1e12:.1f}T"


def tokens(value: int | None) -> str:
    """Return a number of tokens, short: `410`, `12k`, `1.4M`."""
    return short_count(value)


def money(nano: int | None) -> str:
    """Return US dollars of nano-dollars, with as many decimals as small amounts need: `$41.20`, `$0.021`, `$0.0009`."""
    if nano is None:
        return UNKNOWN
    sign = "-" if nano < 0 else ""
    usd = abs(nano) / _NANO
    if usd == 0:
        return "$0"
    if usd >= 1000:
        return f"{sign}${usd:,.0f}"
    if usd >= 0.995:
        return f"{sign}${usd:,.2f}"
    if usd >= 0.00995:
        return f"{sign}${usd:.3f}"
    return f"{sign}${usd:.4f}" if usd >= 0.00005 else f"{sign}<$0.0001"


def duration(ms: float | None) -> str:
    """Return a span of time with its two largest units: `0.4 s`, `41 s`, `5 m 12 s`, `2 h 5 m`, `3 d 4 h`."""
    if ms is None:
        return UNKNOWN
    seconds = abs(ms) / 1000
    sign = "-" if ms < 0 else ""
    if seconds < 10:
        return f"{sign}{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3600:
        big, small, names = 60, 1, ("m", "s")
    elif whole < 86_400:
        big, small, names = 3600, 60, ("h", "m")
    else:
        big, small, names = 86_400, 3600, ("d", "h")
    first, rest = divmod(whole, big)
    second = rest // small
    return f"{sign}{first:,} {names[0]} {second} {names[1]}" if second else f"{sign}{first:,} {names[0]}"


def latency(ms: float | None) -> str:
    """Return how long one call took: `85 ms`, `1.2 s`, `21.2 s`, `2 m 5 s`."""
    if ms is None:
        return UNKNOWN
    if ms < 1000:
        return f"{round(ms)} ms"
    return f"{ms / 1000:.1f} s" if ms < 99_950 else duration(ms)


def share(value: float | None, digits: int = 0) -> str:
    """Return a share of one as a percentage: `0.78` is `78 %`. Small shares that are not zero keep a decimal."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    if digits == 0 and 0 < abs(percent) < 9.95 and abs(percent - round(percent)) >= 0.05:
        digits = 1
    return f"{percent:.{digits}f} %"


def ratio(value: float | None) -> str:
    """Return a score between 0 and 1 with two decimals: `0.74`."""
    return UNKNOWN if value is None else f"{value:.2f}"


def size(n_bytes: int | None) -> str:
    """Return a number of bytes or characters: `812 B`, `41 kB`, `1.4 MB`."""
    if n_bytes is None:
        return UNKNOWN
    if n_bytes < 1000:
        return f"{n_bytes} B"
    for scale, unit in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB")):
        scaled = n_bytes / scale
        if scaled < 999.5:
            return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{round(scaled)} {unit}"
    return f"{n_bytes / 1e12:.1f} TB"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 session`, `1,004 sessions`."""
    return f"{n:,} {one if n == 1 else (many or one + 's')}"


@lru_cache(maxsize=32)
def _zone(name: str) -> tzinfo:
    if name in ("UTC", ""):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def instant(ms: int, zone: str = "UTC") -> datetime:
    """Return the aware local instant; instants outside the calendar's range are clamped to it."""
    try:
        return datetime.fromtimestamp(ms / 1000, _zone(zone))
    except (OverflowError, ValueError, OSError):
        return datetime(1, 1, 2, tzinfo=UTC) if ms < 0 else datetime(9999, 12, 30, tzinfo=UTC)


def clock(ms: int | None, zone: str = "UTC", seconds: bool = True) -> str:
    """Return the time of day: `14:02:11`, or `14:02`."""
    if ms is None:
        return UNKNOWN
    at = instant(ms, zone)
    return f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"


def day(ms: int | None, zone: str = "UTC", year: bool = False) -> str:
    """Return the day: `Nov 21`, or `Nov 21 2026`. Month names are English whatever the locale."""
    if ms is None:
        return UNKNOWN
    at = instant(ms, zone)
    text = f"{_MONTHS[at.month - 1]} {at.day:>2}"
    return f"{text} {at.year}" if year else text


def moment(ms: int | None, zone: str = "UTC", now_ms: int | None = None) -> str:
    """Return day and time in twelve cells: `Nov 21 14:02`; instants of another year than now: `2025-11-21`."""
    if ms is None:
        return UNKNOWN
    at = instant(ms, zone)
    if now_ms is not None and at.year != instant(now_ms, zone).year:
        return f"{at:%Y-%m-%d}"
    return f"{_MONTHS[at.month - 1]} {at.day:>2} {at:%H:%M}"


def full_moment(ms: int | None, zone: str = "UTC") -> str:
    """Return the whole instant with its zone: `2026-11-21 14:02:11 UTC`."""
    if ms is None:
        return UNKNOWN
    return f"{instant(ms, zone):%Y-%m-%d %H:%M:%S} {zone or 'UTC'}"


def change(now: float | None, before: float | None, kind: str = "percent") -> str:
    """Return the change between two periods: `▲ 4 %`, `▼ 3 pt` (kind `points`), `=` when it rounds to nothing.

    Unknown on either side, or a percentage of nothing, gives an empty text: there is no honest number.
    """
    if now is None or before is None or (kind == "percent" and before == 0):
        return ""
    delta = (now - before) * 100 if kind == "points" else (now - before) / abs(before) * 100
    if abs(delta) < 0.5:
        return "="
    unit = "pt" if kind == "points" else "%"
    return f"{'▲' if delta > 0 else '▼'} {abs(delta):,.0f} {unit}"
