"""The headless verbs, each the twin of a screen or a piece of upkeep: arguments in, service calls, data out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aa_tui.backend.service import stores
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, login_name, open_workspace
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.settings import Settings, load_settings_light
from aa_tui.cli import errors, output
from aa_tui.cli.arguments import Common
from aa_tui.cli.start import interruptible, local_store, read_only_hint

if TYPE_CHECKING:
    from aa_tui.backend.model.held import Held
    from aa_tui.backend.store.engine import Store

_CHUNK = 500
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_NEGATION = re.compile(r'-(?!-)(?:["(]|[^\s=]{2,})')
_ANYWHERE = "Anywhere: --store PATH  --project NAME  --read-only"

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=_SETTINGS
)
projects_app = typer.Typer(rich_markup_mode=None, context_settings=_SETTINGS)
store_app = typer.Typer(rich_markup_mode=None, context_settings=_SETTINGS, no_args_is_help=True)
forget_app = typer.Typer(rich_markup_mode=None, context_settings=_SETTINGS, no_args_is_help=True)
app.add_typer(projects_app, name="projects", help="List the projects of the store, or create one.")
app.add_typer(forget_app, name="forget", help="Delete a user, a session or what is too old, for good.")
app.add_typer(store_app, name="store", help="Share, describe and rebuild a store.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
FilterWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILTER]", help="As in the app: 'agent:billing since:7d \"exact words\"'."),
]


@app.callback()
def _root() -> None:
    """Agent Analytics for the terminal."""


def run(common: Common) -> int:
    """Run the verb of a command line; return the exit code.

    Raises:
        AAError: and Typer's own usage errors; `errors.report` words both.
    """
    code = app(args=[_negation(word) for word in common.rest], prog_name="aa-tui", standalone_mode=False, obj=common)
    if code == errors.INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else errors.FINE


def _negation(word: str) -> str:
    """Return a negated part of a filter (`-agent:x`, `-"words"`) so that it is not taken for options."""
    return f" {word}" if _NEGATION.match(word) else word


# --- what every verb needs -----------------------------------------------------------------------------------------


@contextmanager
def _store(context: typer.Context, create: bool = False) -> Iterator[Store]:
    common = local_store(context.obj)
    settings = load_settings_light(common.flags())
    for problem in settings.problems:
        errors.note(f"aa-tui: setting not used: {problem}")
    store = stores.open_store(settings.values.store, create=create and not common.read_only, read_only=common.read_only)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _workspace(context: typer.Context, create: bool = False) -> Iterator[Workspace]:
    with _store(context, create) as store:
        yield open_workspace(store, load_settings_light(context.obj.flags()).values.project)


def _filter_text(words: list[str] | None) -> str:
    return " ".join(words or ())


def _only_one(**chosen: bool) -> str:
    names = [name for name, given in chosen.items() if given]
    if len(names) > 1:
        raise UsageError(f"Choose one of {', '.join(f'--{name}' for name in names)}.")
    return names[0] if names else ""


# --- sessions ------------------------------------------------------------------------------------------------------


@app.command(
    epilog="Examples:  aa-tui sessions agent:billing since:7d  |  aa-tui sessions 'errors>0' --ids. " + _ANYWHERE,
)
def sessions(
    context: typer.Context,
    words: FilterWords = None,
    as_json: Json = False,
    ids: Annotated[bool, typer.Option("--ids", help="Only the sessions' ids.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, help="At most so many; 0 is all. The table shows 100 by default."),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="KEY",
            help="cost: dearest first, duration, tokens…: most first, user, agent: A to Z; +cost rises, -user falls.",
        ),
    ] = "",
) -> None:
    """List sessions, newest first."""
    from aa_tui.backend.model.filter import Sort, parse_filter, parse_sort
    from aa_tui.backend.query.readmodels import SessionRow
    from aa_tui.backend.service.records import SESSION_FIELDS, session_record
    from aa_tui.cli import present

    form = _only_one(json=as_json, ids=ids, csv=as_csv)
    wanted = parse_filter(_filter_text(words))
    # A program that reads the list wants all of it; a person's screen does not.
    most = limit if limit is not None else 0 if form else 100
    order = parse_sort(sort) if sort else Sort("relevance") if wanted.search_text() else Sort()

    def rows(ws: Workspace) -> Iterator[list[SessionRow]]:
        if 0 < most <= _CHUNK:
            yield ws.sessions.first_page(wanted, order, most)
            return
        listed = ws.sessions.ids(wanted, order).ids
        listed = listed[:most] if most else listed
        for start in range(0, len(listed), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            found = ws.sessions.rows(chunk)
            yield [found[number] for number in chunk if number in found]

    with _workspace(context) as ws:
        if form == "json":
            for chunk in rows(ws):
                for row in chunk:
                    output.json_line(session_record(row))
        elif form == "ids":
            for chunk in rows(ws):
                for row in chunk:
                    output.line(row.key)
        elif form == "csv":
            records = (session_record(row) for chunk in rows(ws) for row in chunk)
            output.csv_rows([field.name for field in SESSION_FIELDS], (list(record.values()) for record in records))
        else:
            zone, now = ws.project.time_zone, ws.clock.now_ms()
            lines = [present.session_cells(row, zone, now) for chunk in rows(ws) for row in chunk]
            if lines:
                output.table(present.SESSION_COLUMNS, lines, present.SESSION_RIGHT)
            total = ws.sessions.count(wanted)
            errors.note(f"{len(lines):,} of {total:,} sessions in {ws.project.name}: {wanted.words() or 'all'}.")


@app.command(epilog="Example:  aa-tui session 4f1c --json | jq .cost_usd. " + _ANYWHERE)
def session(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="A session's id or a unique beginning of it.")],
    as_json: Json = False,
) -> None:
    """Show one session: its facts and its thread."""
    from aa_tui.backend.service.records import session_document
    from aa_tui.cli import present

    with _workspace(context) as ws:
        number = ws.sessions.resolve(key)
        detail = ws.sessions.detail(number)
        zone = ws.project.time_zone
        if as_json:
            texts = ws.sessions.texts(number, [step.id for step in detail.steps], limit=1 << 30)
            output.json_line(session_document(detail, texts))
            return
        facts = present.session_facts(detail, zone)
        width = max(len(label) for label, _ in facts)
        for label, value in facts:
            output.line(f"{label:<{width}}  {value}")
        turn = None
        for start in range(0, len(detail.steps), _CHUNK):
            chunk = detail.steps[start : start + _CHUNK]
            texts = ws.sessions.texts(number, [step.id for step in chunk])
            for step in chunk:
                if step.turn_no != turn:
                    turn = step.turn_no
                    output.line()
                    output.line(f"── turn {turn} ──" if turn else "── outside turns ──")
                output.line(present.step_title(step, zone))
                for text in texts.get(step.id, ()):
                    output.block(text.text, "    ")
                    if text.size > len(text.text):
                        output.line(
                            f"    … {text.size - len(text.text):,} more characters of {text.part}; --json has all"
                        )


# --- monitor -------------------------------------------------------------------------------------------------------


@app.command(
    epilog="Example:  aa-tui monitor agent:billing --range 30d --json. " + _ANYWHERE,
)
def monitor(
    context: typer.Context,
    words: FilterWords = None,
    range_: Annotated[
        str, typer.Option("--range", help="24h, 7d, 30d, all, 2026-10-01..2026-10-31; else what holds the newest data.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the numbers of Monitor."""
    from aa_tui.backend.model.filter import parse_filter
    from aa_tui.backend.model.timerange import parse_range
    from aa_tui.backend.support import humanize
    from aa_tui.cli import present

    wanted = parse_filter(_filter_text(words))
    chosen = parse_range(range_) if range_ else None
    with _workspace(context) as ws:
        if chosen is not None:
            wanted = wanted.with_range(chosen)
        elif wanted.time_range() is None:
            wanted = wanted.with_range(ws.monitor.best_range())
        view = ws.monitor.view(wanted)
        if as_json:
            output.json_line(present.monitor_object(view, ws.project.name, wanted.to_text()))
            return
        output.line(f"{ws.project.name}: {wanted.words() or 'all'} ({view.time_zone})")
        output.line()
        output.table(
            ("MEASURE", "VALUE", "BEFORE", "OF"),
            [
                (
                    present.measure_title(name),
                    present.measure_text(name, measure.value),
                    present.measure_text(name, measure.previous),
                    f"{measure.n:,}",
                )
                for name, measure in view.tiles.items()
            ],
            frozenset({1, 2, 3}),
        )
        if view.agents:
            output.line()
            output.table(
                ("AGENT", "SESSIONS", "SUCCESS", "ERRORS", "COST", "P90", "TOPICS"),
                [
                    (
                        agent.agent,
                        f"{agent.sessions:,}",
                        present.measure_text("success", agent.success.value),
                        present.measure_text("error_rate", agent.error_rate.value),
                        humanize.money(agent.cost_nano),
                        humanize.latency(agent.p90_ms),
                        ", ".join(agent.topics),
                    )
                    for agent in view.agents
                ],
                frozenset({1, 2, 3, 4, 5}),
            )
        if view.tools:
            output.line()
            output.table(
                ("TOOL", "CALLS", "FAILED", "P50", "P90", "MOST FREQUENT ERROR"),
                [
                    (
                        tool.tool,
                        f"{tool.calls:,}",
                        f"{tool.errors:,}",
                        humanize.latency(tool.p50_ms),
                        humanize.latency(tool.p90_ms),
                        tool.top_error or "",
                    )
                    for tool in view.tools
                ],
                frozenset({1, 2, 3, 4}),
            )
        if not view.scored:
            errors.note("Success and quality are from rules, no model has scored these sessions.")
        if view.subscription:
            errors.note("Cost is what these calls would have cost; this project pays a subscription.")
        elif view.cost_estimated:
            errors.note("Cost is at list price where the source states none.")


