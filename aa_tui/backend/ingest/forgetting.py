"""Forgetting users, sessions and what is too old: everything that is held of them goes, in short transactions.

First it is written down, by hash, that they must not come back; then their events go through the writer, which takes a
session away exactly as it would have been without them; then what hangs on the sessions, then their names in what
others wrote. Killed anywhere, doing it again completes it. SQL: `store.forgetting`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from aa_tui.backend.ingest.stored import USER_PROPERTIES
from aa_tui.backend.ingest.writer import Writer, suppress_hash
from aa_tui.backend.ingest.writer.people import merge_properties
from aa_tui.backend.model.event import TimeQuality
from aa_tui.backend.model.held import Held
from aa_tui.backend.store import facts, inbox
from aa_tui.backend.store import forgetting as sql
from aa_tui.backend.store.engine import Reader, Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.text import storable_id

FORGOTTEN = "[forgotten]"
"""What stands where a name was."""
SHORTEST_NAME = 3
"""Shorter names are not looked for in prose: they would be found in every other word."""
_EVENTS_AT_ONCE = 800
_SESSIONS_AT_ONCE = 200
_MERGE_PAGES = 64
_REAL_TIME = (str(TimeQuality.EXACT), str(TimeQuality.ZONE_ASSUMED))

Advance = Callable[[int, int], None]
"""Called with the number of sessions done and of all."""


@dataclass(slots=True)
class _Scope:
    """The part of a user in sessions."""

    whole: list[int] = field(default_factory=list)
    in_part: list[int] = field(default_factory=list)
    events: dict[int, list[str]] = field(default_factory=dict)
    """Insert ids to delete, by session."""
    outside: list[str] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    """Everybody who is named by the events that go."""


class Forgetting:
    """Forgets in one project. Not thread-safe; other processes may read and write meanwhile."""

    def __init__(
        self,
        store: Store,
        project_id: int,
        clock: Clock,
        actor: str,
        token: CancelToken | None = None,
        advance: Advance | None = None,
    ) -> None:
        self._store = store
        self._project = project_id
        self._clock = clock
        self._actor = actor
        self._token = token
        self._advance = advance
        self._writer = Writer(store, project_id, clock)

    # --- looking ---------------------------------------------------------------------------------------------------

    def held_of_user(self, user: str) -> Held:
        """Return what is held of a user or device id."""
        with self._store.reader(self._token) as reader:
            scope = self._scope_of_user(reader, storable_id(user))
            return self._held(reader, scope)

    def held_of_session(self, session: int) -> Held:
        """Return what is held of a session."""
        with self._store.reader(self._token) as reader:
            return self._held(reader, self._scope_of_sessions(reader, [session]))

    def was_forgotten(self, kind: str, value: str) -> bool:
        """Tell whether a user (`user`) or session key (`session`) is on the list of what must not come back."""
        with self._store.reader() as reader:
            return sql.is_suppressed(reader, self._project, kind, suppress_hash(storable_id(value)))

    def _held(self, reader: Reader, scope: _Scope) -> Held:
        counted = sql.count_by_session(reader, self._project, scope.whole)
        return Held(
            sessions=len(scope.whole),
            sessions_in_part=len(scope.in_part),
            events=sum(map(len, scope.events.values())) + len(scope.outside),
            events_outside=len(scope.outside),
            results=counted["signal_result"] + counted["result"],
            answers=counted["answer"] + counted["session_label"],
        )

    def _scope_of_user(self, reader: Reader, user: str) -> _Scope:
        found = _Scope(outside=sql.events_outside(reader, self._project, user), people={user})
        by_session: dict[int, list[tuple[str, str | None, str | None]]] = {}
        for chunk in facts.chunks(sql.sessions_of_user(reader, self._project, user), _SESSIONS_AT_ONCE):
            for session, insert_id, named, device in sql.people_of_events(reader, self._project, chunk):
                by_session.setdefault(session, []).append((insert_id, named, device))
        for session, events in by_session.items():
            if any(named not in (None, user) and device != user for _, named, device in events):
                # What names nobody cannot be told apart from what was said to or by this user.
                gone = [one for one, named, device in events if named in (None, user) or device == user]
                found.in_part.append(session)
            else:
                gone = [one for one, _, _ in events]
                found.whole.append(session)
            found.events[session] = gone
            found.people.update(named or device or user for _, named, device in events)
        return found

    def _scope_of_sessions(self, reader: Reader, sessions: Sequence[int]) -> _Scope:
        found = _Scope(whole=list(sessions))
        for session, insert_id, user, device in sql.people_of_events(reader, self._project, sessions):
            found.events.setdefault(session, []).append(insert_id)
            if user or device:
                found.people.add(user or device)
        return found

    # --- forgetting ------------------------------------------------------------------------------------------------

    def forget_user(self, user: str) -> Held:
        """Delete everything of a user or device id, and keep it from coming back; return what went.

        Raises:
            Cancelled: the token was cancelled; doing it again completes it.
            StoreError: the store cannot be written.
        """
        user = storable_id(user)
        self._finish()
        self._suppress([("user", suppress_hash(user))])
        with self._store.reader(self._token) as reader:
            scope = self._scope_of_user(reader, user)
            held = self._held(reader, scope)
            keys = sql.session_keys(reader, self._project, scope.whole)
        # A later import may bring the same session under another user's name, or without any.
        forgotten = [("session", suppress_hash(key)) for key in keys.values()]
        forgotten += [("insert", suppress_hash(one)) for s in scope.in_part for one in scope.events[s]]
        self._suppress(forgotten)
        self._delete(scope)
        with self._store.write(durable=True) as tx:
            sql.delete_people(tx, self._project, [user])
            sql.blank_verdicts(tx, self._project, scope.in_part)
            facts.touch_project(tx, self._project)
        self._recount_people(scope.people - {user})
        held += self._take_names_out([user, *keys.values()], scope.whole)
        self.forget_words()
        return held

    def forget_session(self, session: int, key: str) -> Held:
        """Delete a session and keep it from coming back; return what went. Raises as `forget_user`."""
        self._finish()
        self._suppress([("session", suppress_hash(key))])
        with self._store.reader(self._token) as reader:
            scope = self._scope_of_sessions(reader, [session])
            held = self._held(reader, scope)
        self._delete(scope)
        self._recount_people(scope.people)
        held += self._take_names_out([key], [session])
        self.forget_words()
        return held

    def purge(self, before_ms: int) -> Held:
        """Delete sessions and product events in which nothing happened since an instant; return what went.

        They may come back: whoever imports them again wants them, until they are purged again. Raises as
        `forget_user`.
        """
        self._finish()
        held = Held()
        with self._store.reader() as reader:
            total = sum(sql.count_expired(reader, self._project, before_ms))
        gone: list[int] = []
        people: set[str] = set()
        done = 0
        while True:
            with self._store.reader(self._token) as reader:
                sessions = sql.expired_sessions(reader, self._project, before_ms, _SESSIONS_AT_ONCE)
                scope = self._scope_of_sessions(reader, sessions)
                outside = sql.expired_outside(reader, self._project, before_ms, _EVENTS_AT_ONCE)
                scope.outside = [row[0] for row in outside]
                scope.people |= {row[1] or row[2] for row in outside if row[1] or row[2]}
                part = self._held(reader, scope)
            if not sessions and not outside:
                break
            self._delete(scope)
            people |= scope.people
            gone += sessions
            held += part
            done += len(sessions) + len(outside)
            if self._advance is not None:
                self._advance(done, max(total, done))
        with self._store.reader() as reader:
            # Of a purge that was interrupted, too.
            people.update(sql.people_seen_before(reader, self._project, before_ms))
        self._recount_people(people)
        with self._store.write() as tx:
            if gone:
                held += Held(journal=sql.scrub_journal(tx, self._project, _Scrubber((), gone).value, str))
            sql.delete_old_problems(tx, self._project, before_ms)
            sql.set_retention_ran(tx, self._project, self._clock.now_ms())
        if held.events:
            self.forget_words()
        return held

    def forget_words(self) -> None:
        """Rewrite the search index, a few pages at a time, so that no word of what went stays in the file."""
        begin = True
        while True:
            self._check()
            with self._store.write() as tx:
                worked = sql.merge_search(tx, _MERGE_PAGES, begin)
            if not worked:
                return
            begin = False

    # --- steps -----------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._token is not None:
            self._token.check()

    def _suppress(self, values: Iterable[tuple[str, str]]) -> None:
        with self._store.write(durable=True) as tx:
            sql.suppress_values(tx, self._project, values, self._clock.now_ms(), self._actor)
            # Whoever planned to write without knowing of this must plan anew.
            facts.touch_project(tx, self._project)

    def _delete(self, scope: _Scope) -> None:
        sessions = [*scope.whole, *scope.in_part]
        done = 0
        for ids, events in _batches(sessions, scope.events):
            self._check()
            with self._store.write() as tx:
                sql.set_pending(tx, self._project, ids)
            self._writer.write((), removed=events)
            self._finish()
            done += len(ids)
            if self._advance is not None and len(sessions) > 1:
                self._advance(done, len(sessions))
        for chunk in facts.chunks(scope.outside, _EVENTS_AT_ONCE):
            self._check()
            self._writer.write((), removed=chunk)
        if scope.events or scope.outside:
            with self._store.write() as tx:
                # Raw requests that were kept in case more of their traces comes hold the same texts.
                inbox.forget_kept(tx, self._project)

    def _finish(self) -> None:
        """Delete what hangs on sessions that are gone; also of a deletion that was interrupted."""
        with self._store.reader() as reader:
            ids = sql.pending(reader, self._project)
        if ids:
            with self._store.write() as tx:
                sql.delete_by_session(tx, self._project, ids)
                sql.set_pending(tx, self._project, ())

    def _recount_people(self, users: set[str]) -> None:
        """Make users' properties, first and last sight follow from the events that are left; without any they go."""
        for chunk in facts.chunks(sorted(users), _SESSIONS_AT_ONCE):
            self._check()
            with self._store.write() as tx:
                gone = sql.people_without_events(tx, self._project, chunk)
                sql.delete_people(tx, self._project, gone)
                for user in set(chunk) - set(gone):
                    rows = sql.said_of_user(tx, self._project, user)
                    times = [at for at, quality, _, _ in rows if at is not None and quality in _REAL_TIME]
                    properties = merge_properties("{}", _statements(rows))
                    sql.set_person(
                        tx, self._project, user, min(times, default=None), max(times, default=None), properties
                    )

    def _take_names_out(self, names: Sequence[str], sessions: Sequence[int]) -> Held:
        """Replace names in what others wrote; return what was changed or went."""
        scrubber = _Scrubber(names, sessions)
        with self._store.write(durable=True) as tx:
            views = sql.delete_views(tx, self._project, scrubber.text)
            notes = sql.scrub_notes(tx, self._project, scrubber.text)
            sql.scrub_imports(tx, self._project, scrubber.text)
            journal = sql.scrub_journal(tx, self._project, scrubber.value, scrubber.text)
            facts.touch_project(tx, self._project)
        return Held(views=views, notes=notes, journal=journal)


