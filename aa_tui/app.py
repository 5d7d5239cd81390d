"""The Textual shell: which places there are, going from one to the next, what works everywhere, ending cleanly.

What a place shows lives in its screen; what the program can answer lives in the service. The start, the watcher, other
projects, imports and receivers have rooms of their own beside the places: `opening`, `watching`, `switching`,
`importing`, `receiving` in `screens`. Where one has been is `history`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.content import Content
from textual.screen import Screen
from textual.theme import Theme

from aa_tui import actions, themes
from aa_tui.address import Address, parse_address
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.history import Entry, History
from aa_tui.host.scoring_child import ScoringChild
from aa_tui.host.terminal import CHECK_SECONDS, is_remote, terminal_is_gone, watch_signals
from aa_tui.host.ui_state import UiState, load_state, save_state
from aa_tui.screens.base import PlaceScreen, bindings_for
from aa_tui.screens.base import SessionList as SessionList
from aa_tui.screens.curtain import BEHIND, Curtain
from aa_tui.screens.opening import Opening
from aa_tui.screens.watching import Watching
from aa_tui.widgets import glyphs
from aa_tui.widgets.textual_compat import PrivateCrash, add_filter, as_first_screen, drop_all_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.screens.importing import Importing
    from aa_tui.screens.receiving import ReceiverBeside
    from aa_tui.screens.scoring.beside import ScoringBeside
    from aa_tui.screens.switching import Switching
    from aa_tui.widgets.choice_list import Choice

T = TypeVar("T")

PLACES: dict[str, tuple[str, str]] = {
    "monitor": ("aa_tui.screens.monitor.screen", "MonitorScreen"),
    "sessions": ("aa_tui.screens.sessions", "SessionsScreen"),
    "session": ("aa_tui.screens.session.screen", "SessionScreen"),
    "evaluators": ("aa_tui.screens.evaluators.list_screen", "EvaluatorsScreen"),
    "evaluator": ("aa_tui.screens.evaluators.page", "EvaluatorScreen"),
    "editor": ("aa_tui.screens.evaluators.editor", "EditorScreen"),
    "scoring": ("aa_tui.screens.scoring.consent", "ScoringScreen"),
    "judge": ("aa_tui.screens.scoring.judge", "JudgeScreen"),
    "backfill": ("aa_tui.screens.scoring.backfill", "BackfillScreen"),
    "runs": ("aa_tui.screens.coming", "RunsScreen"),
    "datasets": ("aa_tui.screens.coming", "DatasetsScreen"),
    "cohorts": ("aa_tui.screens.coming", "CohortsScreen"),
}
"""Module and class of each section's screen; imported when first gone to."""

