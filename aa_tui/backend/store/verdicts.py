"""SQL for recording what judges said of closed sessions: signals, evaluator results, what stood before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import fetch_in

HEAD_COLUMNS = (
    "revision", "state", "sort_at", "started_ms", "time_quality", "agent", "model_calls", "errors", "total_tokens",
    "cost_nano", "user_score", "info", "topic", "quality_score", "sentiment_score",
)  # fmt: skip
"""Columns of a session that what results add to it depends on, or is."""

_SIGNAL_COLUMNS = (
    "revision", "sort_at", "current", "value", "passed", "rationale", "evidence", "method", "signal_version", "model",
    "latency_ms", "tokens", "cost_nano", "error", "error_kind", "labels", "extras", "flags", "prompt_hash", "raw_reply",
    "evaluated_ms",
)  # fmt: skip
_RESULT_COLUMNS = (
    "evaluator_id", "evaluator_version", "session_id", "session_revision", "sort_at", "current", "value", "passed",
    "score", "rationale", "evidence", "prompt_hash", "prompt", "raw_reply", "model", "parameters", "method", "source",
    "latency_ms", "input_tokens", "output_tokens", "cost_nano", "error_kind", "error", "flags", "labels",
    "evaluated_ms",
)  # fmt: skip
_PUT_SIGNAL = (
    f"INSERT INTO signal_result(project_id, session_id, signal, {', '.join(_SIGNAL_COLUMNS)}) "
    f"VALUES (:p, :session_id, :signal, {', '.join(':' + name for name in _SIGNAL_COLUMNS)}) "
    "ON CONFLICT(project_id, session_id, signal, revision, method) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _SIGNAL_COLUMNS if name not in ("revision", "method"))
)
_PUT_RESULT = (
    f"INSERT INTO result(project_id, id, run_id, {', '.join(_RESULT_COLUMNS)}) "
    f"VALUES (:p, :id, 0, {', '.join(':' + name for name in _RESULT_COLUMNS)}) "
    "ON CONFLICT(project_id, run_id, evaluator_id, evaluator_version, session_id, session_revision) DO UPDATE SET "
    + ", ".join(
        f"{name}=excluded.{name}"
        for name in _RESULT_COLUMNS
        if name not in ("evaluator_id", "evaluator_version", "session_id", "session_revision")
    )
    + " WHERE result.error_kind IS NOT NULL"
)


def heads(reader: Reader, project_id: int, sessions: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return HEAD_COLUMNS of sessions by id."""
    rows = fetch_in(
        reader,
        f"SELECT id, {', '.join(HEAD_COLUMNS)} FROM session WHERE project_id=:p AND id IN ({{values}})",
        {"p": project_id},
        sessions,
    )
    return {row[0]: dict(zip(HEAD_COLUMNS, row[1:], strict=True)) for row in rows}


def current(reader: Reader, project_id: int, sessions: Iterable[int]) -> list[Row]:
    """Return (session, evaluator id, name, value, passed, revision, method, error, current) of results that count.

    Signals have an evaluator id of 0 and their own name; evaluators theirs. What sessions' own events say of signals
    comes too where something else counts now.
    """
    wanted = list(sessions)
    found = fetch_in(
        reader,
        "SELECT session_id, 0, signal, value, passed, revision, method, error, current FROM signal_result "
        "WHERE project_id=:p AND (current=1 OR method<>'llm') AND session_id IN ({values})",
        {"p": project_id},
        wanted,
    )
    found += fetch_in(
        reader,
        "SELECT r.session_id, r.evaluator_id, e.name, r.value, r.passed, r.session_revision, r.method, r.error, 1 "
        "FROM result r JOIN evaluator e ON e.project_id=r.project_id AND e.id=r.evaluator_id "
        "WHERE r.project_id=:p AND r.current=1 AND r.run_id=0 AND r.session_id IN ({values})",
        {"p": project_id},
        wanted,
    )
    return found


def standing(reader: Reader, project_id: int, sessions: Iterable[int]) -> dict[tuple[int, int, int, int], Row]:
    """Return (value, passed) of verdicts of evaluators by (session, evaluator, version, close), errors left out."""
    rows = fetch_in(
        reader,
        "SELECT session_id, evaluator_id, evaluator_version, session_revision, value, passed FROM result "
        "WHERE project_id=:p AND run_id=0 AND error_kind IS NULL AND session_id IN ({values})",
        {"p": project_id},
        sessions,
    )
    return {row[:4]: row[4:] for row in rows}


def reinstate_results(tx: Tx, project_id: int, rows: Sequence[tuple[int, int, int, int]]) -> None:
    """Put verdicts that stand into the record again: (session, evaluator, version, close)."""
    tx.executerows(
        "UPDATE result SET current=1 WHERE project_id=:p AND session_id=:s AND evaluator_id=:e AND run_id=0 "
        "AND evaluator_version=:version AND session_revision=:revision",
        [(project_id, *row) for row in rows],
    )


def supersede_signals(tx: Tx, project_id: int, rows: Sequence[tuple[int, str]]) -> None:
    """Take results of signals out of the current record: (session, signal)."""
    tx.executerows(
        "UPDATE signal_result SET current=0 WHERE project_id=:p AND session_id=:s AND signal=:signal AND current=1",
        [(project_id, *row) for row in rows],
    )


def reinstate_signals(tx: Tx, project_id: int, rows: Sequence[tuple[int, str, int, str]]) -> None:
    """Put what sessions' own events say into the record again: (session, signal, revision, method)."""
    tx.executerows(
        "UPDATE signal_result SET current=1 WHERE project_id=:p AND session_id=:s AND signal=:signal "
        "AND revision=:revision AND method=:method",
        [(project_id, *row) for row in rows],
    )


def supersede_results(tx: Tx, project_id: int, rows: Sequence[tuple[int, int, int, int]]) -> None:
    """Take other results than that of a version on a close out of the record: (session, evaluator, version, close)."""
    tx.executerows(
        "UPDATE result SET current=0 WHERE project_id=:p AND session_id=:s AND evaluator_id=:e AND run_id=0 "
        "AND current=1 AND NOT (evaluator_version=:version AND session_revision=:revision)",
        [(project_id, *row) for row in rows],
    )


def put_signals(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record results of signals: `session_id`, `signal` and the other columns of `signal_result`."""
    tx.executemany(_PUT_SIGNAL, [{"p": project_id, **row} for row in rows])


def put_results(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record results of evaluators: `id` and the other columns of `result`. A verdict that stands is never changed."""
    tx.executemany(_PUT_RESULT, [{"p": project_id, **row} for row in rows])


def update_heads(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set what results say of sessions: rows of `s`, `topic`, `quality_score`, `sentiment_score`, `now`."""
    tx.executemany(
        "UPDATE session SET topic=:topic, quality_score=:quality_score, sentiment_score=:sentiment_score, "
        "updated_ms=:now, version=version+1 WHERE project_id=:p AND id=:s",
        [{"p": project_id, **row} for row in rows],
    )
