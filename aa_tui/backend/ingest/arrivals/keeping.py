"""How long raw requests are kept in case more of their traces comes, and what is said of those nothing came of."""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.ingest.arrivals.decoding import parts_of
from aa_tui.backend.ingest.arrivals.records import ArrivalTimes
from aa_tui.backend.ingest.arrivals.tracing import prefix_of
from aa_tui.backend.store import inbox
from aa_tui.backend.store.engine import Store
from aa_tui.backend.store.inbox import State, Waiting
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import SECOND_MS, Clock
from aa_tui.backend.support.ids import id_floor

_EVERY_MS = 5 * SECOND_MS
_AT_ONCE = 200
_UNCLAIMED = "message texts of spans that never came"


class Keeping:
    """Purges the inbox of one project."""

    def __init__(self, store: Store, project_id: int, clock: Clock, times: ArrivalTimes) -> None:
        self._store = store
        self._project = project_id
        self._clock = clock
        self._times = times
        self._looked_ms: int | None = None

    def purge(self, token: CancelToken) -> None:
        """Delete the requests whose time is over; looks every few seconds only.

        Raises:
            Cancelled: the token was cancelled.
            StoreError: the store cannot be written.
        """
        now = self._clock.now_ms()
        if self._looked_ms is not None and 0 <= now - self._looked_ms < _EVERY_MS:
            return
        for state, keep in ((State.SETTLED, self._times.keep_settled_ms), (State.MAPPED, self._times.keep_ms)):
            while True:
                token.check()
                with self._store.reader() as reader:
                    rows = inbox.outdated(reader, self._project, state, id_floor(now - keep), _AT_ONCE)
                self._remove(rows)
                if len(rows) < _AT_ONCE:
                    break
        self._bound(token)
        self._looked_ms = now

    def _bound(self, token: CancelToken) -> None:
        while True:
            token.check()
            with self._store.reader() as reader:
                over = inbox.kept(reader, self._project) - self._times.keep_bytes
                rows = inbox.oldest_kept(reader, self._project, _AT_ONCE) if over > 0 else []
            chosen: list[Waiting] = []
            for row in rows:
                if over <= 0:
                    break
                chosen.append(row)
                over -= row.size
            self._remove(chosen)
            if over <= 0 or not chosen:
                return

    def _remove(self, rows: Sequence[Waiting]) -> None:
        if not rows:
            return
        unclaimed = sum(self._unclaimed(row) for row in rows if row.kind == "logs")
        with self._store.write() as tx:
            inbox.remove(tx, self._project, [row.id for row in rows])
            if unclaimed:
                inbox.add_problems(tx, self._project, {("logs", _UNCLAIMED): unclaimed}, self._clock.now_ms())

    def _unclaimed(self, row: Waiting) -> int:
        """Return how many log records of a request found no span to belong to."""
        with self._store.reader() as reader:
            parts = parts_of(row, inbox.body(reader, self._project, row.id))
            prefixes = {prefix_of(trace_id): trace_id for trace_id in parts}
            claimed = inbox.stored_events(reader, self._project, prefixes).keys()
        return sum(len(parts[trace_id].logs) for prefix, trace_id in prefixes.items() if prefix not in claimed)
