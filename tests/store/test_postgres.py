"""The PostgreSQL engine by itself, and the same data in it and in SQLite: whatever is asked is answered alike."""

from __future__ import annotations

import dataclasses
import json
import logging
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.outcomes import bordered
from aa_tui.backend.ingest.writer import Writer
from aa_tui.backend.model.event import ImportedLabel, ImportedResult
from aa_tui.backend.model.filter import Filter, parse_filter, parse_sort
from aa_tui.backend.query.readmodels import ProjectInfo
from aa_tui.backend.service import doctor, upkeep
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import demo_store_url, open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import migrations, search_words
from aa_tui.backend.store.engine import Store
from aa_tui.backend.store.postgres import PostgresStore, mask_url, open_postgres
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import FrozenClock
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
from tests import hostile
from tests.builders import NOW_MS, session, workspace
from tests.ingest_state import contents_of
from tests.postgres_server import OWNER, Server, running

WIRE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "amplitude_sdk_wire"
SECRET = "s3cret-password"
SLOW = "SELECT COUNT(*) FROM generate_series(1, 1000000000)"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    return server.place()


@pytest.fixture
def alone(server: Server) -> tuple[str, str]:
    """A database of its own and the URL of its store."""
    name = server.database()
    return name, server.url(name)


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    opened = open_store(url)
    assert isinstance(opened, PostgresStore)
    yield opened
    opened.close()


def put(store: Store, key: str, value: str = "x") -> None:
    with store.write() as tx:
        tx.execute(
            "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            {"k": key, "v": value},
        )


def value(store: Store, key: str) -> str | None:
    with store.reader() as reader:
        row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": key})
        return None if row is None else str(row[0])


# --- the engine ----------------------------------------------------------------------------------------------------


def test_writes_commit_whole_or_not_at_all(store: PostgresStore) -> None:
    put(store, "a", "1")
    with pytest.raises(ValueError, match="no"), store.write(durable=True) as tx:
        assert tx.execute("UPDATE meta SET value='2' WHERE key='a'") == 1
        raise ValueError("no")
    assert value(store, "a") == "1"
    with pytest.raises(StoreError, match="inside a write"), store.write(), store.write():
        pass
    put(store, "a", "3")
    assert value(store, "a") == "3"


def test_values_come_back_as_from_sqlite(store: PostgresStore) -> None:
    with store.write() as tx:
        tx.executemany(
            "INSERT INTO rollup_session(project_id, bucket, agent, sessions, turns) VALUES (1, :b, 'a', :n, :t)",
            [{"b": n, "n": 3_000_000_000 + n, "t": True} for n in range(3)],
        )
    with store.reader() as reader:
        row = reader.one("SELECT SUM(sessions), SUM(turns), AVG(sessions), MIN(agent) FROM rollup_session")
        assert row == (9_000_000_003, 3, 3_000_000_001.0, "a")
        assert row is not None and [type(one) for one in row] == [int, int, float, str]
        assert reader.fetch("SELECT 1 FROM meta WHERE key=:k", {"k": "nul\x00 and \ud800"}) == []
        chunks = list(reader.stream("SELECT generate_series(1, 5)", size=2))
        assert chunks == [[(1,), (2,)], [(3,), (4,)], [(5,)]]


def test_a_reader_sees_one_state_and_cannot_write(store: PostgresStore) -> None:
    put(store, "a", "1")
    with store.reader() as reader:
        assert reader.fetch("SELECT value FROM meta WHERE key='a'") == [("1",)]
        put(store, "a", "2")
        assert reader.fetch("SELECT value FROM meta WHERE key='a'") == [("1",)]
    assert value(store, "a") == "2"
    with store.reader() as reader, pytest.raises(StoreReadOnly, match="may only be read"):
        reader.fetch("DELETE FROM meta RETURNING key")


