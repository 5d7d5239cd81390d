"""The Textual shell: opens the store beside the first frame, goes from place to place, keeps history, ends cleanly.

What a place shows lives in its screen; what the program can answer lives in the service.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual.screen import Screen
from textual.theme import Theme

from aa_tui import themes
from aa_tui.address import SECTIONS, Address, parse_address
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.base import PlaceScreen, bindings_for
from aa_tui.textual_compat import PrivateCrash, as_first_screen
from aa_tui.widgets import glyphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aa_tui.backend.service.workspace import Workspace

PLACES: dict[str, tuple[str, str]] = {
    "monitor": ("aa_tui.screens.monitor", "MonitorScreen"),
    "sessions": ("aa_tui.screens.sessions", "SessionsScreen"),
    "session": ("aa_tui.screens.session.screen", "SessionScreen"),
    "evaluators": ("aa_tui.screens.coming", "EvaluatorsScreen"),
    "runs": ("aa_tui.screens.coming", "RunsScreen"),
    "datasets": ("aa_tui.screens.coming", "DatasetsScreen"),
    "cohorts": ("aa_tui.screens.coming", "CohortsScreen"),
}
"""Module and class of each section's screen; imported when first gone to."""

_HISTORY_LIMIT = 200
_MESSAGES_LIMIT = 200


@dataclass(slots=True)
class AppOptions:
    """How the app is started; the command line and the settings file fill it."""

    theme: str | None = None
    """A name of `themes.PALETTES`; None: what was used last, else by the terminal."""
    ascii: bool = False
    mouse: bool = True
    remote: bool | None = None
    """Slower links: no animation, later previews. None: decided by the SSH variables."""
    clipboard: str = "auto"
    """auto, native, osc52 or off."""
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by action id."""
    read_only: bool = False


@dataclass(slots=True)
class SessionList:
    """The list a session was opened from, for next and previous."""

    ids: Sequence[int]
    index: int
    words: str = ""
    """The list's filter, as text."""


@dataclass(slots=True)
class Entry:
    """A step of history: the place and what it kept when it was left."""

    address: str
    state: dict[str, Any] = field(default_factory=dict)


