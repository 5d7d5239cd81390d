"""Sums read from rollups: at the same cost for any number of sessions, for filters that rollups know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from aa_tui.backend.model.filter import Filter, Match
from aa_tui.backend.model.histogram import added_up
from aa_tui.backend.query.buckets import place_sql
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.monitor.period import Period
from aa_tui.backend.query.monitor.source import ToolSums, joined, known_signals, most_frequent
from aa_tui.backend.query.monitor.sums import Cells, Sums
from aa_tui.backend.query.readmodels import FacetCount
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.store.rollups import (
    BUCKET_MS,
    DAY,
    Days,
    bits_of,
    signal_value,
    spans,
    split_tool_error,
    unpack_bits,
    unpack_users,
)

_SUMS = (
    "sessions", "turns", "model_calls", "error_sessions", "cost_nano", "priced_calls", "priced_sessions",
    "estimated_sessions", "ruled_sessions",
)  # fmt: skip


def agents_of_rollups(reader: Reader, scope: Scope, f: Filter) -> list[str] | None:
    """Return the root agents whose rollups say exactly what a filter means ([] for all); None when none do.

    An agent that also worked under others has sessions that its own rollups do not count.
    """
    wanted: list[str] = []
    p = {"p": scope.project_id}
    for node in f.nodes:
        if not isinstance(node, Match) or node.field != "agent" or wanted:
            return None
        rooted: dict[str, int] = dict(
            reader.fetch(
                f"SELECT agent, SUM(sessions) FROM rollup_session WHERE project_id=:p AND level={DAY} GROUP BY agent", p
            )
        )
        for value, sessions in reader.fetch("SELECT value, sessions FROM facet WHERE project_id=:p AND key='agent'", p):
            if not node.values or any(v.matches(value) for v in node.values):
                if rooted.get(value) != sessions:
                    return None
                wanted.append(value)
        if not wanted:
            return None
    return wanted


class FromRollups:
    """The sessions of some root agents, or of all; see `Source`."""

    def __init__(self, reader: Reader, scope: Scope, agents: Sequence[str], period: Period) -> None:
        self._reader = reader
        self._period = period
        names = {f"g{i}": name for i, name in enumerate(agents)}
        self._agents = f" AND agent IN ({', '.join(':' + n for n in names)})" if names else ""
        self._params: dict[str, Any] = {"p": scope.project_id, **names}
        row = reader.one("SELECT time_zone FROM project WHERE id=:p", {"p": scope.project_id})
        # The project has another zone than when it was opened: its days are other ones now.
        self._days = Days(scope.zone) if row is not None and row[0] == scope.zone else None

    def _fetch(
        self,
        table: str,
        columns: Sequence[str],
        lower: int,
        upper: int,
        where: str = "",
        *,
        grouped: int = 0,
        days: bool = True,
    ) -> Iterable[Row]:
        """Yield columns of a table of rollups for each of the parts that make up the range; so sums come once for every
        part. `grouped` is how many of the first columns they are grouped by.
        """
        for level, a, b in self._spans(lower, upper, days):
            tail = f" GROUP BY {', '.join(str(i + 1) for i in range(grouped))}" if grouped else ""
            yield from self._reader.fetch(
                f"SELECT {', '.join(columns)} FROM {table} WHERE project_id=:p AND level={level} AND bucket>=:a "
                f"AND bucket<:b{self._agents}{where}{tail}",
                {**self._params, "a": a, "b": b},
            )

    def _dim(self, dim: str, *columns: str) -> Iterable[Row]:
        """Yield the sums of a dimension over the period; the last column is the sum, the others are grouped by."""
        where = f" AND dim='{dim}'"
        ends = self._period.from_ms, self._period.to_ms
        return self._fetch("rollup_dim", columns, *ends, where, grouped=sum("SUM(" not in each for each in columns))

    def _spans(self, lower: int, upper: int, days: bool) -> list[tuple[int, int, int]]:
        """Return the parts (level, first bucket, bucket after the last) that make up a range."""
        first, last = lower // BUCKET_MS, -(-upper // BUCKET_MS)
        kept = self._days if days else None
        if kept is not None and last > self._period.newest:
            # Nothing comes after the range: its last day may be read whole.
            last = kept.around(last - 1)[1]
        return spans(kept, first, last)

    def count(self, lower: int, upper: int) -> int:
        """Return the number of sessions in a range."""
        rows = self._fetch("rollup_session", ["COALESCE(SUM(sessions), 0)"], lower, upper)
        return sum(int(row[0]) for row in rows)

    def gather(self, lower: int, upper: int, starts: Sequence[int], by_agent: bool) -> Cells:
        cells: Cells = {}
        place = (place_sql(f"(bucket * {BUCKET_MS})", starts), "agent" if by_agent else "''")
        # Intervals are whole days but for hours; what is not divided at all may be added up from any parts.
        days = len(starts) == 1 or self._period.interval != "hour"
        for row in self._fetch(
            "rollup_session", [*place, *(f"SUM({name})" for name in _SUMS)], lower, upper, grouped=2, days=days
        ):
            made = Sums(*row[2:10])
            made.ruled = row[10]
            cells.setdefault((row[0], row[1]), Sums()).add(made)
        for index, agent, bins in self._fetch(
            "rollup_latency", [*place, joined(self._reader, "bins")], lower, upper, " AND dim=''", grouped=2, days=days
        ):
            cells.setdefault((index, agent), Sums()).latencies.append(bins)
        counted = {
            signal_value(signal, value): (measure, value == wanted)
            for measure, signal, wanted, values in known_signals(self._reader, self._params["p"])
            for value in values
        }
        for index, agent, name, n in self._fetch(
            "rollup_dim", [*place, "value", "SUM(sessions)"], lower, upper, " AND dim='signal'", grouped=3, days=days
        ):
            if name in counted:
                measure, hit = counted[name]
                cells.setdefault((index, agent), Sums()).judge(measure, n, n if hit else 0)
        for cell in cells.values():
            # Exactly the mean of the two where both ran, which is how they are asked for.
            both = [cell.signals[n] for n in ("success", "response_quality") if n in cell.signals]
            cell.quality_n = max((ran for ran, _ in both), default=0)
            ran = sum(pair[0] for pair in both)
            cell.quality = cell.quality_n * sum(pair[1] for pair in both) / ran if ran else 0.0
        return cells

    def count_users(self, lower: int, upper: int) -> int:
        """Count the users of all parts of the range once: sets of bits for days, numbers for the ends."""
        blocks: dict[int, int] = {}
        loose: set[int] = set()
        for level, a, b in self._spans(lower, upper, True):
            where = f"WHERE project_id=:p AND bucket>=:a AND bucket<:b{self._agents}"
            given = {**self._params, "a": a, "b": b}
            if level == DAY:
                for block, users in self._reader.fetch(f"SELECT block, users FROM rollup_user_day {where}", given):
                    blocks[block] = blocks.get(block, 0) | unpack_bits(users)
            else:
                rows = self._reader.fetch(f"SELECT users FROM rollup_user {where}", given)
                loose.update(unpack_users(b"".join([row[0] for row in rows])))
        for block, bits in bits_of(loose).items():
            blocks[block] = blocks.get(block, 0) | bits
        return sum(bits.bit_count() for bits in blocks.values())

    @cached_property
    def _topics(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for agent, topic, n in self._dim("topic", "agent", "value", "SUM(sessions)"):
            found[agent, topic] = found.get((agent, topic), 0) + n
        return found

    def topics_of_agents(self) -> list[tuple[str, str, int]]:
        return sorted(((*pair, n) for pair, n in self._topics.items()), key=lambda row: (-row[2], row[1]))

    def largest(self, key: str, limit: int) -> list[FacetCount]:
        found: dict[str, int] = {}
        rows: Iterable[Row] = ((topic, n) for (_, topic), n in self._topics.items())
        if key != "topic":
            rows = self._dim(key, "value", "SUM(sessions)")
        for value, n in rows:
            found[value] = found.get(value, 0) + n
        counts = [FacetCount(value, n) for value, n in found.items()]
        return sorted(counts, key=lambda count: (-count.sessions, count.value))[:limit]

    def tools(self) -> dict[str, ToolSums]:
        sums: dict[str, tuple[int, int]] = {}
        for name, calls, failed in self._dim("tool", "value", "SUM(calls)", "SUM(errors)"):
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + calls, before[1] + failed)
        packed: dict[str, list[str]] = {}
        columns = ["value", joined(self._reader, "bins")]
        ends = self._period.from_ms, self._period.to_ms
        for name, bins in self._fetch("rollup_latency", columns, *ends, " AND dim='tool'", grouped=1):
            packed.setdefault(name, []).append(bins)
        kinds: dict[str, dict[str, int]] = {}
        for value, n in self._dim("tool_error", "value", "SUM(errors)"):
            name, error = split_tool_error(value)
            mine = kinds.setdefault(name, {})
            mine[error] = mine.get(error, 0) + n
        return {
            name: ToolSums(*counts, added_up(packed.get(name, ())), most_frequent(kinds.get(name, {})))
            for name, counts in sums.items()
        }
