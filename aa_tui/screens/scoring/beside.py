"""Model scoring beside the places: a mark that says it is paused or at work, and the one backfill of this program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.model.scoring import CONSENT, Backfill, ScoringProgress
from aa_tui.backend.support import humanize
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.model.scoring import ScoringReport, ScoringStatus
    from aa_tui.backend.service.workspace import Workspace

_BAR = 16


class ScoringBeside:
    """The mark of scoring, and the backfill that can be under way."""

    def __init__(self, app: AAApp) -> None:
        self._app = app
        self._token: CancelToken | None = None
        self.progress: ScoringProgress | None = None
        """How far the backfill is, None before the first word of it."""
        self.report: ScoringReport | None = None
        """How the last one ended."""
        self.problem = ""
        """Why the last one ended, where that was an error."""
        self.local = False
        """It is free."""

    # -- the mark

    async def look(self, workspace: Workspace) -> None:
        """Bring the mark up to date. Where nobody agreed to scoring nothing is read.

        Raises:
            AAError: the store cannot be read.
        """
        status: ScoringStatus | None = None
        if workspace.project.settings.get(CONSENT):
            loop = asyncio.get_running_loop()
            status = await loop.run_in_executor(self._app.readers, workspace.scoring.status)
        if workspace is self._app.workspace:
            self._app.say_mark(_mark(status), "scoring")

    # -- the backfill

    @property
    def under_way(self) -> bool:
        """True while one goes on."""
        return self._token is not None

    def start(self, workspace: Workspace, request: Backfill, sessions: Sequence[int], local: bool) -> None:
        """Score sessions in a process of their own; the places say how far it is. `local`: it is free."""
        loop, news = asyncio.get_running_loop(), asyncio.Queue[Any]()
        token = self._token = CancelToken()
        self.progress, self.report, self.problem, self.local = None, None, "", local
        self._say()

        def tell(kind: str, message: object) -> None:
            # The program may have been left meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(news.put_nowait, (kind, message))

        def work() -> None:
            try:
                tell("report", workspace.scoring.backfill_apart(request, sessions, token, partial(tell, "progress")))
            except Exception as error:
                tell("error", error)

        # A daemon, because leaving the program must not wait for a provider's answer.
        threading.Thread(target=work, name="backfill", daemon=True).start()
        self._app.run_worker(self._follow(news), group="backfill", exit_on_error=False)

    def stop(self) -> None:
        """End it; calls under way are cut off, what was scored stays."""
        if self._token is not None:
            self._token.cancel()
            self._say()

    def ask_before_quitting(self) -> None:
        """Let the person decide whether the one under way is worth staying for."""
        choices = [
            Choice("stay", "stay", self.words().plain),
            Choice("quit", "stop the backfill and quit", "what was scored stays", "x"),
        ]

        def take(value: str) -> None:
            if value == "quit":
                self._app.exit(0)

        self._app.choose("A backfill is under way", choices, take, typed=False)

    async def _follow(self, news: asyncio.Queue[Any]) -> None:
        with self._app.busy():
            while (said := await news.get())[0] == "progress":
                self.progress = said[1]
                self._say()
        stopped = self._token is not None and self._token.cancelled
        self._token = None
        self._app.say_background(None)
        kind, end = said
        if kind == "report":
            self.report = end
            self._app.flash(_end_words(end, stopped), "good" if not (end.failed or end.stopped) else "warn")
        elif isinstance(end, Cancelled):
            self._app.flash("The backfill was stopped; what was scored stays.", "warn")
        else:
            self.problem = str(end) if isinstance(end, AAError) else self._app.log_unexpected(end)
            self._app.flash(f"backfill: {self.problem}", "bad")
        with suppress(AAError):
            await self._app.take_changes()
        self._tell_place()

    def _say(self) -> None:
        words = self.words()
        short = Content(words.plain.partition(" " + glyphs.get("dot"))[0])
        self._app.say_background(words, short)
        self._tell_place()

    def _tell_place(self) -> None:
        from aa_tui.screens.scoring.backfill import BackfillScreen

        place = self._app.place_below()
        if isinstance(place, BackfillScreen):
            place.show_progress()

    def words(self) -> Content:
        """Return how far it is, for the status line."""
        now, dot = self.progress or ScoringProgress(None), f" {glyphs.get('dot')} "
        done = now.done + now.failed + now.not_scored
        stopping = self._token is not None and self._token.cancelled
        pieces: list[Any] = ["stopping the backfill " if stopping else "backfill "]
        if now.total:
            pieces += [Content.styled(glyphs.hbar(done / now.total, _BAR), themes.style("accent")), " "]
        pieces.append(f"{humanize.count(done)} of {humanize.count(now.total)}" if now.total else "beginning")
        if now.failed:
            pieces.append(Content.styled(f"{dot}{humanize.count(now.failed)} failed", themes.style("bad")))
        money = "local, free" if self.local else humanize.money(now.cost_nano)
        if now.unpriced_calls and not self.local:
            money = f"{humanize.tokens(now.tokens)} tokens"
        pieces.append(Content.styled(f"{dot}{money}{dot}C in :backfill stops", themes.style("muted")))
        return Content.assemble(*pieces)


def money_words(now: ScoringProgress, local: bool) -> str:
    """Return calls, tokens and money so far; calls without a known price are said, not left out."""
    words = f"{humanize.plural(now.calls, 'call')}, {humanize.tokens(now.tokens)} tok"
    if local:
        return f"{words}, local, free"
    if now.cost_nano:
        words += f", {humanize.money(now.cost_nano)}"
    return f"{words}, {humanize.plural(now.unpriced_calls, 'call')} without a price" if now.unpriced_calls else words


def _end_words(end: ScoringReport, stopped: bool) -> str:
    cost = "local, free" if end.local else "price unknown" if end.cost_nano is None else humanize.money(end.cost_nano)
    words = f"{humanize.count(end.done)} scored"
    for number, what in ((end.failed, "failed"), (end.not_scored, "not scored"), (end.left, "left")):
        if number:
            words += f", {humanize.count(number)} {what}"
    words += f", {cost}."
    if stopped:
        return f"The backfill was stopped: {words}"
    return f"Backfill: {words}" + (f" {end.stopped}." if end.stopped else "")


def _mark(status: ScoringStatus | None) -> Content | None:
    if status is None or not status.on:
        return None
    if status.paused:
        waits = humanize.plural(status.waiting, "session")
        return safe(f"{glyphs.get('warn')} scoring paused, {waits} wait", themes.style("warn"))
    if status.waiting:
        return safe(f"{glyphs.get('partial')} scoring, {humanize.count(status.waiting)} wait", themes.style("muted"))
    return None
