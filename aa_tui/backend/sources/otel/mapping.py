"""The spans of one trace, in any dialect, to canonical events. No encoding and no HTTP here.

A trace is a turn. Session, user and agent are inherited from ancestors, because instrumented calls often carry none of
them; a call that is described by two spans is counted once, by the innermost; spans of plumbing are left out and what
is below them hangs under the nearest shown ancestor.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.model.text_switches import INSTRUMENTATION, PLACEHOLDERS, WITHHELD_BY
from aa_tui.backend.sources.otel import dialects
from aa_tui.backend.sources.otel.messages import (
    Message,
    combined,
    decode,
    finish_reason,
    numbered,
    parse,
    says_something,
    shown_calls,
)
from aa_tui.backend.sources.otel.spans import Kind, LogRecord, Span
from aa_tui.backend.sources.values import encoded, mapping, number, text
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.money import NANO, usd_to_nano

DEGRADED = "degraded_session"
"""Warning of events whose trace names no session: the trace stands in for one."""
REPEATED_USAGE = "[Agent] Repeated Usage"
"""Property of a span whose usage is counted at a model call below it: what it says of tokens and cost (US dollars)."""
TOOL_CALLS = "[Agent] Tool Calls"
_HIDDEN = (Kind.PLAIN, Kind.REPEATED, Kind.USER_MESSAGE, Kind.SESSION_END)
"""Kinds that nothing hangs under."""
_CALLS = (Kind.MODEL, Kind.EMBEDDING)
_EVENT_OF = {
    Kind.MODEL: EventKind.AI_RESPONSE,
    Kind.EMBEDDING: EventKind.EMBEDDING,
    Kind.TOOL: EventKind.TOOL_CALL,
    Kind.STEP: EventKind.SPAN,
}
_OWN_LATENCY = ("amplitude.latency_ms",)
CONTENT_MODE = "amplitude.content_mode"
"""Resource attribute that says what of the texts was withheld."""
RESOURCE_WITHHELD_BY = "amplitude.withheld_by"
"""Resource attribute that says that texts were withheld here; never sent by anybody."""
_RESOURCE_PROPERTIES = (
    ("amplitude.source", "[Agent] Source"),
    (CONTENT_MODE, "[Agent] Content Mode"),
    (RESOURCE_WITHHELD_BY, WITHHELD_BY),
)
_NAME_PREFIXES = ("execute_tool ", "running tool: ")
_HEX, _HEX_LENGTHS = frozenset("0123456789abcdef"), (16, 32)
_SAID_DIGITS = 16
"""Of the hash that tells the messages of one trace apart."""
_LOG_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_MESSAGE_KEYS = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What a source knows better than the spans, or wants otherwise."""

    prefix: str = "otel"
    """Of insert ids."""
    session: str | None = None
    """The session, when the source names it itself."""
    user: str | None = None
    """Stands in where the spans name no user."""
    context: Mapping[str, str] | None = None
    """Further dimensions of all events."""
    first_seq: int = 0


_DEFAULT = TraceOptions()


def events_of_trace(
    spans: Sequence[Span], logs: Iterable[LogRecord] = (), options: TraceOptions = _DEFAULT
) -> list[AgentEvent]:
    """Return the events of one trace in order of their start; empty when no span of it is one of an agent.

    Args:
        spans: spans of one trace, in any order. A span id that repeats is the same span; the last one counts.
        logs: log records of the trace that may hold message texts; others are passed over.
        options: what the source knows.
    """
    return _Trace(spans, logs, options).events()


def insert_ids_of(trace_id: str, prefix: str = _DEFAULT.prefix) -> str:
    """Return what the insert ids of all events of a trace begin with, and those of no other."""
    return f"{prefix}:{short_id(trace_id)}:"


def short_id(text_id: str) -> str:
    """Return a trace or span id as insert ids have it: hexadecimal digits as base64, everything else as it is."""
    if len(text_id) not in _HEX_LENGTHS or not _HEX.issuperset(text_id):
        return text_id
    return urlsafe_b64encode(bytes.fromhex(text_id)).rstrip(b"=").decode()


