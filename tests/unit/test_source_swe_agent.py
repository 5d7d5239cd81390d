"""SWE-agent trajectories against the expected values beside the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, TimeQuality
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.swe_agent import SWE_AGENT, UNATTRIBUTED, session_key

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "swe-agent-trajectories"


def read(path: Path) -> list[AgentEvent]:
    items = list(SWE_AGENT.read(path, ReadOptions()))
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return [item for item in items if isinstance(item, AgentEvent)]


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "files.csv").open() as table:
        rows = list(csv.DictReader(table))
    keys = set()
    for row in rows:
        path = DATA / row["file"]
        assert SWE_AGENT.sniff(head_of(path))
        found = read(path)
        answers = [event for event in found if event.kind is EventKind.AI_RESPONSE]
        calls = [event for event in found if event.kind is EventKind.TOOL_CALL]
        # The file that has only a history tells its steps there.
        assert len(answers) == len(calls) == (int(row["steps"]) or 5)
        assert [event.kind for event in found].count(EventKind.USER_MESSAGE) == 1
        assert "ISSUE" in (found[0].text or "")[:120] and "demonstration" not in (found[0].text or "")[:60]
        assert found[0].context.get("exit_status", "") == row["exit_status"]
        usage = [event for event in found if event.name == UNATTRIBUTED]
        assert sum(event.input_tokens or 0 for event in usage) == int(row["tokens_sent"] or 0)
        assert sum(event.output_tokens or 0 for event in usage) == int(row["tokens_received"] or 0)
        assert sum(event.cost_nano or 0 for event in usage) == round(float(row["instance_cost"] or 0) * 1e9)
        assert all(event.cost_nano is None or event.cost_nano > 0 for event in found)
        assert all(
            not call.warnings and call.parent_id == answer.span_id for call, answer in zip(calls, answers, strict=True)
        )
        timed = "execution_time" in row["step_keys"]
        assert all((call.latency_ms is not None) == timed for call in calls)
        assert {event.time_quality for event in found} == {TimeQuality.ORDER_ONLY}
        keys |= {event.session_key for event in found}
    assert len(keys) == len(rows) == 8


def test_texts_stay_as_they_are_and_tools_are_named_by_their_command() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    found = read(next(DATA.glob("gpt4__swe-agent-test-repo*")))
    calls = [event for event in found if event.kind is EventKind.TOOL_CALL]
    assert [call.name for call in calls] == ["find_file", "open", "edit", "python3", "submit"]
    assert "\r\n" in calls[0].parts[Part.OUTPUT]
    assert calls[0].properties["state"]["working_dir"]
    (patch,) = [event for event in found if event.name == "submission"]
    assert "diff --git" in patch.parts[Part.OUTPUT]


def test_an_instance_in_a_folder_of_its_own_is_named_by_the_run(tmp_path: Path) -> None:
    assert session_key(tmp_path / "run-1" / "inst" / "inst.traj") == "run-1/inst"
    assert session_key(tmp_path / "run-1" / "inst.traj.gz") == "run-1/inst"


def test_a_step_without_an_action_is_no_tool_call(tmp_path: Path) -> None:
    path = tmp_path / "a.traj"
    steps = [{"thought": "t", "action": "", "observation": "", "response": "r"}, {"action": "ls", "response": None}]
    path.write_text(json.dumps({"environment": "e", "trajectory": steps, "history": [], "info": {"exit_status": None}}))
    found = read(path)
    assert [event.kind.name for event in found] == ["AI_RESPONSE", "AI_RESPONSE", "TOOL_CALL", "SESSION_END"]
    assert found[0].parts[Part.REASONING] == "t" and found[2].warnings == ("no_result",)
