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
from aa_tui.backend.model.histogram import quantile, unpack
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
from aa_tui.backend.store.rollups import BUCKET_MS
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.backend.support.errors import UsageError

DEFAULT_RANGE = TimeRange("30d")
OTHER = "other"
"""Name of the group of all that is in none of the largest groups."""
_GROUPS = 5
_ROLLUP_FROM = 20_000
"""From so many sessions on, rollups are read instead of rows where the filter allows it."""
_SAMPLE = 2000
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
        if self.users or not n:
            found["users"] = (float(len(self.users)), n)
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
        self._from = (first if lower is None else lower) // BUCKET_MS * BUCKET_MS
        self._to = max(upper if upper is not None else max(scope.now_ms, last + 1), self._from + BUCKET_MS)
        self._asked = asked
        self._interval = auto_interval(self._from, self._to) if interval == "auto" else interval
        self._untimed_exist = self._count_untimed() > 0
        self._tool_errors: dict[str, str] = {}
        self._scored: bool | None = None
        """Whether signals speak in the view, once known: else rules do, in the period before too."""

    # --- gathering ---------------------------------------------------------------------------------------------------

    def _ends(self) -> tuple[int, int]:
        found = _rolled_span(self._reader, self._scope)
        return found or (self._scope.now_ms - 30 * DAY_MS, self._scope.now_ms)

    def _count_untimed(self) -> int:
        """Every session has one state, and every session with a usable time is in the rollups."""
        row = self._reader.one(
            "SELECT (SELECT COALESCE(SUM(sessions), 0) FROM facet WHERE project_id=:p AND key='state') - "
            "(SELECT COALESCE(SUM(sessions), 0) FROM rollup_session WHERE project_id=:p)",
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
                    "SELECT agent, SUM(sessions) FROM rollup_session WHERE project_id=:p GROUP BY agent", p
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
            rolled = True
        else:
            self._from_rows(cells, f, lower, upper, starts)
            rolled = False
        self._add_signals(cells, f, lower, upper, starts)
        if rolled:
            scored = self._scored
            if scored is None:
                scored = any(cell.ran(name) for cell in cells.values() for name in _JUDGED)
            if not scored:
                self._add_ruled(cells, f, lower, upper, starts)
            for cell in cells.values():
                # Exactly the mean of the two where both ran, which is how they are asked for.
                both = [cell.signals[n] for n in ("success", "response_quality") if n in cell.signals]
                cell.quality_n = max((ran for ran, _ in both), default=0)
                ran = sum(pair[0] for pair in both)
                cell.quality = cell.quality_n * sum(pair[1] for pair in both) / ran if ran else 0.0
        return cells

    def _within(self, lower: int, upper: int) -> dict[str, Any]:
        return {"p": self._scope.project_id, "a": lower // BUCKET_MS, "b": -(-upper // BUCKET_MS)}

    def _agent_clause(self, agents: Sequence[str], params: dict[str, Any]) -> str:
        if not agents:
            return ""
        names = {f"g{i}": name for i, name in enumerate(agents)}
        params.update(names)
        return f" AND agent IN ({', '.join(':' + n for n in names)})"

    def _rolled(self, agents: list[str], lower: int, upper: int) -> int:
        params = self._within(lower, upper)
        row = self._reader.one(
            "SELECT COALESCE(SUM(sessions), 0) FROM rollup_session WHERE project_id=:p AND bucket>=:a AND bucket<:b"
            + self._agent_clause(agents, params),
            params,
        )
        return int(row[0]) if row else 0

    def _from_rollups(self, cells: _Cells, agents: list[str], lower: int, upper: int, starts: Sequence[int]) -> None:
        place = place_sql(f"(bucket * {BUCKET_MS})", starts)
        params = self._within(lower, upper)
        clause = self._agent_clause(agents, params)
        where = f"WHERE project_id=:p AND bucket>=:a AND bucket<:b{clause}"
        for row in self._reader.fetch(
            f"SELECT {place}, agent, SUM(sessions), SUM(turns), SUM(model_calls), SUM(error_sessions), SUM(cost_nano), "
            "SUM(priced_calls), SUM(priced_sessions), SUM(estimated_sessions) "
            f"FROM rollup_session {where} GROUP BY 1, 2",
            params,
        ):
            cells[row[0], row[1]] = _Sums(*row[2:10])
        for index, agent, number, n in self._reader.fetch(
            f"SELECT {place}, agent, bin, SUM(n) FROM rollup_latency {where} AND dim='' GROUP BY 1, 2, 3", params
        ):
            cells.setdefault((index, agent), _Sums()).bins[number] = n

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
            bins = cells[index, agent].bins
            for number, n in unpack(text).items():
                bins[number] = bins.get(number, 0) + n

    def _tally(
        self, f: Filter, lower: int, upper: int, starts: Sequence[int], by_agent: bool = True
    ) -> list[tuple[int, str, int]]:
        """Return sessions of a filter by interval and, where asked, root agent."""
        place = place_sql("{at}", starts)
        rows = self._compiler(f, lower, upper).select(
            f"{place}, {'s.agent' if by_agent else chr(39) * 2}, COUNT(*)", self._timed(), "GROUP BY 1, 2"
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _add_ruled(self, cells: _Cells, f: Filter, lower: int, upper: int, starts: Sequence[int]) -> None:
        for index, agent, n in self._tally(f.plus("rule:*"), lower, upper, starts):
            cells.setdefault((index, agent), _Sums()).ruled = n

    def _add_signals(self, cells: _Cells, f: Filter, lower: int, upper: int, starts: Sequence[int]) -> None:
        known: dict[str, list[str]] = {}
        for key, value in self._reader.fetch(
            "SELECT key, value FROM facet WHERE project_id=:p AND key >= 'signal.' AND key < 'signal/' AND sessions>0",
            {"p": self._scope.project_id},
        ):
            known.setdefault(key, []).append(value)
        for measure, (signal, wanted) in _SIGNALS.items():
            # Only what the table of agents shows is asked by agent: that needs the session's row.
            by_agent = lower >= self._from and (self._group_by == "agent" or measure in ("success", "response_quality"))
            for value in known.get(f"signal.{signal}", ()):
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
        self._scored = scored > 0
        before = _Sums()
        if not self._open:
            earlier = 2 * self._from - self._to
            before = _merged(self._gather(self._filter, agents, earlier, self._from, [earlier]).values())
        rolled = agents is not None and total.sessions >= _ROLLUP_FROM
        if rolled:
            self._add_users(total, self._from, self._to)
            if before.sessions >= _ROLLUP_FROM:
                self._add_users(before, 2 * self._from - self._to, self._from)
        return MonitorView(
            from_ms=self._from,
            to_ms=self._to,
            interval=self._interval,
            time_zone=self._scope.zone,
            tiles=self._tiles(total, before, scored > 0),
            series=tuple(self._series(cells, starts, scored > 0, agents)),
            agents=tuple(self._agents(cells, scored > 0, rolled)),
            tools=tuple(self._tools(agents if rolled else None, total)),
            errors=tuple(self._top("error", 12)),
            rules=tuple(self._top("rule", 12)),
            topics=tuple(self._top("topic", 12)),
            marks=tuple(self._marks()),
            scored=scored,
            scored_by=self._scored_by() if scored else None,
            cost_estimated=total.estimated > 0,
            subscription=bool(settings.get("subscription")),
            untimed=self._untimed(),
            cost_coverage=(total.priced_calls, total.model_calls),
            data_as_of_ms=self._scope.now_ms,
        )

    def _add_users(self, total: _Sums, lower: int, upper: int) -> None:
        """Rollups know no users; one pass over the user index's rows in the range does."""
        rows = self._compiler(self._filter, lower, upper).select("DISTINCT s.user_id", ["s.user_id IS NOT NULL"])
        total.users = {row[0] for row in rows}

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

    def _agents(self, cells: _Cells, scored: bool, rolled: bool) -> Iterable[AgentStat]:
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

    def _topics_of_agents(self, rolled: bool) -> list[Row]:
        """Return (root agent, topic, sessions), most sessions first."""
        if not rolled:
            made = self._compiler(self._filter, self._from, self._to)
            where = [*self._timed(), "s.topic IS NOT NULL"]
            return made.select("s.agent, s.topic, COUNT(*)", where, "GROUP BY 1, 2 ORDER BY 3 DESC, 2")
        return self._reader.fetch(
            "SELECT agent, value, SUM(sessions) FROM rollup_dim WHERE project_id=:p AND dim='topic' AND bucket>=:a "
            "AND bucket<:b GROUP BY agent, value ORDER BY 3 DESC, 2",
            self._within(self._from, self._to),
        )

    def _tools(self, agents: list[str] | None, total: _Sums) -> Iterable[ToolStat]:
        found = self._rolled_tools(agents) if agents is not None else self._counted_tools()
        errors = self._error_facets()
        for name, (calls, failed, bins) in sorted(found.items(), key=lambda pair: (-pair[1][0], pair[0]))[:20]:
            yield ToolStat(
                name,
                calls,
                failed,
                quantile(bins, 0.5),
                quantile(bins, 0.9),
                self._top_error(name, errors) if failed and agents is not None else self._tool_errors.get(name),
            )

    def _rolled_tools(self, agents: list[str]) -> dict[str, tuple[int, int, dict[int, int]]]:
        params = self._within(self._from, self._to)
        clause = self._agent_clause(agents, params)
        where = f"WHERE project_id=:p AND dim='tool' AND bucket>=:a AND bucket<:b{clause}"
        found: dict[str, tuple[int, int, dict[int, int]]] = {
            row[0]: (row[1], row[2], {})
            for row in self._reader.fetch(
                f"SELECT value, SUM(calls), SUM(errors) FROM rollup_dim {where} GROUP BY value", params
            )
        }
        for name, number, n in self._reader.fetch(
            f"SELECT value, bin, SUM(n) FROM rollup_latency {where} GROUP BY value, bin", params
        ):
            if name in found:
                found[name][2][number] = n
        return found

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
        self._tool_errors = {name: max(sorted(mine), key=lambda e: mine[e]) for name, mine in kinds.items()}
        return found

    def _error_facets(self) -> dict[int, str]:
        rows = self._reader.fetch(
            "SELECT id, value FROM facet WHERE project_id=:p AND key='error' AND sessions>0 "
            "ORDER BY sessions DESC, value LIMIT 30",
            {"p": self._scope.project_id},
        )
        return {row[0]: row[1] for row in rows}

    def _top_error(self, tool: str, errors: Mapping[int, str]) -> str | None:
        """The most frequent error type of the newest sessions in which the tool failed."""
        if not errors:
            return None
        f = self._filter.plus(facet_filter("failed_tool", tool))
        counts = self._compiler(f, self._from, self._to).facet_counts(list(errors), _SAMPLE)
        return errors[max(counts, key=lambda i: (counts[i], errors[i]))] if counts else None

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
        row = self._reader.one(
            "SELECT r.model FROM (SELECT x.session_id FROM facet f CROSS JOIN session_facet x WHERE f.project_id=:p "
            "AND f.key='signal.task_completion' AND x.project_id=:p AND x.facet_id=f.id ORDER BY f.id, x.sort_at DESC "
            "LIMIT 20) y CROSS JOIN signal_result r WHERE r.project_id=:p AND r.session_id=y.session_id "
            "AND r.signal='task_completion' AND r.current=1 AND r.model IS NOT NULL LIMIT 1",
            {"p": self._scope.project_id},
        )
        return row[0] if row else None


def _by_interval(cells: _Cells) -> dict[int, _Sums]:
    found: dict[int, _Sums] = {}
    for (index, _), cell in cells.items():
        found.setdefault(index, _Sums()).add(cell)
    return found


def _rolled_span(reader: Reader, scope: Scope) -> tuple[int, int] | None:
    """Return the starts of the first and last bucket with sessions of usable time; two look-ups, not a scan."""
    row = reader.one(
        "SELECT (SELECT MIN(bucket) FROM rollup_session WHERE project_id=:p), "
        "(SELECT MAX(bucket) FROM rollup_session WHERE project_id=:p)",
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
    row = reader.one("SELECT MIN(bucket), MAX(bucket) FROM rollup_session WHERE project_id=:p", {"p": scope.project_id})
    if row is None or row[0] is None:
        return DEFAULT_RANGE
    oldest, newest = (scope.now_ms - bucket * BUCKET_MS for bucket in row)
    if 0 <= oldest <= 7 * DAY_MS:
        return TimeRange("7d")
    if newest <= 30 * DAY_MS:
        return DEFAULT_RANGE
    last = datetime.fromtimestamp(row[1] * BUCKET_MS / 1000, ZoneInfo(scope.zone)).date()
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
