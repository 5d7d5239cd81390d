"""Deleting a session or a user for good: what will go, a word that must be typed, then the deed. The only asking place.

Everything else in the app is done at once and undone with one key; this cannot be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.backend.service.permissions import Permission
from aa_tui.screens.modal import Modal
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.safe_text import safe, safe_line

if TYPE_CHECKING:
    from aa_tui.backend.model.held import Held
    from aa_tui.screens.base import PlaceScreen

WORD = "delete"
"""What must be typed."""


class ConfirmDelete(Modal[bool]):
    """Says what will go and waits for the word; its result is whether it was typed."""

    DEFAULT_CSS = """
    ConfirmDelete { align: center top; background: $background 0%; }
    ConfirmDelete > Vertical {
        width: 76; max-width: 96%; height: auto; margin-top: 2; border: round $line; padding: 0; background: $surface;
    }
    ConfirmDelete OneLine { background: $surface; }
    ConfirmDelete Vertical > Input { height: 1; border: none; padding: 0 1; background: $surface; }
    ConfirmDelete Vertical > Input:focus { border: none; }
    """

    def __init__(self, what: str, words: str) -> None:
        super().__init__()
        self._what = what
        self._held = words

    def compose(self) -> ComposeResult:
        from aa_tui.widgets.line_input import LineInput

        with Vertical():
            yield OneLine(id="delete-title")
            yield OneLine(id="delete-held")
            yield OneLine(id="delete-warning")
            box = LineInput(placeholder=f"type {WORD} to delete for good", compact=True)
            box.cursor_blink = False
            yield box

    def on_mount(self) -> None:
        hint = Content.styled("esc keeps it ", themes.style("muted"))
        title = Content.assemble(" Delete ", safe_line(self._what, 50), "?")
        self.query_one("#delete-title", OneLine).set(title.stylize(themes.style("bad", "bold")), hint)
        self.query_one("#delete-held", OneLine).set(Content.assemble(" ", safe(self._held)))
        self.query_one("#delete-warning", OneLine).set(
            Content.styled(" It cannot be undone, and a later import does not bring it back.", themes.style("warn"))
        )

    def on_input_submitted(self, event: Any) -> None:
        event.stop()
        if event.value.strip().lower() == WORD:
            self.leave(True)
        else:
            event.input.value = ""

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.leave(False)


def open_delete(place: PlaceScreen, session: int, key: str, user: str | None, then: Callable[[], Any]) -> None:
    """Offer to delete a session, or everything of its user; `then` is called once something is gone."""
    place.load(_offer(place, session, key, user, then), "delete")


async def _offer(place: PlaceScreen, session: int, key: str, user: str | None, then: Callable[[], Any]) -> None:
    from aa_tui.widgets.choice_list import Choice

    workspace = await place.ready()
    missing = workspace.actor.lacks(Permission.ADMINISTER)
    if missing is not None:
        place.flash(f"{missing}.", "warn")
        return
    privacy = workspace.privacy
    alone = await place.ask(privacy.look_at_session, session, group="delete")
    choices = [Choice("session", "this session", safe_line(f"{key} · {alone.words()}", 60), "s")]
    everything: Held | None = None
    if user is not None:
        everything = await place.ask(privacy.look_at_user, user, group="delete")
        choices.append(Choice("user", "everything of its user", safe_line(f"{user} · {everything.words()}", 60), "u"))

    def chosen(what: str) -> None:
        if what == "user" and user is not None and everything is not None:
            _confirm(place, f"everything of user {user}", everything, privacy.forget_user, user, then)
        else:
            _confirm(place, f"session {key}", alone, privacy.forget_session, session, then)

    place.aa.choose("Delete for good", choices, chosen, typed=False)


def _confirm(
    place: PlaceScreen,
    what: str,
    held: Held,
    forget: Callable[..., Held],
    of: int | str,
    then: Callable[[], Any],
) -> None:
    def answered(yes: bool | None) -> None:
        if yes:
            place.load(_delete(place, forget, of, then), "delete")
        else:
            place.flash("Nothing was deleted.")

    place.app.push_screen(ConfirmDelete(what, held.words()), answered)


async def _delete(place: PlaceScreen, forget: Callable[..., Held], of: int | str, then: Callable[[], Any]) -> None:
    place.set_status("deleting …")
    try:
        gone = await place.ask(forget, of, group="delete")
    finally:
        place.set_status(None)
    app = place.aa
    await app.take_changes()
    then()
    # Where the place itself is gone, what was done is said at the one that is gone to.
    for visit in [one for one in app.workers if one.group == "visit"]:
        await visit.wait()
    for left in gone.left:
        app.remember_message(left)
    more = f" {len(gone.left)} more to know: :log." if gone.left else ""
    app.flash(f"Deleted for good: {gone.words()}.{more}", "good")
