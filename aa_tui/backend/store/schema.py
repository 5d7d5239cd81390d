"""Bringing a store's file to the current schema: creating it in one step, upgrading it behind a backup. No queries.

Imports SQLAlchemy and Alembic only when there is something to do: a current store is recognised by its header.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from aa_tui.backend.store import migrations
from aa_tui.backend.store import sqlite as engine
from aa_tui.backend.support.errors import StoreError, StoreOutdated

SCHEMA_VERSION = 1
"""The schema this program writes; equal to `tables.SCHEMA_VERSION`, which cannot be read without SQLAlchemy."""
READABLE_FROM = 1
"""The oldest program (by its schema) that reads this schema rightly; lower than SCHEMA_VERSION after additive steps."""


def _migrate(path: Path, version: int, scripts: Path, synchronous: str) -> None:
    """Run the missing steps in one transaction: after a kill the file has either schema, never half of one."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=engine.BUSY_TIMEOUT_S, isolation_level=None)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        return connection

    alchemy = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(alchemy, "begin")
    def _begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    with alchemy.begin() as connection:
        migrations.upgrade(connection, scripts)
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO meta(key, value) VALUES ('readable_from', ?)", (str(min(READABLE_FROM, version)),)
        )
        connection.exec_driver_sql(f"PRAGMA user_version={version}")
    alchemy.dispose()


def create_schema(path: Path, *, mode: int = 0o600, scripts: Path = migrations.HERE) -> None:
    """Create a new store at `path` with file mode `mode`; when another process was quicker, its store stays.

    It is built beside its place and moved there whole, so that nobody ever sees half a schema.

    Raises:
        StoreError: the folder may not be written or the disk is full.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode))
        draft.chmod(mode)
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA page_size={engine.PAGE_SIZE}")
            # Can only be chosen now: requests that were received leave a lot of room behind them.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute(f"PRAGMA application_id={engine.APPLICATION_ID}")
        _migrate(draft, SCHEMA_VERSION, scripts, "OFF")
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        _sync(draft)
        _move_into_place(draft, path)
    except sqlite3.Error as error:
        raise engine.translate(error, path) from error
    except OSError as error:
        raise StoreError(
            f"Cannot create the store {path}: {error.strerror}.", "Choose another place with --store."
        ) from error
    finally:
        for leftover in (draft, *(draft.with_name(draft.name + end) for end in ("-wal", "-shm", "-journal"))):
            with suppress(FileNotFoundError):
                leftover.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_into_place(draft: Path, path: Path) -> None:
    if path.exists() and path.stat().st_size == 0:
        # An empty file somebody made beforehand (mktemp, touch) is taken as the wish to have the store there.
        draft.replace(path)
        return
    with suppress(FileExistsError):
        os.link(draft, path)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the upgrade lock: one on the folder, which every member can open and the system frees when we die."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def backup(path: Path, target: Path) -> None:
    """Write a consistent copy of a store, log included, to a new file with the store's mode.

    Raises:
        StoreError: there is not enough room, or the copy failed; nothing is left behind.
    """
    import shutil

    needed = path.stat().st_size
    if shutil.disk_usage(target.parent).free < needed * 1.05:
        raise StoreError(
            f"Not enough room for a backup of {path} in {target.parent} ({needed / 1e6:.0f} MB needed).",
            "Free some disk space, then try again.",
        )
    draft = target.with_name(target.name + ".part")
    try:
        with closing(sqlite3.connect(path, timeout=engine.BUSY_TIMEOUT_S, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(draft),))
        draft.chmod(stat.S_IMODE(path.stat().st_mode))
        _sync(draft)
        draft.replace(target)
    except sqlite3.Error as error:
        raise engine.translate(error, target) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def upgrade_schema(path: Path, *, version: int = SCHEMA_VERSION, scripts: Path = migrations.HERE) -> Path | None:
    """Bring an older store to `version` after a backup beside it; return the backup, None when it already was.

    Raises:
        StoreError: no room for the backup, or a step failed; the store is as it was.
    """
    try:
        with _one_at_a_time(path):
            found = (engine.header_version(path) or (0, 0))[1]
            if found >= version:
                return None
            when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            kept = path.with_name(f"{path.name}.schema-{found}.{when}.backup")
            backup(path, kept)
            try:
                _migrate(path, version, scripts, "FULL")
            except Exception as error:
                raise StoreOutdated(
                    f"{path} could not be brought from schema {found} to {version} ({error}); it is unchanged.",
                    f"A backup is {kept}. Please report this.",
                ) from error
            return kept
    except sqlite3.Error as error:
        raise engine.translate(error, path) from error
    except OSError as error:
        raise StoreError(f"Cannot upgrade {path}: {error.strerror}.", "Check that you may write its folder.") from error
