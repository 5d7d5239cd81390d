"""Completing the name of a file or folder on a typed line, as a shell does. Reads names only."""

from __future__ import annotations

import os
import shlex

_MOST = 50


def complete_last_path(line: str) -> list[str]:
    """Return the line with its last word completed to names that exist, folders with a slash; empty where none does.

    Names come quoted as `shlex.split` reads them; hidden ones only when the word begins one.
    """
    head, _, word = _last_word(line)
    folder, _, begun = word.rpartition("/")
    place = os.path.expanduser(f"{folder}/" if "/" in word else "")  # noqa: PTH111 - `~name` without a KeyError
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(place or ".") as entries:
            for entry in entries:
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith(".")):
                    found.append((entry.name, entry.is_dir()))
    except (OSError, ValueError):
        return []
    kept = f"{folder}/" if "/" in word else ""
    return [f"{head}{_quoted(kept + name)}{'/' if is_folder else ''}" for name, is_folder in sorted(found)[:_MOST]]


def _last_word(line: str) -> tuple[str, str, str]:
    """Return what stands before the last word, the word as typed, and what it means without quotes and escapes."""
    start, quote, n = 0, "", 0
    while n < len(line):
        character = line[n]
        if character == "\\" and quote != "'":
            n += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character.isspace():
            start = n + 1
        n += 1
    typed = line[start:]
    try:
        words = shlex.split(typed + quote)
    except ValueError:
        words = []
    return line[:start], typed, words[0] if words else ""


def _quoted(path: str) -> str:
    """Quote a path for `shlex.split`, leaving a leading `~/` to be expanded."""
    home = "~/" if path.startswith("~/") else ""
    return home + "".join(c if c.isalnum() or c in "/._-+,=@%:" else f"\\{c}" for c in path[len(home) :])
