"""One evaluator: how it stands, its versions with who and when, what differs between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.evaluators.acts import EvaluatorActs
from aa_tui.widgets import glyphs
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.evaluator_lines import diff_rows, page_rows
from aa_tui.widgets.field_page import FieldPage
from aa_tui.widgets.safe_text import safe, safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import EvaluatorDetail, EvaluatorRow


class EvaluatorScreen(EvaluatorActs):
    """One evaluator with its versions."""

    SCOPE = "evaluator"
    AUTO_FOCUS = "#page"
    BINDING_SCOPES = ("evaluator", "pane")

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._detail: EvaluatorDetail | None = None
        self._open: int | None = None
        """The version that is shown in full; None: the one that scores."""
        self._diff: tuple[int, int] | None = None
        self._page = FieldPage(id="page")
        self._nothing = EmptyState(id="nothing")
        self._nothing.display = False

    def compose_body(self) -> Iterator[Any]:
        yield self._page
        yield self._nothing

    @property
    def moved(self) -> FieldPage:
        return self._page

    @property
    def current(self) -> EvaluatorRow | None:
        return self._detail.row if self._detail is not None else None

    # -- address

    def address(self) -> Address:
        params = {}
        if self._diff is not None:
            params["diff"] = "{}..{}".format(*self._diff)
        elif self._open is not None:
            params["version"] = str(self._open)
        return Address("evaluator", params, evaluator=self._name)

    def view_state(self) -> dict[str, Any]:
        return {"key": self._page.key}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        if address.evaluator != self._name:
            self._detail = None
        self._name = address.evaluator or ""
        self._diff = _two(address.params.get("diff", ""))
        version = address.params.get("version", "")
        self._open = int(version) if version.isdigit() else None
        self.load(self._fill((state or {}).get("key", "")), "evaluator")

    def forget(self) -> None:
        super().forget()
        self._detail = None

    # -- loading

    def reload(self) -> None:
        self.load(self._fill(), "evaluator")

    async def _fill(self, key: str = "") -> None:
        workspace = await self.ready()
        wanted = self._name if self._detail is None else self._detail.row.id
        self._detail = detail = await self.ask(workspace.evaluators.get, wanted, group="evaluator")
        if detail.row.name != self._name:
            self._name = detail.row.name
            self.aa.replace_address()
        self._page.display, self._nothing.display = True, False
        if self._diff is not None:
            found = await self.ask(
                workspace.evaluators.diff, detail.row.id, *self._diff, group="evaluator", token=False
            )
            self._page.show(partial(diff_rows, found), keep=False)
        else:
            zone = workspace.project.time_zone
            self._page.show(partial(page_rows, detail, zone, self._open), key=key, keep=True)
        self._page.focus()
        self._say(detail)
        self.refresh_footer()

    def _say(self, detail: EvaluatorDetail) -> None:
        crumb = f" {glyphs.get('crumb')} "
        pieces: list[Content | str] = ["Evaluators", crumb, safe(detail.row.name, "bold", width=50)]
        right: Content | str = ""
        if self._diff is not None:
            pieces += [crumb, f"v{self._diff[0]} against v{self._diff[1]}"]
        elif detail.draft is not None:
            right = Content.styled(f"draft v{detail.draft.no}: e edits, P promotes, = compares", themes.style("warn"))
        self.set_words(Content.assemble(*pieces), right)

    def failed(self, group: str, error: AAError) -> None:
        if group != "evaluator" or self._detail is not None:
            super().failed(group, error)
            return
        self._page.display, self._nothing.display = False, True
        lines = [safe(error.message), Content(""), safe(error.hint or "r tries again", one_line=False)]
        self._nothing.say("This evaluator cannot be shown", lines, "bad")

    def store_changed(self) -> bool:
        if not self.is_current or self.at_work("evaluator"):
            return False
        self.reload()
        return True

    # -- actions

    @on(FieldPage.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def why_not(self, action_id: str) -> str | None:
        if action_id == "evaluator.compare" and (self._detail is None or len(self._detail.versions) < 2):
            return "there is one version only"
        if action_id == "pane.open" and not self._page.key:
            return "nothing is under the cursor"
        return super().why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        return (
            "A version that is no draft is frozen: its hash says what was asked, and two with the same hash judge "
            "alike. Agreement is how often the verdict is the people's answer to the same question.",
        )

    def action_app_escape(self) -> None:
        if self._diff is not None:
            self._look(diff=None, version=self._open)
        else:
            self.aa.go_section("evaluators")

    def action_pane_open(self) -> None:
        key = self._page.key
        if key.startswith("v"):
            self._look(diff=None, version=int(key[1:]))

    def _look(self, diff: tuple[int, int] | None, version: int | None) -> None:
        before, state = str(self.address()), self.view_state()
        self._diff, self._open = diff, version
        self.aa.push_address(before, state)
        self.reload()

    def action_evaluator_compare(self) -> None:
        """Choose what the version under the cursor is compared with; with two there is nothing to choose."""
        detail = self._detail
        if detail is None:
            return
        numbers = [one.no for one in detail.versions]
        key = self._page.key
        here = int(key[1:]) if key[1:].isdigit() and int(key[1:]) in numbers else numbers[0]
        others = [no for no in numbers if no != here]
        if len(others) == 1:
            self._compare(here, others[0])
            return
        choices = [
            Choice(no, f"v{no}", safe_line(next(v.created_by for v in detail.versions if v.no == no), 30), str(no % 10))
            for no in others
        ]
        below = next((n for n, no in enumerate(others) if no < here), 0)
        self.aa.choose(f"Compare v{here} with", choices, partial(self._compare, here), typed=False, cursor=below)

    def _compare(self, one: int, other: int) -> None:
        self._look(diff=(min(one, other), max(one, other)), version=self._open)

    def action_evaluator_edit(self) -> None:
        if self.current is not None:
            self.do_edit(self.current)

    def action_evaluator_activate(self) -> None:
        if self.current is not None:
            self.do_activate(self.current)

    def action_evaluator_archive(self) -> None:
        if self.current is not None:
            self.do_archive(self.current)

    def action_evaluator_try(self) -> None:
        if self.current is not None:
            self.do_try(self.current)

    def action_evaluator_backfill(self) -> None:
        if self.current is not None:
            self.do_backfill(self.current)

    def action_evaluator_promote(self) -> None:
        if self.current is not None:
            self.load(self._promote(self.current), "act")

    async def _promote(self, row: EvaluatorRow) -> None:
        workspace = await self.ready()
        no = await self.ask(workspace.evaluators.promote, row.id, stamp=row.stamp, group="act", token=False)
        await self.aa.take_changes()
        scores = " and scores from now on" if row.state == "active" else ""
        self.flash(f"v{no} is the newest version{scores}; z takes that back.", "good")

    def action_evaluator_discard(self) -> None:
        if self.current is not None:
            self.load(self._discard(self.current), "act")

    async def _discard(self, row: EvaluatorRow) -> None:
        workspace = await self.ready()
        await self._decide(workspace.evaluators.discard_draft, row.id, stamp=row.stamp)
        self.flash("The draft is gone; z brings it back.", "good")

    def action_evaluator_sessions(self) -> None:
        from aa_tui.backend.model.filter import facet_filter, to_link_params

        if self.current is not None:
            self.go(Address("sessions", to_link_params(facet_filter("eval", "fail", self.current.name))))

    def action_evaluator_refresh(self) -> None:
        self.reload()


def _two(text: str) -> tuple[int, int] | None:
    before, _, after = text.partition("..")
    return (int(before), int(after)) if before.isdigit() and after.isdigit() else None
