"""New events into the store: dedupe, derive what they touch, write facts and everything derived in one transaction.

All thinking (parsing, deriving, building documents) happens before the transaction begins; inside it the project's data
version tells whether somebody else wrote meanwhile, in which case the thinking is done again. A transaction holds a
slice: whole sessions, as many as fit under a time that other processes can wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aa_tui.backend.ingest.outcomes import Outcome
from aa_tui.backend.ingest.writer.applying import apply
from aa_tui.backend.ingest.writer.lookup import Lookup, suppress_hash
from aa_tui.backend.ingest.writer.people import People
from aa_tui.backend.ingest.writer.recording import Judged, record
from aa_tui.backend.ingest.writer.records import FileRecord, Incoming, New, Plan, Slice, Written
from aa_tui.backend.ingest.writer.sessions import SessionPlanner, Terms
from aa_tui.backend.ingest.writer.slices import SLICE_CHARS, SLICE_EVENTS, converted, sliced
from aa_tui.backend.store import facts
from aa_tui.backend.store.engine import Reader, Store
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import NotFound

__all__ = ["FileRecord", "Incoming", "Judged", "Writer", "Written", "record", "suppress_hash"]


class Writer:
    """Writes events of one project. Not thread-safe; several processes may write at once."""

    def __init__(
        self,
        store: Store,
        project_id: int,
        clock: Clock,
        *,
        replace: bool = True,
        slice_events: int = SLICE_EVENTS,
        slice_chars: int = SLICE_CHARS,
    ) -> None:
        """`replace`: a fuller version of a known event replaces it (files grow); otherwise the first one stays.

        `slice_events`: events and outcomes of one transaction, which other writers wait for; `slice_chars`: characters
        of their texts.
        """
        self._store = store
        self._project = project_id
        self._clock = clock
        self._slice_events = slice_events
        self._slice_chars = slice_chars
        self._lookup = Lookup(project_id, replace)
        self._people: People | None = None
        self.unresolved: list[Outcome] = []
        """Outcomes of sessions that were not there when they were written; the caller may take them out and retry."""
        self._anew: frozenset[str] | None = None
        self._closed_here: dict[int, int] = {}
        """Revision by session that this writer closed: parts of one import close a session once."""

    def trust(self, absent: set[str], data_version: int) -> None:
        """Take it that none of these insert ids was stored when the project's data had a version: spares looking."""
        self._lookup.trust(absent, data_version)

    def write(
        self,
        items: Iterable[Incoming | New],
        files: Sequence[FileRecord] = (),
        outcomes: Iterable[Outcome] = (),
        removed: Sequence[str] = (),
    ) -> dict[int, Written]:
        """Store events and recorded outcomes and return what was added, by file.

        `files` are recorded with the last of them. Outcomes of sessions that the project does not have stay behind in
        `unresolved`. Known events whose insert ids are in `removed` go; a session left without any goes with them.

        Raises:
            NotFound: the project is gone.
            StoreError: the store cannot be written; what was committed before is consistent.
        """
        counts: dict[int, Written] = {}
        now = self._clock.now_ms()
        slices = list(sliced(converted(items, now), outcomes, self._slice_events, self._slice_chars))
        if removed:
            slices = slices or [Slice()]
            slices[0].removed = removed
        for number, part in enumerate(slices):
            last = number == len(slices) - 1
            self._commit(part, (), files if last else (), counts)
        if not slices and files:
            self._commit(Slice(), (), files, counts)
        return counts

    def rederive(self, session_ids: Sequence[int]) -> None:
        """Derive sessions again from what is stored: their time to close has come, or results were recorded."""
        for chunk in facts.chunks(session_ids, 50):
            self._commit(Slice(), chunk, (), {})

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
        self, part: Slice, touched: Sequence[int], files: Sequence[FileRecord], counts: dict[int, Written]
    ) -> None:
        with self._store.reader() as reader:
            plan = self._plan(reader, part, touched)
        with self._store.write() as tx:
            state = facts.project_state(tx, self._project)
            # Another project may have taken the id of a new session: they number one search index.
            taken = facts.taken_session_ids(tx, self._project, plan.new_sessions)
            if state is None or state[0] != plan.data_version or taken:
                plan = self._plan(tx, part, touched)
            apply(tx, self._project, plan)
            for file, written in plan.counts.items():
                counts.setdefault(file, Written()).add(written)
            for record in files:
                added = counts.get(record.file, Written())
                facts.record_file(
                    tx, {**record.row, "sessions": added.sessions, "events": added.events}, record.problems
                )
        if not plan.empty():
            self._lookup.wrote(plan)
        self._closed_here.update(plan.closed)
        self.unresolved += plan.unresolved

    def _plan(self, reader: Reader, part: Slice, also: Sequence[int]) -> Plan:
        state = facts.project_state(reader, self._project)
        if state is None:
            raise NotFound("The project is gone.")
        data_version, zone, settings_text = state
        if self._people is None or self._people.zone != zone:
            self._people = People(zone)
        plan = Plan(data_version, zone)
        touched = self._lookup.touched(reader, part, also, self._people, plan)
        before, after = self._lookup.settings(reader, settings_text, touched, self._anew)
        terms = Terms(self._project, self._clock.now_ms(), before, after, self._anew is not None, self._closed_here)
        SessionPlanner(reader, terms, touched.values(), plan).plan(part.partial)
        return plan
