"""What a store says, without ids and counters that depend on when something was written: for comparing stores."""

from __future__ import annotations

from typing import Any

from aa_tui.backend.store import contents
from aa_tui.backend.store.engine import Reader, Store
from aa_tui.backend.store.rollups import BLOCK, unpack_bits, unpack_users

_SESSION_COLUMNS = (
    "sort_at, started_ms, ended_ms, time_quality, agent, user_id, state, close_reason, closed_ms, close_due_ms, title, "
    "source, primary_model, agents, models, turns, messages, user_messages, model_calls, tool_calls, tool_errors, "
    "errors, input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens, cache_creation_tokens, "
    "cost_nano, cost_estimated, priced_calls, duration_ms, latency_avg_ms, latency_p50_ms, latency_p90_ms, "
    "latency_bins, topic, rules, warnings, user_score, quality_score, sentiment_score, has_text, content_mode, info"
)
_STATEMENTS = {
    "session": f"SELECT key, {_SESSION_COLUMNS} FROM session ORDER BY key",
    "turn": "SELECT s.key, t.no, t.trace_id, t.started_ms, t.ended_ms, t.user_head, t.answer_head, t.messages, "
    "t.model_calls, t.tool_calls, t.tool_errors, t.errors, t.total_tokens, t.cost_nano, t.cost_estimated "
    "FROM turn t JOIN session s ON s.project_id=t.project_id AND s.id=t.session_id ORDER BY s.key, t.no",
    "event": "SELECT e.insert_id, s.key, e.turn_no, e.position, e.depth, p.insert_id, e.warnings, e.fingerprint, "
    "e.cost_nano FROM event e LEFT JOIN session s ON s.project_id=e.project_id AND s.id=e.session_id "
    "LEFT JOIN event p ON p.project_id=e.project_id AND p.session_id=e.session_id AND p.id=e.parent_event "
    "ORDER BY e.insert_id",
    "facet": "SELECT key, value, sessions, first_ms FROM facet ORDER BY key, value",
    "session_facet": "SELECT f.key, f.value, x.sort_at, s.key FROM session_facet x JOIN facet f "
    "ON f.project_id=x.project_id AND f.id=x.facet_id JOIN session s ON s.project_id=x.project_id "
    "AND s.id=x.session_id ORDER BY f.key, f.value, s.key",
    "rollup_session": "SELECT * FROM rollup_session ORDER BY project_id, level, bucket, agent",
    "rollup_dim": "SELECT * FROM rollup_dim ORDER BY project_id, dim, level, bucket, agent, value",
    "rollup_latency": "SELECT * FROM rollup_latency ORDER BY project_id, dim, level, bucket, agent, value",
    "derived_signals": "SELECT s.key, r.signal, r.method, r.value, r.passed, r.rationale, r.labels, r.extras, "
    "r.sort_at, r.current FROM signal_result r JOIN session s ON s.project_id=r.project_id AND s.id=r.session_id "
    "AND s.revision=r.revision WHERE r.method IN ('code', 'sender') AND s.state='closed' "
    "ORDER BY s.key, r.signal, r.method",
    "user_day": "SELECT * FROM user_day ORDER BY project_id, user_id, day",
    "person": "SELECT * FROM person ORDER BY project_id, user_id",
    "search": "SELECT s.key, x.document_hash, x.builder_version FROM search_state x JOIN session s "
    "ON s.project_id=x.project_id AND s.id=x.session_id ORDER BY s.key",
}


def state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return the content of every table that ingest fills, by table."""
    with store.reader() as reader:
        found = {name: [tuple(row) for row in reader.fetch(sql)] for name, sql in _STATEMENTS.items()}
        return {**found, **_users(reader), "content": contents_of(reader)}


def contents_of(reader: Reader, project_id: int | None = None) -> list[tuple[Any, ...]]:
    """Return (insert id, part, text) of every long text, of one project or of all."""
    rows = reader.fetch(
        "SELECT e.insert_id, c.parts, c.body, e.head FROM content c JOIN event e ON e.project_id=c.project_id "
        "AND e.session_id=c.session_id AND e.id=c.event_id WHERE c.project_id=:p OR :all=1",
        {"p": project_id or 0, "all": int(project_id is None)},
    )
    return sorted((one, part, text) for one, *packed in rows for part, text, _ in contents.unpack(*packed))


def _users(reader: Reader) -> dict[str, list[tuple[Any, ...]]]:
    """Return the sets of users by their ids: their numbers depend on who came first."""
    ids = {row[:2]: row[2] for row in reader.fetch("SELECT project_id, number, user_id FROM user_number")}
    quarters = [
        (project, bucket, agent, *sorted(ids[project, number] for number in unpack_users(users)))
        for project, bucket, agent, users in reader.fetch(
            "SELECT project_id, bucket, agent, users FROM rollup_user ORDER BY project_id, bucket, agent"
        )
    ]
    days: dict[tuple[Any, ...], list[str]] = {}
    for project, bucket, agent, block, users in reader.fetch(
        "SELECT project_id, bucket, agent, block, users FROM rollup_user_day ORDER BY project_id, bucket, agent, block"
    ):
        bits = unpack_bits(users)
        mine = [ids[project, block * BLOCK + n] for n in range(bits.bit_length()) if bits >> n & 1]
        days.setdefault((project, bucket, agent), []).extend(mine)
    return {"rollup_user": quarters, "rollup_user_day": [(*key, *sorted(users)) for key, users in days.items()]}


def dangling(store: Store) -> dict[str, int]:
    """Return what points nowhere; all zero in a consistent store."""
    checks = {
        "events without session": "SELECT COUNT(*) FROM event e WHERE session_id<>0 AND NOT EXISTS "
        "(SELECT 1 FROM session s WHERE s.project_id=e.project_id AND s.id=e.session_id)",
        "sessions without events": "SELECT COUNT(*) FROM session s WHERE NOT EXISTS "
        "(SELECT 1 FROM event e WHERE e.project_id=s.project_id AND e.session_id=s.id)",
        "contents without event": "SELECT COUNT(*) FROM content c WHERE NOT EXISTS (SELECT 1 FROM event e "
        "WHERE e.project_id=c.project_id AND e.session_id=c.session_id AND e.id=c.event_id)",
        "facets miscounted": "SELECT COUNT(*) FROM facet f WHERE sessions <> (SELECT COUNT(*) FROM session_facet x "
        "WHERE x.project_id=f.project_id AND x.facet_id=f.id)",
        "facets without session": "SELECT COUNT(*) FROM session_facet x WHERE NOT EXISTS (SELECT 1 FROM session s "
        "WHERE s.project_id=x.project_id AND s.id=x.session_id AND s.sort_at=x.sort_at)",
        "search without session": "SELECT COUNT(*) FROM search_state x WHERE NOT EXISTS (SELECT 1 FROM session s "
        "WHERE s.project_id=x.project_id AND s.id=x.session_id)",
        "sessions with texts but without search": "SELECT COUNT(*) FROM session s WHERE NOT EXISTS (SELECT 1 "
        "FROM search_state x WHERE x.project_id=s.project_id AND x.session_id=s.id) AND EXISTS (SELECT 1 "
        "FROM event e WHERE e.project_id=s.project_id AND e.session_id=s.id AND e.text_size>0)",
    }
    with store.reader() as reader:
        return {name: found[0] for name, sql in checks.items() if (found := reader.one(sql)) and found[0]}
