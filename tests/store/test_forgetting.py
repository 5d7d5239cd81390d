"""Forgetting: what went leaves no byte, what stays is as if it had never been, and nothing brings it back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.forgetting import Forgetting
from aa_tui.backend.ingest.outcomes import bordered
from aa_tui.backend.ingest.rebuild import rebuild_rollups
from aa_tui.backend.ingest.writer import FileRecord, Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult, Part
from aa_tui.backend.model.filter import parse_filter
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import contents, inbox
from aa_tui.backend.store.sqlite import SqliteStore
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import DAY_MS, FrozenClock
from aa_tui.backend.support.errors import Cancelled, Forbidden, NotFound, UsageError
from tests.builders import NOW_MS, workspace
from tests.ingest_state import dangling, state
from tests.postgres_server import Server, running

ALICE, BOB = "alice@forget.example", "bob"
PLANTED = b"zqplanted"
"""Every text of Alice's holds it."""


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def said(user: str, number: int, random_: random.Random) -> str:
    """Words of which some are one user's alone, so that the index must lose whole words."""
    own = "zqplanted" if user == ALICE else "kept"
    return f"{own}{number} {own} word{random_.randrange(50)} " + " ".join(
        f"{own}x{random_.randrange(10**6)}" for _ in range(30)
    )


def conversation(user: str, key: str, at: int, seed: int, *, part: bool = False) -> list[AgentEvent]:
    """Events of one session; with `part` as one of several users who take part in it."""
    random_ = random.Random(seed)
    common: dict[str, Any] = {"session_key": key, "trace_id": f"{key}-t{seed}", "agent_id": f"agent-{seed % 3}"}
    who = {**common, "user_id": user}

    def words() -> str:
        return said(user, seed, random_)

    found = [
        AgentEvent(EventKind.USER_MESSAGE, f"{key}-{seed}-1", time_ms=at, text=words(), **who),
        AgentEvent(
            EventKind.AI_RESPONSE,
            f"{key}-{seed}-2",
            time_ms=at + 1000,
            latency_ms=900.0,
            model="m",
            cost_nano=5000,
            input_tokens=7,
            output_tokens=3,
            total_tokens=10,
            text=words(),
            parts={Part.SYSTEM_PROMPT: words()},
            properties={"note": words()},
            context={"title": words(), "plan": "pro"},
            **(who if part else common),
        ),
        AgentEvent(
            EventKind.TOOL_CALL,
            f"{key}-{seed}-3",
            time_ms=at + 2000,
            latency_ms=5.0,
            name="find",
            is_error=seed % 2 == 0,
            parts={Part.INPUT: words(), Part.OUTPUT: words()},
            **who,
        ),
        AgentEvent(
            EventKind.SCORE,
            f"{key}-{seed}-4",
            time_ms=at + 3000,
            name="stars",
            score_value=4.0,
            properties={"[Agent] Comment": words()},
            **who,
        ),
    ]
    bought, about = {"what": words()}, {"about": words()}
    product: dict[str, Any] = {"time_ms": at + 4000, "user_id": user, "properties": bought}
    found.append(AgentEvent(EventKind.PRODUCT, f"{key}-{seed}-5", "Bought", **product))
    found.append(AgentEvent(EventKind.IDENTIFY, f"{key}-{seed}-6", time_ms=at, user_id=user, user_properties=about))
    return found


