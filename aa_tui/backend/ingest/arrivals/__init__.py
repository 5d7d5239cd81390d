"""Draining the inbox: received requests to events, traces as wholes, one drain per store. `acceptance` fills it."""

from __future__ import annotations

import os
import socket

from aa_tui.backend.ingest.arrivals.ahead import Helper
from aa_tui.backend.ingest.arrivals.project import ProjectDrain
from aa_tui.backend.ingest.arrivals.records import ArrivalTimes, Drained
from aa_tui.backend.ingest.bulk import patient_collector
from aa_tui.backend.store import inbox
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock

__all__ = ["ArrivalTimes", "Arrivals", "Drained"]

LEASE_MS = 15_000
"""How long another process waits for a drain that says nothing. One that died on this machine is not waited for."""
_RENEW_MS = 5_000
_IDLE_MS = 20_000
"""The helping process ends when nothing came for so long."""


class Arrivals:
    """Drains the inbox of one store while it holds the lease. Not thread-safe."""

    def __init__(self, store: Store, clock: Clock, times: ArrivalTimes) -> None:
        self._store = store
        self._clock = clock
        self._times = times
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._lease_ms: int | None = None
        self._projects: dict[int, ProjectDrain] = {}
        self._helper = Helper()
        self._busy_ms = 0

    @patient_collector()
    def drain(self, token: CancelToken, max_items: int) -> Drained:
        """Do one round; nothing while another process has the lease.

        Raises:
            Cancelled: the token was cancelled; what was not finished is done again by the next round.
            StoreError: the store cannot be written.
        """
        items = sessions = 0
        if self._has_lease():
            with self._store.reader() as reader:
                waiting = set(inbox.projects(reader))
            for number in sorted(waiting):
                token.check()
                if number not in self._projects:
                    self._projects[number] = ProjectDrain(self._store, number, self._clock, self._times, self._helper)
                done = self._projects[number].round(token, max_items)
                items += done.items
                sessions += done.sessions
            for number in self._projects.keys() - waiting:
                del self._projects[number]
            if not waiting:
                self._store.give_back()
        now = self._clock.now_ms()
        if items:
            self._busy_ms = now
        elif not 0 <= now - self._busy_ms < _IDLE_MS:
            self._helper.close()
        with self._store.reader() as reader:
            left = inbox.load(reader).items
        return Drained(items, sessions, left)

    def close(self) -> None:
        """Give the lease back; harmless when there is none."""
        self._projects.clear()
        self._helper.close()
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
        mine = owner == self._owner
        if not mine:
            # What is remembered of held traces may be out of date: somebody else drained meanwhile.
            self._projects.clear()
            self._helper.close()
            self._lease_ms = None
            if now < until <= now + 2 * LEASE_MS and may_live(owner):
                return False
        with self._store.write() as tx:
            if inbox.lease(tx) != (owner, until):
                return False
            inbox.take_lease(tx, self._owner, now + LEASE_MS)
        self._lease_ms = now
        return True


def may_live(owner: str) -> bool:
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
