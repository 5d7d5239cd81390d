"""People's regular expressions, bounded in size when compiled and in time when searched. What a match means is `code`.

A pattern is written by whoever may edit evaluators and runs over every session: it may neither fill the memory, which
nested exact counts do while compiling, nor run for hours, which going back over a text does while matching.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from aa_tui.backend.model.evaluator import Pattern

LONGEST_PATTERN = 2_000
"""Characters."""
MOST_REPEATED = 20_000
"""Items a pattern may become when its counted repeats are written out."""

_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*+\]|\(|\)|\{(\d++)(?:,\d*+)?\}|\||.", re.DOTALL)


class BadPattern(ValueError):
    """A pattern that cannot be used; the message says why, in words."""


class OutOfTime(Exception):
    """Searching took longer than it may."""


class Searcher:
    """Searches texts one after the other; all of them share one time limit."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def find(self, pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a pattern matches in a text, as (start, end).

        Raises:
            BadPattern: it does not compile.
            OutOfTime: the time for all texts is over.
        """
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise OutOfTime
        try:
            for match in compiled(pattern).finditer(text, timeout=remaining):
                yield match.span()
        except TimeoutError as error:
            raise OutOfTime from error


@lru_cache(maxsize=512)
def compiled(pattern: Pattern) -> Any:
    """Return a pattern of the library `regex`, whose `^` and `$` stand for the ends of lines.

    Raises:
        BadPattern: it is empty, too long, repeats too much or is no regular expression.
    """
    import regex

    said = pattern.pattern
    if not said:
        raise BadPattern("the pattern is empty")
    if len(said) > LONGEST_PATTERN:
        raise BadPattern(f"the pattern has {len(said):,} characters; at most {LONGEST_PATTERN:,} are allowed")
    if _written_out(said) > MOST_REPEATED:
        raise BadPattern("the counted repeats of the pattern multiply to too much")
    flags = regex.MULTILINE | (regex.IGNORECASE if pattern.ignore_case else 0)
    try:
        return regex.compile(said, flags)
    except regex.error as error:
        raise BadPattern(f"the pattern does not compile: {error}") from error
    except (RecursionError, OverflowError, MemoryError) as error:
        raise BadPattern("the pattern is nested too deep or too large") from error


def _written_out(pattern: str) -> int:
    """Return about how many items a pattern has once `{n}` is written out n times; at least what it really becomes."""
    groups: list[tuple[int, int]] = []
    total, last = 0, 0
    for found in _PART.finditer(pattern):
        part = found.group()
        if part == "(":
            groups.append((total, last))
            total = last = 0
        elif part == ")" and groups:
            before, _ = groups.pop()
            last = total + 1
            total = before + last
        elif found.group(1):
            count = min(int(found.group(1)[:7]), MOST_REPEATED + 1)
            more = last * max(count, 1)
            total += more - last
            last = more
        else:
            last = 1
            total += 1
        if total > MOST_REPEATED:
            return total
    return total + sum(before for before, _ in groups)
