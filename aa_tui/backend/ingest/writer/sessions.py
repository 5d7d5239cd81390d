"""What the sessions of a slice become: derived before and after, and the difference as rows. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aa_tui.backend.ingest.closing_rules import SessionSettings, State
from aa_tui.backend.ingest.outcomes import OutcomePlanner
from aa_tui.backend.ingest.sessionise import Contribution, DerivedSession, Recorded, derive
from aa_tui.backend.ingest.sessionise.findings import current_of
from aa_tui.backend.ingest.stored import StoredEvent, to_json
from aa_tui.backend.ingest.writer.records import Plan, Touched
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.store import facts, search
from aa_tui.backend.store.engine import Reader, Row

_Key = TypeVar("_Key")
_AFTERWARDS = (int(EventKind.SCORE), int(EventKind.SESSION_ENRICHMENT), int(EventKind.FOREIGN))
_RECORDED_COLUMNS = (
    "started_ms", "ended_ms", "turns", "messages", "model_calls", "tool_calls", "tool_errors", "errors",
    "total_tokens", "cost_nano", "cost_estimated", "duration_ms", "latency_avg_ms", "rules", "warnings", "user_score",
)  # fmt: skip
"""What a close revision keeps of the session as it was."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all sessions of a slice."""

    project: int
    now: int
    before: SessionSettings
    after: SessionSettings
    anew: bool
    """Their rollups and facets were cleared: nothing is to be taken away."""
    closed_here: Mapping[int, int]
    """Revision by session that this writer closed: parts of one import close a session once."""


class SessionPlanner:
    """Plans the sessions that a slice touches."""

    def __init__(self, reader: Reader, terms: Terms, touched: Iterable[Touched], plan: Plan) -> None:
        self._reader = reader
        self._terms = terms
        self._into = plan
        self._touched = list(touched)
        known = [one.session_id for one in self._touched if one.old_row is not None]
        self._recorded = _recorded(facts.recorded_results(reader, terms.project, known)) if known else {}
        given = {one.session_id: one.outcomes for one in self._touched if one.outcomes}
        self._outcomes = OutcomePlanner(reader, terms.project, terms.now, given, known)

    def plan(self, partial: str | None) -> None:
        """Plan all; `partial` is the key of a session of which more is to come."""
        for one in self._touched:
            self._session(one, self._recorded.get(one.session_id, Recorded()), one.key == partial)
        plan = self._into
        plan.outcomes = self._outcomes.rows
        if plan.outcomes.count():
            plan.count(0).results += plan.outcomes.count()

    def _session(self, one: Touched, recorded: Recorded, partial: bool) -> None:
        terms, plan, outcomes = self._terms, self._into, self._outcomes
        before: DerivedSession | None = None
        if one.old_row is not None and one.old and not terms.anew:
            frozen = State(*(one.old_row[name] for name in ("state", "close_reason", "closed_ms", "close_due_ms")))
            before = derive(one.key, one.old, terms.before, terms.now, recorded, frozen)
        kept = [event for event in one.old if event.id not in one.removed]
        taken = {event.id for event in kept}
        for new in one.new:
            new.take_id(taken)
        events = kept + [new.event for new in one.new]
        after: DerivedSession | None = None
        judged = outcomes.recorded(recorded, one.outcomes)
        if events:
            held = State("open", None, None, terms.now) if partial else None
            after = derive(one.key, events, terms.after, terms.now, judged, held)
        self._facets(one, before, after)
        if before is not None:
            _contribute(plan, before.contribution, -1)
        if after is None:
            plan.dropped.append(one.session_id)
        else:
            _contribute(plan, after.contribution, 1)
            revision = self._rows(one, kept, after)
            at = after.row["sort_at"]
            if after.findings and (
                before is None
                or after.findings != before.findings
                or (one.old_row is not None and one.old_row["revision"] != revision)
            ):
                current = current_of(after.findings, judged)
                outcomes.derive(one.session_id, revision, at, after.findings, current, before is not None)
            outcomes.plan(one.session_id, revision, at, one.outcomes, {found.signal for found in after.findings})
            if before is not None and before.row["sort_at"] != after.row["sort_at"]:
                outcomes.moved(one.session_id, after.row["sort_at"])
        if one.removed or any(new.texts or new.event.name for new in one.new):
            plan.documents.append(self._document(one, kept))
        if one.new:
            written = plan.count(one.new[0].file)
            written.sessions += one.old_row is None
            written.turns += max(0, (len(after.turns) if after else 0) - (len(before.turns) if before else 0))

    def _rows(self, one: Touched, kept: Sequence[StoredEvent], after: DerivedSession) -> int:
        """Plan the rows of a session that changed and return its revision."""
        project, session_id, plan = self._terms.project, one.session_id, self._into
        for event in kept:
            place = after.places[event.id]
            if place != (event.turn_no, event.position, event.depth, event.parent_event, event.warnings):
                named = dict(zip(("turn_no", "position", "depth", "parent_event", "warnings"), place, strict=True))
                plan.places.append({"p": project, "s": session_id, "e": event.id, **named})
        for new in one.new:
            event = new.event
            event.turn_no, event.position, event.depth, event.parent_event, event.warnings = after.places[event.id]
            plan.put(new, project, session_id)
        old_turns: dict[int, Row] = {}
        if one.old_row is not None:
            old_turns = {row[0]: row for row in facts.session_turns(self._reader, project, session_id)}
        for turn in after.turns:
            was = old_turns.pop(turn["no"], None)
            if was is None or was != tuple(turn[name] for name in facts.TURN_COLUMNS):
                plan.turns.append({"p": project, "s": session_id, **turn})
        plan.turns_gone += [{"p": project, "s": session_id, "no": number} for number in old_turns]
        revision = self._revision(one, after)
        row = {**after.row, "revision": revision}
        old = one.old_row
        if old is None or one.new or any(row[name] != old[name] for name in row):
            plan.sessions.append({"p": project, "id": session_id, "updated_ms": self._terms.now, **row})
        return revision

    def _revision(self, one: Touched, after: DerivedSession) -> int:
        """Return the revision: one more for every close, also when a closed session changed and closed again."""
        old = one.old_row
        revision: int = old["revision"] if old is not None else 0
        goes_on = bool(revision) and self._terms.closed_here.get(one.session_id) == revision
        if old is not None and old["state"] == "closed" and not goes_on:
            if all(new.event.kind in _AFTERWARDS for new in one.new) and not one.removed:
                return revision
            said = to_json({name: old[name] for name in _RECORDED_COLUMNS})
            self._into.superseded.append(
                {"p": self._terms.project, "s": one.session_id, "revision": revision, "record": said}
            )
        if not after.state.closed or goes_on:
            return revision
        revision += 1
        self._into.closed[one.session_id] = revision
        self._into.revisions.append(
            {
                "p": self._terms.project,
                "s": one.session_id,
                "revision": revision,
                "closed_ms": after.state.closed_ms if after.state.closed_ms is not None else after.row["sort_at"],
                "close_reason": after.state.close_reason or "timeout",
                "written_ms": self._terms.now,
            }
        )
        return revision

    def _facets(self, one: Touched, before: DerivedSession | None, after: DerivedSession | None) -> None:
        plan = self._into
        old_at = before.row["sort_at"] if before is not None else None
        new_at = after.row["sort_at"] if after is not None else None
        old = before.facets if before is not None else set()
        new = after.facets if after is not None else set()
        same = old & new if old_at == new_at else set()
        if old_at is not None:
            for pair in old - same:
                plan.facets_out.setdefault(pair, []).append((old_at, one.session_id))
        if new_at is not None and after is not None:
            place = (new_at, one.session_id, after.row["started_ms"])
            for pair in new - same:
                plan.facets_in.setdefault(pair, []).append(place)

    def _document(self, one: Touched, kept: Sequence[StoredEvent]) -> tuple[int, str | None, str | None]:
        old: str | None = None
        texts: dict[int, dict[str, str]] = {}
        if one.old_row is not None:
            texts = search.stored_texts(self._reader, self._terms.project, one.session_id)
            old = search.build_document((e.id, e.kind, e.name, texts.get(e.id, {})) for e in one.old)
        found: list[search.SearchText] = [(e.id, e.kind, e.name, texts.get(e.id, {})) for e in kept]
        found += [(new.event.id, new.event.kind, new.event.name, new.texts) for new in one.new]
        return one.session_id, old, search.build_document(found) if found else None


