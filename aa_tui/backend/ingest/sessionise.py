"""From all events of one session to everything derived from them: order, turns, nesting, sums, facets, rollups. Pure.

`derive` depends only on the set of events, never on the order they arrived in: the same events give the same session in
any order and split over any number of imports.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aa_tui.backend.ingest.closing_rules import SessionSettings, State, state_of
from aa_tui.backend.ingest.errors import category_of
from aa_tui.backend.ingest.nesting import parents_of
from aa_tui.backend.ingest.rules import IS_EDIT, IS_REGENERATION, is_machine, rule_hits
from aa_tui.backend.ingest.stored import CONTEXT, HAS_REASONING, TAGS, StoredEvent, props_of
from aa_tui.backend.ingest.titles import title_from
from aa_tui.backend.model import histogram
from aa_tui.backend.model.event import EventKind, TimeQuality
from aa_tui.backend.store.rollups import (
    BUCKET_MS,
    SIGNALS,
    DimKey,
    LatencyKey,
    SessionKey,
    UserKey,
    signal_value,
    tool_error_value,
)

TITLE_CHARS = 200
FACET_CHARS = 200
"""Longer facet values are cut here."""
MOST_VALUES = 50
"""Values of one facet key that a session may have; more would be data, not a dimension."""
UNKNOWN_AGENT = "unknown"
LONE_RESULT = "tool_result"
"""Name of the span that stands for a tool result whose call is not in the source."""

_USER = int(EventKind.USER_MESSAGE)
_AI = int(EventKind.AI_RESPONSE)
_TOOL = int(EventKind.TOOL_CALL)
_EMBEDDING = int(EventKind.EMBEDDING)
_SPAN = int(EventKind.SPAN)
_END = int(EventKind.SESSION_END)
_ENRICHMENT = int(EventKind.SESSION_ENRICHMENT)
_SCORE = int(EventKind.SCORE)
_FOREIGN = int(EventKind.FOREIGN)
_MESSAGES = (_USER, _AI)
_CONVERSATION = (_USER, _AI, _TOOL)
_STEPS = (_TOOL, _EMBEDDING, _SPAN)
_FAILING = (_AI, _TOOL, _SPAN)
_SPENDING = (_AI, _EMBEDDING, _SPAN)
_AFTERWARDS = (_SCORE, _ENRICHMENT, _FOREIGN)
"""Kinds that say something about a session without being part of it: they move neither its end nor its closing."""
_UNTIMED = (TimeQuality.ORDER_ONLY, TimeQuality.PLACEHOLDER)
_QUALITY_RANK = {
    TimeQuality.EXACT: 0, TimeQuality.ZONE_ASSUMED: 1, TimeQuality.PLACEHOLDER: 2, TimeQuality.ORDER_ONLY: 3,
}  # fmt: skip
_TOOL_FINISH = ("tool_calls", "tool_use", "toolUse", "function_call")

DERIVED_CODES = frozenset(
    {"duplicate_turn_id", "order_mismatch", "trace_resumed", "turn_without_user", "orphan_span", "event_after_end"}
)
"""Warnings that derivation puts on events; everything else on an event came with it."""

_CONTEXT_FACETS = {
    "repository": "repository", "branch": "branch", "cwd": "cwd", "version": "version", "env": "env",
    "customer_org": "org",
}  # fmt: skip
_NOT_DIMENSIONS = frozenset({"title", "resume", "idle_timeout_minutes"})
_INFO_PROPERTIES = {
    "[Agent] Agent Description": "description",
    "[Agent] SDK Version": "sdk",
    "[Agent] Runtime": "runtime",
    "[Amplitude] Session Replay ID": "replay",
    "[Agent] Locale": "locale",
    "[Agent] Git SHA": "git_sha",
}
_COUNTED = {f"signal.{name}": name for name in SIGNALS}
"""Signal by the facet key of its value, where rollups count it."""
_CONTENT_MODES = ("customer_enriched", "metadata_only", "full")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a session elsewhere than in its events."""

    signals: tuple[tuple[str, str | None, bool | None], ...] = ()
    """(signal, value, passed)."""
    evaluators: tuple[tuple[str, str | None, bool | None], ...] = ()
    """(evaluator name, value, passed)."""
    answered: tuple[tuple[str, str], ...] = ()
    """(criterion name, answer)."""


NOTHING_RECORDED = Recorded()


