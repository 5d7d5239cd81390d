"""Groups of event kinds and time qualities that derivation speaks of. No logic here."""

from __future__ import annotations

from aa_tui.backend.model.event import EventKind, TimeQuality

USER = int(EventKind.USER_MESSAGE)
AI = int(EventKind.AI_RESPONSE)
TOOL = int(EventKind.TOOL_CALL)
EMBEDDING = int(EventKind.EMBEDDING)
SPAN = int(EventKind.SPAN)
END = int(EventKind.SESSION_END)
ENRICHMENT = int(EventKind.SESSION_ENRICHMENT)
SCORE = int(EventKind.SCORE)
FOREIGN = int(EventKind.FOREIGN)
MESSAGES = (USER, AI)
CONVERSATION = (USER, AI, TOOL)
STEPS = (TOOL, EMBEDDING, SPAN)
FAILING = (AI, TOOL, SPAN)
SPENDING = (AI, EMBEDDING, SPAN)
AFTERWARDS = (SCORE, ENRICHMENT, FOREIGN)
"""Kinds that say something about a session without being part of it: they move neither its end nor its closing."""
UNTIMED: tuple[str, ...] = (TimeQuality.ORDER_ONLY, TimeQuality.PLACEHOLDER)
QUALITY_RANK: dict[str, int] = {
    TimeQuality.EXACT: 0, TimeQuality.ZONE_ASSUMED: 1, TimeQuality.PLACEHOLDER: 2, TimeQuality.ORDER_ONLY: 3,
}  # fmt: skip
