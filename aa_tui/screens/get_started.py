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
from aa_tui.widgets.cells import clip, pad, width_of
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import CheckRow

_WIDEST = 96


class GetStarted(Widget, can_focus=True):
    """The ways in, the project's key, and the checklist. Paints only when the checklist says something new."""

    DEFAULT_CSS = """
    GetStarted { height: 1fr; width: 1fr; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._project = ""
        self._key = ""
        self._rows: tuple[CheckRow, ...] = ()
        self._empty = True

    def begin(self, project: str, api_key: str, rows: Sequence[CheckRow], empty: bool = True) -> None:
        """Show the guide of a project; `empty` tells whether it has no data yet."""
        self._project, self._key, self._rows, self._empty = project, api_key, tuple(rows), empty
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
        head = "No agent data yet. Ways to bring some, here or in a shell:"
        if not self._empty:
            head = "Ways to bring agent data, here or in a shell:"
        lines = [Content.styled(head, themes.style("accent", "bold")), Content("")]
        ways = self._ways(safe_line(self._project, 32))
        # A command is there to be copied: it is the words beside it that give way.
        column = min(max(width_of(command) for _, command, _ in ways) + 2, width - 3)
        for key, command, what in ways:
            lines.append(
                Content.assemble(
                    (f"{key}  ", themes.style("muted")),
                    (pad(command, column), themes.style("accent")),
                    (clip(what, max(0, width - column - 3)), themes.style("muted")),
                )
            )
        lines += [Content(""), *self._checklist(width)]
        return Content("\n").join(lines[: self.size.height])

    def _ways(self, project: str) -> list[tuple[str, str, str]]:
        return [
            ("I", f"aa-tui import --project {_shell(project)}", "coding agents' transcripts here"),
            (":", f"aa-tui import FILE... --project {_shell(project)}", "files of any known format"),
            ("S", "aa-tui serve", "live agents, over HTTP"),
            (" ", safe_line(self._key, 36), "this project's key, for senders"),
            ("d", "the sample project", "an incident to find"),
        ]

    def _checklist(self, width: int) -> list[Content]:
        done, of = self.done
        lines = [Content.styled(f"What has arrived: {done} of {of}", themes.style("text", "bold"))]
        title_width = min(max((width_of(row.title) for row in self._rows), default=0), width // 2)
        counts = [f"{humanize.count(row.n)} of {humanize.count(row.of)}" if row.of > 1 else "" for row in self._rows]
        count_width = max((len(count) for count in counts), default=0)
        room = max(0, width - title_width - count_width - 6)
        for row, count in zip(self._rows, counts, strict=True):
            mark, meaning = ("warn", "bad") if row.failed else ("done", "good") if row.done else ("open", "unknown")
            hint = "" if row.done or row.failed else clip(safe_line(row.hint), room)
            lines.append(
                Content.assemble(
                    (f"{glyphs.get(mark)} ", themes.style(meaning)),
                    (pad(safe_line(row.title), title_width), themes.style("bad", "bold") if row.failed else ""),
                    (f"  {count:>{count_width}}  ", themes.style("muted")),
                    (hint, themes.style("warn")),
                )
            )
            if row.failed:
                # What to set is there to be copied: it stands whole, however long it is.
                for one in row.hint.split("\n"):
                    wrapped = Content.styled(safe_line(one), themes.style("bad")).wrap(max(10, width - 4))
                    lines += [Content.assemble("    ", line) for line in wrapped]
        return lines


def _shell(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return name if plain else "'" + name.replace("'", "'\\''") + "'"
