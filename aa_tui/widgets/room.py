"""A container that is only room for others; how its children stand in it is said where it is used."""

from __future__ import annotations

from textual.widget import Widget


class Room(Widget):
    """Children under each other, unless its styles say otherwise. It draws nothing of its own: that is time saved."""

    BLANK = True
    DEFAULT_CSS = """
    Room { width: 1fr; height: 1fr; layout: vertical; overflow: hidden hidden; }
    """
