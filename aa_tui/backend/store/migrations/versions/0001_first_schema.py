"""The first schema: facts, derived tables, results, decisions, imports and the search index. Frozen: never edit it.

Revision 0001, after nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite compares bytes and its integers have 64 bits; PostgreSQL would go by the database's locale, and overflow.
_STRING = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INTEGER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "answer",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("criterion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reviewer", _STRING, nullable=False),
        sa.Column("value", _STRING, nullable=False),
        sa.Column("source", _STRING, server_default="scratch", nullable=False),
        sa.Column("origin", _STRING, server_default="", nullable=False),
        sa.Column("sighted", _INTEGER, server_default="0", nullable=False),
        sa.Column("obsolete", _INTEGER, server_default="0", nullable=False),
        sa.Column("note", _TEXT, nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "criterion_id", "reviewer"),
    )
    op.create_index("ix_answer_criterion", "answer", ["project_id", "criterion_id", "session_id"], unique=False)
    op.create_table(
        "content",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parts", _STRING, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "event_id"),
    )
    op.create_table(
        "criterion",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("question", _STRING, server_default="", nullable=False),
        sa.Column("output_type", _STRING, server_default="binary", nullable=False),
        sa.Column("labels", _STRING, server_default="[]", nullable=False),
        sa.Column("positive", _STRING, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", _STRING, server_default="", nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "name", name="uq_criterion"),
    )
    op.create_table(
        "evaluator",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("criterion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("state", _STRING, server_default="inactive", nullable=False),
        sa.Column("active_version", _INTEGER, nullable=True),
        sa.Column("activated_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("agents", _STRING, server_default="[]", nullable=False),
        sa.Column("sampling", sa.Float(), server_default="1.0", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", _STRING, server_default="", nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_table(
        "evaluator_version",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("evaluator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", _INTEGER, nullable=False),
        sa.Column("method", _STRING, server_default="llm", nullable=False),
        sa.Column("output_type", _STRING, server_default="binary", nullable=False),
        sa.Column("definition", _TEXT, server_default="{}", nullable=False),
        sa.Column("definition_hash", _STRING, server_default="", nullable=False),
        sa.Column("draft", _INTEGER, server_default="0", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", _STRING, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "evaluator_id", "no"),
    )
    op.create_table(
        "event",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("insert_id", _STRING, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", _INTEGER, nullable=False),
        sa.Column("event_type", _STRING, nullable=False),
        sa.Column("source", _STRING, server_default="", nullable=False),
        sa.Column("mapper_version", _INTEGER, server_default="0", nullable=False),
        sa.Column("user_id", _STRING, nullable=True),
        sa.Column("device_id", _STRING, nullable=True),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("time_quality", _STRING, server_default="exact", nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("trace_id", _STRING, nullable=True),
        sa.Column("turn_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("agent_id", _STRING, nullable=True),
        sa.Column("parent_agent_id", _STRING, nullable=True),
        sa.Column("span_id", _STRING, nullable=True),
        sa.Column("parent_id", _STRING, nullable=True),
        sa.Column("name", _STRING, nullable=True),
        sa.Column("tool_type", _STRING, nullable=True),
        sa.Column("from_agent", _INTEGER, server_default="0", nullable=False),
        sa.Column("model", _STRING, nullable=True),
        sa.Column("provider", _STRING, nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("ttfb_ms", sa.Float(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_read_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_creation_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", _INTEGER, server_default="0", nullable=False),
        sa.Column("is_error", _INTEGER, server_default="0", nullable=False),
        sa.Column("error_type", _STRING, nullable=True),
        sa.Column("finish_reason", _STRING, nullable=True),
        sa.Column("interrupted", _INTEGER, server_default="0", nullable=False),
        sa.Column("score_value", sa.Float(), nullable=True),
        sa.Column("score_source", _STRING, nullable=True),
        sa.Column("target_id", _STRING, nullable=True),
        sa.Column("head", _STRING, nullable=True),
        sa.Column("text_size", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("properties", _TEXT, nullable=True),
        sa.Column("turn_no", _INTEGER, server_default="0", nullable=False),
        sa.Column("position", _INTEGER, server_default="0", nullable=False),
        sa.Column("depth", _INTEGER, server_default="0", nullable=False),
        sa.Column("parent_event", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("warnings", _STRING, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_insert", "event", ["project_id", "insert_id"], unique=True)
    outside = sa.text("session_id = 0")
    op.create_index("ix_event_user", "event", ["project_id", "user_id"], unique=False)
    for name, columns in (
        ("ix_event_outside_type", ["project_id", "event_type", "time_ms", "user_id"]),
        ("ix_event_outside_user", ["project_id", "user_id", "time_ms", "event_type"]),
    ):
        op.create_index(name, "event", columns, sqlite_where=outside, postgresql_where=outside)
    op.create_table(
        "facet",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", _STRING, nullable=False),
        sa.Column("value", _STRING, nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("first_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "key", "value", name="uq_facet"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_file",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path_hash", _STRING, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("source", _STRING, nullable=False),
        sa.Column("mapper_version", _INTEGER, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", _STRING, nullable=False),
        sa.Column("options", _STRING, server_default="", nullable=False),
        sa.Column("imported_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sessions", _INTEGER, server_default="0", nullable=False),
        sa.Column("events", _INTEGER, server_default="0", nullable=False),
        sa.Column("problems", _INTEGER, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "path_hash"),
    )
    op.create_table(
        "import_problem",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path_hash", _STRING, nullable=False),
        sa.Column("no", _INTEGER, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("field", _STRING, nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "path_hash", "no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbox",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", _INTEGER, server_default="0", nullable=False),
        sa.Column("kind", _STRING, nullable=False),
        sa.Column("encoding", _STRING, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("items", _INTEGER, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_index("ix_inbox_state", "inbox", ["project_id", "state", "id", "items", "size"], unique=False)
    op.create_table(
        "inbox_trace",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trace_id", _STRING, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "trace_id", "inbox_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_inbox_trace_inbox", "inbox_trace", ["project_id", "inbox_id", "trace_id"], unique=False)
    op.create_table(
        "receiving_problem",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", _STRING, nullable=False),
        sa.Column("reason", _STRING, nullable=False),
        sa.Column("items", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("first_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "kind", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", _STRING, nullable=False),
        sa.Column("permission", _STRING, nullable=False),
        sa.Column("action", _STRING, nullable=False),
        sa.Column("subject", _STRING, server_default="", nullable=False),
        sa.Column("forward", _TEXT, server_default="{}", nullable=False),
        sa.Column("inverse", _TEXT, nullable=True),
        sa.Column("undone_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_index("ix_journal_actor", "journal", ["project_id", "actor", "id"], unique=False)
    op.create_table(
        "member",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("role", _STRING, server_default="admin", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", _STRING, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name"),
    )
    op.create_table(
        "meta",
        sa.Column("key", _STRING, nullable=False),
        sa.Column("value", _STRING, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "note",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("author", _STRING, server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", _INTEGER, server_default="0", nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_table(
        "person",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", _STRING, nullable=False),
        sa.Column("first_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("last_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("properties", _STRING, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("api_key", _STRING, nullable=False),
        sa.Column("time_zone", _STRING, server_default="UTC", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("settings", _TEXT, server_default="{}", nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.Column("data_version", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("api_key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "result",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("evaluator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("evaluator_version", _INTEGER, server_default="1", nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_revision", _INTEGER, server_default="0", nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current", _INTEGER, server_default="1", nullable=False),
        sa.Column("value", _STRING, nullable=True),
        sa.Column("passed", _INTEGER, nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("rationale", _TEXT, nullable=True),
        sa.Column("evidence", _TEXT, nullable=True),
        sa.Column("prompt_hash", _STRING, nullable=True),
        sa.Column("prompt", _TEXT, nullable=True),
        sa.Column("raw_reply", _TEXT, nullable=True),
        sa.Column("model", _STRING, nullable=True),
        sa.Column("parameters", _STRING, nullable=True),
        sa.Column("method", _STRING, server_default="llm", nullable=False),
        sa.Column("source", _STRING, server_default="ai", nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("error_kind", _STRING, nullable=True),
        sa.Column("error", _TEXT, nullable=True),
        sa.Column("flags", _STRING, nullable=True),
        sa.Column("labels", _TEXT, nullable=True),
        sa.Column("evaluated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint(
            "project_id",
            "run_id",
            "evaluator_id",
            "evaluator_version",
            "session_id",
            "session_revision",
            name="uq_result",
        ),
    )
    op.create_index("ix_result_session", "result", ["project_id", "session_id", "evaluator_id"], unique=False)
    op.create_index(
        "ix_result_value", "result", ["project_id", "evaluator_id", "passed", "sort_at", "session_id"], unique=False
    )
    op.create_table(
        "rollup_dim",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dim", _STRING, nullable=False),
        sa.Column("level", _INTEGER, server_default="0", nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", _STRING, nullable=False),
        sa.Column("value", _STRING, nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("cost_nano", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "dim", "level", "bucket", "agent", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_latency",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dim", _STRING, nullable=False),
        sa.Column("level", _INTEGER, server_default="0", nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", _STRING, nullable=False),
        sa.Column("value", _STRING, nullable=False),
        sa.Column("bins", _STRING, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "dim", "level", "bucket", "agent", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_session",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", _INTEGER, server_default="0", nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", _STRING, nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("turns", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("messages", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("model_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tool_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tool_errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("error_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("ruled_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("cost_nano", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("priced_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("priced_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("estimated_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "level", "bucket", "agent"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_user",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", _STRING, nullable=False),
        sa.Column("users", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "bucket", "agent"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_user_day",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", _STRING, nullable=False),
        sa.Column("block", _INTEGER, nullable=False),
        sa.Column("users", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "bucket", "agent", "block"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "user_number",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", _STRING, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_user_number", "user_number", ["project_id", "number"], unique=True)
    op.create_table(
        "saved_view",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("owner", _STRING, nullable=False),
        sa.Column("shared", _INTEGER, server_default="0", nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "owner", "name", name="uq_view"),
    )
    op.create_table(
        "search_state",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_hash", _STRING, nullable=False),
        sa.Column("builder_version", _INTEGER, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "session",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", _STRING, nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("time_quality", _STRING, server_default="exact", nullable=False),
        sa.Column("agent", _STRING, server_default="unknown", nullable=False),
        sa.Column("user_id", _STRING, nullable=True),
        sa.Column("state", _STRING, server_default="open", nullable=False),
        sa.Column("close_reason", _STRING, nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("close_due_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revision", _INTEGER, server_default="0", nullable=False),
        sa.Column("title", _STRING, nullable=True),
        sa.Column("source", _STRING, server_default="", nullable=False),
        sa.Column("primary_model", _STRING, nullable=True),
        sa.Column("agents", _STRING, server_default="[]", nullable=False),
        sa.Column("models", _STRING, server_default="[]", nullable=False),
        sa.Column("turns", _INTEGER, server_default="0", nullable=False),
        sa.Column("messages", _INTEGER, server_default="0", nullable=False),
        sa.Column("user_messages", _INTEGER, server_default="0", nullable=False),
        sa.Column("model_calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("tool_calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("tool_errors", _INTEGER, server_default="0", nullable=False),
        sa.Column("errors", _INTEGER, server_default="0", nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_read_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_creation_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", _INTEGER, server_default="0", nullable=False),
        sa.Column("priced_calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("latency_avg_ms", sa.Float(), nullable=True),
        sa.Column("latency_p50_ms", sa.Float(), nullable=True),
        sa.Column("latency_p90_ms", sa.Float(), nullable=True),
        sa.Column("latency_bins", _STRING, nullable=True),
        sa.Column("topic", _STRING, nullable=True),
        sa.Column("rules", _STRING, server_default="", nullable=False),
        sa.Column("warnings", _STRING, server_default="", nullable=False),
        sa.Column("user_score", sa.Float(), nullable=True),
        sa.Column("quality_score", sa.Float(), nullable=True),
        sa.Column("sentiment_score", sa.Float(), nullable=True),
        sa.Column("has_text", _INTEGER, server_default="1", nullable=False),
        sa.Column("content_mode", _STRING, nullable=True),
        sa.Column("info", _STRING, server_default="{}", nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_cost", "session", ["project_id", "cost_nano", "sort_at", "id"], unique=False)
    op.create_index("ix_session_duration", "session", ["project_id", "duration_ms", "sort_at", "id"], unique=False)
    op.create_index("ix_session_errors", "session", ["project_id", "errors", "sort_at", "id"], unique=False)
    op.create_index(
        "ix_session_due",
        "session",
        ["project_id", "close_due_ms", "id"],
        unique=False,
        sqlite_where=sa.text("close_due_ms IS NOT NULL"),
        postgresql_where=sa.text("close_due_ms IS NOT NULL"),
    )
    op.create_index("ix_session_key", "session", ["project_id", "key"], unique=True)
    op.create_index("ix_session_moment", "session", ["project_id", "id", "sort_at"], unique=False)
    op.create_index("ix_session_sort", "session", ["project_id", "sort_at", "id"], unique=False)
    op.create_index("ix_session_state", "session", ["project_id", "state", "sort_at", "id"], unique=False)
    op.create_index("ix_session_tokens", "session", ["project_id", "total_tokens", "sort_at", "id"], unique=False)
    op.create_index("ix_session_turns", "session", ["project_id", "turns", "sort_at", "id"], unique=False)
    op.create_index("ix_session_user", "session", ["project_id", "user_id", "sort_at", "id"], unique=False)
    op.create_table(
        "session_facet",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facet_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "facet_id", "sort_at", "session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "session_label",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", _STRING, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.Column("author", _STRING, server_default="", nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", _INTEGER, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "key"),
    )
    op.create_table(
        "session_revision",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", _INTEGER, nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("close_reason", _STRING, nullable=False),
        sa.Column("written_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_session_revision_written",
        "session_revision",
        ["project_id", "written_ms", "session_id", "revision"],
        unique=False,
    )
    op.create_table(
        "hook",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _STRING, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hook_run",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", _INTEGER, nullable=False),
        sa.Column("hook", _STRING, nullable=False),
        sa.Column("state", _STRING, nullable=False),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reason", _STRING, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "revision", "hook"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hook_run_state", "hook_run", ["project_id", "state", "until_ms"], unique=False)
    op.create_table(
        "signal_result",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signal", _STRING, nullable=False),
        sa.Column("revision", _INTEGER, nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current", _INTEGER, server_default="1", nullable=False),
        sa.Column("value", _STRING, nullable=True),
        sa.Column("passed", _INTEGER, nullable=True),
        sa.Column("rationale", _TEXT, nullable=True),
        sa.Column("evidence", _TEXT, nullable=True),
        sa.Column("method", _STRING, server_default="llm", nullable=False),
        sa.Column("signal_version", _INTEGER, server_default="1", nullable=False),
        sa.Column("model", _STRING, nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("error", _STRING, nullable=True),
        sa.Column("error_kind", _STRING, nullable=True),
        sa.Column("labels", _TEXT, nullable=True),
        sa.Column("extras", _TEXT, nullable=True),
        sa.Column("flags", _STRING, nullable=True),
        sa.Column("prompt_hash", _STRING, nullable=True),
        sa.Column("raw_reply", _TEXT, nullable=True),
        sa.Column("evaluated_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "signal", "revision", "method"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_signal_value", "signal_result", ["project_id", "signal", "value", "sort_at", "session_id"], unique=False
    )
    op.create_table(
        "scoring",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", _INTEGER, nullable=False),
        sa.Column("what", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", _INTEGER, server_default="0", nullable=False),
        sa.Column("origin", _STRING, server_default="close", nullable=False),
        sa.Column("state", _STRING, server_default="waiting", nullable=False),
        sa.Column("reason", _STRING, nullable=True),
        sa.Column("attempts", _INTEGER, server_default="0", nullable=False),
        sa.Column("owner", _STRING, nullable=True),
        sa.Column("due_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("provider", _STRING, nullable=True),
        sa.Column("model", _STRING, nullable=True),
        sa.Column("parameters", _STRING, nullable=True),
        sa.Column("prompt_hash", _STRING, nullable=True),
        sa.Column("raw_reply", _TEXT, nullable=True),
        sa.Column("flags", _STRING, nullable=True),
        sa.Column("calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("topic_summary", _TEXT, nullable=True),
        sa.Column("request_complexity", _STRING, nullable=True),
        sa.Column("topic", _STRING, nullable=True),
        sa.Column("versions", _STRING, nullable=True),
        sa.Column("error", _TEXT, nullable=True),
        sa.Column("evaluated_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "revision", "what"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_scoring_due",
        "scoring",
        ["project_id", "due_ms", "session_id"],
        unique=False,
        sqlite_where=sa.text("due_ms IS NOT NULL"),
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_index("ix_scoring_state", "scoring", ["project_id", "what", "state", "session_id"], unique=False)
    op.create_table(
        "spending",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", _INTEGER, nullable=False),
        sa.Column("purpose", _STRING, nullable=False),
        sa.Column("provider", _STRING, nullable=False),
        sa.Column("model", _STRING, nullable=False),
        sa.Column("local", _INTEGER, server_default="0", nullable=False),
        sa.Column("state", _STRING, server_default="reserved", nullable=False),
        sa.Column("calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reserved_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reserved_tokens", sa.BigInteger(), autoincrement=False, server_default="0", nullable=False),
        sa.Column("until_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_spending_day", "spending", ["project_id", "day", "purpose", "id"], unique=False)
    op.create_table(
        "suppress",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", _STRING, nullable=False),
        sa.Column("value_hash", _STRING, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", _STRING, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "kind", "value_hash"),
    )
    op.create_table(
        "turn",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", _INTEGER, nullable=False),
        sa.Column("trace_id", _STRING, nullable=True),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("user_head", _STRING, nullable=True),
        sa.Column("answer_head", _STRING, nullable=True),
        sa.Column("messages", _INTEGER, server_default="0", nullable=False),
        sa.Column("model_calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("tool_calls", _INTEGER, server_default="0", nullable=False),
        sa.Column("tool_errors", _INTEGER, server_default="0", nullable=False),
        sa.Column("errors", _INTEGER, server_default="0", nullable=False),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", _INTEGER, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "user_day",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", _STRING, nullable=False),
        sa.Column("day", _INTEGER, nullable=False),
        sa.Column("agent_events", _INTEGER, server_default="0", nullable=False),
        sa.Column("product_events", _INTEGER, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_user_day_day", "user_day", ["project_id", "day", "user_id"], unique=False)
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE session_fts USING "
            "fts5(document, content='', tokenize='unicode61 remove_diacritics 2')"
        )
        # Bytes of words gathered before they are written out: a commit of many sessions then makes one segment, not
        # several that are merged again at once.
        op.execute("INSERT INTO session_fts(session_fts, rank) VALUES ('hashsize', 8388608)")
    else:
        # What `store.search_words` makes of the same documents: words for the index, and their sequence for phrases.
        op.execute(
            'CREATE TABLE session_fts (project_id BIGINT NOT NULL, rowid BIGINT NOT NULL, document TEXT COLLATE "C" '
            "NOT NULL, search TSVECTOR NOT NULL, PRIMARY KEY (project_id, rowid))"
        )
        op.execute("CREATE INDEX ix_session_fts_search ON session_fts USING gin (search)")


def downgrade() -> None:
    """Going back below the first schema means losing everything, so it is refused."""
    raise NotImplementedError("there is nothing before the first schema; restore a backup instead")
