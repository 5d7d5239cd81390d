"""The kinds of events, apart from the event itself: who only asks for a kind need not load all its properties."""

from __future__ import annotations

from enum import IntEnum


class EventKind(IntEnum):
    """What an event is. The number is stored; never renumber."""

    PRODUCT = 0
    """Any event that is not `[Agent] …`: what the same users do in the product."""
    USER_MESSAGE = 1
    AI_RESPONSE = 2
    TOOL_CALL = 3
    EMBEDDING = 4
    SPAN = 5
    SESSION_END = 6
    SESSION_ENRICHMENT = 7
    SCORE = 8
    FOREIGN = 9
    """`[Agent]` events that only enrichment may write, legacy and unknown ones: stored, flagged, not derived from."""
    IDENTIFY = 10
    """`$identify`: user properties only."""
