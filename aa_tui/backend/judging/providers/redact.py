"""Making what servers and libraries say safe to show and store: keys out, one short line. Knows no provider.

Stricter than the redaction of transcripts: in an error message anything that looks like a key is worth losing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from aa_tui.backend.support.text import storable

GONE = "[REDACTED]"
LONGEST_WORDS = 300
_READ = 8_000
"""Characters of a message that are looked at; the rest is dropped before the patterns see it."""
_SHORTEST = 4
"""Known values shorter than this are no keys: replacing them would only garble the text."""
_SHAPES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<![A-Za-z0-9])([a-zA-Z][a-zA-Z0-9+.\-]{1,20}://)[^\s/@\"']{1,400}@", rf"\1{GONE}@"),
        (r"(?i)\b(bearer|basic)\s{1,4}[A-Za-z0-9._~+/=*\-]{6,}", rf"\1 {GONE}"),
        (
            r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|gsk|xai|key|nvapi|tgp|fw|csk|r8|hf|pplx|ghp)[-_]|AKIA|AIza)"
            r"[-_A-Za-z0-9*.]{8,}",
            GONE,
        ),
        (
            r"(?i)((?:api[-_ ]?key|access[-_ ]?key|authorization|token|secret|password|passwd|signature|\bkey)"
            r"(?:\s+(?:provided|is|was))?[\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^\s\"'&,;)}\[\]]{6,}",
            rf"\1{GONE}",
        ),
        (r"(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]{0,200}[0-9])(?=[0-9_]{0,200}[A-Za-z])[A-Za-z0-9_*]{20,}", GONE),
    )
)


def redact(text: str, secrets: Iterable[str] = (), longest: int = LONGEST_WORDS) -> str:
    """Return a text from outside as one line of at most `longest` characters, without keys.

    Args:
        secrets: values that are known; they go in every spelling a message may give them, then what has their shape.
    """
    # A little more is read than shown, so that a key cut in two by the limit is still seen whole.
    text = text[:_READ]
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            for spelling in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}:
                text = text.replace(spelling, GONE)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    text = " ".join(storable(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
