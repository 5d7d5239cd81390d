"""Opening the sample project: its own store, its own project, built where it is missing. Never beside real data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import Cancelled

if TYPE_CHECKING:
    from aa_tui.backend.ingest.report import Progress
    from aa_tui.backend.service.workspace import Workspace

SAMPLE_PROJECT = "sample"
"""Name of the sample project in its store."""


def open_sample(
    actor: Actor | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    token: CancelToken | None = None,
) -> Workspace:
    """Open the sample project, building or completing it first in a process of its own; takes seconds the first time.

    Raises:
        Cancelled: the token was cancelled while it was built.
        StoreError: the store of the sample cannot be written.
    """
    from aa_tui.backend.service.projects import ProjectService, login_name, open_workspace
    from aa_tui.backend.service.stores import demo_store_url, open_store

    store = open_store(demo_store_url())
    actor = actor or Actor(login_name())
    if not store.read_only:
        ProjectService(store, clock).ensure(SAMPLE_PROJECT, actor)
    workspace = open_workspace(store, SAMPLE_PROJECT, actor, clock)
    if not store.read_only and workspace.imports.run_apart(None, None, progress, token).cancelled:
        raise Cancelled("The sample project is not complete.")
    return workspace
