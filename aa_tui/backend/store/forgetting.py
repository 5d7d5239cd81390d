"""SQL for forgetting: what is held of a user or session, deleting what hangs on sessions, taking names out of the rest.

Events, sessions, index, facets and rollups go through `ingest.writer`, which knows how to take a session away; here is
everything else. Decides nothing; see `ingest.forgetting`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import chunks, fetch_in

_BY_SESSION = ("signal_result", "result", "scoring", "answer", "session_label", "session_revision", "hook_run", "turn")
"""Tables whose rows say something of one session and go with it."""
_CHUNK = 400
_REWRITTEN = "rewritten"


# --- what is there -------------------------------------------------------------------------------------------------


def sessions_of_user(reader: Reader, project_id: int, user: str) -> list[int]:
    """Return the sessions that hold anything of a user or device, in order of time."""
    params = {"p": project_id, "u": user}
    statements = (
        "SELECT id FROM session WHERE project_id=:p AND user_id=:u",
        "SELECT DISTINCT session_id FROM event WHERE project_id=:p AND user_id=:u AND session_id<>0",
        "SELECT DISTINCT session_id FROM event WHERE project_id=:p AND device_id=:u AND session_id<>0",
    )
    return sorted({row[0] for statement in statements for row in reader.fetch(statement, params)})


def session_by_key(reader: Reader, project_id: int, key: str) -> int | None:
    """Return the id of a session by its key."""
    row = reader.one("SELECT id FROM session WHERE project_id=:p AND key=:k", {"p": project_id, "k": key})
    return None if row is None else int(row[0])


def session_keys(reader: Reader, project_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Return session keys by id."""
    rows = fetch_in(
        reader, "SELECT id, key FROM session WHERE project_id=:p AND id IN ({values})", {"p": project_id}, ids
    )
    return {row[0]: row[1] for row in rows}


def people_of_events(reader: Reader, project_id: int, ids: Iterable[int]) -> list[Row]:
    """Return (session, insert id, user, device) of every event of sessions."""
    return fetch_in(
        reader,
        "SELECT session_id, insert_id, user_id, device_id FROM event WHERE project_id=:p AND session_id IN ({values})",
        {"p": project_id},
        ids,
    )


def events_outside(reader: Reader, project_id: int, user: str) -> list[str]:
    """Return the insert ids of a user's or device's events of no session: product events and user properties."""
    rows = reader.fetch(
        "SELECT insert_id FROM event WHERE project_id=:p AND session_id=0 AND (user_id=:u OR device_id=:u)",
        {"p": project_id, "u": user},
    )
    return [row[0] for row in rows]


def expired_sessions(reader: Reader, project_id: int, before_ms: int, limit: int) -> list[int]:
    """Return the oldest sessions in which nothing happened since an instant."""
    rows = reader.fetch(
        "SELECT id FROM session WHERE project_id=:p AND sort_at<:t AND COALESCE(ended_ms, sort_at)<:t "
        "ORDER BY sort_at, id LIMIT :n",
        {"p": project_id, "t": before_ms, "n": limit},
    )
    return [row[0] for row in rows]


def count_expired(reader: Reader, project_id: int, before_ms: int) -> tuple[int, int]:
    """Return how many sessions, and events of no session, are older than an instant."""
    params = {"p": project_id, "t": before_ms}
    sessions = reader.one(
        "SELECT COUNT(*) FROM session WHERE project_id=:p AND sort_at<:t AND COALESCE(ended_ms, sort_at)<:t", params
    )
    outside = reader.one(
        "SELECT COUNT(*) FROM event WHERE project_id=:p AND session_id=0 AND COALESCE(time_ms, received_ms)<:t", params
    )
    return (sessions[0] if sessions else 0), (outside[0] if outside else 0)


def expired_outside(reader: Reader, project_id: int, before_ms: int, limit: int) -> list[Row]:
    """Return (insert id, user, device) of events of no session that are older than an instant."""
    return reader.fetch(
        "SELECT insert_id, user_id, device_id FROM event WHERE project_id=:p AND session_id=0 "
        "AND COALESCE(time_ms, received_ms)<:t LIMIT :n",
        {"p": project_id, "t": before_ms, "n": limit},
    )


