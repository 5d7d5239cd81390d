"""What the verbs share: opening the store that was asked for, options and words that several take. No verb is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.backend.service import projects, stores
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.settings import load_settings_light
from aa_tui.cli import errors
from aa_tui.cli.start import local_store

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.store.engine import Store

ANYWHERE = "Anywhere: --store PATH  --project NAME  --read-only"
"""Ends the example of a verb that reads or writes a project."""

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
FilterWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILTER]", help="As in the app: 'agent:billing since:7d \"exact words\"'."),
]


@contextmanager
def open_store(context: typer.Context, create: bool = False) -> Iterator[Store]:
    """Open the store that was asked for, and close it; settings that cannot be used are said.

    Raises:
        UnsafeFileSystem: it would lie on a network file system, and there is nobody to ask.
        NotFound: there is none, and it is not to be made.
        StoreError: it cannot be opened.
    """
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
def open_workspace(context: typer.Context, create: bool = False) -> Iterator[Workspace]:
    """Open the project that was asked for in its store; raises as `open_store`, and NotFound for the project."""
    with open_store(context, create) as store:
        yield projects.open_workspace(store, load_settings_light(context.obj.flags()).values.project)


def filter_text(words: list[str] | None) -> str:
    """Return a filter that came as several words of the command line."""
    return " ".join(words or ())


def only_one(**chosen: bool) -> str:
    """Return the name of the option that was given, empty without any.

    Raises:
        UsageError: several were.
    """
    names = [name for name, given in chosen.items() if given]
    if len(names) > 1:
        raise UsageError(f"Choose one of {', '.join(f'--{name}' for name in names)}.")
    return names[0] if names else ""
