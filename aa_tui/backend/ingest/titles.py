"""A session's title from the first thing its user said: one line that says what they wanted. Pure."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"<command-name>\s*(/?[^<]+?)\s*</command-name>")
_ARGUMENTS = re.compile(r"<command-args>\s*([^<]*)")
_TAGS = re.compile(r"</?[a-z][a-z-]*>")
_HEADING = re.compile(r"^#+\s*(?:plan:\s*)?", re.IGNORECASE)


def title_from(text: str) -> str:
    """Return the first line that carries meaning.

    A slash command is shown as it was typed; a line that only announces what follows (`Implement this plan:`) is joined
    with the next one; markdown heading signs are dropped.
    """
    command = _COMMAND.search(text)
    if command:
        arguments = _ARGUMENTS.search(text)
        return f"{command[1]} {arguments[1].strip() if arguments else ''}".strip()
    lines = [_HEADING.sub("", line.strip()).strip() for line in _TAGS.sub("", text).split("\n")]
    told = [line for line in lines if line]
    if not told:
        return text.strip()
    if told[0].endswith(":") and len(told) > 1:
        return f"{told[0]} {told[1]}"
    return told[0]
