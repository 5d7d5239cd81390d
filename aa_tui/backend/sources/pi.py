"""pi sessions: JSON Lines with two clocks per line and stated costs. Only this format is known here.

A branched session begins with messages copied from its parent. Copies keep time, role and content, so events are
named by those and not by the session: importing parent and branch counts each answer once.
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
    block_text,
    elapsed_ms,
    encoded,
    epoch_ms,
    instant_ms,
    items,
    mapping,
    number,
    repository_name,
    stem,
    text,
    whole,
)
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.money import NANO, usd_to_nano

AGENT_ID = "pi"
USER_BASH = "user_bash"
"""Span name of a command that the person ran, not the agent."""


class _Reader:
    """State of one session file while it is read."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.options = options
        self.session: str | None = None
        self.context: dict[str, str] = {}
        self.user: str | None = None
        self.events: list[AgentEvent] = []
        self.now: int | None = None
        self.turn: str | None = None
        self.model: str | None = None
        self.provider: str | None = None
        self.parent: str | None = None
        self.calls: dict[str, AgentEvent] = {}
        self.tool_free_ms: int | None = None
        """When the last answer or tool result was done: the next tool of the same answer starts then."""

    def entry(self, line: int, entry: Any) -> RecordProblem | None:
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            return RecordProblem(line, "not a pi entry: no type", field="type")
        self.now = instant_ms(entry.get("timestamp")) or self.now
        kind = entry["type"]
        if kind == "session":
            self._header(entry)
        elif kind == "message":
            message = mapping(entry.get("message"))
            if not isinstance(message.get("role"), str):
                return RecordProblem(line, "a message without a role", field="message.role")
            self._message(message)
        elif kind == "model_change":
            self.model = text(entry.get("modelId")) or self.model
            self.provider = text(entry.get("provider")) or self.provider
        elif kind == "compaction":
            self._note("compaction", text(entry.get("summary")), whole(entry.get("tokensBefore")))
        elif kind == "branch_summary":
            self._note("branch_summary", text(entry.get("summary")), None)
        return None

    def _header(self, entry: dict[str, Any]) -> None:
        if self.session is not None:
            return
        self.session = text(entry.get("id"))
        cwd = text(entry.get("cwd"))
        self.model = text(entry.get("modelId"))
        self.provider = text(entry.get("provider"))
        self.parent = text(entry.get("branchedFrom")) or text(entry.get("parentSession"))
        known = {
            "repository": repository_name(None, cwd),
            "cwd": cwd,
            "resume": f"pi --session {self.session}" if self.session else None,
        }
        self.context = {key: value for key, value in known.items() if value}
        self.user = user_for(self.options, self.session, (cwd, str(self.path)))

    def _event(self, kind: EventKind, *identity: str, **fields: Any) -> AgentEvent:
        if self.session is None:
            self.session = stem(self.path)
            self.user = user_for(self.options, self.session, (str(self.path),))
        insert_id = f"pi:{text_hash(*identity)}"
        event = AgentEvent(
            kind=kind,
            insert_id=insert_id,
            session_key=self.session,
            user_id=self.user,
            time_ms=self.now,
            seq=len(self.events) + 1,
            trace_id=self.turn,
            agent_id=AGENT_ID,
            span_id=insert_id,
            context=self.context,
            **fields,
        )
        if self.parent is not None:
            event.properties["branched_from"] = self.parent
            self.parent = None
        self.events.append(event)
        return event

    def _note(self, name: str, summary: str | None, tokens_before: int | None) -> None:
        event = self._event(EventKind.SPAN, name, str(self.now), summary or "", name=name)
        if summary:
            event.parts[Part.OUTPUT] = summary
        if tokens_before is not None:
            event.properties["tokens_before"] = tokens_before

    def _message(self, message: dict[str, Any]) -> None:
        role = message["role"]
        if role == "user":
            self._prompt(message)
        elif role == "assistant":
            self._answer(message)
        elif role == "toolResult":
            self._result(message)
        elif role == "bashExecution":
            self._user_bash(message)
        elif role in ("branchSummary", "compactionSummary"):
            name = "compaction" if role == "compactionSummary" else "branch_summary"
            self._note(name, text(message.get("summary")), whole(message.get("tokensBefore")))

    def _identity(self, message: dict[str, Any]) -> tuple[str, str, str]:
        stamp = message.get("timestamp")
        body = encoded(message.get("content")) or ""
        return str(message["role"]), str(self.now if stamp is None else stamp), body

    def _prompt(self, message: dict[str, Any]) -> None:
        event = self._event(EventKind.USER_MESSAGE, *self._identity(message))
        self.turn = event.insert_id
        event.trace_id = self.turn
        event.text = block_text(message.get("content"))
        images = sum(1 for block in items(message.get("content")) if mapping(block).get("type") == "image")
        if images:
            event.properties.update({"[Agent] Has Attachments": True, "[Agent] Attachment Count": images})

    def _answer(self, message: dict[str, Any]) -> None:
        event = self._event(EventKind.AI_RESPONSE, *self._identity(message))
        self.model = text(message.get("model")) or self.model
        self.provider = text(message.get("provider")) or self.provider
        event.model, event.provider = self.model, self.provider
        event.latency_ms = elapsed_ms(epoch_ms(message.get("timestamp")), self.now)
        blocks = [mapping(block) for block in items(message.get("content"))]
        said = [block["text"] for block in blocks if block.get("type") == "text" and text(block.get("text"))]
        event.text = "\n\n".join(said) or text(message.get("content"))
        thoughts = [t for block in blocks if block.get("type") == "thinking" and (t := text(block.get("thinking")))]
        if thoughts:
            event.parts[Part.REASONING] = "\n\n".join(thoughts)
        _spending(event, mapping(message.get("usage")))
        reason = text(message.get("stopReason"))
        event.finish_reason = reason
        if reason == "aborted":
            event.interrupted = True
        elif reason == "error":
            event.is_error = True
            if failure := text(message.get("errorMessage")):
                event.parts[Part.ERROR] = failure
        self.tool_free_ms = self.now
        for position, block in enumerate(blocks):
            if block.get("type") == "toolCall":
                call = self._call(event, position, block)
                if reason not in ("aborted", "error"):
                    self.calls[text(block.get("id")) or ""] = call

    def _call(self, answer: AgentEvent, position: int, block: dict[str, Any]) -> AgentEvent:
        call_id = text(block.get("id")) or f"{position}"
        event = self._event(EventKind.TOOL_CALL, answer.insert_id, "call", call_id, name=text(block.get("name")))
        event.name = event.name or "unknown"
        event.parent_id = answer.span_id
        given = block["arguments"] if block.get("arguments") else block.get("partialJson") or block.get("arguments")
        if (shown := encoded(given)) is not None:
            event.parts[Part.INPUT] = shown
        event.interrupted = answer.interrupted
        event.warnings = ("no_result",)
        return event

    def _result(self, message: dict[str, Any]) -> None:
        call_id = text(message.get("toolCallId")) or ""
        event = self.calls.pop(call_id, None)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, "result", call_id, *self._identity(message))
            event.name = text(message.get("toolName")) or "unknown"
            event.warnings = ("no_call",)
        else:
            event.warnings = ()
        event.time_ms = epoch_ms(message.get("timestamp")) or self.now
        event.latency_ms = elapsed_ms(self.tool_free_ms, event.time_ms)
        self.tool_free_ms = event.time_ms
        shown = block_text(message.get("content"))
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        if message.get("isError") is True:
            event.is_error = True
            if shown is not None:
                event.parts[Part.ERROR] = shown

    def _user_bash(self, message: dict[str, Any]) -> None:
        command = text(message.get("command")) or ""
        event = self._event(EventKind.SPAN, "bash", str(message.get("timestamp")), command, name=USER_BASH)
        event.parts[Part.INPUT] = command
        if (printed := text(message.get("output"))) is not None:
            event.parts[Part.OUTPUT] = printed
        code = whole(message.get("exitCode"))
        if code is not None:
            event.properties["exit_code"] = code
            event.is_error = code != 0
        event.interrupted = message.get("cancelled") is True


