"""From when to when a view reaches, by which intervals, and which range shows the newest data."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aa_tui.backend.model.filter import Filter
from aa_tui.backend.model.timerange import TimeRange
from aa_tui.backend.query.buckets import auto_interval, edges
from aa_tui.backend.query.compile import Compiler, Scope
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.store.rollups import BUCKET_MS, DAY, QUARTER
from aa_tui.backend.support.clock import DAY_MS

DEFAULT_RANGE = TimeRange("30d")
_TIMED = "s.time_quality NOT IN ('order_only', 'placeholder')"


class Period:
    """The range of a view and the sessions without a usable time, which are in no range."""

    def __init__(self, reader: Reader, scope: Scope, f: Filter, interval: str) -> None:
        self._reader = reader
        self._scope = scope
        wanted = f if f.time_range() else f.with_range(DEFAULT_RANGE)
        lower, upper = Compiler(reader, scope, wanted).span
        first, last = rolled_span(reader, scope) or (scope.now_ms - 30 * DAY_MS, scope.now_ms)
        self.newest = last // BUCKET_MS
        """The last bucket in which a session starts."""
        self.open = lower is None
        """Without a beginning there is no period before."""
        self.from_ms = (first if lower is None else lower) // BUCKET_MS * BUCKET_MS
        self.to_ms = max(upper if upper is not None else max(scope.now_ms, last + 1), self.from_ms + BUCKET_MS)
        self.interval = auto_interval(self.from_ms, self.to_ms) if interval == "auto" else interval
        self._untimed_exist = self._count_untimed() > 0

    @property
    def before_ms(self) -> int:
        """Where the equally long period before begins."""
        return 2 * self.from_ms - self.to_ms

    def starts(self) -> list[int]:
        """Return the starts of the intervals."""
        return edges(self.from_ms, self.to_ms, self.interval, self._scope.zone)

    def timed(self) -> list[str]:
        """Return the condition on `s` that keeps sessions without a usable time out, where there are any."""
        return [_TIMED] if self._untimed_exist else []

    def untimed(self, f: Filter) -> int:
        """Count the sessions of a filter (without range) that have no usable time."""
        if not self._untimed_exist:
            return 0
        if not f:
            return self._count_untimed()
        return int(Compiler(self._reader, self._scope, f).select("COUNT(*)", [f"NOT {_TIMED}"])[0][0])

    def _count_untimed(self) -> int:
        """Every session has one state, and every session with a usable time is in the rollups."""
        row = self._reader.one(
            "SELECT (SELECT COALESCE(SUM(sessions), 0) FROM facet WHERE project_id=:p AND key='state') - "
            f"(SELECT COALESCE(SUM(sessions), 0) FROM rollup_session WHERE project_id=:p AND level={DAY})",
            {"p": self._scope.project_id},
        )
        return max(int(row[0]), 0) if row else 0


def rolled_span(reader: Reader, scope: Scope) -> tuple[int, int] | None:
    """Return the starts of the first and last bucket with sessions of usable time; two look-ups, not a scan."""
    row = reader.one(
        f"SELECT (SELECT MIN(bucket) FROM rollup_session WHERE project_id=:p AND level={QUARTER}), "
        f"(SELECT MAX(bucket) FROM rollup_session WHERE project_id=:p AND level={QUARTER})",
        {"p": scope.project_id},
    )
    return None if row is None or row[0] is None else (row[0] * BUCKET_MS, row[1] * BUCKET_MS)


def best_range(reader: Reader, scope: Scope) -> TimeRange:
    """Return the range that shows the newest data: 7d for a young project, 30d, else the 30 days that end with it.

    A range that reaches from old transcripts to today would squeeze them into a corner of every chart.
    """
    ends = rolled_span(reader, scope)
    if ends is None:
        return DEFAULT_RANGE
    oldest, newest = (scope.now_ms - at for at in ends)
    if 0 <= oldest <= 7 * DAY_MS:
        return TimeRange("7d")
    if newest <= 30 * DAY_MS:
        return DEFAULT_RANGE
    last = datetime.fromtimestamp(ends[1] / 1000, ZoneInfo(scope.zone)).date()
    return TimeRange(f"{last - timedelta(days=29)}..{last}")
