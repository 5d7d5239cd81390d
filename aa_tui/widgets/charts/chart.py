"""The chart widget: a framed plot with a value cursor. Takes a `ChartSpec`, posts what was opened; draws line by line.

The frame is drawn here and not by Textual, so that the time axis can stand in its lower edge and a cursor move repaints
only the two buckets, the readout and the axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from aa_tui import themes
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.charts.cursor import Cursor
from aa_tui.widgets.charts.draw import Cell, Picture, draw
from aa_tui.widgets.charts.scale import Slot, slot_of
from aa_tui.widgets.charts.spec import ChartSpec
from aa_tui.widgets.panel import Panel, PanelMessage

_FRAMES = {
    # (focused, ascii): corners from the top left clockwise, horizontal, vertical.
    (False, False): "╭╮╯╰─│",
    (True, False): "┏┓┛┗━┃",
    (False, True): "++++-|",
    (True, True): "####=#",
}


class Chart(Panel):
    """One framed chart with a cursor over its buckets."""

    class BucketOpened(PanelMessage):
        """The reader asked for what stands behind a bucket.

        `measure` is the chart's, `from_ms` and `to_ms` (exclusive) are the bucket's ends; `group` is the value of the
        group-by property, empty for all.
        """

        def __init__(self, chart: Chart, measure: str, from_ms: int, to_ms: int, group: str) -> None:
            super().__init__(chart)
            self.measure = measure
            self.from_ms = from_ms
            self.to_ms = to_ms
            self.group = group

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; min-height: 4; min-width: 12; }
    """
    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        **{role: (role, "") for role in ("good", "warn", "bad", "mark")},
        **dict.fromkeys(("partial", "tick", "date", "total", "legend", "message"), ("muted", "")),
        **dict.fromkeys(("axis", "frame"), ("line", "")),
        "bar": ("series-1", ""),
        "line": ("series-2", ""),
        "line2": ("series-1", ""),
        "name": ("text", ""),
        "title": ("text", "bold"),
        "focus": ("accent", ""),
        "readout": ("accent", "bold"),
        # Not `hit`, which some themes show reversed: a full block reversed is a hole.
        "cursor": ("mark", "bold"),
        "failed": ("bad", ""),
    }
    spec: reactive[ChartSpec | None] = reactive[ChartSpec | None](None)
    """What is drawn; None while it loads."""
    failure: reactive[str] = reactive("")
    """Why there is nothing to draw, in words; wins over `spec`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._picture: Picture | None = None
        self._drawn_for = (0, 0)
        self._cursor = Cursor()

    # What the cursor stands on -------------------------------------------------------------------------------

    @property
    def cursor_range(self) -> tuple[int, int] | None:
        """Start and end (exclusive) of the bucket under the cursor, epoch milliseconds."""
        spec, picture = self.spec, self._drawn()
        index = self._cursor.index
        if spec is None or picture is None or index is None or index >= len(picture.slots):
            return None
        return picture.slots[index].from_ms, picture.slots[index].to_ms

    @property
    def cursor_group(self) -> str:
        """Group under the cursor; empty when the chart is not grouped."""
        spec = self.spec
        return spec.series[self._cursor.group].group if spec and spec.form == "multiples" and spec.series else ""

    @property
    def stands_out(self) -> bool:
        """Whether some bucket's value is far off on the bad side: an incident."""
        spec, picture = self.spec, self._drawn()
        if spec is None or picture is None or not picture.slots:
            return False
        return self._cursor.outlier(spec, picture) is not None

    def readout(self, room: int = 200) -> str:
        """Say date, value and n of the bucket under the cursor in at most `room` cells; empty without one."""
        spec, picture = self.spec, self._drawn()
        return "" if spec is None or picture is None else self._cursor.words(spec, picture, room)

    # Changes -------------------------------------------------------------------------------------------------

    def watch_spec(self, before: ChartSpec | None, after: ChartSpec | None) -> None:
        """Redraw; the cursor stays at the same time, or starts where a value stands out on the bad side."""
        self._picture = None
        anew = before is None or after is None or before.measure != after.measure
        self._cursor.follow(after, self._drawn(), anew)

    def watch_failure(self) -> None:
        """Redraw as a message."""
        self.refresh()

    def on_resize(self) -> None:
        """Lay out again, keeping the cursor's time."""
        self._cursor.follow(self.spec, self._drawn())
        self.refresh()

    def step_across(self, by: int) -> bool:
        """Move the cursor by buckets; False when there is nothing to move over."""
        picture = self._drawn()
        if picture is None or not picture.slots:
            return False
        now = self._cursor.index
        start = now if now is not None else len(picture.slots) - 1
        self._place(min(len(picture.slots) - 1, max(0, start + by)))
        return True

    def step_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last bucket."""
        picture = self._drawn()
        if picture is not None and picture.slots:
            self._place(len(picture.slots) - 1 if last else 0)

    def step_down(self, by: int) -> bool:
        """Move to the group below (above with -1); False beyond the edge, where the focus should move on."""
        picture = self._drawn()
        if picture is None or self.spec is None or self.spec.form != "multiples":
            return False
        if not 0 <= self._cursor.group + by < len(picture.bands):
            return False
        self._cursor.group += by
        self.refresh()
        return True

    def open_cursor(self) -> None:
        """Open what stands behind the bucket under the cursor."""
        reach = self.cursor_range
        if reach is not None and self.spec is not None:
            self.post_message(self.BucketOpened(self, self.spec.measure, *reach, self.cursor_group))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points; a click on the bucket under the cursor opens it."""
        picture = self._drawn()
        if picture is None:
            return
        index = slot_of(picture.slots, event.x - 1 - picture.left)
        if index is None:
            return
        row = event.y - 1
        cursor = self._cursor
        group = next((i for i, (first, last) in enumerate(picture.bands) if first <= row < last), cursor.group)
        grouped = self.spec is not None and self.spec.form == "multiples"
        again = index == cursor.index and (not grouped or group == cursor.group) and event.chain > 1
        if grouped and group != cursor.group:
            cursor.group = group
            self.refresh()
        self._place(index)
        if again:
            self.open_cursor()

    def _place(self, index: int) -> None:
        picture = self._drawn()
        old = self._cursor.index
        if index == old or picture is None:
            return
        before = self._heading()
        self._cursor.place(picture, index)
        after = self._heading()
        for each in (old, index):
            if each is not None and each < len(picture.slots):
                slot = picture.slots[each]
                first = 1 + picture.left + slot.left
                self.refresh(Region(first, 1, slot.right - slot.left, self.size.height - 1))
        width = self.size.width
        changed = width - 2 if before[0] != after[0] else max(width_of(before[1]), width_of(after[1])) + 2
        self.refresh(Region(max(0, width - changed - 2), 0, min(width, changed + 1), 1))

    # Drawing -------------------------------------------------------------------------------------------------

    def _drawn(self) -> Picture | None:
        spec = self.spec
        if spec is None or self.size.width < 10 or self.size.height < 3:
            return None
        room = (self.size.width - 2, self.size.height - 2)
        if self._picture is None or self._drawn_for != room:
            self._picture, self._drawn_for = draw(spec, *room, glyphs.ascii_mode()), room
        return self._picture

    def _heading(self) -> tuple[str, str]:
        """Return what stands at the left and at the right of the upper edge; together they fit."""
        spec, picture = self.spec, self._drawn()
        if spec is None:
            return "", ""
        titles = [spec.title, spec.short or spec.title]
        if spec.form == "lines" and len(spec.series) > 1:
            dots = (".", "*") if glyphs.ascii_mode() else ("⠄", "⠒")
            keys = " ".join(f"{s.name} {dots[i == len(spec.series) - 1]}" for i, s in enumerate(spec.series))
            titles.insert(0, f"{spec.title} · {keys}")
        # Corners, blanks around both texts, and a cell of the edge between them.
        room = max(0, self.size.width - 7)
        if not self.has_focus or picture is None:
            beside = room - width_of(titles[0])
            right = next((text for text in spec.legends if width_of(text) <= beside), "")
            return glyphs.plain(clip(titles[0], room)), glyphs.plain(right)
        needs = self._cursor.width(spec, picture)
        title = clip(next((each for each in titles if width_of(each) + needs <= room), titles[-1]), room // 2)
        return glyphs.plain(title), glyphs.plain(self.readout(room - width_of(title)))

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if width < 10 or height < 3:
            return Strip.blank(width, self.style_of(""))
        frame = _FRAMES[self.has_focus, glyphs.ascii_mode()]
        edge = "focus" if self.has_focus else "frame"
        if y == 0:
            return self._top(frame, edge, width)
        cells = self._bottom(frame) if y == height - 1 else self._body(y - 1)
        sides = (frame[3], frame[2]) if y == height - 1 else (frame[5], frame[5])
        runs = (("".join(char for char, _ in run), role) for role, run in groupby(cells, key=itemgetter(1)))
        return self.strip_of([(sides[0], edge), *runs, (sides[1], edge)], width)

    def _top(self, frame: str, edge: str, width: int) -> Strip:
        title, right = self._heading()
        left, end = (f" {text} " if text else "" for text in (title, right))
        rule = frame[4] * max(0, width - 2 - width_of(left) - width_of(end))
        role = "readout" if self.has_focus else "legend"
        return self.strip_of([(frame[0], edge), (left, "title"), (rule, edge), (end, role), (frame[1], edge)], width)

    def _message(self, row: int, text: str, role: str) -> list[Cell]:
        width, height = self.size.width - 2, self.size.height - 2
        if row != height // 2:
            return [(" ", "")] * width
        return [(char, role) for char in glyphs.plain(clip(text, width - 2)).center(width)]

    def _body(self, row: int) -> Sequence[Cell]:
        spec = self.spec
        if self.failure:
            return self._message(row, self.failure, "failed")
        if spec is None:
            return self._message(row, "· · ·" if not glyphs.ascii_mode() else ". . .", "message")
        if not spec.has_values:
            return self._message(row, spec.empty, "message")
        picture = self._drawn()
        if picture is None or row >= len(picture.rows):
            return [(" ", "")] * (self.size.width - 2)
        cells = picture.rows[row]
        slot = self._slot(picture)
        return cells if slot is None else self._with_cursor(picture, slot, list(cells), row)

    def _slot(self, picture: Picture) -> Slot | None:
        """Return the bucket under the cursor, None where no cursor is drawn."""
        index = self._cursor.index
        return picture.slots[index] if self.has_focus and index is not None and index < len(picture.slots) else None

    def _with_cursor(self, picture: Picture, slot: Slot, cells: list[Cell], row: int) -> list[Cell]:
        in_group = True
        if self.spec is not None and self.spec.form == "multiples" and self._cursor.group < len(picture.bands):
            first, last = picture.bands[self._cursor.group]
            in_group = first <= row < last
            if in_group:
                cells[: picture.left - 1] = [(char, "readout") for char, _ in cells[: picture.left - 1]]
        thread = ":" if glyphs.ascii_mode() else "┊"
        solid = "@" if glyphs.ascii_mode() else "▒" if themes.current().name == "mono" else ""
        middle = (slot.left + slot.right - 1) // 2
        for column in range(slot.left, slot.right):
            char, _ = cells[picture.left + column]
            if char in (" ", ""):
                if column == middle and in_group:
                    cells[picture.left + column] = (thread, "cursor")
            elif in_group:
                cells[picture.left + column] = (solid if solid and char in "█#" else char, "cursor")
        return cells

    def _bottom(self, frame: str) -> Sequence[Cell]:
        picture = self._drawn()
        width = self.size.width - 2
        edge = "focus" if self.has_focus else "frame"
        if picture is None or self.failure or self.spec is None or not self.spec.has_values:
            return [(frame[4], edge)] * width
        cells = [(frame[4], edge) if role == "frame" else (char, role) for char, role in picture.axis]
        slot = self._slot(picture)
        if slot is not None:
            middle = (slot.left + slot.right - 1) // 2
            columns = sorted(range(slot.left, slot.right), key=lambda column: abs(column - middle))
            free = next((column for column in columns if cells[picture.left + column][1] == edge), None)
            if free is not None:
                cells[picture.left + free] = ("^" if glyphs.ascii_mode() else "▲", "cursor")
            for column in columns if free is None else ():
                # A date or a mark stands there: it is lit up, not covered.
                cells[picture.left + column] = (cells[picture.left + column][0], "cursor")
        return cells
