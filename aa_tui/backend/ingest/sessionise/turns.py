"""A session's places (turn, position, depth, parent) and the rows of its turns, from events already in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aa_tui.backend.ingest.nesting import parents_of
from aa_tui.backend.ingest.sessionise.kinds import AFTERWARDS, AI, FAILING, SPENDING, TOOL, USER
from aa_tui.backend.ingest.sessionise.order import Ordered
from aa_tui.backend.ingest.sessionise.records import Place
from aa_tui.backend.ingest.sessionise.totals import plus, tokens_of
from aa_tui.backend.ingest.sessionise.warnings import DERIVED_CODES, Warn
from aa_tui.backend.ingest.stored import StoredEvent


def places_of(ordered: Sequence[StoredEvent], turn_of: Mapping[int, int], warn: Warn) -> dict[int, Place]:
    """Return the place of every event by id, and collect the warnings that events came with."""
    parents = parents_of(ordered, turn_of)
    depths: dict[int, int] = {}

    def depth(event_id: int) -> int:
        chain: list[int] = []
        at: int | None = event_id
        while at is not None and at not in depths and at not in chain:
            chain.append(at)
            at = parents.get(at)
        base = depths[at] + 1 if at is not None and at in depths else 0
        for one in reversed(chain):
            depths[one] = base
            base += 1
        return depths[event_id]

    places: dict[int, Place] = {}
    by_event = warn.by_event
    for position, event in enumerate(ordered):
        own = event.warnings
        derived = by_event.get(event.id)
        if own is not None or derived:
            codes = {code for code in (own or "").split() if code not in DERIVED_CODES}
            warn.codes |= codes
            codes |= derived or set()
            own = " ".join(sorted(codes)) or None
        id_ = event.id
        parent = parents.get(id_)
        places[id_] = (turn_of.get(id_, 0), position, 0 if parent is None else depth(id_), parent, own)
    return places


def turn_rows(
    ordered: Sequence[Ordered], turn_of: Mapping[int, int], turn_traces: Sequence[tuple[int, str]], timed: bool
) -> list[dict[str, Any]]:
    """Return the turns' rows: `TURN_COLUMNS` of `store.facts`."""
    members: dict[int, list[Ordered]] = {number: [] for number, _ in turn_traces}
    for one in ordered:
        number = turn_of.get(one.event.id)
        if number is not None:
            members[number].append(one)
    return [{"no": number, **_turn(own, timed)} for number, own in members.items()]


def _turn(own: Sequence[Ordered], timed: bool) -> dict[str, Any]:
    """Return a turn's row but its number; sums follow the same rules as those of a session (`Totals`)."""
    trace: str | None = None
    asked: str | None = None
    answer: str | None = None
    any_answer: str | None = None
    started: int | None = None
    ended: int | None = None
    messages = model_calls = tool_calls = tool_errors = errors = 0
    tokens: int | None = None
    cost: int | None = None
    estimated = 0
    for one in own:
        event = one.event
        kind, head = event.kind, event.head
        if trace is None and event.trace_id:
            trace = event.trace_id
        if timed and kind not in AFTERWARDS:
            if started is None or one.at < started:
                started = one.at
            if ended is None or one.end > ended:
                ended = one.end
        if event.is_error and kind in FAILING:
            errors += 1
        if kind == TOOL:
            tool_calls += 1
            tool_errors += event.is_error
        elif kind == AI:
            model_calls += 1
            messages += head is not None
            tokens = plus(tokens, tokens_of(event))
            if head:
                any_answer = head
                if not event.parent_agent_id:
                    answer = head
        elif kind == USER:
            messages += 1
            if asked is None and head and not event.from_agent:
                asked = head
        if event.cost_nano is not None and kind in SPENDING:
            cost = plus(cost, event.cost_nano)
            estimated |= event.cost_estimated
    return {
        "trace_id": trace,
        "started_ms": started,
        "ended_ms": ended,
        "user_head": asked,
        # Lists show one line of a turn: what was asked where that is known.
        "answer_head": None if asked else answer or any_answer,
        "messages": messages,
        "model_calls": model_calls,
        "tool_calls": tool_calls,
        "tool_errors": tool_errors,
        "errors": errors,
        "total_tokens": tokens,
        "cost_nano": cost,
        "cost_estimated": estimated,
    }
