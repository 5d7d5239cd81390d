"""Factory Droid sessions, as stored and as streamed. Only these two formats are known here.

Stored: a `session_start` line, then messages of blocks. Streamed: flat lines, the session's id on each. Times are ISO
texts or milliseconds, by version. Neither has tokens, but for what a streamed `completion` says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    block_text,
    elapsed_ms,
    encoded,
    items,
    mapping,
    moment_ms,
    repository_name,
    stem,
    text,
    whole,
)

AGENT_ID = "droid"
_REMINDER = re.compile(r"\A\s*(?:<system-reminder>.*?</system-reminder>\s*)+", re.DOTALL)
"""Context that the tool puts before what the person typed."""
_EXIT = re.compile(r"\(exit code: (-?\d+)\)")
_RESULT_HEAD = 400
_FLAT = frozenset({"system", "message", "tool_call", "tool_result", "completion", "error"})


_SHAPES: Mapping[str, Shape] = {
    "message": {"message": {"role!": frozenset({"user", "assistant", "system", "tool"}), "content": (str, [dict])}},
    "completion": {"finalText": str},
}


class _Reader:
    """State of one file while it is read."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.options = options
        self.session: str | None = None
        self.user: str | None = None
        self.context: dict[str, str] = {}
        self.model: str | None = None
        self.events: list[AgentEvent] = []
        self.keys: Counter[str] = Counter()
        self.now: int | None = None
        self.input_ms: int | None = None
        self.prompts = 0
        self.calls: dict[str, AgentEvent] = {}
        self.answer: AgentEvent | None = None
        """The last model answer of this turn."""

    def record(self, line: int, record: Any) -> RecordProblem | None:
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            return RecordProblem(line, "not a Droid record: no type", field="type")
        kind = record["type"]
        wrong = next(misfits(line, record, _SHAPES.get(kind, dict)), None)
        if wrong is not None:
            return wrong
        self.now = moment_ms(record.get("timestamp")) or self.now
        if self.session is None:
            self._begin(kind, record)
        message = mapping(record.get("message"))
        if kind == "system":
            self.model = text(record.get("model")) or self.model
        elif kind == "message" and message:
            self._blocks(line, message)
        elif kind == "message" and isinstance(record.get("text"), str):
            if record.get("role") == "user":
                self._prompt(line, [{"type": "text", "text": record["text"]}])
            else:
                self._say(line, record["text"])
        elif kind == "message":
            return RecordProblem(line, "a message without text or blocks", field="message")
        elif kind == "tool_call":
            call_id = text(record.get("toolCallId")) or text(record.get("id")) or f"{line}"
            self._call(call_id, text(record.get("toolName")) or text(record.get("toolId")), record.get("parameters"))
        elif kind == "tool_result":
            self._result(text(record.get("toolCallId")) or text(record.get("id")) or f"{line}", record)
        elif kind == "completion":
            self._complete(line, record)
        elif kind == "error":
            self._failure(line, record)
        return None

    def _begin(self, kind: str, record: dict[str, Any]) -> None:
        own = text(record.get("id")) if kind == "session_start" else None
        self.session = own or text(record.get("session_id")) or text(record.get("sessionId")) or stem(self.path)
        cwd = text(record.get("cwd"))
        known = {
            "title": text(record.get("sessionTitle")) or text(record.get("title")),
            "repository": repository_name(None, cwd),
            "cwd": cwd,
            "version": encoded(record.get("version")) if kind == "session_start" else None,
            "resume": f"droid --resume {self.session}" if own else None,
        }
        self.context = {name: value for name, value in known.items() if value}
        self.user = user_for(self.options, self.session, (cwd, str(self.path)))

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        # Records glued together on one line have one number.
        self.keys[key] += 1
        key = key if self.keys[key] == 1 else f"{key}+{self.keys[key]}"
        event = AgentEvent(
            kind=kind,
            insert_id=f"droid:{self.session}:{key}",
            session_key=self.session,
            user_id=self.user,
            time_ms=self.now,
            seq=len(self.events) + 1,
            trace_id=f"{self.session}#{self.prompts}",
            agent_id=AGENT_ID,
            context=self.context,
            **fields,
        )
        event.span_id = event.span_id or f"{self.session}:{key}"
        self.events.append(event)
        return event

    def _blocks(self, line: int, message: dict[str, Any]) -> None:
        content = message.get("content")
        blocks = [mapping(block) for block in items(content)]
        if text(content):
            blocks = [{"type": "text", "text": content}]
        if message.get("role") == "assistant":
            self._answer(line, blocks)
            return
        said = [block for block in blocks if block.get("type") != "tool_result"]
        for block in blocks:
            if block.get("type") == "tool_result":
                shown = {"value": block.get("content"), "isError": block.get("is_error")}
                self._result(text(block.get("tool_use_id")) or f"{line}", shown)
        if said and message.get("role") == "user":
            self._prompt(line, said)

    def _prompt(self, line: int, blocks: list[dict[str, Any]]) -> None:
        said = block_text(blocks) or ""
        injected = _REMINDER.match(said)
        if injected is not None and injected.end() == len(said):
            return  # a reminder alone, which nobody typed
        self.prompts += 1
        self.answer = None
        self.input_ms = self.now
        event = self._event(EventKind.USER_MESSAGE, f"{line}", text=said[injected.end() :] if injected else said)
        if injected is not None:
            event.properties["injected"] = injected.group().strip()
        images = sum(block.get("type") in ("image", "document", "file") for block in blocks)
        if images:
            event.properties.update({"[Agent] Has Attachments": True, "[Agent] Attachment Count": images})

    def _say(self, line: int, said: str | None) -> AgentEvent:
        event = self._event(EventKind.AI_RESPONSE, f"{line}", text=said, model=self.model)
        event.latency_ms = elapsed_ms(self.input_ms, self.now)
        self.answer, self.input_ms = event, self.now
        return event

    def _answer(self, line: int, blocks: list[dict[str, Any]]) -> None:
        calls = [block for block in blocks if block.get("type") == "tool_use"]
        event = self._say(line, block_text([b for b in blocks if b.get("type") not in ("tool_use", "thinking")]))
        event.finish_reason = "tool_calls" if calls else "stop"
        thoughts = [t for block in blocks if block.get("type") == "thinking" and (t := text(block.get("thinking")))]
        if thoughts:
            event.parts[Part.REASONING] = "\n\n".join(thoughts)
        for position, block in enumerate(calls):
            self._call(text(block.get("id")) or f"{line}.{position}", text(block.get("name")), block.get("input"))

    def _call(self, call_id: str, name: str | None, given: Any) -> None:
        if call_id in self.calls:
            return
        event = self._event(EventKind.TOOL_CALL, f"call:{call_id}", span_id=call_id, name=name or "unknown")
        event.parent_id = self.answer.span_id if self.answer is not None else None
        event.tool_type = "mcp" if name and name.startswith("mcp") else None
        if (shown := encoded(given)) is not None:
            event.parts[Part.INPUT] = shown
        event.warnings = ("no_result",)
        self.calls[call_id] = event

    def _result(self, call_id: str, record: dict[str, Any]) -> None:
        event = self.calls.get(call_id)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, f"call:{call_id}", span_id=call_id)
            event.name = text(record.get("toolName")) or text(record.get("toolId")) or "unknown"
            event.warnings = ("no_call",)
            self.calls[call_id] = event
        else:
            event.warnings = ()
            event.latency_ms = elapsed_ms(event.time_ms, self.now)
            event.time_ms = self.now
        value = record.get("value")
        result = mapping(value)
        shown = block_text(value) if isinstance(value, list) else encoded(value)
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        found = _EXIT.search(shown[:_RESULT_HEAD]) if shown is not None and shown.startswith("Error") else None
        code = whole(result.get("exitCode"))
        code = int(found.group(1)) if code is None and found is not None else code
        if code is not None:
            event.properties["exit_code"] = code
            event.error_type = f"exit {code}" if code else None
        said_error = record.get("isError") is True or (shown or "").startswith("Error:")
        event.is_error = said_error or bool(code)
        if event.is_error and shown is not None:
            event.parts[Part.ERROR] = shown
        self.input_ms = self.now

    def _complete(self, line: int, record: dict[str, Any]) -> None:
        """The final text repeats the last message where there was one."""
        said = text(record.get("finalText"))
        answer = self.answer
        if answer is None or (said is not None and answer.text != said):
            answer = self._say(line, said)
        answer.finish_reason = "stop"
        usage = mapping(record.get("usage"))
        fresh, output = whole(usage.get("input_tokens")), whole(usage.get("output_tokens"))
        if fresh is None and output is None:
            return
        read, written = (whole(usage.get(f"cache_{name}_input_tokens")) or 0 for name in ("read", "creation"))
        answer.input_tokens = (fresh or 0) + read + written
        answer.output_tokens = output or 0
        answer.cache_read_tokens, answer.cache_creation_tokens = read, written
        answer.total_tokens = answer.input_tokens + answer.output_tokens

    def _failure(self, line: int, record: dict[str, Any]) -> None:
        event = self._event(EventKind.AI_RESPONSE, f"{line}", model=self.model)
        event.is_error = True
        if message := encoded(record.get("message")):
            event.parts[Part.ERROR] = message


class DroidSource:
    """Stored sessions of Factory Droid, and what `droid exec` prints as a stream."""

    name = "droid"
    title = "Factory Droid session"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{" or not shape.records:
            return False
        first = shape.records[0]
        if first.get("type") == "session_start":
            return isinstance(first.get("id"), str) and not {"title", "owner", "cwd"}.isdisjoint(first)
        return any(_is_flat(record) for record in shape.records) and all(
            text(record.get("type")) in _FLAT and ("session_id" in record or "sessionId" in record)
            for record in shape.records[:3]
        )

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        reader = _Reader(path, options)
        for item in reading.iter_json_records(path, options.on_bytes):
            problem = item if isinstance(item, RecordProblem) else reader.record(*item)
            if problem is not None:
                yield problem
        yield from reader.events


def _is_flat(record: dict[str, Any]) -> bool:
    """Other agents stream lines of the same types; only Droid's have these members at the top."""
    kind = record.get("type")
    return (
        (kind == "message" and isinstance(record.get("text"), str) and "role" in record)
        or (kind == "tool_call" and "toolName" in record)
        or (kind == "completion" and "finalText" in record)
    )


DROID = DroidSource()
