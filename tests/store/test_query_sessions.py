"""The session list's rows, excerpts, resolving and values, and one session's detail and texts, on real stores."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.model.filter import Sort, parse_filter
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Ambiguous, Cancelled, NotFound
from tests.builders import NOW_MS, event, session, workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path)
    yield made
    made.store.close()


def test_a_row_says_what_is_known_and_leaves_the_rest_unknown(ws: Workspace) -> None:
    made = session(
        ws, "ticket-1", agent="bot", agents=("helper",), cost=0.5, rules=("retry_storm",), turns=3,
        signals={"task_completion": ("False", False)}, info={"repository": "acme/shop", "branch": "main"},
    )  # fmt: skip
    session(ws, "ticket-2", at=NOW_MS - 5, cost=None, user=None, duration_ms=None)
    newest, first = ws.sessions.first_page(parse_filter(""))
    assert (newest.key, newest.cost_nano, newest.user, newest.duration_ms, newest.signals) == (
        "ticket-2", None, None, None, (),
    )  # fmt: skip
    assert first.id == made.id
    assert (first.agents, first.rules, first.cost_nano) == (("bot", "helper"), ("retry_storm",), 500_000_000)
    assert first.signals == (("task_completion", "False", False),)
    assert (first.repository, first.branch, first.cwd) == ("acme/shop", "main", None)
    assert ws.sessions.rows([made.id, 12345]) == {made.id: first}


def test_resolving_a_session(ws: Workspace) -> None:
    made = session(ws, "ticket-88213")
    session(ws, "ticket-88240")
    assert ws.sessions.resolve("ticket-88213") == made.id
    assert ws.sessions.resolve(f" {made.id} ") == made.id
    assert ws.sessions.resolve("ticket-8821") == made.id
    with pytest.raises(Ambiguous, match="ticket-88240"):
        ws.sessions.resolve("ticket")
    for text in ("nope", "", "1"):
        with pytest.raises(NotFound):
            ws.sessions.resolve(text)


def test_values_to_filter_by(ws: Workspace) -> None:
    for n in range(3):
        session(ws, f"a{n}", agent="billing", context={"plan": "pro"})
    session(ws, "b", agent="Big-coder")
    assert [(v.value, v.sessions) for v in ws.sessions.facet_values("agents")] == [("billing", 3), ("Big-coder", 1)]
    assert [v.value for v in ws.sessions.facet_values("agent", "big")] == ["Big-coder"]
    assert [v.value for v in ws.sessions.facet_values("agent", "C")] == ["Big-coder"]
    assert [v.value for v in ws.sessions.facet_values("context.plan", "p")] == ["pro"]
    assert len(ws.sessions.facet_values("agent", limit=1)) == 1


def test_a_filter_to_nothing_names_what_excludes(ws: Workspace) -> None:
    for n in range(4):
        session(ws, f"s{n}", agent="billing", turns=n)
    parts = ws.sessions.explain_nothing(parse_filter("agent:billing turns>100"))
    assert [(p.text, p.alone, p.without) for p in parts] == [("agent:billing", 4, 0), ("turns>100", 0, 4)]


def test_an_excerpt_shows_the_words_with_their_turn(ws: Workspace) -> None:
    made = session(ws, "s", text="x")
    event(ws, made, EventKind.USER_MESSAGE, 0, turn=1, parts={"text": "hello there"})
    long = "padding " * 40 + "the bank says the\nCharge back of Zoë was rejected " + "padding " * 80
    event(ws, made, EventKind.AI_RESPONSE, 1, turn=2, parts={"text": long})
    found = ws.sessions.excerpt(parse_filter('"charge back" zoe agent:x'), made.id)
    assert found is not None
    assert found.turn_no == 2
    assert [found.text[a:b] for a, b in found.hits] == ["Charge back", "Zoë"]
    assert len(found.text) < 300
    assert ws.sessions.excerpt(parse_filter("missing"), made.id) is None
    assert ws.sessions.excerpt(parse_filter("agent:x"), made.id) is None
    prefix = ws.sessions.excerpt(parse_filter("char*"), made.id)
    assert prefix is not None and prefix.hits


def test_detail_has_steps_in_order_turns_marks_and_results(ws: Workspace) -> None:
    made = session(ws, "s", agent="bot", signals={"user_friction": ("True", False)})
    event(ws, made, EventKind.AI_RESPONSE, 1, properties='{"[Agent] Was Copied": true, "x": 1}', cost_nano=9)
    event(ws, made, EventKind.USER_MESSAGE, 0, head="hi", properties='{"[Agent] Message Source": "machine"}')
    detail = ws.sessions.detail(made.id)
    assert [s.kind for s in detail.steps] == [EventKind.USER_MESSAGE, EventKind.AI_RESPONSE]
    assert [s.marks for s in detail.steps] == [("machine",), ("copied",)]
    assert [(r.check, r.kind, r.value, r.passed) for r in detail.results] == [
        ("user_friction", "signal", "True", False)
    ]
    assert detail.row.key == "s"
    with pytest.raises(NotFound):
        ws.sessions.detail(7)


def test_beginning_is_the_row_and_the_first_steps_in_order(ws: Workspace) -> None:
    made = session(ws, "s", agent="bot")
    for position in (3, 0, 2, 1):
        event(ws, made, EventKind.USER_MESSAGE, position, head=f"number {position}")
    found = ws.sessions.beginning(made.id, steps=3)
    assert found.row == ws.sessions.detail(made.id).row
    assert [step.head for step in found.steps] == ["number 0", "number 1", "number 2"]
    with pytest.raises(NotFound):
        ws.sessions.beginning(7)


def test_costs_are_measured_by_agent_and_shared_out_to_tools(ws: Workspace) -> None:
    made = session(ws, "s")
    ai, tool = EventKind.AI_RESPONSE, EventKind.TOOL_CALL
    event(ws, made, ai, 0, agent_id="root", cost_nano=101)
    event(ws, made, tool, 1, agent_id="root", name="search")
    event(ws, made, tool, 2, agent_id="root", name="task", is_error=1)
    child = event(ws, made, ai, 3, agent_id="child", cost_nano=40)
    event(ws, made, tool, 4, agent_id="child", name="search", parent_event=child)
    event(ws, made, ai, 5, agent_id="root", cost_nano=1000)
    event(ws, made, tool, 6, agent_id="other", name="orphan")
    detail = ws.sessions.detail(made.id)
    assert [(s.name, s.calls, s.cost_nano, s.allocated) for s in detail.by_agent] == [
        ("root", 2, 1101, False), ("child", 1, 40, False),
    ]  # fmt: skip
    assert [(s.name, s.calls, s.errors, s.cost_nano, s.allocated) for s in detail.by_tool] == [
        ("search", 2, 0, 51 + 40, True), ("task", 1, 1, 50, True), ("orphan", 1, 0, None, True),
    ]  # fmt: skip


def test_texts_come_bounded_and_whole(ws: Workspace) -> None:
    made = session(ws, "s")
    one = event(ws, made, EventKind.TOOL_CALL, 0, parts={"input": "in", "output": "o" * 50})
    two = event(ws, made, EventKind.USER_MESSAGE, 1, parts={"text": "hello"})
    found = ws.sessions.texts(made.id, [one, two, 99], limit=10)
    assert [(t.part, len(t.text), t.size) for t in found[one]] == [("input", 2, 2), ("output", 10, 50)]
    assert [t.text for t in found[two]] == ["hello"]
    assert ws.sessions.text(made.id, one, "output") == "o" * 50
    with pytest.raises(NotFound):
        ws.sessions.text(made.id, two, "output")


def test_finding_in_a_thread_goes_by_position_and_any_case(ws: Workspace) -> None:
    made = session(ws, "s")
    later = event(ws, made, EventKind.AI_RESPONSE, 2, parts={"text": "No Refund. refund!"})
    first = event(ws, made, EventKind.TOOL_CALL, 1, parts={"output": "größe REFUND", "input": "refund?"})
    hits = ws.sessions.find(made.id, "Refund")
    assert [(h.event_id, h.part, h.start) for h in hits] == [
        (first, "input", 0), (first, "output", 6), (later, "text", 3), (later, "text", 11),
    ]  # fmt: skip
    assert all(h.length == 6 for h in hits)
    assert ws.sessions.find(made.id, "") == []
    assert ws.sessions.find(made.id, "absent") == []
    assert [h.start for h in ws.sessions.find(made.id, "GRÖSSE")] == [] and ws.sessions.find(made.id, "Größe")


def test_a_cancelled_read_stops(ws: Workspace) -> None:
    session(ws, "s")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        ws.sessions.ids(parse_filter(""), Sort(), token)


def test_opening_a_session_of_5000_messages_reads_none_of_its_large_outputs(ws: Workspace) -> None:
    from aa_tui.backend.store import contents, facts

    made = session(ws, "big")
    base = dict.fromkeys(facts.EVENT_COLUMNS)
    base |= {"fingerprint": 0, "event_type": "", "source": "t", "mapper_version": 1, "time_quality": "exact"}
    base |= {"received_ms": 0, "from_agent": 0, "cost_estimated": 0, "is_error": 0, "interrupted": 0, "text_size": 9}
    base |= {"depth": 0, "properties": '{"[Agent] Runtime":"python","[Agent] SDK Version":"1.21.0"}', "head": "x" * 200}
    events = [
        {**base, "id": n + 1, "insert_id": f"i{n}", "kind": n % 3 + 1, "seq": n,
         "turn_no": n // 5, "position": n, "time_ms": n, "agent_id": "bot", "cost_nano": 5}
        for n in range(5050)
    ]  # fmt: skip
    with ws.store.write() as tx:
        facts.insert_events(tx, [(1, made.id, *(row[name] for name in facts.EVENT_COLUMNS)) for row in events])
        packed = contents.pack({"output": "z" * 1_000_000}, "x" * 200)
        contents.insert(tx, [(1, made.id, n + 1, *packed) for n in range(50)])
    tracemalloc.start()
    try:
        assert len(ws.sessions.detail(made.id).steps) == 5050
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Fifty outputs of a megabyte would not fit: opening must not read them. Its speed is measured in benchmarks.
    assert peak < 40_000_000, peak
