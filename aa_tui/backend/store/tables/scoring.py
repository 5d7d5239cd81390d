"""Tables of model scoring: what was asked of a judge for a close of a session and what became of it, and what it cost.

Results themselves are `signal_result` (derived) and `result` (measured).
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int, long_text


class Scoring(Table, table=True):
    """One piece of work for a close revision of a session: the batched signals, or one evaluator."""

    __tablename__: ClassVar[str] = "scoring"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index(
            "ix_scoring_due",
            "project_id",
            "due_ms",
            "session_id",
            sqlite_where=text("due_ms IS NOT NULL"),
            postgresql_where=text("due_ms IS NOT NULL"),
        ),
        Index("ix_scoring_state", "project_id", "what", "state", "session_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    revision: int = Field(primary_key=True)
    what: int = Field(sa_column=big_int(primary_key=True))
    """0 the batched signals, else the evaluator's id."""
    version: int = 0
    """Of the evaluator."""
    origin: str = "close"
    """`close`: it is due because the session closed; `backfill`: somebody asked for it."""
    state: str = "waiting"
    """`waiting`, `claimed`, `done`, `failed`, `not_scored`."""
    reason: str | None = None
    """Why it is not scored or failed, as a word of `model.judgement.ErrorKind`."""
    attempts: int = 0
    owner: str | None = None
    due_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """When it may be taken: at once, after a failure that passes, or when the lease of who has it ends; NULL: never."""
    provider: str | None = None
    model: str | None = None
    parameters: str | None = None
    prompt_hash: str | None = None
    raw_reply: str | None = Field(default=None, sa_column=long_text())
    """Kept of failures, and of replies that gave no verdict for something that was asked."""
    flags: str | None = None
    calls: int = 0
    input_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    latency_ms: float | None = None
    topic_summary: str | None = Field(default=None, sa_column=long_text())
    request_complexity: str | None = None
    topic: str | None = None
    versions: str | None = None
    """`signal@version` of what gave a result, parted by blanks."""
    error: str | None = Field(default=None, sa_column=long_text())
    evaluated_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))


class Spending(Table, table=True):
    """Money or tokens set aside before calls leave, and what they then cost. Never deleted: it bounds a day."""

    __tablename__: ClassVar[str] = "spending"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_spending_day", "project_id", "day", "purpose", "id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    at_ms: int = Field(sa_column=big_int())
    day: int
    """Days since 1970-01-01 in the project's zone when it was set aside."""
    purpose: str
    """`signals`, `evaluators`, `backfill`, `run`, `try`, `check`."""
    provider: str
    model: str
    local: int = 0
    state: str = "reserved"
    """`reserved`, `settled`; `lost` where the process that reserved it ended: all of it may have been billed."""
    calls: int = 0
    input_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    reserved_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """NULL where no price is known."""
    reserved_tokens: int = Field(default=0, sa_column=big_int(default=0))
    until_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """When a reservation that nobody put off counts as lost."""
