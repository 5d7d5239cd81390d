"""The schema as SQLModel tables; migrations are cut from it. Nothing reads or writes through these classes at run time:
hot paths use SQL text on the same names (`facts`, `query`), which needs no SQLAlchemy import before the first frame.

Every key starts with the project, so that the schema can be distributed. Four kinds of record, never mixed (house):
FACTS event, content, turn, session · DERIVED facets, search, rollups, user_day, signal_result · MEASURED result ·
DECISIONS answer, evaluator, dataset, cohort, view, note, journal, suppress.
Instants are epoch milliseconds UTC (`…_ms`, `sort_at`), money nano-dollars (`…_nano`), JSON is text.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Column, DefaultClause, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

SCHEMA_VERSION = 1
"""Written to the store; raise it with every migration."""

CLUSTERED = {"sqlite_with_rowid": False}
"""Rows live in primary-key order: a session's events, a facet's sessions and a day's rollups are one range read."""


def _big(primary_key: bool = False, nullable: bool = False, default: int | None = None) -> Column[int]:
    return Column(BigInteger, primary_key=primary_key, nullable=nullable, autoincrement=False, default=default)


def _text(nullable: bool = True) -> Column[str]:
    return Column(Text, nullable=nullable)


class _Table(SQLModel):
    """Common base, so that every table shares one metadata."""


# --- who and where -------------------------------------------------------------------------------------------------


class Meta(_Table, table=True):
    """Facts about the store itself: schema version, features, lease of the checkpointing connection."""

    __tablename__: ClassVar[str] = "meta"
    key: str = Field(primary_key=True)
    value: str


class Project(_Table, table=True):
    """Scope of everything. `settings` is a JSON object of project settings (subscription, caps, content mode…)."""

    __tablename__: ClassVar[str] = "project"
    id: int = Field(sa_column=_big(primary_key=True))
    name: str = Field(unique=True)
    api_key: str = Field(unique=True)
    time_zone: str = "UTC"
    created_ms: int = Field(sa_column=_big())
    settings: str = Field(default="{}", sa_column=_text(False))
    version: int = 1
    data_version: int = Field(default=0, sa_column=_big(default=0))
    """Rises with every commit that changes what screens show; a cheap check for other processes' news."""


class Member(_Table, table=True):
    """A person or token and its role in a project; none recorded means the single-user default, admin."""

    __tablename__: ClassVar[str] = "member"
    project_id: int = Field(sa_column=_big(primary_key=True))
    name: str = Field(primary_key=True)
    role: str = "admin"
    created_ms: int = Field(sa_column=_big())
    created_by: str = ""


# --- facts ---------------------------------------------------------------------------------------------------------


class Event(_Table, table=True):
    """One `[Agent]` or product event. Messages, tool calls, model calls and spans of a session are its events by kind.

    `turn_no`, `position`, `depth` and `parent_event` are derived when the session is derived.
    """

    __tablename__: ClassVar[str] = "event"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_event_insert", "project_id", "insert_id", unique=True),
        Index("ix_event_type_time", "project_id", "event_type", "time_ms", "user_id"),
        Index("ix_event_user_time", "project_id", "user_id", "time_ms", "event_type"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    """0 for events of no session."""
    id: int = Field(sa_column=_big(primary_key=True))
    insert_id: str
    fingerprint: int = Field(sa_column=_big())
    """Hash of the content: a longer version of the same file replaces what changed and nothing else."""
    kind: int
    event_type: str
    source: str = ""
    mapper_version: int = 0
    user_id: str | None = None
    device_id: str | None = None
    time_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    time_quality: str = "exact"
    received_ms: int = Field(sa_column=_big())
    seq: int = Field(default=0, sa_column=_big(default=0))
    trace_id: str | None = None
    turn_id: int | None = Field(default=None, sa_column=_big(nullable=True))
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
    input_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    total_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    reasoning_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cache_read_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cache_creation_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=_big(nullable=True))
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
    text_size: int = Field(default=0, sa_column=_big(default=0))
    """Characters of the main text: message text, or tool input plus output."""
    properties: str | None = Field(default=None, sa_column=_text())
    """JSON of everything that has no column; context, tags and idle timeout under their literal names."""
    turn_no: int = 0
    position: int = 0
    """Order inside the session, from 0."""
    depth: int = 0
    parent_event: int | None = Field(default=None, sa_column=_big(nullable=True))
    warnings: str | None = None
    """Space-separated codes of soft problems."""


