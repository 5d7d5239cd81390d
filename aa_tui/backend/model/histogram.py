"""Mergeable latency histograms: 5 % logarithmic bins, so that percentiles come from plain sums of counts.

Worst error of a percentile is half a bin, about 2.5 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_GAMMA_LN = math.log(1.05)


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
    """Return `bin:count` pairs joined by blanks, rising by bin."""
    return " ".join(f"{bin_no}:{n}" for bin_no, n in sorted(counts.items()) if n)


def merge(counts: dict[int, int], packed: str | None) -> None:
    """Add a packed histogram to counts."""
    numbers = map(int, (packed or "").replace(":", " ").split())
    for bin_no, n in zip(numbers, numbers, strict=True):
        counts[bin_no] = counts.get(bin_no, 0) + n


def added_up(packed: Iterable[str]) -> dict[int, int]:
    """Return the sum of packed histograms; for many of them, which share most of their pairs."""
    counts: dict[int, int] = {}
    for pair, times in Counter(" ".join(packed).split()).items():
        bin_no, _, n = pair.partition(":")
        number = int(bin_no)
        counts[number] = counts.get(number, 0) + times * int(n)
    return counts


def unpack(text: str | None) -> dict[int, int]:
    """Return the counts of a packed histogram."""
    return {int(b): int(n) for b, _, n in (pair.partition(":") for pair in (text or "").split())}
