"""Opening a store and speaking SQL to it: readers, the writer, change notices. Knows no table's meaning.

SQL is text with `:name` parameters, which both the standard library's sqlite3 and SQLAlchemy's `text()` understand, so
that one query layer serves SQLite before SQLAlchemy is imported, and PostgreSQL through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from aa_tui.backend.support.cancel import CancelToken

Row = tuple[Any, ...]
Params = Mapping[str, Any]


class Reader(Protocol):
    """A read-only view of the store; statements stop when the token given at opening is cancelled."""

    dialect: str
    """`sqlite` or `postgresql`."""

    def fetch(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows.

        Raises:
            Cancelled: the token was cancelled or its deadline passed while the statement ran.
            StoreError: the statement failed.
        """
        ...

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row or None."""
        ...

    def stream(self, sql: str, params: Params | None = None, size: int = 2000) -> Iterator[list[Row]]:
        """Yield rows in chunks of `size`."""
        ...


class Tx(Reader, Protocol):
    """One short write transaction, begun as a writer; commits on leaving, rolls back on an exception."""

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        ...

    def executemany(self, sql: str, rows: Sequence[Params]) -> None:
        """Run one statement for every row."""
        ...

    def executerows(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for every row; a row's values come in the order in which the statement names them."""
        ...


class Store(Protocol):
    """An opened store. Thread-safe: readers are pooled, writers take turns."""

    url: str
    dialect: str
    read_only: bool
    read_only_reason: str | None
    """Why writes are refused, in words for the status line; None when writable."""

    def reader(self, token: CancelToken | None = None) -> AbstractContextManager[Reader]:
        """Borrow a read-only connection with a consistent snapshot."""
        ...

    def write(self, *, durable: bool = False, token: CancelToken | None = None) -> AbstractContextManager[Tx]:
        """Begin a short write transaction (BEGIN IMMEDIATE). `durable` waits for the disk (decisions, results).

        Raises:
            StoreReadOnly: this store may only be read.
            StoreError: another process held the write lock too long, or the disk is full.
        """
        ...

    def change_counter(self) -> int:
        """A number that differs when any process has committed since; costs microseconds."""
        ...

    def optimize(self) -> None:
        """Refresh the planner's statistics where they are stale; for the end of an import.

        Raises:
            StoreError: the write lock could not be had.
        """
        ...

    def give_back(self) -> bool:
        """Give some room that nothing needs any more back to the file system; return whether there is more of it.

        Raises:
            StoreError: the store cannot be written.
        """
        ...

    def compact(self) -> str | None:
        """Rewrite what is stored so that nothing that was deleted stays behind; return what could not be done, if any.

        Takes as long as copying the store; writers wait.

        Raises:
            StoreError: the write lock could not be had.
        """
        ...

    def close(self) -> None:
        """Close every connection and, where this process holds the lease, checkpoint."""
        ...
