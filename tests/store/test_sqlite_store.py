"""The SQLite engine under load, kill, full disk, cancellation and missing rights. No query of the product."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aa_tui.backend.service.stores import open_store
from aa_tui.backend.store import sqlite as engine
from aa_tui.backend.store.sqlite import SqliteStore
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Cancelled, NotFound, StoreError, StoreOutdated, StoreReadOnly, UsageError

FORK = multiprocessing.get_context("fork")
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 100000000) SELECT COUNT(*) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = open_store(str(path))
    assert isinstance(opened, SqliteStore)
    yield opened
    opened.close()


def put(store: SqliteStore, key: str, value: str = "x") -> None:
    with store.write() as tx:
        tx.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (:k, :v)", {"k": key, "v": value})


def value(store: SqliteStore, key: str) -> str | None:
    with store.reader() as reader:
        row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": key})
        return None if row is None else str(row[0])


def test_a_writer_gets_in_between_the_batches_of_another(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held for 150 ms, free for 30: SQLite's own looks, 100 ms apart, find the lock taken for seconds."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 10.0)
    held, over = threading.Event(), threading.Event()

    def import_batches() -> None:
        with closing(open_store(str(path))) as other:
            while not over.is_set():
                with other.write() as tx:
                    tx.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('batch', '1')")
                    held.set()
                    time.sleep(0.15)
                time.sleep(0.03)

    worker = threading.Thread(target=import_batches)
    worker.start()
    try:
        for _ in range(3):
            held.clear()
            assert held.wait(10)
            began = time.monotonic()
            with store.write() as tx:
                tx.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('mine', '1')")
            assert time.monotonic() - began < 10
    finally:
        over.set()
        worker.join()


def test_new_store_has_the_promised_shape(store: SqliteStore, path: Path) -> None:
    with store.reader() as reader:
        assert reader.one("PRAGMA journal_mode") == ("wal",)
        assert reader.one("PRAGMA page_size") == (8192,)
        assert reader.one("PRAGMA application_id") == (engine.APPLICATION_ID,)
    with store.write(durable=True) as tx:
        assert tx.one("PRAGMA synchronous") == (2,)
        assert tx.one("PRAGMA busy_timeout") == (30_000,)
    with store.write() as tx:
        assert tx.one("PRAGMA synchronous") == (1,)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(path.parent.glob(".store.db.*")), "the draft is cleared away"


def test_search_index_folds_accents_and_forgets(store: SqliteStore) -> None:
    text = "Crème brûlée for Zoë"
    with store.write() as tx:
        tx.execute("INSERT INTO session_fts(rowid, document) VALUES (7, :d)", {"d": text})
    with store.reader() as reader:
        assert reader.fetch("SELECT rowid FROM session_fts WHERE session_fts MATCH '\"creme\"'") == [(7,)]
    with store.write() as tx:
        tx.execute("INSERT INTO session_fts(session_fts, rowid, document) VALUES ('delete', 7, :d)", {"d": text})
    with store.reader() as reader:
        assert reader.fetch("SELECT rowid FROM session_fts WHERE session_fts MATCH '\"creme\"'") == []


def test_exception_rolls_back_and_the_store_goes_on(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError), store.write() as tx:
        tx.execute("INSERT INTO meta(key, value) VALUES ('a', '1')")
        raise RuntimeError
    assert value(store, "a") is None
    put(store, "a", "2")
    assert value(store, "a") == "2"


def test_failing_statement_is_a_store_error(store: SqliteStore) -> None:
    put(store, "a")
    with pytest.raises(StoreError, match="UNIQUE"), store.write() as tx:
        tx.execute("INSERT INTO meta(key, value) VALUES ('a', '1')")
    with pytest.raises(StoreError, match="no such table"), store.reader() as reader:
        reader.fetch("SELECT * FROM nowhere")


def test_write_inside_a_write_is_refused_instead_of_hanging(store: SqliteStore) -> None:
    with store.write(), pytest.raises(StoreError, match="inside a write"), store.write():
        pass


def test_one_borrow_is_one_snapshot(store: SqliteStore) -> None:
    put(store, "a", "old")
    with store.reader() as reader:
        assert reader.one("SELECT value FROM meta WHERE key='a'") == ("old",)
        put(store, "a", "new")
        assert reader.one("SELECT value FROM meta WHERE key='a'") == ("old",)
    assert value(store, "a") == "new"


def test_reader_cannot_write(store: SqliteStore) -> None:
    with store.reader() as reader, pytest.raises(StoreReadOnly):
        reader.fetch("INSERT INTO meta(key, value) VALUES ('a', '1') RETURNING key")


def test_stream_gives_chunks(store: SqliteStore) -> None:
    with store.write() as tx:
        tx.executemany("INSERT INTO meta(key, value) VALUES (:k, '')", [{"k": f"k{i:03}"} for i in range(250)])
    with store.reader() as reader:
        chunks = list(reader.stream("SELECT key FROM meta WHERE key LIKE 'k%' ORDER BY key", size=100))
    assert [len(chunk) for chunk in chunks] == [100, 100, 50]


def test_cancel_interrupts_a_running_statement_and_the_connection_is_reused(store: SqliteStore) -> None:
    token = CancelToken()
    timer = threading.Timer(0.1, token.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled), store.reader(token) as reader:
        reader.fetch(SLOW)
    assert time.monotonic() - began < 10
    timer.join()
    with store.reader() as reader:
        assert reader.one("SELECT 1") == (1,)


def test_deadline_interrupts_a_running_statement(store: SqliteStore) -> None:
    began = time.monotonic()
    with pytest.raises(Cancelled), store.reader(CancelToken(timeout_s=0.1)) as reader:
        reader.fetch(SLOW)
    assert time.monotonic() - began < 10


def test_cancelled_token_stops_before_the_first_statement(store: SqliteStore) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled), store.reader(token):
        pass
    with pytest.raises(Cancelled), store.write(token=token) as tx:
        tx.execute("DELETE FROM meta")
    assert value(store, "readable_from") == "1"


def test_change_counter_sees_own_and_foreign_commits(store: SqliteStore, path: Path) -> None:
    before = store.change_counter()
    assert store.change_counter() == before
    put(store, "a")
    mine = store.change_counter()
    assert mine != before
    other = open_store(str(path))
    assert isinstance(other, SqliteStore)
    put(other, "b")
    other.close()
    assert store.change_counter() != mine


def test_only_the_lease_holder_checkpoints(store: SqliteStore, path: Path) -> None:
    put(store, "a")
    other = open_store(str(path))
    assert isinstance(other, SqliteStore)
    try:
        with store.write() as tx:
            assert tx.one("PRAGMA wal_autocheckpoint") == (engine.CHECKPOINT_PAGES,)
        with other.write() as tx:
            assert tx.one("PRAGMA wal_autocheckpoint") == (0,)
        assert store.checkpoint()
        assert not other.checkpoint()
    finally:
        other.close()


def test_expired_lease_is_taken_over(store: SqliteStore, path: Path) -> None:
    put(store, engine.LEASE_KEY, '{"owner": "gone", "until_ms": 1}')
    other = open_store(str(path))
    assert isinstance(other, SqliteStore)
    try:
        with other.write() as tx:
            assert tx.one("PRAGMA wal_autocheckpoint") == (engine.CHECKPOINT_PAGES,)
    finally:
        other.close()


def test_room_that_nothing_needs_goes_back_to_the_file_system(store: SqliteStore, path: Path) -> None:
    assert not store.give_back()
    with store.write() as tx:
        tx.execute("CREATE TABLE big(id INTEGER PRIMARY KEY, text TEXT)")
        tx.executemany("INSERT INTO big VALUES (:n, :t)", [{"n": n, "t": "x" * 8_000} for n in range(1_000)])
    store.checkpoint()
    before = path.stat().st_size
    with store.write() as tx:
        tx.execute("DELETE FROM big WHERE id % 10 <> 7")
    for _ in range(9):
        if not store.give_back():
            break
    else:
        raise AssertionError("it never ends")
    store.checkpoint()
    assert path.stat().st_size < before * 2 / 3
    with store.reader() as reader:
        assert reader.one("SELECT COUNT(*), SUM(LENGTH(text)) FROM big") == (100, 800_000)
        assert reader.one("PRAGMA integrity_check") == ("ok",)


def test_close_leaves_one_file_and_can_be_repeated(path: Path) -> None:
    store = open_store(str(path))
    assert isinstance(store, SqliteStore)
    put(store, "a")
    store.close()
    store.close()
    assert sorted(one.name for one in path.parent.iterdir()) == ["store.db"]
    with pytest.raises(StoreError, match="closed"), store.reader():
        pass


def _add_one(path: Path, times: int, failures: object) -> None:
    store = open_store(str(path))
    for _ in range(times):
        try:
            with store.write() as tx:
                row = tx.one("SELECT value FROM meta WHERE key='n'")
                assert row is not None
                tx.execute("UPDATE meta SET value=:v WHERE key='n'", {"v": str(int(row[0]) + 1)})
        except StoreError:
            with failures.get_lock():  # type: ignore[attr-defined]
                failures.value += 1  # type: ignore[attr-defined]
    store.close()


def test_four_writing_processes_lose_nothing(path: Path) -> None:
    store = open_store(str(path))
    assert isinstance(store, SqliteStore)
    put(store, "n", "0")
    store.close()
    failures = FORK.Value("i", 0)
    writers = [FORK.Process(target=_add_one, args=(path, 200, failures)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    store = open_store(str(path))
    assert isinstance(store, SqliteStore)
    assert (failures.value, value(store, "n")) == (0, "800")
    with store.reader() as reader:
        assert reader.one("PRAGMA integrity_check") == ("ok",)
    store.close()


_WRITE_FOREVER = """
import sys
from aa_tui.backend.service.stores import open_store
store = open_store(sys.argv[1])
n = 0
while True:
    with store.write() as tx:
        tx.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('left', :v)", {"v": str(n)})
        tx.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('right', :v)", {"v": str(n)})
    n += 1
    if n == 1:
        print("going", flush=True)
