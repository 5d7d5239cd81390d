"""A value of a dimension with its count: what facets, lists and Monitor's tables share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value of a dimension with the number of sessions that have it."""

    value: str
    sessions: int
