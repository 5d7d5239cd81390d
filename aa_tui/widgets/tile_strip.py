"""A row of tiles: label with n, value, change with its band. Plain values in, messages out; numbers come as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.geometry import Region
from textual.strip import Strip

from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.panel import Panel, PanelMessage, Piece

_GAP = 2
_ROWS = 3


class Tile(NamedTuple):
    """One number. All texts are the program's own and short."""

    id: str
    """Measure id of the vocabulary."""
    label: str
    value: str
    n: str = ""
    """Denominator, as `n931`; empty where the value is a plain count."""
    change: str = ""
    """Against the previous period, `▲ 4 %`; empty when there is no honest number."""
    change_role: str = "muted"
    """good, bad or muted: whether the change is welcome."""
    band: str = ""
    """good, fair or poor; empty where no band is defined."""
    priority: int = 0
    """Higher stays longer when space is short."""

    @property
    def width(self) -> int:
        """Cells the tile needs."""
        head = width_of(self.label) + (width_of(self.n) + 1 if self.n else 0)
        tail = width_of(self.change) + (width_of(self.band) + 1 if self.band else 0)
        return max(head, width_of(self.value), tail)


_BAND_ROLE = {"good": "good", "fair": "warn", "poor": "bad"}


class TileStrip(Panel):
    """Three rows of tiles, as many as fit by priority, with a cursor over them while focused."""

    class Opened(PanelMessage):
        """The reader asked for what stands behind the tile with this id."""

        def __init__(self, strip: TileStrip, tile: str) -> None:
            super().__init__(strip)
            self.tile = tile

    DEFAULT_CSS = """
    TileStrip { height: 3; width: 1fr; }
    """
    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "label": ("muted", ""),
        "n": ("unknown", ""),
        "value": ("text", "bold"),
        "good": ("good", ""),
        "warn": ("warn", ""),
        "bad": ("bad", ""),
        "muted": ("muted", ""),
        "cursor": ("cursor", ""),
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tiles: tuple[Tile, ...] = ()
        self._cursor = 0
        self._places: list[tuple[int, int, Tile]] = []

    def set(self, tiles: Sequence[Tile]) -> None:
        """Show these tiles; nothing is painted when they are what is shown already."""
        if tuple(tiles) != self._tiles:
            self._tiles = tuple(tiles)
            self._lay_out()
            self.refresh()

    @property
    def current(self) -> Tile | None:
        """The tile under the cursor."""
        return self._places[self._cursor][2] if self._cursor < len(self._places) else None

    def shown(self, width: int) -> tuple[Tile, ...]:
        """Return the tiles that fit in `width` cells, in their order."""
        kept: list[Tile] = []
        room = width - 1
        for tile in sorted(self._tiles, key=lambda tile: -tile.priority):
            if tile.width + _GAP <= room:
                kept.append(tile)
                room -= tile.width + _GAP
        return tuple(tile for tile in self._tiles if tile in kept)

    def _lay_out(self) -> None:
        tiles = self.shown(self.size.width)
        self._places = []
        if not tiles:
            return
        slack = self.size.width - 1 - sum(tile.width + _GAP for tile in tiles)
        extra = min(8, max(0, slack) // len(tiles))
        left = 1
        for tile in tiles:
            self._places.append((left, tile.width, tile))
            left += tile.width + _GAP + extra
        self._cursor = min(self._cursor, len(self._places) - 1)

    def on_resize(self) -> None:
        """Fit the tiles to the new width."""
        self._lay_out()
        self.refresh()

    def step_across(self, by: int) -> bool:
        """Move the cursor over the tiles; False at the edge."""
        wanted = self._cursor + by
        if not 0 <= wanted < len(self._places):
            return False
        for index in (self._cursor, wanted):
            left, width, _ = self._places[index]
            self.refresh(Region(left - 1, 0, width + 2, _ROWS))
        self._cursor = wanted
        return True

    def step_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last tile."""
        if self._places:
            self._cursor = len(self._places) - 1 if last else 0
            self.refresh()

    def open_cursor(self) -> None:
        """Open what stands behind the tile under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.current.id))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points; a second click opens."""
        for index, (left, width, _) in enumerate(self._places):
            if left - 1 <= event.x <= left + width:
                if index == self._cursor and event.chain > 1:
                    self.open_cursor()
                elif index != self._cursor:
                    self.step_across(index - self._cursor)
                return

    def _row(self, tile: Tile, y: int) -> list[Piece]:
        if y == 0:
            return [(tile.label, "label"), (f" {tile.n}" if tile.n else "", "n")]
        if y == 1:
            return [(tile.value, _BAND_ROLE.get(tile.band, "value"))]
        band = f" {tile.band}" if tile.change else tile.band
        return [(tile.change, tile.change_role), (band, _BAND_ROLE.get(tile.band, "muted"))]

    def render_line(self, y: int) -> Strip:
        strips: list[Strip] = []
        at = 0
        for index, (left, width, tile) in enumerate(self._places):
            pieces: list[Piece] = [(" ", "value")]
            used = 0
            for text, role in self._row(tile, y):
                piece = glyphs.plain(clip(text, width - used))
                used += width_of(piece)
                pieces.append((piece, role))
            here = self.has_focus and index == self._cursor
            strips += [self.strip_of((), left - 1 - at), self.strip_of(pieces, width + 2, here)]
            at = left + width + 1
        return Strip.join(strips).adjust_cell_length(self.size.width, self.style_of(""))
