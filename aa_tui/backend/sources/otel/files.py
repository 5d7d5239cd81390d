"""Files of OpenTelemetry traces, in any of their JSON shapes, and of Claude Code's telemetry. Mapping lives beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.otel import claude_code_logs
from aa_tui.backend.sources.otel.claude_code_logs import events_of_records
from aa_tui.backend.sources.otel.json_shapes import decode_document
from aa_tui.backend.sources.otel.mapping import TraceOptions, by_trace, events_of_trace
from aa_tui.backend.sources.otel.spans import LogRecord, Span, nanoseconds
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import instant_ms, mapping, repository_name, text

_OTLP = frozenset({"resourceSpans", "resourceLogs", "resource_spans", "resource_logs"})
_TEMPO = (b'"scopeSpans"', b'"resourceSpans"', b'"instrumentationLibrarySpans"')
_STREAMED = ("resourceSpans", "resourceLogs", "resource_spans", "resource_logs", "batches", "data", "spans")


class OtelSource:
    """Traces as collectors, Tempo, Jaeger, SDKs and any-agent write them."""

    name = "otel"
    title = "OpenTelemetry traces"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        keys, start = shape.keys, head.start
        if keys & _OTLP:
            return True
        if shape.opening == "{":
            if "batches" in keys or "trace" in keys:
                return (
                    b'"scopeSpans"' in start or b'"resourceSpans"' in start or b'"instrumentationLibrarySpans"' in start
                )
            if "data" in keys or "processes" in keys:
                return b'"spanID"' in start and b'"traceID"' in start
            if "spans" in keys:
                return b'"trace_id"' in start and b'"span_id"' in start
        if "spanContext" in keys:
            return "attributes" in keys
        return {"context", "parent_id", "attributes", "start_time"} <= keys and b'"trace_id"' in start

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        spans: list[Span] = []
        logs: dict[str, list[LogRecord]] = {}
        records: list[LogRecord] = []
        for line, value in _documents(path, options):
            if isinstance(value, RecordProblem):
                yield value
                continue
            for found in decode_document(value):
                if isinstance(found, str):
                    yield RecordProblem(line, found)
                elif isinstance(found, Span):
                    spans.append(found)
                elif claude_code_logs.is_claude_code(found):
                    records.append(found)
                else:
                    logs.setdefault(found.trace_id or "", []).append(found)
        yield from _events(path, options, spans, logs)
        own = events_of_records(records, len(spans))
        yield from own
        traces = {span.trace_id for span in spans}
        lost = sum(len(found) for trace, found in logs.items() if trace not in traces)
        if lost:
            yield RecordProblem(None, f"{lost} log records belong to no span of this file")


def _documents(path: Path, options: ReadOptions) -> Iterator[tuple[int | None, Any]]:
    """Yield (line, value) pieces of a file that `decode_document` understands."""
    head = reading.head_of(path)
    if reading.is_json_lines(head):
        for item in reading.iter_json_records(path, options.on_bytes):
            yield (item.line, item) if isinstance(item, RecordProblem) else item
        return
    shape = reading.outline(head)
    if shape.opening == "{" and not shape.keys & {*_STREAMED, "trace"}:
        document = reading.load_json_document(path, options.on_bytes)
        yield (document.line, document) if isinstance(document, RecordProblem) else (1, document)
        return
    any_agent: dict[str, Any] = {}
    for member in reading.iter_json_members(path, _STREAMED, options.on_bytes):
        if isinstance(member, RecordProblem):
            yield member.line, member
            continue
        key, index, value = member
        if key is None:
            yield index + 1, value
        elif key in ("spans", "processes", "final_output", "traceID"):
            # One trace as one object: its members belong together.
            if key == "spans":
                any_agent.setdefault(key, []).append(value)
            else:
                any_agent[key] = value
        elif key in _STREAMED:
            yield index + 1, {key: [value]}
        elif key == "trace":
            yield 1, {key: value}
    if any_agent:
        yield 1, any_agent


def _events(
    path: Path, options: ReadOptions, spans: list[Span], logs: dict[str, list[LogRecord]]
) -> Iterator[SourceItem]:
    seq = 0
    without = 0
    for trace, members in by_trace(spans).items():
        user = user_for(options, None, (str(path),))
        events = events_of_trace(members, logs.get(trace, ()), TraceOptions(user=user, first_seq=seq))
        if not events:
            without += len(members)
            continue
        seq = events[-1].seq
        for event in events:
            named = user_for(ReadOptions(users=options.users), event.session_key, ())
            if named is not None:
                event.user_id = named
        yield from events
    if without:
        yield RecordProblem(None, f"{without} spans in traces without any span of an agent")


_RECORD: Shape = {"scope": str, "name": str, "attrs": dict}


class TelemetrySource:
    """Claude Code's telemetry as JSON Lines of log events and counters."""

    name = claude_code_logs.SOURCE
    title = "Claude Code telemetry"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        keys = reading.outline(head).keys
        return {"_type", "ts", "attrs"} <= keys and b"claude" in head.start

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        records: list[LogRecord] = []
        contexts: dict[str, dict[str, str]] = {}
        users: dict[str, str] = {}
        for item in reading.iter_json_records(path, options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, value = item
            one = mapping(value)
            attributes = mapping(one.get("attrs"))
            if not text(one.get("_type")):
                yield RecordProblem(line, "not a telemetry record: no _type", field="_type")
            elif attributes.get("event_type") == "claude.session.start":
                _session_start(mapping(value), contexts, users)
            elif one["_type"] == "log":
                at_ns = nanoseconds(instant_ms(one.get("ts")), 1_000_000)
                scope, name = text(one.get("scope")) or "", text(one.get("name")) or ""
                yield from _misfits(line, one, scope, attributes)
                records.append(
                    LogRecord(name, at_ns, None, None, dict(attributes), None, mapping(one.get("resource")), scope)
                )
        for event in events_of_records(records, contexts=contexts):
            named = user_for(options, event.session_key, (event.context.get("cwd"), str(path)))
            event.user_id = named or event.user_id or users.get(event.session_key or "")
            yield event


def _misfits(line: int, record: dict[str, Any], scope: str, attributes: dict[str, Any]) -> Iterator[RecordProblem]:
    """Yield why a record of Claude Code cannot be told to be one, or to belong to a session."""
    problems = list(misfits(line, record, _RECORD))
    yield from problems
    if not problems and scope.startswith(claude_code_logs.SCOPE) and text(attributes.get("session.id")) is None:
        yield RecordProblem(line, "a telemetry record without a session", field="attrs.session.id")


def _session_start(record: dict[str, Any], contexts: dict[str, dict[str, str]], users: dict[str, str]) -> None:
    attributes = mapping(record.get("attrs"))
    session = text(attributes.get("session_id"))
    if session is None:
        return
    cwd = text(attributes.get("cwd"))
    known = {"cwd": cwd, "branch": text(attributes.get("git_branch")), "repository": repository_name(None, cwd)}
    contexts[session] = {key: value for key, value in known.items() if value}
    if (user := text(mapping(record.get("resource")).get("user.id"))) is not None:
        users[session] = user


OTEL = OtelSource()
CLAUDE_CODE_TELEMETRY = TelemetrySource()
