"""Recording verdicts: the difference that is written equals what a derivation from all events would say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.rebuild import rebuild_rollups
from aa_tui.backend.ingest.writer import Judged, Writer, record
from aa_tui.backend.model.event import ImportedResult
from aa_tui.backend.service.workspace import Workspace
from tests.builders import NOW_MS, workspace
from tests.ingest_state import dangling, state
from tests.scoring_kit import HOUR, conversations, ids, put, rows, talk


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def signal(name: str, value: str | None, passed: bool | None, error: str | None = None) -> dict[str, Any]:
    """Return the row of a signal's verdict."""
    empty = dict.fromkeys(
        ("rationale", "evidence", "latency_ms", "tokens", "cost_nano", "labels", "extras", "flags", "prompt_hash",
         "raw_reply")
    )  # fmt: skip
    return {
        **empty, "signal": name, "value": value, "passed": None if passed is None else int(passed), "method": "llm",
        "signal_version": 1, "model": "m", "error": error, "error_kind": error, "evaluated_ms": NOW_MS,
    }  # fmt: skip


def result(
    evaluator: int, value: str | None, passed: bool | None, version: int = 1, error: str | None = None
) -> dict[str, Any]:
    """Return the row of an evaluator's verdict; evaluator n is named `check n`."""
    empty = dict.fromkeys(
        ("score", "rationale", "evidence", "prompt_hash", "prompt", "raw_reply", "parameters", "latency_ms",
         "input_tokens", "output_tokens", "cost_nano", "flags", "labels")
    )  # fmt: skip
    return {
        **empty, "name": f"check {evaluator}", "evaluator_id": evaluator, "evaluator_version": version, "value": value,
        "passed": None if passed is None else int(passed), "model": "m", "method": "llm", "source": "ai",
        "error": error, "error_kind": error, "evaluated_ms": NOW_MS,
    }  # fmt: skip


def evaluators(ws: Workspace, count: int) -> None:
    """Create evaluators 1 to `count`."""
    with ws.store.write() as tx:
        for number in range(1, count + 1):
            tx.execute(
                "INSERT INTO evaluator(project_id, id, criterion_id, name, created_ms) VALUES (1, :n, 1, :name, 0)",
                {"n": number, "name": f"check {number}"},
            )


def put_judged(ws: Workspace, *judged: Judged) -> int:
    """Record in one transaction."""
    with ws.store.write() as tx:
        return record(tx, ws.project.id, judged, NOW_MS)


def same_as_derived(ws: Workspace) -> None:
    """What stands must be what a recount from all events gives."""
    kept = state(ws.store)
    rebuild_rollups(ws.store, ws.project.id, ws.clock)
    again = state(ws.store)
    for table, found in kept.items():
        assert found == again[table], table
    assert dangling(ws.store) == {}


def test_random_verdicts_leave_what_a_recount_gives(ws: Workspace) -> None:
    conversations(ws, 12)
    evaluators(ws, 3)
    rng = random.Random(4)
    known = ids(ws)
    for _ in range(40):
        judged = []
        for session in rng.sample(sorted(known.values()), 4):
            one = Judged(session, 1)
            for name in rng.sample(("task_completion", "response_quality", "user_friction", "negative_feedback"), 3):
                verdict = rng.choice((True, False))
                failed = rng.random() < 0.2
                one.signals.append(
                    signal(name, None, None, "bad_label") if failed else signal(name, str(verdict), verdict)
                )
            if rng.random() < 0.7:
                one.signals.append(signal("topic", rng.choice(("parcel", "refund", "invoice")), None))
            number, fine = rng.randrange(1, 4), rng.random() < 0.8
            one.results.append(
                result(number, "True" if fine else None, True if fine else None, rng.randrange(1, 9),
                       None if fine else "timeout")
            )  # fmt: skip
            judged.append(one)
        assert put_judged(ws, *judged) == 4
    same_as_derived(ws)


