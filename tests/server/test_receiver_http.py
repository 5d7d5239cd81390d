"""What the receiver answers to whom: keys, encodings, shapes of refusals, and that only what is meant to comes in."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from aa_tui import __version__
from aa_tui.backend.service.receiving import Answer, OtlpAnswer
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.errors import StoreError
from tests.server.conftest import DATA, KEY, Door, FakeReceiving, opened

PROTOBUF = "application/x-protobuf"
TRACE_PATHS = ("/v1/traces", "/otlp/v1/traces")
LOG_PATHS = ("/v1/logs", "/otlp/v1/logs")
AMPLITUDE_PATHS = ("/2/httpapi", "/batch")


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"event_type": "clicked", "user_id": "user-1", "insert_id": f"i{number}", "time": 1_790_000_000_000, **more}


def traces() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = bytes(range(16)), bytes(range(8)), "chat"
    span.start_time_unix_nano, span.end_time_unix_nano = 1_790_000_000 * 10**9, 1_790_000_001 * 10**9
    attribute = span.attributes.add(key="gen_ai.operation.name")
    attribute.value.string_value = "chat"
    return request.SerializeToString()


# --- what is taken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", AMPLITUDE_PATHS)
async def test_amplitude_events_are_in_the_store_when_200_is_said(
    door: Door, store: Store, key: str, path: str
) -> None:
    body = json.dumps({"api_key": key, "events": [event(1), event(2)]})
    answer = await door.send(path, body, content_type="application/json; charset=UTF-8")
    told = answer.json()
    assert (answer.status_code, told["code"], told["events_ingested"]) == (200, 200, 2)
    assert told["payload_size_bytes"] == len(body) and told["server_upload_time"] > 0
    with store.reader() as reader:
        assert reader.fetch("SELECT kind, items FROM inbox") == [("amplitude", 2)]


@pytest.mark.parametrize("path", TRACE_PATHS)
async def test_spans_are_in_the_store_when_200_is_said(door: Door, store: Store, key: str, path: str) -> None:
    answer = await door.send(
        path, gzip.compress(traces()), content_type=PROTOBUF, x_api_key=key, content_encoding="gzip"
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    with store.reader() as reader:
        assert reader.fetch("SELECT kind, items FROM inbox") == [("traces", 1)]


async def test_captured_requests_of_real_clients_are_taken(door: Door, key: str) -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    for file in sorted((DATA / "amplitude_sdk_wire").glob("[0-9]*.json")):
        for sent in json.loads(file.read_text(encoding="utf-8"))["requests"]:
            body = json.dumps({**sent["body"], "api_key": key})
            answer = await door.send(sent["path"], body, content_type=sent["headers"].get("Content-Type", ""))
            assert answer.json()["events_ingested"] == len(sent["body"]["events"]), file.name
    for file in sorted((DATA / "otlp_wire").glob("*.headers.json")):
        meta = json.loads(file.read_text(encoding="utf-8"))
        headers = {name.lower().replace("-", "_"): value for name, value in meta["headers"].items()}
        for name in ("host", "content_length", "authorization", "connection"):
            headers.pop(name, None)
        body = file.with_name(file.name.replace(".headers.json", ".bin")).read_bytes()
        answer = await door.send(meta["path"], body, **headers, authorization=f"Bearer {key}")
        assert (answer.status_code, answer.content) == (200, b""), file.name
        derived = file.with_name(file.name.replace(".headers.json", ".otlp.json"))
        if derived.exists():
            answer = await door.send(meta["path"], derived.read_bytes(), x_api_key=key)
            assert (answer.status_code, answer.json()) == (200, {}), derived.name


async def test_an_empty_export_is_a_success(door: Door, key: str) -> None:
    for path in (*TRACE_PATHS, *LOG_PATHS):
        assert (await door.send(path, b"", content_type=PROTOBUF, x_api_key=key)).status_code == 200
        assert (await door.send(path, b"{}", x_api_key=key)).json() == {}


# --- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": f"Bearer {KEY}"}, ""),
        ({"authorization": f"bearer  {KEY}"}, ""),
        ({"x_api_key": KEY}, ""),
        ({}, f"?api_key={KEY}"),
        ({"authorization": "Basic abc", "x_api_key": KEY}, ""),
    ],
)
async def test_a_key_may_come_in_three_ways(fake_door: Door, headers: dict[str, str], query: str) -> None:
    assert (await fake_door.send(f"/v1/traces{query}", b"", **headers)).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"x_api_key": "wrong"}, {"authorization": "Bearer wrong"}, {"x_api_key": "ü"}])
async def test_otlp_without_a_key_of_a_project_is_401(
    fake_door: Door, fake: FakeReceiving, headers: dict[str, Any]
) -> None:
    named = {name: value.encode() for name, value in headers.items()}
    for path in (*TRACE_PATHS, *LOG_PATHS):
        answer = await fake_door.send(path, b"x" * 1000, content_type=PROTOBUF, **named)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert Status.FromString(answer.content).code == 16
        assert (await fake_door.send(path, b"{}", **named)).json()["code"] == 16
    assert fake.bodies == [], "nothing is read before the key is known"


async def test_amplitude_with_an_unknown_key_is_told_so_in_the_words_the_sdk_knows(door: Door, key: str) -> None:
    large = [event(1, event_properties={"text": "x" * 400_000})]
    for events in ([event(1)], large):
        answer = await door.send("/2/httpapi", json.dumps({"api_key": "no" * 16, "events": events}))
        assert (answer.status_code, answer.json()["code"]) == (400, 400)
        assert answer.json()["error"].startswith("Invalid API key:")
        # Where the key stands does not matter.
        answer = await door.send("/2/httpapi", json.dumps({"events": events, "api_key": key}))
        assert answer.status_code == 200


async def test_a_strangers_large_body_is_not_decoded(fake_door: Door, fake: FakeReceiving) -> None:
    for body in (b'{"api_key":"stranger","events":[' + b"[]," * 200_000 + b"1]}", b"[" * 600_000):
        assert (await fake_door.send("/2/httpapi", body)).json()["code"] == 400
    assert fake.bodies == []


# --- shapes of answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "kind"), [("/v1/traces", "traces"), ("/v1/logs", "logs")])
async def test_partial_success_is_told_in_the_requests_encoding(
    fake_door: Door, fake: FakeReceiving, path: str, kind: str
) -> None:
    fake.otlp = OtlpAnswer(200, 300, "300 spans have no trace id · ü")
    answer = await fake_door.send(path, b"", content_type=PROTOBUF, x_api_key=KEY)
    parsed: Any
    if kind == "traces":
        parsed = ExportTraceServiceResponse.FromString(answer.content).partial_success
        assert parsed.rejected_spans == 300
    else:
        parsed = ExportLogsServiceResponse.FromString(answer.content).partial_success
        assert parsed.rejected_log_records == 300
    assert parsed.error_message == fake.otlp.message
    counted = "rejectedSpans" if kind == "traces" else "rejectedLogRecords"
    answer = await fake_door.send(path, b"{}", x_api_key=KEY)
    assert answer.json() == {"partialSuccess": {counted: "300", "errorMessage": fake.otlp.message}}
    assert fake.encodings == ["protobuf", "json"]


@pytest.mark.parametrize(("status", "code"), [(400, 3), (413, 8), (429, 8), (503, 14)])
async def test_otlp_errors_are_status_messages(fake_door: Door, fake: FakeReceiving, status: int, code: int) -> None:
    fake.otlp = OtlpAnswer(status, 0, "why", 7 if status in (429, 503) else None)
    answer = await fake_door.send("/v1/traces", b"", content_type=PROTOBUF, x_api_key=KEY)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROTOBUF)
    assert answer.headers.get("retry-after") == ("7" if status in (429, 503) else None)
    parsed = Status.FromString(answer.content)
    assert (parsed.code, parsed.message) == (code, "why")
    answer = await fake_door.send("/v1/traces", b"{}", x_api_key=KEY)
    assert (answer.status_code, answer.json()) == (status, {"code": code, "message": "why"})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreError("locked"), 503),
        (OSError("disk"), 503),
        (MemoryError(), 503),
        (RecursionError(), 400),
        (ZeroDivisionError("secret words"), 500),
    ],
)
async def test_what_fails_behind_is_answered_in_shape(
    fake_door: Door, fake: FakeReceiving, error: BaseException, status: int
) -> None:
    fake.error = error
    amplitude = await fake_door.send("/2/httpapi", b"{}")
    assert (amplitude.status_code, amplitude.json()["code"]) == (status, status)
    otlp = await fake_door.send("/v1/traces", b"", content_type=PROTOBUF, x_api_key=KEY)
    assert otlp.status_code == status and Status.FromString(otlp.content).message
    assert ("retry-after" in otlp.headers) == (status == 503)
    assert "secret" not in amplitude.text + otlp.text
    assert [type(one) for one in fake_door.faults] == ([ZeroDivisionError] * 2 if status == 500 else [])


async def test_the_services_own_refusals_reach_amplitude_clients_unchanged(
    fake_door: Door, fake: FakeReceiving
) -> None:
    told = {"code": 400, "error": "e", "events_with_missing_fields": {"event_type": [3]}}
    fake.answer = Answer(400, told)
    answer = await fake_door.send("/2/httpapi", b"{}")
    assert (answer.status_code, answer.json()) == (400, told)
    fake.answer = Answer(429, {"code": 429, "throttled_events": [0]}, 9)
    answer = await fake_door.send("/batch", b"{}")
    assert (answer.headers["retry-after"], answer.json()["throttled_events"]) == ("9", [0])


@pytest.mark.parametrize("path", [*AMPLITUDE_PATHS, *TRACE_PATHS, *LOG_PATHS])
async def test_wrong_ways_to_ask_are_answered_in_json_with_a_code(fake_door: Door, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = await fake_door.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        if method != "HEAD":
            assert answer.json()["code"] == (405 if path in AMPLITUDE_PATHS else 12)
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-16",
    ):
        answer = await fake_door.send(path, b"{}", content_type=kind, x_api_key=KEY)
        assert answer.status_code == 415 and answer.json()["code"], kind
    answer = await fake_door.send(path, b"{}", content_encoding="br", x_api_key=KEY)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, deflate")


async def test_unknown_paths_are_json_too(fake_door: Door) -> None:
    for path in ("/", "/v1/traces/", "/favicon.ico", "/%00", "/v1/metrics"):
        for method in ("GET", "POST"):
            answer = await fake_door.client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (404, 404), path
    assert "OTEL_METRICS_EXPORTER" in (await fake_door.client.post("/v1/metrics")).text
    assert {one.path for one in fake_door.log} == {"other"}, "what strangers ask for is not logged"


# --- health, changes, log ------------------------------------------------------------------------------------------


async def test_health_tells_version_and_store_and_nothing_else(door: Door, store: Store) -> None:
    answer = await door.client.get("/healthz")
    assert answer.json() == {"code": 200, "status": "ok", "store": "ok", "version": __version__}
    assert (await door.client.head("/healthz")).status_code == 200
    assert (await door.client.post("/healthz")).status_code == 405


async def test_health_says_when_the_store_is_away(fake: FakeReceiving) -> None:
    async with opened(fake) as door:
        door.routes._reachable = lambda: False
        answer = await door.client.get("/healthz")
    assert (answer.status_code, answer.json()["store"]) == (503, "away")


async def test_get_changes_nothing(door: Door, store: Store, key: str) -> None:
    before = store.change_counter()
    for path in ("/healthz", *AMPLITUDE_PATHS, *TRACE_PATHS, "/nothing"):
        for query in ("", f"?api_key={key}"):
            await door.client.get(path + query)
    assert store.change_counter() == before


async def test_no_answer_has_a_cors_header(door: Door, key: str) -> None:
    answers = [
        await door.client.get("/healthz"),
        await door.client.options("/v1/traces", headers={"access-control-request-method": "POST"}),
        await door.send("/v1/traces", b"{}", x_api_key=key),
        await door.send("/v1/traces", b"{}", x_api_key=key, origin="http://localhost"),
    ]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


async def test_the_access_log_has_neither_keys_nor_bodies(door: Door, key: str) -> None:
    await door.send(f"/v1/traces?api_key={key}", b'{"resourceSpans":[]}')
    await door.send("/2/httpapi", json.dumps({"api_key": key, "events": [event(1, user_id="private person")]}))
    await door.send(f"/{key}", b"{}")
    assert [(one.method, one.path, one.status) for one in door.log] == [
        ("POST", "/v1/traces", 200),
        ("POST", "/2/httpapi", 200),
        ("POST", "other", 404),
    ]
    assert key not in repr(door.log) and "private" not in repr(door.log)
