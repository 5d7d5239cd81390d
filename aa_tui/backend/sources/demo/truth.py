"""What really happened in a played session: what recorded verdicts and labels are made from. No logic here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Truth:
    """What really happened in a session; the generator's recorded verdicts and labels are made from it."""

    completed: bool
    quality: bool
    why: str
    failure_type: str = ""
    policy: str | None = None
    """`pass` or `fail` where money policy was at stake, else None."""
    policy_reason: str = ""
    friction: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    """Phrases in which the user said they were unhappy, verbatim."""
    safety: str = "Normal"
    intent: str = "Other"
    topic: str = ""
    subtopic: str = ""
    scenario: str = ""
    quote: str = ""
    """A sentence of the agent's last text, verbatim."""
    user_quote: str = ""
    wait: str = ""
    """Kind of what was said about a refund's arrival (see `people.refund_wait`), or empty."""
    wait_text: str = ""
    abandoned: bool = False
    ended_ms: int = 0
    characters: int = 0
