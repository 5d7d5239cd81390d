"""Events in Amplitude's shape: the recorded traffic, the ID rules, the soft problems, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, TimeQuality
from aa_tui.backend.sources.amplitude_event import (
    InvalidEvent,
    amplitude_event,
    amplitude_properties,
    event_from_amplitude,
)
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "amplitude_sdk_wire"


def fixture(number: str) -> list[AgentEvent]:
    found = sorted(DATA.glob(f"{number}_*.json"))
    if not found:
        pytest.skip("shared data absent")
    assert AMPLITUDE.sniff(head_of(found[0]))
    items = list(AMPLITUDE.read(found[0], ReadOptions()))
    events = [item for item in items if isinstance(item, AgentEvent)]
    assert len(events) == len(items)
    return events


def raw(number: str) -> list[dict[str, Any]]:
    (path,) = DATA.glob(f"{number}_*.json")
    return [event for request in json.loads(path.read_text())["requests"] for event in request["body"]["events"]]


def cost(events: list[AgentEvent]) -> float:
    return sum(event.cost_nano or 0 for event in events) / 1e9


def agent(event_type: str = "[Agent] AI Response", **properties: Any) -> dict[str, Any]:
    named = {"[Agent] " + name.replace("_", " ").title().replace(" Id", " ID"): v for name, v in properties.items()}
    return {"event_type": event_type, "user_id": "u", "time": 1, "insert_id": "i", "event_properties": named}


def decoded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return decoded(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: decoded(item) for key, item in value.items()}
    return [decoded(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("number", [f"{n:02}" for n in range(1, 21)])
def test_recorded_events_survive_the_way_in_and_out(number: str) -> None:
    events = fixture(number)
    for event, sent in zip(events, raw(number), strict=True):
        back = amplitude_event(event)
        expected = dict(sent["event_properties"])
        if event.kind is EventKind.USER_MESSAGE:
            expected.setdefault("[Agent] Message Source", "user")
        assert decoded(back["event_properties"]) == decoded(expected)
        for name in ("event_type", "insert_id", "user_id", "device_id", "time", "session_id"):
            assert back.get(name) == sent.get(name)


def test_two_turns_with_tools() -> None:
    events = fixture("01")
    spoken = [e for e in events if e.kind in (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE)]
    assert len({e.trace_id for e in spoken}) == 2
    assert sum(e.total_tokens or 0 for e in events) == 2288
    assert cost(events) == pytest.approx(0.005495)
    assert sum(e.is_error for e in events) == 2
    assert {e.session_key for e in events} == {"ticket-88213"}
    first = events[0]
    assert first.context == {
        "surface": "web_chat",
        "experiment_variant": "B",
        "customer_org": "acme-co",
        "env": "production",
        "version": "v4.2",
    }
    assert (first.tags, first.idle_timeout_min, first.turn_id) == (("beta", "refunds"), 240, 1)
    assert events[1].parts[Part.INPUT] == '{"order_id": "A-1009"}'
    attached = next(e for e in events if "[Agent] Attachments" in e.properties)
    assert attached.properties["[Agent] Attachments"][0]["name"] == "receipt.png"
    assert attached.properties["[Agent] Attachment Types"] == ["image"]


def test_span_tree_scores_delegation_and_enrichments() -> None:
    spans = [e for e in fixture("02") if e.kind is EventKind.SPAN]
    parent = next(e for e in spans if e.parent_id is None)
    assert [e.parent_id for e in spans if e is not parent] == [parent.span_id] * 2
    assert sum(e.is_error for e in spans) == 1
    scores = [e for e in fixture("04") if e.kind is EventKind.SCORE]
    assert Counter(e.score_source for e in scores) == {"user": 4, "ai": 1, "reviewer": 1}
    assert all(e.score_value is not None and e.target_id and e.name for e in scores)
    delegated = fixture("05")
    prompts = [e for e in delegated if e.kind is EventKind.USER_MESSAGE]
    assert [e.from_agent for e in prompts] == [False, True]
    assert {e.parent_agent_id for e in delegated if e.agent_id == "recipe-agent"} == {"shopping-agent"}
    enriched = [e.properties["[Agent] Enrichments"] for e in fixture("06") if "[Agent] Enrichments" in e.properties]
    assert len(enriched) == 2 and all(isinstance(value, dict) for value in enriched)


def test_unpriced_anonymous_and_tool_only_events() -> None:
    minimal = fixture("13")
    assert all(e.cost_nano is None and e.trace_id is None for e in minimal if e.kind is EventKind.AI_RESPONSE)
    assert Counter(w for e in minimal for w in e.warnings) == {"missing_trace_id": 2}
    anonymous = fixture("15")
    assert {(e.user_id, e.idle_timeout_min) for e in anonymous if e.idle_timeout_min} == {(None, -1)}
    assert {e.device_id for e in anonymous} == {"c0ffee00-1111-4222-8333-444455556666"}
    wrapped = fixture("18")
    assert not [e for e in wrapped if e.warnings]
    assert [e.ttfb_ms for e in wrapped if e.ttfb_ms] == [pytest.approx(51.444, abs=0.001)]
    assert sum(e.is_error for e in fixture("03")) == 1


def test_every_shape_of_file_holds_the_same_events(tmp_path: Path) -> None:
    sent = [
        agent(session_id="s", agent_id="a", trace_id="t", model_name="m"),
        {"event_type": "Sign Up", "user_id": "u", "time": 2},
    ]
    bodies: list[tuple[str, str]] = [
        ("lines", "\n".join(map(json.dumps, sent))),
        ("array", json.dumps(sent)),
        ("pretty array", json.dumps(sent, indent=1)),
        ("body", json.dumps({"api_key": "k", "events": sent})),
        ("pretty body", json.dumps({"api_key": "k", "events": sent}, indent=1)),
        ("bodies", "\n".join(json.dumps({"api_key": "k", "events": [event]}) for event in sent)),
        ("recording", json.dumps({"requests": [{"body": {"events": sent}}]}, indent=2)),
        ("text recording", json.dumps({"requests": [{"body": json.dumps({"events": sent})}]})),
    ]
    for name, content in bodies:
        path = tmp_path / name
        path.write_text(content)
        assert AMPLITUDE.sniff(head_of(path)) or name == "text recording", name
        found = list(AMPLITUDE.read(path, ReadOptions()))
        assert [e.kind for e in found if isinstance(e, AgentEvent)] == [EventKind.AI_RESPONSE, EventKind.PRODUCT], name
    single = tmp_path / "one"
    single.write_text(json.dumps(sent[0], indent=4))
    assert AMPLITUDE.sniff(head_of(single))
    assert len(list(AMPLITUDE.read(single, ReadOptions()))) == 1


def test_amplitudes_own_export(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    row = {"$insert_id": "x1", "event_type": "Purchase", "user_id": "u9", "event_time": "2026-02-03 04:05:06.789000",
           "event_properties": {"price": 5}, "user_properties": {"plan": "pro"}, "session_id": -1}  # fmt: skip
    path.write_text(json.dumps(row) + "\n")
    (event,) = AMPLITUDE.read(path, ReadOptions())
    assert isinstance(event, AgentEvent)
    assert (event.insert_id, event.time_ms, event.properties) == ("x1", 1770091506789, {"price": 5})
    assert event.user_properties == {"plan": "pro"}


def test_unusable_events_say_which_field(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    bad = [
        {"user_id": "u", "time": 1, "event_properties": {}},
        {"event_type": "A", "user_id": "u", "time": "now"},
        {"event_type": "A", "user_id": "Anonymous", "device_id": "0", "time": 1},
        {"event_type": "A", "user_id": "u", "time": 1.5},
    ]
    path.write_text("\n".join(map(json.dumps, [{"event_type": "A", "user_id": "u"}, *bad])))
    good, *problems = AMPLITUDE.read(path, ReadOptions())
    assert isinstance(good, AgentEvent) and good.time_quality is TimeQuality.ORDER_ONLY
    fields = [(p.line, p.field) for p in problems if isinstance(p, RecordProblem)]
    assert fields == [(2, "event_type"), (3, "time"), (4, "user_id"), (5, "time")]


def test_id_rules() -> None:
    for placeholder in ("", "NULL", "n/a", "00000000-0000-0000-0000-000000000000", "lmy47d", "-1", 0):
        event = event_from_amplitude({"event_type": "A", "user_id": placeholder, "device_id": "d", "time": 1}, 1)
        assert (event.user_id, event.device_id) == (None, "d")
    with pytest.raises(InvalidEvent) as caught:
        event_from_amplitude({"event_type": "A", "user_id": "abcd", "time": 1}, 1, min_id_length=5)
    assert (caught.value.field, caught.value.missing) == ("user_id", True)
    assert event_from_amplitude({"event_type": "A", "user_id": "a"}, 1, received_ms=7).time_ms == 7


def test_events_without_an_insert_id_collapse_when_they_are_the_same() -> None:
    first = agent(message_id="m")
    del first["insert_id"]
    other = json.loads(json.dumps(first))
    other["event_properties"]["[Agent] Output Tokens"] = 3
    ids = [event_from_amplitude(record, seq).insert_id for seq, record in enumerate((first, dict(first), other))]
    assert ids[0] == ids[1] != ids[2]


def test_message_text_in_every_form() -> None:
    def said(message: Any) -> tuple[str | None, tuple[str, ...]]:
        record = agent("[Agent] User Message", session_id="s", agent_id="a", trace_id="t")
        record["event_properties"]["$llm_message"] = message
        event = event_from_amplitude(record, 1)
        return event.text, event.warnings

    assert said({"text": "hi"}) == ("hi", ())
    assert said({"n": 2, "c0": "h", "c1": "i"}) == ("hi", ())
    assert said("hi") == (None, ("llm_message_not_object",))
    assert said({"n": 2, "c0": "h"}) == (None, ("llm_message_not_object",))
    assert said({"text": "  "}) == ("  ", ("empty_user_message",))


def test_soft_problems_of_one_event() -> None:
    def codes(event_type: str = "[Agent] AI Response", **properties: Any) -> set[str]:
        return set(event_from_amplitude(agent(event_type, **properties), 1).warnings)

    here = {"session_id": "s", "agent_id": "a", "trace_id": "t"}
    assert codes() == {"missing_session_id", "missing_agent_id", "missing_trace_id", "empty_response"}
    assert codes(**here) == {"empty_response"}
    assert codes(**here, is_error=True) == codes(**here, content_mode="metadata_only") == set()
    assert codes(**here, tool_calls='[{"id": 1}]') == set()
    assert codes("[Agent] Tool Call", **here, input_tokens=5) == {"cost_outside_ai_response"}
    assert (
        codes("[Agent] Span", **here, context="[1]")
        == codes("[Agent] Span", **here, context={"a": 1})
        == {"bad_context"}
    )
    assert codes("[Agent] Topic Classification") == set()


def test_odd_values_stay_where_they_are() -> None:
    record = agent(input_tokens="12", latency_ms=-5, turn_id="x", tool_calls="not json", tags={"team": "red"})
    record["event_properties"] |= {"[Agent] Model": "m1", "[Agent] Cost USD": float("nan")}
    event = event_from_amplitude(record, 1)
    assert (event.model, event.input_tokens, event.latency_ms, event.cost_nano) == ("m1", None, None, None)
    assert event.tags == ("team:red",)
    assert amplitude_properties(event)["[Agent] Input Tokens"] == "12"
    assert event.properties["[Agent] Turn ID"] == "x"


@pytest.mark.parametrize(
    ("context", "own", "expected"),
    [
        ('{"idle_timeout_minutes": 5}', 9, 5),
        (None, -1, -1),
        (None, -2, None),
        (None, 10**9, 129600),
        ('{"idle_timeout_minutes": -7}', 9, 9),
    ],
)
def test_idle_timeouts(context: str | None, own: int, expected: int | None) -> None:
    record = agent("[Agent] Session End", context=context)
    record["event_properties"]["[Agent] Session Idle Timeout Minutes"] = own
    assert event_from_amplitude(record, 1).idle_timeout_min == expected


def test_user_properties_of_identify() -> None:
    operations = {"$set": {"plan": "pro"}, "$setOnce": {"first": 1}, "$unset": {"old": "-"}, "city": "Graz"}
    record = {"event_type": "$identify", "user_id": "u", "time": 1, "user_properties": operations}
    event = event_from_amplitude(record, 1)
    assert event.kind is EventKind.IDENTIFY
    assert event.user_properties == {"plan": "pro", "first": 1, "old": None, "city": "Graz"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PROPERTIES = (
    "Session ID", "Trace ID", "Turn ID", "Context", "Tags", "Cost USD", "Input Tokens", "Latency Ms", "Is Error",
    "Tool Success", "Score Value", "Enrichments", "Attachments", "Model Name", "Session Idle Timeout Minutes",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["[Agent] AI Response", "[Agent] Tool Call", "[Agent] Score", "[Agent] New", "$identify", "Buy"]),
    st.dictionaries(st.sampled_from([f"[Agent] {name}" for name in PROPERTIES] + ["$llm_message"]), json_values),
    json_values,
)
def test_no_property_value_breaks_the_mapping(event_type: str, properties: dict[str, Any], time: Any) -> None:
    record = {
        "event_type": event_type,
        "user_id": "u",
        "time": time,
        "event_properties": properties,
        "user_properties": time,
    }
    try:
        event = event_from_amplitude(record, 1)
    except InvalidEvent as error:
        assert error.field == "time"
    else:
        assert event.insert_id
        amplitude_event(event)
