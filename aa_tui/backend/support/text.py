"""Text at the border: the one normalising step before storage. How text is drawn lives in `drawable.py`."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _replace(match: re.Match[str]) -> str:
    return "\u2400" if match.group() == "\x00" else "\ufffd"


def storable(text: str) -> str:
    """Return `text` as both SQLite and PostgreSQL can hold it: NUL becomes U+2400, lone surrogates U+FFFD.

    Everything else stays untouched: judges and JSON get the raw text, only screens sanitise.
    """
    if text.isascii():  # known without looking; most texts are, and then only NUL can be wrong
        return text.replace("\x00", "\u2400") if "\x00" in text else text
    return _UNSTORABLE.sub(_replace, text) if _UNSTORABLE.search(text) else text
