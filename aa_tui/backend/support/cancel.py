"""A token that one side cancels and the other side checks or is interrupted by; carries an optional deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from aa_tui.backend.support.errors import Cancelled


class CancelToken:
    """Cancellation that reaches into a running SQL statement.

    The doing side registers what stops it with `on_cancel` (for SQLite: `connection.interrupt`); the asking side
    calls `cancel`. Thread-safe; cancelling twice is harmless.
    """

    def __init__(self, timeout_s: float | None = None) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def has_deadline(self) -> bool:
        """True when time alone can cancel it, so that the doing side has to look now and then."""
        return self._deadline is not None

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the deadline (never negative), or None when there is none."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    @property
    def cancelled(self) -> bool:
        """True once cancelled or past the deadline."""
        return self._cancelled or (self._deadline is not None and time.monotonic() > self._deadline)

    def cancel(self) -> None:
        """Ask the doing side to stop, and interrupt it where it registered how."""
        with self._lock:
            self._cancelled = True
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Register what to call on cancel (at once if already cancelled); return a function that unregisters it."""
        with self._lock:
            self._callbacks.append(callback)
            already = self._cancelled
        if already:
            callback()

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def check(self) -> None:
        """Raise `Cancelled` if the token was cancelled or its deadline has passed."""
        if self.cancelled:
            raise Cancelled("cancelled")
