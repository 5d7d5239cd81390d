"""Columns of a table and which of them fit; how one line fills them. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """One column. Columns with the lowest priority go first when there is no room; one column flexes."""

    key: str
    title: str
    width: int
    priority: int = 0
    right: bool = False
    flex: bool = False
    """Takes what is left; `width` is then the least it needs."""
    sort: str | None = None
    """The name of the order its header asks for, or None where it cannot be sorted by."""


class Line(NamedTuple):
    """How a row looks: safe text per column key, and the meaning (of `themes`) of columns that are not plain text."""

    cells: Mapping[str, str]
    meanings: Mapping[str, str]


def fit(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit in `width` cells with the width of each; one blank stands between two columns."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width for column in kept) + len(kept) - 1 > width:
        kept.remove(min(kept, key=lambda column: column.priority))
    spare = width - sum(column.width for column in kept) - len(kept) + 1
    return [(column, column.width + (max(0, spare) if column.flex else 0)) for column in kept]
