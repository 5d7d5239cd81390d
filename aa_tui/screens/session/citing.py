"""What judges cited: marked in the thread, reached from a verdict, gone along with n and N. Mixed into the screen."""

from __future__ import annotations

from typing import NamedTuple

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.backend.query.readmodels import QuoteRow, ResultRow, SessionDetail
from aa_tui.backend.support.humanize import count
from aa_tui.screens.session.searching import SessionSearching
from aa_tui.widgets.result_lines import title_of, verdict_of
from aa_tui.widgets.result_view import ResultView
from aa_tui.widgets.safe_text import safe

_LONGEST_NEEDLE = 200
"""Characters of an imported quote that are looked for: a longer one was often put together from pieces."""


class Citation(NamedTuple):
    """A step that a verdict rests on."""

    event_id: int
    result: ResultRow


def citations(detail: SessionDetail | None) -> tuple[Citation, ...]:
    """Return the steps that verdicts rest on, in the session's order; each verdict once per step."""
    if detail is None:
        return ()
    place = {step.id: index for index, step in enumerate(detail.steps)}
    found = {
        (quote.event_id, number): Citation(quote.event_id, result)
        for number, result in enumerate(detail.results)
        for quote in result.quotes
        if quote.event_id is not None and quote.event_id in place
    }
    return tuple(found[key] for key in sorted(found, key=lambda key: (place[key[0]], key[1])))


def hint_result(hints: tuple[QuoteRow, ...]) -> ResultRow:
    """Return what stands among the verdicts where something in a session looks written for a judge."""
    words = (
        "Something here looks as if it was written for a judge. It is a mark for people; no verdict follows from it."
    )
    return ResultRow(
        check="injection_hints",
        kind="signal",
        version=1,
        value=str(len(hints)),
        passed=None,
        score=None,
        rationale=words,
        evidence=None,
        model=None,
        method="code",
        latency_ms=None,
        cost_nano=None,
        error=None,
        evaluated_ms=None,
        quotes=hints,
    )


class SessionCiting(SessionSearching):
    """Goes from verdicts to what they cite, and from citation to citation."""

    def __init__(self) -> None:
        super().__init__()
        self._cited: tuple[Citation, ...] = ()
        self._citation = -1
        self._hints: tuple[QuoteRow, ...] | None = None
        """Passages that look written for a judge; None until they were looked for."""

    async def _look_for_hints(self, detail: SessionDetail) -> None:
        """Look through the session's texts, which takes a moment for a long one."""
        workspace = await self.ready()
        hints = await self.ask(workspace.sessions.injection_hints, detail.row.id, group="hints")
        if detail is self._detail:
            self._hints = hints
            self._show_results(detail)

    def _show_results(self, detail: SessionDetail) -> None:
        """Fill the Evaluators tab."""
        found = (hint_result(self._hints),) if self._hints else ()
        self.results.show((*detail.results, *found), detail.judging, self._zone)
        if self._hints is None:
            self.load(self._look_for_hints(detail), "hints")

    def _take_citations(self) -> None:
        """Take what the verdicts of the session that is shown cite."""
        self._cited = citations(self._detail)
        self._hints = None
        self._citation = -1

    def _mark_citations(self) -> None:
        self.thread.cite(citation.event_id for citation in self._cited)

    @on(ResultView.QuoteChosen)
    def _quote_chosen(self, event: ResultView.QuoteChosen) -> None:
        quote = event.quote
        at = next((n for n, one in enumerate(self._cited) if self._is(one, event.result, quote)), None)
        if at is not None:
            self._switch("thread")
            self.call_after_refresh(self._go_to_citation, at)
        elif quote.event_id is not None:
            self._switch("thread")
            self.call_after_refresh(self.thread.go_to_event, quote.event_id)
        elif quote.verified is False:
            self.flash("These words are nowhere in the session: the judge made them up or changed them.", "warn")
        else:
            # Nobody noted where an imported quote stands; its words are looked for.
            self._switch("thread")
            self.load(self._search(quote.text.strip().splitlines()[0][:_LONGEST_NEEDLE]), "search")

    @staticmethod
    def _is(citation: Citation, result: ResultRow, quote: QuoteRow) -> bool:
        return citation.event_id == quote.event_id and citation.result is result

    def _go_to_citation(self, number: int) -> None:
        self._citation = number
        citation = self._cited[number]
        self.thread.go_to_event(citation.event_id)
        word, role = verdict_of(citation.result)
        self.set_status(
            Content.assemble(
                "cited by ",
                safe(title_of(citation.result), "bold"),
                " ",
                Content.styled(word, themes.style(role if role != "dim" else "muted")),
                f"  {count(number + 1)} of {count(len(self._cited))}",
            )
        )

    def _move_hit(self, by: int) -> None:
        """Where nothing is searched for, go along what was cited."""
        if self._needle or self._list_word() or not self._cited:
            super()._move_hit(by)
            return
        self._to_thread()
        if self._citation < 0:
            # The first one from where the reader is.
            step = self.thread.step
            order = [one.event_id for one in self._cited]
            steps = [each.id for each in self._detail.steps] if self._detail is not None else []
            here = steps.index(step.id) if step is not None and step.id in steps else 0
            after = [n for n, event in enumerate(order) if steps.index(event) > here - (by > 0)]
            number = (after[0] if by > 0 else after[0] - 1) if after else (0 if by > 0 else len(order) - 1)
        else:
            number = self._citation + by
        self._go_to_citation(number % len(self._cited))

    def _end_search(self) -> bool:
        if super()._end_search():
            return True
        if self._citation >= 0:
            self._citation = -1
            self.set_status(None)
            return True
        return False