class Content(_Table, table=True):
    """Long texts of events, apart from them so that opening a session reads only what is shown."""

    __tablename__: ClassVar[str] = "content"
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    event_id: int = Field(sa_column=_big(primary_key=True))
    part: str = Field(primary_key=True)
    text: str = Field(sa_column=_text(False))


class Turn(_Table, table=True):
    """One exchange of a session: what one Trace ID holds. `no` counts from 1; 0 holds events of no turn."""

    __tablename__: ClassVar[str] = "turn"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    no: int = Field(primary_key=True)
    trace_id: str | None = None
    started_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    ended_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    user_head: str | None = None
    answer_head: str | None = None
    messages: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    errors: int = 0
    total_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_estimated: int = 0


class Session(_Table, table=True):
    """One unit of work a user handed an agent, with its code rollups (spec section 7). NULL is unknown, never 0."""

    __tablename__: ClassVar[str] = "session"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_session_key", "project_id", "key", unique=True),
        Index("ix_session_sort", "project_id", "sort_at", "id"),
        Index("ix_session_user", "project_id", "user_id", "sort_at", "id"),
        Index("ix_session_state", "project_id", "state", "sort_at", "id"),
        Index("ix_session_cost", "project_id", "cost_nano", "sort_at", "id"),
        Index("ix_session_duration", "project_id", "duration_ms", "sort_at", "id"),
        Index("ix_session_turns", "project_id", "turns", "sort_at", "id"),
        Index("ix_session_tokens", "project_id", "total_tokens", "sort_at", "id"),
        Index("ix_session_errors", "project_id", "errors", "sort_at", "id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    key: str
    sort_at: int = Field(sa_column=_big())
    """Start where known, else receipt; never NULL."""
    started_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    ended_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    time_quality: str = "exact"
    agent: str = "unknown"
    """Root agent."""
    user_id: str | None = None
    """The user, else the device."""
    state: str = "open"
    close_reason: str | None = None
    closed_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    close_due_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
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
    input_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    total_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    reasoning_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cache_read_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cache_creation_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_estimated: int = 0
    priced_calls: int = 0
    duration_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
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
    updated_ms: int = Field(sa_column=_big())
    version: int = 1


# --- derived -------------------------------------------------------------------------------------------------------


class Facet(_Table, table=True):
    """Dictionary of filterable values: key (agent, user, model, tool, error, topic, state, context.plan…) and value."""

    __tablename__: ClassVar[str] = "facet"
    __table_args__: ClassVar[tuple[object, ...]] = (
        UniqueConstraint("project_id", "key", "value", name="uq_facet"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    key: str
    value: str
    sessions: int = Field(default=0, sa_column=_big(default=0))
    """How many sessions have it: the planner drives from the rarest."""
    first_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    """Start of the earliest session that has it (first sight of an agent version is a mark on charts)."""


class SessionFacet(_Table, table=True):
    """Which sessions have a facet, newest last. Both the driving index of a filter and its probe, by the same key."""

    __tablename__: ClassVar[str] = "session_facet"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    facet_id: int = Field(sa_column=_big(primary_key=True))
    sort_at: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))


class RollupSession(_Table, table=True):
    """Sums over the sessions that start in a bucket, by root agent.

    Level 0 holds quarters of an hour, level 1 the days of the project's zone.
    """

    __tablename__: ClassVar[str] = "rollup_session"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=_big(primary_key=True))
    """Epoch milliseconds // 900,000; that of the beginning for a day."""
    agent: str = Field(primary_key=True)
    sessions: int = Field(default=0, sa_column=_big(default=0))
    turns: int = Field(default=0, sa_column=_big(default=0))
    messages: int = Field(default=0, sa_column=_big(default=0))
    model_calls: int = Field(default=0, sa_column=_big(default=0))
    tool_calls: int = Field(default=0, sa_column=_big(default=0))
    tool_errors: int = Field(default=0, sa_column=_big(default=0))
    errors: int = Field(default=0, sa_column=_big(default=0))
    error_sessions: int = Field(default=0, sa_column=_big(default=0))
    ruled_sessions: int = Field(default=0, sa_column=_big(default=0))
    """Those with a rule hit."""
    input_tokens: int = Field(default=0, sa_column=_big(default=0))
    output_tokens: int = Field(default=0, sa_column=_big(default=0))
    cost_nano: int = Field(default=0, sa_column=_big(default=0))
    priced_calls: int = Field(default=0, sa_column=_big(default=0))
    priced_sessions: int = Field(default=0, sa_column=_big(default=0))
    estimated_sessions: int = Field(default=0, sa_column=_big(default=0))
    duration_ms: int = Field(default=0, sa_column=_big(default=0))


