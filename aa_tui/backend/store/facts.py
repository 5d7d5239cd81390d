"""SQL for writing facts: events, contents, sessions, turns, facets, persons, imports. Decides nothing; see `ingest`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.support.ids import text_hash

EVENT_COLUMNS = (
    "id", "insert_id", "fingerprint", "kind", "event_type", "source", "mapper_version", "user_id", "device_id",
    "time_ms", "time_quality", "received_ms", "seq", "trace_id", "turn_id", "agent_id", "parent_agent_id", "span_id",
    "parent_id", "name", "tool_type", "from_agent", "model", "provider", "latency_ms", "ttfb_ms", "input_tokens",
    "output_tokens", "total_tokens", "reasoning_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_nano",
    "cost_estimated", "is_error", "error_type", "finish_reason", "interrupted", "score_value", "score_source",
    "target_id", "head", "text_size", "properties", "turn_no", "position", "depth", "parent_event", "warnings",
)  # fmt: skip
"""Columns of an event besides project and session, in the order of `ingest.stored.StoredEvent`."""

SESSION_COLUMNS = (
    "key", "sort_at", "started_ms", "ended_ms", "time_quality", "agent", "user_id", "state", "close_reason",
    "closed_ms", "close_due_ms", "revision", "title", "source", "primary_model", "agents", "models", "turns",
    "messages", "user_messages", "model_calls", "tool_calls", "tool_errors", "errors", "input_tokens",
    "output_tokens", "total_tokens", "reasoning_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_nano",
    "cost_estimated", "priced_calls", "duration_ms", "latency_avg_ms", "latency_p50_ms", "latency_p90_ms",
    "latency_bins", "topic", "rules", "warnings", "user_score", "quality_score", "sentiment_score", "has_text",
    "content_mode", "info", "updated_ms",
)  # fmt: skip
"""Columns of a session besides project, id and version."""

TURN_COLUMNS = (
    "no", "trace_id", "started_ms", "ended_ms", "user_head", "answer_head", "messages", "model_calls", "tool_calls",
    "tool_errors", "errors", "total_tokens", "cost_nano", "cost_estimated",
)  # fmt: skip

_EVENT_LIST = ", ".join(EVENT_COLUMNS)
_INSERT_EVENT = (
    f"INSERT INTO event(project_id, session_id, {_EVENT_LIST}) "
    f"VALUES (:p, :s, {', '.join(':' + name for name in EVENT_COLUMNS)})"
)
_INSERT_SESSION = (
    f"INSERT INTO session(project_id, id, version, {', '.join(SESSION_COLUMNS)}) "
    f"VALUES (:p, :id, 1, {', '.join(':' + name for name in SESSION_COLUMNS)}) "
    "ON CONFLICT(project_id, id) DO UPDATE SET version = session.version + 1, "
    + ", ".join(f"{name} = excluded.{name}" for name in SESSION_COLUMNS)
)
_INSERT_TURN = (
    f"INSERT INTO turn(project_id, session_id, {', '.join(TURN_COLUMNS)}) "
    f"VALUES (:p, :s, {', '.join(':' + name for name in TURN_COLUMNS)}) "
    "ON CONFLICT(project_id, session_id, no) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in TURN_COLUMNS[1:])
)
_IN_CHUNK = 900


def chunks(values: Iterable[Any], size: int = _IN_CHUNK) -> Iterator[list[Any]]:
    """Yield the values in lists of at most `size`."""
    found: list[Any] = []
    for value in values:
        found.append(value)
        if len(found) == size:
            yield found
            found = []
    if found:
        yield found


def fetch_in(reader: Reader, sql: str, params: Mapping[str, Any], values: Iterable[Any]) -> list[Row]:
    """Return the rows of a statement whose text holds `{values}` for each chunk of an IN list."""
    rows: list[Row] = []
    for chunk in chunks(values):
        names = {f"v{at}": value for at, value in enumerate(chunk)}
        rows += reader.fetch(sql.replace("{values}", ", ".join(f":{name}" for name in names)), {**params, **names})
    return rows


# --- reading back what writing depends on --------------------------------------------------------------------------


def project_state(reader: Reader, project_id: int) -> tuple[int, str, str] | None:
    """Return (data version, time zone, settings JSON) of a project, or None when it is gone."""
    row = reader.one("SELECT data_version, time_zone, settings FROM project WHERE id=:p", {"p": project_id})
    return None if row is None else (row[0], row[1], row[2])


def has_events(reader: Reader, project_id: int) -> bool:
    """Return whether a project has any event."""
    return reader.one("SELECT 1 FROM event WHERE project_id=:p LIMIT 1", {"p": project_id}) is not None


def known_events(reader: Reader, project_id: int, insert_ids: Iterable[str]) -> dict[str, tuple[int, Row]]:
    """Return (session id, row of EVENT_COLUMNS) by insert id for the events the project already has."""
    rows = fetch_in(
        reader,
        f"SELECT session_id, {_EVENT_LIST} FROM event WHERE project_id=:p AND insert_id IN ({{values}})",
        {"p": project_id},
        insert_ids,
    )
    return {row[2]: (row[0], row[1:]) for row in rows}


def session_ids(reader: Reader, project_id: int, keys: Iterable[str]) -> dict[str, int]:
    """Return session ids by session key."""
    rows = fetch_in(
        reader, "SELECT key, id FROM session WHERE project_id=:p AND key IN ({values})", {"p": project_id}, keys
    )
    return {row[0]: row[1] for row in rows}


def session_rows(reader: Reader, project_id: int, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return session columns by id."""
    rows = fetch_in(
        reader,
        f"SELECT id, {', '.join(SESSION_COLUMNS)} FROM session WHERE project_id=:p AND id IN ({{values}})",
        {"p": project_id},
        ids,
    )
    return {row[0]: dict(zip(SESSION_COLUMNS, row[1:], strict=True)) for row in rows}


