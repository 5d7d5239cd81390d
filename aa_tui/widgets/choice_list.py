"""A short list of choices in groups, drawn line by line; the base of menus, palette and help. Not for data tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aa_tui import themes
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, width_of


@dataclass(frozen=True, slots=True)
class Choice:
    """One line that can be chosen. Texts must be safe to draw."""

    value: Any
    title: str
    note: str = ""
    key: str = ""
    """The key that does the same, shown at the right."""
    group: str = ""
    why_not: str | None = None
    """Why it cannot be chosen now; it is shown dim with the reason."""


class ChoiceList(ScrollView, can_focus=False, inherit_bindings=False):
    """The lines, with one under the cursor."""

    DEFAULT_CSS = """
    ChoiceList { height: auto; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    @dataclass
    class Chosen(Message):
        """A line was clicked."""

        choice: Choice

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[str | Choice] = []
        self._cursor = 0
        self._titles = 0
        """Cells of the longest title, so that notes stand in a column."""

    def show(self, choices: Sequence[Choice], cursor: int = 0) -> None:
        """Show these choices, with a heading before each group."""
        self._lines = []
        group = ""
        places: list[int] = []
        for choice in choices:
            if choice.group and choice.group != group:
                group = choice.group
                self._lines.append(group)
            places.append(len(self._lines))
            self._lines.append(choice)
        self._titles = min(34, max((width_of(choice.title) for choice in choices), default=0))
        self._cursor = places[min(cursor, len(places) - 1)] if places else 0
        self.virtual_size = Size(self.size.width, len(self._lines))
        self._into_view()
        self.refresh(layout=True)

    @property
    def current(self) -> Choice | None:
        """The choice under the cursor."""
        line = self._lines[self._cursor] if self._cursor < len(self._lines) else None
        return line if isinstance(line, Choice) else None

    def move(self, step: int) -> None:
        """Move the cursor over choices, past headings, stopping at the ends."""
        at = self._cursor
        for _ in range(abs(step)):
            nxt = at + (1 if step > 0 else -1)
            while 0 <= nxt < len(self._lines) and isinstance(self._lines[nxt], str):
                nxt += 1 if step > 0 else -1
            if not 0 <= nxt < len(self._lines):
                break
            at = nxt
        self._cursor = at
        self._into_view()
        self.refresh()

    def _into_view(self) -> None:
        height = max(1, self.size.height)
        top = round(self.scroll_y)
        above = self._cursor - 1 if self._cursor and isinstance(self._lines[self._cursor - 1], str) else self._cursor
        if above < top:
            self.scroll_to(y=above, animate=False)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._lines))

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._lines))
        self._into_view()

    def _style(self, *meanings: str) -> Style:
        style = self.visual_style
        for meaning in meanings:
            style += self.app.stylesheet.parse_style(themes.style(meaning))
        return style.rich_style

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        at = round(self.scroll_y) + y
        if at >= len(self._lines):
            return Strip([Segment(" " * width, self._style())], width)
        line = self._lines[at]
        if isinstance(line, str):
            return Strip([Segment(pad(f" {line}", width), self._style("accent"))], width)
        on = at == self._cursor
        sign = glyphs.get("cursor") if on else " "
        key = f" {line.key} " if line.key else " "
        room = width - width_of(key) - 2
        title = (
            pad(clip(line.title, room), min(self._titles, room))
            if line.note or line.why_not
            else clip(line.title, room)
        )
        note = clip(line.why_not or line.note, max(0, room - width_of(title) - 2))
        left = f"{sign} {title}"
        right = pad(f"  {note}" if note else "", width - width_of(left) - width_of(key)) + key
        if on:
            return Strip([Segment(left + right, self._style("cursor"))], width)
        meaning = "muted" if line.why_not else "text"
        return Strip([Segment(left, self._style(meaning)), Segment(right, self._style("muted"))], width)

    def on_click(self, event: events.Click) -> None:
        at = round(self.scroll_y) + event.y
        if at < len(self._lines) and isinstance(self._lines[at], Choice):
            self._cursor = at
            self.refresh()
            choice = self.current
            if choice is not None:
                self.post_message(self.Chosen(choice))
