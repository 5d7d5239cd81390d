"""When a session is closed and why (spec section 6). Pure; closing those whose time has come is `closing`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.ingest.stored import IDLE_TIMEOUT, StoredEvent, props_of
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, MINUTE_MS

IDLE_MINUTES = 30
MAX_IDLE_MS = 90 * DAY_MS
MAX_DURATION_MS = 24 * HOUR_MS
GRACE_MS = 30_000

_END = int(EventKind.SESSION_END)
_AFTERWARDS = (int(EventKind.SCORE), int(EventKind.SESSION_ENRICHMENT), int(EventKind.FOREIGN))


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What the project says of sessions."""

    idle_ms: int = IDLE_MINUTES * MINUTE_MS
    grace_ms: int = GRACE_MS
    """Time after an explicit end in which further activity still belongs to the same close."""
    ratings: frozenset[str] = frozenset()
    """Names of scores that are 1–5 ratings in this project."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a session stands in its life."""

    state: str
    """`open`, `closing` or `closed`."""
    close_reason: str | None = None
    closed_ms: int | None = None
    close_due_ms: int | None = None
    """When it will close if nothing more comes; None once closed."""

    @property
    def closed(self) -> bool:
        """True once closed."""
        return self.state == "closed"


def settings_of(project: Mapping[str, Any], ratings: frozenset[str]) -> SessionSettings:
    """Return the settings that a project's JSON settings mean; values that make no sense count as not given."""
    idle, grace = project.get("idle_timeout_minutes"), project.get("close_grace_seconds")
    return SessionSettings(
        idle_ms=_idle_ms(idle) if isinstance(idle, int) and idle >= -1 else IDLE_MINUTES * MINUTE_MS,
        grace_ms=grace * 1000 if isinstance(grace, int) and grace >= 0 else GRACE_MS,
        ratings=ratings,
    )


def _idle_ms(minutes: int) -> int:
    return MAX_IDLE_MS if minutes == -1 else min(minutes * MINUTE_MS, MAX_IDLE_MS)


def state_of(
    ordered: Sequence[StoredEvent],
    settings: SessionSettings,
    now_ms: int,
    started_ms: int | None,
    ended_ms: int | None,
    *,
    untimed: bool,
) -> State:
    """Return the state that the events and the time mean.

    An explicit end closes after the grace period unless something happened after it. Otherwise the session closes when
    nothing came for its idle timeout (the first override wins), at most 24 hours after its start, or after the
    override when that is longer. Sessions without real times are finished history and count as closed.
    """
    ends = [event for event in ordered if event.kind == _END]
    if ended_ms is None or started_ms is None or untimed:
        return State("closed", "explicit_close" if ends else "timeout", ended_ms)
    if ends:
        last_end = max(event.time_ms or 0 for event in ends)
        active = max(
            (event.time_ms or 0 for event in ordered if event.kind != _END and event.kind not in _AFTERWARDS),
            default=0,
        )
        if active <= last_end:
            if now_ms >= last_end + settings.grace_ms:
                return State("closed", "explicit_close", last_end)
            return State("closing", None, None, last_end + settings.grace_ms)
    override = next(
        (
            props_of(event)[IDLE_TIMEOUT]
            for event in ordered
            if event.properties is not None and isinstance(props_of(event).get(IDLE_TIMEOUT), int)
        ),
        None,
    )
    idle = settings.idle_ms if override is None else _idle_ms(override)
    due = ended_ms + idle
    longest = started_ms + max(MAX_DURATION_MS, idle)
    if longest >= ended_ms:
        due = min(due, longest)
    if now_ms >= due:
        return State("closed", "timeout", due)
    return State("open", None, None, due)
