"""An import in a process of its own, so that it cannot hold up an event loop: both ends of the pipe. No terminal.

The child reads one request as a JSON line and writes progress and the report as JSON lines; when its input ends, be it
because the import is cancelled or because the parent is gone, it stops after whole files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
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
from aa_tui.backend.support import errors
from aa_tui.backend.support.cancel import CancelToken

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

_CHILD = "import sys; sys.path.append(sys.argv[1]); from aa_tui.backend.service.apart import main; main()"
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
    request = {
        "store": workspace.store.url,
        "project": str(workspace.project.id),
        "actor": workspace.actor.name,
        "role": workspace.actor.role,
        "paths": None if paths is None else [str(path.absolute()) for path in paths],
        "options": asdict(options),
    }
    # -P: nothing in the working directory may pass for a module; where this package lies is said instead.
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(__file__).resolve().parents[3])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise errors.StoreError("The import could not be started.")
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
                message = json.loads(line)
                if "progress" in message and progress is not None:
                    progress(ProgressEvent(**message["progress"]))
                elif "error" in message:
                    kind = _KINDS.get(message["error"]["kind"], errors.AAError)
                    raise kind(message["error"]["message"], message["error"]["hint"])
                elif "report" in message:
                    return _report(message["report"])
        finally:
            if forget is not None:
                forget()
            stop()
    if token is not None:
        token.check()
    raise errors.StoreError("The import ended unexpectedly.", "What was imported stays; import again to go on.")


def _report(values: dict[str, Any]) -> ImportReport:
    values["problems"] = [ImportProblem(**one) for one in values["problems"]]
    values["per_file"] = [FileReport(**one) for one in values["per_file"]]
    return ImportReport(**values)


def main() -> None:
    """Run the import that standard input asks for; the processor goes to whoever started it first."""
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
            paths = request["paths"]
            if paths is None:
                report = workspace.imports.load_demo(lambda event: say("progress", asdict(event)), token)
            else:
                options = ImportOptions(**request["options"])
                report = workspace.imports.run(paths, options, lambda event: say("progress", asdict(event)), token)
        finally:
            store.close()
        say("report", asdict(report))
    except errors.AAError as error:
        say("error", {"kind": type(error).__name__, "message": error.message, "hint": error.hint})
    except BrokenPipeError:
        return