class AAApp(PrivateCrash, inherit_bindings=False):
    """The program. `opener` opens the store and returns the workspace; it runs on a thread."""

    TITLE = "Agent Analytics"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    CSS_PATH: ClassVar[list[str]] = ["styles/base.tcss"]
    BINDINGS = [*bindings_for("global")]

    def __init__(
        self,
        opener: Callable[[], Workspace],
        address: Address | str | None = None,
        options: AppOptions | None = None,
    ) -> None:
        self.options = options or AppOptions()
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__()
        for palette in themes.PALETTES.values():
            self.register_theme(_theme(palette))
        if self.options.ascii:
            glyphs.set_ascii(True)
        self.theme = "mono" if no_color else (self.options.theme or themes.DEFAULT)
        themes.use(self.theme)
        self.readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="reader")
        self.workspace: Workspace | None = None
        """The open project, or None until the store is open."""
        self.session_list: SessionList | None = None
        self.messages: list[str] = []
        self._opener = opener
        self._opened: asyncio.Future[Workspace] = asyncio.Future()
        self._busy = 0
        self._history: list[Entry] = []
        self._at = -1
        self._screens: dict[str, PlaceScreen] = {}
        self._by_section: dict[str, str] = {}
        start = address if isinstance(address, Address) else parse_address(address) if address else Address("monitor")
        self._start = start

    # -- start

    def get_default_screen(self) -> Screen[Any]:
        """Start at the first place itself, so that the first frame is already a real one."""
        self._history, self._at = [Entry(str(self._start))], 0
        return as_first_screen(self._screen_of(self._start.section))

    async def on_mount(self) -> None:
        self.run_worker(self._open(), exit_on_error=False)
        screen = self.screen
        if isinstance(screen, PlaceScreen):
            await screen.show(self._start)

    async def _open(self) -> None:
        try:
            with self.busy():
                self.workspace = await asyncio.get_running_loop().run_in_executor(self.readers, self._opener)
        except Exception as error:
            self._opened.set_exception(
                error if isinstance(error, AAError) else AAError("The store did not open.", self.log_unexpected(error))
            )
            # Somebody must look at the exception even where no screen ever asks.
            self._opened.exception()
        else:
            self._opened.set_result(self.workspace)
        if isinstance(self.screen, PlaceScreen):
            self.screen.refresh_frame()

    async def workspace_ready(self) -> Workspace:
        """Return the workspace once the store is open.

        Raises:
            AAError: it cannot be opened.
        """
        return await asyncio.shield(self._opened)

    @property
    def project_name(self) -> str:
        """The open project's name, empty until known."""
        return self.workspace.project.name if self.workspace is not None else ""

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count work under way, so that tests can wait for idleness."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    @property
    def idle(self) -> bool:
        """True while nothing is being asked or opened."""
        return self._busy == 0

    # -- places and history

    def _screen_of(self, section: str) -> PlaceScreen:
        screen = self._screens.get(section)
        if screen is None:
            module, name = PLACES[section]
            screen = getattr(import_module(module), name)()
            self._screens[section] = screen
            self.install_screen(screen, section)
        return screen

    def go(self, address: Address | str) -> None:
        """Go to a place; where we are becomes history. An address that names no place is said so."""
        try:
            target = address if isinstance(address, Address) else parse_address(address)
        except AAError as error:
            self.flash(str(error), "bad")
            return
        self._keep_state()
        del self._history[self._at + 1 :]
        self._history.append(Entry(str(target)))
        del self._history[:-_HISTORY_LIMIT]
        self._at = len(self._history) - 1
        self.run_worker(self._visit(self._history[self._at]), group="visit", exclusive=True)

    def replace_address(self) -> None:
        """The current place changed how it is looked at (filter, sort, tab): history keeps the newest."""
        self._keep_state()

    def push_address(self, before: str) -> None:
        """The current place changed so much that going back should undo it; `before` is its former address."""
        screen = self.screen
        if not isinstance(screen, PlaceScreen) or self._at < 0:
            return
        self._history[self._at].address = before
        del self._history[self._at + 1 :]
        self._history.append(Entry(str(screen.address())))
        self._at = len(self._history) - 1
        self._keep_state()

    def go_section(self, name: str) -> None:
        """Go to a numbered section as it was left."""
        self.go(self._by_section.get(name, name))

    def _keep_state(self) -> None:
        screen = self.screen
        if isinstance(screen, PlaceScreen) and self._at >= 0:
            entry = self._history[self._at]
            address = screen.address()
            entry.address, entry.state = str(address), screen.view_state()
            if address.section in SECTIONS:
                self._by_section[address.section] = entry.address

    async def _visit(self, entry: Entry) -> None:
        target = parse_address(entry.address)
        screen = self._screen_of(target.section)
        if self.screen is not screen:
            await self.switch_screen(target.section)
        await screen.show(target, entry.state)
        screen.refresh_frame()

    def _move(self, step: int) -> None:
        if not 0 <= self._at + step < len(self._history):
            self.flash("No further place in history.")
            return
        self._keep_state()
        self._at += step
        self.run_worker(self._visit(self._history[self._at]), group="visit", exclusive=True)

    # -- words

    def flash(self, text: str, meaning: str = "text") -> None:
        """Say something by the way on the current place."""
        if isinstance(self.screen, PlaceScreen):
            self.screen.flash(text, meaning)
        else:
            self.remember_message(text)

    def remember_message(self, text: str) -> None:
        """Keep a message for `:log`."""
        self.messages.append(text)
        del self.messages[:-_MESSAGES_LIMIT]

    def log_unexpected(self, error: BaseException) -> str:
        """Write an unexpected error to the log file, without any local variable; return words that name its id."""
        from aa_tui.crash_log import write_crash

        return write_crash(error)

    # -- actions

    async def action_perform(self, action_id: str) -> None:
        """What every global binding runs."""
        screen = self.screen
        if isinstance(screen, PlaceScreen):
            await screen.perform(action_id)

    def action_app_monitor(self) -> None:
        self.go_section("monitor")

    def action_app_sessions(self) -> None:
        self.go_section("sessions")

    def action_app_evaluators(self) -> None:
        self.go_section("evaluators")

    def action_app_runs(self) -> None:
        self.go_section("runs")

    def action_app_datasets(self) -> None:
        self.go_section("datasets")

    def action_app_cohorts(self) -> None:
        self.go_section("cohorts")

    def action_app_last(self) -> None:
        self._move(-1)

    def action_app_back(self) -> None:
        self._move(-1)

    def action_app_forward(self) -> None:
        self._move(1)

    def action_app_project(self) -> None:
        """Open the project switcher."""

    def action_app_redraw(self) -> None:
        self.screen.refresh(layout=True)

    def action_app_quit(self) -> None:
        self.exit(0)


def _theme(palette: themes.Palette) -> Theme:
    return Theme(
        name=palette.name,
        primary=palette.colours["accent"],
        secondary=palette.colours["accent"],
        accent=palette.colours["accent"],
        warning=palette.colours["warn"],
        error=palette.colours["bad"],
        success=palette.colours["good"],
        foreground=palette.foreground,
        background=palette.background,
        surface=palette.surface,
        panel=palette.panel,
        boost=palette.panel,
        dark=palette.dark,
        ansi=palette.ansi,
        variables=themes.variables(palette),
    )


def run_app(
    store_url: str | None = None,
    project: str | None = None,
    address: str | None = None,
    options: AppOptions | None = None,
) -> int:
    """Open the store's project and run the app until it is left; return the exit code.

    Raises:
        UsageError: the address names no place.
    """
    chosen = options or AppOptions()

    def opener() -> Workspace:
        from aa_tui.backend.service.projects import open_workspace
        from aa_tui.backend.service.stores import open_store

        return open_workspace(open_store(store_url, read_only=chosen.read_only), project)

    app = AAApp(opener, address, chosen)
    app.run(mouse=chosen.mouse)
    return app.return_code or 0
