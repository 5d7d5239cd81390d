"""Bringing a store's file to the current schema: creating it in one step, or saying that it is too old or too new.

Imports SQLAlchemy only when there is something to do: a current store is recognised by its header.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path

from aa_tui.backend.store import sqlite as engine
from aa_tui.backend.support.errors import StoreError

SEARCH_DDL = (
    "CREATE VIRTUAL TABLE session_fts USING fts5(document, content='', tokenize='unicode61 remove_diacritics 2')"
)
"""One contentless document per session, rowid = session.id; taken out again with FTS5's `'delete'` command."""
SCHEMA_VERSION = 1
"""The schema this program writes; equal to `tables.SCHEMA_VERSION`, which cannot be read without SQLAlchemy."""


def _statements() -> list[str]:
    from sqlalchemy.dialects import sqlite as dialect
    from sqlalchemy.schema import CreateIndex, CreateTable
    from sqlmodel import SQLModel

    import aa_tui.backend.store.tables  # noqa: F401  (fills the metadata)

    statements = []
    for table in SQLModel.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect.dialect())))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            statements.append(str(CreateIndex(index).compile(dialect=dialect.dialect())))
    return [*statements, SEARCH_DDL]


def create_schema(path: Path, *, mode: int = 0o600) -> None:
    """Create a new store at `path` with file mode `mode`; when another process was quicker, its store stays.

    It is built beside its place and moved there whole, so that nobody ever sees half a schema.

    Raises:
        StoreError: the folder may not be written or the disk is full.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode))
        draft.chmod(mode)
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size={engine.PAGE_SIZE}")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute(f"PRAGMA application_id={engine.APPLICATION_ID}")
            connection.execute("BEGIN")
            for statement in _statements():
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta(key, value) VALUES ('readable_from', :version)", {"version": str(SCHEMA_VERSION)}
            )
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.execute("COMMIT")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        with suppress(FileExistsError):
            os.link(draft, path)
    except sqlite3.Error as error:
        raise engine.translate(error, path) from error
    except OSError as error:
        raise StoreError(
            f"Cannot create the store {path}: {error.strerror}.", "Choose another place with --store."
        ) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
