"""OpenHands model-call logs: one file per call, sessions rebuilt from the files of a folder. Only this format.

No file names its session. A call goes on with the session whose last call's messages and reply it begins with; what
stands behind them is new: results of tools and what the person said next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    block_text,
    elapsed_ms,
    encoded,
    epoch_ms,
    items,
    mapping,
    number,
    stated_nano,
    text,
    whole,
)
from aa_tui.backend.support.ids import text_hash

AGENT_ID = "openhands"
FINISH = "finish"
"""The call by which the agent says that it is done: a step of the run, not a tool that does anything."""
_NAME = re.compile(r".+-(?P<at>\d{10}\.\d+)(?:-[0-9a-f-]+)?\.json(?:\.gz)?\Z")
_EXIT = re.compile(r"\[(?:The command completed|Command finished) with exit code (-?\d+)\.?\]")
_VERSION = "openhands_version:"


_SHAPE: Shape = {
    "messages": [
        {
            "role!": frozenset({"system", "user", "assistant", "tool"}),
            "content": (str, list),
            "tool_calls": [{"function": dict}],
        }
    ],
    "response": {"choices": [{"message": dict}]},
}


class _Session:
    """One session while its calls arrive."""

    def __init__(self, path: Path, call: dict[str, Any], options: ReadOptions) -> None:
        messages = [mapping(message) for message in items(call.get("messages"))]
        opening = [_fingerprint(message) for message in messages if message.get("role") in ("system", "user")][:2]
        self.key = f"openhands-{text_hash(*opening, str(call.get('timestamp')))}"
        self.user = user_for(options, self.key, (str(path),))
        tags = items(mapping(mapping(mapping(call.get("kwargs")).get("extra_body")).get("metadata")).get("tags"))
        version = next((tag[len(_VERSION) :] for tag in tags if isinstance(tag, str) and tag.startswith(_VERSION)), "")
        self.context = {"version": version} if version else {}
        self.known: list[str] = []
        """What the next call of this session begins with."""
        self.seq = 0
        self.prompts = 0
        self.calls = 0
        self.open: dict[str, AgentEvent] = {}
        self.ended_ms: int | None = None
        self.system: str | None = None

    def goes_on(self, told: list[str]) -> bool:
        """Tell whether a call with these messages is the next one of this session."""
        return len(told) >= len(self.known) and told[: len(self.known)] == self.known

    def _event(self, kind: EventKind, key: str, time_ms: int | None, **fields: Any) -> AgentEvent:
        self.seq += 1
        event = AgentEvent(
            kind=kind,
            insert_id=f"openhands:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_ms=time_ms,
            time_quality=TimeQuality.ORDER_ONLY if time_ms is None else TimeQuality.EXACT,
            seq=self.seq,
            trace_id=f"{self.key}#{self.prompts}",
            agent_id=AGENT_ID,
            context=self.context,
            **fields,
        )
        event.span_id = event.span_id or f"{self.key}:{key}"
        return event

    def add(self, call: dict[str, Any], told: list[str]) -> Iterator[AgentEvent]:
        """Yield what a call adds; a tool's event comes once its result is there, the open ones with `finish`."""
        seconds, took = number(call.get("timestamp")), number(call.get("latency_sec"))
        ended = epoch_ms(int(seconds * 1000)) if seconds is not None and abs(seconds) < 2**52 else None
        latency = took * 1000 if took is not None and took >= 0 else None
        started = ended - int(latency) if ended is not None and latency is not None else ended
        for position, message in enumerate(map(mapping, items(call.get("messages")))):
            if position >= len(self.known):
                yield from self._told(position, message, started)
        self.calls += 1
        self.known = list(told)
        response = mapping(call.get("response"))
        reply = next((mapping(mapping(choice).get("message")) for choice in items(response.get("choices"))), {})
        if reply:
            self.known.append(_fingerprint(reply))
        answer = self._event(EventKind.AI_RESPONSE, f"call:{self.calls}", ended, latency_ms=latency)
        answer.text = block_text(reply.get("content"))
        answer.model = text(response.get("model"))
        answer.cost_nano = stated_nano(call.get("cost"))
        answer.finish_reason = next(
            (text(mapping(choice).get("finish_reason")) for choice in items(response.get("choices"))), None
        )
        answer.is_error = not reply
        if reasoning := text(reply.get("reasoning_content")):
            answer.parts[Part.REASONING] = reasoning
        if self.system is not None:
            answer.parts[Part.SYSTEM_PROMPT] = self.system
            self.system = None
        if self.calls == 1 and (tools := encoded(call.get("tools") or None)) is not None:
            answer.parts[Part.TOOL_DEFINITIONS] = tools
        _tokens(answer, mapping(response.get("usage")))
        self.ended_ms = ended
        yield answer
        yield from self._requested(reply, answer)

    def _told(self, position: int, message: dict[str, Any], started: int | None) -> Iterator[AgentEvent]:
        role, said = message.get("role"), block_text(message.get("content"))
        if role == "system":
            self.system = said
        elif role == "user":
            self.prompts += 1
            yield self._event(EventKind.USER_MESSAGE, f"{position}", started, text=said)
        elif role == "assistant":
            # From before the logged calls, such as a conversation taken up again.
            earlier = self._event(EventKind.AI_RESPONSE, f"{position}", started, text=said)
            yield earlier
            yield from self._requested(message, earlier)
        elif role == "tool":
            call_id = text(message.get("tool_call_id")) or f"{position}"
            event = self.open.pop(call_id, None)
            if event is None:
                event = self._event(EventKind.TOOL_CALL, f"tool:{call_id}", started, span_id=call_id)
                event.name = text(message.get("name")) or "unknown"
                event.warnings = ("no_call",)
            else:
                event.warnings = ()
                event.latency_ms = elapsed_ms(self.ended_ms, started)
                event.time_ms = started
            if said is not None:
                event.parts[Part.OUTPUT] = said
            codes = _EXIT.findall(said or "")
            if codes and len(codes[-1]) < 9:
                code = int(codes[-1])
                event.properties["exit_code"] = code
                event.is_error = code != 0
                event.error_type = f"exit {code}" if code else None
            yield event

    def _requested(self, message: dict[str, Any], answer: AgentEvent) -> Iterator[AgentEvent]:
        for position, request in enumerate(map(mapping, items(message.get("tool_calls")))):
            function = mapping(request.get("function"))
            name = text(function.get("name")) or "unknown"
            call_id = text(request.get("id")) or f"{self.seq}.{position}"
            kind = EventKind.SPAN if name == FINISH else EventKind.TOOL_CALL
            event = self._event(kind, f"tool:{call_id}", answer.time_ms, span_id=call_id, name=name)
            event.parent_id = answer.span_id
            if (given := encoded(function.get("arguments"))) is not None:
                event.parts[Part.INPUT] = given
            if kind is EventKind.SPAN:
                yield event
            elif call_id not in self.open:
                event.warnings = ("no_result",)
                self.open[call_id] = event

    def finish(self) -> Iterator[AgentEvent]:
        yield from self.open.values()


