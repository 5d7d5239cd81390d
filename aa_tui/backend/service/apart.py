"""Imports and backfills in a process of their own, so that they hold up no event loop: both ends of the pipe.

The child reads one request as a JSON line and writes progress and the report as JSON lines; when its input ends, be it
because the work is cancelled or because the parent is gone, an import stops after whole files and a backfill drops the
calls under way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa_tui.backend.ingest.report import (
    FileReport,
    ImportOptions,
    ImportProblem,
    ImportReport,
    Progress,
    ProgressEvent,
)
from aa_tui.backend.model.scoring import Backfill, ScoringProgress, ScoringReport
from aa_tui.backend.support import errors
from aa_tui.backend.support.cancel import CancelToken

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

_CHILD = "import sys; sys.path.append(sys.argv[1]); from aa_tui.backend.service.apart import main; main()"
Tell = Callable[[Any], None]
_KINDS = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type)}


def run_apart(
    workspace: Workspace,
    paths: Sequence[Path] | None,
    options: ImportOptions,
    progress: Progress | None,
    token: CancelToken | None,
) -> ImportReport:
    """Import in a child process and return its report; `paths` None loads the sample.

    Raises:
        AAError: as the import itself, or `StoreError` when the process ended without a report.
    """
    asked = {
        "paths": None if paths is None else [str(path.absolute()) for path in paths],
        "options": asdict(options),
    }
    for kind, said in _converse(workspace, "import", asked, token):
        if kind == "report":
            return _report(said)
        if progress is not None:
            progress(ProgressEvent(**said))
    raise errors.StoreError("The import ended unexpectedly.", "What was imported stays; import again to go on.")


def backfill_apart(
    workspace: Workspace,
    request: Backfill,
    sessions: Sequence[int],
    advance: Callable[[ScoringProgress], None] | None,
    token: CancelToken | None,
) -> ScoringReport:
    """Score closed sessions in a child process, where the client of the models stays, and return its report.

    Raises:
        AAError: as the backfill itself, or `StoreError` when the process ended without a report.
    """
    asked = {"request": asdict(request), "sessions": list(sessions)}
    for kind, said in _converse(workspace, "backfill", asked, token):
        if kind == "report":
            return ScoringReport(**said)
        if advance is not None:
            advance(ScoringProgress(**said))
    raise errors.StoreError("The backfill ended unexpectedly.", "What was scored stays; begin it again to go on.")


def _converse(
    workspace: Workspace, work: str, asked: dict[str, Any], token: CancelToken | None
) -> Iterator[tuple[str, Any]]:
    """Yield (`progress` or `report`, value) of a child process that does the work.

    Raises:
        AAError: what the work itself raised there, or `Cancelled`.
    """
    request = {
        "work": work,
        "store": workspace.store.url,
        "project": str(workspace.project.id),
        "actor": workspace.actor.name,
        "role": workspace.actor.role,
        **asked,
    }
    # -P: nothing in the working directory may pass for a module; where this package lies is said instead.
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(__file__).resolve().parents[3])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise errors.StoreError("The work could not be started.")
        stdin = child.stdin

        def stop() -> None:
            with suppress(OSError, ValueError):
                stdin.close()

        forget = token.on_cancel(stop) if token is not None else None
        try:
            with suppress(OSError, ValueError):
                stdin.write(json.dumps(request).encode() + b"\n")
                stdin.flush()
            for line in child.stdout:
                ((kind, said),) = json.loads(line).items()
                if kind == "error":
                    raise _KINDS.get(said["kind"], errors.AAError)(said["message"], said["hint"])
                yield kind, said
        finally:
            if forget is not None:
                forget()
            stop()
    if token is not None:
        token.check()


def _report(values: dict[str, Any]) -> ImportReport:
    values["problems"] = [ImportProblem(**one) for one in values["problems"]]
    values["per_file"] = [FileReport(**one) for one in values["per_file"]]
    return ImportReport(**values)


def _import(workspace: Workspace, request: dict[str, Any], tell: Tell, token: CancelToken) -> ImportReport:
    paths = request["paths"]
    if paths is None:
        return workspace.imports.load_demo(tell, token)
    return workspace.imports.run(paths, ImportOptions(**request["options"]), tell, token)


def _backfill(workspace: Workspace, request: dict[str, Any], tell: Tell, token: CancelToken) -> ScoringReport:
    asked = request["request"]
    wanted = Backfill(**{**asked, "evaluators": tuple(asked["evaluators"])})
    return workspace.scoring.backfill(wanted, request["sessions"], token, tell)


_WORK: dict[str, Callable[..., ImportReport | ScoringReport]] = {"import": _import, "backfill": _backfill}


def main() -> None:
    """Do the work that standard input asks for; the processor goes to whoever started it first."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    def say(kind: str, value: object) -> None:
        sys.stdout.write(json.dumps({kind: value}) + "\n")
        sys.stdout.flush()

    line = sys.stdin.readline()
    if not line:
        return
    request = json.loads(line)
    token = CancelToken()

    def watch() -> None:
        sys.stdin.read()
        token.cancel()

    threading.Thread(target=watch, daemon=True).start()
    try:
        store = open_store(request["store"], create=False)
        try:
            workspace = open_workspace(store, request["project"], Actor(request["actor"], request["role"]))
            report = _WORK[request["work"]](workspace, request, lambda one: say("progress", asdict(one)), token)
        finally:
            store.close()
        say("report", asdict(report))
    except errors.AAError as error:
        say("error", {"kind": type(error).__name__, "message": error.message, "hint": error.hint})
    except BrokenPipeError:
        return
