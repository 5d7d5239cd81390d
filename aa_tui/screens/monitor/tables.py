"""The tables of Monitor as columns and rows: agents, tools, and lists of values with their sessions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aa_tui.backend.support import humanize
from aa_tui.screens.monitor.measures import MEASURES, RULES, Shown, shown
from aa_tui.screens.monitor.present import cost_head, origin, rule_words
from aa_tui.widgets import glyphs
from aa_tui.widgets.charts.scale import readout
from aa_tui.widgets.safe_text import safe_line
from aa_tui.widgets.stat_table import Cell, Column, StatRow

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FacetCount, MonitorTables, MonitorView


class Table(NamedTuple):
    """One table as `StatTable.set` takes it."""

    columns: tuple[Column, ...]
    rows: tuple[StatRow, ...]
    note: str
    empty: str


_TREND = 15
"""Cells of a topic's line over the range."""


def agents_table(view: MonitorView) -> Table:
    """Return the agents, with their rates, money and speed."""
    success = shown("success", view.scored > 0)
    columns = (
        Column("agent", right=False, priority=100, flex=True, width=14),
        Column("sessions", priority=90),
        Column("success" if view.scored else "no rule hit", priority=88),
        Column("n", priority=20),
        *((Column("quality", priority=60),) if view.scored else ()),
        Column("errors", priority=80),
        Column(cost_head(view), priority=78),
        Column("p90", priority=70),
        Column("topics", right=False, priority=30, flex=True, width=12),
    )
    rows = []
    for stat in view.agents:
        quality: tuple[Cell, ...] = (
            (readout(stat.quality.value, "score"), _role(stat.quality.value, MEASURES["quality"])),
        )
        topics = ", ".join(safe_line(topic, 24) for topic in stat.topics)
        rows.append(
            StatRow(
                stat.agent,
                (
                    (safe_line(stat.agent), "text"),
                    (humanize.count(stat.sessions), "text"),
                    (humanize.share(stat.success.value), _role(stat.success.value, success)),
                    (humanize.short_count(stat.success.n), "muted"),
                    *(quality if view.scored else ()),
                    (humanize.share(stat.error_rate.value), "text"),
                    (humanize.money(stat.cost_nano), "text"),
                    (humanize.latency(stat.p90_ms), _role(stat.p90_ms, MEASURES["latency_p90"])),
                    (topics, "muted"),
                ),
            )
        )
    return Table(columns, tuple(rows), origin(view), "no agent in this range")


def _role(value: float | None, how: Shown) -> str:
    """Only what is poor is coloured, so that it is seen."""
    if value is None:
        return "muted"
    return "bad" if how.bands is not None and how.bands.of(value) == "bad" else "text"


def tools_table(view: MonitorView) -> Table:
    """Return the tools, most calls first, with how often they fail."""
    columns = (
        Column("tool", right=False, priority=100, flex=True, width=14),
        Column("calls", priority=90),
        Column("failed", priority=85),
        Column("failing", right=True, priority=88),
        Column("", right=False, priority=40),
        Column("p50", priority=50),
        Column("p90", priority=60),
        Column("most frequent error", right=False, priority=70),
    )
    rows = []
    for stat in view.tools or ():
        rate = stat.errors / stat.calls if stat.calls else None
        rows.append(
            StatRow(
                stat.tool,
                (
                    (safe_line(stat.tool), "text"),
                    (humanize.count(stat.calls), "text"),
                    (humanize.count(stat.errors), "text" if stat.errors else "muted"),
                    (humanize.share(rate), "text" if stat.errors else "muted"),
                    (thin_bar(rate or 0, 8), "bad"),
                    (humanize.latency(stat.p50_ms), "muted"),
                    (humanize.latency(stat.p90_ms), "text"),
                    (safe_line(stat.top_error, 24), "muted"),
                ),
            )
        )
    nothing = "adding up…" if view.tools is None else "no tool was called in this range"
    return Table(columns, tuple(rows), "", nothing)


def counts_table(counts: tuple[FacetCount, ...], head: str, view: MonitorView, note: str, empty: str) -> Table:
    """Return a list of values with their sessions, as share of all sessions and as a bar against the largest."""
    total = view.tiles["sessions"].value if "sessions" in view.tiles else None
    most = max((count.sessions for count in counts), default=0)
    columns = (
        Column(head, right=False, priority=100, flex=True, width=14),
        Column("sessions", priority=90),
        Column("share", priority=80),
        Column("", right=False, priority=60),
    )
    rows = tuple(
        StatRow(
            count.value,
            (
                (rule_words(count.value) if head == "rule" else safe_line(count.value), "text"),
                (humanize.count(count.sessions), "text"),
                (humanize.share(count.sessions / total) if total else humanize.UNKNOWN, "muted"),
                (thin_bar(count.sessions / most if most else 0, 12), "bar"),
            ),
        )
        for count in counts
    )
    return Table(columns, rows, note, empty)


def topics_table(more: MonitorTables, view: MonitorView) -> Table:
    """Return the topics, largest first, with the share of their sessions that failed and how they come and go."""
    total = view.tiles["sessions"].value if "sessions" in view.tiles else None
    columns = (
        Column("topic", right=False, priority=100, flex=True, width=14),
        Column("sessions", priority=90),
        Column("share", priority=60),
        Column("failed", priority=85),
        Column("n", priority=80),
        Column("over the range", right=False, priority=70),
    )
    rows = tuple(
        StatRow(
            stat.topic,
            (
                (safe_line(stat.topic), "text"),
                (humanize.count(stat.sessions), "text"),
                (humanize.share(stat.sessions / total) if total else humanize.UNKNOWN, "muted"),
                (humanize.share(stat.failed.value), "text" if stat.failed.value else "muted"),
                (humanize.count(stat.failed.n), "muted"),
                (glyphs.sparkline(thinned(stat.trend, _TREND)), "bar"),
            ),
        )
        for stat in more.topics
    )
    note = f"classes of {safe_line(more.topics_from, 30)}" if more.topics_from else ""
    return Table(columns, rows, note, "no topic known in this range")


def thinned(counts: Sequence[int], cells: int) -> list[int]:
    """Return counts added up into at most so many, in order."""
    if len(counts) <= cells:
        return list(counts)
    sums = [0] * cells
    for index, n in enumerate(counts):
        sums[index * cells // len(counts)] += n
    return sums


def thin_bar(fraction: float, cells: int) -> str:
    """Return a thin horizontal bar in half cells; anything above zero shows."""
    halves = max(1 if fraction > 0 else 0, round(max(0.0, min(1.0, fraction)) * cells * 2))
    if glyphs.ascii_mode():
        return ("=" * max(1, halves // 2) if halves else "").ljust(cells)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(cells)


def tables(view: MonitorView) -> Mapping[str, Table]:
    """Return all tables by id."""
    return {
        "agents": agents_table(view),
        "tools": tools_table(view),
        "errors": counts_table(view.errors, "error", view, "", "no error in this range"),
        "rules": counts_table(view.rules, "rule", view, RULES, "no rule hit in this range"),
        "topics": counts_table(view.topics, "topic", view, "", "no topic known in this range"),
    }
