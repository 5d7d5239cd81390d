"""A plan into the store, inside its transaction. What it writes was decided before."""

from __future__ import annotations

from typing import Any

from aa_tui.backend.ingest.writer.people import merge_properties
from aa_tui.backend.ingest.writer.records import Plan
from aa_tui.backend.store import facts, rollups, search
from aa_tui.backend.store.engine import Row, Tx
from aa_tui.backend.support.ids import text_hash


def apply(tx: Tx, project: int, plan: Plan) -> None:
    """Write a plan of a project; an empty one changes nothing, not even the data version."""
    if plan.empty():
        return
    facts.delete_events(tx, plan.deletions)
    facts.insert_events(tx, plan.events)
    facts.insert_contents(tx, plan.contents)
    facts.update_places(tx, plan.places)
    facts.upsert_sessions(tx, plan.sessions)
    for session_id in plan.dropped:
        facts.delete_session(tx, project, session_id)
    facts.delete_turns(tx, plan.turns_gone)
    facts.upsert_turns(tx, plan.turns)
    facts.insert_revisions(tx, plan.revisions)
    _apply_facets(tx, project, plan)
    rollups.add(
        tx,
        project,
        rollups.Days(plan.zone),
        plan.rollup_sessions,
        plan.rollup_dims,
        plan.rollup_latencies,
        plan.rollup_users,
    )
    search.replace_documents(tx, project, plan.documents)
    facts.add_user_days(
        tx,
        [
            {"p": project, "u": user, "day": day, "agent": agent, "product": product}
            for (user, day), (agent, product) in plan.days.items()
            if agent or product
        ],
    )
    facts.see_persons(
        tx, [{"p": project, "u": u, "first": first, "last": last} for u, (first, last) in plan.persons.items()]
    )
    _apply_properties(tx, project, plan)
    plan.outcomes.apply(tx)
    facts.touch_project(tx, project)


def _apply_facets(tx: Tx, project: int, plan: Plan) -> None:
    ids: dict[tuple[str, str], int] = {}
    net: dict[tuple[str, str], list[Any]] = {}

    def known(key: str, value: str) -> int:
        pair = (key, value)
        if pair not in ids:
            ids[pair] = facet_id(key, value)
            net[pair] = [0, None]
        return ids[pair]

    out: list[Row] = []
    for key, value, at, session_id in plan.facets_out:
        out.append((project, known(key, value), at, session_id))
        net[key, value][0] -= 1
    put: list[Row] = []
    for key, value, at, session_id, start in plan.facets_in:
        put.append((project, known(key, value), at, session_id))
        counts = net[key, value]
        counts[0] += 1
        if start is not None and (counts[1] is None or start < counts[1]):
            counts[1] = start
    put.sort()
    facts.remove_facets(tx, out)
    facts.add_facets(tx, put)
    facts.count_facets(
        tx,
        [
            {"p": project, "f": ids[pair], "key": pair[0], "value": pair[1], "n": n, "first": first}
            for pair, (n, first) in net.items()
            if n or first is not None
        ],
    )
    facts.settle_facets(tx, [{"p": project, "f": one} for one in {row[1] for row in out}])


def _apply_properties(tx: Tx, project: int, plan: Plan) -> None:
    if not plan.said:
        return
    stored = facts.person_properties(tx, project, plan.said)
    rows = []
    for user, statements in plan.said.items():
        merged = merge_properties(stored.get(user, "{}"), statements)
        rows.append({"p": project, "u": user, "properties": merged})
    facts.set_person_properties(tx, rows)


def facet_id(key: str, value: str) -> int:
    """Return the id of a facet value: the same in every project and on every machine."""
    return int(text_hash(key, value)[:15], 16)