def _batches(sessions: Sequence[int], events: dict[int, list[str]]) -> Iterator[tuple[list[int], list[str]]]:
    """Yield sessions with their events, as many as one transaction should take; a session stays whole."""
    ids: list[int] = []
    chosen: list[str] = []
    for session in sessions:
        own = events.get(session, [])
        if ids and len(chosen) + len(own) > _EVENTS_AT_ONCE:
            yield ids, chosen
            ids, chosen = [], []
        ids.append(session)
        chosen += own
    if ids:
        yield ids, chosen


def _statements(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    import json

    for at, quality, insert_id, properties in rows:
        said = json.loads(properties).get(USER_PROPERTIES) if properties else None
        if isinstance(said, dict) and said:
            yield (at if at is not None and quality in _REAL_TIME else 0), insert_id, said


class _Scrubber:
    """Takes names, and everything that was said of certain sessions, out of texts and journal entries."""

    def __init__(self, names: Iterable[str], sessions: Iterable[int]) -> None:
        wanted = {
            form
            for name in names
            if len(name) >= SHORTEST_NAME
            for form in (name, quote(name), quote(name, safe=""), quote_plus(name))
        }
        self._sessions = frozenset(sessions)
        self._exact = frozenset(names)
        listed = sorted(wanted, key=len, reverse=True)
        self._patterns = [
            re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in listed[at : at + _SESSIONS_AT_ONCE]))
            for at in range(0, len(listed), _SESSIONS_AT_ONCE)
        ]

    def text(self, text: str) -> str:
        """Return a text with every name replaced."""
        if text in self._exact:
            return FORGOTTEN
        for pattern in self._patterns:
            text = pattern.sub(FORGOTTEN, text)
        if "%" in text and self._patterns:
            # In an address a name may stand right behind another character's code.
            decoded = unquote_plus(text)
            found = decoded
            for pattern in self._patterns:
                found = pattern.sub(FORGOTTEN, found)
            text = text if found == decoded else found
        return text

    def value(self, value: Any) -> Any:
        """Return a journal entry with names replaced; one about a forgotten session loses all that was written."""
        if isinstance(value, dict):
            key = value.get("key")
            about = {value.get("session"), value.get("session_id")}
            about |= {key.get("session"), key.get("session_id")} if isinstance(key, dict) else set()
            if any(isinstance(one, int) and one in self._sessions for one in about):
                return {name: _blank(inner) if name in ("before", "after") else inner for name, inner in value.items()}
            return {self.text(str(name)): self.value(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _blank(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    return FORGOTTEN if isinstance(value, str) and value else value
