"""What type of technical error a text speaks of (spec section 7). Knows no event and no categories."""

from __future__ import annotations

import re

_LOOKED_AT = 2000
_STATUS = r"(?:(?:status|code|http|error)\W{0,12})"
_TYPES = (
    ("RateLimitError", re.compile(rf"{_STATUS}429\b|rate.?limit|too many requests|quota exceeded", re.IGNORECASE)),
    ("TimeoutError", re.compile(r"timed? ?out|timeout|deadline exceeded", re.IGNORECASE)),
    (
        "AuthError",
        re.compile(
            rf"{_STATUS}40[13]\b|unauthori[sz]ed|permission denied|forbidden|access denied|invalid api key",
            re.IGNORECASE,
        ),
    ),
    (
        "ContextLengthError",
        re.compile(r"context.{0,12}(?:length|window)|prompt is too long|maximum.{0,20}tokens", re.IGNORECASE),
    ),
    ("ContentFilterError", re.compile(r"content.?(?:filter|policy)", re.IGNORECASE)),
    (
        "UpstreamError",
        re.compile(
            rf"{_STATUS}5\d\d\b|overloaded|internal server error|bad gateway|service unavailable|connection "
            r"(?:refused|reset|error)",
            re.IGNORECASE,
        ),
    ),
)
_BARE_STATUS = (
    ("RateLimitError", re.compile(r"\b429\b")),
    ("AuthError", re.compile(r"\b40[13]\b")),
    ("UpstreamError", re.compile(r"\b5\d\d\b")),
)


def error_type_of(message: str | None, is_prose: bool) -> str:
    """Return the error type that a message speaks of, `Error` when it names none.

    `is_prose` says that the message may be any text, such as a tool's output, where a bare number is no status code.
    """
    if not message:
        return "Error"
    start = message[:_LOOKED_AT]
    for name, pattern in _TYPES:
        if pattern.search(start):
            return name
    if not is_prose:
        for name, pattern in _BARE_STATUS:
            if pattern.search(start):
                return name
    return "Error"
