"""From what a server says to the kind of an error: which may be tried again, which will not go away. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aa_tui.backend.judging.providers.contract import ProviderError
from aa_tui.backend.model.judgement import ErrorKind

_LONGEST_RETRY_AFTER_S = 86_400.0
_QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "insufficient_credits",
        "credits_exhausted",
        "access_terminated",
    }
)
_QUOTA = re.compile(
    r"(?i)insufficient[ _](?:credit|fund|balance|quota)|credit balance|out of credits|billing hard limit"
)
_NO_MODEL = re.compile(
    r"(?i)model[^.]{0,120}(?:not found|does not exist|not exist|unknown|not available|no access|not supported"
    r"|decommissioned|deprecated)|(?:unknown|invalid|unsupported|no such|not found)[^.]{0,20} model|model_not_found"
)
_NO_KEY = re.compile(
    r"(?i)(?:api[ _-]?key|credential|\btoken\b)[^.]{0,60}(?:invalid|incorrect|expired|not valid|missing)"
    r"|(?:invalid|incorrect|expired|missing)[^.]{0,20}(?:api[ _-]?key|credential)|API_KEY_INVALID"
)
_TOO_LONG = re.compile(
    r"(?i)context[ _](?:length|window|size)|maximum context|too many (?:input )?tokens|prompt is too long"
    r"|exceeds? the (?:available )?context|input is too long|context_length_exceeded"
)
_FILTERED = re.compile(r"(?i)content[ _](?:filter|policy|management)|responsible ?ai|moderation|flagged")
_NO_HOST = re.compile(
    r"(?i)name or service not known|nodename nor servname|name resolution|getaddrinfo|no address associated"
    r"|name does not resolve"
)


def from_status(
    status: int, message: str, *, code: str = "", retry_after_s: float | None = None, host: str = ""
) -> ProviderError:
    """Return the error of an HTTP status.

    Args:
        message: what the server said, redacted.
        code: the error's code and type in the body, as the server has them.
        retry_after_s: how long the server asks to wait.
        host: who answered, for the words.
    """
    said = f" It says: {message}" if message else ""
    who = host or "The provider"
    about = f"{code} {message}"

    def error(kind: ErrorKind, words: str, **how: Any) -> ProviderError:
        return ProviderError(kind, f"{words}{said}", status=status, **how)

    if status == 402 or (400 <= status < 500 and (_names(code) & _QUOTA_CODES or _QUOTA.search(about))):
        return error(ErrorKind.QUOTA, f"{who} refuses: quota or credit is used up.", terminal=True)
    if status == 429:
        words = f"{who} says that these are too many requests."
        return error(ErrorKind.RATE_LIMITED, words, retry_after_s=retry_after_s, retryable=True)
    if status in (401, 407) or (status in (400, 403) and _NO_KEY.search(about)):
        return error(ErrorKind.AUTH, f"{who} does not accept the key ({status}).", terminal=True)
    if status in (400, 403, 451) and _FILTERED.search(about):
        return error(ErrorKind.REFUSAL, f"{who} refuses the content ({status}).")
    if status == 403:
        return error(ErrorKind.AUTH, f"{who} forbids this call (403): the key may not use this model.", terminal=True)
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(about)):
        return error(ErrorKind.TOO_LONG, f"The text is too long for the model ({status}).")
    if status in (400, 404, 422) and _NO_MODEL.search(about):
        return error(ErrorKind.UNKNOWN_MODEL, f"{who} does not know the model ({status}).", terminal=True)
    if status in (404, 405):
        words = f"{who} has no chat completions at this address ({status}); base URLs mostly end in /v1."
        return error(ErrorKind.BAD_REQUEST, words, terminal=True)
    if status in (408, 409) or status >= 500:
        return error(
            ErrorKind.UNAVAILABLE,
            f"{who} failed ({status}).",
            retry_after_s=retry_after_s,
            retryable=True,
            maybe_billed=status in (408, 504, 524),
        )
    if 300 <= status < 400:
        words = f"{who} sends callers elsewhere ({status}): state the address it leads to."
        return error(ErrorKind.BAD_REQUEST, words, terminal=True)
    return error(ErrorKind.BAD_REQUEST, f"{who} refuses the request ({status}).")


def no_host(host: str) -> ProviderError:
    """Return the error of a name that leads nowhere."""
    words = f"There is no host “{host}”, or no network to ask for it."
    return ProviderError(ErrorKind.CONNECTION, words, terminal=True)


def sounds_like_no_host(message: str) -> bool:
    """Tell whether a library's message says that a name could not be resolved."""
    return _NO_HOST.search(message) is not None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds a server asks to wait, or None; `headers` are looked up by their usual names."""
    exact = headers.get("retry-after-ms")
    if exact is not None and (wait := _seconds(exact)) is not None:
        return min(wait / 1e3, _LONGEST_RETRY_AFTER_S)
    said = headers.get("Retry-After") or headers.get("retry-after")
    if not said:
        return None
    wait = _seconds(said)
    if wait is None:
        try:
            until = parsedate_to_datetime(said)
        except (ValueError, OverflowError):
            return None
        until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        wait = max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    return min(wait, _LONGEST_RETRY_AFTER_S)


def error_of(document: Any) -> tuple[str, str]:
    """Return (message, code and type) of an error body, whatever its form; empty where there is none."""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error", document)
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    if not isinstance(message, str):
        message = repr(message)
    names = (error.get("code"), error.get("type"), error.get("status"))
    return message, " ".join(str(name) for name in names if isinstance(name, str | int))


def _names(code: str) -> set[str]:
    return set(code.lower().split())


def _seconds(text: str) -> float | None:
    try:
        wait = float(text)
    except ValueError:
        return None
    return wait if 0 <= wait < float("inf") else None
