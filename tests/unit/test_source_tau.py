"""tau-bench and tau2-bench against the expected values beside the data; whose tools, whose money, whose time."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import (
    AgentEvent,
    EventKind,
    ImportedLabel,
    Part,
    RecordProblem,
    SourceItem,
    TimeQuality,
)
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.tau2_bench import TAU2_BENCH
from aa_tui.backend.sources.tau_bench import TAU_BENCH

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def rows(folder: str) -> list[dict[str, str]]:
    if not (DATA / folder).is_dir():
        pytest.skip("shared data absent")
    with (DATA / folder / "files.csv").open() as table:
        return list(csv.DictReader(table))


def split(items: list[SourceItem]) -> tuple[list[AgentEvent], list[ImportedLabel]]:
    assert not [item for item in items if isinstance(item, RecordProblem)]
    events = [item for item in items if isinstance(item, AgentEvent)]
    return events, [item for item in items if isinstance(item, ImportedLabel)]


def metadata(events: list[AgentEvent]) -> list[dict[str, Any]]:
    enrichments = [e.properties["[Agent] Enrichments"] for e in events if e.kind is EventKind.SESSION_ENRICHMENT]
    return [enrichment["custom_metadata"] for enrichment in enrichments]


def test_tau_bench_expected_values() -> None:
    (row,) = rows("tau-bench")
    path = DATA / "tau-bench" / row["file"]
    assert TAU_BENCH.sniff(head_of(path)) and not TAU2_BENCH.sniff(head_of(path))
    events, labels = split(list(TAU_BENCH.read(path, ReadOptions())))
    kinds = Counter(event.kind for event in events)
    sessions = {event.session_key for event in events}
    assert len(sessions) == kinds[EventKind.SESSION_END] == len(labels) == int(row["sessions"])
    assert "gpt-4o-airline/0/0" in sessions
    assert kinds[EventKind.TOOL_CALL] == int(row["tool_calls"])
    messages = kinds[EventKind.USER_MESSAGE] + kinds[EventKind.AI_RESPONSE] + int(row["tool_results"])
    assert messages + int(row["sessions"]) == int(row["messages"])  # one policy per dialogue
    assert sum(label.value == "True" for label in labels) == int(row["passed_reward_eq_1"])
    assert {label.raw for label in labels} == {"0", "1"}
    assert {label.criterion for label in labels} == {"task_success"}
    assert {event.time_quality for event in events} == {TimeQuality.ORDER_ONLY}
    assert all(event.time_ms is None and event.cost_nano is None for event in events)
    assert {event.agent_id for event in events} == {"airline-agent"}
    assert sum(e.is_error for e in events if e.kind is EventKind.TOOL_CALL) == 73
    assert sum(d.get("user_cost_usd", 0) for d in metadata(events)) == pytest.approx(float(row["user_cost"]), abs=1e-5)
    assert len({event.insert_id for event in events}) == len(events)
    assert {e.user_id for e in events if e.session_key == "gpt-4o-airline/0/0"} == {"mia_li_3668"}
    policies = [e for e in events if Part.SYSTEM_PROMPT in e.parts]
    assert len(policies) == int(row["sessions"])


def test_tau2_bench_expected_values() -> None:
    table = rows("tau2-bench")
    assert len(table) == 9
    for row in table:
        path = DATA / "tau2-bench" / row["file"]
        assert TAU2_BENCH.sniff(head_of(path)) and not TAU_BENCH.sniff(head_of(path)), row["file"]
        events, labels = split(list(TAU2_BENCH.read(path, ReadOptions())))
        kinds = Counter(event.kind for event in events)
        customer = [e for e in events if e.kind is EventKind.SPAN and (e.name or "").startswith("user_tool:")]
        assert len({event.session_key for event in events}) == int(row["sessions"])
        assert kinds[EventKind.AI_RESPONSE] == int(row["agent_messages"])
        assert kinds[EventKind.TOOL_CALL] == int(row["tool_calls_by_agent"])
        assert len(customer) == int(row["tool_calls_by_user"])
        assert (
            kinds[EventKind.USER_MESSAGE] + len(customer) >= int(row["user_messages"]) >= kinds[EventKind.USER_MESSAGE]
        )
        tools = [e for e in events if e.kind is EventKind.TOOL_CALL] + customer
        assert sum(event.is_error for event in tools) == int(row["tool_errors"])
        assert all(not event.warnings for event in tools)
        customer_tokens = [data.get("user_tokens", {}) for data in metadata(events)]
        for field, name in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
            of_agent = sum(getattr(event, field) or 0 for event in events)
            assert of_agent + sum(used.get(name, 0) for used in customer_tokens) == int(row[name])
        spent = sum(event.cost_nano or 0 for event in events) / 1e9
        if row["agent_cost"] != "0":
            assert spent == pytest.approx(float(row["agent_cost"]), abs=1e-6)
        paid = sum(data.get("user_cost_usd", 0) for data in metadata(events))
        assert paid == pytest.approx(float(row["user_cost"]), abs=1e-5)
        assert sum(label.value == "True" for label in labels) == int(row["passed"])
        assert len(labels) == int(row["sessions"]) - int(row["no_reward"])
        models = {event.model for event in events} - {None}
        assert models == ({row["agent_model"]} if events else set())
        assert {event.agent_id for event in events} == ({f"{row['domain']}-agent"} if events else set())
        made_up = row["file"].startswith("toolorchestra")
        expected = TimeQuality.PLACEHOLDER if made_up else TimeQuality.ZONE_ASSUMED
        assert {event.time_quality for event in events} == ({expected} if events else set())
        assert len({event.insert_id for event in events}) == len(events)
        ends = Counter(e.context["termination"] for e in events if e.kind is EventKind.SESSION_END)
        assert ";".join(f"{name}={count}" for name, count in ends.items()) == row["terminations"]


def simulation(path: Path, messages: list[dict[str, Any]], info_last: bool = False, **fields: Any) -> list[SourceItem]:
    info = {"agent_info": {"llm": "m"}, "environment_info": {"domain_name": "telecom", "policy": "Be kind."}}
    one = {"id": "s1", "task_id": "t", "start_time": "2026-03-01T10:00:00.5", "messages": messages} | fields
    document: dict[str, Any] = {"tasks": [{"id": "t", "ticket": "No signal"}], "simulations": [one]}
    document = document | {"info": info} if info_last else {"info": info} | document
    path.write_text(json.dumps(document, indent=2))
    return list(TAU2_BENCH.read(path, ReadOptions()))


def test_a_turn_begins_when_the_customer_acts_and_cost_is_never_lost(tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Hi!", "cost": 0.0, "usage": None},
        {"role": "user", "content": None, "tool_calls": [{"id": "u1", "name": "look", "arguments": {}}]},
        {"role": "tool", "id": "u1", "content": "bars", "requestor": "user", "error": False},
        {"role": "user", "content": "I see bars"},
        {"role": "assistant", "content": "ok", "cost": 0.25, "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"role": "assistant", "content": "free?", "cost": 0.0, "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
    ]
    events, labels = split(simulation(tmp_path / "x.json", messages, info_last=True, agent_cost=1.0, reward_info=None))
    assert labels == []
    greeting, looked, said, answer, free, unattributed, *_ = events
    assert (greeting.model, greeting.cost_nano, greeting.trace_id) == (None, None, "s1#0")
    assert (looked.name, looked.kind, looked.trace_id) == ("user_tool:look", EventKind.SPAN, "s1#1")
    assert (said.trace_id, answer.trace_id, answer.model, answer.cost_nano) == ("s1#1", "s1#1", "m", 250_000_000)
    assert free.cost_nano is None
    assert (unattributed.name, unattributed.cost_nano) == ("unattributed_cost", 750_000_000)


def test_without_a_customer_the_task_is_shown_but_no_message_is_invented(tmp_path: Path) -> None:
    reward = {"reward": 0.5, "nl_assertions": [{"nl_assertion": "is kind", "met": True, "justification": "yes"}]}
    messages = [
        {
            "role": "assistant",
            "content": "done",
            "timestamp": "2026-03-01T10:00:02",
            "raw_data": {"finish_reason": "stop"},
        }
    ]
    events, (label,) = split(simulation(tmp_path / "x.json", messages, reward_info=reward))
    assert [event.kind for event in events[:2]] == [EventKind.SPAN, EventKind.AI_RESPONSE]
    assert events[0].parts[Part.INPUT] == "No signal"
    assert (events[1].latency_ms, events[1].finish_reason, events[1].model) == (1500, "stop", "m")
    assert (label.value, label.raw) == ("False", "0.5")
    enrichment = next(e for e in events if e.kind is EventKind.SESSION_ENRICHMENT)
    assert enrichment.properties["[Agent] Enrichments"]["rubrics"] == [
        {"name": "is kind", "score": 1, "rationale": "yes"}
    ]


def test_records_of_the_wrong_shape_cost_themselves_only(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(
        json.dumps([{"task_id": 1, "traj": []}, 7, {"task_id": 2}, {"task_id": 3, "traj": [5, {"role": "user"}]}])
    )
    items = list(TAU_BENCH.read(path, ReadOptions()))
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [2, 3, 4]
    assert {item.session_key for item in items if isinstance(item, AgentEvent)} == {"t/1/0", "t/3/0"}
