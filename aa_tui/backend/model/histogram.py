"""Mergeable latency histograms: 5 % logarithmic bins, so that percentiles come from plain sums of counts.

Worst error of a percentile is half a bin, about 2.5 %.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

_GAMMA_LN = math.log(1.05)
_LANE = 32
"""Bits of a count within the number that stands for all counts."""
_LANE_DIGITS = _LANE // 4
_WORTH = 3
"""How many times as long as pairs it may be."""
_LANE_COUNT = 1 << 20
_LANE_ROOM = 1 << 12
"""So many numbers with counts below `_LANE_COUNT` can be added before a count runs over into the next one."""


def bin_of(value_ms: float) -> int:
    """Return the bin of a positive latency in milliseconds; values below 1 ms share bin 0."""
    return 0 if value_ms < 1 else int(math.log(value_ms) / _GAMMA_LN) + 1


def middle_of(bin_no: int) -> float:
    """Return the latency in milliseconds that stands for a bin: its geometric middle."""
    return 0.5 if bin_no <= 0 else math.exp((bin_no - 0.5) * _GAMMA_LN)


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """Return the `q` quantile (0–1) in milliseconds of a histogram, or None when it is empty."""
    total = sum(counts.values())
    if total <= 0:
        return None
    rank = q * (total - 1)
    seen = 0
    for bin_no in sorted(counts):
        seen += counts[bin_no]
        if seen > rank:
            return middle_of(bin_no)
    return middle_of(max(counts))


def pack(counts: Mapping[int, int]) -> str:
    """Return a histogram as text: `bin:count` pairs joined by blanks, rising by bin; or, where most bins between the
    first and the last are filled, `firstxcounts` with 8 hexadecimal digits a count, the last bin's first.

    The latter are added up as whole numbers, a hundred times as fast.
    """
    if len(counts) == 1:  # most are of one call, and what follows says the same of it
        ((bin_no, n),) = counts.items()
        if 0 < n < _LANE_COUNT:
            return f"{bin_no}x{n:x}"
    filled = sorted((bin_no, n) for bin_no, n in counts.items() if n)
    pairs = " ".join(f"{bin_no}:{n}" for bin_no, n in filled)
    if not filled:
        return pairs
    first, width = filled[0][0], filled[-1][0] - filled[0][0] + 1
    if width * _LANE_DIGITS > _WORTH * len(pairs) or not all(0 < n < _LANE_COUNT for _, n in filled):
        return pairs
    return f"{first}x{sum(n << _LANE * (bin_no - first) for bin_no, n in filled):x}"


def merge(counts: dict[int, int], packed: str | None) -> None:
    """Add a packed histogram to counts."""
    text = packed or ""
    numbers = map(int, text.replace(":", " ").split()) if "x" not in text else chain(*added_up([text]).items())
    for bin_no, n in zip(numbers, numbers, strict=True):
        counts[bin_no] = counts.get(bin_no, 0) + n


def added_up(packed: Iterable[str]) -> dict[int, int]:
    """Return the sum of packed histograms; each text may be several that are joined by blanks."""
    pairs: list[str] = []
    lanes: dict[str, int] = {}
    counts: dict[int, int] = {}
    held = 0
    for text in " ".join(packed).split():
        first, mark, digits = text.partition("x")
        if not mark:
            pairs.append(text)
            continue
        lanes[first] = lanes.get(first, 0) + int(digits, 16)
        held += 1
        if held == _LANE_ROOM:
            _add_lanes(counts, lanes)
            held = 0
    _add_lanes(counts, lanes)
    # Many histograms share most of their pairs.
    for pair, times in Counter(pairs).items():
        bin_no, _, n = pair.partition(":")
        counts[int(bin_no)] = counts.get(int(bin_no), 0) + times * int(n)
    return counts


def _add_lanes(counts: dict[int, int], lanes: dict[str, int]) -> None:
    """Add counts that stand in one number for each first bin, and take them out of there."""
    total = sum(n << _LANE * int(first) for first, n in lanes.items())
    lanes.clear()
    numbers = array("I", total.to_bytes(-(-total.bit_length() // _LANE) * (_LANE // 8), sys.byteorder))
    if sys.byteorder == "big":
        numbers.reverse()
    for bin_no, n in enumerate(numbers):
        if n:
            counts[bin_no] = counts.get(bin_no, 0) + n
