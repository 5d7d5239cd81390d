"""Writing sessions to a file from the app: a private CSV in the working directory, safe to open in a spreadsheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aa_tui.backend.support.clock import from_ms
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.money import nano_to_usd

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionRow

_HEAD = (
    "id,agent,user,started_at,ended_at,duration_ms,turns,messages,user_messages,model_calls,tool_calls,tool_errors,"
    "input_tokens,output_tokens,cost_usd,cost_estimated,errors,state,source,title"
)


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula is led by an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _row(row: SessionRow) -> list[object]:
    started = from_ms(row.started_ms).isoformat() if row.started_ms is not None else None
    ended = from_ms(row.ended_ms).isoformat() if row.ended_ms is not None else None
    cost = nano_to_usd(row.cost_nano)
    counts = (row.turns, row.messages, row.user_messages, row.model_calls, row.tool_calls, row.tool_errors)
    tokens = (row.input_tokens, row.output_tokens)
    tail = (cost, row.cost_estimated, row.errors, row.state, row.source, row.title)
    values = (row.key, row.agent, row.user, started, ended, row.duration_ms, *counts, *tokens, *tail)
    return [_cell(value) for value in values]


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
            writer.writerow(_HEAD.split(","))
            writer.writerows(_row(row) for row in rows)
        return path
    raise UsageError(f"{place} is full of sessions-N.csv files.", "Remove some.")
