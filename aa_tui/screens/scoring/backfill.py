"""Backfill: which closed sessions, by what, what that takes, its budget; then how far it is and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.scoring import Backfill
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.backend.support.money import NANO
from aa_tui.screens.asking import Asking
from aa_tui.screens.scoring.beside import money_words
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.fact_lines import fact, heading, stored
from aa_tui.widgets.field_page import FieldPage, Row, keyed
from aa_tui.widgets.safe_text import safe, safe_line

if TYPE_CHECKING:
    from aa_tui.backend.model.filter import Filter
    from aa_tui.backend.model.scoring import Estimate, ScoringStatus
    from aa_tui.backend.query.readmodels import EvaluatorRow
    from aa_tui.backend.service.workspace import Workspace

_OWN = ("evaluators", "signals", "again", "cost", "tokens")
_BAR = 40


class BackfillScreen(Asking):
    """Scoring what closed before."""

    SCOPE = "backfill"
    AUTO_FOCUS = "#backfill"
    BINDING_SCOPES = ("backfill", "pane")

    def __init__(self) -> None:
        super().__init__()
        self._view = FieldPage(id="backfill")
        self._filter: Filter | None = None
        self._request = Backfill()
        self._sessions: Sequence[int] = ()
        self._estimate: Estimate | None = None
        self._problem = ""
        self._scored: ScoringStatus | None = None
        self._active: Sequence[EvaluatorRow] = ()
        self._read = False

    def compose_body(self) -> Iterator[Any]:
        yield self._view
        yield self.line

    @property
    def moved(self) -> FieldPage:
        return self._view

    # -- address

    def address(self) -> Address:
        from aa_tui.backend.model.filter import to_link_params

        params = to_link_params(self._filter) if self._filter is not None else {}
        request = self._request
        if request.evaluators:
            params["evaluators"] = ",".join(map(str, request.evaluators))
        if not request.signals:
            params["signals"] = "off"
        if request.again:
            params["again"] = "1"
        if request.most_nano is not None:
            params["cost"] = f"{request.most_nano / NANO:g}"
        if request.most_tokens is not None:
            params["tokens"] = str(request.most_tokens)
        return Address("backfill", params)

    def view_state(self) -> dict[str, Any]:
        return {"key": self._view.key}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        from aa_tui.backend.model.filter import from_link_params

        params = dict(address.params)
        own = {name: params.pop(name) for name in _OWN if name in params}
        self.set_words("Backfill")
        try:
            self._filter = from_link_params(params)
            self._request = Backfill(
                tuple(int(one) for one in own.get("evaluators", "").split(",") if one.strip().isdigit()),
                own.get("signals") != "off",
                own.get("again") == "1",
                round(float(own["cost"]) * NANO) if "cost" in own else None,
                int(own["tokens"]) if "tokens" in own else None,
            )
        except (AAError, ValueError) as error:
            self.flash(str(error), "bad")
            return
        self.load(self._fill((state or {}).get("key", "")), "backfill")

    def forget(self) -> None:
        super().forget()
        self._read, self._estimate, self._scored, self._sessions = False, None, None, ()

    # -- reading

    async def _fill(self, key: str = "") -> None:
        workspace = await self.ready()
        self._scored = await self.ask(workspace.scoring.status, group="backfill")
        rows = await self.ask(workspace.evaluators.list, group="backfill")
        self._active = [row for row in rows if row.state == "active" and not row.imported]
        self._read = True
        self._show(key)
        await self._work_out()

    async def _work_out(self) -> None:
        """Say what the chosen sessions take."""
        workspace = await self.ready()
        self._estimate, self._problem = None, ""
        self._show()
        assert self._filter is not None
        self._sessions = (await self.ask(workspace.sessions.ids, self._filter, group="estimate")).ids
        try:
            self._estimate = await self.ask(
                workspace.scoring.estimate_backfill, self._request, self._sessions, group="estimate"
            )
        except UsageError as error:
            self._problem = error.message
        self._show()

    def _change(self, request: Backfill) -> None:
        self._request = request
        self.aa.replace_address()
        self.load(self._work_out(), "backfill")

    # -- how it looks

    def show_progress(self) -> None:
        """The backfill under way has come further, or ended."""
        if self._read:
            self._view.show(self._rows)
            self.refresh_footer()

    def _show(self, key: str = "") -> None:
        self._view.show(self._rows, key=key)
        words = self._filter.to_text() if self._filter is not None else ""
        chip = safe(words, themes.style("chip")) if words else Content.styled("all sessions", themes.style("muted"))
        count = humanize.plural(len(self._sessions), "session") if self._estimate is not None else ""
        self.set_words(Content.assemble("Backfill  ", chip), count)
        self.refresh_footer()

    def _rows(self, width: int) -> list[Row]:
        request = self._request
        words = safe_line(self._filter.to_text()) if self._filter is not None else ""
        rows = keyed(fact("sessions", words or "all closed ones, newest first", width), "filter")
        signals = "yes, in one call each" if request.signals else "no"
        rows += keyed(fact("signals", signals, width), "signals")
        names = [stored(row.name) for row in self._active if row.id in request.evaluators]
        missing = len(request.evaluators) - len(names)
        said = ", ".join(names) or ("none" if self._active else "none is active")
        if missing and self._read:
            said += f"; {missing} asked for is not active"
        rows += keyed(fact("evaluators", said, width, "text" if names else "dim"), "evaluators")
        again = "once more too" if request.again else "left out"
        rows += keyed(fact("scored already", again, width), "again")
        rows += keyed(fact("budget", self._budget_words(), width), "budget")
        rows += keyed([*heading("What it takes"), *self._takes(width)])
        rows += keyed(self._progress(width))
        return rows

    def _budget_words(self) -> str:
        request = self._request
        said = []
        if request.most_nano is not None:
            said.append(humanize.money(request.most_nano))
        if request.most_tokens is not None:
            said.append(f"{request.most_tokens:,} tokens")
        if said:
            return f"at most {' and '.join(said)}: then it stops, and the next one goes on"
        return "none set; the cap of the day does not bound a backfill"

    def _takes(self, width: int) -> list[Any]:
        from aa_tui.backend.service.scoring import session_words, total_words

        status, estimate = self._scored, self._estimate
        lines: list[Any] = []
        if status is not None and status.model:
            where = f"{stored(status.provider_title)} {stored(status.model)} at {stored(status.address) or 'its own'}"
            lines += fact("sends to", where + (", on this machine" if status.local else ""), width)
        if status is not None and status.why_not and self._needs_model():
            return lines + fact("", f"{glyphs.get('fail')} {stored(status.why_not)} :scoring asks.", width, "bad")
        if self._problem:
            return lines + fact("takes", stored(self._problem), width, "warn")
        if estimate is None:
            return lines + fact("takes", f"working it out {glyphs.get('ellipsis')}", width, "dim")
        sessions = f"{humanize.plural(estimate.sessions, 'session')} to score"
        if not estimate.sessions:
            return lines + fact("takes", "nothing: all of these are scored already", width, "good")
        words = f"{sessions}, {humanize.plural(estimate.calls, 'call')}, {glyphs.plain(total_words(estimate))}"
        lines += fact("takes", words, width, "title")
        lines += fact("a session", glyphs.plain(session_words(estimate)), width, "dim")
        based = {"history": "from what sessions took before", "texts": f"from {estimate.sampled:,} of them"}
        return lines + fact("", based.get(estimate.basis, ""), width, "dim")

    def _needs_model(self) -> bool:
        chosen = [row for row in self._active if row.id in self._request.evaluators]
        return self._request.signals or any(row.method == "llm" for row in chosen)

    def _progress(self, width: int) -> list[Any]:
        beside = self.aa.scoring
        now = beside.progress
        lines: list[Any] = []
        if beside.under_way:
            lines += heading("Under way")
            if now is None or not now.total:
                return [*lines, *fact("", f"beginning {glyphs.get('ellipsis')}", width, "dim")]
        elif beside.report is not None or beside.problem:
            lines += heading("The last one")
        if now is not None and now.total and (beside.under_way or beside.report is not None):
            done = now.done + now.failed + now.not_scored
            cells = min(_BAR, max(10, width - 40))
            lines.append(
                [
                    (" ", "text"),
                    (glyphs.hbar(done / now.total, cells), "accent"),
                    (f" {humanize.count(done)} of {humanize.count(now.total)}", "text"),
                    (f"   {humanize.count(now.failed)} failed" if now.failed else "", "bad"),
                ]
            )
            lines += fact("so far", money_words(now, beside.local), width)
            if beside.under_way:
                lines += fact("in flight", humanize.count(now.in_flight), width, "dim")
        report = beside.report
        if report is not None and not beside.under_way:
            role = "warn" if report.failed or report.stopped else "good"
            counts = f"{report.done:,} scored, {report.failed:,} failed, {report.not_scored:,} not scored"
            lines += fact("ended", f"{counts}, {report.left:,} left", width, role)
            if report.stopped:
                lines += fact("", stored(report.stopped), width, "warn")
        if beside.problem:
            lines += fact("ended", stored(beside.problem), width, "bad")
        return lines

    # -- what can be done now

    def why_not(self, action_id: str) -> str | None:
        if action_id == "backfill.run":
            why = self._why_not_run()
            if why is not None:
                return why
        if action_id == "backfill.cancel" and not self.aa.scoring.under_way:
            return "no backfill is under way"
        return super().why_not(action_id)

    def _why_not_run(self) -> str | None:
        from aa_tui.backend.service.permissions import Permission

        workspace, status, estimate = self.aa.workspace, self._scored, self._estimate
        if workspace is not None:
            missing = workspace.actor.lacks(Permission.ADMINISTER)
            if missing is not None:
                return missing
        if self.aa.scoring.under_way:
            return "one is under way; C stops it"
        if self._problem:
            return self._problem
        if status is None or estimate is None:
            return "what it takes is not known yet"
        if status.why_not and self._needs_model():
            return status.why_not.rstrip(".")
        if not estimate.sessions:
            return "nothing is left to score"
        priced = estimate.local or estimate.high_nano is not None
        if not priced and self._request.most_tokens is None and self._needs_model():
            return "the price is unknown: set a budget of tokens first"
        return None

    def explain(self) -> tuple[str, ...]:
        return (
            "A backfill is not bound by the cap of the day but by its own budget. What is scored when it ends stays, "
            "and the next one goes on with the rest.",
        )

    def store_changed(self) -> bool:
        # While it is under way every commit is its own.
        return not self.aa.scoring.under_way

    def action_app_escape(self) -> None:
        self.go(Address("scoring"))

    @on(FieldPage.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def action_pane_open(self) -> None:
        key = self._view.key
        if key == "filter":
            self.action_backfill_filter()
        elif key == "signals":
            self._change(replace(self._request, signals=not self._request.signals))
        elif key == "again":
            self._change(replace(self._request, again=not self._request.again))
        elif key == "evaluators":
            self._choose_evaluators()
        elif key == "budget":
            self._ask_budget()

    def action_backfill_filter(self) -> None:
        from aa_tui.backend.model.filter import parse_filter

        def take(text: str) -> None:
            self._filter = parse_filter(text)
            self.aa.replace_address()
            self.load(self._work_out(), "backfill")

        text = self._filter.to_text() if self._filter is not None else ""
        self.ask_line("/", text, "agent:billing since:30d; empty: all closed sessions", take)

    def _choose_evaluators(self) -> None:
        chosen = self._request.evaluators
        if not self._active:
            self.flash("No evaluator is active; A in Evaluators activates one.")
            return
        choices = [
            Choice(row.id, f"{'yes' if row.id in chosen else 'no ':<5}{safe_line(row.name, 40)}", "", str(n % 10))
            for n, row in enumerate(self._active, 1)
        ]

        def take(number: int) -> None:
            now = tuple(one for one in chosen if one != number)
            self._change(replace(self._request, evaluators=now if number in chosen else (*chosen, number)))

        self.aa.choose("Evaluators; enter changes one", choices, take, typed=False)

    def _ask_budget(self) -> None:
        request = self._request
        text = " ".join(
            filter(
                None,
                (
                    f"${request.most_nano / NANO:g}" if request.most_nano is not None else "",
                    str(request.most_tokens) if request.most_tokens is not None else "",
                ),
            )
        )

        def take(typed: str) -> None:
            self._change(_with_budget(request, typed))

        self.ask_line("budget", text, "$0.50, or tokens as 2000000, or both; empty: none", take)

    def action_backfill_refresh(self) -> None:
        self.load(self._fill(), "backfill")

    def action_backfill_cancel(self) -> None:
        self.aa.scoring.stop()

    def action_backfill_run(self) -> None:
        from aa_tui.backend.service.scoring import total_words

        estimate, workspace = self._estimate, self.aa.workspace
        if estimate is None or workspace is None:
            return
        if estimate.local or not estimate.calls:
            self._start(workspace)
            return
        takes = f"{humanize.plural(estimate.calls, 'call')}, {total_words(estimate)}"
        bound = "no budget is set" if self._request.most_nano is None and self._request.most_tokens is None else ""
        choices = [
            Choice("keep", "do not start", "nothing is sent"),
            Choice("start", f"score {humanize.plural(estimate.sessions, 'session')}", takes, "s"),
        ]
        if bound:
            choices.insert(1, Choice("budget", "set a budget first", bound, "b"))

        def take(value: str) -> None:
            if value == "start":
                self._start(workspace)
            elif value == "budget":
                self._ask_budget()

        where = f"{self._scored.provider_title} {self._scored.model}" if self._scored is not None else ""
        self.aa.choose(f"Texts go to {safe_line(where, 50)}", choices, take, typed=False)

    def _start(self, workspace: Workspace) -> None:
        local = self._estimate is not None and self._estimate.local
        self.aa.scoring.start(workspace, self._request, self._sessions, local)
        self._view.show(self._rows)
        self._view.move_to_end(True)
        self.refresh_footer()


def _with_budget(request: Backfill, text: str) -> Backfill:
    """Return a request with the budget that a typed line means: `$` before dollars, tokens without."""
    nano = tokens = None
    for word in text.replace(",", "").split():
        size = {"k": 1e3, "m": 1e6}.get(word[-1].lower(), 1.0)
        try:
            number = float(word.lstrip("$").rstrip("kKmM"))
        except ValueError:
            raise UsageError(f"“{word}” is no number.") from None
        if not 0 <= number < 1e12:
            raise UsageError("A budget is not negative, and not endless.")
        if word.startswith("$") or ("." in word and size == 1.0):
            nano = round(number * NANO)
        else:
            tokens = round(number * size)
    return replace(request, most_nano=nano, most_tokens=tokens)
