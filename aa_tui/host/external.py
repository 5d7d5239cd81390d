"""Other programs that borrow the terminal: a pager and an editor, on private files that are deleted afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aa_tui.backend.support.errors import UsageError


def pager_command(env: Mapping[str, str]) -> list[str]:
    """Return the pager: `$PAGER`, else less, else more.

    Raises:
        UsageError: none of them is there.
    """
    wanted = env.get("PAGER", "")
    for candidate in (wanted, "less", "more"):
        words = shlex.split(candidate) if candidate else []
        if words and shutil.which(words[0]):
            return words
    raise UsageError("No pager was found.", "Set PAGER to a program that shows a file.")


def editor_command(env: Mapping[str, str]) -> list[str]:
    """Return the editor: `$VISUAL`, `$EDITOR`, else nano or vi.

    Raises:
        UsageError: none of them is there.
    """
    for candidate in (env.get("VISUAL", ""), env.get("EDITOR", ""), "nano", "vi"):
        words = shlex.split(candidate) if candidate else []
        if words and shutil.which(words[0]):
            return words
    raise UsageError("No editor was found.", "Set EDITOR to a program that edits a file.")


def run_on_text(command: list[str], text: str, suffix: str = ".txt") -> str:
    """Run a program on a private temporary file that holds `text`; return the file's text afterwards.

    The terminal must have been handed over. The file is readable by this user only and deleted in the end.

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
        environment.setdefault("LESS", "-F -X")
        environment["LESSSECURE"] = "1"
        environment["LESSHISTFILE"] = "-"
        try:
            done = subprocess.run([*command, name], env=environment, check=False)
        except OSError as error:
            raise UsageError(f"{command[0]} did not start: {error.strerror}.", "Set PAGER or EDITOR.") from error
        if done.returncode:
            raise UsageError(f"{command[0]} ended with code {done.returncode}.")
        return path.read_text(encoding="utf-8", errors="replace")
    finally:
        path.unlink(missing_ok=True)
