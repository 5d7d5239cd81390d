"""Tables of what was imported from where, so that it need not be read again."""

from __future__ import annotations

from typing import ClassVar

from sqlmodel import Field

from aa_tui.backend.store.tables.base import CLUSTERED, Table, big_int, long_text


class ImportFile(Table, table=True):
    """A file that was imported: enough to skip it unchanged and to read it again when it or its mapper changed."""

    __tablename__: ClassVar[str] = "import_file"
    project_id: int = Field(sa_column=big_int(primary_key=True))
    path_hash: str = Field(primary_key=True)
    path: str = Field(sa_column=long_text(False))
    source: str
    mapper_version: int
    size: int = Field(sa_column=big_int())
    mtime_ns: int = Field(sa_column=big_int())
    digest: str
    options: str = ""
    """What changes the mapping besides the file: user, users map hash, pricing version."""
    imported_ms: int = Field(sa_column=big_int())
    sessions: int = 0
    events: int = 0
    problems: int = 0


class ImportProblem(Table, table=True):
    """A record that was skipped, with its place; shown with the import and in the session's warnings."""

    __tablename__: ClassVar[str] = "import_problem"
    __table_args__: ClassVar[tuple[object, ...]] = (CLUSTERED,)
    project_id: int = Field(sa_column=big_int(primary_key=True))
    path_hash: str = Field(primary_key=True)
    no: int = Field(primary_key=True)
    line: int | None = Field(default=None, sa_column=big_int(nullable=True))
    field: str | None = None
    reason: str = Field(sa_column=long_text(False))
    at_ms: int = Field(sa_column=big_int())
