"""The last resort of ASCII mode: what else still draws lines, quotes or ellipses becomes ASCII, cell by cell.

Glyphs chosen by the program come from `glyphs`; borders and scrollbars are Textual's and words hold quotes and dashes.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SAME = {
    "…": "~", "·": "-", "•": "*", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "›": ">", "‹": "<",
    "×": "x", "▲": "^", "▼": "v", "↑": "^", "↓": "v", "←": "<", "→": ">", "▸": ">", "▾": "v", "⏎": "$", "␉": "$",
    "✓": "+", "✗": "x", "○": "o", "●": "@", "◐": "%", "✎": "~", "⟨": "<", "⟩": ">", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_LINES = {
    "-": "─━═╌╍┄┅┈┉╴╶▁▔", "|": "│┃║╎╏┆┇┊┋▏▕▎┤├╡╞╣╠▌▐", "+": "┌┐└┘┏┓┗┛╭╮╰╯╔╗╚╝┬┴┼╦╩╬┳┻╋",
    "#": "█▇▆▅▓▉▊▋", "=": "▄▃▂▒▍", ".": "░",
}  # fmt: skip
_TABLE = str.maketrans(_SAME | {character: plain for plain, characters in _LINES.items() for character in characters})


class AsciiFilter(LineFilter):
    """Replaces characters of one cell by ASCII of one cell; letters of any script stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(_TABLE), segment.style, segment.control)
            for segment in segments
        ]
