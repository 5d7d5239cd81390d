"""Making derived data anew from the facts: rollups, facets, session columns, people's days, the search index.

Works in short transactions in order of time, so that other processes keep reading and writing meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable

from aa_tui.backend.ingest.writer import Writer
from aa_tui.backend.store import facts, rollups, search
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock

_SESSIONS = 40
_DOCUMENTS = 20
_FACETS = 50
_FIRST = (-(1 << 62), 0)

Advance = Callable[[int], None]
"""Called with the number of sessions done so far."""


def rebuild_rollups(
    store: Store,
    project_id: int,
    clock: Clock,
    token: CancelToken | None = None,
    advance: Advance | None = None,
) -> int:
    """Derive every session of a project again, with all that counts or lists sessions; return how many.

    Until it has ended, lists and charts are incomplete.

    Raises:
        Cancelled: the token was cancelled; running it again completes the work.
        StoreError: the store cannot be written.
    """
    with store.reader() as reader:
        ratings = frozenset(facts.rating_names(reader, project_id))
    with store.write() as tx:
        rollups.clear(tx, project_id)
        facts.touch_project(tx, project_id)
    while True:
        _check(token)
        with store.write() as tx:
            if not facts.clear_facets(tx, project_id, _FACETS):
                break
    writer = Writer(store, project_id, clock)
    done = 0
    after = _FIRST
    while True:
        _check(token)
        with store.reader() as reader:
            chunk = facts.sessions_by_time(reader, project_id, after, _SESSIONS)
        if not chunk:
            return done
        after = chunk[-1]
        writer.derive_anew([session for _, session in chunk], ratings)
        done += len(chunk)
        if advance is not None:
            advance(done)


def rebuild_search(store: Store, token: CancelToken | None = None, advance: Advance | None = None) -> int:
    """Build the search index of all projects of a store again; return how many sessions it holds.

    The projects share one index, which keeps no texts and can therefore only be emptied as a whole. Until it has
    ended, searches find less.

    Raises:
        Cancelled: the token was cancelled; running it again completes the work.
        StoreError: the store cannot be written.
    """
    with store.write() as tx:
        search.clear_index(tx)
        projects = [row[0] for row in tx.fetch("SELECT id FROM project ORDER BY id")]
    done = 0
    for project in projects:
        after = _FIRST
        while True:
            _check(token)
            with store.reader() as reader:
                chunk = facts.sessions_by_time(reader, project, after, _DOCUMENTS)
            if not chunk:
                break
            after = chunk[-1]
            with store.write() as tx:
                held = search.states(tx, project, [session for _, session in chunk])
                search.replace_documents(
                    tx,
                    project,
                    [
                        (session, None, search.stored_document(tx, project, session))
                        for _, session in chunk
                        if session not in held
                    ],
                )
            done += len(chunk)
            if advance is not None:
                advance(done)
        with store.write() as tx:
            facts.touch_project(tx, project)
    return done


def _check(token: CancelToken | None) -> None:
    if token is not None:
        token.check()
