"""Histograms of latencies: whatever form they are stored in, they add up to the counts that went in."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from aa_tui.backend.model.histogram import added_up, bin_of, merge, middle_of, pack, quantile

SPARSE = st.dictionaries(st.integers(0, 400), st.integers(1, 1 << 34), max_size=20)
DENSE = st.builds(
    lambda first, counts: {first + i: n for i, n in enumerate(counts)},
    st.integers(0, 300),
    st.lists(st.integers(0, (1 << 20) - 1), min_size=20, max_size=80),
)


def summed(histograms: list[dict[int, int]]) -> dict[int, int]:
    """The sum, added one by one; empty bins are no bins."""
    total: Counter[int] = Counter()
    for each in histograms:
        total.update(each)
    return {bin_no: n for bin_no, n in total.items() if n}


@given(st.lists(SPARSE | DENSE, max_size=8))
def test_stored_histograms_add_up_to_their_counts(histograms: list[dict[int, int]]) -> None:
    packed = [pack(each) for each in histograms]
    assert added_up(packed) == added_up([" ".join(packed)]) == summed(histograms)
    merged: dict[int, int] = {}
    for text in packed:
        merge(merged, text)
    assert merged == summed(histograms)


def test_full_counts_do_not_run_over_into_their_neighbours() -> None:
    full = dict.fromkeys(range(100, 160), (1 << 20) - 1)
    other = {**full, 100: 1}
    text = pack(full)
    assert "x" in text and "x" in pack(other)
    many = added_up([text] * 9000 + [pack(other)] * 3000 + [text] * 2)
    assert many == {bin_no: 12002 * n - (3000 * (n - 1) if bin_no == 100 else 0) for bin_no, n in full.items()}


def test_few_bins_are_stored_as_pairs_and_many_as_one_number() -> None:
    assert pack({}) == "" and pack({7: 0}) == ""
    assert pack({7: 2, 300: 1}) == "7:2 300:1"
    filled = pack(dict.fromkeys(range(100, 200), 10))
    assert filled.startswith("100x") and ":" not in filled and len(filled) < 100 * 8 + 5
    assert ":" in pack(dict.fromkeys(range(100, 200), 1 << 20))


def test_percentiles_are_within_half_a_bin() -> None:
    counts: dict[int, int] = {}
    merge(counts, pack(Counter(bin_of(float(ms)) for ms in range(100, 10_000))))
    assert quantile({}, 0.5) is None
    for q in (0.1, 0.5, 0.9):
        found = quantile(counts, q)
        assert found is not None and abs(found / (100 + 9900 * q) - 1) < 0.026
    assert bin_of(0.2) == 0 and middle_of(0) == 0.5
