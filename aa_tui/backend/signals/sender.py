"""What a session's sender itself says of signals, in its enrichments (spec section 2.8). Hostile values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aa_tui.backend.signals.findings import SENDER, Finding, binary

SAID = "Said by the sender."
"""Rationale of everything here."""
_MOST = 20
_LONGEST = 200
OUTCOMES: Mapping[str, str] = {
    "response_provided": "Response Provided",
    "unable_to_complete": "Unable to Complete",
    "escalated": "Escalated",
    "abandoned": "Abandoned",
}
"""Values of `session_outcome` by how senders write them."""
_JUDGED = (
    "has_task_failure", "has_negative_feedback", "has_data_quality_issues", "has_technical_failure", "overall_outcome",
    "rubrics", "quality_score", "sentiment_score", "user_friction", "negative_feedback_phrases", "task_failure_type",
)  # fmt: skip
"""What only somebody who looked at the session can say."""


def sender_findings(enrichments: object, labels_itself: bool) -> tuple[Finding, ...]:
    """Return the signals that enrichments answer, but data quality, which `reported_issues` gives to its code.

    Args:
        enrichments: the sender's object, or anything else.
        labels_itself: whether the sender withholds texts and labels instead (`customer_enriched`).
    """
    if not isinstance(enrichments, Mapping) or not (labels_itself or _judges(enrichments)):
        return ()
    found: list[Finding] = []
    failed = enrichments.get("has_task_failure")
    if isinstance(failed, bool):
        kind, reason = _text(enrichments.get("task_failure_type")), _text(enrichments.get("task_failure_reason"))
        extras = json.dumps({"task_failure_reason": reason}, ensure_ascii=False) if failed and reason else None
        found.append(_finding("task_completion", not failed, not failed, (kind,) if failed and kind else (), extras))
    if isinstance(enrichments.get("user_friction"), list):
        patterns = texts_of(enrichments["user_friction"])
        found.append(_finding("user_friction", bool(patterns), not patterns, patterns))
    phrases = texts_of(enrichments.get("negative_feedback_phrases"))
    unhappy = bool(phrases) or enrichments.get("has_negative_feedback")
    if isinstance(unhappy, bool):
        found.append(_finding("negative_feedback", unhappy, not unhappy, phrases))
    outcome = OUTCOMES.get(_text(enrichments.get("overall_outcome")))
    if outcome is not None:
        found.append(Finding("session_outcome", outcome, None, SAID, method=SENDER))
    return tuple(found)


def _judges(enrichments: Mapping[str, Any]) -> bool:
    """Tell whether the sender judged at all: SDKs write all flags with any enrichment, false unless set."""
    return any(enrichments.get(name) for name in _JUDGED)


def reported_issues(enrichments: object) -> tuple[str, ...]:
    """Return the data problems that the sender names; `reported` when it only says that there are some."""
    if not isinstance(enrichments, Mapping):
        return ()
    named = texts_of(enrichments.get("data_quality_issues"))
    return named or (("reported",) if enrichments.get("has_data_quality_issues") is True else ())


def texts_of(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, each once, on one line and not endless; nothing of anything else."""
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(text for text in map(_text, value[:_MOST]) if text))


def _text(value: Any) -> str:
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def _finding(
    signal: str, value: bool, passed: bool, labels: tuple[str, ...] = (), extras: str | None = None
) -> Finding:
    return Finding(signal, binary(value), passed, SAID, labels, None, extras, SENDER)
