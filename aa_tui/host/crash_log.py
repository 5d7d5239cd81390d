"""Where unexpected errors go: a private file, each with an id to quote.

Local variables are never written: they may hold people's texts and keys.
"""

from __future__ import annotations

import os
import secrets
import time
import traceback
from pathlib import Path

from aa_tui.backend.support.paths import log_dir

_LIMIT = 1_000_000


def log_path() -> Path:
    """Return the log file's path."""
    return log_dir() / "errors.log"


def write_crash(error: BaseException) -> str:
    """Append an error with its stack (files, lines and names only); return a sentence with its id for the screen."""
    crash_id = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S')} {crash_id} {type(error).__name__}\n"]
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames]
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > _LIMIT:
            path.replace(path.with_suffix(".old.log"))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError:
        return f"({type(error).__name__}; no log could be written)"
    return f"{type(error).__name__}, logged as {crash_id} in {path}"
