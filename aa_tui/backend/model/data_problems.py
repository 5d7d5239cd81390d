"""What each soft problem of a session's data means, in words. Where problems are found is ingest's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class DataProblem(NamedTuple):
    """A soft problem: the session was taken in all the same."""

    words: str
    """What it is, in a few words."""
    meaning: str
    """What that does to the numbers, or where it comes from; one sentence."""


PROBLEMS: Mapping[str, DataProblem] = {
    "no_result": DataProblem(
        "calls without a result", "Their outcome and latency are unknown; they do not count as failed."
    ),
    "tool_empty_output": DataProblem(
        "tool calls without any output", "They did not fail, and nothing came back; command lines are not counted."
    ),
    "no_data_returned": DataProblem(
        "tool results without data", "The tool answered that there is nothing, or with an empty list."
    ),
    "property_not_found": DataProblem(
        "properties that were not found", "A tool was asked for a property that it does not have."
    ),
    "no_call": DataProblem("results without a call", "The call itself is missing, so their input is unknown."),
    "incomplete": DataProblem("steps that never ended", "They began, and their end was not recorded."),
    "invalid_format": DataProblem(
        "replies in a wrong form", "The model's reply had to be repaired by whatever ran it."
    ),
    "input_too_deep": DataProblem("inputs nested too deep", "They were left out."),
    "llm_message_not_object": DataProblem(
        "messages in a wrong place", "The text is not where the format wants it, and was not read."
    ),
    "empty_user_message": DataProblem("empty messages of the user", "Content was promised, none was sent."),
    "empty_response": DataProblem(
        "empty answers", "The model answered with neither text nor tool calls, or the text was withheld."
    ),
    "cost_outside_ai_response": DataProblem(
        "costs on other events", "Costs count on model calls, embeddings and spans only."
    ),
    "bad_context": DataProblem(
        "context that cannot be read", "It is not an object of names and values; filters by context miss it."
    ),
    "missing_session_id": DataProblem(
        "events without a session id", "They cannot be told apart from other sessions of the sender."
    ),
    "missing_agent_id": DataProblem("events without an agent", "They count under the session's root agent only."),
    "missing_trace_id": DataProblem("messages without a trace", "Turns were found by the messages themselves."),
    "degraded_session": DataProblem(
        "degraded: a trace without a session",
        "Nothing named the conversation, so the trace stands for a session of its own.",
    ),
    "rebuilt_from_judge_prompt": DataProblem(
        "rebuilt from a judge's prompt", "The original conversation was not imported; costs and times are missing."
    ),
    "orphan_thread": DataProblem("a sub-agent without its parent", "The session that launched it was not imported."),
    "unlinked_thread": DataProblem(
        "a sub-agent not linked to its call", "Its parent does not tell which call launched it; it stands at its time."
    ),
    "orphan_span": DataProblem(
        "steps outside any turn", "Their trace has no message; they stand where their time puts them."
    ),
    "order_mismatch": DataProblem(
        "order and times disagree", "The sender's turn numbers fall while time rises; the times are followed."
    ),
    "duplicate_turn_id": DataProblem("turn numbers used twice", "The order follows the times."),
    "trace_resumed": DataProblem(
        "a trace that was resumed",
        "Messages of a turn came after the next had begun; a turn's steps stay together.",
    ),
    "turn_without_user": DataProblem(
        "turns without the user",
        "The agent speaks first in a later turn: no message of the user was sent.",
    ),
    "event_after_end": DataProblem(
        "events after the session's end", "They belong to the session all the same, and re-opened it."
    ),
    "several_session_ends": DataProblem(
        "several session ends", "Senders with one context per request send many; the session closes at the last."
    ),
    "several_sources": DataProblem(
        "merged from several sources", "The same session arrived by more than one road; each event counts once."
    ),
    "mixed_users": DataProblem("events of several users", "The session counts for the user who was named first."),
}
"""By code, as `warning:CODE` filters them."""


def problem_of(code: str) -> DataProblem:
    """Return what a code means; one that a newer or foreign importer wrote speaks for itself."""
    return PROBLEMS.get(code) or DataProblem(code.replace("_", " "), "")
