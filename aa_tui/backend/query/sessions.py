"""Read-models of the session list: rows, pages, ids, counts, excerpts, values to filter by. Not one session whole."""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from aa_tui.backend.model.event import Part
from aa_tui.backend.model.filter import Filter, Sort, Term
from aa_tui.backend.query.compile import Compiler, Scope, as_id
from aa_tui.backend.query.readmodels import FacetCount, FilterPart, MatchExcerpt, SessionIds, SessionRow
from aa_tui.backend.store import contents
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.support.errors import Ambiguous, NotFound

_COLUMNS = (
    "id, key, agent, user_id, title, started_ms, sort_at, ended_ms, time_quality, duration_ms, state, turns, messages, "
    "user_messages, model_calls, tool_calls, tool_errors, errors, input_tokens, output_tokens, total_tokens, "
    "cost_nano, cost_estimated, priced_calls, source, primary_model, topic, rules, agents, info, warnings, revision"
)
_CHUNK = 500
_AROUND = 90
"""Characters of an excerpt before its first hit; twice as many after."""
_LOOKED_AT = 2_000_000
"""Characters of one text that an excerpt looks at."""


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _names(text: str | None) -> tuple[str, ...]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _row(row: Row, signals: tuple[tuple[str, str, bool | None], ...]) -> SessionRow:
    info = _object(row[29])
    values: tuple[Any, ...] = (
        *row[:22],
        bool(row[22]),
        *row[23:27],
        tuple(row[27].split()),
        signals,
        _text(info.get("repository")),
        _text(info.get("branch")),
        _text(info.get("cwd")),
        _names(row[28]),
        tuple((row[30] or "").split()),
        row[31],
    )
    return SessionRow(*values)


def rows(reader: Reader, scope: Scope, ids: Sequence[int]) -> dict[int, SessionRow]:
    """Return the rows of those sessions that (still) exist, by id."""
    found: dict[int, SessionRow] = {}
    for start in range(0, len(ids), _CHUNK):
        listed = ", ".join(str(int(i)) for i in ids[start : start + _CHUNK])
        where = f"WHERE project_id=:p AND {{}} IN ({listed})"
        params = {"p": scope.project_id}
        signals: dict[int, list[tuple[str, str, bool | None]]] = {}
        for session, name, value, passed in reader.fetch(
            f"SELECT session_id, signal, value, passed FROM signal_result {where.format('session_id')} "
            "AND current=1 AND value IS NOT NULL ORDER BY session_id, signal",
            params,
        ):
            signals.setdefault(session, []).append((name, value, None if passed is None else bool(passed)))
        for row in reader.fetch(f"SELECT {_COLUMNS} FROM session {where.format('id')}", params):
            found[row[0]] = _row(row, tuple(signals.get(row[0], ())))
    return found


def first_page(reader: Reader, scope: Scope, f: Filter, sort: Sort, limit: int) -> list[SessionRow]:
    """Return the first `limit` sessions in order."""
    ids = Compiler(reader, scope, f).page(sort, limit)
    known = rows(reader, scope, ids)
    return [known[i] for i in ids if i in known]


def session_ids(reader: Reader, scope: Scope, f: Filter, sort: Sort) -> SessionIds:
    """Return the ordered ids of the whole list."""
    found = Compiler(reader, scope, f).ids(sort)
    ids = found.ids if isinstance(found.ids, array) else array("q", found.ids)
    return SessionIds(ids, len(ids), found.capped, found.matches)


def count(reader: Reader, scope: Scope, f: Filter) -> int:
    """Return how many sessions a filter lets through."""
    return Compiler(reader, scope, f).count()


def explain_nothing(reader: Reader, scope: Scope, f: Filter) -> list[FilterPart]:
    """Return each part with what it lets through alone, and what there would be without it."""
    return [
        FilterPart(part.to_text(), count(reader, scope, part), count(reader, scope, f.drop(index)))
        for index, part in enumerate(f.parts())
    ]


