"""Tables of FACTS: events, their texts, turns, sessions, closes. Appended and idempotent by (project, insert id)."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int, long_text

_OUTSIDE = text("session_id = 0")
"""Events of no session: product events, found by type or user and time. Those of a session are found through it."""


class Event(Table, table=True):
    """One `[Agent]` or product event. Messages, tool calls, model calls and spans of a session are its events by kind.

    `turn_no`, `position`, `depth` and `parent_event` are derived when the session is derived.
    """

    __tablename__: ClassVar[str] = "event"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_event_insert", "project_id", "insert_id", unique=True),
        Index("ix_event_user", "project_id", "user_id"),
        Index(
            "ix_event_outside_type",
            "project_id",
            "event_type",
            "time_ms",
            "user_id",
            sqlite_where=_OUTSIDE,
            postgresql_where=_OUTSIDE,
        ),
        Index(
            "ix_event_outside_user",
            "project_id",
            "user_id",
            "time_ms",
            "event_type",
            sqlite_where=_OUTSIDE,
            postgresql_where=_OUTSIDE,
        ),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    """0 for events of no session."""
    id: int = Field(sa_column=big_int(primary_key=True))
    insert_id: str
    fingerprint: int = Field(sa_column=big_int())
    """Hash of the content: a longer version of the same file replaces what changed and nothing else."""
    kind: int
    event_type: str
    source: str = ""
    mapper_version: int = 0
    user_id: str | None = None
    device_id: str | None = None
    time_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    time_quality: str = "exact"
    received_ms: int = Field(sa_column=big_int())
    seq: int = Field(default=0, sa_column=big_int(default=0))
    trace_id: str | None = None
    turn_id: int | None = Field(default=None, sa_column=big_int(nullable=True))
    agent_id: str | None = None
    parent_agent_id: str | None = None
    span_id: str | None = None
    parent_id: str | None = None
    name: str | None = None
    tool_type: str | None = None
    from_agent: int = 0
    model: str | None = None
    provider: str | None = None
    latency_ms: float | None = None
    ttfb_ms: float | None = None
    input_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    total_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    reasoning_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cache_read_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cache_creation_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_estimated: int = 0
    is_error: int = 0
    error_type: str | None = None
    finish_reason: str | None = None
    interrupted: int = 0
    score_value: float | None = None
    score_source: str | None = None
    target_id: str | None = None
    head: str | None = None
    """First 200 characters of the text (messages), input (tools) or error, for lists; the whole is in `content`."""
    text_size: int = Field(default=0, sa_column=big_int(default=0))
    """Characters of the main text: message text, or tool input plus output."""
    properties: str | None = Field(default=None, sa_column=long_text())
    """JSON of everything that has no column; context, tags and idle timeout under their literal names."""
    turn_no: int = 0
    position: int = 0
    """Order inside the session, from 0."""
    depth: int = 0
    parent_event: int | None = Field(default=None, sa_column=big_int(nullable=True))
    warnings: str | None = None
    """Space-separated codes of soft problems."""


class Content(Table, table=True):
    """Long texts of an event, apart from it so that opening a session reads only what is shown."""

    __tablename__: ClassVar[str] = "content"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    event_id: int = Field(sa_column=big_int(primary_key=True))
    parts: str
    """Their names, the most frequent ones by a letter, and sizes in characters, in the order they lie in: `i:210
    o:1500`."""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Packed by `store.contents`."""


class Turn(Table, table=True):
    """One exchange of a session: what one Trace ID holds. `no` counts from 1; 0 holds events of no turn."""

    __tablename__: ClassVar[str] = "turn"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    no: int = Field(primary_key=True)
    trace_id: str | None = None
    started_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    ended_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    user_head: str | None = None
    answer_head: str | None = None
    """Only where `user_head` is unknown."""
    messages: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    errors: int = 0
    total_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_estimated: int = 0


class Session(Table, table=True):
    """One unit of work a user handed an agent, with its code rollups (spec section 7). NULL is unknown, never 0."""

    __tablename__: ClassVar[str] = "session"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_session_key", "project_id", "key", unique=True),
        Index("ix_session_sort", "project_id", "sort_at", "id"),
        Index("ix_session_moment", "project_id", "id", "sort_at"),
        Index("ix_session_user", "project_id", "user_id", "sort_at", "id"),
        Index(
            "ix_session_due",
            "project_id",
            "close_due_ms",
            "id",
            sqlite_where=text("close_due_ms IS NOT NULL"),
            postgresql_where=text("close_due_ms IS NOT NULL"),
        ),
        Index("ix_session_state", "project_id", "state", "sort_at", "id"),
        Index("ix_session_cost", "project_id", "cost_nano", "sort_at", "id"),
        Index("ix_session_duration", "project_id", "duration_ms", "sort_at", "id"),
        Index("ix_session_turns", "project_id", "turns", "sort_at", "id"),
        Index("ix_session_tokens", "project_id", "total_tokens", "sort_at", "id"),
        Index("ix_session_errors", "project_id", "errors", "sort_at", "id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    key: str
    sort_at: int = Field(sa_column=big_int())
    """Start where known, else receipt; never NULL."""
    started_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    ended_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    time_quality: str = "exact"
    agent: str = "unknown"
    """Root agent."""
    user_id: str | None = None
    """The user, else the device."""
    state: str = "open"
    close_reason: str | None = None
    closed_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    close_due_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """When the idle rule closes it; NULL once closed."""
    revision: int = 0
    """Close revisions so far."""
    title: str | None = None
    """What they wanted: topic, sender's title or the first user line, at most 200 characters."""
    source: str = ""
    primary_model: str | None = None
    agents: str = "[]"
    """JSON list: the agent chain, root first."""
    models: str = "[]"
    turns: int = 0
    messages: int = 0
    user_messages: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    errors: int = 0
    """Technical errors: model calls, tool calls and spans that failed."""
    input_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    total_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    reasoning_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cache_read_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cache_creation_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_estimated: int = 0
    priced_calls: int = 0
    duration_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    latency_avg_ms: float | None = None
    latency_p50_ms: float | None = None
    latency_p90_ms: float | None = None
    latency_bins: str | None = None
    """Histogram of model-call latencies, `bin:count` pairs joined by blanks (see `model.histogram`)."""
    topic: str | None = None
    rules: str = ""
    """Space-separated codes of what rules know: tool_error, retry_storm, interrupted, abandoned, unanswered, …"""
    warnings: str = ""
    user_score: float | None = None
    quality_score: float | None = None
    sentiment_score: float | None = None
    has_text: int = 1
    content_mode: str | None = None
    info: str = "{}"
    """JSON: context, tags, versions, env, org, git, resume command, enrichments — what Info shows."""
    updated_ms: int = Field(sa_column=big_int())
    version: int = 1


class SessionRevision(Table, table=True):
    """One close of a session. What its record said then is kept for audit once it said something else."""

    __tablename__: ClassVar[str] = "session_revision"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_session_revision_written", "project_id", "written_ms", "session_id", "revision"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    revision: int = Field(primary_key=True)
    closed_ms: int = Field(sa_column=big_int())
    close_reason: str
    written_ms: int = Field(sa_column=big_int())
    """When the close was recorded; what hooks look for."""
    record: str | None = Field(default=None, sa_column=long_text())
