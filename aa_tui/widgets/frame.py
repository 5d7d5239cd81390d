"""The lines every screen shares: sections at the top, what is shown below them, a status line, the fitted footer.

Each is one line that repaints only when its content changes. Plain values in, messages out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from aa_tui import themes
from aa_tui.widgets.cells import width_of
from aa_tui.widgets.safe_text import safe_line


class OneLine(Widget):
    """A line of text with a left and a right part; the left part is cut with `…` when both do not fit."""

    DEFAULT_CSS = """
    OneLine { height: 1; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left = Content("")
        self._right = Content("")

    def set(self, left: Content | str, right: Content | str = "") -> None:
        """Show these parts; nothing is painted when they are what is shown already. A `str` is drawn as it is."""
        left = left if isinstance(left, Content) else Content(left)
        right = right if isinstance(right, Content) else Content(right)
        if left.is_same(self._left) and right.is_same(self._right):
            return
        self._left, self._right = left, right
        self.refresh()

    @property
    def plain(self) -> str:
        """What the line says, without styles."""
        return f"{self._left.plain} {self._right.plain}".strip()

    def render(self) -> Content:
        width = self.size.width
        return lay_out(self._left, self._right, width)


def lay_out(left: Content, right: Content, width: int) -> Content:
    """Return both parts on one line of `width` cells: right part flush right, left part cut when it must be."""
    right_cells = right.cell_length
    if right_cells > width:
        return right.truncate(width, ellipsis=True)
    room = width - right_cells - (1 if right_cells else 0)
    if left.cell_length > room:
        left = left.truncate(room, ellipsis=True)
    return Content.assemble(left, " " * (width - left.cell_length - right_cells), right)


class Section(NamedTuple):
    """A numbered section as the top line shows it."""

    key: str
    title: str
    name: str


class SectionBar(Widget):
    """Line 1: the sections with their digits, the current one reversed, and the project at the right."""

    DEFAULT_CSS = """
    SectionBar { height: 1; width: 1fr; }
    """

    class Chosen(Message):
        """The section called `name` was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class ProjectClicked(Message):
        """The project's name was clicked."""

    def __init__(self, sections: Sequence[Section], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sections = tuple(sections)
        self._current = ""
        self._project = ""
        self._spans: list[tuple[int, int, str]] = []

    def set(self, current: str, project: str) -> None:
        """Show which section is current and which project is open."""
        project = safe_line(project, 24)
        if (current, project) != (self._current, self._project):
            self._current, self._project = current, project
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        for limit in (99, 4, 3, 0):
            line, spans = self._line(limit)
            if line.cell_length + width_of(self._project) + 3 <= width:
                break
        self._spans = spans
        room = max(0, width - line.cell_length - 2)
        project = Content.styled(safe_line(self._project, room), themes.style("accent", "bold"))
        self._spans.append((width - project.cell_length - 1, width, ""))
        return lay_out(line, Content.assemble(project, " "), width)

    def _line(self, limit: int) -> tuple[Content, list[tuple[int, int, str]]]:
        pieces: list[Content | str] = []
        spans: list[tuple[int, int, str]] = []
        at = 0
        for section in self._sections:
            here = section.name == self._current
            title = section.title if here else section.title[:limit]
            text = f" {section.key} {title} " if title else f" {section.key} "
            spans.append((at, at + len(text), section.name))
            at += len(text)
            if here:
                pieces.append(Content.styled(text, "reverse bold"))
            else:
                key = Content.styled(f" {section.key}", themes.style("muted"))
                pieces.append(Content.assemble(key, Content(text[len(section.key) + 1 :])))
        return Content.assemble(*pieces), spans

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(name) if name else self.ProjectClicked())
                return


class Hint(NamedTuple):
    """A key and what it does, for the footer."""

    key: str
    title: str
    action: str
    priority: int
    enabled: bool = True


class FittedFooter(Widget):
    """The last line: the keys that matter here, as many as fit by priority, always ending in `? help`."""

    DEFAULT_CSS = """
    FittedFooter { height: 1; width: 1fr; }
    """

    class Pressed(Message):
        """A hint was clicked; `action` is the id of what it stands for."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hints: tuple[Hint, ...] = ()
        self._last = Hint("?", "help", "app.help", 100)
        self._spans: list[tuple[int, int, str]] = []

    def set(self, hints: Sequence[Hint], last: Hint | None = None) -> None:
        """Show these hints, in this order; `last` (help) stands at the right and is never dropped."""
        new = tuple(hints)
        last = last or self._last
        if (new, last) != (self._hints, self._last):
            self._hints, self._last = new, last
            self.refresh()

    def shown(self, width: int) -> tuple[Hint, ...]:
        """Return the hints that fit in `width` cells, in order, the last one included."""
        room = width - 1 - _cells(self._last)
        kept: list[Hint] = []
        for hint in sorted(self._hints, key=lambda hint: -hint.priority):
            if _cells(hint) + 2 <= room:
                kept.append(hint)
                room -= _cells(hint) + 2
        return (*(hint for hint in self._hints if hint in kept), self._last)

    def render(self) -> Content:
        width = self.size.width
        *first, last = self.shown(width)
        spans: list[tuple[int, int, str]] = []
        pieces: list[Content | str] = [" "]
        at = 1
        for hint in first:
            spans.append((at, at + _cells(hint), hint.action))
            pieces += [_hint(hint), "  "]
            at += _cells(hint) + 2
        right = _hint(last)
        spans.append((width - _cells(last) - 1, width, last.action))
        self._spans = spans
        return lay_out(Content.assemble(*pieces).rstrip(), Content.assemble(right, " "), width)

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._spans:
            if start <= event.x < end:
                self.post_message(self.Pressed(action))
                return


def _cells(hint: Hint) -> int:
    return width_of(hint.key) + 1 + width_of(hint.title)


def _hint(hint: Hint) -> Content:
    if not hint.enabled:
        return Content.styled(f"{hint.key} {hint.title}", themes.style("muted"))
    return Content.assemble(
        Content.styled(hint.key, themes.style("accent", "bold")),
        Content.styled(f" {hint.title}", themes.style("muted")),
    )
