"""The one place that touches private parts of Textual, each with the reason. Re-check when Textual is raised."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from textual import _compositor, events
from textual.app import App
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from aa_tui.widgets.runs import joined
from aa_tui.widgets.terminal_diff import Piece, TerminalDiff


def as_first_screen(screen: Screen[Any]) -> Screen[Any]:
    """Prepare a screen to be the app's default screen and to be switched away from later.

    `switch_screen` pops a result callback from the screen it leaves; Textual pushes none for the default screen, nor
    does it read the default screen's own style sheets.
    """
    screen.app._load_screen_css(screen)
    screen._push_result_callback(screen, None)
    return screen


class FirstOnce(Screen[None]):
    """A screen that is styled and drawn once when it is first shown.

    Textual styles all widgets when they are mounted, again when the screen resumes, and again when its first resize
    sets the classes of its breakpoints; it paints a new layout twice, and while updates are held back it draws
    everything and throws it away.
    """

    def __init__(self) -> None:
        super().__init__()
        self._resumed = False
        width, height = self.app.size
        for length, points in ((width, self.HORIZONTAL_BREAKPOINTS), (height, self.VERTICAL_BREAKPOINTS)):
            self.add_class(*self._get_breakpoint_classes(length, points or []), update=False)

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        # Runs before Textual's own, which looks at the event.
        if not self._resumed:
            self._resumed = True
            event.refresh_styles = False

    def _compositor_refresh(self) -> None:
        if not self.app._batch_count:
            super()._compositor_refresh()

    def _on_timer_update(self) -> None:
        if self._layout_required and self._repaint_required:
            # The paint that follows the layout does for both.
            self._repaint_required = False
            self._dirty_widgets.add(self)
        super()._on_timer_update()

    def paint_now(self) -> None:
        """Paint what has changed at once; Textual waits for its next sixtieth of a second."""
        self._on_timer_update()


_terminal = TerminalDiff()
"""Of the one terminal a process has."""


class CroppedUpdate(_compositor.ChopsUpdate):
    """A partial update that sends only what the terminal does not show yet.

    Textual cuts a repainted region off at its right end only, and sends everything of the widget's line to the left of
    it again: a cursor in a chart would cost ten times the bytes it needs. Nor does it know what it has sent before.
    """

    def render_segments(self, console: Console) -> str:
        pieces: list[Piece] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= last or end <= first:
                    continue
                left, right = max(x, first), min(end, last)
                if (left, right) != (x, end):
                    strip = strip.crop(left - x, right - x)
                pieces.append(Piece(y, left, right, strip.render(console)))
        return _terminal.changes(pieces, max((ends[-1] for ends in self.chop_ends if ends), default=0))


class NotedUpdate(_compositor.LayoutUpdate):
    """A full update: everything is sent, and noted."""

    def render_segments(self, console: Console) -> str:
        pieces: list[Piece] = []
        for y, strips in enumerate(self.strips, self.region.y):
            x = self.region.x
            for strip in strips:
                pieces.append(Piece(y, x, x + strip.cell_length, strip.render(console)))
                x += strip.cell_length
        return _terminal.whole(pieces)


class TypeAhead(App[int]):
    """An app in which keys typed right after the one that opens an input reach that input.

    Textual sends a key to what has the focus when it is read, and runs its action when it has bubbled back. Keys of a
    fast typist, or of a paste over SSH, are read before the first one's action has moved the focus, and would act as
    commands. A key that comes back although the widget in focus by now takes it as text is given to that widget.
    """

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            # Terminals wrap or cut lines of their own accord.
            _terminal.forget()
        if isinstance(event, events.Key) and event.is_forwarded:
            focused = self.focused
            if focused is not None and focused.check_consume_key(event.key, event.character):
                focused._forward_event(events.Key(event.key, event.character))
                return
        await super().on_event(event)


class PrivateCrash(TypeAhead):
    """An app whose crashes print no local variables.

    Textual's own crash screen shows the locals of every frame, which may hold transcripts and keys.
    """

    def __init__(self) -> None:
        super().__init__()
        _compositor.ChopsUpdate = CroppedUpdate  # type: ignore[misc]
        _compositor.LayoutUpdate = NotedUpdate  # type: ignore[misc]
        _terminal.forget()
        # Toasts parse markup and tooltips are never used: without their widgets a screen starts with one layout less.
        self._disable_notifications = True
        self._disable_tooltips = True

    def _resume_signal(self) -> None:
        _terminal.forget()
        super()._resume_signal()

    def log_unexpected(self, error: BaseException) -> str:
        """Log an error; return words for the screen that name it."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        from rich.text import Text

        note = f"aa-tui stopped on an error of its own: {self.log_unexpected(error)}"
        self._exit_renderables.append(Text(note))
        self._close_messages_no_wait()


def capture_terminal_mouse(app: App[Any], on: bool) -> None:
    """Take the terminal's mouse, or release it so that the terminal's own selection works. Unix drivers only."""
    driver = app._driver
    change = getattr(driver, "_enable_mouse_support" if on else "_disable_mouse_support", None)
    if driver is not None and change is not None:
        driver._mouse = True
        change()
        driver.flush()


class OwnLines(Widget):
    """A widget without border and padding that styles every cell of its lines itself.

    Textual puts each line through layers for borders, padding, opacity, tints and links before it is painted. For a
    page of plain lines that costs more than drawing them, and it is time in which the event loop does nothing else.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._painted: dict[int, Strip] = {}
        super().__init__(*args, **kwargs)

    def _set_dirty(self, *regions: Region) -> None:
        if regions:
            for region in regions:
                for y in region.line_range:
                    self._painted.pop(y, None)
        else:
            self._painted.clear()
        super()._set_dirty(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        width = self.outer_size.width
        filters, background = self.get_line_filters(), self.background_colors[1]
        strips: list[Strip] = []
        for y in crop.line_range:
            strip = self._painted.get(y)
            if strip is None or strip.cell_length != width:
                strip = self.render_line(y).adjust_cell_length(width, self.visual_style.rich_style)
                strip = Strip(joined(strip), width)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, background)
                self._painted[y] = strip
            strips.append(strip)
        first, last = crop.column_span
        return strips if (first, last) == (0, width) else [strip.crop(first, last) for strip in strips]


def set_virtual_size(widget: Widget, size: Size) -> None:
    """Tell a scrolling widget how much there is to scroll without laying out the whole screen again.

    Assigning `virtual_size` repaints every widget, which at a terminal's other end is felt.
    """
    if widget.virtual_size != size:
        widget.set_reactive(Widget.virtual_size, size)
        widget._scroll_update(size)


def add_filter(app: App[Any], line_filter: LineFilter) -> None:
    """Pass every drawn line through one more filter."""
    app._filters = [*app._filters, line_filter]


def drop_all_colour(app: App[Any]) -> None:
    """Let no colour reach the terminal, ANSI ones included; attributes stay.

    Textual decides between this filter and one that paints 24-bit greys before the theme is known.
    """
    from textual.filter import Monochrome, NoColor

    app._filters = [*(kept for kept in app._filters if not isinstance(kept, Monochrome | NoColor)), NoColor()]
