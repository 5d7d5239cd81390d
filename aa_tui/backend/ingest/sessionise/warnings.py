"""Warnings collected while a session is derived, and which of them are derived. Where they are found says why."""

from __future__ import annotations

from aa_tui.backend.ingest.stored import StoredEvent

DERIVED_CODES = frozenset(
    {"duplicate_turn_id", "order_mismatch", "trace_resumed", "turn_without_user", "orphan_span", "event_after_end"}
)
"""Warnings that derivation puts on events; everything else on an event came with it."""


class Warn:
    """Collects codes by event and for the session."""

    def __init__(self) -> None:
        self.by_event: dict[int, set[str]] = {}
        self.codes: set[str] = set()

    def __call__(self, code: str, event: StoredEvent | None = None) -> None:
        """Note a code, on an event or only on the session."""
        self.codes.add(code)
        if event is not None:
            self.by_event.setdefault(event.id, set()).add(code)
