"""The one door between stored text and a Textual widget. Nothing else turns text from outside into something drawn.

What a hostile text may show is decided in `backend.support.drawable`; here it becomes a `Content`, which Textual never
parses as markup.
"""

from __future__ import annotations

from textual.content import Content

from aa_tui.backend.support.drawable import drawable
from aa_tui.widgets.cells import clip


def safe_line(text: str | None, width: int | None = None) -> str:
    """Return stored text as one line without control characters, clipped to `width` cells when given.

    The result is plain text for line-drawing widgets; it must still never meet a markup parser.
    """
    line = drawable(text or "", one_line=True)
    return line if width is None else clip(line, width)


def safe(text: str | None, style: str = "", one_line: bool = True, width: int | None = None) -> Content:
    """Return stored text as a `Content` in the given style. `width` clips one line to that many cells."""
    if one_line:
        return Content.styled(safe_line(text, width), style)
    return Content.styled(drawable(text or ""), style)