def _contribute(plan: Plan, made: Contribution, sign: int) -> None:
    _add_up(plan.rollup_sessions, made.sessions, sign)
    _add_up(plan.rollup_dims, made.dims, sign)
    for place, n in made.latencies.items():
        plan.rollup_latencies[place] = plan.rollup_latencies.get(place, 0) + sign * n
    for user, n in made.users.items():
        plan.rollup_users[user] = plan.rollup_users.get(user, 0) + sign * n


def _add_up(totals: dict[_Key, list[int]], given: Mapping[_Key, Sequence[int]], sign: int) -> None:
    for key, sums in given.items():
        total = totals.get(key)
        if total is None:
            totals[key] = list(sums) if sign > 0 else [-value for value in sums]
        else:
            totals[key] = [was + sign * value for was, value in zip(total, sums, strict=True)]


def _recorded(rows: Mapping[int, Sequence[Row]]) -> dict[int, Recorded]:
    found: dict[int, Recorded] = {}
    for session_id, given in rows.items():
        signals: list[tuple[str, str | None, bool | None]] = []
        evaluators: list[tuple[str, str | None, bool | None]] = []
        answered: list[tuple[str, str]] = []
        for kind, name, value, passed in given:
            if kind == "answer":
                answered.append((name, value))
            elif kind != "derived":  # the derivation says it again
                (signals if kind == "signal" else evaluators).append(
                    (name, value, None if passed is None else bool(passed))
                )
        found[session_id] = Recorded(tuple(signals), tuple(evaluators), tuple(answered))
    return found
