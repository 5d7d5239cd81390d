"""How Monitor divides its space: how many charts, how high, tables side by side or behind tabs. Pure arithmetic."""

from __future__ import annotations

from typing import NamedTuple

TILE_ROWS = 3
FRAME_ROWS = 3
"""Sections, words and footer: what the screen takes of the terminal's height."""
_TABLE_LEAST = 6
_CHART_LEAST = 6


class Layout(NamedTuple):
    """What fits into a body of some size."""

    across: int
    """Charts beside each other."""
    down: int
    """Rows of charts."""
    chart_height: int
    """Cells of one chart, its frame included."""
    all_tables: bool
    """All tables at once; else one, the others behind tabs."""

    @property
    def charts(self) -> int:
        """How many chart panels there are."""
        return self.across * self.down


def layout_for(width: int, height: int, grouped: bool = False) -> Layout:
    """Return the layout of a body. Grouped charts need height: where there is little, half as many stand there."""
    across = 3 if width >= 144 else 2 if width >= 50 else 1
    rest = max(0, height - TILE_ROWS)
    all_tables = width >= 116 and rest >= 32
    tables = max(12, rest * 2 // 5) if all_tables else _TABLE_LEAST
    if rest - tables == 2 * _CHART_LEAST - 1:
        # The status line took a row for a moment: a table gives one way before charts move.
        tables -= 1
    room = max(4, rest - tables)
    down = 2 if room >= 2 * _CHART_LEAST else 1
    if grouped and room < 20:
        down = 1
    if not all_tables and rest >= 24:
        room = min(room, rest - 8)
    return Layout(across, down, min(16, room // down), all_tables)
