"""Builds a believable `MonitorView` with an incident, for tests and pictures of Monitor. No store, no clock."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from aa_tui.backend.model.filter import Filter
from aa_tui.backend.model.timerange import TimeRange
from aa_tui.backend.query.readmodels import (
    AgentStat,
    ChartMark,
    CheckRow,
    FacetCount,
    FilterPart,
    Measure,
    MonitorTables,
    MonitorView,
    Point,
    ProjectInfo,
    Series,
    ToolStat,
    TopicStat,
)
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, FrozenClock

NOW = 1_795_356_131_000
"""2026-11-22 14:02:11 UTC."""
FROM = NOW // DAY_MS * DAY_MS - 29 * DAY_MS
USD = 1_000_000_000
INCIDENT = range(15, 19)
"""Days of the range in which the support bot fails."""
GROUPS = ("support-bot", "coding-agent", "shopping-agent")


def points(
    count: int, step: int, value: Callable[[int], float | None], n: Callable[[int], int], start: int = FROM
) -> tuple[Point, ...]:
    """Points at equal distances; `value` and `n` are functions of the index."""
    return tuple(Point(start + i * step, value(i), n(i)) for i in range(count))


def view(
    *, scored: int = 931, grouped: bool = False, days: int = 30, hourly: bool = False, groups: tuple[str, ...] = GROUPS
) -> MonitorView:
    """A month of a support, a coding and a shopping agent with an incident in its second half."""
    rng = random.Random(7)
    count, step = (days * 24, HOUR_MS) if hourly else (days, DAY_MS)
    per_day = 24 if hourly else 1
    volume = [
        max(0, round((34 + 14 * math.sin(i / per_day * 2 * math.pi / 7) + rng.gauss(0, 4)) / per_day))
        for i in range(count)
    ]
    if days >= 30:
        volume[4 * per_day] = 0
    hit = [i // per_day in INCIDENT for i in range(count)]
    rate = [min(1.0, max(0.0, (0.31 if h else 0.8) + rng.gauss(0, 0.03))) for h in hit]
    makers = {
        "sessions": lambda i: float(volume[i]),
        "turns": lambda i: volume[i] * 4.2,
        "users": lambda i: volume[i] * 0.6,
        "cost": lambda i: volume[i] * 0.041 * USD * (1.6 if hit[i] else 1) if volume[i] else None,
        "success": lambda i: rate[i] if volume[i] else None,
        "quality": lambda i: rate[i] * 0.9 if volume[i] else None,
        "friction": lambda i: (0.4 if hit[i] else 0.1) if volume[i] else None,
        "tool_error": lambda i: (0.5 if hit[i] else 0.12) if volume[i] else None,
        "error_rate": lambda i: (0.22 if hit[i] else 0.05) + rng.random() * 0.01 if volume[i] else None,
        "latency_p50": lambda i: 2100 + 500 * hit[i] + rng.gauss(0, 90) if volume[i] else None,
        "latency_p90": lambda i: 8100 + 14_000 * hit[i] + rng.gauss(0, 400) if volume[i] else None,
    }
    if not scored:
        for name in ("quality", "friction"):
            del makers[name]
    names = (*groups, "other") if grouped else ("",)
    share = dict(zip(names, (0.6, 0.25, 0.1, 0.05), strict=False)) if grouped else {"": 1.0}
    scaled = {"sessions", "turns", "users", "cost"}
    series = []
    for measure, make in makers.items():
        for name in names:
            factor = share.get(name, 0.05) if measure in scaled else 1.0
            series.append(
                Series(
                    measure,
                    name,
                    points(
                        count,
                        step,
                        lambda i, make=make, factor=factor: None if (v := make(i)) is None else v * factor,
                        lambda i, name=name: round(volume[i] * share.get(name, 0.05)),
                    ),
                )
            )
    n = sum(volume)
    tiles = {
        "sessions": Measure(float(n), n, n / 1.04, round(n / 1.04)),
        "users": Measure(61.0, n, 60.0, n),
        "turns": Measure(n * 4.2, n, n * 4.0, n),
        "success": Measure(0.78, scored or n, 0.81, 900),
        "quality": Measure(0.74 if scored else None, scored, 0.76, 900),
        "friction": Measure(0.11 if scored else None, scored, 0.09, 900),
        "cost": Measure(41.2 * USD, n, 37.8 * USD, n),
        "latency_p50": Measure(2100.0, 9804, 1900.0, 9000),
        "latency_p90": Measure(8100.0, 9804, 7700.0, 9000),
        "error_rate": Measure(0.062, n, 0.052, n),
    }
    return MonitorView(
        from_ms=FROM,
        to_ms=FROM + count * step,
        interval="hour" if hourly else "day",
        time_zone="UTC",
        tiles=tiles,
        series=tuple(series),
        agents=(
            AgentStat(
                "support-bot",
                612,
                Measure(0.81, 580),
                Measure(0.77, 580),
                Measure(0.04, 612),
                19_100_000_000,
                True,
                6000.0,
                ("refunds", "delivery"),
            ),
            AgentStat(
                "coding-agent",
                240,
                Measure(0.69, 230),
                Measure(0.70, 230),
                Measure(0.14, 240),
                18_400_000_000,
                True,
                21_200.0,
                ("tests", "types"),
            ),
            AgentStat(
                "shopping-agent",
                152,
                Measure(0.77, 121),
                Measure(0.71, 121),
                Measure(0.05, 152),
                3_700_000_000,
                True,
                4400.0,
                ("recipes",),
            ),
        ),
        tools=(
            ToolStat("lookup_order", 1204, 18, 210.0, 480.0, "NotFound"),
            ToolStat("issue_refund", 388, 97, 1900.0, 30_000.0, "TimeoutError"),
            ToolStat("run_tests", 912, 240, 5200.0, 41_000.0, "AssertionError"),
            ToolStat("search_catalog", 540, 3, 130.0, 260.0, None),
        ),
        errors=(FacetCount("TimeoutError", 88), FacetCount("AssertionError", 61), FacetCount("RateLimitError", 12)),
        rules=(
            FacetCount("tool_error", 140),
            FacetCount("retry_storm", 31),
            FacetCount("abandoned", 28),
            FacetCount("interrupted", 9),
        ),
        topics=(
            FacetCount("refunds", 201),
            FacetCount("delivery", 144),
            FacetCount("tests", 101),
            FacetCount("recipes", 77),
        ),
        marks=(
            ChartMark(FROM + 15 * DAY_MS + 3 * HOUR_MS, "support-bot 2.4.0", "version"),
            ChartMark(FROM + 19 * DAY_MS, "rolled back", "note"),
        ),
        scored=scored,
        scored_by="sample (recorded)" if scored else None,
        cost_estimated=True,
        subscription=False,
        untimed=0,
        cost_coverage=(4102, 4310),
        data_as_of_ms=NOW,
    )


def empty() -> MonitorView:
    """A view in which nothing matched."""
    full = view(scored=0)
    hollow = tuple(s._replace(points=tuple(Point(p.start_ms, None, 0) for p in s.points)) for s in full.series)
    return full._replace(
        series=hollow,
        tiles={},
        agents=(),
        tools=(),
        errors=(),
        rules=(),
        topics=(),
        marks=(),
        cost_coverage=(0, 0),
    )


CHECKLIST = (
    CheckRow("event", "first event", True, 12, 12, ""),
    CheckRow("session", "session ID", True, 12, 12, ""),
    CheckRow("agent", "agent ID", True, 12, 12, ""),
    CheckRow("user", "user", False, 3, 12, "without a user there are no cohorts and no user activity"),
    CheckRow("response", "model, tokens, latency and cost of answers", False, 0, 12, "that chart stays empty"),
    CheckRow("end", "session end", False, 0, 1, "sessions wait for the idle timeout"),
    CheckRow("record", "first session record", False, 0, 1, "written when a session closes"),
)
"""A checklist half done."""


class FakeMonitor:
    """Answers like the service, and remembers what it was asked."""

    def __init__(self, has_data: bool = True, best: str = "30d", **made: Any) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.has_data = has_data
        self.best = best
        self.made = made
        self.error: Exception | None = None
        self.rows: tuple[CheckRow, ...] = CHECKLIST
        self.nothing = False

    def view(
        self, f: Filter, interval: str = "auto", group_by: str | None = None, token: Any = None, *, tools: bool = True
    ) -> MonitorView:
        self.asked.append((f.to_text(), interval, group_by))
        if self.error is not None:
            raise self.error
        whole = self._whole(bool(group_by))
        return whole if tools else whole._replace(tools=None)

    def tables(self, f: Filter, interval: str = "auto", token: Any = None) -> MonitorTables:
        whole = self._whole(False)
        trend = tuple(range(30))
        topics = tuple(TopicStat(one.value, one.sessions, Measure(0.25, 4), trend) for one in whole.topics)
        return MonitorTables(whole.tools or (), topics)

    def _whole(self, grouped: bool) -> MonitorView:
        return empty() if self.nothing else view(**{"grouped": grouped, **self.made})

    def best_range(self) -> TimeRange:
        return TimeRange(self.best)

    def has_agent_data(self) -> bool:
        return self.has_data

    def checklist(self, token: Any = None) -> list[CheckRow]:
        return list(self.rows)


class FakeSessions:
    """Agents to choose from, and why nothing matches."""

    def facet_values(self, key: str, prefix: str = "", limit: int = 50, token: Any = None) -> list[FacetCount]:
        return [FacetCount(name, 100) for name in GROUPS]

    def explain_nothing(self, f: Filter, token: Any = None) -> list[FilterPart]:
        return [FilterPart(part.to_text(), 1, 40 if part.values("agent") else 0) for part in f.parts()]


class FakeViews:
    """Keeps notes in a list."""

    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []

    def add_note(self, at_ms: int, text: str) -> int:
        self.notes.append((at_ms, text))
        return len(self.notes)


class FakeStore:
    """A store whose change counter a test moves."""

    read_only = False
    read_only_reason = None

    def __init__(self) -> None:
        self.changes = 1

    def change_counter(self) -> int:
        return self.changes

    def reader(self, token: Any = None) -> Any:
        """A reader that finds nothing: no receiver runs."""
        return nullcontext(SimpleNamespace(fetch=lambda sql, params=None: []))

    def close(self) -> None:
        """Nothing is open."""


def workspace(monitor: FakeMonitor | None = None) -> Any:
    """A workspace of these fakes, at `NOW`."""
    store = FakeStore()
    return SimpleNamespace(
        monitor=monitor or FakeMonitor(),
        sessions=FakeSessions(),
        views=FakeViews(),
        store=store,
        data_version=store.change_counter,
        project=ProjectInfo(1, "demo", "aa_k3y00000000", "UTC", 1, None),
        clock=FrozenClock(NOW),
        actor=Actor("tester"),
        reread=lambda: False,
    )
