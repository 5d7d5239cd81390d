"""The verbs of `evaluators`: define, edit, compare, try and activate what a project measures quality by."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.backend.support.settings import load_settings_light
from aa_tui.cli import errors, output, spending
from aa_tui.cli.spending import MaxCost, Yes
from aa_tui.cli.start import interruptible
from aa_tui.cli.verbs.shared import ANYWHERE, Json, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.model.evaluator import Definition
    from aa_tui.backend.query.readmodels import EvaluatorDetail, EvaluatorRow, TryResult
    from aa_tui.backend.service.definition_files import EvaluatorFile
    from aa_tui.backend.service.workspace import Workspace

group = typer.Typer(
    name="evaluators", help="Define, try and activate what quality is measured by.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The evaluator's name or id.")]
From = Annotated[Path, typer.Argument(metavar="FILE", help="JSON or TOML; - is stdin.")]
ToJson = Annotated[bool, typer.Option("--json", help="JSON in place of TOML.")]
_MOST_FILE = 1 << 20
_ROADS = frozenset(
    {
        ErrorKind.TIMEOUT,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.CONNECTION,
        ErrorKind.AUTH,
        ErrorKind.QUOTA,
        ErrorKind.UNKNOWN_MODEL,
        ErrorKind.BAD_REQUEST,
        ErrorKind.BAD_RESPONSE,
        ErrorKind.NO_KEY,
        ErrorKind.BLOCKED,
    }
)
"""Errors of the call rather than of what came of it."""


# --- looking -------------------------------------------------------------------------------------------------------


@group.command("list", epilog="Example:  aa-tui evaluators list --json. " + ANYWHERE)
def list_(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones too.")] = False,
    as_json: Json = False,
) -> None:
    """List the evaluators: state, version, pass rate of the last weeks with its n, agreement with people."""
    with open_workspace(context) as ws, interruptible() as token:
        rows = ws.evaluators.list(archived, token)
        if as_json:
            for row in rows:
                output.json_line(_record(row))
            return
        if not rows:
            errors.note("There are no evaluators. `aa-tui evaluators templates` shows starters.")
            return
        zone, now = ws.project.time_zone, ws.clock.now_ms()
        output.table(
            ("EVALUATOR", "STATE", "VERSION", "TYPE", "PASS", "N", "ERRORS", "AGREEMENT", "LAST JUDGED", "AGENTS"),
            [
                (
                    row.name,
                    row.state,
                    f"v{row.version}" + (f" +draft v{row.draft}" if row.draft else ""),
                    "imported" if row.imported else f"{row.output_type}, {row.method}",
                    humanize.share(row.pass_rate),
                    f"{row.decided:,}",
                    f"{row.errors:,}",
                    _agreement(row),
                    humanize.moment(row.last_judged_ms, zone, now),
                    ", ".join(row.agents) or "all",
                )
                for row in rows
            ],
            frozenset({4, 5, 6}),
        )


@group.command("show", epilog="Example:  aa-tui evaluators show refund_policy --version 2")
def show(
    context: typer.Context,
    name: Name,
    version: Annotated[int | None, typer.Option("--version", help="Not the one that scores but this.")] = None,
    as_json: Json = False,
) -> None:
    """Show one evaluator: its definition, its versions, its weeks."""
    from aa_tui.backend.service import definition_files

    with open_workspace(context) as ws:
        detail = ws.evaluators.get(name)
        shown = detail.version(version)
        if shown is None:
            raise UsageError(f"“{detail.row.name}” has no version {version}.", f"It has {_versions(detail)}.")
        if as_json:
            output.json_line(
                {
                    **_record(detail.row),
                    "shown_version": shown.no,
                    "definition": dict(shown.document),
                    "versions": [
                        {
                            "version": one.no,
                            "draft": one.draft,
                            "hash": one.hash,
                            "created_ms": one.created_ms,
                            "created_by": one.created_by,
                            "results": one.judged,
                        }
                        for one in detail.versions
                    ],
                }
            )
            return
        row, zone = detail.row, ws.project.time_zone
        output.line(f"{row.name}  {row.state}  criterion {row.criterion}")
        output.line(
            f"pass {humanize.share(row.pass_rate)} of {row.decided:,}  errors {row.errors:,}  agreement "
            f"{_agreement(row)}  agents {', '.join(row.agents) or 'all'}  sampling {humanize.share(row.sampling)}"
        )
        for week in row.weeks:
            output.line(
                f"  week of {humanize.day(week.week_ms)}  pass {humanize.share(week.rate):>5} of {week.decided:,}"
            )
        for one in detail.versions:
            mark = "draft" if one.draft else "scores" if one.no == row.version and row.state == "active" else ""
            output.line(
                f"  v{one.no}  {humanize.moment(one.created_ms, zone)}  {one.created_by}  {one.hash[:8]}  "
                f"{humanize.plural(one.judged, 'result')}  {mark}".rstrip()
            )
        output.line()
        output.line(f"# version {shown.no}")
        if shown.definition is None:
            output.block(definition_files.to_json(shown.document).rstrip())
        else:
            output.block(definition_files.to_toml(definition_files.document(shown.definition)).rstrip())


@group.command("diff", epilog="Example:  aa-tui evaluators diff refund_policy 1 2")
def diff(
    context: typer.Context,
    name: Name,
    before: Annotated[int | None, typer.Argument(help="A version; the one before the newest without.")] = None,
    after: Annotated[int | None, typer.Argument(help="Another; the newest or the draft without.")] = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions."""
    with open_workspace(context) as ws:
        detail = ws.evaluators.get(name)
        numbers = sorted(one.no for one in detail.versions)
        second = after if after is not None else numbers[-1]
        first = before if before is not None else max((no for no in numbers if no < second), default=second)
        for one in ws.evaluators.diff(detail.row.id, first, second):
            if as_json:
                output.json_line({"field": one.field, "before": one.before, "after": one.after})
                continue
            output.line(f"{one.field}:")
            for line in one.lines or (f"- {one.before}", f"+ {one.after}"):
                output.line(f"  {line}")


