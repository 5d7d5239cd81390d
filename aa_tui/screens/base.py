"""What every place shares: the frame, asking the service from reader threads, flashes, address and footer.

No place's own content and no service logic lives here.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widget import Widget

from aa_tui import themes
from aa_tui.actions import Action, actions_for, command_name, find, in_scope, key_label, method_of
from aa_tui.address import SECTIONS, Address
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled
from aa_tui.widgets import frame, glyphs
from aa_tui.widgets.room import Room
from aa_tui.widgets.safe_text import safe
from aa_tui.widgets.textual_compat import FirstOnce

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.service.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")

_SECTION_TITLES = {name: name.capitalize() for name in SECTIONS}
_TOO_SMALL = (40, 12)
_FLASH_SECONDS = 6.0


@dataclass(slots=True)
class SessionList:
    """The list a session was opened from, for next and previous."""

    ids: Sequence[int]
    index: int
    words: str = ""
    """The list's filter, as text."""


class Superseded(Exception):
    """A newer question of the same group was asked, or the screen is gone; the answer is of no use any more."""


def bindings_for(*scopes: str) -> list[Binding]:
    """Return the Textual bindings of the actions declared in these scopes."""
    return [
        Binding(",".join(action.keys), f"perform({action.id!r})", action.title, show=False, id=action.id)
        for scope in scopes
        for action in in_scope(scope)
        if action.keys
    ]


def _discard(work: Coroutine[Any, Any, None]) -> None:
    """Close work that was replaced before it began; Python would warn of it on the terminal."""
    if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
        work.close()


