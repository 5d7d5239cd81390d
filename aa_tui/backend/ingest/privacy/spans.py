"""Raw OpenTelemetry spans and log records before they are stored: withheld and redacted as events are. Pure.

A span that waits for the rest of its trace must not hold more than its events may. What is taken out leaves its key
behind with an empty value, so that the span is still told as what it is, and its length as a property.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aa_tui.backend.ingest.errors import error_type_of
from aa_tui.backend.ingest.privacy.events import (
    DEFINITIONS_COUNT,
    DEFINITIONS_HASH,
    HAS_REASONING,
    PROMPT_LENGTH,
    WITHHELD,
    describe_definitions,
    is_id_name,
    is_plain,
)
from aa_tui.backend.ingest.privacy.rules import ContentMode, PrivacyRules, mode_of, stricter
from aa_tui.backend.model.event import Part
from aa_tui.backend.model.text_switches import HERE
from aa_tui.backend.sources.otel import dialects
from aa_tui.backend.sources.otel.mapping import CONTENT_MODE, RESOURCE_WITHHELD_BY
from aa_tui.backend.sources.otel.messages import Message, decode
from aa_tui.backend.sources.otel.spans import Kind, LogRecord, Span, SpanEvent
from aa_tui.backend.sources.values import encoded, mapping, number
from aa_tui.backend.support.redaction import Redactor

RESOURCE_MODE = CONTENT_MODE
"""Resource attribute that says what the sender withheld; afterwards what was withheld here."""
_IDENTITY = frozenset(
    {*dialects.SESSION, *dialects.RESOURCE_SESSION, *dialects.USER, *dialects.DEVICE, *dialects.AGENT}
    | {*dialects.MODEL, *dialects.PROVIDER, *dialects.REQUEST_ID}
    | {"user.email", "user.account_uuid", "prompt.id", "langsmith.trace.id"}
)
"""Who, which session, which agent and which model: kept as they are, for they tell sessions apart."""
_KEPT = _IDENTITY | {
    *dialects.TOOL_NAME, *dialects.FINISH, *dialects.TAGS, *dialects.FIRST_TOKEN_MS, *dialects.FIRST_TOKEN_SECONDS,
    *dialects.INPUT_TOKENS, *dialects.OUTPUT_TOKENS, *dialects.TOTAL_TOKENS, *dialects.CACHE_READ,
    *dialects.CACHE_CREATION, *dialects.REASONING, *dialects.COST,
    *(key for keys in dialects.PART_COSTS for key in keys),
    "gen_ai.operation.name", "gen_ai.tool.type", "gen_ai.output.type", "gen_ai.agent.description",
    "gen_ai.agent.version", "openinference.span.kind", "traceloop.span.kind", "traceloop.entity.path",
    "traceloop.workflow.name", "ai.operationId", "operation.name", "langsmith.span.kind", "llm.request.type",
    "error.type", "exception.type", "event.name", "query_source", "agent_type", "skill.name", "tool_name", "success",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_usd", "duration_ms",
    "status_code", "attempt", "decision", "source", "terminal.type", "app.version", "prompt_length",
    "http.request.method", "http.response.status_code", "http.method", "http.status_code", "server.address",
    "deployment.environment", "deployment.environment.name", "otel.scope.version", "input.mime_type",
    "output.mime_type", RESOURCE_MODE, DEFINITIONS_HASH,
}  # fmt: skip
"""Keys whose texts are names, kinds, versions and counts."""
_KEPT_FAMILIES = ("amplitude.", "service.", "telemetry.", *dialects.DIMENSIONS)
"""Keys of the sender's own dimensions and of its build."""
_SAID_DIMENSIONS = ("title", "langgraph_step_input")
_CONTENT_FAMILIES = (
    "gen_ai.input", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.args", "gen_ai.tool.definitions",
    "llm.input_messages", "llm.output_messages", "llm.prompts", "llm.tools", "llm.request.functions", "llm.openai.",
    "llm.prompt_template", "input.", "output.", "ai.prompt", "ai.response.text", "ai.response.object",
    "ai.response.toolCalls", "ai.response.reasoning", "ai.toolCall.args", "ai.toolCall.result", "ai.value",
    "ai.embedding", "embedding.embeddings", "traceloop.entity.input", "traceloop.entity.output",
    "gcp.vertex.agent.llm_", "gcp.vertex.agent.tool_", "retrieval.documents", "reranker.", "tool.parameters",
    "tool_arguments", "tool_response", "tool_input", "tool_parameters", "final_result", "document.",
)  # fmt: skip
"""Keys that hold what was said, in which even a number is content."""
_TELLING_FAMILIES = (
    "gen_ai.",
    "llm.",
    "ai.",
    "traceloop.",
    "openinference.",
    "gcp.",
    "tool.",
    "retrieval.",
    "input",
    "output",
)
"""Keys whose mere presence tells what a span is."""
_SPEAKING = (Kind.MODEL, Kind.USER_MESSAGE)


