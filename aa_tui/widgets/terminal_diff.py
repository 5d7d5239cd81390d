"""What the terminal shows by now, so that only what differs is sent. Knows rendered text and cells, no widgets.

A list that scrolls repaints every line, but most of them stand on the terminal already, some lines higher or lower: the
terminal is told to move them, and only the new ones are sent. Over SSH that is felt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_LEAST_ROWS = 4
"""Fewer lines are not worth moving."""
_UNSURE = re.compile("[^\x00-\u02ff\u2010-\u27ff]")
"""Characters whose width terminals disagree about: what stands to their right may not be where it was sent."""


class Piece(NamedTuple):
    """Cells of one line from `left` up to `right`, rendered with their styles."""

    y: int
    left: int
    right: int
    text: str


class TerminalDiff:
    """The cells that were sent. Everything sent must pass through here, or be followed by `forget`."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Piece]] = {}

    def forget(self) -> None:
        """Know nothing of the terminal any more: it was resized, or another program wrote on it."""
        self._rows.clear()

    def whole(self, pieces: Sequence[Piece]) -> str:
        """Return what to send so that the terminal shows these pieces, whatever it shows now."""
        self.forget()
        return "".join(_put(piece) for piece in pieces if self._note(piece))

    def changes(self, pieces: Sequence[Piece], width: int) -> str:
        """Return what to send so that the terminal shows these pieces, which come by line and from left to right."""
        sent: list[str] = []
        for top, bottom in self._changed_blocks(pieces, width):
            moved = self._moved([piece for piece in pieces if top <= piece.y <= bottom])
            if moved:
                sent.append(_move_lines(top, bottom, moved))
                rows = {y: self._rows.pop(y, {}) for y in range(top, bottom + 1)}
                for y in range(top, bottom + 1):
                    self._rows[y] = {x: old._replace(y=y) for x, old in rows.get(y + moved, {}).items()}
        for piece in pieces:
            if self._note(piece):
                sent.append(_put(piece))
        return "".join(sent)

    def _note(self, piece: Piece) -> bool:
        """Take note of a piece; return whether it is news to the terminal."""
        row = self._rows.setdefault(piece.y, {})
        if row.get(piece.left) == piece:
            return False
        unsure = not piece.text.isascii() and _UNSURE.search(piece.text) is not None
        for x, old in list(row.items()):
            if old.right > piece.left and (x < piece.right or unsure):
                del row[x]
        row[piece.left] = piece
        return True

    def _changed_blocks(self, pieces: Sequence[Piece], width: int) -> Iterator[tuple[int, int]]:
        """Yield first and last line of each block of lines covered from edge to edge, without unchanged ends."""
        cells: Counter[int] = Counter()
        changed: set[int] = set()
        for piece in pieces:
            cells[piece.y] += piece.right - piece.left
            if self._rows.get(piece.y, {}).get(piece.left) != piece:
                changed.add(piece.y)
        block: list[int] = []
        for y in sorted(y for y, count in cells.items() if count == width):
            if block and y != block[-1] + 1:
                yield from _ends(block, changed)
                block = []
            block.append(y)
        yield from _ends(block, changed)

    def _moved(self, pieces: Sequence[Piece]) -> int:
        """Return by how many lines most of these lines stand too low on the terminal (too high: negative), or 0."""
        widest: dict[int, Piece] = {}
        for piece in pieces:
            if piece.y not in widest or piece.right - piece.left > widest[piece.y].right - widest[piece.y].left:
                widest[piece.y] = piece
        places: dict[tuple[int, int, str], int | None] = {}
        for y, piece in widest.items():
            old = self._rows.get(y, {}).get(piece.left)
            if old is not None:
                # A text that stands there twice says nothing about where it moved from.
                places[old[1:]] = None if old[1:] in places else y
        moves: Counter[int] = Counter()
        for y, piece in widest.items():
            place = places.get(piece[1:])
            if place is not None:
                moves[place - y] += 1
        if not moves:
            return 0
        moved, lines = moves.most_common(1)[0]
        return moved if lines > moves[0] + 1 and lines >= _LEAST_ROWS - 1 else 0


def _ends(block: Sequence[int], changed: set[int]) -> Iterator[tuple[int, int]]:
    lines = [y for y in block if y in changed]
    if lines and lines[-1] - lines[0] + 1 >= _LEAST_ROWS:
        yield lines[0], lines[-1]


def _put(piece: Piece) -> str:
    return f"\x1b[{piece.y + 1};{piece.left + 1}H{piece.text}"


def _move_lines(top: int, bottom: int, up: int) -> str:
    """Return the sequence that moves lines up (down: negative) within a block, leaving blank lines behind."""
    lines = f"\x1b[{up}M" if up > 0 else f"\x1b[{-up}L"
    return f"\x1b[{top + 1};{bottom + 1}r\x1b[{top + 1};1H{lines}\x1b[r"
