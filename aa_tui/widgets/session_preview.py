"""A look into a session beside the list: who said what, first lines only. Takes a read-model, asks for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, wrap
from aa_tui.widgets.role_style import RoleStyled
from aa_tui.widgets.safe_text import safe_line
from aa_tui.widgets.textual_compat import OwnLines

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionBeginning, StepRow
    from aa_tui.widgets.role_lines import Line

_LINES_PER_MESSAGE = 3
_MARGIN = 2
"""Cells of the rule and the blank at the left; one more stays free at the right."""


class SessionPreview(RoleStyled, OwnLines):
    """The thread's beginning, as far as it fits."""

    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {
        **{role: (role, "") for role in ("text", "user", "agent", "tool", "good", "bad", "line")},
        "title": ("text", "bold"),
        "dim": ("muted", ""),
    }
    DEFAULT_CSS = """
    SessionPreview { width: 38%; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._beginning: SessionBeginning | None = None
        self._lines: list[Line] = []

    def show(self, beginning: SessionBeginning | None) -> None:
        """Show a session, or nothing. Only lines that differ from what is shown are painted."""
        self._beginning = beginning
        before, self._lines = self._lines, self._made()
        width = self.size.width
        for y in range(max(len(before), len(self._lines))):
            if before[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(_MARGIN, y, width - _MARGIN, 1))

    def on_resize(self) -> None:
        self._lines = self._made()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        pieces = self._lines[y] if y < len(self._lines) else []
        segments = [Segment(glyphs.get("vrule"), self.role_style("line")), Segment(" ", self.role_style())]
        segments += [Segment(text, self.role_style(role)) for text, role in pieces]
        return Strip(segments).adjust_cell_length(self.size.width, self.role_style())

    def _made(self) -> list[Line]:
        """Return the lines of what is shown, as many as there is room for."""
        width, height = self.size.width - _MARGIN - 1, self.size.height
        if self._beginning is None or width <= 0:
            return []
        row = self._beginning.row
        size = humanize.plural(row.turns, "turn")
        facts = [safe_line(row.key, 40), size, humanize.duration(row.duration_ms), humanize.money(row.cost_nano)]
        lines: list[Line] = [
            [(safe_line(row.title or row.key, width), "title")],
            [(clip(f" {glyphs.get('dot')} ".join(facts), width), "dim")],
            [],
        ]
        for step in self._beginning.steps:
            if len(lines) >= height:
                break
            lines += self._step(step, width)
        return lines[:height]

    def _step(self, step: StepRow, width: int) -> list[Line]:
        kind = step.kind
        if kind == EventKind.TOOL_CALL:
            sign, meaning = (glyphs.get("fail"), "bad") if step.is_error else (glyphs.get("pass"), "good")
            name = safe_line(step.name or "tool", width - 6)
            return [[(f"  {glyphs.get('tee')} {name} ", "tool"), (sign, meaning)]]
        if kind not in (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE) or not step.head:
            return []
        user = kind == EventKind.USER_MESSAGE and not step.from_agent
        rows = wrap(safe_line(" ".join(step.head.split())), max(8, width - 2))
        if len(rows) > _LINES_PER_MESSAGE:
            last = f"{rows[_LINES_PER_MESSAGE - 1]} {glyphs.get('ellipsis')}"
            rows = [*rows[: _LINES_PER_MESSAGE - 1], clip(last, width - 2)]
        head: Line = [("user", "user") if user else (safe_line(step.agent or "agent", 24), "agent")]
        return [head, *([(f"  {text}", "text")] for text in rows)]
