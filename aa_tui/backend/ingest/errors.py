"""What kind of technical error a text or an error type speaks of (spec section 7). Knows no event."""

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
_CATEGORIES = (
    ("rate_limit", re.compile(r"rate.?limit|429|too.?many|throttl|quota", re.IGNORECASE)),
    ("timeout", re.compile(r"time.?out|deadline", re.IGNORECASE)),
    ("auth", re.compile(r"auth|permission|forbidden|denied|credential|\b40[13]\b", re.IGNORECASE)),
    ("context_length", re.compile(r"context.?(?:length|window)|too.?long|max.?tokens", re.IGNORECASE)),
    ("content_filter", re.compile(r"content.?(?:filter|policy)|safety|moderation", re.IGNORECASE)),
    ("not_found", re.compile(r"not.?found|no.?such|enoent|missing|unknown|404|lookup|keyerror", re.IGNORECASE)),
    (
        "invalid_input",
        re.compile(
            r"invalid|validation|bad.?request|valueerror|typeerror|argument|schema|ambiguous|too.?large|not.?read|eisdir|"
            r"no.?changes|file.?changed|\b4(?:00|22)\b",
            re.I,
        ),
    ),
    (
        "upstream",
        re.compile(r"upstream|server.?error|overload|connection|network|unavailable|apierror|api_error|5\d\d", re.I),
    ),
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


def category_of(error_type: str) -> str:
    """Return the category of an error type: timeout, rate_limit, auth, not_found, invalid_input, upstream,
    content_filter, context_length or unknown."""
    for name, pattern in _CATEGORIES:
        if pattern.search(error_type):
            return name
    return "unknown"
