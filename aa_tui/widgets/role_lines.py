"""Lines of pieces with roles, and the scroll view that paints them. What the lines say is its subclasses' business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aa_tui.widgets import glyphs
from aa_tui.widgets.role_style import RoleStyled
from aa_tui.widgets.textual_compat import OwnLines

Piece = tuple[str, str]
"""Text that is safe to draw, and the role that styles it."""
Line = list[Piece]


class RoleLines(RoleStyled, OwnLines, ScrollView, can_focus=True, inherit_bindings=False):
    """A page of role lines; subclasses say which line stands where by `line_at`."""

    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        **{role: (role, "") for role in ("text", "accent", "good", "bad", "warn", "unknown", "hit", "cursor")},
        **{role: (role, "") for role in ("user", "agent", "tool")},
        "title": ("text", "bold"),
        "user-text": ("text", "bold"),
        "label": ("muted", ""),
        "dim": ("muted", ""),
        "output": ("muted", ""),
        "turn": ("accent", ""),
        "span-bar": ("accent", ""),
        "bar": ("line", ""),
        "cited": ("mark", ""),
    }
    """What a piece can be, and how it looks."""
    DEFAULT_CSS = """
    RoleLines {
        height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
    }
    """

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        """Return (line, selected, cited) of a line of the whole page, or None past its end."""
        raise NotImplementedError

    @property
    def page_width(self) -> int:
        """Cells a line may take."""
        return max(self.scrollable_content_region.width, 20)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        found = self.line_at(y + self.scroll_offset.y)
        if found is None:
            return Strip.blank(width, self.role_style())
        line, selected, cited = found
        base = self.role_style("cursor") if selected else self.role_style()
        return Strip(self._segments(line, selected, cited)).adjust_cell_length(width, base)

    def _segments(self, line: Sequence[Piece], selected: bool, cited: bool) -> list[Segment]:
        under = ("cursor",) if selected else ()
        segments: list[Segment] = []
        pieces = list(line)
        if cited:
            segments.append(Segment(glyphs.get("cited"), self.role_style(*under, "cited")))
            pieces = _without_first_cell(pieces)
        for text, role in pieces:
            # On the cursor line its own colours win, so that the contrast is that of the theme's cursor.
            segments.append(Segment(text, self.role_style(*(under or (role,)))))
        return segments

    def refresh_page_line(self, y: int) -> None:
        """Repaint one line of the whole page if it is visible."""
        row = y - self.scroll_offset.y
        if 0 <= row < self.size.height:
            self.refresh(Region(0, row, self.size.width, 1))


def _without_first_cell(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop the blank a line begins with, to make room for a mark."""
    if pieces and pieces[0][0].startswith(" "):
        return [(pieces[0][0][1:], pieces[0][1]), *pieces[1:]]
    return list(pieces)
