"""Cursor transcripts: lines of role and blocks, without times, ids or tokens. Only this format is known here.

A tool call has no id and its result names one that stands nowhere else: they are paired by name where both have one,
else in order. A transcript in `subagents/` belongs to the call of the transcript above it that has its prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import block_text, encoded, items, mapping, stem, text

AGENT_ID = "cursor"
SUBAGENT = "subagent"
"""Agent id of a nested transcript whose call does not name its kind."""
_CALLS = frozenset({"tool_use", "tool_call", "tool-call"})
_RESULTS = frozenset({"tool_result", "tool-result"})
_THOUGHTS = frozenset({"thinking", "reasoning"})
_ROLES = frozenset({"user", "assistant", "system"})
_NESTED = "subagents"


_SHAPE: Shape = {"message": {"content": (str, [dict])}, "content": (str, [dict])}


class _Reader:
    """State of one transcript while it is read."""

    def __init__(self, path: Path, session: str, options: ReadOptions) -> None:
        self.name = stem(path)
        self.session = session
        self.user = user_for(options, session, (str(path),))
        self.events: list[AgentEvent] = []
        self.keys: Counter[str] = Counter()
        self.turn = f"{session}#0"
        self.prompts = 0
        self.agent = AGENT_ID
        self.parent_agent: str | None = None
        self.launch: AgentEvent | None = None
        """The call of the transcript above that started this one."""
        self.open: list[AgentEvent] = []

    def nest(self, launch: AgentEvent) -> None:
        """Make this the transcript of the sub-agent that a call started."""
        self.launch = launch
        self.agent = str(launch.properties.get("subagent_type") or SUBAGENT)
        self.parent_agent = AGENT_ID
        self.turn = launch.trace_id or self.turn

    def record(self, line: int, record: Any) -> RecordProblem | None:
        if not isinstance(record, dict):
            return RecordProblem(line, "not a Cursor record")
        role = text(record.get("role"))
        if role not in _ROLES:
            if record.get("type") == "turn_ended" and record.get("status") == "error" and self.events:
                self._failed(line, record)
            return None if isinstance(record.get("type"), str) else RecordProblem(line, "a record without a role")
        wrong = next(misfits(line, record, _SHAPE), None)
        if wrong is not None:
            return wrong
        message = mapping(record.get("message"))
        content = message.get("content") if message else record.get("content")
        blocks = [mapping(block) for block in items(content)] or (
            [{"type": "text", "text": content}] if text(content) else []
        )
        if role == "assistant":
            self._answer(line, blocks, text(record.get("model")))
        elif role == "user":
            self._user(line, blocks)
        return None

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        # Records glued together on one line have one number.
        self.keys[key] += 1
        key = key if self.keys[key] == 1 else f"{key}+{self.keys[key]}"
        event = AgentEvent(
            kind=kind,
            insert_id=f"cursor:{self.session}:{self.name}:{key}",
            session_key=self.session,
            user_id=self.user,
            time_quality=TimeQuality.ORDER_ONLY,
            seq=len(self.events) + 1,
            trace_id=self.turn,
            agent_id=self.agent,
            parent_agent_id=self.parent_agent,
            span_id=f"{self.session}:{self.name}:{key}",
            **fields,
        )
        if event.parent_id is None and self.launch is not None:
            event.parent_id = self.launch.span_id
        self.events.append(event)
        return event

    def _user(self, line: int, blocks: list[dict[str, Any]]) -> None:
        said: list[dict[str, Any]] = []
        for position, block in enumerate(blocks):
            if text(block.get("type")) in _RESULTS:
                self._result(f"{line}.{position}", block)
            else:
                said.append(block)
        if not said:
            return
        self.prompts += 1
        if self.launch is None:
            self.turn = f"{self.session}#{self.prompts}"
        self.open.clear()
        event = self._event(EventKind.USER_MESSAGE, f"{line}", text=block_text(said))
        event.from_agent = self.launch is not None
        images = sum(block.get("type") in ("image", "image_url", "file") for block in said)
        if images:
            event.properties.update({"[Agent] Has Attachments": True, "[Agent] Attachment Count": images})

    def _answer(self, line: int, blocks: list[dict[str, Any]], model: str | None) -> None:
        event = self._event(EventKind.AI_RESPONSE, f"{line}", model=model)
        said = [b for b in blocks if text(b.get("type")) not in (_CALLS | _THOUGHTS)]
        event.text = block_text(said)
        thoughts = [
            t for b in blocks if text(b.get("type")) in _THOUGHTS and (t := text(b.get("thinking") or b.get("text")))
        ]
        if thoughts:
            event.parts[Part.REASONING] = "\n\n".join(thoughts)
        calls = [block for block in blocks if text(block.get("type")) in _CALLS]
        event.finish_reason = "tool_calls" if calls else "stop"
        for position, block in enumerate(calls):
            call = self._event(EventKind.TOOL_CALL, f"{line}.{position}", parent_id=event.span_id)
            call.name = text(block.get("name")) or "unknown"
            call.tool_type = "mcp" if call.name.startswith("mcp") else None
            given = mapping(block.get("input"))
            if (shown := encoded(block.get("input"))) is not None:
                call.parts[Part.INPUT] = shown
            if kind := text(given.get("subagent_type")):
                call.properties["subagent_type"] = kind
            if call_id := text(block.get("id")):
                call.properties["call_id"] = call_id
            call.warnings = ("no_result",)
            self.open.append(call)

    def _result(self, key: str, block: dict[str, Any]) -> None:
        call_id, name = text(block.get("tool_use_id")), text(block.get("name"))
        event = next((call for call in self.open if call_id and call.properties.get("call_id") == call_id), None)
        if event is None:
            nameless = [call for call in self.open if "call_id" not in call.properties]
            event = next((call for call in nameless if name and call.name == name), None)
            event = event or (nameless[0] if nameless else None)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, key, name=name or "unknown")
            event.warnings = ("no_call",)
        else:
            self.open.remove(event)
            event.warnings = ()
        shown = block_text(block.get("content"))
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        if block.get("is_error") is True:
            event.is_error = True
            if shown is not None:
                event.parts[Part.ERROR] = shown

    def _failed(self, line: int, record: dict[str, Any]) -> None:
        event = self._event(EventKind.SPAN, f"{line}", name="turn_ended")
        event.is_error = True
        if reason := encoded(record.get("error") or record.get("message")):
            event.parts[Part.ERROR] = reason


def _launch_of(path: Path, options: ReadOptions) -> AgentEvent | None:
    """Return the call that started a nested transcript: the one in a transcript above whose prompt it begins with."""
    first: str | None = None
    for item in reading.iter_json_records(path):
        record = {} if isinstance(item, RecordProblem) else mapping(item[1])
        if record.get("role") == "user":
            first = (block_text(mapping(record.get("message")).get("content")) or "").strip()
            break
    if not first:
        return None
    for parent in sorted(path.parent.parent.glob("*.jsonl*")):
        if not parent.is_file() or not CURSOR.sniff(reading.head_of(parent)):
            continue
        for event in _read(parent, stem(parent), replace(options, on_bytes=None), None)[0].events:
            if event.kind is not EventKind.TOOL_CALL:
                continue
            for given in reading.decode_objects(event.parts.get(Part.INPUT, ""))[0]:
                if (text(mapping(given).get("prompt")) or "").strip() == first:
                    return event
    return None


def _read(
    path: Path, session: str, options: ReadOptions, launch: AgentEvent | None
) -> tuple[_Reader, list[RecordProblem]]:
    reader = _Reader(path, session, options)
    problems: list[RecordProblem] = []
    if launch is not None:
        reader.nest(launch)
    for item in reading.iter_json_records(path, options.on_bytes):
        problem = item if isinstance(item, RecordProblem) else reader.record(*item)
        if problem is not None:
            problems.append(problem)
    return reader, problems


class CursorSource:
    """Transcripts of the Cursor agent."""

    name = "cursor"
    title = "Cursor transcript"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{" or not shape.records:
            return False
        first = shape.records[0]
        if first.get("role") not in ("user", "assistant") or not {"type", "timestamp", "uuid"}.isdisjoint(first):
            return False
        return isinstance(mapping(first.get("message")).get("content"), list)

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        nested = path.parent.name == _NESTED
        launch = _launch_of(path, options) if nested else None
        session = launch.session_key if launch is not None else None
        reader, problems = _read(path, session or stem(path), options, launch)
        if nested and launch is None and reader.events:
            reader.events[0].warnings = (*reader.events[0].warnings, "orphan_thread")
        yield from problems
        yield from reader.events


CURSOR = CursorSource()
