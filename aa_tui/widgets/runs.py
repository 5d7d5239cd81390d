"""Lines in as few runs of one style as look the same: every run costs forty bytes on the way to a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style


def joined(segments: Iterable[Segment]) -> list[Segment]:
    """Return segments that look the same, with blanks in the style of what stands beside them where that shows not."""
    found: list[Segment] = []
    text, style = "", None
    for piece, piece_style, _ in segments:
        if not piece:
            continue
        if not text or piece_style == style:
            text, style = text + piece, piece_style
        elif piece.isspace() and _same_ground(style, piece_style):
            text += piece
        elif text.isspace() and _same_ground(piece_style, style):
            text, style = text + piece, piece_style
        else:
            found.append(Segment(text, style))
            text, style = piece, piece_style
    if text:
        found.append(Segment(text, style))
    return found


def _same_ground(style: Style | None, blank: Style | None) -> bool:
    """Return whether a blank looks the same in either style."""
    if style is None or blank is None:
        return style is blank
    return style.bgcolor == blank.bgcolor and not (_marks_blanks(style) or _marks_blanks(blank))


def _marks_blanks(style: Style) -> bool:
    return bool(style.reverse or style.underline or style.underline2 or style.strike or style.overline or style.link)
