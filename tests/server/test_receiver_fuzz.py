"""Damaged requests to the receiver: documented answers only, nothing accepted that is lost, nothing that hangs."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import os
import random
import resource
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.sources.amplitude_event import InvalidEvent, event_from_amplitude
from aa_tui.backend.sources.otel.claude_code_logs import is_claude_code
from aa_tui.backend.sources.otel.mapping import by_trace, events_of_trace
from aa_tui.backend.sources.otel.requests import is_of_use, log_records, spans_of
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.text import storable_id
from aa_tui.server.receiver.guard import Guard
from aa_tui.server.receiver.limits import ServerLimits
from aa_tui.server.receiver.routes import Routes
from tests.ingest_state import dangling
from tests.mutating import Mutator
from tests.mutating_samples import amplitude_events, otlp_spans

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000"))
REQUESTS_LONG = int(os.environ.get("FUZZ_REQUESTS_LONG", "10000"))
PER_STORE = 250
LONGEST_S = 5.0
MOST_MEMORY = 200 * 1024 * 1024
"""By how much the process may grow over what it was, at the most, bytes."""
NOW_MS = 1_796_000_000_000
DOCUMENTED = frozenset({200, 400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 503})
"""What `docs/receiving.md` says a client may be told."""
Kind = Literal["amplitude", "traces", "logs"]
_SETTINGS: tuple[dict[str, Any], ...] = ({}, {}, {}, {"redact": True}, {"content_mode": "metadata_only"})
"""Of the projects in turn: requests of the last two are taken apart before they are stored."""
_PATHS: dict[Kind, tuple[str, ...]] = {
    "amplitude": ("/2/httpapi", "/batch"),
    "traces": ("/v1/traces", "/otlp/v1/traces"),
    "logs": ("/v1/logs", "/otlp/v1/logs"),
}
_MEDIA = {"json": b"application/json", "protobuf": b"application/x-protobuf"}
Headers = list[tuple[bytes, bytes]]


@dataclass
class Request:
    """What is sent, and what may be expected of it."""

    kind: Kind
    encoding: str
    plain: bytes
    """The body before compression, as the receiver should see it."""
    key: str
    method: str = "POST"
    path: str = ""
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    what: tuple[str, ...] = ()
    pieces: int = 1
    is_readable: bool = True
    """Whether what the receiver reads is surely `plain` in `encoding`: not where compression or headers are damaged."""
    leaves: bool = False
    """The client goes away before the end of its body."""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.encoding} {self.headers} {self.what} {self.plain[:300]!r}"


@dataclass
class Reply:
    """What was answered; no status where nothing was."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


# --- what is sent ----------------------------------------------------------------------------------------------------


