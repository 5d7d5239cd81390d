"""Where coding agents keep their transcripts on this machine, how many, and which will soon be deleted. Reads nothing.

Only names, sizes and times are looked at, never the content of a transcript.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aa_tui.backend.support.clock import DAY_MS, SystemClock

DEFAULT_CLEANUP_DAYS = 30
"""How long Claude Code keeps a transcript after its last change, unless its settings say otherwise."""
WARN_DAYS = 7
"""Transcripts that will be deleted within this many days are counted as expiring."""
_MAX_DEPTH = 6
_LONGEST_SETTINGS = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of one coding agent's transcripts."""

    source: str
    """Name of the source that reads them."""
    title: str
    path: Path
    files: int
    """Transcript files, nested threads of sub-agents included."""
    newest_ms: int
    """When the newest was last changed, epoch milliseconds."""
    bytes: int
    cleanup_days: int | None
    """After how many days the agent deletes a transcript; None when it keeps them."""
    oldest_expiring: int
    """How many the agent will delete within `WARN_DAYS` days, those overdue included."""
    deletes_from_ms: int | None = None
    """When it may delete the first of them, epoch milliseconds; past when overdue, None when none expires soon."""


def find_places(home: Path, env: Mapping[str, str], now_ms: int | None = None) -> list[Place]:
    """Return the places that hold at least one transcript, in a fixed order. Folders that cannot be read are left out.

    `env` may move them: `CLAUDE_CONFIG_DIR`, `CODEX_HOME`, `XDG_CONFIG_HOME`, `XDG_DATA_HOME`.
    """
    now = SystemClock().now_ms() if now_ms is None else now_ms
    found = []
    for config in _claude_folders(home, env):
        found.append(_place("claude-code", "Claude Code", config / "projects", _json_lines, now, _cleanup_days(config)))
    codex = _folder(env.get("CODEX_HOME"), home) or home / ".codex"
    found.append(_place("codex", "Codex", codex / "sessions", _rollout, now))
    found.append(_place("gemini-cli", "Gemini CLI", home / ".gemini" / "tmp", _gemini_chat, now))
    found.append(_place("pi", "pi", home / ".pi" / "agent" / "sessions", _json_lines, now))
    found.append(_place("copilot-cli", "Copilot CLI", home / ".copilot" / "session-state", _copilot_events, now))
    found.append(_place("cursor", "Cursor", home / ".cursor" / "projects", _cursor_transcript, now))
    found.append(_place("droid", "Droid", home / ".factory" / "sessions", _json_lines, now))
    data = _folder(env.get("XDG_DATA_HOME"), home) or home / ".local" / "share"
    # A session's file stands for its messages and parts, which are files of their own elsewhere in the storage.
    found.append(_place("opencode", "OpenCode", data / "opencode" / "storage" / "session", _json, now))
    return [place for place in found if place.files]


def _folder(value: str | None, home: Path) -> Path | None:
    """A folder from the environment; `~` is the given home, so that a test's home stays its own."""
    if not value or not value.strip() or "\0" in value:
        return None
    value = value.strip()
    return home / value[2:] if value.startswith("~/") else Path(value)


def _claude_folders(home: Path, env: Mapping[str, str]) -> list[Path]:
    chosen = _folder(env.get("CLAUDE_CONFIG_DIR"), home)
    if chosen is not None:
        return [chosen]
    return [home / ".claude", (_folder(env.get("XDG_CONFIG_HOME"), home) or home / ".config") / "claude"]


def _cleanup_days(config: Path) -> int:
    try:
        with (config / "settings.json").open("rb") as file:
            settings = json.loads(file.read(_LONGEST_SETTINGS))
    except (OSError, ValueError, RecursionError):
        return DEFAULT_CLEANUP_DAYS
    days = settings.get("cleanupPeriodDays") if isinstance(settings, dict) else None
    if isinstance(days, (int, float)) and not isinstance(days, bool) and 0 <= days < 1e9:
        return int(days)
    return DEFAULT_CLEANUP_DAYS


def _json_lines(_folder: str, name: str) -> bool:
    return name.endswith((".jsonl", ".jsonl.gz"))


def _rollout(_folder: str, name: str) -> bool:
    return name.startswith("rollout-") and name.endswith((".jsonl", ".jsonl.gz", ".json"))


def _gemini_chat(folder: str, name: str) -> bool:
    return os.path.basename(folder) == "chats" and name.endswith((".json", ".jsonl"))  # noqa: PTH119 - hot, names only


def _copilot_events(_folder: str, name: str) -> bool:
    return name in ("events.jsonl", "events.jsonl.gz")


def _cursor_transcript(folder: str, name: str) -> bool:
    return f"{os.sep}agent-transcripts" in folder and name.endswith((".jsonl", ".jsonl.gz"))


def _json(_folder: str, name: str) -> bool:
    return name.endswith((".json", ".json.gz"))


def _place(
    source: str,
    title: str,
    path: Path,
    wanted: Callable[[str, str], bool],
    now: int,
    cleanup_days: int | None = None,
) -> Place:
    files = total = newest = expiring = 0
    first: int | None = None
    for stat in _walk(str(path), wanted, _MAX_DEPTH):
        files += 1
        total += stat.st_size
        changed = stat.st_mtime_ns // 1_000_000
        newest = max(newest, changed)
        if cleanup_days is not None and (goes := changed + cleanup_days * DAY_MS) - WARN_DAYS * DAY_MS < now:
            expiring += 1
            first = goes if first is None else min(first, goes)
    return Place(source, title, path, files, newest, total, cleanup_days, expiring, first)


def _walk(folder: str, wanted: Callable[[str, str], bool], depth: int) -> Iterator[os.stat_result]:
    """Yield the state of each wanted file; links to folders are not followed, so that no circle can trap it."""
    try:
        entries = os.scandir(folder)
    except (OSError, ValueError):
        return
    with entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth > 0:
                        yield from _walk(entry.path, wanted, depth - 1)
                elif wanted(folder, entry.name) and entry.is_file():
                    yield entry.stat()
            except OSError:
                continue
