"""What a chart is given: plain frozen values, made by a presenter. No drawing, no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from aa_tui.widgets.charts.scale import How, Unit

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import ChartMark, Point

Form = Literal["bars", "lines", "multiples"]
"""One series as solid bars; two lines over each other; one row of bars per group (legible without colour)."""


class Bands(NamedTuple):
    """Where a value stops being good and starts being bad; `higher_is_better` says on which side."""

    good: float
    bad: float
    higher_is_better: bool

    def of(self, value: float) -> Literal["good", "warn", "bad"]:
        """Return the band a value lies in."""
        if self.higher_is_better:
            return "good" if value > self.good else "bad" if value < self.bad else "warn"
        return "good" if value < self.good else "bad" if value > self.bad else "warn"


class DrawnSeries(NamedTuple):
    """One series of a chart: what it is called, its points, and the text at its end (a total, the newest value)."""

    name: str
    points: tuple[Point, ...]
    total: str = ""
    group: str = ""
    """The value of the group-by property, as filters know it; empty for all."""


class ChartSpec(NamedTuple):
    """Everything one chart shows."""

    measure: str
    """Measure id of the vocabulary; comes back in `Chart.BucketOpened`."""
    title: str
    unit: Unit
    how: How
    form: Form
    series: tuple[DrawnSeries, ...]
    """All series share the same interval starts."""
    end_ms: int
    """Where the last interval ends."""
    interval: str
    """hour, day, week or month."""
    zone: str
    short: str = ""
    """The title where there is room for a word or two only."""
    legends: tuple[str, ...] = ()
    """Short text in the border (maximum, newest value, n), longest first; the first that fits is shown."""
    source: str = ""
    """Who found the values (`from rules, no model`); stands beside the value under the cursor where it fits."""
    marks: tuple[ChartMark, ...] = ()
    known: tuple[int, int] | None = None
    """From when to when (exclusive) data can be there; buckets that reach beyond are drawn as incomplete."""
    full: float | None = None
    """Fixed top of the value axis (1.0 for shares that read from 0 to 100)."""
    bands: Bands | None = None
    opens: str = "sessions"
    """What Enter on a bucket opens, in words."""
    empty: str = "no data in this range"
    """What to say when no series has a value."""
    higher_is_better: bool | None = None

    @property
    def starts(self) -> tuple[int, ...]:
        """Starts of the intervals, epoch milliseconds."""
        return tuple(point.start_ms for point in self.series[0].points) if self.series else ()

    def incomplete(self, from_ms: int, to_ms: int) -> str:
        """Say in words how a bucket is cut: `so far`, `in part`; empty when it is whole."""
        if self.known is None or (from_ms >= self.known[0] and to_ms <= self.known[1]):
            return ""
        return "so far" if to_ms > self.known[1] else "in part"

    @property
    def has_values(self) -> bool:
        """Whether anything can be drawn."""
        return any(point.value is not None for series in self.series for point in series.points)
