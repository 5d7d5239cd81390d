"""The order of a session's events and the turns they belong to. Sums and nesting are elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import attrgetter

from aa_tui.backend.ingest.sessionise.kinds import AFTERWARDS, CONVERSATION, END, MESSAGES, SCORE, STEPS, USER
from aa_tui.backend.ingest.sessionise.warnings import Warn
from aa_tui.backend.ingest.stored import StoredEvent
from aa_tui.backend.model.event import TimeQuality

_ORDER_ONLY = str(TimeQuality.ORDER_ONLY)


class Ordered:
    """An event with what ordering it took."""

    __slots__ = ("at", "end", "event", "start")

    def __init__(self, event: StoredEvent, start: int, end: int) -> None:
        self.event = event
        self.start = start
        self.end = end
        self.at = start
        """Start, moved so that messages keep the order their Turn IDs and times agree on."""


def place_key(one: Ordered) -> tuple[int, int, int, int, int, str]:
    """Return what events are sorted by."""
    event = one.event
    return one.at, one.end, event.turn_id or 0, one.start, event.seq, event.insert_id


def with_times(events: Sequence[StoredEvent]) -> list[Ordered]:
    """Give every event a start and an end; one without a time takes those of its neighbour in the source."""
    found: list[Ordered] = []
    missing = False
    for event in events:
        end = event.time_ms
        if end is None or event.time_quality == _ORDER_ONLY:
            missing = True
            found.append(Ordered(event, 0, 0))
        else:
            latency = event.latency_ms
            found.append(Ordered(event, end - int(latency) if latency and latency > 0 else end, end))
    if missing:
        in_source = sorted(found, key=lambda one: (one.event.source, one.event.seq, one.event.insert_id))
        known = [one.end for one in in_source if not without_time(one.event)]
        last = known[0] if known else 0
        for one in in_source:
            if without_time(one.event):
                one.start = one.end = one.at = last
            else:
                last = one.end
    return found


def without_time(event: StoredEvent) -> bool:
    """Return whether only the order in its source says when an event was."""
    return event.time_ms is None or event.time_quality == _ORDER_ONLY


def _apply_turn_ids(trace: Sequence[Ordered], warn: Warn) -> None:
    """Let Turn IDs order the messages of a trace where they agree with time (spec section 1).

    A derived start can lie before the message that caused it, when a sender stamps late. Where the Turn IDs rise with
    the ends, no start may lie before that of the message with the Turn ID before; other steps of the trace do not
    start before its first message either.
    """
    numbered = [one for one in trace if one.event.turn_id is not None]
    if len(numbered) < 2:
        return
    numbered.sort(key=lambda one: (one.event.turn_id, one.end, one.event.seq, one.event.insert_id))
    seen_message: set[int] = set()
    agree = True
    for before, after in pairwise(numbered):
        if after.end < before.end:
            agree = False
            warn("order_mismatch", after.event)
    for one in numbered:
        number = one.event.turn_id
        if number is not None:
            if number in seen_message:
                warn("duplicate_turn_id", one.event)
            seen_message.add(number)
    if not agree:
        return
    least = numbered[0].start
    for one in numbered:
        least = one.at = max(one.start, least)
    first = numbered[0].at
    for one in trace:
        if one.event.turn_id is None and one.at < first:
            one.at = min(first, one.end)


def traces_of(key: str, timed: list[Ordered], warn: Warn) -> dict[str, list[Ordered]]:
    """Return the events by trace, starts moved to where Turn IDs and prompts say."""
    traces: dict[str, list[Ordered]] = {}
    for one in timed:
        traces.setdefault(one.event.trace_id or key, []).append(one)
    _move_scores(key, traces)
    for trace in traces.values():
        _apply_turn_ids(trace, warn)
        _follow_prompts(trace)
    return traces


def _follow_prompts(trace: Sequence[Ordered]) -> None:
    """Let a step begin no earlier than the prompt that its source recorded before it and that it outlasted.

    A derived start is as good as two clocks: some sources note an answer's start before the prompt they answer.
    """
    prompts = [one for one in trace if one.event.kind == USER and not one.event.from_agent]
    if not prompts:
        return
    prompts.sort(key=attrgetter("at"))
    times = [one.at for one in prompts]
    latest = times[-1]
    for one in trace:
        if one.at >= latest or one.at >= one.end or one.event.kind == USER:
            continue
        for prompt in reversed(prompts[bisect_right(times, one.at) : bisect_right(times, one.end)]):
            if prompt.event.source == one.event.source and prompt.event.seq < one.event.seq:
                one.at = prompt.at
                break


def _move_scores(key: str, traces: dict[str, list[Ordered]]) -> None:
    """Put scores into the turn of the message they speak of."""
    scores = [one for trace in traces.values() for one in trace if one.event.kind == SCORE and one.event.target_id]
    if not scores:
        return
    trace_of = {
        one.event.span_id: name
        for name, trace in sorted(traces.items())
        for one in trace
        if one.event.span_id and one.event.kind in MESSAGES
    }
    for one in scores:
        wanted = trace_of.get(one.event.target_id or "")
        own = one.event.trace_id or key
        if wanted is not None and wanted != own:
            traces[own].remove(one)
            traces[wanted].append(one)


def in_order_of_turns(
    key: str, traces: dict[str, list[Ordered]], warn: Warn
) -> tuple[list[Ordered], dict[int, int], list[tuple[int, str]]]:
    """Return the events in order, the turn number by event id, and (number, trace) of the turns.

    A turn's events stay together, at the place of its first one; events of no turn stand where their time puts them.
    """
    blocks: list[tuple[tuple[int, int, int, int, int, str], list[Ordered], str | None]] = []
    for name, trace in traces.items():
        trace.sort(key=place_key)
        if any(one.event.kind in MESSAGES for one in trace):
            blocks.append((place_key(trace[0]), trace, name))
        else:
            blocks += [(place_key(one), [one], None) for one in trace]
            for one in trace:
                if one.event.kind in STEPS:
                    warn("orphan_span", one.event)
    blocks.sort(key=lambda block: block[0])
    ordered: list[Ordered] = []
    turn_of: dict[int, int] = {}
    turns: list[tuple[int, str]] = []
    for _, block, trace_name in blocks:
        ordered += block
        if trace_name is None:
            continue
        number = len(turns) + 1
        turns.append((number, trace_name))
        for one in block:
            turn_of[one.event.id] = number
        if number > 1:
            first = next((one.event for one in block if one.event.kind in CONVERSATION), None)
            if first is not None and first.kind != USER:
                warn("turn_without_user", first)
    if len(turns) > 1:
        _warn_of_resumed(ordered, turn_of, warn)
    return ordered, turn_of, turns


def _warn_of_resumed(ordered: Sequence[Ordered], turn_of: Mapping[int, int], warn: Warn) -> None:
    latest = 0
    by_time = sorted(
        (one for one in ordered if one.event.kind in MESSAGES and not one.event.parent_agent_id), key=place_key
    )
    for one in by_time:
        number = turn_of[one.event.id]
        if number < latest:
            warn("trace_resumed", one.event)
        latest = max(latest, number)


def warn_of_ends(ordered: Sequence[Ordered], warn: Warn) -> None:
    """Warn of several ends of a session and of events after the first."""
    ends = [one for one in ordered if one.event.kind == END]
    if not ends:
        return
    if len(ends) > 1:
        warn("several_session_ends")
    first = min(one.end for one in ends)
    for one in ordered:
        if one.event.kind != END and one.event.kind not in AFTERWARDS and one.end > first:
            warn("event_after_end", one.event)
