"""Scoring beside something else: a thread that looks for closed sessions to score in every project of a store.

One program per store does it, by lease; the others look now and then whether it is still there. The thread has an event
loop of its own while it works and gives way to whatever else the program does.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aa_tui.backend.ingest.arrivals import may_live
from aa_tui.backend.model.scoring import ScoringReport
from aa_tui.backend.service.projects import open_workspace
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import scoring as rows
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import SECOND_MS, Clock
from aa_tui.backend.support.errors import AAError, Cancelled, NotFound

LOOK_S = 5.0
LEASE_MS = 60 * SECOND_MS
_RENEW_MS = 15 * SECOND_MS
_STOOD_STILL_S = (60.0, 300.0, 900.0)
"""How long a project is left alone after a round that a cap or its provider stopped; longer each time."""
_NICE = 10

Told = Callable[[str, ScoringReport], None]
"""Called on the worker's thread with a project's name and what a round did."""


@dataclass(slots=True)
class _Waiting:
    """A project that stands still."""

    until: float
    times: int
    version: int
    """Of the project's settings then: another one means another try."""


class ScoringWorker:
    """Scores until it is stopped. `start`, `stop` and `wake` may be called from any thread."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        told: Told = lambda _project, _report: None,
        fault: Callable[[BaseException], None] = lambda _error: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self._fault = fault
        self._token = CancelToken()
        self._wake = threading.Event()
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._leased_ms: int | None = None
        self._counter: int | None = None
        self._still: dict[int, _Waiting] = {}
        self._workspaces: dict[int, Workspace] = {}
        self._looked = 0.0
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. A store that may only be read is left alone."""
        if not self._store.read_only:
            self._thread.start()

    def wake(self) -> None:
        """Say that sessions may have closed."""
        self._wake.set()

    def stop(self) -> None:
        """Drop calls under way and end; what was finished stays, and others may go on at once."""
        self._token.cancel()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def idle_s(self) -> float:
        """Seconds since there was anything to do."""
        import time

        return time.monotonic() - self._looked if self._looked else 0.0

    def _run(self) -> None:
        import time

        with suppress(AttributeError, OSError, PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        self._looked = time.monotonic()
        try:
            while not self._token.cancelled:
                try:
                    self._look(time.monotonic())
                except Cancelled:
                    break
                except AAError as error:
                    self._fault(error)
                except Exception as error:
                    self._fault(error)
                self._wake.wait(LOOK_S)
                self._wake.clear()
        finally:
            with suppress(AAError):
                self._give_back()

    def _look(self, now: float) -> None:
        due = [number for number, one in self._still.items() if now >= one.until]
        counter = self._store.change_counter()
        if counter == self._counter and not due and not self._waits_for_time():
            return
        if not self._has_lease():
            return
        self._counter = counter
        with self._store.reader() as reader:
            projects = rows.projects_with_work(reader, self._clock.now_ms())
        for number in projects:
            self._token.check()
            self._round(number, now)

    def _waits_for_time(self) -> bool:
        """Return whether work has become due since the last look, without anybody having written anything."""
        with self._store.reader() as reader:
            return rows.any_due(reader, self._clock.now_ms()) and not self._still

    def _round(self, number: int, now: float) -> None:
        import time

        try:
            workspace = self._workspaces.get(number)
            if workspace is None:
                workspace = self._workspaces[number] = open_workspace(self._store, str(number), clock=self._clock)
            version = hash(repr(workspace.scoring.terms()))
            still = self._still.get(number)
            if still is not None and now < still.until and still.version == version:
                return
            report = workspace.scoring.run_pending(self._token)
        except NotFound:
            self._workspaces.pop(number, None)
            return
        if report.stopped is not None and report.left:
            times = 0 if still is None or still.version != version else still.times + 1
            wait = _STOOD_STILL_S[min(times, len(_STOOD_STILL_S) - 1)]
            self._still[number] = _Waiting(time.monotonic() + wait, times, version)
        else:
            self._still.pop(number, None)
        if report.done or report.failed or report.not_scored or report.stopped:
            self._looked = time.monotonic()
            self._told(workspace.project.name, report)

    # --- who scores for the store ------------------------------------------------------------------------------------

    def _has_lease(self) -> bool:
        now = self._clock.now_ms()
        if self._leased_ms is not None and 0 <= now - self._leased_ms < _RENEW_MS:
            return True
        with self._store.reader() as reader:
            owner, until = rows.lease(reader)
        if owner != self._owner and now < until <= now + 2 * LEASE_MS and may_live(owner):
            self._leased_ms = None
            return False
        with self._store.write() as tx:
            if rows.lease(tx) != (owner, until):
                return False
            rows.take_lease(tx, self._owner, now + LEASE_MS)
        self._leased_ms = now
        return True

    def _give_back(self) -> None:
        if self._leased_ms is not None:
            self._leased_ms = None
            with self._store.write() as tx:
                rows.drop_lease(tx, self._owner)
