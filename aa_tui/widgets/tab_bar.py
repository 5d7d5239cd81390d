"""One line of tabs, the current one reversed; click or key chooses. Knows names and titles, not what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from aa_tui import themes
from aa_tui.widgets.frame import lay_out
from aa_tui.widgets.safe_text import safe


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its name, its title, and a short mark with the meaning that styles it (`2✗`, bad)."""

    name: str
    title: str
    mark: str = ""
    meaning: str = "muted"


class TabBar(Widget):
    """The tabs at the left, who it is about at the right."""

    DEFAULT_CSS = """
    TabBar { height: 1; width: 1fr; }
    """

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        name: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()
        self._current = ""
        self._right = ""
        self._spans: list[tuple[int, int, str]] = []

    def set(self, tabs: Sequence[Tab], current: str, right: str = "") -> None:
        """Show these tabs; `right` is stored text and made safe here."""
        if (tuple(tabs), current, right) != (self._tabs, self._current, self._right):
            self._tabs, self._current, self._right = tuple(tabs), current, right
            self.refresh()

    def render(self) -> Content:
        pieces: list[Content] = []
        self._spans = []
        at = 0
        for tab in self._tabs:
            mark = f" {tab.mark}" if tab.mark else ""
            cells = len(tab.title) + len(mark) + 2
            self._spans.append((at, at + cells, tab.name))
            at += cells
            if tab.name == self._current:
                pieces.append(Content.styled(f" {tab.title}{mark} ", "reverse bold"))
            else:
                pieces.append(Content(f" {tab.title}"))
                pieces.append(Content.styled(f"{mark} ", themes.style(tab.meaning)))
        right = Content.assemble(safe(self._right, themes.style("muted")), " ")
        return lay_out(Content.assemble(*pieces), right, self.size.width)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))
                return
