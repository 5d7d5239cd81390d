"""The record of decisions: who did what, when, and what undoes it. Writes rows; knows no particular decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aa_tui.backend.service.permissions import Actor, Permission
from aa_tui.backend.store.engine import Tx
from aa_tui.backend.support.ids import new_id


def record(
    tx: Tx,
    project_id: int,
    at_ms: int,
    actor: Actor,
    permission: Permission,
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
            "actor": actor.name,
            "permission": permission.value,
            "action": action,
            "subject": subject,
            "forward": json.dumps(forward, ensure_ascii=False),
            "inverse": None if inverse is None else json.dumps(inverse, ensure_ascii=False),
        },
    )
    return entry


def touch(tx: Tx, project_id: int) -> None:
    """Raise the project's data version, so that other processes refresh."""
    tx.execute("UPDATE project SET data_version = data_version + 1 WHERE id=:p", {"p": project_id})
