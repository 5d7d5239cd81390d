"""Projected events of the sessions a filter lets through. What they say is in `properties`, their rows in `reading`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from aa_tui.backend.model.filter import Filter, Sort
from aa_tui.backend.query.compile import Compiler, Scope
from aa_tui.backend.query.records.properties import evaluated_ms, evaluator_properties, record_properties
from aa_tui.backend.query.records.reading import Subject, subjects
from aa_tui.backend.signals.registry import TAXONOMY
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.support.errors import NotFound
from aa_tui.backend.support.ids import text_hash

SESSION_RECORD = "[Agent] Session Record"
EVALUATOR_RESULT = "[Agent] Evaluator Result"
TYPES = (SESSION_RECORD, EVALUATOR_RESULT)

_AT_ONCE = 200
"""Sessions whose rows are read together."""


class ProjectedEvent(NamedTuple):
    """An event that is made from results when it is asked for."""

    event_type: str
    time_ms: int
    """When it was evaluated."""
    user_id: str | None
    device_id: str | None
    session_id: int
    revision: int
    """The close of the session that it speaks of."""
    current: bool
    """False when a later close or verdict took its place; then it is never counted."""
    stale: bool
    """The session went on after this close and is not closed again yet."""
    properties: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds events: `event_type`, `user_id`, `time`, `event_properties`, and what tells it from
        others of its session."""
        said = {
            "event_type": self.event_type,
            "user_id": self.user_id,
            "device_id": self.device_id,
            "time": self.time_ms,
            "revision": self.revision,
            "current": self.current,
            "stale": self.stale,
            "event_properties": dict(self.properties),
        }
        return {name: value for name, value in said.items() if value is not None}


def events(
    reader: Reader, scope: Scope, f: Filter, types: Collection[str] = TYPES, *, superseded: bool = True
) -> Iterator[ProjectedEvent]:
    """Yield the events of the sessions that a filter lets through, session by session, the oldest close first.

    `superseded`: also those that are not current any more.
    """
    ids = iter(Compiler(reader, scope, f).ids(Sort()).ids)
    while chunk := list(islice(ids, _AT_ONCE)):
        for one in events_of(reader, scope, chunk, types):
            if superseded or one.current:
                yield one


def events_of(
    reader: Reader, scope: Scope, sessions: Sequence[int], types: Collection[str] = TYPES
) -> Iterator[ProjectedEvent]:
    """Yield the events of some sessions, in the order asked."""
    published = [
        row[0]
        for row in reader.fetch(
            "SELECT created_ms FROM evaluator_version WHERE project_id=:p AND draft=0 ORDER BY created_ms",
            {"p": scope.project_id},
        )
    ]
    for subject in subjects(reader, scope, sessions).values():
        yield from _of(scope.project_id, subject, types, published)


def session_record(reader: Reader, scope: Scope, session_id: int) -> ProjectedEvent | None:
    """Return the current record of a session; None while it never closed.

    Raises:
        NotFound: there is no such session.
    """
    if not subjects(reader, scope, [session_id]):
        raise NotFound(f"There is no session {session_id} any more.", "Go back to the list and refresh it.")
    return next((one for one in events_of(reader, scope, [session_id], (SESSION_RECORD,)) if one.current), None)


def taxonomy_version(published: Sequence[int], at_ms: int) -> str:
    """Return the id of the whole published configuration at an instant: built-in signals, and how many versions of
    evaluators were published until then."""
    return f"{text_hash(TAXONOMY)[:6]}-{sum(1 for moment in published if moment <= at_ms)}"


def _of(
    project_id: int, subject: Subject, types: Collection[str], published: Sequence[int]
) -> Iterator[ProjectedEvent]:
    newest, closed = subject.row["revision"], subject.row["state"] == "closed"
    who = subject.user_id, subject.device_id, subject.row["id"]
    if SESSION_RECORD in types:
        for close in subject.closes:
            at = evaluated_ms(close, subject.standing(close.revision))
            said = record_properties(project_id, subject, close, taxonomy_version(published, at))
            current = close.revision == newest
            yield ProjectedEvent(SESSION_RECORD, at, *who, close.revision, current, current and not closed, said)
    if EVALUATOR_RESULT in types:
        for result in subject.results:
            said = evaluator_properties(project_id, subject, result)
            stale = result.current and (result.revision < newest or not closed)
            yield ProjectedEvent(EVALUATOR_RESULT, result.at_ms, *who, result.revision, result.current, stale, said)
