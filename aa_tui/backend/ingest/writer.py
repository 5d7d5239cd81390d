"""New events into the store: dedupe, derive what they touch, write facts and everything derived in one transaction.

All thinking (parsing, deriving, building documents) happens before the transaction begins; inside it the project's data
version tells whether somebody else wrote meanwhile, in which case the thinking is done again. A transaction holds a
slice: whole sessions, as many as fit under a time that other processes can wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aa_tui.backend.ingest.closing_rules import SessionSettings, State, settings_of
from aa_tui.backend.ingest.outcomes import Outcome, OutcomePlanner, OutcomeRows
from aa_tui.backend.ingest.sessionise import Contribution, DerivedSession, Recorded, derive
from aa_tui.backend.ingest.stored import USER_PROPERTIES, StoredEvent, make_stored, props_of, richness, row_of
from aa_tui.backend.model.event import AgentEvent, EventKind, TimeQuality
from aa_tui.backend.store import facts, rollups, search
from aa_tui.backend.store.engine import Reader, Row, Store, Tx
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import NotFound
from aa_tui.backend.support.ids import stable_id, text_hash
from aa_tui.backend.support.text import storable_id

SLICE_EVENTS = 1_000
SLICE_CHARS = 3_000_000
MOST_REMEMBERED = 200_000
"""What one transaction takes at most: keeps it under about 200 ms."""
PROPERTY_TIMES = "$times"
"""Reserved member of a person's properties: when each was last said, so that the last value wins in any order."""

_OUTSIDE = (EventKind.PRODUCT, EventKind.IDENTIFY)
_AFTERWARDS = (int(EventKind.SCORE), int(EventKind.SESSION_ENRICHMENT), int(EventKind.FOREIGN))
_REAL_TIME = (TimeQuality.EXACT, TimeQuality.ZONE_ASSUMED)
_EPOCH_DAY = 719_163
_QUARTER_MS = 900_000
_RECORDED_COLUMNS = (
    "started_ms", "ended_ms", "turns", "messages", "model_calls", "tool_calls", "tool_errors", "errors",
    "total_tokens", "cost_nano", "cost_estimated", "duration_ms", "latency_avg_ms", "rules", "warnings", "user_score",
)  # fmt: skip
"""What a close revision keeps of the session as it was."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event with where it comes from."""

    event: AgentEvent
    source: str
    mapper_version: int
    file: int = 0
    """Whose count it goes to."""
    force: bool = False
    """Replace a known event even where this version does not tell more: its file is read under other options."""


@dataclass(slots=True)
class Written:
    """What a write added, for one file or in all."""

    sessions: int = 0
    turns: int = 0
    events: int = 0
    duplicates: int = 0
    updated: int = 0
    """Known events that a fuller version replaced."""
    results: int = 0
    """Recorded verdicts and labels; counted for file 0."""

    def add(self, other: Written) -> None:
        """Add another's counts."""
        self.sessions += other.sessions
        self.turns += other.turns
        self.events += other.events
        self.duplicates += other.duplicates
        self.updated += other.updated
        self.results += other.results


@dataclass(slots=True)
class FileRecord:
    """An `import_file` row to commit together with the file's last events."""

    row: dict[str, Any]
    problems: list[dict[str, Any]]
    file: int


@dataclass(slots=True)
class _New:
    """A converted event on its way into the store."""

    event: StoredEvent
    texts: dict[str, str]
    key: str | None
    file: int
    size: int
    force: bool


@dataclass(slots=True)
class _Slice:
    news: list[_New] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    size: int = 0
    partial: str | None = None
    """Key of a session that goes on in the next slice."""

    @property
    def load(self) -> int:
        """How many events and outcomes it holds."""
        return len(self.news) + len(self.outcomes)


