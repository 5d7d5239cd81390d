"""The receiver beside the places: started and stopped by a key, and a mark that says one runs on this store.

A receiver of another process on the same store is marked alike: what it takes appears here too.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.host.receiver_child import ReceiverChild
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.service.receivers import RunningReceiver
    from aa_tui.backend.service.workspace import Workspace


class ReceiverBeside:
    """The receivers of the open store, and the one this program started."""

    def __init__(self, app: AAApp) -> None:
        self._app = app
        self._child: ReceiverChild | None = None
        self._starting = False
        self.running: tuple[RunningReceiver, ...] = ()
        """Those that run on the store, the oldest first."""

    async def look(self, workspace: Workspace) -> None:
        """Read which receivers run, and bring the mark up to date; paints nothing where nothing changed.

        Raises:
            AAError: the store cannot be read.
        """
        loop = asyncio.get_running_loop()
        self.running = tuple(await loop.run_in_executor(self._app.readers, partial(_read, workspace)))
        self._say()
        child = self._child
        if child is not None and child.url and child.pid is None:
            self._child = None
            self._app.flash(f"The receiver ended: {safe_line(child.last_words) or 'it did not say why'}", "bad")

    def toggle(self, workspace: Workspace) -> None:
        """Start a receiver where none runs on the store, else offer what can be done with it."""
        if self._starting:
            self._app.flash("the receiver is being started")
        elif self.running or self._child is not None:
            self._offer(workspace)
        else:
            self._start(workspace)

    def stop(self) -> None:
        """Let the receiver of this program end; what it acknowledged is kept."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    # -- starting

    def _start(self, workspace: Workspace) -> None:
        try:
            store = store_for_child(workspace)
        except UsageError as error:
            self._app.flash(str(error), "warn")
            return
        self._starting = True
        child = self._child = ReceiverChild(store, str(workspace.project.id))
        self._app.flash("starting a receiver")
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_result(error)

        def work() -> None:
            problem: BaseException | None = None
            try:
                child.start()
            except Exception as error:
                problem = error
            try:
                loop.call_soon_threadsafe(settle, problem)
            except RuntimeError:
                # The program was left meanwhile.
                child.stop()

        # A daemon, because leaving the program must not wait for a child that is still importing.
        threading.Thread(target=work, name="receiver start", daemon=True).start()
        self._app.run_worker(self._follow(workspace, child, ended), group="receiver", exit_on_error=False)

    async def _follow(
        self, workspace: Workspace, child: ReceiverChild, ended: asyncio.Future[BaseException | None]
    ) -> None:
        with self._app.busy():
            error = await ended
        self._starting = False
        if error is not None:
            self._child = None
            words = str(error) if isinstance(error, AAError) else self._app.log_unexpected(error)
            self._app.flash(f"receiver: {safe_line(words)}", "bad")
        elif self._child is child:
            self._app.flash(f"receiving at {child.url}; S says what to set in your agent, and stops", "good")
            if self._app.workspace is workspace:
                await self.look(workspace)

    # -- what runs

    def _offer(self, workspace: Workspace) -> None:
        url = self._url()
        key = workspace.project.api_key
        name = safe_line(workspace.project.name, 24)
        otel = (
            f"export OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"
            "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
            f"export OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}\n"
        )
        choices: list[Choice] = [
            Choice(("copy", otel), "copy OpenTelemetry's variables", f"endpoint, protocol and key of {name}", "o"),
            Choice(("copy", f"{url}/2/httpapi"), "copy Amplitude's server URL", f"{url}/2/httpapi", "a"),
            Choice(("copy", key), "copy the project's key", f"of {name}", "k"),
        ]
        if self._child is not None:
            choices.append(Choice(("stop", ""), "stop the receiver", "what was received stays", "x"))
        else:
            one = self.running[0]
            where = f"process {one.pid} on {safe_line(one.machine, 24)} has it"
            choices.append(Choice(("stop", ""), "stop the receiver", key="x", why_not=where))
        self._app.choose(f"Receiving at {url}", choices, self._chosen, typed=False)

    def _chosen(self, value: tuple[str, str]) -> None:
        kind, text = value
        if kind == "copy":
            self._app.copy_text(text)
        else:
            self.stop()
            self._app.flash("the receiver ends once everything it took is in its sessions")

    def _url(self) -> str:
        if self._child is not None and self._child.url:
            return self._child.url
        one = self.running[0]
        host = "127.0.0.1" if one.host in ("0.0.0.0", "::", "localhost") else safe_line(one.host, 60)
        return f"http://[{host}]:{one.port}" if ":" in host else f"http://{host}:{one.port}"

    def _say(self) -> None:
        if not self.running:
            self._app.say_mark(None)
            return
        first, more = self.running[0], len(self.running) - 1
        dot, muted = f" {glyphs.get('dot')} ", themes.style("muted")
        pieces: list[Any] = [Content.styled(glyphs.get("verified"), themes.style("good")), f" rx {first.port}"]
        if more:
            pieces.append(f" +{more}")
        events = humanize.plural(sum(one.events for one in self.running), "event")
        pieces.append(Content.styled(f"{dot}{events}", muted))
        problems = sum(one.problems for one in self.running)
        if problems:
            pieces.append(Content.styled(f"{dot}{humanize.count(problems)} not usable", themes.style("warn")))
        self._app.say_mark(Content.assemble(*pieces))


def store_for_child(workspace: Workspace) -> str:
    """Return the address under which another process opens the store.

    Raises:
        UsageError: only this program knows the password in it.
    """
    from aa_tui.backend.service import stores
    from aa_tui.backend.support.settings import load_settings_light

    shown = workspace.store.url
    if not stores.is_database(shown) or "***" not in shown:
        return shown
    address = load_settings_light().values.store
    if address is None or stores.shown(address) != shown:
        raise UsageError("The store's password was given to this program only.", "Run `aa-tui serve` beside it.")
    return address


def _read(workspace: Workspace) -> list[RunningReceiver]:
    from aa_tui.backend.service import receivers

    return receivers.running(workspace.store, workspace.clock)