class PlaceScreen(FirstOnce):
    """A place with an address, drawn inside the frame.

    A subclass sets `SCOPE`, yields its widgets in `compose_body`, answers `action_<scope>_<verb>` methods, and keeps
    `address()` and `show()` inverse to each other.
    """

    SCOPE: ClassVar[str] = "place"
    BINDING_SCOPES: ClassVar[tuple[str, ...]] = ()
    """Scopes whose actions this screen answers; by default its own and, where it has a list, `list`."""
    BODY: ClassVar[type[Widget]] = Room
    """The container between the words and the footer."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-tall")]
    BLANK = True
    SETTLES_WITHIN: ClassVar[float] = 0.0
    """Seconds that the first frame may wait for what stands in it; 0 draws it empty and again when it is filled."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        scopes = cls.__dict__.get("BINDING_SCOPES") or ((cls.SCOPE,) if "SCOPE" in cls.__dict__ else ())
        if scopes and "BINDINGS" not in cls.__dict__:
            cls.BINDINGS = list(bindings_for(*scopes))
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self.news = False
        """True while something was committed that `store_changed` is still to be told of."""
        self._settled = asyncio.Event()
        self._tokens: dict[str, CancelToken] = {}
        self._work: dict[str, Coroutine[Any, Any, None]] = {}
        self._flash_timer: Any = None
        self._said: tuple[Content | str, Content | str] = ("", "")
        self._standing: Content | None = None
        self._flashing: Content | None = None
        # The frame is made here, not found later: words may be set before the screen is mounted.
        titles = [frame.Section(str(n), _SECTION_TITLES[name], name) for n, name in enumerate(SECTIONS, 1)]
        self._sections = frame.SectionBar(titles, id="sections")
        self._words = frame.OneLine(id="words")
        self._status = frame.OneLine(id="status")
        self._footer = frame.FittedFooter(id="footer")
        self._status.display = False

    # -- composition

    def compose(self) -> ComposeResult:
        yield self._sections
        yield self._words
        yield self.BODY(*self.compose_body(), id="body")
        yield self._status
        yield self._footer

    def compose_body(self) -> Iterator[Any]:
        """Yield the widgets between the words and the footer."""
        return iter(())

    def on_mount(self) -> None:
        self.refresh_frame()

    def on_resize(self, event: events.Resize) -> None:
        width, height = _TOO_SMALL
        small = event.size.width < width or event.size.height < height
        if small and not self.query("#too-small"):
            line = frame.OneLine(id="too-small")
            line.set(f"too small: make it {width} × {height}")
            self.mount(line, after=self._words)
        self.set_class(small, "-too-small")

    def on_screen_resume(self) -> None:
        self.refresh_frame()

    # -- the app and the service

    @property
    def aa(self) -> AAApp:
        """The app, typed."""
        return cast("AAApp", self.app)

    async def ready(self) -> Workspace:
        """Return the workspace, waiting until the store is open.

        Raises:
            AAError: the store cannot be opened.
        """
        return await self.aa.workspace_ready()

    async def ask(
        self, call: Callable[..., T], *args: Any, group: str = "main", token: bool = True, **kwargs: Any
    ) -> T:
        """Run a synchronous service call on a reader thread and return its answer.

        A newer question of the same group cancels this one, down to the running SQL. Pass `token=False` for calls
        that take no token.

        Raises:
            Superseded: a newer question was asked; swallow it, or run under `load`.
            AAError: the service refused or failed.
        """
        mine = CancelToken()
        self._cancel(group)
        self._tokens[group] = mine
        if token:
            kwargs["token"] = mine
        with self.aa.busy():
            try:
                answer = await asyncio.get_running_loop().run_in_executor(
                    self.aa.readers, partial(call, *args, **kwargs)
                )
            except asyncio.CancelledError:
                mine.cancel()
                raise
            except Cancelled as stop:
                raise Superseded from stop
        if self._tokens.get(group) is not mine:
            raise Superseded
        return answer

    def _cancel(self, group: str) -> None:
        older = self._tokens.pop(group, None)
        if older is not None:
            older.cancel()

    def cancel_all(self) -> None:
        """Stop every question under way, down to the running SQL."""
        for group in list(self._tokens):
            self._cancel(group)
        for work in self._work.values():
            _discard(work)
        self._work.clear()

    def load(self, work: Coroutine[Any, Any, None], group: str = "main") -> None:
        """Run a coroutine that asks and applies, replacing an older one of the group; errors go to `failed`."""
        if group in self._work:
            _discard(self._work[group])
        self._work[group] = work
        # The call, not its coroutine: one that is replaced before it began would be warned of on the terminal.
        guarded: Callable[[], Awaitable[None]] = partial(self._guarded, work, group)
        self.run_worker(guarded, group=group, exclusive=True, exit_on_error=False)

    def at_work(self, group: str) -> bool:
        """Tell whether work of a group is under way."""
        work = self._work.get(group)
        return work is not None and inspect.getcoroutinestate(work) != inspect.CORO_CLOSED

    async def _guarded(self, work: Coroutine[Any, Any, None], group: str) -> None:
        if inspect.getcoroutinestate(work) == inspect.CORO_CLOSED:
            return
        with self.aa.busy():
            try:
                await work
            except (Superseded, Cancelled):
                return
            except AAError as error:
                self.failed(group, error)
            except Exception as error:
                self.failed(group, AAError("Something went wrong here.", self.aa.log_unexpected(error)))
            finally:
                self._settled.set()

    async def settled(self) -> None:
        """Wait until something was loaded, be it in vain, or until that has taken too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), self.SETTLES_WITHIN)

    def failed(self, group: str, error: AAError) -> None:
        """Say that loading a group failed. Screens override this to show an error panel where the data would be."""
        self.flash(str(error), "bad")

    # -- the frame

    def address(self) -> Address:
        """Return where this place is and how it is looked at."""
        return Address(self.SCOPE)

    def expect(self, address: Address) -> None:
        """Say on line 2 what is about to be shown, at the start: only what costs nothing, the first frame waits."""

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        """Look at the place as the address says; `state` is what `view_state` returned when it was left."""

    def forget(self) -> None:
        """Forget what is shown, because another project was opened; `show` follows."""
        self.cancel_all()

    def store_changed(self) -> bool:
        """Something was committed, here or by another process: say so, without moving what is read.

        Return False to be told again with the next look: what is shown is held still, not seen, or just being read.
        """
        return True

    async def imported(self) -> None:
        """An import of this run has ended: what was chosen by the data that were there may be chosen anew."""

    def restyle(self) -> None:
        """The theme changed: say again what carries styles of the former one."""
        self.refresh_frame()

    def view_state(self) -> dict[str, Any]:
        """Return what history keeps beside the address: cursor, scroll."""
        return {}

    def scope(self) -> str:
        """Return the scope whose keys work now; panes with keys of their own override it."""
        return self.SCOPE

    def why_not(self, action_id: str) -> str | None:
        """Return why an action cannot be done now, in a few words, or None when it can."""
        if find(action_id).writes:
            workspace = self.aa.workspace
            if workspace is not None and workspace.store.read_only:
                return workspace.store.read_only_reason or "the store is read-only"
        return self.aa.why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        """Return what the thing under the cursor means, in sentences; `?` shows them above the keys."""
        return ()

    def set_words(self, left: Content | str, right: Content | str = "") -> None:
        """Say on line 2 what is shown, and at the right how fresh it is. Stored text must come as safe `Content`."""
        self._said = (left, right)
        self._show_words()

    def _show_words(self) -> None:
        left, right = self._said
        if self._read_only:
            dot = f" {glyphs.get('dot')} " if right else ""
            right = Content.assemble(Content.styled("read-only", themes.style("warn")), dot, right)
        self._words.set(Content.assemble(" ", left), Content.assemble(right, " ") if right else "")

    @property
    def words_room(self) -> int:
        """Cells of line 2 that its two parts may take together."""
        # A blank before, between and after them.
        return self.app.size.width - 3 - (len("read-only · ") if self._read_only else 0)

    @property
    def _read_only(self) -> bool:
        workspace = self.aa.workspace
        return workspace is not None and workspace.store.read_only

    def flash(self, text: str | Content, meaning: str = "text") -> None:
        """Say something by the way for a few seconds; it is kept in the message list (`:log`)."""
        content = text if isinstance(text, Content) else safe(text, themes.style(meaning))
        self.aa.remember_message(content.plain)
        self._flashing = content
        self.refresh_status()
        if self._flash_timer is not None:
            self._flash_timer.stop()
        self._flash_timer = self.set_timer(_FLASH_SECONDS, self.clear_flash)

    def clear_flash(self) -> None:
        """Take the flash away at once."""
        self._flashing = None
        self.refresh_status()

    def set_status(self, text: Content | str | None) -> None:
        """Say something that stays (marks, a run under way), or None to take it away."""
        self._standing = Content(text) if isinstance(text, str) else text
        self.refresh_status()

    def refresh_status(self) -> None:
        """Bring the status line up to date: what is said here at the left, what goes on beside every place after it,
        and at the far right the mark of what runs all the time."""
        own, beside, mark = self._flashing or self._standing, self.aa.background, self.aa.mark
        full, short = beside if beside is not None else (Content(""), Content(""))
        ends = [part for part in (short if own is not None else None, mark) if part]
        right = Content("   ").join(ends) if ends else Content("")
        left = own if own is not None else full
        self._status.set(Content.assemble(" ", left) if left else "", Content.assemble(right, " ") if right else "")
        shown = own is not None or beside is not None or mark is not None
        if self._status.display != shown:
            self._status.display = shown

    def refresh_frame(self) -> None:
        """Bring sections and footer up to date."""
        self._sections.set(self.address().home, self.aa.project_name)
        self._show_words()
        self.refresh_status()
        self.refresh_footer()

    def refresh_footer(self) -> None:
        """Bring the footer up to date with what can be done now."""
        hints = [self._hint(action) for action in actions_for(self.scope()) if action.priority and action.keys]
        help_hint = next((hint for hint in hints if hint.action == "app.help"), None)
        hints.sort(key=lambda hint: -hint.priority)
        self._footer.set([hint for hint in hints if hint.action != "app.help"], help_hint)

    def _hint(self, action: Action) -> frame.Hint:
        enabled = self.why_not(action.id) is None
        return frame.Hint(
            key_label(action.keys[0], glyphs.ascii_mode()), action.title, action.id, action.priority, enabled
        )

    def go(self, address: Address | str) -> None:
        """Go to a place; where we are now becomes history."""
        self.aa.go(address)

    @on(frame.SectionBar.Chosen)
    def _section_chosen(self, event: frame.SectionBar.Chosen) -> None:
        self.aa.go_section(event.name)

    @on(frame.SectionBar.ProjectClicked)
    def _project_clicked(self) -> None:
        self.aa.action_app_project()

    @on(frame.FittedFooter.Pressed)
    async def _hint_pressed(self, event: frame.FittedFooter.Pressed) -> None:
        await self.perform(event.action)

    async def perform(self, action_id: str) -> None:
        """Do an action by id, as its key would; a disabled one says why."""
        self.aa.attended()
        why = self.why_not(action_id)
        if why:
            self.flash(f"{find(action_id).title}: {why}", "warn")
            return
        name = f"action_{method_of(action_id)}"
        owner = next((node for node in (self.focused, self, self.app) if node and hasattr(node, name)), None)
        if owner is None:
            self.flash(f"{command_name(find(action_id))} does not apply here.", "warn")
            return
        done = getattr(owner, name)()
        if inspect.isawaitable(done):
            await done

    async def action_perform(self, action_id: str) -> None:
        """What every binding runs."""
        await self.perform(action_id)
