"""Agreeing to model scoring: all that must be seen on one screen, then one key. The safe answer is every other key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.screens.modal import Modal
from aa_tui.screens.scoring.words import consent_lines
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.lines_view import LinesView

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import Offer


class Agree(Modal[bool]):
    """Says where texts go, which, at what price; its result is whether the person agreed."""

    DEFAULT_CSS = """
    Agree { align: center top; background: $background 0%; }
    Agree > Vertical {
        width: 96%; max-width: 100; height: 100%; max-height: 24; border: round $line; padding: 0;
        background: $surface;
    }
    Agree OneLine { background: $surface; }
    Agree LinesView { background: $surface; height: 1fr; }
    """

    def __init__(self, offer: Offer) -> None:
        super().__init__()
        self._offer = offer
        self._view = LinesView()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield OneLine(id="agree-title")
            yield self._view
            yield OneLine(id="agree-keys")

    def on_mount(self) -> None:
        title = " Let this model score every session that closes from now on?"
        self.query_one("#agree-title", OneLine).set(Content.styled(title, themes.style("accent", "bold")))
        self._view.show(partial(consent_lines, self._offer))
        self.call_after_refresh(self._say_keys)

    def on_resize(self) -> None:
        self.call_after_refresh(self._say_keys)

    def _say_keys(self) -> None:
        agrees = Content.assemble(
            " ", Content.styled("A", themes.style("accent", "bold")), " agrees   ", Content.styled("esc", "bold")
        )
        more = self._view.virtual_size.height > self._view.size.height
        words = "j reads on " if more else "A in Scoring stops it at any time "
        hint = Content.styled(words, themes.style("warn" if more else "muted"))
        self.query_one("#agree-keys", OneLine).set(Content.assemble(agrees, " keeps it off"), hint)

    def on_key(self, event: events.Key) -> None:
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10, "space": 10}
        if event.key == "A":
            self.leave(True)
        elif event.key in ("escape", "q", "enter"):
            self.leave(False)
        elif event.key in steps:
            self._view.move(steps[event.key])
        else:
            return
        event.stop()
        event.prevent_default()
