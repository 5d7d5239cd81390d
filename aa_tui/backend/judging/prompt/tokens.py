"""How many tokens a text may take in a model, without any model's tokenizer: an estimate on the safe side.

Prices and windows are reckoned with it before a call; what a call really took is what the provider reports.
"""

from __future__ import annotations

import string

DEFAULT_WINDOW = 32_000
"""Tokens a model is taken to hold where nothing is known of it."""

# Tokens per character, by what the character is. Small letters and blanks merge into long tokens. Capitals and digits
# do so in names and years, but hardly in keys, hashes and identifiers, which fill tool outputs. Other scripts count by
# the bytes their letters take.
_RATES: tuple[tuple[float, bytes], ...] = (
    (0.25, (string.ascii_lowercase + " ").encode()),
    (0.9, string.ascii_uppercase.encode()),
    (0.7, string.digits.encode()),
    (0.5, bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != " ")),
)
_WIDE: tuple[tuple[float, bytes], ...] = (
    (0.95, bytes(range(0xC2, 0xE0))),
    (1.25, bytes(range(0xE0, 0xF0))),
    (2.5, bytes(range(0xF0, 0xF5))),
)
_FOLLOWING = bytes(range(0x80, 0xC0))


def estimate_tokens(text: str) -> int:
    """Return about how many tokens `text` takes in common models, rather too many than too few."""
    rest = text.encode("utf-8", "replace")
    tokens = 1.0
    if len(rest) != len(text):
        rest = rest.translate(None, _FOLLOWING)
        for rate, leading in _WIDE:
            left = rest.translate(None, leading)
            tokens += rate * (len(rest) - len(left))
            rest = left
    for rate, members in _RATES:
        left = rest.translate(None, members)
        tokens += rate * (len(rest) - len(left))
        rest = left
    return int(tokens)
