"""What the panels of a dashboard share: drawn by lines in roles, with a cursor while focused. Each draws itself."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from aa_tui.widgets.role_style import RoleStyled
from aa_tui.widgets.textual_compat import OwnLines

Piece = tuple[str, str]
"""Text (safe to draw) and its role."""


class PanelMessage(Message):
    """Something a panel says; `control` is the panel."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel

    @property
    def control(self) -> Panel:
        return self.panel


class Panel(RoleStyled, OwnLines, can_focus=True):
    """A panel with a cursor. It binds no keys: its screen moves the cursor and opens what is under it.

    `LOOKS` must have the role `cursor`.
    """

    def step_across(self, by: int) -> bool:
        """Move the cursor sideways; False at the edge, where the focus should move on."""
        return False

    def step_down(self, by: int) -> bool:
        """Move the cursor down (up with -1); False at the edge, where the focus should move on."""
        return False

    def step_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last thing."""

    def open_cursor(self) -> None:
        """Say that what is under the cursor should be opened."""

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    def style_of(self, role: str, under_cursor: bool = False) -> Style:
        """Return the style of a role, also as it is under the cursor; without a role the panel's own."""
        roles = (role,) if role else ()
        return self.role_style(*roles, "cursor") if under_cursor else self.role_style(*roles)

    def strip_of(self, pieces: Iterable[Piece], width: int, under_cursor: bool = False) -> Strip:
        """Return a line of pieces, filled up or cut to `width` cells."""
        segments = [Segment(text, self.style_of(role, under_cursor)) for text, role in pieces]
        return Strip(segments).adjust_cell_length(width, self.style_of("", under_cursor))
