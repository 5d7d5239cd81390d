"""A small table of figures with a title line (or tabs) above it: agents, tools, errors. Plain values in, messages out.

For a few hundred rows that are all in memory; long lists use the windowed table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, width_of
from aa_tui.widgets.role_style import RoleStyled

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: header, and how it behaves when space is short or plenty."""

    title: str
    right: bool = True
    """Numbers stand right-aligned."""
    priority: int = 0
    """Higher stays longer; the first column always stays."""
    flex: bool = False
    """Takes what is left over, at least `width`."""
    width: int = 0
    """Least width of a flexible column."""


Cell = tuple[str, str]
"""Text (safe to draw) and role: text, muted, good, warn, bad."""


@dataclass(frozen=True, slots=True)
class StatRow:
    """One line: its cells, and the value that Enter stands for."""

    key: str
    cells: tuple[Cell, ...]


class StatTable(RoleStyled, can_focus=True):
    """Rows of figures under a title line. A `▸` marks the row under the cursor while focused."""

    @dataclass
    class RowOpened(Message):
        """The reader asked for what stands behind a row."""

        table: StatTable
        """Where it happened."""
        key: str
        """The row's key."""

        @property
        def control(self) -> StatTable:
            return self.table

    @dataclass
    class TabChosen(Message):
        """Another tab was clicked."""

        table: StatTable
        """Where it happened."""
        index: int
        """Position of the tab."""

        @property
        def control(self) -> StatTable:
            return self.table

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        table: StatTable
        """Where it happened."""

        @property
        def control(self) -> StatTable:
            return self.table

    DEFAULT_CSS = """
    StatTable { height: 1fr; width: 1fr; min-height: 3; }
    """
    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        **{role: (role, "") for role in ("text", "muted", "good", "warn", "bad", "cursor")},
        "bar": ("series-1", ""),
        "title": ("text", "bold"),
        "tab": ("muted", ""),
        "header": ("muted", ""),
        "rule": ("line", ""),
        "focus": ("accent", ""),
    }

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._note = ""
        self._tabs: tuple[str, ...] = ()
        self._columns: tuple[Column, ...] = ()
        self._rows: tuple[StatRow, ...] = ()
        self._empty = ""
        self._cursor = 0
        self._top = 0
        self._tab_spans: list[tuple[int, int, int]] = []

    @property
    def title(self) -> str:
        """The name of the table."""
        return self._title

    def set(self, columns: Sequence[Column], rows: Sequence[StatRow], *, note: str = "", empty: str = "") -> None:
        """Show these rows, the cursor staying on its key; `note` stands in the title line, `empty` where no row is."""
        new = (tuple(columns), tuple(rows), note, empty)
        if new == (self._columns, self._rows, self._note, self._empty):
            return
        held = self.current
        self._columns, self._rows, self._note, self._empty = new
        keys = [row.key for row in self._rows]
        self._cursor = keys.index(held.key) if held is not None and held.key in keys else 0
        self._scroll()
        self.refresh()

    def set_tabs(self, titles: Sequence[str]) -> None:
        """Show the titles of all tables as tabs, this one's reversed; none: only its own title."""
        if tuple(titles) != self._tabs:
            self._tabs = tuple(titles)
            self.refresh(Region(0, 0, self.size.width, 1))

    @property
    def current(self) -> StatRow | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def step_down(self, by: int) -> bool:
        """Move the cursor by rows; False beyond the edge, where the focus should move on."""
        wanted = self._cursor + by
        if not 0 <= wanted < len(self._rows):
            return False
        before, top = self._cursor, self._top
        self._cursor = wanted
        self._scroll()
        if top != self._top:
            self.refresh()
        else:
            for row in (before, wanted):
                self.refresh(Region(0, 2 + row - self._top, self.size.width, 1))
        self.post_message(self.Moved(self))
        return True

    def step_across(self, by: int) -> bool:
        """Rows have no columns to stand on: the key is for whoever comes next."""
        return False

    def step_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        if self._rows:
            self._cursor = len(self._rows) - 1 if last else 0
            self._scroll()
            self.refresh()
            self.post_message(self.Moved(self))

    def step_page(self, by: float) -> None:
        """Move the cursor by pages."""
        if self._rows:
            rows = max(1, round((self.size.height - 2) * abs(by)))
            self._cursor = min(len(self._rows) - 1, max(0, self._cursor + (rows if by > 0 else -rows)))
            self._scroll()
            self.refresh()

    def open_cursor(self) -> None:
        """Open what stands behind the row under the cursor."""
        if self.current is not None:
            self.post_message(self.RowOpened(self, self.current.key))

    def _scroll(self) -> None:
        room = max(1, self.size.height - 2)
        self._top = min(self._top, self._cursor, max(0, len(self._rows) - room))
        self._top = max(self._top, self._cursor - room + 1)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose a tab, put the cursor on a row; a second click opens it."""
        if event.y == 0:
            for start, end, index in self._tab_spans:
                if start <= event.x < end:
                    self.post_message(self.TabChosen(self, index))
            return
        row = event.y - 2 + self._top
        if event.y >= 2 and row < len(self._rows):
            if row == self._cursor and event.chain > 1:
                self.open_cursor()
            elif row != self._cursor:
                self.step_down(row - self._cursor)

    # Drawing -------------------------------------------------------------------------------------------------

    def _style(self, role: str, under_cursor: bool = False) -> Style:
        return self.role_style(role, "cursor") if under_cursor else self.role_style(role)

    def _widths(self) -> list[tuple[int, int]]:
        """Return (column index, width) of the columns that fit."""
        needs = []
        for index, column in enumerate(self._columns):
            widest = max((width_of(row.cells[index][0]) for row in self._rows), default=0)
            needs.append(column.width if column.flex else max(width_of(column.title), widest))
        room = self.size.width - 2
        kept: list[int] = []
        for index in sorted(range(len(needs)), key=lambda i: (i != 0, -self._columns[i].priority)):
            if needs[index] + _GAP <= room or not kept:
                kept.append(index)
                room -= needs[index] + _GAP
        kept.sort()
        stretch = [index for index in kept if self._columns[index].flex]
        extra = max(0, room) // max(1, len(stretch))
        return [(index, needs[index] + (extra if index in stretch else 0)) for index in kept]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._head(width)
        columns = self._widths()
        row = y - 2 + self._top
        if y == 1:
            cells = [(self._columns[i].title, "header") for i, _ in columns]
            return (
                self._line(columns, cells, " ", "header", width)
                if self._rows
                else Strip.blank(width, self.role_style())
            )
        if row >= len(self._rows):
            text = self._empty if not self._rows and y == 2 else ""
            return Strip([Segment("  " + clip(text, width - 2), self._style("muted"))]).adjust_cell_length(
                width, self.role_style()
            )
        here = self.has_focus and row == self._cursor
        cells = [self._rows[row].cells[i] for i, _ in columns]
        return self._line(columns, cells, glyphs.get("cursor") if here else " ", "text", width, here)

    def _line(
        self,
        columns: list[tuple[int, int]],
        cells: list[Cell],
        lead: str,
        role: str,
        width: int,
        here: bool = False,
    ) -> Strip:
        segments = [Segment(lead, self._style(role, here))]
        for (index, size), (text, cell_role) in zip(columns, cells, strict=True):
            column = self._columns[index]
            piece = glyphs.plain(pad(text, size, right=column.right)) + " " * _GAP
            segments.append(Segment(piece, self._style(cell_role, here)))
        return Strip(segments).adjust_cell_length(width, self._style(role, here))

    def _head(self, width: int) -> Strip:
        rule = glyphs.get("rule")
        edge = "focus" if self.has_focus else "rule"
        segments = [Segment(rule, self._style(edge))]
        self._tab_spans = []
        at = 1
        for index, title in enumerate(self._tabs or (self._title,)):
            text = f" {title} "
            role = ("title" if title == self._title else "tab") if self._tabs else "title"
            self._tab_spans.append((at, at + len(text), index))
            at += len(text)
            segments.append(
                Segment(text, self._style(role) + (Style(reverse=True) if self._tabs and role == "title" else Style()))
            )
            if self._tabs and index < len(self._tabs) - 1:
                segments.append(Segment(rule, self._style(edge)))
                at += 1
        count = f"{self._cursor + 1} of {len(self._rows)}" if len(self._rows) > max(1, self.size.height - 2) else ""
        note = f" {glyphs.get('dot')} ".join(part for part in (self._note, count) if part)
        end = f" {glyphs.plain(clip(note, max(0, width - at - 4)))} " if note and width - at > 8 else ""
        segments.append(Segment(rule * max(0, width - at - width_of(end) - 1), self._style(edge)))
        segments.append(Segment(end, self._style("muted")))
        segments.append(Segment(rule, self._style(edge)))
        return Strip(segments).adjust_cell_length(width, self.role_style())
