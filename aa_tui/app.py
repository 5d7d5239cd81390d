"""The Textual shell: opens the store beside the first frame, goes from place to place, keeps history, ends cleanly.

What a place shows lives in its screen; what the program can answer lives in the service.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.theme import Theme

from aa_tui import actions, themes
from aa_tui.address import SECTIONS, Address, parse_address
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled, UsageError
from aa_tui.host.scoring_child import ScoringChild
from aa_tui.host.terminal import CHECK_SECONDS, is_remote, terminal_is_gone, watch_signals
from aa_tui.host.ui_state import UiState, load_state, save_state
from aa_tui.screens.base import PlaceScreen, bindings_for
from aa_tui.screens.base import SessionList as SessionList
from aa_tui.screens.curtain import BEHIND, Curtain
from aa_tui.widgets import glyphs
from aa_tui.widgets.textual_compat import PrivateCrash, add_filter, as_first_screen, drop_all_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aa_tui.backend.ingest.report import ProgressEvent
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.screens.importing import Importing
    from aa_tui.screens.receiving import ReceiverBeside
    from aa_tui.screens.scoring.beside import ScoringBeside
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

_HISTORY_LIMIT = 200
_MESSAGES_LIMIT = 200
_OPENS_WITHIN_SECONDS = 0.3
"""How long the first place waits for the store before it is imported."""
_UPKEEP_AFTER_SECONDS = 5.0
"""When everything that was asked for at the start has long been read."""
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
        self._opener = opener
        self._opening: asyncio.Future[Workspace] | None = None
        self._painted = asyncio.Event()
        self._busy = 0
        self._importing: Importing | None = None
        self._receiver: ReceiverBeside | None = None
        self._scoring = ScoringChild()
        self._beside: ScoringBeside | None = None
        self._marks: dict[str, Content] = {}
        self._building: CancelToken | None = None
        self._upkeep = CancelToken()
        self._change: int | None = None
        self._interrupted_at = 0.0
        self._history: list[Entry] = []
        self._at = -1
        self._screens: dict[str, PlaceScreen] = {}
        self._by_section: dict[str, str] = {}
        self._start = address if isinstance(address, Address) else self._first_place(address)

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
        self._history, self._at = [Entry(str(self._start))], 0
        section = self._start.section
        return as_first_screen(Curtain(self._start) if section in BEHIND else self._screen_of(section))

    async def on_mount(self) -> None:
        if not self.is_headless:
            watch_signals(self._stop)
            self.set_interval(CHECK_SECONDS, self._check_terminal)
        # Asking whether anything was committed costs microseconds and paints nothing.
        self.set_interval(5.0 if self.remote else 2.0, self._watch)
        self._by_section.update(self.remembered.sections.get(self.options.memory, {}))
        self.run_worker(self._open(self._opener), exit_on_error=False)
        if isinstance(self.screen, PlaceScreen):
            self.screen.expect(self._start)

    async def on_ready(self) -> None:
        """The first frame is painted: fill it, and collect garbage from now on where that was switched off."""
        # With Python's 5 ms a thread at work lets every turn of the event loop, and every file that another one
        # imports, begin that much later.
        sys.setswitchinterval(0.001)
        self._painted.set()
        if isinstance(self.screen, Curtain):
            self.run_worker(self._raise_curtain(self.screen), group="visit", exclusive=True)
            return
        if isinstance(self.screen, PlaceScreen):
            await self.screen.show(self._start)
        _collect_garbage()

    async def _raise_curtain(self, curtain: Curtain) -> None:
        """Go to the first place itself and give it the keys that were typed before it was there.

        It is imported on a thread, so that keys are heard meanwhile.
        """
        with self.busy():
            try:
                # Threads that import at the same time mostly wait for each other; so they do it one after the other.
                await asyncio.wait([self._opened], timeout=_OPENS_WITHIN_SECONDS)
                section = parse_address(self._history[0].address).section
                await self._read(partial(import_module, PLACES[section][0]))
                place = self._screen_of(section)
                with self.batch_update() if place.SETTLES_WITHIN else nullcontext():
                    await self._visit(self._history[0])
                    for key, character in curtain.held:
                        self.post_message(events.Key(key, character))
                    await place.settled()
                place.paint_now()
            finally:
                _collect_garbage()

    @property
    def _opened(self) -> asyncio.Future[Workspace]:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_future()
        return self._opening

    async def _open(self, opener: Callable[[], Workspace]) -> None:
        try:
            with self.busy():
                # Opening imports much; beside the first frame it would only take the interpreter from it.
                await self._painted.wait()
                self.workspace = await self._read(opener)
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
        for problem in self.problems:
            self.flash(problem, "warn")
        self._say_read_only()
        self.set_timer(_UPKEEP_AFTER_SECONDS, self._start_upkeep)

    def _start_upkeep(self) -> None:
        self.run_worker(self._do_upkeep(), group="upkeep", exclusive=True, exit_on_error=False)

    async def _do_upkeep(self) -> None:
        """Let what is older than the project keeps go, where nobody did today; it is no reason to bother anybody."""
        workspace = self.workspace
        if workspace is None or workspace.store.read_only:
            return
        await self._score_beside(workspace)
        try:
            gone = await self._read(partial(workspace.privacy.purge_due, self._upkeep, large=False))
        except Cancelled:
            return
        except AAError as error:
            self.remember_message(str(error))
            return
        if gone is not None:
            self.remember_message(f"Older than the project keeps, and deleted: {gone.words()}.")
            await self.take_changes()

    async def _score_beside(self, workspace: Workspace) -> None:
        """Let a process beside this one score what waits, where somebody agreed to it."""
        if workspace.store.read_only:
            return

        def look() -> None:
            if workspace.scoring.waits():
                from aa_tui.screens.receiving import store_for_child

                self._scoring.ensure(store_for_child(workspace))

        with suppress(AAError):
            await self._read(look)

    def _say_read_only(self) -> None:
        reason = self.workspace.store.read_only_reason if self.workspace is not None else None
        if reason:
            self.flash(f"read-only: {reason}", "warn")

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
        if self._building is not None:
            self._building.cancel()
        self._upkeep.cancel()
        self._scoring.stop()
        if self._beside is not None:
            self._beside.stop()
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        if self.options.remember and self._history:
            # Only a choice is kept: another terminal may have another background.
            if self.theme not in ("mono", self._begun_in):
                self.remembered.theme = self.theme
            self.remembered.sections[self.options.memory] = self._by_section
            self.remembered.place[self.options.memory] = self._history[self._at].address
            save_state(self.remembered)
        for screen in self._screens.values():
            screen.cancel_all()
        self.readers.shutdown(wait=False, cancel_futures=True)

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

    def _watch(self) -> None:
        if self.workspace is not None:
            self.run_worker(self._look_for_changes(self.workspace), group="watch", exclusive=True, exit_on_error=False)

    async def _look_for_changes(self, workspace: Workspace) -> None:
        with self.busy(), suppress(AAError):
            try:
                change = await self._read(workspace.store.change_counter)
            except AAError as error:
                if (place := self.place_below()) is not None:
                    place.failed("news", error)
                return
            if workspace is not self.workspace:
                return
            changed, self._change = change != self._change, change
            if changed:
                await self.take_changes()
                await self._score_beside(workspace)
            else:
                self._tell_news()
            if changed:
                await self.scoring.look(workspace)
            # A receiver that was killed says nothing of it.
            if changed or self.mark is not None:
                await self.receiver.look(workspace)

    async def _read(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.readers, call)

    async def take_changes(self) -> None:
        """Something was committed, here or by another process: places start anew where the project's settings changed,
        and otherwise learn of it without moving what is read. Those that are not seen learn of it when they are.

        Raises:
            AAError: the project cannot be read.
        """
        workspace = self.workspace
        if workspace is None:
            return
        with self.busy():
            for screen in self._screens.values():
                screen.news = True
            changed = await self._read(workspace.reread)
            place = self.place_below()
            if workspace is not self.workspace or place is None:
                return
            if changed:
                await self._start_anew(place)
            else:
                self._tell_news()

    def _tell_news(self) -> None:
        """Tell the place that is seen what it has not been told yet."""
        place = self.place_below()
        if place is not None and place.news:
            place.news = not place.store_changed()

    async def tell_imported(self) -> None:
        """An import has ended: every place may look at what came in."""
        await self.take_changes()
        for place in list(self._screens.values()):
            await place.imported()

    async def _start_anew(self, place: PlaceScreen) -> None:
        """Show the same place again, and forget what the others hold: all of it was read under other settings."""
        address, state = place.address(), place.view_state()
        await self._forget_others(place)
        place.forget()
        await place.show(address, state)
        place.refresh_frame()

    async def _forget_others(self, place: Screen[Any]) -> None:
        for name in [name for name, screen in self._screens.items() if screen is not place]:
            screen = self._screens.pop(name)
            self.uninstall_screen(name)
            await screen.remove()

    def place_below(self) -> PlaceScreen | None:
        """Return the place below whatever is open."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, PlaceScreen)), None)

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

    def push_address(self, before: str, state: dict[str, Any] | None = None) -> None:
        """The current place changed so much that going back should undo it.

        `before` is its former address, `state` what its `view_state` said then.
        """
        screen = self.screen
        if not isinstance(screen, PlaceScreen) or self._at < 0:
            return
        self._history[self._at] = Entry(before, state or {})
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

    def use_project(self, name: str) -> None:
        """Switch to another project of the store: every place starts anew."""
        former = self.workspace
        if former is None:
            return

        def opener() -> Workspace:
            from aa_tui.backend.service.projects import open_workspace

            return open_workspace(former.store, name, former.actor, former.clock)

        self.run_worker(self._reopen(opener, self.options.memory), exit_on_error=False)

    def use_sample(self) -> None:
        """Switch to the sample project, in the store of its own that is built first where it is missing."""
        former = self.workspace
        if former is None or self._building is not None:
            return

        token = self._building = CancelToken()
        loop, context = asyncio.get_running_loop(), copy_context()

        def tell(event: ProgressEvent) -> None:
            # The program may have been left meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._say_building, event, context=context)

        def opener() -> Workspace:
            from aa_tui.backend.service.sample import open_sample

            return open_sample(former.actor, former.clock, tell, token)

        async def switch() -> None:
            try:
                await self._reopen(opener, None)
            finally:
                self._building = None
                self.say_background(None)

        self.flash("opening the sample project; building it takes some seconds the first time")
        self.run_worker(switch(), exit_on_error=False)

    def _say_building(self, event: ProgressEvent) -> None:
        if self._building is not None:
            words = Content(f"building the sample project {event.fraction:.0%}")
            self.say_background(words, words)

    async def _reopen(self, opener: Callable[[], Workspace], memory: str | None) -> None:
        """Open another workspace; its places are kept under `memory`, or under its store's own name."""

        def opening() -> Workspace:
            opened = opener()
            self._remember(opened)
            return opened

        try:
            with self.busy():
                opened = await self._read(opening)
        except AAError as error:
            self.flash(str(error), "bad")
            return
        self.workspace, self.session_list, self._change = opened, None, None
        self.options.memory = memory if memory is not None else f"{opened.store.url} {opened.project.name}"
        self._opening = None
        self._opened.set_result(opened)
        self._by_section.clear()
        section = parse_address(self._history[self._at].address).home
        current = self.screen
        await self._forget_others(current)
        self._history, self._at = [Entry(section)], 0
        if isinstance(current, PlaceScreen) and current.address().section == section:
            current.forget()
            await current.show(Address(section))
        else:
            await self._visit(self._history[0])
        self._say_read_only()

    def _remember(self, opened: Workspace) -> None:
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


def _collect_garbage() -> None:
    """Collect garbage from now on, where the start was made without; what it made stays for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


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
        app._remember(opened)
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
