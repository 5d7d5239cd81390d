"""Lines of pages about something: headings, facts with their labels, blocks of stored text. Knows no read-model."""

from __future__ import annotations

from aa_tui.backend.support.drawable import drawable
from aa_tui.widgets.cells import pad, wrap
from aa_tui.widgets.role_lines import Line

LABEL_CELLS = 20


def stored(value: object) -> str:
    """Return a stored value as one line that is safe to draw."""
    return drawable(str(value), one_line=True)


def fact(label: str, value: str, width: int, role: str = "text") -> list[Line]:
    """Return a label with its value beside it, wrapped. Both must be safe to draw."""
    rows = wrap(value, max(width - LABEL_CELLS - 3, 10)) or [""]
    first: Line = [(" " + pad(label, LABEL_CELLS), "label"), (rows[0], role)]
    return [first, *([(" " * (LABEL_CELLS + 1), "text"), (row, role)] for row in rows[1:])]


def heading(text: str) -> list[Line]:
    """Return a blank line and a heading."""
    return [[("", "text")], [(f" {text}", "title")]]


def block(text: str, indent: int, width: int, role: str) -> list[Line]:
    """Return stored text as wrapped, indented lines; its own line breaks stay line breaks."""
    room = max(width - indent - 2, 20)
    rows = [row for line in drawable(text).expandtabs(4).split("\n") for row in wrap(line, room)]
    return [[(" " * indent, "text"), (row, role)] for row in rows]
