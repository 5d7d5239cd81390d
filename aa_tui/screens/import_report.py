"""The end of an import, whole: what was added, and each problem with its file, line and reason. It only shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support import humanize
from aa_tui.screens.importing import problem_text
from aa_tui.screens.modal import Modal
from aa_tui.widgets.cells import wrap
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.lines_view import LinesView
from aa_tui.widgets.role_lines import Line
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.ingest.report import ImportProblem, ImportReport

_MOST = 2_000
"""Problems that are listed; more of them say nothing new, and copying takes all."""


class ImportReportScreen(Modal[None]):
    """Counts, then the problems by file, records that were lost first."""

    DEFAULT_CSS = """
    ImportReportScreen { align: center top; background: $background 0%; }
    ImportReportScreen > Vertical {
        width: 96%; height: 90%; margin-top: 1; border: round $line; padding: 0; background: $surface;
    }
    ImportReportScreen OneLine { background: $surface; }
    ImportReportScreen LinesView { background: $surface; padding: 0 1; }
    """

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self._report = report
        self._view = LinesView()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield OneLine(id="title")
            yield self._view

    def on_mount(self) -> None:
        hint = Content.styled("y copies  esc leaves ", themes.style("muted"))
        title = Content.styled(" The last import", themes.style("accent", "bold"))
        self.query_one("#title", OneLine).set(title, hint)
        self._view.show(self._lines)
        self._view.focus()

    def _lines(self, width: int) -> Sequence[Line]:
        report = self._report
        facts = (
            ("files read", report.files),
            ("files unchanged", report.unchanged),
            ("new sessions", report.sessions),
            ("new turns", report.turns),
            ("new events", report.events),
            ("verdicts and labels", report.results),
            ("known already", report.duplicates),
            ("records skipped", report.skipped_records),
        )
        lines: list[Line] = [[("", "text")]]
        lines += [[(f"{humanize.count(value):>10}  ", "text"), (name, "label")] for name, value in facts]
        if report.cancelled:
            lines += [[("", "text")], [("It was stopped; importing again goes on from there.", "warn")]]
        lines.append([("", "text")])
        problems = self._problems()
        if not problems:
            lines.append([("No problem.", "good")])
        file = None
        for problem in problems[:_MOST]:
            if problem.file != file:
                file = problem.file
                lines += [[(row, "accent")] for row in wrap(safe_line(file), width)]
            at = f"line {humanize.count(problem.line)}" if problem.line else ""
            role = "bad" if problem.skipped else "warn"
            for n, row in enumerate(wrap(safe_line(problem.reason), max(20, width - 16))):
                lines.append([(f"  {'' if n else at:<13} ", "label"), (row, role if not n else "text")])
        if len(problems) > _MOST:
            lines.append([(f"and {humanize.count(len(problems) - _MOST)} more; y copies all", "label")])
        return lines

    def _problems(self) -> list[ImportProblem]:
        return sorted(self._report.problems, key=lambda problem: (not problem.skipped, problem.file))

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.leave(None)

    def on_key(self, event: events.Key) -> None:
        page = max(1, self._view.size.height - 1)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page, "space": page}
        steps |= {"ctrl+u": -(page // 2), "ctrl+d": page // 2, "home": -(1 << 30), "g": -(1 << 30)}
        steps |= {"end": 1 << 30, "G": 1 << 30}
        if event.key in ("escape", "q"):
            self.leave(None)
        elif event.key == "y":
            cast("AAApp", self.app).copy_text("\n".join(map(problem_text, self._problems())) or "no problem")
        elif event.key in steps:
            self._view.move(steps[event.key])
        else:
            return
        event.stop()
        event.prevent_default()
