"""A scrolling page of things to look at and to change, with a cursor over those that can be acted upon.

Its parent makes the lines; the page knows where each thing begins, moves between them and says which one is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from textual import events
from textual.geometry import Size
from textual.message import Message

from aa_tui.widgets import glyphs
from aa_tui.widgets.role_lines import Line, RoleLines

_READ_ROWS = 3
"""Lines that a step scrolls where the next thing is farther away than a page."""


class Row(NamedTuple):
    """A line of the page; lines with the same key are one thing."""

    line: Line
    key: str = ""
    """Empty: only to be read."""


def keyed(lines: Iterable[Line], key: str = "") -> list[Row]:
    """Return lines as rows of one thing."""
    return [Row(line, key) for line in lines]


class FieldPage(RoleLines):
    """The page. A `▸` marks the thing under the cursor."""

    class PageMessage(Message):
        """What both messages share."""

        def __init__(self, page: FieldPage, key: str) -> None:
            super().__init__()
            self.page = page
            self.key = key

        @property
        def control(self) -> FieldPage:
            return self.page

    class Moved(PageMessage):
        """The cursor stands on another thing."""

    class Opened(PageMessage):
        """A thing was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._build: Callable[[int], Sequence[Row]] = lambda width: ()
        self._rows: Sequence[Row] = ()
        self._stops: list[tuple[str, int, int]] = []
        """Key, first line, line after the last one."""
        self._at = 0
        self._wanted = ""

    # -- what the parent gives

    def show(self, build: Callable[[int], Sequence[Row]], *, keep: bool = True, key: str = "") -> None:
        """Show what `build(width)` returns; the cursor goes to `key`, or with `keep` stays on its thing."""
        held, top = self.key, self.scroll_offset.y
        self._build = build
        self._wanted = key or (held if keep else "")
        self._make()
        if not keep:
            self.scroll_home(animate=False)
        elif not key:
            self.scroll_to(y=top, animate=False)
        if key:
            self._into_view()

    def _make(self) -> None:
        self._rows = self._build(self.page_width)
        self._stops = []
        for y, row in enumerate(self._rows):
            if not row.key:
                continue
            if self._stops and self._stops[-1][0] == row.key and self._stops[-1][2] == y:
                self._stops[-1] = (row.key, self._stops[-1][1], y + 1)
            else:
                self._stops.append((row.key, y, y + 1))
        keys = [key for key, _, _ in self._stops]
        if self._wanted in keys:
            self._at = keys.index(self._wanted)
        self._at = max(0, min(self._at, len(keys) - 1))
        self.virtual_size = Size(self.page_width, len(self._rows))
        self.refresh()

    @property
    def key(self) -> str:
        """The thing under the cursor; empty where there is none."""
        return self._stops[self._at][0] if self._at < len(self._stops) else ""

    @property
    def page(self) -> int:
        """Lines of the screen."""
        return max(1, self.size.height)

    @property
    def plain(self) -> str:
        """All lines, without styles."""
        return "\n".join("".join(text for text, _ in row.line) for row in self._rows)

    # -- moving

    def move_by(self, things: int) -> None:
        """Move to a thing further on; where the next one is more than a page away, scroll instead."""
        step = 1 if things > 0 else -1
        for _ in range(abs(things)):
            if not self._step(step):
                break

    def _step(self, step: int) -> bool:
        top, height = self.scroll_offset.y, self.page
        nxt = self._at + step
        if 0 <= nxt < len(self._stops):
            first = self._stops[nxt][1]
            near = first < top + height + height // 2 if step > 0 else first >= top - height // 2
            if near:
                self._move(nxt)
                return True
        target = max(0, min(top + step * _READ_ROWS, len(self._rows) - height))
        if target == top:
            return False
        self.scroll_to(y=target, animate=False)
        return True

    def _move(self, index: int) -> None:
        if index == self._at:
            self._into_view()
            return
        before, self._at = self._at, index
        for one in (before, index):
            if one < len(self._stops):
                self.refresh_page_line(self._stops[one][1])
        self._into_view()
        self.post_message(self.Moved(self, self.key))

    def _into_view(self) -> None:
        if self._at >= len(self._stops):
            return
        _, first, last = self._stops[self._at]
        top, height = self.scroll_offset.y, self.page
        # What stands before the first thing belongs to it.
        first = 0 if self._at == 0 and first < height else first
        if first < top:
            self.scroll_to(y=max(0, first - 1) if first else 0, animate=False)
        elif last > top + height:
            self.scroll_to(y=min(first, last - height), animate=False)

    def scroll_rows(self, rows: int) -> None:
        """Scroll; the cursor moves along where it would leave the screen."""
        top = max(0, min(self.scroll_offset.y + rows, max(0, len(self._rows) - self.page)))
        self.scroll_to(y=top, animate=False)
        seen = [n for n, (_, first, _) in enumerate(self._stops) if top <= first < top + self.page]
        if seen and self._at not in seen:
            at = seen[0] if rows > 0 else seen[-1]
            before, self._at = self._at, at
            self.refresh_page_line(self._stops[before][1])
            self.refresh_page_line(self._stops[at][1])
            self.post_message(self.Moved(self, self.key))

    def move_to_end(self, last: bool) -> None:
        """Go to the first or the last thing, and all the way there."""
        if self._stops:
            self._move(len(self._stops) - 1 if last else 0)
        self.scroll_to(y=max(0, len(self._rows) - self.page) if last else 0, animate=False)

    def go_to(self, key: str) -> None:
        """Put the cursor on a thing, where there is one of that key."""
        for n, (name, _, _) in enumerate(self._stops):
            if name == key:
                self._move(n)
                return

    # -- drawing and mouse

    def on_resize(self) -> None:
        """Make the lines anew for the width."""
        self._wanted = self.key or self._wanted
        self._make()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        if y >= len(self._rows):
            return None
        line = self._rows[y].line
        here = self._at < len(self._stops) and self._stops[self._at][1] == y
        if here and line and line[0][0].startswith(" "):
            first, role = line[0]
            line = [(glyphs.get("cursor") + first[1:], role), *line[1:]]
        return line, here and self.has_focus, False

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on what was clicked; a second click opens it."""
        y = event.y + self.scroll_offset.y
        for n, (key, first, last) in enumerate(self._stops):
            if first <= y < last:
                self._move(n)
                if event.chain == 2:
                    self.post_message(self.Opened(self, key))
                return
