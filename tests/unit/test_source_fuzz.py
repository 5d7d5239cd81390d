"""Sources against arbitrary JSON that uses their own member names: whatever comes, they neither raise nor hang."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.event import AgentEvent, ImportedLabel, ImportedResult, RecordProblem
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of

WORDS: dict[str, tuple[str, str]] = {
    "copilot-cli": (
        "type data id timestamp parentId content toolRequests toolCallId arguments result modelMetrics usage sessionId",
        "session.start user.message assistant.message tool.execution_start tool.execution_complete session.shutdown",
    ),
    "cursor": (
        "role message content type text name input tool_use_id",
        "user assistant tool_use tool_result text thinking",
    ),
    "droid": (
        "type session_id timestamp role text id toolCallId toolName parameters value message content finalText usage",
        "session_start message tool_call tool_result completion error user assistant",
    ),
    "opencode": (
        "id sessionID messageID role time created parts type tokens cost state projectID directory parentID",
        "user assistant text tool step-finish",
    ),
    "openhands": (
        "messages response choices message role content tool_calls function name usage timestamp latency_sec cost",
        "user assistant tool system finish",
    ),
    "swe-agent": (
        "trajectory history info action observation thought response state role content is_demo model_stats tool_calls",
        "user assistant system ls",
    ),
    "who-and-when": (
        "history question mistake_agent mistake_step mistake_reason is_correct system_prompt role content name",
        "human assistant Orchestrator",
    ),
    "refchecker": ("id response claude2_response_kg triplet human_label", "Entailment Neutral Contradiction"),
    "tau2-judge": (
        "simulation_id judge_prompt judge_verdict judge_response judge_issues tau2_reward total_judged entries turn",
        "pass fail",
    ),
}


def documents(keys: str, values: str) -> st.SearchStrategy[Any]:
    transcript = "Conversation transcript:\n1. Assistant: a\n2. Tool : b"
    words = st.sampled_from([*values.split(), "", "x\x00\ud800", transcript, "{", "2026-01-01T00:00:00Z"])
    leaf = st.none() | st.booleans() | words | st.sampled_from([0, -1, 1.5, 1e300, 2**70, 1_767_812_640_310])
    names = st.sampled_from(keys.split())
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
        max_leaves=12,
    )


@pytest.mark.parametrize("name", WORDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_input_makes_a_source_raise(name: str, data: st.DataObject) -> None:
    made = data.draw(st.lists(documents(*WORDS[name]), min_size=1, max_size=3))
    source = registry.by_name(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "message", "s", "model-1700000000.5.json")
        for other in ("part", "session"):
            Path(folder, other, "p").mkdir(parents=True)
        path.parent.mkdir(parents=True)
        layout = data.draw(st.sampled_from(["lines", "one", "array"]))
        text = json.dumps(made) if layout == "array" else json.dumps(made[0])
        path.write_text("\n".join(map(json.dumps, made)) if layout == "lines" else text)
        for one in registry.SOURCES:
            one.sniff(head_of(path))
        for item in source.read(path, ReadOptions()):
            assert isinstance(item, AgentEvent | ImportedLabel | ImportedResult | RecordProblem)
            if isinstance(item, AgentEvent):
                assert item.session_key and item.insert_id
