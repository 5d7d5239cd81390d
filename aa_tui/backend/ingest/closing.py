"""Closing sessions whose time has come: the idle timeout, the longest duration, the grace after an explicit end."""

from __future__ import annotations

from aa_tui.backend.ingest.writer import Writer
from aa_tui.backend.store import facts
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock

_AT_ONCE = 50


def close_due(store: Store, project_id: int, clock: Clock, token: CancelToken | None = None) -> int:
    """Close every session of a project whose time has come, each with a revision; return how many.

    Raises:
        Cancelled: the token was cancelled; what was closed before stays closed.
        StoreError: the store cannot be written.
    """
    writer = Writer(store, project_id, clock)
    closed = 0
    while True:
        if token is not None:
            token.check()
        with store.reader() as reader:
            due = facts.due_sessions(reader, project_id, clock.now_ms(), _AT_ONCE)
        if not due:
            return closed
        writer.rederive(due)
        closed += len(due)
