"""One line that asks for text above the footer; hidden until opened. What the text means is its parent's business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message

from aa_tui import themes
from aa_tui.widgets.frame import OneLine


class Prompt(Horizontal):
    """A sign, an input and a hint. Enter submits, Escape closes; both hide it and give the text back."""

    DEFAULT_CSS = """
    Prompt { height: 1; dock: bottom; display: none; background: $panel; }
    Prompt.-open { display: block; }
    Prompt > OneLine { width: auto; min-width: 3; }
    Prompt > Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    Prompt > Input:focus { border: none; }
    """

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        text: str

    @dataclass
    class Closed(Message):
        """Escape was pressed."""

    def __init__(self, sign: str, hint: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sign = sign
        self._hint = hint
        self._input: Any = None

    def compose(self) -> Iterator[Any]:
        yield OneLine(id="prompt-sign")

    async def open(self, text: str = "") -> None:
        """Show the line with `text` in it and take the focus before the next key is looked at."""
        # Imported here: the input widget is half of Textual's import time and most sessions are read, not searched.
        from aa_tui.widgets.line_input import LineInput

        self.set_class(True, "-open")
        self.query_one(OneLine).set(Content.styled(f" {self._sign} ", themes.style("accent", "bold")))
        if self._input is None:
            self._input = LineInput(text, placeholder=self._hint, compact=True, select_on_focus=False)
            self._input.cursor_blink = False
            await self.mount(self._input)
        else:
            self._input.value = text
        self.screen.set_focus(self._input)

    def close(self) -> None:
        """Hide the line."""
        self.set_class(False, "-open")

    async def on_input_submitted(self, event: Any) -> None:
        event.stop()
        self.close()
        self.post_message(self.Submitted(event.value))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()
            self.post_message(self.Closed())
