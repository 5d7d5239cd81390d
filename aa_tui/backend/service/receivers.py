"""Which receivers run on a store, told to whoever else has it open. What a receiver takes is `receiving`'s business."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from aa_tui.backend.store import presence
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import AAError

_KIND = "receiver"
LEASE_MS = 90_000
"""How long a receiver that says nothing is believed to run."""
RENEW_MS = 30_000
"""How often one with nothing to say says that it is still there."""


@dataclass(frozen=True, slots=True)
class RunningReceiver:
    """One receiver of a store, as it last described itself."""

    owner: str
    machine: str
    pid: int
    host: str
    port: int
    started_ms: int
    until_ms: int = 0
    events: int = 0
    """Events, spans and log records acknowledged since it began."""
    waiting: int = 0
    """Of these, requests that are not in their sessions yet."""
    problems: int = 0
    """Items that were acknowledged and could not be used."""


def describe(host: str, port: int, now_ms: int) -> RunningReceiver:
    """Return the description of this process as a receiver."""
    return RunningReceiver(uuid.uuid4().hex, socket.gethostname(), os.getpid(), host, port, now_ms)


class Presence:
    """Keeps the description of one receiver current in its store, in as few commits as possible."""

    def __init__(self, store: Store, clock: Clock, me: RunningReceiver) -> None:
        self._store = store
        self._clock = clock
        self._me = me

    def tell(self, events: int, waiting: int, problems: int) -> bool:
        """Write the figures down where they changed or the time comes; return whether anything was written.

        Raises:
            StoreError: the store cannot be written.
        """
        now = self._clock.now_ms()
        newer = replace(self._me, events=events, waiting=waiting, problems=problems)
        if newer == self._me and now < self._me.until_ms - LEASE_MS + RENEW_MS:
            return False
        newer = replace(newer, until_ms=now + LEASE_MS)
        facts = asdict(newer)
        del facts["owner"]
        with self._store.write() as tx:
            presence.put(tx, _KIND, newer.owner, facts)
            for owner, other in presence.every(tx, _KIND).items():
                if owner != newer.owner and not _lasts(other, now):
                    presence.remove(tx, _KIND, owner)
        self._me = newer
        return True

    def withdraw(self) -> None:
        """Say that it runs no more. A store that cannot be written now forgets it by itself."""
        with suppress(AAError), self._store.write() as tx:
            presence.remove(tx, _KIND, self._me.owner)


def running(store: Store, clock: Clock) -> list[RunningReceiver]:
    """Return the receivers that run on a store, those of this machine that have died left out.

    Raises:
        StoreError: the store cannot be read.
    """
    now, here = clock.now_ms(), socket.gethostname()
    with store.reader() as reader:
        written = presence.every(reader, _KIND)
    found = []
    for owner, facts in written.items():
        if not _lasts(facts, now):
            continue
        with suppress(TypeError):
            one = RunningReceiver(owner=owner, **facts)
            if one.machine != here or _alive(one.pid):
                found.append(one)
    return sorted(found, key=lambda one: (one.started_ms, one.owner))


def reachable(store: Store) -> bool:
    """Return whether the store can be read now."""
    try:
        with store.reader() as reader:
            presence.every(reader, _KIND)
        return True
    except AAError:
        return False


def _lasts(facts: dict[str, object], now_ms: int) -> bool:
    until = facts.get("until_ms")
    # An end far away was written by a clock that is wrong; it must not keep a row for ever.
    return isinstance(until, int) and now_ms <= until <= now_ms + 2 * LEASE_MS


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
