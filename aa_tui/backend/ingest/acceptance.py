"""Committing requests to the inbox: those that come at the same time share one durable commit. Reads no body."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.store import inbox
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import AAError, StoreError
from aa_tui.backend.support.ids import new_id

_AS_IS, _FAST = 0, 1
"""Levels of compression."""
_RAW_SHARE = 2
"""Bodies are stored as they are until this part of what the inbox may hold waits."""
_LOAD_MS = 200
"""How old the known load of the inbox may be; what this process adds meanwhile is counted on top."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request, or a part of one, on its way into the inbox."""

    project_id: int
    kind: str
    encoding: str
    received_ms: int
    items: int
    body: bytes
    """Not compressed."""


@dataclass(slots=True)
class _Ticket:
    """Parcels that wait for their commit together with those of others."""

    rows: list[dict[str, Any]]
    problems: Mapping[tuple[int, str, str], int]
    done: bool = False
    error: AAError | None = field(default=None)


class Full(Exception):
    """The inbox holds as much as it may; nothing was stored."""


class Acceptance:
    """Puts parcels into the inbox of a store. Thread-safe: whoever finds the door free commits for all who wait."""

    def __init__(self, store: Store, clock: Clock, most_rows: int, most_bytes: int) -> None:
        self._store = store
        self._clock = clock
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._waiting: list[_Ticket] = []
        self._mutex = threading.Lock()
        self._door = threading.Lock()
        self._last_id = 0
        self._load = inbox.Load()
        self._loaded_ms: int | None = None
        self._added_rows = 0
        self._added_bytes = 0

    def put(self, parcels: Sequence[Parcel], problems: Mapping[tuple[int, str, str], int] | None = None) -> None:
        """Store parcels durably, all or none; returns after the commit.

        Args:
            parcels: what to store.
            problems: (project, kind, reason) to the number of items that were refused.

        Raises:
            Full: the inbox is full.
            StoreError: the store cannot be written.
        """
        if not parcels and not problems:
            return
        level = self._level()
        packed = [(parcel, zlib.compress(parcel.body, level)) for parcel in parcels]
        if parcels:
            self._check_room(len(packed), sum(len(body) for _, body in packed))
        with self._mutex:
            rows = [self._row(parcel, body) for parcel, body in packed]
            ticket = _Ticket(rows, problems or {})
            self._waiting.append(ticket)
        with self._door:
            if not ticket.done:
                with self._mutex:
                    group, self._waiting = self._waiting, []
                self._commit(group)
        if ticket.error is not None:
            raise ticket.error

    def load(self) -> inbox.Load:
        """Return how much waits to be drained, as of now."""
        with self._store.reader() as reader:
            return inbox.load(reader)

    def _row(self, parcel: Parcel, body: bytes) -> dict[str, Any]:
        self._last_id = max(self._last_id + 1, new_id(parcel.received_ms))
        self._added_rows += 1
        self._added_bytes += len(body)
        return {
            "p": parcel.project_id,
            "id": self._last_id,
            "kind": parcel.kind,
            "encoding": parcel.encoding,
            "received_ms": parcel.received_ms,
            "items": parcel.items,
            "size": len(body),
            "body": body,
        }

    def _level(self) -> int:
        """Return how hard bodies are compressed: packing and unpacking takes as long as all else that accepting does,
        and they are gone after minutes, so only where they would fill the inbox."""
        with self._mutex:
            return _FAST if (self._load.size + self._added_bytes) * _RAW_SHARE > self._most_bytes else _AS_IS

    def _check_room(self, rows: int, size: int) -> None:
        now = self._clock.now_ms()
        with self._mutex:
            fresh = self._loaded_ms is not None and 0 <= now - self._loaded_ms < _LOAD_MS
        if not fresh or not self._has_room(rows, size):
            known = self.load()
            with self._mutex:
                self._load, self._loaded_ms = known, now
                self._added_rows = sum(len(ticket.rows) for ticket in self._waiting)
                self._added_bytes = sum(row["size"] for ticket in self._waiting for row in ticket.rows)
        if not self._has_room(rows, size):
            raise Full

    def _has_room(self, rows: int, size: int) -> bool:
        with self._mutex:
            return (
                self._load.rows + self._added_rows + rows <= self._most_rows
                and self._load.size + self._added_bytes + size <= self._most_bytes
            )

    def _commit(self, group: Sequence[_Ticket]) -> None:
        error: AAError | None = None
        try:
            with self._store.write(durable=True) as tx:
                inbox.add(tx, [row for ticket in group for row in ticket.rows])
                self._note(tx, group)
        except AAError as failed:
            error = failed
        except Exception as failed:
            # Whoever waits for this commit must learn that it failed, whatever the reason.
            error = StoreError(f"Nothing could be stored: {type(failed).__name__}.")
        for ticket in group:
            ticket.error = error
            ticket.done = True

    def _note(self, tx: Any, group: Sequence[_Ticket]) -> None:
        refused: dict[int, dict[tuple[str, str], int]] = {}
        for ticket in group:
            for (project, kind, reason), items in ticket.problems.items():
                known = refused.setdefault(project, {})
                known[kind, reason] = known.get((kind, reason), 0) + items
        for project, problems in refused.items():
            inbox.add_problems(tx, project, problems, self._clock.now_ms())