def everybody(users: Sequence[str], shared: bool = True) -> list[AgentEvent]:
    """Twelve sessions of each user over some days, and one that two users share."""
    found: list[AgentEvent] = []
    for user in users:
        for number in range(12):
            key = f"s-{user}-{number}"
            found += conversation(user, key, NOW_MS - number * DAY_MS // 2 - 10**7, number)
    if shared:
        for user, seed in ((ALICE, 100), (BOB, 101)):
            if user in users:
                found += conversation(user, "s-shared", NOW_MS - 3 * DAY_MS + seed * 60_000, seed, part=True)
    return found


def outcomes(user: str) -> list[Any]:
    key = f"s-{user}-1"
    text = said(user, 1, random.Random(1))
    of_all = [bordered(ImportedResult("s-shared", "judge", "good", "True", True, rationale=text, prompt=text))]
    return [
        *(of_all if user == ALICE else []),
        bordered(ImportedLabel(key, "good", "True", "test", raw="1", note=text, reviewer="rita", at_ms=NOW_MS)),
        bordered(ImportedResult(key, "judge", "good", "True", True, text, text, prompt=text, raw_reply=text)),
        bordered(ImportedResult(key, "signal:task_completion", "task", "True", True, text, text)),
    ]


def fill(ws: Workspace, users: Sequence[str], **more: Any) -> None:
    events = [replace(event) for event in everybody(users, **more)]
    Writer(ws.store, ws.project.id, ws.clock).write([Incoming(event, "test", 1) for event in events])
    given = [one for user in users for one in outcomes(user)]
    Writer(ws.store, ws.project.id, ws.clock).write((), (), given)


def held_bytes(store: SqliteStore, wanted: bytes) -> list[str]:
    """Which of a store's files hold some bytes."""
    files = [store.path, *(store.path.with_name(store.path.name + end) for end in ("-wal", "-shm"))]
    return [path.name for path in files if path.exists() and wanted in path.read_bytes()]


def bodies(ws: Workspace) -> dict[bytes, str]:
    """The texts of every event as they are stored, packed, and what they say."""
    with ws.store.reader() as reader:
        packed = {
            (row[0], row[1]): bytes(row[2]) for row in reader.fetch("SELECT session_id, event_id, body FROM content")
        }
        sessions = sorted({session for session, _ in packed})
        said_: dict[tuple[int, int], str] = {}
        for session in sessions:
            for event, _, text, _ in contents.read(reader, 1, session):
                said_[session, event] = said_.get((session, event), "") + text
    return {packed[place]: text for place, text in said_.items()}


def rows(ws: Workspace, table: str) -> int:
    with ws.store.reader() as reader:
        found = reader.one(f"SELECT COUNT(*) FROM {table}")
    return int(found[0]) if found else 0


def without_revisions(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "revision"}


def test_the_store_is_as_if_the_user_had_never_been(ws: Workspace, tmp_path: Path) -> None:
    fill(ws, [ALICE, BOB])
    seen = ws.privacy.look_at_user(ALICE)
    assert (seen.sessions, seen.sessions_in_part, seen.events_outside) == (12, 1, 26)
    assert (seen.results, seen.answers) == (2, 1)
    gone = ws.privacy.forget_user(ALICE)
    assert (gone.sessions, gone.events, gone.left) == (12, seen.events, ())
    other = workspace(tmp_path / "other", name="other")
    fill(other, [BOB])
    Writer(other.store, 1, other.clock).write((), (), outcomes(ALICE)[:1])
    assert without_revisions(state(ws.store)) == without_revisions(state(other.store))
    assert dangling(ws.store) == {}
    for table in (
        "result",
        "signal_result",
        "answer",
        "person",
        "user_number",
        "turn",
        "event",
        "content",
    ):
        assert rows(ws, table) == rows(other, table), table
    other.store.close()


def test_no_byte_stays_behind(ws: Workspace) -> None:
    store = ws.store
    assert isinstance(store, SqliteStore)
    fill(ws, [ALICE, BOB])
    # Churn: texts that were moved, replaced and freed before are somewhere in the file too.
    again = [
        replace(one, text=f"{one.text} zqplanted longer", insert_id=one.insert_id)
        for one in everybody([ALICE])
        if one.text
    ]
    Writer(store, ws.project.id, ws.clock).write([Incoming(one, "test", 2) for one in again])
    fill(ws, [ALICE, BOB])
    ws.views.save("Alice's", f"sessions?q=user%3A{ALICE.replace('@', '%40')}")
    ws.views.add_note(NOW_MS, f"{ALICE} called, about s-{ALICE}-3")
    with store.write() as tx:
        row = {
            "p": 1,
            "id": 1,
            "kind": "traces",
            "encoding": "json",
            "received_ms": 1,
            "items": 1,
            "size": 9,
            "body": b"zqplanted",
        }
        inbox.add(tx, [row])
        inbox.set_state(tx, 1, [1], inbox.State.MAPPED)
        tx.execute(
            "INSERT INTO import_file(project_id, path_hash, path, source, mapper_version, size, mtime_ns, digest, "
            "options, imported_ms) VALUES (1, 'h', :path, 'test', 1, 1, 1, 'd', :o, 1)",
            {"path": f"/logs/s-{ALICE}-2.jsonl", "o": f"user={ALICE} users=-"},
        )
        tx.execute(
            "INSERT INTO import_problem(project_id, path_hash, no, reason, at_ms) VALUES (1, 'h', 0, :r, 1)",
            {"r": f"nothing of {ALICE}"},
        )
        tx.execute(
            "INSERT INTO receiving_problem(project_id, kind, reason, items, first_ms, last_ms) "
            "VALUES (1, 'x', :r, 1, 1, 1)",
            {"r": f"no {ALICE} here"},
        )
        # What a judge wrote of sessions that go, and of one that stays.
        tx.execute(
            "INSERT INTO scoring(project_id, session_id, revision, what, state, reason, raw_reply, topic_summary, "
            "error) SELECT project_id, id, revision, 0, 'failed', 'bad_label', :said, :said, :said FROM session "
            "WHERE user_id=:u OR key='s-shared'",
            {"said": f"zqplanted {ALICE}", "u": ALICE},
        )
    assert held_bytes(store, PLANTED)
    packed = [body[8:40] for body, text in bodies(ws).items() if "zqplanted" in text and len(body) > 60]
    assert len(packed) > 30
    assert all(held_bytes(store, one) for one in packed)
    gone = ws.privacy.forget_user(ALICE)
    assert not [one for one in packed if held_bytes(store, one)]
    assert gone.views == 1
    assert gone.notes == 1
    assert gone.left == ()
    for wanted in (PLANTED, ALICE.encode(), b"alice%40forget", f"s-{ALICE}".encode()):
        assert held_bytes(store, wanted) == [], wanted
    assert held_bytes(store, b"keptx")
    with store.reader() as reader:
        assert reader.one("SELECT text FROM note") == ("[forgotten] called, about [forgotten]",)
        assert reader.one("SELECT path FROM import_file") == ("/logs/[forgotten].jsonl",)
        kept = "SELECT s.key, w.reason, w.error, w.raw_reply FROM scoring w JOIN session s ON s.id=w.session_id"
        assert reader.fetch(kept) == [("s-shared", "bad_label", "bad_label", None)]
        actions = [row[0] for row in reader.fetch("SELECT action FROM journal ORDER BY id")]
    assert actions == ["save view", "add note", "forget user"]
    assert ws.views.undo() is None


def test_words_are_not_found_and_others_are(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB])
    assert ws.sessions.count(parse_filter("zqplanted")) == 13
    ws.privacy.forget_user(ALICE)
    assert ws.sessions.count(parse_filter("zqplanted")) == 0
    assert ws.sessions.count(parse_filter("kept")) == 13
    with ws.store.reader() as reader:
        assert reader.one("SELECT COUNT(*) FROM session_fts WHERE session_fts MATCH 'zqplanted*'") == (0,)
    with ws.store.write() as tx:
        tx.execute("INSERT INTO session_fts(session_fts) VALUES ('integrity-check')")


