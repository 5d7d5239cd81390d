"""The table of MEASURED rows: results of evaluators. Immutable; what is derived from them is not here."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from aa_tui.backend.store.tables.base import Table, big_int, long_text


class Result(Table, table=True):
    """MEASURED: what one evaluator version said of one session; never updated."""

    __tablename__: ClassVar[str] = "result"
    __table_args__: ClassVar[tuple[object, ...]] = (
        UniqueConstraint(
            "project_id",
            "run_id",
            "evaluator_id",
            "evaluator_version",
            "session_id",
            "session_revision",
            name="uq_result",
        ),
        Index("ix_result_session", "project_id", "session_id", "evaluator_id"),
        Index("ix_result_value", "project_id", "evaluator_id", "passed", "sort_at", "session_id"),
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    run_id: int = Field(default=0, sa_column=big_int(default=0))
    """0 for imported results and those of active evaluators."""
    evaluator_id: int = Field(sa_column=big_int())
    evaluator_version: int = 1
    session_id: int = Field(sa_column=big_int())
    session_revision: int = 0
    sort_at: int = Field(sa_column=big_int())
    current: int = 1
    value: str | None = None
    passed: int | None = None
    score: float | None = None
    rationale: str | None = Field(default=None, sa_column=long_text())
    evidence: str | None = Field(default=None, sa_column=long_text())
    prompt_hash: str | None = None
    prompt: str | None = Field(default=None, sa_column=long_text())
    raw_reply: str | None = Field(default=None, sa_column=long_text())
    model: str | None = None
    parameters: str | None = None
    method: str = "llm"
    source: str = "ai"
    latency_ms: float | None = None
    input_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    output_tokens: int | None = Field(default=None, sa_column=big_int(nullable=True))
    cost_nano: int | None = Field(default=None, sa_column=big_int(nullable=True))
    error_kind: str | None = None
    error: str | None = Field(default=None, sa_column=long_text())
    flags: str | None = None
    """`ReplyFlag`s, parted by spaces."""
    labels: str | None = Field(default=None, sa_column=long_text())
    """JSON list: the labels chosen of several."""
    evaluated_ms: int = Field(sa_column=big_int())
