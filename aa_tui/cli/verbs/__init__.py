"""The headless verbs, each the twin of a screen or a piece of upkeep: arguments in, service calls, data out.

A module per noun; here they are put together and run. A new one is a line of `GROUPS`, and its name is in
`arguments.VERBS`, which the app's start reads without loading any of this.
"""

from __future__ import annotations

import re

import typer

from aa_tui.cli import errors
from aa_tui.cli.arguments import Common
from aa_tui.cli.verbs import (
    about,
    bringing_in,
    evaluators,
    forgetting,
    judge,
    monitor,
    projects,
    sessions,
    signals,
    store,
)

GROUPS = (
    sessions.group,
    monitor.group,
    signals.group,
    evaluators.group,
    judge.group,
    bringing_in.group,
    about.group,
    projects.group,
    forgetting.group,
    store.group,
)
"""In the order of help. A group without a name gives its verbs, one with a name is a verb that has verbs."""

_NEGATION = re.compile(r'-(?!-)(?:["(]|[^\s=]{2,})')

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in GROUPS:
    app.add_typer(_group)


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
