"""The durable inbox at service level: what is refused and how, traces in pieces, limits, leases, leftovers."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.arrivals import ArrivalTimes
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.service import doctor
from aa_tui.backend.service.receiving import Receiving, ReceivingLimits
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import inbox
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.errors import Cancelled
from tests.builders import NOW_MS, workspace
from tests.ingest_state import contents_of
from tests.receiving_kit import KEY, content, drain, rows, sdk_requests, send_otlp, the_project

K = EventKind
T0_NS = NOW_MS * 1_000_000


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def receiving(ws: Workspace) -> Receiving:
    return Receiving(ws.store, ws.clock)


def clock_of(ws: Workspace) -> FrozenClock:
    assert isinstance(ws.clock, FrozenClock)
    return ws.clock


def event(**fields: Any) -> dict[str, Any]:
    return {"event_type": "viewed", "user_id": "ada", "time": NOW_MS - 1_000, "insert_id": "i-1", **fields}


def post(receiving: Receiving, *events: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = receiving.amplitude(json.dumps({"api_key": KEY, "events": list(events), **more}).encode())
    assert answer.body["code"] == answer.status
    return answer.status, answer.body


def span(
    number: int, parent: int | None = None, trace: str = "a" * 32, at_s: float = 0, took_s: float = 1, **attributes: Any
) -> dict[str, Any]:
    """A span in OTLP's JSON; double underscores in names of attributes stand for dots."""
    start = T0_NS + int(at_s * 1e9)
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent is not None else {}),
        "name": f"span {number}",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(took_s * 1e9)),
        "attributes": [
            {
                "key": key.replace("__", "."),
                "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value},
            }
            for key, value in attributes.items()
        ],
    }


def root(number: int = 1, **more: Any) -> dict[str, Any]:
    given = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "bot", "user__id": "ada", **more}
    return span(number, took_s=9, **{"gen_ai__conversation__id": "chat-1", **given})


def call(number: int, parent: int | None = 1, **more: Any) -> dict[str, Any]:
    said = {
        "gen_ai__input__messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "how?"}]}]),
        "gen_ai__output__messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "so"}]}]),
    }
    given = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m-1", **said}
    return span(number, parent, at_s=1, **{**given, **more})


def export(receiving: Receiving, *spans: dict[str, Any], key: str = "resourceSpans") -> tuple[int, int, str]:
    body = {key: [{"resource": {}, "scopeSpans": [{"spans": list(spans)}]}]}
    answer = receiving.traces(the_project(receiving), json.dumps(body).encode(), "json")
    return answer.status, answer.rejected, answer.message


def export_logs(receiving: Receiving, *records: dict[str, Any], scope: str = "") -> int:
    body = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": scope}, "logRecords": list(records)}]}]}
    return receiving.logs(the_project(receiving), json.dumps(body).encode(), "json").status


# --- refusing --------------------------------------------------------------------------------------------------------


def test_requests_that_are_refused_and_the_words_clients_act_on(ws: Workspace, receiving: Receiving) -> None:
    for body in (b"", b"{", b"\xff\xfe{", b"[1, 2]", b'"x"', b'{"a": NaN}', b"[" * 100_000):
        answer = receiving.amplitude(body)
        assert (answer.status, answer.body["code"], answer.body["missing_field"]) == (400, 400, "events")
    incomplete: list[tuple[dict[str, Any], str]] = [
        ({"events": []}, "api_key"),
        ({"api_key": "", "events": []}, "api_key"),
        ({"api_key": KEY}, "events"),
        ({"api_key": KEY, "events": {}}, "events"),
    ]
    for sent, field in incomplete:
        assert receiving.amplitude(json.dumps(sent).encode()).body["missing_field"] == field
    answer = receiving.amplitude(json.dumps({"api_key": "no such", "events": [event()]}).encode())
    assert answer.status == 400 and answer.body["error"].startswith("Invalid API key:")
    assert "missing_field" not in answer.body and "no such" not in json.dumps(answer.body)
    status, body = post(
        receiving,
        event(),
        event(event_type=None),
        event(time="now"),
        event(time=1.5),
        event(user_id="anonymous"),
        event(user_id=None, device_id="  "),
        "no event",
        event(event_type=7),
    )
    assert status == 400 and "missing_field" not in body
    assert body["events_with_missing_fields"] == {"event_type": [1, 6], "user_id": [4, 5]}
    assert body["events_with_invalid_fields"] == {"time": [2, 3], "event_type": [7]}
    assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == [(0,)], "all or nothing"
    assert {one.reason for one in receiving.status().problems} >= {"no event_type"}
    assert sum(one.items for one in receiving.status().problems) == 7


