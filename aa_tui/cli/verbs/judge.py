"""The verbs of `judge`: which model judges, which roads lead to models, where keys come from, a check by one call."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.money import usd_to_nano
from aa_tui.cli import errors, output
from aa_tui.cli.spending import Yes
from aa_tui.cli.start import interruptible
from aa_tui.cli.verbs.shared import ANYWHERE, Json, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.model.evaluator import ModelChoice
    from aa_tui.backend.query.readmodels import JudgeView, KeyState

group = typer.Typer(name="judge", help="Choose and check the model that judges.", no_args_is_help=True)
keys = typer.Typer(name="key", help="Keep or forget the key of a provider.", no_args_is_help=True)
group.add_typer(keys)

Provider = Annotated[str, typer.Argument(help="`aa-tui judge providers` lists them.")]
Model = Annotated[str, typer.Argument(help="As its server names it.")]
Url = Annotated[str, typer.Option("--base-url", help="Where it is, unless at the provider's own address.")]


@group.command("show", epilog="Example:  aa-tui judge show --json. " + ANYWHERE)
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the model that judges for the project, its address, whether a key is there."""
    with open_workspace(context) as ws:
        _tell(ws.judges.view(), as_json)


@group.command(
    "set",
    epilog="Examples:  aa-tui judge set ollama qwen3:8b  |  "
    "aa-tui judge set compatible my-model --base-url http://127.0.0.1:8000/v1",
)
def set_(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="`aa-tui judge providers` lists them; none takes it back.")],
    model: Annotated[str, typer.Argument(help="As its server names it.")] = "",
    base_url: Url = "",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="NAME=VALUE for the model; may be given again.")
    ] = None,
    window: Annotated[int | None, typer.Option("--window", min=1_000, help="Tokens it takes in.")] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", min=1, help="Most calls in flight.")] = None,
    input_price: Annotated[str, typer.Option("--input-price", help="USD per million tokens it reads.")] = "",
    output_price: Annotated[str, typer.Option("--output-price", help="USD per million tokens it writes.")] = "",
    as_json: Json = False,
) -> None:
    """Choose the project's judge. No session is sent to it until you turn model scoring on or try an evaluator."""
    with open_workspace(context, create=True) as ws:
        if provider == "none":
            _tell(ws.judges.set(None), as_json)
            return
        parameters = tuple(sorted(dict(map(_parameter, parameter or ())).items()))
        choice = _choice(
            provider,
            model or (provider if provider == "command" else ""),
            base_url,
            parameters=parameters,
            window=window,
            concurrency=concurrency,
            input_price_nano=_price(input_price),
            output_price_nano=_price(output_price),
        )
        _tell(ws.judges.set(choice), as_json)


@group.command("use", epilog="Example:  aa-tui judge use local")
def use(
    context: typer.Context,
    which: Annotated[str, typer.Argument(help="on: any model; local: those of this machine; off: none.")],
    as_json: Json = False,
) -> None:
    """Say which models the project may use at all."""
    from aa_tui.backend.model.scoring import ModelUse

    if which not in tuple(ModelUse):
        raise UsageError(f"“{which}” is no use of models.", f"There are: {', '.join(ModelUse)}.")
    with open_workspace(context, create=True) as ws:
        _tell(ws.judges.set_use(ModelUse(which)), as_json)


@group.command("providers", epilog="Example:  aa-tui judge providers --json")
def providers(context: typer.Context, as_json: Json = False) -> None:
    """List the providers there are, and whether a key for each is at hand."""
    from aa_tui.backend.service.judges import JudgeService

    rows = JudgeService.providers()
    if as_json:
        for row in rows:
            output.json_line(asdict(row))
        return
    output.table(
        ("PROVIDER", "NAME", "KEY", "ADDRESS", "NOTE"),
        [(row.id, row.title, _key_words(row.key), row.base_url or "–", row.note) for row in rows],
    )


@group.command("discover", epilog="Example:  aa-tui judge discover")
def discover(
    context: typer.Context,
    timeout: Annotated[float, typer.Option("--timeout", min=0.05, max=10, help="Seconds to wait.")] = 0.5,
    as_json: Json = False,
) -> None:
    """Look for model servers on this machine."""
    from aa_tui.backend.service.judges import JudgeService

    with interruptible() as token:
        found = JudgeService.discover(timeout, token)
    if as_json:
        for one in found:
            output.json_line(asdict(one))
        return
    for one in found:
        output.line(f"{one.title}  {one.base_url}  {', '.join(one.models) or 'no model loaded'}")
    if not found:
        errors.note("No model server answers on this machine.")


