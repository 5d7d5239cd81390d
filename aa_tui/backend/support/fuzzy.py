"""Fuzzy matching of what is typed against names: every typed character in order, better where words begin."""

from __future__ import annotations


def fuzzy(query: str, text: str) -> float | None:
    """Return how well `query` fits `text` (higher is better), or None when it does not. An empty query fits all.

    Words of the query may come in any order; each must be found whole or as scattered characters in order.
    """
    lowered = text.lower()
    total = 200.0 if lowered == query.lower().strip() else 0.0
    for word in query.lower().split():
        at = lowered.find(word)
        if at >= 0:
            starts = at == 0 or not lowered[at - 1].isalnum()
            total += 100 + 20 * starts - min(at, 40) / 2 - len(lowered) / 50
            continue
        score = _scattered(word, lowered)
        if score is None:
            return None
        total += score
    return total


def _scattered(word: str, text: str) -> float | None:
    score = 0.0
    last = -1
    for character in word:
        at = text.find(character, last + 1)
        if at < 0:
            return None
        gap = at - last - 1
        starts = at == 0 or not text[at - 1].isalnum()
        score += (5 if gap == 0 or starts else 0) - min(gap, 8) / 4
        last = at
    # Letters strewn over a long text are no match that a person would recognise.
    return score if score > 2 * len(word) - 2 else None