@group.command("templates", epilog="Example:  aa-tui evaluators templates tone > tone.toml")
def templates(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Print this one, ready to edit and import.")] = "",
    as_json: ToJson = False,
) -> None:
    """List the starters, or print one as a file."""
    from aa_tui.backend.service import definition_files
    from aa_tui.backend.service.evaluators import EvaluatorService

    known = EvaluatorService.templates()
    if not name:
        if as_json:
            for one in known:
                output.json_line(
                    {"id": one.id, "name": one.name, "what": one.what, "definition": one.definition.document()}
                )
        else:
            output.table(
                ("TEMPLATE", "TYPE", "WHAT"), [(one.id, one.definition.output_type, one.what) for one in known]
            )
        return
    _print(definition_files.document(_template(name).definition, name), as_json)


@group.command("validate", epilog="Example:  aa-tui evaluators validate refund_policy.toml")
def validate(context: typer.Context, file: From, as_json: Json = False) -> None:
    """Check a definition without saving it; exit 2 when it could not be saved."""
    from aa_tui.backend.service.evaluators import EvaluatorService

    found = EvaluatorService.problems(_read(file).definition)
    for one in found:
        if as_json:
            output.json_line({"field": one.field, "severity": one.severity, "words": one.words})
        else:
            output.line(f"{one.severity}  {one.field}: {one.words}")
    wrong = sum(one.severity == "error" for one in found)
    if wrong:
        raise typer.Exit(errors.USAGE)
    errors.note("It can be saved.")


# --- defining ------------------------------------------------------------------------------------------------------


@group.command("create", epilog="Example:  aa-tui evaluators create tone --template tone --agents billing,shop")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="1 to 255 characters, unique in the project.")],
    file: Annotated[Path | None, typer.Option("--file", help="JSON or TOML; - is stdin.")] = None,
    template: Annotated[str, typer.Option("--template", help="A starter; `evaluators templates` lists them.")] = "",
    criterion: Annotated[str, typer.Option("--criterion", help="The question it judges; its own name without.")] = "",
    agents: Annotated[str, typer.Option("--agents", help="Root agents it is for, parted by commas.")] = "",
    sampling: Annotated[float | None, typer.Option("--sampling", help="Share of sessions, above 0 to 1.")] = None,
    as_json: Json = False,
) -> None:
    """Define an evaluator from a file, a template or in $EDITOR. It is inactive until you activate it."""
    from aa_tui.backend.service import definition_files

    if file is not None and template:
        raise UsageError("Choose one of --file and --template.")
    with open_workspace(context, create=True) as ws:
        if file is not None:
            given = _read(file)
        elif template:
            given = definition_files.EvaluatorFile(_template(template).definition)
        else:
            starter = ws.evaluators.templates()[0].definition
            given = _edited(context, ws, definition_files.to_toml(definition_files.document(starter, name)))
        row = ws.evaluators.create(
            name,
            given.definition,
            criterion or given.criterion,
            agents.split(",") if agents else given.agents,
            sampling if sampling is not None else given.sampling if given.sampling is not None else 1.0,
        )
        _tell(row, as_json, f"Created “{row.name}”, inactive. `aa-tui evaluators try {row.name}` tries it.")


