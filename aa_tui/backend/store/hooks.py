"""SQL of what is done once per close of a session: what is due, who fires it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from aa_tui.backend.store.engine import Reader, Tx


@dataclass(frozen=True, slots=True)
class Close:
    """A close of a session that a hook has not been fired for."""

    session_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One firing as it is kept."""

    session_id: int
    revision: int
    hook: str
    state: str
    started_ms: int
    ended_ms: int | None
    reason: str | None


def begin(tx: Tx, project_id: int, hook: str, now_ms: int) -> int:
    """Remember since when a project has a hook, the first time it is seen; return that instant."""
    tx.execute(
        "INSERT INTO hook(project_id, name, since_ms) VALUES (:p, :h, :now) ON CONFLICT DO NOTHING",
        {"p": project_id, "h": hook, "now": now_ms},
    )
    row = tx.one("SELECT since_ms FROM hook WHERE project_id=:p AND name=:h", {"p": project_id, "h": hook})
    return int(row[0]) if row is not None else now_ms


def due(
    reader: Reader, project_id: int, hook: str, *, only_failed: bool, since_ms: int, fresh_ms: int, limit: int
) -> list[Close]:
    """Return closes, oldest first, for which a hook was not fired.

    Args:
        only_failed: leave out sessions without a technical failure.
        since_ms: when the close was recorded, at the earliest.
        fresh_ms: when the session ended, at the earliest. A session that was opened again is none.
    """
    rows = reader.fetch(
        "SELECT r.session_id, r.revision FROM session_revision r "
        "JOIN session s ON s.project_id=r.project_id AND s.id=r.session_id AND s.revision=r.revision "
        "AND s.state='closed' WHERE r.project_id=:p AND r.written_ms>=:since AND s.ended_ms>=:fresh "
        "AND s.errors>=:least AND NOT EXISTS (SELECT 1 FROM hook_run h WHERE h.project_id=r.project_id "
        "AND h.session_id=r.session_id AND h.revision=r.revision AND h.hook=:h) "
        "ORDER BY r.written_ms, r.session_id LIMIT :n",
        {"p": project_id, "since": since_ms, "fresh": fresh_ms, "least": int(only_failed), "h": hook, "n": limit},
    )
    return [Close(*row) for row in rows]


def claim(tx: Tx, project_id: int, close: Close, hook: str, now_ms: int, until_ms: int) -> bool:
    """Take the right to fire a hook for a close; False when somebody has it already."""
    taken = tx.execute(
        "INSERT INTO hook_run(project_id, session_id, revision, hook, state, started_ms, until_ms) "
        "VALUES (:p, :s, :r, :h, 'running', :now, :until) ON CONFLICT DO NOTHING",
        {"p": project_id, "s": close.session_id, "r": close.revision, "h": hook, "now": now_ms, "until": until_ms},
    )
    return taken == 1


def end(tx: Tx, project_id: int, close: Close, hook: str, state: str, reason: str | None, now_ms: int) -> None:
    """Record what became of a firing."""
    tx.execute(
        "UPDATE hook_run SET state=:state, reason=:why, ended_ms=:now "
        "WHERE project_id=:p AND session_id=:s AND revision=:r AND hook=:h",
        {
            "p": project_id,
            "s": close.session_id,
            "r": close.revision,
            "h": hook,
            "state": state,
            "why": reason,
            "now": now_ms,
        },
    )


def interrupt_overdue(tx: Tx, project_id: int, now_ms: int) -> None:
    """Mark firings whose program is gone: nobody knows how far they came, so they are not repeated."""
    tx.execute(
        "UPDATE hook_run SET state='interrupted', ended_ms=:now, reason='the program that ran it ended' "
        "WHERE project_id=:p AND state='running' AND until_ms<:now",
        {"p": project_id, "now": now_ms},
    )


def runs(reader: Reader, project_id: int, session_id: int) -> list[RunRow]:
    """Return the firings for a session, oldest first."""
    rows = reader.fetch(
        "SELECT session_id, revision, hook, state, started_ms, ended_ms, reason FROM hook_run "
        "WHERE project_id=:p AND session_id=:s ORDER BY revision, hook",
        {"p": project_id, "s": session_id},
    )
    return [RunRow(*row) for row in rows]


def counts(reader: Reader, project_id: int) -> dict[str, int]:
    """Return how many firings there are by state."""
    rows = reader.fetch("SELECT state, COUNT(*) FROM hook_run WHERE project_id=:p GROUP BY state", {"p": project_id})
    return {row[0]: row[1] for row in rows}