class RollupDim(_Table, table=True):
    """The same by a value of a dimension: model, tool, rule, error (type), version, topic, signal=value…"""

    __tablename__: ClassVar[str] = "rollup_dim"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    dim: str = Field(primary_key=True)
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=_big(primary_key=True))
    agent: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    sessions: int = Field(default=0, sa_column=_big(default=0))
    calls: int = Field(default=0, sa_column=_big(default=0))
    errors: int = Field(default=0, sa_column=_big(default=0))
    tokens: int = Field(default=0, sa_column=_big(default=0))
    cost_nano: int = Field(default=0, sa_column=_big(default=0))


class RollupLatency(_Table, table=True):
    """Packed latency histograms by bucket: `dim` '' for model calls, 'tool' for tools (value = its name), 'ttfb'."""

    __tablename__: ClassVar[str] = "rollup_latency"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    dim: str = Field(primary_key=True)
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=_big(primary_key=True))
    agent: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    bins: str
    """`bin:count` pairs, see `model.histogram`."""


class UserNumber(_Table, table=True):
    """Small numbers that stand for users in sets of users; given in the order of arrival and never given again."""

    __tablename__: ClassVar[str] = "user_number"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_user_number", "project_id", "number", unique=True),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    user_id: str = Field(primary_key=True)
    number: int = Field(sa_column=_big())


class RollupUser(_Table, table=True):
    """Users of the sessions that start in a quarter of an hour, by root agent."""

    __tablename__: ClassVar[str] = "rollup_user"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    bucket: int = Field(sa_column=_big(primary_key=True))
    agent: str = Field(primary_key=True)
    users: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The user's number for every session that has one; see `store.rollups`."""


class RollupUserDay(_Table, table=True):
    """Users of a day of the project's zone, by root agent, as sets that add up to exact counts of any range."""

    __tablename__: ClassVar[str] = "rollup_user_day"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    bucket: int = Field(sa_column=_big(primary_key=True))
    agent: str = Field(primary_key=True)
    block: int = Field(primary_key=True)
    """Number // 32,768."""
    users: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """One bit for every number of the block."""


class UserDay(_Table, table=True):
    """Days (in the project's zone) on which a user did anything: retention and active users read this."""

    __tablename__: ClassVar[str] = "user_day"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_user_day_day", "project_id", "day", "user_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    user_id: str = Field(primary_key=True)
    day: int = Field(primary_key=True)
    """Days since 1970-01-01 in the project's time zone."""
    agent_events: int = 0
    product_events: int = 0


class Person(_Table, table=True):
    """A user: first and last sight, and user properties (last value wins) as JSON."""

    __tablename__: ClassVar[str] = "person"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    user_id: str = Field(primary_key=True)
    first_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    last_ms: int | None = Field(default=None, sa_column=_big(nullable=True))
    properties: str = "{}"


class SearchState(_Table, table=True):
    """What the search index holds of a session: a hash of its document, needed to take it out again."""

    __tablename__: ClassVar[str] = "search_state"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    document_hash: str
    builder_version: int
    size: int = Field(sa_column=_big())


class SignalResult(_Table, table=True):
    """DERIVED: result of a built-in signal on a close revision of a session."""

    __tablename__: ClassVar[str] = "signal_result"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_signal_value", "project_id", "signal", "value", "sort_at", "session_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    signal: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    sort_at: int = Field(sa_column=_big())
    current: int = 1
    value: str | None = None
    passed: int | None = None
    rationale: str | None = Field(default=None, sa_column=_text())
    evidence: str | None = Field(default=None, sa_column=_text())
    method: str = "llm"
    signal_version: int = 1
    model: str | None = None
    latency_ms: float | None = None
    tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=_big(nullable=True))
    error: str | None = None
    evaluated_ms: int | None = Field(default=None, sa_column=_big(nullable=True))


