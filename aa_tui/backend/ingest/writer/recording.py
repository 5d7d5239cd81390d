"""What judges said of closed sessions into the store: results, and the difference they make to everything derived.

Nothing is derived anew: what results add to a session follows from its row alone (`sessionise.results`), so only the
part that changes is written. A test holds it against a derivation from all events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.ingest.sessionise.records import NOTHING_RECORDED, Recorded
from aa_tui.backend.ingest.sessionise.results import FromResults, changed, from_results, result_dims
from aa_tui.backend.ingest.writer.applying import apply_facets
from aa_tui.backend.ingest.writer.records import Plan
from aa_tui.backend.signals.findings import DERIVED_METHODS, SENDER
from aa_tui.backend.store import facts, rollups, verdicts
from aa_tui.backend.store import outcomes as outcome_rows
from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.support.errors import NotFound
from aa_tui.backend.support.ids import stable_id

Result = tuple[str, str | None, bool | None]
"""(name, value, passed)."""


@dataclass(slots=True)
class Judged:
    """What was said of one close of a session. Rows hold the columns of their tables, texts storable."""

    session_id: int
    revision: int
    signals: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `signal_result` without project, session, revision, start and whether they are current."""
    results: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `result` in the same way, and the evaluator's `name`."""


def record(tx: Tx, project: int, judged: Sequence[Judged], now_ms: int) -> int:
    """Record results within a transaction; return of how many sessions.

    Those of a close that is not the session's newest are kept and are not current.

    Raises:
        NotFound: the project is gone.
    """
    state = facts.project_state(tx, project)
    if state is None:
        raise NotFound("The project is gone.")
    plan = Plan(state[0], state[1])
    numbers = [one.session_id for one in judged]
    heads = verdicts.heads(tx, project, numbers)
    before = _before(tx, project, numbers)
    ids = _Ids(tx, project)
    standing = verdicts.standing(tx, project, [one.session_id for one in judged if one.results])
    work = _Work(plan, now_ms, standing)
    for one in judged:
        head = heads.get(one.session_id)
        if head is not None:
            work.take(one, head, before.get(one.session_id, _Standing()), ids)
    verdicts.supersede_signals(tx, project, work.signals_gone)
    verdicts.supersede_results(tx, project, work.results_gone)
    verdicts.put_signals(tx, project, work.signals)
    verdicts.reinstate_signals(tx, project, work.signals_back)
    verdicts.put_results(tx, project, work.results)
    verdicts.reinstate_results(tx, project, work.reinstated)
    verdicts.update_heads(tx, project, work.heads)
    apply_facets(tx, project, plan)
    if plan.rollup_dims:
        rollups.add(tx, project, rollups.Days(plan.zone), {}, plan.rollup_dims, {}, {})
    facts.touch_project(tx, project)
    return work.sessions


@dataclass(slots=True)
class _Standing:
    """What stands of a session before."""

    recorded: Recorded = NOTHING_RECORDED
    derived: Mapping[tuple[str, int], tuple[Result, str]] = field(default_factory=dict)
    """What its own events say of a signal at a close, and by which method; what the sender says comes first."""


def _before(reader: Reader, project: int, sessions: Sequence[int]) -> dict[int, _Standing]:
    signals: dict[int, list[Result]] = {}
    evaluators: dict[int, list[Result]] = {}
    derived: dict[int, dict[tuple[str, int], tuple[Result, str]]] = {}
    for session, evaluator, name, value, passed, revision, method, error, current in verdicts.current(
        reader, project, sessions
    ):
        if error is not None:
            continue
        result = (name, value, None if passed is None else bool(passed))
        if current:
            (evaluators if evaluator else signals).setdefault(session, []).append(result)
        if not evaluator and method in DERIVED_METHODS:
            told = derived.setdefault(session, {})
            if method == SENDER or (name, revision) not in told:
                told[name, revision] = (result, method)
    return {
        session: _Standing(
            Recorded(tuple(signals.get(session, ())), tuple(evaluators.get(session, ()))), derived.get(session, {})
        )
        for session in signals.keys() | evaluators.keys() | derived.keys()
    }


class _Ids:
    """Free ids of results."""

    def __init__(self, reader: Reader, project: int) -> None:
        self._reader = reader
        self._project = project
        self._used: set[int] = set()

    def free(self, wanted: int) -> int:
        """Return the first free id from `wanted` on, and take it."""
        while wanted in self._used or outcome_rows.taken(self._reader, self._project, "result", [wanted]):
            wanted += 1
        self._used.add(wanted)
        return wanted