def test_decisions_wait_for_the_disk_and_imports_do_not(store: PostgresStore, server: Server, url: str) -> None:
    def waits(durable: bool) -> str:
        with store.write(durable=durable) as tx:
            return str((tx.one("SELECT current_setting('synchronous_commit')") or ("",))[0])

    assert (waits(False), waits(True), waits(False)) == ("off", "on", "off")
    server.sql(f"ALTER ROLE {OWNER} SET synchronous_commit = remote_write")
    try:
        other = open_store(url)
        with other.write(durable=True) as tx:
            assert tx.one("SELECT current_setting('synchronous_commit')") == ("remote_write",), "never weaker than set"
        other.close()
    finally:
        server.sql(f"ALTER ROLE {OWNER} RESET synchronous_commit")


def test_writers_of_several_stores_take_turns_and_lose_nothing(store: PostgresStore, url: str) -> None:
    put(store, "n", "0")
    stores = [store, *(open_store(url) for _ in range(3))]

    def count(one: Store) -> None:
        for _ in range(25):
            with one.write() as tx:
                row = tx.one("SELECT value FROM meta WHERE key='n'")
                tx.execute("UPDATE meta SET value=:v WHERE key='n'", {"v": str(int((row or ("0",))[0]) + 1)})

    threads = [threading.Thread(target=count, args=(one,)) for one in stores for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert value(store, "n") == "200"
    for one in stores[1:]:
        one.close()


def test_waiting_for_another_writer_ends_and_can_be_cancelled(store: PostgresStore, url: str) -> None:
    with store.reader() as reader:
        assert reader.one("SELECT current_setting('lock_timeout')") == ("15s",)
    entered, leave = threading.Event(), threading.Event()
    other = open_store(url)

    def hold() -> None:
        with other.write():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(10)
    token = CancelToken()
    threading.Timer(0.3, token.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), store.write(token=token):
        pass
    assert time.monotonic() - began < 10, "waiting for the lock can be cancelled"
    leave.set()
    thread.join(10)
    other.close()


def test_cancelling_stops_a_running_statement_and_spares_the_next(store: PostgresStore) -> None:
    token = CancelToken()
    threading.Timer(0.2, token.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), store.reader(token) as reader:
        reader.one(SLOW)
    assert time.monotonic() - began < 10
    with store.reader() as reader:
        assert reader.one("SELECT 1") == (1,)
    with pytest.raises(Cancelled), store.reader(token):
        pass


def test_cancelling_does_not_keep_the_asking_side_waiting(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    token = CancelToken()
    returned = threading.Event()
    server_asked_after: list[bool] = []
    ask_server = psycopg.Connection.cancel_safe

    def ask_once_returned(self: psycopg.Connection[Any], *, timeout: float) -> None:
        server_asked_after.append(returned.wait(10))
        ask_server(self, timeout=timeout)

    monkeypatch.setattr(psycopg.Connection, "cancel_safe", ask_once_returned)

    def cancel() -> None:
        token.cancel()
        returned.set()

    timer = threading.Timer(0.2, cancel)
    timer.start()
    with pytest.raises(Cancelled), store.reader(token) as reader:
        for _ in reader.stream("SELECT generate_series(1, 1000000000)"):
            pass
    timer.join()
    assert server_asked_after and all(server_asked_after), "it returned while the server was not asked yet"


def test_a_deadline_stops_a_statement(store: PostgresStore) -> None:
    began = time.monotonic()
    with pytest.raises(Cancelled), store.reader(CancelToken(0.3)) as reader:
        reader.one(SLOW)
    assert time.monotonic() - began < 10
    with store.reader() as reader:
        assert reader.one("SELECT current_setting('statement_timeout')") == ("0",)


def test_changes_of_any_process_are_noticed(store: PostgresStore, url: str) -> None:
    before = store.change_counter()
    assert store.change_counter() == before
    put(store, "a")
    mine = store.change_counter()
    assert mine != before
    code = (
        "import sys; from aa_tui.backend.service.stores import open_store; store = open_store(sys.argv[1])\n"
        "with store.write() as tx: tx.execute(\"INSERT INTO meta(key, value) VALUES ('other', 'x')\")"
    )
    done = subprocess.run([sys.executable, "-c", code, url], cwd=Path(__file__).resolve().parents[2], timeout=60)
    assert done.returncode == 0
    until = time.monotonic() + 5
    while store.change_counter() == mine and time.monotonic() < until:
        time.sleep(0.01)
    theirs = store.change_counter()
    assert theirs != mine
    time.sleep(0.1)
    assert store.change_counter() == theirs, "a commit is one change"


def test_a_server_that_goes_away_is_an_error_and_comes_back(server: Server, alone: tuple[str, str]) -> None:
    name, url = alone
    store = open_store(url)
    counted = store.change_counter()
    everybody = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='{name}'"
    with pytest.raises(StoreError, match="No connection"), store.reader() as reader:
        reader.one("SELECT 1")
        server.sql(everybody)
        reader.one("SELECT 1")
    with store.reader() as reader:
        assert reader.one("SELECT 1") == (1,)
    with pytest.raises(StoreError, match="No connection"):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            store.change_counter()
    assert store.change_counter() > counted, "what was missed counts as a change"
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"), store.reader():
        pass


# --- opening -------------------------------------------------------------------------------------------------------


def test_opening_sets_up_and_opening_again_changes_nothing(url: str) -> None:
    with pytest.raises(NotFound, match="no store at"):
        open_store(url, create=False)
    with pytest.raises(NotFound, match="no store at"):
        open_store(url, read_only=True)
    store = open_store(url)
    put(store, "kept")
    store.close()
    again = open_store(url, create=False)
    assert value(again, "kept") == "x" and not again.read_only
    again.close()
    looking = open_store(url, read_only=True)
    with pytest.raises(StoreReadOnly, match="--read-only"):
        put(looking, "a")
    looking.close()


def test_programs_that_start_together_set_up_one_store(url: str) -> None:
    code = "import sys; from aa_tui.backend.service.stores import open_store; open_store(sys.argv[1]).close()"
    root = Path(__file__).resolve().parents[2]
    both = [subprocess.Popen([sys.executable, "-c", code, url], cwd=root) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]


def test_the_history_leads_to_the_tables(store: PostgresStore) -> None:
    from sqlmodel import SQLModel

    from aa_tui.backend.store import tables

    assert tables.SCHEMA_VERSION
    with store.reader() as reader:
        columns = reader.fetch(
            "SELECT table_name, column_name, is_nullable, data_type, collation_name FROM information_schema.columns "
            "WHERE table_schema=current_schema()"
        )
        found = {(row[0], row[1]): row[2:] for row in columns}
        names = reader.fetch("SELECT indexname FROM pg_indexes WHERE schemaname=current_schema()")
        indexes = {row[0] for row in names}
    for table in SQLModel.metadata.sorted_tables:
        assert {one.name for one in table.indexes} <= indexes
        for column in table.columns:
            nullable, kind, collation = found[table.name, column.name]
            assert (nullable == "YES") == bool(column.nullable), (table.name, column.name)
            if kind in ("text", "character varying"):
                assert collation == "C", f"{table.name}.{column.name} is compared by the locale"
            else:
                assert kind in ("bigint", "double precision", "bytea"), (table.name, column.name, kind)


def test_older_store_is_upgraded_in_one_transaction(url: str, tmp_path: Path) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    step = (
        'import sqlalchemy as sa\nfrom alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        'def upgrade():\n    op.add_column("note", sa.Column("colour", sa.String(), server_default="red"))\n'
        "    {more}\n"
    )
    file = scripts / "versions" / "0002_second.py"
    old = open_store(url)
    put(old, "kept")
    file.write_text(step.format(more='op.execute("INSERT INTO nowhere VALUES (1)")'))
    with pytest.raises(StoreOutdated, match="it is unchanged") as failed:
        open_postgres(url, version=2, scripts=scripts)
    assert "pg_dump" in str(failed.value) and SECRET not in str(failed.value)
    with old.reader() as reader:
        assert (
            reader.fetch("SELECT * FROM note LIMIT 0") == []
            and reader.one(
                "SELECT 1 FROM information_schema.columns WHERE column_name='colour' AND table_schema=current_schema()"
            )
            is None
        )
    file.write_text(step.format(more=""))
    new = open_postgres(url, version=2, scripts=scripts)
    assert value(new, "kept") == "x"
    with pytest.raises(StoreOutdated, match="upgraded by a newer version"):
        put(old, "late")
    with pytest.raises(StoreOutdated, match="newer version"):
        put(new, "readable_from", "2")
        open_store(url)
    put(new, "readable_from", "1")
    still = open_store(url)
    assert still.read_only_reason is not None and "newer version" in still.read_only_reason
    for one in (old, new, still):
        one.close()


def test_databases_that_are_not_ours_are_left_alone(server: Server) -> None:
    theirs = server.database()
    server.sql("CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('ab12')", theirs)
    with pytest.raises(StoreError, match="another program"):
        open_store(server.url(theirs))
    mixed = server.database()
    server.sql("CREATE TABLE session (id int)", mixed)
    with pytest.raises(StoreError, match="could not be set up"):
        open_store(server.url(mixed))
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname='public'", mixed) == "1"
    bytes_only = server.database("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0 LOCALE_PROVIDER libc")
    with pytest.raises(StoreError, match="encoding SQL_ASCII"):
        open_store(server.url(bytes_only))
    server.sql("CREATE SCHEMA mine", mixed)
    own = open_store(server.url(mixed) + "&options=-csearch_path%3Dmine")
    put(own, "a")
    own.close()
    assert server.sql("SELECT count(*) FROM mine.meta WHERE key='a'", mixed) == "1"


def test_a_user_who_may_only_read_reads(server: Server, alone: tuple[str, str]) -> None:
    name, url = alone
    store = open_store(url)
    put(store, "a", "1")
    server.sql("CREATE ROLE looker LOGIN", "postgres")
    server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker", name)
    looking = open_store(server.url(name, "looker"))
    assert looking.read_only_reason is not None and "looker may not write" in looking.read_only_reason
    assert value(looking, "a") == "1"
    looking.close()
    store.close()
    (said,) = (check for check in doctor.examine(server.url(name, "looker")) if check.id == "store")
    assert said.status == "warn" and "read-only, as user looker" in said.detail


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda url: url.replace("@/", "@/absent_"), NotFound),
        (lambda url: url.replace("?host=/", "?host=/nowhere/"), StoreError),
        (lambda url: url.replace(f"//{OWNER}", "//nobody"), StoreError),
        (lambda url: url.replace("?host", ":port?host"), AAError),
    ],
)
def test_what_goes_wrong_never_tells_the_password(
    url: str, change: Any, kind: type[AAError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(kind) as failed:
        open_store(change(url))
    told = [str(failed.value), failed.value.message, failed.value.hint or "", caplog.text, repr(failed.value)]
    cause = failed.value.__cause__
    assert not any(SECRET in one for one in [*told, str(cause), repr(cause)])
    assert failed.value.hint


def test_texts_of_people_stay_out_of_errors(store: PostgresStore) -> None:
    with pytest.raises(StoreError) as failed, store.write() as tx:
        tx.execute("INSERT INTO meta(key, value) VALUES (:k, :v)", {"k": None, "v": "a secret prompt"})
    assert "secret prompt" not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p%40w@h:1/db?password=abc&x=1&sslpassword=z", "postgresql://u:***@h:1/db?password=***&x=1"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgres://u:a:b@c@h/db", "postgres://u:***@h/db"),
        ("postgresql:///db?host=/tmp", "postgresql:///db?host=/tmp"),
    ],
)
def test_shown_urls_have_no_password(url: str, shown: str) -> None:
    assert mask_url(url).startswith(shown)
    assert mask_url(url).endswith("***") == ("sslpassword" in url)