# --- measured ------------------------------------------------------------------------------------------------------


class Result(_Table, table=True):
    """MEASURED: what one evaluator version said of one session; never updated."""

    __tablename__: ClassVar[str] = "result"
    __table_args__: ClassVar[tuple[object, ...]] = (
        UniqueConstraint("project_id", "run_id", "evaluator_id", "evaluator_version", "session_id", name="uq_result"),
        Index("ix_result_session", "project_id", "session_id", "evaluator_id"),
        Index("ix_result_value", "project_id", "evaluator_id", "passed", "sort_at", "session_id"),
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    run_id: int = Field(default=0, sa_column=_big(default=0))
    """0 for imported results and those of active evaluators."""
    evaluator_id: int = Field(sa_column=_big())
    evaluator_version: int = 1
    session_id: int = Field(sa_column=_big())
    session_revision: int = 0
    sort_at: int = Field(sa_column=_big())
    current: int = 1
    value: str | None = None
    passed: int | None = None
    score: float | None = None
    rationale: str | None = Field(default=None, sa_column=_text())
    evidence: str | None = Field(default=None, sa_column=_text())
    prompt_hash: str | None = None
    prompt: str | None = Field(default=None, sa_column=_text())
    raw_reply: str | None = Field(default=None, sa_column=_text())
    model: str | None = None
    parameters: str | None = None
    method: str = "llm"
    source: str = "ai"
    latency_ms: float | None = None
    input_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=_big(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=_big(nullable=True))
    error_kind: str | None = None
    error: str | None = Field(default=None, sa_column=_text())
    evaluated_ms: int = Field(sa_column=_big())


# --- decisions -----------------------------------------------------------------------------------------------------


class Criterion(_Table, table=True):
    """The question a label answers; several evaluators and versions share it."""

    __tablename__: ClassVar[str] = "criterion"
    __table_args__: ClassVar[tuple[object, ...]] = (UniqueConstraint("project_id", "name", name="uq_criterion"),)
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    name: str
    question: str = ""
    output_type: str = "binary"
    labels: str = "[]"
    positive: str | None = None
    """The value that counts as positive when it is not "pass"."""
    created_ms: int = Field(sa_column=_big())
    created_by: str = ""
    version: int = 1


class Evaluator(_Table, table=True):
    """A check defined by the project's people; its definition lives in versions."""

    __tablename__: ClassVar[str] = "evaluator"
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    criterion_id: int = Field(sa_column=_big())
    name: str
    state: str = "inactive"
    active_version: int | None = None
    agents: str = "[]"
    sampling: float = 1.0
    created_ms: int = Field(sa_column=_big())
    created_by: str = ""
    version: int = 1


class EvaluatorVersion(_Table, table=True):
    """One immutable definition: type, prompt or patterns, labels, pass criteria, model, parameters (JSON)."""

    __tablename__: ClassVar[str] = "evaluator_version"
    project_id: int = Field(sa_column=_big(primary_key=True))
    evaluator_id: int = Field(sa_column=_big(primary_key=True))
    no: int = Field(primary_key=True)
    method: str = "llm"
    output_type: str = "binary"
    definition: str = Field(default="{}", sa_column=_text(False))
    definition_hash: str = ""
    draft: int = 0
    created_ms: int = Field(sa_column=_big())
    created_by: str = ""


class Answer(_Table, table=True):
    """A reviewer's current answer to a criterion for a session; history is in the journal."""

    __tablename__: ClassVar[str] = "answer"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_answer_criterion", "project_id", "criterion_id", "session_id"),
    )
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    criterion_id: int = Field(sa_column=_big(primary_key=True))
    reviewer: str = Field(primary_key=True)
    value: str
    """A label, a number as text, `unsure` or `not_applicable`."""
    source: str = "scratch"
    """scratch, confirmed, corrected, adjudicated, imported."""
    origin: str = ""
    """Who says so, for imported answers."""
    sighted: int = 0
    """1 when the reviewer had seen the judge's verdict."""
    obsolete: int = 0
    note: str | None = Field(default=None, sa_column=_text())
    answered_ms: int = Field(sa_column=_big())
    version: int = 1


