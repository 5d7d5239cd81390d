"""Writing sessions to a file from the app: a private CSV in the working directory, safe to open in a spreadsheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.service.records import SESSION_FIELDS
from aa_tui.backend.support.errors import UsageError

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionRow


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula is led by an apostrophe."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def save_rows(rows: Sequence[SessionRow], folder: Path | None = None) -> Path:
    """Write the rows to the first free `sessions-N.csv` of the folder, readable by this user only; return its path.

    Raises:
        UsageError: the folder cannot be written to.
    """
    import csv

    place = folder or Path.cwd()
    for number in range(1, 10_000):
        path = place / f"sessions-{number}.csv"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.", "Start the program elsewhere.") from error
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8", errors="replace") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in SESSION_FIELDS])
            writer.writerows([_cell(field.value(row)) for field in SESSION_FIELDS] for row in rows)
        return path
    raise UsageError(f"{place} is full of sessions-N.csv files.", "Remove some.")
