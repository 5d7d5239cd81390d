"""pi sessions against the expected values beside the data; branches; results in every state."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.pi import PI, USER_BASH
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pi-sessions"


def events(path: Path) -> list[AgentEvent]:
    return [item for item in PI.read(path, ReadOptions(user="bo")) if isinstance(item, AgentEvent)]


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "sessions.csv").open() as table:
        (row,) = csv.DictReader(table)
    path = DATA / row["file"]
    assert PI.sniff(head_of(path))
    found = events(path)
    kinds = Counter(event.kind for event in found)
    names = Counter(event.name for event in found if event.kind is EventKind.SPAN)
    assert kinds[EventKind.USER_MESSAGE] == int(row["user_messages"])
    assert kinds[EventKind.AI_RESPONSE] == int(row["assistant_messages"])
    assert kinds[EventKind.TOOL_CALL] == int(row["tool_calls"])
    assert names == {"compaction": int(row["compactions"]), USER_BASH: 3}
    tools = [event for event in found if event.kind is EventKind.TOOL_CALL]
    assert sum(event.is_error for event in tools) == int(row["tool_errors"])
    assert sum("no_result" not in event.warnings for event in tools) == int(row["tool_results"])
    answers = [event for event in found if event.kind is EventKind.AI_RESPONSE]
    stops = Counter(event.finish_reason for event in answers)
    assert dict(part.split("=") for part in row["stop_reasons"].split(";")) == {k: str(v) for k, v in stops.items()}
    cached = int(row["cacheRead_tokens"]) + int(row["cacheWrite_tokens"])
    assert sum(event.input_tokens or 0 for event in answers) == int(row["input_tokens"]) + cached
    assert sum(event.output_tokens or 0 for event in answers) == int(row["output_tokens"])
    assert sum(event.cache_read_tokens or 0 for event in answers) == int(row["cacheRead_tokens"])
    assert sum(event.cost_nano or 0 for event in answers) / 1e9 == pytest.approx(float(row["total_cost_usd"]), abs=1e-6)
    assert sum(event.interrupted for event in answers) == 18
    assert sum(event.is_error for event in answers) == 1
    assert len({event.insert_id for event in found}) == len(found)
    assert [event.seq for event in found] == sorted(event.seq for event in found)


def write(path: Path, session: str, *messages: dict[str, Any]) -> list[AgentEvent]:
    lines = [{"type": "session", "id": session, "timestamp": "2026-01-02T00:00:00.000Z", "cwd": "/home/bo/api"}]
    lines += [{"type": "message", "timestamp": "2026-01-01T00:00:05.000Z", "message": m} for m in messages]
    path.write_text("\n".join(map(json.dumps, lines)))
    return events(path)


def usage(cost: float, **tokens: int) -> dict[str, Any]:
    return {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "cost": {"total": cost}} | tokens


def test_a_branch_repeats_its_parent_under_the_same_ids(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "hello", "timestamp": 1767225600000}
    said = {
        "role": "assistant",
        "content": [{"type": "text", "text": "hi"}],
        "usage": usage(0.5, input=3),
        "timestamp": 1767225601000,
    }
    parent = write(tmp_path / "p.jsonl", "p", asked, said)
    branch = write(tmp_path / "b.jsonl", "b", asked, said, dict(asked, content="again", timestamp=1767225700000))
    assert [e.insert_id for e in branch[:2]] == [e.insert_id for e in parent]
    assert branch[2].insert_id not in {e.insert_id for e in parent}
    assert branch[2].trace_id != branch[1].trace_id


def test_money_and_tokens_that_nobody_reported_stay_unknown(tmp_path: Path) -> None:
    def answer(used: dict[str, Any], at: int) -> dict[str, Any]:
        return {"role": "assistant", "content": [], "usage": used, "stopReason": "stop", "timestamp": at}

    nothing, free, paid = write(
        tmp_path / "s.jsonl", "s", answer(usage(0), 1767225602000), answer(usage(0, input=7), 1767225603000),
        answer(usage(0.25, input=1, cacheRead=2, cacheWrite=4, output=8), 1767225604000),
    )  # fmt: skip
    assert (nothing.input_tokens, nothing.cost_nano) == (None, None)
    assert (free.input_tokens, free.cost_nano) == (7, None)
    assert (paid.input_tokens, paid.output_tokens, paid.total_tokens, paid.cost_nano) == (7, 8, 15, 250_000_000)
    assert paid.latency_ms == 1000


def test_version_2_entries_with_ids_and_unknown_types_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    lines: list[dict[str, Any]] = [
        {"type": "session", "version": 2, "id": "s", "timestamp": "2026-01-02T00:00:00.000Z", "cwd": "/w"},
        {"type": "label", "id": "1", "parentId": None, "label": "x"},
        {"type": "message", "id": "2", "parentId": "1", "timestamp": "2026-01-02T00:00:01.000Z",
         "message": {"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "image", "data": "A"}]}},
        {"type": "message", "id": "3", "parentId": "2", "timestamp": "2026-01-02T00:00:02.000Z",
         "message": {"role": "compactionSummary", "summary": "short", "tokensBefore": 9}},
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
    assert PI.sniff(head_of(path))
    prompt, compaction = events(path)
    assert (prompt.text, prompt.properties["[Agent] Attachment Count"]) == ("q\n[image]", 1)
    assert (compaction.name, compaction.properties["tokens_before"]) == ("compaction", 9)
