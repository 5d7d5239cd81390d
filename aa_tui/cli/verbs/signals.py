"""The verbs of `signals`: turning model scoring on after showing everything, its cap and switches, backfill."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aa_tui.backend.support.errors import UsageError
from aa_tui.cli import errors, output
from aa_tui.cli.start import interruptible
from aa_tui.cli.verbs.shared import FilterWords, Json, filter_text, open_store, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.model.evaluator import ModelChoice
    from aa_tui.backend.model.scoring import Cap, Estimate, Offer, ScoringReport, ScoringStatus
    from aa_tui.backend.service.workspace import Workspace

group = typer.Typer(name="signals", help="Scoring of closed sessions by a model: consent, cap, backfill.")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", metavar="USD", min=0, help="The most it may cost, in US dollars.")
]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", metavar="N", min=0, help="The most tokens, where no price is known.")
]


@group.callback(invoke_without_command=True)
def signals(context: typer.Context) -> None:
    """Say where scoring stands."""
    if context.invoked_subcommand is None:
        with open_workspace(context) as ws:
            _tell(ws.scoring.status(), False)


@group.command("status", epilog="Example:  aa-tui signals status --json")
def status(context: typer.Context, as_json: Json = False) -> None:
    """Say whether a model scores closed sessions, which one, what was spent today and what waits."""
    with open_workspace(context) as ws:
        _tell(ws.scoring.status(), as_json)


@group.command("on", epilog="Example:  aa-tui signals on --provider ollama --model qwen3:8b")
def turn_on(
    context: typer.Context,
    provider: Annotated[str, typer.Option("--provider", help="As `aa-tui judge providers` lists them.")] = "",
    model: Annotated[str, typer.Option("--model", help="The model, as its server names it.")] = "",
    base_url: Annotated[str, typer.Option("--base-url", help="Address, where it is not the provider's own.")] = "",
    yes: Yes = False,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", metavar="USD", min=0, help="The cap of a day; agrees like --yes.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", min=0, help="The same where no price is known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a model score sessions when they close, after showing where texts go and what it costs. Calls no model."""
    with open_workspace(context) as ws, interruptible() as token:
        offer = ws.scoring.offer(_choice(provider, model, base_url), token)
        cap = _cap(offer.cap, max_cost, max_tokens)
        _show(offer, cap)
        if offer.problem is not None:
            raise UsageError(offer.problem)
        agreed = yes or max_cost is not None or max_tokens is not None
        if not agreed and not _agreed("Turn it on? Type yes:", "Turning model scoring on needs a yes."):
            errors.note("Nothing was turned on.")
            return
        _tell(ws.scoring.turn_on(offer.choice, cap), as_json)


@group.command("off", epilog="Example:  aa-tui signals off")
def turn_off(context: typer.Context, as_json: Json = False) -> None:
    """Take the consent back: no text of closed sessions leaves any more. What was scored stays."""
    with open_workspace(context) as ws:
        _tell(ws.scoring.turn_off(), as_json)


