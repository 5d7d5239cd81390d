"""Signal: is the session's data sound? Code only: what counts is the caller's, what it amounts to is said here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aa_tui.backend.model.data_problems import problem_of
from aa_tui.backend.signals.contract import NO_MODEL, Signal
from aa_tui.backend.signals.findings import Finding, binary, counted

ID = "data_quality"
CLEAN = "No issues found."
"""The whole rationale and evidence of a session without any problem."""

ISSUES: Mapping[str, tuple[str, str]] = {
    "no_data_returned": ("tool result without data", "tool results without data"),
    "property_not_found": ("property that was not found", "properties that were not found"),
    "empty_response": ("empty answer", "empty answers"),
    "empty_user_message": ("empty message of the user", "empty messages of the user"),
    "unanswered_user_message": ("unanswered message of the user", "unanswered messages of the user"),
    "truncated_response": ("answer cut off by its length", "answers cut off by their length"),
    "content_filtered": ("answer stopped by a content filter", "answers stopped by a content filter"),
    "duplicate_message": ("message that came twice", "messages that came twice"),
    "missing_model": ("answer without a model", "answers without a model"),
    "missing_session_id": ("event without a session id", "events without a session id"),
    "missing_agent_id": ("event without an agent", "events without an agent"),
    "missing_trace_id": ("message without a trace", "messages without a trace"),
    "order_mismatch": ("step whose order and time disagree", "steps whose order and time disagree"),
    "trace_resumed": ("resumed trace", "resumed traces"),
    "turn_without_user": ("turn without the user", "turns without the user"),
    "orphan_span": ("step outside any turn", "steps outside any turn"),
    "llm_message_not_object": ("message in a wrong place", "messages in a wrong place"),
    "cost_outside_ai_response": ("cost on another event", "costs on other events"),
    "bad_context": ("context that cannot be read", "contexts that cannot be read"),
}
"""Codes that set the flag, with their words for one and for several; tool codes are `TOOL_CODES`."""
NOTICES: Mapping[str, tuple[str, str]] = {
    "missing_tokens": ("answer without tokens", "answers without tokens"),
    "missing_cost": ("answer without a cost", "answers without a cost"),
    "missing_latency": ("answer without a latency", "answers without a latency"),
    "duplicate_turn_id": ("turn number used twice", "turn numbers used twice"),
    "several_session_ends": ("session with several ends", "sessions with several ends"),
    # Comes with several ends, which senders with one context per request send by design.
    "event_after_end": ("event after the session's end", "events after the session's end"),
}
"""Codes that are listed without setting the flag. So is every code an importer gave that is not among `ISSUES`."""
TOOL_ERROR, TOOL_EMPTY = "tool_error", "tool_empty_output"
TOOL_CODES: Mapping[str, tuple[str, str]] = {
    TOOL_ERROR: ("failed tool call", "failed tool calls"),
    TOOL_EMPTY: ("tool call without any output", "tool calls without any output"),
}
"""Codes that name their tool: `tool_error:<tool>:<error type>`, `tool_empty_output:<tool>`."""

MOST_CODES = 50
"""Codes that a result lists; the counts of its rationale are of all."""
MOST_EVIDENCE = 10
_LONGEST_NAME = 100

SIGNAL = Signal(
    id=ID,
    version=1,
    title="Data quality",
    question="",
    definition=NO_MODEL,
    property="[Agent] Has Data Quality Issues",
    code_only=True,
    with_evidence=True,
    labels_property="[Agent] Detected Data Quality Issues",
)


@dataclass(frozen=True, slots=True)
class QualityFacts:
    """What a session's events show of its data, counted."""

    codes: Mapping[str, int]
    """By code, those that name no tool."""
    tool_errors: Mapping[tuple[str, str], int]
    """By (tool, error type)."""
    empty_outputs: Mapping[str, int]
    """By tool."""
    places: Sequence[tuple[str, str, int]] = ()
    """(code, role, event) of the first problems."""
    reported: tuple[str, ...] = ()
    """What the sender itself says is wrong."""


def data_quality(facts: QualityFacts) -> Finding:
    """Return the result: value `True` when there is an issue, its codes, and words that are fixed but for counts."""
    if not (facts.codes or facts.tool_errors or facts.empty_outputs or facts.reported):
        return _CLEAN
    issues = {code: n for code, n in facts.codes.items() if code in ISSUES}
    notices = {code: n for code, n in facts.codes.items() if code not in ISSUES}
    failed = {f"{TOOL_ERROR}:{_name(tool)}:{_name(kind)}": n for (tool, kind), n in facts.tool_errors.items()}
    empty = {f"{TOOL_EMPTY}:{_name(tool)}": n for tool, n in facts.empty_outputs.items()}
    codes = [*failed, *empty, *issues, *facts.reported]
    total = sum(failed.values()) + sum(empty.values()) + sum(issues.values()) + len(facts.reported)
    said: list[str] = []
    if failed:
        leaves = [(f"{_name(tool)}: {_name(kind)}", n) for (tool, kind), n in facts.tool_errors.items()]
        said.append(_listed(TOOL_CODES[TOOL_ERROR], leaves))
    if empty:
        said.append(_listed(TOOL_CODES[TOOL_EMPTY], [(_name(tool), n) for tool, n in facts.empty_outputs.items()]))
    said += [_times(ISSUES[code], n) for code, n in issues.items()]
    if facts.reported:
        said.append(f"{len(facts.reported)} reported by the sender ({', '.join(facts.reported)})")
    rationale = f"{total} {'issue' if total == 1 else 'issues'}: {'; '.join(said)}." if codes else CLEAN
    if notices:
        rationale += f" Notices: {'; '.join(_notice(code, n) for code, n in notices.items())}."
    places = [{"quote": code, "role": role, "event": event} for code, role, event in facts.places[:MOST_EVIDENCE]]
    return Finding(
        ID,
        binary(bool(codes)),
        not codes,
        rationale,
        tuple([*codes, *notices][:MOST_CODES]),
        json.dumps(places, ensure_ascii=False) if places else None,
    )


_CLEAN = Finding(ID, binary(False), True, CLEAN)


def _name(text: str) -> str:
    """Return the name of a tool or error type as codes hold it: on one line and not endless."""
    return " ".join(text.split())[:_LONGEST_NAME] or "unknown"


def _times(words: tuple[str, str], count: int) -> str:
    return f"{count} {words[count != 1]}"


def _listed(words: tuple[str, str], leaves: Sequence[tuple[str, int]]) -> str:
    count = sum(n for _, n in leaves)
    return f"{_times(words, count)} ({counted(leaves[:MOST_CODES])})"


def _notice(code: str, count: int) -> str:
    return _times(NOTICES[code], count) if code in NOTICES else problem_of(code).words
