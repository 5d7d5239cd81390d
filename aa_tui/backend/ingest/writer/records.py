"""What a write takes, what it holds while it is thought about, and what it returns. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.ingest.outcomes import Outcome, OutcomeRows
from aa_tui.backend.ingest.stored import StoredEvent, row_of
from aa_tui.backend.model.event import AgentEvent
from aa_tui.backend.store import contents, rollups
from aa_tui.backend.store.engine import Row


@dataclass(slots=True)
class Incoming:
    """An event with where it comes from; treated as frozen, which the class is not because that doubles its making."""

    event: AgentEvent
    source: str
    mapper_version: int
    file: int = 0
    """Whose count it goes to."""
    force: bool = False
    """Replace a known event even where this version does not tell more: its file is read under other options."""
    exact: bool = False
    """Everything its source has of it is known, so it replaces and moves what the same source said before."""
    received_ms: int | None = None
    """When it came, where that was before it is written."""


@dataclass(slots=True)
class Written:
    """What a write added, for one file or in all."""

    sessions: int = 0
    turns: int = 0
    events: int = 0
    duplicates: int = 0
    updated: int = 0
    """Known events that a fuller version replaced."""
    results: int = 0
    """Recorded verdicts and labels; counted for file 0."""

    def add(self, other: Written) -> None:
        """Add another's counts."""
        self.sessions += other.sessions
        self.turns += other.turns
        self.events += other.events
        self.duplicates += other.duplicates
        self.updated += other.updated
        self.results += other.results


@dataclass(slots=True)
class FileRecord:
    """An `import_file` row to commit together with the file's last events."""

    row: dict[str, Any]
    problems: list[dict[str, Any]]
    file: int


@dataclass(slots=True)
class New:
    """A converted event on its way into the store."""

    event: StoredEvent
    texts: dict[str, str]
    key: str | None
    file: int
    size: int
    force: bool
    exact: bool = False
    packed: tuple[str, bytes] | None = None
    """The texts as `contents.pack` returns them, where that was done already."""

    def take_id(self, taken: set[int]) -> None:
        """Move the event's id on until it is free, and take it."""
        event = self.event
        while event.id in taken:
            event.id += 1
        taken.add(event.id)


@dataclass(slots=True)
class Slice:
    """What one transaction takes."""

    news: list[New] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    removed: Sequence[str] = ()
    """Insert ids of known events that are no longer true."""
    size: int = 0
    partial: str | None = None
    """Key of a session that goes on in the next slice."""

    @property
    def load(self) -> int:
        """How many events and outcomes it holds."""
        return len(self.news) + len(self.outcomes)


@dataclass(slots=True)
class Touched:
    """One session that a slice changes."""

    key: str
    session_id: int
    old_row: dict[str, Any] | None
    old: list[StoredEvent]
    removed: set[int] = field(default_factory=set)
    new: list[New] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """Everything a transaction will write; made outside of it."""

    data_version: int
    zone: str
    """Of the project."""
    deletions: list[dict[str, Any]] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    """Rows of `stored.row_of`."""
    contents: list[Row] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    new_sessions: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    turns_gone: list[dict[str, Any]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    superseded: list[dict[str, Any]] = field(default_factory=list)
    facets_in: dict[tuple[str, str], list[tuple[int, int, int | None]]] = field(default_factory=dict)
    """(sort_at, session, start) by (key, value)."""
    facets_out: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)
    """(sort_at, session) by (key, value)."""
    rollup_sessions: dict[rollups.SessionKey, list[int]] = field(default_factory=dict)
    rollup_dims: dict[rollups.DimKey, list[int]] = field(default_factory=dict)
    rollup_latencies: dict[rollups.LatencyKey, int] = field(default_factory=dict)
    rollup_users: dict[rollups.UserKey, int] = field(default_factory=dict)
    documents: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    days: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    persons: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    said: dict[str, list[tuple[int, str, Mapping[str, Any]]]] = field(default_factory=dict)
    closed: dict[int, int] = field(default_factory=dict)
    counts: dict[int, Written] = field(default_factory=dict)
    outcomes: OutcomeRows = field(default_factory=OutcomeRows)
    unresolved: list[Outcome] = field(default_factory=list)
    """Of sessions that the project does not have."""

    def empty(self) -> bool:
        """Return whether nothing would be written."""
        return not (
            self.events or self.deletions or self.sessions or self.dropped or self.facets_in or self.outcomes.count()
        )

    def count(self, file: int) -> Written:
        """Return the counts of a file."""
        found = self.counts.get(file)
        if found is None:
            found = self.counts[file] = Written()
        return found

    def put(self, new: New, project_id: int, session_id: int) -> None:
        """Write a new event and its texts."""
        self.events.append(row_of(new.event, project_id, session_id))
        if new.texts:
            packed = new.packed or contents.pack(new.texts, new.event.head)
            self.contents.append((project_id, session_id, new.event.id, *packed))