class Requests:
    """Makes damaged requests; number `n` of a seed is always the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._mutator = Mutator(seed)

    def make(self, number: int, key: str) -> Request:
        """Return the request of a number, sent with a project's key."""
        chance = random.Random(f"{self._seed}/{number}")
        kind: Kind = chance.choices(("amplitude", "traces", "logs"), (5, 4, 2))[0]
        encoding = "json" if kind == "amplitude" or chance.random() < 0.5 else "protobuf"
        plain, what = self._body(kind, encoding, key, chance)
        request = Request(kind, encoding, plain, key, path=chance.choice(_PATHS[kind]), what=what)
        self._dress(request, chance)
        return request

    def _body(self, kind: Kind, encoding: str, key: str, chance: random.Random) -> tuple[bytes, tuple[str, ...]]:
        value = _amplitude(chance) if kind == "amplitude" else _traces(chance) if kind == "traces" else _logs(chance)
        way = chance.random()
        if kind == "amplitude":
            # The key stays, or nearly all would be refused for it; now and then it is damaged as well.
            whole = {"api_key": key, **value}
            if way < 0.1:
                return _json(whole), ()
            if way < 0.65:
                part, what = self._mutator.value(value["events"], chance, chance.choice((1, 1, 2, 5)))
                rest = {name: one for name, one in whole.items() if name != "events"}
                return _json(rest)[:-1] + b', "events": ' + part + b"}", what
            if way < 0.8:
                return self._mutator.value(whole, chance, 2)
            data, said = self._mutator.bytes_of(_json(whole), chance)
            return data, (said,)
        if encoding == "json":
            if way < 0.1:
                return _json(value), ()
            if way < 0.75:
                return self._mutator.value(value, chance, chance.choice((1, 1, 2, 5)))
            data, said = self._mutator.bytes_of(_json(value), chance)
            return data, (said,)
        message = _to_protobuf(kind, value)
        if way < 0.1:
            return message.SerializeToString(), ()
        if way < 0.6:
            said = _damage_message(message, chance)
            return message.SerializeToString(), (said,)
        data, said = self._mutator.bytes_of(message.SerializeToString(), chance)
        return data, (said,)

    def _dress(self, request: Request, chance: random.Random) -> None:
        """Give a request its headers, mostly right ones."""
        media = _MEDIA[request.encoding]
        request.body = request.plain
        headers: Headers = [(b"host", b"127.0.0.1:4318"), (b"content-type", media)]
        if request.kind != "amplitude":
            name = chance.randrange(3)
            if name == 0:
                headers.append((b"authorization", b"Bearer " + request.key.encode()))
            elif name == 1:
                headers.append((b"x-api-key", request.key.encode()))
            else:
                request.query = b"api_key=" + request.key.encode()
        if chance.random() < 0.3:
            coding = chance.choice((b"gzip", b"deflate"))
            request.body = gzip.compress(request.plain) if coding == b"gzip" else zlib.compress(request.plain)
            headers.append((b"content-encoding", coding))
            if chance.random() < 0.3:
                request.body, said = self._mutator.bytes_of(request.body, chance)
                request.what += (f"compressed, then {said}",)
                request.is_readable = False
        request.headers = headers
        request.pieces = chance.choice((1, 1, 1, 2, 7))
        if chance.random() < 0.25:
            self._damage_headers(request, chance)
        if chance.random() < 0.02:
            request.leaves = True

    def _damage_headers(self, request: Request, chance: random.Random) -> None:
        request.is_readable = False
        headers = request.headers
        noise = bytes(
            chance.choice(b'abc:;,="\\/ \t\x00\x7f\x80\xff%') for _ in range(chance.choice((0, 3, 30, 4_000)))
        )
        name = chance.choice(
            (b"host", b"origin", b"content-type", b"content-encoding", b"content-length", b"authorization",
             b"x-api-key", b"transfer-encoding", b"cookie", b"")
        )  # fmt: skip
        values: dict[bytes, Sequence[bytes]] = {
            b"host": (b"evil.example", b"localhost", b"[::1]:4318", b"127.0.0.1:99999", b"127.0.0.1@evil.example"),
            b"origin": (b"null", b"http://127.0.0.1:4318", b"https://evil.example"),
            b"content-type": (b"text/plain", b"application/json; charset=utf-16", b"APPLICATION/JSON", b"*/*",
                              b"application/x-protobuf", b"application/json"),
            b"content-encoding": (b"br", b"gzip, gzip", b"identity", b"GZIP", b"zstd", b"gzip"),
            b"content-length": (b"-1", b"0", b"99999999999999999999", b"1e3", b"+5", b"5, 5"),
            b"authorization": (b"Bearer", b"Basic " + request.key.encode(), b"bearer  " + request.key.encode()),
        }  # fmt: skip
        value = chance.choice((noise, *values.get(name, (b"x",))))
        way = chance.randrange(4)
        if way == 0:
            request.headers = [pair for pair in headers if pair[0] != name]
        elif way == 1:
            headers.append((name, value))
        elif way == 2:
            request.headers = [(name, value) if pair[0] == name else pair for pair in headers]
        else:
            request.method = chance.choice(("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW", "post"))
            if chance.random() < 0.5:
                request.method = "POST"
                request.path = chance.choice(
                    ("/", "", "/v1/traces/", "/V1/TRACES", "/v1/../v1/traces", "/%00", "//v1/logs", "/v1/metrics",
                     "/healthz", "/2/httpapi/x", "/" + "a" * 5_000, "/\udcff\x00")
                )  # fmt: skip
        request.what += (f"{name!r}: way {way}, {value[:40]!r}",)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _amplitude(chance: random.Random) -> dict[str, Any]:
    events = amplitude_events(chance.choice((1, 2, 4)))
    for one in events:
        if chance.random() < 0.1:
            del one["insert_id"]
        if chance.random() < 0.05:
            one.pop("time")
    return {"events": events} if chance.random() < 0.8 else {"events": events, "options": {"min_id_length": 3}}


