"""Events into the store: any order and any split give the same store; repeats, growth, closing, results, rebuilding."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aa_tui.backend.ingest.closing import close_due
from aa_tui.backend.ingest.rebuild import rebuild_rollups, rebuild_search
from aa_tui.backend.ingest.writer import Incoming, Writer, suppress_hash
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult, Part, TimeQuality
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.ids import first_session_id, session_moment
from tests.builders import NOW_MS, workspace
from tests.ingest_state import contents_of, dangling, state

WIRE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "amplitude_sdk_wire"
LATER_MS = 1_796_000_000_000
"""After everything that was recorded on the wire."""


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=LATER_MS)
    yield made
    made.store.close()


def wire(*numbers: str) -> list[AgentEvent]:
    """Return the events of recorded scenarios."""
    if not WIRE.exists():
        pytest.skip("shared data absent")
    found: list[AgentEvent] = []
    for number in numbers:
        path = next(WIRE.glob(f"{number}_*.json"))
        found += [item for item in AMPLITUDE.read(path, ReadOptions()) if isinstance(item, AgentEvent)]
    return found


def put(ws: Workspace, events: Sequence[AgentEvent], *, replace: bool = True, version: int = 1) -> Any:
    """Write events in one go and return what was added."""
    writer = Writer(ws.store, ws.project.id, ws.clock, replace=replace)
    return writer.write([Incoming(event, "amplitude", version) for event in events]).get(0)


def session(ws: Workspace, key: str) -> dict[str, Any]:
    """Return a session's row."""
    names = (
        "id, agent, state, close_reason, close_due_ms, revision, turns, messages, user_messages, model_calls, "
        "tool_calls, tool_errors, errors, total_tokens, cost_nano, agents, rules, warnings, user_score, title, "
        "quality_score, time_quality, started_ms, sort_at"
    )
    with ws.store.reader() as reader:
        row = reader.one(f"SELECT {names} FROM session WHERE key=:k", {"k": key})
    assert row is not None
    return dict(zip(names.split(", "), row, strict=True))


def test_the_two_turn_session_has_its_documented_sums(ws: Workspace) -> None:
    put(ws, wire("01"))
    row = session(ws, "ticket-88213")
    assert (row["turns"], row["total_tokens"], row["cost_nano"], row["errors"]) == (2, 2288, 5_495_000, 2)
    assert (row["state"], row["close_reason"], row["revision"]) == ("closed", "explicit_close", 1)
    assert row["rules"].split() == ["tool_cascade_fail", "tool_error"]
    assert dangling(ws.store) == {}


def test_a_span_tree_has_one_parent_with_two_children(ws: Workspace) -> None:
    put(ws, wire("02"))
    assert session(ws, "thread-551")["turns"] == 1
    with ws.store.reader() as reader:
        children = reader.fetch(
            "SELECT c.name, c.depth, p.name FROM event c JOIN event p ON p.session_id=c.session_id "
            "AND p.id=c.parent_event WHERE c.kind=:k AND p.kind=:k ORDER BY c.name",
            {"k": int(EventKind.SPAN)},
        )
    assert children == [("rerank", 1, "rag_pipeline"), ("vector_search", 1, "rag_pipeline")]


def test_a_delegation_is_one_turn_with_one_human_message(ws: Workspace) -> None:
    put(ws, wire("05"))
    row = session(ws, "chat-777")
    assert json.loads(row["agents"]) == ["shopping-agent", "recipe-agent"]
    assert (row["turns"], row["user_messages"]) == (1, 1)


def test_scores_are_ratings_once_a_value_exceeds_one(ws: Workspace) -> None:
    put(ws, wire("04"))
    row = session(ws, "ticket-90001")
    assert row["user_score"] == pytest.approx((1 + 0 + 0.75 + 1) / 4)
    assert row["state"] == "closed" and row["close_reason"] == "timeout"


def test_without_a_trace_there_is_one_turn_and_an_unpriced_model_has_no_cost(ws: Workspace) -> None:
    put(ws, wire("13"))
    row = session(ws, "min-1")
    assert (row["turns"], row["cost_nano"]) == (1, None)
    assert "missing_trace_id" in row["warnings"].split()