def strip_spans(
    spans: Iterable[Span], logs: Iterable[LogRecord], rules: PrivacyRules
) -> tuple[list[Span], list[LogRecord]]:
    """Return spans and log records as they may be stored under the rules; those given stay as they are.

    The stricter of each resource's `amplitude.content_mode` and the project's mode wins. Applying it again changes
    nothing more.
    """
    worker = _Worker(rules)
    return [worker.span(span) for span in spans], [worker.record(record) for record in logs]


class _Worker:
    """One call of `strip_spans`; resources, which many spans share, are worked on once."""

    def __init__(self, rules: PrivacyRules) -> None:
        self._rules = rules
        self._redactor: Redactor | None = rules.redactor if rules.redacts else None
        self._resources: dict[int, tuple[dict[str, Any], ContentMode, dict[str, Any]]] = {}

    def _resource(self, given: dict[str, Any]) -> tuple[ContentMode, dict[str, Any]]:
        known = self._resources.get(id(given))
        if known is not None and known[0] is given:
            return known[1], known[2]
        said = given.get(RESOURCE_MODE)
        mode = self._rules.mode if said is None else stricter(self._rules.mode, mode_of(said))
        found = given
        if mode.withholds:
            found = {key: value for key, value in given.items() if _is_kept(key, value)}
            found[RESOURCE_MODE] = mode.value
            if said is None or not mode_of(said).withholds:
                found[RESOURCE_WITHHELD_BY] = HERE
        found = self._redacted(found)
        self._resources[id(given)] = given, mode, found
        return mode, found

    def _redacted(self, attributes: dict[str, Any]) -> dict[str, Any]:
        if self._redactor is None:
            return attributes
        return {
            key: value if key in _IDENTITY or is_id_name(key) else self._redactor.value(value)
            for key, value in attributes.items()
        }

    def _text(self, text: str | None) -> str | None:
        return text if text is None or self._redactor is None else self._redactor.text(text)

    def span(self, span: Span) -> Span:
        mode, resource = self._resource(span.resource)
        if not mode.withholds and self._redactor is None:
            return span
        if not mode.withholds:
            return replace(
                span,
                name=self._text(span.name) or "",
                attributes=self._redacted(span.attributes),
                resource=resource,
                message=self._text(span.message),
                events=[replace(one, attributes=self._redacted(one.attributes)) for one in span.events],
            )
        kind = dialects.kind_of(span)
        attributes = _stripped(span.attributes)
        _describe(span, kind, attributes)
        events = [SpanEvent(one.name, one.time_ns, _stripped(one.attributes)) for one in span.events]
        raised = any("exception.type" in one.attributes for one in span.events)
        if span.failed and span.message and not attributes.get("error.type") and not raised:
            attributes["error.type"] = error_type_of(span.message, is_prose=False)
        found = replace(
            span,
            name=self._text(span.name) or "",
            attributes=self._redacted(attributes),
            resource=resource,
            message=None,
            events=[replace(one, attributes=self._redacted(one.attributes)) for one in events],
        )
        if dialects.kind_of(found) is not kind:
            found.kind = kind
        return found

    def record(self, record: LogRecord) -> LogRecord:
        mode, resource = self._resource(record.resource)
        if mode.withholds:
            attributes, body = _stripped(record.attributes), None
        elif self._redactor is None:
            return record
        else:
            attributes, body = record.attributes, self._redactor.value(record.body)
        return replace(record, attributes=self._redacted(attributes), body=body, resource=resource)


