"""Tables of what was received over HTTP and is not yet, or may have to be once more, turned into events."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int


class Inbox(Table, table=True):
    """One acknowledged request, or a part of a large one, as it came; gone once nothing can depend on it any more."""

    __tablename__: ClassVar[str] = "inbox"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_inbox_state", "project_id", "state", "id", "items", "size"),
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    id: int = Field(sa_column=big_int(primary_key=True))
    """In order of arrival."""
    state: int = 0
    """`store.inbox.State`."""
    kind: str
    """`amplitude`, `traces` or `logs`."""
    encoding: str
    received_ms: int = Field(sa_column=big_int())
    items: int
    """Events, spans or log records in it."""
    size: int = Field(sa_column=big_int())
    """Bytes of `body`; a column of its own so that sums need not touch the bodies."""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """zlib, of any level."""


class InboxTrace(Table, table=True):
    """Which requests hold spans or log records of a trace: it is always mapped as a whole."""

    __tablename__: ClassVar[str] = "inbox_trace"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_inbox_trace_inbox", "project_id", "inbox_id", "trace_id"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    trace_id: str = Field(primary_key=True)
    inbox_id: int = Field(sa_column=big_int(primary_key=True))


class ReceivingProblem(Table, table=True):
    """What receivers had to refuse or could not use, counted by reason; reasons hold no text of senders."""

    __tablename__: ClassVar[str] = "receiving_problem"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    kind: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    items: int = Field(default=0, sa_column=big_int(default=0))
    first_ms: int = Field(sa_column=big_int())
    last_ms: int = Field(sa_column=big_int())