@dataclass(slots=True)
class Contribution:
    """What one session adds to the rollups."""

    sessions: dict[SessionKey, tuple[int, ...]] = field(default_factory=dict)
    dims: dict[DimKey, list[int]] = field(default_factory=dict)
    latencies: dict[LatencyKey, int] = field(default_factory=dict)
    users: dict[UserKey, int] = field(default_factory=dict)


Place = tuple[int, int, int, int | None, str | None]
"""(turn number, position, depth, parent event, warnings) of an event."""


@dataclass(slots=True)
class DerivedSession:
    """Everything that follows from a session's events."""

    row: dict[str, Any]
    """Session columns but `revision` and `updated_ms`."""
    turns: list[dict[str, Any]]
    places: dict[int, Place]
    """By event id."""
    facets: set[tuple[str, str]]
    contribution: Contribution
    state: State


class _Ordered:
    """An event with what ordering it took."""

    __slots__ = ("at", "end", "event", "start")

    def __init__(self, event: StoredEvent, start: int, end: int) -> None:
        self.event = event
        self.start = start
        self.end = end
        self.at = start
        """Start, moved so that messages keep the order their Turn IDs and times agree on."""


def _key(one: _Ordered) -> tuple[int, int, int, int, int, str]:
    event = one.event
    return one.at, one.end, event.turn_id or 0, one.start, event.seq, event.insert_id


def _timed(events: Sequence[StoredEvent]) -> list[_Ordered]:
    """Give every event a start and an end; one without a time takes those of its neighbour in the source."""
    found: list[_Ordered] = []
    missing = False
    for event in events:
        end = event.time_ms
        if end is None or event.time_quality == TimeQuality.ORDER_ONLY:
            missing = True
            found.append(_Ordered(event, 0, 0))
        else:
            latency = event.latency_ms
            found.append(_Ordered(event, end - int(latency) if latency and latency > 0 else end, end))
    if missing:
        in_source = sorted(found, key=lambda one: (one.event.source, one.event.seq, one.event.insert_id))
        known = [one.end for one in in_source if not _without_time(one.event)]
        last = known[0] if known else 0
        for one in in_source:
            if _without_time(one.event):
                one.start = one.end = one.at = last
            else:
                last = one.end
    return found


def _without_time(event: StoredEvent) -> bool:
    return event.time_ms is None or event.time_quality == TimeQuality.ORDER_ONLY


def _apply_turn_ids(trace: Sequence[_Ordered], warn: Warn) -> None:
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


class Warn:
    """Collects codes by event and for the session."""

    def __init__(self) -> None:
        self.by_event: dict[int, set[str]] = {}
        self.codes: set[str] = set()

    def __call__(self, code: str, event: StoredEvent | None = None) -> None:
        """Note a code, on an event or only on the session."""
        self.codes.add(code)
        if event is not None:
            self.by_event.setdefault(event.id, set()).add(code)


