"""Deriving a store anew, saying what it holds, and wording an import; for the command line. No SQL here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.query.readmodels import ProjectInfo
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.store.engine import Store
from aa_tui.backend.store.sqlite import SqliteStore, owner_text
from aa_tui.backend.support.cancel import CancelToken

if TYPE_CHECKING:
    from aa_tui.backend.ingest.report import ImportOptions
    from aa_tui.backend.service.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What `aa-tui store info` says."""

    url: str
    read_only_reason: str | None
    owner: str
    bytes: int
    log_bytes: int
    projects: tuple[ProjectInfo, ...]


def store_info(store: Store) -> StoreInfo:
    """Return where a store is, who owns it, how big it is and what projects it has."""
    projects = tuple(ProjectService(store).list())
    if not isinstance(store, SqliteStore):
        from aa_tui.backend.store import postgres

        assert isinstance(store, postgres.PostgresStore)
        found = postgres.server(store)
        return StoreInfo(store.url, store.read_only_reason, f"database user {found.user}", found.size, 0, projects)
    log = store.path.with_name(store.path.name + "-wal")
    return StoreInfo(
        url=store.url,
        read_only_reason=store.read_only_reason,
        owner=owner_text(store.path),
        bytes=store.path.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        projects=projects,
    )


def rebuild_search(ws: Workspace, token: CancelToken | None = None) -> None:
    """Build the search index of the whole store again from the stored texts.

    Raises:
        Forbidden: the actor may not administer the project.
        StoreError: the store cannot be written.
    """
    from aa_tui.backend.ingest import rebuild

    ws.actor.require(Permission.ADMINISTER)
    rebuild.rebuild_search(ws.store, token)


def rebuild_rollups(ws: Workspace, token: CancelToken | None = None) -> int:
    """Derive sessions, facets and rollups of the project again from its events; return the number of sessions.

    Raises:
        Forbidden: the actor may not administer the project.
        StoreError: the store cannot be written.
    """
    from aa_tui.backend.ingest import rebuild

    ws.actor.require(Permission.ADMINISTER)
    return rebuild.rebuild_rollups(ws.store, ws.project.id, ws.clock, token)


def import_options(format_name: str | None, user: str | None, users_file: Path | None) -> ImportOptions:
    """Return what an import is asked to do, with the map of sessions or folders to people read from its file.

    Raises:
        UsageError: the file cannot be read or has none of the known shapes.
    """
    from aa_tui.backend.ingest.report import ImportOptions
    from aa_tui.backend.sources.users import read_user_map

    return ImportOptions(
        format=format_name or None, user=user, users={} if users_file is None else read_user_map(users_file)
    )
