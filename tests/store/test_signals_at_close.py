"""Code-based signals of closed sessions: there at once by any road, per close, below what judges and senders say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.closing import close_due
from aa_tui.backend.ingest.rebuild import rebuild_rollups
from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedResult, Part
from aa_tui.backend.model.filter import parse_filter
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock
from tests.builders import NOW_MS, workspace
from tests.ingest_state import state
from tests.scoring_kit import HOUR, conversations, put, rows, talk


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def tool(key: str, number: int, at: int, **more: Any) -> AgentEvent:
    """Return one call of a tool."""
    parts = {Part.INPUT: '{"order": 4711}', Part.OUTPUT: "Request timed out after 30 s"}
    said: dict[str, Any] = {"name": "issue_refund", "is_error": True, "parts": parts, **more}
    return AgentEvent(
        EventKind.TOOL_CALL, f"{key}-call-{number}", session_key=key, trace_id=f"{key}-t", time_ms=at + number,
        agent_id="support-bot", latency_ms=30.0, **said,
    )  # fmt: skip


def said_by_code(ws: Workspace, columns: str = "revision, signal, value, passed, current") -> list[tuple[Any, ...]]:
    """Return what code says, by close and signal."""
    return rows(ws, f"SELECT {columns} FROM signal_result WHERE method='code' ORDER BY session_id, revision, signal")


def imported(name: str, value: str, passed: bool | None, key: str = "s-0", error: str | None = None) -> ImportedResult:
    """Return a recorded signal."""
    return ImportedResult(
        key, f"signal:{name}", f"signal:{name}", value, passed, "why", "quote", ("found",), "recorder", error=error,
        at_ms=NOW_MS,
    )  # fmt: skip


def test_a_close_comes_with_data_quality_and_friction(ws: Workspace) -> None:
    at = NOW_MS - 5 * HOUR
    put(ws, [*talk("s-0", at), *(tool("s-0", n, at + 2000) for n in range(3))])
    assert said_by_code(ws) == [(1, "data_quality", "True", 0, 1), (1, "user_friction", "True", None, 1)]
    (why, labels, evidence), (hint, patterns, _) = said_by_code(ws, "rationale, labels, evidence")
    assert why.startswith("3 issues: 3 failed tool calls (issue_refund: TimeoutError ×3).")
    assert json.loads(labels)[0] == "tool_error:issue_refund:TimeoutError"
    known = {row[0] for row in rows(ws, "SELECT id FROM event WHERE kind=3")}
    assert {one["event"] for one in json.loads(evidence)} == known
    assert json.loads(patterns) == ["retry_storm", "tool_cascade_fail"] and "retry_storm" in hint
    facets = set(rows(ws, "SELECT key, value FROM facet WHERE sessions>0 AND key LIKE 'signal%'"))
    assert facets == {
        ("signal.data_quality", "True"),
        ("signalpass.data_quality", "fail"),
        ("signal.user_friction", "True"),
    }
    for words in ("signal:data_quality=true", "signal:user_friction=true", "-signal:user_friction=fail"):
        assert ws.sessions.count(parse_filter(words)) == 1, words
    assert rows(ws, "SELECT sentiment_score, quality_score FROM session") == [(None, None)]


def test_an_open_session_has_none_until_its_timeout_closes_it(ws: Workspace) -> None:
    put(ws, talk("s-0", NOW_MS - 60_000)[:2])
    assert said_by_code(ws) == []
    later = FrozenClock(NOW_MS + HOUR)
    close_due(ws.store, ws.project.id, later)
    assert said_by_code(ws) == [(1, "data_quality", "False", 1, 1), (1, "user_friction", "False", None, 1)]
    assert rows(ws, "SELECT rationale FROM signal_result WHERE signal='data_quality'") == [
        ("No issues found. Notices: 1 answer without a cost.",)
    ]


def test_each_close_has_its_own_and_the_newest_counts(ws: Workspace) -> None:
    at = NOW_MS - 5 * HOUR
    put(ws, talk("s-0", at))
    put(ws, [*talk("s-0", at + HOUR), tool("s-0", 1, at + HOUR)])
    assert said_by_code(ws) == [
        (1, "data_quality", "False", 1, 0),
        (1, "user_friction", "False", None, 0),
        (2, "data_quality", "True", 0, 1),
        (2, "user_friction", "True", None, 1),
    ]
    # The same question was asked again.
    assert rows(ws, "SELECT labels FROM signal_result WHERE signal='user_friction' AND current=1") == [
        ('["repeated_request"]',)
    ]


def test_what_arrives_without_a_new_close_changes_the_result_of_this_one(ws: Workspace) -> None:
    put(ws, talk("s-0", NOW_MS - 5 * HOUR))
    enriched = {"[Agent] Enrichments": {"data_quality_issues": ["rows twice"], "user_friction": ["correction"]}}
    put(
        ws,
        [
            AgentEvent(
                EventKind.SESSION_ENRICHMENT, "e-1", session_key="s-0", time_ms=NOW_MS - HOUR, properties=enriched,
            )
        ],
    )  # fmt: skip
    found = rows(ws, "SELECT revision, signal, method, value, passed, current FROM signal_result ORDER BY 2, 3")
    assert found == [
        (1, "data_quality", "code", "True", 0, 1),
        (1, "user_friction", "code", "False", None, 0),
        (1, "user_friction", "sender", "True", 0, 1),
    ]
    assert rows(ws, "SELECT sentiment_score FROM session") == [(0.35,)]
    assert ws.sessions.count(parse_filter("signal:user_friction=fail")) == 1


def test_a_recorded_result_counts_before_code_and_an_error_does_not(ws: Workspace) -> None:
    conversations(ws, 2)
    writer = Writer(ws.store, ws.project.id, ws.clock)
    writer.write(
        [], (), [imported("user_friction", "True", False), imported("user_friction", "", None, "s-1", "broken")]
    )
    found = rows(
        ws,
        "SELECT s.key, r.method, r.value, r.current, r.labels, r.error_kind FROM signal_result r JOIN session s "
        "ON s.id=r.session_id WHERE r.signal='user_friction' ORDER BY s.key, r.method",
    )
    assert found == [
        ("s-0", "code", "False", 0, None, None),
        ("s-0", "llm", "True", 1, '["found"]', None),
        ("s-1", "code", "False", 1, None, None),
        ("s-1", "llm", None, 0, '["found"]', "imported"),
    ]
    # A later close does not make code's hint outrank the judge's word.
    put(ws, talk("s-0", NOW_MS - 2 * HOUR))
    current = rows(
        ws,
        "SELECT r.method, r.revision FROM signal_result r JOIN session s ON s.id=r.session_id WHERE s.key='s-0' "
        "AND r.signal='user_friction' AND r.current=1",
    )
    assert current == [("llm", 1)]


def test_arriving_in_parts_or_counted_anew_it_says_the_same(tmp_path: Path) -> None:
    at = NOW_MS - 5 * HOUR
    events = [event for n in range(4) for event in [*talk(f"s-{n}", at + n), tool(f"s-{n}", 1, at + n, is_error=n > 1)]]
    stores = []
    for name, step in (("whole", len(events)), ("parts", 3)):
        (tmp_path / name).mkdir()
        ws = workspace(tmp_path / name, now_ms=NOW_MS)
        for start in range(0, len(events), step):
            part = events[::-1][start : start + step]
            Writer(ws.store, 1, ws.clock).write([Incoming(one, "test", 1) for one in part])
        stores.append(state(ws.store)["derived_signals"])
        before = rows(ws, "SELECT * FROM signal_result ORDER BY session_id, revision, signal, method")
        rebuild_rollups(ws.store, 1, FrozenClock(NOW_MS + 5_000))
        assert rows(ws, "SELECT * FROM signal_result ORDER BY session_id, revision, signal, method") == before
        ws.store.close()
    assert stores[0] == stores[1] and len(stores[0]) == 8


def test_hints_of_code_are_not_scored_in_monitor(ws: Workspace) -> None:
    at = NOW_MS - 5 * HOUR
    put(ws, [event for n in range(3) for event in [*talk(f"s-{n}", at), *(tool(f"s-{n}", k, at) for k in range(3))]])
    view = ws.monitor.view(parse_filter("since:7d"))
    assert (view.scored, view.scored_by) == (0, None)
    assert "friction" not in view.tiles and view.tiles["data_quality"].value == 1.0
    Writer(ws.store, ws.project.id, ws.clock).write([], (), [imported("user_friction", "True", False)])
    view = ws.monitor.view(parse_filter("since:7d"))
    assert view.scored == 1 and tuple(view.tiles["friction"][:2]) == (1.0, 1)
    again = ws.monitor.view(parse_filter("since:7d agent:support-bot"))
    assert tuple(again.tiles["friction"][:2]) == (1.0, 1)
