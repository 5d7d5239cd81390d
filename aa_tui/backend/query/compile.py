"""From a `Filter` to SQL: what drives a query, what is only probed, and in which order. Shapes no read-model.

Every session a filter lets through is found as (sort_at, id). What drives is the rarest positive part: a facet in
start order (its key holds `sort_at`), the search index in row-id order, an index of the sort or of a compared number,
or the plain start index; everything else is a probe by primary key. A page is never reached by an OFFSET.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from aa_tui.backend.model.filter import (
    FIELDS,
    And,
    Compare,
    Filter,
    Match,
    Node,
    Not,
    Or,
    Sort,
    Started,
    Term,
    Value,
    all_of,
    facet_filter,
)
from aa_tui.backend.store import search_words
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.support.ids import id_floor

RANK_CAP = 20_000
"""Search ranks at most this many matches, the newest ones."""
_GATHER = 20_000
"""A set of candidates up to this size is collected and sorted rather than walked in order."""
_DRIFT = 400
"""Row ids follow time but for late news of a start; so many more are looked at before the first page is cut."""

_LATE_MS = 86_400_000
_SEEK = 200
"""Looking for one row id in the search index costs as much as walking over so many matches."""
_LOOK_UP = 15
"""Looking at one session by its id costs as much as taking so many from an index in order."""

_COLUMN = {
    "cost": "cost_nano",
    "turns": "turns",
    "messages": "messages",
    "duration": "duration_ms",
    "latency": "latency_avg_ms",
    "p50": "latency_p50_ms",
    "p90": "latency_p90_ms",
    "tokens": "total_tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "errors": "errors",
    "model_calls": "model_calls",
    "tool_calls": "tool_calls",
    "tool_errors": "tool_errors",
    "quality": "quality_score",
    "sentiment": "sentiment_score",
    "score": "user_score",
}
_INDEX = {
    "cost_nano": "ix_session_cost",
    "duration_ms": "ix_session_duration",
    "turns": "ix_session_turns",
    "total_tokens": "ix_session_tokens",
    "errors": "ix_session_errors",
    "user_id": "ix_session_user",
}
_SORT_COLUMN = {
    "duration": "duration_ms",
    "cost": "cost_nano",
    "turns": "turns",
    "tokens": "total_tokens",
    "errors": "errors",
    "user": "user_id",
}


class Scope(NamedTuple):
    """Whose sessions, and what relative times mean: the project, its zone and "now"."""

    project_id: int
    zone: str
    now_ms: int


@dataclass(slots=True)
class _Facets:
    """Facets that a part stands for, with the number of sessions of each."""

    counts: dict[int, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(slots=True)
class _Driver:
    """Where candidates come from: a FROM clause whose alias `d` has the two columns, and how many there may be."""

    source: str
    at: str
    id: str
    where: list[str] = field(default_factory=list)
    size: int = 0
    ordered: bool = False
    """Rows come in start order without sorting."""
    used: frozenset[int] = frozenset()
    """Indices of the parts that the source already honours."""


@dataclass(slots=True)
class _Plan:
    walk: _Driver
    drivers: list[_Driver]
    hits: float


class Found(NamedTuple):
    """Ordered session ids of a search or list, and whether everything was looked at."""

    ids: Sequence[int]
    capped: bool = False
    matches: int | None = None


class Compiler:
    """One filter for one reader: resolves its values once, then answers page, ids and count."""

    def __init__(self, reader: Reader, scope: Scope, f: Filter) -> None:
        self._reader = reader
        self._scope = scope
        self._filter = f
        self._params: dict[str, Any] = {"p": scope.project_id}
        self._facets: dict[tuple[str, tuple[Value, ...]], _Facets] = {}
        self._nodes = [n for n in f.nodes if not isinstance(n, Started)]
        self.lower, self.upper = self._bounds(f)
        self._total: int | None = None
        self._planned: _Plan | None = None

    # --- resolving ---------------------------------------------------------------------------------------------------

    def _bounds(self, f: Filter) -> tuple[int | None, int | None]:
        lower: int | None = None
        upper: int | None = None
        for node in f.nodes:
            if isinstance(node, Started):
                start, end = node.range.bounds(self._scope.now_ms, self._scope.zone)
                lower = start if lower is None else lower if start is None else max(lower, start)
                upper = end if upper is None else upper if end is None else min(upper, end)
        return lower, upper

    def _param(self, value: Any) -> str:
        name = f"v{len(self._params)}"
        self._params[name] = value
        return f":{name}"

    def _lookup(self, key: str, values: tuple[Value, ...], any_case: bool = False) -> _Facets:
        """Return the facets of a key that the values mean; no values mean all."""
        found = self._facets.get((key, values))
        if found is not None:
            return found
        params: dict[str, Any] = {"p": self._scope.project_id, "k": key}
        base = "SELECT id, value, sessions FROM facet WHERE project_id=:p AND key=:k"
        if not values or any_case or any(v.glob for v in values):
            where = ""
            if len(values) == 1 and values[0].glob and not any_case and (start := values[0].text.partition("*")[0]):
                where = " AND value >= :a"
                params["a"] = start
                if after := _after(start):
                    where += " AND value < :b"
                    params["b"] = after
            rows = self._reader.fetch(base + where, params)
            if values:
                rows = [r for r in rows if any(_means(v, r[1], any_case) for v in values)]
        else:
            names = {f"x{i}": v.text for i, v in enumerate(values)}
            rows = self._reader.fetch(f"{base} AND value IN ({', '.join(':' + n for n in names)})", {**params, **names})
        found = self._facets[(key, values)] = _Facets({r[0]: r[2] for r in rows if r[2] > 0})
        return found

    def facets_of(self, node: Match) -> _Facets | None:
        """Return what a part means as facets, any of which lets a session through; None when it is no such part."""
        kind = FIELDS[node.field].kind
        if kind == "facet":
            return self._lookup(node.field, node.values)
        if kind == "context":
            return self._lookup(f"context.{node.key}", node.values)
        if kind == "named":
            if any(not v.glob and v.text.lower() == "none" for v in node.values):
                return None
            merged = dict(self._lookup(f"{node.field}.{node.key}", node.values, any_case=True).counts)
            verdicts = tuple(v for v in node.values if not v.glob and v.text.lower() in ("pass", "fail"))
            if verdicts and node.field in ("eval", "signal"):
                merged.update(self._lookup(f"{node.field}pass.{node.key}", verdicts, any_case=True).counts)
            return _Facets(merged)
        return None

    def _session_ids(self, values: tuple[Value, ...]) -> list[int]:
        """Return ids of the sessions that `id:` values name by key or by number."""
        found: set[int] = set()
        for value in values:
            params: dict[str, Any] = {"p": self._scope.project_id}
            if value.glob:
                start = value.text.partition("*")[0]
                where = "project_id=:p AND key >= :a"
                params["a"] = start
                if after := _after(start):
                    where += " AND key < :b"
                    params["b"] = after
                pattern = value.regex()
                for chunk in self._reader.stream(f"SELECT id, key FROM session WHERE {where}", params):
                    found.update(row[0] for row in chunk if pattern.fullmatch(row[1]))
                continue
            params["k"] = value.text
            found.update(
                r[0] for r in self._reader.fetch("SELECT id FROM session WHERE project_id=:p AND key=:k", params)
            )
            if (number := as_id(value.text)) is not None:
                params["k"] = number
                rows = self._reader.fetch("SELECT id FROM session WHERE project_id=:p AND id=:k", params)
                found.update(r[0] for r in rows)
        return sorted(found)

    @property
    def total(self) -> int:
        """About how many sessions the project has: every session has one state."""
        if self._total is None:
            row = self._reader.one(
                "SELECT SUM(sessions) FROM facet WHERE project_id=:p AND key='state'", {"p": self._scope.project_id}
            )
            self._total = int(row[0] or 0) if row else 0
        return self._total

    # --- predicates --------------------------------------------------------------------------------------------------

    def _predicate(self, node: Node, at: str, id_: str, exact: bool = False) -> str:
        """Return a condition on (at, id) and, for numbers, on `s`, the session's row. It is true or false, never NULL.

        `exact` lets a word also mean a session key, user or message id.
        """
        match node:
            case And():
                return "(" + " AND ".join(self._predicate(n, at, id_) for n in node.nodes) + ")"
            case Or():
                return "(" + " OR ".join(self._predicate(n, at, id_) for n in node.nodes) + ")"
            case Not():
                return f"(NOT {self._predicate(node.node, at, id_)})"
            case Started():
                lower, upper = node.range.bounds(self._scope.now_ms, self._scope.zone)
                return "(" + (" AND ".join(self._time(at, lower, upper)) or "1=1") + ")"
            case Compare():
                column = f"s.{_COLUMN[node.field]}"
                return f"({column} IS NOT NULL AND {column} {node.op} {self._param(node.value)})"
            case Term():
                found = self._term(node, id_)
                if exact and (ids := self._exact_ids(node)):
                    found = f"({found} OR {id_} IN ({_numbers(ids)}))"
                if exact and (facets := self._exact_users(node)):
                    found = f"({found} OR {self._probe(facets, at, id_)})"
                return found
            case Match():
                if node.field == "id":
                    return _in(id_, self._session_ids(node.values))
                facets = self.facets_of(node)
                if facets is None:
                    return self._not_scored(node, at, id_)
                return self._probe(facets, at, id_)

    def _not_scored(self, node: Match, at: str, id_: str) -> str:
        rest = tuple(v for v in node.values if v.glob or v.text.lower() != "none")
        none = f"(NOT {self._probe(self._lookup(f'{node.field}.{node.key}', ()), at, id_)})"
        return f"({none} OR {self._predicate(replace(node, values=rest), at, id_)})" if rest else none

    @staticmethod
    def _probe(facets: _Facets, at: str, id_: str) -> str:
        if not facets.counts:
            return "(1=0)"
        return (
            "EXISTS (SELECT 1 FROM session_facet f WHERE f.project_id=:p "
            f"AND {_in('f.facet_id', list(facets.counts))} AND f.sort_at={at} AND f.session_id={id_})"
        )

    def _term(self, node: Term, id_: str) -> str:
        return f"{id_} IN (SELECT rowid FROM session_fts WHERE {self._matching([node])[0]})"

    def _matching(self, terms: Sequence[Term]) -> tuple[str, str]:
        """Return the condition that documents hold all words and phrases, and the order of relevance, best first."""
        if self._reader.dialect == "sqlite":
            return f"session_fts MATCH {self._param(match_text(terms))}", "bm25(session_fts)"
        found = search_words.query_of([(t.text, t.prefix) for t in terms])
        if found is None:
            return "session_fts.rowid IS NULL", "session_fts.rowid"
        query = self._param(found[0])
        condition = search_words.condition(query, [self._param(pattern) for pattern in found[1]])
        return condition, f"ts_rank_cd(session_fts.search, CAST({query} AS tsquery)) DESC"

    def _time(self, at: str, lower: int | None, upper: int | None) -> list[str]:
        out = []
        if lower is not None:
            out.append(f"{at} >= {lower}")
        if upper is not None:
            out.append(f"{at} < {upper}")
        return out

    def _exact_ids(self, term: Term) -> list[int]:
        """Ids of the session or the message whose own id the one word of a search is."""
        if term.prefix:
            return []
        params = {"p": self._scope.project_id, "t": term.text}
        rows = self._reader.fetch(
            "SELECT id FROM session WHERE project_id=:p AND key=:t "
            "UNION SELECT session_id FROM event WHERE project_id=:p AND insert_id=:t",
            params,
        )
        found = {r[0] for r in rows}
        if as_id(term.text) is not None:
            found.update(self._session_ids((Value(term.text),)))
        return sorted(i for i in found if i)

    def _exact_users(self, term: Term) -> _Facets | None:
        if term.prefix:
            return None
        facets = self._lookup("user", (Value(term.text),))
        return facets if facets.counts else None

    # --- drivers -----------------------------------------------------------------------------------------------------

    def _session_driver(self) -> _Driver:
        hint = " INDEXED BY ix_session_sort" if self._reader.dialect == "sqlite" else ""
        where = ["d.project_id=:p", *self._time("d.sort_at", self.lower, self.upper)]
        size = self.total
        if self.lower is not None or self.upper is not None:
            size = self._bounded(f"session d{hint}", where)
            if size > _GATHER:
                size = max(size, int(self.total * self._part_of_time()))
        return _Driver(f"session d{hint}", "d.sort_at", "d.id", where, size, ordered=True)

    def _part_of_time(self) -> float:
        """The range as a share of the time that the project's sessions span."""
        ends = self._reader.one(
            "SELECT (SELECT sort_at FROM session WHERE project_id=:p ORDER BY sort_at LIMIT 1), "
            "(SELECT sort_at FROM session WHERE project_id=:p ORDER BY sort_at DESC LIMIT 1)",
            {"p": self._scope.project_id},
        )
        if ends is None or ends[0] is None or ends[0] == ends[1]:
            return 1.0
        first = ends[0] if self.lower is None else max(self.lower, ends[0])
        last = ends[1] if self.upper is None else min(self.upper, ends[1])
        share: float = (last - first) / (ends[1] - ends[0])
        return min(max(share, 0.0), 1.0)

    def _bounded(self, source: str, where: list[str], limit: int = _GATHER + 1) -> int:
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {source} WHERE {' AND '.join(where)} LIMIT {limit}) x"
        row = self._reader.one(sql, self._params)
        return row[0] if row else 0

    def _facet_driver(self, facets: _Facets, index: int) -> _Driver:
        ids = list(facets.counts)
        time = self._time("d.sort_at", self.lower, self.upper)
        if len(ids) == 1:
            where = ["d.project_id=:p", f"d.facet_id={ids[0]}", *time]
            return _Driver(
                "session_facet d", "d.sort_at", "d.session_id", where, facets.total, True, frozenset({index})
            )
        inner = " AND ".join(["project_id=:p", _in("facet_id", ids), *self._time("sort_at", self.lower, self.upper)])
        source = f"(SELECT DISTINCT sort_at, session_id FROM session_facet WHERE {inner}) d"
        return _Driver(source, "d.sort_at", "d.session_id", [], facets.total, False, frozenset({index}))

    def _facet_drivers(self) -> Iterator[_Driver]:
        for index, node in enumerate(self._nodes):
            if isinstance(node, Match) and node.field == "id":
                ids = self._session_ids(node.values)
                where = ["d.project_id=:p", _in("d.id", ids), *self._time("d.sort_at", self.lower, self.upper)]
                yield _Driver("session d", "d.sort_at", "d.id", where, len(ids), False, frozenset({index}))
            elif isinstance(node, Match) and (facets := self.facets_of(node)) is not None:
                yield self._facet_driver(facets, index)

    def _number_drivers(self) -> Iterator[_Driver]:
        for index, node in enumerate(self._nodes):
            if not isinstance(node, Compare) or _COLUMN[node.field] not in _INDEX:
                continue
            column = _COLUMN[node.field]
            hint = f" INDEXED BY {_INDEX[column]}" if self._reader.dialect == "sqlite" else ""
            where = ["d.project_id=:p", f"d.{column} IS NOT NULL", f"d.{column} {node.op} {self._param(node.value)}"]
            size = self._bounded(f"session d{hint}", where)
            if size <= _GATHER:
                where += self._time("d.sort_at", self.lower, self.upper)
                yield _Driver(f"session d{hint}", "d.sort_at", "d.id", where, size, False, frozenset({index}))

    def _search_driver(self) -> _Driver | None:
        """The search index with all words; the join by primary key keeps other projects out."""
        terms = [n for n in self._nodes if isinstance(n, Term)]
        if not terms:
            return None
        where = [self._matching(terms)[0], *self._rowid_range()]
        size = self._bounded("session_fts", where)
        source = "session_fts CROSS JOIN session d"
        where += ["d.project_id=:p", "d.id=session_fts.rowid", *self._time("d.sort_at", self.lower, self.upper)]
        used = frozenset(i for i, n in enumerate(self._nodes) if isinstance(n, Term))
        return _Driver(source, "d.sort_at", "d.id", where, size, False, used)

    def _rowid_range(self) -> list[str]:
        """A start range as a range of row ids, widened: an earlier start may become known after the id was given."""
        out = []
        if self.lower is not None:
            out.append(f"session_fts.rowid >= {id_floor(self.lower - _LATE_MS)}")
        if self.upper is not None:
            out.append(f"session_fts.rowid < {id_floor(self.upper + 30 * _LATE_MS)}")
        return out

    def _rest(self, driver: _Driver) -> list[str]:
        exact = len(self._filter.terms()) == 1
        return [
            self._predicate(node, driver.at, driver.id, exact)
            for index, node in enumerate(self._nodes)
            if index not in driver.used
        ]

    def _sql(self, driver: _Driver, select: str, extra: Sequence[str] = (), tail: str = "") -> str:
        # Words come last: their membership test costs most.
        where = [*driver.where, *sorted(self._rest(driver), key=lambda w: "session_fts" in w), *extra]
        text = " ".join((*where, select, tail))
        source = driver.source
        if re.search(r"\bs\.", text):
            source += " CROSS JOIN session s"
            where = [*driver.where, "s.project_id=:p", f"s.id={driver.id}", *where[len(driver.where) :]]
        condition = " AND ".join(where) or "1=1"
        return f"SELECT {select} FROM {source} WHERE {condition} {tail}"

    def _plan(self) -> _Plan:
        """Return what could drive this filter and about how many sessions it lets through, found out once."""
        if self._planned is None:
            walk = self._session_driver()
            drivers = [*self._facet_drivers(), *self._number_drivers()]
            search = self._search_driver()
            if search is not None and not self._has_exact():
                if search.size > _GATHER:
                    search.size = max(self.total, search.size)
                drivers.append(search)
            whole = max(self.total, walk.size, 1)
            hits = float(walk.size)
            for driver in drivers:
                hits *= min(1.0, driver.size / whole)
                if driver is not search:
                    driver.size = int(driver.size * walk.size / whole)
            self._planned = _Plan(walk, drivers, max(hits, 1e-6))
        return self._planned

    def _best(self, limit: int | None) -> _Driver:
        """Return the driver that looks at the fewest rows for the first `limit` sessions (None: for all)."""
        plan = self._plan()

        def cost(driver: _Driver) -> float:
            if not driver.ordered:
                return driver.size * 2.0
            if limit is None or driver.size <= limit:
                return driver.size
            return min(driver.size, limit * driver.size / plan.hits)

        return min([*plan.drivers, plan.walk], key=cost)

    def _has_exact(self) -> bool:
        terms = self._filter.terms()
        return len(terms) == 1 and bool(self._exact_ids(terms[0]) or self._exact_users(terms[0]))

    # --- answers -----------------------------------------------------------------------------------------------------

    def page(self, sort: Sort, limit: int) -> list[int]:
        """Return the first `limit` session ids in the order of `sort`."""
        if limit <= 0:
            return []
        if sort.key == "relevance" and self._filter.terms():
            return list(self._ranked(limit).ids)
        if sort.key in ("started", "relevance"):
            return self._newest(limit, descending=sort.descending or sort.key == "relevance")
        if sort.key == "agent":
            return list(self._by_agent(sort.descending, limit))
        return list(self._by_column(_SORT_COLUMN[sort.key], sort.descending, limit))

    def ids(self, sort: Sort) -> Found:
        """Return all session ids in the order of `sort`; a ranked search looks at the newest `RANK_CAP` matches."""
        if sort.key == "relevance" and self._filter.terms():
            return self._ranked(None)
        if sort.key == "agent":
            return Found(array("q", self._by_agent(sort.descending, None)))
        if sort.key in _SORT_COLUMN:
            return Found(array("q", self._by_column(_SORT_COLUMN[sort.key], sort.descending, None)))
        driver = self._best(None)
        order = _order(driver, sort.descending or sort.key == "relevance")
        return Found(array("q", self._stream(self._sql(driver, driver.id, tail=order))))

    def count(self) -> int:
        """Return how many sessions the filter lets through."""
        row = self._reader.one(self._sql(self._best(None), "COUNT(*)"), self._params)
        return row[0] if row else 0

    def select(self, columns: str, where: Sequence[str] = (), tail: str = "") -> list[Row]:
        """Return columns (or sums) over everything the filter lets through.

        `{at}` and `{id}` stand for the session's start and id; `s.` is its row, joined where it is named.
        """
        driver = self._best(None)
        named = {"at": driver.at, "id": driver.id}
        sql = self._sql(driver, columns.format(**named), [w.format(**named) for w in where], tail)
        return self._reader.fetch(sql, self._params)

    @property
    def span(self) -> tuple[int | None, int | None]:
        """The start range of the filter's top-level time parts: from, and to (exclusive); None is open."""
        return self.lower, self.upper

    def events(self, columns: str, where: str, sessions: Sequence[str] = ()) -> Iterator[list[Row]]:
        """Yield columns of `e`, the events of the sessions that the filter lets through and of those that `where`."""
        driver = self._best(None)
        chosen = self._sql(driver, f"{driver.id} AS session_id", list(sessions))
        sql = (
            f"SELECT {columns} FROM ({chosen}) x CROSS JOIN event e WHERE e.project_id=:p AND e.session_id=x.session_id"
        )
        return self._reader.stream(f"{sql} AND {where}", self._params)

    def _stream(self, sql: str) -> Iterator[int]:
        for chunk in self._reader.stream(sql, self._params, 5000):
            for row in chunk:
                yield row[0]

    def _newest(self, limit: int, descending: bool) -> list[int]:
        plan = self._plan()
        search = next((d for d in plan.drivers if "session_fts" in d.source), None)
        if search is not None and search.size > _GATHER and len(plan.drivers) == 1:
            # Very many matches: by row id, which is nearly start order; a page and a bit is sorted.
            order = f"ORDER BY session_fts.rowid{' DESC' if descending else ''} LIMIT {limit + _DRIFT}"
            rows = self._reader.fetch(self._sql(search, f"{search.at}, {search.id}", tail=order), self._params)
            return [row[1] for row in sorted(rows, reverse=descending)[:limit]]
        driver = self._best(limit)
        sql = self._sql(driver, f"{driver.at}, {driver.id}", tail=_order(driver, descending) + f" LIMIT {limit}")
        return [row[1] for row in self._reader.fetch(sql, self._params)]

    def _ranked(self, limit: int | None) -> Found:
        """Rank by BM25 the newest `RANK_CAP` matches; what a word names exactly comes first."""
        matching, relevance = self._matching(self._filter.terms())
        where = [matching, *self._rowid_range()]
        first = self._exact_first()
        tail = f"ORDER BY {relevance}, session_fts.rowid DESC"
        if limit is not None:
            tail += f" LIMIT {limit + len(first)}"
        last = self._nth_match(where)
        own = self._others()
        matches: int | None = None
        search = self._search_driver() if own is not None and last is None else None
        if search is not None and own is not None and search.size * _LOOK_UP < own._best(None).size:
            # Few matches: look at each one's session rather than at all that the other parts let through.
            sql = self._sql(search, "session_fts.rowid", tail=tail)
        else:
            narrow = where
            if own is not None:
                where, narrow, last = self._among(own, where, last)
            if last is not None:
                if limit is None:
                    row = self._reader.one(
                        f"SELECT COUNT(*) FROM session_fts WHERE {' AND '.join(where)}", self._params
                    )
                    matches = row[0] if row else 0
                narrow = [*narrow, f"session_fts.rowid > {last}"]
            sql = f"SELECT session_fts.rowid FROM session_fts WHERE {' AND '.join(narrow)} {tail}"
        known = set(first)
        found = [*first, *(i for i in self._stream(sql) if i not in known)]
        return Found(array("q", found if limit is None else found[:limit]), last is not None, matches)

    def _among(self, own: Compiler, where: list[str], last: int | None) -> tuple[list[str], list[str], int | None]:
        """Return the conditions of matches among what `own` lets through; the same where only those that will be ranked
        count; and the row id from which on none is ranked.

        Of very many matches only a recent part is looked at, as large as the newest `RANK_CAP` probably need.
        """

        def since(floor: int | None, sign: str = "+") -> list[str]:
            part = own
            if floor is not None:
                part = Compiler(self._reader, self._scope, own._filter)
                part._params = self._params
                part.lower, part.upper = max(own.lower or 0, floor - _LATE_MS), own.upper
            driver = part._best(None)
            # With the sign the index is walked in row order; without, each id of the set is looked up on its own.
            return [*where, f"{sign}session_fts.rowid IN ({part._sql(driver, driver.id)})"]

        size = own._best(None).size
        if last is None:
            return since(None), since(None), None
        ends = self._reader.one(
            "SELECT (SELECT sort_at FROM session WHERE project_id=:p ORDER BY sort_at LIMIT 1), "
            f"(SELECT rowid FROM session_fts WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT 1)",
            self._params,
        )
        oldest, newest = (ends[0] or 0, moment_of(ends[1])) if ends else (0, moment_of(last))
        oldest = max(oldest, own.lower or 0)
        recent = max(newest - moment_of(last), 1)
        if size <= 2 * RANK_CAP:
            # So few that all are ranked, whatever the cap.
            conditions = since(None, "" if size * _SEEK < RANK_CAP * (newest - oldest) / recent else "+")
            return conditions, conditions, None
        whole = since(None)
        share = own._plan().hits / max(self.total, 1)
        floor = int(newest - 1.5 * recent / max(share, 1e-9))
        found = None
        if floor > oldest:
            found = self._nth_match([*since(floor), f"session_fts.rowid >= {id_floor(floor)}"])
        if found is None:
            found = self._nth_match(whole)
        return whole, since(moment_of(found)) if found is not None else whole, found

    def _nth_match(self, where: list[str]) -> int | None:
        """Return the row id of the newest match that is too old to be ranked, or None when all are ranked."""
        sql = f"SELECT rowid FROM session_fts WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT 1 OFFSET {RANK_CAP}"
        row = self._reader.one(sql, self._params)
        return row[0] if row else None

    def _others(self) -> Compiler | None:
        """Return the filter without its words; None when that is every session of the store."""
        rest = [n for n in self._filter.nodes if not isinstance(n, Term)]
        if not rest:
            row = self._reader.one("SELECT COUNT(*) FROM (SELECT 1 FROM project LIMIT 2) x")
            if row is None or row[0] < 2:
                return None
        own = Compiler(self._reader, self._scope, Filter(all_of(rest)))
        own._params = self._params
        return own

    def _exact_first(self) -> list[int]:
        """Sessions whose key, user or message id is the one word of the search, newest first."""
        terms = self._filter.terms()
        if len(terms) != 1:
            return []
        term = terms[0]
        ids, users = self._exact_ids(term), self._exact_users(term)
        used = frozenset(i for i, n in enumerate(self._nodes) if n is term)
        found: dict[tuple[int, int], None] = {}
        drivers = []
        if ids:
            where = ["d.project_id=:p", _in("d.id", ids), *self._time("d.sort_at", self.lower, self.upper)]
            drivers.append(_Driver("session d", "d.sort_at", "d.id", where, len(ids), False, used))
        if users is not None:
            drivers.append(replace(self._facet_driver(users, -1), used=used))
        for driver in drivers:
            tail = _order(driver, True) + f" LIMIT {RANK_CAP}"
            rows = self._reader.fetch(self._sql(driver, f"{driver.at}, {driver.id}", tail=tail), self._params)
            found.update(dict.fromkeys((row[0], row[1]) for row in rows))
        return [id_ for _, id_ in sorted(found, reverse=True)]

    def _by_column(self, column: str, descending: bool, limit: int | None) -> Iterator[int]:
        """Known values in order, then the unknown ones; walks the column's index or sorts what a rare part gives."""
        left = limit
        way = " DESC" if descending else ""
        driver, prefix = self._best(None), "s."
        walked = self.total if limit is None else min(self.total, limit * self.total / self._plan().hits)
        # A collected row is looked up and sorted; a walked one is read where it lies.
        if driver.size > _GATHER // 4 and driver.size * 3 > walked:
            hint = f" INDEXED BY {_INDEX[column]}" if self._reader.dialect == "sqlite" else ""
            where = ["d.project_id=:p", *self._time("d.sort_at", self.lower, self.upper)]
            driver, prefix = _Driver(f"session d{hint}", "d.sort_at", "d.id", where, self.total), "d."
        for known in (True, False):
            condition = f"{column} IS {'NOT ' if known else ''}NULL"
            tail = f"ORDER BY {prefix}{column}{way}, {driver.at}{way}, {driver.id}{way}"
            if left is not None:
                tail += f" LIMIT {left}"
            for id_ in self._stream(self._sql(driver, driver.id, [f"{prefix}{condition}"], tail)):
                yield id_
                if left is not None:
                    left -= 1
            if left is not None and left <= 0:
                return

    def _by_agent(self, descending: bool, limit: int | None) -> Iterator[int]:
        """Root agents by name, each in start order: there are few agents and no index by them is needed."""
        rows = self._reader.fetch(
            "SELECT value FROM facet WHERE project_id=:p AND key='agent' AND sessions>0", {"p": self._scope.project_id}
        )
        left = limit
        for (agent,) in sorted(rows, reverse=descending):
            own = Compiler(self._reader, self._scope, self._filter.plus(facet_filter("agent", agent)))
            name = own._param(agent)
            driver = own._best(limit)
            tail = _order(driver, descending) + (f" LIMIT {left}" if left is not None else "")
            for id_ in own._stream(own._sql(driver, driver.id, [f"s.agent={name}"], tail)):
                yield id_
                if left is not None:
                    left -= 1
            if left is not None and left <= 0:
                return


