"""How evaluators look: the columns of their list, and words for state, kind, rates, trend and agreement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.columns import Column, Line
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import EvaluatorRow, WeekRate

TREND_WEEKS = 10
_WEEK_MS = 7 * 86_400_000
KINDS = {"binary": "yes/no", "classification": "labels", "score": "score"}
"""Output types as people read them."""
METHODS = {"llm": "model", "regex": "regex", "keyword": "keywords"}
_STATES = {"active": ("verified", "good"), "inactive": ("pending", "unknown"), "archived": ("unknown", "muted")}

COLUMNS = (
    Column("name", "name", 16, 100, flex=True),
    Column("kind", "answer", 6, 50),
    Column("by", "by", 8, 40),
    Column("state", "state", 14, 90),
    Column("rate", "pass", 5, 80, right=True),
    Column("n", "n", 5, 70, right=True),
    Column("trend", "by week", TREND_WEEKS, 60),
    Column("agree", "agreement", 12, 45, right=True),
    Column("last", "last judged", 12, 30),
    Column("errors", "errors", 6, 25, right=True),
    Column("agents", "agents", 16, 20),
    Column("model", "model", 22, 10),
)


def state_words(row: EvaluatorRow) -> tuple[str, str]:
    """Return where an evaluator stands, with its glyph, and what that means."""
    glyph, meaning = _STATES.get(row.state, ("unknown", "unknown"))
    words = "imported" if row.imported and row.state == "inactive" else row.state
    draft = f" {glyphs.get('edited')}v{row.draft}" if row.draft is not None else ""
    return f"{glyphs.get(glyph)} {words}{draft}", meaning


def kind_words(row: EvaluatorRow) -> tuple[str, str]:
    """Return what kind of answer it gives, and what gives it."""
    by = "import" if row.imported else METHODS.get(row.method, safe_line(row.method))
    return KINDS.get(row.output_type, safe_line(row.output_type)), by


def trend(weeks: Sequence[WeekRate], cells: int = TREND_WEEKS) -> str:
    """Return the pass rates of the last weeks as bars, a blank where nothing was judged; a week of failures is low."""
    if not any(week.decided for week in weeks):
        return ""
    newest = max(week.week_ms for week in weeks)
    by_week = {week.week_ms: week.rate for week in weeks}
    rates = [by_week.get(newest - (cells - 1 - n) * _WEEK_MS) for n in range(cells)]
    return "".join(" " if rate is None else glyphs.block(max(rate, 0.125)) for rate in rates)


def agreement_words(row: EvaluatorRow) -> str:
    """Return how often verdicts are the people's answer, with its n; a dash without answers."""
    said = row.agreement
    return humanize.UNKNOWN if said is None else f"{humanize.share(said.rate)} n {humanize.short_count(said.n)}"


def agents_words(row: EvaluatorRow) -> str:
    """Return which agents it is for and which share of sessions."""
    agents = ", ".join(safe_line(agent, 40) for agent in row.agents) or "all"
    return agents if row.sampling == 1 else f"{agents}, {humanize.share(row.sampling)}"


def line_of(row: EvaluatorRow, zone: str, now_ms: int) -> Line:
    """Return a row of the list."""
    state, meaning = state_words(row)
    kind, by = kind_words(row)
    rate = row.pass_rate
    meanings = {"state": meaning, "n": "muted", "kind": "muted", "by": "muted", "agents": "muted", "model": "muted"}
    meanings |= {"last": "muted", "trend": "accent"}
    if row.errors:
        meanings["errors"] = "bad"
    if row.state == "archived":
        meanings["name"] = "muted"
    cells = {
        "name": safe_line(row.name),
        "kind": kind,
        "by": by,
        "state": state,
        "rate": humanize.share(rate),
        "n": humanize.short_count(row.decided or row.verdicts),
        "trend": trend(row.weeks),
        "agree": agreement_words(row),
        "last": humanize.moment(row.last_judged_ms, zone, now_ms),
        "errors": humanize.short_count(row.errors),
        "agents": agents_words(row),
        "model": safe_line(row.model) or ("the judge" if row.method == "llm" and not row.imported else "none"),
    }
    return Line(cells, meanings)
