"""What every number means, once: title, unit, definition, denominator and health bands of each measure. Draws nothing.

Used by `?` on a number, by the documentation and by JSON output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class MeasureInfo(NamedTuple):
    """One measure.

    `unit`: `count`, `share` (0–1), `score` (0–1), `usd` (nano-dollars in the store) or `ms`. `good` and `critical` are
    where the bands begin; between them is "warning". None: no band, a matter of taste.
    """

    id: str
    title: str
    unit: str
    definition: str
    denominator: str
    good: float | None = None
    critical: float | None = None
    higher_is_better: bool | None = None
    needs_signals: bool = False

    def band(self, value: float | None) -> str | None:
        """Return `good`, `warning` or `critical`; None without bands or a value."""
        if value is None or self.good is None or self.critical is None:
            return None
        if self.higher_is_better:
            return "good" if value > self.good else "critical" if value < self.critical else "warning"
        return "good" if value < self.good else "critical" if value > self.critical else "warning"


MEASURES: Mapping[str, MeasureInfo] = {
    m.id: m
    for m in (
        MeasureInfo(
            "sessions", "Sessions", "count",
            "Sessions that started in the range. A session is one unit of work a user handed an agent.", "",
        ),
        MeasureInfo("users", "Users", "count", "Different users (else devices) of those sessions.", "sessions"),
        MeasureInfo("turns", "Turns", "count", "Exchanges: a request and all that followed until the next one.", ""),
        MeasureInfo(
            "success", "Success rate", "share",
            "Share of scored sessions whose Task Completed signal is True. While nothing is scored: share of sessions "
            "in which no rule found a problem; that is from rules, no model, and not the same thing.",
            "sessions on which Task Completed ran, else all sessions", 0.8, 0.6, True,
        ),
        MeasureInfo(
            "quality", "Quality", "score",
            "Mean quality score: the sender's, else half Task Completed and half Response Quality (True 1, False 0).",
            "sessions with a quality score", 0.7, 0.4, True, True,
        ),
        MeasureInfo(
            "sentiment", "Sentiment", "score",
            "Mean sentiment score: the sender's, else 0.5, less 0.3 for negative feedback and 0.15 for friction, moved "
            "by the user's own score.",
            "sessions with a sentiment score", 0.6, 0.5, True, True,
        ),
        MeasureInfo(
            "friction", "User friction", "share", "Share of scored sessions with signs of a rough experience.",
            "sessions on which User Friction was judged, not those with hints of code alone",
            None, None, False, True,
        ),
        MeasureInfo(
            "negative_feedback", "Negative feedback", "share",
            "Share of scored sessions in which the user said they were unhappy.",
            "sessions on which Negative Feedback ran", None, None, False, True,
        ),
        MeasureInfo(
            "response_quality", "Response quality", "share",
            "Share of scored sessions whose answers were accurate, clear and well put together.",
            "sessions on which Response Quality ran", None, None, True, True,
        ),
        MeasureInfo(
            "data_quality", "Data-quality issues", "share", "Share of sessions whose data has a problem, by code.",
            "sessions on which Data Quality ran", None, None, False, False,
        ),
        MeasureInfo(
            "safety", "Not normal use", "share", "Share of scored sessions off topic, abusive or an injection.",
            "sessions on which Session Safety ran", None, None, False, True,
        ),
        MeasureInfo(
            "task_failure_rate", "Task failure rate", "share", "Share of scored sessions with Task Completed False.",
            "sessions on which Task Completed ran", 0.1, 0.25, False, True,
        ),
        MeasureInfo(
            "cost", "Cost", "usd",
            "Sum of the cost of model calls, embeddings and spans. Unknown where no call has a price; estimated costs "
            "are list prices.",
            "sessions with a known cost", None, None, False,
        ),
        MeasureInfo(
            "latency_p50", "Latency, median", "ms", "Half of the model calls were faster. From 5 % bins, ±2.5 %.",
            "model calls with a latency", None, None, False,
        ),
        MeasureInfo(
            "latency_p90", "Latency, p90", "ms", "Nine of ten model calls were faster. From 5 % bins, ±2.5 %.",
            "model calls with a latency", 10_000, 30_000, False,
        ),
        MeasureInfo(
            "error_rate", "Sessions with errors", "share",
            "Share of sessions with a failed model call, tool call or span. An error is not a failed task.",
            "all sessions", None, None, False,
        ),
    )
}  # fmt: skip
"""Measures by id, in the order of the tiles."""
