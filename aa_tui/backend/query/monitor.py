"""Monitor's read-model: sums by interval, group and agent, from rollups where they suffice, else from session rows.

Everything is first gathered into `_Sums` by (interval, root agent); tiles, charts and tables merge those.
Sessions stand in the bucket of their start; those whose time is unknown or made up are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aa_tui.backend.model.filter import FIELDS, Filter, Match, Not, Value, all_of, facet_filter
from aa_tui.backend.model.histogram import added_up, merge, quantile
from aa_tui.backend.model.timerange import TimeRange
from aa_tui.backend.query.buckets import INTERVALS, auto_interval, edges, place_sql
from aa_tui.backend.query.compile import Compiler, Scope
from aa_tui.backend.query.readmodels import (
    AgentStat,
    ChartMark,
    CheckRow,
    FacetCount,
    Measure,
    MonitorView,
    Point,
    Series,
    ToolStat,
)
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.store.rollups import (
    BUCKET_MS,
    DAY,
    QUARTER,
    Days,
    bits_of,
    signal_value,
    spans,
    split_tool_error,
    unpack_bits,
    unpack_users,
)
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.backend.support.errors import UsageError

DEFAULT_RANGE = TimeRange("30d")
OTHER = "other"
"""Name of the group of all that is in none of the largest groups."""
_GROUPS = 5
_ROLLUP_FROM = 20_000
"""From so many sessions on, rollups are read instead of rows where the filter allows it."""
_TIMED = "s.time_quality NOT IN ('order_only', 'placeholder')"
_SIGNALS = {
    "success": ("task_completion", "True"),
    "response_quality": ("response_quality", "True"),
    "friction": ("user_friction", "True"),
    "negative_feedback": ("negative_feedback", "True"),
    "data_quality": ("data_quality", "True"),
    "safety": ("session_safety", "Normal"),
}
"""Measure by signal and the value that counts; for safety, the value that does not."""
_JUDGED = ("success", "response_quality", "friction", "negative_feedback", "safety")
_TILES = (
    "sessions", "users", "turns", "success", "quality", "friction", "negative_feedback", "sentiment", "cost",
    "latency_p50", "latency_p90", "error_rate", "response_quality", "data_quality", "safety",
)  # fmt: skip


@dataclass(slots=True)
class _Sums:
    """What is added up over some sessions."""

    sessions: int = 0
    turns: int = 0
    model_calls: int = 0
    error_sessions: int = 0
    cost: int = 0
    priced_calls: int = 0
    priced_sessions: int = 0
    estimated: int = 0
    quality: float = 0.0
    quality_n: int = 0
    mood: float = 0.0
    mood_n: int = 0
    ruled: int = 0
    """Sessions with at least one rule hit."""
    users: set[str] = field(default_factory=set)
    counted_users: int = 0
    """How many, where rollups say only that."""
    bins: dict[int, int] = field(default_factory=dict)
    signals: dict[str, list[int]] = field(default_factory=dict)
    """By measure: sessions on which the signal ran, and those with the value that counts."""

    def add(self, other: _Sums) -> None:
        self.sessions += other.sessions
        self.turns += other.turns
        self.model_calls += other.model_calls
        self.error_sessions += other.error_sessions
        self.cost += other.cost
        self.priced_calls += other.priced_calls
        self.priced_sessions += other.priced_sessions
        self.estimated += other.estimated
        self.quality += other.quality
        self.quality_n += other.quality_n
        self.mood += other.mood
        self.mood_n += other.mood_n
        self.ruled += other.ruled
        self.users |= other.users
        for number, n in other.bins.items():
            self.bins[number] = self.bins.get(number, 0) + n
        for name, (ran, hit) in other.signals.items():
            mine = self.signals.setdefault(name, [0, 0])
            mine[0] += ran
            mine[1] += hit

    def ran(self, name: str) -> int:
        return self.signals.get(name, (0, 0))[0]

    def rate(self, name: str) -> tuple[float | None, int]:
        ran, hit = self.signals.get(name, (0, 0))
        if not ran:
            return None, 0
        return (1 - hit / ran if name == "safety" else hit / ran), ran

    def values(self, scored: bool) -> dict[str, tuple[float | None, int]]:
        """Return (value, n) by measure; None where there is nothing to say."""
        n = self.sessions
        calls = sum(self.bins.values())
        found: dict[str, tuple[float | None, int]] = {
            "sessions": (float(n), n),
            "turns": (float(self.turns), n),
            "cost": (float(self.cost) if self.priced_sessions else None, self.priced_sessions),
            "latency_p50": (quantile(self.bins, 0.5), calls),
            "latency_p90": (quantile(self.bins, 0.9), calls),
            "error_rate": (self.error_sessions / n if n else None, n),
            "success": ((1 - self.ruled / n) if n else None, n),
        }
        for name in _SIGNALS:
            if scored or name == "data_quality":
                found[name] = self.rate(name)
        users = len(self.users) or self.counted_users
        if users or not n:
            found["users"] = (float(users), n)
        if scored:
            found["quality"] = (self.quality / self.quality_n if self.quality_n else None, self.quality_n)
        if self.mood_n:
            found["sentiment"] = (self.mood / self.mood_n, self.mood_n)
        return found


_Cells = dict[tuple[int, str], _Sums]
"""Sums by (index of the interval, root agent); agent '' for what is not asked by agent."""


def _merged(cells: Iterable[_Sums]) -> _Sums:
    total = _Sums()
    for cell in cells:
        total.add(cell)
    return total


class MonitorQuery:
    """One view of Monitor for one reader."""

    def __init__(self, reader: Reader, scope: Scope, f: Filter, interval: str, group_by: str | None) -> None:
        if interval != "auto" and interval not in INTERVALS:
            raise UsageError(f"no interval {interval!r}.", f"One of auto, {', '.join(INTERVALS)}.")
        if group_by is not None and group_by.partition(".")[0] not in FIELDS:
            raise UsageError(f"cannot group by {group_by!r}.", "Use a field of the filter, such as agent or model.")
        self._reader = reader
        self._scope = scope
        self._filter = f.with_range(None)
        self._group_by = group_by
        asked = f.time_range() or DEFAULT_RANGE
        lower, upper = Compiler(reader, scope, f if f.time_range() else f.with_range(DEFAULT_RANGE)).span
        self._open = lower is None
        first, last = self._ends()
        self._newest = last // BUCKET_MS
        self._from = (first if lower is None else lower) // BUCKET_MS * BUCKET_MS
        self._to = max(upper if upper is not None else max(scope.now_ms, last + 1), self._from + BUCKET_MS)
        self._asked = asked
        self._interval = auto_interval(self._from, self._to) if interval == "auto" else interval
        self._untimed_exist = self._count_untimed() > 0
        self._days = self._kept_days()
        self._tool_errors: dict[str, str] = {}

    # --- gathering ---------------------------------------------------------------------------------------------------

    def _kept_days(self) -> Days | None:
        """The days that rollups are kept of; None when the project has another zone now than when it was opened."""
        row = self._reader.one("SELECT time_zone FROM project WHERE id=:p", {"p": self._scope.project_id})
        return Days(self._scope.zone) if row is not None and row[0] == self._scope.zone else None

    def _ends(self) -> tuple[int, int]:
        found = _rolled_span(self._reader, self._scope)
        return found or (self._scope.now_ms - 30 * DAY_MS, self._scope.now_ms)

    def _count_untimed(self) -> int:
        """Every session has one state, and every session with a usable time is in the rollups."""
        row = self._reader.one(
            "SELECT (SELECT COALESCE(SUM(sessions), 0) FROM facet WHERE project_id=:p AND key='state') - "
            f"(SELECT COALESCE(SUM(sessions), 0) FROM rollup_session WHERE project_id=:p AND level={DAY})",
            {"p": self._scope.project_id},
        )
        return max(int(row[0]), 0) if row else 0

    def _untimed(self) -> int:
        if not self._untimed_exist:
            return 0
        if not self._filter:
            return self._count_untimed()
        rows = Compiler(self._reader, self._scope, self._filter).select("COUNT(*)", [f"NOT {_TIMED}"])
        return int(rows[0][0])

    def _compiler(self, f: Filter, lower: int, upper: int) -> Compiler:
        made = Compiler(self._reader, self._scope, f)
        made.lower, made.upper = lower, upper
        return made

    def _timed(self) -> list[str]:
        return [_TIMED] if self._untimed_exist else []

    def _agents_of_rollups(self) -> list[str] | None:
        """Return the root agents whose rollups say exactly what the filter means ([] for all); None when none do.

        An agent that also worked under others has sessions that its own rollups do not count.
        """
        wanted: list[str] = []
        for node in self._filter.nodes:
            if not isinstance(node, Match) or node.field != "agent" or wanted:
                return None
            p = {"p": self._scope.project_id}
            rooted: dict[str, int] = dict(
                self._reader.fetch(
                    f"SELECT agent, SUM(sessions) FROM rollup_session WHERE project_id=:p AND level={DAY} "
                    "GROUP BY agent",
                    p,
                )
            )
            for value, sessions in self._reader.fetch(
                "SELECT value, sessions FROM facet WHERE project_id=:p AND key='agent'", p
            ):
                if not node.values or any(v.matches(value) for v in node.values):
                    if rooted.get(value) != sessions:
                        return None
                    wanted.append(value)
            if not wanted:
                return None
        return wanted

    def _gather(self, f: Filter, agents: list[str] | None, lower: int, upper: int, starts: Sequence[int]) -> _Cells:
        cells: _Cells = {}
        if agents is not None and self._rolled(agents, lower, upper) >= _ROLLUP_FROM:
            self._from_rollups(cells, agents, lower, upper, starts)
            for cell in cells.values():
                # Exactly the mean of the two where both ran, which is how they are asked for.
                both = [cell.signals[n] for n in ("success", "response_quality") if n in cell.signals]
                cell.quality_n = max((ran for ran, _ in both), default=0)
                ran = sum(pair[0] for pair in both)
                cell.quality = cell.quality_n * sum(pair[1] for pair in both) / ran if ran else 0.0
        else:
            self._from_rows(cells, f, lower, upper, starts)
            self._add_signals(cells, f, lower, upper, starts)
        return cells

    def _rollups(
        self, sql: str, agents: Sequence[str], lower: int, upper: int, *, days: bool = True, **params: str
    ) -> Iterable[Row]:
        """Yield the rows of a statement on a table of rollups for each of the parts that make up the range.

        `{where}` in it stands for the project, the part and the agents; so sums come once for every part.
        """
        clause, given = self._of_agents(agents)
        for level, a, b in self._spans(lower, upper, days):
            where = f"project_id=:p AND level={level} AND bucket>=:a AND bucket<:b{clause}"
            yield from self._reader.fetch(sql.replace("{where}", where), {**given, **params, "a": a, "b": b})

    def _spans(self, lower: int, upper: int, days: bool) -> list[tuple[int, int, int]]:
        """Return the parts (level, first bucket, bucket after the last) that make up a range."""
        first, last = lower // BUCKET_MS, -(-upper // BUCKET_MS)
        kept = self._days if days else None
        if kept is not None and last > self._newest:
            # Nothing comes after the range: its last day may be read whole.
            last = kept.around(last - 1)[1]
        return spans(kept, first, last)

    def _of_agents(self, agents: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """Return a condition on the root agent and its parameters, with the project's."""
        names = {f"g{i}": name for i, name in enumerate(agents)}
        clause = f" AND agent IN ({', '.join(':' + n for n in names)})" if names else ""
        return clause, {"p": self._scope.project_id, **names}

    def _rolled(self, agents: list[str], lower: int, upper: int) -> int:
        rows = self._rollups(
            "SELECT COALESCE(SUM(sessions), 0) FROM rollup_session WHERE {where}", agents, lower, upper
        )
        return sum(int(row[0]) for row in rows)

    def _from_rollups(self, cells: _Cells, agents: list[str], lower: int, upper: int, starts: Sequence[int]) -> None:
        place = place_sql(f"(bucket * {BUCKET_MS})", starts)
        # Intervals are whole days but for hours; what is not divided at all may be added up from any parts.
        days = len(starts) == 1 or self._interval != "hour"
        for row in self._rollups(
            f"SELECT {place}, agent, SUM(sessions), SUM(turns), SUM(model_calls), SUM(error_sessions), SUM(cost_nano), "
            "SUM(priced_calls), SUM(priced_sessions), SUM(estimated_sessions), SUM(ruled_sessions) "
            "FROM rollup_session WHERE {where} GROUP BY 1, 2",
            agents, lower, upper, days=days,
        ):  # fmt: skip
            made = _Sums(*row[2:10])
            made.ruled = row[10]
            cells.setdefault((row[0], row[1]), _Sums()).add(made)
        packed: dict[tuple[int, str], list[str]] = {}
        for index, agent, bins in self._rollups(
            f"SELECT {place}, agent, bins FROM rollup_latency WHERE {{where}} AND dim=''",
            agents, lower, upper, days=days,
        ):  # fmt: skip
            packed.setdefault((index, agent), []).append(bins)
        for key, texts in packed.items():
            cells.setdefault(key, _Sums()).bins = added_up(texts)
        counted = {
            signal_value(signal, value): (measure, value == wanted)
            for measure, signal, wanted, values in self._known_signals()
            for value in values
        }
        # As with rows, the period before is not asked by agent.
        by_agent = lower >= self._from
        for index, agent, name, n in self._rollups(
            f"SELECT {place}, agent, value, SUM(sessions) FROM rollup_dim WHERE {{where}} AND dim='signal' "
            "GROUP BY 1, 2, 3",
            agents, lower, upper, days=days,
        ):  # fmt: skip
            if name in counted:
                measure, hit = counted[name]
                cell = cells.setdefault((index, agent if by_agent else ""), _Sums())
                pair = cell.signals.setdefault(measure, [0, 0])
                pair[0] += n
                pair[1] += n if hit else 0

    def _from_rows(self, cells: _Cells, f: Filter, lower: int, upper: int, starts: Sequence[int]) -> None:
        made = self._compiler(f, lower, upper)
        place = f"{place_sql('{at}', starts)}, s.agent"
        for row in made.select(
            f"{place}, COUNT(*), SUM(s.turns), SUM(s.model_calls), SUM(CASE WHEN s.errors>0 THEN 1 ELSE 0 END), "
            "COALESCE(SUM(s.cost_nano), 0), SUM(s.priced_calls), COUNT(s.cost_nano), SUM(s.cost_estimated), "
            "COALESCE(SUM(s.quality_score), 0), COUNT(s.quality_score), COALESCE(SUM(s.sentiment_score), 0), "
            "COUNT(s.sentiment_score), SUM(CASE WHEN s.rules<>'' THEN 1 ELSE 0 END)",
            self._timed(),
            "GROUP BY 1, 2",
        ):
            cells[row[0], row[1]] = _Sums(*row[2:])
        for index, agent, user in made.select(
            f"DISTINCT {place}, s.user_id", [*self._timed(), "s.user_id IS NOT NULL"]
        ):
            cells[index, agent].users.add(user)
        for index, agent, text in made.select(
            f"{place}, s.latency_bins", [*self._timed(), "s.latency_bins IS NOT NULL"]
        ):
            merge(cells[index, agent].bins, text)

    def _tally(
        self, f: Filter, lower: int, upper: int, starts: Sequence[int], by_agent: bool = True
    ) -> list[tuple[int, str, int]]:
        """Return sessions of a filter by interval and, where asked, root agent."""
        place = place_sql("{at}", starts)
        rows = self._compiler(f, lower, upper).select(
            f"{place}, {'s.agent' if by_agent else chr(39) * 2}, COUNT(*)", self._timed(), "GROUP BY 1, 2"
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _known_signals(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Return (measure, signal, the value that counts, all values there are)."""
        known: dict[str, list[str]] = {}
        for key, value in self._reader.fetch(
            "SELECT key, value FROM facet WHERE project_id=:p AND key >= 'signal.' AND key < 'signal/' AND sessions>0",
            {"p": self._scope.project_id},
        ):
            known.setdefault(key, []).append(value)
        return [
            (measure, signal, wanted, tuple(known.get(f"signal.{signal}", ())))
            for measure, (signal, wanted) in _SIGNALS.items()
        ]

    def _add_signals(self, cells: _Cells, f: Filter, lower: int, upper: int, starts: Sequence[int]) -> None:
        for measure, signal, wanted, values in self._known_signals():
            # Only what the table of agents shows is asked by agent: that needs the session's row.
            by_agent = lower >= self._from and (self._group_by == "agent" or measure in ("success", "response_quality"))
            for value in values:
                # Not `plus`: the filter may itself ask for another value of the same signal.
                both = Filter(all_of([*f.nodes, Match("signal", (Value(value),), signal)]))
                for index, agent, n in self._tally(both, lower, upper, starts, by_agent):
                    pair = cells.setdefault((index, agent), _Sums()).signals.setdefault(measure, [0, 0])
                    pair[0] += n
                    pair[1] += n if value == wanted else 0

    # --- the view ----------------------------------------------------------------------------------------------------

    def view(self, settings: Mapping[str, Any]) -> MonitorView:
        """Return the whole view."""
        agents = self._agents_of_rollups()
        starts = edges(self._from, self._to, self._interval, self._scope.zone)
        cells = self._gather(self._filter, agents, self._from, self._to, starts)
        total = _merged(cells.values())
        scored = max((total.ran(name) for name in _JUDGED), default=0)
        before = _Sums()
        if not self._open:
            earlier = 2 * self._from - self._to
            before = _merged(self._gather(self._filter, agents, earlier, self._from, [earlier]).values())
        rolled = agents is not None and total.sessions >= _ROLLUP_FROM
        if rolled and agents is not None:
            total.counted_users = self._users(agents, self._from, self._to)
            if before.sessions >= _ROLLUP_FROM:
                before.counted_users = self._users(agents, 2 * self._from - self._to, self._from)
        return MonitorView(
            from_ms=self._from,
            to_ms=self._to,
            interval=self._interval,
            time_zone=self._scope.zone,
            tiles=self._tiles(total, before, scored > 0),
            series=tuple(self._series(cells, starts, scored > 0, agents)),
            agents=tuple(self._agents(cells, scored > 0, agents if rolled else None)),
            tools=tuple(self._tools(agents if rolled else None, total)),
            errors=tuple(self._largest("error", 12, agents if rolled else None)),
            rules=tuple(self._largest("rule", 12, agents if rolled else None)),
            topics=tuple(self._largest("topic", 12, agents if rolled else None)),
            marks=tuple(self._marks()),
            scored=scored,
            scored_by=self._scored_by() if scored else None,
            cost_estimated=total.estimated > 0,
            subscription=bool(settings.get("subscription")),
            untimed=self._untimed(),
            cost_coverage=(total.priced_calls, total.model_calls),
            data_as_of_ms=self._scope.now_ms,
        )

    def _users(self, agents: list[str], lower: int, upper: int) -> int:
        """Count the users of all parts of the range once: sets of bits for days, numbers for the ends."""
        clause, params = self._of_agents(agents)
        blocks: dict[int, int] = {}
        loose: set[int] = set()
        for level, a, b in self._spans(lower, upper, True):
            where = f"WHERE project_id=:p AND bucket>=:a AND bucket<:b{clause}"
            given = {**params, "a": a, "b": b}
            if level == DAY:
                for block, users in self._reader.fetch(f"SELECT block, users FROM rollup_user_day {where}", given):
                    blocks[block] = blocks.get(block, 0) | unpack_bits(users)
            else:
                rows = self._reader.fetch(f"SELECT users FROM rollup_user {where}", given)
                loose.update(unpack_users(b"".join([row[0] for row in rows])))
        for block, bits in bits_of(loose).items():
            blocks[block] = blocks.get(block, 0) | bits
        return sum(bits.bit_count() for bits in blocks.values())

    def _tiles(self, total: _Sums, before: _Sums, scored: bool) -> dict[str, Measure]:
        now = total.values(scored)
        past = before.values(scored) if before.sessions else {}
        return {
            name: Measure(*now[name], *past.get(name, (None, 0)))
            for name in _TILES
            if name in now and (now[name][0] is not None or (total.sessions and name not in _SIGNALS))
        }

    def _series(self, cells: _Cells, starts: Sequence[int], scored: bool, agents: list[str] | None) -> Iterable[Series]:
        if self._group_by is None:
            yield from self._lines("", _by_interval(cells), starts, scored)
        elif self._group_by == "agent":
            sizes: dict[str, int] = {}
            for (_, agent), cell in cells.items():
                sizes[agent] = sizes.get(agent, 0) + cell.sessions
            top = sorted(sizes, key=lambda a: (-sizes[a], a))[:_GROUPS]
            for name in top:
                mine = {key: cell for key, cell in cells.items() if key[1] == name}
                yield from self._lines(name, _by_interval(mine), starts, scored)
            rest = {key: cell for key, cell in cells.items() if key[1] not in top}
            if rest:
                yield from self._lines(OTHER, _by_interval(rest), starts, scored)
        else:
            top = [count.value for count in self._top(self._group_by, _GROUPS)]
            for name in top:
                part = facet_filter(self._group_by, name)
                mine = self._gather(
                    Filter(all_of([*self._filter.nodes, *part.nodes])), None, self._from, self._to, starts
                )
                yield from self._lines(name, _by_interval(mine), starts, scored)
            node = facet_filter(self._group_by, "").nodes[0]
            if top and isinstance(node, Match):
                none = Not(Match(node.field, tuple(Value(v) for v in top), node.key))
                rest = self._gather(Filter(all_of([*self._filter.nodes, none])), None, self._from, self._to, starts)
                if rest:
                    yield from self._lines(OTHER, _by_interval(rest), starts, scored)

    def _lines(self, group: str, sums: Mapping[int, _Sums], starts: Sequence[int], scored: bool) -> Iterable[Series]:
        per = [sums.get(i, _Sums()).values(scored) for i in range(len(starts))]
        for measure in _TILES:
            if any(v.get(measure, (None, 0))[0] is not None and v["sessions"][1] for v in per):
                yield Series(
                    measure,
                    group,
                    tuple(Point(at, *v.get(measure, (None, 0))) for at, v in zip(starts, per, strict=True)),
                )

    # --- tables ------------------------------------------------------------------------------------------------------

    def _agents(self, cells: _Cells, scored: bool, rolled: list[str] | None) -> Iterable[AgentStat]:
        by_agent: dict[str, _Sums] = {}
        for (_, agent), cell in cells.items():
            if not agent:
                continue
            by_agent.setdefault(agent, _Sums()).add(cell)
        topics: dict[str, list[str]] = {}
        for agent, topic, _ in self._topics_of_agents(rolled):
            topics.setdefault(agent, []).append(topic)
        for agent, sums in sorted(by_agent.items(), key=lambda pair: (-pair[1].sessions, pair[0])):
            values = sums.values(scored)
            yield AgentStat(
                agent,
                sums.sessions,
                Measure(*values["success"]),
                Measure(*values.get("quality", (None, 0))),
                Measure(*values["error_rate"]),
                sums.cost if sums.priced_sessions else None,
                sums.estimated > 0,
                values["latency_p90"][0],
                tuple(topics.get(agent, ())[:3]),
            )

    def _topics_of_agents(self, rolled: list[str] | None) -> list[Row]:
        """Return (root agent, topic, sessions), most sessions first."""
        if rolled is None:
            made = self._compiler(self._filter, self._from, self._to)
            where = [*self._timed(), "s.topic IS NOT NULL"]
            return made.select("s.agent, s.topic, COUNT(*)", where, "GROUP BY 1, 2 ORDER BY 3 DESC, 2")
        found: dict[tuple[str, str], int] = {}
        for agent, topic, n in self._rollups(
            "SELECT agent, value, SUM(sessions) FROM rollup_dim WHERE {where} AND dim='topic' GROUP BY agent, value",
            rolled, self._from, self._to,
        ):  # fmt: skip
            found[agent, topic] = found.get((agent, topic), 0) + n
        return sorted(((*pair, n) for pair, n in found.items()), key=lambda row: (-row[2], row[1]))

    def _tools(self, agents: list[str] | None, total: _Sums) -> Iterable[ToolStat]:
        found = self._rolled_tools(agents) if agents is not None else self._counted_tools()
        for name, (calls, failed, bins) in sorted(found.items(), key=lambda pair: (-pair[1][0], pair[0]))[:20]:
            yield ToolStat(
                name,
                calls,
                failed,
                quantile(bins, 0.5),
                quantile(bins, 0.9),
                self._tool_errors.get(name),
            )

    def _rolled_tools(self, agents: list[str]) -> dict[str, tuple[int, int, dict[int, int]]]:
        sums: dict[str, tuple[int, int]] = {}
        for name, calls, failed in self._rollups(
            "SELECT value, SUM(calls), SUM(errors) FROM rollup_dim WHERE {where} AND dim='tool' GROUP BY value",
            agents, self._from, self._to,
        ):  # fmt: skip
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + calls, before[1] + failed)
        packed: dict[str, list[str]] = {}
        for name, bins in self._rollups(
            "SELECT value, bins FROM rollup_latency WHERE {where} AND dim='tool'", agents, self._from, self._to
        ):
            packed.setdefault(name, []).append(bins)
        kinds: dict[str, dict[str, int]] = {}
        for value, n in self._rollups(
            "SELECT value, SUM(errors) FROM rollup_dim WHERE {where} AND dim='tool_error' GROUP BY value",
            agents, self._from, self._to,
        ):  # fmt: skip
            name, error = split_tool_error(value)
            mine = kinds.setdefault(name, {})
            mine[error] = mine.get(error, 0) + n
        self._tool_errors = _most(kinds)
        return {name: (*counts, added_up(packed.get(name, ()))) for name, counts in sums.items()}

    def _counted_tools(self) -> dict[str, tuple[int, int, dict[int, int]]]:
        """Without rollups: the tool calls of the sessions themselves."""
        from aa_tui.backend.model.event import EventKind
        from aa_tui.backend.model.histogram import bin_of

        found: dict[str, tuple[int, int, dict[int, int]]] = {}
        kinds: dict[str, dict[str, int]] = {}
        made = self._compiler(self._filter, self._from, self._to)
        for chunk in made.events(
            "e.name, e.is_error, e.error_type, e.latency_ms", f"e.kind={int(EventKind.TOOL_CALL)}", self._timed()
        ):
            for name, failed, error, latency in chunk:
                name = name or "unknown"
                calls, errors, bins = found.get(name, (0, 0, {}))
                if latency:
                    number = bin_of(latency)
                    bins[number] = bins.get(number, 0) + 1
                if failed and error:
                    mine = kinds.setdefault(name, {})
                    mine[error] = mine.get(error, 0) + 1
                found[name] = (calls + 1, errors + bool(failed), bins)
        self._tool_errors = _most(kinds)
        return found

    def _largest(self, key: str, limit: int, rolled: list[str] | None) -> list[FacetCount]:
        """Return the values of a dimension of the rollups with most sessions among those of the view."""
        if rolled is None:
            return self._top(key, limit)
        found: dict[str, int] = {}
        for value, n in self._rollups(
            "SELECT value, SUM(sessions) FROM rollup_dim WHERE {where} AND dim=:dim GROUP BY value",
            rolled, self._from, self._to, dim=key,
        ):  # fmt: skip
            found[value] = found.get(value, 0) + n
        counts = [FacetCount(value, n) for value, n in found.items()]
        return sorted(counts, key=lambda c: (-c.sessions, c.value))[:limit]

    def _top(self, key: str, limit: int) -> list[FacetCount]:
        """Return the values of a facet with most sessions among those of the view."""
        rows = self._reader.fetch(
            "SELECT value FROM facet WHERE project_id=:p AND key=:k AND sessions>0 ORDER BY sessions DESC, value "
            f"LIMIT {limit * 4}",
            {"p": self._scope.project_id, "k": key},
        )
        found = []
        for (value,) in rows:
            f = Filter(all_of([*self._filter.nodes, *facet_filter(key, value).nodes]))
            made = self._compiler(f, self._from, self._to)
            n = int(made.select("COUNT(*)", self._timed())[0][0])
            if n:
                found.append(FacetCount(value, n))
        return sorted(found, key=lambda c: (-c.sessions, c.value))[:limit]

    def _marks(self) -> list[ChartMark]:
        params = {"p": self._scope.project_id, "a": self._from, "b": self._to}
        notes = self._reader.fetch(
            "SELECT at_ms, text FROM note WHERE project_id=:p AND deleted=0 AND at_ms>=:a AND at_ms<:b", params
        )
        versions = self._reader.fetch(
            "SELECT first_ms, value FROM facet WHERE project_id=:p AND key='version' AND first_ms>=:a AND first_ms<:b "
            "ORDER BY first_ms DESC, value LIMIT 40",
            params,
        )
        marks = [ChartMark(at, text, "note") for at, text in notes]
        marks += [ChartMark(at, value, "version") for at, value in versions]
        return sorted(marks, key=lambda m: (m.at_ms, m.kind, m.label))

    def _scored_by(self) -> str | None:
        p = {"p": self._scope.project_id}
        for (facet,) in self._reader.fetch(
            "SELECT id FROM facet WHERE project_id=:p AND key='signal.task_completion' AND sessions>0 ORDER BY id", p
        ):
            row = self._reader.one(
                "SELECT r.model FROM (SELECT session_id FROM session_facet WHERE project_id=:p AND facet_id=:f "
                "ORDER BY sort_at DESC LIMIT 20) y CROSS JOIN signal_result r WHERE r.project_id=:p "
                "AND r.session_id=y.session_id AND r.signal='task_completion' AND r.current=1 "
                "AND r.model IS NOT NULL LIMIT 1",
                {**p, "f": facet},
            )
            if row is not None:
                return str(row[0])
        return None


def _most(kinds: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Return the most frequent by name; of equally frequent ones the first by the alphabet."""
    return {name: max(sorted(counts), key=lambda one: counts[one]) for name, counts in kinds.items()}


def _by_interval(cells: _Cells) -> dict[int, _Sums]:
    found: dict[int, _Sums] = {}
    for (index, _), cell in cells.items():
        found.setdefault(index, _Sums()).add(cell)
    return found


def _rolled_span(reader: Reader, scope: Scope) -> tuple[int, int] | None:
    """Return the starts of the first and last bucket with sessions of usable time; two look-ups, not a scan."""
    row = reader.one(
        f"SELECT (SELECT MIN(bucket) FROM rollup_session WHERE project_id=:p AND level={QUARTER}), "
        f"(SELECT MAX(bucket) FROM rollup_session WHERE project_id=:p AND level={QUARTER})",
        {"p": scope.project_id},
    )
    return None if row is None or row[0] is None else (row[0] * BUCKET_MS, row[1] * BUCKET_MS)


# --- getting started -----------------------------------------------------------------------------------------------


def has_agent_data(reader: Reader, scope: Scope) -> bool:
    """Tell whether the project has any session."""
    return reader.one("SELECT 1 FROM session WHERE project_id=:p LIMIT 1", {"p": scope.project_id}) is not None


def best_range(reader: Reader, scope: Scope) -> TimeRange:
    """Return the range that shows the newest data: 7d for a young project, 30d, else the 30 days that end with it.

    A range that reaches from old transcripts to today would squeeze them into a corner of every chart.
    """
    ends = _rolled_span(reader, scope)
    if ends is None:
        return DEFAULT_RANGE
    oldest, newest = (scope.now_ms - at for at in ends)
    if 0 <= oldest <= 7 * DAY_MS:
        return TimeRange("7d")
    if newest <= 30 * DAY_MS:
        return DEFAULT_RANGE
    last = datetime.fromtimestamp(ends[1] / 1000, ZoneInfo(scope.zone)).date()
    return TimeRange(f"{last - timedelta(days=29)}..{last}")


_RESPONSES = 1000
"""Fill rates are those of the newest answers."""


def checklist(reader: Reader, scope: Scope) -> list[CheckRow]:
    """Return what has arrived so far and what to fix (spec section 13)."""
    p = {"p": scope.project_id}

    def facet_sum(key: str, *values: str) -> int:
        names = {f"v{i}": v for i, v in enumerate(values)}
        clause = f" AND value IN ({', '.join(':' + n for n in names)})" if values else ""
        row = reader.one(
            f"SELECT COALESCE(SUM(sessions), 0) FROM facet WHERE project_id=:p AND key=:k{clause}",
            {**p, "k": key, **names},
        )
        return int(row[0]) if row else 0

    total = facet_sum("state")
    events = reader.fetch(
        "SELECT session_id FROM event WHERE project_id=:p AND event_type >= '[Agent] ' AND event_type < '[Agent]!' "
        f"LIMIT {_RESPONSES}",
        p,
    )
    orphans = sum(1 for row in events if not row[0])
    answers = reader.fetch(
        "SELECT model, COALESCE(total_tokens, input_tokens), latency_ms, cost_nano FROM event WHERE project_id=:p AND "
        f"event_type='[Agent] AI Response' ORDER BY time_ms DESC NULLS LAST LIMIT {_RESPONSES}",
        p,
    )
    n = len(answers)
    filled = [sum(1 for row in answers if row[i] or (i == 3 and row[i] is not None)) for i in range(4)]
    withheld = [
        f"{count} by content mode {mode}"
        for mode in ("metadata_only", "customer_enriched")
        if (count := facet_sum("content_mode", mode))
    ]
    with_text = facet_sum("has", "text")
    why = (
        f"withheld: {', '.join(withheld)}" if withheld else "no text arrived: send $llm_message, or import transcripts"
    )
    known_agents = total - facet_sum("agent", "unknown")
    recorded = reader.one("SELECT COUNT(*) FROM session_revision WHERE project_id=:p", p)

    def row_(id_: str, title: str, have: int, of: int, hint: str) -> CheckRow:
        done = have > 0 and have >= of * 0.9
        return CheckRow(id_, title, done, have, of, "" if done else hint)

    return [
        row_("event", "first event", len(events), 1, "nothing has arrived yet: import or send something"),
        row_("session", "session ID", len(events) - orphans, len(events), "without it nothing is in Sessions"),
        row_("agent", "agent ID", known_agents, total, "without it the agent filter is useless"),
        row_("user", "user", facet_sum("user"), total, "without it there are no cohorts and no user activity"),
        row_("model", "model of answers", filled[0], n, "answers do not say which model wrote them"),
        row_("tokens", "tokens of answers", filled[1], n, "the token chart stays empty"),
        row_("latency", "latency of answers", filled[2], n, "the latency chart stays empty"),
        row_("cost", "cost of answers", filled[3], n, "the cost chart stays empty"),
        row_("text", "text", with_text, total, f"no task completion or response quality; {why}"),
        row_("end", "session end", facet_sum("state", "closed"), 1, "sessions wait for the idle timeout"),
        row_("record", "first session record", int(recorded[0]) if recorded else 0, 1, "written when a session closes"),
    ]
