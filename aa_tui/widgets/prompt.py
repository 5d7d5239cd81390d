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

    async def open(
        self, text: str = "", sign: str | None = None, hint: str | None = None, secret: bool = False
    ) -> None:
        """Show the line with `text` in it and take the focus before the next key is looked at.

        A line that asks for several things says which by another sign and hint; what is secret is not shown.
        """
        # Imported here: the input widget is half of Textual's import time and most sessions are read, not searched.
        from aa_tui.widgets.line_input import LineInput

        self.set_class(True, "-open")
        shown = self._sign if sign is None else sign
        label = Content.styled(f" {shown} ", themes.style("accent", "bold"))
        self.query_one(OneLine).set(label)
        self.query_one(OneLine).styles.width = label.cell_length
        hint = self._hint if hint is None else hint
        if self._input is None:
            self._input = LineInput(text, placeholder=hint, compact=True, select_on_focus=False, password=secret)
            self._input.cursor_blink = False
            await self.mount(self._input)
        else:
            self._input.placeholder, self._input.password = hint, secret
            self._input.value = text
            self._input.cursor_position = len(text)
        self.screen.set_focus(self._input)

    def close(self) -> None:
        """Hide the line."""
        self.set_class(False, "-open")

    async def on_input_submitted(self, event: Any) -> None:
        event.stop()
        self.close()
        text = event.value
        if event.input.password:
            event.input.value = ""
        self.post_message(self.Submitted(text))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()
            if self._input.password:
                self._input.value = ""
            self.post_message(self.Closed())
