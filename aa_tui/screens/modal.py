"""A screen above a place that gives one answer. What it asks is for those made from it."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

Result = TypeVar("Result")


class Modal(ModalScreen[Result]):
    """A modal screen that closes once, however many keys were typed ahead of the first one's effect."""

    _gone = False

    def leave(self, value: Result) -> None:
        """Close with an answer; a second call does nothing."""
        if not self._gone:
            self._gone = True
            self.dismiss(value)
