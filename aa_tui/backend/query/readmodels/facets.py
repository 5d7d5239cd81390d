"""A value of a dimension with its count: what facets, lists and Monitor's tables share."""

from __future__ import annotations

from typing import NamedTuple


class FacetCount(NamedTuple):
    """A value of a dimension with the number of sessions that have it."""

    value: str
    sessions: int
