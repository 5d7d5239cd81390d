"""Only what the terminal does not show yet is sent, and a terminal that is sent it shows the right thing."""

from __future__ import annotations

import random

import pyte

from aa_tui.widgets.terminal_diff import Piece, TerminalDiff

WIDTH, HEIGHT = 30, 12


def screen_of(lines: list[str], bar: int, top: int = 2, bottom: int = 10) -> list[Piece]:
    """Return a header, a list with a scroll bar at its right, and a footer."""
    pieces = [Piece(y, 0, WIDTH, f"head {y}".ljust(WIDTH)) for y in range(top)]
    for y in range(top, bottom):
        pieces += [Piece(y, 0, WIDTH - 1, lines[y - top]), Piece(y, WIDTH - 1, WIDTH, "#" if y == bar else "|")]
    return pieces + [Piece(y, 0, WIDTH, f"foot {y}".ljust(WIDTH)) for y in range(bottom, HEIGHT)]


def shown(terminal: pyte.Screen) -> list[str]:
    return [line.rstrip() for line in terminal.display]


def expected(pieces: list[Piece]) -> list[str]:
    rows: dict[int, str] = {}
    for piece in pieces:
        rows[piece.y] = rows.get(piece.y, "") + piece.text
    return [rows[y].rstrip() for y in sorted(rows)]


class Terminal:
    """A terminal that is sent the changes, and counts them."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)
        self.diff = TerminalDiff()

    def show(self, pieces: list[Piece], whole: bool = False) -> str:
        sent = self.diff.whole(pieces) if whole else self.diff.changes(pieces, WIDTH)
        self.stream.feed(sent)
        return sent


def row(number: int, mark: str = " ") -> str:
    return f"{mark}row {number} of many".ljust(WIDTH - 1)


def view(top: int, cursor: int) -> list[str]:
    return [row(n, ">" if n == cursor else " ") for n in range(top, top + 8)]


def test_the_same_again_sends_nothing() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 0), 3), whole=True)
    assert terminal.show(screen_of(view(0, 0), 3)) == ""


def test_a_cursor_that_moves_sends_two_lines() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 0), 3), whole=True)
    sent = terminal.show(screen_of(view(0, 1), 3))
    assert sent.count("row") == 2
    assert shown(terminal.screen) == expected(screen_of(view(0, 1), 3))


def test_a_list_that_scrolls_sends_new_lines_and_those_of_the_cursor_only() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 7), 3), whole=True)
    sent = terminal.show(screen_of(view(2, 8), 4))
    # Two new lines, one of them the cursor's, and the line that was the cursor's.
    assert sent.count("row") == 3 and sent.count("head") == sent.count("foot") == 0
    assert shown(terminal.screen) == expected(screen_of(view(2, 8), 4))
    back = terminal.show(screen_of(view(1, 7), 3))
    assert back.count("row") == 3
    assert shown(terminal.screen) == expected(screen_of(view(1, 7), 3))


def test_lines_that_are_not_whole_are_never_moved() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 0), 3), whole=True)
    half = [piece for piece in screen_of(view(3, 3), 3) if piece.right < WIDTH]
    assert "\x1b[r" not in terminal.show(half)
    assert shown(terminal.screen) == expected(screen_of(view(3, 3), 3))


def test_after_forgetting_everything_is_sent() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 0), 3), whole=True)
    terminal.screen.erase_in_display(2)
    terminal.diff.forget()
    terminal.show(screen_of(view(0, 0), 3))
    assert shown(terminal.screen) == expected(screen_of(view(0, 0), 3))


def test_what_stands_right_of_a_character_of_unsure_width_is_sent_again() -> None:
    terminal = Terminal()
    terminal.show(screen_of(view(0, 0), 3), whole=True)
    changed = view(0, 0)
    changed[4] = "❤️ red".ljust(WIDTH - 1)
    sent = terminal.show(screen_of(changed, 3))
    assert sent.endswith(f"\x1b[7;{WIDTH}H|")


def test_random_screens_always_arrive() -> None:
    choice = random.Random(7)
    terminal = Terminal()
    pieces = screen_of(view(0, 0), 3)
    terminal.show(pieces, whole=True)
    saved, full = 0, 0
    for _ in range(400):
        top = max(0, choice.choice((0, 0, 1, -1, 3, -3, 8, 40)) + choice.randrange(60))
        lines = view(top, top + choice.randrange(8))
        if choice.random() < 0.2:
            lines[choice.randrange(8)] = " " * (WIDTH - 1)
        pieces = screen_of(lines, choice.randrange(2, 10), 2, 10)
        begin = choice.randrange(3)
        part = pieces[begin:]
        saved += len(terminal.show(part))
        full += sum(len(piece.text) for piece in part)
        assert shown(terminal.screen)[2:] == expected(pieces)[2:]
    assert saved < full