def count_by_session(reader: Reader, project_id: int, ids: Sequence[int]) -> dict[str, int]:
    """Return how many rows each table of verdicts, answers and labels has of sessions; not what events alone tell."""
    found = {}
    for table in ("signal_result", "result", "answer", "session_label"):
        judged = " AND method NOT IN ('code', 'sender')" if table == "signal_result" else ""
        rows = fetch_in(
            reader,
            f"SELECT COUNT(*) FROM {table} WHERE project_id=:p AND session_id IN ({{values}}){judged}",
            {"p": project_id},
            ids,
        )
        found[table] = sum(row[0] for row in rows)
    return found


def is_suppressed(reader: Reader, project_id: int, kind: str, value_hash: str) -> bool:
    """Tell whether something was forgotten before."""
    return (
        reader.one(
            "SELECT 1 FROM suppress WHERE project_id=:p AND kind=:k AND value_hash=:h",
            {"p": project_id, "k": kind, "h": value_hash},
        )
        is not None
    )


# --- deleting ------------------------------------------------------------------------------------------------------


def suppress_values(tx: Tx, project_id: int, rows: Iterable[tuple[str, str]], at_ms: int, actor: str) -> None:
    """Add (kind, hash) to what must not come back."""
    tx.executemany(
        "INSERT INTO suppress(project_id, kind, value_hash, at_ms, actor) VALUES (:p, :k, :h, :at, :actor) "
        "ON CONFLICT DO NOTHING",
        [
            {"p": project_id, "k": kind, "h": digest, "at": at_ms, "actor": actor}
            for kind, digest in dict.fromkeys(rows)
        ],
    )


def pending(reader: Reader, project_id: int) -> list[int]:
    """Return the sessions whose deletion was begun; their verdicts and labels may still be there."""
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": _pending_key(project_id)})
    if row is not None:
        with suppress(ValueError):
            found = json.loads(row[0])
            return [one for one in found if isinstance(one, int)] if isinstance(found, list) else []
    return []


def set_pending(tx: Tx, project_id: int, ids: Sequence[int]) -> None:
    """Remember the sessions whose deletion is under way, by number; none: it is done."""
    key = _pending_key(project_id)
    if ids:
        tx.execute(
            "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            {"k": key, "v": json.dumps(list(ids))},
        )
    else:
        tx.execute("DELETE FROM meta WHERE key=:k", {"k": key})


def _pending_key(project_id: int) -> str:
    return f"forgetting:{project_id}"


def delete_by_session(tx: Tx, project_id: int, ids: Sequence[int]) -> None:
    """Delete what hangs on sessions besides their events: verdicts, answers, labels, closes and firings of hooks."""
    gone = set(ids) - set(session_keys(tx, project_id, ids))
    for chunk in chunks(sorted(gone), _CHUNK):
        for table in _BY_SESSION:
            tx.executemany(
                f"DELETE FROM {table} WHERE project_id=:p AND session_id=:s", [{"p": project_id, "s": s} for s in chunk]
            )


def blank_verdicts(tx: Tx, project_id: int, ids: Iterable[int]) -> None:
    """Take quotes, reasons and prompts out of the verdicts on sessions that stay; the verdicts themselves stand.

    What code said of earlier closes goes: it may tell of events that are not there any more.
    """
    rows = [{"p": project_id, "s": session} for session in ids]
    tx.executemany(
        "UPDATE result SET rationale=NULL, evidence=NULL, prompt=NULL, raw_reply=NULL, error=error_kind "
        "WHERE project_id=:p AND session_id=:s",
        rows,
    )
    tx.executemany(
        "UPDATE signal_result SET rationale=NULL, evidence=NULL, labels=NULL, extras=NULL, raw_reply=NULL, "
        "error=error_kind WHERE project_id=:p AND session_id=:s AND method NOT IN ('code', 'sender')",
        rows,
    )
    tx.executemany(
        "DELETE FROM signal_result WHERE project_id=:p AND session_id=:s AND method IN ('code', 'sender') "
        "AND revision<(SELECT revision FROM session WHERE project_id=:p AND id=:s)",
        rows,
    )
    tx.executemany(
        "UPDATE signal_result SET value=NULL WHERE project_id=:p AND session_id=:s AND signal='topic_summary'", rows
    )
    tx.executemany(
        "UPDATE scoring SET raw_reply=NULL, topic_summary=NULL, error=reason WHERE project_id=:p AND session_id=:s",
        rows,
    )