def test_nothing_brings_it_back(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB])
    ws.privacy.forget_user(ALICE)
    before = state(ws.store)
    fill(ws, [ALICE, BOB])
    assert state(ws.store) == before
    # The same sessions under another name, or nobody's.
    renamed = [replace(one, user_id="someone") for one in everybody([ALICE], shared=False) if one.session_key]
    Writer(ws.store, ws.project.id, ws.clock).write([Incoming(one, "test", 3) for one in renamed])
    assert state(ws.store)["session"] == before["session"]
    with ws.store.reader() as reader:
        listed = str(reader.fetch("SELECT * FROM suppress"))
    assert "alice" not in listed


def test_rollups_equal_a_rebuild(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB, "carol"])
    ws.privacy.forget_user(BOB)
    kept = state(ws.store)
    rebuild_rollups(ws.store, ws.project.id, ws.clock)
    assert state(ws.store) == kept


def test_a_session_goes_alone(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB])
    number = ws.sessions.resolve(f"s-{ALICE}-4")
    seen = ws.privacy.look_at_session(number)
    assert (seen.sessions, seen.events) == (1, 4)
    ws.privacy.forget_session(number)
    with pytest.raises(NotFound):
        ws.sessions.resolve(f"s-{ALICE}-4")
    with pytest.raises(NotFound):
        ws.privacy.forget_session(number)
    after = state(ws.store)
    fill(ws, [ALICE, BOB])
    assert {row[0] for row in state(ws.store)["session"]} == {row[0] for row in after["session"]}
    assert dangling(ws.store) == {}


