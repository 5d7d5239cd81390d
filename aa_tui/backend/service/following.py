"""Importing files while they are written: one import per burst of changes. What an import does is not said here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.ingest.pipeline import USER_MAPS
from aa_tui.backend.ingest.report import ImportOptions, ImportProblem, ImportReport, Progress
from aa_tui.backend.sources.reading import INCOMPLETE_LAST_LINE
from aa_tui.backend.sources.watching import changes
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import NotFound, StoreError

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

CLOSE_EVERY_S = 5.0
"""Scan interval of sessions whose time has come (spec section 6)."""
Told = Callable[[ImportReport], None]


def follow(
    workspace: Workspace,
    paths: Sequence[Path],
    options: ImportOptions,
    told: Told,
    *,
    progress: Progress | None = None,
    fault: Callable[[StoreError], None] | None = None,
    token: CancelToken,
    closed: Callable[[], object] = lambda: None,
    poll: bool = False,
) -> None:
    """Import `paths`, then every file of them that is added or grows, until the token is cancelled.

    Args:
        told: called with the report of the first import and of every round that read something.
        fault: called when the store could not be written; the round's files are tried again.
        closed: called after sessions whose time had come were closed.
        poll: see `watching.changes`.

    Raises:
        Forbidden, NotFound, UsageError: as `ImportService.run` and `watching.changes`.
        StoreError: the first import could not be written.
    """
    stop = threading.Event()
    forget = token.on_cancel(stop.set)
    try:
        rounds = _Rounds(workspace, options, told)
        waiting: set[Path] = set()
        scanned = time.monotonic()
        started = False
        for changed in changes(paths, stop, poll=poll):
            if not started:
                started = True
                rounds.first(paths, progress, token)
                continue
            waiting |= changed
            try:
                if waiting:
                    rounds.next(waiting, token)
                    waiting = set()
                if time.monotonic() - scanned >= CLOSE_EVERY_S:
                    scanned = time.monotonic()
                    workspace.imports.close_due(token)
                    closed()
            except StoreError as error:
                if fault is None:
                    raise
                fault(error)
            if token.cancelled:
                return
    finally:
        forget()


class _Rounds:
    """The imports of one follow, and what was said already."""

    def __init__(self, workspace: Workspace, options: ImportOptions, told: Told) -> None:
        self._imports = workspace.imports
        self._options = options
        self._told = told
        self._maps: list[Path] = []
        """Files that say whose session is whose: every round reads them."""
        self._said: set[tuple[str, int | None, str]] = set()
        """Problems of files that are read again and again are said once, those of a line being written never."""

    def first(self, paths: Sequence[Path], progress: Progress | None, token: CancelToken) -> None:
        """Import everything that is there."""
        report = self._imports.run(list(paths), self._options, progress, token)
        self._maps = [Path(one.file) for one in report.per_file if one.source in USER_MAPS]
        self._tell(report)

    def next(self, changed: set[Path], token: CancelToken) -> None:
        """Import what changed; files that vanished meanwhile are no problem."""
        paths = sorted(path for path in changed if path.exists())
        if not paths:
            return
        maps = [path for path in self._maps if path not in changed and path.exists()]
        try:
            report = self._imports.run([*paths, *maps], self._options, None, token)
        except NotFound:
            return
        self._maps += [
            Path(one.file) for one in report.per_file if one.source in USER_MAPS and one.status == "imported"
        ]
        self._maps = list(dict.fromkeys(self._maps))
        if report.files or report.problems:
            self._tell(report)

    def _tell(self, report: ImportReport) -> None:
        new: list[ImportProblem] = []
        for problem in report.problems:
            key = (problem.file, problem.line, problem.reason)
            if problem.reason != INCOMPLETE_LAST_LINE and key not in self._said:
                self._said.add(key)
                new.append(problem)
        self._told(replace(report, problems=new))