def people_without_events(reader: Reader, project_id: int, users: Iterable[str]) -> list[str]:
    """Return which users have no event left."""
    return [
        user
        for user in users
        if reader.one("SELECT 1 FROM event WHERE project_id=:p AND user_id=:u LIMIT 1", {"p": project_id, "u": user})
        is None
        and reader.one(
            "SELECT 1 FROM event WHERE project_id=:p AND user_id IS NULL AND device_id=:u LIMIT 1",
            {"p": project_id, "u": user},
        )
        is None
    ]


def people_seen_before(reader: Reader, project_id: int, before_ms: int) -> list[str]:
    """Return the users who were first seen before an instant."""
    rows = reader.fetch(
        "SELECT user_id FROM person WHERE project_id=:p AND first_ms<:t", {"p": project_id, "t": before_ms}
    )
    return [row[0] for row in rows]


def delete_people(tx: Tx, project_id: int, users: Iterable[str]) -> None:
    """Delete users themselves: properties, days and numbers. No rollup may hold their numbers any more."""
    rows = [{"p": project_id, "u": user} for user in users]
    for table in ("person", "user_day", "user_number"):
        tx.executemany(f"DELETE FROM {table} WHERE project_id=:p AND user_id=:u", rows)


def said_of_user(reader: Reader, project_id: int, user: str) -> list[Row]:
    """Return (time_ms, time_quality, insert id, properties) of a user's events; properties only where they say
    something of the user."""
    found: list[Row] = []
    for condition in ("user_id=:u", "user_id IS NULL AND device_id=:u"):
        found += reader.fetch(
            "SELECT time_ms, time_quality, insert_id, CASE WHEN properties LIKE :said THEN properties END FROM event "
            f"WHERE project_id=:p AND {condition}",
            {"p": project_id, "u": user, "said": '%"user_properties"%'},
        )
    return found


def set_person(tx: Tx, project_id: int, user: str, first: int | None, last: int | None, properties: str) -> None:
    """Replace what is known of a user."""
    tx.execute(
        "UPDATE person SET first_ms=:first, last_ms=:last, properties=:said WHERE project_id=:p AND user_id=:u",
        {"p": project_id, "u": user, "first": first, "last": last, "said": properties},
    )


def delete_old_problems(tx: Tx, project_id: int, before_ms: int) -> None:
    """Delete problems of imports and receivers that are older than an instant: they may quote what was wrong."""
    params = {"p": project_id, "t": before_ms}
    tx.execute("DELETE FROM import_problem WHERE project_id=:p AND at_ms<:t", params)
    tx.execute("DELETE FROM receiving_problem WHERE project_id=:p AND last_ms<:t", params)


# --- names in what others wrote -------------------------------------------------------------------------------------

Replace = Callable[[str], str]
"""Returns a text without the names to forget; the same text where it has none."""


def scrub_notes(tx: Tx, project_id: int, replace: Replace) -> int:
    """Take names out of notes, answers' notes and labels of other sessions; return how many texts changed."""
    return (
        _scrub(tx, project_id, "note", ("id",), ("text",), replace)
        + _scrub(tx, project_id, "answer", ("session_id", "criterion_id", "reviewer"), ("note",), replace)
        + _scrub(tx, project_id, "session_label", ("session_id", "key"), ("value",), replace)
    )


def scrub_imports(tx: Tx, project_id: int, replace: Replace) -> int:
    """Take names out of the paths and problems of imports and receivers; return how many rows changed."""
    changed = _scrub(tx, project_id, "import_file", ("path_hash",), ("path", "options"), replace)
    changed += _scrub(tx, project_id, "import_problem", ("path_hash", "no"), ("reason", "field"), replace)
    rows = tx.fetch("SELECT kind, reason FROM receiving_problem WHERE project_id=:p", {"p": project_id})
    named = [{"p": project_id, "k": kind, "r": reason} for kind, reason in rows if replace(reason) != reason]
    # The reason is part of the key, so a changed one would be another problem.
    tx.executemany("DELETE FROM receiving_problem WHERE project_id=:p AND kind=:k AND reason=:r", named)
    return changed + len(named)


def delete_views(tx: Tx, project_id: int, replace: Replace) -> int:
    """Delete saved views that are about the forgotten: by their name or address; return how many."""
    rows = tx.fetch("SELECT id, name, address FROM saved_view WHERE project_id=:p", {"p": project_id})
    named = [{"p": project_id, "id": row[0]} for row in rows if any(replace(text) != text for text in row[1:])]
    tx.executemany("DELETE FROM saved_view WHERE project_id=:p AND id=:id", named)
    return len(named)


