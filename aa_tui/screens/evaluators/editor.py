"""The editor of an evaluator: fields, the prompt as text, what is wrong beside it, trials; saving and promoting.

What was typed is never lost: it is kept whenever the place is left, until it is saved or thrown away, and z takes back
each change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.evaluator import Method
from aa_tui.backend.support.errors import AAError, Conflict, NotFound
from aa_tui.screens.evaluators.draft import Draft, beginning, of_detail
from aa_tui.screens.evaluators.form import form_rows
from aa_tui.screens.evaluators.trying import EditorTrying, Trial
from aa_tui.widgets import glyphs
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.field_page import FieldPage, Row
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.notice import Notice
from aa_tui.widgets.safe_text import safe

if TYPE_CHECKING:
    from aa_tui.backend.judging.definitions import Problem
    from aa_tui.backend.query.readmodels import EvaluatorDetail
    from aa_tui.backend.service.workspace import Workspace

_WIDE = 120
_CHECK_AFTER = 0.15
"""Seconds without a key before what is typed is checked."""
_MOST_STEPS = 200


class EditorScreen(EditorTrying):
    """Fields at the left, the prompt at the right where there is room; trials in their place."""

    SCOPE = "editor"
    BODY = Horizontal
    AUTO_FOCUS = ""
    BINDING_SCOPES = ("editor", "trial", "pane")
    DEFAULT_CSS = """
    EditorScreen #form { width: 1fr; }
    EditorScreen #writing { width: 1fr; display: none; }
    EditorScreen.-wide #writing { display: block; border-left: solid $line; }
    EditorScreen.-writing #writing { display: block; }
    EditorScreen.-writing.-normal #form, EditorScreen.-writing.-narrow #form { display: none; }
    EditorScreen.-code #writing, EditorScreen.-trying #writing { display: none; }
    EditorScreen.-trying #form, EditorScreen.-failed #form, EditorScreen.-failed #writing { display: none; }
    EditorScreen #trial, EditorScreen #nothing { display: none; }
    EditorScreen.-trying #trial, EditorScreen.-failed #nothing { display: block; }
    EditorScreen #writing Notice { background: $background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.draft = Draft("", beginning("empty", ()).definition)
        self._address = Address("editor", {"new": "empty"})
        self._detail: EvaluatorDetail | None = None
        self._saved: Draft | None = None
        """What is stored; None until read."""
        self._problems: Sequence[Problem] = ()
        self._variables: dict[str, str] = {}
        self._past: list[Draft] = []
        self._future: list[Draft] = []
        self._before_writing: Draft | None = None
        self._delay: Any = None
        self._area: Any = None
        self._form = FieldPage(id="form")
        self._title, self._wrong, self._names = OneLine(id="writing-title"), Notice(), Notice()
        self._writing = Vertical(self._title, self._wrong, self._names, id="writing")
        self._nothing = EmptyState(id="nothing")

    def compose_body(self) -> Iterator[Any]:
        yield self._form
        yield self._writing
        yield self.trial_page
        yield self._nothing
        yield self.line

    # -- where we are

    @property
    def is_new(self) -> bool:
        """True for one that was never saved."""
        return self._address.evaluator is None

    def scope(self) -> str:
        return "writing" if self.writing else "trial" if self.trying else self.SCOPE

    @property
    def trying(self) -> bool:
        """True on the side of trials."""
        return self.has_class("-trying")

    @property
    def writing(self) -> bool:
        """True while the prompt is written."""
        return self._area is not None and self.focused is self._area

    @property
    def moved(self) -> FieldPage:
        return self.trial_page if self.trying else self._form

    def address(self) -> Address:
        if self.is_new:
            params = {"new": self._address.params.get("new", "empty")} | ({"side": "try"} if self.trying else {})
            return Address("editor", params)
        return Address("editor", evaluator=self._address.evaluator, tab="try" if self.trying else "edit")

    def view_state(self) -> dict[str, Any]:
        self._keep()
        return {"key": self._form.key}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        tries = "try" in (address.tab, address.params.get("side"))
        session = address.params.get("session", "")
        same = (address.evaluator, address.params.get("new")) == (
            self._address.evaluator,
            self._address.params.get("new"),
        )
        if same and self._saved is not None:
            self._side(tries, session)
            return
        self._keep()
        self._address, self._saved, self._detail = address, None, None
        self._past, self._future, self.trial = [], [], Trial()
        self.load(self._read((state or {}).get("key", ""), tries, session), "editor")

    def forget(self) -> None:
        self._keep()
        self.stop_judging()
        super().forget()
        self._saved = self._detail = None
        self._past, self._future, self.trial = [], [], Trial()

    # -- reading

    async def _read(self, key: str, tries: bool, session: str) -> None:
        workspace = await self.ready()
        service = workspace.evaluators
        if self._address.evaluator is None:
            templates = await self.ask(service.templates, group="editor", token=False)
            saved = beginning(self._address.params.get("new", "empty"), templates)
        else:
            self._detail = await self.ask(service.get, self._address.evaluator, group="editor")
            saved = of_detail(self._detail)
        self._variables = await self.ask(service.variables, group="editor", token=False)
        self._saved = saved
        kept = Draft.of_text(self.aa.remembered.drafts.get(self._kept_under, ""))
        self.draft = saved if kept is None else kept
        if kept is not None and kept != saved:
            self.flash("This is what you typed before; X goes back to what is saved.")
        await self._mount_area()
        await self._check()
        self.remove_class("-failed")
        self._form.show(self._rows, keep=False, key=key)
        self._side(tries, session)

    async def _mount_area(self) -> None:
        if self._area is not None:
            self._fill_area()
            return
        # Imported here: it is longer to import than all the rest of this place.
        from aa_tui.widgets.text_field import TextField

        self._area = TextField(self.draft.definition.prompt, id="prompt", soft_wrap=True, tab_behavior="focus")
        self._area.cursor_blink = False
        self._area.highlight_cursor_line = False
        await self._writing.mount(self._area, after=self._title)

    def _fill_area(self) -> None:
        if self._area is not None and self._area.text != self.draft.definition.prompt:
            with self._area.prevent(self._area.Changed):
                self._area.text = self.draft.definition.prompt

    def failed(self, group: str, error: AAError) -> None:
        if group != "editor":
            super().failed(group, error)
            return
        self.remove_class("-trying")
        self.add_class("-failed")
        lines = [safe(error.message), Content(""), safe(error.hint or "", one_line=False)]
        self._nothing.say("This evaluator cannot be edited", lines, "bad")

    # -- what is typed, kept

    @property
    def _kept_under(self) -> str:
        which = self._detail.row.id if self._detail is not None else f"new {self._address.params.get('new', '')}"
        return f"{self.aa.options.memory} evaluator {which}"

    @property
    def changed(self) -> bool:
        """True while something is typed that is not saved."""
        return self._saved is not None and self.draft != self._saved

    def _keep(self) -> None:
        """Keep what is typed for whoever comes back, also in another run."""
        if self._saved is None:
            return
        drafts = self.aa.remembered.drafts
        drafts.pop(self._kept_under, None)
        if self.changed:
            drafts[self._kept_under] = self.draft.to_text()

    def change(self, draft: Draft) -> None:
        """Put another draft in place of this one; z goes back."""
        if draft == self.draft:
            return
        self._past.append(self.draft)
        del self._past[:-_MOST_STEPS]
        self._future.clear()
        self._become(draft)

    def _become(self, draft: Draft) -> None:
        self.draft = draft
        self._fill_area()
        self._keep()
        self.load(self._check(), "check")
        if self.trying:
            self.show_trial()

    async def _check(self) -> None:
        workspace = await self.ready()
        self._problems = await self.ask(
            workspace.evaluators.problems, self.draft.definition, group="check", token=False
        )
        self._show_form()

    def _show_form(self) -> None:
        self._form.show(self._rows)
        self.set_class(self.draft.definition.method is not Method.LLM, "-code")
        self._say()
        self._say_beside()
        self.refresh_footer()

    def _rows(self, width: int) -> list[Row]:
        return form_rows(self.draft, self._problems, self.is_new, self.has_class("-wide"), width)

    def _say(self) -> None:
        crumb = f" {glyphs.get('crumb')} "
        name = self._address.evaluator or "new"
        pieces: list[Content | str] = ["Evaluators", crumb, safe(name, "bold", width=40), crumb]
        pieces.append("try" if self.trying else "edit")
        errors = sum(one.severity == "error" for one in self._problems)
        if errors:
            words, meaning = f"{errors} to put right", "bad"
        elif self.changed or self.is_new:
            words, meaning = "not saved", "warn"
        else:
            words, meaning = "saved", "muted"
        self.set_words(Content.assemble(*pieces), Content.styled(words, themes.style(meaning)))

    def _say_beside(self) -> None:
        hint = "esc: back to the fields" if self.writing else "p writes"
        self._title.set(
            Content.styled(" Prompt", themes.style("text", "bold")), Content.styled(f"{hint} ", themes.style("muted"))
        )
        wrong = [one for one in self._problems if one.field == "prompt"]
        meaning = "bad" if any(one.severity == "error" for one in wrong) else "muted"
        sign = glyphs.get("fail" if meaning == "bad" else "bullet")
        said = "; ".join(one.words for one in wrong)
        self._wrong.say(f"{sign} " if wrong else "", safe(said).plain, meaning)
        names = "  ".join(f"{{{{{name}}}}}" for name in self._variables)
        self._names.say("variables ", names, "muted")

    # -- the sides

    def _side(self, tries: bool, session: str = "") -> None:
        self.set_class(tries, "-trying")
        self._show_form()
        if tries:
            self.show_trial()
            self.trial_page.focus()
            self.load(self.prepare_trial(session), "trial")
        else:
            self._form.focus()
        self.refresh_footer()
        self.aa.replace_address()

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        if self._saved is not None:
            # Whether the prompt stands in the fields or beside them depends on the width.
            self.call_after_refresh(self._show_form)

    # -- writing

    def write_prompt(self) -> None:
        """Go into the text."""
        if self._area is None or self.draft.definition.method is not Method.LLM:
            return
        self.add_class("-writing")
        self._area.focus()

    def _end_writing(self) -> None:
        self.remove_class("-writing")
        self._form.focus()
        self.load(self._check(), "check")

    def on_text_area_changed(self, event: Any) -> None:
        """Take over what is typed, and check it once the hands rest."""
        if self._saved is None or event.text_area.text == self.draft.definition.prompt:
            return
        self.draft = self.draft.define(prompt=event.text_area.text)
        self._keep()
        if self._delay is not None:
            self._delay.stop()
        self._delay = self.set_timer(_CHECK_AFTER, lambda: self.load(self._check(), "check"))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """What is written from here on is one step that z takes back."""
        if event.widget is self._area:
            self._before_writing = self.draft
            self._say_beside()
            self.refresh_footer()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The text is left, by whatever key."""
        if event.widget is not self._area:
            return
        before, self._before_writing = self._before_writing, None
        if before is not None and before != self.draft:
            self._past.append(before)
            self._future.clear()
        self._say_beside()
        self.refresh_footer()

    # -- what can be done now

    def why_not(self, action_id: str) -> str | None:
        from aa_tui.backend.service.permissions import Permission

        workspace = self.aa.workspace
        if self.writing and action_id == "app.import":
            return "esc leaves the text first"
        of, _, verb = action_id.partition(".")
        if of not in ("editor", "trial"):
            return super().why_not(action_id)
        if self._saved is None:
            return "the evaluator is not read yet"
        by_code = self.draft.definition.method is not Method.LLM
        if verb in ("prompt", "external") and by_code:
            return "it is judged by patterns and has no prompt"
        if verb in ("save", "promote", "try", "run") and workspace is not None:
            active = self._detail is not None and self._detail.row.state == "active"
            needed = Permission.ACTIVATE_EVALS if active and verb == "promote" else Permission.MANAGE_INACTIVE_EVALS
            missing = workspace.actor.lacks(needed)
            if missing is not None:
                return missing
        wrong = next((one for one in self._problems if one.severity == "error"), None)
        if verb in ("save", "promote", "try", "run") and wrong is not None:
            return f"{wrong.field.replace('_', ' ')}: {wrong.words}"
        if verb == "save" and not self.changed and not self.is_new:
            return "nothing was changed"
        if verb == "promote":
            if self.is_new:
                return "save it first; a new one begins with version 1"
            if not self.changed and (self._detail is None or self._detail.draft is None):
                return "there is no draft"
        if verb == "reset" and not self.changed:
            return "nothing was changed"
        if verb == "remove" and (self.trying or self.removable(self._form.key) is None):
            return "no label, tier or pattern is under the cursor"
        if verb == "run":
            return self.why_not_judge() if self.trying else "T goes to the trial first"
        if verb == "cancel" and not self.judging:
            return "nothing is being judged"
        if verb == "form" and not self.trying:
            return "these are the fields"
        return super().why_not(action_id)

    def explain(self) -> tuple[str, ...]:
        return tuple(f"{{{{{name}}}}}: {meaning}" for name, meaning in self._variables.items())

    @on(FieldPage.Moved)
    def _moved(self) -> None:
        self.refresh_footer()

    @on(FieldPage.Opened)
    def _opened(self) -> None:
        self.action_pane_open()

    def action_pane_open(self) -> None:
        key = self.moved.key
        if not key:
            return
        if self.trying:
            self.open_result(key)
        else:
            self.open_field(key)

    def action_app_escape(self) -> None:
        if self.writing:
            self._end_writing()
        elif self.trying:
            self._side(False)
        elif self._detail is not None:
            self.go(Address("evaluator", evaluator=self._detail.row.name))
        else:
            self.aa.go_section("evaluators")

    async def action_app_undo(self) -> None:
        """Take back the last change here; once there is none left, the last decision."""
        if self._past:
            self._future.append(self.draft)
            self._become(self._past.pop())
        else:
            await self.aa.action_app_undo()

    async def action_app_redo(self) -> None:
        if self._future:
            self._past.append(self.draft)
            self._become(self._future.pop())
        else:
            await self.aa.action_app_redo()

    def action_editor_prompt(self) -> None:
        if self.trying:
            self._side(False)
        self.write_prompt()

    def action_editor_external(self) -> None:
        """Hand the prompt to the person's own editor."""
        from aa_tui.host.external import editor_command, run_on_text

        try:
            command = editor_command(os.environ, self.aa.options.editor)
            with self.app.suspend():
                text = run_on_text(command, self.draft.definition.prompt, suffix=".md")
        except AAError as error:
            self.flash(str(error), "bad")
        else:
            self.change(self.draft.define(prompt=text.rstrip("\n")))
        self.refresh(layout=True)

    def action_editor_reset(self) -> None:
        if self._saved is not None:
            self.change(self._saved)
            self.flash("Back to what is saved; z brings back what you typed.")

    def action_editor_try(self) -> None:
        self._side(True)

    def action_writing_leave(self) -> None:
        self._end_writing()

    def action_trial_form(self) -> None:
        self._side(False)

    def action_trial_run(self) -> None:
        self.judge_now()

    def action_trial_cancel(self) -> None:
        self.stop_judging()

    # -- saving

    def action_editor_save(self) -> None:
        self.load(self._save(False), "save")

    def action_editor_promote(self) -> None:
        self.load(self._save(True), "save")

    async def _save(self, promote: bool) -> None:
        workspace = await self.ready()
        detail, saved, draft = self._detail, self._saved, self.draft
        assert saved is not None
        try:
            said = await self.ask(_store, workspace, detail, saved, draft, promote, group="save", token=False)
        except Conflict as error:
            await self._take_over()
            self.flash(f"{error.message} What you typed is still here; s again saves it over theirs.", "warn")
            return
        finally:
            if detail is not None and self._detail is detail:
                # Part of it may have been saved before something was refused.
                await self._take_over()
        self.aa.remembered.drafts.pop(self._kept_under, None)
        # From here on z takes back what was saved, not what was typed before.
        self._past, self._future = [], []
        await self.aa.take_changes()
        self.flash(said.words, "good")
        if self.is_new or said.name != self._address.evaluator:
            self._address = Address("editor", evaluator=said.name, tab="edit")
            await self._take_over()
            self.aa.replace_address()
        self._show_form()

    def store_changed(self) -> bool:
        """Something was committed: what is saved may be another, what is typed stays."""
        if not self.is_current or self.is_new or self.at_work("save") or self._saved is None:
            return False
        self.load(self._news(), "news")
        return True

    async def _news(self) -> None:
        try:
            await self._take_over()
        except NotFound:
            # Creating it was taken back: what is typed is that of a new one again.
            self._address, self._detail = Address("editor", {"new": "empty"}), None
            self._saved = beginning("empty", ())
            self.aa.replace_address()
        self._keep()
        self._show_form()

    async def _take_over(self) -> None:
        """Read again what is stored; what is typed stays."""
        workspace = await self.ready()
        if self._detail is None and self._address.evaluator is None:
            return
        wanted: str | int = self._detail.row.id if self._detail is not None else self._address.evaluator or ""
        self._detail = await self.ask(workspace.evaluators.get, wanted, group="editor")
        self._saved = of_detail(self._detail)
        if self._saved.name == self.draft.name:
            self.draft = replace(self.draft, criterion=self._saved.criterion)


