"""Codex rollouts against the expected values beside the data, and the shapes the data do not hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem
from aa_tui.backend.sources.codex import CODEX
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "codex-rollouts"
OPTIONS = ReadOptions(user="ann")
SESSION = "0199aaaa-0000-7000-8000-000000000001"


def events(path: Path) -> list[AgentEvent]:
    return [item for item in CODEX.read(path, OPTIONS) if isinstance(item, AgentEvent)]


def of_kind(found: list[AgentEvent], kind: EventKind) -> list[AgentEvent]:
    return [event for event in found if event.kind is kind]


def rollout(path: Path, *records: tuple[str, dict[str, object]]) -> list[AgentEvent]:
    meta: tuple[str, dict[str, object]] = ("session_meta", {"id": SESSION, "cwd": "/home/ann/shop"})
    lines = [
        json.dumps({"timestamp": f"2026-05-12T10:00:{second:02}.000Z", "type": kind, "payload": payload})
        for second, (kind, payload) in enumerate((meta, *records))
    ]
    path.write_text("\n".join(lines))
    return events(path)


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "sessions.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 5
    for row in rows:
        path = DATA / row["file"]
        assert CODEX.sniff(head_of(path))
        found = events(path)
        answers = of_kind(found, EventKind.AI_RESPONSE)
        assert {event.session_key for event in found} == {row["session_id"]}
        assert len(of_kind(found, EventKind.USER_MESSAGE)) == int(row["user_message_events"])
        assert len(of_kind(found, EventKind.TOOL_CALL)) == int(row["tool_calls"])
        assert sum(e.input_tokens or 0 for e in answers) == int(row["final_total_input_tokens"])
        assert sum(e.output_tokens or 0 for e in answers) == int(row["final_total_output_tokens"])
        assert sum(e.cache_read_tokens or 0 for e in answers) == int(row["final_total_cached_input_tokens"])
        assert sum(e.reasoning_tokens or 0 for e in answers) == int(row["final_total_reasoning_output_tokens"])
        assert sum(e.total_tokens or 0 for e in answers) == int(row["final_total_total_tokens"])
        assert {e.model for e in answers} == {row["models"].split("=")[0]}
        assert {e.context["version"] for e in found} == {row["cli_version"]}
        assert {e.user_id for e in found} == {"ann"}
        assert {e.agent_id for e in found} == {"codex"}
        assert {e.context["resume"] for e in found} == {f"codex resume {row['session_id']}"}
        assert all("no_result" not in e.warnings for e in found)
        assert len({e.insert_id for e in found}) == len(found)
        assert [e.seq for e in found] == sorted(e.seq for e in found)
        assert all(e.latency_ms is None or e.latency_ms >= 0 for e in found)


def test_a_grown_file_replaces_what_was_read_before() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    first, second = (events(DATA / "codemie" / f"turn-{n}.jsonl.gz") for n in (1, 2))
    merged = {event.insert_id: event for event in first}
    merged.update({event.insert_id: event for event in second})
    assert list(merged.values()) == second
    assert [event.trace_id for event in first] == [event.trace_id for event in second[: len(first)]]


def test_failed_commands_show_in_the_long_session() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    found = events(next(DATA.glob("codemie/rollout-2026-05-11*")))
    failed = [e for e in of_kind(found, EventKind.TOOL_CALL) if e.is_error]
    assert sorted(str(e.properties["exit_code"]) for e in failed if e.name == "exec_command") == ["1", "1", "1", "2"]
    assert [e.name for e in of_kind(found, EventKind.SPAN)] == ["web_search"] * 3
    assert len({e.trace_id for e in found}) == 2


def test_injected_context_is_no_prompt_and_an_abort_marks_the_running_call(tmp_path: Path) -> None:
    found = rollout(
        tmp_path / "r.jsonl",
        (
            "response_item",
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]},
        ),
        ("event_msg", {"type": "user_message", "message": "fix it", "images": ["data:image/png;base64,AA"]}),
        ("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}]}),
        ("response_item", {"type": "function_call", "name": "shell", "call_id": "c1", "arguments": "{}"}),
        ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
    )
    prompt, answer, call = found
    assert (prompt.kind, prompt.text, prompt.properties["[Agent] Attachment Count"]) == (
        EventKind.USER_MESSAGE,
        "fix it",
        1,
    )
    assert answer.parts[Part.REASONING] == "think"
    assert answer.input_tokens is None
    assert call.interrupted and call.warnings == ("no_result",)
    assert call.parent_id == answer.span_id
    assert prompt.context["repository"] == "shop"


def test_results_in_every_shape(tmp_path: Path) -> None:
    def call(call_id: str, output: object) -> list[tuple[str, dict[str, object]]]:
        return [
            ("response_item", {"type": "function_call", "name": "shell", "call_id": call_id, "arguments": "{}"}),
            ("response_item", {"type": "function_call_output", "call_id": call_id, "output": output}),
        ]

    found = rollout(
        tmp_path / "r.jsonl",
        *call("text", "Chunk ID: a\nWall time: 0.5000 seconds\nProcess exited with code 3\nOutput:\nno"),
        *call("json", json.dumps({"output": "boom", "metadata": {"exit_code": 1, "duration_seconds": 0.05}})),
        *call("object", {"output": "fine", "metadata": {"exit_code": 0}}),
        *call("blocks", [{"type": "input_text", "text": "a"}, {"type": "input_image"}]),
    )
    calls = {e.span_id: e for e in of_kind(found, EventKind.TOOL_CALL)}
    assert (calls["text"].is_error, calls["text"].latency_ms, calls["text"].error_type) == (True, 500, "exit 3")
    assert (calls["json"].is_error, calls["json"].latency_ms, calls["json"].parts[Part.OUTPUT]) == (True, 50, "boom")
    assert (calls["object"].is_error, calls["object"].latency_ms) == (False, 1000)
    assert calls["blocks"].parts[Part.OUTPUT] == "a\n[input_image]"


def test_tokens_of_a_compaction_and_of_a_counter_that_began_anew_are_kept(tmp_path: Path) -> None:
    def tokens(total: int, last: int) -> tuple[str, dict[str, object]]:
        counts = ({"input_tokens": n, "output_tokens": 0, "total_tokens": n} for n in (total, last))
        return "event_msg", {
            "type": "token_count",
            "info": dict(zip(("total_token_usage", "last_token_usage"), counts, strict=True)),
        }

    said: tuple[str, dict[str, object]] = (
        "response_item",
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
    )
    found = rollout(
        tmp_path / "r.jsonl", said, tokens(100, 100), tokens(100, 100), ("compacted", {"message": "sum"}),
        tokens(150, 50), said, tokens(30, 30),
    )  # fmt: skip
    assert [e.input_tokens for e in of_kind(found, EventKind.AI_RESPONSE)] == [100, 50, 30]
    (compaction,) = of_kind(found, EventKind.SPAN)
    assert (compaction.name, compaction.parts[Part.OUTPUT]) == ("compaction", "sum")


def test_bad_lines_cost_themselves_only(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    meta = json.dumps({"timestamp": "2026-01-01T00:00:00Z", "type": "session_meta", "payload": {"id": SESSION}})
    prompt = json.dumps({"timestamp": "x", "type": "event_msg", "payload": {"type": "user_message", "message": "hi"}})
    path.write_text(f'{meta}\n{{bad\n[1]\n{prompt}\n{{"timest')
    items = list(CODEX.read(path, OPTIONS))
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [2, 3, 5]
    assert [item.text for item in items if isinstance(item, AgentEvent)] == ["hi"]
