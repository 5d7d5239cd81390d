"""GitHub Copilot CLI sessions (`events.jsonl`): one line per event. Only this format is known here.

What an answer said and how many tokens it put out stand with the answer; what went in is only told as a total when the
session ends. That rest becomes one span per model, so that sums are right and no answer is given tokens by guessing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    elapsed_ms,
    encoded,
    instant_ms,
    items,
    mapping,
    number,
    repository_name,
    stem,
    text,
    whole,
)

AGENT_ID = "copilot-cli"
SUBAGENT = "subagent"
UNATTRIBUTED = "unattributed_usage"
"""Span name of the tokens that only the session's total has."""
_FAMILIES = ("session.", "user.", "assistant.", "tool.", "system.", "hook.", "subagent.")
_USAGE = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadTokens": "cache_read_tokens",
    "cacheWriteTokens": "cache_creation_tokens",
}
_DETAILS = {"inputTokens": "input", "outputTokens": "output", "cacheReadTokens": "cache_read"}


class _Reader:
    """State of one session while it is read."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.options = options
        self.session: str | None = None
        self.user: str | None = None
        self.context: dict[str, str] = {}
        self.model: str | None = None
        self.system_prompt: str | None = None
        self.events: list[AgentEvent] = []
        self.now: int | None = None
        self.seq = 0
        self.prompts = 0
        self.input_ms: int | None = None
        self.reasoning: list[str] = []
        self.answer: AgentEvent | None = None
        self.calls: dict[str, AgentEvent] = {}
        self.started: dict[str, int | None] = {}
        self.agents: dict[str, str] = {}
        """Kind of sub-agent by the call that started it."""
        self.totals: dict[str, dict[str, int]] = {}

    def record(self, line: int, record: Any) -> RecordProblem | None:
        self.seq += 1
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            return RecordProblem(line, "not a Copilot event: no type", field="type")
        self.now = instant_ms(record.get("timestamp")) or self.now
        kind, data = record["type"], mapping(record.get("data"))
        if kind == "session.start":
            self._start(data)
        elif kind in ("session.model_change", "session.auto_mode_resolved"):
            self.model = text(data.get("newModel")) or text(data.get("chosenModel")) or self.model
        elif kind == "session.error":
            self._failure(data)
        elif kind in ("session.truncation", "session.compaction_complete"):
            self._note("truncation" if kind == "session.truncation" else "compaction", data)
        elif kind == "session.shutdown":
            self._totals(data)
        elif kind == "system.message":
            self.system_prompt = text(data.get("content")) or self.system_prompt
        elif kind == "user.message":
            self._prompt(data)
        elif kind == "assistant.reasoning":
            self.reasoning += [thought for thought in (text(data.get("content")),) if thought]
        elif kind == "assistant.message":
            self._answer(data)
        elif kind == "tool.execution_start":
            self._started(data)
        elif kind == "tool.execution_complete":
            self._complete(data)
        elif kind == "subagent.started":
            if call_id := text(data.get("toolCallId")):
                self.agents[call_id] = text(data.get("agentName")) or SUBAGENT
        elif kind == "abort":
            self._aborted()
        return None

    # --- session and turns ---------------------------------------------------------------------------------------

    def _start(self, data: dict[str, Any]) -> None:
        if self.session is not None:
            return
        self.session = text(data.get("sessionId"))
        if self.session is None:
            return
        place = mapping(data.get("context"))
        cwd = text(place.get("cwd"))
        known = {
            "repository": repository_name(text(place.get("repository")), text(place.get("gitRoot")) or cwd),
            "branch": text(place.get("branch")),
            "cwd": cwd,
            "version": text(data.get("copilotVersion")),
            "resume": f"copilot --resume {self.session}",
        }
        self.context = {name: value for name, value in known.items() if value}
        self.model = text(data.get("selectedModel"))
        self.user = user_for(self.options, self.session, (cwd, str(self.path)))

    def session_id(self) -> str:
        if self.session is None:
            named = stem(self.path)
            self.session = self.path.parent.name if named == "events" and self.path.parent.name else named
            self.user = user_for(self.options, self.session, (str(self.path),))
        return self.session

    def _event(self, kind: EventKind, key: str, data: dict[str, Any], **fields: Any) -> AgentEvent:
        session = self.session_id()
        launch = text(data.get("parentToolCallId"))
        event = AgentEvent(
            kind=kind,
            insert_id=f"copilot-cli:{session}:{key}",
            session_key=session,
            user_id=self.user,
            time_ms=self.now,
            seq=len(self.events) + 1,
            trace_id=f"{session}#{self.prompts}",
            agent_id=AGENT_ID if launch is None else self.agents.get(launch, SUBAGENT),
            parent_agent_id=None if launch is None else AGENT_ID,
            context=self.context,
            **fields,
        )
        event.span_id = event.span_id or f"{session}:{key}"
        if event.parent_id is None and launch is not None:
            event.parent_id = launch
        self.events.append(event)
        return event

    def _prompt(self, data: dict[str, Any]) -> None:
        self.prompts += 1
        self.answer = None
        event = self._event(EventKind.USER_MESSAGE, f"{self.seq}", data, text=text(data.get("content")))
        attached = len(items(data.get("attachments")))
        if attached:
            event.properties.update({"[Agent] Has Attachments": True, "[Agent] Attachment Count": attached})
        self.input_ms = self.now

    # --- model answers -------------------------------------------------------------------------------------------

    def _answer(self, data: dict[str, Any]) -> None:
        event = self._event(EventKind.AI_RESPONSE, f"{self.seq}", data, text=text(data.get("content")))
        event.model = text(data.get("model")) or self.model
        event.latency_ms = elapsed_ms(self.input_ms, self.now)
        event.output_tokens = whole(data.get("outputTokens")) or None
        own = text(data.get("reasoningText"))
        if thoughts := [own] if own else self.reasoning:
            event.parts[Part.REASONING] = "\n\n".join(thoughts)
        self.reasoning = []
        if self.system_prompt is not None:
            event.parts[Part.SYSTEM_PROMPT] = self.system_prompt
            self.system_prompt = None
        requests = [mapping(request) for request in items(data.get("toolRequests"))]
        event.finish_reason = "tool_calls" if requests else "stop"
        self.answer = event
        self.input_ms = self.now
        for position, request in enumerate(requests):
            call_id = text(request.get("toolCallId")) or f"{self.seq}.{position}"
            call = self._call(call_id, text(request.get("name")), request.get("arguments"), data)
            call.parent_id = event.span_id

    def _failure(self, data: dict[str, Any]) -> None:
        event = self._event(EventKind.AI_RESPONSE, f"{self.seq}", data, model=self.model)
        event.is_error = True
        code = whole(data.get("statusCode"))
        event.error_type = str(code) if code is not None else text(data.get("errorType"))
        if message := text(data.get("message")):
            event.parts[Part.ERROR] = message

    def _note(self, name: str, data: dict[str, Any]) -> None:
        event = self._event(EventKind.SPAN, f"{self.seq}", data, name=name)
        if data:
            event.properties["details"] = data

    # --- tools ---------------------------------------------------------------------------------------------------

    def _call(self, call_id: str, name: str | None, given: Any, data: dict[str, Any]) -> AgentEvent:
        """The request and the start of its execution tell of one call, in either order."""
        event = self.calls.get(call_id)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, f"call:{call_id}", data, span_id=call_id, name="unknown")
            event.warnings = ("no_result",)
            self.calls[call_id] = event
        elif event.warnings == ("no_call",):
            event.warnings = ()
        if name is not None:
            event.name = name
        if Part.INPUT not in event.parts and (shown := encoded(given)) is not None:
            event.parts[Part.INPUT] = shown
        return event

    def _started(self, data: dict[str, Any]) -> None:
        call_id = text(data.get("toolCallId"))
        if call_id is None:
            return
        fresh = call_id not in self.calls
        event = self._call(call_id, text(data.get("toolName")), data.get("arguments"), data)
        if fresh and event.parent_id is None and self.answer is not None:
            event.parent_id = self.answer.span_id
        self.started[call_id] = self.now

    def _complete(self, data: dict[str, Any]) -> None:
        call_id = text(data.get("toolCallId")) or f"{self.seq}"
        event = self.calls.get(call_id)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, f"call:{call_id}", data, span_id=call_id, name="unknown")
            event.warnings = ("no_call",)
            self.calls[call_id] = event
        else:
            event.warnings = ()
            took = number(mapping(mapping(data.get("toolTelemetry")).get("metrics")).get("durationMs"))
            event.latency_ms = took or elapsed_ms(self.started.get(call_id, event.time_ms), self.now)
            event.time_ms = self.now
        result = data.get("result")
        shown = encoded(mapping(result).get("content") if isinstance(result, dict) else result)
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        event.is_error = data.get("success") is False
        if event.is_error:
            message = encoded(mapping(data.get("error")).get("message")) or encoded(data.get("error")) or shown
            if message is not None:
                event.parts[Part.ERROR] = message
        self.input_ms = self.now

    def _aborted(self) -> None:
        running = [event for event in self.calls.values() if "no_result" in event.warnings]
        for event in running or self.events[-1:]:
            event.interrupted = True

    # --- totals --------------------------------------------------------------------------------------------------

    def _totals(self, data: dict[str, Any]) -> None:
        """A resumed session may end again with higher counts of the same calls: the highest stand."""
        metrics = {model: mapping(mapping(m).get("usage")) for model, m in mapping(data.get("modelMetrics")).items()}
        if not any(metrics.values()):
            details = mapping(data.get("tokenDetails"))
            model = text(data.get("currentModel")) or self.model
            if model is None or not details:
                return
            metrics = {model: {ours: mapping(details.get(name)).get("tokenCount") for ours, name in _DETAILS.items()}}
        for model, usage in metrics.items():
            known = self.totals.setdefault(model, {})
            for name in _USAGE:
                known[name] = max(known.get(name, 0), whole(usage.get(name)) or 0)

    def finish(self) -> list[AgentEvent]:
        for model, usage in self.totals.items():
            told = sum(
                event.output_tokens or 0
                for event in self.events
                if event.kind is EventKind.AI_RESPONSE and event.model == model
            )
            usage["outputTokens"] = max(usage["outputTokens"] - told, 0)
            if not any(usage.values()):
                continue
            event = self._event(EventKind.SPAN, f"usage:{model}", {}, name=UNATTRIBUTED, model=model)
            for name, field in _USAGE.items():
                setattr(event, field, usage[name])
            event.total_tokens = usage["inputTokens"] + usage["outputTokens"]
        return self.events


class CopilotCliSource:
    """Event files of the GitHub Copilot CLI."""

    name = "copilot-cli"
    title = "Copilot CLI session"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{" or not shape.records:
            return head.start.startswith(b'{"type":"session.start","data":{') and b'"sessionId"' in head.start[:400]
        first = shape.records[0]
        kind = first.get("type")
        return (
            isinstance(kind, str)
            and kind.startswith(_FAMILIES)
            and isinstance(first.get("data"), dict)
            and {"id", "timestamp", "parentId"} <= first.keys()
        )

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        reader = _Reader(path, options)
        for item in reading.iter_json_records(path, options.on_bytes):
            problem = item if isinstance(item, RecordProblem) else reader.record(*item)
            if problem is not None:
                yield problem
        yield from reader.finish()


COPILOT_CLI = CopilotCliSource()
