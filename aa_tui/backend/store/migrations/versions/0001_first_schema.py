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


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "answer",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("criterion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("source", sa.String(), server_default="scratch", nullable=False),
        sa.Column("origin", sa.String(), server_default="", nullable=False),
        sa.Column("sighted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("obsolete", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "criterion_id", "reviewer"),
    )
    op.create_index("ix_answer_criterion", "answer", ["project_id", "criterion_id", "session_id"], unique=False)
    op.create_table(
        "content",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "event_id", "part"),
    )
    op.create_table(
        "criterion",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("question", sa.String(), server_default="", nullable=False),
        sa.Column("output_type", sa.String(), server_default="binary", nullable=False),
        sa.Column("labels", sa.String(), server_default="[]", nullable=False),
        sa.Column("positive", sa.String(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "name", name="uq_criterion"),
    )
    op.create_table(
        "evaluator",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("criterion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="inactive", nullable=False),
        sa.Column("active_version", sa.Integer(), nullable=True),
        sa.Column("agents", sa.String(), server_default="[]", nullable=False),
        sa.Column("sampling", sa.Float(), server_default="1.0", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_table(
        "evaluator_version",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("evaluator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(), server_default="llm", nullable=False),
        sa.Column("output_type", sa.String(), server_default="binary", nullable=False),
        sa.Column("definition", sa.Text(), server_default="{}", nullable=False),
        sa.Column("definition_hash", sa.String(), server_default="", nullable=False),
        sa.Column("draft", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "evaluator_id", "no"),
    )
    op.create_table(
        "event",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("insert_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("mapper_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("time_quality", sa.String(), server_default="exact", nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.Column("turn_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("parent_agent_id", sa.String(), nullable=True),
        sa.Column("span_id", sa.String(), nullable=True),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("tool_type", sa.String(), nullable=True),
        sa.Column("from_agent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("ttfb_ms", sa.Float(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_read_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_creation_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_error", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_type", sa.String(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("interrupted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("score_value", sa.Float(), nullable=True),
        sa.Column("score_source", sa.String(), nullable=True),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("head", sa.String(), nullable=True),
        sa.Column("text_size", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), nullable=True),
        sa.Column("turn_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("depth", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parent_event", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("warnings", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_insert", "event", ["project_id", "insert_id"], unique=True)
    op.create_index("ix_event_type_time", "event", ["project_id", "event_type", "time_ms", "user_id"], unique=False)
    op.create_index("ix_event_user_time", "event", ["project_id", "user_id", "time_ms", "event_type"], unique=False)
    op.create_table(
        "facet",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("first_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "key", "value", name="uq_facet"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_file",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path_hash", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("mapper_version", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("options", sa.String(), server_default="", nullable=False),
        sa.Column("imported_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sessions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("events", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problems", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "path_hash"),
    )
    op.create_table(
        "import_problem",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path_hash", sa.String(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("field", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "path_hash", "no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), server_default="", nullable=False),
        sa.Column("forward", sa.Text(), server_default="{}", nullable=False),
        sa.Column("inverse", sa.Text(), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_index("ix_journal_actor", "journal", ["project_id", "actor", "id"], unique=False)
    op.create_table(
        "member",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), server_default="admin", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "note",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
    )
    op.create_table(
        "person",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("last_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("properties", sa.String(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("api_key", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
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
        sa.Column("evaluator_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current", sa.Integer(), server_default="1", nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("passed", sa.Integer(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("prompt_hash", sa.String(), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=True),
        sa.Column("raw_reply", sa.Text(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("parameters", sa.String(), nullable=True),
        sa.Column("method", sa.String(), server_default="llm", nullable=False),
        sa.Column("source", sa.String(), server_default="ai", nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("error_kind", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("evaluated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint(
            "project_id", "run_id", "evaluator_id", "evaluator_version", "session_id", name="uq_result"
        ),
    )
    op.create_index("ix_result_session", "result", ["project_id", "session_id", "evaluator_id"], unique=False)
    op.create_index(
        "ix_result_value", "result", ["project_id", "evaluator_id", "passed", "sort_at", "session_id"], unique=False
    )
    op.create_table(
        "rollup_dim",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dim", sa.String(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("cost_nano", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "dim", "bucket", "agent", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_latency",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dim", sa.String(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "dim", "bucket", "agent", "value", "bin"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_session",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("turns", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("messages", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("model_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tool_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("tool_errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("error_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("cost_nano", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("priced_calls", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("priced_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("estimated_sessions", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "bucket", "agent"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "saved_view",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("shared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "owner", "name", name="uq_view"),
    )
    op.create_table(
        "search_state",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_hash", sa.String(), nullable=False),
        sa.Column("builder_version", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "session",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("time_quality", sa.String(), server_default="exact", nullable=False),
        sa.Column("agent", sa.String(), server_default="unknown", nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("close_due_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("primary_model", sa.String(), nullable=True),
        sa.Column("agents", sa.String(), server_default="[]", nullable=False),
        sa.Column("models", sa.String(), server_default="[]", nullable=False),
        sa.Column("turns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("user_messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("model_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tool_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tool_errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_read_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cache_creation_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("priced_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("latency_avg_ms", sa.Float(), nullable=True),
        sa.Column("latency_p50_ms", sa.Float(), nullable=True),
        sa.Column("latency_p90_ms", sa.Float(), nullable=True),
        sa.Column("latency_bins", sa.String(), nullable=True),
        sa.Column("topic", sa.String(), nullable=True),
        sa.Column("rules", sa.String(), server_default="", nullable=False),
        sa.Column("warnings", sa.String(), server_default="", nullable=False),
        sa.Column("user_score", sa.Float(), nullable=True),
        sa.Column("quality_score", sa.Float(), nullable=True),
        sa.Column("sentiment_score", sa.Float(), nullable=True),
        sa.Column("has_text", sa.Integer(), server_default="1", nullable=False),
        sa.Column("content_mode", sa.String(), nullable=True),
        sa.Column("info", sa.String(), server_default="{}", nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_cost", "session", ["project_id", "cost_nano", "sort_at", "id"], unique=False)
    op.create_index("ix_session_duration", "session", ["project_id", "duration_ms", "sort_at", "id"], unique=False)
    op.create_index("ix_session_errors", "session", ["project_id", "errors", "sort_at", "id"], unique=False)
    op.create_index("ix_session_key", "session", ["project_id", "key"], unique=True)
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
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), server_default="", nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "key"),
    )
    op.create_table(
        "session_revision",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("close_reason", sa.String(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "signal_result",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sort_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current", sa.Integer(), server_default="1", nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("passed", sa.Integer(), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("method", sa.String(), server_default="llm", nullable=False),
        sa.Column("signal_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("evaluated_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "signal", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_signal_value", "signal_result", ["project_id", "signal", "value", "sort_at", "session_id"], unique=False
    )
    op.create_table(
        "suppress",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value_hash", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "kind", "value_hash"),
    )
    op.create_table(
        "turn",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("user_head", sa.String(), nullable=True),
        sa.Column("answer_head", sa.String(), nullable=True),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("model_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tool_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tool_errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cost_estimated", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "user_day",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("agent_events", sa.Integer(), server_default="0", nullable=False),
        sa.Column("product_events", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_user_day_day", "user_day", ["project_id", "day", "user_id"], unique=False)
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE session_fts USING "
            "fts5(document, content='', tokenize='unicode61 remove_diacritics 2')"
        )
    else:
        # The same documents; only a bounded prefix is indexed because tsvector has a size limit.
        op.execute(
            "CREATE TABLE session_fts (rowid BIGINT PRIMARY KEY, document TEXT NOT NULL, search TSVECTOR "
            "GENERATED ALWAYS AS (to_tsvector('simple', left(document, 200000))) STORED)"
        )
        op.execute("CREATE INDEX ix_session_fts_search ON session_fts USING gin (search)")


def downgrade() -> None:
    """Going back below the first schema means losing everything, so it is refused."""
    raise NotImplementedError("there is nothing before the first schema; restore a backup instead")
