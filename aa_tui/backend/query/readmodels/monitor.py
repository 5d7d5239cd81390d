"""Monitor: measures, time series, tables and the whole view."""

from __future__ import annotations

from typing import NamedTuple

from aa_tui.backend.query.readmodels.facets import FacetCount


class Measure(NamedTuple):
    """A number with its denominator and its change against the previous equal period."""

    value: float | None
    n: int
    """How many sessions (or calls) it is about."""
    previous: float | None = None
    previous_n: int = 0


class Point(NamedTuple):
    """One bucket of a time series. `value` None is "no data", which is not zero."""

    start_ms: int
    value: float | None
    n: int


class Series(NamedTuple):
    """A named time series; `group` is the value of the group-by property, '' for all, 'other' for the rest."""

    measure: str
    group: str
    points: tuple[Point, ...]


class AgentStat(NamedTuple):
    """One line of Monitor's agents table."""

    agent: str
    sessions: int
    success: Measure
    """Share of sessions without a rule hit, or of task completion where signals were recorded."""
    quality: Measure
    error_rate: Measure
    cost_nano: int | None
    cost_estimated: bool
    p90_ms: float | None
    topics: tuple[str, ...]


class ToolStat(NamedTuple):
    """One line of Monitor's tools table."""

    tool: str
    calls: int
    errors: int
    p50_ms: float | None
    p90_ms: float | None
    top_error: str | None


class TopicStat(NamedTuple):
    """One line of Monitor's topics table."""

    topic: str
    sessions: int
    failed: Measure
    """Share of those whose Task Completed signal says False, among those it was asked of."""
    trend: tuple[int, ...]
    """Sessions by the view's intervals."""


class MonitorTables(NamedTuple):
    """What stands below Monitor's figures and takes longer to add up than they do."""

    tools: tuple[ToolStat, ...]
    topics: tuple[TopicStat, ...]
    topics_from: str = ""
    """Name of the evaluator whose classes the topics are; empty for what signals and senders say."""


class ChartMark(NamedTuple):
    """Something that happened at an instant: a note, or the first sight of an agent version."""

    at_ms: int
    label: str
    kind: str
    """`note` or `version`."""


class MonitorView(NamedTuple):
    """Everything Monitor draws, for one filter, range and interval."""

    from_ms: int
    to_ms: int
    interval: str
    """hour, day, week, month."""
    time_zone: str
    tiles: dict[str, Measure]
    """By measure id of the vocabulary: sessions, users, turns, success, quality, friction, cost, latency_p50,
    latency_p90, error_rate…; cost in nano-dollars, rates in 0–1, latencies in ms."""
    series: tuple[Series, ...]
    agents: tuple[AgentStat, ...]
    tools: tuple[ToolStat, ...] | None
    """None: not asked for yet; they are what takes longest to add up."""
    errors: tuple[FacetCount, ...]
    rules: tuple[FacetCount, ...]
    """Sessions by rule hit: what quality can say before a model scored."""
    topics: tuple[FacetCount, ...]
    """Largest first; `MonitorTables.topics` knows more of them."""
    marks: tuple[ChartMark, ...]
    scored: int
    """Sessions with recorded signals in the range; 0 means quality is from rules only."""
    scored_by: str | None
    """Model name behind the signals, for example `sample (recorded)`."""
    cost_estimated: bool
    subscription: bool
    untimed: int
    """Sessions kept out of the charts because their time is unknown or made up."""
    cost_coverage: tuple[int, int]
    """(priced, all) model calls."""
    data_as_of_ms: int | None
