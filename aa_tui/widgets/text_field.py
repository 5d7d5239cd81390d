"""The input of several lines, which draws what is put into it as safely as any other text. Import it when needed:
Textual's text area is long to import.
"""

from __future__ import annotations

from rich.text import Text
from textual.widgets import TextArea

from aa_tui.widgets.line_input import shown


class TextField(TextArea):
    """Textual's text area, drawing one visible mark for each character that must not be drawn; its text stays."""

    DEFAULT_CSS = """
    TextField { height: 1fr; width: 1fr; border: none; padding: 0 1; background: $surface; }
    TextField:focus { border: none; }
    """

    def get_line(self, line_index: int) -> Text:
        return Text(shown(self.document.get_line(line_index)), end="", no_wrap=True)