_MESSAGES_LIMIT = 200
QUIT_WITHIN_SECONDS = 3.0
"""How soon the second ctrl+c must follow the first."""


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
    pager: str = ""
    """Command that shows a file; empty: decided by the environment. So the editor."""
    editor: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by action id."""
    read_only: bool = False
    remember: bool = True
    """Keep last places, theme and typed history in the state directory."""
    memory: str = ""
    """Under which name places are kept: those of one store and project mean nothing in another."""
    problems: tuple[str, ...] = ()
    """What was set and cannot be used, in words; said at the start and kept for `:log`."""


class AAApp(PrivateCrash, inherit_bindings=False):
    """The program. `opener` opens the store and returns the workspace; it runs on a thread."""

    TITLE = "Agent Analytics"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    CSS_PATH: ClassVar[list[str | PurePath]] = [Path(__file__).parent / "styles" / "base.tcss"]
    BINDINGS = [*bindings_for("global")]

    def __init__(
        self,
        opener: Callable[[], Workspace],
        address: Address | str | None = None,
        options: AppOptions | None = None,
    ) -> None:
        self.options = options or AppOptions()
        no_color = os.environ.get("NO_COLOR")
        super().__init__()
        if no_color is not None:
            # Textual takes it away; programs started from here (pager, editor) should still see it.
            os.environ["NO_COLOR"] = no_color
        self.remembered, notice = load_state() if self.options.remember else (UiState(), None)
        self.problems = [*self.options.problems, *([notice] if notice else [])]
        self.problems += actions.apply_keymap(self.options.keys)
        if self.options.keys:
            self.set_keymap({a.id: ",".join(a.keys) for a in map(actions.find, self._overridden()) if a.keys})
        for palette in themes.PALETTES.values():
            self.register_theme(_theme(palette))
        if self.options.ascii:
            from aa_tui.widgets.ascii_filter import AsciiFilter

            glyphs.set_ascii(True)
            add_filter(self, AsciiFilter())
        fitting = themes.fitting(os.environ.get("COLORFGBG", ""))
        chosen = self.options.theme or self.remembered.theme or fitting
        self.theme = "mono" if no_color else chosen if chosen in themes.PALETTES else fitting
        self._begun_in = self.theme
        themes.use(self.theme)
        if no_color:
            drop_all_colour(self)
        self.remote = is_remote(os.environ) if self.options.remote is None else self.options.remote
        """True at the other end of a connection: no animation, later previews."""
        if self.remote:
            self.animation_level = "none"
        self.readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="reader")
        self.workspace: Workspace | None = None
        """The open project, or None until the store is open."""
        self.session_list: SessionList | None = None
        """The list that next and previous session go along."""
        self.messages: list[str] = []
        self.background: tuple[Content, Content] | None = None
        """What goes on beside every place, for its status line: in full, and short for where other words stand."""
        self.mark: Content | None = None
        """A few cells that stay at the right of every status line: a receiver runs."""
        self._busy = 0
        self._importing: Importing | None = None
        self._receiver: ReceiverBeside | None = None
        self._scoring = ScoringChild()
        self._beside: ScoringBeside | None = None
        self._marks: dict[str, Content] = {}
        self._switching: Switching | None = None
        self._interrupted_at = 0.0
        self._screens: dict[str, PlaceScreen] = {}
        self._start = address if isinstance(address, Address) else self._first_place(address)
        self.history = History(self._start, self.remembered.sections.get(self.options.memory))
        self.opening = Opening(self, opener)
        self.watching = Watching(self)

    def _overridden(self) -> list[str]:
        known = {action.id for action in actions.ACTIONS}
        return [action_id for action_id in self.options.keys if action_id in known]

    def _first_place(self, text: str | None) -> Address:
        """Return where to start: the address given, else the last place, else Monitor."""
        if text:
            return parse_address(text)
        last = self.remembered.place.get(self.options.memory, "")
        try:
            return parse_address(last) if last else Address("monitor")
        except AAError:
            return Address("monitor")

    # -- start

    def get_default_screen(self) -> Screen[Any]:
        """Start at the first place, or at its frame where it would keep the first frame waiting."""
        section = self._start.section
        return as_first_screen(Curtain(self._start) if section in BEHIND else self.screen_of(section))

    async def on_mount(self) -> None:
        if not self.is_headless:
            watch_signals(self._stop)
            self.set_interval(CHECK_SECONDS, self._check_terminal)
        self.set_interval(5.0 if self.remote else 2.0, self.watching.look)
        self.run_worker(self.opening.open(), exit_on_error=False)
        if isinstance(self.screen, PlaceScreen):
            self.screen.expect(self._start)

    async def on_ready(self) -> None:
        await self.opening.fill(self._start)

    def _stop(self, code: int) -> None:
        self.exit(return_code=code)

    def _check_terminal(self) -> None:
        if terminal_is_gone():
            self._stop(129)

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        """Leave the program; where we are is kept for the next start, and an import under way ends."""
        self._keep_state()
        if self._importing is not None:
            self._importing.stop()
        if self._receiver is not None:
            self._receiver.stop()
        if self._switching is not None:
            self._switching.stop()
        self.opening.stop()
        self._scoring.stop()
        if self._beside is not None:
            self._beside.stop()
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        if self.options.remember:
            # Only a choice is kept: another terminal may have another background.
            if self.theme not in ("mono", self._begun_in):
                self.remembered.theme = self.theme
            self.remembered.sections[self.options.memory] = self.history.sections
            self.remembered.place[self.options.memory] = self.history.current.address
            save_state(self.remembered)
        for place in self.places:
            place.cancel_all()
        self.readers.shutdown(wait=False, cancel_futures=True)

    async def workspace_ready(self) -> Workspace:
        """Return the workspace once the store is open.

        Raises:
            AAError: it cannot be opened.
        """
        return await asyncio.shield(self.opening.opened)

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

    # -- what changes beside us

    @property
    def importing(self) -> Importing:
        """The import under way, and the report of the last one."""
        if self._importing is None:
            from aa_tui.screens.importing import Importing

            self._importing = Importing(self)
        return self._importing

    def say_background(self, full: Content | None, short: Content | None = None) -> None:
        """Say in the status line of every place what goes on beside it; None takes it away."""
        self.background = None if full is None else (full, short if short is not None else full)
        place = self.place_below()
        if place is not None:
            place.refresh_status()

    @property
    def receiver(self) -> ReceiverBeside:
        """The receivers of the open store."""
        if self._receiver is None:
            from aa_tui.screens.receiving import ReceiverBeside

            self._receiver = ReceiverBeside(self)
        return self._receiver

    @property
    def scoring(self) -> ScoringBeside:
        """Model scoring beside the places: its mark, and the backfill under way."""
        if self._beside is None:
            from aa_tui.screens.scoring.beside import ScoringBeside

            self._beside = ScoringBeside(self)
        return self._beside

    def say_mark(self, mark: Content | None, of: str = "receiver") -> None:
        """Keep a few cells of something at the right of every place's status line; None takes them away."""
        if mark is None:
            self._marks.pop(of, None)
        else:
            self._marks[of] = mark
        mark = Content("   ").join(self._marks.values()) if self._marks else None
        if mark is self.mark or (mark is not None and self.mark is not None and mark.is_same(self.mark)):
            return
        self.mark = mark
        place = self.place_below()
        if place is not None:
            place.refresh_status()

    async def score_beside(self, workspace: Workspace) -> None:
        """Let a process beside this one score what waits, where somebody agreed to it."""
        if workspace.store.read_only:
            return

        def look() -> None:
            if workspace.scoring.waits():
                from aa_tui.screens.receiving import store_for_child

                self._scoring.ensure(store_for_child(workspace))

        with suppress(AAError):
            await self.read(look)

    def attended(self) -> None:
        """The person does something: what has been said for long enough may go."""
        if self._importing is not None:
            self._importing.seen()

    def why_not(self, action_id: str) -> str | None:
        """Return why an action of the whole program cannot be done now, or None."""
        if action_id == "app.import_stop" and (self._importing is None or not self._importing.under_way):
            return "no import is under way"
        if action_id == "app.import_report" and (self._importing is None or self._importing.report is None):
            return "nothing was imported in this run"
        if action_id == "app.import" and self.workspace is not None:
            from aa_tui.backend.service.permissions import Permission

            return self.workspace.actor.lacks(Permission.IMPORT)
        return None

    async def read(self, call: Callable[[], T]) -> T:
        """Run a call that reads or opens on a thread; unlike a screen's `ask` it is never cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, call)

    async def take_changes(self) -> None:
        """Something was committed, here or by another process: places start anew where the project's settings changed,
        and otherwise learn of it without moving what is read. Those that are not seen learn of it when they are.

        Raises:
            AAError: the project cannot be read.
        """
        await self.watching.take()

    async def tell_imported(self) -> None:
        """An import has ended: every place may look at what came in."""
        await self.take_changes()
        for place in self.places:
            await place.imported()

    async def forget_others(self, place: Screen[Any]) -> None:
        """Forget what every place but this one holds."""
        for name in [name for name, screen in self._screens.items() if screen is not place]:
            screen = self._screens.pop(name)
            self.uninstall_screen(name)
            await screen.remove()

    @property
    def places(self) -> list[PlaceScreen]:
        """The places that have been gone to."""
        return list(self._screens.values())

    def place_below(self) -> PlaceScreen | None:
        """Return the place below whatever is open."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, PlaceScreen)), None)

    # -- places and history

    def class_of(self, section: str) -> type[PlaceScreen]:
        """Return the class of a section's screen, which is imported."""
        module, name = PLACES[section]
        found: type[PlaceScreen] = getattr(import_module(module), name)
        return found

    def screen_of(self, section: str) -> PlaceScreen:
        """Return a section's screen, made when it is first gone to."""
        screen = self._screens.get(section)
        if screen is None:
            screen = self._screens[section] = self.class_of(section)()
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
        self._go_to(self.history.push(target))

    def replace_address(self) -> None:
        """The current place changed how it is looked at (filter, sort, tab): history keeps the newest."""
        self._keep_state()

    def push_address(self, before: str, state: dict[str, Any] | None = None) -> None:
        """The current place changed so much that going back should undo it.

        `before` is its former address, `state` what its `view_state` said then.
        """
        screen = self.screen
        if not isinstance(screen, PlaceScreen):
            return
        self.history.replace(before, state)
        self.history.push(screen.address())
        self._keep_state()

    def go_section(self, name: str) -> None:
        """Go to a numbered section as it was left."""
        self.go(self.history.last_of(name))

    def _keep_state(self) -> None:
        if isinstance(self.screen, PlaceScreen):
            self.history.replace(self.screen.address(), self.screen.view_state())

    async def visit(self, entry: Entry) -> None:
        """Show the place of a step as it was left."""
        target = parse_address(entry.address)
        screen = self.screen_of(target.section)
        if self.screen is not screen:
            await self.switch_screen(target.section)
        await screen.show(target, entry.state)
        screen.refresh_frame()

    def _go_to(self, entry: Entry) -> None:
        self.run_worker(self.visit(entry), group="visit", exclusive=True)

    def _move(self, step: int) -> None:
        self._keep_state()
        entry = self.history.move(step)
        if entry is None:
            self.flash("No further place in history.")
        else:
            self._go_to(entry)

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
        from aa_tui.host.crash_log import write_crash

        return write_crash(error)

    # -- actions

    async def action_perform(self, action_id: str) -> None:
        """What every global binding runs."""
        screen = self.screen
        if isinstance(screen, PlaceScreen):
            await screen.perform(action_id)
        elif action_id in ("app.interrupt", "app.suspend", "app.redraw"):
            getattr(self, f"action_{actions.method_of(action_id)}")()

    def choose(
        self,
        title: str,
        choices: Sequence[Choice],
        then: Callable[[Any], Any],
        *,
        typed: bool = True,
        placeholder: str = "type to search",
        highlighted: Callable[[Any], None] | None = None,
        left: Callable[[], None] | None = None,
        cursor: int = 0,
    ) -> None:
        """Let one of several things be chosen in a popup; `then` gets its value, `left` is called when it was left."""
        from aa_tui.screens.chooser import Chooser

        def done(value: Any) -> None:
            if value is not None:
                then(value)
            elif left is not None:
                left()

        self.push_screen(Chooser(title, choices, typed, placeholder, highlighted, cursor), done)

    def copy_text(self, text: str) -> None:
        """Copy a text and say which way it went."""
        from aa_tui.host import clipboard

        copied = clipboard.copy(text, self._write_to_terminal, self.options.clipboard)
        self.flash(copied.words, "good" if copied.done else "warn")

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def open_command_line(self, text: str = "") -> None:
        """Open the `:` line with a text to go on from."""
        from aa_tui.screens.shell import open_command_line

        open_command_line(self, text)

    def action_app_command(self) -> None:
        self.open_command_line()

    def action_app_help(self) -> None:
        from aa_tui.screens.shell import open_help

        open_help(self)

    def action_app_palette(self) -> None:
        from aa_tui.screens.shell import open_palette

        open_palette(self)

    def action_app_theme(self) -> None:
        from aa_tui.screens.shell import open_themes

        open_themes(self)

    def action_app_project(self) -> None:
        from aa_tui.screens.shell import open_projects

        open_projects(self)

    def action_app_log(self) -> None:
        from aa_tui.screens.shell import open_messages

        open_messages(self)

    def use_theme(self, name: str) -> None:
        """Switch to a theme by name; lines drawn by hand are painted again."""
        themes.use(name)
        self.theme = name
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            for widget in screen.walk_children():
                widget.refresh()
            if isinstance(screen, PlaceScreen):
                screen.restyle()

    @property
    def switching(self) -> Switching:
        """The way to another project."""
        if self._switching is None:
            from aa_tui.screens.switching import Switching

            self._switching = Switching(self)
        return self._switching

    def use_project(self, name: str) -> None:
        """Switch to another project of the store: every place starts anew."""
        self.switching.use_project(name)

    def use_sample(self) -> None:
        """Switch to the sample project, which is built first where it is missing."""
        self.switching.use_sample()

    def remember_project(self, opened: Workspace) -> None:
        """Keep a project as the last one of its store, for the next start."""
        if self.options.remember:
            from aa_tui.backend.service.projects import remember_project

            remember_project(opened.store, opened.project)

    async def action_app_undo(self) -> None:
        await self._journal("undo")

    async def action_app_redo(self) -> None:
        await self._journal("redo")

    async def _journal(self, verb: str) -> None:
        screen = self.screen
        if not isinstance(screen, PlaceScreen):
            return

        async def work() -> None:
            workspace = await screen.ready()
            done = await screen.ask(getattr(workspace.views, verb), group="journal", token=False)
            await self.take_changes()
            screen.flash(f"{verb}: {done}" if done else f"nothing to {verb}")

        screen.load(work(), "journal")

    def action_app_copy_address(self) -> None:
        if isinstance(self.screen, PlaceScreen):
            self.copy_text(str(self.screen.address()))

    def action_app_mouse(self) -> None:
        """Release or take the mouse."""
        from aa_tui.widgets.textual_compat import capture_terminal_mouse

        self.options.mouse = not self.options.mouse
        capture_terminal_mouse(self, self.options.mouse)
        words = "taken by the program again" if self.options.mouse else "released: the terminal selects text now"
        self.flash(f"mouse {words}")

    def action_app_interrupt(self) -> None:
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_text(selected)
            return
        now = asyncio.get_running_loop().time()
        if now - self._interrupted_at < QUIT_WITHIN_SECONDS:
            self.exit(0)
            return
        self._interrupted_at = now
        also = "stops the import and " if self._importing is not None and self._importing.under_way else ""
        self.flash(f"ctrl+c again {also}quits", "warn")

    def action_app_suspend(self) -> None:
        self.action_suspend_process()

    def action_app_escape(self) -> None:
        """At the top there is nothing to peel off."""

    def action_app_freeze(self) -> None:
        self.flash("This place does not follow new data.")

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

    def action_app_scoring(self) -> None:
        self.go("scoring")

    def action_app_judge(self) -> None:
        self.go("judge")

    def action_app_backfill(self) -> None:
        self.go("backfill")

    def action_app_last(self) -> None:
        self._move(-1)

    def action_app_back(self) -> None:
        self._move(-1)

    def action_app_forward(self) -> None:
        self._move(1)

    def action_app_redraw(self) -> None:
        self.screen.refresh(layout=True)

    def action_app_quit(self) -> None:
        if self._importing is not None and self._importing.under_way:
            from aa_tui.screens.importing import ask_before_quitting

            ask_before_quitting(self)
        elif self._beside is not None and self._beside.under_way:
            self._beside.ask_before_quitting()
        else:
            self.exit(0)

    def action_app_import(self) -> None:
        from aa_tui.screens.importing import open_import

        place = self.place_below()
        if place is not None:
            open_import(self, place)

    def action_app_receiver(self) -> None:
        if self.workspace is not None:
            self.receiver.toggle(self.workspace)

    def action_app_import_stop(self) -> None:
        self.importing.stop()

    def action_app_import_report(self) -> None:
        from aa_tui.screens.importing import open_report

        open_report(self)


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
        UsageError: the address names no place, or there is no terminal.
    """
    chosen = options or AppOptions()
    chosen.memory = f"{store_url or ''} {project or ''}".strip()

    def opener() -> Workspace:
        from aa_tui.backend.service.projects import open_workspace
        from aa_tui.backend.service.stores import open_store

        opened = open_workspace(open_store(store_url, read_only=chosen.read_only), project)
        app.remember_project(opened)
        return opened

    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise UsageError("The app needs a terminal.", "Without one: aa-tui sessions --help.")

    app = AAApp(opener, address, chosen)
    try:
        app.run(mouse=chosen.mouse)
    finally:
        # Whoever closes a store last takes its log away, which a reader who may not write beside it cannot use.
        if app.workspace is not None:
            with suppress(AAError):
                app.workspace.store.close()
    return app.return_code or 0
