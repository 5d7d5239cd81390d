"""OpenCode storage: the whole from any of its files, nested sessions, costs and tokens of different versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, Part, RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.opencode import OPENCODE

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "agent-cli-fixtures" / "opencode"


def read(path: Path) -> list[AgentEvent]:
    items = list(OPENCODE.read(path, ReadOptions()))
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return [item for item in items if isinstance(item, AgentEvent)]


def fixture(name: str) -> list[AgentEvent]:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    return read(DATA / name)


def write(root: Path, path: str, **document: Any) -> Path:
    file = root / f"{path}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return file


def storage(root: Path) -> Path:
    """Return the file of a session in which a call started another session."""
    top = write(root, "session/p/ses_a", id="ses_a", projectID="p", directory="/home/ann/shop", title="Fix it")
    write(root, "session/p/ses_b", id="ses_b", projectID="p", directory="/home/ann/shop", parentID="ses_a")
    write(root, "message/ses_a/msg_1", id="msg_1", sessionID="ses_a", role="user", time={"created": 1_000})
    write(root, "part/msg_1/prt_1", id="prt_1", messageID="msg_1", type="text", text="fix it")
    write(root, "part/msg_1/prt_2", id="prt_2", messageID="msg_1", type="text", text="file body", synthetic=True)
    answer: dict[str, Any] = {"sessionID": "ses_a", "role": "assistant", "time": {"created": 2_000, "completed": 5_000}}
    tokens = {"input": 10, "output": 5, "reasoning": 3, "cache": {"read": 100, "write": 20}}
    write(root, "message/ses_a/msg_2", id="msg_2", parentID="msg_1", cost=0.25, tokens=tokens, **answer)
    state = {"status": "completed", "input": {"subagent_type": "explore"}, "metadata": {"sessionId": "ses_b"}}
    part = {"messageID": "msg_2", "type": "tool", "callID": "c1", "tool": "task", "state": state}
    write(root, "part/msg_2/prt_3", id="prt_3", **part)
    write(root, "message/ses_b/msg_3", id="msg_3", sessionID="ses_b", role="user", time={"created": 2_500})
    write(root, "part/msg_3/prt_4", id="prt_4", messageID="msg_3", type="text", text="explore")
    return top


def test_any_file_of_the_tree_leads_to_the_whole() -> None:
    whole = fixture("storage_v2/session/proj_test/ses_s_stage0_large.json.gz")
    assert [event.kind.name for event in whole].count("USER_MESSAGE") == 2
    for name in ("message/s_stage0_large/msg_0003.json", "part/m_assistant_large_1/004.json"):
        assert fixture(f"storage_v2/{name}") == whole
    legacy = fixture("storage_legacy/part/prt_0002.json")
    assert [event.text for event in legacy[:2]] == ["Open README", "Read README and extracted the title."]
    assert legacy[2].name == "bash" and not legacy[2].warnings


def test_one_session_whole() -> None:
    _, answer, call, compaction, patch, _, second = fixture("storage_v2/session/proj_test/ses_s_stage0_large.json.gz")
    assert (answer.input_tokens, answer.output_tokens, answer.cost_nano) == (120, 16, 1_100_000)
    assert (
        answer.interrupted and not answer.is_error and answer.parts[Part.REASONING] == "Investigating failing command."
    )
    assert (call.name, call.latency_ms, call.is_error, call.error_type) == ("bash", 500, True, "exit 1")
    assert (compaction.name, patch.name, patch.parts[Part.OUTPUT]) == (
        "compaction",
        "patch",
        '["/tmp/large/error.log"]',
    )
    assert second.text == "Ok" and second.input_tokens is None and second.cost_nano is None


def test_cached_tokens_are_input_and_injected_text_is_not_typed(tmp_path: Path) -> None:
    prompt, answer, call = read(storage(tmp_path))
    assert (prompt.text, prompt.trace_id, answer.trace_id) == ("fix it", "msg_1", "msg_1")
    assert (answer.input_tokens, answer.output_tokens, answer.reasoning_tokens) == (130, 5, 3)
    assert (answer.total_tokens, answer.cost_nano, answer.latency_ms) == (135, 250_000_000, 3000)
    assert prompt.context["repository"] == "shop" and call.span_id == "c1"


def test_a_nested_session_runs_inside_its_call(tmp_path: Path) -> None:
    storage(tmp_path)
    (nested,) = read(tmp_path / "part" / "msg_3" / "prt_4.json")
    assert (nested.session_key, nested.parent_id, nested.trace_id) == ("ses_a", "c1", "msg_1")
    assert (nested.agent_id, nested.parent_agent_id, nested.from_agent) == ("explore", "opencode", True)
    (tmp_path / "session" / "p" / "ses_a.json").unlink()
    (alone,) = read(tmp_path / "session" / "p" / "ses_b.json")
    assert (alone.session_key, alone.warnings) == ("ses_b", ("orphan_thread",))


def test_members_follow_the_tree(tmp_path: Path) -> None:
    top = storage(tmp_path)
    names = {path.name for path in OPENCODE.members(top)}
    assert names == {"ses_a.json", "msg_1.json", "prt_1.json", "prt_2.json", "msg_2.json", "prt_3.json"}
    write(tmp_path, "part/msg_2/prt_9", id="prt_9", messageID="msg_2", type="text", text="done")
    assert len(OPENCODE.members(top)) == 7


def test_a_damaged_part_costs_itself_and_ids_lead_nowhere_else(tmp_path: Path) -> None:
    top = storage(tmp_path)
    (tmp_path / "part" / "msg_2" / "prt_3.json").write_text("{broken")
    items = list(OPENCODE.read(top, ReadOptions()))
    (problem,) = [item for item in items if isinstance(item, RecordProblem)]
    assert problem.reason.startswith("prt_3.json: not JSON")
    assert sum(isinstance(item, AgentEvent) for item in items) == 2
    evil = write(tmp_path, "session/p/ses_x", id="../../outside", projectID="p", directory="/")
    assert read(evil) == []


def test_folders_that_happen_to_have_the_names_are_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path, "message/run/a", role="user")
    assert OPENCODE.leads()(file) is None
    assert OPENCODE.members(file) == (file,)
    assert [type(item) for item in OPENCODE.read(file, ReadOptions())] == [RecordProblem]
