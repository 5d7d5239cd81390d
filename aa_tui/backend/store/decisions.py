"""SQL of what people decide: projects, members, views, notes, settings, and the journal of it all. No permissions.

A decision is a change of one thing's state, from `before` to `after`, each a small JSON object or None for "not there".
The journal keeps both, so that undoing is the same change backwards, and refused when somebody changed it meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aa_tui.backend.store import rollups
from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.support.errors import Conflict
from aa_tui.backend.support.ids import new_id

State = dict[str, Any] | None
_PROJECT = "SELECT id, name, api_key, time_zone, settings FROM project"


# --- projects ------------------------------------------------------------------------------------------------------


def projects(reader: Reader) -> list[Row]:
    """Return (id, name, api_key, time_zone, settings) of every project by name."""
    return reader.fetch(f"{_PROJECT} ORDER BY name")


def project_counts(reader: Reader, project_id: int) -> tuple[int, int | None]:
    """Return the number of sessions and the newest session's `sort_at`, without counting a million rows."""
    # Every session has exactly one state, so the dictionary's few rows add up to all sessions.
    total = reader.one("SELECT SUM(sessions) FROM facet WHERE project_id=:p AND key='state'", {"p": project_id})
    if total is None or total[0] is None:
        total = reader.one("SELECT COUNT(*) FROM session WHERE project_id=:p", {"p": project_id})
    newest = reader.one("SELECT MAX(sort_at) FROM session WHERE project_id=:p", {"p": project_id})
    return int(total[0] or 0) if total else 0, newest[0] if newest else None


def insert_project(tx: Tx, wanted_id: int, name: str, api_key: str, time_zone: str, now_ms: int) -> int:
    """Create a project under the first free id from `wanted_id` on; return the id.

    Raises:
        Conflict: the name is taken.
    """
    if tx.one("SELECT 1 FROM project WHERE name=:n", {"n": name}):
        raise Conflict(f"There already is a project “{name}”.", "Choose another name.")
    while tx.one("SELECT 1 FROM project WHERE id=:id", {"id": wanted_id}):
        wanted_id += 1
    tx.execute(
        "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
        "VALUES (:id, :name, :key, :zone, :now, '{}', 1, 0)",
        {"id": wanted_id, "name": name, "key": api_key, "zone": time_zone, "now": now_ms},
    )
    return wanted_id


def role(reader: Reader, project_id: int, name: str) -> tuple[str | None, bool]:
    """Return the recorded role of a person in a project, and whether anybody is recorded at all."""
    row = reader.one("SELECT role FROM member WHERE project_id=:p AND name=:n", {"p": project_id, "n": name})
    if row is not None:
        return row[0], True
    return None, reader.one("SELECT 1 FROM member WHERE project_id=:p LIMIT 1", {"p": project_id}) is not None


# --- saved views and notes -----------------------------------------------------------------------------------------


def views(reader: Reader, project_id: int, owner: str) -> list[Row]:
    """Return (name, owner, shared, address, created_ms) of a person's views and of those others share."""
    return reader.fetch(
        "SELECT name, owner, shared, address, created_ms FROM saved_view WHERE project_id=:p "
        "AND (owner=:o OR shared=1) ORDER BY owner<>:o, name, owner",
        {"p": project_id, "o": owner},
    )


def notes(reader: Reader, project_id: int, from_ms: int, to_ms: int) -> list[Row]:
    """Return (id, at_ms, text, author) of the notes from `from_ms` to before `to_ms`, in order of time."""
    return reader.fetch(
        "SELECT id, at_ms, text, author FROM note WHERE project_id=:p AND deleted=0 AND at_ms>=:a AND at_ms<:b "
        "ORDER BY at_ms, id",
        {"p": project_id, "a": from_ms, "b": to_ms},
    )


# --- state changes -------------------------------------------------------------------------------------------------


def state(reader: Reader, project_id: int, kind: str, key: Mapping[str, Any]) -> State:
    """Return the state of one thing (`view`, `note`, `setting`, `evaluator`), None where it is not there."""
    params = {"p": project_id, **key}
    if kind == "evaluator":
        # Not at the top: this module is on the way to the app's first frame, which decides nothing.
        from aa_tui.backend.store import evaluators

        return evaluators.state(reader, project_id, key["id"])
    if kind == "view":
        row = reader.one(
            "SELECT address, shared FROM saved_view WHERE project_id=:p AND owner=:owner AND name=:name", params
        )
        return None if row is None else {"address": row[0], "shared": row[1]}
    if kind == "note":
        row = reader.one("SELECT at_ms, text, author FROM note WHERE project_id=:p AND id=:id AND deleted=0", params)
        return None if row is None else {"at_ms": row[0], "text": row[1], "author": row[2]}
    row = reader.one("SELECT settings, time_zone FROM project WHERE id=:p", {"p": project_id})
    if row is None:
        return None
    if key["key"] == "time_zone":
        return {"value": row[1]}
    value = json.loads(row[0]).get(key["key"])
    return None if value is None else {"value": value}


def change(
    tx: Tx, project_id: int, kind: str, key: Mapping[str, Any], before: State, after: State, now_ms: int
) -> None:
    """Take one thing from state `before` to state `after`.

    Raises:
        Conflict: its state is not `before`.
    """
    if state(tx, project_id, kind, key) != before:
        named = key.get("name") or key.get("key") or (before or after or {}).get("name") or kind
        raise Conflict(f"“{named}” was changed by somebody else meanwhile.", "Look at it again before you change it.")
    params: dict[str, Any] = {"p": project_id, "now": now_ms, **key, **(after or {})}
    if kind == "view":
        _change_view(tx, before, after, params)
    elif kind == "note":
        _change_note(tx, after, params)
    elif kind == "evaluator":
        from aa_tui.backend.store import evaluators

        evaluators.change(tx, project_id, key["id"], before, after, now_ms)
    else:
        _change_setting(tx, project_id, str(key["key"]), after)
    touch(tx, project_id)


