"""Copying text out of the terminal: the local tool where a display is at hand, else OSC 52; always within a limit.

Says in words which way was taken, because a terminal may silently ignore OSC 52.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aa_tui.host.terminal import is_remote

LIMIT = 74_994
"""Characters of base64 that common terminals accept in one OSC 52."""

_TOOLS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
    ("", ("clip.exe",)),
)


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a copy."""

    done: bool
    words: str


def local_tool(env: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the command that sets this machine's clipboard, or None."""
    for variable, command in _TOOLS:
        if (not variable or env.get(variable)) and shutil.which(command[0], path=env.get("PATH")):
            return command
    return None


def osc52(text: str, env: Mapping[str, str]) -> str:
    """Return the sequence that asks the terminal to set its clipboard; wrapped for tmux and screen."""
    payload = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    sequence = f"\x1b]52;c;{payload}\x07"
    if env.get("TMUX"):
        # tmux passes it on by itself where set-clipboard is on; the wrapped form needs allow-passthrough.
        return sequence + f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    if env.get("TERM", "").startswith("screen"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence


def copy(text: str, write: Callable[[str], None], mode: str = "auto", env: Mapping[str, str] | None = None) -> Copied:
    """Copy `text`; `write` sends a sequence to the terminal, `mode` is auto, native, osc52 or off."""
    environment = os.environ if env is None else env
    if mode == "off":
        return Copied(False, "copying is switched off (clipboard = off); Y writes to a file")
    tool = None if mode == "osc52" or (mode == "auto" and is_remote(environment)) else local_tool(environment)
    if tool is not None:
        try:
            subprocess.run(tool, input=text.encode("utf-8", "replace"), timeout=3, check=True, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            if mode == "native":
                return Copied(False, f"{tool[0]} failed; Y writes to a file")
        else:
            return Copied(True, "copied to the clipboard")
    elif mode == "native":
        return Copied(False, "no clipboard tool was found (wl-copy, xclip, xsel, pbcopy); Y writes to a file")
    if len(text.encode("utf-8", "replace")) * 4 // 3 > LIMIT:
        return Copied(False, f"too long for the terminal's clipboard ({len(text):,} characters); Y writes to a file")
    write(osc52(text, environment))
    return Copied(True, "sent to the terminal's clipboard")
