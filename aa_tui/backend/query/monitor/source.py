"""What a view asks of whatever answers it: session rows or rollups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from aa_tui.backend.query.monitor.sums import SIGNALS, Cells
from aa_tui.backend.query.readmodels import FacetCount
from aa_tui.backend.store.engine import Reader


class ToolSums(NamedTuple):
    """What is known of the calls of one tool."""

    calls: int
    errors: int
    bins: Mapping[int, int]
    """Histogram of latencies."""
    top_error: str | None


class Source(Protocol):
    """Sums over the sessions of one filter."""

    def gather(self, lower: int, upper: int, starts: Sequence[int], by_agent: bool) -> Cells:
        """Return sums by interval and, where asked, by root agent."""
        ...

    def count_users(self, lower: int, upper: int) -> int:
        """Return how many users there are where `gather` does not name them, else 0."""
        ...

    def topics_of_agents(self) -> Sequence[tuple[str, str, int]]:
        """Return (root agent, topic, sessions), most sessions first."""
        ...

    def largest(self, key: str, limit: int) -> list[FacetCount]:
        """Return the values of a dimension with most sessions."""
        ...

    def tools(self) -> dict[str, ToolSums]:
        """Return the calls by tool."""
        ...


def joined(reader: Reader, column: str) -> str:
    """Return SQL that joins the texts of a group with blanks."""
    return f"group_concat({column}, ' ')" if reader.dialect == "sqlite" else f"string_agg({column}, ' ')"


def known_signals(reader: Reader, project_id: int) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Return (measure, signal, the value that counts, all values there are)."""
    known: dict[str, list[str]] = {}
    for key, value in reader.fetch(
        "SELECT key, value FROM facet WHERE project_id=:p AND key >= 'signal.' AND key < 'signal/' AND sessions>0",
        {"p": project_id},
    ):
        known.setdefault(key, []).append(value)
    return [
        (measure, signal, wanted, tuple(known.get(f"signal.{signal}", ())))
        for measure, (signal, wanted) in SIGNALS.items()
    ]


def most_frequent(counts: Mapping[str, int]) -> str | None:
    """Return the most frequent; of equally frequent ones the first by the alphabet."""
    return max(sorted(counts), key=lambda one: counts[one]) if counts else None
