"""The records of one Claude Code file to events as they come: prompts, model calls, tool calls, compactions.

What only the whole file tells is settled in `claude_code_settling`; what texts mean is in `claude_code_text`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, TimeQuality
from aa_tui.backend.sources.claude_code_text import (
    INTERRUPT,
    api_message_error,
    api_record_error,
    attachment_types,
    blocks_of,
    count,
    flat_text,
    instant,
    is_machine_text,
    mapping,
    text_or_none,
    tool_error,
)
from aa_tui.backend.sources.claude_code_threads import (
    MAIN_AGENT,
    SUBAGENT,
    is_progress,
    is_prompt,
    is_snapshot,
    thread_agent,
    uuid_and_parent,
)

MESSAGE_SOURCE = "[Agent] Message Source"
TOOL_CALLS = "[Agent] Tool Calls"

_SYNTHETIC = "<synthetic>"
_GLOBAL_ID = 22
"""Ids this long are unique in the world (`msg_…`, `toolu_…`, UUIDs); shorter ones only within their session."""


class _Thread:
    """Where one flow of records stands: the session's own, or that of an agent it launched."""

    __slots__ = ("agent_id", "last_call", "nested", "parent_id", "trace_id", "trigger_ms")

    def __init__(self, agent_id: str, nested: bool, parent_id: str | None = None, trace_id: str | None = None) -> None:
        self.agent_id = agent_id
        self.nested = nested
        self.parent_id = parent_id
        self.trace_id = trace_id
        self.trigger_ms: int | None = None
        self.last_call: AgentEvent | None = None


@dataclass(frozen=True, slots=True)
class _Here:
    """The record at hand."""

    record: dict[str, Any]
    message: dict[str, Any]
    thread: _Thread
    at: int | None
    quality: TimeQuality
    uuid: str | None