def scrub_journal(tx: Tx, project_id: int, scrub: Callable[[Any], Any], replace: Replace) -> int:
    """Take texts out of the journal and keep that something was done; return how many entries changed.

    `scrub` works on what an entry holds, decoded. What lost a text cannot be undone any more.
    """
    changed = 0
    for rows in tx.stream("SELECT id, subject, forward, inverse FROM journal WHERE project_id=:p", {"p": project_id}):
        for entry, subject, forward, inverse in rows:
            new_forward, new_inverse = _rewritten(forward, scrub), _rewritten(inverse, scrub)
            new_subject = replace(subject)
            same_change = (new_forward, new_inverse) == (forward, inverse)
            if same_change and new_subject == subject:
                continue
            tx.execute(
                "UPDATE journal SET subject=:s, forward=:f, inverse=:i WHERE project_id=:p AND id=:id",
                {
                    "p": project_id,
                    "id": entry,
                    "s": new_subject,
                    "f": new_forward or "{}",
                    "i": inverse if same_change else None,
                },
            )
            changed += 1
    return changed


def _rewritten(text: str | None, scrub: Callable[[Any], Any]) -> str | None:
    if text is None:
        return None
    try:
        decoded = json.loads(text)
    except ValueError:
        return "{}"
    found = scrub(decoded)
    return text if found == decoded else json.dumps(found, ensure_ascii=False)


def _scrub(tx: Tx, project_id: int, table: str, keys: Sequence[str], columns: Sequence[str], replace: Replace) -> int:
    """Rewrite the texts of a table in which something is to be replaced."""
    changes: list[dict[str, Any]] = []
    names = ", ".join((*keys, *columns))
    for rows in tx.stream(f"SELECT {names} FROM {table} WHERE project_id=:p", {"p": project_id}):
        for row in rows:
            held = row[len(keys) :]
            found = [None if text is None else replace(text) for text in held]
            if list(held) != found:
                change = {"p": project_id, **dict(zip(keys, row, strict=False))}
                changes.append({**change, **{f"new_{name}": text for name, text in zip(columns, found, strict=True)}})
    where = " AND ".join(f"{key}=:{key}" for key in keys)
    sets = ", ".join(f"{name}=:new_{name}" for name in columns)
    tx.executemany(f"UPDATE {table} SET {sets} WHERE project_id=:p AND {where}", changes)
    return len(changes)


# --- the words of the search index ----------------------------------------------------------------------------------


def merge_search(tx: Tx, pages: int, begin: bool) -> bool:
    """Rewrite the next pages of the search index without what was taken out of it; return whether there was any work.

    A word that was taken out stays in SQLite's index, marked as gone, until its part of the index is rewritten.
    `begin` starts over with the whole index.
    """
    if tx.dialect != "sqlite":
        return False
    before = _changes(tx)
    tx.execute("INSERT INTO session_fts(session_fts, rank) VALUES ('merge', :n)", {"n": -pages if begin else pages})
    return _changes(tx) - before >= 2


def _changes(tx: Tx) -> int:
    row = tx.one("SELECT total_changes()")
    return int(row[0]) if row is not None else 0


# --- when retention was last looked at ------------------------------------------------------------------------------


def retention_ran(reader: Reader, project_id: int) -> int | None:
    """Return when expired data was last purged, epoch milliseconds."""
    return _instant(reader, f"retention:{project_id}")


def set_retention_ran(tx: Tx, project_id: int, at_ms: int) -> None:
    """Note that expired data was purged."""
    _set_instant(tx, f"retention:{project_id}", at_ms)


def rewritten(reader: Reader) -> int | None:
    """Return when the store was last rewritten as a whole, epoch milliseconds."""
    return _instant(reader, _REWRITTEN)


def set_rewritten(tx: Tx, at_ms: int) -> None:
    """Note that the store is being rewritten."""
    _set_instant(tx, _REWRITTEN, at_ms)


def _instant(reader: Reader, key: str) -> int | None:
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": key})
    if row is not None:
        with suppress(ValueError):
            return int(row[0])
    return None


def _set_instant(tx: Tx, key: str, at_ms: int) -> None:
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        {"k": key, "v": str(at_ms)},
    )
