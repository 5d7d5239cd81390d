"""SQL that hands many values over as one, and differs between SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aa_tui.backend.store.engine import Params, Reader, Row


def in_one_piece(reader: Reader, columns: Sequence[str], rest: str, params: Params) -> Iterable[Row]:
    """Return the rows of a statement: numbers and texts only, in no order; `rest` begins with FROM.

    SQLite hands over row by row, and for each of them waits until the interpreter is free. Beside a screen that is
    being made that takes longer than reading, so rows come as one text.
    """
    sql = f"SELECT {', '.join(columns)} {rest}"
    if reader.dialect != "sqlite":
        return reader.fetch(sql, params)
    names = ", ".join(f"c{i}" for i in range(len(columns)))
    row = reader.one(f"WITH r({names}) AS ({sql}) SELECT json_group_array(json_array({names})) FROM r", params)
    return json.loads(row[0]) if row is not None else []


def joined(reader: Reader, column: str) -> str:
    """Return SQL that joins the texts of a group with blanks."""
    return f"group_concat({column}, ' ')" if reader.dialect == "sqlite" else f"string_agg({column}, ' ')"


def listed(reader: Reader, column: str) -> str:
    """Return SQL that lists the different texts of a group; `texts_of` reads it."""
    return f"{'json_group_array' if reader.dialect == 'sqlite' else 'json_agg'}(DISTINCT {column})"


def texts_of(value: Any) -> list[str]:
    """Return the texts of a list as `listed` makes it."""
    texts: list[str] = json.loads(value) if isinstance(value, str) else value
    return texts


def bytes_and_sizes(reader: Reader, column: str) -> str:
    """Return SQL for two columns: the bytes of a group one after the other, and their sizes; `pieces` reads them."""
    if reader.dialect == "sqlite":
        # Bytes taken for text and back again are the same bytes.
        return f"CAST(group_concat({column}, '') AS BLOB), group_concat(length({column}), ' ')"
    return f"string_agg({column}, ''::bytea), string_agg(length({column})::text, ' ')"


def pieces(joined_bytes: bytes, sizes: str) -> Iterator[bytes]:
    """Yield the bytes that `bytes_and_sizes` put together."""
    at = 0
    for size in map(int, sizes.split()):
        yield joined_bytes[at : at + size]
        at += size
