"""Forgetting: what would go, deleting it for good, and what is older than the project keeps. No SQL here.

It cannot be undone, so whoever offers it shows `look_at…` first and asks. What may be stored is `ingest.privacy`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.model.held import Held
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.service.projects import MOST_RETENTION_DAYS
from aa_tui.backend.store import facts
from aa_tui.backend.store import forgetting as sql
from aa_tui.backend.store.sqlite import SqliteStore
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.backend.support.errors import NotFound, UsageError
from aa_tui.backend.support.ids import text_hash

if TYPE_CHECKING:
    from aa_tui.backend.ingest.forgetting import Forgetting
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken

Advance = Callable[[int, int], None]
"""Called with the number of sessions done and of all."""
RETENTION_EVERY_MS = DAY_MS
SMALL_BYTES = 512 * 1024 * 1024
"""A store up to this size is rewritten in seconds."""
REWRITE_EVERY_MS = 7 * DAY_MS
"""How often upkeep rewrites a larger one."""


class PrivacyService:
    """Deletes for good in one project. Nothing here can be undone."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    # --- looking ---------------------------------------------------------------------------------------------------

    def look_at_user(self, user: str, token: CancelToken | None = None) -> Held:
        """Return what is held of a user or device id.

        Raises:
            NotFound: nothing is held, and nothing of that name was being forgotten.
        """
        work = self._forgetting(token)
        found = work.held_of_user(user)
        if found.nothing and not work.was_forgotten("user", user):
            raise NotFound(f"Nothing is held of a user “{user}”.", "User ids are matched exactly; `user:` lists them.")
        return found

    def look_at_session(self, session: int, token: CancelToken | None = None) -> Held:
        """Return what is held of a session, by id."""
        return self._forgetting(token).held_of_session(session)

    def look_at_expired(self, token: CancelToken | None = None) -> Held:
        """Return how many sessions and product events are older than the project keeps.

        Raises:
            UsageError: the project keeps everything.
        """
        before = self._kept_since()
        with self._workspace.store.reader(token) as reader:
            sessions, outside = sql.count_expired(reader, self._workspace.project.id, before)
        return Held(sessions=sessions, events=outside, events_outside=outside)

    # --- deleting --------------------------------------------------------------------------------------------------

    def forget_user(self, user: str, token: CancelToken | None = None, advance: Advance | None = None) -> Held:
        """Delete everything of a user or device id, for good, and keep it from coming back; return what went.

        Raises:
            Forbidden: the actor may not administer the project.
            NotFound: nothing is held.
            Cancelled: the token was cancelled; doing it again completes it.
            StoreError: the store cannot be written.
        """
        self._require()
        self.look_at_user(user, token)
        held = self._forgetting(token, advance).forget_user(user)
        return self._done("forget user", text_hash(user), held, compact=True)

    def forget_session(self, session: int, token: CancelToken | None = None, advance: Advance | None = None) -> Held:
        """Delete a session by id, for good, and keep it from coming back; return what went. Raises as `forget_user`."""
        self._require()
        work = self._workspace
        with work.store.reader() as reader:
            key = sql.session_keys(reader, work.project.id, [session]).get(session)
        if key is None:
            raise NotFound("That session is gone.")
        held = self._forgetting(token, advance).forget_session(session, key)
        return self._done("forget session", text_hash(key), held, compact=True)

    def purge_expired(self, token: CancelToken | None = None, advance: Advance | None = None) -> Held:
        """Delete what is older than the project keeps, and rewrite the store; return what went.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: the project keeps everything.
            Cancelled: the token was cancelled; doing it again completes it.
            StoreError: the store cannot be written.
        """
        self._require()
        before = self._kept_since()
        held = self._forgetting(token, advance).purge(before)
        return self._done("forget expired", "", held, compact=True)

    def purge_due(self, token: CancelToken | None = None, *, large: bool = True) -> Held | None:
        """Delete what is older than the project keeps if nobody did within a day; None when there was nothing to do.

        It is upkeep that an admin asked for by a setting, so it needs no permission. A large file is rewritten as a
        whole only once a week, and never without `large`: pages that were freed are overwritten at once, the gaps
        within pages are not.

        Raises:
            Cancelled: the token was cancelled; doing it again completes it.
            StoreError: the store cannot be written.
        """
        work = self._workspace
        before = self._before()
        if before is None or work.store.read_only:
            return None
        now = work.clock.now_ms()
        with work.store.reader() as reader:
            ran = sql.retention_ran(reader, work.project.id)
        if ran is not None and 0 <= now - ran < RETENTION_EVERY_MS:
            return None
        held = self._forgetting(token).purge(before)
        if not held.events:
            return None
        return self._done("forget expired", "", held, compact=self._may_rewrite(now, large))

    # --- steps -----------------------------------------------------------------------------------------------------

    def _require(self) -> None:
        self._workspace.actor.require(Permission.ADMINISTER)

    def _forgetting(self, token: CancelToken | None, advance: Advance | None = None) -> Forgetting:
        from aa_tui.backend.ingest.forgetting import Forgetting

        work = self._workspace
        return Forgetting(work.store, work.project.id, work.clock, work.actor.name, token, advance)

    def _kept_since(self) -> int:
        """Return the instant before which nothing is kept.

        Raises:
            UsageError: the project keeps everything.
        """
        before = self._before()
        if before is None:
            raise UsageError(
                "This project keeps everything.", "`aa-tui projects set retention_days 90` keeps a quarter of a year."
            )
        return before

    def _before(self) -> int | None:
        """Return the instant before which nothing is kept, None when everything is."""
        work = self._workspace
        with work.store.reader() as reader:
            state = facts.project_state(reader, work.project.id)
        settings = json.loads(state[2]) if state is not None else {}
        days = settings.get("retention_days") if isinstance(settings, dict) else None
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_RETENTION_DAYS:
            return None
        return work.clock.now_ms() - days * DAY_MS

    def _may_rewrite(self, now: int, large: bool) -> bool:
        """Tell whether the store may be rewritten by the way: writers wait for it."""
        store = self._workspace.store
        if not isinstance(store, SqliteStore) or store.path.stat().st_size <= SMALL_BYTES:
            return True
        if not large:
            return False
        with store.reader() as reader:
            last = sql.rewritten(reader)
        return last is None or not 0 <= now - last < REWRITE_EVERY_MS

    def _done(self, action: str, digest: str, held: Held, *, compact: bool) -> Held:
        """Journal what was done, without the name, and have nothing of it stay in the file."""
        work = self._workspace
        forward = {name: n for name, n in asdict(held).items() if name != "left" and n}
        with work.store.write(durable=True) as tx:
            journal.record(
                tx,
                work.project.id,
                work.clock.now_ms(),
                work.actor,
                Permission.ADMINISTER,
                action,
                digest[:8],
                {**forward, **({"hash": digest} if digest else {})},
            )
        if not compact:
            if isinstance(work.store, SqliteStore):
                work.store.checkpoint()
            return held
        with work.store.write() as tx:
            sql.set_rewritten(tx, work.clock.now_ms())
        left = [said] if (said := work.store.compact()) is not None else []
        return replace(held, left=(*left, *_copies(work)))


def _copies(work: Workspace) -> list[str]:
    """Return the copies of the store beside it that still hold everything, in words."""
    if not isinstance(work.store, SqliteStore):
        return []
    path: Path = work.store.path
    return [
        f"The backup {one} was made before and still holds it; delete it when it is not needed."
        for one in sorted(path.parent.glob(f"{path.name}.*backup"))
    ]
