"""Writing sessions to private files in the working directory: CSV that a spreadsheet may open, JSON of one session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from aa_tui.backend.service.records import SESSION_FIELDS, csv_cell, session_document
from aa_tui.backend.support.errors import UsageError

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import ContentText, SessionDetail, SessionRow


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


class RowFile:
    """The first free `sessions-N.csv` of a folder, which rows are written to a part at a time.

    Left by an exception, the file is removed.

    Raises:
        UsageError: the folder or the file cannot be written to.
    """

    def __init__(self, folder: Path | None = None) -> None:
        import csv

        self.path, self._file = _create(folder or Path.cwd(), "sessions", "csv")
        self._writer = csv.writer(self._file)
        self._writer.writerow([field.name for field in SESSION_FIELDS])

    def write(self, rows: Iterable[SessionRow]) -> None:
        """Write some rows."""
        try:
            self._writer.writerows([csv_cell(field.value(row)) for field in SESSION_FIELDS] for row in rows)
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be written: {error.strerror}.", "Make room, or mark fewer."
            ) from error

    def __enter__(self) -> RowFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
        if kind is not None:
            self.path.unlink(missing_ok=True)


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
