"""Some lines above a page that say what is wrong with all of it, and what to do. Knows no page."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from aa_tui import themes


class Notice(Widget):
    """A few lines, as high as they are; not there while nothing is said."""

    DEFAULT_CSS = """
    Notice { height: auto; width: 1fr; padding: 0 1; display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._said = Content("")

    def say(self, title: str, words: str, meaning: str = "bad") -> None:
        """Say something in the program's own words: a title, and what follows it. Empty takes the notice away."""
        self._said = Content.assemble((title, themes.style(meaning, "bold")), (words, themes.style("text")))
        self.display = bool(title)
        self.refresh(layout=True)

    @property
    def plain(self) -> str:
        """What is said, without styles; empty while nothing is."""
        return self._said.plain if self.display else ""

    def render(self) -> Content:
        return self._said