def _is_kept(key: str, value: Any) -> bool:
    """Tell whether an attribute stays whole when texts are withheld."""
    if key in _KEPT:
        return True
    if key.startswith(_CONTENT_FAMILIES) or key in ("input", "output"):
        return False
    if key.startswith(_KEPT_FAMILIES):
        return key.rpartition(".")[2] not in _SAID_DIMENSIONS
    return is_plain(key, value)


def _stripped(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        if key == "metadata":
            dimensions = mapping(decode(value))
            kept = {name: one for name, one in dimensions.items() if name not in _SAID_DIMENSIONS}
            found[key] = encoded(kept) if isinstance(value, str) else kept
        elif key == WITHHELD or _is_kept(key, value):
            found[key] = value
        elif key == "llm.invocation_parameters":
            given = mapping(decode(value))
            numbers = {
                name: one for name, one in given.items() if name in dialects.INVOCATION and number(one) is not None
            }
            found[key] = encoded(numbers)
        elif key.startswith(_TELLING_FAMILIES):
            found[key] = ""
    return found


def _describe(span: Span, kind: Kind, attributes: dict[str, Any]) -> None:
    """Put down what may be known of the texts taken out: lengths, tools asked for, who spoke, prompts, definitions."""
    given = span.attributes
    lengths: dict[str, int] = {}
    asked = dialects.input_messages(given) if kind in _SPEAKING else []
    answered = dialects.output_messages(given) if kind is Kind.MODEL else []
    if kind in _SPEAKING and asked and not asked[-1].is_result:
        said = next((one for one in reversed(asked) if one.role == "user" and not one.is_result), None)
        attributes["gen_ai.input.messages"] = '[{"role":"user"}]' if said is not None else ""
    if said_text := "\n".join(one.text for one in answered if one.text):
        lengths[Part.TEXT] = len(said_text)
    if thoughts := "\n".join(one.reasoning for one in answered if one.reasoning):
        lengths[Part.REASONING] = len(thoughts)
        attributes[HAS_REASONING] = True
    if any(one.calls or one.finish for one in answered):
        attributes["gen_ai.output.messages"] = _skeleton(answered)
    if (prompt := dialects.system_prompt(given, asked)) is not None:
        attributes[PROMPT_LENGTH] = len(prompt)
    if (offered := dialects.tool_definitions(given)) is not None:
        count, digest = describe_definitions(offered)
        if count is not None:
            attributes[DEFINITIONS_COUNT] = count
        attributes[DEFINITIONS_HASH] = digest
    if kind in (Kind.TOOL, Kind.STEP):
        keys = (
            (dialects.TOOL_INPUT, dialects.TOOL_OUTPUT)
            if kind is Kind.TOOL
            else (dialects.STEP_INPUT, dialects.STEP_OUTPUT)
        )
        for part, names in zip((Part.INPUT, Part.OUTPUT), keys, strict=True):
            if text := encoded(dialects.first(given, names)):
                lengths[part] = len(text)
    if span.message:
        lengths[Part.ERROR] = len(span.message)
    if lengths and WITHHELD not in given:
        attributes[WITHHELD] = dict(sorted(lengths.items()))


def _skeleton(answered: Sequence[Message]) -> str:
    shown = []
    for one in answered:
        calls = [{key: call[key] for key in ("id", "name") if isinstance(call.get(key), str)} for call in one.calls]
        found: dict[str, Any] = {"role": one.role}
        if calls:
            found["tool_calls"] = calls
        if one.finish is not None:
            found["finish_reason"] = one.finish
        shown.append(found)
    return json.dumps(shown, ensure_ascii=False)
