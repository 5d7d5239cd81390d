"""Decisions with their actor: permission, change, journal row in one transaction; undo and redo per actor. No SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aa_tui.backend.service.permissions import Actor, Permission
from aa_tui.backend.store import decisions
from aa_tui.backend.store.decisions import State
from aa_tui.backend.store.engine import Row, Store, Tx


def record(
    tx: Tx,
    project_id: int,
    at_ms: int,
    actor: Actor,
    permission: Permission,
    action: str,
    subject: str,
    forward: Mapping[str, Any],
) -> None:
    """Journal something that was done and cannot be undone; the caller has checked the permission."""
    decisions.record(tx, project_id, at_ms, actor.name, permission.value, action, subject, forward)


def decide(
    tx: Tx,
    project_id: int,
    at_ms: int,
    actor: Actor,
    permission: Permission,
    action: str,
    subject: str,
    kind: str,
    key: Mapping[str, Any],
    after: State,
) -> None:
    """Change one thing's state and journal it with what undoes it.

    Args:
        action: what was done, as `undo` names it to the person ("save view").
        subject: to what, in their words.

    Raises:
        Forbidden: the actor lacks the permission.
    """
    actor.require(permission)
    before = decisions.state(tx, project_id, kind, key)
    if before == after:
        return
    decisions.change(tx, project_id, kind, key, before, after, at_ms)
    forward = {"kind": kind, "key": dict(key), "before": before, "after": after}
    inverse = {"kind": kind, "key": dict(key), "before": after, "after": before}
    decisions.record(tx, project_id, at_ms, actor.name, permission.value, action, subject, forward, inverse)


def undo(store: Store, project_id: int, at_ms: int, actor: Actor) -> str | None:
    """Undo the actor's newest decision that stands; return what was undone in words, or None.

    Raises:
        Conflict: somebody else changed the same thing since.
    """
    with store.write(durable=True) as tx:
        row = decisions.newest_undoable(tx, project_id, actor.name)
        if row is None:
            return None
        words = _apply(tx, project_id, at_ms, actor, row, row[5])
        entry = decisions.record(tx, project_id, at_ms, actor.name, row[1], "undo", row[3], {"entry": row[0]})
        decisions.mark_undone(tx, project_id, row[0], entry)
    return words


def redo(store: Store, project_id: int, at_ms: int, actor: Actor) -> str | None:
    """Do again what the actor undid last, unless they decided something since; return it in words, or None.

    Raises:
        Conflict: somebody else changed the same thing since.
    """
    with store.write(durable=True) as tx:
        found = decisions.newest_redoable(tx, project_id, actor.name)
        if found is None:
            return None
        undone, row = found
        words = _apply(tx, project_id, at_ms, actor, row, row[4])
        entry = decisions.record(tx, project_id, at_ms, actor.name, row[1], "redo", row[3], {"entry": row[0]})
        decisions.mark_undone(tx, project_id, undone, entry)
        decisions.mark_undone(tx, project_id, row[0], None)
    return words


def _apply(tx: Tx, project_id: int, at_ms: int, actor: Actor, row: Row, change_json: str) -> str:
    _, permission, action, subject, _, _ = row
    actor.require(Permission(permission))
    change = json.loads(change_json)
    decisions.change(tx, project_id, change["kind"], change["key"], change["before"], change["after"], at_ms)
    return f"{action} “{subject}”"
