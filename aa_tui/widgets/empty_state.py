"""What stands where there is nothing: a title, some lines, and keys that help. Four kinds of nothing use it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from aa_tui import themes

_READABLE = 68


class EmptyState(Widget):
    """A block of words, centred; long lines are wrapped at a width that reads well."""

    DEFAULT_CSS = """
    EmptyState { height: 1fr; width: 1fr; content-align: center middle; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head = Content("")
        self._body: list[Content] = []

    def say(self, title: str | Content, lines: Sequence[str | Content], meaning: str = "accent") -> None:
        """Show a title and paragraphs. A `str` is the program's own words; stored text comes as safe `Content`."""
        self._head = title if isinstance(title, Content) else Content.styled(title, themes.style(meaning, "bold"))
        self._body = [line if isinstance(line, Content) else Content(line) for line in lines]
        self.refresh()

    @property
    def plain(self) -> str:
        """What is said, without styles."""
        return "\n".join((self._head.plain, *(line.plain for line in self._body)))

    def render(self) -> Content:
        room = max(10, min(_READABLE, self.size.width))
        rows = [self._head, Content("")]
        for paragraph in self._body:
            rows += paragraph.wrap(room) if paragraph else [Content("")]
        # Rows stay flush left within the block, so that commands can be read and copied as they stand.
        widest = max(row.cell_length for row in rows)
        return Content("\n").join(row.pad_right(widest - row.cell_length) for row in rows)