def resolve(reader: Reader, scope: Scope, text: str) -> int:
    """Return the id of the session that a key, an id or the unique beginning of a key names.

    Raises:
        NotFound: none.
        Ambiguous: several keys begin so; the hint lists some.
    """
    exactly = "SELECT id FROM session WHERE project_id=:p AND key=:t"
    # Senders choose keys: one may begin or end with blanks, which a person's typing only adds by accident.
    row = reader.one(exactly, {"p": scope.project_id, "t": text})
    text = text.strip()
    params: dict[str, Any] = {"p": scope.project_id, "t": text}
    row = row or reader.one(exactly, params)
    if row is None and (number := as_id(text)) is not None:
        row = reader.one("SELECT id FROM session WHERE project_id=:p AND id=:i", {**params, "i": number})
    if row is not None:
        return int(row[0])
    begins = (
        []
        if not text
        else reader.fetch(
            "SELECT id, key FROM session WHERE project_id=:p AND key >= :t AND key < :u ORDER BY key LIMIT 6",
            {**params, "u": text + "\U0010ffff"},
        )
    )
    if len(begins) == 1:
        return int(begins[0][0])
    if begins:
        listed = ", ".join(row[1] for row in begins[:5])
        raise Ambiguous(f"Several sessions begin with “{text}”.", f"{listed}{' …' if len(begins) > 5 else ''}")
    raise NotFound(f"There is no session “{text}”.", "`aa-tui sessions` lists them; a search finds words.")


# --- excerpts ------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Return the text in lower case and without diacritics, every character at its place."""
    if text.isascii():
        return text.lower()
    return "".join(_base(c) for c in text)


def _base(char: str) -> str:
    if char < "\x80":
        return char.lower()
    lowered = char.lower()
    first = unicodedata.normalize("NFD", lowered)[0]
    return first if len(lowered) == 1 else char


def pattern_of(term: Term) -> re.Pattern[str] | None:
    """Return what finds a word or phrase in folded text as the search index would; None when it has no letters."""
    words = re.findall(r"[^\W_]+", fold(term.text))
    if not words:
        return None
    end = "" if term.prefix else r"(?![^\W_])"
    return re.compile(r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, words)) + end)


def _session_texts(reader: Reader, scope: Scope, session_id: int) -> Iterator[tuple[int | None, str]]:
    """Yield (turn, text): what was said first, then what tools were given and gave."""
    params = {"p": scope.project_id, "s": session_id}
    turns: dict[int, int] = dict(
        reader.fetch("SELECT id, turn_no FROM event WHERE project_id=:p AND session_id=:s", params)
    )
    place = (reader, scope.project_id, session_id)
    for event_id, _, text, _ in contents.read(*place, only=(Part.TEXT,), limit=_LOOKED_AT):
        yield turns.get(event_id), text
    for event_id, part, text, _ in contents.read(*place, limit=_LOOKED_AT):
        if part != Part.TEXT:
            yield turns.get(event_id), text


def excerpt(reader: Reader, scope: Scope, f: Filter, session_id: int) -> MatchExcerpt | None:
    """Return the passage of a session that the words of a filter found, or None when its texts hold none.

    The passage with most of the words wins; the first of those.
    """
    patterns = [p for t in f.terms() if (p := pattern_of(t))]
    if not patterns:
        return None
    best: tuple[int, int | None, str, int] | None = None
    for turn, whole in _session_texts(reader, scope, session_id):
        text = whole
        folded = fold(text)
        starts = [m.start() for p in patterns if (m := p.search(folded))]
        if starts and (best is None or len(starts) > best[0]):
            best = (len(starts), turn, text, min(starts))
            if len(starts) == len(patterns):
                break
    if best is None:
        return None
    _, turn, text, at = best
    start = max(0, at - _AROUND)
    end = min(len(text), at + 2 * _AROUND)
    passage = re.sub(r"\s", " ", text[start:end])
    folded = fold(passage)
    hits = sorted(m.span() for p in patterns for m in p.finditer(folded))
    return MatchExcerpt(session_id, turn or None, passage, tuple(hits))


# --- values --------------------------------------------------------------------------------------------------------


def facet_values(reader: Reader, scope: Scope, key: str, prefix: str, limit: int) -> list[FacetCount]:
    """Return values of a stored facet key that hold `prefix` (any case): those beginning with it first, then by use."""
    params = {"p": scope.project_id, "k": key}
    if not prefix:
        found = reader.fetch(
            "SELECT value, sessions FROM facet WHERE project_id=:p AND key=:k AND sessions>0 "
            f"ORDER BY sessions DESC, value LIMIT {int(limit)}",
            params,
        )
        return [FacetCount(value, sessions) for value, sessions in found]
    wanted = prefix.casefold()
    matching: list[tuple[bool, int, str]] = []
    for chunk in reader.stream(
        "SELECT value, sessions FROM facet WHERE project_id=:p AND key=:k AND sessions>0", params
    ):
        for value, sessions in chunk:
            place = value.casefold().find(wanted)
            if place >= 0:
                matching.append((place > 0, -sessions, value))
    return [FacetCount(value, -negative) for _, negative, value in sorted(matching)[:limit]]
