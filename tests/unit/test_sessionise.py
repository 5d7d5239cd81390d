"""Deriving a session from its events: order, turns, nesting, closing, rules, errors; nothing depends on arrival."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.ingest.closing_rules import MAX_DURATION_MS, SessionSettings, State, settings_of
from aa_tui.backend.ingest.errors import error_type_of
from aa_tui.backend.ingest.sessionise import DerivedSession, Recorded, derive
from aa_tui.backend.ingest.stored import StoredEvent, make_stored
from aa_tui.backend.model.error_categories import category_of
from aa_tui.backend.model.event import AgentEvent, EventKind, Part, TimeQuality
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, MINUTE_MS

T0 = 1_790_000_000_000
MUCH_LATER = T0 + 400 * DAY_MS
USER, AI, TOOL, SPAN = EventKind.USER_MESSAGE, EventKind.AI_RESPONSE, EventKind.TOOL_CALL, EventKind.SPAN
END = EventKind.SESSION_END


def event(kind: EventKind, own: str, at: int | None = 0, /, **values: Any) -> StoredEvent:
    """Return an event `at` ms after T0; its insert id and own id are `own`, its trace `t` unless said."""
    values.setdefault("trace_id", "t")
    values.setdefault("agent_id", "bot")
    made = AgentEvent(
        kind, own, session_key="s", user_id="ada", time_ms=None if at is None else T0 + at, span_id=own, **values
    )
    return make_stored(made, "test", 1, T0)[0]


def derived(*events: StoredEvent, now_ms: int = MUCH_LATER, config: SessionSettings | None = None) -> DerivedSession:
    return derive("s", events, config or SessionSettings(), now_ms)


def order(session: DerivedSession, *events: StoredEvent) -> list[str]:
    return [one.insert_id for one in sorted(events, key=lambda one: session.places[one.id][1])]


def parent(session: DerivedSession, child: StoredEvent) -> int | None:
    return session.places[child.id][3]


def hits(*events: StoredEvent, now_ms: int = MUCH_LATER) -> set[str]:
    return set(derived(*events, now_ms=now_ms).row["rules"].split())


ask, answer = event(USER, "ask", text="please do the thing"), event(AI, "answer", 1000, text="done", latency_ms=900)


def test_turn_ids_order_a_trace_where_they_agree_with_time() -> None:
    late = [
        event(USER, "u", 700, turn_id=1, text="hi"),
        event(TOOL, "tool", 708, turn_id=2, latency_ms=184),
        event(AI, "a", 783, turn_id=3, latency_ms=1203, text="yes"),
        event(SPAN, "s", 783, latency_ms=600, name="search"),
    ]
    made = derived(*late)
    assert order(made, *late)[0] == "u" and order(made, *late).index("tool") < order(made, *late).index("a")
    assert made.row["started_ms"] == T0 + 700
    assert "order_mismatch" not in made.row["warnings"]


def test_turn_ids_that_contradict_time_do_not_order() -> None:
    events = [event(USER, "u", 500, turn_id=2, text="hi"), event(AI, "a", 100, turn_id=3, text="earlier")]
    made = derived(*events)
    assert order(made, *events) == ["a", "u"]
    assert "order_mismatch" in made.row["warnings"].split()


def test_an_answer_does_not_begin_before_the_prompt_recorded_before_it() -> None:
    prompt = event(USER, "u", 100, seq=1, text="x")
    early = event(AI, "a", 900, seq=2, latency_ms=820, text="y")
    before = event(TOOL, "t", 300, seq=0, latency_ms=250, name="warm-up")
    made = derived(prompt, early, before)
    assert order(made, prompt, early, before) == ["t", "u", "a"]


def test_turns_are_numbered_by_their_first_event_and_stay_together() -> None:
    events = [
        event(USER, "u1", 0, trace_id="one", text="a"),
        event(USER, "u2", 100, trace_id="two", text="b"),
        event(AI, "a1", 200, trace_id="one", text="c"),
        event(AI, "a2", 300, trace_id="two", text="d"),
    ]
    made = derived(*events)
    assert [(turn["no"], turn["user_head"], turn["answer_head"]) for turn in made.turns] == [
        (1, "a", None),
        (2, "b", None),
    ]
    assert order(made, *events) == ["u1", "a1", "u2", "a2"]
    assert "trace_resumed" in made.row["warnings"].split()


def test_what_no_message_belongs_to_is_no_turn() -> None:
    lost = event(SPAN, "lost", 50, trace_id="elsewhere", name="x")
    made = derived(ask, answer, lost)
    assert made.row["turns"] == 1 and made.places[lost.id][0] == 0
    assert made.row["warnings"].split() == ["orphan_span"]
    assert made.places[lost.id][4] == "orphan_span"


def test_events_without_a_trace_share_one_turn_with_those_whose_trace_is_the_session() -> None:
    made = derived(event(USER, "u", trace_id=None, text="a"), event(AI, "a", 9, trace_id="s", text="b"))
    assert made.row["turns"] == 1


def test_a_named_parent_beats_containment_and_containment_takes_the_innermost() -> None:
    outer = event(SPAN, "outer", 1000, latency_ms=1000, name="o")
    inner = event(SPAN, "inner", 800, latency_ms=500, name="i")
    leaf = event(TOOL, "leaf", 700, latency_ms=100, name="tool")
    named = event(TOOL, "named", 700, latency_ms=100, name="tool", parent_id="outer")
    other = event(TOOL, "other", 700, latency_ms=100, name="tool", agent_id="another")
    made = derived(ask, outer, inner, leaf, named, other)
    assert [parent(made, one) for one in (inner, leaf, named, other)] == [outer.id, inner.id, outer.id, None]
    assert [made.places[one.id][2] for one in (outer, inner, leaf, named)] == [0, 1, 2, 1]


def test_parents_that_name_each_other_do_not_loop() -> None:
    a, b = event(SPAN, "a", parent_id="b", name="x"), event(SPAN, "b", 1, parent_id="a", name="y")
    made = derived(ask, a, b)
    assert sorted(made.places[one.id][2] for one in (a, b)) == [0, 1]


def test_a_delegate_hangs_under_the_call_that_started_it() -> None:
    call = event(TOOL, "call", 500, latency_ms=400, name="Task", tool_type="flow")
    told = event(USER, "told", 150, agent_id="helper", parent_agent_id="bot", from_agent=True, text="look")
    found = event(AI, "found", 400, agent_id="helper", parent_agent_id="bot", text="here")
    made = derived(ask, call, told, found, answer)
    assert parent(made, told) == parent(made, found) == call.id
    assert (made.row["agents"], made.row["user_messages"], made.row["turns"]) == ('["bot","helper"]', 1, 1)


def test_sums_know_the_difference_between_nothing_and_zero() -> None:
    assert derived(ask, answer).row["total_tokens"] is None
    made = derived(
        ask,
        event(AI, "a", 5, input_tokens=10, output_tokens=2, cost_nano=7, latency_ms=3),
        event(EventKind.EMBEDDING, "e", 6, cost_nano=5, input_tokens=100),
        event(TOOL, "t", 7, cost_nano=1000, is_error=True, name="x"),
    ).row
    assert (made["total_tokens"], made["cost_nano"], made["priced_calls"], made["errors"]) == (12, 12, 1, 1)


def test_the_idle_timeout_closes_and_the_first_override_wins() -> None:
    late = T0 + 1000 + 31 * MINUTE_MS
    assert derived(ask, answer, now_ms=late).state == State("closed", "timeout", T0 + 1000 + 30 * MINUTE_MS)
    assert derived(ask, answer, now_ms=late - 2 * MINUTE_MS).state.state == "open"
    longer = event(USER, "ask", text="x", idle_timeout_min=60)
    ignored = event(AI, "a", 1000, text="y", idle_timeout_min=5)
    assert derived(longer, ignored, now_ms=late).state.close_due_ms == T0 + 1000 + 60 * MINUTE_MS
    forever = event(USER, "ask", text="x", idle_timeout_min=-1)
    assert derived(forever, answer, now_ms=T0 + 80 * DAY_MS).state.state == "open"
    assert derived(forever, answer, now_ms=T0 + 91 * DAY_MS).state.closed
    assert settings_of({"idle_timeout_minutes": 5}, frozenset()).idle_ms == 5 * MINUTE_MS
    assert settings_of({"idle_timeout_minutes": "soon"}, frozenset()).idle_ms == 30 * MINUTE_MS


def test_a_day_is_the_longest_a_session_stays_open() -> None:
    steps = [event(USER, f"u{n}", n * 20 * MINUTE_MS, text="x") for n in range(72)]
    made = derived(*steps, now_ms=T0 + 24 * HOUR_MS - 1)
    assert made.state.close_due_ms == T0 + MAX_DURATION_MS


def test_an_explicit_end_closes_after_its_grace_and_activity_opens_again() -> None:
    end = event(END, "end", 2000)
    assert derived(ask, answer, end, now_ms=T0 + 3000).state == State("closing", None, None, T0 + 32_000)
    assert derived(ask, answer, end, now_ms=T0 + 32_000).state == State("closed", "explicit_close", T0 + 2000)
    more = event(USER, "more", 5000, trace_id="t2", text="one more thing")
    made = derived(ask, answer, end, more, now_ms=T0 + 40_000)
    assert made.state.state == "open" and "event_after_end" in made.row["warnings"].split()


def test_time_that_is_made_up_stays_out_of_rollups() -> None:
    real, made_up = (
        derived(ask, answer),
        derived(event(USER, "u", text="x", time_quality=TimeQuality.PLACEHOLDER), event(AI, "a", 9, text="y")),
    )
    assert real.contribution.sessions and not made_up.contribution.sessions
    assert (made_up.row["time_quality"], made_up.state.closed) == ("placeholder", True)


def test_one_event_without_a_time_stands_by_its_neighbour() -> None:
    events = [
        event(USER, "u", 0, seq=1, text="x"),
        event(TOOL, "t", None, seq=2, name="x"),
        event(AI, "a", 50, seq=3, text="y"),
    ]
    made = derived(*events)
    assert order(made, *events) == ["u", "t", "a"] and made.row["time_quality"] == "exact"


def call(number: int, given: str = "same", failed: bool = False, name: str = "grep") -> StoredEvent:
    parts = {Part.INPUT: given, Part.OUTPUT: "timed out" if failed else "ok"}
    return event(TOOL, f"call{number}", 10 + number, name=name, parts=parts, is_error=failed)


def test_rules_find_what_code_can_see() -> None:
    assert hits(ask, answer) == set()
    assert hits(ask, call(1), call(2), call(3), answer) == {"retry_storm"}
    long = "x" * 300
    assert hits(ask, call(1, long + "1"), call(2, long + "2"), call(3, long + "3"), answer) == set()
    assert hits(ask, call(1, "a", True), call(2, "b"), call(3, "c", True), answer) == {"tool_error"}
    assert hits(ask, call(1, "a", True), call(2, "b", True), answer) == {"tool_error", "tool_cascade_fail"}
    assert hits(ask, event(AI, "a", 9, text="y", finish_reason="max_tokens")) == {"truncated"}
    assert hits(ask, event(AI, "a", 9, text="y", finish_reason="content_filter")) == {"content_filtered"}
    assert hits(ask, event(AI, "a", 9, is_error=True)) == {"api_error", "unanswered"}
    assert hits(event(USER, "a", text="x", interrupted=True), answer) == {"interrupted"}


def test_a_question_is_unanswered_once_the_session_is_closed_or_goes_on() -> None:
    second = event(USER, "second", 5000, trace_id="t2", text="and this?")
    assert hits(ask, answer, second, now_ms=T0 + 6000) == set()
    assert hits(ask, answer, second) == {"unanswered"}
    goodbye = [second, event(END, "end", 6000, trace_id="t2")]
    assert hits(ask, answer, *goodbye) == set() and hits(*goodbye) == {"unanswered"}
    third = event(AI, "late", 9000, trace_id="t3", text="hm")
    ignored = [ask, event(USER, "again", 100, trace_id="t2", text="hello?"), third]
    assert hits(*ignored, now_ms=T0 + 9001) == {"unanswered"}


def test_leaving_early_is_abandoned_and_asking_twice_is_repeated() -> None:
    end = event(END, "end", 2000, properties={"[Agent] Abandonment Turn": 1})
    assert hits(ask, answer, end) == {"abandoned"}
    stopped = event(AI, "stopped", 1000, text="I was about to", interrupted=True)
    assert hits(ask, stopped) == {"abandoned", "interrupted"}
    request = "please refund order 8812 at once"
    twice = [event(USER, f"u{n}", n, trace_id=f"t{n}", text=request) for n in (1, 2)]
    assert "repeated_request" in hits(*twice, answer)
    edits = [event(USER, f"u{n}", n, text=f"x{n}", properties={"[Agent] Is Edit": True}) for n in (1, 2)]
    assert hits(*edits, event(AI, "a", 9, text="y")) >= {"repeated_request"}


def test_facets_name_everything_a_filter_may_ask_for() -> None:
    asked = event(
        USER, "u", text="x", tags=("beta",), properties={"[Agent] Has Attachments": True},
        context={"repository": "shop", "branch": "main", "plan": "pro", "customer_org": "acme", "title": "T"},
    )  # fmt: skip
    replied = event(AI, "a", 9, text="y", model="m1", provider="p1", agent_id="helper", parent_agent_id="bot")
    recorded = Recorded((("task_completion", "True", True),), (("judge", "fail", False),), (("policy", "pass"),))
    made = derive("s", [asked, replied, call(1, failed=True)], SessionSettings(), MUCH_LATER, recorded)
    assert {
        ("agent", "bot"), ("agent", "helper"), ("user", "ada"), ("state", "closed"), ("close_reason", "timeout"),
        ("source", "test"), ("model", "m1"), ("provider", "p1"), ("tool", "grep"), ("failed_tool", "grep"),
        ("error", "TimeoutError"), ("error_category", "timeout"), ("rule", "tool_error"), ("tag", "beta"),
        ("repository", "shop"), ("branch", "main"), ("context.plan", "pro"), ("org", "acme"), ("has", "text"),
        ("has", "attachments"), ("signal.task_completion", "True"), ("signalpass.task_completion", "pass"),
        ("eval.judge", "fail"), ("evalpass.judge", "fail"), ("reviewed.policy", "pass"),
    } <= made.facets  # fmt: skip
    assert not any(key == "context.title" for key, _ in made.facets)
    assert made.row["title"] == "T" and made.row["quality_score"] == 1.0


def test_enrichments_of_a_sender_merge_key_by_key() -> None:
    def enrichment(name: str, at: int, given: dict[str, Any]) -> StoredEvent:
        return event(EventKind.SESSION_ENRICHMENT, name, at, properties={"[Agent] Enrichments": given})

    topics = {"topic_classifications": {"product_area": {"primary": "refunds"}}, "quality_score": 0.2}
    row = derived(ask, answer, enrichment("e2", 9000, {"quality_score": 0.9}), enrichment("e1", 8000, topics)).row
    assert (row["topic"], row["quality_score"], row["ended_ms"]) == ("refunds", 0.9, T0 + 1000)


@pytest.mark.parametrize(
    ("message", "is_prose", "expected", "category"),
    [
        ("Error code: 429 - slow down", True, "RateLimitError", "rate_limit"),
        ("429", False, "RateLimitError", "rate_limit"),
        ("found 429 matches in 503 files", True, "Error", "unknown"),
        ("The read operation timed out", True, "TimeoutError", "timeout"),
        ("HTTP 401 Unauthorized", True, "AuthError", "auth"),
        ("status 503", True, "UpstreamError", "upstream"),
        ("prompt is too long: 210000 tokens", False, "ContextLengthError", "context_length"),
        (None, False, "Error", "unknown"),
    ],
)
def test_error_types_are_read_off_messages(message: str | None, is_prose: bool, expected: str, category: str) -> None:
    assert error_type_of(message, is_prose) == expected
    assert category_of(expected) == category


_KINDS = st.sampled_from(
    [USER, AI, TOOL, SPAN, END, EventKind.SCORE, EventKind.EMBEDDING, EventKind.SESSION_ENRICHMENT]
)
_EVENTS = st.lists(
    st.builds(
        dict,
        kind=_KINDS,
        at=st.none() | st.integers(0, 50) | st.integers(0, 100 * HOUR_MS),
        trace_id=st.sampled_from([None, "t1", "t2", "t3"]),
        turn_id=st.none() | st.integers(1, 5),
        latency_ms=st.none() | st.integers(0, 5000),
        agent_id=st.sampled_from([None, "bot", "helper"]),
        parent_agent_id=st.sampled_from([None, None, "bot"]),
        parent_id=st.none() | st.sampled_from([f"e{n}" for n in range(9)]),
        text=st.sampled_from([None, "hello there, my friend", "x"]),
        is_error=st.booleans(),
        interrupted=st.booleans(),
        name=st.sampled_from([None, "grep", "Task"]),
        tool_type=st.sampled_from([None, "flow"]),
        seq=st.integers(0, 5),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(_EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(given_events: list[dict[str, Any]], random: Any) -> None:
    events = []
    for number, values in enumerate(given_events):
        made = dict(values)
        kind, at = made.pop("kind"), made.pop("at")
        one = event(kind, f"e{number}", at, **made)
        events.append(replace(one, id=one.id + number))
    whole = derived(*events)
    shuffled = list(events)
    random.shuffle(shuffled)
    again = derived(*shuffled)
    assert (again.row, again.turns, again.places, again.facets) == (whole.row, whole.turns, whole.places, whole.facets)
    assert again.contribution == whole.contribution
    assert sorted(place[1] for place in whole.places.values()) == list(range(len(events)))
    assert [turn["no"] for turn in whole.turns] == list(range(1, whole.row["turns"] + 1))
    for key in ("messages", "model_calls", "tool_calls", "tool_errors"):
        assert sum(turn[key] for turn in whole.turns) <= whole.row[key]
