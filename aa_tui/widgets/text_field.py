"""The input of several lines, which draws what is put into it as safely as any other text. Import it when needed:
Textual's text area is long to import.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widgets import TextArea

from aa_tui.widgets.line_input import shown


class TextField(TextArea):
    """Textual's text area, drawing one visible mark for each character that must not be drawn; its text stays."""

    DEFAULT_CSS = """
    TextField { height: 1fr; width: 1fr; border: none; padding: 0 1; background: $surface; scrollbar-size: 1 1; }
    TextField:focus { border: none; }
    """

    BINDINGS: ClassVar[list[Any]] = [
        # Everywhere in the program these scroll; here they would delete.
        Binding("ctrl+d", "half_page(1)", show=False),
        Binding("ctrl+u", "half_page(-1)", show=False),
    ]

    def action_half_page(self, step: int) -> None:
        """Move by half a page."""
        row, column = self.cursor_location
        half = max(1, self.size.height // 2)
        self.move_cursor((max(0, min(row + step * half, self.document.line_count - 1)), column))

    def get_line(self, line_index: int) -> Text:
        return Text(shown(self.document.get_line(line_index)), end="", no_wrap=True)
