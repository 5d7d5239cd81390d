"""OTLP protobuf bodies to neutral spans and log records, and the answers to them. No dialect and no HTTP here.

The protobuf library is loaded only when a body is decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aa_tui.backend.sources.otel.spans import LogRecord, Span, SpanEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_DEEPEST = 40


class NotOtlp(ValueError):
    """The bytes are no OTLP request of the kind asked for."""


def decode_traces(body: bytes) -> tuple[list[Span], int]:
    """Return the spans of an `ExportTraceServiceRequest` and how many were rejected for want of an id.

    Raises:
        NotOtlp: the bytes cannot be decoded.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except (DecodeError, RecursionError) as error:
        raise NotOtlp(f"not an OTLP trace request: {error}") from error
    spans: list[Span] = []
    rejected = 0
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope.name
            for one in scope_spans.spans:
                trace_id, span_id = one.trace_id, one.span_id
                if not any(trace_id) or not any(span_id):
                    rejected += 1
                    continue
                parent = one.parent_span_id
                spans.append(
                    Span(
                        trace_id.hex(),
                        span_id.hex(),
                        parent.hex() if any(parent) else None,
                        one.name,
                        one.start_time_unix_nano or None,
                        one.end_time_unix_nano or None,
                        _attributes(one.attributes),
                        resource,
                        scope,
                        one.status.code == 2,
                        one.status.message or None,
                        [
                            SpanEvent(event.name, event.time_unix_nano or None, _attributes(event.attributes))
                            for event in one.events
                        ]
                        if one.events
                        else [],
                        tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links) if one.links else (),
                    )
                )
    return spans, rejected


def decode_logs(body: bytes) -> list[LogRecord]:
    """Return the log records of an `ExportLogsServiceRequest`.

    Raises:
        NotOtlp: the bytes cannot be decoded.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(body)
    except (DecodeError, RecursionError) as error:
        raise NotOtlp(f"not an OTLP log request: {error}") from error
    records: list[LogRecord] = []
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for one in scope_logs.log_records:
                attributes = _attributes(one.attributes)
                # `event_name` is younger than some installed versions of the protocol.
                name = getattr(one, "event_name", "") or attributes.get("event.name") or ""
                records.append(
                    LogRecord(
                        name if isinstance(name, str) else "",
                        one.time_unix_nano or one.observed_time_unix_nano or None,
                        one.trace_id.hex() if any(one.trace_id) else None,
                        one.span_id.hex() if any(one.span_id) else None,
                        attributes,
                        _value(one.body, 0),
                        resource,
                        scope_logs.scope.name,
                    )
                )
    return records


def encode_trace_answer(rejected: int = 0, message: str = "") -> bytes:
    """Return an `ExportTraceServiceResponse`; empty success when nothing was rejected and nothing is to be said."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    answer = ExportTraceServiceResponse()
    if rejected or message:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


def encode_log_answer(rejected: int = 0, message: str = "") -> bytes:
    """Return an `ExportLogsServiceResponse`; empty success when nothing was rejected and nothing is to be said."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    answer = ExportLogsServiceResponse()
    if rejected or message:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


def _attributes(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        if value.HasField("string_value"):
            found[pair.key] = value.string_value
        else:
            found[pair.key] = _value(value, depth)
    return found


def _value(value: AnyValue, depth: int) -> Any:
    which = value.WhichOneof("value")
    if which is None or depth > _DEEPEST:
        return None
    if which == "array_value":
        return [_value(one, depth + 1) for one in value.array_value.values]
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values, depth + 1)
    if which == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, which)