def by_trace(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Return spans grouped by trace, traces in order of appearance."""
    found: dict[str, list[Span]] = {}
    for span in spans:
        found.setdefault(span.trace_id, []).append(span)
    return found


class _Trace:
    """One trace while it is turned into events."""

    def __init__(self, spans: Sequence[Span], logs: Iterable[LogRecord], options: TraceOptions) -> None:
        self.options = options
        self.spans = {span.span_id: span for span in spans}
        self.order = sorted(self.spans.values(), key=lambda span: span.start_ns or span.end_ns or 0)
        self.kinds = {span.span_id: dialects.kind_of(span) for span in self.order}
        self.trace_id = self.order[0].trace_id if self.order else ""
        self.beginning = insert_ids_of(self.trace_id, options.prefix)
        self.spoken: dict[str, tuple[list[Message], list[Message]]] = {}
        self.found: list[AgentEvent] = []
        self.seq = options.first_seq
        self.said: set[str] = set()
        self.prompts: set[str] = set()
        self.definitions: set[str] = set()
        self._take_logs(logs)
        self._resolve_structure()

    # --- structure -----------------------------------------------------------------------------------------------

    def _resolve_structure(self) -> None:
        """Find parents, what is shown above each span, and which spans describe a call that another one makes."""
        self.parents, self.downwards = _tree(self.spans, self.order)
        self.near: dict[str, Span | None] = {}
        for span in self.downwards:
            above = self.parents[span.span_id]
            if above is not None and self.kinds[above.span_id] in _HIDDEN:
                above = self.near[above.span_id]
            self.near[span.span_id] = above
        self.holds: dict[str, list[Span]] = {}
        self.has_call_below: set[str] = set()
        for span in self.order:
            kind = self.kinds[span.span_id]
            if kind not in _CALLS:
                continue
            above = self.near[span.span_id]
            if above is not None and self.kinds[above.span_id] is kind:
                self.holds.setdefault(above.span_id, []).append(span)
            over = self.parents[span.span_id]
            while over is not None and over.span_id not in self.has_call_below:
                self.has_call_below.add(over.span_id)
                over = self.parents[over.span_id]
        for name in self.holds:
            self.kinds[name] = Kind.STEP

    def _wrappers(self, span: Span) -> Iterable[Span]:
        """Yield the spans that describe the same call and no other one, from the inside."""
        above = self.near[span.span_id]
        while above is not None:
            held = self.holds.get(above.span_id, ())
            if len(held) != 1 or held[0] is not span:
                return
            yield above
            span, above = above, self.near[above.span_id]

    # --- identity ------------------------------------------------------------------------------------------------

    def _resolve_identity(self) -> None:
        self.sessions: dict[str, str | None] = {}
        self.users: dict[str, str | None] = {}
        self.agents: dict[str, tuple[str | None, str | None]] = {}
        for span in self.downwards:
            above = self.parents[span.span_id]
            session = dialects.session_of(span.attributes)
            user = dialects.user_of(span.attributes)
            agent, delegated_by = _own_agent(span), None
            if above is not None:
                session = session or self.sessions[above.span_id]
                user = user or self.users[above.span_id]
                over, over_by = self.agents[above.span_id]
                if agent is None or agent == over:
                    agent, delegated_by = over, over_by
                else:
                    delegated_by = over
            self.sessions[span.span_id], self.users[span.span_id] = session, user
            self.agents[span.span_id] = (agent, delegated_by)
        self.any_session = _anywhere(self.order, dialects.SESSION, dialects.RESOURCE_SESSION)
        self.any_user = _anywhere(self.order, dialects.USER, dialects.USER)
        self.device = _anywhere(self.order, dialects.DEVICE, ())
        self._resolve_context()

    def _resolve_context(self) -> None:
        context: dict[str, str] = {}
        tags: dict[str, None] = {}
        for span in self.order:
            if self.kinds[span.span_id] is not Kind.PLAIN:
                context.update(dialects.dimensions(span.attributes))
                tags.update(dict.fromkeys(dialects.tags_of(span.attributes)))
        for span in self.order:
            if (environment := text(span.attributes.get("amplitude.env"))) is not None:
                context.setdefault("env", environment)
        for resource in {id(span.resource): span.resource for span in self.order}.values():
            deployed = resource.get("deployment.environment.name", resource.get("deployment.environment"))
            if (environment := text(deployed)) is not None:
                context.setdefault("env", environment)
            if (version := text(resource.get("service.version"))) is not None:
                context.setdefault("version", version)
        self.context = {**context, **(self.options.context or {})}
        self.tags = tuple(tags)

    def _agent(self, span: Span) -> tuple[str | None, str | None]:
        """Return (agent, the agent that delegated to it)."""
        agent, delegated_by = self.agents[span.span_id]
        if agent is None:
            service = text(span.resource.get("service.name"))
            agent = service if service is not None and not service.startswith("unknown_service") else None
        return agent, delegated_by

    # --- texts ---------------------------------------------------------------------------------------------------

    def _take_logs(self, logs: Iterable[LogRecord]) -> None:
        """Give spans the messages that came as log records or as events of the span."""
        for record in logs:
            if record.span_id is None or record.span_id not in self.spans:
                continue
            if record.trace_id is not None and record.trace_id != self.trace_id:
                continue
            self._take_spoken(record.span_id, record.name, record.attributes, record.body)
        for span in self.order:
            for moment in span.events:
                if moment.name.startswith("gen_ai."):
                    self._take_spoken(span.span_id, moment.name, moment.attributes, None)

    def _take_spoken(self, span_id: str, name: str, attributes: Mapping[str, Any], body: Any) -> None:
        own = self.spans[span_id].attributes
        for key in (*_MESSAGE_KEYS, "gen_ai.prompt", "gen_ai.completion"):
            if key in attributes and key not in own:
                own[key] = attributes[key]
        given, answered = self.spoken.setdefault(span_id, ([], []))
        content = decode(body) if body is not None else decode(attributes.get("gen_ai.event.content"))
        if content is None:
            content = {key: decode(value) if key == "tool_calls" else value for key, value in attributes.items()}
        if name == "gen_ai.choice":
            message = content.get("message") if isinstance(content, dict) else None
            for one in parse(decode(message) if message is not None else content, "assistant"):
                one.finish = finish_reason(mapping(content).get("finish_reason")) or one.finish
                answered.append(one)
        elif name in _LOG_ROLES:
            if isinstance(content, dict):
                content = {"role": _LOG_ROLES[name], "content": None, **content}
            given += parse(content, _LOG_ROLES[name])

    def _input(self, span: Span) -> list[Message]:
        found = dialects.input_messages(span.attributes) or self.spoken.get(span.span_id, ([], []))[0]
        return found or next(
            (m for above in self._wrappers(span) if (m := dialects.input_messages(above.attributes))), []
        )

    def _output(self, span: Span) -> list[Message]:
        found = dialects.output_messages(span.attributes)
        answered = self.spoken.get(span.span_id, ([], []))[1]
        if answered:
            found = found or answered
        if says_something(found):
            return found
        return next((m for above in self._wrappers(span) if (m := dialects.output_messages(above.attributes))), found)

    # --- events --------------------------------------------------------------------------------------------------

    def events(self) -> list[AgentEvent]:
        if all(kind in (Kind.PLAIN, Kind.REPEATED) for kind in self.kinds.values()):
            return []
        self._resolve_identity()
        self.started_ns = next((span.start_ns for span in self.order if span.start_ns), None)
        for span in self.order:
            kind = self.kinds[span.span_id]
            if kind is Kind.MODEL:
                self._model(span)
            elif kind is Kind.TOOL:
                self._tool(span)
            elif kind is Kind.EMBEDDING:
                self._embedding(span)
            elif kind is Kind.STEP:
                self._step(span)
            elif kind is Kind.USER_MESSAGE:
                given = self._input(span)
                self._user_message(span, given[-1].text if given else None)
            elif kind is Kind.SESSION_END:
                self._event(span, EventKind.SESSION_END, "session_end")
        if not self.said and any(event.kind is EventKind.AI_RESPONSE for event in self.found):
            self._prompt_of_root()
        return self.found

    def _event(self, span: Span, kind: EventKind, role: str) -> AgentEvent:
        self.seq += 1
        attributes = span.attributes
        named = self.options.session or self.sessions[span.span_id] or self.any_session
        agent, delegated_by = self._agent(span)
        above = self.near[span.span_id]
        user = self.users[span.span_id] or self.any_user or self.options.user
        event = AgentEvent(
            kind=kind,
            insert_id=f"{self.beginning}{short_id(span.span_id)}:{role}",
            session_key=named or self.trace_id,
            user_id=user,
            device_id=self.device or (named if user is None else None),
            time_ms=_ms(span.end_ns if span.end_ns is not None else span.start_ns),
            seq=self.seq,
            trace_id=self.trace_id,
            agent_id=agent,
            parent_agent_id=delegated_by,
            span_id=span.span_id,
            parent_id=above.span_id if above is not None else None,
            context=self.context,
            tags=self.tags,
        )
        if named is None:
            event.warnings = (DEGRADED,)
        latency = dialects.real_of(attributes, _OWN_LATENCY) if _OWN_LATENCY[0] in attributes else None
        if latency is None and span.start_ns is not None and span.end_ns is not None:
            latency = (span.end_ns - span.start_ns) / 1_000_000
        event.latency_ms = latency if latency is not None and latency >= 0 else None
        resource = span.resource
        for key, name in _RESOURCE_PROPERTIES:
            if key in resource and (value := text(resource[key])) is not None:
                event.properties[name] = value
        if kind not in (EventKind.USER_MESSAGE, EventKind.SESSION_END):
            event.properties.update(dialects.leftovers(attributes))
            self._outcome(event, span)
        self.found.append(event)
        return event

    def _outcome(self, event: AgentEvent, span: Span) -> None:
        attributes = span.attributes
        error_type = text(attributes.get("error.type"))
        if not span.failed and error_type is None:
            return
        event.is_error = True
        message = span.message
        trace = text(attributes.get("error.stack_trace"))
        for moment in span.events:
            if moment.name != "exception":
                continue
            raised = text(moment.attributes.get("exception.type"))
            error_type = error_type or (raised.rpartition(".")[2] if raised else None)
            message = message or text(moment.attributes.get("exception.message"))
            trace = text(moment.attributes.get("exception.stacktrace")) or trace
        event.error_type = error_type
        if (message := message or text(attributes.get("error.message"))) is not None:
            event.parts[Part.ERROR] = message
        if trace is not None:
            event.parts[Part.STACK_TRACE] = trace

    def _user_message(self, span: Span, said: str | None, at_ns: int | None = None) -> None:
        """Add what the person said, once per trace and text; one without text where what was said is withheld."""
        hidden = said in PLACEHOLDERS
        if not said or hidden or not said.strip():
            if not hidden and span.resource.get(CONTENT_MODE) in (None, "full"):
                return
            said = ""
        if said in self.said:
            return
        self.said.add(said)
        event = self._event(span, EventKind.USER_MESSAGE, "user")
        # The same words stand in the history of several calls, and which of them arrived first may change.
        event.insert_id = f"{self.beginning}user:{text_hash(said)[:_SAID_DIGITS] if said else 'withheld'}"
        event.span_id = None
        event.text = said or None
        event.time_ms = _ms(at_ns or span.start_ns or span.end_ns)
        event.latency_ms = None
        event.from_agent = event.parent_agent_id is not None

    def _model(self, span: Span) -> None:
        given = self._input(span)
        if given and not given[-1].is_result:
            asked = next((one for one in reversed(given) if one.role == "user" and not one.is_result), None)
            # The person spoke before the agent began; what an agent tells a delegate comes when it does.
            at_ns = self.started_ns if not self.said and self._agent(span)[1] is None else None
            if asked is not None:
                self._user_message(span, asked.text, at_ns)
        answer = combined(self._output(span))
        attributes = span.attributes
        event = self._event(span, EventKind.AI_RESPONSE, "ai")
        self._usage(event, attributes)
        event.ttfb_ms = _first_token(attributes)
        event.finish_reason = dialects.finish_of(attributes, answer)
        if answer is not None:
            event.text = None if answer.text in PLACEHOLDERS else answer.text
            if answer.reasoning is not None:
                event.parts[Part.REASONING] = answer.reasoning
            if answer.calls:
                event.properties[TOOL_CALLS] = shown_calls(answer.calls)
            if event.text is None and not answer.calls and not event.is_error:
                event.warnings += ("empty_response",)
        if event.text is None and not self.said - {""}:
            event.properties[INSTRUMENTATION] = dialects.instrumentation_of(span)
        if (prompt := dialects.system_prompt(attributes, given)) is not None and prompt not in self.prompts:
            self.prompts.add(prompt)
            event.parts[Part.SYSTEM_PROMPT] = prompt
        if (offered := dialects.tool_definitions(attributes)) is not None and offered not in self.definitions:
            self.definitions.add(offered)
            event.parts[Part.TOOL_DEFINITIONS] = offered
        if (request := dialects.name_of(attributes, dialects.REQUEST_ID)) is not None:
            event.properties["[Agent] Provider Request ID"] = request
        _parameters(event, attributes)

    def _usage(self, event: AgentEvent, attributes: Mapping[str, Any]) -> None:
        event.model = dialects.name_of(attributes, dialects.MODEL)
        event.provider = dialects.name_of(attributes, dialects.PROVIDER)
        if not dialects.has_usage(attributes):
            return
        event.input_tokens = dialects.count_of(attributes, dialects.INPUT_TOKENS)
        event.output_tokens = dialects.count_of(attributes, dialects.OUTPUT_TOKENS)
        event.total_tokens = dialects.count_of(attributes, dialects.TOTAL_TOKENS)
        event.cache_read_tokens = dialects.count_of(attributes, dialects.CACHE_READ)
        event.cache_creation_tokens = dialects.count_of(attributes, dialects.CACHE_CREATION)
        event.reasoning_tokens = dialects.count_of(attributes, dialects.REASONING)
        cached = (event.cache_read_tokens or 0) + (event.cache_creation_tokens or 0)
        if event.input_tokens is not None and cached > event.input_tokens:
            # A part cannot exceed the whole: this sender counts cached tokens beside the input.
            event.input_tokens += cached
            event.total_tokens = None
        if event.total_tokens is None and event.input_tokens is not None and event.output_tokens is not None:
            event.total_tokens = event.input_tokens + event.output_tokens
        cost = dialects.cost_usd(attributes)
        event.cost_nano = usd_to_nano(cost) if cost is not None and cost < 2**62 / NANO else None

    def _embedding(self, span: Span) -> None:
        event = self._event(span, EventKind.EMBEDDING, "embedding")
        self._usage(event, span.attributes)
        event.output_tokens = None
        size = dialects.count_of(span.attributes, ("gen_ai.embeddings.dimension.count",))
        if size is not None:
            event.properties["[Agent] Embedding Dimensions"] = size

    def _tool(self, span: Span) -> None:
        attributes = span.attributes
        event = self._event(span, EventKind.TOOL_CALL, "tool")
        name = dialects.name_of(attributes, dialects.TOOL_NAME)
        if name is None:
            name = span.name
            for prefix in _NAME_PREFIXES:
                name = name.removeprefix(prefix)
        event.name = name or "unknown"
        event.tool_type = text(attributes.get("gen_ai.tool.type"))
        if (given := dialects.first(attributes, dialects.TOOL_INPUT)) is not None:
            event.parts[Part.INPUT] = encoded(given) or ""
        if (result := dialects.first(attributes, dialects.TOOL_OUTPUT)) is not None:
            event.parts[Part.OUTPUT] = encoded(result) or ""
        if (call := text(attributes.get("gen_ai.tool.call.id")) or text(attributes.get("ai.toolCall.id"))) is not None:
            event.properties["gen_ai.tool.call.id"] = call

    def _step(self, span: Span) -> None:
        attributes = span.attributes
        answered = dialects.output_messages(attributes) if self._speaks_itself(span) else []
        if says_something(answered):
            self._model(span)
            return
        event = self._event(span, EventKind.SPAN, "span")
        event.name = span.name or "span"
        if (given := dialects.first(attributes, dialects.STEP_INPUT)) is not None:
            event.parts[Part.INPUT] = encoded(given) or ""
        result = dialects.first(attributes, dialects.STEP_OUTPUT)
        if result is None:
            result = _documents(attributes)
        if result is not None:
            event.parts[Part.OUTPUT] = encoded(result) or ""
        self._usage(event, attributes)
        if span.span_id in self.has_call_below or text(attributes.get("ai.operationId")) is not None:
            _set_aside(event)

    def _speaks_itself(self, span: Span) -> bool:
        """An agent without any model span below stands for its model call when it says what was answered."""
        return (
            span.span_id not in self.has_call_below
            and span.attributes.get("gen_ai.operation.name") == "invoke_agent"
            and "gen_ai.output.messages" in span.attributes
        )

    def _prompt_of_root(self) -> None:
        """Where no model call shows its input, what the outermost step was given is what the person said."""
        for span in self.order:
            if self.kinds[span.span_id] is not Kind.STEP or self.near[span.span_id] is not None:
                continue
            given = dialects.input_messages(span.attributes)
            asked = next((one for one in reversed(given) if one.role == "user" and not one.is_result), None)
            if asked is None or not asked.text:
                continue
            self._user_message(span, asked.text, self.started_ns)
            if self.said and len(self.found) > 1:
                self.found.insert(0, self.found.pop())
                self.found[0].seq = self.found[1].seq
                for event in self.found[1:]:
                    event.seq += 1
            return


def _tree(spans: Mapping[str, Span], order: Sequence[Span]) -> tuple[dict[str, Span | None], list[Span]]:
    """Return the parent by span id, and the spans with parents before children; a loop is cut where it is found."""
    parents: dict[str, Span | None] = {}
    downwards: list[Span] = []
    for span in order:
        path: list[Span] = []
        on_path: set[str] = set()
        at: Span | None = span
        while at is not None and at.span_id not in parents and at.span_id not in on_path:
            path.append(at)
            on_path.add(at.span_id)
            at = spans.get(at.parent_id) if at.parent_id is not None else None
        if at is not None and at.span_id in on_path:
            at = None
        for one in reversed(path):
            parents[one.span_id] = at
            downwards.append(one)
            at = one
    return parents, downwards


def _own_agent(span: Span) -> str | None:
    named = dialects.name_of(span.attributes, dialects.AGENT)
    if named is None and span.attributes.get("traceloop.span.kind") == "agent":
        named = text(span.attributes.get("traceloop.entity.name"))
    return named


def _anywhere(spans: Sequence[Span], keys: Sequence[str], resource_keys: Sequence[str]) -> str | None:
    """Return what any span of the trace says, else what any resource says."""
    found = next((name for span in spans if (name := dialects.name_of(span.attributes, keys))), None)
    if found is None:
        found = next((name for span in spans if (name := dialects.name_of(span.resource, resource_keys))), None)
    return found


def _ms(at_ns: int | None) -> int | None:
    return at_ns // 1_000_000 if at_ns is not None else None


def _first_token(attributes: Mapping[str, Any]) -> float | None:
    found = dialects.real_of(attributes, dialects.FIRST_TOKEN_MS)
    if found is None and (seconds := dialects.real_of(attributes, dialects.FIRST_TOKEN_SECONDS)) is not None:
        found = seconds * 1000
    return found if found is not None and found >= 0 else None


def _parameters(event: AgentEvent, attributes: Mapping[str, Any]) -> None:
    if (given := attributes.get("llm.invocation_parameters")) is not None:
        for key, value in mapping(decode(given)).items():
            if key in dialects.INVOCATION and (found := number(value)) is not None:
                event.properties[dialects.INVOCATION[key]] = int(found) if found.is_integer() else found
    for key, name in dialects.PARAMETERS.items():
        if (found := number(attributes.get(key))) is not None:
            event.properties[name] = int(found) if found.is_integer() else found


def _documents(attributes: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    prefix = "retrieval.documents."
    if not any(key.startswith(prefix) for key in attributes):
        return None
    size = len(prefix)
    found = numbered((key[size:], value) for key, value in attributes.items() if key.startswith(prefix))
    return [{key.removeprefix("document."): value for key, value in one.items()} for one in found]


def _set_aside(event: AgentEvent) -> None:
    """Move the usage of a span that is counted below it into a property."""
    usage = {
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
        "total_tokens": event.total_tokens,
        "cost_usd": event.cost_nano / NANO if event.cost_nano is not None else None,
    }
    kept = {name: value for name, value in usage.items() if value}
    if kept:
        event.properties[REPEATED_USAGE] = kept
    event.input_tokens = event.output_tokens = event.total_tokens = event.cost_nano = None
    event.cache_read_tokens = event.cache_creation_tokens = event.reasoning_tokens = None