class _Said:
    """What was done, for the flash, and the name it has now."""

    def __init__(self, name: str, words: str) -> None:
        self.name = name
        self.words = words


def _store(workspace: Workspace, detail: EvaluatorDetail | None, saved: Draft, draft: Draft, promote: bool) -> _Said:
    """Save what differs, one decision each; the definition last, because it is what may be refused.

    Raises:
        AAError: something is not usable, taken, or was changed meanwhile; what came before it is saved.
    """
    service = workspace.evaluators
    if detail is None:
        row = service.create(draft.name, draft.definition, draft.criterion, draft.agents, draft.sampling)
        return _Said(row.name, "Saved, inactive. T tries it, 3 and A activate it; z takes it back.")
    number, stamp = detail.row.id, detail.row.stamp
    changes = (
        (draft.name != saved.name, partial(service.rename, number, draft.name)),
        (draft.agents != saved.agents, partial(service.set_agents, number, draft.agents)),
        (draft.sampling != saved.sampling, partial(service.set_sampling, number, draft.sampling)),
    )
    for differs, change in changes:
        if differs:
            stamp = change(stamp=stamp).stamp
    words = "Saved."
    if draft.definition != saved.definition or detail.row.imported:
        version = service.save(number, draft.definition, stamp)
        stamp = service.get(number).row.stamp
        words = f"Saved as draft v{version.no}; the active version keeps scoring. P promotes it."
        if not version.draft:
            words = (
                f"Saved as v{version.no}. A activates it." if detail.row.state != "active" else "That is what scores."
            )
    if promote and service.get(number).draft is not None:
        words = f"v{service.promote(number, stamp)} is what counts from now on; z takes that back."
    return _Said(service.get(number).row.name, words)


__all__ = ["EditorScreen"]
