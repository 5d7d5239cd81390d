"""Gemini CLI chats in both layouts, and the prompt log beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.gemini_cli import GEMINI_CLI
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
CHATS = DATA / "gemini-cli-chats"


def events(path: Path) -> list[AgentEvent]:
    return [item for item in GEMINI_CLI.read(path, ReadOptions()) if isinstance(item, AgentEvent)]


def count(found: list[AgentEvent], *kinds: EventKind) -> int:
    return sum(event.kind in kinds for event in found)


@pytest.mark.parametrize(
    ("name", "messages", "tools", "session"),
    [
        ("session-2025-12-01T21-45-5b959dae.json.gz", 14, 10, "5b959dae-8655-4cd1-b10f-720b8c336ea2"),
        ("session-2026-01-15T20-51-f7633853.json.gz", 13, 9, "f7633853-6663-4dbb-bbf4-6159afa29df8"),
        ("session-2026-01-10T02-08-faff42ab.json", 6, 2, None),
    ],
)
def test_expected_values_of_the_data(name: str, messages: int, tools: int, session: str | None) -> None:
    path = CHATS / name
    if not path.is_file():
        pytest.skip("shared data absent")
    assert GEMINI_CLI.sniff(head_of(path))
    found = events(path)
    assert count(found, EventKind.TOOL_CALL) == tools
    assert count(found, EventKind.USER_MESSAGE, EventKind.AI_RESPONSE, EventKind.SPAN) == messages
    assert session is None or {event.session_key for event in found} == {session}
    assert len({event.insert_id for event in found}) == len(found)
    for answer in found:
        if answer.total_tokens is not None:
            assert answer.total_tokens == (answer.input_tokens or 0) + (answer.output_tokens or 0)


def test_chats_under_other_names_are_the_same_sessions() -> None:
    folder = DATA / "claude-code-team" / "sessions"
    if not folder.is_dir():
        pytest.skip("shared data absent")
    copy = folder / "f7633853-6663-4dbb-bbf4-6159afa29df8.jsonl.gz"
    assert GEMINI_CLI.sniff(head_of(copy))
    original = events(CHATS / "session-2026-01-15T20-51-f7633853.json.gz")
    assert {e.insert_id for e in events(copy)} == {e.insert_id for e in original}


def test_the_log_adds_only_what_no_chat_holds(tmp_path: Path) -> None:
    if not CHATS.is_dir():
        pytest.skip("shared data absent")
    assert GEMINI_CLI.sniff(head_of(CHATS / "logs.json"))
    assert events(CHATS / "logs.json") == []
    lonely = Path(shutil.copy(CHATS / "logs.json", tmp_path))
    prompts = events(lonely)
    chat = [e for e in events(CHATS / "session-2025-12-01T21-45-5b959dae.json.gz") if e.kind is EventKind.USER_MESSAGE]
    assert [(e.insert_id, e.trace_id, e.text) for e in prompts] == [(e.insert_id, e.trace_id, e.text) for e in chat]


def chat_lines(path: Path, *records: dict[str, Any]) -> list[AgentEvent]:
    header = {"sessionId": "s1", "projectHash": "h", "startTime": "2026-04-29T21:39:22.319Z"}
    path.write_text("\n".join(json.dumps(record) for record in (header, *records)))
    return events(path)


def test_lines_with_patches_and_repeated_messages(tmp_path: Path) -> None:
    call = {"id": "run-1", "name": "run_shell_command", "args": {"command": "ls"}, "status": "success"}
    answer = {"id": "g1", "timestamp": "2026-04-29T21:39:35Z", "type": "gemini", "content": "", "toolCalls": [call]}
    done = dict(call, result=[{"functionResponse": {"response": {"output": "Output: x\nExit Code: 2"}}}])
    found = chat_lines(
        tmp_path / "c.jsonl",
        {"id": "u1", "timestamp": "2026-04-29T21:39:33Z", "type": "user", "content": [{"text": "hello"}]},
        {"$set": {"lastUpdated": "2026-04-29T21:39:33.156Z"}},
        answer,
        dict(
            answer,
            toolCalls=[done],
            tokens={"input": 5, "output": 2, "cached": 1, "thoughts": 3, "tool": 0, "total": 10},
        ),
        {"$set": {"summary": "A greeting"}},
    )
    prompt, said, tool = found
    assert (prompt.text, prompt.context["title"]) == ("hello", "A greeting")
    assert (said.input_tokens, said.output_tokens, said.reasoning_tokens, said.total_tokens) == (5, 5, 3, 10)
    assert (tool.is_error, tool.error_type, tool.parent_id) == (True, "exit 2", said.span_id)
    assert {event.trace_id for event in found} == {prompt.trace_id}


def test_refused_and_failed_calls_differ_and_objects_are_shown(tmp_path: Path) -> None:
    calls = [
        {"id": "a", "name": "edit", "args": {}, "status": "cancelled", "resultDisplay": {"fileDiff": "-x"}},
        {
            "id": "b",
            "name": "edit",
            "args": {},
            "status": "error",
            "result": [{"functionResponse": {"response": {"error": "no"}}}],
        },
    ]
    found = chat_lines(
        tmp_path / "c.jsonl", {"id": "g", "timestamp": "2026-04-29T21:39:35Z", "type": "gemini", "toolCalls": calls}
    )
    refused, failed = found[1:]
    assert (refused.interrupted, refused.is_error, refused.parts[Part.OUTPUT]) == (True, False, '{"fileDiff":"-x"}')
    assert (failed.interrupted, failed.is_error, failed.parts[Part.ERROR]) == (False, True, "no")
