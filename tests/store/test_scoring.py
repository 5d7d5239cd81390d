"""Scoring closed sessions against a loopback model server: consent, rounds, caps, faults, backfill."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.evaluator import Definition, Label, Method, OutputType, PassCriteria, Pattern, Target
from aa_tui.backend.model.scoring import Backfill, Cap, ModelUse
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.scoring import total_words
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Cancelled, Forbidden, UsageError
from tests.builders import NOW_MS, workspace
from tests.engine.model_server import MALFORMED, REFUSAL, ModelServer, status
from tests.postgres_server import Server, running
from tests.scoring_kit import HOUR, THANKS, batch_answer, choice, conversations, ids, put, rows, settings, talk

DEAR = {"input_price_nano": 1_000_000, "output_price_nano": 4_000_000}
"""A thousandth of a dollar per 1,000 tokens in, four out."""


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=batch_answer) as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with running() as started:
        yield started


def far(ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loopback server count as one that is elsewhere and is paid."""
    from aa_tui.backend.runs import backfill, estimate, lanes, roads

    for module in (roads, lanes, estimate, backfill):
        monkeypatch.setattr(module, "free", lambda _choice: False)


def evaluator(ws: Workspace, number: int, definition: Definition, **more: Any) -> None:
    """Create an active evaluator."""
    values = {"agents": "[]", "sampling": 1.0, "activated": NOW_MS, **more}
    with ws.store.write() as tx:
        tx.execute(
            "INSERT INTO evaluator(project_id, id, criterion_id, name, state, active_version, activated_ms, agents, "
            "sampling, created_ms) VALUES (1, :n, 1, :name, 'active', 1, :activated, :agents, :sampling, 0)",
            {"n": number, "name": f"check {number}", **values},
        )
        tx.execute(
            "INSERT INTO evaluator_version(project_id, evaluator_id, no, method, output_type, definition, created_ms) "
            "VALUES (1, :n, 1, :method, :output, :definition, 0)",
            {
                "n": number,
                "method": str(definition.method),
                "output": str(definition.output_type),
                "definition": json.dumps(definition.document()),
            },
        )


POLITE = Definition(
    OutputType.BINARY,
    prompt="Was the agent polite?",
    labels=(Label("true", "polite"), Label("false", "rude")),
    passing=PassCriteria(value=True),
)
PARCEL = Definition(
    OutputType.BINARY,
    Method.REGEX,
    patterns=(Pattern("parcel"),),
    target=Target.USER,
    passing=PassCriteria(value=True),
)


def test_nothing_is_called_before_somebody_agreed(ws: Workspace, server: ModelServer) -> None:
    conversations(ws, 3)
    ws.judges.set(choice(server.base_url))
    assert ws.scoring.run_pending().done == 0
    assert server.calls == 0
    found = ws.scoring.status()
    assert not found.on and found.why_not is not None and "nobody agreed" in found.why_not
    ws.scoring.offer()
    assert server.calls == server.listings == 0


