"""What the parts of the session screen share: its widgets, the tab in front, the session that is shown. No action."""

from __future__ import annotations

from aa_tui.address import SESSION_TABS
from aa_tui.backend.query.readmodels import SessionDetail, StepRow
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets.lines_view import LinesView
from aa_tui.widgets.outline import Outline
from aa_tui.widgets.result_view import ResultView
from aa_tui.widgets.span_tree import SpanTree
from aa_tui.widgets.thread_view import ThreadView


class SessionParts(PlaceScreen):
    """A screen with the five tabs of one session."""

    def __init__(self) -> None:
        super().__init__()
        self._tab = SESSION_TABS[0]
        self._session_id: int | None = None
        self._detail: SessionDetail | None = None

    def _switch(self, name: str) -> None:
        """Bring a tab to the front."""
        raise NotImplementedError

    def _to_thread(self) -> None:
        if self._tab != "thread":
            self._switch("thread")

    @property
    def _zone(self) -> str:
        workspace = self.aa.workspace
        return workspace.project.time_zone if workspace else "UTC"

    @property
    def thread(self) -> ThreadView:
        """The Thread tab's widget."""
        return self.query_one(ThreadView)

    @property
    def span_tree(self) -> SpanTree:
        """The Turns tab's widget."""
        return self.query_one(SpanTree)

    @property
    def page(self) -> LinesView:
        """The widget of the tabs that are pages: Info, Review."""
        return self.query_one("#page", LinesView)

    @property
    def results(self) -> ResultView:
        """The Evaluators tab's widget."""
        return self.query_one(ResultView)

    @property
    def outline(self) -> Outline:
        """The outline over the thread."""
        return self.query_one(Outline)

    @property
    def detail(self) -> SessionDetail | None:
        """The session that is shown, None until it is read."""
        return self._detail

    @property
    def selected_step(self) -> StepRow | None:
        """The step under the cursor of the visible tab."""
        if self._tab == "turns":
            return self.span_tree.step
        return self.thread.step if self._tab == "thread" else None
