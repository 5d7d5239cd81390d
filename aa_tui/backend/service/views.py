"""Saved views and chart notes of a project, with undo and redo: small decisions, journaled with their inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.backend.query.readmodels import NoteRow, SavedViewRow
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.store import decisions
from aa_tui.backend.support.errors import Ambiguous, Forbidden, NotFound, UsageError
from aa_tui.backend.support.ids import new_id
from aa_tui.backend.support.text import storable

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace

_MAX_NAME = 100
_MAX_NOTE = 500


class ViewService:
    """What people keep for themselves and each other in one project."""

    def __init__(self, workspace: Workspace) -> None:
        self._ws = workspace

    def save(self, name: str, address: str, shared: bool = False) -> SavedViewRow:
        """Keep an address under a name of the actor's, replacing what they had under it.

        Raises:
            UsageError: the name is empty or too long.
            Forbidden: the actor may not save views.
            StoreReadOnly: the store may only be read.
        """
        name = storable(" ".join(name.split()))
        if not name or len(name) > _MAX_NAME:
            raise UsageError(f"A view's name has 1 to {_MAX_NAME} characters.")
        owner = self._ws.actor.name
        self._decide(
            Permission.SAVE_VIEWS,
            "save view",
            name,
            "view",
            {"owner": owner, "name": name},
            {"address": storable(address), "shared": int(shared)},
        )
        return next(view for view in self.list() if view.name == name and view.owner == owner)

    def list(self) -> list[SavedViewRow]:
        """Return the actor's views by name, then those that others share."""
        with self._ws.store.reader() as reader:
            rows = decisions.views(reader, self._ws.project.id, self._ws.actor.name)
        return [
            SavedViewRow(name=row[0], owner=row[1], shared=bool(row[2]), address=row[3], created_ms=row[4])
            for row in rows
        ]

    def delete(self, name: str) -> None:
        """Remove the actor's view of that name, or, for an admin, one that somebody shares.

        Raises:
            NotFound: there is none.
            Ambiguous: several people share one of that name.
            Forbidden: it is somebody else's.
        """
        actor = self._ws.actor
        found = [view for view in self.list() if view.name == name]
        view = next((one for one in found if one.owner == actor.name), None)
        if view is None:
            if not found:
                raise NotFound(f"There is no saved view “{name}”.")
            if len(found) > 1:
                raise Ambiguous(f"Several people share a view “{name}”.", ", ".join(one.owner for one in found))
            view = found[0]
            if actor.role != "admin":
                raise Forbidden(f"“{name}” is a view of {view.owner}.", "Only they or an admin can delete it.")
        self._decide(Permission.SAVE_VIEWS, "delete view", name, "view", {"owner": view.owner, "name": view.name}, None)

    def add_note(self, at_ms: int, text: str) -> int:
        """Put a note at an instant of the time charts; return its id.

        Raises:
            UsageError: the text is empty or too long.
            Forbidden: the actor may not.
        """
        text = storable(text.strip())
        if not text or len(text) > _MAX_NOTE:
            raise UsageError(f"A note has 1 to {_MAX_NOTE} characters.")
        number = new_id(self._ws.clock.now_ms())
        self._decide(
            Permission.SAVE_VIEWS,
            "add note",
            text,
            "note",
            {"id": number},
            {"at_ms": at_ms, "text": text, "author": self._ws.actor.name},
        )
        return number

    def delete_note(self, note_id: int) -> None:
        """Remove a note; it can be brought back with `undo`.

        Raises:
            NotFound: there is none.
        """
        with self._ws.store.reader() as reader:
            state = decisions.state(reader, self._ws.project.id, "note", {"id": note_id})
        if state is None:
            raise NotFound("That note is gone already.")
        self._decide(Permission.SAVE_VIEWS, "delete note", state["text"], "note", {"id": note_id}, None)

    def notes(self, from_ms: int, to_ms: int) -> tuple[NoteRow, ...]:
        """Return the notes from `from_ms` to before `to_ms`, in order of time."""
        with self._ws.store.reader() as reader:
            rows = decisions.notes(reader, self._ws.project.id, from_ms, to_ms)
        return tuple(NoteRow(id=row[0], at_ms=row[1], text=row[2], author=row[3]) for row in rows)

    def undo(self) -> str | None:
        """Undo the actor's newest decision; return it in words, None when there is none.

        Raises:
            Conflict: somebody else changed the same thing since.
        """
        return journal.undo(self._ws.store, self._ws.project.id, self._ws.clock.now_ms(), self._ws.actor)

    def redo(self) -> str | None:
        """Do again what was undone last; return it in words, None when there is nothing or a decision came between."""
        return journal.redo(self._ws.store, self._ws.project.id, self._ws.clock.now_ms(), self._ws.actor)

    def _decide(
        self,
        permission: Permission,
        action: str,
        subject: str,
        kind: str,
        key: dict[str, object],
        after: decisions.State,
    ) -> None:
        with self._ws.store.write(durable=True) as tx:
            journal.decide(
                tx,
                self._ws.project.id,
                self._ws.clock.now_ms(),
                self._ws.actor,
                permission,
                action,
                subject,
                kind,
                key,
                after,
            )
