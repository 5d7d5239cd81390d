"""Judge runs against the expected values beside the data: verdicts, words that are none, stubs of the sessions."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, ImportedLabel, ImportedResult, RecordProblem, SourceItem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.tau2_bench import TAU2_BENCH
from aa_tui.backend.sources.tau2_judge import REBUILT, STUB, TAU2_JUDGE

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tau2-judge-runs"
PROMPT = (
    "Domain: {domain}\n\nDomain policy:\nBe kind.\n\nConversation transcript:\n1. Assistant: Hi\n2. User: help\n"
    "2. not a line of its own\n3. Assistant TOOL CALL -> look {{'id': 'A1'}}\n"
    "4. Assistant TOOL CALL -> look {{'id': [}}\n5. Tool c1: Error: gone\n6. Tool c2: fine\n"
    "\nJudging instructions:\n- Be strict."
)


def entry(domain: str = "retail", **fields: Any) -> dict[str, Any]:
    return {
        "simulation_id": "s1",
        "task_id": "7",
        "tau2_reward": 0.0,
        "judge_prompt_name": "triage",
        "judge_system_prompt": "You judge.",
        "judge_prompt": PROMPT.format(domain=domain),
        **fields,
    }


def split(items: list[SourceItem]) -> tuple[list[AgentEvent], list[ImportedLabel], list[ImportedResult]]:
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return (
        [item for item in items if isinstance(item, AgentEvent)],
        [item for item in items if isinstance(item, ImportedLabel)],
        [item for item in items if isinstance(item, ImportedResult)],
    )


def raw(path: Path, *entries: dict[str, Any]) -> list[SourceItem]:
    path.write_text("\n".join(map(json.dumps, entries)))
    return list(TAU2_JUDGE.read(path, ReadOptions()))


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "files.csv").open() as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        assert TAU2_JUDGE.sniff(head_of(DATA / row["file"]))
        _, labels, results = split(list(TAU2_JUDGE.read(DATA / row["file"], ReadOptions())))
        truth = {label.session_key: label.value == "True" for label in labels}
        met = Counter((result.passed, truth[result.session_key]) for result in results)
        assert met[True, True] == int(row["tp"]) and met[False, False] == int(row["tn"])
        assert met[True, False] == int(row["fp"]) and met[False, True] == int(row["fn"])
        strange = [result for result in results if result.passed is None]
        assert len(strange) == int(row["other_verdicts"])
        assert all(result.error_kind == "bad_label" and result.value == "" for result in strange)
        assert {(result.error or "").rpartition(" ")[2] for result in strange} <= {
            "satisfied",
            "satisfactory",
            "compliant",
            "correct",
        }
        assert sum(truth.values()) == int(row["env_pass"]) and len(results) == int(row["sessions"])
        assert sum(result.input_tokens or 0 for result in results) == int(row["prompt_tokens"])
        assert sum(result.cost_nano or 0 for result in results) / 1e9 == pytest.approx(float(row["cost_usd"]), abs=1e-6)
        assert {result.evaluator for result in results} == {f"{row['domain']}/{row['judge']}"}
        assert {result.model for result in results} == {row["judge_model"]}
        assert {result.criterion for result in results} == {label.criterion for label in labels} == {"task_success"}
        assert len({result.instructions for result in results}) == 1
        assert {result.parameters for result in results} == {'{"temperature": 0.0}'}


def test_raw_files_hold_the_same_results() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    for name in ("quick_triage_v1", "policy_chain_of_thought_v1"):
        told = split(list(TAU2_JUDGE.read(DATA / f"airline.raw_{name}.jsonl.gz", ReadOptions())))[2]
        summed = split(list(TAU2_JUDGE.read(DATA / f"airline.summary_{name}.json.gz", ReadOptions())))[2]
        assert all(result.raw_reply.startswith("```json") for result in told)
        facts = ("session_key", "evaluator", "value", "passed", "rationale", "evidence", "error", "cost_nano", "prompt")
        assert [[getattr(r, f) for f in facts] for r in told] == [[getattr(r, f) for f in facts] for r in summed]


def test_stubs_have_the_ids_and_words_of_the_sessions_file() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    events = split(list(TAU2_BENCH.read(DATA / "airline.sessions.json.gz", ReadOptions())))[0]
    real = {event.insert_id: event for event in events}
    for path in (
        DATA / "airline.summary_quick_triage_v1.json.gz",
        DATA / "airline.raw_policy_chain_of_thought_v1.jsonl.gz",
    ):
        stubs = {event.insert_id: event for event in split(list(TAU2_JUDGE.read(path, ReadOptions())))[0]}
        assert {key.rpartition(":")[2] for key in real.keys() - stubs.keys()} == {"enrichment"}
        assert stubs.keys() < real.keys()
        for key, stub in stubs.items():
            other = real[key]
            assert (stub.kind, stub.text, stub.trace_id, stub.name) == (
                other.kind,
                other.text,
                other.trace_id,
                other.name,
            )
            assert stub.properties[STUB] is True and stub.time_ms is None
    assert sum(REBUILT in stub.warnings for stub in stubs.values()) == 50


def test_a_transcript_is_read_by_its_numbers(tmp_path: Path) -> None:
    events, labels, results = split(raw(tmp_path / "r.jsonl", entry(judge_response='{"verdict": "FAIL"}')))
    hello, ask, answer, first, second, end = events
    assert ask.text == "help\n2. not a line of its own"
    assert (first.parent_id, second.parent_id) == (answer.span_id, answer.span_id)
    assert (first.parts, first.is_error) == (
        {"input": '{"id":"A1"}', "output": "Error: gone", "error": "Error: gone"},
        True,
    )
    assert second.parts == {"input": "{'id': [}", "output": "fine"}
    assert hello.parts == {"system_prompt": "Be kind."} and hello.agent_id == "retail-agent"
    assert end.warnings == (REBUILT,)
    assert (labels[0].value, labels[0].raw) == ("False", "0")
    assert (results[0].passed, results[0].value, results[0].instructions) == (
        False,
        "False",
        "You judge.\n\n- Be strict.",
    )


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ('```json\n{"verdict": "satisfied"}\n```', "bad_label"),
        ('{"verdict": true}', "bad_label"),
        ('{"justification": "x"}', "missing_field"),
        ("I cannot say.", "no_json"),
        ("", "no_json"),
    ],
)
def test_what_is_neither_pass_nor_fail_is_no_verdict(tmp_path: Path, reply: str, kind: str) -> None:
    (result,) = split(raw(tmp_path / "r.jsonl", entry(judge_response=reply)))[2]
    assert (result.passed, result.value, result.error_kind, result.raw_reply) == (None, "", kind, reply)
    assert result.error


def test_one_name_is_another_evaluator_in_another_domain(tmp_path: Path) -> None:
    items = raw(tmp_path / "r.jsonl", *(entry(domain, judge_verdict="pass") for domain in ("retail", "telecom")))
    assert [result.evaluator for result in split(items)[2]] == ["retail/triage", "telecom/triage"]
    (plain,) = split(raw(tmp_path / "r.jsonl", entry(judge_verdict="pass", judge_prompt="")))[2]
    assert plain.evaluator == "triage"


def test_issues_become_evidence_in_every_shape(tmp_path: Path) -> None:
    issues = ["late", {"issue": "rude", "turn": 4}, {"description": "wrong", "evidence": "“no”"}, {"other": 1}]
    (result,) = split(raw(tmp_path / "r.jsonl", entry(judge_verdict="fail", judge_issues=issues)))[2]
    assert result.evidence == 'late\nrude (turn 4)\nwrong — “no”\n{"other":1}'


def test_entries_without_a_session_or_verdict_are_named(tmp_path: Path) -> None:
    items = raw(tmp_path / "r.jsonl", {"judge_prompt_name": "x"}, entry())
    assert [(i.line, i.field) for i in items if isinstance(i, RecordProblem)] == [
        (1, "simulation_id"),
        (2, "judge_verdict"),
    ]
