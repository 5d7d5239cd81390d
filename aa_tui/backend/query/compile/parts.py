"""What the compiler's modules hand each other: whose sessions, a source of candidates, an answer, bits of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aa_tui.backend.model.filter import Term, Value

COLUMN = {
    "cost": "cost_nano",
    "turns": "turns",
    "messages": "messages",
    "duration": "duration_ms",
    "latency": "latency_avg_ms",
    "p50": "latency_p50_ms",
    "p90": "latency_p90_ms",
    "tokens": "total_tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "errors": "errors",
    "model_calls": "model_calls",
    "tool_calls": "tool_calls",
    "tool_errors": "tool_errors",
    "quality": "quality_score",
    "sentiment": "sentiment_score",
    "score": "user_score",
}
"""The session's column behind a number of the filter language."""
SORT_COLUMN = {
    "duration": "duration_ms",
    "cost": "cost_nano",
    "turns": "turns",
    "tokens": "total_tokens",
    "errors": "errors",
    "user": "user_id",
}
"""The session's column behind an order."""
INDEX = {
    "cost_nano": "ix_session_cost",
    "duration_ms": "ix_session_duration",
    "turns": "ix_session_turns",
    "total_tokens": "ix_session_tokens",
    "errors": "ix_session_errors",
    "user_id": "ix_session_user",
}
"""The index that holds a column in order."""


class Scope(NamedTuple):
    """Whose sessions, and what relative times mean: the project, its zone and "now"."""

    project_id: int
    zone: str
    now_ms: int


class Found(NamedTuple):
    """Ordered session ids of a search or list, and whether everything was looked at."""

    ids: Sequence[int]
    capped: bool = False
    matches: int | None = None


class Facets(NamedTuple):
    """Facets that a part stands for, with the number of sessions of each."""

    counts: dict[int, int]

    @property
    def total(self) -> int:
        """Sessions of all of them together, counted once for each."""
        return sum(self.counts.values())


class Driver(NamedTuple):
    """Where candidates come from: a FROM clause and the two columns of a session in it, and what that costs."""

    source: str
    at: str
    id: str
    where: Sequence[str] = ()
    size: float = 0
    """About how many rows it gives in all."""
    ordered: bool = False
    """Rows come in start order without sorting."""
    used: frozenset[int] = frozenset()
    """Indices of the parts that the source already honours."""
    row_cost: float = 0.0
    """Microseconds to take a row and put the remaining parts to it."""
    fixed_cost: float = 0.0
    """Microseconds before the first row."""
    seeks: bool = False
    """Words are looked up for each row, not collected beforehand."""
    before: str = ""
    """What stands before SELECT."""

    def cost(self, rows: float) -> float:
        """Microseconds to look at so many of its rows."""
        return self.fixed_cost + rows * self.row_cost


def as_id(text: str) -> int | None:
    """Return the id a text is, or None when it cannot be one."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if 0 < number < 1 << 63 else None


def match_text(terms: Sequence[Term]) -> str:
    """Return the full-text expression of words and phrases that must all occur; every one is quoted."""
    return " AND ".join(
        '"' + t.text.replace("\x00", " ").replace('"', '""') + ('" *' if t.prefix else '"') for t in terms
    )


def means(value: Value, stored: str, any_case: bool) -> bool:
    """Tell whether a value of a filter stands for a stored one."""
    if not any_case:
        return value.matches(stored)
    return Value(value.text.casefold(), value.glob).matches(stored.casefold())


def after(prefix: str) -> str | None:
    """Return the smallest text after all that begin with `prefix`, or None when there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1]) + 1
        if 0xD800 <= code <= 0xDFFF:
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[: end - 1] + chr(code)
    return None


def one_of(column: str, ids: Sequence[int]) -> str:
    """Return the condition that a column is one of some ids.

    Ids are integers of our own, so they may stand in the text: there is no limit on their number then.
    """
    if not ids:
        return "1=0"
    if len(ids) == 1:
        return f"{column}={int(ids[0])}"
    return f"{column} IN ({', '.join(str(int(i)) for i in ids)})"


def within(at: str, lower: int | None, upper: int | None) -> list[str]:
    """Return the conditions that a start lies in a range; `upper` is outside."""
    return [
        *([f"{at} >= {lower}"] if lower is not None else []),
        *([f"{at} < {upper}"] if upper is not None else []),
    ]


def start_order(driver: Driver, descending: bool) -> str:
    """Return the ORDER BY of start order."""
    way = " DESC" if descending else ""
    return f"ORDER BY {driver.at}{way}, {driver.id}{way}"