@group.command("edit", epilog="Example:  EDITOR=nano aa-tui evaluators edit refund_policy")
def edit(
    context: typer.Context,
    name: Name,
    file: Annotated[Path | None, typer.Option("--file", help="Take this in place of $EDITOR; - is stdin.")] = None,
    as_json: Json = False,
) -> None:
    """Edit a definition in $EDITOR: a new version, or the draft of an active evaluator."""
    from aa_tui.backend.service import definition_files

    with open_workspace(context) as ws:
        detail = ws.evaluators.get(name)
        base = detail.draft or detail.version()
        if file is not None:
            given = _read(file)
        elif base is not None and base.definition is not None:
            given = _edited(context, ws, definition_files.to_toml(definition_files.document(base.definition)))
        else:
            raise UsageError(f"“{detail.row.name}” was imported without a definition.", "Give it one with --file.")
        saved = ws.evaluators.save(detail.row.id, given.definition, detail.row.stamp)
        kind = "draft" if saved.draft else "version"
        words = f"Saved {kind} v{saved.no}."
        if saved.draft:
            words += f" v{detail.row.version} keeps scoring; `aa-tui evaluators promote {detail.row.name}` replaces it."
        _tell(ws.evaluators.get(detail.row.id).row, as_json, words)


@group.command("promote", epilog="Example:  aa-tui evaluators promote refund_policy")
def promote(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let the draft replace the version that scores."""
    with open_workspace(context) as ws:
        number = ws.evaluators.promote(name)
        _tell(ws.evaluators.get(name).row, as_json, f"v{number} it is from now on.")


@group.command("discard", epilog="Example:  aa-tui evaluators discard refund_policy")
def discard(context: typer.Context, name: Name) -> None:
    """Throw the draft away."""
    with open_workspace(context) as ws:
        ws.evaluators.discard_draft(name)
        errors.note("The draft is gone.")


@group.command("set", epilog="Example:  aa-tui evaluators set refund_policy --agents billing --sampling 0.2")
def set_(
    context: typer.Context,
    name: Name,
    agents: Annotated[str | None, typer.Option("--agents", help="Root agents, parted by commas; all: every.")] = None,
    sampling: Annotated[float | None, typer.Option("--sampling", help="Share of sessions, above 0 to 1.")] = None,
    rename: Annotated[str, typer.Option("--name", help="Another name.")] = "",
    as_json: Json = False,
) -> None:
    """Change which agents it is for, which share of sessions it scores, or its name."""
    if agents is None and sampling is None and not rename:
        raise UsageError("Set what?", "Give --agents, --sampling or --name.")
    with open_workspace(context) as ws:
        row = ws.evaluators.get(name).row
        if agents is not None:
            row = ws.evaluators.set_agents(row.id, [] if agents == "all" else agents.split(","))
        if sampling is not None:
            row = ws.evaluators.set_sampling(row.id, sampling)
        if rename:
            row = ws.evaluators.rename(row.id, rename)
        _tell(row, as_json, f"“{row.name}”: agents {', '.join(row.agents) or 'all'}, sampling {row.sampling:g}.")


@group.command("activate", epilog="Example:  aa-tui evaluators activate refund_policy --yes")
def activate(
    context: typer.Context,
    name: Name,
    version: Annotated[int | None, typer.Option("--version", help="Not the newest version but this.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let it score every session that closes from now on. Older ones need a backfill or a run."""
    with open_workspace(context) as ws:
        detail = ws.evaluators.get(name)
        shown = detail.version(version) or detail.version()
        if shown is not None and shown.definition is not None and not _may_activate(ws, shown.definition, yes):
            return
        row = ws.evaluators.activate(detail.row.id, version, detail.row.stamp)
        _tell(row, as_json, f"“{row.name}” v{row.version} scores sessions that close from now on.")


@group.command("deactivate", epilog="Example:  aa-tui evaluators deactivate refund_policy")
def deactivate(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let it score no more; its results stay."""
    with open_workspace(context) as ws:
        row = ws.evaluators.deactivate(name)
        _tell(row, as_json, f"“{row.name}” scores nothing from now on.")


@group.command("archive", epilog="Example:  aa-tui evaluators archive old_tone")
def archive(
    context: typer.Context,
    name: Name,
    back: Annotated[bool, typer.Option("--undo", help="Take it out of the archive.")] = False,
) -> None:
    """Put it away; its results, versions and answers stay."""
    with open_workspace(context) as ws:
        if back:
            ws.evaluators.unarchive(name)
        else:
            ws.evaluators.archive(name)
        errors.note("It is back, inactive." if back else "It is archived.")


# --- files ---------------------------------------------------------------------------------------------------------


@group.command("export", epilog="Example:  aa-tui evaluators export refund_policy > refund_policy.toml")
def export(
    context: typer.Context,
    name: Name,
    version: Annotated[int | None, typer.Option("--version", help="Not the one that scores but this.")] = None,
    as_json: ToJson = False,
) -> None:
    """Print an evaluator as a file that `import` takes."""
    from aa_tui.backend.service import definition_files

    with open_workspace(context) as ws:
        detail = ws.evaluators.get(name)
        shown = detail.version(version)
        if shown is None or shown.definition is None:
            raise UsageError(f"“{detail.row.name}” has no definition to export.", f"It has {_versions(detail)}.")
        row = detail.row
        _print(definition_files.document(shown.definition, row.name, row.criterion, row.agents, row.sampling), as_json)


@group.command("import", epilog="Example:  aa-tui evaluators import evaluators/*.toml --project billing")
def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="JSON or TOML, with a name; - is stdin.")],
    as_json: Json = False,
) -> None:
    """Define evaluators from files: new ones inactive, known ones edited as `edit` does."""
    from aa_tui.backend.support.errors import NotFound

    given = [(file, _read(file)) for file in files]
    for file, one in given:
        if not one.name:
            raise UsageError(f"{file} has no name.", 'Add a line such as name = "refund_policy".')
    with open_workspace(context, create=True) as ws:
        for _, one in given:
            try:
                row = ws.evaluators.get(one.name).row
            except NotFound:
                row = ws.evaluators.create(
                    one.name, one.definition, one.criterion, one.agents, 1.0 if one.sampling is None else one.sampling
                )
                words = f"Created “{row.name}”, inactive."
            else:
                saved = ws.evaluators.save(row.id, one.definition, row.stamp)
                row = ws.evaluators.get(row.id).row
                words = f"“{row.name}”: {'draft' if saved.draft else 'version'} v{saved.no}."
            _tell(row, as_json, words)


# --- trying --------------------------------------------------------------------------------------------------------


@group.command("try", epilog="Example:  aa-tui evaluators try refund_policy --session ticket-88213 --max-cost 0.05")
def try_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="An evaluator, or a JSON or TOML file.")],
    session: Annotated[list[str] | None, typer.Option("--session", help="A session; may be given again.")] = None,
    recent: Annotated[int, typer.Option("--recent", help="Without sessions: so many of the newest closed ones.")] = 3,
    full: Annotated[bool, typer.Option("--full", help="The prompt as sent and the raw reply too.")] = False,
    yes: Yes = False,
    max_cost: MaxCost = "",
    as_json: Json = False,
) -> None:
    """Judge a few sessions without saving anything: reply, verdict, evidence, cost, latency."""
    with open_workspace(context) as ws, interruptible() as token:
        definition = _definition(ws, name)
        numbers = [ws.sessions.resolve(one) for one in session or ()] or ws.evaluators.recent_sessions(recent)
        if not numbers:
            raise UsageError("There is no closed session with text.", "Name one with --session.")
        most = spending.budget(max_cost)
        estimate = ws.evaluators.estimate_try(definition, numbers)
        if not spending.may_spend(estimate, _where(ws, definition), yes, most):
            return

        def tell(result: TryResult) -> None:
            if as_json:
                output.json_line(try_record(result, full))
            else:
                _tell_tried(result, full)

        results = ws.evaluators.try_on(definition, numbers, go_ahead=True, most_nano=most, token=token, advance=tell)
    if _is_providers(results):
        raise typer.Exit(errors.PROVIDER)


def try_record(result: TryResult, full: bool) -> dict[str, Any]:
    """Return a trial's outcome as JSON has it."""
    one, verdict = result.judgement, result.judgement.verdict
    answer = list(verdict.answer) if isinstance(verdict.answer, tuple) else verdict.answer
    said: dict[str, Any] = {
        "session": result.session_key,
        "session_id": result.session_id,
        "value": answer,
        "passed": one.passed,
        "error": None if verdict.error is None else str(verdict.error),
        "detail": verdict.detail or None,
        "rationale": verdict.rationale,
        "evidence": [
            {"quote": quote.text, "turn": quote.turn, "found": quote.found, "verified": quote.verified}
            for quote in verdict.quotes
        ],
        "flags": sorted(map(str, verdict.flags)),
        "method": one.method,
        "model": one.model or None,
        "calls": one.spent.calls,
        "input_tokens": one.spent.input_tokens,
        "output_tokens": one.spent.output_tokens,
        "cost_usd": None if one.spent.cost_nano is None else one.spent.cost_nano / 1e9,
        "local": result.local,
        "latency_ms": one.spent.latency_ms,
        "prompt_hash": one.prompt_hash or None,
    }
    return said | ({"prompt": one.prompt, "raw_reply": one.raw_reply} if full else {})


def _tell_tried(result: TryResult, full: bool) -> None:
    one, verdict = result.judgement, result.judgement.verdict
    if verdict.error is not None:
        said = f"no verdict: {verdict.error}" + (f" ({verdict.detail})" if verdict.detail else "")
    else:
        answer = ", ".join(verdict.answer) if isinstance(verdict.answer, tuple) else str(verdict.answer)
        said = answer + {True: "  pass", False: "  fail", None: ""}[one.passed]
    output.line(f"{result.session_key}  {said}")
    if verdict.rationale:
        output.block(verdict.rationale, "  ")
    for quote in verdict.quotes:
        place = f"turn {quote.found}" if quote.verified else "NOT in the session"
        output.line(f"  “{quote.text}” [{place}]")
    cost = "free" if result.local else humanize.money(one.spent.cost_nano)
    tokens = f"{humanize.tokens(one.spent.input_tokens)} + {humanize.tokens(one.spent.output_tokens)} tokens"
    words = [*sorted(map(str, verdict.flags)), *([tokens] if one.spent.calls else []), cost]
    output.line(f"  {' · '.join([*words, humanize.latency(one.spent.latency_ms)])}")
    if full:
        for title, text in (("prompt", one.prompt), ("reply", one.raw_reply)):
            if text:
                output.line(f"  --- {title}")
                output.block(text, "  ")


# --- inside --------------------------------------------------------------------------------------------------------


def _is_providers(results: Sequence[TryResult]) -> bool:
    """Return whether no session could be judged because the road to the model failed, rather than a reply."""
    return bool(results) and all(one.judgement.verdict.error in _ROADS for one in results)


def _record(row: EvaluatorRow) -> dict[str, Any]:
    agreement = row.agreement
    return {
        "name": row.name,
        "id": row.id,
        "criterion": row.criterion,
        "state": row.state,
        "version": row.version,
        "draft": row.draft,
        "method": row.method,
        "output_type": row.output_type,
        "imported": row.imported,
        "agents": list(row.agents),
        "sampling": row.sampling,
        "model": row.model or None,
        "pass_rate": row.pass_rate,
        "n": row.decided,
        "verdicts": row.verdicts,
        "errors": row.errors,
        "weeks": [
            {"week_ms": week.week_ms, "pass_rate": week.rate, "n": week.decided, "errors": week.errors}
            for week in row.weeks
        ],
        "agreement": None if agreement is None else agreement.rate,
        "agreement_n": 0 if agreement is None else agreement.n,
        "contested": 0 if agreement is None else agreement.contested,
        "last_judged_ms": row.last_judged_ms,
        "activated_ms": row.activated_ms,
        "created_ms": row.created_ms,
        "created_by": row.created_by,
    }


def _agreement(row: EvaluatorRow) -> str:
    return "–" if row.agreement is None else f"{humanize.share(row.agreement.rate)} of {row.agreement.n:,}"


def _versions(detail: EvaluatorDetail) -> str:
    return ", ".join(f"v{one.no}{' (draft)' if one.draft else ''}" for one in reversed(detail.versions)) or "none"


def _tell(row: EvaluatorRow, as_json: bool, words: str) -> None:
    if as_json:
        output.json_line(_record(row))
    else:
        output.line(words)


def _print(document: dict[str, Any], as_json: bool) -> None:
    """Write a document of a definition as data: JSON in ASCII, TOML with every control character escaped."""
    from aa_tui.backend.service import definition_files

    if as_json:
        output.json_line(document)
    else:
        output.write(definition_files.to_toml(document))


def _read(file: Path) -> EvaluatorFile:
    from aa_tui.backend.service import definition_files

    try:
        if str(file) == "-":
            text = sys.stdin.read(_MOST_FILE + 1)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.read(_MOST_FILE + 1)
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8.") from None
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from None
    if len(text) > _MOST_FILE:
        raise UsageError(f"{file} is too large for a definition.")
    return definition_files.parse(text)


def _edited(context: typer.Context, ws: Workspace, text: str) -> EvaluatorFile:
    """Let the person edit a text until it is a definition that can be saved.

    Raises:
        UsageError: there is no terminal, or they gave up.
    """
    import click

    from aa_tui.backend.service import definition_files

    if not errors.can_ask():
        raise UsageError("There is no terminal to edit on.", "Give a file with --file.")
    editor = load_settings_light(context.obj.flags()).values.editor
    while True:
        edited = click.edit(text, editor=editor, extension=".toml")
        if edited is None:
            raise UsageError("Nothing was changed.")
        text = edited
        try:
            given = definition_files.parse(text)
            wrong = [one for one in ws.evaluators.problems(given.definition) if one.severity == "error"]
            words = "; ".join(f"{one.field}: {one.words}" for one in wrong)
        except AAError as error:
            words = str(error)
        if not words:
            return given
        errors.note(words)
        if errors.ask("Edit again? (yes/no)", "yes").strip().lower() not in ("y", "yes"):
            raise UsageError("Nothing was saved.")


def _template(name: str) -> Any:
    from aa_tui.backend.service.evaluators import EvaluatorService

    known = EvaluatorService.templates()
    found = next((one for one in known if name in (one.id, one.name)), None)
    if found is None:
        raise UsageError(f"There is no template “{name}”.", f"There are: {', '.join(one.id for one in known)}.")
    return found


def _definition(ws: Workspace, name: str) -> Definition:
    """Return the definition of a file, else what an evaluator's draft says, else the version that scores."""
    file = Path(name)
    if name == "-" or file.suffix in (".toml", ".json"):
        return _read(file).definition
    detail = ws.evaluators.get(name)
    found = detail.draft or detail.version()
    if found is None or found.definition is None:
        raise UsageError(f"“{detail.row.name}” was imported without a definition.", "Give it one with `edit --file`.")
    return found.definition


def _where(ws: Workspace, definition: Definition) -> str:
    if definition.method != "llm":
        return "no model"
    view = ws.judges.view_of(definition.model or ws.judges.choice()[0])
    if view.choice is None:
        raise UsageError("No model is chosen.", "`aa-tui judge set PROVIDER MODEL` chooses the project's judge.")
    return f"{view.provider_title} {view.choice.model} at {view.address or 'its own address'}"


def _may_activate(ws: Workspace, definition: Definition, yes: bool) -> bool:
    """Say what an active evaluator will spend by itself, and ask; code spends nothing and needs no yes."""
    if definition.method != "llm":
        return True
    if definition.model is None and ws.judges.choice()[0] is None:
        errors.note("No model is chosen: it scores nothing until `aa-tui judge set PROVIDER MODEL` chooses one.")
        return True
    sessions = ws.evaluators.recent_sessions()
    estimate = ws.evaluators.estimate_try(definition, sessions)
    status = ws.scoring.status()
    each = ""
    if estimate.calls:
        tokens = humanize.tokens(estimate.high_tokens // estimate.calls)
        money = None if estimate.high_nano is None else estimate.high_nano // estimate.calls
        cost = spending.price_words(estimate) if money is None else f"up to {humanize.money(money)}"
        each = f" About {tokens} tokens, {cost} for each."
    errors.note(
        f"Each session that closes will be one call to {_where(ws, definition)}.{each} "
        f"The cap is {humanize.money(status.cap.nano)} a day for everything that scores by itself."
    )
    if not status.on and status.why_not:
        errors.note(f"It waits as long as: {status.why_not}")
    if yes:
        return True
    if not errors.can_ask():
        raise UsageError("Activating needs a yes.", "Add --yes.")
    if errors.ask("Activate? Type yes:", "").strip().lower() in ("y", "yes"):
        return True
    errors.note("It stays as it is.")
    return False
