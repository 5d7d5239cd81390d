"""SQL for recorded verdicts and labels: criteria, evaluators, answers, results. Decides nothing; see `ingest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import fetch_in


def criteria(reader: Reader, project_id: int, names: Iterable[str]) -> dict[str, tuple[int, str, str]]:
    """Return (id, output type, labels JSON) of criteria by name."""
    rows = fetch_in(
        reader,
        "SELECT name, id, output_type, labels FROM criterion WHERE project_id=:p AND name IN ({values})",
        {"p": project_id},
        names,
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def evaluators(reader: Reader, project_id: int, names: Iterable[str]) -> dict[str, int]:
    """Return the id of the oldest evaluator of each name."""
    rows = fetch_in(
        reader,
        "SELECT name, MIN(id) FROM evaluator WHERE project_id=:p AND name IN ({values}) GROUP BY name",
        {"p": project_id},
        names,
    )
    return {row[0]: row[1] for row in rows}


def current_signals(reader: Reader, project_id: int, sessions: Iterable[int]) -> dict[tuple[int, str], Row]:
    """Return (revision, value, passed, model, evaluated_ms) by (session, signal) for current results of judges."""
    rows = fetch_in(
        reader,
        "SELECT session_id, signal, revision, value, passed, model, evaluated_ms FROM signal_result "
        "WHERE project_id=:p AND current=1 AND method NOT IN ('code', 'sender') AND session_id IN ({values})",
        {"p": project_id},
        sessions,
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def imported_results(reader: Reader, project_id: int, sessions: Iterable[int]) -> dict[tuple[int, int], bool]:
    """Return whether the raw reply is known, by (session, evaluator), of imported results of version 1."""
    rows = fetch_in(
        reader,
        "SELECT session_id, evaluator_id, CASE WHEN raw_reply IS NULL THEN 0 ELSE 1 END FROM result "
        "WHERE project_id=:p AND run_id=0 AND evaluator_version=1 AND session_id IN ({values})",
        {"p": project_id},
        sessions,
    )
    return {(row[0], row[1]): bool(row[2]) for row in rows}


def known_answers(reader: Reader, project_id: int, sessions: Iterable[int]) -> dict[tuple[int, int, str], Row]:
    """Return (value, source, origin, note) by (session, criterion, reviewer)."""
    rows = fetch_in(
        reader,
        "SELECT session_id, criterion_id, reviewer, value, source, origin, note FROM answer WHERE project_id=:p "
        "AND session_id IN ({values})",
        {"p": project_id},
        sessions,
    )
    return {(row[0], row[1], row[2]): row[3:] for row in rows}


def taken(reader: Reader, project_id: int, table: str, ids: Iterable[int]) -> set[int]:
    """Return which ids a table (`result`, `criterion`, `evaluator`) has in a project."""
    rows = fetch_in(
        reader, f"SELECT id FROM {table} WHERE project_id=:p AND id IN ({{values}})", {"p": project_id}, ids
    )
    return {row[0] for row in rows}


def insert_criteria(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Create criteria: rows of `p`, `id`, `name`, `output_type`, `labels`, `at`, `by`."""
    tx.executemany(
        "INSERT INTO criterion(project_id, id, name, question, output_type, labels, positive, created_ms, created_by, "
        "version) VALUES (:p, :id, :name, '', :output_type, :labels, NULL, :at, :by, 1)",
        rows,
    )


