"""Marked rows of a list that may have a million. Knows ids only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class MarkSet:
    """Marked ids, or all but some: marking a million lines costs nothing."""

    def __init__(self) -> None:
        self.inverted = False
        self._ids: set[int] = set()

    def __contains__(self, row_id: int) -> bool:
        return (row_id in self._ids) != self.inverted

    def toggle(self, row_id: int) -> None:
        """Mark what is unmarked, unmark what is marked."""
        self._ids ^= {row_id}

    def add(self, row_ids: Iterable[int]) -> None:
        """Mark these."""
        if self.inverted:
            self._ids.difference_update(row_ids)
        else:
            self._ids.update(row_ids)

    def all(self) -> None:
        """Mark everything."""
        self.inverted, self._ids = True, set()

    def clear(self) -> None:
        """Unmark everything."""
        self.inverted, self._ids = False, set()

    def count(self, total: int) -> int:
        """Return how many of `total` lines are marked."""
        return total - len(self._ids) if self.inverted else len(self._ids)

    def chosen(self, ids: Sequence[int]) -> list[int]:
        """Return the marked ids of a list, in its order."""
        if not self.inverted and not self._ids:
            return []
        return [row_id for row_id in ids if row_id in self]
