"""Whose session it is: maps of session ids or folders to people, read from a file and looked up. No events here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import decode_objects, iter_json_records, open_stream
from aa_tui.backend.support.errors import UsageError

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_SHAPES = "a JSON object, a CSV with the columns session_or_folder,user, or checkpoint records"


def bare_session_id(session: str) -> str:
    """Return a session id without the date some recorders put before it (`2026-01-05-<uuid>` becomes `<uuid>`)."""
    return session[-36:] if len(session) > 36 and _UUID.match(session[-36:]) else session


def user_of(users: Mapping[str, str], session: str | None, folders: Iterable[str | Path | None]) -> str | None:
    """Return who a session belongs to by a map of session ids and folder prefixes, or None.

    A session id beats a folder; of several folders that hold one of `folders`, the longest wins.
    """
    if not users:
        return None
    if session is not None:
        bare = bare_session_id(session)
        for key in (session, bare):
            if key in users:
                return users[key]
        for key, user in users.items():
            if len(key) > len(bare) and bare_session_id(key) == bare:
                return user
    inside = [_slashes(folder) for folder in folders if folder]
    best: tuple[int, str] | None = None
    for key, user in users.items():
        prefix = _slashes(Path(key).expanduser() if key.startswith("~") else key)
        if any(place.startswith(prefix) for place in inside) and (best is None or len(prefix) > best[0]):
            best = (len(prefix), user)
    return best[1] if best else None


def _slashes(folder: str | Path) -> str:
    return str(folder).replace("\\", "/").rstrip("/") + "/"


def user_for(options: ReadOptions, session: str | None, folders: Iterable[str | Path | None]) -> str | None:
    """Return the user of a session under the import's options: the map first, then `options.user`, else None."""
    return user_of(options.users, session, folders) or options.user


def read_user_map(path: Path) -> dict[str, str]:
    """Return session id or folder prefix to user, from a `--users` file; plain or gzip.

    The file is a JSON object, a CSV (`session_or_folder,user`, header optional) or checkpoint records (JSON Lines
    with `session_id` and `user`). Blank users are left out; of several entries for one session the last wins.

    Raises:
        UsageError: the file cannot be read or has none of these shapes.
    """
    try:
        with open_stream(path) as stream:
            raw = stream.read()
    except (OSError, EOFError) as error:
        raise UsageError(f"cannot read the user map {path}: {error}", f"Give {_SHAPES}.") from error
    text = raw.decode("utf-8-sig", "replace").strip()
    found = _from_json(path, text) if text.startswith(("{", "[")) else _from_csv(text)
    if not found:
        raise UsageError(f"the user map {path} names no session or folder with a user.", f"Give {_SHAPES}.")
    return found


def _from_json(path: Path, text: str) -> dict[str, str]:
    values, reason = decode_objects(text)
    if len(values) == 1 and reason is None and isinstance(values[0], dict) and "session_id" not in values[0]:
        return {str(key): user.strip() for key, user in values[0].items() if isinstance(user, str) and user.strip()}
    records: Iterable[Any]
    if len(values) == 1 and isinstance(values[0], list):
        records = values[0]
    else:
        records = (item[1] for item in iter_json_records(path) if not isinstance(item, RecordProblem))
    return dict(pair for record in records if (pair := session_and_user(record)) is not None)


def _from_csv(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in csv.reader(io.StringIO(text)):
        if len(row) < 2 or not row[0].strip() or not row[1].strip() or row[0].lstrip().startswith("#"):
            continue
        key, user = row[0].strip(), row[1].strip()
        if not found and user.lower() == "user":
            continue
        found[bare_session_id(key)] = user
    return found


def session_and_user(record: Any) -> tuple[str, str] | None:
    """Return (bare session id, user) of a checkpoint record that has both, else None."""
    if not isinstance(record, dict):
        return None
    session, user = record.get("session_id"), record.get("user")
    if isinstance(session, str) and session and isinstance(user, str) and user.strip():
        return bare_session_id(session), user.strip()
    return None
