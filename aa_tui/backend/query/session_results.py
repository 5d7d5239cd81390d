"""Read-models of what signals and evaluators said of one session: results with their evidence taken apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aa_tui.backend.query.readmodels import JudgingRow, QuoteRow, ResultRow
from aa_tui.backend.store.engine import Reader

_RAW = 4_000
"""Characters of a judge's own words that are read for the screen."""
_SHARED = (
    "r.rationale, r.evidence, r.model, r.method, r.latency_ms, r.cost_nano, r.error, r.evaluated_ms, r.error_kind, "
    f"r.labels, r.flags, substr(r.raw_reply, 1, {_RAW})"
)
_BY_PRODUCTS = ("topic_summary", "topic", "request_complexity")
"""Rows of the signals' pass that are values about the session and no answers of a signal, in reading order."""


def results(reader: Reader, project_id: int, session_id: int) -> Iterator[ResultRow]:
    """Yield the current results of a session: signals in their order, then evaluators by name and time."""
    # Their questions are long, and lists of sessions, which come first, need none of them.
    from aa_tui.backend.signals.registry import SIGNALS

    params = {"p": project_id, "s": session_id}
    rows = reader.fetch(
        f"SELECT r.signal, r.signal_version, r.value, r.passed, NULL, r.extras, r.tokens, NULL, {_SHARED} "
        "FROM signal_result r WHERE r.project_id=:p AND r.session_id=:s AND r.current=1 ORDER BY r.signal",
        params,
    )
    place = {name: index for index, name in enumerate((*SIGNALS, *_BY_PRODUCTS))}
    for row in sorted(rows, key=lambda one: (place.get(one[0], -1), one[0])):
        yield _result("signal", row)
    for row in reader.fetch(
        "SELECT e.name, r.evaluator_version, r.value, r.passed, r.score, NULL, r.input_tokens, r.output_tokens, "
        f"{_SHARED} FROM result r JOIN evaluator e ON e.project_id=r.project_id AND e.id=r.evaluator_id "
        "WHERE r.project_id=:p AND r.session_id=:s AND r.current=1 ORDER BY e.name, r.evaluated_ms NULLS FIRST, r.id",
        params,
    ):
        yield _result("evaluator", row)


def judging(reader: Reader, project_id: int, session_id: int) -> JudgingRow | None:
    """Return what became of the signals' one call for the newest close of a session that it was asked about."""
    row = reader.one(
        "SELECT state, COALESCE(reason, ''), model, provider, calls, input_tokens, output_tokens, cost_nano, "
        "latency_ms, evaluated_ms FROM scoring WHERE project_id=:p AND session_id=:s AND what=0 "
        "ORDER BY revision DESC LIMIT 1",
        {"p": project_id, "s": session_id},
    )
    return None if row is None else JudgingRow(*row)


def _result(kind: str, row: Any) -> ResultRow:
    name, version, value, passed, score, extras, taken, given = row[:8]
    rationale, evidence, model, method, latency, cost, error, at, error_kind, labels, flags, raw = row[8:]
    quotes = quotes_of(evidence)
    return ResultRow(
        check=name,
        kind=kind,
        version=version,
        value=value,
        passed=None if passed is None else bool(passed),
        score=score,
        rationale=rationale,
        evidence="\n".join(quote.text for quote in quotes) or None,
        model=model,
        method=method,
        latency_ms=latency,
        cost_nano=cost,
        error=error,
        evaluated_ms=at,
        error_kind=error_kind,
        quotes=quotes,
        labels=tuple(map(str, _json(labels, list))),
        extras=tuple((str(key), str(said)) for key, said in _json(extras, dict).items()),
        flags=tuple((flags or "").split()),
        input_tokens=taken,
        output_tokens=given,
        raw_reply=raw,
    )


def quotes_of(evidence: str | None) -> tuple[QuoteRow, ...]:
    """Return evidence as it is stored, taken apart: JSON of judged results, the words themselves of imported ones."""
    if not evidence:
        return ()
    listed = _json(evidence, list) if evidence.startswith("[") else []
    if not listed or not all(isinstance(one, dict) and "quote" in one for one in listed):
        return (QuoteRow(evidence),)
    return tuple(
        QuoteRow(
            str(one["quote"]),
            one.get("event") or None,
            one.get("turn"),
            str(one.get("role") or ""),
            # Code quotes what it has before it; only a judge's words are compared with the session.
            one["found"] is not None if "found" in one else None,
        )
        for one in listed
    )


def _json(text: str | None, kind: type[Any]) -> Any:
    try:
        decoded = json.loads(text) if text else kind()
    except ValueError:
        return kind()
    return decoded if isinstance(decoded, kind) else kind()