# --- projects ------------------------------------------------------------------------------------------------------


def _list_projects(context: typer.Context, as_json: bool) -> None:
    from aa_tui.backend.service.records import project_record
    from aa_tui.backend.support import humanize

    with _store(context) as store:
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


@projects_app.callback(invoke_without_command=True)
def projects(context: typer.Context, as_json: Json = False) -> None:
    """List the projects of the store, or create one."""
    if context.invoked_subcommand is None:
        _list_projects(context, as_json)


@projects_app.command("list")
def projects_list(context: typer.Context, as_json: Json = False) -> None:
    """List the projects of the store."""
    _list_projects(context, as_json)


@projects_app.command("create", epilog="Example:  aa-tui projects create billing --zone Europe/Zurich")
def projects_create(
    context: typer.Context,
    name: str,
    zone: Annotated[str, typer.Option("--zone", help="Time zone of its day charts; this machine's by default.")] = "",
    as_json: Json = False,
) -> None:
    """Create a project with an API key of its own."""
    from aa_tui.backend.service.records import project_record

    with _store(context, create=True) as store:
        made = ProjectService(store).create(name, Actor(login_name()), zone or None)
        if as_json:
            output.json_line(project_record(made))
        else:
            output.line(f"{made.name}  {made.id}  {made.api_key}")


