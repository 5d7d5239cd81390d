"""Text at the border: the one normalising step before storage. How text is drawn lives in `drawable.py`."""

from __future__ import annotations

import re
from hashlib import blake2b

LONGEST_ID = 1000
"""Bytes of an id in UTF-8: two of them fit into a key of PostgreSQL's indexes, which ends at 2,704."""
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


def storable_id(text: str) -> str:
    """Return an id or name as both stores can hold and index it: storable, and at most `LONGEST_ID` bytes.

    Longer ones keep their beginning and end in a digest of the whole, so that different ids stay different.
    """
    text = storable(text)
    if len(text) * 4 <= LONGEST_ID or len(raw := text.encode()) <= LONGEST_ID:
        return text
    digest = blake2b(raw, digest_size=8).hexdigest()
    return f"{raw[: LONGEST_ID - len(digest) - 1].decode(errors='ignore')}~{digest}"