def test_sessions_that_close_after_consent_are_scored_once(ws: Workspace, server: ModelServer) -> None:
    conversations(ws, 2)
    ws.clock.advance(1000)  # type: ignore[attr-defined]
    assert ws.scoring.turn_on(choice(server.base_url)).on
    conversations(ws, 5, first=10)
    report = ws.scoring.run_pending()
    assert (report.done, report.failed, report.left, report.local) == (5, 0, 0, True)
    assert server.calls == 5
    assert ws.scoring.run_pending().done == 0 and server.calls == 5
    said = rows(
        ws,
        "SELECT r.signal, r.value, r.passed, r.method, r.signal_version FROM signal_result r JOIN session s "
        "ON s.id=r.session_id WHERE s.key='s-10' AND r.method='llm' AND r.current=1 ORDER BY r.signal",
    )
    assert said == [
        ("negative_feedback", "False", 1, "llm", 1),
        ("request_complexity", "simple", None, "llm", 1),
        ("response_quality", "True", 1, "llm", 1),
        ("session_safety", "Normal", 1, "llm", 1),
        ("task_completion", "True", 1, "llm", 1),
        ("topic", "parcel tracking", None, "llm", 1),
        ("topic_summary", "The user asked where a parcel is.", None, "llm", 1),
        ("user_friction", "False", 1, "llm", 1),
        ("user_intent", "Information Request", None, "llm", 1),
    ]
    evidence = json.loads(
        rows(ws, "SELECT evidence FROM signal_result WHERE signal='task_completion' AND method='llm' LIMIT 1")[0][0]
    )
    assert evidence[0]["quote"] == THANKS and evidence[0]["found"] == 3 and evidence[0]["event"]
    work = ws.scoring.of_session(ids(ws)["s-10"])
    assert (work[0].state, work[0].calls, work[0].topic) == ("done", 1, "parcel tracking")
    assert "task_completion@1" in work[0].versions
    assert ws.scoring.of_session(ids(ws)["s-0"]) == ()
    assert sum(one.calls for one in ws.scoring.spent()) == 5