@projects_app.command("set", epilog="Example:  aa-tui projects set subscription on --project billing")
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
    """
    from aa_tui.backend.service.projects import PROJECT_SETTINGS

    with _workspace(context) as ws:
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


# --- import --------------------------------------------------------------------------------------------------------


@app.command(
    "import",
    epilog="Examples:  aa-tui import ~/.claude/projects  |  aa-tui import results.json.gz --format tau2-bench. "
    + _ANYWHERE,
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
    with _workspace(context, create=True) as ws:
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


@app.command(
    epilog="Examples:  aa-tui serve  |  aa-tui serve --port 4319 --project bots. " + _ANYWHERE,
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

    _only_one(**{"print-unit": print_unit, "print-ssh": bool(print_ssh), "json": as_json})
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
    with _store(context, create=True) as store:
        code = serving.serve(store, settings.project, request, settings)
    raise typer.Exit(code)


# --- forgetting ----------------------------------------------------------------------------------------------------


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@forget_app.command("user", epilog="Example:  aa-tui forget user u-1042 --yes")
def forget_user(
    context: typer.Context,
    user: Annotated[str, typer.Argument(metavar="ID", help="The user or device id, exactly.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete everything of a user, for good: sessions, verdicts, search index, properties. It cannot be undone.

    A later import of the same files does not bring it back.
    """
    with _workspace(context) as ws, interruptible() as token:
        seen = ws.privacy.look_at_user(user, token)
        if not _may_forget(f"user {user}", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.forget_user(user, token), as_json)


