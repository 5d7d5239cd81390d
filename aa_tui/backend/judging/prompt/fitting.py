"""Making a session fit a model's window: long texts lose their middle, then the session does. Writes no instructions.

Long texts are shortened first: those of tools, then what agents said, then what the person said; in each of these the
longest to one common length, so that short ones stay whole. Only when all are short do turns in the middle go. The
first and the last stay, and so do the person's first and last words and the agent's last answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from aa_tui.backend.judging.prompt.data import gap_line, is_shown, line_of, passage_as, passage_shown, shown
from aa_tui.backend.judging.prompt.tokens import estimate_tokens
from aa_tui.backend.model.transcript import Passage

LONGEST_TOOL_TEXT = 20_000
"""Characters of a tool call's input, output or error, whatever the window."""
_CHARS_PER_TOKEN = 4
"""The most that `estimate_tokens` ever counts as one."""
_MARK_TOKENS = 12
"""What the line about left out characters takes."""
_LINE_TOKENS = 8
"""The least that a line takes without its texts."""
_ROUNDS = 3


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
_FLOORS = {role: group.floor for group in _GROUPS for role in group.roles}


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
    characters = sum([len(one.text) + len(one.input) + len(one.error) for one in passages])
    if characters <= min(longest, LONGEST_TOOL_TEXT):
        # Most sessions are short; nothing of these can be too long by itself.
        whole = tuple(passages) if is_shown(passages) else tuple(map(passage_shown, passages))
        encoded = tuple([line_of(one, agent) for one in whole])
        if estimate_tokens("\n".join(encoded)) <= budget:
            return Fitted(whole, encoded, False)
    elif characters <= longest:
        lines = [_Line(one, agent, longest) for one in passages]
        whole = tuple([line.as_shown() for line in lines])
        encoded = tuple([line_of(one, agent) for one in whole])
        if estimate_tokens("\n".join(encoded)) <= budget:
            return Fitted(whole, encoded, any(line.is_cut for line in lines))
    return _shortened(passages, agent, budget, longest)


def _shortened(passages: Sequence[Passage], agent: str, budget: int, longest: int) -> Fitted | None:
    always = _kept_always(passages)
    reached = _within_reach(passages, budget) | always
    lines = {index: _Line(passages[index], agent, longest) for index in sorted(reached)}
    for line in lines.values():
        line.measure()
        for text in line.texts:
            text.measure()
    for group in _GROUPS:
        _level(list(lines.values()), group.roles, group.floor, budget)
    if len(lines) == len(passages) and sum(line.tokens for line in lines.values()) <= budget:
        return _with_gaps(passages, lines, set(lines))
    kept = _within(passages, lines, always, budget)
    if kept is None:
        must = [lines[index] for index in sorted(always)]
        for group in _GROUPS:
            _level(must, group.roles, group.last_floor, budget)
        kept = _within(passages, lines, always, budget)
    return None if kept is None else _with_gaps(passages, lines, kept)


def _from_both_ends(count: int) -> Iterator[int]:
    """Yield places from the ends towards the middle, the end first."""
    front, back = 0, count - 1
    while front <= back:
        yield back
        back -= 1
        if front <= back:
            yield front
        front += 1


def _within_reach(passages: Sequence[Passage], budget: int) -> set[int]:
    """Return the places of passages that could stay; those in between need not be looked at.

    A passage takes at least what its line takes without texts, and a text the fewest tokens it can count as or the
    floor it may be shortened to.
    """
    reached: set[int] = set()
    left = budget
    for index in _from_both_ends(len(passages)):
        one = passages[index]
        floor = _FLOORS.get(one.role, _GROUPS[0].floor) // 2
        left -= _LINE_TOKENS + sum(
            min(len(text) // _CHARS_PER_TOKEN, floor) for text in (one.text, one.input, one.error)
        )
        if left < 0:
            break
        reached.add(index)
    return reached


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


def _kept_always(passages: Sequence[Passage]) -> set[int]:
    """Return the places of passages without which a session cannot be judged."""
    last = len(passages) - 1
    backwards = range(last, -1, -1)
    found = {0, last}
    for role, places in (("user", range(last + 1)), ("user", backwards), ("assistant", backwards)):
        found |= set(islice((index for index in places if passages[index].role == role), 1))
    return found


def _within(passages: Sequence[Passage], lines: Mapping[int, _Line], always: set[int], budget: int) -> set[int] | None:
    """Return the places of what stays: what must, then from both ends towards the middle as far as it fits."""
    kept = set(always)
    gap = estimate_tokens(gap_line([passages[-1]] * 2))
    left = budget - gap * (len(kept) + 1) - sum(lines[index].tokens for index in kept)
    if left < 0:
        return None
    for index in _from_both_ends(len(passages)):
        if index in kept:
            continue
        if index not in lines or lines[index].tokens > left:
            break
        left -= lines[index].tokens
        kept.add(index)
    return kept


def _with_gaps(passages: Sequence[Passage], lines: Mapping[int, _Line], kept: set[int]) -> Fitted:
    stays: list[Passage] = []
    encoded: list[str] = []
    gap: list[Passage] = []
    for index, one in enumerate(passages):
        if index not in kept:
            gap.append(one)
            continue
        if gap:
            encoded.append(gap_line(gap))
            gap = []
        stays.append(lines[index].as_shown())
        encoded.append(lines[index].encoded())
    return Fitted(tuple(stays), tuple(encoded), True)
