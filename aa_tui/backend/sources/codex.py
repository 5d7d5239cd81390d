"""Codex rollouts: one file per session, everything said twice. Only this format is known here.

The conversation comes from `response_item` records, prompts, timing and exit codes from `event_msg` records. Tokens of
a model answer are the difference between two cumulative totals: the same report is often repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    instant_ms,
    items,
    mapping,
    number,
    repository_name,
    stem,
    text,
    whole,
)

AGENT_ID = "codex"
_RECORD_TYPES = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state"})
_UUID_AT_END = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)
_EXIT = re.compile(r"^Process exited with code (-?\d+)", re.MULTILINE)
_WALL = re.compile(r"^Wall time: ([\d.]+) seconds", re.MULTILINE)
_RESULT_HEAD = 400
"""How far into a result its own header (exit code, wall time) reaches."""
_SPOKEN = frozenset({"response_item", "event_msg"})
"""Record types that hold what was said and done."""
_CALLS = {"function_call", "custom_tool_call", "local_shell_call", "tool_search_call", "tool_call"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output", "tool_search_output", "local_shell_call_output"}
_TOTALS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens")


@dataclass(slots=True)
class _Answer:
    """One model call while its records arrive."""

    event: AgentEvent
    started_ms: int | None
    answered: bool = False
    """A result of one of its tools was seen: what the model says next is another call."""
    counted: bool = False
    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    shown_reasoning: list[str] = field(default_factory=list)
    calls: int = 0


class _Reader:
    """State of one rollout while it is read."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.options = options
        self.events: list[AgentEvent] = []
        self.session: str | None = None
        self.context: dict[str, str] = {}
        self.user: str | None = None
        self.provider: str | None = None
        self.system_prompt: str | None = None
        self.model: str | None = None
        self.seq = 0
        self.now: int | None = None
        self.turn: str | None = None
        self.turn_explicit = False
        self.prompts = 0
        self.unplaced: list[AgentEvent] = []
        self.last_input_ms: int | None = None
        self.answer: _Answer | None = None
        self.uncounted: _Answer | None = None
        self.first_of_turn: AgentEvent | None = None
        self.calls: dict[str, AgentEvent] = {}
        self.finished_calls: set[str] = set()
        self.totals = dict.fromkeys(_TOTALS, 0)
        self.last_compaction: tuple[int, int | None] | None = None

    def record(self, line: int, record: Any) -> RecordProblem | None:
        self.seq += 1
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            return RecordProblem(line, "not a Codex record: no type", field="type")
        self.now = instant_ms(record.get("timestamp")) or self.now
        payload = mapping(record.get("payload"))
        kind = record["type"]
        if kind in _SPOKEN and (wrong := _wrong(record)) is not None:
            return RecordProblem(line, f"not a Codex record: {wrong}", field=wrong.partition(" ")[0])
        if kind == "session_meta":
            self._meta(payload)
        elif kind == "turn_context":
            self.model = text(payload.get("model")) or self.model
            self._enter_turn(text(payload.get("turn_id")))
        elif kind == "response_item":
            self._response_item(text(payload.get("type")) or "", payload)
        elif kind == "event_msg":
            self._event_msg(text(payload.get("type")) or "", payload)
        elif kind == "compacted":
            self._compaction(text(payload.get("message")))
        elif "payload" not in record:
            return RecordProblem(line, f"not a Codex record: {kind!r} without a payload", field="payload")
        return None

    # --- session and turns ---------------------------------------------------------------------------------------

    def _meta(self, payload: dict[str, Any]) -> None:
        if self.session is not None:
            return  # a copied header of the thread this one was forked from
        self.session = text(payload.get("id")) or text(payload.get("session_id"))
        if self.session is None:
            return
        git = mapping(payload.get("git"))
        cwd = text(payload.get("cwd"))
        known = {
            "repository": repository_name(text(git.get("repository_url")), cwd),
            "branch": text(git.get("branch")),
            "cwd": cwd,
            "version": text(payload.get("cli_version")),
            "resume": f"codex resume {self.session}",
        }
        self.context = {key: value for key, value in known.items() if value}
        self.provider = text(payload.get("model_provider")) or "openai"
        base = mapping(payload.get("base_instructions"))
        self.system_prompt = text(base.get("text")) or text(payload.get("instructions"))
        self.user = user_for(self.options, self.session, (cwd, str(self.path)))

    def session_id(self) -> str:
        if self.session is None:
            match = _UUID_AT_END.search(stem(self.path))
            self.session = match.group() if match else stem(self.path)
            self.context = {"resume": f"codex resume {self.session}"} if match else {}
            self.user = user_for(self.options, self.session, (str(self.path),))
        return self.session

    def _enter_turn(self, turn_id: str | None) -> None:
        if turn_id is None or turn_id == self.turn:
            return
        self._close_answer()
        self.turn, self.turn_explicit = turn_id, True
        for prompt in self.unplaced:
            prompt.trace_id = turn_id
        self.unplaced.clear()
        self.first_of_turn = None

    def _trace(self) -> str:
        return self.turn or f"{self.session_id()}#{self.prompts}"

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        session = self.session_id()
        event = AgentEvent(
            kind=kind,
            insert_id=f"codex:{session}:{key}",
            session_key=session,
            user_id=self.user,
            time_ms=self.now,
            seq=len(self.events) + 1,
            trace_id=self._trace(),
            agent_id=AGENT_ID,
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def _prompt(self, payload: dict[str, Any]) -> None:
        self._close_answer()
        self.prompts += 1
        if not self.turn_explicit:
            self.turn = f"{self.session_id()}#{self.prompts}"
            self.first_of_turn = None
        event = self._event(EventKind.USER_MESSAGE, f"{self.seq}", span_id=f"{self.session_id()}:{self.seq}")
        event.text = text(payload.get("message"))
        images = len(items(payload.get("images"))) + len(items(payload.get("local_images")))
        if images:
            event.properties = {"[Agent] Has Attachments": True, "[Agent] Attachment Count": images}
        if not self.turn_explicit:
            self.unplaced.append(event)
        self.last_input_ms = self.now

    # --- model answers -------------------------------------------------------------------------------------------

    def _open_answer(self) -> _Answer:
        if self.answer is not None and self.answer.answered:
            self._close_answer()
        if self.answer is None:
            event = self._event(
                EventKind.AI_RESPONSE,
                f"{self.seq}",
                span_id=f"{self.session_id()}:{self.seq}",
                model=self.model,
                provider=self.provider,
            )
            if self.system_prompt is not None:
                event.parts[Part.SYSTEM_PROMPT] = self.system_prompt
                self.system_prompt = None
            self.answer = _Answer(event, self.last_input_ms)
            self.unplaced.clear()
            if self.first_of_turn is None:
                self.first_of_turn = event
        self.answer.event.time_ms = self.now
        return self.answer

    def _close_answer(self) -> None:
        answer, self.answer = self.answer, None
        if answer is None:
            return
        event = answer.event
        event.text = "\n\n".join(answer.texts) or None
        if reasoning := "\n\n".join(answer.reasoning or answer.shown_reasoning):
            event.parts[Part.REASONING] = reasoning
        event.latency_ms = elapsed_ms(answer.started_ms, event.time_ms)
        event.finish_reason = "tool_calls" if answer.calls else "stop"
        if not answer.counted:
            self.uncounted = answer

    def _tokens(self, info: dict[str, Any]) -> None:
        reported = mapping(info.get("total_token_usage"))
        totals = {name: whole(reported.get(name)) or 0 for name in _TOTALS}
        if not any(totals.values()) or totals == self.totals:
            return
        spent = {name: totals[name] - self.totals[name] for name in _TOTALS}
        self.totals = totals
        if any(value < 0 for value in spent.values()):
            # The counter began anew (a resumed session): only the last call's own report is left to go by.
            last = mapping(info.get("last_token_usage"))
            spent = {name: whole(last.get(name)) or 0 for name in _TOTALS}
        answer = self.answer if self.answer is not None and not self.answer.counted else self.uncounted
        if answer is not None:
            answer.counted = True
            event = answer.event
        else:
            # Tokens that no visible answer accounts for, such as those of a compaction, must still be counted.
            event = self._event(EventKind.AI_RESPONSE, f"{self.seq}", model=self.model, provider=self.provider)
            event.span_id = f"{self.session_id()}:{self.seq}"
        self.uncounted = None
        event.input_tokens = spent["input_tokens"]
        event.cache_read_tokens = spent["cached_input_tokens"]
        event.output_tokens = spent["output_tokens"]
        event.reasoning_tokens = spent["reasoning_output_tokens"]
        event.total_tokens = spent["total_tokens"]

    def _response_item(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "message":
            if payload.get("role") == "assistant":
                answer = self._open_answer()
                if said := block_text(payload.get("content")):
                    answer.texts.append(said)
        elif kind == "reasoning":
            answer = self._open_answer()
            if thought := block_text(payload.get("summary")):
                answer.reasoning.append(thought)
        elif kind in _CALLS:
            self._call(kind, payload)
        elif kind in _OUTPUTS:
            self._output(payload)
        elif kind == "web_search_call":
            self._web_search(payload)

    # --- tools ---------------------------------------------------------------------------------------------------

    def _call(self, kind: str, payload: dict[str, Any]) -> None:
        answer = self._open_answer()
        answer.calls += 1
        call_id = text(payload.get("call_id")) or text(payload.get("id")) or f"{self.seq}"
        function = mapping(payload.get("function"))
        name = text(payload.get("name")) or text(function.get("name")) or kind.removesuffix("_call")
        given = next((payload[key] for key in ("arguments", "input", "action") if payload.get(key) is not None), None)
        namespace = text(payload.get("namespace"))
        event = self._event(
            EventKind.TOOL_CALL,
            f"call:{call_id}",
            span_id=call_id,
            parent_id=answer.event.span_id,
            name=name,
            tool_type="mcp" if name.startswith("mcp__") or (namespace or "").startswith("mcp") else None,
        )
        if (shown := encoded(given)) is not None:
            event.parts[Part.INPUT] = shown
        if namespace:
            event.properties["namespace"] = namespace
        event.warnings = ("no_result",)
        self.calls[call_id] = event

    def _web_search(self, payload: dict[str, Any]) -> None:
        # Run by the provider inside the model call, without a call id or a result: a step, not one of our tools.
        answer = self._open_answer()
        event = self._event(
            EventKind.SPAN,
            f"{self.seq}",
            span_id=text(payload.get("id")) or f"{self.session_id()}:{self.seq}",
            parent_id=answer.event.span_id,
            name="web_search",
        )
        if (shown := encoded(payload.get("action"))) is not None:
            event.parts[Part.INPUT] = shown
        event.is_error = payload.get("status") == "failed"

    def _output(self, payload: dict[str, Any]) -> None:
        call_id = text(payload.get("call_id")) or ""
        if self.answer is not None:
            self.answer.answered = True
        self.last_input_ms = self.now
        event = self.calls.get(call_id)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, f"call:{call_id or self.seq}", span_id=call_id or None)
            event.name = text(payload.get("name")) or "unknown"
            event.warnings = ("no_call",)
            self.calls[call_id] = event
        shown, exit_code, seconds = _result(payload)
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        event.warnings = tuple(code for code in event.warnings if code != "no_result")
        if call_id in self.finished_calls:
            return
        started, event.time_ms = event.time_ms, self.now
        event.latency_ms = seconds * 1000 if seconds is not None else elapsed_ms(started, self.now)
        if exit_code is not None:
            self._exit(event, exit_code)

    def _exit(self, event: AgentEvent, code: int) -> None:
        event.properties["exit_code"] = code
        event.is_error = code != 0
        event.error_type = f"exit {code}" if code else None

    def _call_ended(self, kind: str, payload: dict[str, Any]) -> None:
        call_id = text(payload.get("call_id")) or ""
        event = self.calls.get(call_id)
        if event is None:
            return
        duration = mapping(payload.get("duration"))
        seconds = number(duration.get("secs"))
        self.finished_calls.add(call_id)
        event.latency_ms = (
            elapsed_ms(event.time_ms, self.now)
            if seconds is None
            else seconds * 1000 + (number(duration.get("nanos")) or 0) / 1e6
        )
        event.time_ms = self.now
        exit_code = whole(payload.get("exit_code"))
        result = mapping(payload.get("result"))
        if exit_code is not None:
            self._exit(event, exit_code)
        elif payload.get("success") is False or "Err" in result or mapping(result.get("Ok")).get("isError") is True:
            event.is_error = True
        if kind == "mcp_tool_call_end":
            event.tool_type = "mcp"
        if Part.OUTPUT not in event.parts and (printed := text(payload.get("aggregated_output"))):
            event.parts[Part.OUTPUT] = printed

    # --- what the terminal showed --------------------------------------------------------------------------------

    def _event_msg(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "user_message":
            self._prompt(payload)
        elif kind == "token_count":
            self._tokens(mapping(payload.get("info")))
        elif kind in ("task_started", "turn_started"):
            self._enter_turn(text(payload.get("turn_id")))
            self.last_input_ms = self.now
        elif kind in ("task_complete", "turn_complete"):
            self._complete(payload)
        elif kind == "turn_aborted":
            if payload.get("reason") in (None, "interrupted"):
                self._interrupted()
            self._leave_turn()
        elif kind == "agent_reasoning":
            if thought := text(payload.get("text")):
                self._open_answer().shown_reasoning.append(thought)
        elif kind in ("exec_command_end", "patch_apply_end", "mcp_tool_call_end"):
            self._call_ended(kind, payload)
        elif kind == "context_compacted":
            if self.last_compaction is None or self.seq - self.last_compaction[0] > 3:
                self._compaction(None)
        elif kind == "error":
            self._failure(text(payload.get("message")), encoded(payload.get("codex_error_info")))

    def _complete(self, payload: dict[str, Any]) -> None:
        wait = number(payload.get("time_to_first_token_ms"))
        if wait is not None and self.first_of_turn is not None:
            self.first_of_turn.ttfb_ms = wait
        if failure := mapping(payload.get("error")):
            self._failure(text(failure.get("message")), encoded(failure.get("codex_error_info")))
        self._leave_turn()

    def _leave_turn(self) -> None:
        self._close_answer()
        self.turn, self.turn_explicit, self.first_of_turn = None, False, None

    def _interrupted(self) -> None:
        open_calls = [event for event in self.calls.values() if "no_result" in event.warnings]
        if open_calls:
            for event in open_calls:
                event.interrupted = True
        elif self.events:
            self.events[-1].interrupted = True

    def _failure(self, message: str | None, code: str | None) -> None:
        self._close_answer()
        event = self._event(EventKind.AI_RESPONSE, f"{self.seq}", model=self.model, provider=self.provider)
        event.span_id = f"{self.session_id()}:{self.seq}"
        event.is_error = True
        event.error_type = code
        if message:
            event.parts[Part.ERROR] = message

    def _compaction(self, summary: str | None) -> None:
        self._close_answer()
        self.last_compaction = (self.seq, self.now)
        event = self._event(EventKind.SPAN, f"{self.seq}", span_id=f"{self.session_id()}:{self.seq}", name="compaction")
        if summary:
            event.parts[Part.OUTPUT] = summary

    def finish(self) -> list[AgentEvent]:
        self._close_answer()
        return self.events


def _result(payload: dict[str, Any]) -> tuple[str | None, int | None, float | None]:
    """Return the output text, exit code and seconds of a tool result in any of its shapes."""
    output = payload.get("output")
    if output is None:
        output = payload.get("result") if payload.get("result") is not None else payload.get("tools")
    if isinstance(output, str):
        if output.startswith("{"):
            try:
                decoded = json.loads(output)
            except (ValueError, RecursionError):
                decoded = None
            if isinstance(decoded, dict) and "output" in decoded and "metadata" in decoded:
                return _structured(decoded)
        head = output[:_RESULT_HEAD]
        code = _EXIT.search(head)
        wall = _WALL.search(head)
        return output, int(code.group(1)) if code else None, float(wall.group(1)) if wall else None
    if isinstance(output, dict) and "output" in output:
        return _structured(output)
    if isinstance(output, list) or (isinstance(output, dict) and "text" in output):
        return block_text(output), None, None
    return encoded(output), None, None


def _structured(result: dict[str, Any]) -> tuple[str | None, int | None, float | None]:
    metadata = mapping(result.get("metadata"))
    return encoded(result["output"]), whole(metadata.get("exit_code")), number(metadata.get("duration_seconds"))


def _wrong(record: dict[str, Any]) -> str | None:
    """Return what keeps a record of something said from being read. This is asked of every line."""
    payload = record.get("payload")
    if not isinstance(payload, dict):
        return f"payload of {record['type']!r} is missing or no object"
    if not isinstance(payload.get("type"), str):
        return "payload.type is missing or no text"
    if payload["type"] == "message" and not isinstance(payload.get("role"), str):
        return "payload.role is missing or no text"
    return None


class CodexSource:
    """Rollout files of the Codex command-line agent."""

    name = "codex"
    title = "Codex rollout"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        for record in reading.outline(head).records[:5]:
            kind = text(record.get("type"))
            if "payload" not in record or kind not in _RECORD_TYPES:
                return False
            if kind in ("session_meta", "response_item", "event_msg"):
                return isinstance(record["payload"], dict)
        return _cut_off_header(head)

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        reader = _Reader(path, options)
        for item in reading.iter_json_records(path, options.on_bytes):
            problem = item if isinstance(item, RecordProblem) else reader.record(*item)
            if problem is not None:
                yield problem
        yield from reader.finish()


def _cut_off_header(head: Head) -> bool:
    """A first line longer than the head: instructions can be."""
    return head.start.startswith(b'{"timestamp"') and b'"type":"session_meta"' in head.start[:200]


CODEX = CodexSource()
