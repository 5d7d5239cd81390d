"""Recorded verdicts and labels of a source on their way into the store: which rows they make. SQL: `store.outcomes`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aa_tui.backend.ingest.sessionise import Recorded
from aa_tui.backend.model.event import ImportedLabel, ImportedResult
from aa_tui.backend.signals.findings import Finding
from aa_tui.backend.store import outcomes as sql
from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.support.ids import stable_id, text_hash
from aa_tui.backend.support.text import storable, storable_id

Outcome = ImportedLabel | ImportedResult

SIGNAL = "signal:"
"""Prefix of an evaluator name that means a built-in signal."""
_BINARY = frozenset({"True", "False", "true", "false", "pass", "fail"})
_IMPORTER = "import"


@dataclass(slots=True)
class OutcomeRows:
    """What a transaction will write of verdicts and labels."""

    criteria: list[dict[str, Any]] = field(default_factory=list)
    relabelled: list[dict[str, Any]] = field(default_factory=list)
    evaluators: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    retired: list[dict[str, Any]] = field(default_factory=list)
    derived: list[Row] = field(default_factory=list)
    """What events alone say of signals; it follows from them and is not counted."""
    superseded: list[dict[str, Any]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)

    def count(self) -> int:
        """Return how many verdicts and labels are new, or told more fully."""
        return len(self.answers) + len(self.signals) + len(self.results) + len(self.replies)

    def apply(self, tx: Tx) -> None:
        """Write them."""
        sql.insert_criteria(tx, self.criteria)
        sql.update_criterion_labels(tx, self.relabelled)
        sql.insert_evaluators(tx, self.evaluators)
        sql.upsert_answers(tx, self.answers)
        sql.retire_derived_signals(tx, self.retired)
        sql.put_derived_signals(tx, self.derived)
        sql.supersede_signals(tx, self.superseded)
        sql.upsert_signals(tx, self.signals)
        sql.insert_results(tx, self.results)
        sql.add_raw_replies(tx, self.replies)
        sql.move_results(tx, self.moved)


def bordered(one: Outcome) -> Outcome:
    """Return an outcome with names as the store can hold and index them; texts are normalised where rows are made."""
    key, criterion = storable_id(one.session_key), storable_id(one.criterion)
    if isinstance(one, ImportedLabel):
        reviewer, source = storable_id(one.reviewer), storable_id(one.source)
        return replace(one, session_key=key, criterion=criterion, reviewer=reviewer, source=source)
    # A signal's value is part of an index too; the longest answers are a sentence.
    evaluator, value = storable_id(one.evaluator), storable_id(one.value)
    return replace(one, session_key=key, criterion=criterion, evaluator=evaluator, value=value)


class OutcomePlanner:
    """Turns outcomes into rows, knowing what a project already has of criteria, evaluators and results."""

    def __init__(
        self, reader: Reader, project_id: int, now_ms: int, given: Mapping[int, Sequence[Outcome]], known: Sequence[int]
    ) -> None:
        """`given`: outcomes by session id; `known`: those of these sessions that were stored before."""
        self._reader = reader
        self._project = project_id
        self._now = now_ms
        self.rows = OutcomeRows()
        everything = [one for outcomes in given.values() for one in outcomes]
        self._criteria = sql.criteria(reader, project_id, {one.criterion for one in everything})
        named = {one.evaluator for one in everything if isinstance(one, ImportedResult)}
        self._evaluators = sql.evaluators(reader, project_id, named)
        wanted = [session for session in known if session in given]
        self._known = set(wanted)
        self._signals = sql.current_signals(reader, project_id, wanted) if wanted else {}
        self._results = sql.imported_results(reader, project_id, wanted) if wanted else {}
        self._answers = sql.known_answers(reader, project_id, wanted) if wanted else {}
        self._ids: dict[str, set[int]] = {}
        self._values: dict[str, set[str]] = {}
        self._kinds: dict[str, str] = {}
        for one in everything:
            if isinstance(one, ImportedLabel):
                self._values.setdefault(one.criterion, set()).add(storable(one.value))
                if one.kind:
                    self._kinds[one.criterion] = one.kind
            elif not one.evaluator.startswith(SIGNAL):
                values = self._values.setdefault(one.criterion, set())
                values |= {storable(one.value)} if one.error is None else set()  # no verdict is no value

    def recorded(self, stored: Recorded, outcomes: Sequence[Outcome]) -> Recorded:
        """Return what is recorded of a session once its outcomes are written."""
        signals = {name: (name, value, passed) for name, value, passed in stored.signals}
        evaluators = {name: (name, value, passed) for name, value, passed in stored.evaluators}
        answered = dict.fromkeys(stored.answered)
        for one in outcomes:
            if isinstance(one, ImportedLabel):
                answered[one.criterion, storable(one.value)] = None
            elif one.error is None:
                value = storable(one.value) or None
                if one.evaluator.startswith(SIGNAL):
                    name = one.evaluator.removeprefix(SIGNAL)
                    signals[name] = (name, value, one.passed)
                else:
                    evaluators.setdefault(one.evaluator, (one.evaluator, value, one.passed))
        return Recorded(tuple(signals.values()), tuple(evaluators.values()), tuple(answered))

    def plan(
        self, session: int, revision: int, sort_at: int, outcomes: Sequence[Outcome], derived: Collection[str] = ()
    ) -> None:
        """Add the rows of one session's outcomes that are new; `derived`: signals that its events alone tell of."""
        for one in outcomes:
            if isinstance(one, ImportedLabel):
                self._label(session, one)
            elif one.evaluator.startswith(SIGNAL):
                self._signal(session, revision, sort_at, one, derived)
            else:
                self._result(session, revision, sort_at, one)

    def derive(
        self,
        session: int,
        revision: int,
        sort_at: int,
        findings: Sequence[Finding],
        current: Collection[Finding],
        known: bool,
    ) -> None:
        """Add the rows of what a closed session's events say; `known`: something may be stored of it already."""
        if known:
            self.rows.retired.append({"p": self._project, "s": session, "revision": revision})
        for one in findings:
            self.rows.derived.append((
                self._project, session, one.signal, revision, sort_at, int(one in current), one.value,
                None if one.passed is None else int(one.passed), one.rationale, one.evidence, one.method, one.version,
                one.labels_text, one.extras, self._now,
            ))  # fmt: skip

    def moved(self, session: int, sort_at: int) -> None:
        """Note that a session's stored results must follow its new start."""
        self.rows.moved.append({"p": self._project, "s": session, "sort_at": sort_at})

    def _label(self, session: int, label: ImportedLabel) -> None:
        criterion = self._criterion(label.criterion)
        reviewer = storable(label.reviewer or label.source)
        value = storable(label.value)
        rests_on = f"Evidence: {label.evidence}" if label.evidence else ""
        note = storable("\n".join(filter(None, (label.note, rests_on)))) or None
        known = self._answers.get((session, criterion, reviewer))
        origin = storable(label.source)
        if known is not None and (known[1] != "imported" or tuple(known) == (value, "imported", origin, note)):
            return
        self._answers[session, criterion, reviewer] = (value, "imported", origin, note)
        self.rows.answers.append(
            {
                "p": self._project,
                "s": session,
                "c": criterion,
                "reviewer": reviewer,
                "value": value,
                "origin": origin,
                "note": note,
                "at": label.at_ms if label.at_ms is not None else self._now,
            }
        )

    def _signal(self, session: int, revision: int, sort_at: int, one: ImportedResult, derived: Collection[str]) -> None:
        name = storable(one.evaluator.removeprefix(SIGNAL))
        value = storable(one.value) or None
        passed = None if one.passed is None else int(one.passed)
        at = one.at_ms if one.at_ms is not None else self._now
        known = self._signals.get((session, name))
        if known is not None:
            said = (value, passed, storable(one.model))
            if tuple(known[1:4]) == said or (known[4] is not None and known[4] > at):
                return
        # An error is no verdict: what code says stands beside it.
        current = one.error is None or name not in derived
        if current and (known is not None or session in self._known):
            self.rows.superseded.append({"p": self._project, "s": session, "signal": name})
        self._signals[session, name] = (revision, value, passed, storable(one.model), at)
        self.rows.signals.append(
            {
                "p": self._project,
                "s": session,
                "signal": name,
                "revision": revision,
                "sort_at": sort_at,
                "current": int(current),
                "value": value,
                "passed": passed,
                "error_kind": _error_kind(one),
                **_why(one),
                "at": at,
            }
        )

    def _result(self, session: int, revision: int, sort_at: int, one: ImportedResult) -> None:
        evaluator = self._evaluator(one)
        raw = storable(one.raw_reply) or None
        if (session, evaluator) in self._results:
            if raw is not None and not self._results[session, evaluator]:
                # The same verdict, told again by the file of the judge's own words.
                self._results[session, evaluator] = True
                self.rows.replies.append({"p": self._project, "s": session, "evaluator": evaluator, "raw": raw})
            return
        self._results[session, evaluator] = raw is not None
        at = one.at_ms if one.at_ms is not None else self._now
        try:
            score = float(one.value) if one.value not in _BINARY else None
        except ValueError:
            score = None
        self.rows.results.append(
            {
                "p": self._project,
                "id": self._free("result", stable_id(at, evaluator, session)),
                "evaluator": evaluator,
                "s": session,
                "revision": revision,
                "sort_at": sort_at,
                "value": storable(one.value) or None,
                "passed": None if one.passed is None else int(one.passed),
                "score": score,
                "error_kind": _error_kind(one),
                "prompt": storable(one.prompt) or None,
                "prompt_hash": text_hash(one.prompt) if one.prompt else None,
                "raw": raw,
                "parameters": storable(one.parameters) or None,
                "input_tokens": one.input_tokens,
                "output_tokens": one.output_tokens,
                **_why(one),
                "at": at,
            }
        )

    def _criterion(self, name: str) -> int:
        values = self._values.get(name, set())
        known = self._criteria.get(name)
        if known is None:
            number = self._free("criterion", stable_id(self._now, "criterion", name))
            kind, labels = self._kinds.get(name) or _kind_of(values), json.dumps(sorted(values), ensure_ascii=False)
            self.rows.criteria.append(
                {
                    "p": self._project,
                    "id": number,
                    "name": storable(name),
                    "output_type": kind,
                    "labels": labels if kind == "classification" else "[]",
                    "at": self._now,
                    "by": _IMPORTER,
                }
            )
            self._criteria[name] = (number, kind, labels)
            return number
        number, kind, stored = known
        if kind == "classification":
            labels_now = set(json.loads(stored))
            if not values <= labels_now:
                labels = json.dumps(sorted(labels_now | values), ensure_ascii=False)
                self.rows.relabelled.append({"p": self._project, "id": number, "output_type": kind, "labels": labels})
                self._criteria[name] = (number, kind, labels)
        return number

    def _evaluator(self, one: ImportedResult) -> int:
        known = self._evaluators.get(one.evaluator)
        if known is not None:
            return known
        criterion = self._criterion(one.criterion)
        number = self._free("evaluator", stable_id(self._now, "evaluator", one.evaluator))
        described: dict[str, Any] = {"imported": True, "model": storable(one.model)}
        if one.instructions:
            described["prompt"] = storable(one.instructions)
        if one.parameters:
            described["parameters"] = storable(one.parameters)
        definition = json.dumps(described, ensure_ascii=False)
        self.rows.evaluators.append(
            {
                "p": self._project,
                "id": number,
                "criterion": criterion,
                "name": storable(one.evaluator),
                "output_type": self._criteria[one.criterion][1],
                "definition": definition,
                "hash": text_hash(definition),
                "at": self._now,
                "by": _IMPORTER,
            }
        )
        self._evaluators[one.evaluator] = number
        return number

    def _free(self, table: str, wanted: int) -> int:
        used = self._ids.setdefault(table, set())
        while wanted in used or sql.taken(self._reader, self._project, table, [wanted]):
            wanted += 1
        used.add(wanted)
        return wanted


def _why(one: ImportedResult) -> dict[str, Any]:
    """Return the columns that signals and evaluator results share."""
    return {
        "rationale": storable(one.rationale) or None,
        "evidence": storable(one.evidence) or None,
        "labels": json.dumps([storable(label) for label in one.labels], ensure_ascii=False) if one.labels else None,
        "model": storable(one.model) or None,
        "latency": one.latency_ms,
        "cost": one.cost_nano,
        "error": None if one.error is None else storable(one.error),
    }


def _error_kind(one: ImportedResult) -> str | None:
    return None if one.error is None else one.error_kind or "imported"


def _kind_of(values: set[str]) -> str:
    if values <= _BINARY:
        return "binary"
    try:
        for value in values:
            float(value)
    except ValueError:
        return "classification"
    return "score"