def derive(
    key: str,
    events: Sequence[StoredEvent],
    settings: SessionSettings,
    now_ms: int,
    recorded: Recorded = NOTHING_RECORDED,
    frozen: State | None = None,
) -> DerivedSession:
    """Derive a session from all its events.

    Args:
        key: the session's key.
        events: all its events, at least one, in any order.
        settings: what the project says of closing and scores.
        now_ms: the present, epoch milliseconds; only the state depends on it.
        recorded: results and answers that did not come as events.
        frozen: the state to assume instead of computing it: what the store has of the session now.
    """
    warn = Warn()
    traces = _traces(key, _timed(events), warn)
    ordered, turn_of, turn_traces = _order(key, traces, warn)
    in_order = [one.event for one in ordered]
    core = [one for one in ordered if one.event.kind not in _AFTERWARDS] or ordered
    steps = [one.event for one in core]
    quality = max(
        (event.time_quality for event in steps if not _without_time(event)),
        key=lambda name: _QUALITY_RANK[TimeQuality(name)],
        default=str(TimeQuality.ORDER_ONLY),
    )
    timed = quality != TimeQuality.ORDER_ONLY
    started = min(one.at for one in core) if timed else None
    ended = max(one.end for one in core) if timed else None
    received = min(event.received_ms for event in in_order)
    state = frozen or state_of(in_order, settings, now_ms, started, ended, untimed=quality in _UNTIMED)
    _warn_of_ends(ordered, warn)
    places = _places(in_order, turn_of, warn)
    totals = _Totals(in_order)
    info, facets = _describe(in_order, totals, settings, warn)
    agents = _agent_chain(steps)
    hits = rule_hits(in_order, state.closed, state.close_reason == "timeout")
    topics = _topics(info.get("enrichments"))
    row = {
        "key": key,
        "sort_at": started if started is not None else received,
        "started_ms": started,
        "ended_ms": ended,
        "time_quality": quality,
        "agent": agents[0],
        "user_id": _user(steps, warn) or _user(in_order, warn),
        "state": state.state,
        "close_reason": state.close_reason,
        "closed_ms": state.closed_ms,
        "close_due_ms": state.close_due_ms,
        "title": _title(in_order, info),
        "source": steps[0].source,
        "agents": _json(agents),
        "turns": len(turn_traces),
        "duration_ms": ended - started if started is not None and ended is not None else None,
        "topic": topics[0] if topics else None,
        "rules": " ".join(sorted(hits)),
        "content_mode": next((mode for mode in _CONTENT_MODES if mode in info.get("content_modes", ())), None),
        **totals.columns(),
        **_scores(totals, info.get("enrichments"), recorded),
    }
    sources = sorted({event.source for event in steps if event.source})
    if len(sources) > 1:
        warn("several_sources")
        info["sources"] = sources
    if hits:
        info["rule_hits"] = dict(sorted(hits.items()))
    row["info"] = _json(dict(sorted(info.items())))
    row["warnings"] = " ".join(sorted(warn.codes))
    found = _facets(row, facets, totals, agents, hits, topics, sources, warn, recorded, settings)
    turns = _turns(ordered, turn_of, turn_traces, timed)
    contribution = _contribution(row, found, totals, hits)
    return DerivedSession(row, turns, places, found, contribution, state)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- order and turns -----------------------------------------------------------------------------------------------


def _traces(key: str, timed: list[_Ordered], warn: Warn) -> dict[str, list[_Ordered]]:
    traces: dict[str, list[_Ordered]] = {}
    for one in timed:
        traces.setdefault(one.event.trace_id or key, []).append(one)
    _move_scores(key, traces)
    for trace in traces.values():
        _apply_turn_ids(trace, warn)
        _follow_prompts(trace)
    return traces


def _follow_prompts(trace: Sequence[_Ordered]) -> None:
    """Let a step begin no earlier than the prompt that its source recorded before it and that it outlasted.

    A derived start is as good as two clocks: some sources note an answer's start before the prompt they answer.
    """
    prompts = sorted(
        (one for one in trace if one.event.kind == _USER and not one.event.from_agent), key=lambda one: one.at
    )
    if not prompts:
        return
    times = [one.at for one in prompts]
    for one in trace:
        if one.event.kind == _USER or one.at >= one.end:
            continue
        for prompt in reversed(prompts[bisect_right(times, one.at) : bisect_right(times, one.end)]):
            if prompt.event.source == one.event.source and prompt.event.seq < one.event.seq:
                one.at = prompt.at
                break


def _move_scores(key: str, traces: dict[str, list[_Ordered]]) -> None:
    """Put scores into the turn of the message they speak of."""
    scores = [one for trace in traces.values() for one in trace if one.event.kind == _SCORE and one.event.target_id]
    if not scores:
        return
    trace_of = {
        one.event.span_id: name
        for name, trace in sorted(traces.items())
        for one in trace
        if one.event.span_id and one.event.kind in _MESSAGES
    }
    for one in scores:
        wanted = trace_of.get(one.event.target_id or "")
        own = one.event.trace_id or key
        if wanted is not None and wanted != own:
            traces[own].remove(one)
            traces[wanted].append(one)


def _order(
    key: str, traces: dict[str, list[_Ordered]], warn: Warn
) -> tuple[list[_Ordered], dict[int, int], list[tuple[int, str]]]:
    """Return the events in order, the turn number by event id, and (number, trace) of the turns.

    A turn's events stay together, at the place of its first one; events of no turn stand where their time puts them.
    """
    blocks: list[tuple[tuple[int, int, int, int, int, str], list[_Ordered], str | None]] = []
    for name, trace in traces.items():
        trace.sort(key=_key)
        if any(one.event.kind in _MESSAGES for one in trace):
            blocks.append((_key(trace[0]), trace, name))
        else:
            blocks += [(_key(one), [one], None) for one in trace]
            for one in trace:
                if one.event.kind in _STEPS:
                    warn("orphan_span", one.event)
    blocks.sort(key=lambda block: block[0])
    ordered: list[_Ordered] = []
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
            first = next((one.event for one in block if one.event.kind in _CONVERSATION), None)
            if first is not None and first.kind != _USER:
                warn("turn_without_user", first)
    if len(turns) > 1:
        _warn_of_resumed(ordered, turn_of, warn)
    return ordered, turn_of, turns


