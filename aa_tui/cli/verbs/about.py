"""The verbs about this installation: `where` its files are, what `doctor` finds, its `keys` and shell `completion`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from aa_tui.backend.service import stores
from aa_tui.backend.support.settings import Settings, load_settings_light
from aa_tui.cli import errors, output
from aa_tui.cli.verbs.shared import Json

group = typer.Typer()


@group.command()
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


@group.command()
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


@group.command()
def keys() -> None:
    """List all keys of the app."""
    from aa_tui.actions import reference_table

    output.block(reference_table())


@group.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the completion script of a shell: source <(aa-tui completion bash)."""
    from aa_tui.cli import help as texts

    output.write(texts.completion(shell))
