"""Copilot CLI sessions: the fixtures of the data, and what they do not hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.copilot_cli import COPILOT_CLI, UNATTRIBUTED

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "agent-cli-fixtures" / "copilot"


def fixture(name: str) -> list[AgentEvent]:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    items = list(COPILOT_CLI.read(DATA / name, ReadOptions()))
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return [item for item in items if isinstance(item, AgentEvent)]


def of_kind(found: list[AgentEvent], kind: EventKind) -> list[AgentEvent]:
    return [event for event in found if event.kind is kind]


def session(path: Path, *records: tuple[str, dict[str, Any]]) -> list[AgentEvent]:
    lines = [
        {"type": kind, "data": data, "id": f"e{n}", "timestamp": f"2026-05-01T10:00:{n:02}.000Z", "parentId": None}
        for n, (kind, data) in enumerate((("session.start", {"sessionId": "s1"}), *records))
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return [item for item in COPILOT_CLI.read(path, ReadOptions(user="ann")) if isinstance(item, AgentEvent)]


def test_one_session_whole() -> None:
    found = fixture("subdir_v1/aaaabbbb-1111-2222-3333-ccccddddeeee/events.jsonl.gz")
    prompt, asking, call, answer = found
    assert {event.session_key for event in found} == {"aaaabbbb-1111-2222-3333-ccccddddeeee"}
    assert {event.trace_id for event in found} == {"aaaabbbb-1111-2222-3333-ccccddddeeee#1"}
    assert prompt.text == "List the files"
    assert prompt.context["repository"] == "repo" and prompt.context["branch"] == "main"
    assert (asking.output_tokens, answer.output_tokens, asking.input_tokens) == (12, 14, None)
    assert (call.name, call.parent_id, call.latency_ms) == ("bash", asking.span_id, 100)
    assert call.parts[Part.OUTPUT] == "file1\nfile2\n" and not call.warnings


def test_totals_of_the_end_are_counted_once_and_not_given_to_answers() -> None:
    found = fixture("schema_drift.jsonl.gz")
    (usage,) = [event for event in found if event.name == UNATTRIBUTED]
    assert (usage.model, usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == ("gpt-4.1", 1000, 50, 800)
    small = fixture("small.jsonl.gz")
    assert sum(event.output_tokens or 0 for event in small) == 15
    assert sum(event.input_tokens or 0 for event in small) == 100


def test_a_call_is_one_whether_its_start_or_its_request_comes_first() -> None:
    first, second = of_kind(fixture("schema_drift.jsonl.gz"), EventKind.TOOL_CALL)
    assert (first.name, first.parts[Part.INPUT], first.latency_ms) == ("bash", '{"command":"echo hi"}', 2000)
    assert first.parent_id is not None
    assert (second.is_error, second.warnings, second.parts[Part.ERROR]) == (True, ("no_call",), "exit code: 1\n")


def test_arguments_as_text_and_failures_and_truncation() -> None:
    found = fixture("small.jsonl.gz")
    calls = of_kind(found, EventKind.TOOL_CALL)
    assert calls[0].parts[Part.INPUT] == '{"command":"ls"}' and calls[0].latency_ms == 4
    assert [(e.error_type, e.parts[Part.ERROR]) for e in of_kind(found, EventKind.AI_RESPONSE) if e.is_error] == [
        ("400", "Example model error")
    ]
    assert "truncation" in {event.name for event in fixture("large.jsonl.gz")}
    assert len(of_kind(fixture("large.jsonl.gz"), EventKind.USER_MESSAGE)) == 3


def test_a_sub_agent_runs_inside_its_call_and_an_abort_marks_what_ran(tmp_path: Path) -> None:
    found = session(
        tmp_path / "events.jsonl",
        ("user.message", {"content": "go", "attachments": [{"type": "file"}]}),
        ("assistant.message", {"content": "", "toolRequests": [{"toolCallId": "t1", "name": "task", "arguments": {}}]}),
        ("subagent.started", {"toolCallId": "t1", "agentName": "explorer"}),
        ("assistant.reasoning", {"content": "hm"}),
        ("assistant.message", {"content": "looking", "parentToolCallId": "t1", "toolRequests": []}),
        ("abort", {"reason": "user"}),
    )
    prompt, _, call, nested = found
    assert prompt.user_id == "ann" and prompt.properties["[Agent] Attachment Count"] == 1
    assert (nested.agent_id, nested.parent_agent_id, nested.parent_id) == ("explorer", "copilot-cli", "t1")
    assert nested.parts[Part.REASONING] == "hm"
    assert call.interrupted and call.warnings == ("no_result",) and not nested.interrupted