def test_consent_names_who_and_ends_with_another_model(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    consent = ws.scoring.status().consent
    assert consent is not None and consent.by == "tester" and consent.destinations[0].model == "mock"
    ws.judges.set(choice(server.base_url + "/other"))
    found = ws.scoring.status()
    assert not found.on and "agreed to another model" in (found.why_not or "")
    conversations(ws, 1)
    assert ws.scoring.run_pending().done == 0 and server.calls == 0
    assert ws.scoring.turn_off().consent is None
    assert rows(ws, "SELECT COUNT(*) FROM journal WHERE action LIKE 'turn model scoring%'") == [(2,)]


def test_only_an_admin_decides(ws: Workspace, server: ModelServer) -> None:
    member = Workspace(ws.store, ws.project, Actor("max", "manager"), ws.clock)
    for act in (
        lambda: member.scoring.turn_on(choice(server.base_url)),
        member.scoring.turn_off,
        lambda: member.scoring.set_cap(Cap(1, 1)),
        lambda: member.scoring.set_signal("session_outcome", True),
        lambda: member.scoring.set_model_use(ModelUse.OFF),
        lambda: member.scoring.backfill(Backfill(), []),
    ):
        with pytest.raises(Forbidden):
            act()
    assert settings(ws) == {}


def test_model_use_bounds_where_texts_go(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    conversations(ws, 1)
    ws.scoring.set_model_use(ModelUse.OFF)
    assert ws.scoring.run_pending().done == 0 and server.calls == 0
    assert "no models" in (ws.scoring.status().why_not or "")
    ws.scoring.set_model_use(ModelUse.LOCAL)
    assert ws.scoring.run_pending().done == 1
    with pytest.raises(UsageError, match="this machine only"):
        ws.scoring.turn_on(choice("https://llm.example.com/v1"))


def test_a_signal_that_is_off_is_not_asked(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    ws.scoring.set_signal("user_intent", False)
    ws.scoring.set_signal("session_outcome", True)
    with pytest.raises(UsageError, match="by code"):
        ws.scoring.set_signal("data_quality", False)
    conversations(ws, 1)
    ws.scoring.run_pending()
    asked = set(server.requests[0].body["response_format"]["json_schema"]["schema"]["properties"])
    assert "session_outcome" in asked and "user_intent" not in asked


def test_the_cap_holds_and_says_how_many_wait(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far(ws, server, monkeypatch)
    cap = Cap(60_000_000, 10_000)
    ws.scoring.turn_on(choice(server.base_url, **DEAR), cap)
    conversations(ws, 30)
    report = ws.scoring.run_pending()
    assert 0 < report.done < 30 and report.left == 30 - report.done
    spent = sum(one.cost_nano or 0 for one in ws.scoring.spent())
    assert 0 < spent <= cap.nano
    found = ws.scoring.status()
    assert found.spent_nano == spent, "nothing stays set aside"
    assert found.paused == f"The cap of today is reached; {30 - report.done} sessions wait."
    while ws.scoring.run_pending().done:
        assert ws.scoring.status().spent_nano <= cap.nano
    before = server.calls
    assert ws.scoring.run_pending().done == 0 and server.calls == before
    ws.scoring.set_cap(Cap(10**12, 10_000))
    assert ws.scoring.status().paused is None
    assert ws.scoring.run_pending().left == 0
    assert rows(ws, "SELECT COUNT(*) FROM scoring WHERE state='done'") == [(30,)]


def test_tokens_are_capped_where_no_price_is_known(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far(ws, server, monkeypatch)
    ws.scoring.turn_on(choice(server.base_url), Cap(10**12, 30_000))
    conversations(ws, 30)
    report = ws.scoring.run_pending()
    assert 0 < report.done < 30 and report.cost_nano is None
    assert ws.scoring.status().spent_tokens <= 30_000


def test_what_a_dead_program_set_aside_counts_as_spent(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.model.scoring import Destination, Purpose
    from aa_tui.backend.runs.ledger import Ledger

    far(ws, server, monkeypatch)
    cap = Cap(60_000_000, 0)

    def ledger() -> Ledger:
        to = Destination("compatible", server.base_url, "mock")
        return Ledger(ws.store, 1, "UTC", ws.clock, Purpose.SIGNALS, to, False, True, lambda: cap)

    died, lives = ledger(), ledger()
    assert died.reserve(0, 50_000_000)
    assert lives.reserve(0, 10_000_000)
    assert not lives.reserve(0, 1)
    ws.clock.advance(HOUR)  # type: ignore[attr-defined]
    assert not ledger().reserve(0, 1)
    assert rows(ws, "SELECT COUNT(*) FROM spending WHERE state='lost'") == [(2,)]
    assert ws.scoring.status().spent_nano == 60_000_000
    ws.clock.advance(24 * HOUR)  # type: ignore[attr-defined]
    assert ledger().reserve(0, 60_000_000)


def test_a_refusal_fails_for_good_and_keeps_what_was_written(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    server.always(REFUSAL)
    conversations(ws, 1)
    report = ws.scoring.run_pending()
    assert (report.done, report.failed) == (0, 1)
    work = ws.scoring.of_session(ids(ws)["s-0"])[0]
    assert (work.state, work.reason, work.due_ms) == ("failed", "refusal", None)
    assert ws.scoring.status().failed == 1
    assert not rows(ws, "SELECT 1 FROM signal_result WHERE method='llm' AND (value IS NOT NULL OR passed IS NOT NULL)")


def test_a_malformed_reply_is_no_verdict_and_is_kept(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    server.always(MALFORMED)
    conversations(ws, 1)
    assert ws.scoring.run_pending().failed == 1
    work = ws.scoring.of_session(ids(ws)["s-0"])[0]
    assert work.reason == "truncated" and "I think it passes" in (work.raw_reply or "")
    assert rows(ws, "SELECT COUNT(*) FROM signal_result WHERE method='llm' AND value IS NOT NULL") == [(0,)]


def test_a_server_that_is_down_is_tried_again_later_and_not_for_ever(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.judging.calling import CallPolicy
    from aa_tui.backend.runs import lanes

    quick = CallPolicy(hold=False, attempts=1)
    monkeypatch.setattr(lanes, "POLICY", quick)
    ws.scoring.turn_on(choice(server.base_url))
    server.always(status(503))
    conversations(ws, 1)
    for attempt in range(1, 5):
        report = ws.scoring.run_pending()
        assert report.failed == 1, attempt
        work = ws.scoring.of_session(ids(ws)["s-0"])[0]
        assert (work.state, work.reason, work.attempts) == ("failed", "unavailable", attempt)
        ws.clock.advance(2 * HOUR)  # type: ignore[attr-defined]
    assert work.due_ms is None
    calls = server.calls
    assert ws.scoring.run_pending().failed == 0 and server.calls == calls
    server.always(None)
    report = ws.scoring.backfill(Backfill(), list(ids(ws).values()))
    assert report.done == 1


def test_a_wrong_key_stops_the_round_and_costs_no_session_an_attempt(ws: Workspace, server: ModelServer) -> None:
    server.key = "right"
    ws.scoring.turn_on(choice(server.base_url))
    conversations(ws, 100)
    report = ws.scoring.run_pending()
    assert report.provider_fault and report.stopped and (report.done, report.failed, report.left) == (0, 0, 100)
    assert server.calls <= 3 + 8
    assert rows(ws, "SELECT DISTINCT state, attempts FROM scoring") == [("waiting", 0)]
    assert "wait" in (ws.scoring.status().paused or "")
    server.key = None
    assert ws.scoring.run_pending().done == 100
    assert ws.scoring.status().paused is None


def test_sessions_without_text_are_not_scored_and_say_so(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    events = talk("s-0", NOW_MS - HOUR)
    for one in events:
        one.text = None
    put(ws, events)
    ws.scoring.run_pending()
    assert server.calls == 0
    work = ws.scoring.of_session(ids(ws)["s-0"])[0]
    assert (work.state, work.reason) == ("not_scored", "no_text")
    assert rows(ws, "SELECT COUNT(*) FROM signal_result WHERE signal='data_quality' AND current=1") == [(1,)]


def test_a_new_close_is_scored_anew_and_the_older_result_kept(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    evaluator(ws, 7, PARCEL)
    put(ws, talk("s-0", NOW_MS - 5 * HOUR))
    ws.scoring.run_pending()
    put(ws, talk("s-0", NOW_MS - 4 * HOUR, more=("And the other one?",)))
    ws.scoring.run_pending()
    said = "SELECT revision, current FROM signal_result WHERE signal='task_completion' ORDER BY revision"
    assert rows(ws, said) == [(1, 0), (2, 1)]
    assert rows(ws, "SELECT session_revision, current, passed FROM result ORDER BY session_revision") == [
        (1, 0, 1),
        (2, 1, 1),
    ]
    assert server.calls == 2


def test_active_evaluators_of_both_kinds(ws: Workspace, server: ModelServer) -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        schema = body["response_format"]["json_schema"]["schema"]
        if "task_completion" in schema["properties"]:
            return batch_answer(body)
        return {"detected": True, "rationale": "friendly", "evidence": [{"quote": THANKS, "turn": 3}]}

    server.answer = answer
    put(ws, talk("old", NOW_MS - 6 * HOUR))
    ws.clock.advance(1000)  # type: ignore[attr-defined]
    ws.scoring.turn_on(choice(server.base_url))
    now = ws.clock.now_ms()
    evaluator(ws, 7, POLITE, activated=now)
    evaluator(ws, 8, PARCEL, activated=now, agents='["other-bot"]')
    evaluator(ws, 9, PARCEL, activated=now)
    put(ws, talk("s-0", NOW_MS - 5 * HOUR))
    report = ws.scoring.run_pending()
    assert report.done == 3 and server.calls == 2
    found = rows(
        ws, "SELECT evaluator_id, value, passed, method, evaluator_version, model FROM result ORDER BY evaluator_id"
    )
    assert found == [(7, "True", 1, "llm", 1, "mock"), (9, "True", 1, "regex", 1, found[1][5])]
    assert ("evalpass.check 7", "pass") in rows(ws, "SELECT key, value FROM facet")
    assert rows(ws, "SELECT COUNT(*) FROM result r JOIN session s ON s.id=r.session_id WHERE s.key='old'") == [(0,)]


def test_code_evaluators_need_no_model(ws: Workspace) -> None:
    evaluator(ws, 9, PARCEL)
    put(ws, talk("s-0", NOW_MS - 5 * HOUR))
    assert ws.scoring.run_pending().done == 1
    assert rows(ws, "SELECT value, passed FROM result") == [("True", 1)]


def test_a_sample_is_the_same_sessions_every_time(ws: Workspace) -> None:
    evaluator(ws, 9, PARCEL, sampling=0.4)
    conversations(ws, 60)
    ws.scoring.run_pending()
    first = rows(ws, "SELECT session_id FROM result ORDER BY session_id")
    assert 10 < len(first) < 40
    with ws.store.write() as tx:
        tx.execute("DELETE FROM result")
        tx.execute("DELETE FROM scoring")
        tx.execute("DELETE FROM meta WHERE key LIKE 'scoring%'")
    ws.scoring.run_pending()
    assert rows(ws, "SELECT session_id FROM result ORDER BY session_id") == first


def test_an_evaluators_own_model_needs_its_own_consent(ws: Workspace, server: ModelServer) -> None:
    from dataclasses import replace

    own = choice(server.base_url)
    with ModelServer(answer=batch_answer) as judge:
        ws.scoring.turn_on(choice(judge.base_url))
        evaluator(ws, 7, replace(POLITE, model=own))
        put(ws, talk("s-0", NOW_MS - HOUR))
        ws.scoring.run_pending()
        assert (judge.calls, server.calls) == (1, 0)
        server.answer = {"detected": True, "rationale": "so", "evidence": []}
        ws.scoring.agree(own)
        assert ws.scoring.run_pending().done == 1
        assert (judge.calls, server.calls) == (1, 1)


def test_backfill_estimates_scores_and_goes_on(ws: Workspace, server: ModelServer) -> None:
    conversations(ws, 8)
    ws.clock.advance(1000)  # type: ignore[attr-defined]
    sessions = list(ids(ws).values())
    with pytest.raises(UsageError):
        ws.scoring.estimate_backfill(Backfill(), sessions)
    ws.scoring.turn_on(choice(server.base_url))
    estimate = ws.scoring.estimate_backfill(Backfill(), sessions)
    assert (estimate.sessions, estimate.calls, estimate.local) == (8, 8, True)
    assert total_words(estimate) == "local, free" and 0 < estimate.tokens_p50 <= estimate.tokens_p95
    seen: list[int] = []
    report = ws.scoring.backfill(Backfill(), sessions[:5], None, lambda one: seen.append(one.done))
    assert report.done == 5 and seen[-1] == 5
    assert ws.scoring.estimate_backfill(Backfill(), sessions).sessions == 3
    assert ws.scoring.backfill(Backfill(), sessions).done == 3
    assert server.calls == 8
    assert ws.scoring.backfill(Backfill(again=True), sessions[:2]).done == 2
    assert {one.purpose for one in ws.scoring.spent()} == {"backfill"}


def test_backfill_keeps_to_its_budget_and_not_to_the_cap(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far(ws, server, monkeypatch)
    conversations(ws, 30)
    ws.clock.advance(1000)  # type: ignore[attr-defined]
    ws.scoring.turn_on(choice(server.base_url, **DEAR), Cap(0, 0))
    sessions = list(ids(ws).values())
    report = ws.scoring.backfill(Backfill(most_nano=60_000_000), sessions)
    assert 0 < report.done < 30 and report.left == 30 - report.done and "budget" in (report.stopped or "")
    assert (report.cost_nano or 0) <= 60_000_000
    assert rows(ws, "SELECT DISTINCT state FROM scoring") == [("done",)]
    assert ws.scoring.status().spent_nano == 0
    ws.scoring.turn_on(choice(server.base_url), Cap(0, 0))
    with pytest.raises(UsageError, match="budget of tokens"):
        ws.scoring.backfill(Backfill(most_nano=1), sessions)
    assert ws.scoring.backfill(Backfill(most_tokens=10**9), sessions).left == 0


def test_cancelling_drops_what_is_under_way_and_keeps_what_is_done(ws: Workspace, server: ModelServer) -> None:
    server.latency_s = 0.02
    ws.scoring.turn_on(choice(server.base_url, concurrency=4))
    conversations(ws, 300)
    token = CancelToken()
    with pytest.raises(Cancelled):
        ws.scoring.run_pending(token, lambda _one: token.cancel())
    time.sleep(0.2)
    left = server.calls
    time.sleep(0.2)
    assert server.calls == left, "no call leaves any more"
    states = dict(rows(ws, "SELECT state, COUNT(*) FROM scoring GROUP BY state"))
    assert states.keys() == {"done", "waiting"} and states["done"] >= 50
    server.latency_s = 0.0
    assert ws.scoring.run_pending().left == 0
    assert rows(ws, "SELECT COUNT(*) FROM scoring WHERE state='done'") == [(300,)]


def test_what_another_program_took_over_is_not_recorded(ws: Workspace, server: ModelServer) -> None:
    ws.scoring.turn_on(choice(server.base_url))
    conversations(ws, 3)

    def take_over(body: dict[str, Any]) -> dict[str, Any]:
        with ws.store.write() as tx:
            tx.execute("UPDATE scoring SET owner='elsewhere:1:x' WHERE state='claimed'")
        return batch_answer(body)

    server.answer = take_over
    ws.scoring.run_pending()
    assert rows(ws, "SELECT DISTINCT state, owner FROM scoring") == [("claimed", "elsewhere:1:x")]
    assert rows(ws, "SELECT COUNT(*) FROM signal_result WHERE method='llm'") == [(0,)]
    server.answer = batch_answer
    ws.clock.advance(HOUR)  # type: ignore[attr-defined]
    assert ws.scoring.run_pending().done == 3


def test_one_program_of_a_store_scores_by_itself(ws: Workspace, server: ModelServer) -> None:
    from aa_tui.backend.service.scoring_worker import ScoringWorker

    ws.scoring.turn_on(choice(server.base_url))
    conversations(ws, 20)
    told: list[int] = []
    workers = [ScoringWorker(ws.store, ws.clock, lambda _name, report: told.append(report.done)) for _ in range(2)]
    for one in workers:
        one.start()
    try:
        for _ in range(600):
            if sum(told) == 20:
                break
            time.sleep(0.05)
    finally:
        for one in workers:
            one.stop()
    assert told == [20] and server.calls == 20
    assert rows(ws, "SELECT COUNT(*) FROM meta WHERE key='scoring_lease'") == [(0,)]


def test_postgresql_scores_alike(database: Server, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = workspace(database.url(database.database()))
    try:
        far(ws, server, monkeypatch)
        evaluator(ws, 9, PARCEL)
        ws.scoring.turn_on(choice(server.base_url, **DEAR), Cap(60_000_000, 0))
        conversations(ws, 20)
        report = ws.scoring.run_pending()
        assert report.done > 20 and "cap" in (report.stopped or "")
        assert sum(one.cost_nano or 0 for one in ws.scoring.spent()) == ws.scoring.status().spent_nano <= 60_000_000
        ws.clock.advance(1000)  # type: ignore[attr-defined]
        sessions = list(ids(ws).values())
        assert ws.scoring.estimate_backfill(Backfill((9,)), sessions).sessions == 40 - report.done
        assert ws.scoring.backfill(Backfill((9,), most_nano=10**12), sessions).left == 0
        found = rows(ws, "SELECT COUNT(*) FROM signal_result WHERE signal='task_completion' AND method='llm'")
        assert found == [(20,)]
        assert rows(ws, "SELECT DISTINCT topic, quality_score FROM session") == [("parcel tracking", 1.0)]
    finally:
        ws.store.close()
