"""What a store holds of somebody or something, counted, and those counts in words. Values only; found at ingest."""

from __future__ import annotations

from dataclasses import dataclass, fields

from aa_tui.backend.support.humanize import count


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds of somebody or something, or held of it before it went."""

    sessions: int = 0
    sessions_in_part: int = 0
    """Sessions of several users, of which only this one's part goes."""
    events: int = 0
    """Of the sessions, and those of no session."""
    events_outside: int = 0
    """Of them, those of no session: product events and user properties."""
    results: int = 0
    """Verdicts of signals and evaluators."""
    answers: int = 0
    """People's answers and labels."""
    views: int = 0
    """Saved views that named them; counted once they are gone."""
    notes: int = 0
    """Texts in which their name was replaced; counted once it is."""
    journal: int = 0
    """Journal entries that lost a text; counted once they have."""
    left: tuple[str, ...] = ()
    """What could not be rewritten, in words: other places that still hold a copy."""

    def __add__(self, other: Held) -> Held:
        """Return both together."""
        return Held(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def nothing(self) -> bool:
        """Whether nothing is held."""
        return not (self.sessions or self.sessions_in_part or self.events)

    def words(self) -> str:
        """Return the counts as a line: `3 sessions, 120 events, 6 verdicts, 2 answers and labels`."""
        named = (
            (self.sessions, "session", "sessions"),
            (self.sessions_in_part, "part of a session", "parts of sessions"),
            (self.events - self.events_outside, "event", "events"),
            (self.events_outside, "product event", "product events"),
            (self.results, "verdict", "verdicts"),
            (self.answers, "answer or label", "answers and labels"),
            (self.views, "saved view", "saved views"),
            (self.notes, "note", "notes"),
            (self.journal, "journal entry", "journal entries"),
        )
        return ", ".join(f"{count(n)} {one if n == 1 else many}" for n, one, many in named if n) or "nothing"