def update_criterion_labels(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set a criterion's type and labels: rows of `p`, `id`, `output_type`, `labels`."""
    tx.executemany(
        "UPDATE criterion SET output_type=:output_type, labels=:labels, version=version+1 "
        "WHERE project_id=:p AND id=:id",
        rows,
    )


def insert_evaluators(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Create evaluators with their version 1: rows of `p`, `id`, `criterion`, `name`, `output_type`, `definition`,
    `hash`, `at`, `by`."""
    tx.executemany(
        "INSERT INTO evaluator(project_id, id, criterion_id, name, state, active_version, agents, sampling, "
        "created_ms, created_by, version) VALUES (:p, :id, :criterion, :name, 'inactive', NULL, '[]', 1.0, :at, :by, "
        "1)",
        rows,
    )
    tx.executemany(
        "INSERT INTO evaluator_version(project_id, evaluator_id, no, method, output_type, definition, "
        "definition_hash, draft, created_ms, created_by) VALUES (:p, :id, 1, 'llm', :output_type, :definition, :hash, "
        "0, :at, :by)",
        rows,
    )


def upsert_answers(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record imported answers: rows of `p`, `s`, `c`, `reviewer`, `value`, `origin`, `note`, `at`.

    An answer that a person gave here stays.
    """
    tx.executemany(
        "INSERT INTO answer(project_id, session_id, criterion_id, reviewer, value, source, origin, sighted, obsolete, "
        "note, answered_ms, version) VALUES (:p, :s, :c, :reviewer, :value, 'imported', :origin, 0, 0, :note, :at, 1) "
        "ON CONFLICT(project_id, session_id, criterion_id, reviewer) DO UPDATE SET value=excluded.value, "
        "origin=excluded.origin, note=excluded.note, answered_ms=excluded.answered_ms, version=answer.version+1 "
        "WHERE answer.source='imported'",
        rows,
    )


def put_derived_signals(tx: Tx, rows: Sequence[Row]) -> None:
    """Record what sessions' own events say of signals: rows of project, session, signal, revision, start, whether it is
    current, value, passed, rationale, evidence, method, version, labels, extras and when. What is known stays."""
    tx.executerows(
        "INSERT INTO signal_result(project_id, session_id, signal, revision, sort_at, current, value, passed, "
        "rationale, evidence, method, signal_version, labels, extras, evaluated_ms) VALUES (:p, :s, :signal, "
        ":revision, :sort_at, :current, :value, :passed, :rationale, :evidence, :method, :version, :labels, :extras, "
        ":at) ON CONFLICT(project_id, session_id, signal, revision, method) DO UPDATE SET sort_at=excluded.sort_at, "
        "current=excluded.current, value=excluded.value, passed=excluded.passed, rationale=excluded.rationale, "
        "evidence=excluded.evidence, signal_version=excluded.signal_version, labels=excluded.labels, "
        "extras=excluded.extras, evaluated_ms=excluded.evaluated_ms "
        "WHERE COALESCE(signal_result.rationale, '')<>COALESCE(excluded.rationale, '') "
        "OR COALESCE(signal_result.value, '')<>COALESCE(excluded.value, '') OR signal_result.current<>excluded.current "
        "OR COALESCE(signal_result.labels, '')<>COALESCE(excluded.labels, '') "
        "OR COALESCE(signal_result.evidence, '')<>COALESCE(excluded.evidence, '')",
        rows,
    )


def retire_derived_signals(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take what older closes said of sessions' signals by their events alone out of the current record, and drop what
    was said of this close: rows of `p`, `s`, `revision`."""
    tx.executemany(
        "UPDATE signal_result SET current=0 WHERE project_id=:p AND session_id=:s AND method IN ('code', 'sender') "
        "AND revision<:revision AND current=1",
        rows,
    )
    tx.executemany(
        "DELETE FROM signal_result WHERE project_id=:p AND session_id=:s AND method IN ('code', 'sender') "
        "AND revision=:revision",
        rows,
    )


def supersede_signals(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take results out of the current record: rows of `p`, `s`, `signal`."""
    tx.executemany(
        "UPDATE signal_result SET current=0 WHERE project_id=:p AND session_id=:s AND signal=:signal AND current=1",
        rows,
    )


def upsert_signals(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record signal results: rows of `p`, `s`, `signal`, `revision`, `sort_at`, `current`, `value`, `passed`,
    `rationale`, `evidence`, `labels` (JSON), `model`, `latency`, `cost`, `error`, `error_kind`, `at`."""
    tx.executemany(
        "INSERT INTO signal_result(project_id, session_id, signal, revision, sort_at, current, value, passed, "
        "rationale, evidence, labels, method, signal_version, model, latency_ms, tokens, cost_nano, error, error_kind, "
        "evaluated_ms) VALUES (:p, :s, :signal, :revision, :sort_at, :current, :value, :passed, :rationale, :evidence, "
        ":labels, 'llm', 1, :model, :latency, NULL, :cost, :error, :error_kind, :at) "
        "ON CONFLICT(project_id, session_id, signal, revision, method) DO UPDATE "
        "SET sort_at=excluded.sort_at, current=excluded.current, value=excluded.value, passed=excluded.passed, "
        "rationale=excluded.rationale, evidence=excluded.evidence, labels=excluded.labels, model=excluded.model, "
        "latency_ms=excluded.latency_ms, cost_nano=excluded.cost_nano, error=excluded.error, "
        "error_kind=excluded.error_kind, evaluated_ms=excluded.evaluated_ms",
        rows,
    )


def insert_results(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record imported evaluator results: rows of `p`, `id`, `evaluator`, `s`, `revision`, `sort_at`, `value`,
    `passed`, `score`, `rationale`, `evidence`, `prompt`, `prompt_hash`, `raw`, `model`, `parameters`, `latency`,
    `input_tokens`, `output_tokens`, `cost`, `error_kind`, `error`, `labels` (JSON), `at`."""
    tx.executemany(
        "INSERT INTO result(project_id, id, run_id, evaluator_id, evaluator_version, session_id, session_revision, "
        "sort_at, current, value, passed, score, rationale, evidence, prompt, prompt_hash, raw_reply, model, "
        "parameters, method, source, latency_ms, input_tokens, output_tokens, cost_nano, error_kind, error, "
        "labels, evaluated_ms) VALUES (:p, :id, 0, :evaluator, 1, :s, :revision, :sort_at, 1, :value, :passed, :score, "
        ":rationale, :evidence, :prompt, :prompt_hash, :raw, :model, :parameters, 'llm', 'ai', :latency, "
        ":input_tokens, :output_tokens, :cost, :error_kind, :error, :labels, :at)",
        rows,
    )


def add_raw_replies(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the judge's own words with imported results that lack them: rows of `p`, `s`, `evaluator`, `raw`."""
    tx.executemany(
        "UPDATE result SET raw_reply=:raw WHERE project_id=:p AND session_id=:s AND evaluator_id=:evaluator "
        "AND run_id=0 AND evaluator_version=1 AND raw_reply IS NULL",
        rows,
    )


def move_results(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Follow a session whose start turned out to be another: rows of `p`, `s`, `sort_at`."""
    for table in ("signal_result", "result"):
        tx.executemany(f"UPDATE {table} SET sort_at=:sort_at WHERE project_id=:p AND session_id=:s", rows)
