"""The input of one line, which draws what is typed or put into it as safely as any other text. Import it when needed:
Textual's input widget is half of Textual's import time.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Input

from aa_tui.backend.support.drawable import drawable

_ELSE = "\ufffd"


class LineInput(Input):
    """Textual's input, drawing one visible mark for each character that must not be drawn.

    The value stays what it is: a filter on a hostile name must still find it.
    """

    @property
    def _value(self) -> Text:
        return Text(self._seen(self.value), no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(self._seen(self.value)[:position])

    def _seen(self, value: str) -> str:
        return "*" * len(value) if self.password else shown(value)


@lru_cache(maxsize=8)
def shown(value: str) -> str:
    """Return a value as it is drawn, character for character, so that a cursor position means the same in both."""
    if drawable(value, one_line=True) == value:
        return value
    return "".join(_mark(character) for character in value)


def _mark(character: str) -> str:
    mark = drawable(character, one_line=True)
    return mark if len(mark) == 1 else _ELSE
