"""What the values of a filter stand for in one store: facets, session ids, users. Makes no condition of them."""

from __future__ import annotations

from typing import Any

from aa_tui.backend.model.filter import FIELDS, Filter, Match, Node, Started, Term, Value
from aa_tui.backend.query.compile.parts import Facets, Scope, after, as_id, means
from aa_tui.backend.store.engine import Reader


class Names:
    """One filter for one reader: resolves its values, each once."""

    def __init__(self, reader: Reader, scope: Scope, f: Filter) -> None:
        self.reader = reader
        self.scope = scope
        self.filter = f
        self.params: dict[str, Any] = {"p": scope.project_id}
        self.nodes: list[Node] = [n for n in f.nodes if not isinstance(n, Started)]
        """The parts but for the time, which is `lower` and `upper`."""
        self.lower, self.upper = self._bounds()
        self._facets: dict[tuple[str, tuple[Value, ...]], Facets] = {}
        self._named: dict[str, tuple[list[int], Facets | None]] = {}
        self._total: int | None = None

    @property
    def span(self) -> tuple[int | None, int | None]:
        """The start range of the filter's top-level time parts: from, and to (exclusive); None is open."""
        return self.lower, self.upper

    def _bounds(self) -> tuple[int | None, int | None]:
        lower: int | None = None
        upper: int | None = None
        for node in self.filter.nodes:
            if isinstance(node, Started):
                start, end = node.range.bounds(self.scope.now_ms, self.scope.zone)
                lower = start if lower is None else lower if start is None else max(lower, start)
                upper = end if upper is None else upper if end is None else min(upper, end)
        return lower, upper

    def param(self, value: Any) -> str:
        """Return the name of a parameter that holds a value."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f":{name}"

    @property
    def total(self) -> int:
        """About how many sessions the project has: every session has one state."""
        if self._total is None:
            row = self.reader.one(
                "SELECT SUM(sessions) FROM facet WHERE project_id=:p AND key='state'", {"p": self.scope.project_id}
            )
            self._total = int(row[0] or 0) if row else 0
        return self._total

    def lookup(self, key: str, values: tuple[Value, ...], any_case: bool = False) -> Facets:
        """Return the facets of a key that the values mean; no values mean all."""
        found = self._facets.get((key, values))
        if found is not None:
            return found
        params: dict[str, Any] = {"p": self.scope.project_id, "k": key}
        base = "SELECT id, value, sessions FROM facet WHERE project_id=:p AND key=:k"
        if not values or any_case or any(v.glob for v in values):
            where = ""
            if len(values) == 1 and values[0].glob and not any_case and (start := values[0].text.partition("*")[0]):
                where = " AND value >= :a"
                params["a"] = start
                if end := after(start):
                    where += " AND value < :b"
                    params["b"] = end
            rows = self.reader.fetch(base + where, params)
            if values:
                rows = [r for r in rows if any(means(v, r[1], any_case) for v in values)]
        else:
            names = {f"x{i}": v.text for i, v in enumerate(values)}
            rows = self.reader.fetch(f"{base} AND value IN ({', '.join(':' + n for n in names)})", {**params, **names})
        found = self._facets[(key, values)] = Facets({r[0]: r[2] for r in rows if r[2] > 0})
        return found

    def facets_of(self, node: Match) -> Facets | None:
        """Return what a part means as facets, any of which lets a session through; None when it is no such part."""
        kind = FIELDS[node.field].kind
        if kind == "facet":
            return self.lookup(node.field, node.values)
        if kind == "context":
            return self.lookup(f"context.{node.key}", node.values)
        if kind == "named":
            if any(not v.glob and v.text.lower() == "none" for v in node.values):
                return None
            merged = dict(self.lookup(f"{node.field}.{node.key}", node.values, any_case=True).counts)
            verdicts = tuple(v for v in node.values if not v.glob and v.text.lower() in ("pass", "fail"))
            if verdicts and node.field in ("eval", "signal"):
                merged.update(self.lookup(f"{node.field}pass.{node.key}", verdicts, any_case=True).counts)
            return Facets(merged)
        return None

    def session_ids(self, values: tuple[Value, ...]) -> list[int]:
        """Return ids of the sessions that `id:` values name by key or by number."""
        found: set[int] = set()
        for value in values:
            params: dict[str, Any] = {"p": self.scope.project_id}
            if value.glob:
                start = value.text.partition("*")[0]
                where = "project_id=:p AND key >= :a"
                params["a"] = start
                if end := after(start):
                    where += " AND key < :b"
                    params["b"] = end
                pattern = value.regex()
                for chunk in self.reader.stream(f"SELECT id, key FROM session WHERE {where}", params):
                    found.update(row[0] for row in chunk if pattern.fullmatch(row[1]))
                continue
            params["k"] = value.text
            found.update(
                r[0] for r in self.reader.fetch("SELECT id FROM session WHERE project_id=:p AND key=:k", params)
            )
            if (number := as_id(value.text)) is not None:
                params["k"] = number
                rows = self.reader.fetch("SELECT id FROM session WHERE project_id=:p AND id=:k", params)
                found.update(r[0] for r in rows)
        return sorted(found)

    def named_by(self, term: Term) -> tuple[list[int], Facets | None]:
        """Return whose own id the one word of a search is: sessions (or those of a message), and a user's facet."""
        if term.prefix:
            return [], None
        if term.text not in self._named:
            params = {"p": self.scope.project_id, "t": term.text}
            rows = self.reader.fetch(
                "SELECT id FROM session WHERE project_id=:p AND key=:t "
                "UNION SELECT session_id FROM event WHERE project_id=:p AND insert_id=:t",
                params,
            )
            found = {r[0] for r in rows}
            if as_id(term.text) is not None:
                found.update(self.session_ids((Value(term.text),)))
            users = self.lookup("user", (Value(term.text),))
            self._named[term.text] = sorted(i for i in found if i), users if users.counts else None
        return self._named[term.text]