@group.command("cap", epilog="Example:  aa-tui signals cap 2.50 --tokens 1000000")
def cap_of_a_day(
    context: typer.Context,
    dollars: Annotated[float | None, typer.Argument(metavar="[USD]", min=0, help="US dollars a day.")] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", min=0, help="Tokens a day, where no price is known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Set the most that signals, active evaluators and re-closes may take on one day."""
    with open_workspace(context) as ws:
        if dollars is None and tokens is None:
            raise UsageError("Say how much.", "Example: aa-tui signals cap 2.50")
        _tell(ws.scoring.set_cap(_cap(ws.scoring.terms().cap, dollars, tokens)), as_json)


@group.command("set", epilog="Example:  aa-tui signals set session_outcome on")
def switch(
    context: typer.Context,
    signal: Annotated[str, typer.Argument(metavar="SIGNAL", help="As `aa-tui signals list` names it.")],
    value: Annotated[str, typer.Argument(metavar="on|off")],
    as_json: Json = False,
) -> None:
    """Switch one signal on or off for sessions that close from now on."""
    if value not in ("on", "off"):
        raise UsageError(f"“{value}” is neither on nor off.")
    with open_workspace(context) as ws:
        _tell(ws.scoring.set_signal(signal, value == "on"), as_json)


@group.command("models", epilog="Example:  aa-tui signals models local")
def models(
    context: typer.Context,
    use: Annotated[str, typer.Argument(metavar="on|local|off", help="Any, those of this machine only, or none.")],
    as_json: Json = False,
) -> None:
    """Say which models the project may use at all, for signals, evaluators and trials alike."""
    from aa_tui.backend.model.scoring import ModelUse

    if use not in tuple(ModelUse):
        raise UsageError(f"“{use}” is none of on, local and off.")
    with open_workspace(context) as ws:
        _tell(ws.scoring.set_model_use(ModelUse(use)), as_json)


@group.command("list", epilog="Example:  aa-tui signals list --json")
def listed(context: typer.Context, as_json: Json = False) -> None:
    """List the signals, what each asks, and which are on."""
    with open_workspace(context) as ws:
        found = ws.scoring.signals()
    if as_json:
        for one in found:
            output.json_line(asdict(one))
        return
    output.table(
        ("signal", "", "by", "version", "asks"),
        [
            (one.id, "on" if one.on else "off", "code" if one.code_only else "model", str(one.version), one.title)
            for one in found
        ],
    )


@group.command("run", epilog="Example:  aa-tui signals run")
def run(context: typer.Context, as_json: Json = False) -> None:
    """Score what waits, now, within the cap of the day; `serve` and `import --follow` do it by themselves.

    CALLS THE MODEL that was agreed to, if any.
    """
    with open_workspace(context) as ws, interruptible() as token:
        bar = errors.LiveLine()
        try:
            report = ws.scoring.run_pending(token, lambda one: bar.show(f"{one.done:,} scored, {one.failed:,} failed"))
        finally:
            bar.close()
        _end(report, as_json)


@group.command("worker", hidden=True)
def worker(
    context: typer.Context,
    idle_minutes: Annotated[int, typer.Option("--idle-minutes", min=1, help="End after so long without work.")] = 10,
) -> None:
    """Score what is due in every project until standard input ends: what the app runs beside itself."""
    import os
    import sys
    import threading
    from contextlib import suppress

    from aa_tui.backend.service.scoring_worker import ScoringWorker
    from aa_tui.backend.support.clock import SystemClock

    with suppress(AttributeError, OSError):
        # The processor goes to whoever types.
        os.nice(10)
    with open_store(context) as store:
        beside = ScoringWorker(store, SystemClock())
        beside.start()
        gone = threading.Event()

        def watch() -> None:
            sys.stdin.read()
            gone.set()

        threading.Thread(target=watch, daemon=True).start()
        try:
            while not gone.wait(5.0) and beside.idle_s < idle_minutes * 60:
                pass
        finally:
            beside.stop()


@group.command("backfill", epilog="Example:  aa-tui signals backfill since:30d agent:billing --max-cost 0.50")
def backfill(
    context: typer.Context,
    words: FilterWords = None,
    evaluator: Annotated[
        list[str] | None, typer.Option("--evaluator", "-e", metavar="NAME", help="An active evaluator too; repeatable.")
    ] = None,
    no_signals: Annotated[bool, typer.Option("--no-signals", help="Only the evaluators.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also signals of sessions that are scored.")] = False,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Score sessions that closed before, newest first; says first what it takes. CALLS THE MODEL.

    Ctrl-C ends it; what was scored stays, and the next backfill goes on with the rest.
    """
    from aa_tui.backend.model.filter import Sort, parse_filter
    from aa_tui.backend.model.scoring import Backfill
    from aa_tui.backend.support.money import usd_to_nano

    with open_workspace(context) as ws, interruptible() as token:
        request = Backfill(
            tuple(_evaluator(ws, name) for name in evaluator or ()),
            not no_signals,
            again,
            usd_to_nano(max_cost),
            max_tokens,
        )
        listed = ws.sessions.ids(parse_filter(filter_text(words)), Sort()).ids
        estimate = ws.scoring.estimate_backfill(request, listed, token)
        errors.note(f"{_sessions(estimate)} to score, {estimate.calls:,} calls: {_words(estimate)}.")
        bounded = max_cost is not None or max_tokens is not None
        if (
            estimate.sessions
            and not yes
            and not bounded
            and not _agreed("Score them? Type yes:", "A backfill needs a yes.")
        ):
            errors.note("Nothing was scored.")
            return
        bar = errors.LiveLine()
        try:
            report = ws.scoring.backfill(
                request,
                listed,
                token,
                lambda one: bar.show(f"{one.done + one.failed + one.not_scored:,} of {one.total or 0:,} sessions"),
            )
        finally:
            bar.close()
        _end(report, as_json)


def _choice(provider: str, model: str, base_url: str) -> ModelChoice | None:
    from aa_tui.backend.model.evaluator import ModelChoice

    if not provider and not model and not base_url:
        return None
    if not model:
        raise UsageError("A provider needs a model.", "Add --model NAME.")
    return ModelChoice(provider or "compatible", model, base_url)


def _cap(now: Cap, dollars: float | None, tokens: int | None) -> Cap:
    from aa_tui.backend.model.scoring import Cap
    from aa_tui.backend.support.money import usd_to_nano

    nano = usd_to_nano(dollars)
    return Cap(now.nano if nano is None else nano, now.tokens if tokens is None else tokens)


def _evaluator(ws: Workspace, name: str) -> int:
    return ws.evaluators.get(name).row.id


def _agreed(question: str, without: str) -> bool:
    if not errors.can_ask():
        raise UsageError(without, "Add --yes, or --max-cost USD.")
    return errors.ask(question, "").strip().lower() == "yes"


def _sessions(estimate: Estimate) -> str:
    from aa_tui.backend.support import humanize

    return humanize.plural(estimate.sessions, "session")


def _words(estimate: Estimate) -> str:
    from aa_tui.backend.service.scoring import total_words

    return total_words(estimate)


def _show(offer: Offer, cap: Cap) -> None:
    """Say everything that is agreed to."""
    from aa_tui.backend.service.scoring import session_words
    from aa_tui.backend.support import humanize

    to = offer.destination
    errors.note(f"Provider   {offer.provider_title}{', on this machine' if offer.local else ''}")
    errors.note(f"Address    {to.address or 'its own'}")
    errors.note(f"Model      {to.model}")
    errors.note("What leaves" + (" this program, but not this machine:" if offer.local else " this machine:"))
    for one in offer.leaves:
        errors.note(f"  · {one}")
    errors.note(f"Asked      {', '.join(one.title for one in offer.signals if one.on and not one.code_only)}")
    errors.note(f"A session  {session_words(offer.estimate)}")
    errors.note(f"Not scored {_sessions(offer.estimate)}, all together {_words(offer.estimate)}")
    errors.note(f"           {offer.waiting:,} of them wait and are scored at once; `signals backfill` does the others")
    bound = f"{humanize.money(cap.nano)} a day, or {cap.tokens:,} tokens where no price is known"
    errors.note(f"Cap        {'none, it is free' if offer.local else bound}")


def _tell(found: ScoringStatus, as_json: bool) -> None:
    from aa_tui.backend.support import humanize

    if as_json:
        output.json_line(_plain(asdict(found)))
        return
    output.line(f"Model scoring is {'on' if found.on else 'off'}.")
    if found.why_not:
        output.line(found.why_not)
    if found.paused:
        output.line(found.paused)
    if found.model:
        output.line(f"Judge   {found.provider_title} · {found.model} · {found.address or 'its own address'}")
    if found.consent is not None:
        output.line(f"Agreed  {found.consent.by}, {humanize.full_moment(found.consent.at_ms)}")
    if found.local:
        output.line("Cost    local, free")
    else:
        spent = f"{humanize.money(found.spent_nano)} of {humanize.money(found.cap.nano)}"
        output.line(f"Today   {spent}; {found.spent_tokens:,} of {found.cap.tokens:,} tokens without a known price")
    output.line(f"Waiting {found.waiting:,}; failed {found.failed:,}")


def _end(report: ScoringReport, as_json: bool) -> None:
    """Say what was done; a provider that cannot be used is exit code 4."""
    from aa_tui.backend.support import humanize

    if as_json:
        output.json_line(asdict(report))
    else:
        cost = "local, free" if report.local else humanize.money(report.cost_nano)
        output.line(
            f"{report.done:,} scored, {report.failed:,} failed, {report.not_scored:,} not scored, {report.left:,} left"
            f" · {report.calls:,} calls, {report.input_tokens + report.output_tokens:,} tokens, {cost}"
        )
    if report.stopped is not None:
        errors.note(f"aa-tui: {report.stopped}.")
    if report.provider_fault:
        raise typer.Exit(errors.PROVIDER)


def _plain(value: Any) -> Any:
    """Return a status as JSON holds it."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