def _warn_of_resumed(ordered: Sequence[_Ordered], turn_of: Mapping[int, int], warn: Warn) -> None:
    latest = 0
    by_time = sorted(
        (one for one in ordered if one.event.kind in _MESSAGES and not one.event.parent_agent_id), key=_key
    )
    for one in by_time:
        number = turn_of[one.event.id]
        if number < latest:
            warn("trace_resumed", one.event)
        latest = max(latest, number)


def _warn_of_ends(ordered: Sequence[_Ordered], warn: Warn) -> None:
    ends = [one for one in ordered if one.event.kind == _END]
    if not ends:
        return
    if len(ends) > 1:
        warn("several_session_ends")
    first = min(one.end for one in ends)
    for one in ordered:
        if one.event.kind != _END and one.event.kind not in _AFTERWARDS and one.end > first:
            warn("event_after_end", one.event)


def _places(ordered: Sequence[StoredEvent], turn_of: Mapping[int, int], warn: Warn) -> dict[int, Place]:
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
        places[event.id] = (turn_of.get(event.id, 0), position, depth(event.id), parents.get(event.id), own)
    return places


def _turns(
    ordered: Sequence[_Ordered], turn_of: Mapping[int, int], turn_traces: Sequence[tuple[int, str]], timed: bool
) -> list[dict[str, Any]]:
    members: dict[int, list[_Ordered]] = {number: [] for number, _ in turn_traces}
    for one in ordered:
        number = turn_of.get(one.event.id)
        if number is not None:
            members[number].append(one)
    turns = []
    for number, _ in turn_traces:
        own = members[number]
        events = [one.event for one in own]
        core = [one for one in own if one.event.kind not in _AFTERWARDS]
        sums = _turn_sums(events)
        asked = next((e.head for e in events if e.kind == _USER and not e.from_agent and e.head), None)
        answers = [e for e in events if e.kind == _AI and e.head]
        answer = next((e.head for e in reversed(answers) if not e.parent_agent_id), None)
        turns.append(
            {
                "no": number,
                "trace_id": next((e.trace_id for e in events if e.trace_id), None),
                "started_ms": min(one.at for one in core) if timed else None,
                "ended_ms": max(one.end for one in core) if timed else None,
                "user_head": asked,
                "answer_head": answer or (answers[-1].head if answers else None),
                **sums,
            }
        )
    return turns


def _turn_sums(events: Iterable[StoredEvent]) -> dict[str, Any]:
    """Return the sums a turn row has; the same rules as those of a session (`_Totals`)."""
    messages = model_calls = tool_calls = tool_errors = errors = 0
    tokens: int | None = None
    cost: int | None = None
    estimated = 0
    for event in events:
        kind = event.kind
        if event.is_error and kind in _FAILING:
            errors += 1
        if kind == _TOOL:
            tool_calls += 1
            tool_errors += event.is_error
        elif kind == _AI:
            model_calls += 1
            messages += event.head is not None
            tokens = _plus(tokens, _tokens(event))
        elif kind == _USER:
            messages += 1
        if event.cost_nano is not None and kind in _SPENDING:
            cost = _plus(cost, event.cost_nano)
            estimated |= event.cost_estimated
    return {
        "messages": messages,
        "model_calls": model_calls,
        "tool_calls": tool_calls,
        "tool_errors": tool_errors,
        "errors": errors,
        "total_tokens": tokens,
        "cost_nano": cost,
        "cost_estimated": estimated,
    }


# --- sums ----------------------------------------------------------------------------------------------------------


def _plus(total: int | None, value: int | None) -> int | None:
    if value is None:
        return total
    return value if total is None else total + value


def _tokens(event: StoredEvent) -> int | None:
    if event.total_tokens is not None:
        return event.total_tokens
    return _plus(event.input_tokens, event.output_tokens)


