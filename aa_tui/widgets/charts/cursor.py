"""Where the value cursor of a chart stands and what it says there. Pure; nothing is drawn here."""

from __future__ import annotations

from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.charts.draw import Picture
from aa_tui.widgets.charts.scale import notable, readout, when
from aa_tui.widgets.charts.spec import ChartSpec

_EXTRA = 10
"""Parts of the readout up to this priority come where there is room; the others make it whole."""


class Cursor:
    """A bucket and, in a grouped chart, a group; it stays at its time while the chart is laid out anew."""

    def __init__(self) -> None:
        self.index: int | None = None
        """Of the bucket; None while there is none."""
        self.group = 0
        """Index of the series."""
        self._at_ms: int | None = None

    def follow(self, spec: ChartSpec | None, picture: Picture | None, anew: bool = False) -> None:
        """Stand where the time is drawn now; `anew`, or where that is not drawn, where a value stands out."""
        self.group = min(self.group, max(0, len(spec.series) - 1)) if spec else 0
        self.index = None
        if anew:
            self._at_ms = None
        if spec is None or picture is None or not picture.slots:
            return
        at = self._at_ms
        if at is not None and picture.slots[0].from_ms <= at < picture.slots[-1].to_ms:
            self.index = max(index for index, slot in enumerate(picture.slots) if slot.from_ms <= at)
        else:
            self.index = self._start(spec, picture)

    def place(self, picture: Picture, index: int) -> None:
        """Stand on a bucket."""
        self.index = index
        self._at_ms = picture.slots[index].from_ms

    def outlier(self, spec: ChartSpec, picture: Picture) -> int | None:
        """Return the bucket whose value is far off on the bad side, or None."""
        row = self._row(spec, picture)
        counts = None if spec.how == "mean" else [n for _, n in row]
        return notable([value for value, _ in row], spec.higher_is_better, counts)

    def _row(self, spec: ChartSpec, picture: Picture) -> tuple[tuple[float | None, int], ...]:
        """Return values and n of what the cursor is about: the group, the important line, the bars."""
        if not picture.values:
            return ()
        return picture.values[-1 if spec.form == "lines" else min(self.group, len(picture.values) - 1)]

    def _start(self, spec: ChartSpec, picture: Picture) -> int:
        found = self.outlier(spec, picture)
        if found is not None:
            return found
        filled = [
            index for index, (value, n) in enumerate(self._row(spec, picture)) if value is not None and (value or n)
        ]
        return filled[-1] if filled else len(picture.slots) - 1

    def words(self, spec: ChartSpec, picture: Picture, room: int) -> str:
        """Say date, value and n of the bucket, and what happened then; what matters least goes where room is short."""
        parts = self._parts(spec, picture)
        while len(parts) > 1 and _width(parts) > room:
            parts.remove(min(parts))
        return clip("  ".join(text for _, _, text in _in_order(parts)), room)

    def width(self, spec: ChartSpec, picture: Picture) -> int:
        """Return the cells that the words need to say the number whole."""
        return _width([part for part in self._parts(spec, picture) if part[0] > _EXTRA])

    def _parts(self, spec: ChartSpec, picture: Picture) -> list[tuple[int, int, str]]:
        """Return (priority, place, text) of what there is to say."""
        if self.index is None or self.index >= len(picture.slots):
            return []
        slot = picture.slots[self.index]
        found = [(80, when(slot.from_ms, slot.to_ms, spec.interval, spec.zone, slot.intervals))]
        rows = [self.group] if spec.form == "multiples" else range(len(picture.values))
        n = 0
        for index in rows:
            value, n = picture.values[index][self.index]
            text = readout(value, spec.unit)
            name = spec.series[index].name if spec.form == "lines" else ""
            # Of several lines the last one is the important one; the date can be told from the axis.
            found.append((90 if index == rows[-1] else 40, f"{name} {text}" if name else text))
        cut = spec.incomplete(slot.from_ms, slot.to_ms)
        if cut:
            found.append((60, cut))
        if slot.intervals > 1 and spec.how == "mean":
            found.append((50, f"a {spec.interval}"))
        if spec.measure != "sessions":
            found.append((30, f"n{n:,}"))
        mark = next((each.label for each in spec.marks if slot.from_ms <= each.at_ms < slot.to_ms), None)
        found += [(_EXTRA, mark)] if mark else []
        found += [(_EXTRA - 1, spec.source)] if spec.source else []
        return [(priority, place, text) for place, (priority, text) in enumerate(found)]


def _in_order(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    return sorted(parts, key=lambda part: part[1])


def _width(parts: list[tuple[int, int, str]]) -> int:
    return sum(width_of(text) + 2 for _, _, text in parts) - 2
