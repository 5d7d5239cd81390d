"""Sums read from session rows, their facets and events: for any filter, in the time its sessions take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aa_tui.backend.model.filter import Filter, Match, Value, all_of, facet_filter
from aa_tui.backend.query.buckets import place_sql
from aa_tui.backend.query.compile import Compiler, Scope
from aa_tui.backend.query.monitor.period import Period
from aa_tui.backend.query.monitor.source import ToolSums, joined, known_signals, most_frequent
from aa_tui.backend.query.monitor.sums import BY_VERDICT, SIGNALS, Cells, Sums
from aa_tui.backend.query.readmodels import FacetCount
from aa_tui.backend.store.engine import Reader, Row

_BY_AGENT = ("success", "response_quality")
"""What the table of agents shows, and so is asked by agent: that needs the session's row."""


class FromRows:
    """The sessions of a filter without range; see `Source`."""

    def __init__(self, reader: Reader, scope: Scope, f: Filter, period: Period, all_by_agent: bool = False) -> None:
        self._reader = reader
        self._scope = scope
        self._filter = f
        self._period = period
        self._all_by_agent = all_by_agent

    def _compiler(self, f: Filter, lower: int | None = None, upper: int | None = None) -> Compiler:
        made = Compiler(self._reader, self._scope, f)
        made.lower = self._period.from_ms if lower is None else lower
        made.upper = self._period.to_ms if upper is None else upper
        return made

    def gather(self, lower: int, upper: int, starts: Sequence[int], by_agent: bool) -> Cells:
        cells: Cells = {}
        made = self._compiler(self._filter, lower, upper)
        timed = self._period.timed()
        place = f"{place_sql('{at}', starts)}, s.agent"
        for row in made.select(
            f"{place}, COUNT(*), SUM(s.turns), SUM(s.model_calls), SUM(CASE WHEN s.errors>0 THEN 1 ELSE 0 END), "
            "COALESCE(SUM(s.cost_nano), 0), SUM(s.priced_calls), COUNT(s.cost_nano), SUM(s.cost_estimated), "
            "COALESCE(SUM(s.quality_score), 0), COUNT(s.quality_score), COALESCE(SUM(s.sentiment_score), 0), "
            "COUNT(s.sentiment_score), SUM(CASE WHEN s.rules<>'' THEN 1 ELSE 0 END)",
            timed,
            "GROUP BY 1, 2",
        ):
            cells[row[0], row[1]] = Sums(*row[2:])
        for index, agent, user in made.select(f"DISTINCT {place}, s.user_id", [*timed, "s.user_id IS NOT NULL"]):
            cells[index, agent].users.add(user)
        for index, agent, bins in made.select(
            f"{place}, {joined(self._reader, 's.latency_bins')}", timed, "GROUP BY 1, 2"
        ):
            cells[index, agent].latencies += [bins] if bins else []
        if self._everything:
            self._add_all_signals(cells, lower, upper, starts, by_agent)
        else:
            self._add_signals(cells, lower, upper, starts, by_agent)
        return cells

    @property
    def _everything(self) -> bool:
        """Whether only the range chooses, so that many facets are counted by one statement."""
        return not self._filter and not self._period.timed()

    def _of_facets(
        self, columns: Sequence[str], keys: Sequence[str], ends: tuple[int, int], tail: str, rows: bool = False
    ) -> Iterable[Row]:
        """Return columns of `f`, the facets of some keys, and `x`, their sessions in a range; with `rows` also `s`."""
        names = {f"k{i}": key for i, key in enumerate(keys)}
        session = " CROSS JOIN session s" if rows else ""
        same = " AND s.project_id=:p AND s.id=x.session_id" if rows else ""
        return self._reader.fetch(
            f"SELECT {', '.join(columns)} "
            f"FROM facet f CROSS JOIN session_facet x{session} WHERE f.project_id=:p AND f.sessions>0 "
            f"AND f.key IN ({', '.join(':' + name for name in names)}) AND x.project_id=:p AND x.facet_id=f.id "
            f"AND x.sort_at>=:a AND x.sort_at<:b{same} {tail}",
            {"p": self._scope.project_id, "a": ends[0], "b": ends[1], **names},
        )

    def _add_all_signals(self, cells: Cells, lower: int, upper: int, starts: Sequence[int], by_agent: bool) -> None:
        place = place_sql("x.sort_at", starts)
        asked = {f"signal.{signal}": (measure, wanted) for measure, (signal, wanted) in SIGNALS.items()}
        for measure, verdicts in BY_VERDICT.items():
            signal = SIGNALS[measure][0]
            del asked[f"signal.{signal}"]
            asked[f"signalpass.{signal}"] = (measure, verdicts[-1])
        split = {key: by_agent and (self._all_by_agent or measure in _BY_AGENT) for key, (measure, _) in asked.items()}
        for rows in (True, False):
            keys = [key for key in asked if split[key] is rows]
            columns = [place, "s.agent" if rows else "''", "f.key", "f.value", "COUNT(*)"]
            found = self._of_facets(columns, keys, (lower, upper), "GROUP BY 1, 2, 3, 4", rows) if keys else ()
            for index, agent, key, value, n in found:
                measure, wanted = asked[key]
                cells.setdefault((index, agent), Sums()).judge(measure, n, n if value == wanted else 0)

    def _add_signals(self, cells: Cells, lower: int, upper: int, starts: Sequence[int], by_agent: bool) -> None:
        place = place_sql("{at}", starts)
        for measure, signal, wanted, values in known_signals(self._reader, self._scope.project_id):
            if values and measure in BY_VERDICT:
                values = BY_VERDICT[measure]
                wanted = values[-1]
            agent = "s.agent" if by_agent and (self._all_by_agent or measure in _BY_AGENT) else "''"
            for value in values:
                # Not `plus`: the filter may itself ask for another value of the same signal.
                both = Filter(all_of([*self._filter.nodes, Match("signal", (Value(value),), signal)]))
                for index, name, n in self._compiler(both, lower, upper).select(
                    f"{place}, {agent}, COUNT(*)", self._period.timed(), "GROUP BY 1, 2"
                ):
                    cells.setdefault((index, name), Sums()).judge(measure, n, n if value == wanted else 0)

    def count_users(self, lower: int, upper: int) -> int:
        return 0

    def topics_of_agents(self) -> list[Row]:
        where = [*self._period.timed(), "s.topic IS NOT NULL"]
        made = self._compiler(self._filter)
        return made.select("s.agent, s.topic, COUNT(*)", where, "GROUP BY 1, 2 ORDER BY 3 DESC, 2")

    def largest(self, key: str, limit: int) -> list[FacetCount]:
        """Return the values of a facet with most sessions among those that are frequent in the project."""
        if self._everything:
            ends = self._period.from_ms, self._period.to_ms
            tail = f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}"
            counts = [FacetCount(*row) for row in self._of_facets(["f.value", "COUNT(*)"], [key], ends, tail)]
            return sorted(counts, key=lambda count: (-count.sessions, count.value))
        rows = self._reader.fetch(
            "SELECT value FROM facet WHERE project_id=:p AND key=:k AND sessions>0 ORDER BY sessions DESC, value "
            f"LIMIT {limit * 4}",
            {"p": self._scope.project_id, "k": key},
        )
        found = []
        for (value,) in rows:
            made = self._compiler(Filter(all_of([*self._filter.nodes, *facet_filter(key, value).nodes])))
            n = int(made.select("COUNT(*)", self._period.timed())[0][0])
            if n:
                found.append(FacetCount(value, n))
        return sorted(found, key=lambda count: (-count.sessions, count.value))[:limit]

    def tools(self) -> dict[str, ToolSums]:
        from aa_tui.backend.model.event_kind import EventKind
        from aa_tui.backend.model.histogram import bin_of

        calls: dict[str, int] = {}
        errors: dict[str, int] = {}
        bins: dict[str, dict[int, int]] = {}
        kinds: dict[str, dict[str, int]] = {}
        made = self._compiler(self._filter)
        for chunk in made.events(
            "e.name, e.is_error, e.error_type, e.latency_ms",
            f"e.kind={int(EventKind.TOOL_CALL)}",
            self._period.timed(),
        ):
            for name, failed, error, latency in chunk:
                name = name or "unknown"
                calls[name] = calls.get(name, 0) + 1
                if latency:
                    number, mine = bin_of(latency), bins.setdefault(name, {})
                    mine[number] = mine.get(number, 0) + 1
                if failed:
                    errors[name] = errors.get(name, 0) + 1
                    if error:
                        of_tool = kinds.setdefault(name, {})
                        of_tool[error] = of_tool.get(error, 0) + 1
        return {
            name: ToolSums(n, errors.get(name, 0), bins.get(name, {}), most_frequent(kinds.get(name, {})))
            for name, n in calls.items()
        }
