"""A look into a session beside the list: who said what, first lines only. Takes a read-model, asks for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from aa_tui import themes
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, wrap
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionDetail, StepRow

_LINES_PER_MESSAGE = 3
_STEPS = 60


class SessionPreview(Widget):
    """The thread's beginning, as far as it fits."""

    DEFAULT_CSS = """
    SessionPreview { width: 38%; height: 1fr; padding: 0 1; border-left: solid $line; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._detail: SessionDetail | None = None
        self._zone = "UTC"

    def show(self, detail: SessionDetail | None, zone: str = "UTC") -> None:
        """Show a session, or nothing."""
        self._detail, self._zone = detail, zone
        self.refresh()

    def render(self) -> Content:
        detail = self._detail
        if detail is None:
            return Content("")
        width, height = self.size.width, self.size.height
        row = detail.row
        size = humanize.plural(row.turns, "turn")
        facts = [safe_line(row.key, 40), size, humanize.duration(row.duration_ms), humanize.money(row.cost_nano)]
        lines = [
            Content.styled(safe_line(row.title or row.key, width), "bold"),
            Content.styled(clip(f" {glyphs.get('dot')} ".join(facts), width), themes.style("muted")),
            Content(""),
        ]
        for step in detail.steps[:_STEPS]:
            lines += self._step(step, width)
            if len(lines) >= height:
                break
        return Content("\n").join(lines[:height])

    def _step(self, step: StepRow, width: int) -> list[Content]:
        kind = step.kind
        if kind == EventKind.TOOL_CALL:
            sign, meaning = (glyphs.get("fail"), "bad") if step.is_error else (glyphs.get("pass"), "good")
            call = Content.styled(
                f"{glyphs.get('tee')} {safe_line(step.name or 'tool', width - 6)} ", themes.style("tool")
            )
            return [Content.assemble("  ", call, Content.styled(sign, themes.style(meaning)))]
        if kind not in (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE) or not step.head:
            return []
        user = kind == EventKind.USER_MESSAGE and not step.from_agent
        who = "user" if user else safe_line(step.agent or "agent", 24)
        head = Content.styled(who, themes.style("user" if user else "agent"))
        rows = wrap(safe_line(step.head), max(8, width - 2))
        if len(rows) > _LINES_PER_MESSAGE:
            last = f"{rows[_LINES_PER_MESSAGE - 1]} {glyphs.get('ellipsis')}"
            rows = [*rows[: _LINES_PER_MESSAGE - 1], clip(last, width - 2)]
        return [head, *(Content(f"  {text}") for text in rows)]
