"""Lines of pieces with roles, and the scroll view that paints them. What the lines say is its subclasses' business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aa_tui.widgets import glyphs

Piece = tuple[str, str]
"""Text that is safe to draw, and the role that styles it."""
Line = list[Piece]

ROLES = (
    *("text", "title", "label", "dim", "accent", "good", "bad", "warn", "unknown", "hit", "cursor", "cited"),
    *("user", "user-text", "agent", "tool", "turn", "bar", "span-bar", "output"),
)
"""What a piece can be; looks are in styles/session.tcss."""


class RoleLines(ScrollView, can_focus=True, inherit_bindings=False):
    """A page of role lines; subclasses say which line stands where by `line_at`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line--{role}" for role in ROLES}
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
            return Strip.blank(width, self.rich_style)
        line, selected, cited = found
        base = self.rich_style
        if selected:
            base += self._style("cursor")
        return Strip(self._segments(line, base, selected, cited)).adjust_cell_length(width, base)

    def _segments(self, line: Sequence[Piece], base: Style, selected: bool, cited: bool) -> list[Segment]:
        segments: list[Segment] = []
        pieces = list(line)
        if cited:
            segments.append(Segment(glyphs.get("cited"), base + self._style("cited")))
            pieces = _without_first_cell(pieces)
        for text, role in pieces:
            # On the cursor line its own colours win, so that the contrast is that of the theme's cursor.
            segments.append(Segment(text, base if selected else base + self._style(role)))
        return segments

    def _style(self, role: str) -> Style:
        return self.get_component_rich_style(f"line--{role}", partial=True)

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
