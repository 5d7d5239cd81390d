"""Leaving out the middle of a long text, with a line that says how much; no secret is cut in two. No budgets here."""

from __future__ import annotations

import re

from aa_tui.backend.support.redaction import secret_spans

_MARK = re.compile(r"\n\[… (\d[\d,]{0,18}) characters left out …\]\n")
_LONGEST_MARK = 60
_AROUND = 16_384
"""Characters on both sides of a cut in which a secret is looked for; the longest are private keys."""


def left_out_mark(characters: int) -> str:
    """Return the line that stands where characters were left out."""
    return f"\n[… {characters:,} characters left out …]\n"


def middle_out(text: str, most: int) -> str:
    """Return a text with at most `most` of its characters: its beginning, a line that says what is missing, its end.

    A secret-shaped string that a cut would part is left out whole, so that masking what is returned masks as much as
    masking the whole would. Shortening what was shortened before says how much is missing of the first text.
    """
    if len(text) <= most:
        return text
    first = _cut(text, most // 2)[0]
    last = max(first, _cut(text, len(text) - (most - most // 2))[1])
    near = _MARK.finditer(text, max(first - _LONGEST_MARK, 0), min(last + _LONGEST_MARK, len(text)))
    earlier = [mark for mark in near if mark.end() > first and mark.start() < last]
    if earlier:
        first, last = min(first, earlier[0].start()), max(last, earlier[-1].end())
    missing = last - first + sum(int(mark.group(1).replace(",", "")) - len(mark.group()) for mark in earlier)
    return f"{text[:first]}{left_out_mark(missing)}{text[last:]}"


def _cut(text: str, at: int) -> tuple[int, int]:
    """Return the two places between which nothing may be parted by a cut at `at`; both are `at` where nothing lies."""
    base = max(at - _AROUND, 0)
    low = high = at
    for start, end in secret_spans(text[base : at + _AROUND]):
        if start + base < at < end + base:
            low, high = min(low, start + base), max(high, end + base)
    return low, high