@group.command("check", epilog="Example:  aa-tui judge check openai gpt-4o-mini --yes")
def check(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="The project's judge without.")] = "",
    model: Annotated[str, typer.Argument(help="As its server names it.")] = "",
    base_url: Url = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Spend one tiny call to see whether the model can judge; exit 4 when it cannot. No session is sent."""
    with open_workspace(context, create=True) as ws, interruptible() as token:
        choice = _choice(provider, model or (provider if provider == "command" else ""), base_url) if provider else None
        view = ws.judges.view_of(choice or ws.judges.choice()[0])
        if view.choice is None:
            raise UsageError("No model is chosen.", "`aa-tui judge set PROVIDER MODEL` chooses one.")
        cost = "local, free" if view.local else "less than $0.01" if view.priced else "price unknown"
        errors.note(
            f"1 call, about 100 tokens, {cost}, to {view.provider_title} {view.choice.model} at {view.address}."
        )
        if not yes and not view.local:
            if not errors.can_ask():
                raise UsageError("Calling a model needs a yes.", "Add --yes.")
            if errors.ask("Go on? Type yes:", "").strip().lower() not in ("y", "yes"):
                errors.note("Nothing was sent.")
                return
        report = ws.judges.check(choice, token)
    if as_json:
        output.json_line({"ok": report.ok, "steps": [asdict(step) for step in report.steps]})
    else:
        for step in report.steps:
            output.line(f"{'ok  ' if step.ok else 'FAIL'}  {step.name}: {step.words}")
            if step.help and not step.ok:
                output.line(f"      {step.help}")
    if not report.ok:
        raise typer.Exit(errors.PROVIDER)


@keys.command("set", epilog="Example:  pass show openai | aa-tui judge key set openai")
def key_set(
    context: typer.Context,
    provider: Provider,
    base_url: Url = "",
    place: Annotated[str, typer.Option("--place", help="keyring or file; whatever is best without.")] = "",
) -> None:
    """Keep the key of a provider's address, typed without echo or read from stdin; never on the command line."""
    from aa_tui.backend.service.judges import JudgeService

    if place not in ("", "keyring", "file"):
        raise UsageError(f"“{place}” is no place for keys.", "There are: keyring, file.")
    if errors.can_ask():
        import getpass

        key = getpass.getpass("Key (not shown): ")
    else:
        key = sys.stdin.readline()
    state = JudgeService.set_key(key.strip(), _choice(provider, "", base_url), place)
    errors.note(f"Kept: {_key_words(state)}.")


@keys.command("forget", epilog="Example:  aa-tui judge key forget openai")
def key_forget(context: typer.Context, provider: Provider, base_url: Url = "") -> None:
    """Forget the kept key of a provider's address."""
    from aa_tui.backend.service.judges import JudgeService

    choice = _choice(provider, "", base_url)
    errors.note("It is forgotten." if JudgeService.forget_key(choice) else "None was kept.")
    left = JudgeService.key_of(choice)
    if left.source:
        errors.note(f"There still is one: {_key_words(left)}.")


def view_record(view: JudgeView) -> dict[str, Any]:
    """Return a judge as JSON has it."""
    return {
        "provider": view.choice.provider if view.choice else None,
        "model": view.choice.model if view.choice else None,
        "choice": view.choice.document() if view.choice else None,
        "origin": view.origin or None,
        "use": str(view.use),
        "provider_title": view.provider_title,
        "address": view.address,
        "local": view.local,
        "key": asdict(view.key),
        "priced": view.priced,
        "problem": view.problem,
    }


def _tell(view: JudgeView, as_json: bool) -> None:
    if as_json:
        output.json_line(view_record(view))
        return
    if view.choice is None:
        output.line("No model is chosen: only what code can tell is scored.")
    else:
        price = "free" if view.local else "price known" if view.priced else "price unknown"
        said = {"project": "chosen for the project", "settings": "from this machine's settings"}.get(view.origin, "")
        output.line(f"{view.provider_title}  {view.choice.model}  {said}")
        output.line(f"  address  {view.address or '–'}  ({'this machine' if view.local else 'elsewhere'}, {price})")
        output.line(f"  key      {_key_words(view.key)}")
        if view.problem:
            output.line(f"  problem  {view.problem}")
    output.line(f"  models   {view.use}")


def _key_words(key: KeyState) -> str:
    if key.source:
        return f"{key.source} ({key.masked})"
    return "missing" if key.needed else "none needed"


def _choice(provider: str, model: str, base_url: str, **more: Any) -> ModelChoice:
    from aa_tui.backend.model.evaluator import ModelChoice

    return ModelChoice(provider, model, base_url, **more)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"“{text}” is no parameter.", "For example: --parameter temperature=0.2.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _price(text: str) -> int | None:
    """Return nano-dollars per 1,000 tokens of a price per million."""
    if not text:
        return None
    nano = usd_to_nano(text.strip().removeprefix("$"))
    if nano is None or nano < 0:
        raise UsageError(f"“{text}” is no price in US dollars.", "For example: --input-price 0.15.")
    return nano // 1_000
