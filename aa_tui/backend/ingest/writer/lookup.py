"""Which sessions new events change: dedupe, what was forgotten, ids of new sessions, what stands there. Only reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from aa_tui.backend.ingest.closing_rules import SessionSettings, settings_of
from aa_tui.backend.ingest.outcomes import Outcome
from aa_tui.backend.ingest.stored import StoredEvent, richness
from aa_tui.backend.ingest.writer.applying import facet_id
from aa_tui.backend.ingest.writer.people import People
from aa_tui.backend.ingest.writer.records import New, Plan, Slice, Touched
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.store import facts
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.support.ids import first_session_id, text_hash
from aa_tui.backend.support.text import storable_id

_RUN = 256
"""Ids that are looked at together for a free one."""
MOST_REMEMBERED = 200_000
"""Insert ids that a writer remembers of what it wrote."""


class Lookup:
    """Finds what a slice changes in one project. Remembers what this writer wrote; not thread-safe."""

    def __init__(self, project_id: int, replace: bool) -> None:
        self._project = project_id
        self._replace = replace
        self._mine: set[str] | None = None
        """Insert ids of all events of the project, while only this writer has ever written to it: a new store needs no
        look-up for what cannot be there. None once that is not known any more."""
        self._mine_version = -1
        self._absent: set[str] = set()
        """Insert ids that are known not to be stored as long as the data version is `_absent_version`."""
        self._absent_version = -1

    def touched(
        self, reader: Reader, part: Slice, also: Sequence[int], people: People, plan: Plan
    ) -> dict[int, Touched]:
        """Return the sessions that a slice changes, by id, with `also`; plans the events of no session."""
        self._remember(reader, plan.data_version)
        if plan.data_version != self._absent_version:
            self._absent = set()
        touched: dict[int, Touched] = {}
        outside: list[New] = []
        self._dedupe(reader, part, people, plan, touched, outside)
        self._load(reader, [one for one in also if one not in touched], touched)
        self._assign(reader, part.outcomes, touched, plan)
        self._settle_outside(reader, outside, plan)
        return touched

    def trust(self, absent: set[str], data_version: int) -> None:
        """Take it that none of these insert ids was stored when the project's data had a version."""
        self._absent, self._absent_version = absent, data_version

    def wrote(self, plan: Plan) -> None:
        """Remember that a plan was written."""
        if self._absent and self._absent_version == plan.data_version:
            self._absent_version += 1
            self._absent.difference_update(row[3] for row in plan.events)
        self._mine_version = plan.data_version + 1
        if self._mine is not None:
            self._mine.update(row[3] for row in plan.events)

    def _remember(self, reader: Reader, data_version: int) -> None:
        """Drop what is remembered if others wrote; begin to remember in a project that has no events."""
        if self._mine_version == -1:
            self._mine = None if facts.has_events(reader, self._project) else set()
            self._mine_version = data_version
        elif data_version != self._mine_version or (self._mine and len(self._mine) > MOST_REMEMBERED):
            self._mine = None

    def settings(
        self, reader: Reader, settings_text: str, touched: dict[int, Touched], ratings: frozenset[str] | None
    ) -> tuple[SessionSettings, SessionSettings]:
        """Return the settings before and after; sessions whose scores mean something else now are touched too.

        `ratings`: the names of 1–5 ratings where they are known; otherwise the facets tell.
        """
        loaded = json.loads(settings_text)
        project = loaded if isinstance(loaded, dict) else {}
        if ratings is not None:
            known = settings_of(project, ratings)
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
        self,
        reader: Reader,
        part: Slice,
        people: People,
        plan: Plan,
        touched: dict[int, Touched],
        outside: list[New],
    ) -> None:
        """Sort new events into the sessions they change, leaving out what is known or was forgotten."""
        forgotten = facts.suppressed(reader, self._project)
        chosen: dict[str, New] = {}
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
        known = facts.known_events(reader, self._project, self._perhaps_known(chosen))
        homes = facts.session_ids(
            reader, self._project, {new.key for one, new in chosen.items() if new.exact and new.key and one in known}
        )
        moved_from: dict[int, list[StoredEvent]] = {}
        fresh: list[tuple[New, StoredEvent | None, int]] = []
        for insert_id, new in chosen.items():
            stored = known.get(insert_id)
            if stored is None:
                fresh.append((new, None, 0))
                continue
            session_id, row = stored
            old = StoredEvent(*row)
            if new.exact and old.source == new.event.source:
                stays = _same(new, old) and homes.get(new.key or "") == session_id
            else:
                stays = not self._replace or old.fingerprint == new.event.fingerprint or not _beats(new, old)
            if stays:
                plan.count(new.file).duplicates += 1
                continue
            new.event.received_ms = old.received_ms
            moved_from.setdefault(session_id, []).append(old)
            fresh.append((new, old, session_id))
        gone = [one for one in part.removed if one not in chosen]
        for session_id, row in facts.known_events(reader, self._project, gone).values():
            moved_from.setdefault(session_id, []).append(StoredEvent(*row))
        self._place(reader, fresh, moved_from, people, plan, touched, outside)

    def _perhaps_known(self, chosen: Mapping[str, New]) -> Iterable[str]:
        mine, absent = self._mine, self._absent
        if mine is not None:
            return [one for one in chosen if one in mine] if mine else ()
        return [one for one in chosen if one not in absent] if absent else chosen

    def _place(
        self,
        reader: Reader,
        fresh: Sequence[tuple[New, StoredEvent | None, int]],
        moved_from: Mapping[int, list[StoredEvent]],
        people: People,
        plan: Plan,
        touched: dict[int, Touched],
        outside: list[New],
    ) -> None:
        keys = list(dict.fromkeys(new.key for new, _, _ in fresh if new.key is not None))
        ids = facts.session_ids(reader, self._project, keys)
        self._load(reader, [*ids.values(), *(one for one in moved_from if one)], touched)
        by_key: dict[str, list[StoredEvent]] = {key: [] for key in keys if key not in ids}
        for new, _, _ in fresh:
            if new.key in by_key:
                by_key[new.key].append(new.event)
        for key, session_id in self._new_ids(reader, by_key).items():
            ids[key] = session_id
            touched[session_id] = Touched(key, session_id, None, [])
            plan.new_sessions.append(session_id)
        for session_id, olds in moved_from.items():
            for old in olds:
                plan.deletions.append({"p": self._project, "s": session_id, "e": old.id})
                people.count_day(plan, old, -1)
                if session_id:
                    touched[session_id].removed.add(old.id)
        for new, was, _ in fresh:
            if was is None:
                plan.count(new.file).events += 1
            else:
                plan.count(new.file).updated += 1
            event = new.event
            if event.user_id or event.device_id:
                people.count_day(plan, event, 1)
                people.see(plan, event)
            if new.key is None:
                outside.append(new)
            else:
                touched[ids[new.key]].new.append(new)

    def _new_ids(self, reader: Reader, by_key: Mapping[str, Sequence[StoredEvent]]) -> dict[str, int]:
        found: dict[str, int] = {}
        for key, events in by_key.items():
            starts = [e.time_ms - int(e.latency_ms or 0) for e in events if e.time_ms is not None]
            at = min(starts) if starts else min(e.received_ms for e in events)
            found[key] = first_session_id(at)
        taken = facts.taken_session_ids(reader, self._project, found.values())
        last = known = 0
        for key in sorted(found, key=lambda one: (found[one], one)):
            first = found[key]
            number = max(first, last + 1)
            while number in taken or (number != first and number > known):
                if number > known:
                    known = number + _RUN
                    taken |= facts.taken_session_range(reader, self._project, number, known)
                elif number < known:
                    number += 1
                else:
                    # Nothing was free there: thousands of sessions of one moment must not be walked over one by one.
                    number += max((number - first) // 4, 1)
            found[key] = last = number
        return found

    def _load(self, reader: Reader, ids: Sequence[int], touched: dict[int, Touched]) -> None:
        rows = facts.session_rows(reader, self._project, ids)
        for session_id, row in rows.items():
            events = [StoredEvent(*one) for one in facts.session_events(reader, self._project, session_id)]
            touched[session_id] = Touched(row["key"], session_id, row, events)

    def _assign(self, reader: Reader, outcomes: Sequence[Outcome], touched: dict[int, Touched], plan: Plan) -> None:
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

    def _settle_outside(self, reader: Reader, outside: Sequence[New], plan: Plan) -> None:
        """Product events, identifies and agent events of no session: facts without anything derived but days."""
        if not outside:
            return
        taken = facts.taken_ids(reader, self._project, 0, [new.event.id for new in outside])
        taken -= {row["e"] for row in plan.deletions if row["s"] == 0}
        for new in outside:
            new.take_id(taken)
            plan.put(new, self._project, 0)


def _beats(new: New, old: StoredEvent) -> bool:
    """Return whether a version of a known event replaces it."""
    fresh, stored = richness(new.event), richness(old)
    return fresh[:-1] >= stored[:-1] if new.force else fresh > stored


def _same(new: New, old: StoredEvent) -> bool:
    """Return whether an event's whole truth is what is stored, its place in the source included."""
    fresh = new.event
    return (fresh.fingerprint, fresh.seq, fresh.mapper_version) == (old.fingerprint, old.seq, old.mapper_version)


def _is_forgotten(new: New, forgotten: set[tuple[str, str]]) -> bool:
    event = new.event
    named = (("user", event.user_id), ("user", event.device_id), ("session", new.key), ("insert", event.insert_id))
    return any((kind, suppress_hash(value)) in forgotten for kind, value in named if value)


def suppress_hash(value: str) -> str:
    """Return how a forgotten user id, session key or insert id is written in the suppress list."""
    return text_hash(value)