def test_the_driver_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="psycopg") as failed:
        open_store("postgresql://u:pw@127.0.0.1:1/db")
    assert "aa-tui[postgres]" in str(failed.value)


def test_doctor_and_store_info_know_what_it_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {check.id: check for check in doctor.examine(url)}
    assert checks["store"].status == "ok" and "holds no store yet" in checks["store"].detail
    store = open_store(url)
    ProjectService(store, FrozenClock(NOW_MS)).create("one", Actor("ada"), "UTC")
    checks = {check.id: check for check in doctor.examine(url)}
    assert [checks[one].status for one in ("store", "server", "schema", "size", "backup")] == ["ok"] * 5
    assert "PostgreSQL" in checks["server"].detail and "pg_dump" in checks["backup"].advice
    assert not any(SECRET in f"{check.detail}{check.advice}" for check in checks.values())
    assert not {"filesystem", "modes", "sqlite", "disk"} & set(checks), "there is no file to look at"
    info = upkeep.store_info(store)
    assert (info.owner, [project.name for project in info.projects]) == (f"database user {OWNER}", ["one"])
    assert info.bytes > 1_000_000 and SECRET not in info.url
    store.close()
    broken = {check.id: check for check in doctor.examine(url.replace("?host=/", "?host=/nowhere/"))}
    assert broken["store"].status == "fail" and SECRET not in broken["store"].detail
    monkeypatch.setenv("AA_TUI_STORE", url)
    assert demo_store_url().startswith("sqlite:///"), "the sample goes into a file of its own"


