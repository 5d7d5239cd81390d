"""The category of a technical error by its type (spec section 7). How a text gets a type is ingest's business."""

from __future__ import annotations

import re

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


def category_of(error_type: str) -> str:
    """Return the category of an error type: timeout, rate_limit, auth, not_found, invalid_input, upstream,
    content_filter, context_length or unknown."""
    for name, pattern in _CATEGORIES:
        if pattern.search(error_type):
            return name
    return "unknown"
