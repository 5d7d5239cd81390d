"""The columns of the session list and how a session looks in each: pure functions from the read-model to safe text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.columns import Column, Line
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionRow

COLUMNS = (
    Column("started", "started", 12, priority=90, sort="started"),
    Column("user", "user", 9, priority=60, sort="user"),
    Column("agent", "agent", 14, priority=30, sort="agent"),
    Column("title", "what they wanted", 26, priority=100, flex=True),
    Column("turns", "turns", 6, priority=70, right=True, sort="turns"),
    Column("duration", "time", 8, priority=25, right=True, sort="duration"),
    Column("tokens", "tokens", 7, priority=22, right=True, sort="tokens"),
    Column("cost", "cost", 9, priority=65, right=True, sort="cost"),
    Column("model", "model", 16, priority=10),
    Column("source", "source", 11, priority=8),
    Column("state", "state", 10, priority=9),
    Column("errors", "errors", 7, priority=20, right=True, sort="errors"),
    Column("signals", "signals", 10, priority=80),
)
"""All columns in order; narrow screens drop those of low priority."""

_RULE_TAGS = {
    "tool_error": "tool",
    "tool_cascade_fail": "cascade",
    "retry_storm": "retries",
    "interrupted": "stopped",
    "abandoned": "left",
    "unanswered": "silent",
    "repeated_request": "again",
    "api_error": "api",
}
"""Short words for what rules found; the ones named first are shown first."""

_OF_DATA = "data_quality"
_HARD = {"tool_error", "tool_cascade_fail", "api_error"}


def signals_of(row: SessionRow) -> tuple[str, str]:
    """Return the signals column of a session and its meaning: `✗ !tool +1`, `✓`, or `–` where nothing is known.

    What is said of a session that may still grow is preceded by `○`.
    """
    # Whether the data are sound says nothing of the agent: with that alone nobody has judged the session.
    verdicts = [passed for name, _, passed in row.signals if passed is not None and name != _OF_DATA]
    tags = [rule for rule in _RULE_TAGS if rule in row.rules] + [rule for rule in row.rules if rule not in _RULE_TAGS]
    pieces: list[str] = []
    meaning = "unknown"
    if verdicts:
        failed = not all(verdicts)
        pieces.append(glyphs.get("fail" if failed else "pass"))
        meaning = "bad" if failed else "good"
    if tags:
        sign = glyphs.get("error" if tags[0] in _HARD else "warn")
        pieces.append(sign + _RULE_TAGS.get(tags[0], safe_line(tags[0]).replace("_", " ")))
        if len(tags) > 1:
            pieces.append(f"+{len(tags) - 1}")
        if meaning != "bad":
            meaning = "bad" if tags[0] in _HARD else "warn"
    if row.state != "closed":
        pieces = [glyphs.get("pending"), *(pieces or [state_of(row)])]
    return " ".join(pieces) or glyphs.get("unknown"), meaning


def state_of(row: SessionRow) -> str:
    """Return where a session stands in its life, in a word."""
    return "re-opened" if row.state == "open" and row.revision else safe_line(row.state, 10)


def started_of(row: SessionRow, zone: str, now_ms: int) -> str:
    """Return when a session began; an instant that is only an order is said to be unknown."""
    if row.started_ms is None or row.time_quality in ("order_only", "placeholder"):
        return "no time"
    return humanize.moment(row.started_ms, zone, now_ms)


def line_of(row: SessionRow, zone: str, now_ms: int) -> Line:
    """Return how a session looks in the list."""
    signals, meaning = signals_of(row)
    cost = humanize.money(row.cost_nano)
    cells = {
        "started": started_of(row, zone, now_ms),
        "user": safe_line(row.user, 40) if row.user else humanize.UNKNOWN,
        "agent": safe_line(row.agent, 40),
        "title": safe_line(row.title, 300) if row.title else humanize.UNKNOWN,
        "turns": humanize.count(row.turns),
        "duration": humanize.duration(row.duration_ms),
        "tokens": humanize.tokens(row.total_tokens),
        "cost": f"~{cost}" if row.cost_estimated and row.cost_nano is not None else cost,
        "model": safe_line(row.model, 40) if row.model else humanize.UNKNOWN,
        "source": safe_line(row.source, 24),
        "state": state_of(row),
        "errors": humanize.count(row.errors),
        "signals": signals,
    }
    return Line(cells, {"signals": meaning})
