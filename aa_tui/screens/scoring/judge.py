"""The project's judge: servers of this machine first, provider, model, address, parameters, key, and the check.

A key is typed without being shown and goes to where keys are kept; this screen only ever knows its masked end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.support import humanize
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import UsageError
from aa_tui.screens.asking import Asking
from aa_tui.screens.base import Superseded
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.fact_lines import fact, heading, stored
from aa_tui.widgets.field_page import FieldPage, Row, keyed
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.check import CheckReport
    from aa_tui.backend.judging.providers.local import LocalServer
    from aa_tui.backend.query.readmodels import JudgeView, KeyState, ProviderRow
    from aa_tui.backend.service.workspace import Workspace

_MILLION = 1_000
"""Prices are kept per thousand tokens, but shown and typed per million."""
_MODELS_NAMED = 4


class JudgeScreen(Asking):
    """Choosing, keeping and checking the judge."""

    SCOPE = "judge"
    AUTO_FOCUS = "#judge"
    BINDING_SCOPES = ("judge", "pane")

    def __init__(self) -> None:
        super().__init__()
        self._view = FieldPage(id="judge")
        self._saved: ModelChoice | None = None
        self._origin = ""
        self._choice: ModelChoice | None = None
        self._judge: JudgeView | None = None
        """What is known of the choice that stands here."""
        self._providers: Sequence[ProviderRow] = ()
        self._servers: Sequence[LocalServer] | None = None
        """Found on this machine; None while they are looked for."""
        self._report: CheckReport | None = None
        self._checking: CancelToken | None = None
        self._read = False

    def compose_body(self) -> Iterator[Any]:
        yield self._view
        yield self.line

    @property
    def moved(self) -> FieldPage:
        return self._view

    def address(self) -> Address:
        return Address("judge")

    def view_state(self) -> dict[str, Any]:
        self._keep()
        return {"key": self._view.key}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        self._say()
        self.load(self._fill((state or {}).get("key", "")), "judge")

    def forget(self) -> None:
        self._keep()
        super().forget()
        self._read = False

    # -- reading

    async def _fill(self, key: str = "") -> None:
        workspace = await self.ready()
        judges = workspace.judges
        self._saved, self._origin = await self.ask(judges.choice, group="judge", token=False)
        if not self._read:
            self._choice = self._kept() or self._saved
            self._read = True
        await self._look_at_choice()
        self._show(key)
        self._providers = await self.ask(judges.providers, group="judge", token=False)
        self.load(self._discover(), "discover")

    async def _look_at_choice(self) -> None:
        workspace = await self.ready()
        self._judge = await self.ask(workspace.judges.view_of, self._choice, group="view", token=False)

    async def _discover(self) -> None:
        workspace = await self.ready()
        self._servers = None
        self._show()
        self._servers = await self.ask(workspace.judges.discover, group="discover")
        self._show("server:0" if self._servers and self._choice is None else "")

    def _keep(self) -> None:
        """Keep what is typed and not saved for whoever comes back."""
        if not self._read:
            return
        drafts, under = self.aa.remembered.drafts, f"{self.aa.options.memory} judge"
        drafts.pop(under, None)
        if self._choice is not None and self._choice != self._saved:
            drafts[under] = json.dumps(self._choice.document())

    def _kept(self) -> ModelChoice | None:
        text = self.aa.remembered.drafts.get(f"{self.aa.options.memory} judge", "")
        try:
            return ModelChoice.of(json.loads(text)) if text else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def change(self, choice: ModelChoice | None) -> None:
        """Put another choice here; nothing is saved by that."""
        if choice == self._choice:
            return
        self._choice, self._report = choice, None
        self._keep()
        self.load(self._changed(), "judge")

    async def _changed(self) -> None:
        await self._look_at_choice()
        self._show()

    # -- how it looks

    def _show(self, key: str = "") -> None:
        self._view.show(self._rows, key=key)
        self._say()
        self.refresh_footer()

    def _say(self) -> None:
        if not self._read:
            self.set_words("Judge")
            return
        if self._choice != self._saved:
            words, meaning = "not saved", "warn"
        else:
            origin = {"project": "the project's judge", "settings": "from this machine's settings"}
            words, meaning = origin.get(self._origin, "no judge yet"), "muted"
        self.set_words("Judge: the model that scores and judges", Content.styled(words, themes.style(meaning)))

    def _rows(self, width: int) -> list[Row]:
        rows = keyed(heading("On this machine: nothing leaves it, and calls are free")[1:])
        if self._servers is None:
            rows += keyed(fact("", f"looking for model servers {glyphs.get('ellipsis')}", width, "dim"))
        elif not self._servers:
            rows += keyed(
                fact(
                    "", "no model server answers here (Ollama, LM Studio, llama.cpp, vLLM); r looks again", width, "dim"
                )
            )
        for n, one in enumerate(self._servers or ()):
            names = ", ".join(stored(name) for name in one.models[:_MODELS_NAMED]) or "no model loaded"
            more = f" and {len(one.models) - _MODELS_NAMED} more" if len(one.models) > _MODELS_NAMED else ""
            rows += keyed(fact(stored(one.title), f"{stored(one.base_url)}  {names}{more}", width), f"server:{n}")
        rows += keyed(heading("Judge"))
        rows += self._choice_rows(width)
        if self._report is not None:
            rows += keyed(self._report_lines(self._report, width))
        return rows

    def _choice_rows(self, width: int) -> list[Row]:
        choice, judge = self._choice, self._judge
        if choice is None or judge is None:
            return keyed(fact("provider", "none; enter chooses one", width, "warn"), "provider")
        local = ", on this machine" if judge.local else ""
        rows = keyed(fact("provider", f"{stored(judge.provider_title)}{local}", width), "provider")
        rows += keyed(fact("model", stored(choice.model) or "not named; enter names one", width), "model")
        own = "" if choice.base_url else " (its own)"
        address = f"{stored(judge.address)}{own}" if judge.address else "its own"
        rows += keyed(fact("address", address, width), "address")
        rows += keyed(self._key_lines(judge.key, width), "key")
        parameters = " ".join(f"{stored(name)}={stored(json.dumps(value))}" for name, value in choice.parameters)
        rows += keyed(fact("parameters", parameters or "temperature 0, nothing else", width), "parameters")
        window = f"{choice.window:,} tokens" if choice.window else "as known of the model, else a cautious one"
        rows += keyed(fact("window", window, width), "window")
        at_once = f"at most {choice.concurrency}" if choice.concurrency else "as many as the provider takes well"
        rows += keyed(fact("calls at once", at_once, width), "concurrency")
        rows += keyed(fact("price", self._price_words(judge), width), "price")
        if judge.problem:
            rows += keyed(fact("", f"{glyphs.get('fail')} {stored(judge.problem)}", width, "bad"))
        return rows

    def _key_lines(self, key: KeyState, width: int) -> list[Any]:
        if key.source:
            return fact(
                "key", f"{glyphs.get('verified')} {stored(key.masked)} from {stored(key.source)}", width, "good"
            )
        if key.needed:
            named = next(
                (one.variables for one in self._providers if self._choice and one.id == self._choice.provider), ()
            )
            variable = f", or set {stored(named[0])}" if named else ""
            return fact("key", f"{glyphs.get('fail')} none; a types it{variable}", width, "bad")
        return fact("key", "none, and none is needed", width, "dim")

    def _price_words(self, judge: JudgeView) -> str:
        choice = judge.choice
        if judge.local:
            return "local, free"
        if choice is not None and choice.input_price_nano is not None and choice.output_price_nano is not None:
            spoken = (humanize.money(price * _MILLION) for price in (choice.input_price_nano, choice.output_price_nano))
            return "{} in, {} out, per million tokens, as stated here".format(*spoken)
        if judge.priced:
            return "from the price list"
        return "unknown: caps count tokens instead; enter states it"

    def _report_lines(self, report: CheckReport, width: int) -> list[Any]:
        lines = heading("Check: it can judge" if report.ok else "Check: it cannot judge yet")
        for step in report.steps:
            sign, role = ("pass", "good") if step.ok else ("fail", "bad")
            lines += fact(f"{glyphs.get(sign)} {step.name}", stored(step.words), width, "text" if step.ok else role)
            if step.help:
                lines += fact("", stored(step.help), width, "accent")
        spent = report.spent
        if spent.calls:
            local = self._judge is not None and self._judge.local
            money = (
                "local, free"
                if local
                else "price unknown"
                if spent.cost_nano is None
                else humanize.money(spent.cost_nano)
            )
            lines += fact("spent", f"{humanize.plural(spent.calls, 'call')}, {money}", width, "dim")
        return lines

    # -- what can be done now

    def why_not(self, action_id: str) -> str | None:
        from aa_tui.backend.service.permissions import Permission

        workspace = self.aa.workspace
        needs = {"judge.save": Permission.ADMINISTER, "judge.check": Permission.MANAGE_INACTIVE_EVALS}
        if workspace is not None and action_id in needs:
            missing = workspace.actor.lacks(needs[action_id])
            if missing is not None:
                return missing
        if action_id == "judge.save" and self._choice == self._saved:
            return "nothing was changed"
        if action_id == "judge.reset" and self._choice == self._saved:
            return "nothing was changed"
        if action_id in ("judge.key", "judge.check", "judge.forget") and self._choice is None:
            return "no model is chosen"
        if action_id == "judge.check" and self._choice is not None and not self._choice.model:
            return "no model is named"
        if action_id == "judge.forget" and (self._judge is None or not self._judge.key.source):
            return "there is no key"
        if action_id == "judge.key" and self._choice is not None and self._choice.provider == "command":
            return "a command finds its own key"
        return super().why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        return (
            "A key in the environment spends nothing: sessions are scored only once somebody agrees in Scoring. A key "
            "belongs to an address; another address never gets it.",
        )

    def action_app_escape(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
        else:
            self.go(Address("scoring"))

    @on(FieldPage.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def action_pane_open(self) -> None:
        what, _, at = self._view.key.partition(":")
        if what == "server" and self._servers:
            self._choose_server(self._servers[int(at)])
        elif what == "provider":
            self._choose_provider()
        elif what:
            getattr(self, f"_open_{what}")()

    def _choose_server(self, server: LocalServer) -> None:
        if not server.models:
            self.change(ModelChoice(server.provider, "", server.base_url))
            self._open_model()
            return
        choices = [Choice(name, safe_line(name, 60)) for name in server.models]

        def take(name: str) -> None:
            self.change(ModelChoice(server.provider, name, server.base_url))

        self.aa.choose(f"Models of {safe_line(server.title, 30)}", choices, take)

    def _choose_provider(self) -> None:
        if not self._providers:
            self.flash("The providers are not read yet.")
            return
        choices = []
        for one in self._providers:
            key = "key at hand" if one.key.source else "no key" if one.key.needed else ""
            note = ", ".join(filter(None, ("on this machine" if one.local else "", key, safe_line(one.note, 50))))
            choices.append(Choice(one.id, safe_line(one.title, 30), note))

        def take(name: str) -> None:
            command = "command" if name == "command" else ""
            model = self._choice.model if self._choice is not None and self._choice.provider == name else command
            self.change(ModelChoice(name, model))
            if not model:
                self._open_model()

        self.aa.choose("Provider", choices, take)

    # -- fields

    def _edited(self, **changes: Any) -> None:
        if self._choice is not None:
            self.change(replace(self._choice, **changes))

    def _open_model(self) -> None:
        text = self._choice.model if self._choice is not None else ""
        self.ask_line("model", text, "as its server names it", lambda typed: self._edited(model=typed.strip()))

    def _open_address(self) -> None:
        text = self._choice.base_url if self._choice is not None else ""
        hint = "http://host:port/v1; empty: the provider's own"
        self.ask_line("address", text, hint, lambda typed: self._edited(base_url=typed.strip()))

    def _open_key(self) -> None:
        self.action_judge_key()

    def _open_parameters(self) -> None:
        choice = self._choice
        text = " ".join(f"{name}={json.dumps(value)}" for name, value in choice.parameters) if choice else ""

        def take(typed: str) -> None:
            self._edited(parameters=tuple(sorted(map(_parameter, typed.split()))))

        self.ask_line("parameters", text, "temperature=0.2 top_p=0.9", take)

    def _open_window(self) -> None:
        text = str(self._choice.window or "") if self._choice is not None else ""
        self.ask_line(
            "window", text, "tokens the model takes in; empty: not known", lambda t: self._edited(window=_whole(t))
        )

    def _open_concurrency(self) -> None:
        text = str(self._choice.concurrency or "") if self._choice is not None else ""
        hint = "most calls at once; empty: found out"
        self.ask_line("at once", text, hint, lambda typed: self._edited(concurrency=_whole(typed)))

    def _open_price(self) -> None:
        choice = self._choice
        text = ""
        if choice is not None and choice.input_price_nano is not None and choice.output_price_nano is not None:
            text = f"{choice.input_price_nano / 1e6:g} {choice.output_price_nano / 1e6:g}"

        def take(typed: str) -> None:
            prices = [_dollars(word) for word in typed.replace("$", " ").split()]
            if len(prices) not in (0, 2):
                raise UsageError("Two prices: what goes in and what comes out.", "As: 0.15 0.60")
            into, out = prices or (None, None)
            self._edited(input_price_nano=into, output_price_nano=out)

        self.ask_line("price", text, "dollars per million tokens, in and out: 0.15 0.60; empty: the price list", take)

    # -- keys

    def action_judge_key(self) -> None:
        choice = self._choice
        if choice is None:
            return
        title = safe_line(self._judge.provider_title if self._judge is not None else choice.provider, 24)
        self.ask_line(f"key of {title}", "", "it is not shown; esc leaves", self._take_key, secret=True)

    def _take_key(self, text: str) -> None:
        if text.strip() and self._choice is not None:
            self.load(self._set_key(text.strip(), self._choice), "key")

    async def _set_key(self, key: str, choice: ModelChoice) -> None:
        workspace = await self.ready()
        state = await self.ask(workspace.judges.set_key, key, choice, group="key", token=False)
        await self._changed()
        self.flash(f"Kept: {safe_line(state.masked)} in {safe_line(state.source)}.", "good")

    def action_judge_forget(self) -> None:
        if self._choice is not None:
            self.load(self._forget_key(self._choice), "key")

    async def _forget_key(self, choice: ModelChoice) -> None:
        workspace = await self.ready()
        gone = await self.ask(workspace.judges.forget_key, choice, group="key", token=False)
        await self._changed()
        left = self._judge is not None and self._judge.key.source
        if left:
            self.flash(f"There still is one from {safe_line(str(left))}, which is not ours to forget.", "warn")
        else:
            self.flash("The key is forgotten." if gone else "No key was kept here.", "good")

    # -- saving and checking

    def action_judge_look(self) -> None:
        self.load(self._fill(), "judge")

    def action_judge_reset(self) -> None:
        self.change(self._saved)

    def action_judge_save(self) -> None:
        self.load(self._save(), "save")

    async def _save(self) -> None:
        workspace = await self.ready()
        self._judge = await self.ask(workspace.judges.set, self._choice, group="save", token=False)
        self._saved, self._origin = self._judge.choice, self._judge.origin
        self._choice = self._saved
        self._keep()
        await self.aa.take_changes()
        self._show()
        status = await self.ask(workspace.scoring.status, group="save")
        if status.on:
            self.flash("Saved; z takes that back.", "good")
        else:
            self.flash("Saved. Sessions are scored once somebody agrees: esc, then A.", "good")

    def action_judge_check(self) -> None:
        choice, judge = self._choice, self._judge
        if choice is None or judge is None or self._checking is not None:
            return
        if judge.local:
            self.load(self._check(choice), "check")
            return
        cost = "less than $0.01" if judge.priced else "price unknown"
        where = safe_line(f"{judge.provider_title} {choice.model}", 40)
        choices = [
            Choice("keep", "do not call", "nothing is sent"),
            Choice("call", "call it once", f"about 100 tokens, {cost}; no session is sent", "c"),
        ]

        def take(value: str) -> None:
            if value == "call":
                self.load(self._check(choice), "check")

        self.aa.choose(f"One tiny call to {where}", choices, take, typed=False)

    async def _check(self, choice: ModelChoice) -> None:
        workspace = await self.ready()
        token = self._checking = CancelToken()
        self.set_status("checking: one tiny call; esc stops")
        try:
            self._report = await self.ask(_check, workspace, choice, token, group="check", token=False)
        except Superseded:
            self.flash("The check was stopped.", "warn")
        else:
            self.flash(
                "It can judge." if self._report.ok else "It cannot judge yet; see below why.",
                "good" if self._report.ok else "bad",
            )
        finally:
            self._checking = None
            self.set_status(None)
        self._show()
        self._view.move_to_end(True)


def _check(workspace: Workspace, choice: ModelChoice, token: CancelToken) -> CheckReport:
    return workspace.judges.check(choice, token)


def _parameter(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"“{word}” is no parameter.", "As: temperature=0.2")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _whole(text: str) -> int | None:
    clean = text.replace(",", "").strip()
    if not clean:
        return None
    if not clean.isdigit() or int(clean) < 1:
        raise UsageError(f"“{clean}” is no whole number from 1 on.")
    return int(clean)


def _dollars(word: str) -> int:
    """Return nano-dollars per thousand tokens of dollars per million."""
    try:
        dollars = float(word)
    except ValueError:
        raise UsageError(f"“{word}” is no number.") from None
    if not 0 <= dollars < 1e6:
        raise UsageError("A price is not negative.")
    return round(dollars * 1e6)
