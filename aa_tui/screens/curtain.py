"""The frame of a place before the place itself: the first frame of those whose screens are long to import and mount.

It knows the address and nothing else: it asks nothing, and keeps the keys typed meanwhile for the place.
"""

from __future__ import annotations

from textual import events
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets import glyphs
from aa_tui.widgets.safe_text import safe

BEHIND = frozenset({"monitor", "session"})
"""The sections that start behind it."""
_EVERYTHING = {"monitor": "all agents"}


class Curtain(PlaceScreen):
    """Sections, words and footer as the place will have them."""

    def __init__(self, start: Address) -> None:
        super().__init__()
        self._place = start
        self.held: list[tuple[str, str | None]] = []
        """Key and character of what was typed, for the place to get."""

    def scope(self) -> str:
        return self._place.section

    def address(self) -> Address:
        return self._place

    def expect(self, address: Address) -> None:
        parts = [text if name == "q" else f"{name}:{text}" for name, text in address.params.items()]
        chips: list[Content | str] = []
        for part in parts:
            chips += [safe(part, themes.style("chip")), "  "]
        what = Content.assemble(*chips[:-1]) if chips else Content(_EVERYTHING.get(address.section, ""))
        dot = f" {glyphs.get('dot')} " if what.plain else ""
        self.set_words(Content.assemble(what, Content.styled(f"{dot}loading", themes.style("muted"))))

    def on_key(self, event: events.Key) -> None:
        """Keep the key."""
        event.stop()
        event.prevent_default()
        self.held.append((event.key, event.character))
