"""Where a nested Claude Code thread belongs: its parent file, the call that launched it and that call's turn.

No events are made here; `claude_code` asks for a `ThreadLink` and builds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem
from aa_tui.backend.sources.claude_code_text import blocks_of, instant, mapping, text_or_none
from aa_tui.backend.sources.reading import iter_json_records

MAIN_AGENT = "claude-code"
"""Agent id of a session's own thread."""
SUBAGENT = "subagent"
"""Agent id of a nested thread whose kind is not known."""
COMPACTION_AGENT = "compaction"
"""Agent id of the hidden thread that wrote a compaction summary."""

_PROGRESS = b',"type":"progress"'
_PROGRESS_FIRST = b'{"type":"progress"'
_SNAPSHOT_FIRST = b'{"type":"file-history-snapshot"'
_ENVELOPE_BYTES = 2000
_PARENT = re.compile(rb'"parentUuid":"([^"\\]{1,80})"')
_UUID_KEY = b'"uuid":"'
_AGENT = re.compile(rb'"agentId":"([^"\\]{1,80})"')
_LAUNCHES = (b'"subagent_type"', b'"name":"Task"', b'"name":"Agent"')
_FILE_NAME = re.compile(r"agent-(?P<agent>[^/\\]+?)\.jsonl(?:\.gz)?\Z")


def is_progress(raw: bytes) -> bool:
    """Return True for a line that is surely one `progress` record: live output that is no part of the conversation.

    `"type":"progress"` counts only at the top level (nothing but the first brace opened before it; inside a string its
    quotes would be escaped) and only when no second object can be glued to the line. In doubt the answer is False and
    the line is decoded.
    """
    at = raw.find(_PROGRESS, 0, _ENVELOPE_BYTES)
    if at < 0:
        if not raw.startswith(_PROGRESS_FIRST):
            return False
    elif raw.count(b"{", 0, at) != 1 or raw.count(b"[", 0, at):
        return False
    return b"}{" not in raw and b"} {" not in raw


def is_snapshot(raw: bytes) -> bool:
    """Return True for a line that is surely one `file-history-snapshot` record, which carries no conversation."""
    return raw.startswith(_SNAPSHOT_FIRST) and b"}{" not in raw and b"} {" not in raw


def uuid_and_parent(raw: bytes) -> tuple[str | None, str | None]:
    """Return (`uuid`, `parentUuid`) of a record's line without decoding it; good enough for following the tree."""
    parent = _PARENT.search(raw, 0, _ENVELOPE_BYTES)
    uuid: str | None = None
    at = raw.rfind(_UUID_KEY)
    if at >= 0:
        start = at + len(_UUID_KEY)
        end = raw.find(b'"', start, start + 81)
        if end > 0:
            uuid = raw[start:end].decode("utf-8", "replace")
    return uuid, parent.group(1).decode("utf-8", "replace") if parent else None


def is_prompt(record: dict[str, Any]) -> bool:
    """Return True for a `user` record that starts a turn (see `claude_code_text`)."""
    if record.get("isMeta") or record.get("isCompactSummary"):
        return False
    content = mapping(record.get("message")).get("content")
    return isinstance(content, str) or any(block.get("type") == "text" for block in blocks_of(content))


@dataclass(frozen=True, slots=True)
class ThreadLink:
    """How a nested thread hangs on its session."""

    agent_id: str
    parent_id: str | None
    """Tool-use id of the launching call, or the compaction's record id; None when not found."""
    trace_id: str | None
    """The turn of the parent that launched it; None when not found."""
    warning: str | None = None
    """`orphan_thread` without a parent file, `unlinked_thread` when the parent does not tell the call."""


@dataclass(slots=True)
class _ParentIndex:
    call_of_agent: dict[str, str] = field(default_factory=dict)
    kind_of_call: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Tool-use id to (subagent_type, turn)."""
    turn_of_record: dict[str, str | None] = field(default_factory=dict)
    compactions: list[tuple[int, str]] = field(default_factory=list)
    """(epoch milliseconds, record id) of each compaction, in file order."""


def thread_agent(path: Path) -> str | None:
    """Return the agent id in the name of a nested thread's file, None for other files."""
    match = _FILE_NAME.match(path.name)
    return match.group("agent") if match else None


