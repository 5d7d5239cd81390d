"""Charts as rows of (character, role) cells: block bars in eighths, braille lines, small multiples, ASCII forms.

Pure: a role is a word (`bar`, `good`, `line`, `axis` …) that the widget turns into a style. Nothing is told by colour
alone: heights, dotted against solid lines, and words carry it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aa_tui.widgets.cells import pad, width_of
from aa_tui.widgets.charts.scale import Axis, Slot, combine, slots, time_ticks, value_axis
from aa_tui.widgets.charts.spec import ChartSpec, DrawnSeries

Cell = tuple[str, str]

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BLANK: Cell = (" ", "")
_MARKS = (("▾", "v"), ("✎", "N"))
"""First sight of a version, and a note: each with its ASCII twin."""
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Picture(NamedTuple):
    """A drawn chart without its frame, and what is needed to place a cursor on it."""

    rows: list[list[Cell]]
    left: int
    """Column where the plot begins."""
    slots: tuple[Slot, ...]
    values: tuple[tuple[tuple[float | None, int], ...], ...]
    """Per series, per bucket: value and n."""
    bands: tuple[tuple[int, int], ...]
    """Per series: first row (inclusive) and last row (exclusive) it is drawn in."""
    axis: list[Cell]
    """The time axis, one row, with `─` where nothing stands; as wide as the plot's rows."""


def draw(spec: ChartSpec, width: int, height: int, ascii_only: bool = False) -> Picture:
    """Draw a chart into `width` × `height` cells, its time axis apart."""
    if width < 8 or height < 1 or not spec.starts:
        return Picture([[_BLANK] * width for _ in range(max(0, height))], 0, (), (), (), _axis_row((), spec, 0, width))
    if spec.form == "multiples":
        return _multiples(spec, width, height, ascii_only)
    highest = max(
        (point.value for series in spec.series for point in series.points if point.value is not None), default=0
    )
    return _single(spec, width, height, highest, ascii_only)


def _single(spec: ChartSpec, width: int, height: int, highest: float, ascii_only: bool) -> Picture:
    probe = value_axis(highest, height, spec.unit, spec.full)
    plot = width - probe.width - 1
    found = slots(spec.starts, spec.end_ms, plot)
    values = tuple(_bucketed(series, found, spec) for series in spec.series)
    drawn_top = max((value for row in values for value, _ in row if value is not None), default=0)
    axis = value_axis(drawn_top, height, spec.unit, spec.full)
    left = probe.width + 1
    if spec.form == "lines":
        body = _lines([[value for value, _ in row] for row in values], found, plot, height, axis.top, ascii_only)
    else:
        body = _bars(values[0], found, plot, height, axis.top, spec, ascii_only)
    rows = [[*_axis_cells(axis, row, left, ascii_only), *body[row]] for row in range(height)]
    return Picture(
        rows,
        left,
        found,
        values,
        tuple((0, height) for _ in spec.series),
        _axis_row(found, spec, left, width, ascii_only),
    )


def _axis_cells(axis: Axis, row: int, left: int, ascii_only: bool) -> list[Cell]:
    label = next((text for at, text in axis.ticks if at == row), None)
    edge = ("+" if label is not None else "|") if ascii_only else ("┤" if label is not None else "│")
    return [*((char, "tick") for char in (label or "").rjust(left - 1)), (edge, "axis")]


def _bucketed(series: DrawnSeries, found: Sequence[Slot], spec: ChartSpec) -> tuple[tuple[float | None, int], ...]:
    return tuple(combine(series.points[slot.first : slot.last], spec.how) for slot in found)


def _bars(
    values: Sequence[tuple[float | None, int]],
    found: Sequence[Slot],
    width: int,
    height: int,
    top: float,
    spec: ChartSpec,
    ascii_only: bool,
) -> list[list[Cell]]:
    rows: list[list[Cell]] = [[_BLANK] * width for _ in range(height)]
    parts = 3 if ascii_only else 8
    for slot, (value, _) in zip(found, values, strict=True):
        if value is None:
            continue
        role: str = "bar"
        if spec.bands is not None and spec.bands.of(value) == "bad":
            role = "bad"
        if spec.incomplete(slot.from_ms, slot.to_ms):
            role = "partial"
        filled = min(height * parts, max(1, round(value / top * height * parts))) if top > 0 else 1
        for row in range(height - 1, -1, -1):
            if filled <= 0:
                break
            level = min(parts, filled)
            filled -= parts
            cell = (" .:#"[level] if ascii_only else _EIGHTHS[level], role)
            for column in range(slot.left, slot.right):
                rows[row][column] = cell
    return rows


