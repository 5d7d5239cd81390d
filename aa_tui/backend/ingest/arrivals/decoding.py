"""Bodies of the inbox to events, or to the parts of traces they hold. Looks nothing up and writes nothing."""

from __future__ import annotations

import json
import zlib
from typing import Any

from aa_tui.backend.ingest.arrivals.records import Part, Taken
from aa_tui.backend.ingest.writer import Incoming
from aa_tui.backend.sources.amplitude_event import InvalidEvent, event_from_amplitude
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.sources.otel.claude_code_logs import events_of_records, is_claude_code
from aa_tui.backend.sources.otel.files import CLAUDE_CODE_TELEMETRY
from aa_tui.backend.sources.otel.requests import NotOtlp, is_of_use, log_records, spans_of
from aa_tui.backend.store.inbox import Waiting

_WITHOUT_SESSION = "telemetry without a session"
_SEQ_PER_MS = 1 << 20
"""More than one request holds, so that positions rise from request to request."""


def events_of_amplitude(row: Waiting, body: bytes, taken: Taken) -> None:
    """Add the events of a request."""
    sent: dict[str, Any] = json.loads(zlib.decompress(body))
    for at, record in enumerate(sent["events"]):
        try:
            event = event_from_amplitude(
                record,
                row.received_ms * _SEQ_PER_MS + at,
                min_id_length=sent["min_id_length"],
                received_ms=row.received_ms,
            )
        except InvalidEvent as error:
            taken.problem(row.kind, str(error))
        except Exception as error:
            # One event that breaks the mapping must not cost the others, nor stop the drain.
            taken.problem(row.kind, f"cannot be mapped: {type(error).__name__}")
        else:
            taken.incoming.append(
                Incoming(event, AMPLITUDE.name, AMPLITUDE.mapper_version, received_ms=row.received_ms)
            )


def parts_of(row: Waiting, body: bytes, taken: Taken | None = None) -> dict[str, Part]:
    """Return what a request holds of each trace; what is of no trace goes to `taken`, which also hears of problems."""
    found: dict[str, Part] = {}
    try:
        raw = zlib.decompress(body)
        if row.kind == "traces":
            for span in spans_of(raw, row.encoding):
                part = found.get(span.trace_id)
                if part is None:
                    part = found[span.trace_id] = Part(row.received_ms)
                part.spans.append(span)
            return found
        records = [one for one in log_records(raw, row.encoding) if is_of_use(one)]
        told = [one for one in records if is_claude_code(one)]
        if told and taken is not None:
            events = events_of_records(told, row.received_ms * _SEQ_PER_MS)
            for event in events:
                taken.incoming.append(Incoming(event, CLAUDE_CODE_TELEMETRY.name, CLAUDE_CODE_TELEMETRY.mapper_version))
            if len(events) < len(told):
                taken.problem(row.kind, _WITHOUT_SESSION, len(told) - len(events))
        for record in records:
            if record.trace_id is not None and not is_claude_code(record):
                found.setdefault(record.trace_id, Part(row.received_ms)).logs.append(record)
    except NotOtlp as error:
        if taken is not None:
            taken.problem(row.kind, str(error), row.items)
    except Exception as error:
        # A request that breaks the decoder must not stop the drain for all that come after it.
        if taken is not None:
            taken.problem(row.kind, f"cannot be decoded: {type(error).__name__}", row.items)
    return found
