"""Traces in JSON to neutral spans: OTLP (collector, Tempo), Jaeger, and spans printed one by one. No dialect here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from aa_tui.backend.sources.otel.spans import LogRecord, Span, SpanEvent, hex_id, nanoseconds
from aa_tui.backend.sources.values import instant_ms, items, mapping, text, whole

_FAILED = frozenset({"2", "ERROR", "STATUS_CODE_ERROR", "STATUSCODE.ERROR"})
_DEEPEST = 40
Decoded = Span | LogRecord | str
"""A span, a log record, or why an element is neither."""


def decode_document(value: Any) -> Iterator[Decoded]:
    """Yield the spans and log records of one JSON value of any known shape.

    Known: an OTLP export request or a file of the collector, Tempo's answers, Jaeger's answers, an any-agent trace,
    and single spans or arrays of spans as SDKs print them. A text says what could not be used.
    """
    if isinstance(value, list):
        for one in value:
            yield from decode_document(one)
        return
    if not isinstance(value, dict):
        yield "neither a span nor a trace"
        return
    if isinstance(value.get("trace"), dict):
        value = value["trace"]
    known = False
    for name in ("resourceSpans", "resource_spans", "batches"):
        if name in value:
            known = True
            yield from _each(value[name], name, _resource_spans)
    for name in ("resourceLogs", "resource_logs"):
        if name in value:
            known = True
            yield from _each(value[name], name, _resource_logs)
    if known:
        return
    if isinstance(value.get("data"), list):
        yield from _each(value["data"], "data", _jaeger)
    elif isinstance(value.get("spans"), list) and "processes" in value:
        yield from _jaeger(value)
    elif isinstance(value.get("spans"), list):
        yield from _any_agent(value)
    else:
        yield span_of_object(value)


def _each(value: Any, name: str, decode: Callable[[dict[str, Any]], Iterator[Decoded]]) -> Iterator[Decoded]:
    """Yield what the objects of an array decode to, and a text for whatever is no object or no array."""
    if value is None:
        return
    if not isinstance(value, list):
        yield f"{name} is no array"
        return
    for one in value:
        if isinstance(one, dict):
            yield from decode(one)
        else:
            yield f"{name} holds something that is no object"


# --- OTLP ------------------------------------------------------------------------------------------------------------


def any_value(value: Any, depth: int = 0) -> Any:
    """Return the plain value of an OTLP `AnyValue` in JSON."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return None
    for name, given in value.items():
        plain = name.replace("_", "").lower()
        if plain in ("stringvalue", "boolvalue", "doublevalue", "bytesvalue"):
            return given
        if plain == "intvalue":
            return int(given) if isinstance(given, str) and given.lstrip("-").isdecimal() and len(given) < 25 else given
        if plain == "arrayvalue":
            return [any_value(one, depth + 1) for one in items(mapping(given).get("values"))]
        if plain == "kvlistvalue":
            return attributes_of(mapping(given).get("values"), depth + 1)
    return None


def attributes_of(value: Any, depth: int = 0) -> dict[str, Any]:
    """Return OTLP key-value pairs as an object; an object of plain values is returned as it is."""
    if isinstance(value, dict):
        return dict(value)
    found: dict[str, Any] = {}
    for pair in items(value):
        if isinstance(pair, dict) and isinstance(pair.get("key"), str):
            found[pair["key"]] = any_value(pair.get("value"), depth)
    return found


def _resource_spans(value: dict[str, Any]) -> Iterator[Decoded]:
    resource = attributes_of(mapping(value.get("resource")).get("attributes"))
    for name in ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"):
        yield from _each(value.get(name), name, partial(_scope_spans, resource))


def _scope_spans(resource: dict[str, Any], scoped: dict[str, Any]) -> Iterator[Decoded]:
    scope = text((mapping(scoped.get("scope")) or mapping(scoped.get("instrumentationLibrary"))).get("name")) or ""
    yield from _each(scoped.get("spans"), "spans", lambda one: iter((_otlp_span(one, resource, scope),)))


