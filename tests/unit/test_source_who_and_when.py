"""Who&When runs against the expected values beside the data: both spellings, speakers, labels with their step."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, Part
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.who_and_when import MISTAKE_CRITERION, WHO_AND_WHEN, speaker

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "who-and-when"


def read(name: str) -> tuple[list[AgentEvent], dict[str, ImportedLabel]]:
    items = list(WHO_AND_WHEN.read(DATA / name, ReadOptions()))
    labels = [item for item in items if isinstance(item, ImportedLabel)]
    assert len({label.criterion for label in labels}) == len(labels)
    return [item for item in items if isinstance(item, AgentEvent)], {label.criterion: label for label in labels}


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "sessions.csv").open() as table:
        rows = list(csv.DictReader(table))
    keys = set()
    for row in rows:
        assert WHO_AND_WHEN.sniff(head_of(DATA / row["file"]))
        events, labels = read(row["file"])
        steps = {event.properties["step"]: event for event in events if "step" in event.properties}
        assert len(steps) == int(row["steps"])
        mistake, outcome = labels[MISTAKE_CRITERION], labels["task_success"]
        assert (mistake.value, mistake.kind) == (row["mistake_agent"], "classification") and mistake.note
        assert steps[int(row["mistake_step"])].agent_id == mistake.value
        assert mistake.evidence.startswith(f"step {row['mistake_step']} ({mistake.value})")
        assert outcome.value == "False"
        assert mistake.session_key in {event.session_key for event in events}
        assert any(event.kind is EventKind.USER_MESSAGE for event in events)
        keys.add(mistake.session_key)
    assert len(keys) == 56


def test_generated_teams_have_prompts_and_the_question_is_the_users() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    events, _ = read("algorithm-generated/099.json.gz")
    assert events[0].kind is EventKind.USER_MESSAGE and (events[0].text or "").startswith("How much will I save")
    assert events[1].agent_id == "Ticket_Pricing_Expert" and "## Your role" in events[1].parts[Part.SYSTEM_PROMPT]
    events, _ = read("hand-crafted/001.json.gz")
    assert [event.kind for event in events].count(EventKind.USER_MESSAGE) == 1
    assert (events[3].agent_id, events[3].properties["direction"]) == ("Orchestrator", "-> WebSurfer")
    assert {event.agent_id for event in events if event.agent_id} == {"Orchestrator", "WebSurfer"}


def test_speakers() -> None:
    assert speaker({"role": "user", "name": "Bob (x)"}) == ("Bob (x)", None)
    assert speaker({"role": "Orchestrator (termination condition)"}) == ("Orchestrator", "termination condition")
    assert speaker({}) == ("unknown", None)
