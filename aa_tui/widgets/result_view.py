"""The Evaluators tab: verdicts to go along, whose quotes lead into the thread. Asks nothing; says what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message

from aa_tui.backend.query.readmodels import JudgingRow, QuoteRow, ResultRow
from aa_tui.widgets.result_lines import Page, Stand, result_page
from aa_tui.widgets.role_lines import Line, RoleLines


class ResultView(RoleLines):
    """Shows results; the cursor stands on a result or on one of its quotes."""

    @dataclass
    class QuoteChosen(Message):
        """A quote was chosen: show it where it stands."""

        result: ResultRow
        quote: QuoteRow

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._results: Sequence[ResultRow] = ()
        self._judging: JudgingRow | None = None
        self._zone = "UTC"
        self._opened: set[int] = set()
        self._page = Page([], [])
        self._cursor = 0

    def show(self, results: Sequence[ResultRow], judging: JudgingRow | None, zone: str) -> None:
        """Show results; the same ones again keep the cursor and what is unfolded."""
        if results != self._results:
            self._cursor = 0
            self._opened.clear()
            self.scroll_home(animate=False)
        self._results, self._judging, self._zone = results, judging, zone
        self._make()

    def _make(self) -> None:
        self._page = result_page(self._results, self._judging, self._zone, self.page_width, self._opened)
        self._cursor = min(self._cursor, max(len(self._page.stands) - 1, 0))
        self.virtual_size = Size(self.page_width, len(self._page.lines))
        self.refresh()

    def on_resize(self) -> None:
        self._make()

    @property
    def stand(self) -> Stand | None:
        """What the cursor is on."""
        stands = self._page.stands
        return stands[self._cursor] if stands else None

    def move(self, by: int) -> None:
        """Go along results and quotes; where there are none, scroll."""
        stands = self._page.stands
        if not stands:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False)
            return
        self._go_to(self._cursor + by)

    def next_result(self, by: int) -> None:
        """Go to the next (or previous) result, past the quotes of this one."""
        stands = self._page.stands
        at = self._cursor + by
        while 0 <= at < len(stands):
            if stands[at].quote is None:
                self._go_to(at)
                return
            at += by

    def _go_to(self, number: int) -> None:
        stands = self._page.stands
        old, self._cursor = self._cursor, min(max(number, 0), len(stands) - 1)
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        y = stands[self._cursor].y
        # The lines below a stand up to the next one are what is said of it.
        end = stands[self._cursor + 1].y if self._cursor + 1 < len(stands) else len(self._page.lines)
        if self._cursor == 0:
            self.scroll_to(y=0, animate=False)
        elif y < top:
            self.scroll_to(y=max(y - 1, 0), animate=False)
        elif end > top + height:
            self.scroll_to(y=min(y, end - height), animate=False)
        self.refresh_page_line(stands[old].y)
        self.refresh_page_line(y)

    def choose(self) -> None:
        """Unfold or fold the result under the cursor, or choose its quote."""
        stand = self.stand
        if stand is None:
            return
        if stand.quote is not None:
            self.post_message(self.QuoteChosen(stand.result, stand.quote))
            return
        at = next(index for index, one in enumerate(self._results) if one is stand.result)
        self._opened ^= {at}
        self._make()

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        if y >= len(self._page.lines):
            return None
        stand = self.stand
        return self._page.lines[y], stand is not None and stand.y == y, False

    def on_click(self, event: events.Click) -> None:
        y = event.y + self.scroll_offset.y
        at = next((index for index, one in enumerate(self._page.stands) if one.y == y), None)
        if at is None:
            return
        again = at == self._cursor
        self._go_to(at)
        if again:
            self.choose()
