"""Everything that goes to stdout: JSON lines, CSV, ids and plain tables. Data only; no messages, no colours."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.support.drawable import drawable

_GAP = "  "


class ReaderGone(Exception):
    """Whoever read our output has seen enough (`| head`)."""


def _put(text: str) -> None:
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise ReaderGone from None


def prepare() -> None:
    """Make stdout take any text: what its encoding lacks is replaced, never an exception."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def is_terminal() -> bool:
    """Return whether a person reads stdout."""
    return sys.stdout.isatty()


def write(text: str) -> None:
    """Write text of our own making as it is."""
    _put(text)


def flush() -> None:
    """Hand on what was written, to a reader that follows line by line."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def line(text: str = "") -> None:
    """Write one line; outside text in it is made drawable, line breaks become marks."""
    _put(drawable(text, one_line=True) + "\n")


def block(text: str, indent: str = "") -> None:
    """Write a text of several lines, made drawable, each line indented."""
    for one in drawable(text).split("\n"):
        _put(f"{indent}{one}\n")


def json_line(value: Mapping[str, Any]) -> None:
    """Write one object on one line. Pure ASCII, so that raw text survives and drives no terminal."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    _put(text.replace("\x7f", "\\u007f") + "\n")


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write CSV: cells as `service.records.csv_cell` makes them."""
    # Not at the top: this module is on the way to the app's first frame, which writes none.
    from aa_tui.backend.service.records import csv_cell

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([csv_cell(value) for value in row])
        _put(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()
    _put(buffer.getvalue())


def cells(text: str) -> int:
    """Return how many terminal cells a drawable text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(one) or one in "\u200c\u200d\ufe0e\ufe0f"
        else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def _fit(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for one in text:
        wide = cells(one)
        if used + wide > width - 1:
            break
        kept, used = kept + one, used + wide
    return kept + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Write aligned columns. On a terminal the last one is cut at its edge; elsewhere nothing is cut.

    Args:
        right: indexes of the columns that are aligned to the right.
    """
    drawn = [[drawable(cell, one_line=True) for cell in row] for row in (header, *rows)]
    widths = [max(cells(row[column]) for row in drawn) for column in range(len(header))]
    if is_terminal():
        taken = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
        widths[-1] = max(min(widths[-1], shutil.get_terminal_size().columns - taken), 8)
    for row in drawn:
        parts = []
        for column, cell in enumerate(row):
            text = _fit(cell, widths[column])
            blank = " " * (widths[column] - cells(text))
            parts.append(blank + text if column in right else text + blank)
        _put(_GAP.join(parts).rstrip() + "\n")
