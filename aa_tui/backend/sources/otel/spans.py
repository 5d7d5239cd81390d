"""The neutral span and log record that every OpenTelemetry encoding is decoded into. No dialect, no encoding here."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_HEX = frozenset("0123456789abcdef")
_MAX_NS = 253_402_300_799_999 * 1_000_000


class Kind(Enum):
    """What a span is in an agent session."""

    MODEL = "model"
    EMBEDDING = "embedding"
    TOOL = "tool"
    STEP = "step"
    """An agent, a chain, a retrieval or any other step worth showing."""
    USER_MESSAGE = "user_message"
    SESSION_END = "session_end"
    PLAIN = "plain"
    """No span of an agent (HTTP, queues…): not shown, but what is below it is."""
    REPEATED = "repeated"
    """Says again what its parent or an event of its own already says: not shown."""


@dataclass(slots=True)
class SpanEvent:
    """A moment inside a span: an exception, or a message in some dialects."""

    name: str
    time_ns: int | None
    attributes: dict[str, Any]


@dataclass(slots=True)
class Span:
    """One span, whatever it came in as."""

    trace_id: str
    """Lower-case hexadecimal, or whatever the source calls a trace."""
    span_id: str
    parent_id: str | None
    """None for a root."""
    name: str
    start_ns: int | None
    """Epoch nanoseconds."""
    end_ns: int | None
    attributes: dict[str, Any]
    """By literal key; values are JSON values."""
    resource: dict[str, Any] = field(default_factory=dict)
    scope: str = ""
    failed: bool = False
    """The status is ERROR."""
    message: str | None = None
    """Status message."""
    events: list[SpanEvent] = field(default_factory=list)
    links: tuple[tuple[str, str], ...] = ()
    """(trace id, span id) of related spans."""
    kind: Kind | None = None
    """Set by a source that knows; None lets the dialect tell."""


@dataclass(slots=True)
class LogRecord:
    """One log record; some instrumentations send message texts as logs tied to a span."""

    name: str
    """Event name, or empty."""
    time_ns: int | None
    trace_id: str | None
    span_id: str | None
    attributes: dict[str, Any]
    body: Any = None
    resource: dict[str, Any] = field(default_factory=dict)
    scope: str = ""


def hex_id(value: Any, digits: int) -> str | None:
    """Return a trace id (32 digits) or span id (16 digits) in lower-case hexadecimal, None when there is none.

    Accepts hexadecimal of either case with or without `0x`, integers, and base64 as some stores write it; any other
    text is an id of its own kind and stays as it is. An id of zeros means that there is none.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return f"{value:0{digits}x}" if 0 < value < 1 << (4 * digits) else None
    if not isinstance(value, str) or not value:
        return None
    lowered = value.lower().removeprefix("0x")
    if len(lowered) <= digits and _HEX.issuperset(lowered):
        return lowered.rjust(digits, "0") if lowered.strip("0") else None
    if len(value) == (24 if digits == 32 else 12) and value.endswith("="):
        try:
            decoded = base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            return value
        return decoded if decoded.strip("0") else None
    return value


def nanoseconds(value: Any, unit: int = 1) -> int | None:
    """Return epoch nanoseconds of a number or a text of digits in units of `unit` nanoseconds, None when it is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 25:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    try:
        found = int(value * unit)
    except OverflowError:
        return None
    return found if 0 < found <= _MAX_NS else None
