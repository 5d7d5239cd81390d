"""SQL of evaluators: rows, versions, results by week, agreement with answers, and what a decision changes of one.

Versions that are no drafts are frozen: nothing here changes one, and one that has judged is never taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import facet_id, fetch_in
from aa_tui.backend.support.errors import Conflict, NotFound

WEEK_MS = 7 * 86_400_000
_MONDAY_MS = 4 * 86_400_000
"""The first Monday after 1970-01-01."""


def evaluators(reader: Reader, project_id: int) -> list[Row]:
    """Return (id, name, criterion id, criterion, state, active version, activated_ms, agents JSON, sampling,
    created_ms, created_by, row version) by name."""
    return reader.fetch(
        "SELECT e.id, e.name, e.criterion_id, c.name, e.state, e.active_version, e.activated_ms, e.agents, e.sampling, "
        "e.created_ms, e.created_by, e.version FROM evaluator e LEFT JOIN criterion c ON c.project_id=e.project_id "
        "AND c.id=e.criterion_id WHERE e.project_id=:p ORDER BY e.name, e.id",
        {"p": project_id},
    )


def versions(reader: Reader, project_id: int, evaluator_ids: Iterable[int]) -> list[Row]:
    """Return (evaluator id, no, method, output type, definition JSON, hash, draft, created_ms, created_by) by no."""
    rows = fetch_in(
        reader,
        "SELECT evaluator_id, no, method, output_type, definition, definition_hash, draft, created_ms, created_by "
        "FROM evaluator_version WHERE project_id=:p AND evaluator_id IN ({values})",
        {"p": project_id},
        evaluator_ids,
    )
    return sorted(rows, key=lambda row: (row[0], row[1]))


def judged(reader: Reader, project_id: int, evaluator_id: int) -> dict[int, int]:
    """Return how many results each version has."""
    rows = reader.fetch(
        "SELECT evaluator_version, COUNT(*) FROM result WHERE project_id=:p AND evaluator_id=:e "
        "GROUP BY evaluator_version",
        {"p": project_id, "e": evaluator_id},
    )
    return {row[0]: row[1] for row in rows}


def newest_result(reader: Reader, project_id: int, evaluator_id: int) -> int | None:
    """Return the start of the newest session that an evaluator has a result of."""
    found = [
        reader.one(
            f"SELECT MAX(sort_at) FROM result WHERE project_id=:p AND evaluator_id=:e AND passed{which}",
            {"p": project_id, "e": evaluator_id},
        )
        for which in ("=1", "=0", " IS NULL")
    ]
    return max((row[0] for row in found if row is not None and row[0] is not None), default=None)


def weeks(reader: Reader, project_id: int, evaluator_id: int, since_ms: int) -> list[Row]:
    """Return (week's Monday in ms, passed, with pass or fail, verdicts, errors, last evaluated_ms) of current results
    of imports and active evaluators on sessions since an instant, by week."""
    found: dict[int, list[int]] = {}
    # One statement for each way to pass: only so does the index lead to the weeks, past years of results.
    for passed, which in ((1, "=1"), (0, "=0"), (None, " IS NULL")):
        rows = reader.fetch(
            "SELECT (sort_at-:monday)/:week, COUNT(*), SUM(CASE WHEN error_kind IS NULL THEN 0 ELSE 1 END), "
            f"MAX(evaluated_ms) FROM result WHERE project_id=:p AND evaluator_id=:e AND passed{which} "
            "AND sort_at>=:since AND run_id=0 AND current=1 GROUP BY 1",
            {"p": project_id, "e": evaluator_id, "since": since_ms, "monday": _MONDAY_MS, "week": WEEK_MS},
        )
        for week, count, errors, last in rows:
            sums = found.setdefault(week, [0, 0, 0, 0, 0])
            verdicts = int(count) - int(errors)
            sums[0] += verdicts if passed == 1 else 0
            sums[1] += verdicts if passed is not None else 0
            sums[2] += verdicts
            sums[3] += int(errors)
            sums[4] = max(sums[4], last)
    return [(week * WEEK_MS + _MONDAY_MS, *found[week]) for week in sorted(found)]


def answered_results(reader: Reader, project_id: int, evaluator_id: int, criterion_id: int, limit: int) -> list[Row]:
    """Return (session, reviewer's answer, its source, verdict, passed) of current verdicts on sessions with answers."""
    return reader.fetch(
        "SELECT a.session_id, a.value, a.source, r.value, r.passed FROM answer a JOIN result r "
        "ON r.project_id=a.project_id AND r.session_id=a.session_id AND r.evaluator_id=:e AND r.current=1 "
        "AND r.run_id=0 AND r.error_kind IS NULL AND r.value IS NOT NULL "
        "WHERE a.project_id=:p AND a.criterion_id=:c AND a.obsolete=0 "
        "AND a.value NOT IN ('unsure', 'not_applicable') ORDER BY a.session_id DESC LIMIT :n",
        {"p": project_id, "e": evaluator_id, "c": criterion_id, "n": limit},
    )


def criteria(reader: Reader, project_id: int) -> list[Row]:
    """Return (id, name, question, output type, labels JSON, answers, evaluators) of every criterion by name."""
    return reader.fetch(
        "SELECT c.id, c.name, c.question, c.output_type, c.labels, "
        "(SELECT COUNT(*) FROM answer a WHERE a.project_id=c.project_id AND a.criterion_id=c.id), "
        "(SELECT COUNT(*) FROM evaluator e WHERE e.project_id=c.project_id AND e.criterion_id=c.id) "
        "FROM criterion c WHERE c.project_id=:p ORDER BY c.name",
        {"p": project_id},
    )


def widen_criterion(tx: Tx, project_id: int, criterion_id: int, output_type: str, labels: Sequence[str]) -> None:
    """Set what a criterion may be answered with."""
    tx.execute(
        "UPDATE criterion SET output_type=:o, labels=:l, version=version+1 WHERE project_id=:p AND id=:c "
        "AND (output_type<>:o OR labels<>:l)",
        {"p": project_id, "c": criterion_id, "o": output_type, "l": json.dumps(labels, ensure_ascii=False)},
    )


def row_version(reader: Reader, project_id: int, evaluator_id: int) -> int:
    """Return a number that rises with every change of an evaluator.

    Raises:
        NotFound: there is none.
    """
    row = reader.one(
        "SELECT version FROM evaluator WHERE project_id=:p AND id=:e", {"p": project_id, "e": evaluator_id}
    )
    if row is None:
        raise NotFound("That evaluator is gone.")
    return int(row[0])


def recent_sessions(reader: Reader, project_id: int, limit: int) -> list[int]:
    """Return the newest closed sessions that have text, newest first."""
    rows = reader.fetch(
        "SELECT id FROM session WHERE project_id=:p AND state='closed' AND has_text=1 ORDER BY sort_at DESC, id DESC "
        "LIMIT :n",
        {"p": project_id, "n": limit},
    )
    return [row[0] for row in rows]


# --- a decision's state --------------------------------------------------------------------------------------------


def state(reader: Reader, project_id: int, evaluator_id: int) -> dict[str, Any] | None:
    """Return what decisions change of an evaluator: its row, its newest frozen version and its draft."""
    row = reader.one(
        "SELECT e.name, e.state, e.active_version, e.activated_ms, e.agents, e.sampling, c.id, c.name, c.output_type "
        "FROM evaluator e LEFT JOIN criterion c ON c.project_id=e.project_id AND c.id=e.criterion_id "
        "WHERE e.project_id=:p AND e.id=:e",
        {"p": project_id, "e": evaluator_id},
    )
    if row is None:
        return None
    made = versions(reader, project_id, [evaluator_id])
    return {
        "name": row[0],
        "state": row[1],
        "active_version": row[2],
        "activated_ms": row[3],
        "agents": json.loads(row[4]),
        "sampling": row[5],
        "criterion": {"id": row[6], "name": row[7]},
        "newest": next((_version(one) for one in reversed(made) if not one[6]), None),
        "draft": next((_version(one) for one in reversed(made) if one[6]), None),
    }


def _version(row: Row) -> dict[str, Any]:
    names = ("no", "method", "output_type", "definition", "hash")
    return {**dict(zip(names, row[1:6], strict=True)), "created_ms": row[7], "created_by": row[8]}


def change(
    tx: Tx,
    project_id: int,
    evaluator_id: int,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now_ms: int,
) -> None:
    """Take an evaluator from one state to another.

    Raises:
        Conflict: the name is taken, or a version that would be taken away has judged.
    """
    params = {"p": project_id, "e": evaluator_id}
    if after is None:
        _drop_versions(tx, project_id, evaluator_id, ())
        tx.execute("DELETE FROM evaluator WHERE project_id=:p AND id=:e", params)
        if before is not None:
            _drop_unused_criterion(tx, project_id, before["criterion"]["id"])
        return
    taken = tx.one(
        "SELECT id FROM evaluator WHERE project_id=:p AND name=:n AND id<>:e", {**params, "n": after["name"]}
    )
    if taken is not None:
        raise Conflict(f"There already is an evaluator “{after['name']}”.", "Choose another name.")
    _write_row(tx, project_id, evaluator_id, before, after, now_ms)
    kept = [one for one in (after["newest"], after["draft"]) if one is not None]
    _drop_versions(tx, project_id, evaluator_id, [one["no"] for one in kept])
    for one, draft in ((after["newest"], 0), (after["draft"], 1)):
        if one is not None:
            _write_version(tx, project_id, evaluator_id, one, draft)
    if before is not None and before["name"] != after["name"]:
        _rename_facets(tx, project_id, before["name"], after["name"])


def _write_row(
    tx: Tx,
    project_id: int,
    evaluator_id: int,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    now_ms: int,
) -> None:
    criterion, newest = after["criterion"], after["newest"]
    row = {
        "p": project_id,
        "e": evaluator_id,
        "c": criterion["id"],
        "name": after["name"],
        "state": after["state"],
        "active": after["active_version"],
        "activated": after["activated_ms"],
        "agents": json.dumps(after["agents"], ensure_ascii=False),
        "sampling": after["sampling"],
    }
    if before is not None:
        tx.execute(
            "UPDATE evaluator SET name=:name, state=:state, active_version=:active, activated_ms=:activated, "
            "agents=:agents, sampling=:sampling, version=version+1 WHERE project_id=:p AND id=:e",
            {name: value for name, value in row.items() if name != "c"},
        )
        return
    made = {"at": newest["created_ms"], "by": newest["created_by"]}
    if tx.one("SELECT 1 FROM criterion WHERE project_id=:p AND id=:c", {"p": project_id, "c": row["c"]}) is None:
        tx.execute(
            "INSERT INTO criterion(project_id, id, name, question, output_type, labels, positive, created_ms, "
            "created_by, version) VALUES (:p, :c, :name, '', :output_type, '[]', NULL, :now, :by, 1)",
            {
                "p": project_id,
                "c": criterion["id"],
                "name": criterion["name"],
                "output_type": newest["output_type"],
                "now": now_ms,
                "by": newest["created_by"],
            },
        )
    tx.execute(
        "INSERT INTO evaluator(project_id, id, criterion_id, name, state, active_version, activated_ms, agents, "
        "sampling, created_ms, created_by, version) VALUES (:p, :e, :c, :name, :state, :active, :activated, :agents, "
        ":sampling, :at, :by, 1)",
        {**row, **made},
    )


def _drop_versions(tx: Tx, project_id: int, evaluator_id: int, kept: Sequence[int]) -> None:
    """Take away the versions above the kept ones, which may have judged nothing."""
    least = max(kept, default=0)
    gone = [
        (row[1], row[6])
        for row in versions(tx, project_id, [evaluator_id])
        if (row[1] > least or row[6]) and row[1] not in kept
    ]
    for no, draft in gone:
        if not draft:
            _refuse_judged(tx, project_id, evaluator_id, no)
        tx.execute(
            "DELETE FROM evaluator_version WHERE project_id=:p AND evaluator_id=:e AND no=:no",
            {"p": project_id, "e": evaluator_id, "no": no},
        )


def _write_version(tx: Tx, project_id: int, evaluator_id: int, one: Mapping[str, Any], draft: int) -> None:
    params = {"p": project_id, "e": evaluator_id, "draft": draft, **one}
    held = tx.one(
        "SELECT definition_hash, draft FROM evaluator_version WHERE project_id=:p AND evaluator_id=:e AND no=:no",
        {"p": project_id, "e": evaluator_id, "no": one["no"]},
    )
    if held is None:
        tx.execute(
            "INSERT INTO evaluator_version(project_id, evaluator_id, no, method, output_type, definition, "
            "definition_hash, draft, created_ms, created_by) VALUES (:p, :e, :no, :method, :output_type, :definition, "
            ":hash, :draft, :created_ms, :created_by)",
            params,
        )
        return
    if not held[1]:
        if draft:
            _refuse_judged(tx, project_id, evaluator_id, one["no"])
        elif held[0] != one["hash"]:
            raise Conflict(f"Version {one['no']} is frozen.", "Save a new one.")
        else:
            return
    tx.execute(
        "UPDATE evaluator_version SET method=:method, output_type=:output_type, definition=:definition, "
        "definition_hash=:hash, draft=:draft, created_ms=:created_ms, created_by=:created_by "
        "WHERE project_id=:p AND evaluator_id=:e AND no=:no",
        params,
    )


def _refuse_judged(tx: Tx, project_id: int, evaluator_id: int, no: int) -> None:
    params = {"p": project_id, "e": evaluator_id, "no": no}
    # Work that is under way counts: its result will name this version.
    if tx.one(
        "SELECT 1 FROM result WHERE project_id=:p AND evaluator_id=:e AND evaluator_version=:no LIMIT 1", params
    ) or tx.one("SELECT 1 FROM scoring WHERE project_id=:p AND what=:e AND version=:no LIMIT 1", params):
        raise Conflict(f"Version {no} has judged sessions; it stays.", "Archive the evaluator, or save a new version.")


def _drop_unused_criterion(tx: Tx, project_id: int, criterion_id: int | None) -> None:
    params = {"p": project_id, "c": criterion_id}
    tx.execute(
        "DELETE FROM criterion WHERE project_id=:p AND id=:c AND NOT EXISTS (SELECT 1 FROM evaluator e "
        "WHERE e.project_id=:p AND e.criterion_id=:c) AND NOT EXISTS (SELECT 1 FROM answer a "
        "WHERE a.project_id=:p AND a.criterion_id=:c)",
        params,
    )


def _rename_facets(tx: Tx, project_id: int, old: str, new: str) -> None:
    """Let sessions that were judged under one name be found by another: facets are named after the evaluator."""
    for kind in ("eval", "evalpass"):
        before, after = f"{kind}.{old}", f"{kind}.{new}"
        tx.execute("DELETE FROM facet WHERE project_id=:p AND key=:k AND sessions<=0", {"p": project_id, "k": after})
        rows = tx.fetch("SELECT id, value FROM facet WHERE project_id=:p AND key=:k", {"p": project_id, "k": before})
        for number, value in rows:
            moved = {"p": project_id, "old": number, "new": facet_id(after, value), "k": after}
            tx.execute("UPDATE facet SET id=:new, key=:k WHERE project_id=:p AND id=:old", moved)
            del moved["k"]
            tx.execute("UPDATE session_facet SET facet_id=:new WHERE project_id=:p AND facet_id=:old", moved)
