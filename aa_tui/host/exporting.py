"""Writing sessions to private files in the working directory: CSV that a spreadsheet may open, JSON of one session."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from aa_tui.backend.service.records import SESSION_FIELDS, session_document
from aa_tui.backend.support.errors import UsageError

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import ContentText, SessionDetail, SessionRow


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula is led by an apostrophe."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _create(folder: Path, stem: str, suffix: str) -> tuple[Path, IO[str]]:
    """Create the first free `stem-N.suffix` of a folder, readable by this user only.

    Raises:
        UsageError: the folder cannot be written to.
    """
    for number in range(1, 10_000):
        path = folder / f"{stem}-{number}.{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.", "Start the program elsewhere.") from error
        return path, os.fdopen(descriptor, "w", newline="", encoding="utf-8", errors="replace")
    raise UsageError(f"{folder} is full of {stem}-N.{suffix} files.", "Remove some.")


def save_rows(rows: Sequence[SessionRow], folder: Path | None = None) -> Path:
    """Write the rows to the first free `sessions-N.csv` of the folder; return its path.

    Raises:
        UsageError: the folder cannot be written to.
    """
    import csv

    path, file = _create(folder or Path.cwd(), "sessions", "csv")
    with file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in SESSION_FIELDS])
        writer.writerows([_cell(field.value(row)) for field in SESSION_FIELDS] for row in rows)
    return path


def save_session(detail: SessionDetail, texts: Mapping[int, Sequence[ContentText]], folder: Path | None = None) -> Path:
    """Write a whole session to the first free `session-N.json` of the folder; return its path.

    Raises:
        UsageError: the folder cannot be written to.
    """
    import json

    path, file = _create(folder or Path.cwd(), "session", "json")
    with file:
        json.dump(session_document(detail, texts), file, ensure_ascii=False, indent=1)
    return path