class _Totals:
    """Sums over events; None stays None until something is known."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self.messages = self.user_messages = self.model_calls = self.tool_calls = self.tool_errors = self.errors = 0
        self.priced_calls = 0
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.total_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        self.cache_read_tokens: int | None = None
        self.cache_creation_tokens: int | None = None
        self.cost_nano: int | None = None
        self.cost_estimated = False
        self.has_text = False
        self.latencies: list[float] = []
        self.bins: dict[int, int] = {}
        self.ttfb_bins: dict[int, int] = {}
        self.tool_bins: dict[str, dict[int, int]] = {}
        self.models: dict[str, list[int]] = {}
        """[calls, errors, tokens, cost] by model, in order of first use."""
        self.tools: dict[str, list[int]] = {}
        """[calls, errors] by tool."""
        self.error_types: dict[str, int] = {}
        self.failed_tools: set[str] = set()
        self.tool_errors_by_type: dict[tuple[str, str], int] = {}
        """By tool and error type, where it is known."""
        self.providers: set[str] = set()
        for event in events:
            self._add(event)

    def _add(self, event: StoredEvent) -> None:
        kind = event.kind
        if event.is_error and kind in _FAILING:
            self.errors += 1
            name = event.error_type or "Error"
            self.error_types[name] = self.error_types.get(name, 0) + 1
        if event.cost_nano is not None and kind in _SPENDING:
            self.cost_nano = _plus(self.cost_nano, event.cost_nano)
            self.cost_estimated = self.cost_estimated or bool(event.cost_estimated)
        if kind == _TOOL:
            self.tool_calls += 1
            tool = event.name or "unknown"
            counts = self.tools.setdefault(tool, [0, 0])
            counts[0] += 1
            if event.is_error:
                self.tool_errors += 1
                counts[1] += 1
                self.failed_tools.add(tool)
                if event.error_type:
                    pair = (tool, event.error_type)
                    self.tool_errors_by_type[pair] = self.tool_errors_by_type.get(pair, 0) + 1
            if event.latency_ms and event.latency_ms > 0:
                bins = self.tool_bins.setdefault(tool, {})
                number = histogram.bin_of(event.latency_ms)
                bins[number] = bins.get(number, 0) + 1
        elif kind == _SPAN and event.is_error and event.name == LONE_RESULT:
            # The result of a call that a compaction or rewind took out of the transcript: the tool failed all the same.
            self.tool_errors += 1
        elif kind == _AI:
            self._add_answer(event)
        elif kind == _USER:
            self.messages += 1
            if not event.from_agent:
                self.user_messages += 1
            self.has_text = self.has_text or event.head is not None

    def _add_answer(self, event: StoredEvent) -> None:
        if event.head is not None:
            self.messages += 1
            self.has_text = True
        self.model_calls += 1
        tokens = _tokens(event)
        self.input_tokens = _plus(self.input_tokens, event.input_tokens)
        self.output_tokens = _plus(self.output_tokens, event.output_tokens)
        self.total_tokens = _plus(self.total_tokens, tokens)
        self.reasoning_tokens = _plus(self.reasoning_tokens, event.reasoning_tokens)
        self.cache_read_tokens = _plus(self.cache_read_tokens, event.cache_read_tokens)
        self.cache_creation_tokens = _plus(self.cache_creation_tokens, event.cache_creation_tokens)
        self.priced_calls += event.cost_nano is not None
        if event.provider:
            self.providers.add(event.provider)
        if event.model:
            counts = self.models.setdefault(event.model, [0, 0, 0, 0])
            counts[0] += 1
            counts[1] += event.is_error
            counts[2] += tokens or 0
            counts[3] += event.cost_nano or 0
        if event.latency_ms and event.latency_ms > 0:
            self.latencies.append(event.latency_ms)
            number = histogram.bin_of(event.latency_ms)
            self.bins[number] = self.bins.get(number, 0) + 1
        if event.ttfb_ms and event.ttfb_ms > 0:
            number = histogram.bin_of(event.ttfb_ms)
            self.ttfb_bins[number] = self.ttfb_bins.get(number, 0) + 1

    def columns(self) -> dict[str, Any]:
        """Return the session columns these sums fill."""
        latencies = sorted(self.latencies)
        last = len(latencies) - 1
        primary = max(self.models, key=lambda name: self.models[name][0], default=None)
        return {
            "primary_model": primary,
            "models": _json(list(self.models)),
            "messages": self.messages,
            "user_messages": self.user_messages,
            "model_calls": self.model_calls,
            "tool_calls": self.tool_calls,
            "tool_errors": self.tool_errors,
            "errors": self.errors,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_creation_tokens": self.cache_creation_tokens,
            "cost_nano": self.cost_nano,
            "cost_estimated": int(self.cost_estimated),
            "priced_calls": self.priced_calls,
            "latency_avg_ms": sum(latencies) / len(latencies) if latencies else None,
            "latency_p50_ms": latencies[round(0.5 * last)] if latencies else None,
            "latency_p90_ms": latencies[round(0.9 * last)] if latencies else None,
            "latency_bins": histogram.pack(self.bins) or None,
            "has_text": int(self.has_text),
        }


# --- who and what --------------------------------------------------------------------------------------------------


def _agent_chain(ordered: Sequence[StoredEvent]) -> list[str]:
    """Return the agents: the root (of the first event that nobody delegated), then in order of first appearance."""
    named = [event for event in ordered if event.agent_id]
    root = next((event.agent_id for event in named if not event.parent_agent_id), None)
    if root is None:
        root = next((event.parent_agent_id for event in named if event.parent_agent_id), None)
    chain = [root or UNKNOWN_AGENT]
    seen = set(chain)
    for event in named:
        agent = event.agent_id
        if agent is not None and agent not in seen:
            seen.add(agent)
            chain.append(agent)
    return chain


def _user(ordered: Sequence[StoredEvent], warn: Warn) -> str | None:
    users = list(dict.fromkeys(event.user_id for event in ordered if event.user_id))
    if len(users) > 1:
        warn("mixed_users")
    if users:
        return users[0]
    return next((event.device_id for event in ordered if event.device_id), None)


def _title(ordered: Sequence[StoredEvent], info: Mapping[str, Any]) -> str | None:
    given = info.get("title")
    if isinstance(given, str) and given.strip():
        return given.strip()[:TITLE_CHARS]
    asked = [e for e in ordered if e.kind == _USER and not e.from_agent and e.head]
    first = next((e.head for e in asked if not is_machine(e)), None) or next((e.head for e in asked), None)
    if first is None:
        first = next((e.head for e in ordered if e.kind == _AI and e.head), None)
    return None if first is None else title_from(first)[:TITLE_CHARS]


def _describe(
    ordered: Sequence[StoredEvent], totals: _Totals, settings: SessionSettings, warn: Warn
) -> tuple[dict[str, Any], dict[str, dict[str, None]]]:
    """Gather context, tags, versions, enrichments and scores; return what Info shows and facet values by key."""
    context: dict[str, str] = {}
    facets: dict[str, dict[str, None]] = {}
    enrichments: dict[str, Any] = {}
    info: dict[str, Any] = {}
    modes: set[str] = set()
    asked_tools = {event.parent_id for event in ordered if event.kind == _TOOL}
    last_context: object = None
    last_tags: object = None

    def facet(key: str, value: object) -> None:
        values = facets.setdefault(key, {})
        if len(values) < MOST_VALUES:
            values[str(value)[:FACET_CHARS]] = None

    for event in ordered:
        kind = event.kind
        if kind == _AI and event.head is None and not event.is_error and "empty_response" in (event.warnings or ""):
            props = props_of(event)
            if not props.get(HAS_REASONING) and event.span_id not in asked_tools:
                warn.codes.add("empty_response")
        if kind == _SCORE:
            _score_facets(event, settings, facet)
        if event.properties is None:
            continue
        props = props_of(event)
        sent = props.get(CONTEXT)
        if isinstance(sent, Mapping) and sent != last_context:
            last_context = sent
            for name, value in sent.items():
                context.setdefault(name, value)
                if name in _CONTEXT_FACETS:
                    facet(_CONTEXT_FACETS[name], value)
                elif name not in _NOT_DIMENSIONS:
                    facet(f"context.{name[:FACET_CHARS]}", value)
        tags = props.get(TAGS)
        if isinstance(tags, list) and tags != last_tags:
            last_tags = tags
            for tag in tags:
                facet("tag", tag)
        for name in _INFO_PROPERTIES.keys() & props.keys():
            info.setdefault(_INFO_PROPERTIES[name], props[name])
        mode = props.get("[Agent] Content Mode")
        if isinstance(mode, str):
            modes.add(mode)
        if kind == _USER:
            if props.get(IS_EDIT):
                facet("has", "edit")
            if props.get(IS_REGENERATION):
                facet("has", "regeneration")
        if props.get("[Agent] Has Attachments") or props.get("[Agent] Attachments"):
            facet("has", "attachments")
        if kind in (_END, _ENRICHMENT):
            given = props.get("[Agent] Enrichments")
            if isinstance(given, str):
                try:
                    given = json.loads(given)
                except ValueError:
                    given = None
            if isinstance(given, Mapping):
                enrichments.update(given)
    if totals.has_text:
        facet("has", "text")
    if context:
        info["context"] = dict(sorted(context.items()))
        for name in ("title", "resume", "repository", "branch", "cwd", "env"):
            if name in context:
                info[name] = context[name]
        if "customer_org" in context:
            info["org"] = context["customer_org"]
    for key, name in (("tag", "tags"), ("version", "versions")):
        if key in facets:
            info[name] = sorted(facets[key])
    if modes:
        info["content_modes"] = sorted(modes)
        for mode in modes:
            facet("content_mode", mode)
    if enrichments:
        info["enrichments"] = dict(sorted(enrichments.items()))
    user_scores = [
        normal_score(event, settings)
        for event in ordered
        if event.kind == _SCORE and event.score_value is not None and (event.score_source or "user") == "user"
    ]
    if user_scores:
        info["user_score"] = sum(user_scores) / len(user_scores)
    return info, facets


def normal_score(event: StoredEvent, settings: SessionSettings) -> float:
    """Return a score on 0–1: a name that ever exceeds 1 in the project is a 1–5 rating."""
    value = event.score_value or 0.0
    if (event.name or "") in settings.ratings:
        value = (value - 1) / 4
    return max(0.0, min(value, 1.0))


def _score_facets(event: StoredEvent, settings: SessionSettings, facet: Any) -> None:
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


def _topics(enrichments: Any) -> list[str]:
    """Return the primary topics that a sender's topic models gave, in order of model name."""
    if not isinstance(enrichments, Mapping):
        return []
    models = enrichments.get("topic_classifications")
    found: dict[str, None] = {}
    if isinstance(models, Mapping):
        for _, given in sorted(models.items(), key=lambda pair: str(pair[0])):
            if not isinstance(given, Mapping):
                continue
            primary = given.get("primary") or given.get("l1")
            values = given.get("values")
            if not primary and isinstance(values, list) and values:
                primary = values[0]
            if isinstance(primary, str) and primary:
                found[primary[:FACET_CHARS]] = None
    return list(found)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scores(totals: _Totals, enrichments: Any, recorded: Recorded) -> dict[str, float | None]:
    """Return quality and sentiment: the sender's if given, else from recorded signals (spec section 7)."""
    given = enrichments if isinstance(enrichments, Mapping) else {}
    signals = {name: value for name, value, _ in recorded.signals}
    quality = _number(given.get("quality_score"))
    if quality is None:
        asked = [signals[name] for name in ("task_completion", "response_quality") if signals.get(name)]
        if asked:
            quality = sum(value == "True" for value in asked) / len(asked)
    return {"quality_score": quality, "sentiment_score": _number(given.get("sentiment_score"))}


