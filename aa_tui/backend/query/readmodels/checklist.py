"""What has arrived so far, for getting started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A line of the get-started checklist."""

    id: str
    title: str
    done: bool
    n: int
    of: int
    hint: str