@dataclass(slots=True)
class _Work:
    """The rows of a transaction."""

    plan: Plan
    now: int
    standing: Mapping[tuple[int, int, int, int], Row]
    sessions: int = 0
    signals: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    signals_gone: list[tuple[int, str]] = field(default_factory=list)
    results_gone: list[tuple[int, int, int, int]] = field(default_factory=list)
    signals_back: list[tuple[int, str, int, str]] = field(default_factory=list)
    reinstated: list[tuple[int, int, int, int]] = field(default_factory=list)
    heads: list[dict[str, Any]] = field(default_factory=list)

    def take(self, one: Judged, head: Mapping[str, Any], standing: _Standing, ids: _Ids) -> None:
        """Plan the rows of one session."""
        newest = head["revision"] == one.revision
        self.sessions += 1
        place = {"session_id": one.session_id, "sort_at": head["sort_at"]}
        said: list[Result] = []
        lost: list[str] = []
        for row in one.signals:
            name, failed = row["signal"], row["error"] is not None
            told = standing.derived.get((name, one.revision)) if failed else None
            if newest:
                self.signals_gone.append((one.session_id, name))
            if newest and told is not None:
                # An error is no verdict: what the session's own events say stands beside it.
                said.append(told[0])
                self.signals_back.append((one.session_id, name, one.revision, told[1]))
            elif newest and failed:
                lost.append(name)
            elif newest:
                said.append((name, row["value"], None if row["passed"] is None else bool(row["passed"])))
            current = newest and told is None
            self.signals.append({**place, **row, "revision": one.revision, "current": int(current)})
        given: list[Result] = []
        gone: list[str] = []
        for row in one.results:
            name, evaluator, version = row["name"], row["evaluator_id"], row["evaluator_version"]
            place_of = (one.session_id, evaluator, version, one.revision)
            stands = self.standing.get(place_of)
            value, passed, failed = row["value"], row["passed"], row["error"] is not None
            if stands is not None:
                # A verdict is never changed: the same question on the same close was answered before.
                (value, passed), failed = stands, False
            if newest:
                self.results_gone.append(place_of)
                gone.append(name)
                if not failed:
                    given.append((name, value, None if passed is None else bool(passed)))
            if stands is not None:
                self.reinstated += [place_of] * newest
                continue
            number = ids.free(stable_id(row["evaluated_ms"], evaluator, version, one.session_id, one.revision))
            kept = {key: value for key, value in row.items() if key != "name"}
            self.results.append(
                {**place, **kept, "id": number, "session_revision": one.revision, "current": int(newest)}
            )
        if newest:
            self._difference(one.session_id, head, standing.recorded, said, given, gone, lost)

    def _difference(
        self,
        session: int,
        head: Mapping[str, Any],
        recorded: Recorded,
        said: Sequence[Result],
        given: Sequence[Result],
        gone: Sequence[str],
        lost: Sequence[str],
    ) -> None:
        enrichments = _enrichments(head["info"])
        kept = Recorded(
            tuple(one for one in recorded.signals if one[0] not in lost), recorded.evaluators, recorded.answered
        )
        before = from_results(enrichments, head["user_score"], recorded)
        after = from_results(enrichments, head["user_score"], changed(kept, said, given, gone))
        self._facets(session, head, before, after)
        if any(head[name] != value for name, value in after.columns.items()):
            self.heads.append({"s": session, "now": self.now, **after.columns})

    def _facets(self, session: int, head: Mapping[str, Any], before: FromResults, after: FromResults) -> None:
        plan, at = self.plan, head["sort_at"]
        out, into = before.facets - after.facets, after.facets - before.facets
        for pair in out:
            plan.facets_out.setdefault(pair, []).append((at, session))
        for pair in into:
            plan.facets_in.setdefault(pair, []).append((at, session, head["started_ms"]))
        for sign, facets in ((-1, before.facets), (1, after.facets)):
            for key, sums in result_dims(head, facets).items():
                total = plan.rollup_dims.setdefault(key, [0] * len(sums))
                for number, value in enumerate(sums):
                    total[number] += sign * value


def _enrichments(info: str) -> Any:
    if '"enrichments"' not in info:
        return None
    loaded = json.loads(info)
    return loaded.get("enrichments") if isinstance(loaded, dict) else None