@dataclass(slots=True)
class _Touched:
    """One session that a slice changes."""

    key: str
    session_id: int
    old_row: dict[str, Any] | None
    old: list[StoredEvent]
    removed: set[int] = field(default_factory=set)
    new: list[_New] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """Everything a transaction will write; made outside of it."""

    data_version: int
    zone: str
    """Of the project."""
    deletions: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    turns_gone: list[dict[str, Any]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    facets_in: list[tuple[str, str, int, int, int | None]] = field(default_factory=list)
    """(key, value, sort_at, session, start)."""
    facets_out: list[tuple[str, str, int, int]] = field(default_factory=list)
    rollup_sessions: dict[rollups.SessionKey, list[int]] = field(default_factory=dict)
    rollup_dims: dict[rollups.DimKey, list[int]] = field(default_factory=dict)
    rollup_latencies: dict[rollups.LatencyKey, int] = field(default_factory=dict)
    rollup_users: dict[rollups.UserKey, int] = field(default_factory=dict)
    documents: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    days: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    persons: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    said: dict[str, list[tuple[int, str, Mapping[str, Any]]]] = field(default_factory=dict)
    closed: dict[int, int] = field(default_factory=dict)
    counts: dict[int, Written] = field(default_factory=dict)
    outcomes: OutcomeRows = field(default_factory=OutcomeRows)
    unresolved: list[Outcome] = field(default_factory=list)
    """Of sessions that the project does not have."""

    def empty(self) -> bool:
        """Return whether nothing would be written."""
        return not (
            self.events or self.deletions or self.sessions or self.dropped or self.facets_in or self.outcomes.count()
        )

    def count(self, file: int) -> Written:
        """Return the counts of a file."""
        return self.counts.setdefault(file, Written())


def suppress_hash(value: str) -> str:
    """Return how a forgotten user id, session key or insert id is written in the suppress list."""
    return text_hash(value)


def facet_id(key: str, value: str) -> int:
    """Return the id of a facet value: the same in every project and on every machine."""
    return int(text_hash(key, value)[:15], 16)


class DayOf:
    """Days since 1970-01-01 in a time zone; remembers quarters of an hour because zones are slow."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def __call__(self, at_ms: int) -> int:
        quarter = at_ms // _QUARTER_MS
        day = self._known.get(quarter)
        if day is None:
            try:
                local = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, self._zone)
            except (OverflowError, ValueError, OSError):
                return at_ms // 86_400_000
            day = self._known[quarter] = local.toordinal() - _EPOCH_DAY
        return day


class Writer:
    """Writes events of one project. Not thread-safe; several processes may write at once."""

    def __init__(self, store: Store, project_id: int, clock: Clock, *, replace: bool = True) -> None:
        """`replace`: a fuller version of a known event replaces it (files grow); otherwise the first one stays."""
        self._store = store
        self._project = project_id
        self._clock = clock
        self._replace = replace
        self._days: tuple[str, DayOf] | None = None
        self.unresolved: list[Outcome] = []
        """Outcomes of sessions that were not there when they were written; the caller may take them out and retry."""
        self._anew: frozenset[str] | None = None
        self._mine: set[str] | None = None
        """Insert ids of all events of the project, while only this writer has ever written to it: a new store needs no
        look-up for what cannot be there. None once that is not known any more."""
        self._mine_version = -1
        self._closed_here: dict[int, int] = {}
        """Revision by session that this writer closed: parts of one import close a session once."""

    def write(
        self,
        items: Iterable[Incoming],
        files: Sequence[FileRecord] = (),
        outcomes: Iterable[Outcome] = (),
    ) -> dict[int, Written]:
        """Store events and recorded outcomes and return what was added, by file.

        `files` are recorded with the last of them. Outcomes of sessions that the project does not have stay behind in
        `unresolved`.

        Raises:
            NotFound: the project is gone.
            StoreError: the store cannot be written; what was committed before is consistent.
        """
        counts: dict[int, Written] = {}
        now = self._clock.now_ms()
        slices = list(_sliced(_converted(items, now), outcomes))
        for number, part in enumerate(slices):
            last = number == len(slices) - 1
            self._commit(part, (), files if last else (), counts)
        if not slices and files:
            self._commit(_Slice(), (), files, counts)
        return counts

    def rederive(self, session_ids: Sequence[int]) -> None:
        """Derive sessions again from what is stored: their time to close has come, or results were recorded."""
        for chunk in facts.chunks(session_ids, 50):
            self._commit(_Slice(), chunk, (), {})

    def derive_anew(self, session_ids: Sequence[int], ratings: frozenset[str]) -> None:
        """Derive sessions whose rollups and facets were cleared, adding them without taking anything away.

        `ratings` are the names of 1–5 ratings, which otherwise come from the facets.
        """
        self._anew = ratings
        try:
            self.rederive(session_ids)
        finally:
            self._anew = None

    def _commit(
        self, part: _Slice, touched: Sequence[int], files: Sequence[FileRecord], counts: dict[int, Written]
    ) -> None:
        with self._store.reader() as reader:
            plan = self._plan(reader, part, touched)
        with self._store.write() as tx:
            state = facts.project_state(tx, self._project)
            if state is None or state[0] != plan.data_version:
                plan = self._plan(tx, part, touched)
            self._apply(tx, plan)
            for file, written in plan.counts.items():
                counts.setdefault(file, Written()).add(written)
            for record in files:
                added = counts.get(record.file, Written())
                facts.record_file(
                    tx, {**record.row, "sessions": added.sessions, "events": added.events}, record.problems
                )
        if not plan.empty():
            self._mine_version = plan.data_version + 1
            if self._mine is not None:
                self._mine.update(row["insert_id"] for row in plan.events)
        self._closed_here.update(plan.closed)
        self.unresolved += plan.unresolved

    # --- thinking --------------------------------------------------------------------------------------------------

    def _plan(self, reader: Reader, part: _Slice, touched_ids: Sequence[int]) -> _Plan:
        state = facts.project_state(reader, self._project)
        if state is None:
            raise NotFound("The project is gone.")
        data_version, zone, settings_text = state
        if self._days is None or self._days[0] != zone:
            self._days = (zone, DayOf(zone))
        self._remember(reader, data_version)
        plan = _Plan(data_version, zone)
        touched: dict[int, _Touched] = {}
        outside: list[_New] = []
        self._dedupe(reader, part, plan, touched, outside)
        self._load(reader, [one for one in touched_ids if one not in touched], touched)
        self._assign(reader, part.outcomes, touched, plan)
        before, after = self._settings(reader, settings_text, touched)
        self._settle_outside(reader, outside, plan)
        known = [one.session_id for one in touched.values() if one.old_row is not None]
        recorded = _recorded(facts.recorded_results(reader, self._project, known)) if known else {}
        given = {one.session_id: one.outcomes for one in touched.values() if one.outcomes}
        planner = OutcomePlanner(reader, self._project, self._clock.now_ms(), given, known)
        for one in touched.values():
            partial = part.partial is not None and one.key == part.partial
            was = recorded.get(one.session_id, Recorded())
            self._plan_session(reader, one, (before, after), was, planner, partial, plan)
        plan.outcomes = planner.rows
        if plan.outcomes.count():
            plan.count(0).results += plan.outcomes.count()
        return plan

    def _assign(self, reader: Reader, outcomes: Sequence[Outcome], touched: dict[int, _Touched], plan: _Plan) -> None:
        """Give outcomes to the sessions they speak of."""
        if not outcomes:
            return
        by_key = {one.key: one for one in touched.values()}
        missing = {storable_id(one.session_key) for one in outcomes} - by_key.keys()
        if missing:
            self._load(reader, list(facts.session_ids(reader, self._project, missing).values()), touched)
            by_key = {one.key: one for one in touched.values()}
        for outcome in outcomes:
            session = by_key.get(storable_id(outcome.session_key))
            if session is None:
                plan.unresolved.append(outcome)
            else:
                session.outcomes.append(outcome)

    def _remember(self, reader: Reader, data_version: int) -> None:
        """Drop what is remembered if others wrote; begin to remember in a project that has no events."""
        if self._mine_version == -1:
            self._mine = None if facts.has_events(reader, self._project) else set()
            self._mine_version = data_version
        elif data_version != self._mine_version or (self._mine and len(self._mine) > MOST_REMEMBERED):
            self._mine = None

    def _settings(
        self, reader: Reader, settings_text: str, touched: dict[int, _Touched]
    ) -> tuple[SessionSettings, SessionSettings]:
        """Return the settings before and after; sessions whose scores mean something else now are touched too."""
        loaded = json.loads(settings_text)
        project = loaded if isinstance(loaded, dict) else {}
        if self._anew is not None:
            known = settings_of(project, self._anew)
            return known, known
        ratings = frozenset(facts.facet_values(reader, self._project, "rating"))
        fresh = {
            new.event.name or ""
            for one in touched.values()
            for new in one.new
            if new.event.kind == EventKind.SCORE and (new.event.score_value or 0) > 1
        } - ratings
        for name in fresh:
            others = facts.sessions_with_facet(reader, self._project, facet_id("score", name or "score"))
            self._load(reader, [one for one in others if one not in touched], touched)
        return settings_of(project, ratings), settings_of(project, ratings | fresh)

    def _dedupe(
        self, reader: Reader, part: _Slice, plan: _Plan, touched: dict[int, _Touched], outside: list[_New]
    ) -> None:
        """Sort new events into the sessions they change, leaving out what is known or was forgotten."""
        forgotten = facts.suppressed(reader, self._project)
        chosen: dict[str, _New] = {}
        for new in part.news:
            if forgotten and _is_forgotten(new, forgotten):
                continue
            other = chosen.get(new.event.insert_id)
            if other is None:
                chosen[new.event.insert_id] = new
                continue
            kept, lost = (new, other) if self._replace and richness(new.event) > richness(other.event) else (other, new)
            chosen[new.event.insert_id] = kept
            plan.count(lost.file).duplicates += 1
        mine = self._mine
        known = facts.known_events(
            reader, self._project, chosen if mine is None else [one for one in chosen if one in mine]
        )
        moved_from: dict[int, list[StoredEvent]] = {}
        fresh: list[tuple[_New, StoredEvent | None, int]] = []
        for insert_id, new in chosen.items():
            stored = known.get(insert_id)
            if stored is None:
                fresh.append((new, None, 0))
                continue
            session_id, row = stored
            old = StoredEvent(*row)
            if not self._replace or old.fingerprint == new.event.fingerprint or not _beats(new, old):
                plan.count(new.file).duplicates += 1
                continue
            new.event.received_ms = old.received_ms
            moved_from.setdefault(session_id, []).append(old)
            fresh.append((new, old, session_id))
        self._place(reader, fresh, moved_from, plan, touched, outside)

    def _place(
        self,
        reader: Reader,
        fresh: Sequence[tuple[_New, StoredEvent | None, int]],
        moved_from: Mapping[int, list[StoredEvent]],
        plan: _Plan,
        touched: dict[int, _Touched],
        outside: list[_New],
    ) -> None:
        keys = list(dict.fromkeys(new.key for new, _, _ in fresh if new.key is not None))
        ids = facts.session_ids(reader, self._project, keys)
        self._load(reader, [*ids.values(), *(one for one in moved_from if one)], touched)
        by_key: dict[str, list[StoredEvent]] = {}
        for new, _, _ in fresh:
            if new.key is not None and new.key not in ids:
                by_key.setdefault(new.key, []).append(new.event)
        for key, session_id in self._new_ids(reader, by_key).items():
            ids[key] = session_id
            touched[session_id] = _Touched(key, session_id, None, [])
        for session_id, olds in moved_from.items():
            for old in olds:
                plan.deletions.append({"p": self._project, "s": session_id, "e": old.id})
                self._count_day(plan, old, -1)
                if session_id:
                    touched[session_id].removed.add(old.id)
        for new, was, _ in fresh:
            if was is None:
                plan.count(new.file).events += 1
            else:
                plan.count(new.file).updated += 1
            self._count_day(plan, new.event, 1)
            self._see(plan, new.event)
            if new.key is None:
                outside.append(new)
            else:
                touched[ids[new.key]].new.append(new)

    def _new_ids(self, reader: Reader, by_key: Mapping[str, Sequence[StoredEvent]]) -> dict[str, int]:
        found: dict[str, int] = {}
        for key, events in by_key.items():
            starts = [e.time_ms - int(e.latency_ms or 0) for e in events if e.time_ms is not None]
            at = min(starts) if starts else min(e.received_ms for e in events)
            found[key] = stable_id(at, self._project, key)
        taken = facts.taken_session_ids(reader, self._project, found.values())
        used: set[int] = set()
        for key, session_id in found.items():
            while session_id in used or session_id in taken or session_id == 0:
                session_id += 1
                if session_id not in used and facts.taken_session_ids(reader, self._project, [session_id]):
                    taken.add(session_id)
            used.add(session_id)
            found[key] = session_id
        return found

    def _load(self, reader: Reader, ids: Sequence[int], touched: dict[int, _Touched]) -> None:
        rows = facts.session_rows(reader, self._project, ids)
        for session_id, row in rows.items():
            events = [StoredEvent(*one) for one in facts.session_events(reader, self._project, session_id)]
            touched[session_id] = _Touched(row["key"], session_id, row, events)

    def _settle_outside(self, reader: Reader, outside: Sequence[_New], plan: _Plan) -> None:
        """Product events, identifies and agent events of no session: facts without anything derived but days."""
        if not outside:
            return
        taken = facts.taken_ids(reader, self._project, 0, [new.event.id for new in outside])
        taken -= {row["e"] for row in plan.deletions if row["s"] == 0}
        for new in outside:
            _free_id(new.event, taken)
            self._put(plan, new, 0)

    def _put(self, plan: _Plan, new: _New, session_id: int) -> None:
        plan.events.append(row_of(new.event, self._project, session_id))
        for part, text in new.texts.items():
            plan.contents.append({"p": self._project, "s": session_id, "e": new.event.id, "part": part, "text": text})

    def _plan_session(
        self,
        reader: Reader,
        one: _Touched,
        settings: tuple[SessionSettings, SessionSettings],
        recorded: Recorded,
        planner: OutcomePlanner,
        partial: bool,
        plan: _Plan,
    ) -> None:
        now = self._clock.now_ms()
        before_settings, after_settings = settings
        before: DerivedSession | None = None
        if one.old_row is not None and one.old and self._anew is None:
            frozen = State(*(one.old_row[name] for name in ("state", "close_reason", "closed_ms", "close_due_ms")))
            before = derive(one.key, one.old, before_settings, now, recorded, frozen)
        kept = [event for event in one.old if event.id not in one.removed]
        taken = {event.id for event in kept}
        for new in one.new:
            _free_id(new.event, taken)
        events = kept + [new.event for new in one.new]
        after: DerivedSession | None = None
        if events:
            held = State("open", None, None, now) if partial else None
            after = derive(one.key, events, after_settings, now, planner.recorded(recorded, one.outcomes), held)
        self._plan_facets(one, before, after, plan)
        if before is not None:
            _contribute(plan, before.contribution, -1)
        if after is None:
            plan.dropped.append(one.session_id)
        else:
            _contribute(plan, after.contribution, 1)
            revision = self._plan_rows(reader, one, kept, after, now, plan)
            planner.plan(one.session_id, revision, after.row["sort_at"], one.outcomes)
            if before is not None and before.row["sort_at"] != after.row["sort_at"]:
                planner.moved(one.session_id, after.row["sort_at"])
        if one.removed or any(new.texts or new.event.name for new in one.new):
            plan.documents.append(self._documents(reader, one, kept))
        if one.new:
            written = plan.count(one.new[0].file)
            written.sessions += one.old_row is None
            written.turns += max(0, (len(after.turns) if after else 0) - (len(before.turns) if before else 0))

    def _plan_rows(
        self, reader: Reader, one: _Touched, kept: Sequence[StoredEvent], after: DerivedSession, now: int, plan: _Plan
    ) -> int:
        """Plan the rows of a session that changed and return its revision."""
        project, session_id = self._project, one.session_id
        for event in kept:
            place = after.places[event.id]
            if place != (event.turn_no, event.position, event.depth, event.parent_event, event.warnings):
                named = dict(zip(("turn_no", "position", "depth", "parent_event", "warnings"), place, strict=True))
                plan.places.append({"p": project, "s": session_id, "e": event.id, **named})
        for new in one.new:
            event = new.event
            event.turn_no, event.position, event.depth, event.parent_event, event.warnings = after.places[event.id]
            self._put(plan, new, session_id)
        old_turns: dict[int, Row] = {}
        if one.old_row is not None:
            old_turns = {row[0]: row for row in facts.session_turns(reader, project, session_id)}
        for turn in after.turns:
            if old_turns.pop(turn["no"], None) != tuple(turn[name] for name in facts.TURN_COLUMNS):
                plan.turns.append({"p": project, "s": session_id, **turn})
        plan.turns_gone += [{"p": project, "s": session_id, "no": number} for number in old_turns]
        revision = self._revision(one, after, plan)
        row = {**after.row, "revision": revision}
        old = one.old_row
        if old is None or one.new or any(row[name] != old[name] for name in row):
            plan.sessions.append({"p": project, "id": session_id, "updated_ms": now, **row})
        return revision

    def _revision(self, one: _Touched, after: DerivedSession, plan: _Plan) -> int:
        """Return the revision: one more for every close, also when a closed session changed and closed again."""
        old = one.old_row
        revision: int = old["revision"] if old is not None else 0
        if not after.state.closed:
            return revision
        changed = any(new.event.kind not in _AFTERWARDS for new in one.new) or bool(one.removed)
        if old is not None and old["state"] == "closed" and not changed:
            return revision
        if self._closed_here.get(one.session_id) == revision and revision:
            return revision
        revision += 1
        plan.closed[one.session_id] = revision
        plan.revisions.append(
            {
                "p": self._project,
                "s": one.session_id,
                "revision": revision,
                "closed_ms": after.state.closed_ms if after.state.closed_ms is not None else after.row["sort_at"],
                "close_reason": after.state.close_reason or "timeout",
                "record": json.dumps({name: after.row[name] for name in _RECORDED_COLUMNS}, ensure_ascii=False),
            }
        )
        return revision

    def _plan_facets(
        self, one: _Touched, before: DerivedSession | None, after: DerivedSession | None, plan: _Plan
    ) -> None:
        old_at = before.row["sort_at"] if before is not None else None
        new_at = after.row["sort_at"] if after is not None else None
        old = before.facets if before is not None else set()
        new = after.facets if after is not None else set()
        same = old & new if old_at == new_at else set()
        if old_at is not None:
            plan.facets_out += [(key, value, old_at, one.session_id) for key, value in old - same]
        if new_at is not None and after is not None:
            start = after.row["started_ms"]
            plan.facets_in += [(key, value, new_at, one.session_id, start) for key, value in new - same]

    def _documents(
        self, reader: Reader, one: _Touched, kept: Sequence[StoredEvent]
    ) -> tuple[int, str | None, str | None]:
        old: str | None = None
        texts: dict[int, dict[str, str]] = {}
        if one.old_row is not None:
            texts = search.stored_texts(reader, self._project, one.session_id)
            old = search.build_document((e.id, e.kind, e.name, texts.get(e.id, {})) for e in one.old)
        found: list[search.SearchText] = [(e.id, e.kind, e.name, texts.get(e.id, {})) for e in kept]
        found += [(new.event.id, new.event.kind, new.event.name, new.texts) for new in one.new]
        return one.session_id, old, search.build_document(found) if found else None

    # --- people ----------------------------------------------------------------------------------------------------

    def _count_day(self, plan: _Plan, event: StoredEvent, sign: int) -> None:
        user = event.user_id or event.device_id
        if user is None or event.time_ms is None or event.time_quality not in _REAL_TIME or self._days is None:
            return
        if event.kind in (EventKind.FOREIGN, EventKind.IDENTIFY):
            return
        counts = plan.days.setdefault((user, self._days[1](event.time_ms)), [0, 0])
        counts[1 if event.kind == EventKind.PRODUCT else 0] += sign

    def _see(self, plan: _Plan, event: StoredEvent) -> None:
        user = event.user_id or event.device_id
        if user is None:
            return
        first, last = plan.persons.get(user, (None, None))
        at = event.time_ms if event.time_quality in _REAL_TIME else None
        if at is not None:
            first = at if first is None else min(first, at)
            last = at if last is None else max(last, at)
        plan.persons[user] = (first, last)
        said = props_of(event).get(USER_PROPERTIES) if event.properties is not None else None
        if isinstance(said, Mapping) and said:
            plan.said.setdefault(user, []).append((at or 0, event.insert_id, said))

    # --- writing ---------------------------------------------------------------------------------------------------

    def _apply(self, tx: Tx, plan: _Plan) -> None:
        if plan.empty():
            return
        project = self._project
        facts.delete_events(tx, plan.deletions)
        facts.insert_events(tx, plan.events)
        facts.insert_contents(tx, plan.contents)
        facts.update_places(tx, plan.places)
        facts.upsert_sessions(tx, plan.sessions)
        for session_id in plan.dropped:
            facts.delete_session(tx, project, session_id)
        facts.delete_turns(tx, plan.turns_gone)
        facts.upsert_turns(tx, plan.turns)
        facts.insert_revisions(tx, plan.revisions)
        self._apply_facets(tx, plan)
        rollups.add(
            tx,
            project,
            rollups.Days(plan.zone),
            plan.rollup_sessions,
            plan.rollup_dims,
            plan.rollup_latencies,
            plan.rollup_users,
        )
        search.replace_documents(tx, project, plan.documents)
        facts.add_user_days(
            tx,
            [
                {"p": project, "u": user, "day": day, "agent": agent, "product": product}
                for (user, day), (agent, product) in plan.days.items()
                if agent or product
            ],
        )
        facts.see_persons(
            tx, [{"p": project, "u": u, "first": first, "last": last} for u, (first, last) in plan.persons.items()]
        )
        self._apply_properties(tx, plan)
        plan.outcomes.apply(tx)
        facts.touch_project(tx, project)

    def _apply_facets(self, tx: Tx, plan: _Plan) -> None:
        project = self._project
        ids: dict[tuple[str, str], int] = {}
        net: dict[tuple[str, str], list[Any]] = {}

        def known(key: str, value: str) -> int:
            pair = (key, value)
            if pair not in ids:
                ids[pair] = facet_id(key, value)
                net[pair] = [0, None]
            return ids[pair]

        out = []
        for key, value, at, session_id in plan.facets_out:
            out.append({"p": project, "f": known(key, value), "at": at, "s": session_id})
            net[key, value][0] -= 1
        put = []
        for key, value, at, session_id, start in plan.facets_in:
            put.append({"p": project, "f": known(key, value), "at": at, "s": session_id})
            counts = net[key, value]
            counts[0] += 1
            if start is not None and (counts[1] is None or start < counts[1]):
                counts[1] = start
        put.sort(key=lambda row: (row["f"], row["at"]))
        facts.remove_facets(tx, out)
        facts.add_facets(tx, put)
        facts.count_facets(
            tx,
            [
                {"p": project, "f": ids[pair], "key": pair[0], "value": pair[1], "n": n, "first": first}
                for pair, (n, first) in net.items()
                if n or first is not None
            ],
        )
        facts.settle_facets(tx, [{"p": project, "f": one} for one in {row["f"] for row in out}])

    def _apply_properties(self, tx: Tx, plan: _Plan) -> None:
        if not plan.said:
            return
        stored = facts.person_properties(tx, self._project, plan.said)
        rows = []
        for user, statements in plan.said.items():
            merged = merge_properties(stored.get(user, "{}"), statements)
            rows.append({"p": self._project, "u": user, "properties": merged})
        facts.set_person_properties(tx, rows)


def merge_properties(stored: str, statements: Iterable[tuple[int, str, Mapping[str, Any]]]) -> str:
    """Return a person's properties JSON after statements (time, insert id, values): per property the last one wins.

    None takes a property away. Operations of `$identify` that keep no value (`$add`, `$append`…) are left out.
    """
    loaded = json.loads(stored)
    properties: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    times: dict[str, list[Any]] = properties.pop(PROPERTY_TIMES, {})
    for at, insert_id, values in statements:
        for name, value in values.items():
            if name.startswith("$"):
                continue
            if [at, insert_id] < times.get(name, [-1, ""]):
                continue
            times[name] = [at, insert_id]
            if value is None:
                properties.pop(name, None)
            else:
                properties[name] = value
    found = dict(sorted(properties.items()))
    found[PROPERTY_TIMES] = dict(sorted(times.items()))
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=str)


def _converted(items: Iterable[Incoming], received_ms: int) -> Iterator[_New]:
    for item in items:
        event = item.event
        stored, texts = make_stored(event, item.source, item.mapper_version, received_ms)
        key = None if event.kind in _OUTSIDE or not event.session_key else storable_id(event.session_key)
        size = sum(map(len, texts.values()))
        yield _New(stored, texts, key, item.file, size, item.force)


def _sliced(news: Iterable[_New], outcomes: Iterable[Outcome]) -> Iterator[_Slice]:
    """Group events and outcomes into transactions: sessions stay whole unless one alone is too large."""
    sessions: dict[str | None, tuple[list[_New], list[Outcome]]] = {}
    for new in news:
        sessions.setdefault(new.key, ([], []))[0].append(new)
    for outcome in outcomes:
        sessions.setdefault(storable_id(outcome.session_key), ([], []))[1].append(outcome)
    current = _Slice()
    for key, (members, said) in sessions.items():
        size = sum(new.size for new in members)
        load = len(members) + len(said)
        if current.load and (current.load + load > SLICE_EVENTS or current.size + size > SLICE_CHARS):
            yield current
            current = _Slice()
        if load <= SLICE_EVENTS and size <= SLICE_CHARS:
            current.news += members
            current.size += size
        else:
            for new in members:
                if current.news and (len(current.news) >= SLICE_EVENTS or current.size + new.size > SLICE_CHARS):
                    current.partial = key
                    yield current
                    current = _Slice()
                current.news.append(new)
                current.size += new.size
        current.outcomes += said
    if current.load:
        yield current


def _beats(new: _New, old: StoredEvent) -> bool:
    """Return whether a version of a known event replaces it."""
    fresh, stored = richness(new.event), richness(old)
    return fresh[:-1] >= stored[:-1] if new.force else fresh > stored


def _is_forgotten(new: _New, forgotten: set[tuple[str, str]]) -> bool:
    event = new.event
    named = (("user", event.user_id), ("user", event.device_id), ("session", new.key), ("insert", event.insert_id))
    return any((kind, suppress_hash(value)) in forgotten for kind, value in named if value)


def _free_id(event: StoredEvent, taken: set[int]) -> None:
    while event.id in taken:
        event.id += 1
    taken.add(event.id)


def _contribute(plan: _Plan, made: Contribution, sign: int) -> None:
    for key, sums in made.sessions.items():
        total = plan.rollup_sessions.setdefault(key, [0] * len(rollups.SESSION_SUMS))
        for at, value in enumerate(sums):
            total[at] += sign * value
    for dim, counts in made.dims.items():
        total = plan.rollup_dims.setdefault(dim, [0] * len(rollups.DIM_SUMS))
        for at, value in enumerate(counts):
            total[at] += sign * value
    for place, n in made.latencies.items():
        plan.rollup_latencies[place] = plan.rollup_latencies.get(place, 0) + sign * n
    for user, n in made.users.items():
        plan.rollup_users[user] = plan.rollup_users.get(user, 0) + sign * n


def _recorded(rows: Mapping[int, Sequence[Row]]) -> dict[int, Recorded]:
    found: dict[int, Recorded] = {}
    for session_id, given in rows.items():
        signals: list[tuple[str, str | None, bool | None]] = []
        evaluators: list[tuple[str, str | None, bool | None]] = []
        answered: list[tuple[str, str]] = []
        for kind, name, value, passed in given:
            if kind == "answer":
                answered.append((name, value))
            else:
                (signals if kind == "signal" else evaluators).append(
                    (name, value, None if passed is None else bool(passed))
                )
        found[session_id] = Recorded(tuple(signals), tuple(evaluators), tuple(answered))
    return found
