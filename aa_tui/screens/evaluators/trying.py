"""Trying what stands in the editor on a few sessions: what it takes first, then each result as it comes. Mixed into the
editor. Nothing is saved, nothing is sent before the person says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.model.evaluator import Definition, Method
from aa_tui.backend.support import humanize
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.base import Superseded
from aa_tui.screens.evaluators.fields import EditorFields
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.fact_lines import fact, heading, stored
from aa_tui.widgets.field_page import FieldPage, Row, keyed
from aa_tui.widgets.safe_text import safe_line
from aa_tui.widgets.trial_lines import trial_rows

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import Estimate
    from aa_tui.backend.query.readmodels import JudgeView, TryResult
    from aa_tui.backend.service.workspace import Workspace

_FEW = 3
_SPARE = 2
"""How often the dearest estimate a trial may cost at most: a reply that cannot be read is asked for once again."""


class Trial:
    """What is known of the trial that is looked at."""

    def __init__(self) -> None:
        self.sessions: tuple[int, ...] = ()
        self.words = ""
        """Which sessions, in words."""
        self.estimate: Estimate | None = None
        self.judge: JudgeView | None = None
        self.of: Definition | None = None
        """The definition that the estimate is of."""
        self.results: list[TryResult] = []
        self.judged: Definition | None = None
        """The definition that the results are of."""
        self.opened: set[int] = set()
        self.problem = ""


class EditorTrying(EditorFields):
    """The side of the editor where things are tried."""

    def __init__(self) -> None:
        super().__init__()
        self.trial = Trial()
        self.trial_page = FieldPage(id="trial")
        self._judging: CancelToken | None = None

    # -- which sessions

    async def prepare_trial(self, key: str = "") -> None:
        """Choose sessions where none are chosen yet (`key`: a session's), and work out what it takes."""
        workspace = await self.ready()
        trial = self.trial
        if key:
            found = await self.ask(workspace.sessions.resolve, key, group="trial sessions", token=False)
            trial.sessions, trial.words = (found,), f"the session {safe_line(key, 40)}"
        elif not trial.sessions:
            await self._newest(_FEW)
        await self._estimate()

    async def _newest(self, number: int) -> None:
        workspace = await self.ready()
        trial = self.trial
        trial.sessions = await self.ask(
            workspace.evaluators.recent_sessions, number, group="trial sessions", token=False
        )
        count = len(trial.sessions)
        trial.words = f"the newest {humanize.plural(count, 'closed session')} with text" if count else "none"

    async def _estimate(self) -> None:
        workspace = await self.ready()
        trial, definition = self.trial, self.draft.definition
        trial.estimate = trial.judge = None
        trial.problem = ""
        self.show_trial()
        try:
            trial.judge = await self.ask(_judge_of, workspace, definition, group="estimate", token=False)
            trial.estimate = await self.ask(
                workspace.evaluators.estimate_try, definition, trial.sessions, group="estimate", token=False
            )
        except AAError as error:
            trial.problem = str(error)
        trial.of = definition
        self.show_trial()
        self.refresh_footer()

    def choose_sessions(self) -> None:
        """Offer other sessions to try on."""
        places = self.aa.session_list
        choices = [Choice(("newest", n), f"the newest {n}", "closed, with text", str(n)[0]) for n in (1, 3, 10)]
        if places is not None and places.index < len(places.ids):
            last = int(places.ids[places.index])
            choices.append(Choice(("id", last), "the session you read last", safe_line(places.words, 40), "l"))
        choices.append(Choice(("key", 0), "one that you name", "by its key", "k"))

        def take(value: tuple[str, int]) -> None:
            kind, number = value
            if kind == "key":
                self.ask_line("session", "", "its key, or the beginning of it", self._take_key)
            elif kind == "id":
                self.trial.sessions, self.trial.words = (number,), "the session you read last"
                self.load(self._estimate(), "trial")
            else:
                self.load(self._take_newest(number), "trial")

        self.aa.choose("Try it on", choices, take, typed=False, cursor=1)

    def _take_key(self, text: str) -> None:
        if text.strip():
            self.load(self.prepare_trial(text.strip()), "trial")

    async def _take_newest(self, number: int) -> None:
        await self._newest(number)
        await self._estimate()

    # -- how it looks

    def show_trial(self) -> None:
        """Show what is known."""
        self.trial_page.show(self._trial_rows)

    def _trial_rows(self, width: int) -> list[Row]:
        trial = self.trial
        rows = keyed(fact("on", f"{trial.words or glyphs.get('ellipsis')}; enter changes", width), "on")
        rows += keyed(self._where(width))
        rows += keyed(self._takes(width))
        if trial.results:
            head = f"{humanize.plural(len(trial.results), 'result')}   enter shows prompt and reply in full"
            if trial.judged != self.draft.definition:
                head += f"   {glyphs.get('warn')} of an earlier wording"
            rows += keyed(heading(head))
            rows += trial_rows(trial.results, trial.opened, width)
        return rows

    def _where(self, width: int) -> list[Any]:
        judge, method = self.trial.judge, self.draft.definition.method
        if method is not Method.LLM:
            return fact("sends", "nothing: it is judged by patterns, here", width, "good")
        if judge is None:
            return fact("sends to", glyphs.get("ellipsis"), width, "dim")
        if judge.choice is None:
            return fact("sends to", "no model is chosen; :judge chooses one", width, "warn")
        where = f"{stored(judge.provider_title)} {stored(judge.choice.model)}"
        at = f" at {stored(judge.address)}" if judge.address else ""
        lines = fact("sends to", f"{where}{at}{', on this machine' if judge.local else ''}", width)
        if judge.problem:
            lines += fact("", f"{glyphs.get('fail')} {stored(judge.problem)}", width, "bad")
        return lines

    def _takes(self, width: int) -> list[Any]:
        from aa_tui.backend.service.scoring import total_words

        trial = self.trial
        if trial.problem:
            return fact("takes", stored(trial.problem), width, "bad")
        estimate = trial.estimate
        if trial.judge is not None and trial.judge.choice is None:
            return []
        if estimate is None:
            return fact("takes", f"working it out {glyphs.get('ellipsis')}", width, "dim")
        if self.draft.definition.method is not Method.LLM:
            return fact("takes", f"{humanize.plural(len(trial.sessions), 'session')}, no call, free", width, "good")
        tokens = f"{humanize.tokens(estimate.low_tokens)}–{humanize.tokens(estimate.high_tokens)} tokens"
        words = f"{humanize.plural(estimate.calls, 'call')}, {tokens}, {total_words(estimate)}"
        if estimate.local or estimate.high_nano is None:
            words = f"{humanize.plural(estimate.calls, 'call')}, {total_words(estimate)}"
            words += f", {tokens}" if estimate.local else ""
        lines = fact("takes", glyphs.plain(words), width, "title")
        most = self._most()
        if most is not None:
            lines += fact("", f"at most {humanize.money(most)}: then it stops", width, "dim")
        return lines

    def _most(self) -> int | None:
        estimate = self.trial.estimate
        if estimate is None or estimate.local or estimate.high_nano is None:
            return None
        return estimate.high_nano * _SPARE

    # -- judging

    @property
    def judging(self) -> bool:
        """True while sessions are being judged."""
        return self._judging is not None

    def why_not_judge(self) -> str | None:
        """Return why nothing can be judged now."""
        trial, definition = self.trial, self.draft.definition
        if self.judging:
            return "sessions are being judged; C stops"
        if not trial.sessions:
            return "there is no closed session with text"
        if definition.method is not Method.LLM:
            return None
        if trial.estimate is None or trial.judge is None:
            return "what it takes is not known yet"
        if trial.judge.choice is None:
            return "no model is chosen; :judge chooses one"
        return trial.judge.problem

    def judge_now(self) -> None:
        """Judge; where texts leave the machine, only after a second key."""
        trial = self.trial
        judge = trial.judge
        if self.draft.definition.method is not Method.LLM or judge is None or judge.local:
            self.load(self._judge(), "judging")
            return
        from aa_tui.backend.service.scoring import total_words

        assert judge.choice is not None and trial.estimate is not None
        takes = f"{humanize.plural(trial.estimate.calls, 'call')}, {total_words(trial.estimate)}"
        where = safe_line(f"{judge.provider_title} {judge.choice.model}", 40)
        choices = [
            Choice("keep", "keep them here", "nothing is sent"),
            Choice("send", f"send {humanize.plural(len(trial.sessions), 'session')}, this once", takes, "s"),
        ]

        def take(value: str) -> None:
            if value == "send":
                self.load(self._judge(), "judging")

        self.aa.choose(f"Texts go to {where}", choices, take, typed=False)

    async def _judge(self) -> None:
        workspace = await self.ready()
        trial, definition = self.trial, self.draft.definition
        sessions = trial.sessions
        trial.results, trial.judged, trial.opened = [], definition, set()
        token = self._judging = CancelToken()
        loop, context = asyncio.get_running_loop(), copy_context()
        self.set_status(self._progress(0, len(sessions)))
        self.refresh_footer()

        def advance(result: TryResult) -> None:
            loop.call_soon_threadsafe(self._one_more, result, len(sessions), context=context)

        call = partial(
            workspace.evaluators.try_on,
            definition,
            sessions,
            go_ahead=True,
            most_nano=self._most(),
            token=token,
            advance=advance,
        )
        try:
            found = await self.ask(call, group="judging", token=False)
        except Superseded:
            self.flash("Stopped; what was judged before stays.", "warn")
        else:
            order = {session: n for n, session in enumerate(sessions)}
            trial.results = sorted(found, key=lambda one: order.get(one.session_id, 0))
            self.flash(_in_all(trial.results), "good")
        finally:
            self._judging = None
            self.set_status(None)
            self.show_trial()
            self.refresh_footer()

    def _one_more(self, result: TryResult, of: int) -> None:
        if self.judging:
            self.trial.results.append(result)
            self.set_status(self._progress(len(self.trial.results), of))
            self.show_trial()

    def _progress(self, done: int, of: int) -> Content:
        bar = Content.styled(glyphs.hbar(done / max(of, 1), 16), themes.style("accent"))
        return Content.assemble(f"judging {done} of {of} ", bar, Content.styled("  C stops", themes.style("muted")))

    def stop_judging(self) -> None:
        """Cut off what is under way."""
        if self._judging is not None:
            self._judging.cancel()

    def open_result(self, key: str) -> None:
        """Show a result in full, or fold it again; on the first line choose other sessions."""
        if key == "on":
            self.choose_sessions()
            return
        number = int(key.partition(":")[2])
        self.trial.opened ^= {number}
        self.trial_page.show(self._trial_rows)


def _judge_of(workspace: Workspace, definition: Definition) -> JudgeView | None:
    """Return the model that would judge and what is known of it, None where none is asked."""
    if definition.method is not Method.LLM:
        return None
    if definition.model is not None:
        return workspace.judges.view_of(definition.model)
    return workspace.judges.view()


def _in_all(results: Sequence[TryResult]) -> str:
    costs = [one.judgement.spent.cost_nano for one in results]
    known = [cost for cost in costs if cost is not None]
    errors = sum(one.judgement.verdict.error is not None for one in results)
    words = f"{humanize.plural(len(results), 'session')} judged"
    if errors:
        words += f", {humanize.plural(errors, 'error')}"
    if not all(one.local for one in results):
        words += f", {humanize.money(sum(known))}" if len(known) == len(costs) else ", price unknown"
    return words + ". Nothing was saved."
