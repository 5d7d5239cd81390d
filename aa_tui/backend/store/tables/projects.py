"""Tables of who and where: the store itself, projects, members."""

from __future__ import annotations

from typing import ClassVar

from sqlmodel import Field

from aa_tui.backend.store.tables.base import Table, big_int, long_text


class Meta(Table, table=True):
    """Facts about the store itself: schema version, features, lease of the checkpointing connection."""

    __tablename__: ClassVar[str] = "meta"
    key: str = Field(primary_key=True)
    value: str


class Project(Table, table=True):
    """Scope of everything. `settings` is a JSON object of project settings (subscription, caps, content mode…)."""

    __tablename__: ClassVar[str] = "project"
    id: int = Field(sa_column=big_int(primary_key=True))
    name: str = Field(unique=True)
    api_key: str = Field(unique=True)
    time_zone: str = "UTC"
    created_ms: int = Field(sa_column=big_int())
    settings: str = Field(default="{}", sa_column=long_text(False))
    version: int = 1
    data_version: int = Field(default=0, sa_column=big_int(default=0))
    """Rises with every commit that changes what screens show; a cheap check for other processes' news."""


class Member(Table, table=True):
    """A person or token and its role in a project; none recorded means the single-user default, admin."""

    __tablename__: ClassVar[str] = "member"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    name: str = Field(primary_key=True)
    role: str = "admin"
    created_ms: int = Field(sa_column=big_int())
    created_by: str = ""
