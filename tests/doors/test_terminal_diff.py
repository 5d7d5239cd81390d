"""After any walk through lists and sessions a real terminal shows what a redraw of everything shows."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pyte
import pytest

from tests.doors.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

PRIVATE = re.compile(rb"\x1b\[[<=>?][^@-~]*[@-~]")
"""Modes and questions that show nothing; the emulator would print some of them."""
REDRAW = b"\x0c"
LIST_KEYS = (b"\x1b[B", b"\x1b[B", b"\x1b[B", b"\x1b[A", b"\x1b[6~", b"\x1b[5~", b"\x04", b"\x15", b"G", b"g", b" ")
THREAD_KEYS = (b"j", b"k", b"\x1b[B", b"\x1b[A", b"\x04", b"\x15", b"o", b"e", b"\x1b[C", b"\x1b[D", b"G", b"g")


class Emulated(Terminal):
    """A terminal whose screen can be read."""

    def __init__(self, words: list[str], columns: int, rows: int, home: Path) -> None:
        super().__init__(words, columns, rows, home)
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._fed = 0

    def shown(self) -> list[tuple[str, ...]]:
        """Return each line's cells with their colours."""
        self._stream.feed(PRIVATE.sub(b"", self.written[self._fed :]))
        self._fed = len(self.written)
        lines = (self.screen.buffer[y] for y in range(self.screen.lines))
        cells = [[line[x] for x in range(self.screen.columns)] for line in lines]
        return [tuple(f"{c.data}{c.bg}{'' if c.data == ' ' else c.fg}" for c in line) for line in cells]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (140, 40)])
def test_what_is_shown_is_what_a_redraw_shows(sample_store: str, tmp_path: Path, columns: int, rows: int) -> None:
    keys = random.Random(columns)
    terminal = Emulated(["open", "sessions", "--store", sample_store], columns, rows, tmp_path)
    assert terminal.wait_for(b"help", 30), terminal.written[-2000:]
    terminal.read(0.6, 10)
    moved = 0
    for choices, enter in ((LIST_KEYS, b""), (THREAD_KEYS, b"\r"), (LIST_KEYS, b"\x1b")):
        if enter:
            terminal.press(enter, quiet=0.6)
        for _ in range(4):
            begin = len(terminal.written)
            for _ in range(12):
                terminal.press(keys.choice(choices), quiet=0.04, limit=2.0)
            terminal.read(0.5, 5.0)
            moved += terminal.written[begin:].count(b"\x1b[r")
            before = terminal.shown()
            terminal.press(REDRAW, quiet=0.4)
            after = terminal.shown()
            assert [y for y in range(rows) if before[y] != after[y]] == []
    assert terminal.close(b"q") == 0
    assert moved > 0 or columns > 120
