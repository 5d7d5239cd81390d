"""The names the filter language knows, and its error. What they mean in a store is not said here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aa_tui.backend.support.errors import UsageError


class FilterError(UsageError):
    """A filter text that cannot be understood; `column` (0-based) is where."""

    def __init__(self, message: str, column: int, hint: str | None = None) -> None:
        super().__init__(f"{message} (column {column + 1})", hint)
        self.column = column


class Field(NamedTuple):
    """A name the language knows.

    `kind`: `facet` (a value of a dimension), `named` (`eval:NAME=VALUE`), `context` (`context.KEY=VALUE`), `number`,
    `time` or `id`. `unit` of a number: `usd`, `time`, `count` or `share`. `values` are the fixed ones, where there are.
    """

    name: str
    kind: str
    help: str
    unit: str = ""
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    single: bool = False
    """A session has one value only, so that adding another part of this field replaces the first."""


def _facet(name: str, help_: str, *aliases: str, values: tuple[str, ...] = (), single: bool = False) -> Field:
    return Field(name, "facet", help_, aliases=aliases, values=values, single=single)


def _number(name: str, unit: str, help_: str, *aliases: str) -> Field:
    return Field(name, "number", help_, unit, aliases)


FIELDS: Mapping[str, Field] = {
    f.name: f
    for f in (
        _facet("agent", "agent that took part, at any depth", "agents"),
        _facet("user", "user, else device", "users"),
        _facet("state", "open or closed", values=("open", "closed"), single=True),
        _facet("source", "where the session came from", "sources"),
        _facet("model", "model that answered", "models"),
        _facet("provider", "provider of the model"),
        _facet("tool", "tool that was called", "tools"),
        _facet("failed_tool", "tool that failed"),
        _facet("error", "error type", "error_type"),
        _facet("error_category", "error category"),
        _facet("rule", "what rules found, for example retry_storm", "rules"),
        _facet("topic", "topic", "topics"),
        _facet("tag", "tag", "tags"),
        _facet("env", "environment"),
        _facet("version", "agent version"),
        _facet("org", "customer organisation", "customer_org"),
        _facet("repository", "repository", "repo"),
        _facet("branch", "git branch"),
        _facet("cwd", "working directory"),
        _facet("close_reason", "why the session was closed", single=True),
        _facet("content_mode", "full, metadata_only, customer_enriched", "content", single=True),
        _facet("withheld", "what keeps the texts back, for example openinference", single=True),
        _facet("warning", "soft problem of the data", "warnings"),
        _facet(
            "has", "what the session has", values=("text", "attachments", "feedback", "regeneration", "edit", "score")
        ),
        _facet("feedback", "what the user said of an answer", values=("positive", "negative")),
        _facet("cohort", "cohort the user is in", "cohorts"),
        _facet("dataset", "dataset the session is in", "datasets"),
        Field("eval", "named", "evaluator result: eval:NAME=fail, a value, or none", aliases=("evaluator",)),
        Field("signal", "named", "signal result: signal:task_completion=false", aliases=("signals",)),
        Field("reviewed", "named", "people's answer: reviewed:CRITERION=VALUE"),
        Field("context", "context", "context dimension: context.plan=pro"),
        _number("cost", "usd", "cost in US dollars"),
        _number("turns", "count", "turns"),
        _number("messages", "count", "messages"),
        _number("duration", "time", "first to last event; seconds without a unit"),
        _number("latency", "time", "average model latency; seconds without a unit"),
        _number("p50", "time", "median model latency"),
        _number("p90", "time", "90th percentile of model latency"),
        _number("tokens", "count", "all tokens"),
        _number("input_tokens", "count", "tokens sent"),
        _number("output_tokens", "count", "tokens received"),
        _number("errors", "count", "failed model calls, tool calls and spans"),
        _number("model_calls", "count", "model calls"),
        _number("tool_calls", "count", "tool calls"),
        _number("tool_errors", "count", "failed tool calls"),
        _number("quality", "share", "quality score, 0 to 1"),
        _number("sentiment", "share", "sentiment score, 0 to 1"),
        _number("score", "share", "user score, 0 to 1", "user_score"),
        Field("since", "time", "started in the last 7d, 24h, 2w, 3m, or since a day"),
        Field("until", "time", "started until the end of a day"),
        Field("date", "time", "started on a day, or between two: 2026-10-01..2026-10-31"),
        Field("id", "id", "session id or key", aliases=("session",), single=True),
    )
}
"""Every field by its canonical name."""

BY_NAME = {n: f for f in FIELDS.values() for n in (f.name, *f.aliases)}

SIGNAL_ALIAS = {
    "task_completed": "task_completion",
    "quality": "response_quality",
    "safety": "session_safety",
    "intent": "user_intent",
    "friction": "user_friction",
    "has_user_friction": "user_friction",
    "has_negative_feedback": "negative_feedback",
    "has_data_quality_issues": "data_quality",
}
"""Names people use for signals, by what the store calls them."""

_NEAR = 0.7
"""Below this likeness a suggestion puzzles more than it helps."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of some names that is written almost like this one, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1, cutoff=_NEAR)), None)
