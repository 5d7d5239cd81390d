"""What an import is asked to do, says while it runs, and reports at its end. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.support.humanize import plural


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person said about an import."""

    format: str | None = None
    """Name of a source; None finds it by content."""
    user: str | None = None
    """User of sessions that name none; None means the login for coding agents."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Session id or folder prefix to user."""
    pricing: bool | None = None
    """Whether to price transcripts; None leaves it to the project (on by default)."""
    again: bool = False
    """Read files that did not change as well."""


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A record that could not be used, or was used with a doubt."""

    file: str
    line: int | None
    reason: str
    field: str | None = None
    skipped: bool = True
    """False for a warning about a record that was used all the same."""

    def words(self) -> str:
        """Return place and reason in one line; the text is as it came."""
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    file: str
    source: str | None
    """Name of the source; None when the format is unknown."""
    status: str
    """`imported`, `unchanged`, `unknown`, `failed`."""
    sessions: int = 0
    turns: int = 0
    events: int = 0
    duplicates: int = 0
    problems: int = 0


@dataclass(slots=True)
class ImportReport:
    """What an import added; counts are what was newly added."""

    files: int = 0
    """Files that were read now."""
    unchanged: int = 0
    sessions: int = 0
    turns: int = 0
    events: int = 0
    duplicates: int = 0
    """Events that were known already."""
    updated: int = 0
    """Known events that a fuller version replaced."""
    results: int = 0
    """Recorded verdicts and labels."""
    skipped_records: int = 0
    problems: list[ImportProblem] = field(default_factory=list)
    per_file: list[FileReport] = field(default_factory=list)
    newest_ms: int | None = None
    """Newest event time seen, for choosing the range shown first."""
    cancelled: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing was imported: no file was known, and those that were read left nothing behind."""
        left = (self.unchanged, self.sessions, self.events, self.duplicates, self.updated, self.results)
        return not any(left)

    def words(self) -> str:
        """Return what was added as part of a sentence."""
        return (
            f"{plural(self.files, 'file')} read, {self.unchanged:,} unchanged: "
            f"{plural(self.sessions, 'session')}, {plural(self.turns, 'turn')}, "
            f"{plural(self.events, 'event')} new; {self.duplicates:,} known already, "
            f"{plural(self.skipped_records, 'record')} skipped"
        )

    def record(self) -> dict[str, Any]:
        """Return the documented object of `aa-tui import --json`."""
        return {
            "files": self.files,
            "sessions": self.sessions,
            "turns": self.turns,
            "events": self.events,
            "duplicates": self.duplicates,
            "skipped_records": self.skipped_records,
            "problems": [
                {"file": problem.file, "line": problem.line, "reason": problem.reason} for problem in self.problems
            ],
        }


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far an import is; at most four a second."""

    done_bytes: int
    total_bytes: int
    """Both on disk; an estimate inside a compressed file."""
    files_done: int
    files: int
    file: str
    """The file being read, empty at the end."""
    sessions: int
    events: int
    finished: bool = False

    @property
    def fraction(self) -> float:
        """Share done, 0–1."""
        if self.finished:
            return 1.0
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes > 0 else 0.0


Progress = Callable[[ProgressEvent], None]