def find_link(path: Path, agent: str, session: str | None, first_parent: str | None, last_ms: int | None) -> ThreadLink:
    """Return how the nested thread in `path` hangs on its session.

    `first_parent` is the `parentUuid` of the thread's first record and `last_ms` the time of its last; they place a
    compaction thread.

    Raises:
        OSError: the parent file exists and cannot be read.
    """
    compaction = agent.startswith("acompact")
    fallback = COMPACTION_AGENT if compaction else SUBAGENT
    parent = _parent_file(path, session)
    if parent is None:
        return ThreadLink(fallback, None, None, "orphan_thread")
    stat = parent.stat()
    index = _index(parent, stat.st_mtime_ns, stat.st_size)
    if compaction:
        turn = index.turn_of_record.get(first_parent) if first_parent else None
        boundary = next((uuid for at, uuid in index.compactions if last_ms is not None and at >= last_ms), None)
        if boundary is not None:
            turn = index.turn_of_record.get(boundary) or turn
        return ThreadLink(fallback, boundary, turn, None if turn or boundary else "unlinked_thread")
    call = index.call_of_agent.get(agent)
    if call is None:
        return ThreadLink(fallback, None, None, "unlinked_thread")
    kind, turn = index.kind_of_call.get(call, (None, None))
    return ThreadLink(kind or fallback, call, turn)


def _parent_file(path: Path, session: str | None) -> Path | None:
    if path.parent.name == "subagents":
        folder, stems = path.parent.parent.parent, [path.parent.parent.name, session]
    else:
        folder, stems = path.parent, [session]
    for stem in stems:
        candidate = session_file(folder, stem) if stem else None
        if candidate is not None and candidate != path:
            return candidate
    return None


def session_file(folder: Path, session: str) -> Path | None:
    """Return the transcript of a session in a folder, plain or gzip, or None."""
    if any(sign in session for sign in "/\\\0") or len(session) > 200:
        return None
    for suffix in (".jsonl", ".jsonl.gz"):
        candidate = folder / f"{session}{suffix}"
        if candidate.is_file():
            return candidate
    return None


@lru_cache(maxsize=4)
def _index(parent: Path, _mtime_ns: int, _size: int) -> _ParentIndex:
    """Read what nested threads need from a parent file; most lines are not decoded."""
    index = _ParentIndex()
    turn: str | None = None

    def skip(raw: bytes) -> bool:
        if b"}{" in raw:
            return False
        if is_progress(raw):
            agent = _AGENT.search(raw)
            if agent is not None and agent.group(1).decode("utf-8", "replace") not in index.call_of_agent:
                return False
        elif b'"agentId":"' in raw or any(mark in raw for mark in _LAUNCHES):
            return False
        else:
            result_only = b'"tool_use_id"' in raw and b'"type":"text"' not in raw
            if b'"type":"tool_use"' not in raw and not result_only:
                return False
        uuid, _ = uuid_and_parent(raw)
        if uuid is not None:
            index.turn_of_record[uuid] = turn
        return True

    for record in _records(parent, skip):
        uuid = text_or_none(record.get("uuid"))
        kind = record.get("type")
        if kind == "user" and is_prompt(record):
            turn = uuid
        if uuid is not None:
            index.turn_of_record[uuid] = turn
        if kind == "progress":
            data = mapping(record.get("data"))
            agent, call = text_or_none(data.get("agentId")), text_or_none(record.get("parentToolUseID"))
            if agent and call:
                index.call_of_agent.setdefault(agent, call)
        elif kind == "system" and record.get("subtype") == "compact_boundary":
            at, _ = instant(record.get("timestamp"))
            if at is not None and uuid is not None:
                index.compactions.append((at, uuid))
        elif kind in ("user", "assistant"):
            _note_calls(index, record, turn)
    return index


def _records(path: Path, skip: Callable[[bytes], bool]) -> Iterator[dict[str, Any]]:
    for item in iter_json_records(path, skip=skip):
        if not isinstance(item, RecordProblem) and isinstance(item[1], dict):
            yield item[1]


def _note_calls(index: _ParentIndex, record: dict[str, Any], turn: str | None) -> None:
    agent = text_or_none(mapping(record.get("toolUseResult")).get("agentId"))
    for block in blocks_of(mapping(record.get("message")).get("content")):
        if block.get("type") == "tool_use":
            call = text_or_none(block.get("id"))
            kind = text_or_none(mapping(block.get("input")).get("subagent_type"))
            if call is not None:
                index.kind_of_call.setdefault(call, (kind, turn))
        elif block.get("type") == "tool_result" and agent:
            call = text_or_none(block.get("tool_use_id"))
            if call is not None:
                index.call_of_agent[agent] = call
