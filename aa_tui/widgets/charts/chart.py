"""The chart widget: a framed plot with a value cursor. Takes a `ChartSpec`, posts what was opened; draws line by line.

The frame is drawn here and not by Textual, so that the time axis can stand in its lower edge and a cursor move repaints
only the two buckets, the readout and the axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from aa_tui import themes
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.charts.draw import Cell, Picture, draw
from aa_tui.widgets.charts.scale import notable, readout, slot_of, when
from aa_tui.widgets.charts.spec import ChartSpec
from aa_tui.widgets.role_style import RoleStyled

_FRAMES = {
    # (focused, ascii): corners from the top left clockwise, horizontal, vertical.
    (False, False): "╭╮╯╰─│",
    (True, False): "┏┓┛┗━┃",
    (False, True): "++++-|",
    (True, True): "####=#",
}


class Chart(RoleStyled, can_focus=True):
    """One framed chart with a cursor over its buckets. It binds no keys: its screen moves the cursor and opens."""

    @dataclass
    class BucketOpened(Message):
        """The reader asked for what stands behind a bucket."""

        chart: Chart
        """The chart it happened in."""
        measure: str
        """Measure id of the chart."""
        from_ms: int
        """Start of the bucket."""
        to_ms: int
        """End of the bucket, exclusive."""
        group: str
        """Value of the group-by property; empty for all."""

        @property
        def control(self) -> Chart:
            return self.chart

    @dataclass
    class CursorMoved(Message):
        """The value cursor stands on another bucket."""

        chart: Chart
        """The chart it happened in."""

        @property
        def control(self) -> Chart:
            return self.chart

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
        self._at_ms: int | None = None
        self._cursor: int | None = None
        self._group = 0

    # What the cursor stands on -------------------------------------------------------------------------------

    @property
    def cursor_range(self) -> tuple[int, int] | None:
        """Start and end (exclusive) of the bucket under the cursor, epoch milliseconds."""
        picture = self._drawn()
        if picture is None or self._cursor is None or self._cursor >= len(picture.slots):
            return None
        slot = picture.slots[self._cursor]
        return slot.from_ms, slot.to_ms

    @property
    def cursor_group(self) -> str:
        """Group under the cursor; empty when the chart is not grouped."""
        spec = self.spec
        return spec.series[self._group].group if spec and spec.form == "multiples" and spec.series else ""

    @property
    def stands_out(self) -> bool:
        """Whether some bucket's value is far off on the bad side: an incident."""
        picture = self._drawn()
        return picture is not None and bool(picture.slots) and self._outlier(picture) is not None

    def readout(self, room: int = 200) -> str:
        """Say date, value and n of the bucket under the cursor, and what happened then if it fits; empty without."""
        spec, picture = self.spec, self._drawn()
        if spec is None or picture is None or self._cursor is None or self._cursor >= len(picture.slots):
            return ""
        slot = picture.slots[self._cursor]
        parts = [when(slot.from_ms, slot.to_ms, spec.interval, spec.zone, slot.intervals)]
        rows = [self._group] if spec.form == "multiples" else range(len(picture.values))
        n = 0
        for index in rows:
            value, n = picture.values[index][self._cursor]
            text = readout(value, spec.unit)
            parts.append(f"{spec.series[index].name} {text}" if spec.form == "lines" else text)
        cut = spec.incomplete(slot.from_ms, slot.to_ms)
        if cut:
            parts.append(cut)
        if slot.intervals > 1 and spec.how == "mean":
            parts.append(f"a {spec.interval}")
        if spec.measure != "sessions":
            parts.append(f"n{n:,}")
        mark = next((each.label for each in spec.marks if slot.from_ms <= each.at_ms < slot.to_ms), None)
        text = "  ".join(parts)
        for more in (mark, spec.source):
            if more and width_of(text) + 2 + width_of(more) <= room:
                text += f"  {more}"
        return text

    # Changes -------------------------------------------------------------------------------------------------

    def watch_spec(self, before: ChartSpec | None, after: ChartSpec | None) -> None:
        """Redraw; the cursor stays at the same time, or starts where a value stands out on the bad side."""
        self._picture = None
        self._group = min(self._group, max(0, len(after.series) - 1)) if after else 0
        if before is None or after is None or before.measure != after.measure:
            self._at_ms = None
        self._find_cursor()

    def _find_cursor(self) -> None:
        """Put the cursor where its time is drawn now, or where it starts."""
        picture = self._drawn()
        self._cursor = None
        if picture is None or not picture.slots:
            return
        at = self._at_ms
        if at is not None and picture.slots[0].from_ms <= at < picture.slots[-1].to_ms:
            self._cursor = max(index for index, slot in enumerate(picture.slots) if slot.from_ms <= at)
        else:
            self._cursor = self._start(picture)

    def watch_failure(self) -> None:
        """Redraw as a message."""
        self.refresh()

    def _main_row(self, picture: Picture) -> tuple[tuple[float | None, int], ...]:
        """Values and n of the series the cursor is about: the group, the important line, the bars."""
        spec = self.spec
        if spec is None or not picture.values:
            return ()
        return picture.values[-1 if spec.form == "lines" else min(self._group, len(picture.values) - 1)]

    def _outlier(self, picture: Picture) -> int | None:
        spec = self.spec
        row = self._main_row(picture)
        if spec is None:
            return None
        counts = None if spec.how == "mean" else [n for _, n in row]
        return notable([value for value, _ in row], spec.higher_is_better, counts)

    def _start(self, picture: Picture) -> int:
        found = self._outlier(picture)
        if found is not None:
            return found
        row = self._main_row(picture)
        filled = [index for index, (value, n) in enumerate(row) if value is not None and (value or n)]
        return filled[-1] if filled else len(picture.slots) - 1

    def on_resize(self) -> None:
        """Lay out again, keeping the cursor's time."""
        self._find_cursor()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def step_across(self, by: int) -> bool:
        """Move the cursor by buckets; False when there is nothing to move over."""
        picture = self._drawn()
        if picture is None or not picture.slots:
            return False
        start = self._cursor if self._cursor is not None else len(picture.slots) - 1
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
        if not 0 <= self._group + by < len(picture.bands):
            return False
        self._group += by
        self.refresh()
        self.post_message(self.CursorMoved(self))
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
        group = next((i for i, (first, last) in enumerate(picture.bands) if first <= row < last), self._group)
        grouped = self.spec is not None and self.spec.form == "multiples"
        again = index == self._cursor and (not grouped or group == self._group) and event.chain > 1
        if grouped and group != self._group:
            self._group = group
            self.refresh()
        self._place(index)
        if again:
            self.open_cursor()

    def _place(self, index: int) -> None:
        if index == self._cursor:
            return
        picture = self._drawn()
        assert picture is not None
        old = self._cursor
        before = width_of(self._right_text())
        self._cursor = index
        self._at_ms = picture.slots[index].from_ms
        after = width_of(self._right_text())
        for each in (old, index):
            if each is not None and each < len(picture.slots):
                slot = picture.slots[each]
                first = 1 + picture.left + slot.left
                self.refresh(Region(first, 1, slot.right - slot.left, self.size.height - 1))
        changed = max(before, after) + 2
        self.refresh(Region(max(0, self.size.width - changed - 2), 0, min(self.size.width, changed + 1), 1))
        self.post_message(self.CursorMoved(self))

    # Drawing -------------------------------------------------------------------------------------------------

    def _drawn(self) -> Picture | None:
        spec = self.spec
        if spec is None or self.size.width < 10 or self.size.height < 3:
            return None
        room = (self.size.width - 2, self.size.height - 2)
        if self._picture is None or self._drawn_for != room:
            self._picture, self._drawn_for = draw(spec, *room, glyphs.ascii_mode()), room
        return self._picture

    def _style(self, role: str) -> Style:
        return self.role_style(role) if role else self.role_style()

    def _right_text(self) -> str:
        spec = self.spec
        if spec is None:
            return ""
        room = max(0, self.size.width - 4)
        beside = room - width_of(self._title()) - 3
        if not self.has_focus:
            return glyphs.plain(next((text for text in spec.legends if width_of(text) <= beside), ""))
        return glyphs.plain(clip(self.readout(beside), room))

    def _title(self) -> str:
        spec = self.spec
        if spec is None:
            return ""
        if spec.form != "lines" or len(spec.series) < 2:
            return spec.title
        dots = (".", "*") if glyphs.ascii_mode() else ("⠄", "⠒")
        keys = " ".join(f"{s.name} {dots[i == len(spec.series) - 1]}" for i, s in enumerate(spec.series))
        return f"{spec.title} · {keys}"

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if width < 10 or height < 3:
            return Strip.blank(width, self._style(""))
        frame = _FRAMES[self.has_focus, glyphs.ascii_mode()]
        edge = "focus" if self.has_focus else "frame"
        if y == 0:
            return self._top(frame, edge, width)
        cells = self._bottom(frame) if y == height - 1 else self._body(y - 1)
        sides = (frame[3], frame[2]) if y == height - 1 else (frame[5], frame[5])
        segments = [Segment(sides[0], self._style(edge))]
        segments += [
            Segment("".join(char for char, _ in run), self._style(role))
            for role, run in ((role, list(run)) for role, run in groupby(cells, key=lambda cell: cell[1]))
        ]
        segments.append(Segment(sides[1], self._style(edge)))
        return Strip(segments).adjust_cell_length(width, self._style(""))

    def _top(self, frame: str, edge: str, width: int) -> Strip:
        right = self._right_text()
        end = f" {right} " if right else ""
        title = glyphs.plain(clip(self._title(), max(0, width - 5 - width_of(end))))
        left = f" {title} " if width_of(title) >= 4 else ""
        rule = frame[4] * max(0, width - 2 - width_of(left) - width_of(end))
        role = "readout" if self.has_focus else "legend"
        return Strip(
            [
                Segment(frame[0], self._style(edge)),
                Segment(left, self._style("title")),
                Segment(rule, self._style(edge)),
                Segment(end, self._style(role)),
                Segment(frame[1], self._style(edge)),
            ]
        ).adjust_cell_length(width, self._style(""))

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
        if not self.has_focus or self._cursor is None or self._cursor >= len(picture.slots):
            return cells
        return self._with_cursor(picture, list(cells), row)

    def _with_cursor(self, picture: Picture, cells: list[Cell], row: int) -> list[Cell]:
        assert self._cursor is not None
        slot = picture.slots[self._cursor]
        in_group = True
        if self.spec is not None and self.spec.form == "multiples" and self._group < len(picture.bands):
            first, last = picture.bands[self._group]
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
        if self.has_focus and self._cursor is not None and self._cursor < len(picture.slots):
            slot = picture.slots[self._cursor]
            at = picture.left + (slot.left + slot.right - 1) // 2
            cells[at] = ("^" if glyphs.ascii_mode() else "▲", "cursor")
        return cells
