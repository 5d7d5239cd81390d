"""The verbs of `forget`: a user, a session or what is too old, shown and asked about before it goes for good."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.backend.support.errors import UsageError
from aa_tui.cli import errors, output
from aa_tui.cli.start import interruptible
from aa_tui.cli.verbs.shared import Json, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.model.held import Held

group = typer.Typer(name="forget", help="Delete a user, a session or what is too old, for good.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@group.command("user", epilog="Example:  aa-tui forget user u-1042 --yes")
def forget_user(
    context: typer.Context,
    user: Annotated[str, typer.Argument(metavar="ID", help="The user or device id, exactly.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete everything of a user, for good: sessions, verdicts, search index, properties. It cannot be undone.

    A later import of the same files does not bring it back.
    """
    with open_workspace(context) as ws, interruptible() as token:
        seen = ws.privacy.look_at_user(user, token)
        if not _may_forget(f"user {user}", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.forget_user(user, token), as_json)


@group.command("session", epilog="Example:  aa-tui forget session ticket-88213")
def forget_session(
    context: typer.Context,
    session: Annotated[str, typer.Argument(metavar="ID", help="Its key, its id, or the beginning of one.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a session, for good, with its verdicts, answers and labels. It cannot be undone."""
    with open_workspace(context) as ws, interruptible() as token:
        number = ws.sessions.resolve(session)
        seen = ws.privacy.look_at_session(number, token)
        if not _may_forget(f"session {session}", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.forget_session(number, token), as_json)


@group.command("expired", epilog="Example:  aa-tui projects set retention_days 90 && aa-tui forget expired")
def forget_expired(context: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """Delete what is older than the project keeps (retention_days), now. It cannot be undone."""
    with open_workspace(context) as ws, interruptible() as token:
        seen = ws.privacy.look_at_expired(token)
        if not seen.nothing and not _may_forget("what is older than the project keeps", seen.words(), yes):
            return
        _tell_forgotten(ws.privacy.purge_expired(token), as_json)


def _may_forget(what: str, words: str, yes: bool) -> bool:
    """Say what will go and ask; where nobody can be asked, `--yes` must have been given."""
    errors.note(f"This deletes {what}: {words}. It cannot be undone.")
    if yes:
        return True
    if not errors.can_ask():
        raise UsageError("Deleting needs a yes.", "Add --yes.")
    if errors.ask("Delete? Type yes:", "").strip().lower() == "yes":
        return True
    errors.note("Nothing was deleted.")
    return False


def _tell_forgotten(gone: Held, as_json: bool) -> None:
    if as_json:
        output.json_line(asdict(gone))
    else:
        output.line(f"Deleted: {gone.words()}.")
    for one in gone.left:
        errors.note(one)
