"""Tables of what is done once per close of a session: since when, and each time it was. Commands live in settings."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int


class Hook(Table, table=True):
    """A hook that somebody's program has, and since when: what closed before is none of its business."""

    __tablename__: ClassVar[str] = "hook"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    name: str = Field(primary_key=True)
    since_ms: int = Field(sa_column=big_int())


class HookRun(Table, table=True):
    """One firing. The row comes before the command, and its key lets nobody fire the same again."""

    __tablename__: ClassVar[str] = "hook_run"
    __table_args__: ClassVar[tuple[object, ...]] = (
        Index("ix_hook_run_state", "project_id", "state", "until_ms"),
        CLUSTERED,
    )
    project_id: int = Field(sa_column=big_int(primary_key=True))
    session_id: int = Field(sa_column=big_int(primary_key=True))
    revision: int = Field(primary_key=True)
    hook: str = Field(primary_key=True)
    state: str
    """`running`, `done`, `failed`, `interrupted`."""
    started_ms: int = Field(sa_column=big_int())
    until_ms: int = Field(sa_column=big_int())
    """When a running one must have ended."""
    ended_ms: int | None = Field(default=None, sa_column=big_int(nullable=True))
    reason: str | None = None
    """Why it failed, in our words."""
