"""An import started inside the app: what is offered, how far it is in the status line, how it ended.

The work itself is done by a child process that the service starts.
"""

from __future__ import annotations

import asyncio
import glob
import shlex
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support import humanize
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled, UsageError
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe, safe_line

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.ingest.report import ImportProblem, ImportReport, ProgressEvent
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.sources.places import Place
    from aa_tui.screens.base import PlaceScreen

_BAR = 16
_READ_SECONDS = 2.0
"""How long the end of an import stands at least; from then on the next key takes it away."""


class Importing:
    """The one import that can be under way, and the report of the last one."""

    def __init__(self, app: AAApp) -> None:
        self._app = app
        self._token: CancelToken | None = None
        self._newest: ProgressEvent | None = None
        self._ended_at: float | None = None
        self.report: ImportReport | None = None
        """What the last import added; None while none has ended in this run."""

    @property
    def under_way(self) -> bool:
        """True while the child works."""
        return self._token is not None

    def start(self, workspace: Workspace, paths: Sequence[Path]) -> None:
        """Import into the workspace's project, in a child process that is followed from a thread of its own."""
        loop, news = asyncio.get_running_loop(), asyncio.Queue[Any]()
        token = self._token = CancelToken()
        self._newest = self._ended_at = None
        self._say(f"importing {humanize.plural(len(paths), 'path')}")

        def tell(kind: str, message: object) -> None:
            # The program may have been left meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(news.put_nowait, (kind, message))

        def work() -> None:
            from aa_tui.backend.service.upkeep import import_options
            from aa_tui.backend.support.settings import load_settings_light

            try:
                options = import_options(None, load_settings_light().values.user, None)
                tell("report", workspace.imports.run_apart(paths, options, partial(tell, "progress"), token))
            except Exception as error:
                tell("error", error)

        # A daemon, because leaving the program must not wait for a file that the child is still reading.
        threading.Thread(target=work, name="import", daemon=True).start()
        self._app.run_worker(self._follow(news, workspace.project.name), group="import", exit_on_error=False)

    def stop(self) -> None:
        """Let the child end after what it is writing; what was imported stays."""
        if self._token is not None:
            self._token.cancel()

    def seen(self) -> None:
        """The person does something else: an end that has stood for a while may go."""
        if self._ended_at is not None and time.monotonic() - self._ended_at > _READ_SECONDS:
            self._ended_at = None
            self._app.say_background(None)

    async def _follow(self, news: asyncio.Queue[Any], project: str) -> None:
        pause = 1.0 if self._app.remote else 0.0
        with self._app.busy():
            while (said := await news.get())[0] == "progress":
                message: ProgressEvent = said[1]
                self._newest = message
                self._say_progress(message)
                if pause and news.empty():
                    await asyncio.sleep(pause)
        self._token = None
        elsewhere = f" in {safe_line(project, 24)}" if project != self._app.project_name else ""
        kind, end = said
        if kind == "report":
            self.report = end
            self._end(*_words(end, elsewhere))
        elif isinstance(end, Cancelled):
            self._end("import stopped before anything came in", "warn")
        elif isinstance(end, AAError):
            self._end(f"import: {end}", "bad")
        else:
            self._end(f"The import failed: {self._app.log_unexpected(end)}", "bad")
        await self._app.tell_imported()

    def _say_progress(self, event: ProgressEvent) -> None:
        stopping = self._token is not None and self._token.cancelled
        self._say(f"{'stopping the import' if stopping else 'importing'} {event.fraction:.0%}", event)

    def _say(self, words: str, event: ProgressEvent | None = None) -> None:
        muted, dot = themes.style("muted"), glyphs.get("dot")
        bar = glyphs.hbar(event.fraction if event is not None else 0.0, _BAR)
        pieces: list[Content | str] = [f"{words} ", Content.styled(bar, themes.style("accent"))]
        if event is not None:
            files = f"{humanize.count(event.files_done)} of {humanize.plural(event.files, 'file')}"
            pieces.append(f" {files} {dot} {humanize.plural(event.sessions, 'session')}")
        pieces.append(Content.styled(f" {dot} I stops", muted))
        self._app.say_background(Content.assemble(*pieces), Content.assemble(words, Content.styled(" I stops", muted)))

    def _end(self, words: str, meaning: str) -> None:
        self._ended_at = time.monotonic()
        self._app.remember_message(words)
        place = self._app.place_below()
        if place is not None:
            place.clear_flash()
        self._app.say_background(safe(words, themes.style(meaning)), Content(""))

    @property
    def progress(self) -> str:
        """How far the import is, in words."""
        event = self._newest
        if event is None:
            return "just begun"
        return f"{event.fraction:.0%}, {humanize.plural(event.sessions, 'session')} so far"