def _spending(event: AgentEvent, usage: dict[str, Any]) -> None:
    """Cached tokens stand beside the input here; the product's input includes them. All zero: nothing was reported."""
    fresh, output = whole(usage.get("input")), whole(usage.get("output"))
    read, written = whole(usage.get("cacheRead")) or 0, whole(usage.get("cacheWrite")) or 0
    if not any((fresh, output, read, written)):
        return
    event.input_tokens = (fresh or 0) + read + written
    event.output_tokens = output or 0
    event.cache_read_tokens = read
    event.cache_creation_tokens = written
    event.total_tokens = whole(usage.get("totalTokens")) or event.input_tokens + event.output_tokens
    cost = number(mapping(usage.get("cost")).get("total"))
    if cost is not None and 0 < cost < 2**62 / NANO:
        event.cost_nano = usd_to_nano(cost)


class PiSource:
    """Session files of the pi coding agent."""

    name = "pi"
    title = "pi session"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        records = reading.outline(head).records
        if not records:
            return False
        first = records[0]
        if first.get("type") == "session":
            return isinstance(first.get("id"), str) and "timestamp" in first and "cwd" in first
        return all(
            record.get("type") == "message" and isinstance(mapping(record.get("message")).get("timestamp"), int)
            for record in records[:3]
        )

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        reader = _Reader(path, options)
        for item in reading.iter_json_records(path, options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
            elif (problem := reader.entry(*item)) is not None:
                yield problem
        yield from reader.events


PI = PiSource()
