"""The SQLite engine on the standard library alone: pooled readers, one writer, leases, change notices; no queries.

Why not SQLAlchemy here: the first rows are on screen before it is imported, and every process of the program (app, CLI,
receiver) opens its store this way, so there is one set of locking rules.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aa_tui.backend.store.engine import Params, Row
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Cancelled, StoreError, StoreOutdated, StoreReadOnly

APPLICATION_ID = 0x41415455
"""`AATU` in the file header: tells a store from any other SQLite file."""
PAGE_SIZE = 8192
BUSY_TIMEOUT_S = 30.0
_PROBE_NS = 10_000_000
"""The longest a waiting writer sleeps between looks at the lock. SQLite's own 100 ms miss the gaps between the batches
of two imports so reliably that a third process can starve."""
CHECKPOINT_PAGES = 4000
"""The lease holder copies the log into the file when it exceeds this many pages (32 MB): pages that many transactions
change are copied once."""
_GIVEN_PAGES = 256
"""Pages that are given back in one transaction (2 MB): some 20 ms."""
_INCREMENTAL = 2
JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024
LEASE_KEY = "checkpoint_lease"
LEASE_MS = 60_000
LEASE_RENEW_MS = 20_000
_IDLE_READERS = 4
_READER_CACHE_KIB = 2 * 1024
_WRITER_CACHE_KIB = 32 * 1024
_PROGRESS_STEPS = 20_000
"""Virtual machine steps between looks at a deadline: about a millisecond of work."""
_NULLS: dict[None, None] = {}
# The driver asks None for its adapter by a chain of failing look-ups that takes longer than binding six numbers. This
# is the cheapest adapter there is: the look-up of None in an empty dictionary.
sqlite3.register_adapter(type(None), _NULLS.get)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def translate(error: sqlite3.Error, path: Path) -> StoreError | Cancelled:
    """Return the program's error for one of SQLite's, with what to do about it."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return Cancelled("cancelled")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"Another process kept {path} locked for {BUSY_TIMEOUT_S:.0f} s.",
            "Wait for its import to finish, then try again.",
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"No space left for {path}.", "Free some disk space; what was committed before is safe.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StoreReadOnly(f"{path} may only be read.", "Ask its owner for write access, or choose another --store.")
    if code in _CORRUPT:
        return StoreError(
            f"{path} is damaged or not a store ({error}).",
            "Run `aa-tui doctor`; backups made before upgrades lie beside the file.",
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"Cannot open {path}.", "Check that its folder exists and that you may write there.")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"Reading or writing {path} failed ({error}).", "Check the disk, then run `aa-tui doctor`.")
    return StoreError(f"The store refused a statement: {error}.")


def owner_text(path: Path) -> str:
    """Return who owns a file and its mode, in words: `owner ada, group analysts, mode 0640`."""
    status = path.stat()
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"owner {owner}, group {group}, mode {stat.S_IMODE(status.st_mode):04o}"


def connect_to_read(path: Path, *, nobody_writes: bool = False) -> sqlite3.Connection:
    """Open a read-only connection and make sure that it can read.

    Args:
        nobody_writes: the caller may not write the file or its folder; then a store without a log beside it is opened
            even where no shared-memory file can be made.

    Raises:
        sqlite3.Error: it cannot be opened or read.
    """
    try:
        return _connect(path, "mode=ro", _READER_CACHE_KIB)
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        # With a log beside it somebody may be writing, and reading the file alone would be a lie.
        if not nobody_writes or (log.exists() and log.stat().st_size > 0):
            raise
    return _connect(path, "mode=ro&immutable=1", _READER_CACHE_KIB)


