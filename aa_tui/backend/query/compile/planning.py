"""What drives a query: sources of candidates, what each would cost, and the statement of the chosen one.

Costs are microseconds of a small machine with warm pages. They only need to rank the ways of one query; every way gives
the same sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple

from aa_tui.backend.model.filter import Compare, Match, Node, Term
from aa_tui.backend.query.compile.conditions import PROBE_COST, Conditions
from aa_tui.backend.query.compile.parts import COLUMN, INDEX, Driver, Facets, one_of, within
from aa_tui.backend.support.ids import first_session_id, session_moment

GATHER = 20_000
"""Rows up to this many are counted exactly rather than estimated."""
EARLIER_MS = 86_400_000
LATER_MS = 30 * EARLIER_MS
"""A row id was made from the start that was known first: at most so much before the start known now, or after it."""

_STEP_COST = 0.15
_SORT_COST = 0.5
MATCH_COST = 0.07
"""Walking over a match in the search index."""
_JOIN_COST = 0.5
"""Looking up the start of a match."""
_MEMBER_COST = 0.13
"""Asking whether a match is in a set."""
_FILTERED_COST = 0.04
"""The same of a set with a Bloom filter before it."""
_FILTERED = 20_000
"""The largest set that gets one: SQLite's has 80,000 bits."""
_COLLECT_COST = 0.3
GATHER_COST = 0.4
"""Putting a session into a set."""
_SEEK_COST = 60.0
"""Looking one row id up in the search index, for each word of a phrase."""
_PREFIX_COST = 0.12
"""Bringing together, for each look at a beginning of a word, the matches of all its words."""
_WINDOWS = (0.0, 0.5, 0.96)
"""Where the words are looked for to estimate how common they are, as parts of the time, newest first."""
_WINDOW = 1 / 48
_SEEN = 1000
_FEW = 64
"""Matches of several words that are looked at for the estimate."""


class Plan(NamedTuple):
    """What could drive a filter, and about how many sessions it lets through."""

    walk: Driver
    drivers: list[Driver]
    hits: float
    matches: float = 0.0
    """About how many sessions of the range hold all words."""
    few: Driver | None = None
    """All sessions with all words, where these turned out to be very few."""
    search: Driver | None = None
    """The walk over the search index that looks at each match's session."""
    search_in_set: Driver | None = None
    """The walk over the search index that compares each match with the set of what the other parts let through."""

    @property
    def searches(self) -> list[Driver]:
        """The drivers that find the words in the texts."""
        return [d for d in (self.search, self.search_in_set, self.few) if d is not None]

    @property
    def choices(self) -> list[Driver]:
        """Every driver that may be used whatever the order."""
        return [*self.drivers, self.walk]


