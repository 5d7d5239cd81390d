"""What stands where there is nothing: a title, some lines, and keys that help. Four kinds of nothing use it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from aa_tui import themes
from aa_tui.widgets.cells import width_of


class EmptyState(Widget):
    """A centred block of words."""

    DEFAULT_CSS = """
    EmptyState { height: 1fr; width: 1fr; align: center middle; content-align: center middle; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._content = Content("")

    def say(self, title: str | Content, lines: Sequence[str | Content], meaning: str = "accent") -> None:
        """Show a title and lines. Plain strings are the program's own words; stored text comes as safe `Content`."""
        head = title if isinstance(title, Content) else Content.styled(title, themes.style(meaning, "bold"))
        body = [line if isinstance(line, Content) else Content(line) for line in lines]
        widest = max((width_of(line.plain) for line in (head, *body)), default=0)
        # Lines stay flush left within the block, so that commands can be read and copied as they stand.
        rows = [head, Content(""), *body]
        self._content = Content("\n").join(row.pad_right(max(0, widest - row.cell_length)) for row in rows)
        self.refresh()

    @property
    def plain(self) -> str:
        """What is said, without styles."""
        return self._content.plain

    def render(self) -> Content:
        return self._content
