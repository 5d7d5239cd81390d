"""What a source is: a format's name, a test of content, and a stream of canonical items. No format lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from aa_tui.backend.model.event import SourceItem


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, decompressed, for detection by content."""

    path: Path
    start: bytes
    """Up to 64 KiB."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the person said about the import."""

    user: str | None = None
    """User for sources that have none; None leaves it to the source or the login."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Session id or folder prefix to user."""
    on_bytes: Callable[[int], None] | None = None
    """Called with decompressed bytes read since the last call, for progress."""


class Source(Protocol):
    """One format. Register an instance in `registry.SOURCES`."""

    name: str
    """Stable short name, also `[Agent] Source` of what it yields: `claude-code`, `codex`, `tau2-bench`…"""
    title: str
    """What people call it."""
    mapper_version: int
    """Raise it when the mapping changes, so that the same file is derived again."""

    def sniff(self, head: Head) -> bool:
        """Return True when the content is this format. Must not raise on any bytes."""
        ...

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        """Yield the file's items in file order. One bad record yields a `RecordProblem` and is passed over.

        Events of one session may be interleaved with others. Streaming: at most one session's records are held.

        Raises:
            OSError: the file cannot be read.
        """
        ...


@runtime_checkable
class Spread(Protocol):
    """What a source has besides `Source` when one session of it is spread over several files.

    Whichever of these files is named, all of them are read, once: a walk yields the one that stands for them.
    """

    def leads(self) -> Callable[[Path], Path | None]:
        """Return a function that names, for a file, the file that stands for all it is read with; None for files that
        are not this format's by their place. It may remember folders it has looked at: use one per walk. It never
        raises.
        """
        ...

    def members(self, path: Path) -> tuple[Path, ...]:
        """Return all files that are read with `path`, itself included, in a stable order. Never raises."""
        ...