# --- the same in both ----------------------------------------------------------------------------------------------

Pair = tuple[Workspace, Workspace]
SAMPLE, WIRED, HOSTILE = 1, 2, 3
_DERIVED = (
    "session", "event", "content", "turn", "session_revision", "facet", "session_facet", "rollup_session",
    "rollup_dim", "rollup_latency", "rollup_user", "rollup_user_day", "user_number", "user_day", "person",
    "signal_result", "result", "answer", "criterion", "evaluator", "search_state", "import_file", "import_problem",
    "project", "suppress",
)  # fmt: skip


def _projects(url: str) -> dict[int, Workspace]:
    store = open_store(url)
    found = {}
    for number, zone in ((SAMPLE, "Europe/Zurich"), (WIRED, "UTC"), (HOSTILE, "America/New_York")):
        with store.write() as tx:
            tx.execute(
                "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
                "VALUES (:p, :n, :n, :z, 0, '{}', 1, 0)",
                {"p": number, "n": f"p{number}", "z": zone},
            )
        info = ProjectInfo(number, f"p{number}", f"p{number}", zone, 0, None)
        found[number] = Workspace(store, info, Actor("ada"), FrozenClock(hostile.NOW_MS))
    return found


@pytest.fixture(scope="session")
def both(server: Server, homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Pair]]:
    """The same imports in SQLite and in PostgreSQL: a small sample, an SDK's recorded requests, the hostile corpus."""
    from aa_tui.backend.sources import demo

    folder = tmp_path_factory.mktemp("both")
    file = folder / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in hostile.events(hostile.entries())), encoding="ascii")
    sides = [_projects(f"sqlite:///{folder / 'store.db'}"), _projects(server.place())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "generate", partial(demo.generate, sessions=120, users=30))
        for side in sides:
            side[SAMPLE].imports.load_demo()
            if WIRE.exists():
                side[WIRED].imports.run(sorted(WIRE.glob("[0-9]*.json")))
            if hostile.entries():
                side[HOSTILE].imports.run([file])
    yield {number: (sides[0][number], sides[1][number]) for number in sides[0]}
    for side in sides:
        side[SAMPLE].store.close()