def test_an_end_per_request_is_one_session_closed_once(ws: Workspace) -> None:
    put(ws, wire("17"))
    row = session(ws, "thread-http-1")
    assert (row["turns"], row["state"], row["revision"]) == (3, "closed", 1)
    assert "several_session_ends" in row["warnings"].split()


def test_a_repeated_turn_id_orders_by_time(ws: Workspace) -> None:
    put(ws, wire("19"))
    assert "duplicate_turn_id" in session(ws, "dec-1")["warnings"].split()
    with ws.store.reader() as reader:
        order = [row[0] for row in reader.fetch("SELECT kind FROM event ORDER BY position")]
    assert order[0] == EventKind.USER_MESSAGE and order[-1] == EventKind.SESSION_END


def test_writing_twice_changes_nothing(ws: Workspace) -> None:
    events = wire("01", "02", "04", "05", "17")
    put(ws, copy.deepcopy(events))
    before = state(ws.store)
    again = put(ws, copy.deepcopy(events))
    assert (again.events, again.duplicates, again.sessions) == (0, len(events), 0)
    assert state(ws.store) == before


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_any_split_give_the_same_store(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    events = wire("01", "02", "04", "05", "06", "13", "17", "19")
    whole = workspace(tmp_path_factory.mktemp("whole"), now_ms=LATER_MS)
    put(whole, copy.deepcopy(events))
    shuffled = data.draw(st.permutations(events))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    parts = workspace(tmp_path_factory.mktemp("parts"), now_ms=LATER_MS)
    for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        put(parts, copy.deepcopy(shuffled[start:end]))
    assert state(parts.store) == state(whole.store)
    assert dangling(parts.store) == {}
    whole.store.close()
    parts.store.close()


def test_a_rebuild_finds_what_was_kept_up_to_date(ws: Workspace) -> None:
    events = wire("01", "02", "04", "05", "06", "17", "19")
    for event in events:
        put(ws, [event])
    before = state(ws.store)
    assert rebuild_rollups(ws.store, ws.project.id, ws.clock) == 7
    assert rebuild_search(ws.store) == 7
    assert state(ws.store) == before


def message(key: str, number: int, at: int | None, text: str, **changes: Any) -> AgentEvent:
    """Return a user message (odd numbers) or an answer (even ones)."""
    kind = EventKind.USER_MESSAGE if number % 2 else EventKind.AI_RESPONSE
    values: dict[str, Any] = {
        "session_key": key,
        "user_id": "ada",
        "time_ms": at,
        "seq": number,
        "trace_id": f"t{(number + 1) // 2}",
        "agent_id": "bot",
        "span_id": f"{key}-{number}",
        "text": text,
    }
    return AgentEvent(kind, f"{key}:{number}", **{**values, **changes})


def search(ws: Workspace, word: str) -> list[str]:
    """Return the keys of the sessions whose document has a word."""
    with ws.store.reader() as reader:
        rows = reader.fetch(
            "SELECT s.key FROM session_fts f JOIN session s ON s.id=f.rowid WHERE session_fts MATCH :w ORDER BY 1",
            {"w": word},
        )
    return [row[0] for row in rows]


@pytest.mark.parametrize("longer_first", [False, True])
def test_a_longer_version_replaces_whichever_comes_first(ws: Workspace, longer_first: bool) -> None:
    short = [message("s", 1, NOW_MS, "hello"), message("s", 2, NOW_MS + 5, "partly", output_tokens=3)]
    long = [
        message("s", 1, NOW_MS, "hello"),
        message("s", 2, NOW_MS + 900, "partly and wholly", output_tokens=9),
        message("s", 3, NOW_MS + 1000, "thanks"),
    ]
    for events in (long, short) if longer_first else (short, long):
        put(ws, copy.deepcopy(events))
    row = session(ws, "s")
    assert (row["turns"], row["messages"]) == (2, 3)
    assert search(ws, "wholly") == ["s"]
    with ws.store.reader() as reader:
        assert "partly and wholly" in [text for _, _, text in contents_of(reader)]
        assert reader.one("SELECT SUM(output_tokens) FROM rollup_session GROUP BY level") == (9,)
        assert reader.one("SELECT SUM(agent_events) FROM user_day") == (3,)


def test_the_first_version_stays_where_events_are_final(ws: Workspace) -> None:
    put(ws, [message("s", 1, NOW_MS, "hello")], replace=False)
    added = put(ws, [message("s", 1, NOW_MS, "hello, longer")], replace=False)
    assert (added.events, added.duplicates) == (0, 1)
    assert search(ws, "longer") == []


def test_words_of_a_replaced_text_are_no_longer_found(ws: Workspace) -> None:
    put(ws, [message("s", 1, NOW_MS, "aardvark")])
    put(ws, [message("s", 1, NOW_MS, "zebra and lion")], version=2)
    assert search(ws, "aardvark") == [] and search(ws, "zebra") == ["s"]


def test_an_open_session_closes_when_its_time_has_come(tmp_path: Path) -> None:
    clock = FrozenClock(NOW_MS)
    ws = workspace(tmp_path, now_ms=NOW_MS)
    ws.clock = clock
    put(ws, [message("s", 1, NOW_MS - 60_000, "hello"), message("s", 2, NOW_MS - 50_000, "yes?")])
    row = session(ws, "s")
    assert (row["state"], row["revision"], row["close_due_ms"]) == ("open", 0, NOW_MS - 50_000 + 30 * 60_000)
    assert close_due(ws.store, 1, clock) == 0
    clock.advance(30 * 60_000)
    assert close_due(ws.store, 1, clock) == 1
    assert (session(ws, "s")["state"], session(ws, "s")["revision"]) == ("closed", 1)
    put(ws, [message("s", 3, clock.now_ms() - 1000, "are you there?")])
    assert (session(ws, "s")["state"], session(ws, "s")["revision"]) == ("open", 1)
    clock.advance(3_600_000)
    assert close_due(ws.store, 1, clock) == 1
    row = session(ws, "s")
    assert (row["state"], row["revision"], "unanswered" in row["rules"]) == ("closed", 2, True)
    before = state(ws.store)
    rebuild_rollups(ws.store, 1, clock)
    assert state(ws.store) == before
    with ws.store.reader() as reader:
        assert reader.fetch("SELECT revision, close_reason FROM session_revision ORDER BY 1") == [
            (1, "timeout"),
            (2, "timeout"),
        ]
    ws.store.close()


def test_a_score_after_the_close_does_not_open_again(ws: Workspace) -> None:
    put(ws, [message("s", 1, NOW_MS, "hi"), message("s", 2, NOW_MS + 1, "hello")])
    score = AgentEvent(
        EventKind.SCORE, "score", session_key="s", user_id="ada", time_ms=NOW_MS + 86_400_000, score_value=0.0,
        name="thumbs", score_source="user", target_id="s-2",
    )  # fmt: skip
    put(ws, [score])
    row = session(ws, "s")
    assert (row["state"], row["revision"], row["user_score"], row["turns"]) == ("closed", 1, 0.0, 1)
    with ws.store.reader() as reader:
        assert reader.one("SELECT turn_no, depth FROM event WHERE insert_id='score'") == (1, 1)
        assert reader.one("SELECT sessions FROM facet WHERE key='feedback' AND value='negative'") == (1,)


def test_a_rating_seen_later_changes_earlier_scores(ws: Workspace) -> None:
    def rated(key: str, value: float) -> list[AgentEvent]:
        score = AgentEvent(
            EventKind.SCORE, f"{key}-score", session_key=key, user_id="ada", time_ms=NOW_MS + 9, name="stars",
            score_value=value, score_source="user",
        )  # fmt: skip
        return [message(key, 1, NOW_MS, "hi"), score]

    put(ws, rated("one", 1))
    assert session(ws, "one")["user_score"] == 1
    put(ws, rated("five", 5))
    assert (session(ws, "one")["user_score"], session(ws, "five")["user_score"]) == (0, 1)
    before = state(ws.store)
    rebuild_rollups(ws.store, 1, ws.clock)
    assert state(ws.store) == before


def test_sessions_without_times_are_kept_in_order_and_out_of_time_charts(ws: Workspace) -> None:
    events = [message("s", n, None, f"message number {n}", time_quality=TimeQuality.ORDER_ONLY) for n in range(1, 200)]
    put(ws, events[100:])
    put(ws, events[:100])
    row = session(ws, "s")
    assert (row["time_quality"], row["started_ms"], row["sort_at"]) == ("order_only", None, LATER_MS)
    assert (row["turns"], row["state"]) == (100, "closed")
    with ws.store.reader() as reader:
        order = [r[0] for r in reader.fetch("SELECT seq FROM event ORDER BY position")]
        assert order == list(range(1, 200))
        assert reader.one("SELECT COUNT(*) FROM rollup_session") == (0,)


def test_sessions_of_one_moment_get_ids_of_their_own(ws: Workspace) -> None:
    with ws.store.write(durable=True) as tx:
        tx.execute(
            "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
            "VALUES (7, 'other', 'other', 'UTC', 0, '{}', 1, 0)"
        )
    for owner, prefix in ((ws.project.id, "a"), (7, "b")):
        writer = Writer(ws.store, owner, ws.clock)
        for part in range(3):
            events = [
                AgentEvent(
                    EventKind.USER_MESSAGE, f"{prefix}-{part}-{n}", session_key=f"{prefix}-{part}-{n}",
                    time_ms=NOW_MS + n % 2, text=f"word{prefix}{part}{n}",
                )
                for n in range(300)
            ]  # fmt: skip
            writer.write([Incoming(event, "amplitude", 1) for event in events])
    with ws.store.reader() as reader:
        rows = reader.fetch("SELECT id FROM session ORDER BY id")
        found = reader.fetch("SELECT rowid FROM session_fts WHERE session_fts MATCH 'wordb2299'")
        (id_,) = reader.fetch("SELECT id FROM session WHERE key='b-2-299'")[0]
    assert len({row[0] for row in rows}) == 1800
    assert rows[0][0] == first_session_id(NOW_MS)
    assert session_moment(rows[-1][0]) - NOW_MS < 2 * 1800 * 256
    assert found == [(id_,)]
    assert dangling(ws.store) == {}


def test_product_events_make_people_and_days_but_no_session(tmp_path: Path) -> None:
    ws = workspace(tmp_path, zone="Pacific/Auckland", now_ms=LATER_MS)
    late_evening_utc = 1_790_000_000_000 - 1_790_000_000_000 % 86_400_000 + 23 * 3_600_000
    events = [
        AgentEvent(EventKind.PRODUCT, "p1", "purchase", user_id="ada", time_ms=late_evening_utc, properties={"sum": 3}),
        AgentEvent(EventKind.IDENTIFY, "i2", user_id="ada", time_ms=50, user_properties={"plan": "pro"}),
        AgentEvent(EventKind.IDENTIFY, "i1", user_id="ada", time_ms=20, user_properties={"plan": "free", "age": 7}),
    ]
    for event in (events[0], events[1], events[2]):
        put(ws, [event])
    with ws.store.reader() as reader:
        assert reader.one("SELECT COUNT(*) FROM session") == (0,)
        assert reader.fetch("SELECT day, agent_events, product_events FROM user_day") == [
            (late_evening_utc // 86_400_000 + 1, 0, 1)
        ]
        row = reader.one("SELECT first_ms, last_ms, properties FROM person WHERE user_id='ada'")
    assert row is not None and row[:2] == (20, late_evening_utc)
    properties = json.loads(row[2])
    assert (properties["plan"], properties["age"]) == ("pro", 7)
    ws.store.close()


def test_what_was_forgotten_does_not_come_back(ws: Workspace) -> None:
    with ws.store.write() as tx:
        for kind, value in (("user", "ada"), ("session", "gone")):
            tx.execute(
                "INSERT INTO suppress(project_id, kind, value_hash, at_ms, actor) VALUES (1, :k, :h, 0, 'x')",
                {"k": kind, "h": suppress_hash(value)},
            )
    put(ws, [message("s", 1, NOW_MS, "mine"), message("gone", 1, NOW_MS, "theirs", user_id="bob")])
    put(ws, [message("kept", 1, NOW_MS, "fine", user_id="bob")])
    assert [row[0] for row in state(ws.store)["session"]] == ["kept"]


def test_hostile_text_is_stored_raw_but_for_what_no_store_can_hold(ws: Workspace) -> None:
    text = "a\x00b \ud800 \x1b]52;c;eA==\x07 [red]x[/red] \u202e"
    event = message("s\x00", 1, NOW_MS, text, properties={"odd\x00": ["\udfff", {"k": "\x00"}]}, name="n\x00")
    event.parts[Part.OUTPUT] = "\x00"
    put(ws, [event])
    with ws.store.reader() as reader:
        assert [(part, text) for _, part, text in contents_of(reader)] == [
            ("output", "\u2400"),
            ("text", "a\u2400b \ufffd \x1b]52;c;eA==\x07 [red]x[/red] \u202e"),
        ]
        properties = reader.one("SELECT properties FROM event")
    assert properties is not None
    assert json.loads(properties[0]) == {"odd\u2400": ["\ufffd", {"k": "\u2400"}]}


def test_outcomes_wait_for_their_session_and_survive_new_events(ws: Workspace) -> None:
    outcomes = [
        ImportedLabel("s", "refund_policy", "pass", "sheet", reviewer="dana", at_ms=NOW_MS),
        ImportedResult("s", "signal:task_completion", "task_completion", "False", False, "no refund", model="m"),
        ImportedResult("s", "policy judge", "refund_policy", "fail", False, "wrong", model="m", at_ms=NOW_MS),
    ]
    writer = Writer(ws.store, 1, ws.clock)
    writer.write([], (), outcomes)
    assert writer.unresolved == outcomes
    writer.write([Incoming(message("s", 1, NOW_MS, "refund please"), "x", 1)], (), writer.unresolved)
    for _ in range(2):
        writer.write([Incoming(message("s", 2, NOW_MS + 9, "no"), "x", 1)], (), outcomes)
    facets = {(row[0], row[1]) for row in state(ws.store)["facet"]}
    assert {
        ("signal.task_completion", "False"),
        ("signalpass.task_completion", "fail"),
        ("eval.policy judge", "fail"),
        ("evalpass.policy judge", "fail"),
        ("reviewed.refund_policy", "pass"),
    } <= facets
    assert session(ws, "s")["quality_score"] == 0.0
    with ws.store.reader() as reader:
        assert reader.fetch("SELECT signal, value, passed, current FROM signal_result WHERE method='llm'") == [
            ("task_completion", "False", 0, 1)
        ]
        assert reader.fetch("SELECT value, passed, run_id FROM result") == [("fail", 0, 0)]
        assert reader.fetch("SELECT reviewer, value, source, origin FROM answer") == [
            ("dana", "pass", "imported", "sheet")
        ]
    before = state(ws.store)
    rebuild_rollups(ws.store, 1, ws.clock)
    assert state(ws.store) == before


def test_another_writer_in_between_loses_nothing(ws: Workspace) -> None:
    first, second = Writer(ws.store, 1, ws.clock), Writer(ws.store, 1, ws.clock)
    for number in range(1, 9):
        writer = first if number % 2 else second
        event = message("s", number, NOW_MS + number, f"text {number}")
        writer.write([Incoming(copy.deepcopy(event), "x", 1)])
        counts = (second if number % 2 else first).write([Incoming(event, "x", 1)])
        assert (counts[0].events, counts[0].duplicates) == (0, 1)
    assert session(ws, "s")["turns"] == 4
    assert dangling(ws.store) == {}


def test_what_was_said_to_be_absent_is_looked_up_once_somebody_wrote(ws: Workspace) -> None:
    one, other = message("s", 1, NOW_MS, "hello"), message("s", 2, NOW_MS + 900, "yes")
    with ws.store.reader() as reader:
        row = reader.one("SELECT data_version FROM project WHERE id=:p", {"p": ws.project.id})
    assert row is not None
    writer = Writer(ws.store, ws.project.id, ws.clock, replace=False)
    put(ws, [copy.deepcopy(one), message("t", 1, NOW_MS, "theirs")])
    writer.trust({one.insert_id, other.insert_id}, row[0])
    first = writer.write([Incoming(event, "amplitude", 1) for event in (one, other)])[0]
    assert (first.events, first.duplicates) == (1, 1)
    again = Writer(ws.store, ws.project.id, ws.clock, replace=False)
    again.trust({"nobody has this"}, row[0] + 2)
    assert again.write([Incoming(copy.deepcopy(other), "amplitude", 1)])[0].duplicates == 1
