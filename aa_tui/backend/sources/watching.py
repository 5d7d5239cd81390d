"""Telling which files below some paths were written. No format, no store: what to do with them is the caller's."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.sources.registry import is_passed_over
from aa_tui.backend.support.errors import NotFound, UsageError

if TYPE_CHECKING:
    from watchfiles import Change

STEP_MS = 50
"""How long nothing more must come before changes are told."""
GATHER_MS = 300
"""How long changes are gathered at most: an agent that writes without a pause is still seen within a second."""
TICK_MS = 500
POLL_MS = 500


def changes(paths: Sequence[Path], stop: threading.Event, *, poll: bool = False) -> Iterator[set[Path]]:
    """Yield the files that were added or written since the last time, and an empty set whenever nothing happens for a
    while; ends when `stop` is set.

    The first set is empty and comes once everything is watched: what is written after it will be told. Files that are
    named are always told, files below folders as `registry.walk` would yield them.

    Args:
        poll: look at the files again and again, for file systems that tell nothing (network shares).

    Raises:
        NotFound: a path does not exist.
        UsageError: the system cannot watch so many folders.
    """
    from watchfiles import watch

    for path in paths:
        if not path.exists():
            raise NotFound(f"There is no file or folder {path}.")
    named = {path.resolve() for path in paths if path.is_file()}
    # The folder of a named file is watched, not the file: agents replace files by renaming.
    roots = {path.resolve() for path in paths if path.is_dir()}
    watched = roots | {file.parent for file in named}

    def wanted(_change: Change, name: str) -> bool:
        path = Path(name)
        if path in named:
            return True
        below = next((root for root in roots if path.is_relative_to(root)), None)
        return below is not None and not is_passed_over(path, below)

    try:
        stream = watch(
            *sorted(watched),
            watch_filter=wanted,
            stop_event=stop,
            step=STEP_MS,
            debounce=GATHER_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            recursive=bool(roots),
            force_polling=poll or None,
            poll_delay_ms=POLL_MS,
            raise_interrupt=False,
        )
        yield from _files(stream)
    except OSError as error:
        raise UsageError(
            f"These folders cannot be watched: {error.strerror or error}.",
            "Raise fs.inotify.max_user_watches, name fewer folders, or add --poll.",
        ) from error


def _files(stream: Iterable[set[tuple[Change, str]]]) -> Iterator[set[Path]]:
    """Turn what the system tells into files: of a new folder it may tell the folder alone."""
    started = False
    for told in stream:
        found: set[Path] = set()
        for _, name in told:
            path = Path(name)
            if path.is_dir():
                found.update(file for file in path.rglob("*") if file.is_file() and not is_passed_over(file, path))
            elif path.is_file():
                found.add(path)
        if not started:
            started = True
            yield set()
            if not found:
                continue
        yield found
