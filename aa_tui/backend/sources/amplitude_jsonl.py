"""Files of events in Amplitude's shape: JSON Lines, arrays, HTTP bodies, recorded requests. The event itself is mapped
in `amplitude_event`; no HTTP lives here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.amplitude_event import InvalidEvent, event_from_amplitude
from aa_tui.backend.sources.contract import Head, ReadOptions

_IDENTITY = frozenset({"user_id", "device_id", "event_properties", "insert_id", "$insert_id", "time", "event_time"})
_WRAPPERS = ("events", "requests", "body")
"""Members that hold events in a request body or a recording of requests."""


class AmplitudeSource:
    """Raw `[Agent]` and product events."""

    name = "amplitude"
    title = "Amplitude events"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if "event_type" in shape.keys and shape.keys & _IDENTITY:
            return True
        if shape.opening != "{":
            return False
        if "events" in shape.keys and ("api_key" in shape.keys or _holds_events(head)):
            return True
        return "requests" in shape.keys and _holds_events(head)

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        seq = 0
        for item in _records(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, value = item
            for found in _events_in(value):
                seq += 1
                if isinstance(found, str):
                    yield RecordProblem(line, found)
                    continue
                try:
                    yield event_from_amplitude(found, seq)
                except InvalidEvent as error:
                    yield RecordProblem(line, str(error), field=error.field)


def _holds_events(head: Head) -> bool:
    return b'"event_type"' in head.start


def _records(path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
    head = reading.head_of(path)
    if reading.is_json_lines(head):
        yield from reading.iter_json_records(path, options.on_bytes)
        return
    if reading.outline(head).opening == "{" and "event_type" in reading.outline(head).keys:
        document = reading.load_json_document(path, options.on_bytes)
        yield document if isinstance(document, RecordProblem) else (1, document)
        return
    for item in reading.iter_json_members(path, _WRAPPERS, options.on_bytes):
        if isinstance(item, RecordProblem):
            yield item
        elif item[0] is None or item[0] in _WRAPPERS:
            yield item[1] + 1, item[2]


def _events_in(value: Any) -> Iterator[dict[str, Any] | str]:
    """Yield the events of a record: the record itself, or those it wraps; a text says why there are none."""
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, list):
            stack.extend(reversed(found))
        elif isinstance(found, str) and found.startswith(("{", "[")):
            try:
                stack.append(json.loads(found))
            except (ValueError, RecursionError):
                yield "a request body that is not JSON"
        elif not isinstance(found, dict):
            yield f"not an event but {type(found).__name__}"
        elif "event_type" in found or not any(name in found for name in _WRAPPERS):
            yield found
        else:
            stack.extend(found[name] for name in _WRAPPERS if name in found)


AMPLITUDE = AmplitudeSource()
