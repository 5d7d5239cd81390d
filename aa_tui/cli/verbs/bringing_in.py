"""The verbs that bring sessions in: `import` from files, `serve` from live agents. What goes on and on is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.settings import load_settings_light
from aa_tui.cli import errors, output
from aa_tui.cli.start import interruptible, read_only_hint
from aa_tui.cli.verbs.shared import ANYWHERE, Json, only_one, open_store, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

group = typer.Typer()


# --- files ---------------------------------------------------------------------------------------------------------


@group.command(
    "import",
    epilog="Examples:  aa-tui import ~/.claude/projects  |  aa-tui import results.json.gz --format tau2-bench. "
    + ANYWHERE,
)
def import_(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders, gzip too.")] = None,
    format_: Annotated[str, typer.Option("--format", help="The format, where its content should not decide.")] = "",
    user: Annotated[str, typer.Option("--user", help="Whose sessions these are, where they do not say.")] = "",
    users: Annotated[
        Path | None, typer.Option("--users", help="A JSON or CSV file: session or folder to person.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on importing what is written to them, until ctrl+c.")
    ] = False,
    poll: Annotated[
        bool, typer.Option("--poll", help="With --follow: look again and again (network shares tell nothing).")
    ] = False,
    print_unit: Annotated[
        bool, typer.Option("--print-unit", help="With --follow: print a systemd user unit and end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring sessions in; again, or a longer file, adds only what is new."""
    from aa_tui.backend.service.upkeep import import_options

    if (poll or print_unit) and not follow:
        raise UsageError(f"--{'poll' if poll else 'print-unit'} goes with --follow.")
    settings = load_settings_light(context.obj.flags()).values
    options = import_options(format_, user or settings.user, users)
    if print_unit:
        from aa_tui.cli import follow as following

        if not paths:
            raise UsageError("Follow what?", "Name files or folders: aa-tui import --follow --print-unit PATH.")
        words = [*(("--format", format_) if format_ else ()), *(("--user", user) if user else ())]
        words += [*(("--users", str(users.absolute())) if users else ()), *(("--poll",) if poll else ())]
        following.print_unit(paths, words, settings.store, settings.project)
        return
    with open_workspace(context, create=True) as ws:
        read_only_hint(ws.store.read_only_reason)
        chosen = list(paths or ()) or _ask_places(ws)
        if not chosen:
            errors.note("Nothing chosen.")
            raise typer.Exit(errors.NOTHING_IMPORTED)
        if follow:
            from aa_tui.cli import follow as following

            raise typer.Exit(following.follow(ws, chosen, options, settings, as_json, poll))
        bar = errors.ProgressBar()
        try:
            with interruptible() as token:
                report = ws.imports.run(chosen, options, bar, token)
        finally:
            bar.close()
        if as_json:
            output.json_line(report.record())
        else:
            output.line(report.words())
            # Lost records first: below them a whole folder of files that are no transcripts may follow.
            told = sorted(report.problems, key=lambda problem: not problem.skipped)
            for problem in told[:20]:
                errors.note(problem.words())
            if len(told) > 20:
                errors.note(f"… and {len(told) - 20:,} more; --json lists all.")
    if report.cancelled:
        errors.note("What was imported stays, and importing again goes on from there.")
        raise KeyboardInterrupt
    if report.nothing:
        raise typer.Exit(errors.NOTHING_IMPORTED)


def _ask_places(ws: Workspace) -> list[Path]:
    """Offer the places where coding agents keep transcripts on this machine; return the chosen ones."""
    from aa_tui.backend.support import humanize

    places = ws.imports.places()
    if not errors.can_ask():
        found = "".join(f"\n  aa-tui import {place.path}" for place in places)
        raise UsageError("Import what?", f"Name files or folders.{found}")
    if not places:
        raise UsageError("No coding agent keeps transcripts here.", "Name files or folders: aa-tui import PATH.")
    for number, place in enumerate(places, 1):
        errors.note(
            f"{number}  {place.title:<12} {humanize.plural(place.files, 'transcript')}, {humanize.size(place.bytes)}, "
            f"newest {humanize.moment(place.newest_ms, ws.project.time_zone, ws.clock.now_ms())}  {place.path}"
        )
        if place.oldest_expiring:
            errors.note(
                f"   ! {place.title} deletes {humanize.plural(place.oldest_expiring, 'transcript')} "
                f"{_from_day(ws, place.deletes_from_ms)} (it keeps them {place.cleanup_days} days)"
            )
    answer = errors.ask("Import which? Numbers, `all` or `none`:", "all").lower()
    if answer in {"none", "n", "no"}:
        return []
    if answer in {"all", "a", "y", "yes"}:
        return [place.path for place in places]
    picked = answer.replace(",", " ").split()
    if not all(word.isdigit() and 1 <= int(word) <= len(places) for word in picked):
        raise UsageError(f"“{answer}” are not numbers from 1 to {len(places)}.")
    return [places[int(word) - 1].path for word in picked]


def _from_day(ws: Workspace, at_ms: int | None) -> str:
    from aa_tui.backend.support import humanize

    now = ws.clock.now_ms()
    if at_ms is None or at_ms <= now:
        return "any day now"
    return f"from {' '.join(humanize.day(at_ms, ws.project.time_zone).split())} on"


# --- live agents ----------------------------------------------------------------------------------------------------


@group.command(
    epilog="Examples:  aa-tui serve  |  aa-tui serve --port 4319 --project bots. " + ANYWHERE,
)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Where to listen; the default is this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 4318,
    allowed_host: Annotated[
        list[str] | None, typer.Option("--allowed-host", help="A further name senders may use for this machine.")
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, typer.Option("--allowed-origin", help="An Origin that may send; web pages may not.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line whenever figures change.")] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="One line per request, without its content.")
    ] = False,
    print_unit: Annotated[bool, typer.Option("--print-unit", help="Print a systemd user unit and end.")] = False,
    print_ssh: Annotated[
        str, typer.Option("--print-ssh", metavar="HOST", help="Print the ssh line for a bot on HOST and end.")
    ] = "",
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Take in live agents over HTTP: OpenTelemetry (OTLP) and Amplitude, for every project of the store."""
    from aa_tui.cli import serve as serving

    only_one(**{"print-unit": print_unit, "print-ssh": bool(print_ssh), "json": as_json})
    request = serving.Request(
        host, port, tuple(allowed_host or ()), tuple(allowed_origin or ()), as_json, access_log, with_parent
    )
    settings = load_settings_light(context.obj.flags()).values
    if print_unit:
        serving.print_unit(request, settings.store)
        return
    if print_ssh:
        serving.print_ssh(print_ssh, port)
        return
    with open_store(context, create=True) as store:
        code = serving.serve(store, settings.project, request, settings)
    raise typer.Exit(code)
