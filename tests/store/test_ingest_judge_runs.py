"""Judge runs, labels and sessions of several files in the store: any order of import tells the same in the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.service.workspace import Workspace
from tests.builders import workspace

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NOW_MS = 1_796_000_000_000
RESULTS = (
    "SELECT s.key, e.name, c.name, r.value, r.passed, r.rationale, r.evidence, r.prompt, r.raw_reply, r.model, "
    "r.parameters, r.input_tokens, r.output_tokens, r.cost_nano, r.error_kind, r.error, r.sort_at FROM result r "
    "JOIN session s ON s.id=r.session_id JOIN evaluator e ON e.id=r.evaluator_id "
    "JOIN criterion c ON c.id=e.criterion_id ORDER BY 1, 2"
)
SESSIONS = (
    "SELECT key, started_ms, turns, tool_calls, input_tokens, output_tokens, cost_nano, source, warnings "
    "FROM session ORDER BY 1"
)
ANSWERS = "SELECT s.key, a.value, a.reviewer, a.origin FROM answer a JOIN session s ON s.id=a.session_id ORDER BY 1, 3"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip("shared data absent")
    return path


def rows(ws: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with ws.store.reader() as reader:
        return [tuple(row) for row in reader.fetch(sql)]


def test_sessions_may_come_before_or_after_their_verdicts(ws: Workspace, tmp_path: Path) -> None:
    folder = shared("tau2-judge-runs")
    (tmp_path / "other").mkdir()
    other = workspace(tmp_path / "other", now_ms=NOW_MS)
    prompt = "policy_chain_of_thought_v1"
    sessions = folder / "airline.sessions.json.gz"
    summary, raw = folder / f"airline.summary_{prompt}.json.gz", folder / f"airline.raw_{prompt}.jsonl.gz"
    stub = ws.imports.run([raw])
    assert (stub.sessions, stub.problems) == (50, [])
    assert rows(ws, "SELECT COUNT(*), COUNT(started_ms) FROM session WHERE warnings LIKE '%rebuilt%'") == [(50, 0)]
    assert rows(ws, "SELECT SUM(tool_calls) FROM session") == [(277,)]
    for path in (sessions, summary):
        assert ws.imports.run([path]).problems == []
    for path in (sessions, summary, raw):
        assert other.imports.run([path]).problems == []
    for sql in (RESULTS, SESSIONS, ANSWERS):
        assert rows(ws, sql) == rows(other, sql)
    other.store.close()
    found = rows(ws, RESULTS)
    assert len(found) == 50 and {row[1:3] for row in found} == {(f"airline/{prompt}", "task_success")}
    strange = [row for row in found if row[14] is not None]
    assert len(strange) == 27
    assert {(row[3], row[4], row[14]) for row in strange} == {(None, None, "bad_label")}
    assert all(row[8].startswith("```json") and row[7] and row[10] == '{"temperature": 0.0}' for row in found)
    assert sum(row[11] for row in found) == 226_372
    assert not rows(ws, "SELECT 1 FROM session WHERE warnings LIKE '%rebuilt%'")
    assert len(rows(ws, ANSWERS)) == 50
    assert rows(ws, "SELECT output_type FROM criterion") == [("binary",)]
    again = ws.imports.run([raw])
    assert (again.unchanged, again.events) == (1, 0)


def test_classes_and_shares_become_criteria_of_their_kind_even_from_one_file(ws: Workspace) -> None:
    runs = shared("who-and-when/algorithm-generated")
    ws.imports.run([runs / "099.json.gz"])
    ws.imports.run([runs / "100.json.gz", shared("refchecker-claims/dolly_gpt4_answers.json.gz")])
    kinds = dict(rows(ws, "SELECT name, output_type FROM criterion"))
    assert kinds == {
        "mistake_agent": "classification",
        "task_success": "binary",
        "supported_claims": "score",
        "worst_claim": "classification",
    }
    ((labels,),) = rows(ws, "SELECT labels FROM criterion WHERE name='mistake_agent'")
    assert json.loads(labels) == ["Movie_Expert", "Verification_Expert"]
    ((note,),) = rows(ws, "SELECT note FROM answer WHERE value='Verification_Expert'")
    assert "Evidence: step 2 (Verification_Expert)" in note


def test_a_session_of_several_files_is_read_again_when_one_of_them_is_new(ws: Workspace, tmp_path: Path) -> None:
    copy = tmp_path / "storage"
    shutil.copytree(shared("agent-cli-fixtures/opencode/storage_v2"), copy, copy_function=shutil.copyfile)
    for folder in (copy, *copy.rglob("*")):
        folder.chmod(0o755)
    (copy / "migration").unlink()
    first = ws.imports.run([copy])
    assert (first.sessions, first.files, first.problems) == (2, 2, [])
    assert ws.imports.run([copy / "part", copy / "message"]).unchanged == 2
    message = {"id": "m_new", "sessionID": "s_stage0_small", "role": "user", "time": {"created": 1730000009000}}
    (copy / "message" / "s_stage0_small" / "msg_0009.json").write_text(json.dumps(message))
    (copy / "part" / "m_new").mkdir()
    part = {"id": "p", "messageID": "m_new", "type": "text", "text": "thanks"}
    (copy / "part" / "m_new" / "001.json").write_text(json.dumps(part))
    grown = ws.imports.run([copy])
    assert (grown.unchanged, grown.events) == (1, 1)
    assert dict(rows(ws, "SELECT key, turns FROM session")) == {"s_stage0_small": 2, "s_stage0_large": 2}
