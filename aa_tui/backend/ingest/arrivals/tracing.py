"""One trace, with all that is known of it, to events: what is new, what moves, what is no longer true. No SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aa_tui.backend.ingest.arrivals.records import Trace
from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.sources.otel.mapping import DEGRADED, TOOL_CALLS, TraceOptions, events_of_trace, insert_ids_of
from aa_tui.backend.sources.otel.spans import LogRecord, Span

SOURCE = "otlp"


@dataclass(frozen=True, slots=True)
class Known:
    """An event of the trace that is stored already."""

    insert_id: str
    session_id: int
    source: str
    received_ms: int
    user: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class MappedTrace:
    """What a trace means for the store."""

    events: Sequence[AgentEvent]
    """As they are now; those stored alike need not be written."""
    removed: Sequence[str]
    """Insert ids of what the same trace meant before and does not mean any more."""
    since_ms: int
    """When the oldest request that was mapped came; what is stored of the trace from before stays."""
    settled: bool
    """Nothing seems to be missing: root, parents, texts."""


def prefix_of(trace_id: str) -> str:
    """Return what the insert ids of a trace's events begin with."""
    return insert_ids_of(trace_id)


def map_trace(trace: Trace, known: Sequence[Known], session_keys: Mapping[int, str]) -> MappedTrace:
    """Map a trace.

    What was stored before the oldest request that is still there came from requests that are gone: it stays as it is,
    and gives its session and user to what came after it.

    Args:
        trace: with all its parts in memory.
        known: its events in the store, of any source.
        session_keys: keys of their sessions by id.
    """
    parts = [trace.parts[row] for row in sorted(trace.parts)]
    since = min(part.received_ms for part in parts)
    spans = _in_order(span for part in parts for span in part.spans)
    logs = _once(part.logs for part in parts)
    earlier = {one.insert_id: one for one in known if one.source != SOURCE or one.received_ms < since}
    events = events_of_trace(spans, logs)
    settled = _complete(spans) and not any(map(_lacks_text, events))
    if earlier and any(DEGRADED in event.warnings for event in events):
        events = events_of_trace(spans, logs, _inherited(trace.trace_id, earlier.values(), session_keys))
        agent = next((one.agent for one in earlier.values() if one.agent), None)
        for event in events:
            event.agent_id = event.agent_id or agent
    kept = [event for event in events if event.insert_id not in earlier]
    now = {event.insert_id for event in events}
    removed = [one.insert_id for one in known if one.insert_id not in earlier and one.insert_id not in now]
    return MappedTrace(kept, removed, since, settled)


def _in_order(spans: Iterable[Span]) -> list[Span]:
    """Return each span once, as it came last, in an order that does not depend on how they came.

    The mapping sorts by start and keeps this order among those that start together: the one around the others first.
    """
    found = {span.span_id: span for span in spans}
    return sorted(found.values(), key=lambda span: (-(span.end_ns or 0), span.span_id))


def _once(parts: Iterable[Sequence[LogRecord]]) -> list[LogRecord]:
    """Return the log records of all requests, those that were sent again left out."""
    found: list[LogRecord] = []
    seen: set[tuple[object, ...]] = set()
    for logs in parts:
        fresh = [(_sameness(record), record) for record in logs]
        found += [record for same, record in fresh if same not in seen]
        seen.update(same for same, _ in fresh)
    return found


def _sameness(record: LogRecord) -> tuple[object, ...]:
    return record.span_id, record.name, record.time_ns, repr(record.attributes), repr(record.body)


def _inherited(trace_id: str, earlier: Iterable[Known], session_keys: Mapping[int, str]) -> TraceOptions:
    session = user = None
    for one in earlier:
        key = session_keys.get(one.session_id)
        if session is None and key is not None and key != trace_id:
            session = key
        user = user or one.user
    return TraceOptions(session=session, user=user)


def _complete(spans: Sequence[Span]) -> bool:
    ids = {span.span_id for span in spans}
    has_root = any(span.parent_id is None for span in spans)
    return has_root and all(span.parent_id is None or span.parent_id in ids for span in spans)


def _lacks_text(event: AgentEvent) -> bool:
    """Tell whether a model's answer may yet get its text, from log records that come later."""
    if event.kind is not EventKind.AI_RESPONSE or event.is_error:
        return False
    return event.text is None and TOOL_CALLS not in event.properties
