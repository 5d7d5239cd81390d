"""Neutral spans and log records as JSON and back, for those that may not be kept as they came. No dialect here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aa_tui.backend.sources.otel.spans import Kind, LogRecord, Span, SpanEvent

NEUTRAL = "neutral"
"""Name of this encoding."""


def pack(spans: Iterable[Span], logs: Iterable[LogRecord] = ()) -> bytes:
    """Return spans and log records as bytes; resources, which many share, are written once."""
    numbers: dict[int, int] = {}
    resources: list[dict[str, Any]] = []

    def number_of(resource: dict[str, Any]) -> int:
        number = numbers.get(id(resource))
        if number is None:
            number = numbers[id(resource)] = len(resources)
            resources.append(resource)
        return number

    value = {
        "spans": [
            [
                one.trace_id, one.span_id, one.parent_id, one.name, one.start_ns, one.end_ns, one.attributes,
                number_of(one.resource), one.scope, one.failed, one.message,
                [[moment.name, moment.time_ns, moment.attributes] for moment in one.events], one.links,
                one.kind.value if one.kind is not None else None,
            ]
            for one in spans
        ],
        "logs": [
            [one.name, one.time_ns, one.trace_id, one.span_id, one.attributes, one.body, number_of(one.resource),
             one.scope]
            for one in logs
        ],
        "resources": resources,
    }  # fmt: skip
    return json.dumps(value, separators=(",", ":"), default=str).encode()


def unpack(body: bytes) -> tuple[list[Span], list[LogRecord]]:
    """Return what `pack` was given."""
    value = json.loads(body)
    resources = value["resources"]
    return [_span(one, resources) for one in value["spans"]], [_record(one, resources) for one in value["logs"]]


def _span(one: list[Any], resources: list[dict[str, Any]]) -> Span:
    (
        trace_id,
        span_id,
        parent_id,
        name,
        start,
        end,
        attributes,
        resource,
        scope,
        failed,
        message,
        moments,
        links,
        kind,
    ) = one
    return Span(
        trace_id,
        span_id,
        parent_id,
        name,
        start,
        end,
        attributes,
        resources[resource],
        scope,
        failed,
        message,
        [SpanEvent(*moment) for moment in moments],
        tuple((link[0], link[1]) for link in links),
        Kind(kind) if kind is not None else None,
    )


def _record(one: list[Any], resources: list[dict[str, Any]]) -> LogRecord:
    name, time_ns, trace_id, span_id, attributes, body, resource, scope = one
    return LogRecord(name, time_ns, trace_id, span_id, attributes, body, resources[resource], scope)