def _table(ws: Workspace, name: str) -> list[tuple[Any, ...]]:
    with ws.store.reader() as reader:
        return sorted(reader.fetch(f"SELECT * FROM {name}"), key=repr)


@pytest.mark.parametrize("table", _DERIVED)
def test_imports_write_the_same_rows(both: dict[int, Pair], table: str) -> None:
    ours, theirs = both[SAMPLE]
    assert _table(theirs, table) == _table(ours, table)


def test_there_is_something_to_compare(both: dict[int, Pair]) -> None:
    assert both[SAMPLE][0].sessions.count(Filter()) == 120
    for number, data in ((WIRED, WIRE), (HOSTILE, hostile.CORPUS)):
        assert not data.exists() or both[number][0].sessions.count(Filter()) > 10


_FILTERS = (
    "", "agent:support-bot", "agent:s*", "agent:*", "agent:nobody", "agent:support-bot,coder", "user:*", "-user:u*",
    "model:*", "model:claude*", "provider:*", "tool:*", "failed_tool:*", "error:*", "error_category:*", "rule:*",
    "topic:*", "-topic:*", "env:*", "version:*", "state:open", "state:closed", "close_reason:timeout", "has:text",
    "has:feedback", "feedback:negative", "source:sample", "warning:*", "context.plan=*", "signal:task_completion",
    "signal:task_completion=false", "signal:task_completion=none", "eval:*", "since:7d", "since:30d", "date:2026-09-18",
    "until:2026-09-01", "since:all", "cost>0.01", "cost<=0.01", "turns>=3", "turns!=2", "tokens>1k", "errors>0",
    "duration>30s", "latency>1s", "p90<2s", "quality<0.5", "messages>4.5", "id:*", "order", "refund", '"my order"',
    "ref*", '"the ord*"', "order refund", "-refund", "refund OR order", "agent:support-bot refund", "grosse", "naïve",
    '"!!"', "before", "after", "x", "a", "1", "é", "cafe", "before after", '"before after"', "ht-001", "nothing-so",
)  # fmt: skip
_SORTS = ("-started", "started", "-cost", "cost", "-turns", "-duration", "-tokens", "-errors", "user", "-user", "agent")