def _sentiment(row: Mapping[str, Any], recorded: Recorded) -> float | None:
    """Return 0.5, less for negative feedback and friction, moved by the user's score; None when nothing is known."""
    signals = {name: value for name, value, _ in recorded.signals}
    feedback, friction, score = signals.get("negative_feedback"), signals.get("user_friction"), row["user_score"]
    if feedback is None and friction is None and score is None:
        return None
    mood = 0.5 - 0.3 * (feedback == "True") - 0.15 * (friction == "True")
    if score is not None:
        mood += 0.3 * (2 * score - 1)
    return max(0.0, min(mood, 1.0))


def _facets(
    row: dict[str, Any],
    given: Mapping[str, Mapping[str, None]],
    totals: _Totals,
    agents: Sequence[str],
    hits: Mapping[str, int],
    topics: Sequence[str],
    sources: Sequence[str],
    warn: Warn,
    recorded: Recorded,
    settings: SessionSettings,
) -> set[tuple[str, str]]:
    info = json.loads(row["info"])
    row["user_score"] = info.get("user_score")
    if row["sentiment_score"] is None:
        row["sentiment_score"] = _sentiment(row, recorded)
    found = {(key, value) for key, values in given.items() for value in values}

    def add(key: str, values: Iterable[object]) -> None:
        for count, value in enumerate(values):
            if count >= MOST_VALUES and key != "tool":
                break
            found.add((key, str(value)[:FACET_CHARS]))

    add("agent", agents)
    if row["user_id"]:
        add("user", [row["user_id"]])
    add("state", ["closed" if row["state"] == "closed" else "open"])
    if row["close_reason"]:
        add("close_reason", [row["close_reason"]])
    add("source", sources)
    add("model", totals.models)
    add("tool", totals.tools)
    add("failed_tool", sorted(totals.failed_tools))
    add("provider", sorted(totals.providers))
    add("error", sorted(totals.error_types))
    add("error_category", sorted({category_of(name) for name in totals.error_types}))
    add("rule", hits)
    add("topic", topics)
    add("warning", sorted(warn.codes))
    for name, value, passed in recorded.signals:
        _result_facets(found, "signal", name, value, passed)
    for name, value, passed in recorded.evaluators:
        _result_facets(found, "eval", name, value, passed)
    for name, answer in recorded.answered:
        found.add((f"reviewed.{name}", answer[:FACET_CHARS]))
    return found


