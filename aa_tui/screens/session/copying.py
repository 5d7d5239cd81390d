"""What leaves the session screen: copies, files, pager and editor. Mixed into the screen; knows no layout."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aa_tui.address import Address
from aa_tui.backend.service.records import resume_command
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.errors import AAError
from aa_tui.host.external import editor_command, pager_command, run_on_text
from aa_tui.screens.session.parts import SessionParts
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import ContentText, StepRow

_WHOLE = 50_000_000
"""More characters than any one text has; what the pager asks for."""


class SessionCopying(SessionParts):
    """Copy, save, page and edit what is selected."""

    async def _whole_text(self, step: StepRow) -> str:
        """Return all long texts of a step, each under its name when there are several."""
        workspace = await self.ready()
        assert self.detail is not None
        parts = await self.ask(
            workspace.sessions.texts, self.detail.row.id, [step.id], limit=_WHOLE, group="whole text"
        )
        return join_parts(parts.get(step.id, ()))

    def action_session_copy(self) -> None:
        detail = self.detail
        if detail is None:
            return
        link = str(Address("session", {}, detail.row.key))
        choices = [
            Choice(("text", detail.row.key), "session id", safe_line(detail.row.key, 40), "i"),
            Choice(("text", f"aa-tui open '{link}'"), "command that opens it", safe_line(link, 40), "o"),
            Choice(("text", str(self.address())), "address of this tab", "", "a"),
        ]
        resume = resume_command(detail)
        if resume is not None:
            note = safe_line(resume, 40)
            choices.append(Choice(("text", resume), "command that resumes it in its agent", note, "r"))
        if self.selected_step is not None:
            choices.append(Choice(("step", ""), "whole text of the selected step", "", "t"))
        self.aa.choose("Copy", choices, self._copy, typed=False)

    def _copy(self, what: tuple[str, str]) -> None:
        kind, text = what
        if kind == "text":
            self.aa.copy_text(text)
        else:
            self.load(self._copy_step(), "copy")

    async def _copy_step(self) -> None:
        if self.selected_step is not None:
            self.aa.copy_text(await self._whole_text(self.selected_step))

    def action_session_save_file(self) -> None:
        self.load(self._save(), "save file")

    async def _save(self) -> None:
        from aa_tui.host.exporting import save_session

        detail = self.detail
        if detail is None:
            return
        workspace = await self.ready()
        steps = [step.id for step in detail.steps]
        texts = await self.ask(workspace.sessions.texts, detail.row.id, steps, limit=_WHOLE, group="save file")
        path = await self.ask(save_session, detail, texts, group="save file", token=False)
        self.flash(f"written to {path}", "good")

    def action_session_pager(self) -> None:
        self.load(self._page(), "pager")

    async def _page(self) -> None:
        step = self.selected_step
        if step is None:
            return
        command = pager_command(os.environ, self.aa.options.pager)
        # Pagers differ in what they let through to the terminal, so they are given what the screen would draw.
        text = drawable(await self._whole_text(step))
        self._hand_over(command, text, wait=True)

    def action_session_editor(self) -> None:
        self.load(self._edit(), "pager")

    async def _edit(self) -> None:
        step = self.selected_step
        if step is None:
            return
        command = editor_command(os.environ, self.aa.options.editor)
        self._hand_over(command, await self._whole_text(step))

    def _hand_over(self, command: list[str], text: str, wait: bool = False) -> None:
        try:
            with self.app.suspend():
                run_on_text(command, text, wait=wait)
        except AAError as error:
            self.flash(str(error), "bad")
        self.refresh(layout=True)


def join_parts(parts: tuple[ContentText, ...]) -> str:
    """Return the texts of a step as one, each under its name when there are several."""
    if len(parts) == 1:
        return parts[0].text
    return "\n\n".join(f"--- {part.part.replace('_', ' ')} ---\n{part.text}" for part in parts)