@pytest.mark.parametrize("text", _FILTERS)
@pytest.mark.parametrize("number", [SAMPLE, WIRED, HOSTILE])
def test_filters_let_the_same_sessions_through(both: dict[int, Pair], number: int, text: str) -> None:
    ours, theirs = both[number]
    wanted = parse_filter(text)
    ids = list(ours.sessions.ids(wanted).ids)
    assert list(theirs.sessions.ids(wanted).ids) == ids
    assert theirs.sessions.count(wanted) == ours.sessions.count(wanted) == len(ids)
    assert [row.id for row in theirs.sessions.first_page(wanted)] == ids[:100]
    if wanted.terms():
        ranked = parse_sort("-relevance")
        assert sorted(theirs.sessions.ids(wanted, ranked).ids) == sorted(ours.sessions.ids(wanted, ranked).ids)


@pytest.mark.parametrize("order", _SORTS)
def test_lists_are_in_the_same_order(both: dict[int, Pair], order: str) -> None:
    for (ours, theirs), text in ((both[SAMPLE], ""), (both[SAMPLE], "rule:* order"), (both[HOSTILE], "")):
        wanted, sort = parse_filter(text), parse_sort(order)
        assert list(theirs.sessions.ids(wanted, sort).ids) == list(ours.sessions.ids(wanted, sort).ids)


def test_sessions_read_the_same(both: dict[int, Pair]) -> None:
    for ours, theirs in both.values():
        ids = list(ours.sessions.ids(Filter()).ids)
        assert theirs.sessions.rows(ids) == ours.sessions.rows(ids)
        for session_id in random.Random(3).sample(ids, min(40, len(ids))):
            detail = ours.sessions.detail(session_id)
            assert theirs.sessions.detail(session_id) == detail
            steps = [step.id for step in detail.steps]
            texts = ours.sessions.texts(session_id, steps, 1000)
            assert theirs.sessions.texts(session_id, steps, 1000) == texts
            assert theirs.sessions.find(session_id, "or") == ours.sessions.find(session_id, "or")
            assert theirs.sessions.resolve(str(session_id)) == ours.sessions.resolve(str(session_id)) == session_id


def test_values_and_excerpts_are_the_same(both: dict[int, Pair]) -> None:
    for ours, theirs in both.values():
        for key in ("agent", "user", "model", "tool", "error", "topic", "version", "context.title", "cwd"):
            for prefix in ("", "a", "s", "<", "\x1b"):
                assert theirs.sessions.facet_values(key, prefix) == ours.sessions.facet_values(key, prefix)
        wanted = parse_filter("order")
        for session_id in list(ours.sessions.ids(wanted).ids)[:10]:
            assert theirs.sessions.excerpt(wanted, session_id) == ours.sessions.excerpt(wanted, session_id)
        nothing = parse_filter("agent:nobody order cost>1")
        assert theirs.sessions.explain_nothing(nothing) == ours.sessions.explain_nothing(nothing)


