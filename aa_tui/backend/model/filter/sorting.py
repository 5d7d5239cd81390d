"""Orders of sessions, and how they are written."""

from __future__ import annotations

from typing import NamedTuple

from aa_tui.backend.model.filter.fields import nearest
from aa_tui.backend.support.errors import UsageError

SORT_KEYS = ("started", "duration", "cost", "turns", "tokens", "errors", "user", "agent", "relevance")
"""What sessions can be sorted by."""
_RISING = ("user", "agent")


class Sort(NamedTuple):
    """An order of sessions. Unknown values come last either way; ties go by start."""

    key: str = "started"
    descending: bool = True

    def to_text(self) -> str:
        """Return the key; led by `+` or `-` where it rises or falls against what is usual for it."""
        usual = self.descending == usual_sort(self.key).descending
        return self.key if usual else f"{'-' if self.descending else '+'}{self.key}"


def usual_sort(key: str) -> Sort:
    """Return the way a key is sorted first: names from A to Z, everything else most, newest or best first."""
    return Sort(key, key not in _RISING)


def parse_sort(text: str) -> Sort:
    """Return the order a text names: `cost` the usual way (dearest first), `+cost` rises, `-cost` falls; `relevance`
    always falls.

    Raises:
        UsageError: no such key.
    """
    clean = text.strip().lower()
    key = clean.lstrip("-+")
    if key not in SORT_KEYS:
        near = nearest(key, SORT_KEYS)
        raise UsageError(
            f"cannot sort by {text!r}.", f"Did you mean {near}?" if near else f"One of {', '.join(SORT_KEYS)}."
        )
    if key == "relevance" or clean == key:
        return usual_sort(key)
    return Sort(key, clean.startswith("-"))
