"""Going about in a session: steps, pages, turns, errors, the outline. Mixed into the screen."""

from __future__ import annotations

from textual import on

from aa_tui.screens.session.parts import SessionParts
from aa_tui.widgets.lines_view import LinesView
from aa_tui.widgets.outline import Outline
from aa_tui.widgets.result_view import ResultView
from aa_tui.widgets.span_tree import SpanTree
from aa_tui.widgets.thread_view import ThreadView

_FAR = 10**9
"""More lines than any tab has."""


class SessionMoving(SessionParts):
    """Moves whatever is in front: the outline, the thread, the tree or a page."""

    def _mover(self) -> ThreadView | SpanTree | ResultView | LinesView | Outline:
        if self.outline.has_class("-open"):
            return self.outline
        if self._tab == "thread":
            return self.thread
        if self._tab == "evaluators":
            return self.results
        return self.span_tree if self._tab == "turns" else self.page

    def action_session_down(self) -> None:
        self._mover().move(1)

    def action_session_up(self) -> None:
        self._mover().move(-1)

    def action_session_half_down(self) -> None:
        self._scroll(0.5)

    def action_session_half_up(self) -> None:
        self._scroll(-0.5)

    def action_session_page_down(self) -> None:
        self._scroll(1)

    def action_session_page_up(self) -> None:
        self._scroll(-1)

    def _scroll(self, pages: float) -> None:
        mover = self._mover()
        by = max(int(mover.size.height * abs(pages)) - 1, 1) * (1 if pages > 0 else -1)
        if isinstance(mover, ThreadView):
            mover.scroll_page(by)
        else:
            mover.move(by)

    def action_session_top(self) -> None:
        mover = self._mover()
        mover.go_to(0, align_top=True) if isinstance(mover, ThreadView) else mover.move(-_FAR)

    def action_session_bottom(self) -> None:
        mover = self._mover()
        mover.go_to(_FAR) if isinstance(mover, ThreadView) else mover.move(_FAR)

    def action_session_next_turn(self) -> None:
        self._turn(1)

    def action_session_previous_turn(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        mover = self._mover()
        if isinstance(mover, ThreadView | SpanTree):
            mover.next_turn(by)
        elif isinstance(mover, ResultView):
            mover.next_result(by)
        else:
            mover.move(by)

    def action_session_next_error(self) -> None:
        self._error(1)

    def action_session_previous_error(self) -> None:
        self._error(-1)

    def _error(self, by: int) -> None:
        if self._tab == "turns":
            self.span_tree.next_error(by)
        else:
            self._to_thread()
            self.thread.next_error(by)

    def action_session_last_answer(self) -> None:
        self._to_thread()
        self.thread.last_answer()

    def action_session_open(self) -> None:
        mover = self._mover()
        if isinstance(mover, Outline | ResultView):
            mover.choose()
        elif isinstance(mover, ThreadView | SpanTree):
            mover.toggle()

    def action_session_outline(self) -> None:
        detail = self._detail
        if detail is None:
            return
        opened = not self.outline.has_class("-open")
        self.outline.set_class(opened, "-open")
        if opened:
            step = self.selected_step
            self.outline.show(detail.turns, self._zone, step.turn_no if step else 1)

    @on(Outline.Chosen)
    def _outline_chosen(self, event: Outline.Chosen) -> None:
        self.outline.set_class(False, "-open")
        self._to_thread()
        self.thread.go_to_turn(event.turn_no)
