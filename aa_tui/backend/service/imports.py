"""Bringing data in: files and folders, the places where coding agents keep theirs, the sample project. No SQL here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.ingest.report import ImportOptions, ImportReport, Progress
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.store import decisions
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import StoreError

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.sources.places import Place


class ImportService:
    """Everything that brings data into one project or derives it anew."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def run(
        self,
        paths: Sequence[Path | str],
        options: ImportOptions | None = None,
        progress: Progress | None = None,
        token: CancelToken | None = None,
    ) -> ImportReport:
        """Import files and folders and return what was added; cancelling keeps whole files and says so in the report.

        `progress` is called on this thread, at most four times a second.

        Raises:
            Forbidden: the actor may not import.
            NotFound: a path does not exist.
            UsageError: the format asked for does not exist.
            StoreError: the store cannot be written.
        """
        from aa_tui.backend.ingest.pipeline import Importer
        from aa_tui.backend.service.projects import login_name

        work = self._workspace
        work.actor.require(Permission.IMPORT)
        importer = Importer(
            work.store,
            work.project.id,
            work.clock,
            options or ImportOptions(),
            login=login_name(),
            progress=progress,
            token=token,
        )
        places = [Path(path).expanduser() for path in paths]
        report = importer.run(places)
        self._after(report, "import", ", ".join(str(place) for place in places))
        return report

    def run_apart(
        self,
        paths: Sequence[Path | str] | None,
        options: ImportOptions | None = None,
        progress: Progress | None = None,
        token: CancelToken | None = None,
    ) -> ImportReport:
        """Do what `run` does in a process of its own, for doors with an event loop; None loads the sample.

        Blocks this thread while the child works, but holds no interpreter lock meanwhile. Raises as `run` and
        `load_demo` do.
        """
        from aa_tui.backend.service.apart import run_apart

        self._workspace.actor.require(Permission.IMPORT)
        places = None if paths is None else [Path(path).expanduser() for path in paths]
        return run_apart(self._workspace, places, options or ImportOptions(), progress, token)

    def follow(
        self,
        paths: Sequence[Path | str],
        options: ImportOptions,
        told: Callable[[ImportReport], None],
        *,
        progress: Progress | None = None,
        fault: Callable[[StoreError], None] | None = None,
        closed: Callable[[], object] = lambda: None,
        token: CancelToken,
        poll: bool = False,
    ) -> None:
        """Import files and folders and go on importing what is written to them; see `following.follow`."""
        from aa_tui.backend.service.following import follow

        self._workspace.actor.require(Permission.IMPORT)
        places = [Path(path).expanduser() for path in paths]
        follow(
            self._workspace,
            places,
            options,
            told,
            progress=progress,
            fault=fault,
            closed=closed,
            token=token,
            poll=poll,
        )

    def places(self) -> list[Place]:
        """Return where coding agents keep transcripts on this machine, with counts and what will be deleted soon."""
        from aa_tui.backend.sources.places import find_places

        return find_places(Path.home(), os.environ, self._workspace.clock.now_ms())

    def load_demo(self, progress: Progress | None = None, token: CancelToken | None = None) -> ImportReport:
        """Fill the project with the sample; a project that has it already is left as it is.

        Meant for a project of its own in a store of its own. One that was interrupted is completed.

        Raises:
            Forbidden: the actor may not import.
            UsageError: the project holds other data.
            StoreError: the store cannot be written.
        """
        from aa_tui.backend.ingest.sample import load_sample

        work = self._workspace
        work.actor.require(Permission.IMPORT)
        report = load_sample(work.store, work.project.id, work.clock, progress, token)
        self._after(report, "import.sample", "sample")
        return report

    def close_due(self, token: CancelToken | None = None) -> int:
        """Close the sessions whose time has come and return how many; nothing on a store that may only be read.

        Also lets what is older than the project keeps go, once a day. It is upkeep that anybody's program does, so it
        needs no permission.
        """
        if self._workspace.store.read_only:
            return 0
        from aa_tui.backend.ingest.closing import close_due

        closed = close_due(self._workspace.store, self._workspace.project.id, self._workspace.clock, token)
        self._workspace.privacy.purge_due(token)
        return closed

    def rebuild(self, token: CancelToken | None = None, advance: Callable[[int], None] | None = None) -> int:
        """Derive rollups, facets and session columns of the project anew, then the search index of the store; return
        the number of the project's sessions.

        Raises:
            Forbidden: the actor may not administer the project.
            StoreError: the store cannot be written.
        """
        from aa_tui.backend.ingest.rebuild import rebuild_rollups, rebuild_search

        work = self._workspace
        work.actor.require(Permission.ADMINISTER)
        sessions = rebuild_rollups(work.store, work.project.id, work.clock, token, advance)
        rebuild_search(work.store, token)
        return sessions

    def _after(self, report: ImportReport, action: str, subject: str) -> None:
        """Journal what came in and let the store refresh its statistics."""
        added: Iterable[int] = (report.sessions, report.events, report.updated, report.results)
        if not any(added):
            return
        work = self._workspace
        forward = {"files": report.files, "sessions": report.sessions, "events": report.events}
        with work.store.write() as tx:
            decisions.record(
                tx,
                work.project.id,
                work.clock.now_ms(),
                work.actor.name,
                Permission.IMPORT.value,
                action,
                subject[:500],
                forward,
                None,
            )
        work.store.optimize()
