"""Time as the backend sees it: injected clock, aware UTC instants, epoch milliseconds at the edges. No formatting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

MS = 1
SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Clock(Protocol):
    """Where "now" comes from. Tests pass a frozen one."""

    def now_ms(self) -> int:
        """Return the current instant, epoch milliseconds, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class FrozenClock:
    """A clock that stands still until it is moved; for tests, snapshots and the sample project."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> None:
        """Move the clock forward by `ms` milliseconds."""
        self._now_ms += ms


def from_ms(ms: int) -> datetime:
    """Return the aware UTC instant of epoch milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def to_ms(instant: datetime) -> int:
    """Return epoch milliseconds of an aware instant.

    Raises:
        ValueError: the instant is naive; a zone must be decided where the text is parsed, not here.
    """
    if instant.tzinfo is None:
        raise ValueError("naive instant")
    return round(instant.timestamp() * 1000)


def parse_iso_ms(text: str) -> int:
    """Return epoch milliseconds of an ISO 8601 text with a zone (`Z` or an offset).

    Raises:
        ValueError: not ISO 8601, or without a zone.
    """
    return to_ms(datetime.fromisoformat(text))
