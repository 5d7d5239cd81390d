"""The list of evaluators: state, pass rate by week, agreement; what can be done with the one under the cursor."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.evaluators.acts import EvaluatorActs
from aa_tui.widgets import glyphs
from aa_tui.widgets.columns import Line
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.evaluator_columns import COLUMNS, line_of
from aa_tui.widgets.safe_text import safe_line
from aa_tui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import EvaluatorRow
    from aa_tui.backend.service.workspace import Workspace

_TEACHING = (
    "An evaluator asks one question of every session and answers it the same way each time: did the agent follow "
    "the refund policy, was the tone right, which kind of request was it.",
    "",
    "Start with binary, it calibrates best: two people agree on yes or no far more often than on a number, and so "
    "does a judge. One question per evaluator; say what counts, what does not, and decide the doubtful case.",
    "",
)


class EvaluatorsScreen(EvaluatorActs):
    """All evaluators of the project by name."""

    SCOPE = "evaluators"
    AUTO_FOCUS = "#table"
    BINDING_SCOPES = ("evaluators", "pane")

    def __init__(self) -> None:
        super().__init__()
        self.table = WindowedTable(COLUMNS, self._line, id="table")
        self._empty = EmptyState(id="empty")
        self._empty.display = False
        self._archived = False
        self._zone, self._now_ms = "UTC", 0
        self._wanted: int | None = None
        self._known = False

    def compose_body(self) -> Iterator[Any]:
        yield self.table
        yield self._empty

    @property
    def moved(self) -> WindowedTable:
        return self.table

    @property
    def current(self) -> EvaluatorRow | None:
        return None if self.table.cursor_id is None else self.table.row(self.table.cursor_id)

    def _line(self, row: EvaluatorRow) -> Line:
        return line_of(row, self._zone, self._now_ms)

    # -- address

    def address(self) -> Address:
        return Address("evaluators", {"archived": "1"} if self._archived else {})

    def view_state(self) -> dict[str, Any]:
        return {"id": self.table.cursor_id}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        self._archived = address.params.get("archived") == "1"
        self._wanted = (state or {}).get("id")
        self.reload()

    def forget(self) -> None:
        super().forget()
        self._known = False
        self.table.forget_rows()
        self.table.set_ids((), keep=False)

    # -- loading

    def reload(self) -> None:
        self.load(self._fill(), "rows")

    async def _fill(self) -> None:
        workspace = await self.ready()
        self._zone, self._now_ms = workspace.project.time_zone, workspace.clock.now_ms()
        found = await self.ask(workspace.evaluators.list, self._archived, group="rows")
        self._show(found)
        scoring = await self.ask(_scoring_words, workspace, group="status", token=False)
        self._say(found, *scoring)

    def _show(self, rows: Sequence[EvaluatorRow]) -> None:
        held = self._wanted if self._wanted is not None else self.table.cursor_id
        self._wanted = None
        self.table.display, self._empty.display = bool(rows), not rows
        self.table.put_rows({row.id: row for row in rows})
        ids = array("q", [row.id for row in rows])
        self.table.set_ids(ids, keep=True)
        if held is not None and held in ids:
            self.table.move_to(ids.index(held))
        self._known = True
        self._say(rows)
        if not rows:
            self._teach()
        else:
            self.table.focus()
        self.refresh_footer()

    def _teach(self) -> None:
        muted = themes.style("muted")
        keys = [
            Content.assemble(Content.styled(f"{key:<3}", themes.style("accent", "bold")), Content.styled(words, muted))
            for key, words in (
                ("n", "new: from a starter (groundedness, policy, tone…) or empty"),
                ("m", "model scoring: the built-in signals need no evaluator"),
            )
        ]
        self._empty.say("No evaluator yet", [*_TEACHING, *keys])

    def _say(self, rows: Sequence[EvaluatorRow], scoring: str = "", meaning: str = "muted") -> None:
        active = sum(row.state == "active" for row in rows)
        dot = f" {glyphs.get('dot')} "
        words = f"{humanize.plural(len(rows), 'evaluator')}{dot}{active} active"
        if self._archived:
            words += f"{dot}archived too"
        self.set_words(words if rows else "no evaluator yet", Content.styled(scoring, themes.style(meaning)))

    def failed(self, group: str, error: AAError) -> None:
        if group != "rows" or self._known:
            super().failed(group, error)
            return
        from aa_tui.widgets.error_panel import ErrorPanel

        panel = ErrorPanel()
        panel.fail(error)
        self.table.display = False
        self.query_one("#body").mount(panel)

    def store_changed(self) -> bool:
        if not self.is_current or self.at_work("rows"):
            return False
        self.reload()
        return True

    # -- actions

    @on(WindowedTable.Moved)
    def _moved(self) -> None:
        self.refresh_footer()

    @on(WindowedTable.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def why_not(self, action_id: str) -> str | None:
        if action_id == "pane.open" and self.current is None:
            return "there is no evaluator"
        return super().why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        row = self.current
        if row is None:
            return ()
        words = [
            f"“{safe_line(row.name, 60)}” judges the question “{safe_line(row.criterion, 60)}”.",
            f"Pass is the share of {humanize.count(row.decided)} verdicts of its last twelve weeks that pass; errors "
            "are no verdicts.",
        ]
        if row.agreement is None:
            words.append("Agreement is known once people have answered the same question.")
        return tuple(words)

    def action_pane_open(self) -> None:
        if self.current is not None:
            self.go(Address("evaluator", evaluator=self.current.name))

    def action_evaluators_new(self) -> None:
        from aa_tui.screens.evaluators.starters import choose_starter

        choose_starter(self)

    def action_evaluators_edit(self) -> None:
        if self.current is not None:
            self.do_edit(self.current)

    def action_evaluators_activate(self) -> None:
        if self.current is not None:
            self.do_activate(self.current)

    def action_evaluators_try(self) -> None:
        if self.current is not None:
            self.do_try(self.current)

    def action_evaluators_backfill(self) -> None:
        if self.current is not None:
            self.do_backfill(self.current)

    def action_evaluators_archive(self) -> None:
        if self.current is not None:
            self.do_archive(self.current)

    def action_evaluators_archived(self) -> None:
        self._archived = not self._archived
        self.aa.replace_address()
        self.reload()

    def action_evaluators_scoring(self) -> None:
        self.go(Address("scoring"))

    def action_evaluators_refresh(self) -> None:
        self.reload()


def _scoring_words(workspace: Workspace) -> tuple[str, str]:
    """Return whether a model scores now, for the end of the words."""
    status = workspace.scoring.status()
    if status.paused:
        return "model scoring paused", "warn"
    return ("model scoring on", "good") if status.on else ("model scoring off", "muted")
