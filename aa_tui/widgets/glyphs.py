"""Every glyph the program draws, with its ASCII twin and, for outcomes, word and style. No colours, no layout.

One place decides between the two sets, so that a terminal without UTF-8, or `--ascii`, changes all screens at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GLYPHS: dict[str, tuple[str, str]] = {
    "pass": ("✓", "+"),
    "fail": ("✗", "x"),
    "error": ("!", "!"),
    "warn": ("▲", "^"),
    "pending": ("○", "o"),
    "partial": ("◐", "%"),
    "verified": ("●", "@"),
    "unknown": ("–", "-"),
    "edited": ("✎", "~"),
    "cursor": ("▸", ">"),
    "mark": ("*", "*"),
    "up": ("▲", "^"),
    "down": ("▼", "v"),
    "sort_up": ("↑", "^"),
    "sort_down": ("↓", "v"),
    "dot": ("·", "-"),
    "crumb": ("›", ">"),
    "rule": ("─", "-"),
    "vrule": ("│", "|"),
    "tee": ("├", "|"),
    "corner": ("└", "`"),
    "top_left": ("╭", "+"),
    "top_right": ("╮", "+"),
    "bottom_left": ("╰", "+"),
    "bottom_right": ("╯", "+"),
    "axis": ("┤", "|"),
    "tick": ("┴", "+"),
    "cited": ("┃", "|"),
    "thread_bar": ("┃", "|"),
    "folded": ("▸", ">"),
    "unfolded": ("▾", "v"),
    "ellipsis": ("…", "~"),
    "bullet": ("•", "*"),
    "done": ("✓", "x"),
    "open": ("○", " "),
    "left_quote": ("“", '"'),
    "right_quote": ("”", '"'),
    "left": ("←", "<-"),
    "right": ("→", "->"),
    "both": ("←→", "<>"),
    "bar": ("█", "#"),
    "bar_thin": ("▏", "|"),
    "track": ("░", "."),
}
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = " .:-=+*#@"
_EIGHTHS = " ▏▎▍▌▋▊▉█"

_ascii = False


def set_ascii(on: bool) -> None:
    """Choose the ASCII set (True) or the full one, for everything drawn from now on."""
    global _ascii
    _ascii = on


def ascii_mode() -> bool:
    """True while the ASCII set is in use."""
    return _ascii


def get(name: str) -> str:
    """Return a glyph of the current set. KeyError for a name that is not in the table."""
    return _GLYPHS[name][_ascii]


def names() -> tuple[str, ...]:
    """Every glyph's name, for tests and the help."""
    return tuple(_GLYPHS)


_PLAIN = str.maketrans({shown: twin for shown, twin in _GLYPHS.values() if len(twin) == 1} | {"│": "|", "–": "-"})


def plain(text: str) -> str:
    """Return the program's own words with every glyph in the current set; cell widths stay the same."""
    return text.translate(_PLAIN) if _ascii else text


def block(fraction: float) -> str:
    """Return one cell filled from below to the fraction (0 to 1), in eighths."""
    levels = _ASCII_BLOCKS if _ascii else _BLOCKS
    return levels[max(0, min(8, round(fraction * 8)))]


def sparkline(counts: Sequence[float]) -> str:
    """Return one cell per count, the largest full; whatever is above zero shows."""
    most = max(counts, default=0)
    return "".join(block(max(count / most, 0.125) if count > 0 else 0) for count in counts) if most > 0 else ""


def hbar(fraction: float, cells: int) -> str:
    """Return a horizontal bar that fills the fraction (0 to 1) of `cells`, always that many cells wide."""
    fraction = max(0.0, min(1.0, fraction))
    if _ascii:
        full = round(fraction * cells)
        return "#" * full + " " * (cells - full)
    eighths = round(fraction * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one outcome is shown: glyph and word together, and the name of its style in `themes`."""

    glyph: str
    word: str
    style: str

    @property
    def text(self) -> str:
        """Glyph and word, as they stand together: `✓ pass`."""
        return f"{self.glyph} {self.word}"


_OUTCOMES: dict[str, tuple[str, str]] = {
    "pass": ("pass", "good"),
    "fail": ("fail", "bad"),
    "error": ("error", "bad"),
    "warn": ("warning", "warn"),
    "pending": ("pending", "unknown"),
    "partial": ("partial", "warn"),
    "verified": ("verified", "good"),
    "unknown": ("not scored", "unknown"),
}


def outcome(name: str) -> Outcome:
    """Return an outcome (pass, fail, error, warn, pending, partial, verified, unknown) in the current glyph set."""
    word, style = _OUTCOMES[name]
    return Outcome(get(name), word, style)


def verdict(passed: bool | None) -> Outcome:
    """Return the outcome of a check: pass, fail, or not scored for None."""
    return outcome("unknown" if passed is None else "pass" if passed else "fail")
