"""The verbs of `projects`: which there are, a new one, and what a project's settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, login_name
from aa_tui.cli import errors, output
from aa_tui.cli.verbs.shared import Json, open_store, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

group = typer.Typer(name="projects", help="List the projects of the store, or create one.")


def _list_projects(context: typer.Context, as_json: bool) -> None:
    from aa_tui.backend.service.records import project_record
    from aa_tui.backend.support import humanize

    with open_store(context) as store:
        found = ProjectService(store).list()
        if as_json:
            for project in found:
                output.json_line(project_record(project))
            return
        output.table(
            ("PROJECT", "ID", "SESSIONS", "NEWEST", "ZONE", "API KEY"),
            [
                (
                    project.name,
                    str(project.id),
                    f"{project.sessions:,}",
                    humanize.moment(project.newest_ms, project.time_zone),
                    project.time_zone,
                    project.api_key,
                )
                for project in found
            ],
            frozenset({1, 2}),
        )


@group.callback(invoke_without_command=True)
def projects(context: typer.Context, as_json: Json = False) -> None:
    """List the projects of the store, or create one."""
    if context.invoked_subcommand is None:
        _list_projects(context, as_json)


@group.command("list")
def projects_list(context: typer.Context, as_json: Json = False) -> None:
    """List the projects of the store."""
    _list_projects(context, as_json)


@group.command("create", epilog="Example:  aa-tui projects create billing --zone Europe/Zurich")
def projects_create(
    context: typer.Context,
    name: str,
    zone: Annotated[str, typer.Option("--zone", help="Time zone of its day charts; this machine's by default.")] = "",
    as_json: Json = False,
) -> None:
    """Create a project with an API key of its own."""
    from aa_tui.backend.service.records import project_record

    with open_store(context, create=True) as store:
        made = ProjectService(store).create(name, Actor(login_name()), zone or None)
        if as_json:
            output.json_line(project_record(made))
        else:
            output.line(f"{made.name}  {made.id}  {made.api_key}")


@group.command("set", epilog="Example:  aa-tui projects set subscription on --project billing")
def projects_set(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="One of those below; without one, all are shown.")] = "",
    value: Annotated[
        str, typer.Argument(help="A zone such as Europe/Zurich; on or off; `default` takes it back.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show or change the project's settings: its time zone, money, and what is kept of texts and for how long.

    subscription    on: what a call would have cost at list price is headed “subscription”
    pricing         on: price every source that states no cost; off: none; default: transcripts only
    content_mode    full; metadata_only: no texts are stored; customer_enriched: only what the sender concluded
    redact          on: personal data and keys are replaced by placeholders before anything is stored; or some of
                    email, phone, credit_card, iban, ssn, ip_address, secret
    retention_days  sessions and product events older than this are deleted for good, once a day
    topic_evaluator the classification evaluator whose classes Monitor lists as topics
    """
    from aa_tui.backend.service.projects import PROJECT_SETTINGS

    with open_workspace(context) as ws:
        project = ws.project
        if key:
            service = ProjectService(ws.store)
            ws.project = project = service.set_setting(project, key, service.read_setting(key, value), ws.actor)
            _say_what_setting_means(ws, key)
        shown = {
            name: project.time_zone if name == "time_zone" else project.settings.get(name) for name in PROJECT_SETTINGS
        }
        if as_json:
            output.json_line(shown)
            return
        for name, held in shown.items():
            output.line(f"{name:<15} {_setting_words(held)}")


def _say_what_setting_means(ws: Workspace, key: str) -> None:
    """Say what a person might expect of a setting that it does not do, or does soon."""
    if key in ("content_mode", "redact"):
        errors.note("It holds for what arrives from now on; what is stored already stays.")
    elif key == "retention_days" and ws.project.settings.get(key) is not None:
        expired = ws.privacy.look_at_expired()
        if not expired.nothing:
            errors.note(
                f"Older than that: {expired.words()}. They go within a day; `aa-tui forget expired` is quicker."
            )


def _setting_words(held: object) -> str:
    if isinstance(held, bool):
        return "on" if held else "off"
    if isinstance(held, list):
        return ", ".join(map(str, held))
    return "default" if held is None else str(held)