class Records:
    """The events of one file, filled in as records arrive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._events: list[AgentEvent] = []
        self._main = _Thread(MAIN_AGENT, nested=False)
        self._agent: str | None = None
        """The agent's own id when the whole file is a nested thread."""
        self._started = False
        self._session: str | None = None
        self._inline: dict[str, _Thread] = {}
        """Threads of agents that old versions wrote into the session's file, by each record's uuid."""
        self._parents: dict[str, str | None] = {}
        self._seen: set[str] = set()
        self._prompts: list[str] = []
        self._last_uuid: str | None = None
        self._first_parent: str | None = None
        self._calls: dict[str, AgentEvent] = {}
        self._usage: dict[str, list[int | None]] = {}
        self._triggered_ms: dict[str, int | None] = {}
        self._tools: dict[str, AgentEvent] = {}
        self._called_ms: dict[str, int | None] = {}
        self._answered: set[str] = set()
        self._launch_by_prompt: dict[str, AgentEvent] = {}
        self._compaction: AgentEvent | None = None
        self._titles: list[tuple[str, str]] = []
        self._pull_request: str | None = None
        self._surroundings: tuple[Any, Any, Any] | None = None
        self._places: list[tuple[AgentEvent, str | None, str | None, str | None]] = []
        self._line = 0
        self._block = 0

    def skip(self, raw: bytes) -> bool:
        """Return True for lines that need no decoding; their place in the tree is kept."""
        if is_progress(raw):
            uuid, parent = uuid_and_parent(raw)
            if uuid is not None:
                self._parents[uuid] = parent
            return True
        return is_snapshot(raw)

    def feed(self, line: int, record: Any) -> str | None:
        """Take one record; return why it could not be used, if so."""
        if not isinstance(record, dict):
            return "a record that is not an object"
        if line != self._line:
            self._line, self._block = line, 0
        kind = record.get("type")
        if kind == "summary":
            leaf, title = record.get("leafUuid"), text_or_none(record.get("summary"))
            if isinstance(leaf, str) and title is not None:
                self._titles.append((leaf, title))
            return None
        if kind == "pr-link":
            self._pull_request = text_or_none(record.get("prUrl")) or self._pull_request
            return None
        uuid = text_or_none(record.get("uuid"))
        if uuid is not None:
            parent = record.get("parentUuid") or record.get("logicalParentUuid")
            parent = parent if isinstance(parent, str) else None
            if uuid not in self._parents:
                self._parents[uuid] = parent
                if self._first_parent is None:
                    self._first_parent = parent
        if kind not in ("user", "assistant", "system"):
            return None if isinstance(kind, str) else "a record without a type"
        if uuid is not None and uuid in self._seen:
            return None
        message = record.get("message")
        if kind != "system" and (not isinstance(message, dict) or not isinstance(message.get("content"), (str, list))):
            return "a message without content"
        if uuid is not None:
            self._seen.add(uuid)
        if not self._started:
            self._start(record)
        thread = self._thread_of(record, uuid)
        if uuid is not None and thread is self._main:
            self._last_uuid = uuid
        here = _Here(record, mapping(message), thread, *instant(record.get("timestamp")), uuid)
        if kind == "assistant":
            self._assistant(here)
        elif kind == "user":
            self._user(here)
        else:
            self._system(here)
        return None

    # -- where a record belongs

    def _start(self, record: dict[str, Any]) -> None:
        """Decide by the first record whether the whole file is a nested thread."""
        self._started = True
        if record.get("isSidechain"):
            self._agent = thread_agent(self._path) or text_or_none(record.get("agentId"))
            self._main.nested = self._agent is not None

    def _thread_of(self, record: dict[str, Any], uuid: str | None) -> _Thread:
        if self._agent is not None or not record.get("isSidechain"):
            return self._main
        parent = record.get("parentUuid")
        thread = self._inline.get(parent) if isinstance(parent, str) else None
        if thread is None:
            thread = self._open_inline(mapping(record.get("message")))
        if uuid is not None:
            self._inline[uuid] = thread
        return thread

    def _open_inline(self, message: dict[str, Any]) -> _Thread:
        """A nested thread inside the session's file names no call; its first text is the prompt of the call."""
        text = next((b.get("text") for b in blocks_of(message.get("content")) if b.get("type") == "text"), None)
        call = self._launch_by_prompt.get(text) if isinstance(text, str) else None
        if call is None:
            return _Thread(SUBAGENT, True, None, self._main.trace_id)
        return _Thread(call.properties.get("subagent_type") or SUBAGENT, True, call.span_id, call.trace_id)

    def _event(self, kind: EventKind, insert_id: str, here: _Here, span_id: str | None) -> AgentEvent:
        event = AgentEvent(
            kind,
            insert_id,
            session_key=text_or_none(here.record.get("sessionId")),
            time_ms=here.at,
            time_quality=here.quality,
            seq=self._line << 8 | min(self._block, 255),
            trace_id=here.thread.trace_id,
            agent_id=here.thread.agent_id,
            parent_agent_id=MAIN_AGENT if here.thread.nested else None,
            span_id=span_id,
            parent_id=here.thread.parent_id,
        )
        self._block += 1
        self._events.append(event)
        surroundings = (here.record.get("cwd"), here.record.get("gitBranch"), here.record.get("version"))
        if surroundings != self._surroundings:
            self._surroundings = surroundings
            cwd, branch, version = surroundings
            self._places.append((event, text_or_none(cwd), text_or_none(branch), text_or_none(version)))
        return event

    def _own_id(self, prefix: str, own: str, here: _Here) -> str:
        if len(own) >= _GLOBAL_ID:
            return f"cc:{prefix}{own}"
        session = text_or_none(here.record.get("sessionId")) or self._stem()
        return f"cc:{prefix}{session}:{own}"

    def _stem(self) -> str:
        return self._path.name.removesuffix(".gz").removesuffix(".jsonl")

    def _record_id(self, here: _Here) -> str:
        return self._own_id("", here.uuid or f"line-{self._line}-{self._block}", here)

    # -- user records

    def _user(self, here: _Here) -> None:
        content = here.message["content"]
        if here.record.get("isCompactSummary"):
            self._compact_summary(here, flat_text(content))
        elif isinstance(content, str):
            if not here.record.get("isMeta"):
                self._prompt(here, content, [])
        else:
            blocks = blocks_of(content)
            for block in blocks:
                if block.get("type") == "tool_result":
                    self._result(here, block)
            if is_prompt(here.record):
                texts = [b["text"] for b in blocks if b.get("type") == "text" and isinstance(b.get("text"), str)]
                self._prompt(here, "\n\n".join(texts), attachment_types(blocks))
        if here.at is not None:
            here.thread.trigger_ms = here.at

    def _prompt(self, here: _Here, text: str, attachments: list[str]) -> None:
        interrupt = text.startswith(INTERRUPT)
        machine = is_machine_text(text)
        if interrupt:
            self._interrupt(here.thread)
        if not here.thread.nested or here.thread.trace_id is None:
            here.thread.trace_id = here.uuid or f"line-{self._line}"
            if here.uuid is not None and not here.thread.nested and not machine:
                self._prompts.append(here.uuid)
        event = self._event(EventKind.USER_MESSAGE, self._record_id(here), here, here.uuid)
        event.text = text
        event.from_agent = here.thread.nested
        event.interrupted = interrupt
        if machine:
            event.properties[MESSAGE_SOURCE] = "machine"
        if attachments:
            event.properties["[Agent] Has Attachments"] = True
            event.properties["[Agent] Attachment Types"] = attachments
            event.properties["[Agent] Attachment Count"] = len(attachments)
        here.thread.last_call = None

    def _interrupt(self, thread: _Thread) -> None:
        """Mark what the person stopped: the last model call of the turn and its calls that have no result."""
        call = thread.last_call
        if call is None:
            return
        call.interrupted = True
        for own, tool in self._tools.items():
            if tool.parent_id == call.span_id and own not in self._answered:
                tool.interrupted = True

    def _result(self, here: _Here, block: dict[str, Any]) -> None:
        own = text_or_none(block.get("tool_use_id"))
        details = here.record.get("toolUseResult")
        output = flat_text(block.get("content"))
        if not output and isinstance(details, str):
            output = details
        tool = self._tools.get(own) if own is not None else None
        if tool is None:
            insert_id = self._own_id("result:", own or f"line-{self._line}-{self._block}", here)
            tool = self._event(EventKind.SPAN, insert_id, here, own)
            tool.name = "tool_result"
            tool.warnings = ("no_call",)
        elif own in self._answered:
            return
        else:
            called = self._called_ms.get(own or "")
            if here.at is not None:
                tool.time_ms, tool.time_quality = here.at, here.quality
                if called is not None and here.at >= called:
                    tool.latency_ms = here.at - called
        if own is not None:
            self._answered.add(own)
        tool.parts[Part.OUTPUT] = output
        if block.get("is_error") is True:
            tool.is_error = True
            tool.error_type, tool.parts[Part.ERROR] = tool_error(output)
            if tool.error_type in ("rejected_by_user", "interrupted"):
                tool.interrupted = True
        if isinstance(details, dict) and details.get("interrupted") is True:
            tool.interrupted = True

    # -- assistant records

    def _assistant(self, here: _Here) -> None:
        own = text_or_none(here.message.get("id")) or here.uuid or f"line-{self._line}"
        call = self._calls.get(own)
        if call is None:
            call = self._open_call(here, own)
        elif here.at is not None and (call.time_ms is None or here.at > call.time_ms):
            call.time_ms, call.time_quality = here.at, here.quality
        call.finish_reason = text_or_none(here.message.get("stop_reason")) or call.finish_reason
        self._merge_usage(own, mapping(here.message.get("usage")))
        for block in blocks_of(here.message.get("content")):
            kind = block.get("type")
            if kind == "text":
                text = text_or_none(block.get("text"))
                if text is not None:
                    call.text = text if call.text is None else f"{call.text}\n\n{text}"
            elif kind == "thinking":
                thought = text_or_none(block.get("thinking"))
                if thought is not None:
                    before = call.parts.get(Part.REASONING)
                    call.parts[Part.REASONING] = thought if before is None else f"{before}\n\n{thought}"
            elif kind == "tool_use":
                self._tool_use(here, block, call)
        if here.message.get("model") == _SYNTHETIC:
            self._synthetic(here.record, call)

    def _open_call(self, here: _Here, own: str) -> AgentEvent:
        insert_id = self._own_id("msg:", own, here)
        call = self._event(EventKind.AI_RESPONSE, insert_id, here, own)
        model = text_or_none(here.message.get("model"))
        if model != _SYNTHETIC:
            call.model = model
            call.provider = _provider(model)
            self._triggered_ms[own] = here.thread.trigger_ms
        self._calls[own] = here.thread.last_call = call
        return call

    def _merge_usage(self, own: str, usage: dict[str, Any]) -> None:
        """Keep the largest value of each field: early lines of a call carry counts that are not final."""
        if not usage:
            return
        read = (
            count(usage.get("input_tokens")),
            count(usage.get("output_tokens")),
            count(usage.get("cache_creation_input_tokens")),
            count(usage.get("cache_read_input_tokens")),
            count(mapping(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")),
        )
        kept = self._usage.get(own)
        if kept is None:
            self._usage[own] = list(read)
            return
        for at, value in enumerate(read):
            before = kept[at]
            if value is not None and (before is None or value > before):
                kept[at] = value

    def _synthetic(self, record: dict[str, Any], call: AgentEvent) -> None:
        """A message the program made itself: an API failure shown as an answer, or a stand-in for one."""
        call.properties[MESSAGE_SOURCE] = "machine"
        if record.get("isApiErrorMessage"):
            call.is_error = True
            text = call.text or ""
            call.error_type = api_message_error(text, record.get("error"))
            call.parts[Part.ERROR] = text

    def _tool_use(self, here: _Here, block: dict[str, Any], call: AgentEvent) -> None:
        name = text_or_none(block.get("name")) or "unknown"
        own = text_or_none(block.get("id")) or f"line-{self._line}-{self._block}"
        insert_id = self._own_id("tool:", own, here)
        if own in self._tools:
            if len(own) >= _GLOBAL_ID or own not in self._answered:
                return
            insert_id = f"{insert_id}:{self._line}"
            self._answered.discard(own)
        tool = self._event(EventKind.TOOL_CALL, insert_id, here, own)
        tool.name = name
        tool.parent_id = call.span_id
        given = block.get("input")
        if given is not None:
            try:
                tool.parts[Part.INPUT] = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
            except RecursionError:
                tool.warnings = ("input_too_deep",)
        call.properties.setdefault(TOOL_CALLS, []).append(name)
        if name.startswith("mcp__"):
            tool.tool_type = "mcp"
        elif isinstance(given, dict) and (name in ("Task", "Agent") or "subagent_type" in given):
            tool.tool_type = "flow"
            kind = text_or_none(given.get("subagent_type"))
            if kind is not None:
                tool.properties["subagent_type"] = kind
            prompt = given.get("prompt")
            if isinstance(prompt, str):
                self._launch_by_prompt[prompt] = tool
        self._tools[own] = tool
        self._called_ms[own] = here.at

    # -- system records

    def _system(self, here: _Here) -> None:
        subtype = here.record.get("subtype")
        if subtype == "api_error":
            event = self._event(EventKind.SPAN, self._record_id(here), here, here.uuid)
            event.name = "api_error"
            event.is_error = True
            event.error_type, event.parts[Part.ERROR] = api_record_error(here.record.get("error"))
            for key, name in (("retryAttempt", "retry_attempt"), ("maxRetries", "max_retries")):
                if count(here.record.get(key)) is not None:
                    event.properties[name] = here.record[key]
        elif subtype in ("compact_boundary", "microcompact_boundary"):
            event = self._event(EventKind.SPAN, self._record_id(here), here, here.uuid)
            event.name = "compaction" if subtype == "compact_boundary" else "microcompaction"
            facts = mapping(here.record.get("compactMetadata")) or mapping(here.record.get("microcompactMetadata"))
            for key, name in (("trigger", "trigger"), ("preTokens", "pre_tokens"), ("tokensSaved", "tokens_saved")):
                if isinstance(facts.get(key), (str, int)):
                    event.properties[name] = facts[key]
            if subtype == "compact_boundary":
                self._compaction = event

    def _compact_summary(self, here: _Here, summary: str) -> None:
        event = self._compaction
        if event is None:
            event = self._event(EventKind.SPAN, self._record_id(here), here, here.uuid)
            event.name = "compaction"
        event.parts[Part.OUTPUT] = summary
        self._compaction = None


def _provider(model: str | None) -> str | None:
    if model is None or "claude" not in model:
        return None
    if "anthropic." in model:
        return "bedrock"
    return "vertex" if "@" in model else "anthropic"
