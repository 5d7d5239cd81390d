"""Terminal cells: width, clipping and wrapping of text that is already safe to draw. Knows no style."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def width_of(text: str) -> int:
    """Return the number of cells a safe text takes."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, cells: int) -> str:
    """Return the text cut to at most `cells` cells, ending in `…` where something was cut."""
    if width_of(text) <= cells:
        return text
    if cells <= 0:
        return ""
    return set_cell_size(text, cells - 1).rstrip(" ") + "…"


def pad(text: str, cells: int, right: bool = False) -> str:
    """Return the text clipped and padded to exactly `cells` cells."""
    piece = clip(text, cells)
    blanks = " " * (cells - width_of(piece))
    return blanks + piece if right else piece + blanks


def wrap(text: str, cells: int) -> list[str]:
    """Return the text broken into rows of at most `cells` cells, at blanks where possible; never drops a character
    other than the blank a row ends with."""
    if width_of(text) <= cells:
        return [text]
    rows: list[str] = []
    row = ""
    used = 0
    for word in _words(text):
        size = width_of(word)
        if used + size <= cells:
            row += word
            used += size
            continue
        if row.strip():
            rows.append(row.rstrip())
            row, used = "", 0
            word = word.lstrip(" ")
            size = width_of(word)
        while size > cells:
            head = _take(word, cells - used)
            rows.append(row + head)
            word = word[len(head) :]
            row, used, size = "", 0, width_of(word)
        row, used = row + word, used + size
    if row:
        rows.append(row)
    return rows


def _words(text: str) -> list[str]:
    """Split before each run of blanks, keeping the blanks with the word they precede."""
    pieces: list[str] = []
    start = 0
    for at in range(1, len(text)):
        if text[at] == " " and text[at - 1] != " ":
            pieces.append(text[start:at])
            start = at
    pieces.append(text[start:])
    return pieces


def _take(word: str, cells: int) -> str:
    """Return the longest prefix of at most `cells` cells, at least one character."""
    if word.isascii():
        return word[: max(cells, 1)]
    taken = 0
    for at, character in enumerate(word):
        taken += cell_len(character)
        if taken > cells:
            return word[: max(at, 1)]
    return word
