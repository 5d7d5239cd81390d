"""Scores of a session: what its user gave, what its sender or recorded signals say of quality and sentiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aa_tui.backend.ingest.closing_rules import SessionSettings
from aa_tui.backend.ingest.sessionise.records import Recorded
from aa_tui.backend.ingest.stored import StoredEvent


def normal_score(event: StoredEvent, settings: SessionSettings) -> float:
    """Return a score on 0–1: a name that ever exceeds 1 in the project is a 1–5 rating."""
    value = event.score_value or 0.0
    if (event.name or "") in settings.ratings:
        value = (value - 1) / 4
    return max(0.0, min(value, 1.0))


def score_facets(event: StoredEvent, settings: SessionSettings, facet: Any) -> None:
    """Give a score's facets to `facet(key, value)`."""
    name = event.name or "score"
    facet("score", name)
    if event.score_value is None:
        return
    if event.score_value > 1:
        facet("rating", event.name or "")
    if (event.score_source or "user") == "user":
        facet("has", "feedback")
        value = normal_score(event, settings)
        if value >= 0.6:
            facet("feedback", "positive")
        elif value <= 0.4:
            facet("feedback", "negative")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def scores_of(enrichments: Any, recorded: Recorded) -> dict[str, float | None]:
    """Return quality and sentiment: the sender's if given, else from recorded signals (spec section 7)."""
    given = enrichments if isinstance(enrichments, Mapping) else {}
    signals = {name: value for name, value, _ in recorded.signals}
    quality = _number(given.get("quality_score"))
    if quality is None:
        asked = [signals[name] for name in ("task_completion", "response_quality") if signals.get(name)]
        if asked:
            quality = sum(value == "True" for value in asked) / len(asked)
    return {"quality_score": quality, "sentiment_score": _number(given.get("sentiment_score"))}


def sentiment_of(score: float | None, recorded: Recorded) -> float | None:
    """Return 0.5, less for negative feedback and friction, moved by the user's score; None when nothing is known."""
    signals = {name: value for name, value, passed in recorded.signals if passed is not None}
    feedback, friction = signals.get("negative_feedback"), signals.get("user_friction")
    if feedback is None and friction is None and score is None:
        return None
    mood = 0.5 - 0.3 * (feedback == "True") - 0.15 * (friction == "True")
    if score is not None:
        mood += 0.3 * (2 * score - 1)
    return max(0.0, min(mood, 1.0))
