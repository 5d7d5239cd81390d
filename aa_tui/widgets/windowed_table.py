"""A table over an ordered list of ids that may have a million lines; it holds and paints only what is on the screen.

It knows no rows of its own: the parent gives ids, answers `Wanted` with rows, and a formatter says how a row looks.
Only lines that changed are painted again, because over SSH every byte is felt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aa_tui import themes
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import pad
from aa_tui.widgets.columns import Column, Line, fit
from aa_tui.widgets.mark_set import MarkSet
from aa_tui.widgets.textual_compat import OwnLines, set_virtual_size

MARGIN = 60
"""Rows asked for above and below the screen, where two pages are not more."""
_KEEP_ROWS = 800
"""Rows kept before those far from the screen are forgotten: a thousand rows are three megabytes."""
_PLACEHOLDER = "·"


class WindowedTable(OwnLines, ScrollView, can_focus=True, inherit_bindings=False):
    """The table. The first line is its header; the rest scrolls below it."""

    DEFAULT_CSS = """
    WindowedTable {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
    }
    """

    class TableMessage(Message):
        """What all messages of the table share."""

        def __init__(self, table: WindowedTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> WindowedTable:
            return self.table

    class Wanted(TableMessage):
        """Rows on or near the screen that are not known yet, by `ids`; answer with `put_rows`."""

        def __init__(self, table: WindowedTable, ids: list[int]) -> None:
            super().__init__(table)
            self.ids = ids

    class Moved(TableMessage):
        """The cursor stands on another row."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, WindowedTable.Moved) and message.table is self.table

    class Opened(TableMessage):
        """The row under the cursor was double-clicked."""

    class Marked(TableMessage):
        """The marks changed."""

    class SortClicked(TableMessage):
        """A sortable header was clicked; `sort` is the name of the order."""

        def __init__(self, table: WindowedTable, sort: str) -> None:
            super().__init__(table)
            self.sort = sort

    def __init__(self, columns: Sequence[Column], formatter: Callable[[Any], Line], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.ids: Sequence[int] = ()
        self.marks = MarkSet()
        self.cursor = 0
        self._formatter = formatter
        self._rows: dict[int, Any] = {}
        self._lines: dict[int, Line] = {}
        self._sort = ("", True)
        self._anchor: int | None = None
        self._layout_width = -1
        self._layout: list[tuple[Column, int]] = []
        self._styles: dict[tuple[str, str], Style] = {}
        self._styles_of = ""
        self._asked: frozenset[int] = frozenset()

    # -- what the parent gives

    def set_ids(self, ids: Sequence[int], keep: bool = True) -> None:
        """Show this list. With `keep`, the cursor stays on the row it is on, at the same height of the screen."""
        here, seen = self.cursor_id, (list(self._window(0)), self.cursor, round(self.scroll_y))
        offset = self.cursor - round(self.scroll_y)
        self.ids = ids
        self._anchor = None
        self._asked = frozenset()
        place = 0
        if keep and here is not None:
            try:
                place = ids.index(here)
            except ValueError:
                place = min(self.cursor, max(0, len(ids) - 1))
        self.cursor = place
        set_virtual_size(self, Size(self._width, len(ids) + 1))
        self.scroll_to(y=max(0, place - offset) if keep else 0, animate=False)
        if seen != (list(self._window(0)), self.cursor, round(self.scroll_y)):
            self.refresh()
        self._announce()
        self._want()

    def put_rows(self, rows: Mapping[int, Any]) -> None:
        """Give rows by id; lines on the screen that waited for them are painted."""
        if len(self._rows) > _KEEP_ROWS:
            near = set(self._window(self._margin))
            self._rows = {row_id: row for row_id, row in self._rows.items() if row_id in near}
            self._lines.clear()
        self._rows.update(rows)
        for row_id in rows:
            self._lines.pop(row_id, None)
        if any(row_id in rows for row_id in self._window(0)):
            self.refresh()

    def forget_rows(self) -> None:
        """Forget every row, because the data behind them may have changed; they are asked for again."""
        self._rows.clear()
        self._lines.clear()
        self._asked = frozenset()
        self._want()

    @property
    def shown_ids(self) -> list[int]:
        """The rows on the screen."""
        return list(self._window(0))

    def renew_rows(self, rows: Mapping[int, Any]) -> None:
        """Take newer versions of the rows on the screen: what says something else is painted, nothing moves.

        Rows elsewhere are forgotten; they are asked for again when they come onto the screen.
        """
        changed = {row_id for row_id, row in rows.items() if self._rows.get(row_id) != row}
        self._rows = dict(rows)
        self._lines = {row_id: line for row_id, line in self._lines.items() if row_id in rows and row_id not in changed}
        self._asked = frozenset()
        top = round(self.scroll_y)
        for index, row_id in enumerate(self._window(0), top):
            if row_id in changed:
                self._paint(index)

    def set_sort(self, sort: str, descending: bool) -> None:
        """Show in the header what the list is sorted by."""
        if self._sort != (sort, descending):
            self._sort = (sort, descending)
            self.refresh(Region(0, 0, self._width, 1))

    def row(self, row_id: int) -> Any | None:
        """Return a row that has been given, or None."""
        return self._rows.get(row_id)

    @property
    def cursor_id(self) -> int | None:
        """The id under the cursor, or None in an empty list."""
        return self.ids[self.cursor] if self.cursor < len(self.ids) else None

    @property
    def page(self) -> int:
        """How many rows the screen shows."""
        return max(1, self.size.height - 1)

    # -- moving

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, scrolling a third of the page when it would leave the screen."""
        if not self.ids:
            return
        index = max(0, min(index, len(self.ids) - 1))
        before, self.cursor = self.cursor, index
        top = round(self.scroll_y)
        if index < top or index >= top + self.page:
            step = max(1, self.page // 3)
            near = abs(index - before) < self.page
            if index < top:
                target = index - (step - 1 if near else self.page // 2)
            else:
                target = index - self.page + (step if near else self.page // 2)
            self.scroll_to(y=max(0, min(target, len(self.ids) - self.page)), animate=False)
            if round(self.scroll_y) == top:
                self.refresh()
        elif self._anchor is not None and abs(index - before) > 1:
            self.refresh()
        if before != index:
            self._paint(before)
            self._paint(index)
            self._announce()

    def move_by(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self.cursor + rows)

    def scroll_rows(self, rows: int) -> None:
        """Scroll without leaving the cursor behind: it moves along only when it would leave the screen."""
        limit = max(0, len(self.ids) - self.page)
        top = max(0, min(round(self.scroll_y) + rows, limit))
        if top == round(self.scroll_y):
            self.move_by(rows)
            return
        self.scroll_to(y=top, animate=False)
        self.move_to(max(top, min(self.cursor, top + self.page - 1)))

    # -- marks

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor and move on; with a range begun, mark the range."""
        if self.cursor_id is None:
            return
        if self._anchor is not None:
            self.toggle_range()
            return
        self.marks.toggle(self.cursor_id)
        self._paint(self.cursor)
        self.move_by(1)
        self.post_message(self.Marked(self))

    def toggle_range(self) -> None:
        """Begin a range at the cursor, or mark the range that was begun."""
        if self._anchor is None:
            self._anchor = self.cursor if self.ids else None
        else:
            first, last = sorted((self._anchor, self.cursor))
            self._anchor = None
            self.marks.add(self.ids[first : last + 1])
        self.refresh()
        self.post_message(self.Marked(self))

    def mark_all(self) -> None:
        """Mark every row, or none when all are marked."""
        if self.marks.inverted:
            self.marks.clear()
        else:
            self.marks.all()
        self._anchor = None
        self.refresh()
        self.post_message(self.Marked(self))

    def clear_marks(self) -> bool:
        """Take back a begun range, else all marks; return whether there was anything to take back."""
        if self._anchor is not None:
            self._anchor = None
        elif self.marks.count(len(self.ids)):
            self.marks.clear()
        else:
            return False
        self.refresh()
        self.post_message(self.Marked(self))
        return True

    @property
    def range_begun(self) -> bool:
        """True while a range of marks is being drawn."""
        return self._anchor is not None

    def _is_marked(self, index: int) -> bool:
        if self._anchor is not None:
            first, last = sorted((self._anchor, self.cursor))
            if first <= index <= last:
                return True
        return self.ids[index] in self.marks

    # -- what is on the screen

    @property
    def _width(self) -> int:
        """Cells of a line: the scrollbar has its own and repaints by itself."""
        return self.scrollable_content_region.width

    def _window(self, margin: int) -> Sequence[int]:
        top = round(self.scroll_y)
        return self.ids[max(0, top - margin) : top + self.page + margin]

    @property
    def _margin(self) -> int:
        return max(MARGIN, 2 * self.page)

    def _want(self) -> None:
        # A page ahead, so that the next page is painted once, with its rows, and not first with placeholders.
        if any(row_id not in self._rows for row_id in self._window(self.page)):
            missing = [row_id for row_id in self._window(self._margin) if row_id not in self._rows]
            if frozenset(missing) != self._asked:
                self._asked = frozenset(missing)
                self.post_message(self.Wanted(self, missing))

    def _announce(self) -> None:
        if self.cursor_id is not None:
            self.post_message(self.Moved(self))

    def _paint(self, index: int) -> None:
        y = index - round(self.scroll_y) + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self._width, 1))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want()

    def on_resize(self) -> None:
        set_virtual_size(self, Size(self._width, len(self.ids) + 1))
        self.move_to(self.cursor)
        self._want()

    # -- drawing

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def _style(self, meaning: str, base: str = "") -> Style:
        if self._styles_of != themes.current().name:
            self._styles.clear()
            self._styles_of = themes.current().name
        found = self._styles.get((meaning, base))
        if found is None:
            style = self.visual_style
            for name in (base, meaning):
                if name:
                    style += self.app.stylesheet.parse_style(themes.style(name))
            found = self._styles[meaning, base] = style.rich_style
        return found

    def _columns_now(self) -> list[tuple[Column, int]]:
        width = self._width
        if width != self._layout_width:
            self._layout_width = width
            self._layout = fit(self.columns, width - 2)
        return self._layout

    def render_line(self, y: int) -> Strip:
        width = self._width
        if y == 0:
            return self._header(width)
        index = round(self.scroll_y) + y - 1
        if index >= len(self.ids):
            return Strip([Segment(" " * width, self._style(""))], width)
        return self._line(index, width)

    def _header(self, width: int) -> Strip:
        pieces = []
        for column, cells in self._columns_now():
            title = column.title
            if column.sort is not None and column.sort == self._sort[0]:
                title = f"{title}{glyphs.get('sort_down' if self._sort[1] else 'sort_up')}"
            pieces.append(pad(title, cells, column.right))
        text = pad(" " + " ".join(pieces), width)
        return Strip([Segment(text, self._style("muted"))], width)

    def _line(self, index: int, width: int) -> Strip:
        row_id = self.ids[index]
        on = index == self.cursor
        marked = self._is_marked(index)
        sign = glyphs.get("mark") if marked else glyphs.get("cursor") if on else " "
        row = self._rows.get(row_id)
        if row is None:
            text = pad(sign + _PLACEHOLDER * 12, width)
            return Strip([Segment(text, self._style("cursor") if on else self._style("muted"))], width)
        line = self._lines.get(row_id)
        if line is None:
            line = self._lines[row_id] = self._formatter(row)
        runs: list[tuple[str, str]] = [(sign, "mark" if marked else "text")]
        for column, cells in self._columns_now():
            text = pad(line.cells.get(column.key, ""), cells, column.right) + " "
            runs.append((text, line.meanings.get(column.key, "text")))
        # Under the cursor the whole line is one run: fewer bytes, and the bar stays readable.
        if on:
            whole = pad("".join(text for text, _ in runs), width)
            return Strip([Segment(whole, self._style("cursor"))], width)
        segments: list[Segment] = []
        held, meaning_held = "", ""
        for text, meaning in runs:
            # Blanks take any style: a run only begins where something of another style is drawn.
            if meaning != meaning_held and text.strip():
                if held.strip():
                    segments.append(Segment(held, self._style("", meaning_held)))
                    held = ""
                meaning_held = meaning
            held += text
        segments.append(Segment(held, self._style("", meaning_held)))
        return Strip(segments).adjust_cell_length(width, self._style("", meaning_held))

    # -- mouse

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._click_header(event.x)
            return
        index = round(self.scroll_y) + event.y - 1
        if index >= len(self.ids):
            return
        self.focus()
        self.move_to(index)
        if event.chain == 2:
            self.post_message(self.Opened(self))

    def _click_header(self, x: int) -> None:
        at = 1
        for column, cells in self._columns_now():
            if at <= x <= at + cells and column.sort is not None:
                self.post_message(self.SortClicked(self, column.sort))
                return
            at += cells + 1

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_rows(-3)
