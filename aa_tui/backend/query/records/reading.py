"""What projected events are made of: sessions with their closes and all results of them, read for many at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.model.event_kind import EventKind
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.signals.by_products import BY_PRODUCTS
from aa_tui.backend.signals.registry import SIGNALS
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.store.facts import fetch_in

_SESSION = (
    "id", "key", "agent", "user_id", "state", "revision", "close_reason", "agents", "models", "turns", "errors",
    "total_tokens", "cost_nano", "latency_avg_ms", "user_score", "quality_score", "sentiment_score", "info",
)  # fmt: skip
_JUDGED = (
    "signal", "revision", "method", "current", "value", "passed", "rationale", "evidence", "labels", "extras",
    "signal_version", "model", "evaluated_ms",
)  # fmt: skip
_FAILING = f"({EventKind.AI_RESPONSE:d}, {EventKind.TOOL_CALL:d}, {EventKind.SPAN:d})"
"""Kinds whose errors are technical failures."""
_PREFERRED = {"llm": 0, "sender": 1, "code": 2}
"""Of two results of one signal on a replaced close, the judge's counts before the sender's and code's."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A signal's result, or a by-product, with a value."""

    signal: str
    revision: int
    method: str
    current: bool
    value: str
    passed: bool | None
    rationale: str
    evidence: str
    labels: tuple[str, ...]
    extras: Mapping[str, Any]
    version: int
    model: str | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict of an evaluator."""

    id: int
    evaluator_id: int
    name: str
    version: int
    output_type: str
    definition: Mapping[str, Any]
    revision: int
    current: bool
    value: str
    passed: bool | None
    score: float | None
    rationale: str
    evidence: str
    labels: tuple[str, ...]
    method: str
    source: str
    model: str | None
    cost_nano: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    """One close of a session and what stood of it then."""

    revision: int
    reason: str
    written_ms: int
    was: Mapping[str, Any]


@dataclass(slots=True)
class Subject:
    """A session with all that its projected events rest on."""

    row: Mapping[str, Any]
    """Columns of the session, those that are JSON decoded."""
    user_id: str | None = None
    device_id: str | None = None
    error_types: tuple[str, ...] = ()
    closes: list[Close] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def enrichments(self) -> Mapping[str, Any]:
        """What the sender says of the session, decoded."""
        return mapping(self.row["info"].get("enrichments"))

    def standing(self, revision: int) -> dict[str, Judged]:
        """Return the results that count for a close, by signal: for the newest one those that count now."""
        newest = revision == self.row["revision"]
        found: dict[str, Judged] = {}
        for one in sorted(self.judged, key=lambda one: (not one.current, _PREFERRED.get(one.method, 0))):
            if one.current if newest else one.revision == revision:
                found.setdefault(one.signal, one)
        return found


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def subjects(reader: Reader, scope: Scope, sessions: Sequence[int]) -> dict[int, Subject]:
    """Return what the events of sessions rest on, by id, in the order asked; sessions that are gone are left out."""
    p = {"p": scope.project_id}

    def rows(sql: str) -> Iterable[Any]:
        return fetch_in(reader, sql, p, sessions)

    found: dict[int, Subject] = {}
    for row in rows(f"SELECT {', '.join(_SESSION)} FROM session WHERE project_id=:p AND id IN ({{values}})"):
        columns = dict(zip(_SESSION, row, strict=True))
        for name, kind in (("agents", list), ("models", list), ("info", dict)):
            columns[name] = decoded(columns[name], kind)
        found[row[0]] = Subject(columns)
    for session, revision, reason, written, record in rows(
        "SELECT session_id, revision, close_reason, written_ms, record FROM session_revision "
        "WHERE project_id=:p AND session_id IN ({values}) ORDER BY session_id, revision"
    ):
        if session in found:
            found[session].closes.append(Close(revision, reason, written, decoded(record, dict)))
    known = {*SIGNALS, *BY_PRODUCTS}
    for session, *judged in rows(
        f"SELECT session_id, {', '.join(_JUDGED)} FROM signal_result WHERE project_id=:p AND value IS NOT NULL "
        "AND error_kind IS NULL AND error IS NULL AND session_id IN ({values})"
    ):
        if session in found and judged[0] in known:
            found[session].judged.append(_judged(judged))
    for session, *result in rows(
        "SELECT r.session_id, r.id, r.evaluator_id, e.name, r.evaluator_version, COALESCE(v.output_type, 'binary'), "
        "v.definition, r.session_revision, r.current, r.value, r.passed, r.score, r.rationale, r.evidence, r.labels, "
        "r.method, r.source, r.model, r.cost_nano, r.evaluated_ms FROM result r "
        "JOIN evaluator e ON e.project_id=r.project_id AND e.id=r.evaluator_id "
        "LEFT JOIN evaluator_version v ON v.project_id=r.project_id AND v.evaluator_id=r.evaluator_id "
        "AND v.no=r.evaluator_version WHERE r.project_id=:p AND r.run_id=0 AND r.value IS NOT NULL "
        "AND r.error_kind IS NULL AND r.error IS NULL AND r.session_id IN ({values}) ORDER BY r.evaluated_ms, r.id"
    ):
        if session in found:
            found[session].results.append(_result(result))
    _identify(reader, scope, found)
    return {session: found[session] for session in sessions if session in found}