"""


def test_kill_between_statements_leaves_whole_transactions(path: Path) -> None:
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOREVER, str(path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert child.stdout is not None and child.stdout.readline() == b"going\n"
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        store = open_store(str(path))
        assert isinstance(store, SqliteStore)
        left, right = value(store, "left"), value(store, "right")
        assert left is not None and left == right
        with store.reader() as reader:
            assert reader.one("PRAGMA quick_check") == ("ok",)
        put(store, "after", "kill")
        store.close()


def test_full_disk_is_said_and_harms_nothing(store: SqliteStore) -> None:
    put(store, "before")
    with pytest.raises(StoreError, match="No space left"), store.write() as tx:
        pages = tx.one("PRAGMA page_count")
        assert pages is not None
        tx.fetch(f"PRAGMA max_page_count={pages[0] + 4}")
        for number in range(100):
            tx.execute("INSERT INTO meta(key, value) VALUES (:k, :v)", {"k": f"big{number}", "v": "y" * 50_000})
    assert value(store, "big0") is None
    put(store, "after")
    assert (value(store, "before"), value(store, "after")) == ("x", "x")


def test_damaged_file_is_named_with_a_way_out(path: Path) -> None:
    path.write_bytes(b"this is no database, only some text that is long enough to be one" * 10)
    with pytest.raises(StoreError, match="damaged or not a store"):
        open_store(str(path))


def test_foreign_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes(a)")
    with pytest.raises(StoreError, match="another program"):
        open_store(str(path))


def test_missing_store_is_not_created_for_reading(path: Path) -> None:
    with pytest.raises(NotFound):
        open_store(str(path), create=False)
    with pytest.raises(NotFound):
        open_store(str(path), read_only=True)
    assert not path.exists()


@pytest.mark.parametrize("url", ["mysql://host/db", ":memory:", "sqlite://"])
def test_what_is_no_file_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url)


def test_url_forms_name_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in (f"sqlite:///{tmp_path}/my%20store.db", "my store.db", "sqlite:///my store.db"):
        store = open_store(url)
        assert isinstance(store, SqliteStore)
        assert store.path == tmp_path / "my store.db"
        store.close()


def test_read_only_on_request(path: Path) -> None:
    open_store(str(path)).close()
    store = open_store(str(path), read_only=True)
    assert store.read_only
    with pytest.raises(StoreReadOnly, match="--read-only"), store.write():
        pass
    store.close()


def _as_somebody_else(work: Callable[[], None]) -> int:
    """Run `work` in a child as an unprivileged user; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("log_beside", [False, True])
def test_store_one_may_not_write_opens_read_only_in_words(log_beside: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = open_store(str(path))
        assert isinstance(store, SqliteStore)
        put(store, "a", "seen")
        if not log_beside:
            store.close()
        for file in path.parent.iterdir():
            file.chmod(0o444)
        path.parent.chmod(0o555)

        def look() -> None:
            mine = open_store(str(path))
            assert isinstance(mine, SqliteStore)
            assert mine.read_only_reason is not None
            assert "may not write" in mine.read_only_reason and "0444" in mine.read_only_reason
            assert value(mine, "a") == "seen"
            with pytest.raises(StoreReadOnly), mine.write():
                pass
            mine.close()

        try:
            assert _as_somebody_else(look) == 0
        finally:
            path.parent.chmod(0o755)
            store.close()


def test_store_upgraded_under_an_open_program_is_not_written(store: SqliteStore, path: Path) -> None:
    put(store, "a")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreOutdated, match="while it was open"):
        put(store, "b")
