"""Gemini CLI chats, as one document or as lines with patches, and the flat prompt log beside them. Only these formats.

Call and result of a tool are one object inside the answer. Thoughts are counted beside the output and belong to it.
The log only lists prompts: it adds those of sessions whose chat is missing, under the ids the chat would give them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
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
    epoch_ms,
    instant_ms,
    items,
    mapping,
    text,
    whole,
)
from aa_tui.backend.support.ids import text_hash

AGENT_ID = "gemini-cli"
_NOTICES = ("info", "warning", "error")
_TYPES = frozenset({"user", "gemini", *_NOTICES})
_EXIT = re.compile(r"^Exit Code: (-?\d+)", re.MULTILINE)
_STARTED = re.compile(r"-(\d{13})-[0-9a-f]+$")
_COMMANDS = ("/", "?")
"""Starts of log entries that were commands to the tool; a chat does not hold them."""


class _Chat:
    """One chat while it is turned into events."""

    def __init__(self, path: Path, header: dict[str, Any], options: ReadOptions) -> None:
        self.session = text(header.get("sessionId")) or path.name
        self.user = user_for(options, self.session, (str(path),))
        known = {
            "resume": f"gemini --resume {self.session}",
            "title": text(header.get("summary")),
            "kind": text(header.get("kind")),
        }
        self.context = {key: value for key, value in known.items() if value}
        self.seq = 0
        self.turn: str | None = None
        self.seen: Counter[str] = Counter()
        self.input_ms: int | None = None

    def event(self, kind: EventKind, insert_id: str, time_ms: int | None, **fields: Any) -> AgentEvent:
        self.seq += 1
        return AgentEvent(
            kind=kind,
            insert_id=insert_id,
            session_key=self.session,
            user_id=self.user,
            time_ms=time_ms,
            seq=self.seq,
            trace_id=self.turn,
            agent_id=AGENT_ID,
            context=self.context,
            **fields,
        )

    def prompt(self, said: str | None, time_ms: int | None) -> AgentEvent:
        """The log has neither the chat's ids nor its exact times: a prompt is named by its text and repetition."""
        key = (said or "").strip()
        self.seen[key] += 1
        self.turn = f"gemini-cli:{self.session}:{text_hash('user', key, str(self.seen[key]))}"
        self.input_ms = time_ms
        event = self.event(EventKind.USER_MESSAGE, self.turn, time_ms, text=said)
        event.span_id = self.turn
        return event

    def message(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        kind = message.get("type")
        time_ms = instant_ms(message.get("timestamp"))
        said = block_text(message.get("content"))
        key = text(message.get("id")) or text_hash(str(kind), str(message.get("timestamp")), said or "")
        if kind == "user":
            yield self.prompt(said, time_ms)
        elif kind == "gemini":
            yield from self._answer(message, key, time_ms, said)
        else:
            notice = self.event(
                EventKind.SPAN, f"gemini-cli:{self.session}:{key}", time_ms, name=f"notice:{kind}", span_id=key
            )
            notice.is_error = kind == "error"
            if said is not None:
                notice.parts[Part.ERROR if notice.is_error else Part.OUTPUT] = said
            yield notice

    def _answer(self, message: dict[str, Any], key: str, time_ms: int | None, said: str | None) -> Iterator[AgentEvent]:
        calls = [mapping(call) for call in items(message.get("toolCalls"))]
        started = [began for call in calls if (began := _started_ms(call)) is not None]
        # A message is written when its tools are done; the answer itself ended when the first of them started.
        ended = min([*started, time_ms]) if time_ms is not None else None
        answer = self.event(
            EventKind.AI_RESPONSE, f"gemini-cli:{self.session}:{key}", ended, span_id=key, text=said, provider="google"
        )
        answer.model = text(message.get("model"))
        answer.latency_ms = elapsed_ms(self.input_ms, ended)
        answer.finish_reason = "tool_calls" if calls else "stop"
        thoughts = [mapping(thought) for thought in items(message.get("thoughts"))]
        reasoning = "\n\n".join(
            "\n".join(filter(None, (text(thought.get("subject")), text(thought.get("description")))))
            for thought in thoughts
        )
        if reasoning.strip():
            answer.parts[Part.REASONING] = reasoning
        _tokens(answer, mapping(message.get("tokens")))
        self.input_ms = time_ms
        yield answer
        for position, call in enumerate(calls):
            yield self._call(answer, key, position, call, time_ms)

    def _call(
        self, answer: AgentEvent, key: str, position: int, call: dict[str, Any], written_ms: int | None
    ) -> AgentEvent:
        call_id = text(call.get("id")) or f"{key}.{position}"
        ended = instant_ms(call.get("timestamp")) or written_ms
        event = self.event(
            EventKind.TOOL_CALL,
            f"gemini-cli:{self.session}:{key}:{call_id}",
            ended,
            span_id=call_id,
            parent_id=answer.span_id,
            name=text(call.get("name")) or "unknown",
        )
        if (given := encoded(call.get("args"))) is not None:
            event.parts[Part.INPUT] = given
        event.latency_ms = elapsed_ms(_started_ms(call), ended)
        status = text(call.get("status"))
        event.interrupted = status == "cancelled"
        output, failed = _result(call)
        if output is not None:
            event.parts[Part.OUTPUT] = output
        event.is_error = status == "error" or failed
        code = _EXIT.search(output) if output and event.name == "run_shell_command" else None
        if code is not None:
            event.properties["exit_code"] = int(code.group(1))
            if int(code.group(1)) != 0:
                event.is_error = True
                event.error_type = f"exit {code.group(1)}"
        if event.is_error and output is not None and event.error_type is None:
            event.parts[Part.ERROR] = output
        return event


def _started_ms(call: dict[str, Any]) -> int | None:
    """Call ids end in the moment of their making."""
    match = _STARTED.search(text(call.get("id")) or "")
    return epoch_ms(int(match.group(1))) if match else None


def _result(call: dict[str, Any]) -> tuple[str | None, bool]:
    """Return what the tool answered, and whether it answered with an error."""
    shown: list[str] = []
    failed = False
    for part in items(call.get("result")):
        response = mapping(mapping(part).get("functionResponse")).get("response")
        if isinstance(response, dict):
            failed = failed or response.get("error") is not None
            answer = next((response[name] for name in ("output", "error") if response.get(name) is not None), response)
        else:
            answer = response if response is not None else part
        if (piece := encoded(answer)) is not None:
            shown.append(piece)
    if not shown and (display := encoded(call.get("resultDisplay"))) is not None:
        shown.append(display)
    return "\n".join(shown) or None, failed


def _tokens(event: AgentEvent, tokens: dict[str, Any]) -> None:
    given, said = whole(tokens.get("input")), whole(tokens.get("output"))
    if given is None and said is None:
        return
    thoughts = whole(tokens.get("thoughts")) or 0
    event.input_tokens = (given or 0) + (whole(tokens.get("tool")) or 0)
    event.output_tokens = (said or 0) + thoughts
    event.reasoning_tokens = thoughts
    event.cache_read_tokens = whole(tokens.get("cached"))
    event.total_tokens = whole(tokens.get("total")) or event.input_tokens + event.output_tokens


class GeminiCliSource:
    """Chat files of the Gemini CLI and its prompt log (`logs.json`)."""

    name = "gemini-cli"
    title = "Gemini CLI chat"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening == "{":
            return {"sessionId", "projectHash"} <= shape.keys
        return shape.opening == "[" and {"sessionId", "messageId", "type", "message"} <= shape.keys

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        is_log = reading.outline(reading.head_of(path)).opening == "["
        return _read_log(path, options) if is_log else _read_chat(path, options)


_MESSAGE: Shape = {"content": (str, list, dict), "toolCalls": [dict]}
_RECORD: Shape = {"type": str, "messages": list, "$set": {"messages": list}}


def _read_chat(path: Path, options: ReadOptions) -> Iterator[SourceItem]:
    header: dict[str, Any] = {}
    messages: dict[str, dict[str, Any]] = {}
    for item in _records(path, options):
        if isinstance(item, RecordProblem):
            yield item
            continue
        line, record = item
        if not isinstance(record, dict):
            yield RecordProblem(line, "not a chat record")
            continue
        yield from misfits(line, record, _RECORD)
        patch = mapping(record.get("$set"))
        if "sessionId" in record or patch:
            header.update(patch or record)
        for message in items((patch or record).get("messages")):
            yield from _keep(line, message, messages)
        if text(record.get("type")) in _TYPES:
            yield from _keep(line, record, messages)
        elif not any(key in ("sessionId", "messages", "type") or key.startswith("$") for key in record):
            yield RecordProblem(line, "not a chat record: neither a session nor a message")
    header.pop("messages", None)
    chat = _Chat(path, header, options)
    for message in messages.values():
        yield from chat.message(message)


def _records(path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
    if reading.is_json_lines(reading.head_of(path)):
        yield from reading.iter_json_records(path, options.on_bytes)
        return
    document = reading.load_json_document(path, options.on_bytes)
    yield document if isinstance(document, RecordProblem) else (1, document)


def _keep(line: int, message: Any, messages: dict[str, dict[str, Any]]) -> Iterator[RecordProblem]:
    """Keep the newest state of a message: later lines repeat it with its tools' results."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        yield RecordProblem(line, "a message without a type", field="type")
        return
    yield from misfits(line, message, _MESSAGE)
    messages[text(message.get("id")) or f"#{len(messages)}"] = message


def _read_log(path: Path, options: ReadOptions) -> Iterator[SourceItem]:
    chats: dict[str, _Chat] = {}
    present = _chats_beside(path)
    for item in reading.iter_json_members(path, (), options.on_bytes):
        if isinstance(item, RecordProblem):
            yield item
            continue
        entry = mapping(item[2])
        session, said = text(entry.get("sessionId")), text(entry.get("message"))
        if session is None or said is None:
            yield RecordProblem(item[1] + 1, "a log entry without session or text", field="sessionId")
            continue
        if entry.get("type") != "user" or said.startswith(_COMMANDS) or session in present:
            continue
        chat = chats.setdefault(session, _Chat(path, {"sessionId": session}, options))
        yield chat.prompt(said, instant_ms(entry.get("timestamp")))


def _chats_beside(path: Path) -> set[str]:
    """Return the ids of sessions whose chat lies where the tool keeps it: beside the log or in `chats/`."""
    found: set[str] = set()
    for folder in (path.parent, path.parent / "chats"):
        try:
            files = sorted(folder.glob("session-*"))
        except OSError:
            continue
        for file in files:
            try:
                match = re.search(rb'"sessionId"\s*:\s*("[^"\\]+")', reading.head_of(file).start)
            except OSError:
                continue
            if match is not None:
                found.add(json.loads(match.group(1)))
    return found


GEMINI_CLI = GeminiCliSource()
