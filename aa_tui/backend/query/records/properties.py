"""What projected events say: their literal property names and types (spec sections 3.1 and 3.2). Pure.

Properties of what is not known are absent: an unscored session has no Task Completed, and none of its flags either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aa_tui.backend.model.error_categories import category_of
from aa_tui.backend.model.evaluator import Definition, OutputType
from aa_tui.backend.query.records.reading import Close, Judged, Result, Subject, mapping
from aa_tui.backend.signals.by_products import REQUEST_COMPLEXITY, TOPIC_SUMMARY
from aa_tui.backend.signals.data_quality import CLEAN
from aa_tui.backend.signals.registry import SIGNALS
from aa_tui.backend.signals.sender import texts_of
from aa_tui.backend.support.money import nano_to_usd

ORG = "local"
"""`[Agent] Org ID` of everything here."""
_TIERS = ((0.8, "very_high"), (0.6, "high"), (0.4, "moderate"), (0.2, "low"))
_LOWEST = "very_low"
_IMPROVEMENT = "To improve: "
"""Where a rationale goes on with what could be better."""

Properties = dict[str, Any]


def record_properties(project_id: int, subject: Subject, close: Close, taxonomy: str) -> Properties:
    """Return the properties of a session's record for one of its closes.

    Sums of an older close are those it had then. What is asked of senders only (a type of failure…) comes from their
    enrichments where no result says it.
    """
    judged, sent = subject.standing(close.revision), subject.enrichments
    newest = close.revision == subject.row["revision"]
    at = evaluated_ms(close, judged)
    found = {
        **_identity(project_id, subject),
        "Agent Description": subject.row["info"].get("description"),
        "Context": _context(subject),
        "Evaluation Source": "ai",
        "Taxonomy Version": taxonomy,
        "Evaluated At": at,
        "Signal Versions": [f"{name}@{judged[name].version}" for name in SIGNALS if name in judged],
        "Signal Methods": [f"{name}:{judged[name].method}" for name in SIGNALS if name in judged],
        **_sums(subject, close),
        "Models Used": subject.row["models"],
        "Agent Chain": subject.row["agents"],
        "Request Complexity": _value(judged, REQUEST_COMPLEXITY) or _text(sent.get("request_complexity")),
        "Topic Summary": _value(judged, TOPIC_SUMMARY),
        **_flags(judged, sent),
        **_failure(judged, sent),
        "Error Categories": _categories(subject),
        **(_scores(subject) if newest else {"Quality Score": _quality(judged)}),
    }
    for signal in SIGNALS.values():
        if (one := judged.get(signal.id)) is not None:
            found |= _SIGNAL_PROPERTIES[signal.id](one)
    return _literal(found)


def evaluator_properties(project_id: int, subject: Subject, result: Result) -> Properties:
    """Return the properties of one verdict of an evaluator, with the dimensions of its session."""
    close = next((one for one in subject.closes if one.revision == result.revision), None)
    judged = subject.standing(result.revision if close is not None else subject.row["revision"])
    sums = _sums(subject, close) if close is not None else _sums_now(subject)
    flags = _flags(judged, subject.enrichments)
    rationale, _, improvement = result.rationale.partition(_IMPROVEMENT)
    found = {
        **_identity(project_id, subject),
        "Evaluation Source": result.source,
        "Evaluator ID": str(result.evaluator_id),
        "Evaluator Version": str(result.version),
        "Evaluator Name": result.name,
        "Evaluator Output Type": result.output_type,
        "Evaluated At": result.at_ms,
        "Evaluation Method": "llm" if result.method == "llm" else "code",
        "Evaluator Model": result.model,
        **_answer(subject, result),
        "Evaluator Passed": result.passed,
        "Improvement Opportunities": improvement.strip() or None,
        "Rationale": rationale.strip() or None,
        "Evidence": result.evidence or None,
        "Evaluator Enrichment Cost USD": nano_to_usd(result.cost_nano),
        **sums,
        "Models Used": subject.row["models"],
        **{name: value for name, value in flags.items() if name != "Has Task Failure"},
        "Topic Summary": _value(judged, TOPIC_SUMMARY),
    }
    return _literal(found)


def evaluated_ms(close: Close, judged: Mapping[str, Judged]) -> int:
    """Return when a record was evaluated: at its newest result, else when the close was written."""
    return max((one.at_ms for one in judged.values() if one.at_ms is not None), default=close.written_ms)


def _literal(found: Mapping[str, Any]) -> Properties:
    """Return what is known under its literal names."""
    return {f"[Agent] {name}": value for name, value in found.items() if value is not None and value != []}


def _identity(project_id: int, subject: Subject) -> Properties:
    row, info = subject.row, subject.row["info"]
    versions = info.get("versions")
    return {
        "Session ID": row["key"],
        "Agent ID": row["agent"],
        "Org ID": ORG,
        "Project ID": str(project_id),
        "Customer Org ID": _text(info.get("org")),
        "Agent Version": str(versions[-1]) if isinstance(versions, list) and versions else None,
        "Root Agent Name": row["agent"],
        "Agent Chain Depth": len(row["agents"]),
    }


def _context(subject: Subject) -> str | None:
    context = subject.row["info"].get("context")
    return json.dumps(context, ensure_ascii=False, separators=(",", ":")) if context else None


def _sums(subject: Subject, close: Close) -> Properties:
    """Return the sums of a close: those of the session for its newest one, for an older one what was written then."""
    if close.revision == subject.row["revision"] or not close.was:
        return {**_sums_now(subject), "Close Reason": close.reason}
    return {**_sums_of({**subject.row, **close.was}), "Close Reason": close.reason}


def _sums_now(subject: Subject) -> Properties:
    return {**_sums_of(subject.row), "Close Reason": subject.row["close_reason"]}


def _sums_of(row: Mapping[str, Any]) -> Properties:
    score = row["user_score"]
    return {
        "Turn Count": row["turns"],
        "Session Total Tokens": row["total_tokens"],
        "Session Avg Latency Ms": row["latency_avg_ms"],
        "Session Cost USD": nano_to_usd(row["cost_nano"]),
        "Technical Error Count": row["errors"],
        "Has Technical Failure": row["errors"] > 0,
        "Has User Feedback": score is not None,
        "User Score": score,
    }


def _flags(judged: Mapping[str, Judged], sent: Mapping[str, Any]) -> Properties:
    """Return what failed, by results or else by the sender; a flag that nobody can set is not there."""
    failed = _true(judged, "task_completion")
    failure = None if failed is None else not failed
    return {
        "Has Task Failure": failure or (True if sent.get("has_task_failure") is True else failure),
        "Has Negative Feedback": _true(judged, "negative_feedback"),
        "Has Data Quality Issues": _true(judged, "data_quality"),
    }


def _failure(judged: Mapping[str, Judged], sent: Mapping[str, Any]) -> Properties:
    if (one := judged.get("task_completion")) is not None:
        if one.value == "True":
            return {}
        kind, reason = next(iter(one.labels), None), one.extras.get("task_failure_reason")
    else:
        kind = reason = None
    return {
        "Task Failure Type": kind or _text(sent.get("task_failure_type")),
        "Task Failure Reason": _text(reason) or _text(sent.get("task_failure_reason")),
    }


def _categories(subject: Subject) -> list[str]:
    sent = texts_of(subject.enrichments.get("error_categories"))
    return list(dict.fromkeys([*(category_of(one) for one in subject.error_types), *sent]))


def _scores(subject: Subject) -> Properties:
    return {"Quality Score": subject.row["quality_score"], "Sentiment Score": subject.row["sentiment_score"]}


def _quality(judged: Mapping[str, Judged]) -> float | None:
    """Return the quality of a replaced close: the mean of the two that it is made of, where either ran."""
    asked = [judged[name].value == "True" for name in ("task_completion", "response_quality") if name in judged]
    return sum(asked) / len(asked) if asked else None


def _true(judged: Mapping[str, Judged], signal: str) -> bool | None:
    one = judged.get(signal)
    return None if one is None else one.value == "True"


def _value(judged: Mapping[str, Judged], signal: str) -> str | None:
    one = judged.get(signal)
    return None if one is None else one.value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _with_reasons(name: str, evidence: bool = False) -> Callable[[Judged], Properties]:
    def properties(one: Judged) -> Properties:
        found = {name: one.value, f"{name} Rationale": one.rationale or None}
        return {**found, f"{name} Evidence": one.evidence or None} if evidence else found

    return properties


def _friction(one: Judged) -> Properties:
    return {
        "Has User Friction": one.value == "True",
        "User Friction Rationale": one.rationale or None,
        "Detected User Friction": list(one.labels),
        "User Friction": list(one.labels),
    }


def _data_quality(one: Judged) -> Properties:
    return {
        "Detected Data Quality Issues": list(one.labels),
        "Data Quality Rationale": one.rationale or None,
        "Data Quality Evidence": one.evidence or (CLEAN if one.value == "False" else None),
    }


_SIGNAL_PROPERTIES: Mapping[str, Callable[[Judged], Properties]] = {
    "task_completion": _with_reasons("Task Completed", evidence=True),
    "response_quality": _with_reasons("Response Quality", evidence=True),
    "session_safety": _with_reasons("Session Safety"),
    "user_intent": _with_reasons("User Intent"),
    "session_outcome": _with_reasons("Session Outcome"),
    "user_friction": _friction,
    "negative_feedback": lambda one: {"Detected Negative Feedback": list(one.labels)},
    "data_quality": _data_quality,
}
"""What a signal's result writes besides the flags that several results share."""


def _answer(subject: Subject, result: Result) -> Properties:
    if result.output_type == OutputType.BINARY:
        positive = result.value.casefold() in ("true", "pass")
        return {"Binary Label": positive, "Binary Value": int(positive), "Detected": positive}
    if result.output_type == OutputType.SCORE:
        score = result.score
        return {
            "Score Value": score,
            "Score Label": None if score is None else _tier(result, score),
            "Target ID": subject.row["key"],
            "Target Type": "session",
        }
    chosen = result.labels or (result.value,)
    return {
        "Primary Label": chosen[0],
        "Secondary Label": list(chosen[1:]),
        "Selection Mode": "multiple" if result.definition.get("multiple") else "single",
    }


def _tier(result: Result, score: float) -> str | None:
    """Return the name of a score's tier: the evaluator's own, else that of its place in the range."""
    try:
        scale = Definition.of({**result.definition, "output_type": result.output_type}).scale
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if scale.tiers:
        return scale.tier_of(score)
    if not mapping(result.definition.get("scale")) or scale.most <= scale.least:
        return None
    place = (score - scale.least) / (scale.most - scale.least)
    return next((name for least, name in _TIERS if place >= least), _LOWEST)