def _words(report: ImportReport, where: str) -> tuple[str, str]:
    """Return how an import ended, as a sentence and what it means."""
    new = [humanize.plural(report.sessions, "new session")] if report.sessions else []
    if report.turns and not report.sessions:
        new.append(f"{humanize.plural(report.turns, 'new turn')} in known sessions")
    elif report.events and not new:
        new.append(humanize.plural(report.events, "new event"))
    if report.results:
        new.append(humanize.plural(report.results, "verdict or label", "verdicts and labels"))
    if report.unchanged and not report.files:
        new = new or [f"nothing new, {humanize.plural(report.unchanged, 'file')} unchanged"]
    words = ", ".join(new or ["nothing new"])
    count = len(report.problems)
    problems = f", {humanize.plural(count, 'problem')} (:problems lists them)" if count else ""
    if report.cancelled:
        return f"import stopped{where}: {words}{problems}; importing again goes on from there", "warn"
    return f"imported{where}: {words}{problems}", "warn" if count else "good"


# --- what is offered -----------------------------------------------------------------------------------------------


def open_import(app: AAApp, place: PlaceScreen) -> None:
    """Offer the places where coding agents keep transcripts on this machine, or, while one is under way, to stop."""
    if app.importing.under_way:
        _offer_to_stop(app)
        return

    async def gather() -> None:
        workspace = await place.ready()
        places = await place.ask(workspace.imports.places, group="import", token=False)
        choices = [_choice(workspace, number, one) for number, one in enumerate(places, 1)]
        if len(places) > 1:
            files = humanize.plural(sum(one.files for one in places), "transcript")
            every = tuple(one.path for one in places)
            choices.append(
                Choice(every, "all of these", f"{files}, {humanize.size(sum(p.bytes for p in places))}", "a")
            )
        choices.append(Choice((), "files or folders you name", ":import PATH…", "p"))
        if not places:
            choices.insert(0, Choice((), "coding agents' transcripts", why_not="there are none on this machine"))
        title = f"Import into {safe_line(workspace.project.name, 24)}"

        def chosen(paths: tuple[Path, ...]) -> None:
            if paths:
                app.importing.start(workspace, paths)
            else:
                app.call_later(app.open_command_line, "import ")

        app.choose(title, choices, chosen, typed=False, cursor=0 if places else 1)

    place.load(gather(), "import")


def _choice(workspace: Workspace, number: int, place: Place) -> Choice:
    newest = humanize.moment(place.newest_ms, workspace.project.time_zone, workspace.clock.now_ms())
    note = f"{humanize.plural(place.files, 'transcript')}, {humanize.size(place.bytes)}, newest {newest}"
    if place.oldest_expiring:
        note = f"{humanize.plural(place.files, 'transcript')}, {humanize.count(place.oldest_expiring)} deleted soon"
    return Choice((place.path,), safe_line(place.title, 30), note, str(number) if number < 10 else "")


def _offer_to_stop(app: AAApp) -> None:
    choices = [
        Choice("stay", "let it go on", app.importing.progress),
        Choice("stop", "stop it", "what was imported stays", "x"),
    ]
    app.choose(
        "An import is under way", choices, lambda value: app.importing.stop() if value == "stop" else None, typed=False
    )


def ask_before_quitting(app: AAApp) -> None:
    """Let the person decide whether an import under way is worth staying for."""
    choices = [
        Choice("stay", "stay", app.importing.progress),
        Choice("quit", "stop the import and quit", "what was imported stays", "x"),
    ]
    app.choose("An import is under way", choices, lambda value: app.exit(0) if value == "quit" else None, typed=False)


def import_line(app: AAApp, place: PlaceScreen, line: str) -> None:
    """Import what a line after `:import` names: paths as a shell reads them, quotes, `~` and `*` included.

    Raises:
        UsageError: a quote is left open, or an import is under way.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError("A quote is left open in these paths.") from error
    if app.importing.under_way:
        raise UsageError("An import is under way.", "I stops it.")
    why = place.why_not("app.import")
    if why:
        raise UsageError(f"import: {why}")

    async def begin() -> None:
        workspace = await place.ready()
        paths = await place.ask(partial(_paths, words), group="import", token=False)
        app.importing.start(workspace, paths)

    place.load(begin(), "import")


def _paths(words: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for word in words:
        path = Path(word).expanduser()
        matches = [] if path.exists() else sorted(glob.glob(str(path)))  # noqa: PTH207 - it may be absolute
        found += [Path(match) for match in matches] or [path]
    return found


def open_report(app: AAApp) -> None:
    """Show what the last import of this run added and what it could not use."""
    from aa_tui.screens.import_report import ImportReportScreen

    if app.importing.report is not None:
        app.push_screen(ImportReportScreen(app.importing.report))


def problem_text(problem: ImportProblem) -> str:
    """Return a problem as one line: file, line, reason."""
    return f"{problem.file}{f':{problem.line}' if problem.line else ''}: {problem.reason}"
