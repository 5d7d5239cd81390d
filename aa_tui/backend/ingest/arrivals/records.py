"""What draining is told and tells, and what it holds of a trace meanwhile. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.ingest.writer import Incoming
from aa_tui.backend.ingest.writer.records import New
from aa_tui.backend.sources.otel.spans import LogRecord, Span
from aa_tui.backend.support.clock import MINUTE_MS, SECOND_MS


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
    """Raw requests kept beyond this, per project and as stored, go earlier, the oldest first."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one round did."""

    items: int = 0
    """Events, spans and log records that are done with."""
    sessions: int = 0
    """Sessions that are new."""
    waiting: int = 0
    """Events, spans and log records that wait still, those of held traces included."""


@dataclass(slots=True)
class Part:
    """What one request holds of a trace."""

    received_ms: int
    spans: list[Span] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MappedAhead:
    """The events of a trace as one request alone has it."""

    news: Sequence[New]
    settled: bool
    """Nothing seems to be missing."""


@dataclass(slots=True)
class Trace:
    """A trace that is to be mapped."""

    trace_id: str
    parts: dict[int, Part] = field(default_factory=dict)
    """By request, those that are in memory."""
    rows: set[int] = field(default_factory=set)
    """All requests that hold some of it."""
    first_ms: int = 0
    """When its first span came."""
    mapped: bool = False
    """It was mapped before, so that more of it is mapped at once."""
    ahead: MappedAhead | None = None
    """What its only request means, where that is known already; its part is not in memory then."""
    rooted: bool = False
    """Its root is in a request that is not in memory."""

    @property
    def has_spans(self) -> bool:
        """Whether any span came; texts alone say nothing."""
        return self.ahead is not None or any(part.spans for part in self.parts.values())

    @property
    def has_root(self) -> bool:
        """Whether its root came."""
        return self.rooted or any(span.parent_id is None for part in self.parts.values() for span in part.spans)


@dataclass(slots=True)
class Taken:
    """What a round took from the inbox, as events."""

    incoming: list[Incoming] = field(default_factory=list)
    news: list[New] = field(default_factory=list)
    """Events that are made into what the store holds already, and were not stored at `data_version`."""
    data_version: int = -1
    removed: list[str] = field(default_factory=list)
    """Insert ids of events that are no longer true."""
    problems: dict[tuple[str, str], int] = field(default_factory=dict)
    """(kind, reason) to the number of items it cost."""

    def problem(self, kind: str, reason: str, items: int = 1) -> None:
        """Note that items could not be used."""
        self.problems[kind, reason] = self.problems.get((kind, reason), 0) + items


def settings_in(text: str) -> dict[str, Any]:
    """Return a project's settings from their JSON."""
    loaded = json.loads(text)
    return loaded if isinstance(loaded, dict) else {}
