"""The passage that a search matched, on one line with its hits marked. Pure: read-model in, contents out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aa_tui import themes
from aa_tui.widgets import glyphs
from aa_tui.widgets.safe_text import safe

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import MatchExcerpt


def passage(found: MatchExcerpt | None, width: int) -> tuple[Content, Content]:
    """Return the line's left and right part: the quoted passage with hits marked, and the turn it is in."""
    if found is None:
        return Content(""), Content("")
    at = _first_shown(found, width)
    more = glyphs.get("ellipsis") if at else ""
    pieces: list[Content | str] = [f" {glyphs.get('left_quote')}{more}"]
    for start, end in sorted(found.hits):
        if start < at or end > len(found.text):
            continue
        # Each piece is made safe by itself: spans count stored characters, which marks may widen.
        pieces += [safe(found.text[at:start]), safe(found.text[start:end], themes.style("hit", "bold"))]
        at = end
    pieces += [safe(found.text[at:]), glyphs.get("right_quote")]
    turn = f"turn {found.turn_no} " if found.turn_no is not None else ""
    return Content.assemble(*pieces), Content.styled(turn, themes.style("muted"))


def _first_shown(found: MatchExcerpt, width: int) -> int:
    """Return where to begin, so that the first hit is seen with some words before it."""
    first = min((start for start, _ in found.hits), default=0)
    if first < width // 2:
        return 0
    blank = found.text.find(" ", first - width // 3, first)
    return blank + 1 if blank >= 0 else first - width // 3
