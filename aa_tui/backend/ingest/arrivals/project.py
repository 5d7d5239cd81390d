"""One project's share of a round: take what waits, map it, write it, note what is done and what is held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from aa_tui.backend.ingest import pricing
from aa_tui.backend.ingest.arrivals.ahead import Finisher, Helper, incoming_of
from aa_tui.backend.ingest.arrivals.decoding import events_of_amplitude, parts_of
from aa_tui.backend.ingest.arrivals.keeping import Keeping
from aa_tui.backend.ingest.arrivals.records import ArrivalTimes, Drained, MappedAhead, Taken, Trace
from aa_tui.backend.ingest.arrivals.tracing import Known, map_trace, prefix_of
from aa_tui.backend.ingest.arrivals.writing import write
from aa_tui.backend.ingest.writer import Incoming
from aa_tui.backend.store import facts, inbox
from aa_tui.backend.store.engine import Reader, Store
from aa_tui.backend.store.inbox import State, Waiting
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock

_ROWS = 500
_BYTES = 8 * 1024 * 1024
"""As stored; what a round takes at most, beside its number of items."""
MOST_SPANS = 20_000
"""Of one trace that are mapped as a whole. Of a longer one the oldest requests stay as they were mapped."""
_HELD_SPANS = 20_000
"""Spans of held traces that stay in memory; others are read again when their time has come."""


@dataclass(slots=True)
class _Row:
    """A request of which some trace is held."""

    items: int
    held: set[str]
    settled: bool


@dataclass(slots=True)
class _Round:
    """What one round has in hand."""

    settings: str
    """Of the project, as JSON."""
    rows: list[Waiting] = field(default_factory=list)
    traces: dict[str, Trace] = field(default_factory=dict)
    """Those that a request of this round has parts of."""
    of_row: dict[int, list[str]] = field(default_factory=dict)
    taken: Taken = field(default_factory=Taken)
    ready: list[Trace] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)


class ProjectDrain:
    """Drains the inbox of one project. Not thread-safe; a round that failed is simply done again."""

    def __init__(self, store: Store, project_id: int, clock: Clock, times: ArrivalTimes, helper: Helper) -> None:
        self._helper = helper
        self._store = store
        self._project = project_id
        self._clock = clock
        self._times = times
        self._pricer = pricing.Pricer()
        self._keeping = Keeping(store, project_id, clock, times)
        self._held: dict[str, Trace] = {}
        self._rows: dict[int, _Row] = {}
        self._begun = False

    def round(self, token: CancelToken, max_items: int) -> Drained:
        """Do one round.

        Raises:
            Cancelled: the token was cancelled.
            StoreError: the store cannot be written.
        """
        try:
            return self._do(token, max_items)
        except BaseException:
            # What is held is known to the store as well; what is remembered of it may be half done.
            self._begun = False
            raise

    def _do(self, token: CancelToken, max_items: int) -> Drained:
        if not self._begun:
            self._held.clear()
            self._rows.clear()
            with self._store.write() as tx:
                inbox.wake(tx, self._project)
            self._begun = True
        with self._store.reader() as reader:
            state = facts.project_state(reader, self._project)
            if state is None:
                return Drained()
            work = _Round(state[2])
            work.taken.data_version = state[0]
            self._take(reader, work, token, max_items)
            self._find_others(reader, work)
            self._choose(work)
            self._keep_ahead(reader, work.ready)
            self._load(reader, work.ready)
            self._map(reader, work, token)
        self._finish(work)
        sessions = 0
        if work.taken.incoming or work.taken.news or work.taken.removed:
            token.check()
            sessions = write(self._store, self._project, self._clock, work.taken)
        items = self._settle(work)
        self._keeping.purge(token)
        return Drained(items, sessions)

    # --- taking ----------------------------------------------------------------------------------------------------

    def _take(self, reader: Reader, work: _Round, token: CancelToken, max_items: int) -> None:
        rows = inbox.waiting(reader, self._project, State.WAITING, _ROWS)
        chosen = _some(rows, max_items)
        self._hand_in(reader, work, chosen, rows[len(chosen) :], max_items)
        for row in chosen:
            token.check()
            work.rows.append(row)
            work.of_row[row.id] = []
            ahead = self._helper.take(self._project, row.id)
            others: frozenset[str] | None = None
            if ahead is not None and ahead.settings == work.settings:
                others = ahead.others
                for trace_id, mapped in ahead.traces.items():
                    self._expect(work, row, trace_id, mapped)
                if not others:
                    continue
            body = inbox.body(reader, self._project, row.id)
            if row.kind == "amplitude":
                events_of_amplitude(row, body, work.taken)
                continue
            for trace_id, part in parts_of(row, body, work.taken).items():
                if others is not None and trace_id not in others:
                    continue
                trace = self._trace(work, row, trace_id)
                trace.parts[row.id] = part
                if part.spans:
                    trace.first_ms = min(trace.first_ms or part.received_ms, part.received_ms)

    def _hand_in(
        self, reader: Reader, work: _Round, chosen: Sequence[Waiting], later: Sequence[Waiting], max_items: int
    ) -> None:
        """Have the helper map what this round and the next one take, where more waits than one round takes."""
        if not later:
            return
        for row in (*chosen, *_some(later, max_items)):
            if row.kind == "traces" and not self._helper.holds(self._project, row.id):
                body = inbox.body(reader, self._project, row.id)
                self._helper.hand_in(self._project, row, body, work.settings)

    def _trace(self, work: _Round, row: Waiting, trace_id: str) -> Trace:
        """Return a trace that a request of this round holds something of."""
        trace = self._held.get(trace_id) or work.traces.get(trace_id) or Trace(trace_id)
        work.traces[trace_id] = trace
        work.of_row[row.id].append(trace_id)
        trace.rows.add(row.id)
        return trace

    def _expect(self, work: _Round, row: Waiting, trace_id: str, mapped: MappedAhead) -> None:
        """Take a trace as it was mapped ahead; `_keep_ahead` tells whether that is all there is of it."""
        trace = self._trace(work, row, trace_id)
        trace.first_ms = min(trace.first_ms or row.received_ms, row.received_ms)
        trace.rooted = True
        trace.ahead = mapped

    def _find_others(self, reader: Reader, work: _Round) -> None:
        """Learn which requests of earlier rounds hold parts of the traces that something came of."""
        fresh = [one for one in work.traces if one not in self._held]
        for trace_id, rows in inbox.traces_of(reader, self._project, fresh).items():
            trace = work.traces[trace_id]
            trace.mapped = any(kind == "traces" and number not in trace.rows for number, kind in rows)
            trace.rows.update(number for number, _ in rows)

    def _choose(self, work: _Round) -> None:
        """Tell the traces whose time has come from those that are held."""
        now = self._clock.now_ms()
        for trace_id, trace in {**self._held, **work.traces}.items():
            due = trace.mapped or trace.has_root or now - trace.first_ms >= self._times.hold_ms or now < trace.first_ms
            if due:
                self._held.pop(trace_id, None)
                work.ready.append(trace)
            elif trace.has_spans or trace_id in self._held:
                self._held[trace_id] = trace

    def _keep_ahead(self, reader: Reader, traces: Sequence[Trace]) -> None:
        """Drop what was mapped ahead of traces of which more is known than the one request had."""
        mapped = [trace for trace in traces if trace.ahead is not None]
        known = self._known(reader, [trace.trace_id for trace in mapped])
        for trace in mapped:
            if trace.mapped or len(trace.rows) > 1 or trace.parts or known.get(trace.trace_id):
                trace.ahead = None

    def _load(self, reader: Reader, traces: Sequence[Trace]) -> None:
        """Read the parts of traces that are not in memory, the newest first and no more than can be mapped at once."""
        wanted: dict[int, list[Trace]] = {}
        for trace in traces:
            if trace.ahead is not None:
                continue
            for row in trace.rows - trace.parts.keys():
                wanted.setdefault(row, []).append(trace)
        for request in reversed(inbox.requests(reader, self._project, wanted)):
            missing = [
                trace
                for trace in wanted[request.id]
                if sum(len(part.spans) for part in trace.parts.values()) < MOST_SPANS
            ]
            if not missing:
                continue
            parts = parts_of(request, inbox.body(reader, self._project, request.id))
            for trace in missing:
                if (part := parts.get(trace.trace_id)) is not None:
                    trace.parts[request.id] = part

    # --- mapping ---------------------------------------------------------------------------------------------------

    def _map(self, reader: Reader, work: _Round, token: CancelToken) -> None:
        traces = [trace for trace in work.ready if trace.has_spans and trace.ahead is None]
        known = self._known(reader, [trace.trace_id for trace in traces])
        keys = inbox.session_keys(reader, self._project, {one.session_id for rows in known.values() for one in rows})
        for number, trace in enumerate(traces):
            if number % 64 == 0:
                token.check()
            try:
                mapped = map_trace(trace, known.get(trace.trace_id, ()), keys)
            except Exception as error:
                # A trace that breaks the mapping must not stop the drain; its requests are kept for a while.
                spans = sum(len(part.spans) for part in trace.parts.values())
                work.taken.problem("traces", f"cannot be mapped: {type(error).__name__}", spans)
                work.unsettled.add(trace.trace_id)
                continue
            work.taken.incoming += [incoming_of(event, mapped.since_ms) for event in mapped.events]
            work.taken.removed += mapped.removed
            if not mapped.settled:
                work.unsettled.add(trace.trace_id)

        for trace in work.ready:
            if trace.ahead is not None:
                work.taken.news += trace.ahead.news
                if not trace.ahead.settled:
                    work.unsettled.add(trace.trace_id)
                trace.ahead = None

    def _known(self, reader: Reader, trace_ids: Iterable[str]) -> dict[str, list[Known]]:
        by_prefix = {prefix_of(one): one for one in trace_ids}
        stored = inbox.stored_events(reader, self._project, by_prefix)
        return {by_prefix[prefix]: [Known(*row) for row in rows] for prefix, rows in stored.items()}

    def _finish(self, work: _Round) -> None:
        """Apply what the project says of privacy and prices."""
        finish = Finisher(self._pricer, work.settings)
        finished: list[Incoming] = []
        for item in work.taken.incoming:
            event = finish(item.event)
            finished.append(item if event is item.event else replace(item, event=event))
        work.taken.incoming = finished

    # --- noting ----------------------------------------------------------------------------------------------------

    def _settle(self, work: _Round) -> int:
        """Move the requests on, remember the held, and return how many items are done with."""
        done: list[int] = []
        states: dict[int, State] = {}
        pairs: list[tuple[str, int]] = []
        items = 0
        for row in work.rows:
            traces = work.of_row.get(row.id, [])
            if not traces:
                done.append(row.id)
                items += row.items
                continue
            pairs += [(one, row.id) for one in traces]
            waits = {one for one in traces if one in self._held} if row.kind == "traces" else set()
            is_settled = row.kind == "traces" and work.unsettled.isdisjoint(traces)
            if waits:
                self._rows[row.id] = _Row(row.items, waits, is_settled)
                states[row.id] = State.HELD
            else:
                states[row.id] = State.SETTLED if is_settled else State.MAPPED
                items += row.items
        items += self._release(work, states)
        with self._store.write() as tx:
            inbox.remove(tx, self._project, done)
            inbox.add_traces(tx, self._project, pairs)
            for state in State:
                inbox.set_state(tx, self._project, [row for row, new in states.items() if new is state], state)
            inbox.add_problems(tx, self._project, work.taken.problems, self._clock.now_ms())
        self._forget_spans()
        return items

    def _release(self, work: _Round, states: dict[int, State]) -> int:
        """Let go of held requests whose last trace was mapped; return their items."""
        items = 0
        for trace in work.ready:
            for number in trace.rows:
                row = self._rows.get(number)
                if row is None or trace.trace_id not in row.held:
                    continue
                row.held.discard(trace.trace_id)
                row.settled = row.settled and trace.trace_id not in work.unsettled
                if not row.held:
                    del self._rows[number]
                    states[number] = State.SETTLED if row.settled else State.MAPPED
                    items += row.items
        return items

    def _forget_spans(self) -> None:
        """Keep memory bounded: spans of held traces beyond a number are read again later."""
        spans = sum(len(part.spans) for trace in self._held.values() for part in trace.parts.values())
        for trace in self._held.values():
            if spans <= _HELD_SPANS:
                return
            spans -= sum(len(part.spans) for part in trace.parts.values())
            trace.parts = {row: part for row, part in trace.parts.items() if not part.spans}


def _some(rows: Sequence[Waiting], max_items: int) -> list[Waiting]:
    """Return the first requests that together are not too much for one round; always one."""
    found: list[Waiting] = []
    items = size = 0
    for row in rows:
        if found and (items + row.items > max_items or size + row.size > _BYTES):
            break
        found.append(row)
        items += row.items
        size += row.size
    return found
