"""OpenHands call logs stitched into sessions again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.openhands import OPENHANDS

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "openhands-llm-calls"


def read(path: Path) -> list[AgentEvent]:
    return [item for item in OPENHANDS.read(path, ReadOptions()) if isinstance(item, AgentEvent)]


def log(folder: Path, at: int, messages: list[dict[str, Any]], said: str, call: str | None = None) -> Path:
    reply: dict[str, Any] = {"role": "assistant", "content": said}
    if call is not None:
        reply["tool_calls"] = [{"index": 1, "id": call, "function": {"name": "terminal", "arguments": "{}"}}]
    document = {"messages": messages, "response": {"choices": [{"message": reply}]}, "timestamp": at, "latency_sec": 1}
    path = folder / f"model-{at}.000.json"
    path.write_text(json.dumps(document))
    return path


def test_the_run_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    logs = sorted(DATA.glob("litellm*"))
    found = read(logs[0])
    assert read(logs[4]) == found and OPENHANDS.members(logs[2]) == tuple(logs)
    assert len({event.session_key for event in found}) == 1
    answers = [event for event in found if event.kind is EventKind.AI_RESPONSE]
    calls = [event for event in found if event.kind is EventKind.TOOL_CALL]
    assert (len(answers), len(calls)) == (6, 5)
    assert [event.name for event in found if event.kind is EventKind.SPAN] == ["finish"]
    assert sum(event.cost_nano or 0 for event in answers) == 118_344_000
    assert sum(event.input_tokens or 0 for event in answers) == 4812 + 5002 + 6123 + 6277 + 6485 + 6729
    assert [event.time_ms for event in answers] == sorted(event.time_ms or 0 for event in answers)
    assert all(not call.warnings and Part.OUTPUT in call.parts and (call.latency_ms or 0) >= 0 for call in calls)
    assert calls[-1].properties["exit_code"] == 0
    assert answers[0].latency_ms == pytest.approx(4658.7, abs=0.1)
    assert len({event.insert_id for event in found}) == len(found)
    assert found[0].text == "Hello! Can you create a new Python file named hello.py that prints 'Hello, World!'?"


def test_runs_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    ask: list[dict[str, Any]] = [{"role": "system", "content": "S"}, {"role": "user", "content": "hello"}]
    first = log(tmp_path, 1_700_000_001, ask, "", "c1")
    log(tmp_path, 1_700_000_002, ask, "other run")
    goes_on: list[dict[str, Any]] = [
        *ask,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "terminal"}}]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "text", "text": "[Command finished with exit code 2]"}],
        },
    ]
    log(tmp_path, 1_700_000_003, goes_on, "done")
    found = read(first)
    sessions = {event.session_key for event in found}
    assert len(sessions) == 2
    (call,) = [event for event in found if event.kind is EventKind.TOOL_CALL]
    assert (call.is_error, call.error_type) == (True, "exit 2")
    own = [
        event.text for event in found if event.session_key == call.session_key and event.kind is EventKind.AI_RESPONSE
    ]
    assert own == [None, "done"]


def test_a_damaged_call_costs_itself(tmp_path: Path) -> None:
    first = log(tmp_path, 1_700_000_001, [{"role": "user", "content": "hello"}], "hi")
    (tmp_path / "model-1700000002.000.json").write_text('{"messages": [')
    items = list(OPENHANDS.read(first, ReadOptions()))
    assert [item.reason[:24] for item in items if isinstance(item, RecordProblem)] == ["model-1700000002.000.jso"]
    assert sum(isinstance(item, AgentEvent) for item in items) == 2
