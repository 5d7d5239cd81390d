"""What ran inside of what: the parent of each event of a session (spec section 15). Pure; order is `sessionise`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aa_tui.backend.ingest.stored import StoredEvent
from aa_tui.backend.model.event import EventKind

_AI = int(EventKind.AI_RESPONSE)
_TOOL = int(EventKind.TOOL_CALL)
_SPAN = int(EventKind.SPAN)
_NESTED = (_AI, _TOOL, _SPAN, int(EventKind.EMBEDDING))
_HOLDING = (_TOOL, _SPAN)
"""Kinds whose interval may hold others; a model call does not run steps, it only overlaps them."""
_SCORE = int(EventKind.SCORE)
_AFTERWARDS = (int(EventKind.SESSION_END), int(EventKind.SESSION_ENRICHMENT), int(EventKind.FOREIGN))

_Interval = tuple[float, int, int, StoredEvent]
"""(start, -end, order, event)."""
_Group = tuple[int | None, str | None]
"""(turn, agent)."""


def parents_of(ordered: Sequence[StoredEvent], turn_of: Mapping[int, int]) -> dict[int, int]:
    """Return the parent event by event id, for those that have one; never a loop.

    In order of trust: the id a sender names (parent span or message); for a delegated agent the call of its parent
    that started it; the smallest interval of the same turn and agent that contains it.
    """
    named: dict[str, StoredEvent] = {}
    for event in ordered:
        if event.span_id and event.span_id not in named:
            named[event.span_id] = event
    parents: dict[int, int] = {}
    loose: dict[_Group, list[StoredEvent]] = {}
    holders: dict[_Group, list[StoredEvent]] = {}
    delegated: list[StoredEvent] = []
    for event in ordered:
        kind, id_ = event.kind, event.id
        if kind in _AFTERWARDS:
            continue
        turn = turn_of.get(id_)
        if event.latency_ms and kind in _HOLDING:
            holders.setdefault((turn, event.agent_id), []).append(event)
        wanted = event.parent_id or (event.target_id if kind == _SCORE else None)
        parent = named.get(wanted) if wanted else None
        if parent is not None and parent is not event and not _leads_to(parents, parent.id, id_):
            parents[id_] = parent.id
            continue
        if event.parent_agent_id:
            delegated.append(event)
        if turn and kind in _NESTED:
            loose.setdefault((turn, event.agent_id), []).append(event)
    if delegated:
        _hang_delegates(ordered, turn_of, delegated, parents)
    for group, holding in holders.items():
        members = [event for event in loose.get(group, ()) if event.id not in parents]
        if members:
            _contain(members, holding, parents)
    return parents


def _leads_to(parents: Mapping[int, int], start: int, wanted: int) -> bool:
    at: int | None = start
    while at is not None:
        if at == wanted:
            return True
        at = parents.get(at)
    return False


def _hang_delegates(
    ordered: Sequence[StoredEvent],
    turn_of: Mapping[int, int],
    delegated: Sequence[StoredEvent],
    parents: dict[int, int],
) -> None:
    """Hang what a delegated agent did under the call of its parent agent that was running then."""
    if not delegated:
        return
    calls: dict[tuple[int, str | None], list[StoredEvent]] = {}
    for event in ordered:
        if event.kind == _TOOL:
            calls.setdefault((turn_of.get(event.id, 0), event.agent_id), []).append(event)
    for event in delegated:
        candidates = calls.get((turn_of.get(event.id, 0), event.parent_agent_id), ())
        best: StoredEvent | None = None
        for call in candidates:
            if call.agent_id == event.agent_id or not (call.tool_type == "flow" or _holds(call, event)):
                continue
            if call.tool_type == "flow" and event.time_ms is not None and _start(call) > event.time_ms:
                continue
            if best is None or _start(call) >= _start(best):
                best = call
        if best is not None and not _leads_to(parents, best.id, event.id):
            parents[event.id] = best.id


def _start(event: StoredEvent) -> float:
    return (event.time_ms or 0) - (event.latency_ms or 0)


def _holds(outer: StoredEvent, inner: StoredEvent) -> bool:
    if outer.time_ms is None or inner.time_ms is None or not outer.latency_ms:
        return False
    return _start(outer) <= _start(inner) and inner.time_ms <= outer.time_ms


def _contain(members: Sequence[StoredEvent], holders: Sequence[StoredEvent], parents: dict[int, int]) -> None:
    """Sweep over starts with a stack of open intervals; the innermost that also ends later is the parent."""
    wanted = {event.id for event in members if event.time_ms is not None}
    everything = {event.id: event for event in (*holders, *members) if event.time_ms is not None}
    intervals: list[_Interval] = sorted(
        ((_start(event), -(event.time_ms or 0), at, event) for at, event in enumerate(everything.values())),
        key=lambda interval: interval[:3],
    )
    stack: list[_Interval] = []
    for interval in intervals:
        start, ended, _, event = interval
        while stack and -stack[-1][1] <= start:
            stack.pop()
        if event.id in wanted:
            for outer_start, outer_ended, _, outer in reversed(stack):
                wider = outer_start < start or outer_ended < ended
                if outer_ended <= ended and wider and not _leads_to(parents, outer.id, event.id):
                    parents[event.id] = outer.id
                    break
        if event.latency_ms and event.kind in _HOLDING:
            stack.append(interval)
