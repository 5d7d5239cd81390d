"""What may be drawn: the one function that makes stored text safe for a terminal. The store keeps the raw text.

Controls, bidi controls and invisible characters become visible marks; text that is merely foreign stays as it is.
Knows no widget and no style.
"""

from __future__ import annotations

import re

_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0d\U000e0100-\U000e01ef"
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0080-\U000e00ff"
    "\U000e01f0-\U000e0fff"
)
_COMBINING = "\u0300-\u034e\u0350-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MOST_COMBINING = 8
_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]{2,8}\U000e007f"
"""A flag of a region (Scotland, Wales…) is the one place where tag characters belong."""

_UNSAFE = re.compile(
    f"({_FLAG})|(\r\n)|([{_TAGS}]+)|([{_SELECTORS}]+)|([{_COMBINING}]{{{_MOST_COMBINING + 1},}})|([{_HIDDEN}])"
)
_BREAKS = re.compile("[\t\n]")


def _mark(match: re.Match[str]) -> str:
    flag, newline, tags, selectors, combining, hidden = match.groups()
    if flag:
        return flag
    if newline:
        return "\n"
    if tags:
        return f"‹U+E0000 block, {len(tags)} characters›"
    if selectors:
        return f"‹{len(selectors)} variation selectors›"
    if combining:
        return f"{combining[:_MOST_COMBINING]}‹{len(combining) - _MOST_COMBINING} more combining marks›"
    code = ord(hidden)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"‹U+{code:04X}›"


def drawable(text: str, one_line: bool = False) -> str:
    """Return `text` as it may be drawn; applying it twice changes nothing.

    C0 controls become control pictures (Escape is `␛`), C1, bidi and invisible characters `‹U+202E›`; newline and tab
    stay. With `one_line`, line breaks become `⏎` and tabs a blank, so that one record cannot look like two.
    """
    if _UNSAFE.search(text):
        text = _UNSAFE.sub(_mark, text)
    if one_line and _BREAKS.search(text):
        text = text.replace("\n", "⏎").replace("\t", " ")
    return text
