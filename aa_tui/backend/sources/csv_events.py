"""Tables of product events as CSV: columns found by their names. Rows serve mapping files too; no mapping here.

Needed are a column with the event's name, one with its time and one with the user or device; all others become event
properties.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.amplitude_event import InvalidEvent, event_from_amplitude
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.values import instant_ms

COLUMNS = {
    "event_type": ("eventtype", "event", "eventname"),
    "time": ("time", "timestamp", "eventtime", "clienteventtime", "ts", "occurredat", "createdat", "datetime"),
    "user_id": ("userid", "user", "distinctid", "useremail"),
    "device_id": ("deviceid", "anonymousid", "visitorid"),
    "insert_id": ("insertid", "eventid", "uuid", "messageid"),
}
"""What a column means: its name in lower case without anything but letters and digits, in order of preference."""
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,15})?\Z")
_WORDS = {"true": True, "false": False}
_LARGEST_CELL = 16 * 1024 * 1024
_PREFIXES = ("event_properties.", "event_properties:", "e_")
_USER_PREFIXES = ("user_properties.", "user_properties:", "gp:")
_MOST_NAMES = 2_000


def epoch_of(value: Any) -> int | None:
    """Return epoch milliseconds of an ISO 8601 text or of a number of seconds, milli-, micro- or nanoseconds.

    The unit of a number follows from its size: the years 1973 to 5138 are told apart without doubt.
    """
    if isinstance(value, str):
        value = value.strip()
        if _NUMBER.match(value):
            value = float(value) if "." in value else int(value)
        else:
            return instant_ms(value.removesuffix(" UTC"))
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value < 0:
        return None
    for bound, factor in ((10**11, 1000.0), (10**14, 1.0), (10**17, 1e-3), (10**20, 1e-6)):
        if value < bound:
            return int(value * factor) if factor >= 1 or isinstance(value, float) else value // round(1 / factor)
    return None


def cell(value: str) -> Any:
    """Return what a cell holds: a number, a truth value, a JSON object or array, or the text; None when empty."""
    if not value:
        return None
    if _NUMBER.match(value):
        return float(value) if "." in value else int(value)
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if value[0] in "{[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def header_of(head: Head) -> list[str]:
    """Return the column names of a table from its first line, empty when the content is no table."""
    start = head.start
    if b"\x00" in start or start.lstrip()[:1] in (b"{", b"[", b"<", b""):
        return []
    first = start.decode("utf-8", "replace").lstrip("\ufeff").split("\n", 1)[0].rstrip("\r")
    try:
        row = next(csv.reader([first], delimiter=_delimiter(first)), [])
    except csv.Error:
        return []
    names = [name.strip() for name in row]
    return names if 1 < len(names) <= _MOST_NAMES and all(names) else []


def _delimiter(first: str) -> str:
    return max(_DELIMITERS, key=first.count)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def guess(names: list[str]) -> dict[str, str]:
    """Return the column by meaning for those meanings of `COLUMNS` that a header has."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(_plain(name), name)
    found: dict[str, str] = {}
    for meaning, candidates in COLUMNS.items():
        column = next((plain[candidate] for candidate in candidates if candidate in plain), None)
        if column is not None:
            found[meaning] = column
    return found


def rows(path: Path, options: ReadOptions) -> Iterator[tuple[int, dict[str, str]] | RecordProblem]:
    """Yield (line, row by column name) of a table with a header; a row that cannot be split is a problem.

    Raises:
        OSError: the file cannot be opened or read.
    """
    csv.field_size_limit(_LARGEST_CELL)
    names = header_of(reading.head_of(path))
    if not names:
        yield RecordProblem(1, "not a table with a header")
        return
    with reading.open_stream(path) as raw:
        lines = io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="")
        first = lines.readline()
        done = len(first)
        table = csv.reader(lines, delimiter=_delimiter(first))
        while True:
            try:
                row = next(table, None)
            except csv.Error as error:
                yield RecordProblem(table.line_num + 1, f"not a row: {error}")
                continue
            except gzip.BadGzipFile as error:
                yield RecordProblem(table.line_num + 2, f"the compressed data breaks here: {error}")
                return
            except (EOFError, zlib.error) as error:
                yield RecordProblem(table.line_num + 2, f"the compressed data ends or breaks here: {error}")
                return
            if row is None:
                return
            done += sum(map(len, row)) + len(row)
            if options.on_bytes is not None and done > 1 << 18:
                options.on_bytes(done)
                done = 0
            if not any(row):
                continue
            if len(row) != len(names):
                yield RecordProblem(table.line_num + 1, f"{len(row)} cells where the header has {len(names)}")
                continue
            yield table.line_num + 1, dict(zip(names, row, strict=True))


class CsvEventsSource:
    """Tables of product events."""

    name = "csv-events"
    title = "CSV of product events"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        found = guess(header_of(head))
        return {"event_type", "time"} <= found.keys() and bool(found.keys() & {"user_id", "device_id"})

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        columns = guess(header_of(reading.head_of(path)))
        seq = 0
        repeated: dict[str, int] = {}
        for item in rows(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, row = item
            seq += 1
            record = _record(row, columns)
            if isinstance(record, str):
                yield RecordProblem(line, record, field=columns.get("time"))
                continue
            if record["user_id"] is None and record["device_id"] is None and options.user:
                record["user_id"] = options.user
            try:
                event = event_from_amplitude(record, seq)
            except InvalidEvent as error:
                yield RecordProblem(line, str(error), field=columns.get(error.field, error.field))
                continue
            if record["insert_id"] is None:
                # Two equal rows are two events; the same file read again is not.
                repeated[event.insert_id] = repeated.get(event.insert_id, 0) + 1
                if (times := repeated[event.insert_id]) > 1:
                    event.insert_id = f"{event.insert_id}.{times}"
            yield event


def _record(row: dict[str, str], columns: dict[str, str]) -> dict[str, Any] | str:
    """Return a row as an event in Amplitude's shape, or why it is none."""
    moment = row.get(columns["time"], "") if "time" in columns else ""
    time_ms = epoch_of(moment)
    if time_ms is None:
        return f"{moment[:40]!r} is not a time" if moment else "no time"
    taken = set(columns.values())
    properties: dict[str, Any] = {}
    about_user: dict[str, Any] = {}
    for name, given in row.items():
        if name in taken or (value := cell(given)) is None:
            continue
        if _plain(name) in ("eventproperties", "userproperties") and isinstance(value, dict):
            (properties if _plain(name) == "eventproperties" else about_user).update(value)
            continue
        for prefixes, found in ((_PREFIXES, properties), (_USER_PREFIXES, about_user)):
            prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
            if prefix is not None:
                found[name[len(prefix) :]] = value
                break
        else:
            properties[name] = value
    found_ids = {meaning: row.get(columns.get(meaning, ""), "").strip() or None for meaning in COLUMNS}
    return {
        "event_type": found_ids["event_type"],
        "user_id": found_ids["user_id"],
        "device_id": found_ids["device_id"],
        "insert_id": found_ids["insert_id"],
        "time": time_ms,
        "event_properties": properties,
        "user_properties": about_user,
    }


CSV_EVENTS = CsvEventsSource()
