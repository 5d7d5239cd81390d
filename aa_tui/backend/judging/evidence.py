"""Whether quotes stand in a transcript word for word, and where. What follows for a verdict is `reply`'s business.

A quote is looked for as it is, then normalised by the contract (NFC, white-space runs to one space, curly to straight
quotes, zero-width characters dropped; case kept), then in the text as prompts show it, where hidden characters have
names and secrets are masked: a judge can only copy what it was shown. Each form of the transcript is made once, when
first needed.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence

from aa_tui.backend.judging.masking import mask_secrets
from aa_tui.backend.model.judgement import Quote
from aa_tui.backend.model.transcript import Passage
from aa_tui.backend.support.drawable import drawable

LEAST_VISIBLE = 8
"""Characters; a shorter quote proves nothing."""
MOST_QUOTES = 100
"""Quotes of one verdict that are looked for; further ones count as unverified."""

_BETWEEN = "\x00\x1f\x00"
"""Stands between texts, so that no quote can reach from one into the next."""
_ZERO_WIDTH = re.compile("[\u180e\u200b-\u200d\u2060\ufeff]")
_CURLY = (
    ("\u2018", "'"),
    ("\u2019", "'"),
    ("\u201a", "'"),
    ("\u201b", "'"),
    ("\u201c", '"'),
    ("\u201d", '"'),
    ("\u201e", '"'),
    ("\u201f", '"'),
)


def normalised(text: str) -> str:
    """Return a text as quotes are compared: NFC, single spaces, straight quotes, no zero-width characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ZERO_WIDTH.sub("", text))
        for curly, straight in _CURLY:
            text = text.replace(curly, straight)
    return " ".join(text.split())


def check_quotes(said: Sequence[tuple[str, int | None]], passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return quotes with where they were found; whoever checks more than one reply keeps a `QuoteFinder`."""
    return QuoteFinder(passages).check(said)


class QuoteFinder:
    """Finds quotes in one transcript."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """Take the passages that were judged, as they are stored or as a prompt showed them."""
        self._passages = passages
        self._forms: dict[int, _Texts] = {}

    def check(self, said: Sequence[tuple[str, int | None]], roles: Collection[str] = ()) -> tuple[Quote, ...]:
        """Return quotes of (text, turn named or None) with where they were found.

        Args:
            roles: of several passages that hold a quote, one of these roles is taken where no turn was named.
        """
        return tuple(
            self._quote(text, turn, roles) if at < MOST_QUOTES else Quote(text, turn)
            for at, (text, turn) in enumerate(said)
        )

    def _quote(self, text: str, turn: int | None, roles: Collection[str]) -> Quote:
        if not _is_long_enough(text):
            return Quote(text, turn)
        # Where it usually stands: in the passage named, as it is. Nothing needs to be put together for that.
        passage = self._passages[turn - 1] if turn is not None and 0 < turn <= len(self._passages) else None
        if passage is None or passage.no != turn or text not in passage.text:
            passage = self._found(text, turn, roles)
        return Quote(text, turn) if passage is None else Quote(text, turn, passage.no, passage.role, passage.event_id)

    def _found(self, text: str, turn: int | None, roles: Collection[str]) -> Passage | None:
        plain = text
        for form in range(3):
            if form == 1:
                plain = normalised(text)
            place = self._texts(form).place(plain, turn, roles)
            if place is not None:
                return self._passages[place]
        return None

    def _texts(self, form: int) -> _Texts:
        """Return the transcript as it is (0), normalised (1), or normalised after what a prompt makes of it (2)."""
        if form not in self._forms:
            makers = (None, normalised, lambda text: normalised(drawable(mask_secrets(text))))
            self._forms[form] = _Texts(self._passages, makers[form])
        return self._forms[form]


class _Texts:
    """All texts of a transcript in one string, with the passage each part belongs to."""

    __slots__ = ("_owners", "_passages", "_starts", "_whole")

    def __init__(self, passages: Sequence[Passage], form: Callable[[str], str] | None) -> None:
        self._passages = passages
        self._owners: list[int] = []
        self._starts: list[int] = []
        parts: list[str] = []
        at = 0
        for index, passage in enumerate(passages):
            for text in (passage.text, passage.input, passage.error):
                if not text:
                    continue
                part = text if form is None else form(text)
                self._owners.append(index)
                self._starts.append(at)
                parts.append(part)
                at += len(part) + len(_BETWEEN)
        self._whole = _BETWEEN.join(parts)

    def place(self, quote: str, turn: int | None, roles: Collection[str]) -> int | None:
        """Return the index of the passage that holds a quote: the named one, else one of the roles, else the first."""
        first = None
        for index in self._places(quote):
            if first is None:
                if turn is None and not roles:
                    return index
                first = index
            passage = self._passages[index]
            if passage.no == turn:
                return index
            if turn is None and passage.role in roles:
                return index
        if turn is None or not roles or first is None:
            return first
        return next((index for index in self._places(quote) if self._passages[index].role in roles), first)

    def _places(self, quote: str) -> Iterator[int]:
        """Yield every passage that holds a quote, in order."""
        if _BETWEEN in quote:
            return
        at = self._whole.find(quote)
        while at >= 0:
            part = bisect_right(self._starts, at) - 1
            yield self._owners[part]
            if part + 1 == len(self._starts):
                return
            at = self._whole.find(quote, self._starts[part + 1])


def _is_long_enough(text: str) -> bool:
    """Whether a quote has enough characters that one can see."""
    if len(text) - text.count(" ") < LEAST_VISIBLE:
        return False
    if text.isprintable():
        return True
    seen = 0
    for character in text:
        if character != " " and character.isprintable():
            seen += 1
            if seen == LEAST_VISIBLE:
                return True
    return False