def session_events(reader: Reader, project_id: int, session_id: int) -> list[Row]:
    """Return the events of a session as rows of EVENT_COLUMNS, by id."""
    return reader.fetch(
        f"SELECT {_EVENT_LIST} FROM event WHERE project_id=:p AND session_id=:s ORDER BY id",
        {"p": project_id, "s": session_id},
    )


def taken_ids(reader: Reader, project_id: int, session_id: int, ids: Iterable[int]) -> set[int]:
    """Return which event ids are in use in a session (0: events of none)."""
    rows = fetch_in(
        reader,
        "SELECT id FROM event WHERE project_id=:p AND session_id=:s AND id IN ({values})",
        {"p": project_id, "s": session_id},
        ids,
    )
    return {row[0] for row in rows}


def taken_session_ids(reader: Reader, project_id: int, ids: Iterable[int]) -> set[int]:
    """Return which of the ids another session has; of any project in SQLite, where they number one search index."""
    return _taken_sessions(reader, project_id, ids, "IN ({values})", {})


def taken_session_range(reader: Reader, project_id: int, first: int, last: int) -> set[int]:
    """Return which ids from one to another another session has, as `taken_session_ids`."""
    return _taken_sessions(reader, project_id, (0,), "BETWEEN :first AND :last", {"first": first, "last": last})


def _taken_sessions(
    reader: Reader, project_id: int, ids: Iterable[int], which: str, params: Mapping[str, Any]
) -> set[int]:
    listed = list(ids)
    if reader.dialect != "sqlite":
        sql = f"SELECT id FROM session WHERE project_id=:p AND id {which}"
        return {row[0] for row in fetch_in(reader, sql, {**params, "p": project_id}, listed)}
    # The index may hold more than there are sessions: documents that could not be taken out.
    rows = fetch_in(reader, f"SELECT rowid FROM session_fts WHERE rowid {which}", params, listed)
    sql = f"SELECT id FROM session WHERE project_id IN (SELECT id FROM project) AND id {which}"
    return {row[0] for row in [*rows, *fetch_in(reader, sql, params, listed)]}


def session_turns(reader: Reader, project_id: int, session_id: int) -> list[Row]:
    """Return the turn rows of a session by TURN_COLUMNS."""
    return reader.fetch(
        f"SELECT {', '.join(TURN_COLUMNS)} FROM turn WHERE project_id=:p AND session_id=:s",
        {"p": project_id, "s": session_id},
    )


def suppressed(reader: Reader, project_id: int) -> set[tuple[str, str]]:
    """Return (kind, hash) of what was forgotten and must not come back."""
    return {
        (row[0], row[1])
        for row in reader.fetch("SELECT kind, value_hash FROM suppress WHERE project_id=:p", {"p": project_id})
    }


