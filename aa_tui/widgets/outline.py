"""The outline of a session: one line per turn over the thread; choosing one goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message

from aa_tui.backend.query.readmodels import TurnRow
from aa_tui.backend.support.humanize import clock, count, plural
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import pad
from aa_tui.widgets.role_lines import Line, RoleLines
from aa_tui.widgets.safe_text import safe_line


class Outline(RoleLines):
    """Shows `turns`; hidden until it is opened."""

    DEFAULT_CSS = """
    Outline { dock: right; width: 70%; max-width: 90; height: 1fr; display: none; layer: overlay; background: $panel; }
    Outline.-open { display: block; }
    """

    @dataclass
    class Chosen(Message):
        """A turn was chosen."""

        turn_no: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._turns: Sequence[TurnRow] = ()
        self._zone = "UTC"
        self._cursor = 0

    def show(self, turns: Sequence[TurnRow], zone: str, current: int) -> None:
        """Show the turns with the cursor on turn number `current`."""
        self._turns, self._zone = turns, zone
        self._cursor = next((n for n, turn in enumerate(turns) if turn.no == current), 0)
        self.virtual_size = Size(self.page_width, len(turns))
        self.scroll_to(y=max(self._cursor - 5, 0), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.page_width, len(self._turns))

    def move(self, by: int) -> None:
        """Move the cursor."""
        if not self._turns:
            return
        old, self._cursor = self._cursor, min(max(self._cursor + by, 0), len(self._turns) - 1)
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if not top <= self._cursor < top + height:
            self.scroll_to(y=max(self._cursor - height // 3, 0), animate=False)
        self.refresh_page_line(old)
        self.refresh_page_line(self._cursor)

    def choose(self) -> None:
        """Choose the turn under the cursor."""
        if self._turns:
            self.post_message(self.Chosen(self._turns[self._cursor].no))

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        if y >= len(self._turns):
            return None
        turn = self._turns[y]
        stamp = clock(turn.started_ms, self._zone, seconds=False) if turn.started_ms is not None else ""
        tools = f"{plural(turn.tool_calls, 'tool')}" if turn.tool_calls else ""
        failed = f"{glyphs.get('fail')} {count(turn.errors)}" if turn.errors else ""
        room = max(self.page_width - 29, 8)
        line: Line = [
            (f" {turn.no:>4} ", "turn"),
            (pad(stamp, 6), "dim"),
            (pad(safe_line(turn.user_head or turn.answer_head or ""), room), "text"),
            (pad(tools, 10, right=True), "dim"),
            (pad(failed, 6, right=True), "bad"),
        ]
        return line, y == self._cursor, False

    def on_click(self, event: events.Click) -> None:
        y = event.y + self.scroll_offset.y
        if y < len(self._turns):
            self._cursor = y
            self.choose()