def test_ids_that_are_too_short(ws: Workspace, receiving: Receiving) -> None:
    assert post(receiving, event(user_id="a"))[0] == 200
    status, body = post(receiving, event(user_id="abcd"), options={"min_id_length": 5})
    assert (status, body["events_with_invalid_id_lengths"]) == (400, {"user_id": [0]})
    assert (
        post(receiving, event(user_id="abcd", device_id="device-7", insert_id="i-2"), options={"min_id_length": 5})[0]
        == 200
    )
    with ws.store.write() as tx:
        tx.execute("UPDATE project SET settings='{\"min_id_length\": 5}'")
    clock_of(ws).advance(1_001)
    assert post(receiving, event(user_id="abcd"))[0] == 400
    assert post(receiving, event(user_id="abcd", insert_id="i-3"), options={"min_id_length": 2})[0] == 200
    drain(receiving)
    stored = rows(ws.store, "SELECT insert_id, user_id, device_id FROM event ORDER BY insert_id")
    assert stored == [("i-1", "a", None), ("i-2", None, "device-7"), ("i-3", "abcd", None)]


def test_limits_of_one_request(ws: Workspace) -> None:
    limits = ReceivingLimits(most_events=3, amplitude_bytes=2_000, otlp_bytes=500)
    receiving = Receiving(ws.store, ws.clock, limits)
    assert post(receiving, *[event(insert_id=f"{n}") for n in range(3)])[0] == 200
    assert post(receiving, *[event(insert_id=f"{n}") for n in range(4)]) == (
        413, {"code": 413, "error": "Payload too large"},
    )  # fmt: skip
    assert post(receiving, event(event_properties={"x": "y" * 2_000}))[0] == 413
    assert receiving.traces(the_project(receiving), b"x" * 501, "protobuf").status == 413
    assert receiving.traces(the_project(receiving), b"\x0a\xff", "protobuf").status == 400
    assert receiving.logs(the_project(receiving), b"{]", "json").status == 400


def test_a_full_queue_says_so_and_stores_nothing(ws: Workspace) -> None:
    receiving = Receiving(ws.store, ws.clock, ReceivingLimits(queue_rows=2, retry_after_s=7))
    for number in range(2):
        assert post(receiving, event(insert_id=f"i-{number}"))[0] == 200
    answer = receiving.amplitude(json.dumps({"api_key": KEY, "events": [event(), event()]}).encode())
    assert (answer.status, answer.retry_after_s, answer.body["throttled_events"]) == (429, 7, [0, 1])
    otlp = receiving.traces(the_project(receiving), json.dumps({"resourceSpans": [
        {"scopeSpans": [{"spans": [root()]}]}]}).encode(), "json")  # fmt: skip
    assert (otlp.status, otlp.retry_after_s) == (429, 7)
    assert receiving.status().waiting_rows == 2
    drain(receiving)
    assert post(receiving, event(insert_id="i-2"))[0] == 200
    assert receiving.status().received == 3
    small = Receiving(ws.store, ws.clock, ReceivingLimits(queue_bytes=300))
    statuses = [post(small, event(insert_id=f"j-{number}"))[0] for number in range(9)]
    assert statuses[0] == 200 and statuses[-1] == 429 and statuses == sorted(statuses)


