"""Asking for one line above the footer, whatever it is about. Mixed into screens with fields; knows none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import on

from aa_tui.backend.support.errors import AAError
from aa_tui.screens.pane_moves import PaneMoves
from aa_tui.widgets.prompt import Prompt


class Asking(PaneMoves):
    """A page of fields with a line for typing below it. Its body holds `line`."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Prompt(":", "", id="line")
        self._then: Callable[[str], Any] | None = None

    def ask_line(self, sign: str, text: str, hint: str, then: Callable[[str], Any], secret: bool = False) -> None:
        """Let a line be typed; `then` gets it when enter is pressed. What it refuses is said, and the line stays."""
        self._then = then
        self._asked = (sign, hint, secret)
        self.call_later(self.line.open, text, sign, hint, secret)

    def line_done(self) -> None:
        """Give the focus back once a line was typed or left."""
        # At once: a widget's own `focus` comes later, and would take it from a line that is opened again.
        self.set_focus(self.moved)

    @on(Prompt.Submitted)
    def _line_typed(self, event: Prompt.Submitted) -> None:
        then, self._then = self._then, None
        self.line_done()
        if then is None:
            return
        try:
            then(event.text)
        except AAError as error:
            sign, hint, secret = self._asked
            self.flash(str(error), "bad")
            self.ask_line(sign, "" if secret else event.text, hint, then, secret)

    @on(Prompt.Closed)
    def _line_left(self) -> None:
        self._then = None
        self.line_done()