class SessionLabel(_Table, table=True):
    """A free label (key, value) a person put on a session, and the whole-session comment under key `comment`."""

    __tablename__: ClassVar[str] = "session_label"
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=_text(False))
    author: str = ""
    at_ms: int = Field(sa_column=_big())
    version: int = 1


class SavedView(_Table, table=True):
    """A named filter, chart or view: its address, private or shared."""

    __tablename__: ClassVar[str] = "saved_view"
    __table_args__: ClassVar[tuple[object, ...]] = (UniqueConstraint("project_id", "owner", "name", name="uq_view"),)
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    name: str
    owner: str
    shared: int = 0
    address: str = Field(sa_column=_text(False))
    created_ms: int = Field(sa_column=_big())
    version: int = 1


class Note(_Table, table=True):
    """A typed note at an instant, drawn as a mark on time charts."""

    __tablename__: ClassVar[str] = "note"
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    at_ms: int = Field(sa_column=_big())
    text: str = Field(sa_column=_text(False))
    author: str = ""
    created_ms: int = Field(sa_column=_big())
    deleted: int = 0
    version: int = 1


class Journal(_Table, table=True):
    """Every decision: who, when, what, and the inverse that undoes it."""

    __tablename__: ClassVar[str] = "journal"
    __table_args__: ClassVar[tuple[object, ...]] = (Index("ix_journal_actor", "project_id", "actor", "id"),)
    project_id: int = Field(sa_column=_big(primary_key=True))
    id: int = Field(sa_column=_big(primary_key=True))
    at_ms: int = Field(sa_column=_big())
    actor: str
    permission: str
    action: str
    subject: str = ""
    forward: str = Field(default="{}", sa_column=_text(False))
    inverse: str | None = Field(default=None, sa_column=_text())
    undone_by: int | None = Field(default=None, sa_column=_big(nullable=True))


class Suppress(_Table, table=True):
    """What was forgotten and must not come back: hashes of user ids, session keys or insert ids."""

    __tablename__: ClassVar[str] = "suppress"
    project_id: int = Field(sa_column=_big(primary_key=True))
    kind: str = Field(primary_key=True)
    value_hash: str = Field(primary_key=True)
    at_ms: int = Field(sa_column=_big())
    actor: str = ""


class SessionRevision(_Table, table=True):
    """One close of a session: what its record said then; older ones are kept for audit, never counted."""

    __tablename__: ClassVar[str] = "session_revision"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    session_id: int = Field(sa_column=_big(primary_key=True))
    revision: int = Field(primary_key=True)
    closed_ms: int = Field(sa_column=_big())
    close_reason: str
    record: str | None = Field(default=None, sa_column=_text())


# --- imports -------------------------------------------------------------------------------------------------------


class ImportFile(_Table, table=True):
    """A file that was imported: enough to skip it unchanged and to read it again when it or its mapper changed."""

    __tablename__: ClassVar[str] = "import_file"
    project_id: int = Field(sa_column=_big(primary_key=True))
    path_hash: str = Field(primary_key=True)
    path: str = Field(sa_column=_text(False))
    source: str
    mapper_version: int
    size: int = Field(sa_column=_big())
    mtime_ns: int = Field(sa_column=_big())
    digest: str
    options: str = ""
    """What changes the mapping besides the file: user, users map hash, pricing version."""
    imported_ms: int = Field(sa_column=_big())
    sessions: int = 0
    events: int = 0
    problems: int = 0


class ImportProblem(_Table, table=True):
    """A record that was skipped, with its place; shown with the import and in the session's warnings."""

    __tablename__: ClassVar[str] = "import_problem"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=_big(primary_key=True))
    path_hash: str = Field(primary_key=True)
    no: int = Field(primary_key=True)
    line: int | None = Field(default=None, sa_column=_big(nullable=True))
    field: str | None = None
    reason: str = Field(sa_column=_text(False))
    at_ms: int = Field(sa_column=_big())


def _give_server_defaults() -> None:
    """Let the database fill in every default a class states, because rows are written by SQL text, not by classes."""
    for table_class in _Table.__subclasses__():
        for name, info in table_class.model_fields.items():
            column = table_class.__table__.columns[name]  # type: ignore[attr-defined]
            if isinstance(info.default, int | float | str) and column.server_default is None:
                column.server_default = DefaultClause(str(info.default))


_give_server_defaults()