def recorded_results(reader: Reader, project_id: int, ids: Sequence[int]) -> dict[int, list[Row]]:
    """Return what was recorded of sessions, by id: rows (kind, name, value, passed).

    The kind is signal, eval or answer, or derived for a signal that the session's events alone tell. Only current
    results without an error count; an answer's value is not looked at.
    """
    found: dict[int, list[Row]] = {}
    statements = (
        "SELECT session_id, CASE WHEN method IN ('code', 'sender') THEN 'derived' ELSE 'signal' END, signal, value, "
        "passed FROM signal_result WHERE project_id=:p AND current=1 AND error IS NULL AND error_kind IS NULL "
        "AND session_id IN ({values})",
        "SELECT r.session_id, 'eval', e.name, r.value, r.passed FROM result r JOIN evaluator e "
        "ON e.project_id=r.project_id AND e.id=r.evaluator_id WHERE r.project_id=:p AND r.current=1 "
        "AND r.run_id=0 AND r.error IS NULL AND r.session_id IN ({values})",
        "SELECT a.session_id, 'answer', c.name, a.value, NULL FROM answer a JOIN criterion c "
        "ON c.project_id=a.project_id AND c.id=a.criterion_id WHERE a.project_id=:p AND a.session_id IN ({values})",
    )
    for statement in statements:
        for row in fetch_in(reader, statement, {"p": project_id}, ids):
            found.setdefault(row[0], []).append(row[1:])
    return found


def due_sessions(reader: Reader, project_id: int, now_ms: int, limit: int) -> list[int]:
    """Return ids of sessions that are not closed and whose time to close has come."""
    rows = reader.fetch(
        "SELECT id FROM session WHERE project_id=:p AND close_due_ms<=:now ORDER BY close_due_ms, id LIMIT :n",
        {"p": project_id, "now": now_ms, "n": limit},
    )
    return [row[0] for row in rows]


def sessions_by_time(reader: Reader, project_id: int, after: tuple[int, int], limit: int) -> list[tuple[int, int]]:
    """Return the next (sort_at, id) after a place, in that order."""
    rows = reader.fetch(
        "SELECT sort_at, id FROM session WHERE project_id=:p AND (sort_at>:at OR (sort_at=:at AND id>:id)) "
        "ORDER BY sort_at, id LIMIT :n",
        {"p": project_id, "at": after[0], "id": after[1], "n": limit},
    )
    return [(row[0], row[1]) for row in rows]


def facet_values(reader: Reader, project_id: int, key: str) -> set[str]:
    """Return the values of a facet that some session has."""
    rows = reader.fetch(
        "SELECT value FROM facet WHERE project_id=:p AND key=:k AND sessions>0", {"p": project_id, "k": key}
    )
    return {row[0] for row in rows}


def rating_names(reader: Reader, project_id: int) -> set[str]:
    """Return the names of scores that ever exceed 1 in a project; reads all its scores."""
    rows = reader.fetch(
        "SELECT DISTINCT name FROM event WHERE project_id=:p AND event_type='[Agent] Score' AND score_value>1",
        {"p": project_id},
    )
    return {row[0] or "" for row in rows}


def sessions_with_facet(reader: Reader, project_id: int, facet_id: int) -> list[int]:
    """Return the ids of the sessions that have a facet."""
    rows = reader.fetch(
        "SELECT session_id FROM session_facet WHERE project_id=:p AND facet_id=:f", {"p": project_id, "f": facet_id}
    )
    return [row[0] for row in rows]


# --- events, contents ----------------------------------------------------------------------------------------------


def insert_events(tx: Tx, rows: Sequence[Row]) -> None:
    """Insert event rows: project, session and EVENT_COLUMNS."""
    tx.executerows(_INSERT_EVENT, rows)


