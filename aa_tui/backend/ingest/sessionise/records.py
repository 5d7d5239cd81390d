"""What goes into a derivation besides events, and what comes out of it. No logic here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.ingest.closing_rules import State
from aa_tui.backend.signals.findings import Finding
from aa_tui.backend.store.rollups import DimKey, LatencyKey, SessionKey, UserKey


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a session elsewhere than in its events, and what its events say in its place."""

    signals: tuple[tuple[str, str | None, bool | None], ...] = ()
    """(signal, value, passed). A hint of code alone is no judgement: it has a value and neither passes nor fails."""
    evaluators: tuple[tuple[str, str | None, bool | None], ...] = ()
    """(evaluator name, value, passed)."""
    answered: tuple[tuple[str, str], ...] = ()
    """(criterion name, answer)."""


NOTHING_RECORDED = Recorded()


@dataclass(slots=True)
class Contribution:
    """What one session adds to the rollups."""

    sessions: dict[SessionKey, tuple[int, ...]] = field(default_factory=dict)
    dims: dict[DimKey, list[int]] = field(default_factory=dict)
    latencies: dict[LatencyKey, int] = field(default_factory=dict)
    users: dict[UserKey, int] = field(default_factory=dict)


Place = tuple[int, int, int, int | None, str | None]
"""(turn number, position, depth, parent event, warnings) of an event."""


@dataclass(slots=True)
class DerivedSession:
    """Everything that follows from a session's events."""

    row: dict[str, Any]
    """Session columns but `revision` and `updated_ms`."""
    turns: list[dict[str, Any]]
    places: dict[int, Place]
    """By event id."""
    facets: set[tuple[str, str]]
    contribution: Contribution
    state: State
    findings: tuple[Finding, ...] = ()
    """What its events alone say of signals, the better of two on one signal first; none while it is not closed."""