def _otlp_span(value: dict[str, Any], resource: dict[str, Any], scope: str) -> Decoded:
    trace_id = hex_id(_either(value, "traceId", "trace_id"), 32)
    span_id = hex_id(_either(value, "spanId", "span_id"), 16)
    if trace_id is None or span_id is None:
        return "a span without an id"
    if not isinstance(value.get("attributes", []), list | dict | None):
        return "a span whose attributes are no array"
    status = mapping(value.get("status"))
    return Span(
        trace_id,
        span_id,
        hex_id(_either(value, "parentSpanId", "parent_span_id"), 16),
        text(value.get("name")) or "",
        nanoseconds(_either(value, "startTimeUnixNano", "start_time_unix_nano")),
        nanoseconds(_either(value, "endTimeUnixNano", "end_time_unix_nano")),
        attributes_of(value.get("attributes")),
        resource,
        scope,
        str(status.get("code", "")).upper() in _FAILED,
        text(status.get("message")),
        [
            SpanEvent(
                text(mapping(one).get("name")) or "",
                nanoseconds(_either(mapping(one), "timeUnixNano", "time_unix_nano")),
                attributes_of(mapping(one).get("attributes")),
            )
            for one in items(value.get("events"))
        ],
        _links(value.get("links")),
    )


def _either(value: Mapping[str, Any], camel: str, snake: str) -> Any:
    return value[camel] if camel in value else value.get(snake)