def test_bodies_are_packed_once_many_wait_and_nothing_is_lost(ws: Workspace) -> None:
    receiving = Receiving(ws.store, ws.clock, ReceivingLimits(queue_bytes=20_000))
    for number in range(12):
        assert post(receiving, event(insert_id=f"i-{number}", event_properties={"said": "again and " * 300}))[0] == 200
    sizes = [size for (size,) in rows(ws.store, "SELECT size FROM inbox ORDER BY id")]
    assert sizes[0] > 3_000 and sizes[-1] < 500
    assert sum(size > 3_000 for size in sizes[:-1]) * 3_000 < 20_000
    drain(receiving)
    assert rows(ws.store, "SELECT COUNT(*) FROM event") == [(12,)]


def test_a_store_that_cannot_be_written_is_no_success(tmp_path: Path) -> None:
    workspace(tmp_path).store.close()
    store = open_store(str(tmp_path / "store.db"), read_only=True)
    receiving = Receiving(store, FrozenClock(NOW_MS))
    assert post(receiving, event())[0] == 503
    assert export(receiving, root())[0] == 503
    store.close()


def test_unusable_spans_are_counted_and_told(ws: Workspace, receiving: Receiving) -> None:
    nameless = [{**call(2), "spanId": ""}, {**call(3), "traceId": "0" * 32}, {**call(4), "traceId": "xyz"}]
    status, rejected, message = export(receiving, root(), *nameless)
    assert (status, rejected) == (200, 3) and "id" in message
    assert export(receiving, *nameless)[:2] == (200, 3)
    assert export(receiving) == (200, 0, "")
    assert receiving.traces(the_project(receiving), b"", "protobuf").status == 200
    assert receiving.traces(the_project(receiving), b"{}", "json").message == ""
    assert receiving.traces(the_project(receiving), b'{"spans": []}', "json").message != ""
    drain(receiving)
    assert rows(ws.store, "SELECT COUNT(*) FROM event") == [(1,)]
    (problem,) = receiving.status().problems
    assert (problem.kind, problem.items) == ("traces", 6)
    (check,) = [one for one in doctor.examine(ws.store.url) if one.id == "receiving"]
    assert check.status == doctor.WARN and "6 traces: without a valid trace id" in check.detail


# --- accepting -------------------------------------------------------------------------------------------------------


def test_the_first_copy_stays_and_all_are_counted(ws: Workspace, receiving: Receiving) -> None:
    status, body = post(receiving, event(event_properties={"n": 1}), event(event_properties={"n": 2, "longer": "x"}))
    assert (status, body["events_ingested"]) == (200, 2)
    assert body["payload_size_bytes"] > 100 and body["server_upload_time"] == NOW_MS
    drain(receiving)
    assert post(receiving, event(event_properties={"n": 3, "longer": "yet longer"}))[1]["events_ingested"] == 1
    drain(receiving)
    assert rows(ws.store, "SELECT properties FROM event") == [('{"n":1}',)]
    assert receiving.status().received == 3


def test_missing_time_and_insert_id(ws: Workspace, receiving: Receiving) -> None:
    bare = {"event_type": "viewed", "user_id": "ada"}
    for _ in range(2):
        assert post(receiving, bare, bare, {**bare, "time": NOW_MS - 5})[0] == 200
        clock_of(ws).advance(10)
    drain(receiving)
    times = [time for (time,) in rows(ws.store, "SELECT time_ms FROM event ORDER BY time_ms")]
    assert times == [NOW_MS - 5, NOW_MS, NOW_MS, NOW_MS + 10, NOW_MS + 10], "a re-post with a time collapses"


