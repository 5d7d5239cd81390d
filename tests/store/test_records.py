"""Projected events: Session Record and Evaluator Result with their literal properties, closes told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedResult
from aa_tui.backend.model.filter import Filter, parse_filter
from aa_tui.backend.query.records import EVALUATOR_RESULT, SESSION_RECORD, ProjectedEvent, events, session_record
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.sources.contract import ReadOptions
from tests.builders import NOW_MS, workspace
from tests.scoring_kit import HOUR, conversations, ids, put, rows, talk

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
LATER_MS = 1_796_000_000_000


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def projected(ws: Workspace, f: Filter | None = None, *types: str) -> list[ProjectedEvent]:
    """Return the projected events of a filter."""
    with ws.store.reader() as reader:
        return list(events(reader, ws.scope, f or Filter(), types or (SESSION_RECORD, EVALUATOR_RESULT)))


def judged(
    name: str, value: str, passed: bool | None, *labels: str, key: str = "s-0", at: int = NOW_MS
) -> ImportedResult:
    """Return a recorded verdict, of a signal if its name begins with `signal:`."""
    return ImportedResult(
        key, name, name, value, passed, f"why {name}", "a quote", labels, "m-1", 1_500, 20.0, None, at
    )


def record_outcomes(ws: Workspace, *outcomes: ImportedResult) -> None:
    """Record verdicts as an importer does."""
    Writer(ws.store, ws.project.id, ws.clock).write([], (), outcomes)


def test_the_record_of_the_specification(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("shared data absent")
    ws = workspace(tmp_path, now_ms=LATER_MS)
    wire = next((SHARED / "data" / "amplitude_sdk_wire").glob("01_*.json"))
    read = [one for one in AMPLITUDE.read(wire, ReadOptions()) if isinstance(one, AgentEvent)]
    Writer(ws.store, 1, ws.clock).write([Incoming(one, "amplitude", 1) for one in read])
    (record,) = projected(ws)
    said = record.properties
    assert (record.event_type, record.current, record.revision, record.stale) == (SESSION_RECORD, True, 1, False)
    assert record.user_id and record.time_ms == LATER_MS == said["[Agent] Evaluated At"]
    assert said["[Agent] Turn Count"] == 2 and said["[Agent] Session Total Tokens"] == 2288
    assert said["[Agent] Session Cost USD"] == 0.005495 and said["[Agent] Session Avg Latency Ms"] > 0
    assert said["[Agent] Close Reason"] == "explicit_close" and said["[Agent] Evaluation Source"] == "ai"
    assert (said["[Agent] Has Technical Failure"], said["[Agent] Technical Error Count"]) == (True, 2)
    assert said["[Agent] Error Categories"] == ["timeout"]
    assert said["[Agent] Has Data Quality Issues"] is True
    codes = said["[Agent] Detected Data Quality Issues"]
    assert any(code.startswith("tool_error:") for code in codes)
    assert said["[Agent] Has User Friction"] is True
    assert said["[Agent] Detected User Friction"] == said["[Agent] User Friction"] == ["tool_cascade_fail"]
    assert said["[Agent] Signal Versions"] == ["user_friction@1", "data_quality@1"]
    assert said["[Agent] Signal Methods"] == ["user_friction:code", "data_quality:code"]
    assert said["[Agent] Has User Feedback"] is False and "[Agent] User Score" not in said
    assert not {"[Agent] Task Completed", "[Agent] Has Task Failure", "[Agent] Has Negative Feedback"} & said.keys()
    json.dumps(record.document())
    ws.store.close()


def test_an_unclosed_session_has_no_record(ws: Workspace) -> None:
    put(ws, [one for one in talk("s-0", NOW_MS - 60_000) if one.kind != EventKind.SESSION_END])
    assert projected(ws) == []
    with ws.store.reader() as reader:
        assert session_record(reader, ws.scope, ids(ws)["s-0"]) is None


def test_signals_land_in_their_properties(ws: Workspace) -> None:
    conversations(ws, 1)
    record_outcomes(
        ws,
        judged("signal:task_completion", "False", False, "unable_to_complete"),
        judged("signal:response_quality", "True", True),
        judged("signal:session_safety", "Normal", True),
        judged("signal:user_intent", "Task Execution", None),
        judged("signal:user_friction", "True", False, "correction"),
        judged("signal:negative_feedback", "True", False, "this is useless"),
        judged("signal:topic_summary", "The user asked for a parcel.", None, at=NOW_MS + 5),
        judged("signal:request_complexity", "simple", None),
    )
    (record,) = projected(ws)
    said = {name.removeprefix("[Agent] "): value for name, value in record.properties.items()}
    assert said["Task Completed"] == "False" and said["Has Task Failure"] is True
    assert said["Task Completed Rationale"] == "why signal:task_completion"
    assert said["Task Completed Evidence"] == "a quote" and said["Task Failure Type"] == "unable_to_complete"
    assert said["Response Quality"] == "True" and said["Session Safety"] == "Normal"
    assert "Session Safety Evidence" not in said and said["User Intent"] == "Task Execution"
    assert said["Has User Friction"] is True and said["Detected User Friction"] == ["correction"]
    assert said["Has Negative Feedback"] is True and said["Detected Negative Feedback"] == ["this is useless"]
    assert said["Has Data Quality Issues"] is False and said["Data Quality Evidence"] == "No issues found."
    assert said["Topic Summary"] == "The user asked for a parcel." and said["Request Complexity"] == "simple"
    assert (said["Quality Score"], said["Org ID"], said["Agent ID"]) == (0.5, "local", "support-bot")
    assert said["Models Used"] == ["gpt-4o"] and said["Agent Chain Depth"] == 1
    assert record.time_ms == NOW_MS + 5
    assert said["Signal Versions"][0] == "task_completion@1" and len(said["Signal Versions"]) == 7


def test_replaced_closes_are_kept_and_told_apart(ws: Workspace) -> None:
    at = NOW_MS - 5 * HOUR
    put(ws, talk("s-0", at))
    put(ws, talk("s-0", at + HOUR))
    put(ws, [one for one in talk("s-0", NOW_MS - 60_000) if one.kind != EventKind.SESSION_END])
    records = projected(ws)
    assert [(one.revision, one.current, one.stale) for one in records] == [(1, False, False), (2, True, True)]
    tokens = [one.properties["[Agent] Session Total Tokens"] for one in records]
    assert tokens == [120, 360]
    with ws.store.reader() as reader:
        only = list(events(reader, ws.scope, Filter(), superseded=False))
    assert [one.revision for one in only] == [2]
    assert projected(ws, parse_filter("agent:nobody")) == []


def test_verdicts_of_evaluators_are_events_with_their_types(ws: Workspace) -> None:
    conversations(ws, 1)
    record_outcomes(
        ws,
        judged("polite", "True", True),
        judged("kind", "shipping", True),
        judged("grade", "0.7", None),
        judged("signal:negative_feedback", "False", True),
    )
    with ws.store.write() as tx:
        for name, kind, definition in (
            ("polite", "binary", {}),
            ("kind", "classification", {"multiple": True}),
            ("grade", "score", {"scale": {"least": 0, "most": 1}}),
        ):
            tx.execute(
                "UPDATE evaluator_version SET output_type=:kind, definition=:d WHERE evaluator_id="
                "(SELECT id FROM evaluator WHERE name=:name)",
                {"kind": kind, "d": json.dumps(definition), "name": name},
            )
        tx.execute("UPDATE result SET labels='[\"shipping\", \"billing\"]' WHERE value='shipping'")
        tx.execute("UPDATE result SET rationale='Fine.\nTo improve: say when.' WHERE value='0.7'")
    found = {one.properties["[Agent] Evaluator Name"]: one for one in projected(ws, None, EVALUATOR_RESULT)}
    said: dict[str, dict[str, Any]] = {
        name: {key.removeprefix("[Agent] "): value for key, value in one.properties.items()}
        for name, one in found.items()
    }
    assert set(said) == {"polite", "kind", "grade"}
    polite, chosen, grade = said["polite"], said["kind"], said["grade"]
    assert (polite["Binary Label"], polite["Binary Value"], polite["Detected"]) == (True, 1, True)
    assert (polite["Evaluator Output Type"], polite["Evaluation Method"]) == ("binary", "llm")
    assert polite["Evaluator Version"] == "1" and polite["Evaluator Model"] == "m-1"
    assert polite["Evaluator Enrichment Cost USD"] == 1.5e-6 and polite["Evidence"] == "a quote"
    assert (chosen["Primary Label"], chosen["Secondary Label"]) == ("shipping", ["billing"])
    assert chosen["Selection Mode"] == "multiple"
    assert (grade["Score Value"], grade["Score Label"], grade["Target ID"]) == (0.7, "high", "s-0")
    assert (grade["Rationale"], grade["Improvement Opportunities"]) == ("Fine.", "say when.")
    for one in said.values():
        assert one["Turn Count"] == 1 and one["Has Negative Feedback"] is False and one["Session ID"] == "s-0"
        assert "Has Task Failure" not in one
    assert all(one.current and not one.stale and one.time_ms == NOW_MS for one in found.values())


def test_an_error_is_no_event_and_publishing_changes_the_taxonomy(ws: Workspace) -> None:
    conversations(ws, 1)
    (before,) = projected(ws)
    failed = ImportedResult("s-0", "polite", "polite", "", None, error="no JSON", error_kind="no_json", at_ms=NOW_MS)
    record_outcomes(ws, failed)
    assert rows(ws, "SELECT COUNT(*) FROM result") == [(1,)]
    (after,) = projected(ws)
    assert after.event_type == SESSION_RECORD
    assert before.properties["[Agent] Taxonomy Version"] != after.properties["[Agent] Taxonomy Version"]
