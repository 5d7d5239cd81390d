"""Fixtures whose shape left what an importer knows: nothing is invented, nothing is lost without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, RecordProblem
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "agent-cli-fixtures"


def fixture(name: str) -> Path:
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip("shared data absent")
    return path


@pytest.mark.parametrize("name", ["codex/schema_drift.jsonl", "gemini/schema_drift.json"])
def test_a_shape_that_no_agent_writes_is_nobodys_and_is_explained(name: str) -> None:
    path = fixture(name)
    assert registry.detect(path) is None
    assert "members" in registry.explain_unknown(path)


def test_codex_lines_without_a_payload_are_reported_when_codex_is_asked_for() -> None:
    found = list(registry.by_name("codex").read(fixture("codex/schema_drift.jsonl"), ReadOptions()))
    assert [(item.line, item.field) for item in found if isinstance(item, RecordProblem)] == [
        (1, "type"),
        (2, "payload"),
        (3, "payload"),
        (4, "type"),
    ]
    assert not any(isinstance(item, AgentEvent) for item in found)


def test_a_gemini_document_without_messages_is_reported_when_gemini_is_asked_for() -> None:
    (only,) = registry.by_name("gemini-cli").read(fixture("gemini/schema_drift.json"), ReadOptions())
    assert isinstance(only, RecordProblem) and "neither a session nor a message" in only.reason


def test_claude_code_reads_what_it_knows_around_unknown_records_and_fields() -> None:
    path = fixture("claude/schema_drift.jsonl.gz")
    source = registry.detect(path)
    assert source is not None and source.name == "claude-code"
    events = [item for item in source.read(path, ReadOptions()) if isinstance(item, AgentEvent)]
    assert [(event.kind, event.text) for event in events] == [
        (EventKind.USER_MESSAGE, "Open README"),
        (EventKind.AI_RESPONSE, "Read README and extracted the title."),
        (EventKind.USER_MESSAGE, "List files"),
    ]
    assert {event.session_key for event in events} == {"ses_stage0_drift"}