@forget_app.command("session", epilog="Example:  aa-tui forget session ticket-88213")
def forget_session(
    context: typer.Context,
    session: Annotated[str, typer.Argument(metavar="ID", help="Its key, its id, or the beginning of one.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a session, for good, with its verdicts, answers and labels. It cannot be undone."""
    with _workspace(context) as ws, interruptible() as token:
        number = ws.sessions.resolve(session)
        seen = ws.privacy.look_at_session(number, token)
        if not _may_forget(f"session {session}", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.forget_session(number, token), as_json)


@forget_app.command("expired", epilog="Example:  aa-tui projects set retention_days 90 && aa-tui forget expired")
def forget_expired(context: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """Delete what is older than the project keeps (retention_days), now. It cannot be undone."""
    with _workspace(context) as ws, interruptible() as token:
        seen = ws.privacy.look_at_expired(token)
        if not seen.nothing and not _may_forget("what is older than the project keeps", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.purge_expired(token), as_json)


def _may_forget(what: str, words: str, yes: bool) -> bool:
    """Say what will go and ask; where nobody can be asked, `--yes` must have been given."""
    errors.note(f"This deletes {what}: {words}. It cannot be undone.")
    if yes:
        return True
    if not errors.can_ask():
        raise UsageError("Deleting needs a yes.", "Add --yes.")
    if errors.ask("Delete? Type yes:", "").strip().lower() == "yes":
        return True
    errors.note("Nothing was deleted.")
    return False


def _tell_forgotten(gone: Held, as_json: bool) -> None:
    if as_json:
        output.json_line(asdict(gone))
    else:
        output.line(f"Deleted: {gone.words()}.")
    for one in gone.left:
        errors.note(one)


# --- the store -----------------------------------------------------------------------------------------------------


@store_app.command("init", epilog="Example:  aa-tui store init /srv/agents --group analysts")
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


@store_app.command("info")
def store_info(context: typer.Context, as_json: Json = False) -> None:
    """Say where the store is, who owns it, how big it is and what it holds."""
    from aa_tui.backend.service import upkeep
    from aa_tui.backend.support import humanize

    with _store(context) as store:
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


@store_app.command("reindex")
def store_reindex(context: typer.Context) -> None:
    """Build the search index of the whole store again from the stored texts."""
    from aa_tui.backend.service import upkeep

    with _workspace(context) as ws, interruptible() as token:
        upkeep.rebuild_search(ws, token)
    errors.note("The search index is built again.")


@store_app.command("rollups")
def store_rollups(context: typer.Context) -> None:
    """Derive the project's sessions, facets and rollups again from its events."""
    from aa_tui.backend.service import upkeep

    with _workspace(context) as ws, interruptible() as token:
        count = upkeep.rebuild_rollups(ws, token)
    errors.note(f"{count:,} sessions are derived again.")


# --- this installation ---------------------------------------------------------------------------------------------


@app.command()
def where(context: typer.Context, as_json: Json = False) -> None:
    """Show which files are used and where each setting comes from."""
    from aa_tui.backend.support import paths

    loaded = load_settings_light(context.obj.flags())
    places = {
        "store": stores.shown(loaded.values.store or stores.default_store_url()),
        "demo_store": stores.demo_store_url(),
        "settings": str(paths.settings_file()),
        "host_settings": str(paths.host_settings_file()),
        "state": str(paths.state_dir()),
        "cache": str(paths.cache_dir()),
        "log": str(paths.log_dir()),
    }
    if as_json:
        settings = {
            key: {"value": _setting(loaded.values, key), "from": origin} for key, origin in loaded.origins.items()
        }
        output.json_line({**places, "set": settings, "problems": [str(problem) for problem in loaded.problems]})
        return
    for label, place in places.items():
        output.line(f"{label.replace('_', ' '):<14} {place}")
    for key, origin in sorted(loaded.origins.items()):
        output.line(f"set {key:<10} {json.dumps(_setting(loaded.values, key))}  ({origin})")
    for problem in loaded.problems:
        errors.note(f"not used: {problem}")


def _setting(settings: Settings, key: str) -> Any:
    value = getattr(settings, key)
    if key == "store" and value is not None:
        return stores.shown(value)
    return value if value is None or isinstance(value, str | bool | int | float) else dict(value)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Look for what could be wrong: store, host, settings, terminal. Exit 3 when something is."""
    from aa_tui.backend.service import doctor as examiner

    checks = examiner.examine(load_settings_light(context.obj.flags()).values.store)
    for check in checks:
        if as_json:
            output.json_line(
                {
                    "id": check.id,
                    "title": check.title,
                    "status": check.status,
                    "detail": check.detail,
                    "advice": check.advice or None,
                }
            )
        else:
            output.line(f"{check.status:<4}  {check.title:<15}  {check.detail}")
            if check.advice:
                output.line(f"{'':<23}{check.advice}")
    if any(check.status == examiner.FAIL for check in checks):
        raise typer.Exit(errors.STORE)


@app.command()
def keys() -> None:
    """List all keys of the app."""
    from aa_tui.actions import reference_table

    output.block(reference_table())


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the completion script of a shell: source <(aa-tui completion bash)."""
    from aa_tui.cli import help as texts

    output.write(texts.completion(shell))
