"""Words of a text as SQLite's `unicode61` tokenizer sees them, and the same index and match in PostgreSQL's terms.

PostgreSQL's own parser splits addresses, versions and compounds in its own way and its dictionaries depend on the
database's locale. Words are therefore cut here, so that one search finds the same sessions in both kinds of store.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WORD_CHARS = 120
"""What of a word is indexed; longer ones are told apart by the document itself."""
_POSITION_LIMIT = 16_383
_POSITIONS_PER_WORD = 255
_VECTOR_BYTES = 1_000_000
"""A tsvector holds at most 1 MiB of words and positions."""
_MARKS = 0x000361F808029FDF
"""Which of U+0300 to U+0331 SQLite takes for diacritics, a bit each."""


class _Folding(dict[int, str]):
    """Maps a character to its folded form, to nothing (a diacritic) or to a blank (between words)."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _folded(chr(code))
        return found


def _folded(char: str) -> str:
    code = ord(char)
    if 0x300 <= code <= 0x331 and _MARKS >> (code - 0x300) & 1:
        # Inside a word a diacritic is skipped; one that stands alone between words does no harm.
        return ""
    if unicodedata.category(char)[0] not in "LN" and unicodedata.category(char) != "Co":
        return " "
    small = next((form for form in (char.casefold(), char.lower()) if len(form) == 1), char)
    parts = unicodedata.normalize("NFD", small)
    # Only Latin letters lose their marks there: й and и stay two letters.
    return parts[0].lower() if len(parts) > 1 and parts[0].isascii() and parts[0].isalpha() else small


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """Return the words of a text, folded to lower case and without diacritics, in order."""
    return text.translate(_FOLDING).split()


def document_of(found: Sequence[str]) -> str:
    """Return words as the text that phrases are looked up in: one blank before, between and after."""
    return f" {' '.join(found)} "


def vector_of(found: Sequence[str]) -> str:
    """Return words as the text of a tsvector, with positions for ranking as far as they fit."""
    places: dict[str, list[int]] = {}
    for position, word in enumerate(found, 1):
        known = places.setdefault(word[:WORD_CHARS], [])
        if position <= _POSITION_LIMIT and len(known) < _POSITIONS_PER_WORD:
            known.append(position)
    size = sum(len(word.encode()) + 4 + 2 * len(known) for word, known in places.items())
    if size > _VECTOR_BYTES:
        return " ".join(f"'{word}'" for word in places)
    return " ".join(f"'{word}'{':' if known else ''}{','.join(map(str, known))}" for word, known in places.items())


def query_of(terms: Sequence[tuple[str, bool]]) -> tuple[str, tuple[str, ...]] | None:
    """Return what finds documents with all terms (text, whether its last word is only a beginning).

    A tsquery that every match satisfies, and LIKE patterns on the document that settle phrases and long words. None
    when some term has no word: then nothing matches.
    """
    parts: list[str] = []
    patterns: list[str] = []
    for text, prefix in terms:
        found = words(text)
        if not found:
            return None
        for index, word in enumerate(found):
            starts = len(word) <= WORD_CHARS and prefix and index == len(found) - 1
            parts.append(f"'{word[:WORD_CHARS]}'{':*' if starts else ''}")
        if len(found) > 1 or len(found[0]) > WORD_CHARS:
            patterns.append(f"% {' '.join(found)}{'' if prefix else ' '}%")
    return " & ".join(parts), tuple(patterns)


def condition(query: str, patterns: Sequence[str]) -> str:
    """Return the SQL condition on `session_fts`, from the names of the parameters that hold `query_of`'s answer."""
    match = f"session_fts.project_id=:p AND session_fts.search @@ CAST({query} AS tsquery)"
    return " AND ".join([match, *(f"session_fts.document LIKE {name}" for name in patterns)])
