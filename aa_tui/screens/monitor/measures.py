"""How Monitor shows each measure: label, aggregation, which sessions stand behind it. Pure values.

What a measure means, its unit and its bands are said once, in `backend/model/vocabulary.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from aa_tui.backend.model import vocabulary
from aa_tui.widgets.charts import Bands
from aa_tui.widgets.charts.scale import How, Unit

RULES = "from rules, no model"
"""Heads every quality place until a model has scored something."""

_UNITS: dict[str, Unit] = {"count": "count", "share": "share", "score": "score", "usd": "money", "ms": "latency"}
_HOW: dict[Unit, How] = {"count": "mean", "share": "rate", "score": "rate", "money": "mean", "latency": "max"}


class Shown(NamedTuple):
    """How one measure is drawn."""

    label: str
    """Tile label, short."""
    title: str
    """Chart title; `{a}` stands for `a day`, `an hour`."""
    priority: int
    """Of its tile, when space is short."""
    filter: str = ""
    """Added to the filter when the measure is opened: the sessions one looks for."""
    opens: str = "sessions"
    """What opens, in words."""
    sort: str = ""
    """Order of the sessions when the measure is opened."""
    full: float | None = None
    """Fixed top of its value axis."""
    unit: Unit = "count"
    how: How = "mean"
    higher_is_better: bool | None = None
    bands: Bands | None = None
    scored: bool = False
    """Known only where signals were recorded."""


def _shown(measure: str, base: Shown) -> Shown:
    """Complete how a measure is drawn by what the vocabulary says of it."""
    info = vocabulary.MEASURES[measure]
    unit = _UNITS[info.unit]
    bands = None
    if info.good is not None and info.critical is not None:
        bands = Bands(info.good, info.critical, bool(info.higher_is_better))
    return base._replace(
        unit=unit,
        how=_HOW[unit],
        higher_is_better=info.higher_is_better,
        bands=bands,
        scored=info.needs_signals,
    )


_BASE: dict[str, Shown] = {
    "sessions": Shown("sessions", "Sessions {a}", 100),
    "users": Shown("users", "Users {a}", 60),
    "turns": Shown("turns", "Turns {a}", 40, sort="-turns"),
    "success": Shown("success", "Task completed %", 98, "signal:task_completion=false", "failed sessions", full=1.0),
    "quality": Shown("quality", "Quality score", 90, "quality<0.4", "sessions of low quality", full=1.0),
    "friction": Shown("friction", "User friction %", 70, "signal:user_friction=fail", "sessions with friction"),
    "negative_feedback": Shown(
        "unhappy", "Negative feedback %", 35, "signal:negative_feedback=true", "sessions with negative feedback"
    ),
    "sentiment": Shown("sentiment", "Sentiment", 30, "sentiment<0.5", "sessions of low sentiment", full=1.0),
    "cost": Shown("cost", "Cost {a} $", 94, sort="-cost", opens="sessions, dearest first"),
    "latency_p50": Shown("p50", "Latency p50 s", 0, sort="-duration", opens="sessions, longest first"),
    "latency_p90": Shown("p90", "Latency s", 93, sort="-duration", opens="sessions, longest first"),
    "error_rate": Shown("errors", "With errors %", 95, "errors>0", "sessions with errors"),
    "response_quality": Shown(
        "answers good",
        "Response quality %",
        28,
        "signal:response_quality=false",
        "sessions with poor answers",
        full=1.0,
    ),
    "data_quality": Shown(
        "data issues", "Data-quality issues %", 26, "signal:data_quality=true", "sessions with data issues"
    ),
    "safety": Shown(
        "not normal", "Not normal use %", 24, "-signal:session_safety=Normal signal:session_safety", "such sessions"
    ),
}

MEASURES: dict[str, Shown] = {measure: _shown(measure, base) for measure, base in _BASE.items()}
"""Every measure Monitor can show, in the order of the tiles."""

FROM_RULES: dict[str, Shown] = {
    "success": MEASURES["success"]._replace(
        label="no rule hit",
        title="No rule hit %",
        filter="rule:*",
        opens="sessions with a rule hit",
        # The bands of the spec are about completed tasks, which rules cannot tell.
        bands=None,
    ),
}
"""What stands for a quality measure while nothing is scored."""

SLOTS = ("sessions", "success", "cost", "latency_p90", "error_rate", "turns")
"""What the chart panels show at first, in order; as many as there is room for."""

CYCLE = (
    *("sessions", "turns", "users", "success", "quality", "response_quality", "friction", "negative_feedback"),
    *("sentiment", "safety", "data_quality", "error_rate", "cost", "latency_p90"),
)
"""The order in which one panel goes through the measures."""

GROUPS: tuple[tuple[str, str], ...] = (
    ("agent", "agent"),
    ("model", "model"),
    ("tool", "tool"),
    ("version", "agent version"),
    ("topic", "topic"),
    ("repository", "repository"),
    ("branch", "branch"),
    ("source", "source"),
    ("env", "environment"),
    ("org", "customer organisation"),
    ("user", "user"),
    ("context.plan", "user plan"),
)
"""What charts can be grouped by: facet key and words."""

EACH = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}
"""`a day`, for titles."""


def shown(measure: str, scored: bool) -> Shown:
    """Return how a measure is drawn, given whether any signal was recorded in the range."""
    if not scored and measure in FROM_RULES:
        return FROM_RULES[measure]
    return MEASURES[measure]