def _lines(
    lines: Sequence[Sequence[float | None]],
    found: Sequence[Slot],
    width: int,
    height: int,
    top: float,
    ascii_only: bool,
) -> list[list[Cell]]:
    """The last line is the important one: solid, and on top where lines cross; the others are dotted."""
    across, down = (1, 1) if ascii_only else (2, 4)
    masks: list[list[int]] = [[0] * width for _ in range(height)]
    roles: list[list[str]] = [[""] * width for _ in range(height)]
    for index, line in enumerate(lines):
        solid = index == len(lines) - 1
        role = "line" if solid else "line2"
        before: tuple[float, float] | None = None
        for slot, value in zip(found, line, strict=True):
            if value is None:
                before = None
                continue
            x = (slot.left + slot.right) / 2 * across - 0.5
            y = (1 - min(1.0, value / top if top else 0)) * (height * down - 1)
            for dot_x, dot_y in _segment(before, (x, y)):
                if not solid and not ascii_only and dot_x % 2:
                    continue
                row, column = dot_y // down, min(width - 1, dot_x // across)
                masks[row][column] |= _DOTS[dot_y % down][dot_x % across] if not ascii_only else 2 if solid else 1
                roles[row][column] = role
            before = (x, y)
    if ascii_only:
        return [
            [(" .**"[mask], role) for mask, role in zip(mask_row, role_row, strict=True)]
            for mask_row, role_row in zip(masks, roles, strict=True)
        ]
    return [
        [(chr(0x2800 + mask), role) if mask else _BLANK for mask, role in zip(mask_row, role_row, strict=True)]
        for mask_row, role_row in zip(masks, roles, strict=True)
    ]


def _segment(start: tuple[float, float] | None, end: tuple[float, float]) -> list[tuple[int, int]]:
    """Return the dots from `start` to `end`; only `end` when there is no start."""
    if start is None:
        return [(int(end[0] + 0.5), int(end[1] + 0.5))]
    steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
    dx, dy = (end[0] - start[0]) / steps, (end[1] - start[1]) / steps
    return [(int(start[0] + dx * step + 0.5), int(start[1] + dy * step + 0.5)) for step in range(steps + 1)]


def _multiples(spec: ChartSpec, width: int, height: int, ascii_only: bool) -> Picture:
    shown = spec.series[:height]
    each = max(1, height // len(shown))
    gap = 1 if each >= 3 else 0
    name_width = min(max(width_of(series.name) for series in shown), max(6, min(18, width // 3)))
    total_width = max(width_of(series.total) for series in shown)
    left = name_width + 1
    plot = width - left - total_width - (1 if total_width else 0)
    if plot < 6:
        total_width, plot = 0, width - left
    found = slots(spec.starts, spec.end_ms, plot)
    rows: list[list[Cell]] = []
    values, bands = [], []
    for series in shown:
        row_values = _bucketed(series, found, spec)
        highest = max((value for value, _ in row_values if value is not None), default=0)
        body = _bars(row_values, found, plot, each - gap, spec.full or highest, spec, ascii_only)
        values.append(row_values)
        bands.append((len(rows), len(rows) + each - gap))
        for index, cells in enumerate(body):
            last = index == len(body) - 1
            name = pad(series.name if last else "", name_width)
            name = name.replace("…", "~") if ascii_only else name
            total = (" " + pad(series.total if last else "", total_width, right=True)) if total_width else ""
            rows.append(
                [
                    *_text_cells(name, "name"),
                    ("│" if not ascii_only else "|", "axis"),
                    *cells,
                    *_text_cells(total, "total"),
                ]
            )
        rows.extend([[_BLANK] * width for _ in range(gap)])
    rows.extend([_BLANK] * width for _ in range(height - len(rows)))
    return Picture(
        rows[:height], left, found, tuple(values), tuple(bands), _axis_row(found, spec, left, width, ascii_only)
    )


def _text_cells(text: str, role: str) -> list[Cell]:
    """Split a text into cells; the second cell of a wide character is an empty text, so that columns stay true."""
    cells: list[Cell] = []
    for char in text:
        size = width_of(char)
        if size == 0 and cells:
            cells[-1] = (cells[-1][0] + char, role)
            continue
        cells.append((char, role))
        cells.extend([("", role)] * (size - 1))
    return cells


def _axis_row(found: Sequence[Slot], spec: ChartSpec, left: int, width: int, ascii_only: bool = False) -> list[Cell]:
    row: list[Cell] = [("-" if ascii_only else "─", "frame")] * width
    marks: dict[int, str] = {}
    for mark in spec.marks:
        at = next((slot for slot in found if slot.from_ms <= mark.at_ms < slot.to_ms), None)
        if at is not None:
            marks[(at.left + at.right - 1) // 2] = _MARKS[mark.kind == "note"][ascii_only]
    for column, label in time_ticks(found, spec.interval, spec.zone, marks):
        for offset, char in enumerate(label):
            row[left + column + offset] = (char, "date")
    for column, glyph in marks.items():
        row[left + column] = (glyph, "mark")
    return row
