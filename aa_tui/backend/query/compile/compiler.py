"""The compiler's answers: a page, all ids, a count, columns of what a filter lets through. Shapes no read-model."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from aa_tui.backend.model.filter import Sort, facet_filter
from aa_tui.backend.query.compile.parts import INDEX, SORT_COLUMN, Driver, Found, start_order, within
from aa_tui.backend.query.compile.ranking import Ranking
from aa_tui.backend.store.engine import Row

_SORTED_COST = 3.0
"""Microseconds to look up a session's row by id and sort it in, where an index of the column is not walked."""
_WALKED_COST = 0.5


class Compiler(Ranking):
    """One filter for one reader: resolves its values once, then answers page, ids and count."""

    def page(self, sort: Sort, limit: int) -> list[int]:
        """Return the first `limit` session ids in the order of `sort`."""
        if limit <= 0:
            return []
        if sort.key == "relevance" and self.terms:
            return list(self.ranked(limit).ids)
        if sort.key in ("started", "relevance"):
            return self._newest(limit, descending=sort.descending or sort.key == "relevance")
        if sort.key == "agent":
            return list(self._by_agent(sort.descending, limit))
        return list(self._by_column(SORT_COLUMN[sort.key], sort.descending, limit))

    def ids(self, sort: Sort) -> Found:
        """Return all session ids in the order of `sort`; a ranked search looks at the newest `RANK_CAP` matches."""
        if sort.key == "relevance" and self.terms:
            return self.ranked(None)
        if sort.key == "agent":
            return Found(array("q", self._by_agent(sort.descending, None)))
        if sort.key in SORT_COLUMN:
            return Found(array("q", self._by_column(SORT_COLUMN[sort.key], sort.descending, None)))
        driver = self.best(None)
        order = start_order(driver, sort.descending or sort.key == "relevance")
        return Found(array("q", self._stream(self.sql(driver, driver.id, tail=order))))

    def count(self) -> int:
        """Return how many sessions the filter lets through."""
        if self.terms and not self.names_something:
            return self.count_matches()
        row = self.reader.one(self.sql(self.best(None), "COUNT(*)"), self.params)
        return row[0] if row else 0

    def select(self, columns: str, where: Sequence[str] = (), tail: str = "") -> list[Row]:
        """Return columns (or sums) over everything the filter lets through.

        `{at}` and `{id}` stand for the session's start and id; `s.` is its row, joined where it is named.
        """
        driver = self.best(None)
        named = {"at": driver.at, "id": driver.id}
        sql = self.sql(driver, columns.format(**named), [w.format(**named) for w in where], tail)
        return self.reader.fetch(sql, self.params)

    def events(self, columns: str, where: str, sessions: Sequence[str] = ()) -> Iterator[list[Row]]:
        """Yield columns of `e`, the events of the sessions that the filter lets through and of those that `where`."""
        driver = self.best(None)
        chosen = self.sql(driver, f"{driver.id} AS session_id", list(sessions))
        sql = (
            f"SELECT {columns} FROM ({chosen}) x CROSS JOIN event e WHERE e.project_id=:p AND e.session_id=x.session_id"
        )
        return self.reader.stream(f"{sql} AND {where}", self.params)

    def _stream(self, sql: str) -> Iterator[int]:
        for chunk in self.reader.stream(sql, self.params, 5000):
            for row in chunk:
                yield row[0]

    def _newest(self, limit: int, descending: bool) -> list[int]:
        found = self.newest_found(limit, descending)
        if found is not None:
            return found
        driver = self.best(limit)
        sql = self.sql(driver, f"{driver.at}, {driver.id}", tail=start_order(driver, descending) + f" LIMIT {limit}")
        return [row[1] for row in self.reader.fetch(sql, self.params)]

    def _by_column(self, column: str, descending: bool, limit: int | None) -> Iterator[int]:
        """Known values in order, then the unknown ones; walks the column's index or sorts what a rare part gives."""
        left = limit
        way = " DESC" if descending else ""
        driver, prefix = self._in_order_of(column, limit)
        for known in (True, False):
            condition = f"{column} IS {'NOT ' if known else ''}NULL"
            tail = f"ORDER BY {prefix}{column}{way}, {driver.at}{way}, {driver.id}{way}"
            if left is not None:
                tail += f" LIMIT {left}"
            for id_ in self._stream(self.sql(driver, driver.id, [f"{prefix}{condition}"], tail)):
                yield id_
                if left is not None:
                    left -= 1
            if left is not None and left <= 0:
                return

    def _in_order_of(self, column: str, limit: int | None) -> tuple[Driver, str]:
        """Return what gives sessions in the order of a column, and the prefix of the column in it."""
        gathered = self.best(None)
        cost = self.priced(gathered, None)[0] + self.plan().hits * _SORTED_COST
        hint = self.by(INDEX[column])
        where = ["d.project_id=:p", *within("d.sort_at", self.lower, self.upper)]
        # Ordered by the column rather than by start, which reckons the same.
        walk = Driver(f"session d{hint}", "d.sort_at", "d.id", where, self.total, ordered=True)
        walked, walk = self.priced(self.reckoned(walk, _WALKED_COST), limit)
        return (walk, "d.") if walked < cost else (gathered, "s.")

    def _by_agent(self, descending: bool, limit: int | None) -> Iterator[int]:
        """Root agents by name, each in start order: there are few agents and no index by them is needed."""
        rows = self.reader.fetch(
            "SELECT value FROM facet WHERE project_id=:p AND key='agent' AND sessions>0", {"p": self.scope.project_id}
        )
        left = limit
        for (agent,) in sorted(rows, reverse=descending):
            own = Compiler(self.reader, self.scope, self.filter.plus(facet_filter("agent", agent)))
            name = own.param(agent)
            driver = own.best(limit)
            tail = start_order(driver, descending) + (f" LIMIT {left}" if left is not None else "")
            for id_ in own._stream(own.sql(driver, driver.id, [f"s.agent={name}"], tail)):
                yield id_
                if left is not None:
                    left -= 1
            if left is not None and left <= 0:
                return