def _close(one: Any, other: Any) -> None:
    """Compare read-models; sums of fractions may differ in the last digits, as their order is the engine's."""
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        assert type(one) is type(other)
        for item in dataclasses.fields(one):
            _close(getattr(one, item.name), getattr(other, item.name))
    elif isinstance(one, float) or isinstance(other, float):
        assert other == pytest.approx(one, rel=1e-9)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        _close(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, yours in zip(one, other, strict=True):
            _close(mine, yours)
    else:
        assert one == other


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize(
    ("text", "interval", "group"),
    [
        ("", "auto", None), ("since:90d", "day", "agent"), ("since:all", "week", "model"), ("agent:s*", "auto", None),
        ("since:90d error:*", "month", "topic"), ("since:7d", "hour", None), ("since:all refund", "week", None),
    ],
)  # fmt: skip
def test_monitor_is_the_same(
    both: dict[int, Pair], monkeypatch: pytest.MonkeyPatch, text: str, interval: str, group: str | None, rolled: bool
) -> None:
    from aa_tui.backend.query.monitor import view as view_of

    if rolled:
        monkeypatch.setattr(view_of, "ROLLUP_FROM", 1)
    ours, theirs = both[SAMPLE]
    wanted = parse_filter(text)
    _close(ours.monitor.view(wanted, interval, group), theirs.monitor.view(wanted, interval, group))


@pytest.mark.parametrize("number", [SAMPLE, WIRED, HOSTILE])
def test_what_has_arrived_is_the_same(both: dict[int, Pair], number: int) -> None:
    ours, theirs = both[number]
    assert theirs.monitor.checklist() == ours.monitor.checklist()
    assert theirs.monitor.best_range() == ours.monitor.best_range()
    _close(ours.monitor.view(Filter()), theirs.monitor.view(Filter()))


def test_hostile_texts_are_stored_alike(both: dict[int, Pair]) -> None:
    if not hostile.entries():
        pytest.skip("shared data absent")
    expected = {storable(hostile.whole(entry)) for entry in hostile.entries() if entry["expect"] == "store"}
    assert len(expected) > 5
    kept = []
    for ws in both[HOSTILE]:
        with ws.store.reader() as reader:
            statements = ("SELECT key FROM session", "SELECT properties, head FROM event")
            found = [sorted(reader.fetch(f"{sql} WHERE project_id={HOSTILE}"), key=repr) for sql in statements]
            kept.append([*found, contents_of(reader, HOSTILE)])
    assert kept[0] == kept[1]
    assert expected <= {text for _, _, text in kept[1][2]}


def test_ids_of_any_length_are_kept_apart(url: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    long = "".join(chr(rng.randrange(0x20000, 0x2A6D0)) for _ in range(3000))
    made = [
        {
            "event_type": "[Agent] Tool Call",
            "user_id": f"{long}{end}",
            "time": NOW_MS,
            "insert_id": f"{long}{end}",
            "event_properties": {
                "[Agent] Session ID": f"{long}{end}",
                "[Agent] Trace ID": f"{long}{end}",
                "[Agent] Agent ID": long,
                "[Agent] Tool Name": long,
                "[Agent] Error Type": long,
                "[Agent] Context": json.dumps({long: long, "env": long}),
                "[Agent] Tags": [long],
                "[Agent] Is Error": True,
            },
        }
        for end in "ab"
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in made), encoding="ascii")
    labels = [ImportedLabel(f"{long}{end}", long, "True", long, reviewer=long) for end in "ab"]
    results = [ImportedResult(f"{long}a", name, long, long, None) for name in (long, f"signal:{long}")]
    for place in (f"sqlite:///{tmp_path / 'store.db'}", url):
        ws = _projects(place)[WIRED]
        assert ws.imports.run([file]).events == 2
        assert ws.sessions.count(Filter()) == 2
        writer = Writer(ws.store, WIRED, ws.clock)
        writer.write((), (), [bordered(one) for one in (*labels, *results)])
        assert writer.unresolved == []
        assert [len(_table(ws, table)) for table in ("answer", "result", "signal_result")] == [2, 1, 1]
        assert ws.imports.run([file]).events == 0
        ws.store.close()


def test_decisions_are_kept_and_undone_alike(url: str, tmp_path: Path) -> None:
    for where in (str(tmp_path / "store.db"), url):
        store = open_store(where)
        clock = FrozenClock(NOW_MS)
        ProjectService(store, clock).create("one", Actor("ada"), "UTC")
        ws = open_workspace(store, "one", Actor("ada"), clock)
        ws.views.save("late", "sessions?q=late", shared=True)
        ws.views.add_note(NOW_MS, "deployed \x1b[1m")
        assert [view.name for view in ws.views.list()] == ["late"]
        assert ws.views.undo() and ws.views.undo()
        assert not ws.views.list() and not ws.views.notes(0, NOW_MS + 1)
        assert ws.views.redo()
        assert [view.name for view in ws.views.list()] == ["late"]
        store.close()


def test_importing_again_and_rebuilding_change_nothing(both: dict[int, Pair], server: Server, tmp_path: Path) -> None:
    if not WIRE.exists():
        pytest.skip("shared data absent")
    ws = _projects(server.place())[WIRED]
    files = sorted(WIRE.glob("[0-9]*.json"))
    assert ws.imports.run(files).events > 100
    before = {table: _table(ws, table) for table in (*_DERIVED[:-2], "session_fts")}
    assert ws.imports.run(files).events == 0
    ws.imports.rebuild()
    after = {table: _table(ws, table) for table in before}
    loose = {"session", "project"}
    assert {name for name in before if after[name] != before[name]} <= loose, "only versions may rise"
    ws.store.close()


# --- words ---------------------------------------------------------------------------------------------------------


def test_words_are_cut_as_sqlite_cuts_them() -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(d, tokenize='unicode61 remove_diacritics 2')")
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
    # Letters and marks of living scripts; SQLite's tables are of Unicode 6 and know no newer characters.
    codes = [*range(0x20, 0x1C0), *range(0x200, 0x370), *range(0x3A3, 0x528), *range(0x5D0, 0x5EB)]
    codes += [*range(0x620, 0x64B), *range(0x905, 0x93A), *range(0xE01, 0xE31), *range(0x1E00, 0x1F00)]
    codes += [*range(0x2010, 0x2065), *range(0x3041, 0x3097), *range(0x4E00, 0x4F00), *range(0xAC00, 0xAD00), 0x1F600]
    connection.executemany("INSERT INTO t(rowid, d) VALUES (?, ?)", [(code, f"a{chr(code)}b") for code in codes])
    theirs: dict[int, list[str]] = {}
    for term, code, _ in connection.execute("SELECT term, doc, offset FROM v ORDER BY doc, offset"):
        theirs.setdefault(code, []).append(term)
    assert [hex(code) for code in codes if search_words.words(f"a{chr(code)}b") != theirs[code]] == []


def test_documents_of_any_shape_can_be_indexed_and_found(url: str, tmp_path: Path) -> None:
    rng = random.Random(5)
    long = "w" * 5_000
    documents = {
        "huge": " ".join(f"{rng.randrange(10**7):x}" for _ in range(40_000)) + " needle",
        "wide": " ".join("𠀀" * 3 + chr(0x20000 + n) for n in range(50_000)) + " needle",
        "long": f"{long}a {long}b needle",
        "often": "word " * 50_000 + "last needle",
        "quotes": "it's 'quoted' \\ & | ! <-> :* needle",
        "empty": "... !!!",
    }
    for where in (tmp_path, url):
        ws = workspace(where)
        made = {name: session(ws, name, text=text) for name, text in documents.items()}

        def found(text: str, ws: Workspace = ws) -> set[str]:
            return {row.key for row in ws.sessions.first_page(parse_filter(text))}

        assert set(made) == set(documents)
        assert found("needle") == set(documents) - {"empty"}
        assert found(f"{long}a") == {"long"}
        assert found(f"{long}c") == set()
        assert found('"last needle"') == {"often"}, "far behind the positions that a tsvector keeps"
        assert found('"needle last"') == set()
        assert found('"quoted needle"') == {"quotes"}
        assert found('"it s quo*"') == {"quotes"}
        assert found('"!!!"') == set()
        ws.store.close()


def test_ranking_prefers_the_session_that_says_it_more(url: str) -> None:
    ws = workspace(url)
    session(ws, "once", text="refund " + "other " * 200)
    session(ws, "often", text="refund " * 20)
    wanted = parse_filter("refund")
    assert [row.key for row in ws.sessions.first_page(wanted, parse_sort("-relevance"))] == ["often", "once"]
    ws.store.close()