def moment_of(id_: int) -> int:
    """Return the epoch milliseconds that an id was made from."""
    return id_ >> 21


def as_id(text: str) -> int | None:
    """Return the id a text is, or None when it cannot be one."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if 0 < number < 1 << 63 else None


def match_text(terms: Sequence[Term]) -> str:
    """Return the full-text expression of words and phrases that must all occur; every one is quoted."""
    return " AND ".join(
        '"' + t.text.replace("\x00", " ").replace('"', '""') + ('" *' if t.prefix else '"') for t in terms
    )


def _means(value: Value, stored: str, any_case: bool) -> bool:
    if not any_case:
        return value.matches(stored)
    return Value(value.text.casefold(), value.glob).matches(stored.casefold())


def _after(prefix: str) -> str | None:
    """Return the smallest text after all that begin with `prefix`, or None when there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1]) + 1
        if 0xD800 <= code <= 0xDFFF:
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[: end - 1] + chr(code)
    return None


def _numbers(ids: Sequence[int]) -> str:
    return ", ".join(str(int(i)) for i in ids)


def _in(column: str, ids: Sequence[int]) -> str:
    """Ids are integers of our own, so they may stand in the text: there is no limit on their number then."""
    if not ids:
        return "1=0"
    return f"{column}={int(ids[0])}" if len(ids) == 1 else f"{column} IN ({_numbers(ids)})"


def _order(driver: _Driver, descending: bool) -> str:
    way = " DESC" if descending else ""
    return f"ORDER BY {driver.at}{way}, {driver.id}{way}"