def test_a_user_whose_only_session_goes_leaves_nothing_of_themselves(ws: Workspace) -> None:
    who: dict[str, Any] = {"session_key": "one", "user_id": "carol", "user_properties": {"a": 1}}
    event = AgentEvent(EventKind.USER_MESSAGE, "i", time_ms=NOW_MS, text="x", **who)
    Writer(ws.store, 1, ws.clock).write([Incoming(event, "test", 1)])
    ws.privacy.forget_session(ws.sessions.resolve("one"))
    assert [rows(ws, table) for table in ("person", "user_day", "user_number", "event")] == [0, 0, 0, 0]


def test_device_ids_are_people_too(ws: Workspace) -> None:
    event = AgentEvent(EventKind.USER_MESSAGE, "i", session_key="one", device_id="phone-7", time_ms=NOW_MS, text="x")
    Writer(ws.store, 1, ws.clock).write([Incoming(event, "test", 1)])
    assert ws.privacy.forget_user("phone-7").sessions == 1
    Writer(ws.store, 1, ws.clock).write([Incoming(replace(event, insert_id="j"), "test", 1)])
    assert rows(ws, "event") == 0


def test_only_who_administers_may_and_nobody_means_not_found(ws: Workspace) -> None:
    fill(ws, [BOB], shared=False)
    with pytest.raises(Forbidden):
        Workspace(ws.store, ws.project, Actor("eve", "member"), ws.clock).privacy.forget_user(BOB)
    with pytest.raises(NotFound):
        ws.privacy.forget_user("nobody")
    assert rows(ws, "suppress") == 0


@pytest.mark.parametrize("stop_after", [0, 1, 3, 6, 9])
def test_interrupted_anywhere_doing_it_again_completes_it(
    ws: Workspace, tmp_path: Path, stop_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aa_tui.backend.ingest.forgetting._EVENTS_AT_ONCE", 10)
    fill(ws, [ALICE, BOB])
    write = ws.store.write
    left = stop_after

    def dying(**options: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Cancelled("killed")
        left -= 1
        return write(**options)

    monkeypatch.setattr(ws.store, "write", dying)
    with pytest.raises(Cancelled):
        ws.privacy.forget_user(ALICE)
    monkeypatch.setattr(ws.store, "write", write)
    assert dangling(ws.store) == {}
    ws.privacy.forget_user(ALICE)
    other = workspace(tmp_path / "other", name="other")
    fill(other, [BOB])
    Writer(other.store, 1, other.clock).write((), (), outcomes(ALICE)[:1])
    assert without_revisions(state(ws.store)) == without_revisions(state(other.store))
    assert rows(ws, "result") == rows(other, "result")
    other.store.close()


def test_cancelling_stops(ws: Workspace) -> None:
    fill(ws, [ALICE])
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        ws.privacy.forget_user(ALICE, token)


# --- retention -----------------------------------------------------------------------------------------------------


def keep(ws: Workspace, days: int | None) -> None:
    ws.project = ProjectService(ws.store, ws.clock).set_setting(ws.project, "retention_days", days, ws.actor)


def test_what_is_older_than_the_project_keeps_goes(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB])
    with pytest.raises(UsageError):
        ws.privacy.look_at_expired()
    assert ws.privacy.purge_due() is None
    keep(ws, 2)
    seen = ws.privacy.look_at_expired()
    gone = ws.privacy.purge_due()
    assert gone is not None
    assert (gone.sessions, gone.events_outside) == (seen.sessions, seen.events_outside)
    assert gone.sessions > 0
    with ws.store.reader() as reader:
        oldest = reader.one("SELECT MIN(COALESCE(ended_ms, sort_at)) FROM session")
        outside = reader.one("SELECT MIN(time_ms) FROM event WHERE session_id=0")
        said_of = reader.one("SELECT first_ms FROM person WHERE user_id=:u", {"u": BOB})
    for row in (oldest, outside, said_of):
        assert row is not None
        assert row[0] >= NOW_MS - 2 * DAY_MS
    kept = state(ws.store)
    rebuild_rollups(ws.store, ws.project.id, ws.clock)
    assert state(ws.store) == kept
    assert dangling(ws.store) == {}
    store = ws.store
    assert isinstance(store, SqliteStore)
    assert rows(ws, "suppress") == 0


def test_retention_runs_once_a_day(ws: Workspace) -> None:
    fill(ws, [BOB])
    keep(ws, 3)
    assert ws.privacy.purge_due() is not None
    fill(ws, [BOB])
    assert ws.privacy.purge_due() is None
    ws.clock = FrozenClock(NOW_MS + DAY_MS)
    assert ws.privacy.purge_due() is not None


def test_a_purge_that_was_interrupted_is_completed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ws, [ALICE, BOB])
    keep(ws, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Forgetting, "_recount_people", lambda self, users: (_ for _ in ()).throw(Cancelled("killed")))
        with pytest.raises(Cancelled):
            ws.privacy.purge_due()
    ws.privacy.purge_due()
    with ws.store.reader() as reader:
        said_of = reader.fetch("SELECT first_ms FROM person")
    assert len(said_of) == 2
    assert all(row[0] >= NOW_MS - 2 * DAY_MS for row in said_of)


