"""The guide shown while a project has no agent data: commands that bring some, and a checklist that fills as it comes.

When to read the checklist again is its screen's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from aa_tui import themes
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, wrap
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import CheckRow

_WIDEST = 96
_TITLE = 34


class GetStarted(Widget, can_focus=True):
    """Three ways in, the project's key, and the checklist. Paints only when the checklist says something new."""

    DEFAULT_CSS = """
    GetStarted { height: 1fr; width: 1fr; padding: 1 2 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._project = ""
        self._key = ""
        self._rows: tuple[CheckRow, ...] = ()

    def begin(self, project: str, api_key: str, rows: Sequence[CheckRow]) -> None:
        """Show the guide of a project."""
        self._project, self._key, self._rows = project, api_key, tuple(rows)
        self.refresh()

    def show(self, rows: Sequence[CheckRow]) -> None:
        """Show a newer checklist; nothing is painted when it says the same."""
        if tuple(rows) != self._rows:
            self._rows = tuple(rows)
            self.refresh()

    @property
    def done(self) -> tuple[int, int]:
        """How many lines of the checklist are done, of how many."""
        return sum(row.done for row in self._rows), len(self._rows)

    def render(self) -> Content:
        width = min(_WIDEST, self.size.width)
        muted, accent = themes.style("muted"), themes.style("accent")
        project = safe_line(self._project, 32)
        lines = [
            Content.styled("No agent data yet. Three ways to bring some:", themes.style("accent", "bold")),
            Content(""),
        ]
        for number, (command, what) in enumerate(self._ways(project), 1):
            lines.append(Content.assemble((f"{number}  ", muted), (clip(command, width - 3), accent)))
            lines += [Content.styled(f"   {row}", muted) for row in wrap(what, width - 3)]
        lines += [
            Content.assemble(("d  ", accent), "opens the sample project instead: 4,000 sessions, an incident to find"),
            Content(""),
            *self._checklist(width),
        ]
        return Content("\n").join(lines[: self.size.height])

    def _ways(self, project: str) -> list[tuple[str, str]]:
        key = safe_line(self._key, 60)
        return [
            ("aa-tui import", "finds what coding agents left on this machine, with counts, and lets you choose"),
            (
                f"aa-tui import FILE... --project {_shell(project)}",
                "transcripts, benchmark results, or JSON Lines of [Agent] events",
            ),
            (f"project key  {key}", "what programs that send events over HTTP to this project will need"),
        ]

    def _checklist(self, width: int) -> list[Content]:
        done, of = self.done
        lines = [Content.styled(f"What has arrived: {done} of {of}", themes.style("text", "bold"))]
        for row in self._rows:
            glyph = glyphs.get("done" if row.done else "open")
            count = f"{humanize.count(row.n)} of {humanize.count(row.of)}" if row.of > 1 else ""
            title = pad(safe_line(row.title), min(_TITLE, width // 2))
            hint = "" if row.done else clip(safe_line(row.hint), max(0, width - min(_TITLE, width // 2) - 17))
            lines.append(
                Content.assemble(
                    (f"{glyph} ", themes.style("good" if row.done else "unknown")),
                    title,
                    (f" {count:>12}  ", themes.style("muted")),
                    (hint, themes.style("warn" if row.n or row.of else "muted")),
                )
            )
        return lines


def _shell(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return name if plain else "'" + name.replace("'", "'\\''") + "'"
