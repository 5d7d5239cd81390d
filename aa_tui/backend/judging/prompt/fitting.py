"""Making a session fit a model's window: long texts lose their middle, then the session does. Writes no instructions.

Long texts are shortened first: those of tools, then what agents said, then what the person said; in each of these the
longest to one common length, so that short ones stay whole. Only when all are short do turns in the middle go. The
first and the last stay, and so do the person's first and last words and the agent's last answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aa_tui.backend.judging.prompt.data import gap_line, line_of, passage_as, shown
from aa_tui.backend.judging.prompt.tokens import estimate_tokens
from aa_tui.backend.model.transcript import Passage

LONGEST_TOOL_TEXT = 20_000
"""Characters of a tool call's input, output or error, whatever the window."""
_CHARS_PER_TOKEN = 4
"""The most that `estimate_tokens` ever counts as one."""
_MARK_TOKENS = 12
"""What the line about left out characters takes."""
_ROUNDS = 3
_FIELDS = ("text", "input", "error")


@dataclass(frozen=True, slots=True)
class Fitted:
    """The passages as they are shown, the lines of data about them, and whether anything was left out."""

    passages: tuple[Passage, ...]
    lines: tuple[str, ...]
    shortened: bool


@dataclass(frozen=True, slots=True)
class _Group:
    roles: frozenset[str]
    floor: int
    """Tokens below which a text is not shortened while another way is left."""
    last_floor: int
    """Tokens below which it is never shortened."""


_GROUPS = (
    _Group(frozenset({"tool", "system"}), 150, 40),
    _Group(frozenset({"assistant", "agent"}), 200, 60),
    _Group(frozenset({"user"}), 400, 100),
)


class _Text:
    """One text of a passage: how long it may be, and what it takes."""

    __slots__ = ("most", "raw", "shown", "tokens")

    def __init__(self, raw: str, most: int) -> None:
        self.raw = raw
        self.most = most
        self.shown = shown(raw, most)
        self.tokens = 0

    def measure(self) -> None:
        self.tokens = estimate_tokens(self.shown) if self.shown else 0

    def shorten(self, tokens: int) -> None:
        """Cut it so that it takes about that many."""
        self.most = min(self.most, max(len(self.shown) * max(tokens - _MARK_TOKENS, 8) // max(self.tokens, 1), 8))
        self.shown = shown(self.raw, self.most)
        self.measure()


class _Line:
    """One passage on its way into the data."""

    __slots__ = ("agent", "passage", "texts", "tokens")

    def __init__(self, passage: Passage, agent: str, longest: int) -> None:
        self.passage = passage
        self.agent = agent
        tool = min(longest, LONGEST_TOOL_TEXT)
        most = tool if passage.role in ("tool", "system") else longest
        self.texts = (_Text(passage.text, most), _Text(passage.input, tool), _Text(passage.error, tool))
        self.tokens = 0

    @property
    def is_cut(self) -> bool:
        return any(len(text.raw) > text.most for text in self.texts)

    def as_shown(self) -> Passage:
        return passage_as(self.passage, *(text.shown for text in self.texts))

    def encoded(self) -> str:
        return line_of(self.as_shown(), self.agent)

    def measure(self) -> int:
        self.tokens = estimate_tokens(self.encoded()) + 1
        return self.tokens


def fit(passages: Sequence[Passage], agent: str, budget: int) -> Fitted | None:
    """Return the passages within `budget` tokens, or None when not even the shortest form fits."""
    longest = max(budget, 1) * _CHARS_PER_TOKEN
    lines = [_Line(one, agent, longest) for one in passages]
    whole = [line.as_shown() for line in lines]
    encoded = [line_of(one, agent) for one in whole]
    # Most sessions are short; one estimate over all of it says so.
    if estimate_tokens("\n".join(encoded)) <= budget:
        return Fitted(tuple(whole), tuple(encoded), any(line.is_cut for line in lines))
    for line in lines:
        line.measure()
        for text in line.texts:
            text.measure()
    for group in _GROUPS:
        _level(lines, group.roles, group.floor, budget)
    kept = _within(lines, budget)
    if kept is None:
        must = [lines[index] for index in sorted(_kept_always(lines))]
        for group in _GROUPS:
            _level(must, group.roles, group.last_floor, budget)
        kept = _within(lines, budget)
    return None if kept is None else _with_gaps(lines, kept)


def _level(lines: Sequence[_Line], roles: frozenset[str], floor: int, budget: int) -> None:
    """Shorten the longest texts of some roles to one length, as far down as needed but not below `floor`."""
    for _ in range(_ROUNDS):
        excess = sum(line.tokens for line in lines) - budget
        found = [(text.tokens, line, text) for line in lines if line.passage.role in roles for text in line.texts]
        long = sorted((one for one in found if one[0] > floor), key=lambda one: one[0])
        if excess <= 0 or not long:
            return
        level = max(_water_level([one[0] for one in long], excess), floor)
        touched: dict[int, _Line] = {}
        for tokens, line, text in long:
            if tokens > level:
                text.shorten(level)
                touched[id(line)] = line
        for line in touched.values():
            line.measure()


def _water_level(sizes: Sequence[int], excess: int) -> int:
    """Return the length to which the longest of rising `sizes` must come down so that `excess` is saved; 0 if none."""
    above = 0
    for count, index in enumerate(range(len(sizes) - 1, -1, -1), 1):
        above += sizes[index]
        level = (above - excess) // count
        if level >= (sizes[index - 1] if index else 0):
            return max(level, 0)
    return 0


def _kept_always(lines: Sequence[_Line]) -> set[int]:
    """Return the places of passages without which a session cannot be judged."""
    last = len(lines) - 1
    backwards: Callable[[str], int | None] = lambda role: next(  # noqa: E731
        (index for index in range(last, -1, -1) if lines[index].passage.role == role), None
    )
    first_words = next((index for index, line in enumerate(lines) if line.passage.role == "user"), None)
    return {index for index in (0, last, first_words, backwards("user"), backwards("assistant")) if index is not None}


def _within(lines: Sequence[_Line], budget: int) -> set[int] | None:
    """Return the places of what stays: what must, then from both ends towards the middle, the end first."""
    kept = _kept_always(lines)
    gaps = estimate_tokens(gap_line([lines[-1].passage] * 2)) * (len(kept) + 1)
    left = budget - gaps - sum(lines[index].tokens for index in kept)
    if left < 0:
        return None
    front, back = 0, len(lines) - 1
    from_end = True
    while front <= back:
        index = back if from_end else front
        if index not in kept:
            if lines[index].tokens > left:
                break
            left -= lines[index].tokens
            kept.add(index)
        if from_end:
            back -= 1
        else:
            front += 1
        from_end = not from_end
    return kept


def _with_gaps(lines: Sequence[_Line], kept: set[int]) -> Fitted:
    passages: list[Passage] = []
    encoded: list[str] = []
    gap: list[Passage] = []
    for index, line in enumerate(lines):
        if index not in kept:
            gap.append(line.passage)
            continue
        if gap:
            encoded.append(gap_line(gap))
            gap = []
        passages.append(line.as_shown())
        encoded.append(line.encoded())
    return Fitted(tuple(passages), tuple(encoded), True)
