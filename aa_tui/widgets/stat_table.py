"""A small table of figures with a title line (or tabs) above it: agents, tools, errors. Plain values in, messages out.

For a few hundred rows that are all in memory; long lists use the windowed table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.geometry import Region
from textual.strip import Strip

from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, width_of
from aa_tui.widgets.panel import Panel, PanelMessage, Piece

_GAP = 2


class Column(NamedTuple):
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


class StatRow(NamedTuple):
    """One line: its cells, and the value that Enter stands for."""

    key: str
    cells: tuple[Cell, ...]


class StatTable(Panel):
    """Rows of figures under a title line. A `▸` marks the row under the cursor while focused."""

    class RowOpened(PanelMessage):
        """The reader asked for what stands behind the row with this key."""

        def __init__(self, table: StatTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    class TabChosen(PanelMessage):
        """The tab at this position was clicked."""

        def __init__(self, table: StatTable, index: int) -> None:
            super().__init__(table)
            self.index = index

    DEFAULT_CSS = """
    StatTable { height: 1fr; width: 1fr; min-height: 3; }
    """
    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        **{role: (role, "") for role in ("text", "muted", "good", "warn", "bad", "cursor")},
        "bar": ("series-1", ""),
        "title": ("text", "bold"),
        "current": ("text", "bold reverse"),
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
        self._fitted: tuple[int, list[tuple[int, int]]] | None = None
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
        self._fitted = None
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
        return True

    def step_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        if self._rows:
            self._cursor = len(self._rows) - 1 if last else 0
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

    def _widths(self) -> list[tuple[int, int]]:
        """Return (column index, width) of the columns that fit."""
        if self._fitted is None or self._fitted[0] != self.size.width:
            self._fitted = self.size.width, self._fit()
        return self._fitted[1]

    def _fit(self) -> list[tuple[int, int]]:
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
            return self.strip_of(self._head(width), width)
        row = y - 2 + self._top
        if y == 1:
            return self._line([(column.title, "header") for column in self._columns], " ", "header")
        if row >= len(self._rows):
            text = self._empty if not self._rows and y == 2 else ""
            return self.strip_of([("  " + clip(text, width - 2), "muted")], width)
        here = self.has_focus and row == self._cursor
        return self._line(self._rows[row].cells, glyphs.get("cursor") if here else " ", "text", here)

    def _line(self, cells: Sequence[Cell], lead: str, role: str, here: bool = False) -> Strip:
        pieces = [(lead, role)]
        for index, size in self._widths() if self._rows else ():
            text, cell_role = cells[index]
            piece = glyphs.plain(pad(text, size, right=self._columns[index].right))
            pieces.append((piece + " " * _GAP, cell_role))
        return self.strip_of(pieces, self.size.width, here)

    def _head(self, width: int) -> list[Piece]:
        rule = glyphs.get("rule")
        edge = "focus" if self.has_focus else "rule"
        pieces = [(rule, edge)]
        self._tab_spans = []
        at = 1
        for index, title in enumerate(self._tabs or (self._title,)):
            if index:
                pieces.append((rule, edge))
                at += 1
            text = f" {title} "
            self._tab_spans.append((at, at + len(text), index))
            at += len(text)
            pieces.append((text, "title" if not self._tabs else "current" if title == self._title else "tab"))
        count = f"{self._cursor + 1} of {len(self._rows)}" if len(self._rows) > max(1, self.size.height - 2) else ""
        note = f" {glyphs.get('dot')} ".join(part for part in (self._note, count) if part)
        end = f" {glyphs.plain(clip(note, max(0, width - at - 4)))} " if note and width - at > 8 else ""
        return [*pieces, (rule * max(0, width - at - width_of(end) - 1), edge), (end, "muted"), (rule, edge)]