def _change_view(tx: Tx, before: State, after: State, params: dict[str, Any]) -> None:
    where = "WHERE project_id=:p AND owner=:owner AND name=:name"
    if after is None:
        tx.execute(f"DELETE FROM saved_view {where}", params)
    elif before is None:
        tx.execute(
            "INSERT INTO saved_view(project_id, id, name, owner, shared, address, created_ms, version) "
            "VALUES (:p, :id, :name, :owner, :shared, :address, :now, 1)",
            {**params, "id": new_id(params["now"])},
        )
    else:
        tx.execute(f"UPDATE saved_view SET address=:address, shared=:shared, version=version+1 {where}", params)


def _change_note(tx: Tx, after: State, params: dict[str, Any]) -> None:
    if after is None:
        tx.execute("UPDATE note SET deleted=1, version=version+1 WHERE project_id=:p AND id=:id", params)
        return
    tx.execute(
        "INSERT INTO note(project_id, id, at_ms, text, author, created_ms, deleted, version) "
        "VALUES (:p, :id, :at_ms, :text, :author, :now, 0, 1) ON CONFLICT(project_id, id) DO UPDATE SET "
        "at_ms=excluded.at_ms, text=excluded.text, author=excluded.author, deleted=0, version=note.version+1",
        params,
    )


def _change_setting(tx: Tx, project_id: int, name: str, after: State) -> None:
    if name == "time_zone":
        value = (after or {"value": "UTC"})["value"]
        tx.execute("UPDATE project SET time_zone=:v, version=version+1 WHERE id=:p", {"v": value, "p": project_id})
        rollups.make_days(tx, project_id, value)
        return
    row = tx.one("SELECT settings FROM project WHERE id=:p", {"p": project_id})
    settings: dict[str, Any] = json.loads(row[0]) if row else {}
    settings.pop(name, None)
    if after is not None:
        settings[name] = after["value"]
    tx.execute(
        "UPDATE project SET settings=:s, version=version+1 WHERE id=:p",
        {"s": json.dumps(settings, ensure_ascii=False), "p": project_id},
    )


def touch(tx: Tx, project_id: int) -> None:
    """Raise the project's data version, so that other processes refresh."""
    tx.execute("UPDATE project SET data_version = data_version + 1 WHERE id=:p", {"p": project_id})


def data_version(reader: Reader, project_id: int) -> int:
    """Return a number that rises whenever the project's data or a decision in it changed."""
    row = reader.one("SELECT data_version FROM project WHERE id=:p", {"p": project_id})
    return int(row[0]) if row is not None else 0


# --- the journal ---------------------------------------------------------------------------------------------------


def record(
    tx: Tx,
    project_id: int,
    at_ms: int,
    actor: str,
    permission: str,
    action: str,
    subject: str,
    forward: Mapping[str, Any],
    inverse: Mapping[str, Any] | None = None,
) -> int:
    """Write one decision and return its id. `inverse` None means that it cannot be undone.

    Ids rise within a project, so that "the newest of an actor" is the one with the largest id.
    """
    last = tx.one("SELECT MAX(id) FROM journal WHERE project_id=:p", {"p": project_id})
    entry = max(new_id(at_ms), (last[0] + 1) if last and last[0] is not None else 0)
    tx.execute(
        "INSERT INTO journal(project_id, id, at_ms, actor, permission, action, subject, forward, inverse) "
        "VALUES (:p, :id, :at, :actor, :permission, :action, :subject, :forward, :inverse)",
        {
            "p": project_id,
            "id": entry,
            "at": at_ms,
            "actor": actor,
            "permission": permission,
            "action": action,
            "subject": subject,
            "forward": json.dumps(forward, ensure_ascii=False),
            "inverse": None if inverse is None else json.dumps(inverse, ensure_ascii=False),
        },
    )
    return entry


def newest_undoable(tx: Tx, project_id: int, actor: str) -> Row | None:
    """Return (id, permission, action, subject, forward, inverse) of an actor's newest decision not undone yet."""
    return tx.one(
        "SELECT id, permission, action, subject, forward, inverse FROM journal WHERE project_id=:p AND actor=:a "
        "AND inverse IS NOT NULL AND undone_by IS NULL AND action NOT IN ('undo', 'redo') ORDER BY id DESC LIMIT 1",
        {"p": project_id, "a": actor},
    )


def newest_redoable(tx: Tx, project_id: int, actor: str) -> tuple[int, Row] | None:
    """Return the newest undo of an actor that no decision followed, and the row of the decision it undid."""
    undo = tx.one(
        "SELECT id, forward FROM journal AS u WHERE project_id=:p AND actor=:a AND action='undo' AND undone_by IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM journal AS d WHERE d.project_id=u.project_id AND d.actor=u.actor AND d.id>u.id "
        "AND d.action NOT IN ('undo', 'redo')) ORDER BY id DESC LIMIT 1",
        {"p": project_id, "a": actor},
    )
    if undo is None:
        return None
    row = tx.one(
        "SELECT id, permission, action, subject, forward, inverse FROM journal WHERE project_id=:p AND id=:id",
        {"p": project_id, "id": json.loads(undo[1])["entry"]},
    )
    return None if row is None else (undo[0], row)


def mark_undone(tx: Tx, project_id: int, entry: int, by: int | None) -> None:
    """Note which entry undid a decision; None makes it stand again."""
    tx.execute(
        "UPDATE journal SET undone_by=:by WHERE project_id=:p AND id=:id", {"by": by, "p": project_id, "id": entry}
    )
