"""What code alone can tell about a session: rule hits, the code hints of spec section 8. Pure; needs no model.

A rule is evaluated over the session's events in order. Which rules fire:

- `tool_error`: a tool call failed.
- `retry_storm`: at least 3 consecutive calls of one tool with the same input by one agent.
- `tool_cascade_fail`: at least 2 tool calls failed in a row by one agent.
- `interrupted`: the person stopped a step.
- `api_error`: a model call failed, or the source recorded an API error.
- `truncated`: an answer ended because of its length; `content_filtered`: because of a content filter.
- `repeated_request`: at least 2 edits or regenerations, or the person sent the same request (20 characters or more)
  twice.
- `unanswered`: a prompt of the person got no answer although the session went on or timed out, or was ended without
  any answer at all. The last word before an explicit end is a goodbye, not a question.
- `abandoned`: the sender says that the user left after the first answer or before (abandonment turn of 1 or less), or
  the session timed out on something the person had interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.ingest.stored import INPUT_HASH, StoredEvent, props_of
from aa_tui.backend.model.event import EventKind

RETRIES = 3
CASCADE = 2
REPEATS = 2
SHORTEST_REQUEST = 20

ABANDONMENT_TURN = "[Agent] Abandonment Turn"
MESSAGE_SOURCE = "[Agent] Message Source"
IS_EDIT = "[Agent] Is Edit"
IS_REGENERATION = "[Agent] Is Regeneration"

_USER = int(EventKind.USER_MESSAGE)
_AI = int(EventKind.AI_RESPONSE)
_TOOL = int(EventKind.TOOL_CALL)
_SPAN = int(EventKind.SPAN)
_END = int(EventKind.SESSION_END)
_TRUNCATED = frozenset({"length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "model_length"})
_FILTERED = frozenset({"content_filter", "content_filtered", "safety", "SAFETY", "refusal", "RECITATION"})


def is_person(event: StoredEvent) -> bool:
    """Return whether a user message was written by a person, not by a parent agent or the agent's own program."""
    return event.kind == _USER and not event.from_agent and not is_machine(event)


def is_machine(event: StoredEvent) -> bool:
    """Return whether a message was made by the agent's own program."""
    return event.properties is not None and props_of(event).get(MESSAGE_SOURCE) == "machine"


def rule_hits(ordered: Sequence[StoredEvent], closed: bool, timed_out: bool) -> dict[str, int]:
    """Return how often each rule fired, only those that did.

    Args:
        ordered: the session's events in order.
        closed: whether the session is closed.
        timed_out: whether it was closed by its idle timeout rather than by its sender.
    """
    hits: dict[str, int] = {}
    runs: dict[str | None, tuple[object, int]] = {}
    fails: dict[str | None, int] = {}
    requests: set[tuple[str, int]] = set()
    repeats = again = 0
    waiting = answered = False
    unanswered = 0
    stopped_last = False
    left_early = False

    def hit(code: str) -> None:
        hits[code] = hits.get(code, 0) + 1

    for event in ordered:
        kind = event.kind
        if event.interrupted:
            hit("interrupted")
        if kind == _TOOL:
            agent = event.agent_id
            if event.is_error:
                hit("tool_error")
                fails[agent] = fails.get(agent, 0) + 1
                if fails[agent] == CASCADE:
                    hit("tool_cascade_fail")
            else:
                fails[agent] = 0
            same = (event.name, event.head, None if event.properties is None else props_of(event).get(INPUT_HASH))
            last, count = runs.get(agent, (None, 0))
            count = count + 1 if same == last else 1
            runs[agent] = (same, count)
            if count == RETRIES:
                hit("retry_storm")
            stopped_last = bool(event.interrupted)
        elif kind == _AI:
            if event.is_error:
                hit("api_error")
            if event.finish_reason in _TRUNCATED:
                hit("truncated")
            elif event.finish_reason in _FILTERED:
                hit("content_filtered")
            if not event.parent_agent_id and not event.is_error and event.head is not None:
                waiting, answered = False, True
            stopped_last = bool(event.interrupted)
        elif kind == _USER:
            if event.interrupted:
                stopped_last, waiting = True, False
            elif is_person(event):
                unanswered += waiting
                waiting, stopped_last = True, False
                if event.properties is not None:
                    props = props_of(event)
                    repeats += bool(props.get(IS_EDIT)) or bool(props.get(IS_REGENERATION))
                if event.head is not None and event.text_size >= SHORTEST_REQUEST:
                    request = (event.head.casefold(), event.text_size)
                    again += request in requests
                    requests.add(request)
        elif kind == _SPAN:
            if event.is_error and event.name == "api_error":
                hit("api_error")
        elif kind == _END and event.properties is not None:
            turn = props_of(event).get(ABANDONMENT_TURN)
            left_early |= isinstance(turn, int | float) and turn <= 1
    if repeats >= REPEATS or again:
        hits["repeated_request"] = max(repeats, 1) if repeats >= REPEATS else again
    unanswered += waiting and closed and (timed_out or not answered)
    if unanswered:
        hits["unanswered"] = unanswered
    if left_early or (timed_out and stopped_last):
        hits["abandoned"] = 1
    return hits
