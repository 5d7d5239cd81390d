"""Model scoring of the project: whether, by whom, at what price, within which bounds, which signals, what was spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.scoring import Cap, ModelUse
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.backend.support.money import NANO
from aa_tui.screens.asking import Asking
from aa_tui.screens.scoring.words import USES, scoring_rows
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.field_page import FieldPage, Row
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import Offer, ScoringStatus, SpentLine
    from aa_tui.backend.service.workspace import Workspace

_DAYS = 7


class ScoringScreen(Asking):
    """Consent, cap, signals, what was spent."""

    SCOPE = "scoring"
    AUTO_FOCUS = "#scoring"
    BINDING_SCOPES = ("scoring", "pane")

    def __init__(self) -> None:
        super().__init__()
        self._view = FieldPage(id="scoring")
        self._scored: ScoringStatus | None = None
        self._offer: Offer | None = None
        self._problem = ""
        """Why there is no offer."""
        self._spent: Sequence[SpentLine] = ()
        self._zone = "UTC"

    def compose_body(self) -> Iterator[Any]:
        yield self._view
        yield self.line

    @property
    def moved(self) -> FieldPage:
        return self._view

    def address(self) -> Address:
        return Address("scoring")

    def view_state(self) -> dict[str, Any]:
        return {"key": self._view.key}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        self.set_words("Model scoring")
        self.load(self._fill((state or {}).get("key", "")), "scoring")

    def forget(self) -> None:
        super().forget()
        self._scored = self._offer = None

    # -- reading

    def reload(self) -> None:
        """Read everything again; the cursor stays."""
        self.load(self._fill(), "scoring")

    async def _fill(self, key: str = "") -> None:
        workspace = await self.ready()
        self._zone = workspace.project.time_zone
        scoring = workspace.scoring
        self._scored, self._spent = await self.ask(_status_and_spent, workspace, group="scoring")
        self._show(key)
        try:
            # What it takes is worked out from texts of the project: that takes longer than all the rest.
            self._offer, self._problem = await self.ask(scoring.offer, group="offer"), ""
        except UsageError as error:
            self._offer, self._problem = None, error.message
        self._show(key)

    def _show(self, key: str = "") -> None:
        if self._scored is None:
            return
        self._view.show(self._rows, key=key)
        on, paused = self._scored.on, self._scored.paused
        words, meaning = ("paused", "warn") if paused else ("on", "good") if on else ("off", "muted")
        sign = glyphs.get("warn" if paused else "verified" if on else "pending")
        self.set_words("Model scoring", Content.styled(f"{sign} {words}", themes.style(meaning)))
        self.refresh_footer()

    def _rows(self, width: int) -> list[Row]:
        assert self._scored is not None
        return scoring_rows(self._scored, self._offer, self._problem, self._spent, self._zone, width)

    def store_changed(self) -> bool:
        if not self.is_current or self.at_work("scoring") or self.at_work("decide"):
            return False
        self.load(self._renew(), "scoring")
        return True

    async def _renew(self) -> None:
        """Somebody committed something: what is spent and waits may be another, the price of a session is not."""
        workspace = await self.ready()
        self._scored, self._spent = await self.ask(_status_and_spent, workspace, group="scoring")
        self._show()

    # -- what can be done now

    def why_not(self, action_id: str) -> str | None:
        from aa_tui.backend.service.permissions import Permission

        workspace, status = self.aa.workspace, self._scored
        if action_id in ("scoring.switch", "scoring.backfill") and workspace is not None:
            missing = workspace.actor.lacks(Permission.ADMINISTER)
            if missing is not None:
                return missing
        if action_id == "scoring.switch":
            if status is None:
                return "it is not read yet"
            if not status.on and self._offer is None:
                return self._problem.rstrip(".").lower() or "what it takes is not known yet"
            if not status.on and self._offer is not None and self._offer.problem:
                return self._offer.problem.rstrip(".")
        if action_id == "scoring.backfill" and (status is None or not status.on):
            return "model scoring is off"
        return super().why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        return (
            "The cap bounds what signals and active evaluators take on one day; trials, checks and backfills have "
            "budgets of their own. At the cap scoring pauses and says how many wait.",
        )

    def action_app_escape(self) -> None:
        self.aa.go_section("evaluators")

    @on(FieldPage.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def action_pane_open(self) -> None:
        what, _, name = self._view.key.partition(":")
        if what == "judge":
            self.go(Address("judge"))
        elif what == "cap":
            self._ask_cap()
        elif what == "use":
            self._choose_use()
        elif what == "signal":
            self._switch_signal(name)

    def action_scoring_judge(self) -> None:
        self.go(Address("judge"))

    def action_scoring_backfill(self) -> None:
        self.go(Address("backfill"))

    def action_scoring_refresh(self) -> None:
        self.reload()

    def action_scoring_switch(self) -> None:
        """Turn it on after everything was shown, or off at once."""
        status, offer = self._scored, self._offer
        if status is None:
            return
        if status.on:
            self.load(self._turn_off(), "decide")
        elif offer is not None:
            from aa_tui.screens.scoring.agreeing import Agree

            def agreed(yes: bool | None) -> None:
                if yes:
                    self.load(self._turn_on(offer), "decide")
                else:
                    self.flash("It stays off; nothing was sent.")

            self.app.push_screen(Agree(offer), agreed)

    async def _turn_on(self, offer: Offer) -> None:
        workspace = await self.ready()
        # Exactly what was shown, even where somebody chose another model meanwhile.
        await self._decide(workspace.scoring.turn_on, offer.choice, offer.cap)
        self.flash("On: sessions that close from now on are scored; R does older ones.", "good")

    async def _turn_off(self) -> None:
        workspace = await self.ready()
        await self._decide(workspace.scoring.turn_off)
        self.flash("Off: no text leaves any more. What was scored stays.", "good")

    async def _decide(self, call: Any, *args: Any) -> None:
        self._scored = await self.ask(call, *args, group="decide", token=False)
        self._show()
        await self.aa.take_changes()
        self.reload()

    def _ask_cap(self) -> None:
        if self._scored is None:
            return
        cap = self._scored.cap

        def take(text: str) -> None:
            self.load(self._set_cap(cap_of(text, cap)), "decide")

        text = f"${cap.nano / NANO:g} {cap.tokens}"
        self.ask_line("cap of a day", text, "dollars, and tokens where no price is known: $1 2000000", take)

    async def _set_cap(self, cap: Cap) -> None:
        workspace = await self.ready()
        await self._decide(workspace.scoring.set_cap, cap)
        self.flash(f"The cap is {humanize.money(cap.nano)} a day now; z takes that back.", "good")

    def _choose_use(self) -> None:
        if self._scored is None:
            return
        choices = [Choice(use, title, "", key) for use, (title, key) in USES.items()]
        at = list(USES).index(self._scored.use)

        def take(use: ModelUse) -> None:
            self.load(self._set_use(use), "decide")

        self.aa.choose(
            "What this project may use, for signals, evaluators and trials", choices, take, typed=False, cursor=at
        )

    async def _set_use(self, use: ModelUse) -> None:
        workspace = await self.ready()
        await self._decide(workspace.scoring.set_model_use, use)
        self.flash(f"This project may use {USES[use][0]}; z takes that back.", "good")

    def _switch_signal(self, name: str) -> None:
        if self._scored is None:
            return
        one = next(signal for signal in self._scored.signals if signal.id == name)
        if one.code_only:
            self.flash(f"{safe_line(one.title)} is computed by code, costs nothing and is always on.")
            return
        self.load(self._set_signal(name, one.title, not one.on), "decide")

    async def _set_signal(self, name: str, title: str, on_: bool) -> None:
        workspace = await self.ready()
        await self._decide(workspace.scoring.set_signal, name, on_)
        self.flash(f"{safe_line(title)} is {'on' if on_ else 'off'} from now on; z takes that back.", "good")

    def failed(self, group: str, error: AAError) -> None:
        super().failed(group, error)
        if group == "decide":
            self.reload()


def _status_and_spent(workspace: Workspace, token: Any) -> tuple[ScoringStatus, Sequence[SpentLine]]:
    return workspace.scoring.status(token), workspace.scoring.spent(_DAYS)


def cap_of(text: str, now: Cap) -> Cap:
    """Return the cap that a typed line means: dollars, tokens, or both; what is not said stays.

    Raises:
        UsageError: a word of it is no number.
    """
    words = text.replace(",", "").split()
    if not 1 <= len(words) <= 2:
        raise UsageError("A cap is a number of dollars, and of tokens.", "As: $1 2000000")
    cap = replace(now, nano=round(_amount(words[0].lstrip("$")) * NANO))
    return replace(cap, tokens=round(_amount(words[1]))) if len(words) == 2 else cap


def _amount(text: str) -> float:
    size = {"k": 1e3, "m": 1e6}.get(text[-1:].lower(), 1.0)
    try:
        number = float(text[:-1] if size != 1.0 else text) * size
    except ValueError:
        raise UsageError(f"“{text}” is no number.") from None
    if not 0 <= number < 1e15:
        raise UsageError("A cap is not negative, and not endless.")
    return number


__all__ = ["ScoringScreen", "cap_of"]
