"""The PostgreSQL engine on SQLAlchemy and psycopg 3: pooled readers, one writer at a time, migrations, change notices.

No queries of the product. Writers take turns through an advisory lock of the schema, so that programs on any host see
the rules that SQLite's BEGIN IMMEDIATE gives on one: what a write transaction reads stays so until it commits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa_tui.backend.store import migrations, schema
from aa_tui.backend.store.engine import Params, Row
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import (
    AAError,
    Cancelled,
    NotFound,
    StoreError,
    StoreOutdated,
    StoreReadOnly,
    UsageError,
)
from aa_tui.backend.support.text import storable

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import URL, Connection, CursorResult, Engine

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 15
_LOCK = 0x41415455
"""First half of the advisory lock's key; the schema's name gives the second, so that each schema is its own store."""
_CHANNEL = "aa_tui_changed"
_IDLE_READERS = 4
_MOST_READERS = 16
_CANCEL_AGAIN_S = 0.3
_CACHED_TEXT = 10_000
"""Longer statements hold lists of ids; keeping their compiled forms would cost more memory than it saves time."""
_NAMED = re.compile(r"'[^']*'|(?<!:):([A-Za-z_]\w*)")
_SECRETS = re.compile(r"(?<=[?&])(password|sslpassword|passfile)=[^&]*", re.IGNORECASE)
_ANALYZED = (
    "session", "event", "content", "turn", "facet", "session_facet", "session_fts", "rollup_session", "rollup_dim",
    "rollup_latency", "rollup_user", "rollup_user_day", "user_number", "signal_result", "result", "answer", "user_day",
)  # fmt: skip
_WRITE = (
    "SELECT set_config('synchronous_commit', {commit}, true), "
    "pg_advisory_xact_lock({lock}, hashtext(current_schema())), pg_notify('{channel}', current_schema())"
)
_DURABLE = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END"
)

_MAY_WRITE = (
    "has_table_privilege('session', 'INSERT') AND has_table_privilege('session', 'UPDATE') "
    "AND has_table_privilege('session', 'DELETE')"
)


def mask_url(url: str) -> str:
    """Return a database URL as it may be shown and written down: without its passwords."""
    scheme, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    credentials, at, host = place.rpartition("@")
    user, colon, _ = credentials.partition(":")
    shown = f"{user}:***" if colon else user
    return f"{scheme}://{shown}{at}{host}{mark}{_SECRETS.sub(lambda m: f'{m[1]}=***', '?' + query)[1:]}"


def _driver_url(url: str) -> URL:
    from sqlalchemy.engine import make_url

    try:
        parsed = make_url(url)
    except Exception:
        # The parser's own message quotes the URL, password and all.
        raise UsageError(
            f"{mask_url(url)} is no database URL.",
            "Use postgresql://USER@HOST:PORT/DATABASE; the password may come from ~/.pgpass or PGPASSWORD.",
        ) from None
    return parsed.set(drivername="postgresql+psycopg")


def translate(error: BaseException, shown: str, token: CancelToken | None = None) -> AAError:
    """Return the program's error for one of the driver's; never quotes parameters or rows.

    Args:
        shown: the store as it may be shown (`mask_url`).
        token: what the statement ran under; tells a cancellation of ours from the server's.
    """
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    diagnosis = getattr(cause, "diag", None)
    said = (getattr(diagnosis, "message_primary", None) or str(cause)).strip().splitlines()
    words = storable(said[0]) if said else type(cause).__name__
    if state == "57014":
        if token is not None and token.cancelled:
            return Cancelled("cancelled")
        return StoreError(f"{shown} stopped a statement ({words}).", "Raise its statement_timeout for this user.")
    if state == "55P03":
        return StoreError(
            f"Another process kept {shown} locked for {LOCK_TIMEOUT_S} s.",
            "Wait for its import to finish, then try again.",
        )
    if state in ("25006", "42501"):
        return StoreReadOnly(f"{shown} may only be read ({words}).", "Ask its owner for the rights of a writer.")
    if state in ("53100", "53200"):
        return StoreError(f"The server of {shown} is full ({words}).", "What was committed before is safe.")
    if state == "53300":
        return StoreError(f"{shown} has no connection left.", "Close other programs or raise max_connections.")
    if not state and re.search(r'database ".*" does not exist', words + " ".join(said)):
        # A refused connection comes without the server's code.
        return NotFound(f"There is no database at {shown}.", "Create it with createdb, then try again.")
    if state[:2] in ("08", "57") or (not state and type(cause).__name__ in ("OperationalError", "ConnectionTimeout")):
        return StoreError(
            f"No connection to {shown} ({_without_secrets(' '.join(said) or words)}).",
            "Check that the server runs and lets this host in.",
        )
    if state in ("40001", "40P01"):
        return StoreError(f"{shown} was changed at the same time ({words}).", "Try again.")
    return StoreError(f"The store refused a statement: {words}.")


def _without_secrets(text: str) -> str:
    return re.sub(r"(password=)\S+", r"\1***", storable(text), flags=re.IGNORECASE)


# --- connections ---------------------------------------------------------------------------------------------------


def _adapt(connection: psycopg.Connection[Any]) -> None:
    """Make values come and go as they do with SQLite: truth as 0 and 1, sums of integers as integers."""
    from psycopg.adapt import Dumper, Loader
    from psycopg.types.numeric import FloatDumper

    class Truth(Dumper):
        oid = 21

        def dump(self, obj: Any) -> bytes:
            return b"1" if obj else b"0"

    class Number(FloatDumper):
        def dump(self, obj: Any) -> Any:
            return super().dump(obj) if obj == obj else None

    class Sum(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data)
            return int(text) if text.lstrip(b"-").isdigit() else float(text)

    connection.adapters.register_dumper(bool, Truth)
    connection.adapters.register_dumper(float, Number)
    connection.adapters.register_loader("numeric", Sum)


def _engine(url: str, *, writes: bool) -> Engine:
    """Return an engine whose every connection is set up for reading one snapshot, or for writing."""
    try:
        from psycopg import IsolationLevel
    except ImportError as error:
        raise UsageError(
            "A PostgreSQL store needs the driver psycopg.", "Install it with: pip install 'aa-tui[postgres]'"
        ) from error
    from sqlalchemy import create_engine, event

    target = _driver_url(url)
    given: dict[str, Any] = {}
    if "connect_timeout" not in target.query:
        given["connect_timeout"] = CONNECT_TIMEOUT_S
    if "application_name" not in target.query:
        given["fallback_application_name"] = "aa-tui"
    made = create_engine(
        target,
        connect_args={"client_encoding": "utf8", **given},
        pool_size=1 if writes else _IDLE_READERS,
        max_overflow=0 if writes else _MOST_READERS - _IDLE_READERS,
        pool_pre_ping=True,
        query_cache_size=300,
        # Parameters are prompts and answers: they must not get into messages and logs.
        hide_parameters=True,
        use_native_hstore=False,
    )

    @event.listens_for(made, "connect")
    def _set_up(connection: psycopg.Connection[Any], _: object) -> None:
        _adapt(connection)
        connection.autocommit = True
        connection.execute(
            f"SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', false), set_config('jit', 'off', false), "
            # Lists are read to their end, so plans must not favour the first row.
            "set_config('cursor_tuple_fraction', '1', false)"
        )
        connection.autocommit = False
        # A writer's statements must see what was committed before it got the lock, a reader's one and the same state.
        connection.isolation_level = IsolationLevel.READ_COMMITTED if writes else IsolationLevel.REPEATABLE_READ
        connection.read_only = not writes

    return made


def _raw(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


class _Interruptible:
    """Ties a token to a connection for one borrow: cancelling asks the server to stop the running statement."""

    def __init__(self, connection: Connection, token: CancelToken | None) -> None:
        self._driver = _raw(connection)
        self._token = token
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._forget: Callable[[], None] | None = None
        self.hit = False
        """The server was asked: the connection must not be lent again, the request might arrive late."""

    def _stop(self) -> None:
        # Asking opens a connection of its own; whoever cancels (the screen) must not wait for that.
        threading.Thread(target=self._ask, name="aa-tui-cancel", daemon=True).start()

    def _ask(self) -> None:
        while True:
            with self._lock:
                if self._over.is_set():
                    return
                self.hit = True
                with suppress(Exception):
                    self._driver.cancel_safe(timeout=CONNECT_TIMEOUT_S)
            # Asked between two statements the server does nothing, so it is asked again while the next one runs.
            if self._over.wait(_CANCEL_AGAIN_S):
                return

    def __enter__(self) -> _Interruptible:
        if self._token is not None:
            self._token.check()
            self._forget = self._token.on_cancel(self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        if self._forget is not None:
            self._forget()
        self._over.set()
        with self._lock:
            pass


# --- reading and writing -------------------------------------------------------------------------------------------


class _PostgresReader:
    """A borrowed connection inside its snapshot."""

    dialect = "postgresql"

    def __init__(self, connection: Connection, shown: str, token: CancelToken | None) -> None:
        self._connection = connection
        self._shown = shown
        self._token = token

    def _run(self, sql: str, params: Params | Sequence[Params] | None, **options: Any) -> CursorResult[Any]:
        from sqlalchemy import text
        from sqlalchemy.exc import DBAPIError

        if self._token is not None:
            self._token.check()
        if len(sql) > _CACHED_TEXT:
            options["compiled_cache"] = None
        try:
            return self._connection.execute(text(sql), params or {}, execution_options=options)
        except DBAPIError as error:
            raise translate(error, self._shown, self._token) from None

    def _ask(self, sql: str, params: Params | None, **options: Any) -> CursorResult[Any]:
        # What is looked for may hold what can never be stored; then nothing is found, which is no error.
        clean = {name: storable(value) if isinstance(value, str) else value for name, value in (params or {}).items()}
        return self._run(sql, clean, **options)

    def fetch(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows; see `engine.Reader`."""
        return [tuple(row) for row in self._ask(sql, params)]

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row or None."""
        row = self._ask(sql, params).first()
        return None if row is None else tuple(row)

    def stream(self, sql: str, params: Params | None = None, size: int = 2000) -> Iterator[list[Row]]:
        """Yield rows in chunks of `size` from a cursor of the server; the token is looked at between chunks too."""
        from sqlalchemy.exc import DBAPIError

        result = self._ask(sql, params, stream_results=True, max_row_buffer=size, yield_per=size)
        try:
            while True:
                if self._token is not None:
                    self._token.check()
                try:
                    rows = result.fetchmany(size)
                except DBAPIError as error:
                    raise translate(error, self._shown, self._token) from None
                if not rows:
                    return
                yield [tuple(row) for row in rows]
        finally:
            result.close()


class _PostgresTx(_PostgresReader):
    """The writer's connection, holding the lock."""

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        return max(self._run(sql, params).rowcount, 0)

    def executemany(self, sql: str, rows: Sequence[Params]) -> None:
        """Run one statement for every row."""
        if rows:
            self._run(sql, [dict(row) for row in rows])

    def executerows(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for every row; a row's values come in the order in which the statement names them."""
        if rows:
            names = list(dict.fromkeys(filter(None, _NAMED.findall(sql))))
            self._run(sql, [dict(zip(names, row, strict=True)) for row in rows])


class PostgresStore:
    """A store in one schema of a PostgreSQL database; see `engine.Store`. Thread-safe. Made by `open_postgres`."""

    dialect = "postgresql"

    def __init__(self, url: str, version: str, reading: Engine, writing: Engine, *, read_only_reason: str | None):
        self.url = mask_url(url)
        """Without its passwords: it is shown, logged and written to files."""
        self.read_only = read_only_reason is not None
        self.read_only_reason = read_only_reason
        self._version = version
        self._reading = reading
        self._writing = writing
        self._write_lock = threading.Lock()
        self._write_thread: int | None = None
        self._closed = False
        self._watch_lock = threading.Lock()
        self._watch: Connection | None = None
        self._own: set[int] = set()
        """Process ids of the server that wrote for us: their notices were counted when they committed."""
        self._changes = 0
        self._schema = ""
        with self._watch_lock:
            self._listen()

    @contextmanager
    def _borrow(self, engine: Engine, token: CancelToken | None) -> Iterator[Connection]:
        from sqlalchemy.exc import DBAPIError

        if self._closed:
            raise StoreError("The store is closed.")
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise translate(error, self.url) from None
        guard: _Interruptible | None = None
        try:
            guard = _Interruptible(connection, token)
            with guard:
                if token is not None and (left := token.remaining_s) is not None:
                    # Time alone cancels here, so the server watches the clock.
                    self._run(connection, f"SET LOCAL statement_timeout = {max(int(left * 1000), 1)}")
                yield connection
        finally:
            with suppress(DBAPIError):
                if guard is not None and guard.hit:
                    connection.invalidate()
                connection.close()

    def _run(self, connection: Connection, sql: str, token: CancelToken | None = None) -> Row | None:
        from sqlalchemy.exc import DBAPIError

        try:
            result = connection.exec_driver_sql(sql)
            return tuple(result.fetchone() or ()) if result.returns_rows else None
        except DBAPIError as error:
            raise translate(error, self.url, token) from None

    @contextmanager
    def reader(self, token: CancelToken | None = None) -> Iterator[_PostgresReader]:
        """Borrow a read-only connection; everything read inside one borrow comes from one snapshot."""
        with self._borrow(self._reading, token) as connection:
            yield _PostgresReader(connection, self.url, token)

    @contextmanager
    def write(self, *, durable: bool = False, token: CancelToken | None = None) -> Iterator[_PostgresTx]:
        """Begin a write transaction; it commits on leaving and rolls back on any exception. See `engine.Store`."""
        from sqlalchemy.exc import DBAPIError

        if self.read_only_reason is not None:
            raise StoreReadOnly(f"This store may only be read: {self.read_only_reason}.")
        if self._write_thread == threading.get_ident():
            raise StoreError("A write was begun inside a write; pass the transaction on instead.")
        with self._write_lock:
            self._write_thread = threading.get_ident()
            try:
                with self._borrow(self._writing, token) as connection:
                    self._own.add(_raw(connection).info.backend_pid)
                    commit = _DURABLE if durable else "'off'"
                    self._run(connection, _WRITE.format(commit=commit, lock=_LOCK, channel=_CHANNEL), token)
                    if self._run(connection, "SELECT version_num FROM alembic_version") != (self._version,):
                        raise StoreOutdated(
                            f"{self.url} was upgraded by a newer version of the program while it was open here.",
                            "Update aa-tui and start it again.",
                        )
                    yield _PostgresTx(connection, self.url, token)
                    try:
                        connection.commit()
                    except DBAPIError as error:
                        raise translate(error, self.url, token) from None
                    self._changes += 1
            finally:
                self._write_thread = None

    # --- notices and upkeep ----------------------------------------------------------------------------------------

    def _listen(self) -> Connection:
        """Open the connection that hears of commits. Where a pooler stands between, only this process's are heard."""
        from psycopg import Error as DriverError
        from sqlalchemy.exc import DBAPIError

        try:
            connection = self._reading.connect()
            driver = _raw(connection)
            driver.rollback()
            driver.autocommit = True
            driver.execute(f"LISTEN {_CHANNEL}")
            row = driver.execute("SELECT current_schema()").fetchone()
        except (DBAPIError, DriverError) as error:
            raise translate(error, self.url) from None
        self._schema = row[0] if row else ""
        self._watch = connection
        return connection

    def change_counter(self) -> int:
        """A number that differs when any process, this one included, has committed since; asks no server."""
        from psycopg import Error as DriverError

        with self._watch_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            watch = self._watch
            if watch is None:
                # What was committed while nobody listened is unknown, so it counts as a change.
                watch = self._listen()
                self._changes += 1
            try:
                for notice in _raw(watch).notifies(timeout=0):
                    if notice.payload == self._schema and notice.pid not in self._own:
                        self._changes += 1
            except DriverError as error:
                self._watch = None
                watch.invalidate()
                watch.close()
                raise translate(error, self.url) from None
            return self._changes

    def optimize(self) -> None:
        """Refresh the planner's statistics; for the end of an import.

        Raises:
            StoreError: the server cannot be reached.
        """
        if self.read_only:
            return
        with self._write_lock, self._borrow(self._writing, None) as connection:
            self._run(connection, f"ANALYZE {', '.join(_ANALYZED)}")
            connection.commit()

    def give_back(self) -> bool:
        """Do nothing: the server sees to that itself."""
        return False

    def compact(self) -> str | None:
        """Vacuum the tables, statistics included; return what is left to the server's administrator.

        Raises:
            StoreReadOnly: this store may only be read.
            StoreError: the server cannot be reached.
        """
        from psycopg import Error as DriverError

        if self.read_only_reason is not None:
            raise StoreReadOnly(f"This store may only be read: {self.read_only_reason}.")
        with self._write_lock, self._borrow(self._writing, None) as connection:
            driver = _raw(connection)
            driver.rollback()
            driver.autocommit = True
            try:
                rows = driver.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname=current_schema()")
                driver.execute(f"VACUUM (ANALYZE) {', '.join(row[0] for row in rows.fetchall())}".encode())
            except DriverError as error:
                raise translate(error, self.url) from None
            finally:
                driver.autocommit = False
        return (
            "The server's own files, write-ahead log and backups are its administrator's: they hold what was deleted "
            "until it is overwritten."
        )

    def close(self) -> None:
        """Close every connection. Closing twice is harmless."""
        with self._write_lock, self._watch_lock:
            if self._closed:
                return
            self._closed = True
            if self._watch is not None:
                # It listens, so it must not go back to the pool.
                self._watch.invalidate()
                self._watch.close()
                self._watch = None
            self._reading.dispose()
            self._writing.dispose()


# --- opening -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """What `doctor` and `store info` tell of a PostgreSQL store."""

    version: str
    database: str
    schema: str
    user: str
    size: int
    """Bytes of the whole database."""
    encoding: str
    is_replica: bool
    may_write: bool
    """Whether this user has the rights of a writer."""
    step: str
    """The schema's step, as Alembic names it."""


def server(store: PostgresStore) -> Server:
    """Return what there is to know of the server and database of a store.

    Raises:
        StoreError: the server cannot be reached.
    """
    with store.reader() as reader:
        row = reader.one(
            "SELECT current_setting('server_version'), current_database(), current_schema(), current_user, "
            "pg_database_size(current_database()), current_setting('server_encoding'), pg_is_in_recovery(), "
            f"{_MAY_WRITE}, (SELECT version_num FROM alembic_version)"
        )
    return Server(*(row or ()))


def _state(connection: Connection) -> tuple[str | None, str, bool, bool]:
    """Return (step or None for a new database, schema, whether it may be read only, whether it is a store)."""
    row = connection.exec_driver_sql(
        "SELECT current_schema(), current_setting('server_encoding'), pg_is_in_recovery(), "
        "current_setting('default_transaction_read_only')='on', "
        "to_regclass(quote_ident(current_schema()) || '.alembic_version') IS NOT NULL, "
        "to_regclass(quote_ident(current_schema()) || '.meta') IS NOT NULL"
    ).one()
    place, encoding, replica, only_reads, has_history, has_meta = row
    if place is None:
        raise StoreError("The schema to use does not exist.", "Create it, or change search_path in the URL.")
    if encoding != "UTF8":
        raise StoreError(
            f"The database has the encoding {encoding}, which cannot hold every text.",
            "Create one with: createdb --encoding=UTF8 --template=template0 NAME",
        )
    step: str | None = None
    if has_history:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        step = str(found[0]) if found is not None else ""
    return step, str(place), bool(replica or only_reads), has_history == has_meta


def _read_only_reason(connection: Connection, user_only_reads: bool) -> str | None:
    if user_only_reads:
        return "the server is a replica or lets this user only read"
    may = connection.exec_driver_sql(f"SELECT {_MAY_WRITE}, current_user").one()
    return None if may[0] else f"the database user {may[1]} may not write its tables"


def _upgrade(engine: Engine, scripts: Path, version: int) -> None:
    """Run the missing steps in one transaction, one process at a time; a step that fails leaves all as it was."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(current_schema()))")
        migrations.upgrade(connection, scripts)
        connection.exec_driver_sql(
            "INSERT INTO meta(key, value) VALUES ('readable_from', %(v)s) "
            "ON CONFLICT (key) DO UPDATE SET value=excluded.value",
            {"v": str(min(schema.READABLE_FROM, version))},
        )


def open_postgres(
    url: str,
    *,
    create: bool = True,
    read_only: bool = False,
    version: int = schema.SCHEMA_VERSION,
    scripts: Path = migrations.HERE,
) -> PostgresStore:
    """Open the store in a PostgreSQL database; set it up when it is empty and `create`, upgrade it when it is older.

    Upgrades are one transaction. No backup is made: whoever runs the server does that with pg_dump.

    Raises:
        NotFound: there is no such database, or it holds no store and `create` is off.
        UsageError: the URL is none, or the driver is not installed.
        StoreOutdated: its schema does not fit this program.
        StoreError: the server cannot be reached, or the database belongs to another program.
    """
    from sqlalchemy.exc import DBAPIError

    shown = mask_url(url)
    reading, writing = _engine(url, writes=False), _engine(url, writes=True)
    try:
        try:
            step, reason = _prepare(shown, writing, create, read_only, version, scripts)
        except DBAPIError as error:
            raise translate(error, shown) from None
        return PostgresStore(url, step, reading, writing, read_only_reason=reason)
    except BaseException:
        reading.dispose()
        writing.dispose()
        raise


def _prepare(
    shown: str, engine: Engine, create: bool, read_only: bool, version: int, scripts: Path
) -> tuple[str, str | None]:
    """Bring the database to the program's schema; return its step and why it may only be read."""
    with engine.connect() as connection:
        step, place, only_reads, is_store = _state(connection)
        if not is_store or (step is not None and not step.isdigit()):
            raise StoreError(
                f"The schema {place} of {shown} is used by another program.",
                "Give aa-tui a database of its own, or a schema: ?options=-csearch_path%3DNAME",
            )
        reason = "opened with --read-only" if read_only else None
        if step is not None:
            reason = reason or _read_only_reason(connection, only_reads)
        if step is not None and int(step) > version:
            row = connection.exec_driver_sql("SELECT value FROM meta WHERE key='readable_from'").first()
            if row is None or not str(row[0]).isdigit() or int(row[0]) > version:
                raise StoreOutdated(
                    f"{shown} was written by a newer version of this program (schema {int(step)}, this one knows "
                    f"{version}).",
                    "Update aa-tui, or choose another store with --store.",
                )
            reason = f"it was written by a newer version (schema {int(step)}); update aa-tui to change it"
    if step is None and (read_only or not create):
        raise NotFound(f"There is no store at {shown}.", "Import something, or choose another with --store.")
    if step is not None and int(step) >= version:
        return step, reason
    if step is not None and reason is not None:
        raise StoreOutdated(
            f"{shown} has schema {int(step)}; this program needs {version} and may not upgrade it ({reason}).",
            "Ask its owner to open it once with this version of aa-tui, after a backup with pg_dump.",
        )
    _set_up(shown, engine, step, version, scripts)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
        return str(found[0]), None


def _set_up(shown: str, engine: Engine, step: str | None, version: int, scripts: Path) -> None:
    try:
        _upgrade(engine, scripts, version)
    except Exception as error:
        known = translate(error, shown)
        if step is None:
            raise StoreError(
                f"{shown} could not be set up; it is unchanged. {known.message}",
                "The user needs the right to create tables in an empty schema.",
            ) from None
        raise StoreOutdated(
            f"{shown} could not be brought from schema {int(step)} to {version}; it is unchanged. {known.message}",
            "Please report this. Make a backup with pg_dump before you try another version.",
        ) from None