def test_everything_may_expire(ws: Workspace) -> None:
    fill(ws, [ALICE, BOB])
    keep(ws, 1)
    ws.clock = FrozenClock(NOW_MS + 40 * DAY_MS)
    gone = ws.privacy.purge_expired()
    assert gone.sessions == 25
    for table in (
        "session",
        "event",
        "content",
        "person",
        "user_number",
        "facet",
        "rollup_session",
        "rollup_user_day",
        "result",
        "answer",
    ):
        assert rows(ws, table) == 0, table
    store = ws.store
    assert isinstance(store, SqliteStore)
    assert held_bytes(store, PLANTED) == []
    assert held_bytes(store, b"keptx") == []


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def test_postgresql_forgets_alike(server: Server) -> None:
    ws, other = (workspace(server.url(server.database())) for _ in range(2))
    fill(ws, [ALICE, BOB])
    gone = ws.privacy.forget_user(ALICE)
    assert gone.sessions == 12
    assert any("server" in one for one in gone.left)
    fill(ws, [ALICE, BOB])
    fill(other, [BOB])
    Writer(other.store, 1, other.clock).write((), (), outcomes(ALICE)[:1])
    assert without_revisions(state(ws.store)) == without_revisions(state(other.store))
    assert ws.sessions.count(parse_filter("zqplanted")) == 0
    assert not [text for text in bodies(ws).values() if "zqplanted" in text]
    with ws.store.reader() as reader:
        tables = [row[0] for row in reader.fetch("SELECT tablename FROM pg_tables WHERE schemaname=current_schema()")]
        for table in tables:
            assert not [
                row
                for row in reader.fetch(f"SELECT CAST(t AS TEXT) FROM {table} t")
                if "zqplanted" in row[0] or ALICE in row[0]
            ], table
    keep(ws, 2)
    assert ws.privacy.purge_due() is not None
    for one in (ws, other):
        one.store.close()


def test_file_records_are_untouched_by_others(ws: Workspace) -> None:
    record = FileRecord(
        {"p": 1, "path_hash": "h", "path": "/x/y.jsonl", "source": "test", "mapper_version": 1, "size": 1,
         "mtime_ns": 1, "digest": "d", "options": "", "imported_ms": 1, "problems": 0}, [], 0,
    )  # fmt: skip
    events = [replace(event) for event in everybody([ALICE])]
    Writer(ws.store, 1, ws.clock).write([Incoming(event, "test", 1) for event in events], [record])
    ws.privacy.forget_user(ALICE)
    with ws.store.reader() as reader:
        assert reader.one("SELECT path FROM import_file") == ("/x/y.jsonl",)
