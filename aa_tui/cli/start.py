"""Starting the app, at a place or on the sample project, and what happens where that cannot be. No Typer here."""

from __future__ import annotations

import gc
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aa_tui.address import parse_address
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import NotFound, UnsafeFileSystem, UsageError
from aa_tui.backend.support.settings import LoadedSettings, load_settings_light, remember
from aa_tui.cli import errors, output
from aa_tui.cli.arguments import VERBS, Common

if TYPE_CHECKING:
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.store.engine import Store

SAMPLE_PROJECT = "sample"


def run(common: Common) -> int:
    """Start the app for: nothing, an address, `open ADDRESS` or `demo`; return its exit code."""
    words = common.rest
    if common.verb == "demo":
        if len(words) > 1:
            raise UsageError(f"demo takes no argument “{words[1]}”.")
        return _demo(common)
    places = words[1:] if common.verb == "open" else words
    if common.verb == "open" and not places:
        raise UsageError("Open what?", "For example: aa-tui open 'sessions?agents=billing'.")
    if len(places) > 1 or (places and places[0].startswith("-")):
        raise _unknown(places)
    address = _address(places[0], common.verb == "open") if places else None
    settings = load_settings_light(common.flags())
    if not has_terminal():
        return _summary(common, settings)
    common = local_store(common)
    return _app(common, load_settings_light(common.flags()), address)


def has_terminal() -> bool:
    """Return whether the app could be drawn and driven here."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _unknown(words: list[str]) -> UsageError:
    import difflib

    close = difflib.get_close_matches(words[0], VERBS, n=1)
    hint = f"Did you mean {close[0]}?" if close else "`aa-tui --help` shows what there is."
    return UsageError(f"“{words[0]}” is neither a verb nor a place.", hint)


def _address(text: str, asked_to_open: bool) -> str:
    try:
        address = parse_address(text)
    except UsageError:
        if asked_to_open:
            raise
        raise _unknown([text]) from None
    if not asked_to_open and address.section == "session" and "/" not in text:
        # A lone word would open as a session's key; a mistyped verb is far likelier.
        raise _unknown([text])
    return text


def _app(common: Common, settings: LoadedSettings, address: str | None) -> int:
    # Hundreds of thousands of objects are made before the first frame and hardly one is garbage; the app collects
    # from its first frame on.
    gc.disable()
    from aa_tui.app import AppOptions, run_app

    values = settings.values
    for problem in settings.problems:
        errors.note(f"aa-tui: setting not used: {problem}")
    options = AppOptions(
        theme=values.theme,
        ascii=bool(values.ascii),
        mouse=values.mouse,
        remote={"on": True, "off": False}.get(values.remote),
        clipboard=values.clipboard,
        pager=values.pager or "",
        editor=values.editor or "",
        keys=dict(values.keys),
        read_only=common.read_only,
        problems=tuple(f"setting not used: {problem}" for problem in settings.problems),
    )
    return run_app(values.store, values.project, address, options)


def local_store(common: Common) -> Common:
    """Return the same request, on a local store where the wanted one would lie on a network file system.

    On a terminal the person is asked, and the choice is remembered in their settings.

    Raises:
        UnsafeFileSystem: there is nobody to ask; the hint is the command to run instead.
    """
    from aa_tui.backend.service import stores

    try:
        stores.check_place(common.store)
        return common
    except UnsafeFileSystem as error:
        if not errors.can_ask() or error.suggestion is None:
            path = error.suggestion or "/LOCAL/FOLDER/store.db"
            words = ["aa-tui", "--store", path, *_without_store(common.argv)]
            raise UnsafeFileSystem(error.message, f"Run this instead: {shlex.join(words)}") from None
        errors.note(error.message)
        answer = errors.ask("Keep the store in this file of this machine (or type another)?", error.suggestion)
        stores.check_place(answer)
        path = str(stores.store_path(answer))
        if common.store is None:
            errors.note(f"Remembered in {remember('store', path)}.")
        return replace(common, store=path)


def _without_store(argv: tuple[str, ...]) -> list[str]:
    words = iter(argv)
    kept = []
    for word in words:
        if word in {"--store", "-S"}:
            next(words, None)
        elif not word.startswith("--store="):
            kept.append(word)
    return kept


def read_only_hint(store_reason: str | None) -> None:
    """Say why a store may only be read, where it may."""
    if store_reason is not None:
        errors.note(f"aa-tui: read-only: {store_reason}.")


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """Turn the first Ctrl-C into a cancelled token, so that work ends between transactions; the second one stops."""
    token = CancelToken()

    def stop(_signal: int, _frame: Any) -> None:
        token.cancel()
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, stop)
    except ValueError:
        # Not the main thread: signals are somebody else's business there.
        yield token
        return
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, before)


# --- the sample project --------------------------------------------------------------------------------------------


def _demo(common: Common) -> int:
    from aa_tui.backend.service import stores
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import ProjectService, login_name

    common = local_store(replace(common, store=common.store or stores.demo_store_url(), project=SAMPLE_PROJECT))
    store = stores.open_store(common.store, read_only=common.read_only)
    try:
        url = store.url
        if not store.read_only:
            actor = Actor(login_name())
            ProjectService(store).ensure(SAMPLE_PROJECT, actor)
            _build(store, actor)
    finally:
        store.close()
    if not has_terminal():
        output.prepare()
        output.line(url)
        errors.note(f"The sample project is there. On a terminal: {shlex.join(['aa-tui', '--store', url])}")
        return errors.FINE
    return _app(common, load_settings_light(common.flags()), None)


def _build(store: Store, actor: Actor) -> None:
    from aa_tui.backend.service.projects import open_workspace

    workspace = open_workspace(store, SAMPLE_PROJECT, actor)
    if not workspace.project.sessions:
        errors.note("Building the sample project…")
    bar = errors.ProgressBar()
    try:
        with interruptible() as token:
            workspace.imports.load_demo(bar, token)
            token.check()
    finally:
        bar.close()


# --- without a terminal --------------------------------------------------------------------------------------------


def _summary(common: Common, settings: LoadedSettings) -> int:
    """Say what there is and how to ask for it; the app itself cannot be shown."""
    from aa_tui.backend.service import stores
    from aa_tui.backend.service.projects import ProjectService
    from aa_tui.backend.support.humanize import full_moment, plural

    output.prepare()
    local_store(common)
    try:
        store = stores.open_store(settings.values.store, create=False, read_only=True)
    except NotFound as error:
        output.line(error.message)
    else:
        try:
            output.line(f"store {store.url}")
            for project in ProjectService(store).list():
                newest = f", newest {full_moment(project.newest_ms, project.time_zone)}" if project.newest_ms else ""
                output.line(f"project {project.name}: {plural(project.sessions, 'session')}{newest}")
        finally:
            store.close()
    errors.note("The app needs a terminal. Without one: aa-tui sessions --help, aa-tui monitor --json.")
    return errors.USAGE
