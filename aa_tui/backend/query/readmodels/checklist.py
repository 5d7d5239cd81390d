"""What has arrived so far, for getting started."""

from __future__ import annotations

from typing import NamedTuple


class CheckRow(NamedTuple):
    """A line of the get-started checklist."""

    id: str
    title: str
    done: bool
    n: int
    of: int
    hint: str
    failed: bool = False
    """Something arrived, and this was not with it though it should be: `hint` says what to do, a line each."""