def test_product_events_identify_and_text_in_chunks(ws: Workspace, receiving: Receiving) -> None:
    agent = {
        "[Agent] Session ID": "s-1", "[Agent] Trace ID": "t-1", "[Agent] Agent ID": "bot", "[Agent] Message ID": "m-1",
        "$llm_message": {"n": 2, "c0": "two ", "c1": "halves"},
    }  # fmt: skip
    more = {
        "[Agent] Session ID": "s-1", "[Agent] Message ID": "m-2", "$llm_message": "plain", "[Agent] Context": "no json",
        "[Agent] Cost USD": 3,
    }  # fmt: skip
    status, _ = post(
        receiving,
        event(insert_id="p", groups={"org": "acme"}),
        event(insert_id="q", event_type="$identify", user_properties={"$set": {"plan": "pro"}}),
        event(insert_id="m", event_type="[Agent] User Message", event_properties=agent),
        event(insert_id="n", event_type="[Agent] User Message", event_properties=more, time=NOW_MS),
        event(insert_id="f", event_type="[Agent] Session Record", event_properties={}),
    )
    assert status == 200
    drain(receiving)
    with ws.store.reader() as reader:
        assert [said for _, _, said in contents_of(reader)] == ["two halves"]
    (warnings,) = rows(ws.store, "SELECT warnings FROM session")
    assert {
        "bad_context",
        "cost_outside_ai_response",
        "llm_message_not_object",
        "missing_agent_id",
        "missing_trace_id",
    } <= set(warnings[0].split())
    assert rows(ws.store, "SELECT COUNT(*) FROM event WHERE session_id=0") == [(3,)]
    (properties,) = rows(ws.store, "SELECT properties FROM person WHERE user_id='ada'")
    assert json.loads(properties[0])["plan"] == "pro"


