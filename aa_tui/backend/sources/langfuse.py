"""Langfuse exports: a trace with its observations and scores. Only this format is known here.

Observations are turned into spans and mapped as any other trace; what is JSON inside texts, even twice, is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import ImportedLabel, ImportedResult, RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.otel.dialects import kind_of
from aa_tui.backend.sources.otel.mapping import TraceOptions, events_of_trace
from aa_tui.backend.sources.otel.messages import decode
from aa_tui.backend.sources.otel.spans import Kind, Span, nanoseconds
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import encoded, instant_ms, items, mapping, number, text

_KINDS = {"GENERATION": Kind.MODEL, "EMBEDDING": Kind.EMBEDDING, "TOOL": Kind.TOOL}
_SPENT = ("gen_ai.usage.", "llm.token_count.", "ai.usage.", "gen_ai.cost.", "llm.cost.")
_SAID = re.compile(r"^(system|developer|user|assistant|tool): ", re.MULTILINE)
_NO_DIMENSION = frozenset({"attributes", "resourceAttributes", "scope", "tags", "resume"})
_USAGE = {
    "gen_ai.usage.input_tokens": ("input", "prompt_tokens", "input_tokens"),
    "gen_ai.usage.output_tokens": ("output", "completion_tokens", "output_tokens"),
    "gen_ai.usage.total_tokens": ("total", "total_tokens"),
    "gen_ai.usage.cache_read.input_tokens": (
        "prompt_details.cache_read",
        "input_cache_read",
        "input_cached_tokens",
        "cache_read_input_tokens",
    ),
    "gen_ai.usage.cache_creation.input_tokens": ("input_cache_creation", "cache_creation_input_tokens"),
    "gen_ai.usage.reasoning.output_tokens": (
        "completion_details.reasoning",
        "output_reasoning",
        "output_reasoning_tokens",
    ),
}


_SHAPE: Shape = {
    "observations": [{"type": str}],
    "trace": {"scores": list, "observations": [{"type": str}]},
    "scores": list,
}


class LangfuseSource:
    """Traces as Langfuse exports them."""

    name = "langfuse"
    title = "Langfuse traces"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        keys = reading.outline(head).keys
        if not any(name in head.start for name in (b'"projectId"', b'"sessionId"', b'"traceId"')):
            return False
        return {"trace", "observations"} <= keys or {"observations", "sessionId", "timestamp"} <= keys

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        seq = 0
        for item in _documents(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            place, document = item
            one = mapping(document)
            trace = mapping(one.get("trace")) or one
            trace_id = text(trace.get("id"))
            if trace_id is None:
                yield RecordProblem(place, "a trace without an id", field="id")
                continue
            yield from misfits(place, one, _SHAPE)
            given = one.get("observations")
            if given is None:
                given = trace.get("observations")
            spans: list[Span] = []
            for position, observation in enumerate(items(given)):
                span = _span(trace_id, observation, trace)
                if span is None:
                    yield RecordProblem(position + 1, "an observation without an id", field="id")
                else:
                    spans.append(span)
            session = text(trace.get("sessionId")) or trace_id
            events = events_of_trace(
                spans or [_of_trace(trace_id, trace)],
                options=TraceOptions(
                    prefix=self.name,
                    session=session,
                    user=text(trace.get("userId")) or user_for(options, session, (str(path),)),
                    context=_context(trace),
                    first_seq=seq,
                ),
            )
            own = user_for(ReadOptions(users=options.users), session, (str(path),)) or text(trace.get("userId"))
            tags = tuple(dict.fromkeys(tag for tag in items(trace.get("tags")) if isinstance(tag, str) and tag))
            for event in events:
                event.user_id = own or event.user_id
                event.device_id = None
                event.tags = tags
                yield event
            seq = events[-1].seq if events else seq
            for score in items(trace.get("scores")):
                if (found := _score(session, mapping(score))) is not None:
                    yield found
                else:
                    yield RecordProblem(place, "a score without a name or a value", field="scores")


def _documents(path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
    head = reading.head_of(path)
    if reading.is_json_lines(head):
        yield from reading.iter_json_records(path, options.on_bytes)
    elif reading.outline(head).opening == "[":
        for item in reading.iter_json_members(path, (), options.on_bytes):
            yield item if isinstance(item, RecordProblem) else (item[1] + 1, item[2])
    else:
        document = reading.load_json_document(path, options.on_bytes)
        yield document if isinstance(document, RecordProblem) else (1, document)


def _span(trace_id: str, value: Any, trace: dict[str, Any]) -> Span | None:
    one = mapping(value)
    span_id = text(one.get("id"))
    if span_id is None:
        return None
    metadata = mapping(decode(one.get("metadata")))
    attributes = dict(mapping(metadata.get("attributes")))
    if str(one.get("type")) not in _KINDS:
        # Langfuse has looked at these already and counts no call here.
        attributes = {key: value for key, value in attributes.items() if not key.startswith(_SPENT)}
    given, answered = one.get("input"), one.get("output")
    if given is not None:
        attributes["input.value"] = _spoken(given)
    if answered is not None and answered != "None":
        attributes["output.value"] = answered
    _usage(attributes, mapping(one.get("usageDetails")), one)
    if (model := text(one.get("model"))) is not None:
        attributes["gen_ai.response.model"] = model
    parameters = decode(one.get("modelParameters"))
    if isinstance(parameters, dict) and parameters:
        attributes["llm.invocation_parameters"] = parameters
    start_ms = instant_ms(one.get("startTime"))
    first_ms = instant_ms(one.get("completionStartTime"))
    if start_ms is not None and first_ms is not None and first_ms >= start_ms:
        attributes["ai.response.msToFirstChunk"] = first_ms - start_ms
    resource = dict(mapping(metadata.get("resourceAttributes")))
    service = text(resource.get("service.name"))
    if service is None or service.startswith("unknown_service"):
        resource["service.name"] = text(trace.get("name"))
    span = Span(
        trace_id,
        span_id,
        text(one.get("parentObservationId")),
        text(one.get("name")) or "",
        nanoseconds(start_ms, 1_000_000),
        nanoseconds(instant_ms(one.get("endTime")), 1_000_000),
        attributes,
        resource,
        failed=one.get("level") == "ERROR",
        message=text(one.get("statusMessage")),
    )
    span.kind = _kind(str(one.get("type")), span, answered)
    return span


def _kind(named: str, span: Span, answered: Any) -> Kind:
    if named in _KINDS:
        return _KINDS[named]
    if kind_of(span) is Kind.TOOL:
        return Kind.TOOL
    result = decode(answered) if named == "SPAN" else None
    if isinstance(result, dict) and result.get("type") == "tool" and "tool_call_id" in result:
        return Kind.TOOL  # a tool of LangChain: what it returned is a tool message
    return Kind.STEP


def _spoken(given: Any) -> Any:
    """Return messages of a transcript written as `role: text`, any other input as it is."""
    if not isinstance(given, str) or _SAID.match(given) is None:
        return given
    pieces = _SAID.split(given)[1:]
    return [{"role": role, "content": said.rstrip("\n")} for role, said in zip(pieces[::2], pieces[1::2], strict=True)]


def _usage(attributes: dict[str, Any], usage: dict[str, Any], observation: dict[str, Any]) -> None:
    for key, names in _USAGE.items():
        value = next((usage[name] for name in names if isinstance(usage.get(name), int | float)), None)
        if value is not None:
            attributes[key] = value
    count = {key: attributes.get(key) for key in _USAGE if isinstance(attributes.get(key), int | float)}
    given, answered, total = (count.get(f"gen_ai.usage.{name}_tokens") for name in ("input", "output", "total"))
    cached = (count.get("gen_ai.usage.cache_read.input_tokens") or 0) + (
        count.get("gen_ai.usage.cache_creation.input_tokens") or 0
    )
    if given is not None and total is not None and cached and given + cached + (answered or 0) == total:
        attributes["gen_ai.usage.input_tokens"] = given + cached  # what the provider calls input is the uncached rest
    cost = number(observation.get("totalCost"))
    if cost:
        attributes["gen_ai.usage.cost"] = cost


def _of_trace(trace_id: str, trace: dict[str, Any]) -> Span:
    """Return the one step that a trace without observations still is."""
    start_ms = instant_ms(trace.get("timestamp"))
    took = number(trace.get("latency")) or 0
    attributes = {
        key: value
        for key, value in (("input.value", trace.get("input")), ("output.value", trace.get("output")))
        if value is not None
    }
    start = nanoseconds(start_ms, 1_000_000)
    end = start + int(min(max(took, 0), 10**9) * 1_000_000_000) if start is not None else None
    resource = {"service.name": text(trace.get("name"))}
    name = text(trace.get("name")) or "trace"
    return Span(trace_id, trace_id, None, name, start, end, attributes, resource, kind=Kind.STEP)


def _context(trace: dict[str, Any]) -> dict[str, str]:
    known = {"env": text(trace.get("environment")), "version": text(trace.get("release")) or text(trace.get("version"))}
    found = {key: value for key, value in known.items() if value}
    for key, value in mapping(decode(trace.get("metadata"))).items():
        if key not in _NO_DIMENSION and value is not None and not isinstance(value, dict | list):
            found.setdefault(key, encoded(value) or "")
    return found


def _score(session: str, score: dict[str, Any]) -> ImportedLabel | ImportedResult | None:
    name = text(score.get("name"))
    value, word = score.get("value"), text(score.get("stringValue"))
    passed: bool | None = None
    if score.get("dataType") == "BOOLEAN" and number(value) is not None:
        passed = bool(value)
        shown: str | None = str(passed)
    elif score.get("dataType") == "CATEGORICAL":
        shown = word or text(value)
    else:
        amount = number(value)
        shown = f"{amount:g}" if amount is not None else word
    if name is None or shown is None:
        return None
    at_ms = instant_ms(score.get("timestamp")) or instant_ms(score.get("createdAt"))
    comment = text(score.get("comment")) or ""
    if score.get("source") == "ANNOTATION":
        reviewer = text(score.get("authorUserId")) or ""
        return ImportedLabel(
            session, name, shown, "Langfuse annotation", encoded(value) or "", comment, reviewer, at_ms
        )
    return ImportedResult(session, name, name, shown, passed, comment, at_ms=at_ms)


LANGFUSE = LangfuseSource()