def _connect(path: Path, mode: str, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        # Memory-mapped pages would count as the program's memory and turn a disk error into a crash.
        connection.execute("PRAGMA mmap_size=0")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def header_version(path: Path) -> tuple[int, int] | None:
    """Return (application id, schema version) of a file, or None where there is none or an empty one.

    Asks SQLite, never the file itself: closing a file descriptor of our own would drop the locks that this process's
    connections hold on it (POSIX), and another process could then delete the log under them.

    Raises:
        StoreError: the file exists but is no SQLite database or cannot be read.
    """
    try:
        if path.stat().st_size == 0:
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.", "Check the path and its permissions.") from error
    if not path.is_file():
        raise StoreError(f"{path} is not a file.", "Choose another with --store.")
    try:
        with closing(connect_to_read(path, nobody_writes=read_only_reason(path) is not None)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            return application, connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise translate(error, path) from error


_NAMED = re.compile(r"'[^']*'|:([A-Za-z_]\w*)")


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, Callable[[Params], Any]]:
    """Return a statement with `?1` in place of `:name`, and what takes the values out of a row in that order.

    The driver looks up every named value of every row by a freshly made name; for wide rows that costs more than
    inserting them.
    """
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"?{names.setdefault(found[1], len(names) + 1)}" if found[1] else found[0]

    numbered = _NAMED.sub(number, sql)
    if len(names) < 2:
        return sql, _unchanged
    return numbered, itemgetter(*names)


def _unchanged(row: Params) -> Params:
    return row


class _SqliteReader:
    """A borrowed connection inside its snapshot."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, path: Path, token: CancelToken | None) -> None:
        self._connection = connection
        self._path = path
        self._token = token

    def _run(self, sql: str, params: Params | None) -> sqlite3.Cursor:
        if self._token is not None:
            self._token.check()
        try:
            return self._connection.execute(sql, params or {})
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def fetch(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows; see `engine.Reader`."""
        cursor = self._run(sql, params)
        try:
            return cursor.fetchall()
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        finally:
            cursor.close()

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row or None."""
        cursor = self._run(sql, params)
        try:
            row: Row | None = cursor.fetchone()
            return row
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        finally:
            cursor.close()

    def stream(self, sql: str, params: Params | None = None, size: int = 2000) -> Iterator[list[Row]]:
        """Yield rows in chunks of `size`; the token is looked at between chunks too."""
        cursor = self._run(sql, params)
        try:
            while True:
                if self._token is not None:
                    self._token.check()
                try:
                    rows = cursor.fetchmany(size)
                except sqlite3.Error as error:
                    raise translate(error, self._path) from error
                if not rows:
                    return
                yield rows
        finally:
            cursor.close()


class _SqliteTx(_SqliteReader):
    """The writer's connection inside BEGIN IMMEDIATE."""

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        cursor = self._run(sql, params)
        try:
            return max(cursor.rowcount, 0)
        finally:
            cursor.close()

    def executemany(self, sql: str, rows: Sequence[Params]) -> None:
        """Run one statement for every row."""
        if rows:
            numbered, values = _numbered(sql)
            self._many(numbered, map(values, rows))

    def executerows(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for every row; a row's values come in the order in which the statement names them."""
        if rows:
            self._many(_numbered(sql)[0], rows)

    def _many(self, sql: str, rows: Iterable[Any]) -> None:
        if self._token is not None:
            self._token.check()
        try:
            self._connection.executemany(sql, rows).close()
        except sqlite3.Error as error:
            raise translate(error, self._path) from error


class _Interruptible:
    """Ties a token to a connection for one borrow, so that a late cancel cannot hit the next borrower."""

    def __init__(self, connection: sqlite3.Connection, token: CancelToken | None) -> None:
        self._connection = connection
        self._token = token
        self._lock = threading.Lock()
        self._active = True
        self._forget: Callable[[], None] | None = None

    def _stop(self) -> None:
        with self._lock:
            if self._active:
                self._connection.interrupt()

    def __enter__(self) -> None:
        token = self._token
        if token is None:
            return
        token.check()
        self._forget = token.on_cancel(self._stop)
        if token.has_deadline:
            self._connection.set_progress_handler(lambda: int(token.cancelled), _PROGRESS_STEPS)

    def __exit__(self, *_: object) -> None:
        token = self._token
        if token is None:
            return
        with self._lock:
            self._active = False
        if self._forget is not None:
            self._forget()
        if token.has_deadline:
            self._connection.set_progress_handler(None, 0)


class SqliteStore:
    """A store in one SQLite file; see `engine.Store`.

    The schema must already be there and current (`store.schema.prepare`). Thread-safe.
    """

    dialect = "sqlite"

    def __init__(self, path: Path, *, read_only_reason: str | None = None) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.read_only = read_only_reason is not None
        self.read_only_reason = read_only_reason
        self._pool: list[sqlite3.Connection] = []
        self._pool_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._write_thread: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._synchronous = ""
        self._watch: sqlite3.Connection | None = None
        self._watch_lock = threading.Lock()
        self._closed = False
        self._lease_owner = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._lease_checked_ms = 0
        self._has_lease = False
        self._changed = False
        with self.reader() as reader:
            row = reader.one("PRAGMA user_version")
            self._schema = row[0] if row else 0

    # --- readers ---------------------------------------------------------------------------------------------------

    def _open_reader(self) -> sqlite3.Connection:
        try:
            return connect_to_read(self.path, nobody_writes=self.read_only)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    @contextmanager
    def reader(self, token: CancelToken | None = None) -> Iterator[_SqliteReader]:
        """Borrow a read-only connection; everything read inside one borrow comes from one snapshot."""
        with self._pool_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            connection = self._pool.pop() if self._pool else None
        if connection is None:
            connection = self._open_reader()
        try:
            with _Interruptible(connection, token):
                try:
                    connection.execute("BEGIN")
                except sqlite3.Error as error:
                    raise translate(error, self.path) from error
                yield _SqliteReader(connection, self.path, token)
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.rollback()
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool_lock:
            if not self._closed and not connection.in_transaction and len(self._pool) < _IDLE_READERS:
                self._pool.append(connection)
                return
        connection.close()

    # --- the writer ------------------------------------------------------------------------------------------------

    def _open_writer(self) -> sqlite3.Connection:
        connection = _connect(self.path, "mode=rw", _WRITER_CACHE_KIB)
        connection.execute("PRAGMA foreign_keys=OFF")
        # Some builds leave what was deleted in the file until it is overwritten.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT}")
        self._synchronous = ""
        return connection

    @contextmanager
    def write(self, *, durable: bool = False, token: CancelToken | None = None) -> Iterator[_SqliteTx]:
        """Begin a write transaction; it commits on leaving and rolls back on any exception. See `engine.Store`."""
        if self.read_only_reason is not None:
            raise StoreReadOnly(f"This store may only be read: {self.read_only_reason}.")
        if self._write_thread == threading.get_ident():
            raise StoreError("A write was begun inside a write; pass the transaction on instead.")
        with self._write_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            self._write_thread = threading.get_ident()
            try:
                try:
                    connection = self._writer = self._writer or self._open_writer()
                    level = "FULL" if durable else "NORMAL"
                    if level != self._synchronous:
                        connection.execute(f"PRAGMA synchronous={level}")
                        self._synchronous = level
                    self._begin(connection, token)
                except sqlite3.Error as error:
                    raise translate(error, self.path) from error
                try:
                    with _Interruptible(connection, token):
                        self._same_schema(connection)
                        self._lease(connection)
                        yield _SqliteTx(connection, self.path, token)
                    connection.execute("COMMIT")
                    self._changed = True
                except sqlite3.Error as error:
                    raise translate(error, self.path) from error
                finally:
                    if connection.in_transaction:
                        with suppress(sqlite3.Error):
                            connection.rollback()
            finally:
                self._write_thread = None

    def _begin(self, connection: sqlite3.Connection, token: CancelToken | None) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        connection.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    busy = (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                    if not busy or time.monotonic() > deadline:
                        raise
                if token is not None:
                    token.check()
                # Of uneven length, so that two waiting processes do not look in step.
                time.sleep((_PROBE_NS // 5 + time.monotonic_ns() % _PROBE_NS) / 1e9)
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")

    def _same_schema(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] != self._schema:
            raise StoreOutdated(
                f"{self.path} was upgraded by a newer version of the program while it was open here.",
                "Update aa-tui and start it again.",
            )

    def _lease(self, connection: sqlite3.Connection) -> None:
        """Inside a write: take or renew the right to checkpoint, when it is free, expired or ours.

        Only one connection of all processes may copy the log into the file while others write: SQLite 3.7.0 to 3.51.2
        can corrupt the file when two race (WAL-reset bug).
        """
        now = time.time_ns() // 1_000_000
        if now - self._lease_checked_ms < LEASE_RENEW_MS and now >= self._lease_checked_ms:
            return
        row = connection.execute("SELECT value FROM meta WHERE key=?", (LEASE_KEY,)).fetchone()
        holder, until = "", 0
        if row is not None:
            with suppress(ValueError, KeyError, TypeError):
                lease = json.loads(row[0])
                holder, until = str(lease["owner"]), int(lease["until_ms"])
        held = holder == self._lease_owner or until < now or until > now + 2 * LEASE_MS
        if held:
            value = json.dumps({"owner": self._lease_owner, "until_ms": now + LEASE_MS})
            connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", (LEASE_KEY, value))
        if held != self._has_lease:
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES if held else 0}")
        self._has_lease, self._lease_checked_ms = held, now

    # --- notices and upkeep ----------------------------------------------------------------------------------------

    def change_counter(self) -> int:
        """A number that differs when any process, this one included, has committed since."""
        with self._watch_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            try:
                # A connection of its own that never writes: for it, this process's writer is "another" too.
                if self._watch is None:
                    self._watch = self._open_reader()
                return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise translate(error, self.path) from error

    def checkpoint(self) -> bool:
        """Copy the log into the file and empty it, if this process holds the lease; return whether it did.

        For idle moments; a reader in the way makes it a no-op, never an error.
        """
        with self._write_lock:
            return self._checkpoint()

    def _checkpoint(self) -> bool:
        if self._writer is None or not self._has_lease:
            return False
        if time.time_ns() // 1_000_000 - self._lease_checked_ms > LEASE_MS:
            return False
        try:
            self._writer.execute("PRAGMA busy_timeout=200")
            row = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(row[0] == 0)
        except sqlite3.Error:
            return False
        finally:
            with suppress(sqlite3.Error):
                self._writer.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")

    def optimize(self) -> None:
        """Refresh the planner's statistics where they are stale; for the end of an import.

        Raises:
            StoreError: the write lock could not be had.
        """
        if self.read_only:
            return
        with self._write_lock:
            try:
                connection = self._writer = self._writer or self._open_writer()
                connection.execute("PRAGMA analysis_limit=1000")
                connection.execute("PRAGMA optimize=0x10002")
            except sqlite3.Error as error:
                raise translate(error, self.path) from error

    def give_back(self) -> bool:
        """Move some pages from the file's end into free ones and cut it; return whether there is more to do.

        A few free pages stay: the next rows need them.

        Raises:
            StoreError: the write lock could not be had.
        """
        with self.reader() as reader:
            free, mode = (reader.one(f"PRAGMA {name}") for name in ("freelist_count", "auto_vacuum"))
        if self.read_only or free is None or mode is None or mode[0] != _INCREMENTAL or free[0] < _GIVEN_PAGES:
            return False
        with self.write() as tx:
            for _ in range(_GIVEN_PAGES):
                # Asked for more pages at once, it would still stop after each: the driver ends what has no columns.
                tx.execute("PRAGMA incremental_vacuum(1)")
        return True

    def compact(self) -> str | None:
        """Rewrite the file without what was deleted and empty the log; return in words what could not be done.

        Other processes can read meanwhile; writers wait.

        Raises:
            StoreReadOnly: this store may only be read.
            StoreError: the write lock could not be had.
        """
        size = self.path.stat().st_size
        if shutil.disk_usage(self.path.parent).free < 2.2 * size:
            return f"There is no room to rewrite {self.path} ({2.2 * size / 1e6:.0f} MB are needed)."
        with self.write():
            pass  # takes the lease, where it is free
        with self._write_lock:
            connection = self._writer = self._writer or self._open_writer()
            try:
                connection.execute("VACUUM")
                # The planner's statistics hold samples of what they are about.
                connection.execute("ANALYZE")
                self._changed = True
            except sqlite3.Error as error:
                raise translate(error, self.path) from error
            if self._checkpoint():
                return None
        return (
            f"Another program has {self.path} open: what was deleted stays in its log until that program ends or the "
            "log is overwritten."
        )

    def close(self) -> None:
        """Close every connection; the lease holder checkpoints and gives the lease back. Closing twice is harmless."""
        with self._write_lock:
            if self._closed:
                return
            with self._pool_lock:
                self._closed = True
                readers, self._pool = self._pool, []
            for connection in readers:
                connection.close()
            with self._watch_lock:
                if self._watch is not None:
                    self._watch.close()
                    self._watch = None
            if self._writer is not None:
                if self._has_lease and self._changed:
                    with suppress(sqlite3.Error):
                        self._writer.execute("PRAGMA busy_timeout=200")
                        self._writer.execute(
                            "DELETE FROM meta WHERE key=? AND value LIKE ?", (LEASE_KEY, f"%{self._lease_owner}%")
                        )
                    self._checkpoint()
                self._writer.close()
                self._writer = None


def read_only_reason(path: Path) -> str | None:
    """Return in words why a store file may not be written by this user, or None when it may."""
    if not os.access(path, os.W_OK):
        return f"you may not write {path} ({owner_text(path)})"
    if not os.access(path.parent, os.W_OK):
        return f"you may not write its folder {path.parent} ({owner_text(path.parent)})"
    return None


def readable_by(path: Path, version: int) -> bool:
    """Return whether a store of a newer schema says that a program of schema `version` may still read it."""
    try:
        with closing(connect_to_read(path, nobody_writes=read_only_reason(path) is not None)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key='readable_from'").fetchone()
            return row is not None and int(row[0]) <= version
    except (sqlite3.Error, ValueError):
        return False
