"""The verbs of `store`: a shared one, what is in it, and building again what follows from its events."""

from __future__ import annotations

from typing import Annotated

import typer

from aa_tui.backend.service import stores
from aa_tui.cli import errors, output
from aa_tui.cli.start import interruptible
from aa_tui.cli.verbs.shared import Json, open_store, open_workspace

group = typer.Typer(name="store", help="Share, describe and rebuild a store.", no_args_is_help=True)


@group.command("init", epilog="Example:  aa-tui store init /srv/agents --group analysts")
def store_init(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="A folder of its own for the store, on a local disk.")],
    group: Annotated[str, typer.Option("--group", "-g", help="The group whose members share it.")],
) -> None:
    """Make a store that a group of this host shares, and this host's default."""
    made = stores.init_shared_store(path, group)
    output.line(f"sqlite:///{made.path}")
    errors.note(f"Members of {made.group} can read and write it.")
    if made.host_written:
        errors.note(f"It is this host's default now ({made.host_file}): nobody needs --store.")
    else:
        errors.note(f"To make it this host's default, let an administrator put this into {made.host_file}:")
        errors.note(f"  {made.host_text.strip()}")
        errors.note(f"Until then each member sets: export AA_TUI_STORE={made.path}")


@group.command("info")
def store_info(context: typer.Context, as_json: Json = False) -> None:
    """Say where the store is, who owns it, how big it is and what it holds."""
    from aa_tui.backend.service import upkeep
    from aa_tui.backend.support import humanize

    with open_store(context) as store:
        info = upkeep.store_info(store)
        if as_json:
            output.json_line(
                {
                    "store": info.url,
                    "read_only": info.read_only_reason,
                    "owner": info.owner,
                    "bytes": info.bytes,
                    "log_bytes": info.log_bytes,
                    "projects": [
                        {"id": project.id, "name": project.name, "sessions": project.sessions}
                        for project in info.projects
                    ],
                }
            )
            return
        output.line(f"store    {info.url}")
        output.line(f"access   {'read-only: ' + info.read_only_reason if info.read_only_reason else 'writable'}")
        output.line(f"owner    {info.owner}")
        output.line(f"size     {humanize.size(info.bytes)}, log {humanize.size(info.log_bytes)}")
        for project in info.projects:
            output.line(f"project  {project.name}: {humanize.plural(project.sessions, 'session')}")


@group.command("reindex")
def store_reindex(context: typer.Context) -> None:
    """Build the search index of the whole store again from the stored texts."""
    from aa_tui.backend.service import upkeep

    with open_workspace(context) as ws, interruptible() as token:
        upkeep.rebuild_search(ws, token)
    errors.note("The search index is built again.")


@group.command("rollups")
def store_rollups(context: typer.Context) -> None:
    """Derive the project's sessions, facets and rollups again from its events."""
    from aa_tui.backend.service import upkeep

    with open_workspace(context) as ws, interruptible() as token:
        count = upkeep.rebuild_rollups(ws, token)
    errors.note(f"{count:,} sessions are derived again.")
