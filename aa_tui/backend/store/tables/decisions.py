"""Tables of DECISIONS that people make: journaled, undoable, never overwritten by code."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from aa_tui.backend.store.tables.base import Table, big_int, long_text


class Criterion(Table, table=True):
    """The question a label answers; several evaluators and versions share it."""

    __tablename__: ClassVar[str] = "criterion"
    __table_args__: ClassVar[tuple[object, ...]] = (UniqueConstraint("project_id", "name", name="uq_criterion"),)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    name: str
    question: str = ""
    output_type: str = "binary"
    labels: str = "[]"
    positive: str | None = None
    """The value that counts as positive when it is not "pass"."""
    created_ms: int = Field(sa_column=big_int())
    created_by: str = ""
    version: int = 1


class Evaluator(Table, table=True):
    """A check defined by the project's people; its definition lives in versions."""

    __tablename__: ClassVar[str] = "evaluator"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    criterion_id: int = Field(sa_column=big_int())
    name: str
    state: str = "inactive"
    active_version: int | None = None
    activated_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    """When it was activated last: sessions that closed before need a backfill or a run."""
    agents: str = "[]"
    sampling: float = 1.0
    created_ms: int = Field(sa_column=big_int())
    created_by: str = ""
    version: int = 1


class EvaluatorVersion(Table, table=True):
    """One immutable definition: type, prompt or patterns, labels, pass criteria, model, parameters (JSON)."""

    __tablename__: ClassVar[str] = "evaluator_version"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    evaluator_id: int = Field(sa_column=big_int(primary_key=True))
    no: int = Field(primary_key=True)
    method: str = "llm"
    output_type: str = "binary"
    definition: str = Field(default="{}", sa_column=long_text(False))
    definition_hash: str = ""
    draft: int = 0
    created_ms: int = Field(sa_column=big_int())
    created_by: str = ""


class Answer(Table, table=True):
    """A reviewer's current answer to a criterion for a session; history is in the journal."""

    __tablename__: ClassVar[str] = "answer"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_answer_criterion", "project_id", "criterion_id", "session_id"),
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    criterion_id: int = Field(sa_column=big_int(primary_key=True))
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
    note: str | None = Field(default=None, sa_column=long_text())
    answered_ms: int = Field(sa_column=big_int())
    version: int = 1


class SessionLabel(Table, table=True):
    """A free label (key, value) a person put on a session, and the whole-session comment under key `comment`."""

    __tablename__: ClassVar[str] = "session_label"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=long_text(False))
    author: str = ""
    at_ms: int = Field(sa_column=big_int())
    version: int = 1


class SavedView(Table, table=True):
    """A named filter, chart or view: its address, private or shared."""

    __tablename__: ClassVar[str] = "saved_view"
    __table_args__: ClassVar[tuple[object, ...]] = (UniqueConstraint("project_id", "owner", "name", name="uq_view"),)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    name: str
    owner: str
    shared: int = 0
    address: str = Field(sa_column=long_text(False))
    created_ms: int = Field(sa_column=big_int())
    version: int = 1


class Note(Table, table=True):
    """A typed note at an instant, drawn as a mark on time charts."""

    __tablename__: ClassVar[str] = "note"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    at_ms: int = Field(sa_column=big_int())
    text: str = Field(sa_column=long_text(False))
    author: str = ""
    created_ms: int = Field(sa_column=big_int())
    deleted: int = 0
    version: int = 1


class Journal(Table, table=True):
    """Every decision: who, when, what, and the inverse that undoes it."""

    __tablename__: ClassVar[str] = "journal"
    __table_args__: ClassVar[tuple[object, ...]] = (Index("ix_journal_actor", "project_id", "actor", "id"),)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    at_ms: int = Field(sa_column=big_int())
    actor: str
    permission: str
    action: str
    subject: str = ""
    forward: str = Field(default="{}", sa_column=long_text(False))
    inverse: str | None = Field(default=None, sa_column=long_text())
    undone_by: int | None = Field(default=None, sa_column=big_int(nullable=True))


class Suppress(Table, table=True):
    """What was forgotten and must not come back: hashes of user ids, session keys or insert ids."""

    __tablename__: ClassVar[str] = "suppress"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    kind: str = Field(primary_key=True)
    value_hash: str = Field(primary_key=True)
    at_ms: int = Field(sa_column=big_int())
    actor: str = ""
