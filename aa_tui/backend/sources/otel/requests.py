"""Bodies of OTLP export requests: looked at before they are acknowledged, decoded when they are mapped. No HTTP here.

Looking counts what is inside and what cannot be used, at a tenth of the cost of decoding, and cuts large bodies into
parts, so that whoever maps them later holds little of them at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aa_tui.backend.sources.otel import protobuf
from aa_tui.backend.sources.otel.claude_code_logs import is_claude_code
from aa_tui.backend.sources.otel.json_shapes import decode_document
from aa_tui.backend.sources.otel.neutral import NEUTRAL, unpack
from aa_tui.backend.sources.otel.protobuf import NotOtlp
from aa_tui.backend.sources.otel.spans import LogRecord, Span
from aa_tui.backend.sources.values import items, mapping

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Looked", "NotOtlp", "is_of_use", "is_usable", "log_records", "look_at_logs", "look_at_traces", "spans_of"]

Encoding = Literal["protobuf", "json"]
PART_BYTES = 4 * 1024 * 1024
"""Bodies beyond this are cut into parts of about this size."""
WITHOUT_ID = "without a valid trace id or span id"
_HEX = frozenset("0123456789abcdef")
_SPANS = ("resourceSpans", "resource_spans")
_LOGS = ("resourceLogs", "resource_logs")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a request holds."""

    parts: tuple[tuple[int, bytes], ...]
    """(number of spans or log records, body in the request's encoding); together everything that can be used."""
    items: int
    """Spans or log records that can be used, or that are left out because no agent wrote them."""
    rejected: int = 0
    """Those that cannot be used."""
    message: str = ""


def look_at_traces(body: bytes, encoding: Encoding) -> Looked:
    """Return what a trace export request holds.

    Raises:
        NotOtlp: it cannot be decoded.
    """
    if encoding == "json":
        return _look_at_json(body)
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except (DecodeError, RecursionError) as error:
        raise NotOtlp("not an OTLP trace request in protobuf") from error
    good = rejected = 0
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for one in scope_spans.spans:
                if len(one.trace_id) == 16 and len(one.span_id) == 8 and any(one.trace_id) and any(one.span_id):
                    good += 1
                else:
                    rejected += 1
    if not good:
        parts: tuple[tuple[int, bytes], ...] = ()
    elif len(body) <= PART_BYTES:
        parts = ((good, body),)
    else:
        parts = tuple(_cut(request))
    return Looked(parts, good, rejected, _said(rejected))


def _said(rejected: int) -> str:
    return f"{rejected} spans {WITHOUT_ID}" if rejected else ""


def _cut(request: ExportTraceServiceRequest) -> Iterator[tuple[int, bytes]]:
    part, count, size = type(request)(), 0, 0
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            target = None
            for one in scope_spans.spans:
                length = one.ByteSize()
                if count and size + length > PART_BYTES:
                    yield count, part.SerializeToString()
                    part, count, size, target = type(request)(), 0, 0, None
                if target is None:
                    holder = part.resource_spans.add()
                    holder.resource.CopyFrom(resource_spans.resource)
                    target = holder.scope_spans.add()
                    target.scope.CopyFrom(scope_spans.scope)
                target.spans.add().CopyFrom(one)
                count += 1
                size += length
    if count:
        yield count, part.SerializeToString()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotOtlp("not JSON") from error
    if not isinstance(value, dict):
        raise NotOtlp("not a JSON object")
    return value


def _look_at_json(body: bytes) -> Looked:
    value = _json_object(body)
    named = {name: value[name] for name in _SPANS if name in value}
    good = rejected = 0
    for one in _decoded(named):
        if isinstance(one, Span) and is_usable(one):
            good += 1
        elif isinstance(one, Span | str):
            rejected += 1
    message = _said(rejected)
    if value and not named:
        message = "the body holds no resourceSpans"
    if not good:
        parts: tuple[tuple[int, bytes], ...] = ()
    elif len(body) <= PART_BYTES:
        parts = ((good, body),)
    else:
        parts = tuple(_cut_json(named))
    return Looked(parts, good, rejected, message)


def _cut_json(value: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    part: list[dict[str, Any]] = []
    count = size = 0
    for resource_spans in (mapping(one) for given in value.values() for one in items(given)):
        for name in ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"):
            for scoped in items(resource_spans.get(name)):
                target: list[Any] | None = None
                for one in items(mapping(scoped).get("spans")):
                    length = len(json.dumps(one))
                    if count and size + length > PART_BYTES:
                        yield count, json.dumps({"resourceSpans": part}).encode()
                        part, count, size, target = [], 0, 0, None
                    if target is None:
                        target = []
                        head = {"resource": resource_spans.get("resource")}
                        part.append({**head, name: [{**mapping(scoped), "spans": target}]})
                    target.append(one)
                    count += 1
                    size += length
    if count:
        yield count, json.dumps({"resourceSpans": part}).encode()


def _decoded(value: dict[str, Any]) -> Iterator[Span | LogRecord | str]:
    if value:
        yield from decode_document(value)


def spans_of(body: bytes, encoding: str) -> list[Span]:
    """Return the usable spans of a body that was looked at.

    Raises:
        NotOtlp: it cannot be decoded.
    """
    if encoding == NEUTRAL:
        return unpack(body)[0]
    if encoding == "protobuf":
        return [one for one in protobuf.decode_traces(body)[0] if is_usable(one)]
    value = _json_object(body)
    named = {name: value[name] for name in _SPANS if name in value}
    return [one for one in _decoded(named) if isinstance(one, Span) and is_usable(one)]


def is_usable(span: Span) -> bool:
    """Tell whether a span has the ids that the protocol demands."""
    return _is_hex(span.trace_id, 32) and _is_hex(span.span_id, 16)


def _is_hex(value: str | None, digits: int) -> bool:
    return value is not None and len(value) == digits and _HEX.issuperset(value)


def is_of_use(record: LogRecord) -> bool:
    """Tell whether a log record says something of an agent: texts of a span, or Claude Code's own telemetry."""
    if is_claude_code(record):
        return True
    return record.name.startswith("gen_ai.") and _is_hex(record.trace_id, 32) and _is_hex(record.span_id, 16)


def log_records(body: bytes, encoding: str) -> list[LogRecord]:
    """Return the log records of a body.

    Raises:
        NotOtlp: it cannot be decoded.
    """
    if encoding == NEUTRAL:
        return unpack(body)[1]
    if encoding == "protobuf":
        return protobuf.decode_logs(body)
    return [one for one in _decoded_logs(_json_object(body)) if isinstance(one, LogRecord)]


def _decoded_logs(value: dict[str, Any]) -> Iterator[Span | LogRecord | str]:
    return _decoded({name: value[name] for name in _LOGS if name in value})


def look_at_logs(body: bytes, encoding: Encoding, of_use: Callable[[LogRecord], bool] = is_of_use) -> Looked:
    """Return what a log export request holds; without a part where no record is of use.

    Raises:
        NotOtlp: it cannot be decoded.
    """
    message = ""
    wrong: list[str] = []
    if encoding == "json":
        value = _json_object(body)
        decoded = list(_decoded_logs(value))
        records = [one for one in decoded if isinstance(one, LogRecord)]
        wrong = [one for one in decoded if isinstance(one, str)]
        message = "; ".join(dict.fromkeys(wrong))
        if value and not set(_LOGS) & value.keys():
            message = "the body holds no resourceLogs"
    else:
        records = log_records(body, encoding)
    wanted = sum(map(of_use, records))
    return Looked(((wanted, body),) if wanted else (), len(records), len(wrong), message)
