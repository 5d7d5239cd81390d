"""What doors ask about sessions: pages, ids, search, one session and its texts. Every call is one consistent read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.filter import FIELDS, Filter, Sort
from aa_tui.backend.query import session_detail, sessions
from aa_tui.backend.query.readmodels import (
    ContentText,
    FacetCount,
    FilterPart,
    MatchExcerpt,
    QuoteRow,
    SessionBeginning,
    SessionDetail,
    SessionIds,
    SessionRow,
    ThreadHit,
)
from aa_tui.backend.support.cancel import CancelToken

if TYPE_CHECKING:
    from aa_tui.backend.query.records import ProjectedEvent
    from aa_tui.backend.service.workspace import Workspace


class SessionService:
    """Sessions of one project. Every call may raise `Cancelled` (its token) or `StoreError`."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def first_page(
        self, f: Filter, sort: Sort | None = None, limit: int = 100, token: CancelToken | None = None
    ) -> list[SessionRow]:
        """Return the first `limit` sessions in order; quick at any size."""
        with self._ws.store.reader(token) as reader:
            return sessions.first_page(reader, self._ws.scope, f, sort or Sort(), limit)

    def ids(self, f: Filter, sort: Sort | None = None, token: CancelToken | None = None) -> SessionIds:
        """Return the ordered ids of the whole list, a snapshot."""
        with self._ws.store.reader(token) as reader:
            return sessions.session_ids(reader, self._ws.scope, f, sort or Sort())

    def rows(self, ids: Sequence[int], token: CancelToken | None = None) -> dict[int, SessionRow]:
        """Return the rows of sessions that still exist, by id."""
        with self._ws.store.reader(token) as reader:
            return sessions.rows(reader, self._ws.scope, ids)

    def count(self, f: Filter, token: CancelToken | None = None) -> int:
        """Return how many sessions a filter lets through."""
        with self._ws.store.reader(token) as reader:
            return sessions.count(reader, self._ws.scope, f)

    def excerpt(self, f: Filter, session_id: int, token: CancelToken | None = None) -> MatchExcerpt | None:
        """Return the passage that the words of a filter found in a session, or None."""
        with self._ws.store.reader(token) as reader:
            return sessions.excerpt(reader, self._ws.scope, f, session_id)

    def explain_nothing(self, f: Filter, token: CancelToken | None = None) -> list[FilterPart]:
        """Return, part by part, what a filter lets through alone and what there would be without it."""
        with self._ws.store.reader(token) as reader:
            return sessions.explain_nothing(reader, self._ws.scope, f)

    def facet_values(
        self, key: str, prefix: str = "", limit: int = 50, token: CancelToken | None = None
    ) -> list[FacetCount]:
        """Return values of a field (or stored facet key, `context.plan`) that hold `prefix`, most used first."""
        field = next((f.name for f in FIELDS.values() if key in f.aliases), key)
        with self._ws.store.reader(token) as reader:
            return sessions.facet_values(reader, self._ws.scope, field, prefix, limit)

    def resolve(self, text: str) -> int:
        """Return the id of the session that a key, an id or the unique beginning of a key names.

        Raises:
            NotFound: none.
            Ambiguous: several; the hint lists some.
        """
        with self._ws.store.reader() as reader:
            return sessions.resolve(reader, self._ws.scope, text)

    def detail(self, session_id: int, token: CancelToken | None = None) -> SessionDetail:
        """Return one session without its long texts.

        Raises:
            NotFound: there is no such session.
        """
        with self._ws.store.reader(token) as reader:
            return session_detail.detail(reader, self._ws.scope, session_id)

    def injection_hints(self, session_id: int, token: CancelToken | None = None) -> tuple[QuoteRow, ...]:
        """Return the passages of a session that look as if they were written for a judge, with what each looks like.

        They are marks for people: no verdict follows from them.
        """
        from aa_tui.backend.judging.injection import transcript_hints
        from aa_tui.backend.query.transcripts import transcripts

        with self._ws.store.reader(token) as reader:
            transcript = transcripts(reader, self._ws.scope, [session_id]).get(session_id)
        if transcript is None:
            return ()
        passages = {one.no: one for one in transcript.passages}
        return tuple(
            QuoteRow(hint, passages[no].event_id or None, no, passages[no].role)
            for no, hint in transcript_hints(transcript)
        )

    def projected(self, session_id: int, token: CancelToken | None = None) -> list[ProjectedEvent]:
        """Return the Session Records and Evaluator Results of a session, those that were replaced too."""
        from aa_tui.backend.query.records import events_of

        with self._ws.store.reader(token) as reader:
            return list(events_of(reader, self._ws.scope, [session_id]))

    def beginning(self, session_id: int, steps: int = 60, token: CancelToken | None = None) -> SessionBeginning:
        """Return a session's row and its first steps; as quick for a long session as for a short one.

        Raises:
            NotFound: there is no such session.
        """
        with self._ws.store.reader(token) as reader:
            return session_detail.beginning(reader, self._ws.scope, session_id, steps)

    def texts(
        self, session_id: int, event_ids: Iterable[int], limit: int = 20_000, token: CancelToken | None = None
    ) -> dict[int, tuple[ContentText, ...]]:
        """Return the long texts of some events, each cut at `limit` characters, with their whole sizes."""
        with self._ws.store.reader(token) as reader:
            return session_detail.texts(reader, self._ws.scope, session_id, event_ids, limit)

    def text(self, session_id: int, event_id: int, part: str, token: CancelToken | None = None) -> str:
        """Return one long text whole.

        Raises:
            NotFound: the event has no such text.
        """
        with self._ws.store.reader(token) as reader:
            return session_detail.text(reader, self._ws.scope, session_id, event_id, part)

    def find(self, session_id: int, needle: str, token: CancelToken | None = None) -> list[ThreadHit]:
        """Return where `needle` stands in a session's texts, in any case, in the order of the thread."""
        with self._ws.store.reader(token) as reader:
            return session_detail.find(reader, self._ws.scope, session_id, needle)