def _traces(chance: random.Random) -> dict[str, Any]:
    spans = otlp_spans(chance.choice((1, 2, 4)))
    chance.shuffle(spans)
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]}]}


def _logs(chance: random.Random) -> dict[str, Any]:
    def text(key: str, value: str) -> dict[str, Any]:
        return {"key": key, "value": {"stringValue": value}}

    told = [text("event.name", "user_prompt"), text("session.id", "tel-1"), text("prompt", "hi")]
    body = {"kvlistValue": {"values": [text("content", "hello")]}}
    records = [
        {"timeUnixNano": str(1_767_607_200_000_000_000 + at), "eventName": "gen_ai.user.message", "body": body,
         "traceId": f"{at + 1:032x}", "spanId": f"{at + 1:016x}", "attributes": [text("gen_ai.system", "openai")]}
        for at in range(chance.choice((1, 3)))
    ]  # fmt: skip
    claude = [{"timeUnixNano": "1767607200000000000", "attributes": told, "body": {"stringValue": "x"}}]
    scopes = [
        {"scope": {"name": "opentelemetry.openai"}, "logRecords": records},
        {"scope": {"name": "com.anthropic.claude_code"}, "logRecords": claude},
        {"scope": {"name": "app"}, "logRecords": [{"body": {"stringValue": "started"}, "severityText": "INFO"}]},
    ]
    return {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": scopes}]}


def _to_protobuf(kind: Kind, value: Mapping[str, Any]) -> Message:
    """Return the protobuf form of an OTLP JSON document."""
    from google.protobuf.json_format import ParseDict

    def as_base64(one: Any) -> Any:
        import base64

        if isinstance(one, dict):
            return {
                key: base64.b64encode(bytes.fromhex(inner)).decode()
                if key in ("traceId", "spanId", "parentSpanId")
                else as_base64(inner)
                for key, inner in one.items()
            }
        return [as_base64(inner) for inner in one] if isinstance(one, list) else one

    message = ExportTraceServiceRequest() if kind == "traces" else ExportLogsServiceRequest()
    return cast(Message, ParseDict(as_base64(copy.deepcopy(dict(value))), message, ignore_unknown_fields=True))


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for descriptor, value in message.ListFields():
        if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for one in value if _is_repeated(descriptor) else (value,):
                yield from _messages(one)


def _is_repeated(descriptor: FieldDescriptor) -> bool:
    return isinstance(descriptor.default_value, list)


def _damage_message(message: Message, chance: random.Random) -> str:
    """Damage some fields of a message in place, each with a value that its type allows."""
    what = []
    for _ in range(chance.choice((1, 1, 3, 8))):
        found = chance.choice(list(_messages(message)))
        descriptor = chance.choice(found.DESCRIPTOR.fields)
        name = descriptor.name
        what.append(f"{found.DESCRIPTOR.name}.{name}")
        if chance.random() < 0.2:
            found.ClearField(name)
        elif _is_repeated(descriptor):
            field_ = getattr(found, name)
            if len(field_) and chance.random() < 0.5:
                del field_[chance.randrange(len(field_))]
            elif len(field_):
                with suppress(DecodeError):  # nested beyond what the library follows
                    field_.append(field_[chance.randrange(len(field_))])
        elif descriptor.type == FieldDescriptor.TYPE_STRING:
            setattr(found, name, chance.choice(("", "\x00", "x" * 50_000, "\x1b[2J\u202e", "{", "[]", "nan", "\uffff")))
        elif descriptor.type == FieldDescriptor.TYPE_BYTES:
            setattr(found, name, chance.randbytes(chance.choice((0, 1, 8, 16, 17, 5_000))))
        elif descriptor.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            setattr(found, name, chance.choice((float("nan"), float("inf"), -1.0, 1e308, 5e-324)))
        elif descriptor.type == FieldDescriptor.TYPE_BOOL:
            setattr(found, name, chance.random() < 0.5)
        elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(found, name).SetInParent()
            if found.DESCRIPTOR.name == "AnyValue" and name == "array_value":
                _nest(found, chance.choice((5, 45, 90)))
        else:
            setattr(found, name, chance.choice((0, 1, 2**31 - 1)))
            for number in (2**63 - 1, 2**64 - 1, -1, -(2**63)):
                if chance.random() < 0.4:
                    try:
                        setattr(found, name, number)
                    except ValueError:
                        continue  # this field is narrower
    return ", ".join(what)


def _nest(value: Any, depth: int) -> None:
    for _ in range(depth):
        value = value.array_value.values.add()


# --- sending ---------------------------------------------------------------------------------------------------------


async def _send(app: Guard, request: Request) -> Reply:
    """Call the receiver as a server does."""
    raw = request.path.encode("utf-8", "surrogateescape")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "scheme": "http",
        "path": request.path, "raw_path": raw, "query_string": request.query, "root_path": "",
        "headers": request.headers, "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 4318),
    }  # fmt: skip
    size = max(1, -(-len(request.body) // request.pieces))
    chunks = [request.body[at : at + size] for at in range(0, len(request.body), size)] or [b""]
    if request.leaves:
        chunks = chunks[: len(chunks) // 2]
    reply = Reply()

    async def receive() -> dict[str, Any]:
        if chunks:
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks) or request.leaves}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert reply.status == 0, "one answer only"
            reply.status = message["status"]
            reply.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            reply.body += message.get("body", b"")

    await asyncio.wait_for(app(scope, receive, send), LONGEST_S)
    return reply


# --- what must be true -----------------------------------------------------------------------------------------------


def _check_reply(request: Request, reply: Reply) -> None:
    """The answer is a documented one, in the words of whoever asks."""
    assert reply.status in DOCUMENTED, f"{reply.status}: {request}"
    if reply.status in (429, 503):
        assert int(reply.headers["retry-after"]) >= 1
    if request.method == "HEAD" or request.path == "/healthz":
        return
    if reply.headers["content-type"].startswith("application/json"):
        told = json.loads(reply.body)
        assert isinstance(told, dict)
        if request.path in _PATHS["amplitude"]:
            assert told["code"] == reply.status, request
            assert reply.status == 200 or told.get("error"), request
        elif reply.status != 200:
            assert told.get("code") is not None and (told.get("message") or told.get("error")), request
        else:
            assert set(told) <= {"partialSuccess"}, request
    else:
        assert reply.headers["content-type"] == "application/x-protobuf", request
        if reply.status == 200:
            _answer_of(request, reply)
        else:
            assert reply.body, request


def _answer_of(request: Request, reply: Reply) -> tuple[int, str]:
    """Return (rejected, message) of an OTLP answer."""
    if request.encoding == "json":
        partial = json.loads(reply.body).get("partialSuccess", {})
        rejected = partial.get("rejectedSpans", partial.get("rejectedLogRecords", 0))
        return int(rejected), partial.get("errorMessage", "")
    if request.kind == "traces":
        spans = ExportTraceServiceResponse.FromString(reply.body).partial_success
        return spans.rejected_spans, spans.error_message
    logs = ExportLogsServiceResponse.FromString(reply.body).partial_success
    return logs.rejected_log_records, logs.error_message


@dataclass
class Promise:
    """What an answer of 200 promised: these events, or problems in their place."""

    request: Request
    ids: set[str] = field(default_factory=set)
    unnamed: int = 0
    """Events whose id the receiver makes up."""
    items: int = 0
    """What may become a problem instead: at most so much must be explained."""


def _promise(request: Request, reply: Reply) -> Promise:
    if request.kind == "amplitude":
        return _amplitude_promise(request, reply)
    rejected, message = _answer_of(request, reply)
    assert not rejected or message, request
    made = Promise(request)
    if request.kind == "traces":
        spans = spans_of(request.plain, request.encoding)
        assert _span_count(request) == len(spans) + rejected, f"{len(spans)} + {rejected}: {request}"
        for members in by_trace(spans).values():
            made.ids |= {event.insert_id for event in events_of_trace(members)}
        made.items = len(spans)
        return made
    useful = [one for one in log_records(request.plain, request.encoding) if is_of_use(one)]
    # Texts wait for spans that never come here: they must be counted as problems in the end, all of them.
    made.unnamed = made.items = len(useful)
    made.items -= sum(is_claude_code(one) for one in useful)
    return made


def _span_count(request: Request) -> int:
    """Return how many spans a request holds, right or wrong, counted without the receiver's own decoders."""
    if request.encoding == "protobuf":
        sent = ExportTraceServiceRequest.FromString(request.plain)
        return sum(len(scoped.spans) for one in sent.resource_spans for scoped in one.scope_spans)
    found = 0

    def look(value: Any, names: tuple[str, ...]) -> None:
        nonlocal found
        if value is None:
            return
        for one in value if isinstance(value, list) else [value]:
            if len(names) == 1 or not isinstance(one, dict) or not isinstance(value, list):
                found += 1
            elif names[1] in one:
                look(one[names[1]], names[1:])

    document = json.loads(request.plain)
    look(document.get("resourceSpans"), ("resourceSpans", "scopeSpans", "spans"))
    return found


def _amplitude_promise(request: Request, reply: Reply) -> Promise:
    sent = json.loads(request.plain)
    told = json.loads(reply.body)
    assert told["events_ingested"] == len(sent["events"]), request
    made = Promise(request, items=len(sent["events"]))
    shortest = 3 if sent.get("options") == {"min_id_length": 3} else 1
    for at, record in enumerate(sent["events"]):
        try:
            event = event_from_amplitude(record, at, min_id_length=shortest, received_ms=NOW_MS)
        except InvalidEvent as error:
            raise AssertionError(f"accepted though {error}: {request}") from error
        if record.get("time") is None and not record.get("insert_id") and not record.get("$insert_id"):
            made.unnamed += 1
        else:
            made.ids.add(storable_id(event.insert_id))
    return made


def _check_kept(store: Store, project: int, promise: Promise) -> None:
    """What was promised is there, or a problem with a reason stands in its place."""
    with store.reader() as reader:
        rows = reader.fetch("SELECT insert_id FROM event WHERE project_id=:p", {"p": project})
        problems = reader.fetch("SELECT reason, items FROM receiving_problem WHERE project_id=:p", {"p": project})
        waiting = reader.one("SELECT COUNT(*) FROM inbox WHERE project_id=:p", {"p": project})
    assert all(reason.strip() for reason, _ in problems)
    stored = {insert_id for (insert_id,) in rows}
    missing = promise.ids - stored
    unnamed = promise.unnamed - len(stored - promise.ids)
    explained = sum(items for _, items in problems)
    assert len(missing) + max(0, unnamed) <= explained, (
        f"lost {sorted(missing)[:3]} and {unnamed} unnamed, explained {problems}: {promise.request}"
    )
    assert waiting == (0,), promise.request


class Door:
    """A receiver in this process."""

    def __init__(self, store: Store, clock: FrozenClock) -> None:
        self.receiving = Receiving(store, clock)
        limits = ServerLimits(idle_seconds=LONGEST_S / 2, body_seconds=LONGEST_S / 2)
        self.routes = Routes(self.receiving, lambda: True, limits)
        self.faults: list[BaseException] = []
        self.app = Guard(self.routes.app(), fault=self.faults.append)

    def drain(self) -> None:
        """Drain until nothing more happens."""
        while self.receiving.drain(CancelToken(), 10_000).items:
            pass

    def close(self) -> None:
        self.routes.close()
        self.receiving.close()


def _batch(home: Path, requests: Requests, numbers: range, seen: Counter[str]) -> None:
    store = open_store(str(home / "store.db"))
    clock = FrozenClock(NOW_MS)
    with store.write() as tx:
        tx.executemany(
            "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
            "VALUES (:p, :k, :k, 'UTC', 0, :s, 1, 0)",
            [
                {"p": project, "k": f"{project:032x}", "s": json.dumps(_SETTINGS[project % len(_SETTINGS)])}
                for project in range(1, len(numbers) + 1)
            ],
        )
    door = Door(store, clock)
    promises: dict[int, Promise] = {}
    loop = asyncio.new_event_loop()
    try:
        for project, number in enumerate(numbers, 1):
            request = requests.make(number, f"{project:032x}")
            begun = time.monotonic()
            reply = loop.run_until_complete(_send(door.app, request))
            assert time.monotonic() - begun < LONGEST_S, request
            if reply.status == 0:
                assert request.leaves, request
                continue
            _check_reply(request, reply)
            seen[f"{reply.status}"] += 1
            if reply.status == 200 and request.is_readable:
                seen[f"{request.kind} {request.encoding}"] += 1
                promises[project] = _promise(request, reply)
                if _SETTINGS[project % len(_SETTINGS)]:
                    # A message of the user is named by its words, which are not the same any more.
                    promises[project].ids = {one for one in promises[project].ids if ":user:" not in one}
                seen["promised"] += len(promises[project].ids)
        assert door.faults == []
        assert (door.routes.admission.held, door.routes.admission.requests) == (0, 0)
        # At once, after the time that a trace waits for its root, and after raw requests are let go.
        for wait_ms in (0, 6_000, 16 * 60_000):
            clock.advance(wait_ms)
            door.drain()
        for project, promise in promises.items():
            _check_kept(store, project, promise)
        assert dangling(store) == {}
        status = door.receiving.status()
        assert (status.waiting_rows, status.waiting_items) == (0, 0)
    finally:
        loop.close()
        door.close()
        store.close()


def _run(tmp_path: Path, total: int, seed: int) -> None:
    requests = Requests(seed)
    seen: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for first in range(0, total, PER_STORE):
        home = tmp_path / f"from-{first}"
        home.mkdir()
        _batch(home, requests, range(first, min(total, first + PER_STORE)), seen)
        shutil.rmtree(home)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_MEMORY, f"{grown / 2**20:.0f} MiB"
    # The damage must be neither so light nor so heavy that the checks above are idle.
    assert seen["200"] > total * 0.2 and seen["400"] > total * 0.1, seen
    assert all(seen[f"{one}"] for one in (401, 403, 404, 405, 415, 421)), seen
    kinds = ("amplitude json", "traces json", "traces protobuf", "logs json", "logs protobuf")
    assert all(seen[kind] > total * 0.01 for kind in kinds), seen
    assert seen["promised"] > total


def test_damaged_requests(tmp_path: Path) -> None:
    _run(tmp_path, REQUESTS, seed=1)


@pytest.mark.long
def test_many_damaged_requests(tmp_path: Path) -> None:
    _run(tmp_path, REQUESTS_LONG, seed=2)


def test_structured_damage_leaves_a_message_that_can_be_decoded() -> None:
    undecodable = 0
    for number in range(50):
        chance = random.Random(number)
        message = _to_protobuf("traces", _traces(chance))
        _damage_message(message, chance)
        try:
            ExportTraceServiceRequest.FromString(message.SerializeToString())
        except DecodeError:
            undecodable += 1  # nested beyond what the library follows
    assert undecodable < 10