def test_scores_topic_and_facets_follow(ws: Workspace) -> None:
    conversations(ws, 1)
    session = ids(ws)["s-0"]
    put_judged(
        ws,
        Judged(
            session,
            1,
            [
                signal("task_completion", "True", True),
                signal("response_quality", "False", False),
                signal("negative_feedback", "False", True),
                signal("topic", "parcel tracking", None),
                signal("topic_summary", "The user asked where a parcel is.", None),
            ],
        ),
    )
    assert rows(ws, "SELECT topic, quality_score, sentiment_score FROM session") == [("parcel tracking", 0.5, 0.5)]
    found = set(rows(ws, "SELECT key, value FROM facet WHERE sessions>0"))
    assert {("signalpass.task_completion", "pass"), ("signal.response_quality", "False")} <= found
    assert ("topic", "parcel tracking") in found
    assert not any(key.startswith(("signal.topic", "signalpass.topic")) for key, _ in found)
    same_as_derived(ws)


def test_an_error_takes_an_older_verdict_away_but_not_what_code_says(ws: Workspace) -> None:
    conversations(ws, 1)
    session = ids(ws)["s-0"]
    put_judged(ws, Judged(session, 1, [signal("task_completion", "True", True)]))
    put_judged(
        ws,
        Judged(
            session,
            1,
            [signal("task_completion", None, None, "refusal"), signal("user_friction", None, None, "bad_label")],
        ),
    )
    current = rows(ws, "SELECT signal, method, error_kind FROM signal_result WHERE current=1 ORDER BY signal, method")
    assert ("task_completion", "llm", "refusal") in current
    assert ("user_friction", "code", None) in current
    assert ("user_friction", "llm", "bad_label") not in current
    assert not rows(ws, "SELECT 1 FROM facet WHERE key='signal.task_completion' AND sessions>0")
    same_as_derived(ws)


def test_a_verdict_on_an_older_close_is_kept_and_not_current(ws: Workspace) -> None:
    put(ws, talk("s-0", NOW_MS - 5 * HOUR))
    put(ws, talk("s-0", NOW_MS - 4 * HOUR, more=("And the other one?",)))
    session = ids(ws)["s-0"]
    assert rows(ws, "SELECT revision FROM session") == [(2,)]
    put_judged(ws, Judged(session, 2, [signal("task_completion", "False", False)], [result(1, "True", True)]))
    put_judged(ws, Judged(session, 1, [signal("task_completion", "True", True)], [result(1, "False", False)]))
    said = "SELECT revision, value, current FROM signal_result WHERE signal='task_completion' ORDER BY revision"
    assert rows(ws, said) == [(1, "True", 0), (2, "False", 1)]
    assert rows(ws, "SELECT session_revision, value, current FROM result ORDER BY session_revision") == [
        (1, "False", 0),
        (2, "True", 1),
    ]
    assert rows(ws, "SELECT quality_score FROM session") == [(0.0,)]


def test_a_verdict_that_stands_is_not_changed_but_an_error_is(ws: Workspace) -> None:
    conversations(ws, 1)
    evaluators(ws, 1)
    session = ids(ws)["s-0"]
    put_judged(ws, Judged(session, 1, results=[result(1, None, None, error="timeout")]))
    put_judged(ws, Judged(session, 1, results=[result(1, "True", True)]))
    put_judged(ws, Judged(session, 1, results=[result(1, "False", False)]))
    assert rows(ws, "SELECT value, passed, error_kind FROM result") == [("True", 1, None)]


def test_imported_verdicts_are_superseded(ws: Workspace) -> None:
    conversations(ws, 1)
    writer = Writer(ws.store, ws.project.id, ws.clock)
    writer.write(
        [], outcomes=[ImportedResult("s-0", "signal:task_completion", "task", "False", False, model="other", at_ms=1)]
    )
    put_judged(ws, Judged(ids(ws)["s-0"], 1, [signal("task_completion", "True", True)]))
    assert rows(ws, "SELECT value, model, current FROM signal_result WHERE signal='task_completion'") == [
        ("True", "m", 1)
    ]
    assert rows(ws, "SELECT quality_score FROM session") == [(1.0,)]
    same_as_derived(ws)
