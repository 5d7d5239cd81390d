"""The `:` line: a popup of two lines at the foot, with Tab completion and history. Its result is the typed line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.screens.modal import Modal
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.safe_text import safe_line


class CommandLine(Modal[str | None]):
    """Asks for a line; None when it was left. An empty line is an answer too: it opens the palette."""

    DEFAULT_CSS = """
    CommandLine { align: left bottom; background: $background 0%; }
    CommandLine > Vertical { height: 2; width: 1fr; background: $panel; }
    CommandLine Horizontal { height: 1; }
    CommandLine #command-sign { width: 2; }
    CommandLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    CommandLine Input:focus { border: none; }
    """

    def __init__(self, text: str, complete: Callable[[str], Sequence[str]], history: Sequence[str]) -> None:
        super().__init__()
        self._text = text
        self._complete = complete
        self._history = list(history)
        self._at = len(self._history)

    def compose(self) -> ComposeResult:
        from aa_tui.widgets.line_input import LineInput

        with Vertical():
            yield OneLine(id="command-hint")
            with Horizontal():
                yield OneLine(id="command-sign")
                box = LineInput(self._text, compact=True, select_on_focus=False)
                box.cursor_blink = False
                yield box

    def on_mount(self) -> None:
        self.query_one("#command-sign", OneLine).set(Content.styled(":", themes.style("accent", "bold")))
        self._hint(self._text)

    def _hint(self, text: str) -> None:
        offers = self._complete(text)
        pieces: list[Content | str] = ["  "]
        for n, offer in enumerate(offers[:12]):
            pieces += [Content.styled(safe_line(offer, 40), themes.style("accent" if n == 0 else "muted")), "  "]
        if not offers:
            pieces.append(Content.styled("a place, a command, an address or a session key", themes.style("muted")))
        self.query_one("#command-hint", OneLine).set(Content.assemble(*pieces))

    def on_input_changed(self, event: Any) -> None:
        self._hint(event.value)

    def on_input_submitted(self, event: Any) -> None:
        self.leave(event.value.strip())

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.leave(None)

    def on_key(self, event: events.Key) -> None:
        from aa_tui.widgets.line_input import LineInput

        box = self.query_one(LineInput)
        if event.key == "escape":
            self.leave(None)
        elif event.key == "tab":
            offers = self._complete(box.value)
            if offers:
                # A folder's name goes on to what is in it.
                self._put(offers[0] + ("" if offers[0].endswith("/") else " "))
        elif event.key in ("up", "down"):
            self._at = max(0, min(len(self._history), self._at + (-1 if event.key == "up" else 1)))
            self._put(self._history[self._at] if self._at < len(self._history) else "")
        else:
            return
        event.stop()
        event.prevent_default()

    def _put(self, text: str) -> None:
        from aa_tui.widgets.line_input import LineInput

        box = self.query_one(LineInput)
        box.value = text
        box.cursor_position = len(text)