def _fingerprint(message: dict[str, Any]) -> str:
    """Tell a message apart from others; the reply of a call is laid out differently where the next call repeats it."""
    asked = [mapping(call) for call in items(message.get("tool_calls"))]
    names = [f"{call.get('id')} {mapping(call.get('function')).get('name')}" for call in asked]
    said = (block_text(message.get("content")) or "").strip()
    return text_hash(str(message.get("role")), said, str(message.get("tool_call_id") or ""), *names)


def _tokens(event: AgentEvent, usage: dict[str, Any]) -> None:
    event.input_tokens, event.output_tokens = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
    if event.input_tokens is None and event.output_tokens is None:
        return
    event.total_tokens = whole(usage.get("total_tokens")) or (event.input_tokens or 0) + (event.output_tokens or 0)
    cached = whole(mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
    event.cache_read_tokens = whole(usage.get("cache_read_input_tokens")) or cached
    event.cache_creation_tokens = whole(usage.get("cache_creation_input_tokens"))
    event.reasoning_tokens = whole(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens"))


class OpenHandsSource:
    """Folders of OpenHands model-call logs."""

    name = "openhands"
    title = "OpenHands model calls"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{":
            return False
        if {"messages", "response", "latency_sec"} <= shape.keys:
            return True
        # A system prompt may be longer than the head: then only the first member and the name are to be seen.
        return shape.keys == {"messages"} and _NAME.match(head.path.name) is not None

    def leads(self) -> Callable[[Path], Path | None]:
        first: dict[Path, Path | None] = {}

        def lead(path: Path) -> Path | None:
            if _NAME.match(path.name) is None:
                return None
            if path.parent not in first:
                found = _logs(path.parent)
                first[path.parent] = found[0] if found else None
            return first[path.parent]

        return lead

    def members(self, path: Path) -> tuple[Path, ...]:
        found = _logs(path.parent) if _NAME.match(path.name) else ()
        return found if path in found else (path,)

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        sessions: list[_Session] = []
        for file in self.members(path):
            try:
                document = reading.load_json_document(file, options.on_bytes)
            except OSError as error:
                document = RecordProblem(None, f"cannot be read: {error.strerror or error}")
            if isinstance(document, RecordProblem):
                yield replace(document, reason=f"{file.name}: {document.reason}")
                continue
            if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
                yield RecordProblem(None, f"{file.name}: a model call without messages", field="messages")
                continue
            for problem in misfits(None, document, _SHAPE):
                yield replace(problem, reason=f"{file.name}: {problem.reason}")
            told = [_fingerprint(mapping(message)) for message in document["messages"]]
            fitting = [session for session in sessions if session.goes_on(told)]
            if fitting:
                session = max(fitting, key=lambda one: len(one.known))
            else:
                session = _Session(path, document, options)
                sessions.append(session)
            yield from session.add(document, told)
        for session in sessions:
            yield from session.finish()


def _logs(folder: Path) -> tuple[Path, ...]:
    """Return the call logs of a folder in the order of their calls."""
    try:
        named = [(match["at"], file) for file in folder.iterdir() if (match := _NAME.match(file.name)) is not None]
    except OSError:
        return ()
    return tuple(file for _, file in sorted(named, key=lambda one: (float(one[0]), one[1].name)))


OPENHANDS = OpenHandsSource()
