"""Draining the inbox: received requests to events, traces as wholes, one drain per store. `acceptance` fills it."""

from __future__ import annotations

import json
import os
import socket
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.sources.amplitude_event import InvalidEvent, event_from_amplitude
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.store import inbox
from aa_tui.backend.store.engine import Store
from aa_tui.backend.store.inbox import State, Waiting
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import MINUTE_MS, SECOND_MS, Clock

LEASE_MS = 15_000
_RENEW_MS = 5_000
_ROWS = 200
_SEQ_PER_MS = 2_048
"""More than one request may hold, so that positions rise from request to request."""


@dataclass(frozen=True, slots=True)
class ArrivalTimes:
    """How long traces are waited for and raw requests are kept, milliseconds."""

    hold_ms: int = 5 * SECOND_MS
    """A trace without its root is mapped this long after its first arrival."""
    keep_ms: int = 15 * MINUTE_MS
    """Raw requests are kept this long after the last arrival of their traces."""
    keep_settled_ms: int = MINUTE_MS
    """As `keep_ms`, where every trace of the request is complete and has its texts."""
    keep_bytes: int = 256 * 1024 * 1024
    """Raw requests kept beyond this go earlier, the oldest first."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one round did."""

    items: int = 0
    """Events, spans and log records that are done with."""
    sessions: int = 0
    """Sessions that are new."""
    waiting: int = 0
    """Events, spans and log records that wait still, held traces included."""


class Arrivals:
    """Drains the inbox of one store while it holds the lease. Not thread-safe."""

    def __init__(self, store: Store, clock: Clock, times: ArrivalTimes) -> None:
        self._store = store
        self._clock = clock
        self._times = times
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._lease_ms: int | None = None
        self._writers: dict[int, Writer] = {}

    def drain(self, token: CancelToken, max_items: int) -> Drained:
        """Do one round; nothing while somebody else has the lease.

        Raises:
            Cancelled: the token was cancelled; what was not finished is done again by the next round.
            StoreError: the store cannot be written.
        """
        items = sessions = 0
        if self._has_lease():
            with self._store.reader() as reader:
                projects = inbox.projects(reader)
            for project in projects:
                token.check()
                done, made = self._round(project, max_items)
                items += done
                sessions += made
        with self._store.reader() as reader:
            waiting = inbox.load(reader).items
        return Drained(items, sessions, waiting)

    def close(self) -> None:
        """Give the lease back."""
        if self._lease_ms is not None:
            self._lease_ms = None
            with self._store.write() as tx:
                inbox.drop_lease(tx, self._owner)

    def _has_lease(self) -> bool:
        now = self._clock.now_ms()
        if self._lease_ms is not None and 0 <= now - self._lease_ms < _RENEW_MS:
            return True
        with self._store.reader() as reader:
            owner, until = inbox.lease(reader)
        if owner != self._owner and now < until <= now + 2 * LEASE_MS and _may_live(owner):
            self._lease_ms = None
            return False
        with self._store.write() as tx:
            if inbox.lease(tx) != (owner, until):
                return False
            inbox.take_lease(tx, self._owner, now + LEASE_MS)
        self._lease_ms = now
        return True

    def _round(self, project: int, max_items: int) -> tuple[int, int]:
        with self._store.reader() as reader:
            rows = [one for one in inbox.waiting(reader, project, State.WAITING, _ROWS) if one.kind == "amplitude"]
            taken = [(row, zlib.decompress(inbox.body(reader, project, row.id))) for row in _some(rows, max_items)]
        if not taken:
            return 0, 0
        incoming: list[Incoming] = []
        for row, body in taken:
            incoming += _amplitude(row, body)
        writer = self._writers.get(project)
        if writer is None:
            writer = self._writers[project] = Writer(self._store, project, self._clock, replace=False)
        written = writer.write(incoming)
        with self._store.write() as tx:
            inbox.remove(tx, project, [row.id for row, _ in taken])
        return sum(row.items for row, _ in taken), sum(one.sessions for one in written.values())


def _some(rows: list[Waiting], max_items: int) -> list[Waiting]:
    """Return the first rows that together have at most so many items; always one."""
    found: list[Waiting] = []
    items = 0
    for row in rows:
        if found and items + row.items > max_items:
            break
        found.append(row)
        items += row.items
    return found


def _amplitude(row: Waiting, body: bytes) -> list[Incoming]:
    sent: dict[str, Any] = json.loads(body)
    found: list[Incoming] = []
    for at, record in enumerate(sent["events"]):
        with suppress(InvalidEvent):
            event = event_from_amplitude(
                record,
                row.received_ms * _SEQ_PER_MS + at,
                min_id_length=sent["min_id_length"],
                received_ms=row.received_ms,
            )
            found.append(Incoming(event, AMPLITUDE.name, AMPLITUDE.mapper_version))
    return found


def _may_live(owner: str) -> bool:
    """Return whether the process of a lease may still be there; one of this machine that is gone is not."""
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host != socket.gethostname() or not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