def _links(value: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for one in items(value):
        link = mapping(one)
        trace_id, span_id = hex_id(link.get("traceId"), 32), hex_id(link.get("spanId"), 16)
        if trace_id is not None and span_id is not None:
            found.append((trace_id, span_id))
    return tuple(found)


def _resource_logs(value: dict[str, Any]) -> Iterator[Decoded]:
    resource = attributes_of(mapping(value.get("resource")).get("attributes"))
    for name in ("scopeLogs", "scope_logs", "instrumentationLibraryLogs"):
        yield from _each(value.get(name), name, partial(_scope_logs, resource))


def _scope_logs(resource: dict[str, Any], scoped: dict[str, Any]) -> Iterator[Decoded]:
    scope = text(mapping(scoped.get("scope")).get("name")) or ""
    found = _either(scoped, "logRecords", "log_records")
    yield from _each(found, "logRecords", lambda one: iter((_otlp_log(one, resource, scope),)))


def _otlp_log(value: dict[str, Any], resource: dict[str, Any], scope: str) -> LogRecord:
    attributes = attributes_of(value.get("attributes"))
    at_ns = nanoseconds(_either(value, "timeUnixNano", "time_unix_nano"))
    if at_ns is None:
        at_ns = nanoseconds(_either(value, "observedTimeUnixNano", "observed_time_unix_nano"))
    return LogRecord(
        text(_either(value, "eventName", "event_name")) or text(attributes.get("event.name")) or "",
        at_ns,
        hex_id(_either(value, "traceId", "trace_id"), 32),
        hex_id(_either(value, "spanId", "span_id"), 16),
        attributes,
        any_value(value.get("body")),
        resource,
        scope,
    )


# --- Jaeger ----------------------------------------------------------------------------------------------------------


def _tags(value: Any) -> dict[str, Any]:
    return {
        tag["key"]: tag.get("value")
        for tag in items(value)
        if isinstance(tag, dict) and isinstance(tag.get("key"), str)
    }


def _jaeger(trace: dict[str, Any]) -> Iterator[Decoded]:
    processes: dict[str, dict[str, Any]] = {}
    for name, process in mapping(trace.get("processes")).items():
        found = _tags(mapping(process).get("tags"))
        if (service := text(mapping(process).get("serviceName"))) is not None:
            found["service.name"] = service
        processes[name] = found
    yield from _each(trace.get("spans"), "spans", lambda one: iter((_jaeger_span(one, trace, processes),)))


def _jaeger_span(value: dict[str, Any], trace: dict[str, Any], processes: dict[str, dict[str, Any]]) -> Decoded:
    trace_id = hex_id(value.get("traceID") or trace.get("traceID"), 32)
    span_id = hex_id(value.get("spanID"), 16)
    if trace_id is None or span_id is None:
        return "a span without an id"
    if not isinstance(value.get("tags", []), list | None):
        return "a span whose tags are no array"
    attributes = _tags(value.get("tags"))
    parent = next(
        (
            hex_id(mapping(one).get("spanID"), 16)
            for one in items(value.get("references"))
            if mapping(one).get("refType") == "CHILD_OF"
        ),
        hex_id(value.get("parentSpanID"), 16),
    )
    start, took = whole(value.get("startTime")), whole(value.get("duration"))
    status = str(attributes.pop("otel.status_code", "")).upper()
    failed = attributes.pop("error", None)
    events = []
    for one in items(value.get("logs")):
        fields = _tags(mapping(one).get("fields"))
        name = text(fields.pop("event", None)) or text(fields.pop("name", None)) or ""
        events.append(SpanEvent(name, nanoseconds(mapping(one).get("timestamp"), 1000), fields))
    return Span(
        trace_id,
        span_id,
        parent,
        text(value.get("operationName")) or "",
        nanoseconds(start, 1000),
        nanoseconds(start + took, 1000) if start is not None and took is not None else None,
        attributes,
        processes.get(text(value.get("processID")) or "", {}) | _tags(mapping(value.get("process")).get("tags")),
        text(attributes.pop("otel.scope.name", None)) or "",
        status == "ERROR" or failed is True or failed == "true",
        text(attributes.pop("otel.status_description", None)),
        events,
    )


# --- spans printed one by one ----------------------------------------------------------------------------------------


def _any_agent(trace: dict[str, Any]) -> Iterator[Decoded]:
    roots = []
    for one in items(trace["spans"]):
        found = span_of_object(one)
        if isinstance(found, Span) and found.parent_id is None:
            roots.append(found)
        yield found
    final = trace.get("final_output")
    if len(roots) == 1 and final is not None:
        # The consumer of this generator looks at attributes only once all spans are read.
        roots[0].attributes.setdefault("output.value", final)


def _clock(value: Any) -> int | None:
    """Return epoch nanoseconds of what an SDK prints: nanoseconds, a pair of seconds and nanoseconds, or ISO 8601."""
    if isinstance(value, list) and len(value) == 2:
        seconds, rest = whole(value[0]), whole(value[1])
        return nanoseconds(seconds * 1_000_000_000 + rest) if seconds is not None and rest is not None else None
    at_ms = instant_ms(value)
    return nanoseconds(at_ms, 1_000_000) if at_ms is not None else nanoseconds(value)


def span_of_object(value: Any) -> Span | str:
    """Return a span printed as an object by the JavaScript or Python SDK or by any-agent, or why it is none."""
    one = mapping(value)
    context = mapping(one.get("context")) or mapping(one.get("spanContext")) or one
    trace_id = hex_id(_either(context, "traceId", "trace_id"), 32)
    span_id = hex_id(_either(context, "spanId", "span_id"), 16)
    if trace_id is None or span_id is None:
        return "neither a span nor a trace"
    if not isinstance(one.get("attributes", {}), dict | None):
        return "a span whose attributes are no object"
    above = mapping(one.get("parent")) or mapping(one.get("parentSpanContext"))
    parent = _either(above, "spanId", "span_id") if above else _either(one, "parentSpanId", "parent_id")
    status = one.get("status")
    code = _either(mapping(status), "code", "status_code") if isinstance(status, dict) else status
    resource = mapping(one.get("resource"))
    return Span(
        trace_id,
        span_id,
        hex_id(parent, 16),
        text(one.get("name")) or "",
        _clock(_either(one, "startTime", "start_time")),
        _clock(_either(one, "endTime", "end_time")),
        dict(mapping(one.get("attributes"))),
        dict(mapping(resource.get("attributes")) or resource),
        text(mapping(one.get("instrumentationScope")).get("name")) or "",
        str(code).upper() in _FAILED,
        text(mapping(status).get("message")) or text(mapping(status).get("description")),
        [
            SpanEvent(
                text(mapping(event).get("name")) or "",
                _clock(mapping(event).get("time", mapping(event).get("timestamp"))),
                dict(mapping(mapping(event).get("attributes"))),
            )
            for event in items(one.get("events"))
        ],
    )