def _result_facets(found: set[tuple[str, str]], kind: str, name: str, value: str | None, passed: bool | None) -> None:
    if value is not None:
        found.add((f"{kind}.{name}", value[:FACET_CHARS]))
    if passed is not None:
        found.add((f"{kind}pass.{name}", "pass" if passed else "fail"))


# --- rollups -------------------------------------------------------------------------------------------------------


def _contribution(
    row: Mapping[str, Any], facets: Iterable[tuple[str, str]], totals: _Totals, hits: Mapping[str, int]
) -> Contribution:
    """Return what the session adds to the rollups; nothing when its time is unknown or made up (decision 3)."""
    made = Contribution()
    if row["time_quality"] in _UNTIMED:
        return made
    bucket, agent = row["sort_at"] // BUCKET_MS, row["agent"]
    tokens, cost = totals.total_tokens or 0, totals.cost_nano or 0
    made.sessions[bucket, agent] = (
        1, row["turns"], totals.messages, totals.model_calls, totals.tool_calls, totals.tool_errors, totals.errors,
        int(totals.errors > 0), int(bool(hits)), totals.input_tokens or 0, totals.output_tokens or 0, cost,
        totals.priced_calls, int(totals.cost_nano is not None), int(totals.cost_estimated), row["duration_ms"] or 0,
    )  # fmt: skip
    for name, (calls, errors, spent, nano) in totals.models.items():
        made.dims["model", bucket, agent, name[:FACET_CHARS]] = [1, calls, errors, spent, nano]
    for name, (calls, errors) in totals.tools.items():
        made.dims["tool", bucket, agent, name[:FACET_CHARS]] = [1, calls, errors, 0, 0]
    for (name, error), count in totals.tool_errors_by_type.items():
        value = tool_error_value(name[:FACET_CHARS], error[:FACET_CHARS])
        made.dims["tool_error", bucket, agent, value] = [1, 0, count, 0, 0]
    for name, count in totals.error_types.items():
        made.dims["error", bucket, agent, name[:FACET_CHARS]] = [1, 0, count, 0, 0]
    for name, count in hits.items():
        made.dims["rule", bucket, agent, name] = [1, count, 0, 0, 0]
    for key, value in facets:
        if key in ("version", "topic", "repository", "source"):
            made.dims[key, bucket, agent, value] = [1, totals.model_calls, totals.errors, tokens, cost]
        elif key in _COUNTED:
            made.dims["signal", bucket, agent, signal_value(_COUNTED[key], value)] = [1, 0, 0, 0, 0]
    if row["user_id"] is not None:
        made.users[bucket, agent, row["user_id"]] = 1
    for dim, value, bins in (
        ("", "", totals.bins),
        ("ttfb", "", totals.ttfb_bins),
        *(("tool", name[:FACET_CHARS], bins) for name, bins in totals.tool_bins.items()),
    ):
        for number, count in bins.items():
            place = (dim, bucket, agent, value, number)
            made.latencies[place] = made.latencies.get(place, 0) + count
    return made
