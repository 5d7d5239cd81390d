"""Small conversions every importer needs: times, numbers, texts. No format is known here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aa_tui.backend.support.money import NANO, usd_to_nano

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def mapping(value: Any) -> dict[str, Any]:
    """Return the value when it is a JSON object, else an empty one: fields change shape between versions."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return the value when it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return a non-empty string as it is, None for everything else."""
    return value if isinstance(value, str) and value else None


def whole(value: Any) -> int | None:
    """Return a whole number, None for booleans, texts, fractions and absent values."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if -(2**62) < value < 2**62 else None


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        real = float(value)
    except OverflowError:
        return None
    return real if real == real and abs(real) != float("inf") else None


def encoded(value: Any) -> str | None:
    """Return a text as it is, other values as compact JSON, None as None."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def block_text(content: Any) -> str | None:
    """Return the text of message content: a string, or the `text` of its blocks joined by line breaks.

    Blocks without text (images) become `[image]`-like words in brackets, so that nothing is dropped unseen.
    """
    if isinstance(content, str):
        return content or None
    if isinstance(content, dict):
        content = [content]
    pieces: list[str] = []
    for block in items(content):
        if isinstance(block, str):
            pieces.append(block)
        elif isinstance(block, dict):
            piece = block.get("text")
            pieces.append(piece if isinstance(piece, str) else f"[{block.get('type') or 'attachment'}]")
    return "\n".join(pieces) or None


def instant_ms(value: Any) -> int | None:
    """Return epoch milliseconds of an ISO 8601 text; without a zone UTC is assumed. None when it is no time.

    A time before 1970 is none: the year 1 is how some languages write a time that was never set.
    """
    moment = _moment(value)
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        found = (aware - _EPOCH) // _MS
    except OverflowError:
        return None
    return found if found >= 0 else None


def has_zone(value: Any) -> bool:
    """Tell whether an ISO 8601 text names its zone."""
    moment = _moment(value)
    return moment is not None and moment.tzinfo is not None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def epoch_ms(value: Any) -> int | None:
    """Return a number that already is epoch milliseconds, None when it cannot be one."""
    found = whole(value)
    return found if found is not None and 0 <= found <= _MAX_MS else None


def moment_ms(value: Any) -> int | None:
    """Return epoch milliseconds of a time that is an ISO 8601 text in some versions and milliseconds in others."""
    return instant_ms(value) if isinstance(value, str) else epoch_ms(value)


def stated_nano(dollars: Any) -> int | None:
    """Return nano-dollars of a cost a source states in US dollars; exactly zero means that nobody knows it."""
    amount = number(dollars)
    return usd_to_nano(amount) if amount is not None and 0 < amount < 2**62 / NANO else None


def elapsed_ms(start: int | None, end: int | None) -> float | None:
    """Return the milliseconds between two instants, None when one is unknown or they are out of order."""
    return float(end - start) if start is not None and end is not None and end >= start else None


def repository_name(url: str | None, folder: str | None) -> str | None:
    """Return the short name of a repository: the last part of its URL, else of its folder."""
    for value in (url, folder):
        if value and (name := value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]):
            return name.removesuffix(".git") or None
    return None


def stem(path: Path) -> str:
    """Return a file's name without its extensions (`a.json.gz` → `a`, `gpt-4.1_x.json` → `gpt-4.1_x`)."""
    name = path.name
    for extension in (".gz", ".jsonl", ".ndjson", ".json", ".traj"):
        name = name.removesuffix(extension)
    return name or path.name