class Planner(Conditions):
    """Finds the cheapest driver and writes the statement that it drives."""

    _planned: Plan | None = None

    @property
    def terms(self) -> list[Term]:
        """The words and phrases that must occur."""
        return [n for n in self.nodes if isinstance(n, Term)]

    @property
    def names_something(self) -> bool:
        """Whether the only word of the search is the id of something, which then need not occur in the text."""
        terms = self.terms
        return len(terms) == 1 and any(self.named_by(terms[0]))

    def by(self, index: str) -> str:
        """Return the hint that a table be read along an index."""
        return f" INDEXED BY {index}" if self.reader.dialect == "sqlite" else ""

    # --- statements --------------------------------------------------------------------------------------------------

    def sql(self, driver: Driver, select: str, extra: Sequence[str] = (), tail: str = "") -> str:
        """Return the statement that reads `select` of everything the filter lets through."""
        source, where = driver.source, list(driver.where)
        at, id_ = driver.at, driver.id
        rest = [node for _, node in sorted(self._unused(driver), key=lambda one: self._late(one[1]))]
        for node in rest:
            if (facet := self._only_facet(node)) is None:
                continue
            # A join by the whole key takes half the time of EXISTS. What follows looks at the last one joined, so that
            # it is not asked of rows that a facet refuses.
            name = f"f{source.count(' CROSS JOIN session_facet ')}"
            source += f" CROSS JOIN session_facet {name}"
            where += [f"{name}.project_id=:p", f"{name}.facet_id={facet}"]
            where += [f"{name}.sort_at={at}", f"{name}.session_id={id_}"]
            at, id_ = f"{name}.sort_at", f"{name}.session_id"
        exact = len(self.terms) == 1
        asked = [self.condition(node, at, id_, exact, driver.seeks) for node in rest if self._only_facet(node) is None]
        asked += extra
        if re.search(r"\bs\.", " ".join((*asked, select, tail))):
            source += " CROSS JOIN session s"
            where += ["s.project_id=:p", f"s.id={id_}"]
        condition = " AND ".join([*where, *asked]) or "1=1"
        return f"{driver.before}SELECT {select} FROM {source} WHERE {condition} {tail}"

    def _only_facet(self, node: Node) -> int | None:
        """Return the facet that a part stands for, when it is exactly one."""
        facets = self.facets_of(node) if isinstance(node, Match) else None
        return next(iter(facets.counts)) if facets is not None and len(facets.counts) == 1 else None

    def _unused(self, driver: Driver) -> list[tuple[int, Node]]:
        return [(index, node) for index, node in enumerate(self.nodes) if index not in driver.used]

    def _late(self, node: Node) -> float:
        """What refuses most and costs little is asked first, words last."""
        if isinstance(node, Term):
            return inf
        facets = self.facets_of(node) if isinstance(node, Match) else None
        return facets.total if facets is not None else 1e15

    # --- choosing ----------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return what could drive this filter, found out once."""
        if self._planned is None:
            walk = self._session_driver()
            drivers = [*self._facet_drivers(), *self._number_drivers()]
            whole = max(self.total, walk.size, 1)
            hits = float(walk.size)
            for driver in drivers:
                hits *= min(1.0, driver.size / whole)
            drivers = [self.reckoned(one._replace(size=one.size * walk.size / whole)) for one in drivers]
            walk = self.reckoned(walk)
            if not self.terms:
                self._planned = Plan(walk, drivers, max(hits, 1e-6))
                return self._planned
            matches, few = self._sample()
            hits = max(hits * min(1.0, matches / max(walk.size, 1)), 1e-6)
            search, in_set = self._search_drivers(matches, hits)
            plan = Plan(walk, drivers, hits, matches, few and self.reckoned(few), search, in_set)
            # A word that is somebody's id lets sessions through whose text does not hold it.
            self._planned = plan if self.names_something else plan._replace(drivers=[*drivers, *plan.searches])
        return self._planned

    def best(self, limit: int | None) -> Driver:
        """Return the cheapest driver for the first `limit` sessions in start order (None: for all, in any order)."""
        return min((self.priced(driver, limit) for driver in self.plan().choices), key=lambda one: one[0])[1]

    def priced(self, driver: Driver, limit: int | None) -> tuple[float, Driver]:
        """Return what a driver costs for the first `limit` sessions, with the way it would then look words up."""
        rows = self.looked_at(driver, limit)
        asked = sum(isinstance(node, Term) for _, node in self._unused(driver))
        sorting = 0.0 if driver.ordered or limit is None else self.plan().hits * _SORT_COST
        cost = driver.cost(rows) + sorting
        if not asked:
            return cost, driver
        matches = self.plan().matches
        seeking, collecting = rows * self.seek_cost(matches), asked * matches * _COLLECT_COST
        return cost + min(seeking, collecting), driver._replace(seeks=seeking < collecting)

    def seek_cost(self, matches: float) -> float:
        """Microseconds to ask the search index whether one session holds the words."""
        terms = self.terms
        words = sum(len(term.text.split()) for term in terms)
        return words * _SEEK_COST + sum(term.prefix for term in terms) * matches * _PREFIX_COST

    def looked_at(self, driver: Driver, limit: int | None) -> float:
        """About how many rows of a driver are looked at for the first `limit` sessions."""
        if limit is None or not driver.ordered:
            return driver.size
        return min(driver.size, limit * driver.size / self.plan().hits)

    def reckoned(self, driver: Driver, more: float = 0.0) -> Driver:
        """Return a driver with what a row of it costs; `more` is what taking one costs besides.

        A condition is only reached by what those before it let through.
        """
        whole = max(self.total, 1)
        cost, reached = _STEP_COST + more, 1.0
        for _, node in sorted(self._unused(driver), key=lambda one: self._late(one[1])):
            if isinstance(node, Term):
                continue
            cost += reached * self.condition_cost(node)
            if isinstance(node, Match) and (facets := self.facets_of(node)) is not None:
                reached *= min(1.0, facets.total / whole)
        return driver._replace(row_cost=cost)

    # --- drivers -----------------------------------------------------------------------------------------------------

    def _session_driver(self) -> Driver:
        hint = self.by("ix_session_sort")
        where = ["d.project_id=:p", *within("d.sort_at", self.lower, self.upper)]
        size = self.total
        if self.lower is not None or self.upper is not None:
            size = self.bounded(f"session d{hint}", where)
            if size > GATHER:
                first, last = self.ends()
                size = max(size, int(self.total * self._part_of_time(first, last)))
        return Driver(f"session d{hint}", "d.sort_at", "d.id", where, size, ordered=True)

    def ends(self) -> tuple[int, int]:
        """Return the first and the last start of the project."""
        one = f"SELECT sort_at FROM session{self.by('ix_session_sort')} WHERE project_id=:p ORDER BY sort_at"
        row = self.reader.one(f"SELECT ({one} LIMIT 1), ({one} DESC LIMIT 1)", {"p": self.scope.project_id})
        return (row[0] or 0, row[1] or 0) if row else (0, 0)

    def clipped(self, first: int, last: int) -> tuple[int, int]:
        """Return a range of starts within the range of the filter."""
        first = first if self.lower is None else max(self.lower, first)
        return first, last if self.upper is None else min(self.upper, last)

    def _part_of_time(self, first: int, last: int) -> float:
        """The range as a share of the time that the project's sessions span."""
        if first == last:
            return 1.0
        lower, upper = self.clipped(first, last)
        return min(max((upper - lower) / (last - first), 0.0), 1.0)

    def bounded(self, source: str, where: Sequence[str], limit: int = GATHER + 1) -> int:
        """Return how many rows there are, counting to `limit`."""
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {source} WHERE {' AND '.join(where)} LIMIT {limit}) x"
        row = self.reader.one(sql, self.params)
        return row[0] if row else 0

    def facet_driver(self, facets: Facets, index: int) -> Driver:
        """Return the sessions that have one of some facets."""
        ids = list(facets.counts)
        time = within("d.sort_at", self.lower, self.upper)
        if len(ids) == 1:
            where = ["d.project_id=:p", f"d.facet_id={ids[0]}", *time]
            return Driver("session_facet d", "d.sort_at", "d.session_id", where, facets.total, True, frozenset({index}))
        inner = " AND ".join(["project_id=:p", one_of("facet_id", ids), *within("sort_at", self.lower, self.upper)])
        source = f"(SELECT DISTINCT sort_at, session_id FROM session_facet WHERE {inner}) d"
        fixed = facets.total * GATHER_COST
        return Driver(source, "d.sort_at", "d.session_id", [], facets.total, used=frozenset({index}), fixed_cost=fixed)

    def _facet_drivers(self) -> Iterator[Driver]:
        for index, node in enumerate(self.nodes):
            if isinstance(node, Match) and node.field == "id":
                ids = self.session_ids(node.values)
                where = ["d.project_id=:p", one_of("d.id", ids), *within("d.sort_at", self.lower, self.upper)]
                fixed = len(ids) * PROBE_COST
                yield Driver(
                    "session d", "d.sort_at", "d.id", where, len(ids), used=frozenset({index}), fixed_cost=fixed
                )
            elif isinstance(node, Match) and (facets := self.facets_of(node)) is not None:
                yield self.facet_driver(facets, index)

    def _number_drivers(self) -> Iterator[Driver]:
        for index, node in enumerate(self.nodes):
            if not isinstance(node, Compare) or COLUMN[node.field] not in INDEX:
                continue
            column = COLUMN[node.field]
            hint = self.by(INDEX[column])
            where = ["d.project_id=:p", f"d.{column} IS NOT NULL", f"d.{column} {node.op} {self.param(node.value)}"]
            size = self.bounded(f"session d{hint}", where)
            if size <= GATHER:
                where += within("d.sort_at", self.lower, self.upper)
                yield Driver(f"session d{hint}", "d.sort_at", "d.id", where, size, used=frozenset({index}))

    # --- words -------------------------------------------------------------------------------------------------------

    def rowids(self, lower: int | None, upper: int | None) -> list[str]:
        """Return a range of starts as a range of row ids of the search index, widened by what is known late."""
        out = []
        if lower is not None:
            out.append(f"session_fts.rowid >= {first_session_id(lower - EARLIER_MS)}")
        if upper is not None:
            out.append(f"session_fts.rowid < {first_session_id(upper + LATER_MS)}")
        return out

    def matching_here(self) -> list[str]:
        """Return the conditions that a document holds all words and may be in the range of the filter."""
        return [self.matching(self.terms)[0], *self.rowids(self.lower, self.upper)]

    def _search_drivers(self, matches: float, hits: float) -> tuple[Driver, Driver | None]:
        """Return the two walks over the search index; the join by id gives the start and keeps other projects out."""
        hint = self.by("ix_session_moment")
        where = [
            *self.matching_here(),
            "d.project_id=:p",
            # The sign keeps the range of row ids from being looked up for `d` too, instead of the one id.
            "d.id=+session_fts.rowid",
            *within("d.sort_at", self.lower, self.upper),
        ]
        used = frozenset(index for index, node in enumerate(self.nodes) if isinstance(node, Term))
        source = f"session_fts CROSS JOIN session d{hint}"
        search = Driver(source, "d.sort_at", "d.id", where, matches, used=used)
        in_set = None if self.others is None else self.in_set(self.others, search)
        if in_set is not None:
            in_set = in_set._replace(fixed_cost=in_set.fixed_cost + hits * _JOIN_COST)
        return self.reckoned(search, MATCH_COST + _JOIN_COST), in_set

    def in_set(self, others: Planner, walk: Driver) -> Driver:
        """Return a walk over the search index that takes its matches from the set of what `others` lets through."""
        inner, hits = others.best(None), others.plan().hits
        ids, cost = others.sql(inner, f"{inner.id} AS id"), inner.cost(inner.size)
        everything = frozenset(range(len(self.nodes)))
        if hits > _FILTERED:
            # With the sign the index is walked in row order; without, each id of the set is looked up on its own.
            return walk._replace(
                where=[*walk.where, f"+session_fts.rowid IN ({ids})"],
                used=everything,
                fixed_cost=cost + hits * GATHER_COST,
                row_cost=MATCH_COST + _MEMBER_COST,
            )
        # Joined, the set has an index with a Bloom filter, which refuses most matches in no time.
        return walk._replace(
            before=f"WITH mine AS MATERIALIZED ({ids}) ",
            source=walk.source.replace("session_fts", "session_fts CROSS JOIN mine", 1),
            where=[*walk.where, "mine.id=+session_fts.rowid"],
            used=everything,
            fixed_cost=cost + hits * 2 * GATHER_COST,
            row_cost=MATCH_COST + _FILTERED_COST,
        )

    @cached_property
    def others(self) -> Planner | None:
        """The filter without its words; None when that is every session of the store."""
        rest: list[Node] = [n for n in self.nodes if not isinstance(n, Term)]
        if not rest and self.lower is None and self.upper is None:
            row = self.reader.one("SELECT COUNT(*) FROM (SELECT 1 FROM project LIMIT 2) x")
            if row is None or row[0] < 2:
                return None
        return self.part(rest, self.lower, self.upper)

    def part(self, nodes: list[Node], lower: int | None, upper: int | None) -> Planner:
        """Return a planner of other parts and another range that shares this one's parameters."""
        own = Planner(self.reader, self.scope, self.filter)
        own.nodes, own.lower, own.upper, own.params = nodes, lower, upper, self.params
        own._total = self._total
        return own

    def _sample(self) -> tuple[float, Driver | None]:
        """Estimate how many documents of the range hold all words; when they are very few, return them as well."""
        where = self.matching_here()
        if self.total <= GATHER:
            return self.bounded("session_fts", where), None
        first, last = self.clipped(*self.ends())
        whole = max(last - first, 1)
        terms = self.terms
        if len(terms) == 1 and not terms[0].prefix and terms[0].text.isalnum():
            return self._by_windows(where[0], last, whole), None
        # A beginning costs the same for a stretch of time as for all of it, and where a phrase is rare a stretch of
        # time does not end the search for it.
        newest = (
            f"SELECT session_fts.rowid FROM session_fts WHERE {' AND '.join(where)} ORDER BY session_fts.rowid DESC"
        )
        ids = [row[0] for row in self.reader.fetch(f"{newest} LIMIT {_FEW}", self.params)]
        if len(ids) == _FEW:
            return max(_FEW / max(session_moment(ids[0]) - session_moment(ids[-1]), 1) * whole, _FEW), None
        within_range = ["d.project_id=:p", one_of("d.id", ids), *within("d.sort_at", self.lower, self.upper)]
        used = frozenset(index for index, node in enumerate(self.nodes) if isinstance(node, Term))
        fixed = len(ids) * PROBE_COST
        few = Driver("session d", "d.sort_at", "d.id", within_range, len(ids), used=used, fixed_cost=fixed)
        return len(ids), few

    def _by_windows(self, matching: str, last: int, whole: int) -> float:
        seen = covered = 0.0
        for start in _WINDOWS:
            upper = int(last - whole * start)
            lower = int(upper - whole * _WINDOW)
            first, after = first_session_id(lower), first_session_id(upper) + 1
            ids = f"session_fts.rowid >= {first} AND session_fts.rowid < {after}"
            row = self.reader.one(
                f"SELECT COUNT(*), MIN(id) FROM (SELECT session_fts.rowid AS id FROM session_fts "
                f"WHERE {matching} AND {ids} ORDER BY session_fts.rowid DESC LIMIT {_SEEN}) x",
                self.params,
            )
            count, oldest = row or (0, None)
            seen += count
            covered += max(upper - session_moment(oldest), 1) if count == _SEEN else whole * _WINDOW
        return max(seen / max(covered, 1) * whole, 1.0)
