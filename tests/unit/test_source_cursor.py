"""Cursor transcripts: pairing without ids, unknown blocks, nested transcripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, TimeQuality
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.cursor import CURSOR

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "agent-cli-fixtures" / "cursor"


def read(path: Path) -> list[AgentEvent]:
    items = list(CURSOR.read(path, ReadOptions()))
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return [item for item in items if isinstance(item, AgentEvent)]


def fixture(name: str) -> list[AgentEvent]:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    return read(DATA / name)


def transcript(path: Path, *messages: tuple[str, list[dict[str, Any]]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps({"role": role, "message": {"content": c}}) for role, c in messages))
    return path


def test_results_are_paired_in_order() -> None:
    found = fixture("large.jsonl")
    calls = [event for event in found if event.kind is EventKind.TOOL_CALL]
    assert [(call.name, call.parts[Part.OUTPUT], call.warnings) for call in calls] == [
        ("Bash", "file1.txt\nfile2.txt", ()),
        ("Read", "hello world", ()),
    ]
    assert [event.trace_id for event in found if event.kind is EventKind.USER_MESSAGE] == [
        "large#1",
        "large#2",
        "large#3",
    ]
    assert found[1].parts[Part.REASONING] == "Let me check the directory."
    assert {event.time_quality for event in found} == {TimeQuality.ORDER_ONLY}
    assert {event.session_key for event in found} == {"large"}


def test_unknown_blocks_stay_visible_and_results_go_by_name() -> None:
    _, answer, call, _ = fixture("schema_drift.jsonl")
    assert answer.text == "Cursor added an unknown block with visible text."
    assert (answer.model, call.name) == ("cursor-auto", "read_file")
    assert call.parts[Part.OUTPUT] == "Compile failed in Example.swift:42" and not call.warnings
    assert fixture("small.jsonl")[-1].warnings == ("no_result",)


def test_a_nested_transcript_hangs_under_the_call_that_has_its_prompt() -> None:
    parent, child = fixture("subagent/parent.jsonl"), fixture("subagent/subagents/child.jsonl")
    launch = parent[-1]
    assert {event.session_key for event in child} == {"parent"}
    assert {event.trace_id for event in child} == {launch.trace_id}
    assert all(event.parent_id == launch.span_id and event.parent_agent_id == "cursor" for event in child)
    assert child[0].from_agent and child[0].kind is EventKind.USER_MESSAGE
    assert not {event.insert_id for event in parent} & {event.insert_id for event in child}


def test_a_nested_transcript_without_its_call_stands_alone(tmp_path: Path) -> None:
    found = read(transcript(tmp_path / "subagents" / "lost.jsonl", ("user", [{"type": "text", "text": "x"}])))
    assert (found[0].session_key, found[0].warnings) == ("lost", ("orphan_thread",))


def test_ids_beat_order_where_they_are_told(tmp_path: Path) -> None:
    found = read(
        transcript(
            tmp_path / "s.jsonl",
            ("assistant", [{"type": "tool_use", "id": i, "name": "Bash", "input": {}} for i in ("a", "b")]),
            ("user", [{"type": "tool_result", "tool_use_id": "b", "content": "B", "is_error": True}]),
            ("user", [{"type": "tool_result", "tool_use_id": "c", "content": "C"}]),
        )
    )
    assert [(e.warnings, e.parts.get(Part.OUTPUT), e.is_error) for e in found[1:]] == [
        (("no_result",), None, False),
        ((), "B", True),
        (("no_call",), "C", False),
    ]
