"""What is added up over sessions, and the measures it amounts to. No SQL, no time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aa_tui.backend.model.histogram import added_up, quantile

SIGNALS = {
    "success": ("task_completion", "True"),
    "response_quality": ("response_quality", "True"),
    "friction": ("user_friction", "True"),
    "negative_feedback": ("negative_feedback", "True"),
    "data_quality": ("data_quality", "True"),
    "safety": ("session_safety", "Normal"),
}
"""Measure by signal and the value that counts; for safety, the value that does not."""
BY_VERDICT: Mapping[str, tuple[str, ...]] = {"friction": ("pass", "fail")}
"""Measures that count verdicts, the one that counts last: code hints at these signals with the same values, and its
hints neither pass nor fail."""
_JUDGED = ("success", "response_quality", "friction", "negative_feedback", "safety")
TILES = (
    "sessions", "users", "turns", "success", "quality", "friction", "negative_feedback", "sentiment", "cost",
    "latency_p50", "latency_p90", "error_rate", "response_quality", "data_quality", "safety",
)  # fmt: skip
"""All measures, in the order of the tiles."""


@dataclass(slots=True, eq=False, repr=False)
class Sums:
    """What is added up over some sessions."""

    sessions: int = 0
    turns: int = 0
    model_calls: int = 0
    error_sessions: int = 0
    cost: int = 0
    priced_calls: int = 0
    priced_sessions: int = 0
    estimated: int = 0
    quality: float = 0.0
    quality_n: int = 0
    mood: float = 0.0
    mood_n: int = 0
    ruled: int = 0
    """Sessions with at least one rule hit."""
    users: set[str] = field(default_factory=set)
    counted_users: int = 0
    """How many, where rollups say only that."""
    latencies: list[str] = field(default_factory=list)
    """Packed histograms of model calls; unpacked only where their sum is wanted."""
    signals: dict[str, list[int]] = field(default_factory=dict)
    """By measure: sessions on which the signal ran, and those with the value that counts."""

    def add(self, other: Sums) -> None:
        """Add what was added up over other sessions."""
        self.sessions += other.sessions
        self.turns += other.turns
        self.model_calls += other.model_calls
        self.error_sessions += other.error_sessions
        self.cost += other.cost
        self.priced_calls += other.priced_calls
        self.priced_sessions += other.priced_sessions
        self.estimated += other.estimated
        self.quality += other.quality
        self.quality_n += other.quality_n
        self.mood += other.mood
        self.mood_n += other.mood_n
        self.ruled += other.ruled
        self.users |= other.users
        self.latencies += other.latencies
        for name, (ran, hit) in other.signals.items():
            self.judge(name, ran, hit)

    def judge(self, measure: str, ran: int, hit: int) -> None:
        """Add sessions on which the signal of a measure ran, and those of them with the value that counts."""
        pair = self.signals.setdefault(measure, [0, 0])
        pair[0] += ran
        pair[1] += hit

    @property
    def scored(self) -> int:
        """Sessions that a model has judged, or their sender; what code finds alone does not count."""
        return max((self.signals.get(name, (0, 0))[0] for name in _JUDGED), default=0)

    def _rate(self, name: str) -> tuple[float | None, int]:
        ran, hit = self.signals.get(name, (0, 0))
        if not ran:
            return None, 0
        return (1 - hit / ran if name == "safety" else hit / ran), ran

    def values(self, scored: bool) -> dict[str, tuple[float | None, int]]:
        """Return (value, n) by measure; None where there is nothing to say. `scored`: something in the view is."""
        n = self.sessions
        bins = added_up(self.latencies)
        calls = sum(bins.values())
        found: dict[str, tuple[float | None, int]] = {
            "sessions": (float(n), n),
            "turns": (float(self.turns), n),
            "cost": (float(self.cost) if self.priced_sessions else None, self.priced_sessions),
            "latency_p50": (quantile(bins, 0.5), calls),
            "latency_p90": (quantile(bins, 0.9), calls),
            "error_rate": (self.error_sessions / n if n else None, n),
            "success": ((1 - self.ruled / n) if n else None, n),
        }
        for name in SIGNALS:
            if scored or name == "data_quality":
                found[name] = self._rate(name)
        users = len(self.users) or self.counted_users
        if users or not n:
            found["users"] = (float(users), n)
        if scored:
            found["quality"] = (self.quality / self.quality_n if self.quality_n else None, self.quality_n)
        if self.mood_n:
            found["sentiment"] = (self.mood / self.mood_n, self.mood_n)
        return found


Cells = dict[tuple[int, str], Sums]
"""Sums by (index of the interval, root agent); agent '' for what is not asked by agent."""


def merged(cells: Iterable[Sums]) -> Sums:
    """Return the sum of all."""
    total = Sums()
    for cell in cells:
        total.add(cell)
    return total


def by_interval(cells: Cells) -> dict[int, Sums]:
    """Return the sums over all agents."""
    found: dict[int, Sums] = {}
    for (index, _), cell in cells.items():
        found.setdefault(index, Sums()).add(cell)
    return found


def by_agent(cells: Cells) -> dict[str, Sums]:
    """Return the sums over all intervals; what is not asked by agent is left out."""
    found: dict[str, Sums] = {}
    for (_, agent), cell in cells.items():
        if agent:
            found.setdefault(agent, Sums()).add(cell)
    return found