def delete_events(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Delete events and their contents: rows of `p`, `s`, `e`."""
    tx.executemany("DELETE FROM content WHERE project_id=:p AND session_id=:s AND event_id=:e", rows)
    tx.executemany("DELETE FROM event WHERE project_id=:p AND session_id=:s AND id=:e", rows)


def update_places(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set what derivation says of events: rows of `p`, `s`, `e`, `turn_no`, `position`, `depth`, `parent_event`,
    `warnings`."""
    tx.executemany(
        "UPDATE event SET turn_no=:turn_no, position=:position, depth=:depth, parent_event=:parent_event, "
        "warnings=:warnings WHERE project_id=:p AND session_id=:s AND id=:e",
        rows,
    )


# --- sessions, turns, revisions ------------------------------------------------------------------------------------


def upsert_sessions(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace sessions: SESSION_COLUMNS plus `p` and `id`; `version` rises."""
    tx.executemany(_INSERT_SESSION, rows)


def delete_session(tx: Tx, project_id: int, session_id: int) -> None:
    """Delete a session row, its turns and closes; its events, facets and rollups are the caller's business."""
    params = {"p": project_id, "s": session_id}
    tx.execute("DELETE FROM session_revision WHERE project_id=:p AND session_id=:s", params)
    tx.execute("DELETE FROM hook_run WHERE project_id=:p AND session_id=:s", params)
    tx.execute("DELETE FROM turn WHERE project_id=:p AND session_id=:s", params)
    tx.execute("DELETE FROM session WHERE project_id=:p AND id=:s", params)


def upsert_turns(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace turns: TURN_COLUMNS plus `p` and `s`."""
    tx.executemany(_INSERT_TURN, rows)


def delete_turns(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Delete turns: rows of `p`, `s`, `no`."""
    tx.executemany("DELETE FROM turn WHERE project_id=:p AND session_id=:s AND no=:no", rows)


def insert_revisions(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record closes: rows of `p`, `s`, `revision`, `closed_ms`, `close_reason`, `written_ms`."""
    tx.executemany(
        "INSERT INTO session_revision(project_id, session_id, revision, closed_ms, close_reason, written_ms) "
        "VALUES (:p, :s, :revision, :closed_ms, :close_reason, :written_ms) ON CONFLICT DO NOTHING",
        rows,
    )


def supersede_revisions(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what sessions said at closes after which they changed: rows of `p`, `s`, `revision`, `record`."""
    tx.executemany(
        "UPDATE session_revision SET record=:record WHERE project_id=:p AND session_id=:s AND revision=:revision "
        "AND record IS NULL",
        rows,
    )


# --- facets --------------------------------------------------------------------------------------------------------


def facet_id(key: str, value: str) -> int:
    """Return the id of a facet value: the same in every project and on every machine."""
    return int(text_hash(key, value)[:15], 16)


def remove_facets(tx: Tx, rows: Sequence[Row]) -> None:
    """Take facets from sessions: rows of project, facet, sort_at, session."""
    tx.executerows(
        "DELETE FROM session_facet WHERE project_id=:p AND facet_id=:f AND sort_at=:at AND session_id=:s", rows
    )


def add_facets(tx: Tx, rows: Sequence[Row]) -> None:
    """Give facets to sessions: rows of project, facet, sort_at, session."""
    tx.executerows(
        "INSERT INTO session_facet(project_id, facet_id, sort_at, session_id) VALUES (:p, :f, :at, :s) "
        "ON CONFLICT DO NOTHING",
        rows,
    )


def count_facets(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change dictionary counts: rows of `p`, `f`, `key`, `value`, `n` (may be negative), `first` (or None)."""
    tx.executemany(
        "INSERT INTO facet(project_id, id, key, value, sessions, first_ms) VALUES (:p, :f, :key, :value, :n, :first) "
        "ON CONFLICT(project_id, id) DO UPDATE SET sessions = facet.sessions + excluded.sessions, "
        "first_ms = CASE WHEN facet.first_ms IS NULL OR excluded.first_ms < facet.first_ms THEN excluded.first_ms "
        "ELSE facet.first_ms END",
        rows,
    )


def settle_facets(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """After removals: recompute first sight and drop unused values; rows of `p`, `f`."""
    tx.executemany(
        "UPDATE facet SET first_ms=(SELECT MIN(sort_at) FROM session_facet WHERE project_id=:p AND facet_id=:f) "
        "WHERE project_id=:p AND id=:f",
        rows,
    )
    tx.executemany("DELETE FROM facet WHERE project_id=:p AND id=:f AND sessions<=0", rows)


def clear_facets(tx: Tx, project_id: int, limit: int) -> int:
    """Delete the first `limit` facet values of a project with their sessions; return how many there were."""
    ids = [
        row[0]
        for row in tx.fetch(
            "SELECT id FROM facet WHERE project_id=:p ORDER BY id LIMIT :n", {"p": project_id, "n": limit}
        )
    ]
    rows = [{"p": project_id, "f": one} for one in ids]
    tx.executemany("DELETE FROM session_facet WHERE project_id=:p AND facet_id=:f", rows)
    tx.executemany("DELETE FROM facet WHERE project_id=:p AND id=:f", rows)
    return len(ids)


# --- people --------------------------------------------------------------------------------------------------------


def add_user_days(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change day counts: rows of `p`, `u`, `day`, `agent`, `product` (may be negative)."""
    tx.executemany(
        "INSERT INTO user_day(project_id, user_id, day, agent_events, product_events) "
        "VALUES (:p, :u, :day, :agent, :product) ON CONFLICT(project_id, user_id, day) DO UPDATE SET "
        "agent_events = user_day.agent_events + excluded.agent_events, "
        "product_events = user_day.product_events + excluded.product_events",
        rows,
    )
    lowered = [row for row in rows if row["agent"] < 0 or row["product"] < 0]
    tx.executemany(
        "DELETE FROM user_day WHERE project_id=:p AND user_id=:u AND day=:day "
        "AND agent_events<=0 AND product_events<=0",
        [{"p": row["p"], "u": row["u"], "day": row["day"]} for row in lowered],
    )


def see_persons(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Widen first and last sight: rows of `p`, `u`, `first`, `last`."""
    tx.executemany(
        "INSERT INTO person(project_id, user_id, first_ms, last_ms, properties) VALUES (:p, :u, :first, :last, '{}') "
        "ON CONFLICT(project_id, user_id) DO UPDATE SET "
        "first_ms = CASE WHEN person.first_ms IS NULL OR excluded.first_ms < person.first_ms "
        "THEN excluded.first_ms ELSE person.first_ms END, "
        "last_ms = CASE WHEN person.last_ms IS NULL OR excluded.last_ms > person.last_ms "
        "THEN excluded.last_ms ELSE person.last_ms END",
        rows,
    )


def person_properties(reader: Reader, project_id: int, users: Iterable[str]) -> dict[str, str]:
    """Return the properties JSON of users."""
    rows = fetch_in(
        reader,
        "SELECT user_id, properties FROM person WHERE project_id=:p AND user_id IN ({values})",
        {"p": project_id},
        users,
    )
    return {row[0]: row[1] for row in rows}


def set_person_properties(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set properties JSON: rows of `p`, `u`, `properties`."""
    tx.executemany("UPDATE person SET properties=:properties WHERE project_id=:p AND user_id=:u", rows)


# --- imports -------------------------------------------------------------------------------------------------------


def imported_files(reader: Reader, project_id: int, hashes: Iterable[str]) -> dict[str, Row]:
    """Return (source, mapper_version, size, mtime_ns, digest, options) of files by path hash."""
    rows = fetch_in(
        reader,
        "SELECT path_hash, source, mapper_version, size, mtime_ns, digest, options FROM import_file "
        "WHERE project_id=:p AND path_hash IN ({values})",
        {"p": project_id},
        hashes,
    )
    return {row[0]: row[1:] for row in rows}


def record_file(tx: Tx, row: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> None:
    """Record an imported file with its problems: columns of import_file and import_problem by name, `p` the project."""
    tx.execute(
        "INSERT INTO import_file(project_id, path_hash, path, source, mapper_version, size, mtime_ns, digest, options, "
        "imported_ms, sessions, events, problems) VALUES (:p, :path_hash, :path, :source, :mapper_version, :size, "
        ":mtime_ns, :digest, :options, :imported_ms, :sessions, :events, :problems) "
        "ON CONFLICT(project_id, path_hash) DO UPDATE SET path=excluded.path, source=excluded.source, "
        "mapper_version=excluded.mapper_version, size=excluded.size, mtime_ns=excluded.mtime_ns, "
        "digest=excluded.digest, options=excluded.options, imported_ms=excluded.imported_ms, "
        "sessions=import_file.sessions + excluded.sessions, events=import_file.events + excluded.events, "
        "problems=excluded.problems",
        row,
    )
    tx.execute(
        "DELETE FROM import_problem WHERE project_id=:p AND path_hash=:h", {"p": row["p"], "h": row["path_hash"]}
    )
    tx.executemany(
        "INSERT INTO import_problem(project_id, path_hash, no, line, field, reason, at_ms) "
        "VALUES (:p, :path_hash, :no, :line, :field, :reason, :at_ms)",
        problems,
    )


def forget_file(tx: Tx, project_id: int, path_hash: str) -> None:
    """Have a file read again by the next import."""
    tx.execute(
        "UPDATE import_file SET size=-1, digest='' WHERE project_id=:p AND path_hash=:h",
        {"p": project_id, "h": path_hash},
    )


def touch_project(tx: Tx, project_id: int) -> None:
    """Raise the project's data version."""
    tx.execute("UPDATE project SET data_version=data_version+1 WHERE id=:p", {"p": project_id})