def test_many_threads_share_commits_and_lose_nothing(ws: Workspace, receiving: Receiving) -> None:
    statuses: list[int] = []

    def send(first: int) -> None:
        for number in range(first, first + 15):
            statuses.append(post(receiving, event(insert_id=f"i-{number}"))[0])

    threads = [threading.Thread(target=send, args=(n * 15,)) for n in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        receiving.drain(CancelToken())
    for thread in threads:
        thread.join()
    drain(receiving)
    assert statuses == [200] * 90
    assert rows(ws.store, "SELECT COUNT(*), COUNT(DISTINCT insert_id) FROM event") == [(90, 90)]


def test_keys_are_those_of_the_projects_at_once(ws: Workspace, receiving: Receiving) -> None:
    assert receiving.project_of("test-2") is None
    workspace(ws.store.url, name="test-2", project_id=2).store.close()
    found = receiving.project_of("test-2")
    assert found is not None and (found.id, found.name) == (2, "test-2")
    assert receiving.project_of("") is None and receiving.project_of("\ud800") is None
    export(receiving, root())
    body = json.dumps({"api_key": "test-2", "events": [event()]}).encode()
    assert receiving.amplitude(body).status == 200
    drain(receiving)
    assert rows(ws.store, "SELECT project_id, COUNT(*) FROM event GROUP BY project_id ORDER BY 1") == [(1, 1), (2, 1)]


def test_privacy_is_applied_before_anything_touches_the_disk(
    ws: Workspace, receiving: Receiving, tmp_path: Path
) -> None:
    with ws.store.write() as tx:
        tx.execute("""UPDATE project SET settings='{"content_mode": "metadata_only"}'""")
    secret = "zebra crossing"
    sent = {
        "[Agent] Session ID": "s",
        "[Agent] Message ID": "m",
        "[Agent] Agent ID": "b",
        "$llm_message": {"text": secret},
    }
    assert post(receiving, event(event_type="[Agent] User Message", event_properties=sent))[0] == 200
    assert export(receiving, root(), call(2, gen_ai__output__messages=secret), call(3, input__value=secret))[0] == 200
    log = {"traceId": "a" * 32, "spanId": f"{2:016x}", "eventName": "gen_ai.choice", "body": {"stringValue": secret}}
    assert export_logs(receiving, log) == 200
    with closing(sqlite3.connect(tmp_path / "store.db")) as raw:
        import zlib

        kept = [zlib.decompress(body) for (body,) in raw.execute("SELECT body FROM inbox")]
    assert len(kept) == 3 and not any(b"zebra" in body for body in kept)
    drain(receiving)
    assert rows(ws.store, "SELECT COUNT(*) FROM content") == [(0,)]
    assert {row[0] for row in rows(ws.store, "SELECT key FROM session")} == {"s", "chat-1"}
    assert rows(ws.store, "SELECT model_calls FROM session WHERE key='chat-1'") == [(2,)]


def test_redaction_and_what_the_sender_wants_withheld(ws: Workspace, receiving: Receiving) -> None:
    held = {"[Agent] Session ID": "s", "[Agent] Message ID": "m", "[Agent] Content Mode": "metadata_only",
            "$llm_message": {"text": "zebra"}}  # fmt: skip
    assert post(receiving, event(event_type="[Agent] User Message", event_properties=held))[0] == 200
    assert b"zebra" not in inbox_bodies(ws)
    with ws.store.write() as tx:
        tx.execute("UPDATE project SET settings='{\"redact\": true}'")
    clock_of(ws).advance(1_001)
    said = {"[Agent] Session ID": "s", "[Agent] Message ID": "m2", "$llm_message": {"text": "I am ada@example.com"}}
    assert post(receiving, event(insert_id="2", event_type="[Agent] User Message", event_properties=said))[0] == 200
    assert b"ada@example.com" not in inbox_bodies(ws)
    drain(receiving)
    with ws.store.reader() as reader:
        assert [said for _, _, said in contents_of(reader)] == ["I am [email]"]


def inbox_bodies(ws: Workspace) -> bytes:
    import zlib

    return b"\n".join(zlib.decompress(body) for (body,) in rows(ws.store, "SELECT body FROM inbox"))


def test_calls_are_priced_only_when_the_project_asks(ws: Workspace, receiving: Receiving) -> None:
    used = {
        "gen_ai__usage__input_tokens": 1_000,
        "gen_ai__usage__output_tokens": 10,
        "gen_ai__request__model": "gpt-4o",
    }
    export(receiving, root(), call(2, gen_ai__provider__name="openai", **used))
    drain(receiving)
    assert rows(ws.store, "SELECT cost_nano, cost_estimated FROM session") == [(None, 0)]
    with ws.store.write() as tx:
        tx.execute("UPDATE project SET settings='{\"pricing\": true}'")
    export(receiving, call(3, gen_ai__provider__name="openai", **used))
    drain(receiving)
    ((cost, estimated),) = rows(ws.store, "SELECT cost_nano, cost_estimated FROM session")
    assert cost > 0 and estimated == 1


# --- traces in pieces ------------------------------------------------------------------------------------------------


def keys(ws: Workspace) -> dict[str, int]:
    """Events by session key."""
    return dict(
        rows(
            ws.store,
            "SELECT COALESCE(s.key, ''), COUNT(*) FROM event e LEFT JOIN session s "
            "ON s.project_id=e.project_id AND s.id=e.session_id GROUP BY 1",
        )
    )


def test_a_trace_waits_five_seconds_for_its_root(ws: Workspace, receiving: Receiving) -> None:
    export(receiving, call(2))
    done = receiving.drain(CancelToken())
    assert (done.items, done.waiting, keys(ws)) == (0, 1, {})
    clock_of(ws).advance(4_999)
    assert receiving.drain(CancelToken()).waiting == 1
    clock_of(ws).advance(1)
    done = receiving.drain(CancelToken())
    assert (done.items, done.sessions, done.waiting) == (1, 1, 0)
    assert keys(ws) == {"a" * 32: 2}
    assert rows(ws.store, "SELECT warnings FROM session") == [("degraded_session",)]


def test_a_root_that_comes_in_time_ends_the_waiting(ws: Workspace, receiving: Receiving) -> None:
    export(receiving, call(2))
    receiving.drain(CancelToken())
    clock_of(ws).advance(1_000)
    export(receiving, root())
    assert receiving.drain(CancelToken()).items == 2
    assert keys(ws) == {"chat-1": 3}
    assert rows(ws.store, "SELECT warnings, user_id, agent FROM session") == [("", "ada", "bot")]


def test_events_move_to_the_session_that_is_known_later_and_nothing_stays_behind(
    ws: Workspace, receiving: Receiving
) -> None:
    other = "b" * 32
    export(
        receiving, call(2), call(3, gen_ai__output__messages="[]"), span(9, 8, other, gen_ai__operation__name="chat")
    )
    receiving.drain(CancelToken())
    clock_of(ws).advance(6_000)
    receiving.drain(CancelToken())
    assert keys(ws) == {"a" * 32: 3, other: 1}
    export(receiving, root())
    drain(receiving)
    assert keys(ws) == {"chat-1": 4, other: 1}
    assert sorted(rows(ws.store, "SELECT key FROM session")) == [(other,), ("chat-1",)]
    assert rows(ws.store, "SELECT COUNT(*) FROM turn") == [(2,)]
    assert rows(ws.store, "SELECT SUM(sessions) FROM rollup_session WHERE level=0") == [(2,)]
    assert rows(ws.store, "SELECT sessions FROM facet WHERE key='state'") == [(2,)]
    assert rows(ws.store, "SELECT COUNT(*) FROM session_fts") == [(1,)], "the other one says nothing"


def test_pieces_in_any_order_leave_what_the_whole_leaves(tmp_path: Path) -> None:
    import itertools

    pieces = [root(), call(2), span(4, 3, took_s=0.2, gen_ai__operation__name="chat", gen_ai__request__model="m"),
              call(3, gen_ai__output__messages="[]")]  # fmt: skip
    wanted: dict[str, Any] | None = None
    for number, order in enumerate([[*range(4)], *itertools.islice(itertools.permutations(range(4)), 5, 24, 3)]):
        (folder := tmp_path / str(number)).mkdir()
        ws = workspace(folder)
        receiving = Receiving(ws.store, ws.clock)
        if number == 0:
            export(receiving, *pieces)
        for at in order if number else ():
            export(receiving, pieces[at])
            clock_of(ws).advance(6_000)
            drain(receiving)
        drain(receiving)
        held = content(ws.store)
        wanted = wanted or held
        # A span that holds one model call is that call told twice: once the inner one came, the outer one is a step.
        assert held == wanted, order
        ws.store.close()


def test_late_spans_of_requests_that_are_gone_join_their_session(ws: Workspace, receiving: Receiving) -> None:
    export(receiving, root(), call(2))
    drain(receiving)
    before = content(ws.store)
    clock_of(ws).advance(61_000)
    receiving.drain(CancelToken())
    assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == [(0,)], "complete traces are kept for a minute"
    export(receiving, call(2))
    clock_of(ws).advance(6_000)
    drain(receiving)
    assert content(ws.store) == before, "what is sent again is known"
    late = call(5, gen_ai__output__messages=json.dumps([{"role": "assistant", "content": "late"}]))
    export(receiving, late)
    clock_of(ws).advance(6_000)
    drain(receiving)
    assert keys(ws) == {"chat-1": 4}
    assert rows(ws.store, "SELECT model_calls, user_id, agents FROM session") == [(2, "ada", '["bot"]')]


def test_incomplete_traces_are_kept_fifteen_minutes_and_bounded_in_size(ws: Workspace) -> None:
    receiving = Receiving(ws.store, ws.clock)
    export(receiving, call(2))
    clock_of(ws).advance(6_000)
    drain(receiving)
    clock_of(ws).advance(14 * 60_000)
    receiving.drain(CancelToken())
    assert rows(ws.store, "SELECT state FROM inbox") == [(int(inbox.State.MAPPED),)]
    clock_of(ws).advance(61_000)
    receiving.drain(CancelToken())
    assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == rows(ws.store, "SELECT COUNT(*) FROM inbox_trace") == [(0,)]
    receiving.close()
    tight = Receiving(ws.store, ws.clock, ReceivingLimits(times=ArrivalTimes(keep_bytes=1_500)))
    for number in range(9):
        export(tight, replace_trace(call(2), f"{number + 1:032x}"))
        clock_of(ws).advance(6_000)
        drain(tight)
    assert 0 < rows(ws.store, "SELECT SUM(size) FROM inbox")[0][0] <= 1_500


def replace_trace(given: dict[str, Any], trace: str) -> dict[str, Any]:
    return {**given, "traceId": trace}


def test_texts_without_spans_are_said_to_be_lost(ws: Workspace, receiving: Receiving) -> None:
    log = {
        "traceId": "d" * 32,
        "spanId": f"{2:016x}",
        "eventName": "gen_ai.user.message",
        "body": {"stringValue": "hi"},
    }
    assert (
        export_logs(receiving, log, {**log, "body": {"stringValue": "ho"}}, {**log, "eventName": "http.request"}) == 200
    )
    assert export_logs(receiving, {"eventName": "http.request", "traceId": "d" * 32, "spanId": f"{1:016x}"}) == 200
    assert rows(ws.store, "SELECT items FROM inbox") == [(2,)], "what no agent wrote is not kept"
    drain(receiving)
    assert receiving.status().problems == ()
    clock_of(ws).advance(15 * 60_000 + 1)
    receiving.drain(CancelToken())
    (problem,) = receiving.status().problems
    assert (problem.kind, problem.items) == ("logs", 2)
    assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == [(0,)]


def test_claude_codes_own_telemetry(ws: Workspace, receiving: Receiving) -> None:
    def record(name: str, **attributes: Any) -> dict[str, Any]:
        given = {"session.id": "cc-1", "user.email": "ada@example.com", "prompt.id": "p-1", **attributes}
        return {
            "timeUnixNano": str(T0_NS),
            "eventName": f"claude_code.{name}",
            "attributes": [{"key": key, "value": {"stringValue": str(value)}} for key, value in given.items()],
        }

    failed = record("tool_result", tool_name="Bash", success="false")
    sent = [
        record("user_prompt", prompt="fix it"),
        record("api_request", model="claude-x", input_tokens=3, output_tokens=4),
        failed,
        failed,
        record("tool_decision", decision="accept"),
    ]
    for _ in range(3):
        assert export_logs(receiving, *sent, scope="com.anthropic.claude_code.events") == 200
    drain(receiving)
    assert rows(ws.store, "SELECT key, user_id, turns, model_calls, tool_calls, total_tokens FROM session") == [
        ("cc-1", "ada@example.com", 1, 1, 2, 7)
    ]
    assert rows(ws.store, "SELECT COUNT(*) FROM inbox") == [(0,)]


# --- who drains, and what is left over -------------------------------------------------------------------------------


def test_one_process_drains_and_the_next_takes_over(ws: Workspace, receiving: Receiving) -> None:
    other = Receiving(ws.store, ws.clock)
    export(receiving, call(2))
    post(other, event())
    assert receiving.drain(CancelToken()).items == 1
    assert other.drain(CancelToken()).items == 0
    receiving.close()
    receiving.close()
    clock_of(ws).advance(6_000)
    assert other.drain(CancelToken()).items == 1
    assert keys(ws) == {"": 1, "a" * 32: 2}


def test_a_lease_ends_by_time_or_with_its_process(ws: Workspace, receiving: Receiving) -> None:
    post(receiving, event())
    now = ws.clock.now_ms()
    for owner, until, done in (
        ("elsewhere:1:x", now + 10_000, 0),
        ("elsewhere:1:x", now - 1, 1),
        ("elsewhere:1:x", now + 10**9, 1),
    ):
        with ws.store.write() as tx:
            inbox.take_lease(tx, owner, until)
        fresh = Receiving(ws.store, ws.clock)
        post(fresh, event(insert_id=f"{owner}{until}"))
        assert (fresh.drain(CancelToken()).items > 0) == bool(done), (owner, until - now)


def test_a_round_that_was_cancelled_is_done_again(ws: Workspace, receiving: Receiving) -> None:
    for number in range(40):
        export(receiving, replace_trace(root(), f"{number + 1:032x}"), call(2))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        receiving.drain(token)
    clock_of(ws).advance(5_000)
    drain(receiving)
    assert sum(keys(ws).values()) == 40 + 2


def test_one_event_that_cannot_be_stored_costs_itself_only(
    ws: Workspace, receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.ingest.arrivals import writing
    from aa_tui.backend.ingest.writer import Writer

    class Picky(Writer):
        def write(self, items: Any, *args: Any, **more: Any) -> Any:
            found = list(items)
            if any(item.event.insert_id == "i-3" for item in found):
                raise OverflowError
            return super().write(found, *args, **more)

    monkeypatch.setattr(writing, "Writer", Picky)
    post(receiving, *[event(insert_id=f"i-{number}") for number in range(9)])
    assert drain(receiving).items == 9
    assert rows(ws.store, "SELECT COUNT(*) FROM event") == [(8,)]
    (problem,) = receiving.status().problems
    assert (problem.items, problem.reason) == (1, "cannot be stored: OverflowError")


def test_large_bodies_are_cut_and_long_traces_stay_whole(
    ws: Workspace, receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.sources.otel import requests

    monkeypatch.setattr(requests, "PART_BYTES", 4_000)
    export(receiving, root(), *[call(number) for number in range(2, 40)])
    parts = rows(ws.store, "SELECT items FROM inbox")
    assert len(parts) > 3 and sum(items for (items,) in parts) == 39
    from tests.receiving_kit import wire

    assert send_otlp(receiving, "manual_1").status == 200 and len(wire("manual_1.bin")) > 4_000
    while receiving.drain(CancelToken(), max_items=5).waiting:
        pass
    assert keys(ws) == {"chat-1": 40, "conv-manual-1": 10}


def test_memory_of_held_traces_is_bounded(ws: Workspace, receiving: Receiving, monkeypatch: pytest.MonkeyPatch) -> None:
    from aa_tui.backend.ingest.arrivals import project

    monkeypatch.setattr(project, "_HELD_SPANS", 3)
    for number in range(8):
        export(receiving, replace_trace(call(2), f"{number + 1:032x}"))
        receiving.drain(CancelToken())
    assert receiving.status().waiting_items == 8
    clock_of(ws).advance(5_000)
    assert drain(receiving).items == 8
    assert rows(ws.store, "SELECT COUNT(*) FROM session") == [(8,)]


def test_a_trace_of_more_spans_than_are_mapped_at_once_keeps_the_older_ones(
    ws: Workspace, receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.ingest.arrivals import project

    monkeypatch.setattr(project, "MOST_SPANS", 5)
    export(receiving, root())
    for first in range(2, 20, 3):
        clock_of(ws).advance(1_000)
        export(receiving, *[call(number, gen_ai__input__messages="[]") for number in range(first, first + 3)])
        drain(receiving)
    assert keys(ws) == {"chat-1": 19}


def test_the_key_is_nowhere_in_the_store_but_in_its_project(ws: Workspace, receiving: Receiving) -> None:
    with ws.store.write() as tx:
        tx.execute("UPDATE project SET api_key='0123456789abcdef0123456789abcdef'")
    clock_of(ws).advance(1_001)
    (body, *_) = sdk_requests("01")
    assert (
        receiving.amplitude(json.dumps({**body, "api_key": "0123456789abcdef0123456789abcdef"}).encode()).status == 200
    )
    assert b"0123456789abcdef" not in inbox_bodies(ws)
