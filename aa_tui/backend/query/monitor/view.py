"""One view of Monitor: which source answers, and the tiles, series and tables that its sums make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from aa_tui.backend.model.filter import FIELDS, Filter, Match, Not, Value, all_of, facet_filter
from aa_tui.backend.model.histogram import quantile
from aa_tui.backend.query.buckets import INTERVALS
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.monitor.from_rollups import FromRollups, agents_of_rollups
from aa_tui.backend.query.monitor.from_rows import FromRows
from aa_tui.backend.query.monitor.period import Period
from aa_tui.backend.query.monitor.source import Source
from aa_tui.backend.query.monitor.sums import SIGNALS, TILES, Cells, Sums, by_agent, by_interval, merged
from aa_tui.backend.query.monitor.topics import topic_stats
from aa_tui.backend.query.readmodels import (
    AgentStat,
    ChartMark,
    Measure,
    MonitorTables,
    MonitorView,
    Point,
    Series,
    ToolStat,
)
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.support.errors import UsageError

OTHER = "other"
"""Name of the group of all that is in none of the largest groups."""
ROLLUP_FROM = 20_000
"""From so many sessions on, rollups are read instead of rows where the filter allows it."""
_GROUPS = 5
_ROWS = 12
"""Values in a table."""
_TOOLS = 20


class MonitorQuery:
    """One view of Monitor for one reader.

    Raises:
        UsageError: there is no such interval or field.
    """

    def __init__(self, reader: Reader, scope: Scope, f: Filter, interval: str, group_by: str | None) -> None:
        if interval != "auto" and interval not in INTERVALS:
            raise UsageError(f"no interval {interval!r}.", f"One of auto, {', '.join(INTERVALS)}.")
        if group_by is not None and group_by.partition(".")[0] not in FIELDS:
            raise UsageError(f"cannot group by {group_by!r}.", "Use a field of the filter, such as agent or model.")
        self._reader = reader
        self._scope = scope
        self._filter = f.with_range(None)
        self._group_by = group_by
        self.period = Period(reader, scope, f, interval)
        """What is looked at; may be moved before the view is asked for."""

    def tables(self, settings: Mapping[str, Any]) -> MonitorTables:
        """Return what stands below the figures."""
        source = self._source(self.period.from_ms, self.period.to_ms)
        evaluator = settings.get("topic_evaluator") or ""
        counts = source.largest("topic", _ROWS) if not evaluator else self._rows.largest(f"eval.{evaluator}", _ROWS)
        topics = topic_stats(self._reader, self._scope, self._filter, self.period, counts, evaluator)
        return MonitorTables(tuple(_tools(source)), topics, evaluator)

    @cached_property
    def _rows(self) -> FromRows:
        return FromRows(self._reader, self._scope, self._filter, self.period, self._group_by == "agent")

    @cached_property
    def _rolled(self) -> FromRollups | None:
        agents = agents_of_rollups(self._reader, self._scope, self._filter)
        return None if agents is None else FromRollups(self._reader, self._scope, agents, self.period)

    def _source(self, lower: int, upper: int) -> Source:
        """Return what answers for a range: rollups where they can and rows would be many."""
        rolled = self._rolled
        return rolled if rolled is not None and rolled.count(lower, upper) >= ROLLUP_FROM else self._rows

    def view(self, settings: Mapping[str, Any], tools: bool = True) -> MonitorView:
        """Return the whole view, or all of it but the tools."""
        period, rows, source = self.period, self._rows, self._source
        starts = period.starts()
        of_period = source(period.from_ms, period.to_ms)
        cells = of_period.gather(period.from_ms, period.to_ms, starts, by_agent=True)
        total = merged(cells.values())
        total.counted_users = of_period.count_users(period.from_ms, period.to_ms)
        before = Sums()
        if not period.open:
            ends = period.before_ms, period.from_ms
            earlier = source(*ends)
            before = merged(earlier.gather(*ends, ends[:1], by_agent=False).values())
            before.counted_users = earlier.count_users(*ends)
        scored = total.scored
        return MonitorView(
            from_ms=period.from_ms,
            to_ms=period.to_ms,
            interval=period.interval,
            time_zone=self._scope.zone,
            tiles=_tiles(total, before, scored > 0),
            series=tuple(self._series(cells, starts, scored > 0, rows)),
            agents=tuple(_agents(cells, scored > 0, of_period)),
            tools=tuple(_tools(of_period)) if tools else None,
            errors=tuple(of_period.largest("error", _ROWS)),
            rules=tuple(of_period.largest("rule", _ROWS)),
            topics=tuple(of_period.largest("topic", _ROWS)),
            marks=tuple(self._marks()),
            scored=scored,
            scored_by=self._scored_by() if scored else None,
            cost_estimated=total.estimated > 0,
            subscription=bool(settings.get("subscription")),
            untimed=period.untimed(self._filter),
            cost_coverage=(total.priced_calls, total.model_calls),
            data_as_of_ms=self._scope.now_ms,
        )

    # --- series ------------------------------------------------------------------------------------------------------

    def _series(self, cells: Cells, starts: Sequence[int], scored: bool, rows: FromRows) -> Iterable[Series]:
        if self._group_by is None:
            yield from _lines("", cells, starts, scored)
            return
        groups = self._by_root(cells) if self._group_by == "agent" else self._by_facet(self._group_by, starts, rows)
        for name, mine in groups:
            yield from _lines(name, mine, starts, scored)

    def _by_root(self, cells: Cells) -> Iterable[tuple[str, Cells]]:
        sizes: dict[str, int] = {}
        for (_, agent), cell in cells.items():
            sizes[agent] = sizes.get(agent, 0) + cell.sessions
        top = sorted(sizes, key=lambda agent: (-sizes[agent], agent))[:_GROUPS]
        for name in top:
            yield name, {key: cell for key, cell in cells.items() if key[1] == name}
        rest = {key: cell for key, cell in cells.items() if key[1] not in top}
        if rest:
            yield OTHER, rest

    def _by_facet(self, key: str, starts: Sequence[int], rows: FromRows) -> Iterable[tuple[str, Cells]]:
        top = [count.value for count in rows.largest(key, _GROUPS)]
        for name in top:
            yield name, self._gathered(facet_filter(key, name), starts)
        node = facet_filter(key, "").nodes[0]
        if top and isinstance(node, Match):
            none = Not(Match(node.field, tuple(Value(v) for v in top), node.key))
            rest = self._gathered(Filter(none), starts)
            if rest:
                yield OTHER, rest

    def _gathered(self, part: Filter, starts: Sequence[int]) -> Cells:
        both = Filter(all_of([*self._filter.nodes, *part.nodes]))
        rows = FromRows(self._reader, self._scope, both, self.period)
        return rows.gather(self.period.from_ms, self.period.to_ms, starts, by_agent=True)

    # --- what stands beside the numbers ------------------------------------------------------------------------------

    def _marks(self) -> list[ChartMark]:
        params = {"p": self._scope.project_id, "a": self.period.from_ms, "b": self.period.to_ms}
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
                "SELECT CASE WHEN r.method='sender' THEN 'the sender' ELSE r.model END "
                "FROM (SELECT session_id FROM session_facet WHERE project_id=:p AND facet_id=:f "
                "ORDER BY sort_at DESC LIMIT 20) y CROSS JOIN signal_result r WHERE r.project_id=:p "
                "AND r.session_id=y.session_id AND r.signal='task_completion' AND r.current=1 "
                "AND (r.model IS NOT NULL OR r.method='sender') LIMIT 1",
                {**p, "f": facet},
            )
            if row is not None:
                return str(row[0])
        return None


# --- from sums to values -------------------------------------------------------------------------------------------


def _tiles(total: Sums, before: Sums, scored: bool) -> dict[str, Measure]:
    now = total.values(scored)
    past = before.values(scored) if before.sessions else {}
    return {
        name: Measure(*now[name], *past.get(name, (None, 0)))
        for name in TILES
        if name in now and (now[name][0] is not None or (total.sessions and name not in SIGNALS))
    }


def _lines(group: str, cells: Cells, starts: Sequence[int], scored: bool) -> Iterable[Series]:
    sums = by_interval(cells)
    per = [sums.get(i, Sums()).values(scored) for i in range(len(starts))]
    for measure in TILES:
        if any(v.get(measure, (None, 0))[0] is not None and v["sessions"][1] for v in per):
            yield Series(
                measure,
                group,
                tuple(Point(at, *v.get(measure, (None, 0))) for at, v in zip(starts, per, strict=True)),
            )


def _agents(cells: Cells, scored: bool, source: Source) -> Iterable[AgentStat]:
    topics: dict[str, list[str]] = {}
    for agent, topic, _ in source.topics_of_agents():
        topics.setdefault(agent, []).append(topic)
    for agent, sums in sorted(by_agent(cells).items(), key=lambda pair: (-pair[1].sessions, pair[0])):
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


def _tools(source: Source) -> Iterable[ToolStat]:
    for name, sums in sorted(source.tools().items(), key=lambda pair: (-pair[1].calls, pair[0]))[:_TOOLS]:
        yield ToolStat(
            name, sums.calls, sums.errors, quantile(sums.bins, 0.5), quantile(sums.bins, 0.9), sums.top_error
        )
