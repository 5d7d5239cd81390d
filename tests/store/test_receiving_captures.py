"""Everything real SDKs and exporters were seen to send, through the inbox into the store, against what it holds."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.report import ImportOptions
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from tests.builders import workspace
from tests.ingest_state import contents_of
from tests.postgres_server import Server, running
from tests.receiving_kit import captures, content, drain, rows, sdk_requests, send_otlp, wire

K = EventKind
NOW_MS = 1_795_380_400_000
"""Moments after the captures were made."""
Open = Callable[[int], Workspace]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    workspace(folder).store.close()
    return folder / "store.db"


@pytest.fixture
def fresh(tmp_path: Path, empty_store: Path) -> Iterator[Open]:
    opened: list[Workspace] = []

    def make(now_ms: int = NOW_MS) -> Workspace:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        shutil.copy(empty_store, folder / "store.db")
        opened.append(workspace(folder, now_ms=now_ms))
        return opened[-1]

    yield make
    for one in opened:
        one.store.close()


def post(receiving: Receiving, body: dict[str, Any]) -> None:
    answer = receiving.amplitude(json.dumps(body).encode())
    assert (answer.status, answer.body["code"], answer.body["events_ingested"]) == (200, 200, len(body["events"]))


def receive(ws: Workspace, *names: str) -> Receiving:
    """Receive captures of the SDK, in order."""
    receiving = Receiving(ws.store, ws.clock)
    for name in names:
        for body in sdk_requests(name):
            post(receiving, body)
    drain(receiving)
    return receiving


def session_of(store: Store, columns: str) -> tuple[Any, ...]:
    (found,) = rows(store, f"SELECT {columns} FROM session")
    return found


def kinds(store: Store) -> dict[str, int]:
    return {K(kind).name: count for kind, count in rows(store, "SELECT kind, COUNT(*) FROM event GROUP BY kind")}


# --- the Amplitude SDK -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(20))
def test_a_capture_received_is_the_capture_imported(number: int, fresh: Open, tmp_path: Path) -> None:
    found = captures()
    if not found:
        pytest.skip("shared data absent")
    bodies = sdk_requests(found[number])
    events = [event for body in bodies for event in body["events"]]
    live, imported = fresh(NOW_MS), fresh(NOW_MS)
    receiving = Receiving(live.store, live.clock)
    for body in bodies:
        post(receiving, body)
    done = drain(receiving)
    assert (done.items, done.sessions, done.waiting) == (len(events), 1, 0)
    lines = tmp_path / "events.jsonl"
    lines.write_text("\n".join(map(json.dumps, events)))
    imported.imports.run([lines], ImportOptions(format="amplitude"))
    assert content(live.store, without=["seq"]) == content(imported.store, without=["seq"])
    assert rows(live.store, "SELECT COUNT(*) FROM event") == [(len({event["insert_id"] for event in events}),)]
    assert rows(live.store, "SELECT COUNT(*) FROM inbox") == [(0,)]


def test_two_turns_with_tools(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive(ws, "01")
    columns = "key, turns, total_tokens, cost_nano, errors, tool_calls, tool_errors, model_calls, state, close_reason"
    assert session_of(ws.store, columns) == (
        "ticket-88213", 2, 2288, 5_495_000, 2, 3, 2, 2, "closed", "explicit_close",
    )  # fmt: skip


def test_spans_hang_under_their_parent(fresh: Open) -> None:
    for name in ("02", "16"):
        ws = fresh(NOW_MS)
        receive(ws, name)
        assert session_of(ws.store, "key, turns, errors") == ("thread-551", 1, 1)
        spans = rows(ws.store, f"SELECT id, parent_event, is_error FROM event WHERE kind={int(K.SPAN)}")
        parents = {parent for _, parent, _ in spans if parent in {span for span, _, _ in spans}}
        assert len(parents) == 1 and sum(parent in parents for _, parent, _ in spans) == 2
        assert sum(failed for _, _, failed in spans) == 1


def test_a_failed_model_call_scores_and_a_session_that_stays_open(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive(ws, "03", "04")
    found = dict(rows(ws.store, "SELECT key, errors FROM session"))
    assert found["thread-552"] == 1
    states = dict(rows(ws.store, "SELECT key, state FROM session"))
    assert (states["thread-552"], states["ticket-90001"]) == ("closed", "open")
    assert kinds(ws.store)["SCORE"] == 6


def test_delegation_enrichments_costs_and_missing_traces(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive(ws, "05", "06", "12", "13", "14", "15")
    found = {row[0]: row[1:] for row in rows(ws.store, "SELECT key, agents, turns, user_messages FROM session")}
    assert (json.loads(found["chat-777"][0]), *found["chat-777"][1:]) == (["shopping-agent", "recipe-agent"], 1, 1)
    costs = dict(rows(ws.store, "SELECT key, cost_nano FROM session"))
    assert costs["run-2211"] == 123_400_000 and costs["min-1"] is None
    assert found["min-1"][1] == 1
    states = dict(rows(ws.store, "SELECT key, state FROM session"))
    assert states["import-1"] == "open", "nobody ended it and its time has not come"
    quality = dict(rows(ws.store, "SELECT key, quality_score FROM session"))
    assert quality["sess-enriched-1"] is not None
    (web,) = rows(ws.store, "SELECT user_id FROM session WHERE key='web-1'")
    (device,) = rows(
        ws.store,
        "SELECT DISTINCT device_id FROM event WHERE session_id=(SELECT id FROM session WHERE key='web-1')",
    )
    assert web == device and device[0] is not None


def test_one_context_per_request_is_one_session(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive(ws, "17")
    assert session_of(ws.store, "key, turns, model_calls, revision, state") == ("thread-http-1", 3, 3, 1, "closed")
    assert kinds(ws.store)["SESSION_END"] == 3
    (warnings,) = session_of(ws.store, "warnings")
    assert "several_session_ends" in warnings


def test_answers_of_wrappers(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive(ws, "18", "19")
    found = rows(
        ws.store,
        "SELECT warnings, is_error, ttfb_ms, properties FROM event WHERE kind=2 AND session_id="
        "(SELECT id FROM session WHERE key='wx-1')",
    )
    assert len(found) == 4 and sum(failed for _, failed, _, _ in found) == 1
    assert any(ttfb for _, _, ttfb, _ in found)
    asking = [row for row in found if row[3] and "[Agent] Tool Calls" in row[3]]
    assert asking and all("empty_response" not in (row[0] or "") for row in asking)
    (warnings,) = rows(ws.store, "SELECT warnings FROM session WHERE key='dec-1'")
    assert "duplicate_turn_id" in warnings[0]


def test_everything_three_times_in_any_order_changes_nothing(fresh: Open) -> None:
    bodies = [body for path in captures() for body in sdk_requests(path)]
    if not bodies:
        pytest.skip("shared data absent")
    once, often = fresh(NOW_MS), fresh(NOW_MS)
    receiving = Receiving(once.store, once.clock)
    for body in bodies:
        post(receiving, body)
        drain(receiving)
    again = Receiving(often.store, often.clock)
    shuffled = bodies * 3
    # What says the last word of a person's properties goes by time, so order matters nowhere.
    random.Random(7).shuffle(shuffled)
    for number, body in enumerate(shuffled):
        post(again, body)
        if number % 7 == 0:
            drain(again, 20)
    drain(again)
    ignored = ["seq"]
    assert content(often.store, ignored) == content(once.store, ignored)
    assert again.status().received == 3 * receiving.status().received


# --- OTLP ------------------------------------------------------------------------------------------------------------

SESSION = "key, user_id, turns, user_messages, model_calls, tool_calls, tool_errors, errors, total_tokens"
EXPECTED: dict[str, tuple[tuple[str, ...], dict[str, int], list[tuple[Any, ...]]]] = {
    "manual": (
        ("manual_1",),
        {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 2, "EMBEDDING": 1, "SPAN": 2},
        [("conv-manual-1", "user-55555", 2, 2, 3, 2, 1, 2, 912)],
    ),
    "gzip": (
        ("manual_gzip_1",),
        {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 2, "EMBEDDING": 1, "SPAN": 2},
        [("conv-manual-1", "user-55555", 2, 2, 3, 2, 1, 2, 912)],
    ),
    "without texts": (
        ("openai_v2_1", "openai_v2_2"),
        {"AI_RESPONSE": 3, "TOOL_CALL": 1, "SPAN": 2},
        [("conv-otel-1", "user-44444", 2, 0, 3, 1, 0, 1, 276)],
    ),
    "texts from logs": (
        ("openai_v2_logs_1", "openai_v2_logs_2"),
        {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1, "SPAN": 2},
        [("conv-otel-1", "user-44444", 2, 2, 3, 1, 0, 1, 276)],
    ),
    "openinference": (
        ("openinference_1",),
        {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1, "SPAN": 2},
        [("oi-session-1", "user-44444", 2, 2, 3, 1, 0, 1, 276)],
    ),
    "openllmetry": (
        ("openllmetry_1",),
        {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1, "SPAN": 2},
        [("tl-session-1", "user-44444", 2, 2, 3, 1, 0, 1, 276)],
    ),
}


def receive_otlp(ws: Workspace, names: tuple[str, ...], encoding: str = "protobuf", wait_ms: int = 0) -> Receiving:
    """Receive export requests one by one, each drained before the next."""
    receiving = Receiving(ws.store, ws.clock)
    for name in names:
        answer = send_otlp(receiving, name, "protobuf" if name == "manual_gzip_1" else encoding)
        assert (answer.status, answer.rejected) == (200, 0)
        drain(receiving)
        ws.clock.advance(wait_ms)  # type: ignore[attr-defined]
        drain(receiving)
    ws.clock.advance(5_000)  # type: ignore[attr-defined]
    assert drain(receiving).waiting == 0
    return receiving


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("case", EXPECTED)
def test_export_requests_in_any_order_and_any_number(case: str, encoding: str, fresh: Open) -> None:
    names, wanted, sessions = EXPECTED[case]
    first: dict[str, Any] | None = None
    # After 70 seconds requests whose traces are complete are gone, and what comes again comes late.
    for order, wait_ms in ((names, 0), (names[::-1], 6_000), (names * 3, 70_000), ((*names, *names[::-1]) * 2, 0)):
        ws = fresh(NOW_MS)
        receiving = receive_otlp(ws, order, encoding, wait_ms)
        assert kinds(ws.store) == wanted, (order, wait_ms)
        assert rows(ws.store, f"SELECT {SESSION} FROM session") == sessions, (order, wait_ms)
        assert receiving.status().problems == ()
        held = content(ws.store)
        first = first or held
        assert held == first, (order, wait_ms)
        ws.store.close()


def test_plumbing_is_ignored_and_what_a_call_is_told_twice_counts_once(fresh: Open) -> None:
    ws = fresh(NOW_MS)
    receive_otlp(ws, ("manual_1",))
    names = {name for (name,) in rows(ws.store, "SELECT name FROM event WHERE name IS NOT NULL")}
    assert not names & {"vector_search", "GET /orders"}
    ws = fresh(NOW_MS)
    receive_otlp(ws, ("litellm_1", "litellm_1"))
    assert kinds(ws.store) == {"USER_MESSAGE": 3, "AI_RESPONSE": 3}
    found = rows(ws.store, "SELECT errors, user_id, cost_nano, warnings FROM session ORDER BY errors")
    assert [row[0] for row in found] == [0, 0, 1] and {row[1] for row in found} == {"user-66666"}
    assert [row[2] for row in found] == [24_000, 24_000, None]
    assert {row[3] for row in found} == {"degraded_session"}


def test_texts_come_before_or_after_their_spans(fresh: Open) -> None:
    said = None
    for order in (("openai_v2_logs_1", "openai_v2_logs_2"), ("openai_v2_logs_2", "openai_v2_logs_1")):
        ws = fresh(NOW_MS)
        receive_otlp(ws, order, wait_ms=6_000)
        with ws.store.reader() as reader:
            found = sorted((part, text) for _, part, text in contents_of(reader))
        said = said or found
        assert found == said and len(found) > 5
        (has_text,) = session_of(ws.store, "has_text")
        assert has_text == 1


# --- the same in PostgreSQL ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def test_postgresql_holds_the_same(server: Server, fresh: Open) -> None:
    bodies = [body for path in captures() for body in sdk_requests(path)]
    local, remote = fresh(NOW_MS), workspace(server.place(), now_ms=NOW_MS)
    try:
        for ws in (local, remote):
            receiving = Receiving(ws.store, ws.clock)
            for body in bodies:
                post(receiving, body)
            drain(receiving)
            names = [name for names, _, _ in EXPECTED.values() for name in names]
            for name in (*names, *reversed(names)):
                assert send_otlp(receiving, name).status == 200
                drain(receiving, 4)
            ws.clock.advance(6_000)  # type: ignore[attr-defined]
            assert drain(receiving).waiting == 0
            refused = receiving.amplitude(json.dumps({**bodies[0], "events": [{"user_id": "u"}]}).encode())
            assert refused.status == 400 and receiving.status().problems[0].items == 1
            ws.clock.advance(20 * 60_000)  # type: ignore[attr-defined]
            receiving.drain(CancelToken())
            assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == [(0,)]
            assert rows(ws.store, "SELECT COUNT(*) FROM inbox_trace") == [(0,)]
            receiving.close()
        assert content(remote.store) == content(local.store)
    finally:
        remote.store.close()


def test_the_body_of_the_wire_is_what_the_tests_send() -> None:
    assert wire("manual_gzip_1.bin")[:1] == wire("manual_1.bin")[:1] == b"\n"
