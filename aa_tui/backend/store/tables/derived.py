"""Tables of DERIVED rows: facets, rollups, user days, search, signals. They can be computed again at any time."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int, long_text


class Facet(Table, table=True):
    """Dictionary of filterable values: key (agent, user, model, tool, error, topic, state, context.plan…) and value."""

    __tablename__: ClassVar[str] = "facet"
    __table_args__: ClassVar[tuple[object, ...]] = (
        UniqueConstraint("project_id", "key", "value", name="uq_facet"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    key: str
    value: str
    sessions: int = Field(default=0, sa_column=big_int(default=0))
    """How many sessions have it: the planner drives from the rarest."""
    first_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """Start of the earliest session that has it (first sight of an agent version is a mark on charts)."""


class SessionFacet(Table, table=True):
    """Which sessions have a facet, newest last. Both the driving index of a filter and its probe, by the same key."""

    __tablename__: ClassVar[str] = "session_facet"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    facet_id: int = Field(sa_column=big_int(primary_key=True))
    sort_at: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))


class RollupSession(Table, table=True):
    """Sums over the sessions that start in a bucket, by root agent.

    Level 0 holds quarters of an hour, level 1 the days of the project's zone.
    """

    __tablename__: ClassVar[str] = "rollup_session"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=big_int(primary_key=True))
    """Epoch milliseconds // 900,000; that of the beginning for a day."""
    agent: str = Field(primary_key=True)
    sessions: int = Field(default=0, sa_column=big_int(default=0))
    turns: int = Field(default=0, sa_column=big_int(default=0))
    messages: int = Field(default=0, sa_column=big_int(default=0))
    model_calls: int = Field(default=0, sa_column=big_int(default=0))
    tool_calls: int = Field(default=0, sa_column=big_int(default=0))
    tool_errors: int = Field(default=0, sa_column=big_int(default=0))
    errors: int = Field(default=0, sa_column=big_int(default=0))
    error_sessions: int = Field(default=0, sa_column=big_int(default=0))
    ruled_sessions: int = Field(default=0, sa_column=big_int(default=0))
    """Those with a rule hit."""
    input_tokens: int = Field(default=0, sa_column=big_int(default=0))
    output_tokens: int = Field(default=0, sa_column=big_int(default=0))
    cost_nano: int = Field(default=0, sa_column=big_int(default=0))
    priced_calls: int = Field(default=0, sa_column=big_int(default=0))
    priced_sessions: int = Field(default=0, sa_column=big_int(default=0))
    estimated_sessions: int = Field(default=0, sa_column=big_int(default=0))
    duration_ms: int = Field(default=0, sa_column=big_int(default=0))


class RollupDim(Table, table=True):
    """The same by a value of a dimension: model, tool, rule, error (type), version, topic, signal=value…"""

    __tablename__: ClassVar[str] = "rollup_dim"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    dim: str = Field(primary_key=True)
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=big_int(primary_key=True))
    agent: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    sessions: int = Field(default=0, sa_column=big_int(default=0))
    calls: int = Field(default=0, sa_column=big_int(default=0))
    errors: int = Field(default=0, sa_column=big_int(default=0))
    tokens: int = Field(default=0, sa_column=big_int(default=0))
    cost_nano: int = Field(default=0, sa_column=big_int(default=0))


class RollupLatency(Table, table=True):
    """Packed latency histograms by bucket: `dim` '' for model calls, 'tool' for tools (value = its name), 'ttfb'."""

    __tablename__: ClassVar[str] = "rollup_latency"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    dim: str = Field(primary_key=True)
    level: int = Field(default=0, primary_key=True)
    bucket: int = Field(sa_column=big_int(primary_key=True))
    agent: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    bins: str
    """`bin:count` pairs, see `model.histogram`."""


class UserNumber(Table, table=True):
    """Small numbers that stand for users in sets of users; given in the order of arrival and never given again."""

    __tablename__: ClassVar[str] = "user_number"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_user_number", "project_id", "number", unique=True),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    user_id: str = Field(primary_key=True)
    number: int = Field(sa_column=big_int())


class RollupUser(Table, table=True):
    """Users of the sessions that start in a quarter of an hour, by root agent."""

    __tablename__: ClassVar[str] = "rollup_user"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    bucket: int = Field(sa_column=big_int(primary_key=True))
    agent: str = Field(primary_key=True)
    users: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The user's number for every session that has one; see `store.rollups`."""


class RollupUserDay(Table, table=True):
    """Users of a day of the project's zone, by root agent, as sets that add up to exact counts of any range."""

    __tablename__: ClassVar[str] = "rollup_user_day"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    bucket: int = Field(sa_column=big_int(primary_key=True))
    agent: str = Field(primary_key=True)
    block: int = Field(primary_key=True)
    """Number // 32,768."""
    users: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """One bit for every number of the block."""


class UserDay(Table, table=True):
    """Days (in the project's zone) on which a user did anything: retention and active users read this."""

    __tablename__: ClassVar[str] = "user_day"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_user_day_day", "project_id", "day", "user_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    user_id: str = Field(primary_key=True)
    day: int = Field(primary_key=True)
    """Days since 1970-01-01 in the project's time zone."""
    agent_events: int = 0
    product_events: int = 0


class Person(Table, table=True):
    """A user: first and last sight, and user properties (last value wins) as JSON."""

    __tablename__: ClassVar[str] = "person"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    user_id: str = Field(primary_key=True)
    first_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    last_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    properties: str = "{}"


class SearchState(Table, table=True):
    """What the search index holds of a session: a hash of its document, needed to take it out again."""

    __tablename__: ClassVar[str] = "search_state"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    document_hash: str
    builder_version: int
    size: int = Field(sa_column=big_int())


class SignalResult(Table, table=True):
    """DERIVED: what one method said of a built-in signal on a close revision of a session. One of them is current.

    By-products of judging (`topic`, `topic_summary`, `request_complexity`) are rows of their own.
    """

    __tablename__: ClassVar[str] = "signal_result"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_signal_value", "project_id", "signal", "value", "sort_at", "session_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    signal: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    sort_at: int = Field(sa_column=big_int())
    current: int = 1
    value: str | None = None
    passed: int | None = None
    rationale: str | None = Field(default=None, sa_column=long_text())
    evidence: str | None = Field(default=None, sa_column=long_text())
    """Of a judged result JSON: `[{"quote", "turn", "found", "role", "event"}]`; of others text."""
    method: str = Field(default="llm", primary_key=True)
    """`llm`; `code`; `sender` where the session's own events say it."""
    signal_version: int = 1
    model: str | None = None
    latency_ms: float | None = None
    tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    error: str | None = None
    error_kind: str | None = None
    labels: str | None = Field(default=None, sa_column=long_text())
    """JSON list: friction patterns, negative phrases, data-quality codes, the type of a task's failure."""
    extras: str | None = Field(default=None, sa_column=long_text())
    """JSON object: what else the judge was asked for, such as the reason of a task's failure."""
    flags: str | None = None
    """`ReplyFlag`s, parted by spaces."""
    prompt_hash: str | None = None
    raw_reply: str | None = Field(default=None, sa_column=long_text())
    """What the judge wrote, where it is worth keeping: of errors always."""
    evaluated_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
