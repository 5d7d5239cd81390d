"""A filter's parts as SQL conditions on one session, by its start and id. Chooses no source of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aa_tui.backend.model.filter import And, Compare, Match, Node, Not, Or, Started, Term
from aa_tui.backend.query.compile.names import Names
from aa_tui.backend.query.compile.parts import COLUMN, Facets, match_text, one_of, within
from aa_tui.backend.store import search_words

PROBE_COST = 1.0
"""Microseconds to look one row up by primary key."""
_JOIN_COST = 0.5
"""Microseconds to join one row by primary key."""
_ROW_COST = 2.5
"""Microseconds to look up a session's wide row."""


class Conditions(Names):
    """Conditions on `at` and `id`, columns of a driver, and on `s`, the session's row, where numbers are compared."""

    def condition(self, node: Node, at: str, id_: str, exact: bool = False, seeks: bool = False) -> str:
        """Return a condition that is true or false, never NULL.

        `exact` lets a word also mean a session key, user or message id; `seeks` looks a word up for each session.
        """
        match node:
            case And():
                return "(" + " AND ".join(self.condition(n, at, id_) for n in node.nodes) + ")"
            case Or():
                return "(" + " OR ".join(self.condition(n, at, id_) for n in node.nodes) + ")"
            case Not():
                return f"(NOT {self.condition(node.node, at, id_)})"
            case Started():
                lower, upper = node.range.bounds(self.scope.now_ms, self.scope.zone)
                return "(" + (" AND ".join(within(at, lower, upper)) or "1=1") + ")"
            case Compare():
                column = f"s.{COLUMN[node.field]}"
                return f"({column} IS NOT NULL AND {column} {node.op} {self.param(node.value)})"
            case Term():
                found = self._term(node, id_, seeks)
                ids, users = self.named_by(node) if exact else ([], None)
                if ids:
                    found = f"({found} OR {one_of(id_, ids)})"
                if users:
                    found = f"({found} OR {self._probe(users, at, id_)})"
                return found
            case Match():
                if node.field == "id":
                    return one_of(id_, self.session_ids(node.values))
                facets = self.facets_of(node)
                if facets is None:
                    return self._not_scored(node, at, id_)
                return self._probe(facets, at, id_)

    def condition_cost(self, node: Node) -> float:
        """Microseconds that the condition of a part takes for one session; words are the driver's to reckon."""
        match node:
            case And() | Or():
                return sum(map(self.condition_cost, node.nodes))
            case Not():
                return self.condition_cost(node.node)
            case Compare():
                return _ROW_COST
            case Match() if node.field != "id":
                facets = self.facets_of(node)
                return _JOIN_COST if facets is not None and len(facets.counts) == 1 else PROBE_COST
            case _:
                return 0.1

    def matching(self, terms: Sequence[Term]) -> tuple[str, str]:
        """Return the condition that documents hold all words and phrases, and their relevance: the less the better."""
        if self.reader.dialect == "sqlite":
            return f"session_fts MATCH {self.param(match_text(terms))}", "bm25(session_fts)"
        found = search_words.query_of([(t.text, t.prefix) for t in terms])
        if found is None:
            return "session_fts.rowid IS NULL", "session_fts.rowid"
        query = self.param(found[0])
        condition = search_words.condition(query, [self.param(pattern) for pattern in found[1]])
        return condition, f"-ts_rank_cd(session_fts.search, CAST({query} AS tsquery))"

    def _term(self, node: Term, id_: str, seeks: bool) -> str:
        matching = self.matching([node])[0]
        if seeks:
            return f"EXISTS (SELECT 1 FROM session_fts WHERE {matching} AND session_fts.rowid={id_})"
        return f"{id_} IN (SELECT rowid FROM session_fts WHERE {matching})"

    def _not_scored(self, node: Match, at: str, id_: str) -> str:
        rest = tuple(v for v in node.values if v.glob or v.text.lower() != "none")
        none = f"(NOT {self._probe(self.lookup(f'{node.field}.{node.key}', ()), at, id_)})"
        return f"({none} OR {self.condition(replace(node, values=rest), at, id_)})" if rest else none

    @staticmethod
    def _probe(facets: Facets, at: str, id_: str) -> str:
        if not facets.counts:
            return "(1=0)"
        return (
            "EXISTS (SELECT 1 FROM session_facet f WHERE f.project_id=:p "
            f"AND {one_of('f.facet_id', list(facets.counts))} AND f.sort_at={at} AND f.session_id={id_})"
        )
