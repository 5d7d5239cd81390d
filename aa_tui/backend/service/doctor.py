"""What could be wrong with this installation, check by check, each with what to do. Changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aa_tui.backend.service import stores
from aa_tui.backend.store import filesystem, inbox, schema, sharing
from aa_tui.backend.store import sqlite as engine
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support import paths
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled, NotFound
from aa_tui.backend.support.humanize import size
from aa_tui.backend.support.settings import load_settings_light

OK, WARN, FAIL = "ok", "warn", "fail"
WAL_RESET_FIXED = (3, 51, 3)
_QUICK_CHECK_SECONDS = 20.0
_MIN_FREE = 500_000_000
_MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    id: str
    title: str
    status: str
    """`ok`, `warn` or `fail`."""
    detail: str
    advice: str = ""
    """What to do; empty when there is nothing to do."""


def examine(url: str | None = None, environment: Mapping[str, str] | None = None) -> list[Check]:
    """Look at the store `url` (or the default one), this host, the settings and the terminal; never raises.

    Args:
        environment: in place of the process's, for the terminal's checks.
    """
    checks = _settings()
    terminal = _terminal(os.environ if environment is None else environment)
    url = url or stores.default_store_url()
    if stores.is_database(url):
        return [*checks, *_database(url), *terminal]
    try:
        path = stores.store_path(url)
    except AAError as error:
        return [*checks, Check("store", "Store", FAIL, error.message, error.hint or ""), *terminal]
    checks += [_file_system(path), *_store_file(path), _sqlite_version(), _search(), _disk(path)]
    return [*checks, *terminal]


def _settings() -> list[Check]:
    loaded = load_settings_light()
    files = ", ".join(str(one) for one in (paths.host_settings_file(), paths.settings_file()) if one.exists())
    if not loaded.problems:
        return [Check("settings", "Settings", OK, files or "no settings file, all defaults")]
    return [
        Check("settings", "Settings", WARN, str(problem), "Correct or remove it; the default is used meanwhile.")
        for problem in loaded.problems
    ]


def _file_system(path: Path) -> Check:
    mount = filesystem.mount_of(path)
    if mount is None:
        return Check("filesystem", "File system", WARN, f"cannot tell what {path} lies on", "Use a local disk.")
    detail = f"{mount.kind} at {mount.point}"
    try:
        filesystem.refuse_network(path)
    except AAError as error:
        return Check("filesystem", "File system", FAIL, detail, error.hint or "")
    return Check("filesystem", "File system", OK, detail)


def _store_file(path: Path) -> list[Check]:
    if not path.exists():
        return [Check("store", "Store", OK, f"{path} does not exist yet", "The first import or start makes it.")]
    try:
        reason = engine.read_only_reason(path)
        modes = _modes(path)
        store = stores.open_store(str(path), create=False, read_only=True)
    except AAError as error:
        return [Check("store", "Store", FAIL, error.message, error.hint or "")]
    checks = [
        Check(
            "store",
            "Store",
            WARN if reason else OK,
            f"{path}, {'read-only: ' + reason if reason else 'writable'}",
            "Ask its owner for write access, or choose another with --store." if reason else "",
        ),
        modes,
    ]
    try:
        with store.reader() as reader:
            version = int((reader.one("PRAGMA user_version") or (0,))[0])
        current = version == schema.SCHEMA_VERSION
        checks.append(
            Check(
                "schema",
                "Schema",
                OK if current else WARN,
                f"version {version}, this program writes {schema.SCHEMA_VERSION}",
                "" if current else "Update aa-tui." if version > schema.SCHEMA_VERSION else "Opening it upgrades it.",
            )
        )
        checks += [_integrity(store), _log_size(path), _received(store)]
    except AAError as error:
        checks.append(Check("schema", "Schema", FAIL, error.message, error.hint or ""))
    finally:
        store.close()
    return checks


def _database(url: str) -> list[Check]:
    """Look at a store in PostgreSQL; its server's disk and settings are its administrator's business."""
    from aa_tui.backend.store import postgres

    shown = postgres.mask_url(url)
    try:
        store = postgres.open_postgres(url, create=False, read_only=True)
    except NotFound as error:
        if "no store" in error.message:
            return [Check("store", "Store", OK, f"{shown} holds no store yet", "The first import or start makes it.")]
        return [Check("store", "Store", FAIL, error.message, error.hint or "")]
    except AAError as error:
        return [Check("store", "Store", FAIL, error.message, error.hint or "")]
    try:
        found = postgres.server(store)
        writes = found.may_write and not found.is_replica
        may = "writable" if writes else "read-only: a replica" if found.is_replica else "read-only"
        return [
            Check(
                "store",
                "Store",
                OK if writes else WARN,
                f"{shown}, {may}, as user {found.user}, schema {found.schema}",
                "" if writes else "Ask its owner for the rights of a writer, or choose another with --store.",
            ),
            Check("server", "Server", OK, f"PostgreSQL {found.version}, encoding {found.encoding}"),
            Check("schema", "Schema", OK, f"version {int(found.step)}, this program writes {schema.SCHEMA_VERSION}"),
            Check("size", "Size", OK, f"database {found.database}, {size(found.size)}"),
            Check(
                "backup",
                "Backup",
                OK,
                "aa-tui makes none of a database, also before an upgrade",
                f"Run regularly: pg_dump --format=custom --file=aa-tui.dump {found.database}",
            ),
            _received(store),
        ]
    except AAError as error:
        return [Check("store", "Store", FAIL, error.message, error.hint or "")]
    finally:
        store.close()


def _modes(path: Path) -> Check:
    folder = path.parent.stat()
    shared = bool(folder.st_mode & stat.S_IWGRP)
    files = [one for one in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))) if one.exists()]
    detail = f"{'shared with its group' if shared else 'private'}: folder {engine.owner_text(path.parent)}"
    wrong = []
    for file in files:
        status = file.stat()
        mode = stat.S_IMODE(status.st_mode)
        if shared and (mode & 0o660 != 0o660 or status.st_gid != folder.st_gid):
            wrong.append(f"{file.name} ({engine.owner_text(file)}) is not shared")
        if mode & 0o006:
            wrong.append(f"{file.name} is open to everybody ({mode:04o})")
    if shared and not folder.st_mode & stat.S_ISGID:
        wrong.append("the folder does not hand its group on (setgid missing)")
    if folder.st_mode & stat.S_IWOTH:
        wrong.append("everybody may write the folder")
    if not wrong:
        return Check("modes", "Group and modes", OK, detail)
    if shared:
        advice = (
            f"chmod {sharing.FOLDER_MODE:o} {path.parent} && chmod {sharing.FILE_MODE:o} {path}* "
            f"&& chgrp -R GROUP {path.parent}"
        )
    else:
        advice = f"chmod {sharing.PRIVATE_FOLDER_MODE:o} {path.parent} && chmod {sharing.PRIVATE_FILE_MODE:o} {path}*"
    return Check("modes", "Group and modes", WARN, f"{detail}; {'; '.join(wrong)}", advice)


def _integrity(store: object) -> Check:
    assert isinstance(store, engine.SqliteStore)
    try:
        with store.reader(CancelToken(_QUICK_CHECK_SECONDS)) as reader:
            found = [str(row[0]) for row in reader.fetch("PRAGMA quick_check(3)")]
    except Cancelled:
        return Check(
            "integrity",
            "Integrity",
            WARN,
            f"not finished in {_QUICK_CHECK_SECONDS:.0f} s",
            "Ask again when it is idle.",
        )
    if found == ["ok"]:
        return Check("integrity", "Integrity", OK, "quick check passed")
    return Check(
        "integrity",
        "Integrity",
        FAIL,
        "; ".join(found),
        "Stop all programs that use it, copy it, and restore a backup or import again into a new --store.",
    )


def _received(store: Store) -> Check:
    """Look at what receivers could not use and at what waits; requests never wait long where a receiver runs."""
    with store.reader() as reader:
        waiting = inbox.load(reader).items
        refused = inbox.problems(reader)
    detail = f"{waiting} received items wait to be stored as events"
    if not refused:
        return Check("receiving", "Receiving", OK, detail, "Start `aa-tui serve` to store them." if waiting else "")
    counts = ", ".join(f"{row[3]} {row[1]}: {row[2]}" for row in refused[:_MOST_PROBLEMS])
    more = "" if len(refused) <= _MOST_PROBLEMS else f" and {len(refused) - _MOST_PROBLEMS} more reasons"
    advice = "Correct the senders; what was refused was not stored."
    return Check("receiving", "Receiving", WARN, f"{detail}; not usable so far: {counts}{more}", advice)


def _log_size(path: Path) -> Check:
    log = path.with_name(path.name + "-wal")
    held = log.stat().st_size if log.exists() else 0
    detail = f"store {size(path.stat().st_size)}, log {size(held)}"
    if held > 2 * engine.JOURNAL_SIZE_LIMIT:
        return Check("size", "Size", WARN, detail, "Some program reads without end; close it and the log shrinks.")
    return Check("size", "Size", OK, detail)


def _sqlite_version() -> Check:
    version = sqlite3.sqlite_version
    if (3, 7, 0) <= sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        return Check(
            "sqlite",
            "SQLite",
            WARN,
            f"{version} has the WAL-reset bug of 3.7.0 to 3.51.2 (two connections checkpointing at once can corrupt a "
            "store); aa-tui lets only one connection of all processes checkpoint",
            "Open the store with aa-tui alone, or use a Python linked with SQLite 3.51.3 or newer.",
        )
    return Check("sqlite", "SQLite", OK, version)


def _search() -> Check:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(a)")
    except sqlite3.Error as error:
        return Check("search", "Search", FAIL, f"SQLite without FTS5 ({error})", "Use another build of Python.")
    finally:
        connection.close()
    return Check("search", "Search", OK, "FTS5 is there")


def _disk(path: Path) -> Check:
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{size(free)} free at {folder}"
    if free < _MIN_FREE:
        return Check("disk", "Disk", WARN, detail, "Free some space before the next import.")
    return Check("disk", "Disk", OK, detail)


def _terminal(environment: Mapping[str, str]) -> list[Check]:
    terminal = environment.get("TERM", "")
    if terminal in {"", "dumb"}:
        term = Check("terminal", "Terminal", WARN, f"TERM is “{terminal}”", "The app needs a real terminal.")
    else:
        colours = environment.get("COLORTERM", "") or "not set"
        columns, lines = shutil.get_terminal_size()
        detail = f"TERM {terminal}, COLORTERM {colours}, {columns}×{lines}"
        small = columns < 60 or lines < 20
        term = Check("terminal", "Terminal", WARN if small else OK, detail, "Make it at least 60×20." if small else "")
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding == "utf8":
        return [term, Check("encoding", "Encoding", OK, "UTF-8")]
    return [
        term,
        Check("encoding", "Encoding", WARN, sys.stdout.encoding or "unknown", "Use a UTF-8 locale, or --ascii."),
    ]
