"""Searches: by relevance, of which the newest matches are ranked, and in start order along the search index."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from heapq import nsmallest

from aa_tui.backend.query.compile.parts import Driver, Found, one_of, start_order, within
from aa_tui.backend.query.compile.planning import (
    EARLIER_MS,
    LATER_MS,
    Planner,
)
from aa_tui.backend.store.engine import Row
from aa_tui.backend.support.ids import first_session_id

RANK_CAP = 20_000
"""Search ranks at most this many matches, the newest ones."""
_WEIGH_COST = 0.04
"""Relevance counts all documents that hold a word, once for a statement or for each id looked up."""
_MARGIN = 1.5
"""How much more of the time is looked at than the newest `RANK_CAP` matches probably need."""
_WORTH_IT = 0.7
"""A larger part of the time is not looked at first: what it saves is less than what being wrong costs."""

Scored = list[Row]
"""(relevance, the less the better; the negative row id) of matches, newest first."""


class Ranking(Planner):
    """Answers that walk the search index in the order of its row ids."""

    # --- by relevance ------------------------------------------------------------------------------------------------

    def ranked(self, limit: int | None) -> Found:
        """Rank the newest `RANK_CAP` matches; what a word names exactly comes first."""
        first = self._exact_first()
        rows = self._newest_matches()
        capped = len(rows) > RANK_CAP
        matches: int | None = None
        if capped:
            del rows[RANK_CAP:]
            matches = self.count_matches() if limit is None else None
        known = set(first)
        best = sorted(rows) if limit is None else nsmallest(limit + len(first), rows)
        found = [*first, *(-negative for _, negative in best if -negative not in known)]
        return Found(array("q", found if limit is None else found[:limit]), capped, matches)

    def _newest_matches(self) -> Scored:
        """Return the newest matches, one more than are ranked.

        The search index is walked once, newest first, until there are enough; relevance is only asked of those.
        """
        alone = self._alone()
        if (others := self.others) is None:
            return self._scored(alone)
        plan = self.plan()
        if plan.few is not None:
            ids = [row[0] for row in self.reader.fetch(self.sql(plan.few, plan.few.id), self.params)]
            if len(ids) < 2:
                return [(0.0, -id_) for id_ in ids]
            return self._scored(alone, [one_of("+session_fts.rowid", ids)])
        search, in_set = plan.search, plan.search_in_set
        assert search is not None and in_set is not None
        recent = min(1.0, RANK_CAP / plan.hits)
        part = recent * _MARGIN if recent * _MARGIN < _WORTH_IT else 1.0
        inner = others.best(None)
        weighing = min(plan.hits, RANK_CAP) * plan.matches * _WEIGH_COST
        one_by_one = recent * search.cost(search.size)
        together = part * in_set.fixed_cost + recent * in_set.size * in_set.row_cost
        seeking = inner.cost(inner.size) + others.plan().hits * self.seek_cost(plan.matches) + weighing
        cheapest = min(one_by_one, together, seeking)
        if cheapest == one_by_one:
            return self._scored(search)
        if cheapest == seeking:
            return self._scored(alone, [f"session_fts.rowid IN ({others.sql(inner, inner.id)})"])
        if part < _WORTH_IT:
            first, last = self.clipped(*self.ends())
            floor = int(last - (last - first) * part)
            late = self.in_set(others.part(others.nodes, floor - EARLIER_MS, self.upper), alone)
            rows = self._scored(late, [f"session_fts.rowid >= {first_session_id(floor)}"])
            if len(rows) > RANK_CAP:
                return rows
        return self._scored(self.in_set(others, alone))

    def _scored(self, driver: Driver, extra: Sequence[str] = ()) -> Scored:
        select = f"{self.matching(self.terms)[1]} AS relevance, -session_fts.rowid"
        tail = f"ORDER BY session_fts.rowid DESC LIMIT {RANK_CAP + 1}"
        return self.reader.fetch(self.sql(driver, select, extra, tail), self.params)

    def count_matches(self) -> int:
        """Return how many sessions that the other parts let through hold the words in their texts."""
        driver = self._alone()
        if (others := self.others) is not None:
            plan = self.plan()
            in_set = self.in_set(others, driver._replace(size=plan.matches))
            choices = [in_set, *plan.searches, *([] if self.names_something else plan.choices)]
            driver = min((self.priced(one, None) for one in choices), key=lambda one: one[0])[1]
        row = self.reader.one(self.sql(driver, "COUNT(*)"), self.params)
        return row[0] if row else 0

    def _alone(self) -> Driver:
        """Return the walk over the search index that looks at nothing else."""
        rowid, everything = "session_fts.rowid", frozenset(range(len(self.nodes)))
        return Driver("session_fts", rowid, rowid, self.matching_here(), used=everything)

    def _exact_first(self) -> list[int]:
        """Sessions whose key, user or message id is the one word of the search, newest first."""
        terms = self.terms
        if len(terms) != 1:
            return []
        ids, users = self.named_by(terms[0])
        used = frozenset(i for i, n in enumerate(self.nodes) if n is terms[0])
        found: dict[tuple[int, int], None] = {}
        drivers = []
        if ids:
            where = ["d.project_id=:p", one_of("d.id", ids), *within("d.sort_at", self.lower, self.upper)]
            drivers.append(Driver("session d", "d.sort_at", "d.id", where, used=used))
        if users is not None:
            drivers.append(self.facet_driver(users, -1)._replace(used=used))
        for driver in drivers:
            tail = start_order(driver, True) + f" LIMIT {RANK_CAP}"
            rows = self.reader.fetch(self.sql(driver, f"{driver.at}, {driver.id}", tail=tail), self.params)
            found.update(dict.fromkeys((row[0], row[1]) for row in rows))
        return [id_ for _, id_ in sorted(found, reverse=True)]

    # --- in start order ----------------------------------------------------------------------------------------------

    def newest_found(self, limit: int, descending: bool) -> list[int] | None:
        """Return the first `limit` sessions in start order along the search index; None when another way is cheaper."""
        plan = self.plan()
        if plan.search is None or self.names_something:
            return None
        first, last = self.ends()
        late = (EARLIER_MS if descending else LATER_MS) / max(last - first, 1)
        rows = min(plan.search.size, plan.search.size * (limit / plan.hits + late))
        if plan.search.cost(rows) >= self.priced(self.best(limit), limit)[0]:
            return None
        return self._along(plan.search, limit, descending)

    def _along(self, search: Driver, limit: int, descending: bool) -> list[int]:
        """A row id was made from the start known first, so that some beyond the page may belong before its end."""
        order = f"ORDER BY session_fts.rowid{' DESC' if descending else ''}"
        select = f"{search.at}, {search.id}"
        rows = self.reader.fetch(self.sql(search, select, tail=f"{order} LIMIT {limit}"), self.params)
        if len(rows) == limit:
            last = rows[-1][1]
            if descending:
                bound = first_session_id(min(row[0] for row in rows) - EARLIER_MS)
                beyond = [f"session_fts.rowid < {last}", f"session_fts.rowid >= {bound}"]
            else:
                bound = first_session_id(max(row[0] for row in rows) + LATER_MS)
                beyond = [f"session_fts.rowid > {last}", f"session_fts.rowid < {bound}"]
            if (bound < last) == descending:
                rows += self.reader.fetch(self.sql(search, select, beyond), self.params)
        return [row[1] for row in sorted(((row[0], row[1]) for row in rows), reverse=descending)[:limit]]
