"""A plan into the store, inside its transaction. What it writes was decided before."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from aa_tui.backend.ingest.writer.people import merge_properties
from aa_tui.backend.ingest.writer.records import Plan
from aa_tui.backend.store import contents, facts, rollups, search
from aa_tui.backend.store.engine import Row, Tx
from aa_tui.backend.store.facts import facet_id as facet_id

_place = itemgetter(1, 2)


def apply(tx: Tx, project: int, plan: Plan) -> None:
    """Write a plan of a project; an empty one changes nothing, not even the data version."""
    if plan.empty():
        return
    facts.delete_events(tx, plan.deletions)
    # In order of the key: pages are filled one after the other, and fuller.
    facts.insert_events(tx, sorted(plan.events, key=_place))
    contents.insert(tx, plan.contents)
    facts.update_places(tx, plan.places)
    facts.upsert_sessions(tx, plan.sessions)
    for session_id in plan.dropped:
        facts.delete_session(tx, project, session_id)
    facts.delete_turns(tx, plan.turns_gone)
    facts.upsert_turns(tx, plan.turns)
    facts.insert_revisions(tx, plan.revisions)
    facts.supersede_revisions(tx, plan.superseded)
    apply_facets(tx, project, plan)
    rollups.add(
        tx,
        project,
        rollups.days_of(plan.zone),
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


def apply_facets(tx: Tx, project: int, plan: Plan) -> None:
    """Write which facets sessions lose and gain."""
    out: list[Row] = []
    put: list[Row] = []
    counts: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    for pair in plan.facets_out.keys() | plan.facets_in.keys():
        id_ = facet_id(*pair)
        gone, come = plan.facets_out.get(pair, ()), plan.facets_in.get(pair, ())
        out += [(project, id_, at, session_id) for at, session_id in gone]
        put += [(project, id_, at, session_id) for at, session_id, _ in come]
        if gone:
            lost.append({"p": project, "f": id_})
        more = len(come) - len(gone)
        first = min([start for _, _, start in come if start is not None], default=None)
        if more or first is not None:
            counts.append({"p": project, "f": id_, "key": pair[0], "value": pair[1], "n": more, "first": first})
    put.sort()
    facts.remove_facets(tx, out)
    facts.add_facets(tx, put)
    facts.count_facets(tx, counts)
    facts.settle_facets(tx, lost)


def _apply_properties(tx: Tx, project: int, plan: Plan) -> None:
    if not plan.said:
        return
    stored = facts.person_properties(tx, project, plan.said)
    rows = []
    for user, statements in plan.said.items():
        merged = merge_properties(stored.get(user, "{}"), statements)
        rows.append({"p": project, "u": user, "properties": merged})
    facts.set_person_properties(tx, rows)