def _identify(reader: Reader, scope: Scope, found: Mapping[int, Subject]) -> None:
    """Tell users from devices, and find the types of errors, by events: as few as that takes."""
    mine = "FROM event e WHERE e.project_id=:p AND e.session_id=s.id"
    for session, user, device in fetch_in(
        reader,
        f"SELECT s.id, (SELECT e.user_id {mine} AND e.user_id=s.user_id LIMIT 1), "
        f"(SELECT e.device_id {mine} AND e.device_id IS NOT NULL LIMIT 1) "
        "FROM session s WHERE s.project_id=:p AND s.id IN ({values})",
        {"p": scope.project_id},
        found,
    ):
        if (subject := found.get(session)) is not None:
            subject.user_id, subject.device_id = user, device
    failing = [session for session, subject in found.items() if subject.row["errors"]]
    for session, error in fetch_in(
        reader,
        "SELECT session_id, COALESCE(error_type, 'Error') FROM event WHERE project_id=:p AND session_id IN ({values}) "
        f"AND is_error=1 AND kind IN {_FAILING}",
        {"p": scope.project_id},
        failing,
    ):
        subject = found[session]
        if error not in subject.error_types:
            subject.error_types = (*subject.error_types, error)


def _judged(row: Sequence[Any]) -> Judged:
    return Judged(
        signal=row[0],
        revision=row[1],
        method=row[2],
        current=bool(row[3]),
        value=row[4],
        passed=flag(row[5]),
        rationale=row[6] or "",
        evidence=row[7] or "",
        labels=texts(row[8]),
        extras=decoded(row[9], dict),
        version=row[10],
        model=row[11],
        at_ms=row[12],
    )


def _result(row: Sequence[Any]) -> Result:
    return Result(
        id=row[0],
        evaluator_id=row[1],
        name=row[2],
        version=row[3],
        output_type=row[4],
        definition=decoded(row[5], dict),
        revision=row[6],
        current=bool(row[7]),
        value=row[8],
        passed=flag(row[9]),
        score=row[10],
        rationale=row[11] or "",
        evidence=row[12] or "",
        labels=texts(row[13]),
        method=row[14],
        source=row[15],
        model=row[16],
        cost_nano=row[17],
        at_ms=row[18],
    )


def flag(value: int | None) -> bool | None:
    """Return a stored truth value."""
    return None if value is None else bool(value)


def texts(value: str | None) -> tuple[str, ...]:
    """Return the texts of a stored list."""
    return tuple(str(one) for one in decoded(value, list))


def decoded(text: str | None, kind: type[Any]) -> Any:
    """Return stored JSON of a kind, or an empty one of it where there is none."""
    try:
        value = json.loads(text) if text else None
    except ValueError:
        value = None
    return value if isinstance(value, kind) else kind()
