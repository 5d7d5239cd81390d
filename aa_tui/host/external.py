"""Other programs that borrow the terminal: a pager and an editor, on private files that are deleted afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from aa_tui.backend.support.errors import UsageError

_AT_ONCE_SECONDS = 0.7


def pager_command(env: Mapping[str, str], wanted: str = "") -> list[str]:
    """Return the pager: the one set, else `$PAGER`, less or more.

    Raises:
        UsageError: none of them is there.
    """
    for candidate in (wanted, env.get("PAGER", ""), "less", "more"):
        words = _words(candidate)
        if words and shutil.which(words[0]):
            # less told by LESS=-F to leave short texts at once would show nothing: the app takes the screen again.
            return [*words, "-+F"] if Path(words[0]).name == "less" else words
    raise UsageError("No pager was found.", "Set PAGER to a program that shows a file.")


def editor_command(env: Mapping[str, str], wanted: str = "") -> list[str]:
    """Return the editor: the one set, else `$VISUAL`, `$EDITOR`, nano or vi.

    Raises:
        UsageError: none of them is there.
    """
    for candidate in (wanted, env.get("VISUAL", ""), env.get("EDITOR", ""), "nano", "vi"):
        words = _words(candidate)
        if words and shutil.which(words[0]):
            return words
    raise UsageError("No editor was found.", "Set EDITOR to a program that edits a file.")


def _words(command: str) -> list[str]:
    """Return a command's words; none where a quote is left open."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def run_on_text(command: list[str], text: str, suffix: str = ".txt", wait: bool = False) -> str:
    """Run a program on a private temporary file that holds `text`; return the file's text afterwards.

    The terminal must have been handed over. The file is readable by this user only and deleted in the end. With `wait`
    a program that ends at once, as a pager may with a short text, is followed by a question for enter.

    Raises:
        UsageError: the program could not be started or reported a failure.
    """
    handle, name = tempfile.mkstemp(prefix="aa-tui-", suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        environment = dict(os.environ)
        # A pager must not be made to obey control sequences of an agent's text, nor to keep its search history.
        environment["LESSSECURE"] = "1"
        environment["LESSHISTFILE"] = "-"
        begun = time.monotonic()
        try:
            done = subprocess.run([*command, name], env=environment, check=False)
        except OSError as error:
            raise UsageError(f"{command[0]} did not start: {error.strerror}.", "Set PAGER or EDITOR.") from error
        if done.returncode:
            raise UsageError(f"{command[0]} ended with code {done.returncode}.")
        if wait and time.monotonic() - begun < _AT_ONCE_SECONDS and sys.__stdin__ is not None:
            print("\n(enter goes back to aa-tui) ", end="", flush=True, file=sys.__stderr__)
            sys.__stdin__.readline()
        return path.read_text(encoding="utf-8", errors="replace")
    finally:
        path.unlink(missing_ok=True)
