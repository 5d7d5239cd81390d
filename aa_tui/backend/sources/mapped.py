"""Formats of one's own: a TOML file says which member of a JSON Lines record, or which column, is which field.

The file is documented in `docs/import-mapping.md`. Only reading by such a file lives here, no format.
"""

from __future__ import annotations

import json
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import csv_events, reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.csv_events import epoch_of
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import block_text, encoded, has_zone, instant_ms, items, mapping, number
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.money import NANO, usd_to_nano

SUFFIX = ".toml"
"""A format's name with this ending is the path of a mapping file."""
KINDS = {
    "user_message": EventKind.USER_MESSAGE,
    "ai_response": EventKind.AI_RESPONSE,
    "tool_call": EventKind.TOOL_CALL,
    "embedding": EventKind.EMBEDDING,
    "span": EventKind.SPAN,
    "session_end": EventKind.SESSION_END,
    "score": EventKind.SCORE,
    "product": EventKind.PRODUCT,
}
SKIP = "skip"
_TEXTS = {
    "session": "session_key",
    "user": "user_id",
    "device": "device_id",
    "turn": "trace_id",
    "agent": "agent_id",
    "parent_agent": "parent_agent_id",
    "id": "span_id",
    "parent": "parent_id",
    "name": "name",
    "event": "event_type",
    "model": "model",
    "provider": "provider",
    "tool_type": "tool_type",
    "error_type": "error_type",
    "finish_reason": "finish_reason",
    "target": "target_id",
    "score_source": "score_source",
}
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
)
_PARTS = {
    "input": Part.INPUT,
    "output": Part.OUTPUT,
    "reasoning": Part.REASONING,
    "system_prompt": Part.SYSTEM_PROMPT,
    "tool_definitions": Part.TOOL_DEFINITIONS,
    "error": Part.ERROR,
    "stack_trace": Part.STACK_TRACE,
}
_SCALED = {"latency_ms": ("latency_ms", 1.0), "latency_s": ("latency_ms", 1000.0), "ttfb_ms": ("ttfb_ms", 1.0)}
FIELDS = frozenset(
    {*_TEXTS, *_COUNTS, *_PARTS, *_SCALED, "text", "time", "cost_usd", "is_error", "score", "tags", "insert_id"}
)
"""Names that `fields` and `constants` may have."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}\Z")
_TRUE = frozenset({"true", "1", "yes", "error", "failed", "failure"})
_UNITS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_HELP = "See docs/import-mapping.md."


@dataclass(frozen=True, slots=True)
class Template:
    """How one event is made of a record."""

    kind: str | None
    """Kind of all its events; None: told by `kind_path`."""
    fields: Mapping[str, str]
    constants: Mapping[str, Any]
    when: tuple[tuple[str, tuple[str | None, ...]], ...] = ()
    """(path, values): only records that have one of them at each path."""


@dataclass(frozen=True, slots=True)
class Description:
    """A mapping file, checked."""

    name: str
    title: str
    version: int
    is_csv: bool
    records: str | None
    time_unit: str | None
    kind_path: str | None
    kinds: Mapping[str, str]
    default_kind: str
    templates: tuple[Template, ...]
    context: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, taken: frozenset[str] = frozenset()) -> MappedSource:
    """Return the source that a mapping file describes.

    Args:
        path: the TOML file.
        taken: names of formats that the file's own name must not be one of.

    Raises:
        UsageError: the file cannot be read, is no TOML, or says something that is not known.
    """
    try:
        raw = path.read_bytes()
        given = tomllib.loads(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The mapping file {path} cannot be read: {error}", _HELP) from error
    return MappedSource(_checked(path, given, zlib.crc32(raw) & 0x7FFFFFFF, taken))


def _checked(path: Path, given: dict[str, Any], version: int, taken: frozenset[str]) -> Description:
    known = {
        "name",
        "title",
        "format",
        "records",
        "time_unit",
        "kind",
        "fields",
        "constants",
        "event",
        "context",
        "properties",
    }
    _only(path, "the file", given, known)
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise _wrong(path, "name must be a short word of lower-case letters, digits, dots, dashes and underscores")
    if name in taken:
        raise _wrong(path, f'"{name}" is the name of a built-in format; choose another')
    layout = given.get("format", "jsonl")
    if layout not in ("jsonl", "csv"):
        raise _wrong(path, 'format must be "jsonl" or "csv"')
    if given.get("time_unit") not in (None, *_UNITS):
        raise _wrong(path, f"time_unit must be one of {', '.join(_UNITS)}")
    kind = _table(path, given, "kind")
    _only(path, "[kind]", kind, {"path", "values", "default", "is"})
    values = {str(key): value for key, value in mapping(kind.get("values")).items()}
    for value in [*values.values(), kind.get("default", SKIP), kind.get("is", SKIP)]:
        if value not in KINDS and value != SKIP:
            raise _wrong(path, f'"{value}" is no kind; kinds are {", ".join(KINDS)} and {SKIP}')
    shared, constants = _fields(path, given, "fields"), _table(path, given, "constants")
    _only(path, "[constants]", constants, FIELDS)
    templates = [_template(path, one, shared, constants) for one in items(given.get("event"))]
    if not templates:
        fixed = kind.get("is")
        if fixed is None and not isinstance(kind.get("path"), str):
            raise _wrong(path, "say what a record is: [kind] with path and values, [kind] is, or [[event]] tables")
        templates = [Template(fixed, shared, constants)]
    records = given.get("records")
    return Description(
        name,
        str(given.get("title") or name),
        version,
        layout == "csv",
        records if isinstance(records, str) else None,
        given.get("time_unit"),
        kind.get("path") if isinstance(kind.get("path"), str) else None,
        values,
        str(kind.get("default", SKIP)),
        tuple(templates),
        _paths(path, given, "context"),
        _paths(path, given, "properties"),
    )


def _template(path: Path, given: Any, shared: Mapping[str, str], constants: Mapping[str, Any]) -> Template:
    one = mapping(given)
    _only(path, "[[event]]", one, {"kind", "fields", "constants", "when"})
    if one.get("kind") not in KINDS:
        raise _wrong(path, f"an [[event]] needs a kind of {', '.join(KINDS)}")
    own = _table(path, one, "constants")
    _only(path, "[event.constants]", own, FIELDS)
    when = tuple(
        (name, tuple(encoded(value) for value in (wanted if isinstance(wanted, list) else [wanted])))
        for name, wanted in _table(path, one, "when").items()
    )
    return Template(one["kind"], {**shared, **_fields(path, one, "fields")}, {**constants, **own}, when)


def _wrong(path: Path, reason: str) -> UsageError:
    return UsageError(f"The mapping file {path}: {reason}.", _HELP)


def _only(path: Path, where: str, given: Mapping[str, Any], known: set[str] | frozenset[str]) -> None:
    for name in given:
        if name not in known:
            raise _wrong(path, f'{where} has "{name}", which is none of {", ".join(sorted(known))}')


def _table(path: Path, given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise _wrong(path, f"{name} must be a table")
    return value


def _paths(path: Path, given: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _table(path, given, name)
    for key, value in found.items():
        if not isinstance(value, str) or not value:
            raise _wrong(path, f"{name}.{key} must be the path of a member, in quotes")
    return found


def _fields(path: Path, given: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _paths(path, given, name)
    _only(path, f"[{name}]", found, FIELDS)
    return found


def at(record: Any, path: str, whole: Any = None) -> Any:
    """Return what a record holds at a dotted path, None when nothing is there.

    Parts are member names, or positions in arrays counted from 0, negative from the end. A name that itself holds
    dots is found as it is. A leading `/` looks in the whole line where `records` chose a part of it.
    """
    if path.startswith("/"):
        return at(whole, path[1:])
    if isinstance(record, dict) and path in record:
        return record[path]
    for part in path.split("."):
        if isinstance(record, dict):
            record = record.get(part)
        elif isinstance(record, list) and part.lstrip("-").isdecimal() and len(part) < 9:
            position = int(part)
            record = record[position] if -len(record) <= position < len(record) else None
        else:
            return None
    return record


class MappedSource:
    """A format that a mapping file describes."""

    def __init__(self, mapped: Description) -> None:
        self._mapped = mapped
        self.name = mapped.name
        self.title = mapped.title
        self.mapper_version = mapped.version

    def sniff(self, head: Head) -> bool:
        """Return False: a format of one's own is only read when it is asked for."""
        return False

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        reader = _Reader(self._mapped, path, options)
        for item in self._records(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, whole = item
            chosen = at(whole, self._mapped.records) if self._mapped.records else whole
            for record in chosen if isinstance(chosen, list) else [chosen]:
                if not isinstance(record, dict):
                    where = f" at {self._mapped.records}" if self._mapped.records else ""
                    yield RecordProblem(line, f"not an object{where}", field=self._mapped.records)
                    continue
                yield from reader.record(line, record, whole)

    def _records(self, path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
        if self._mapped.is_csv:
            for row in csv_events.rows(path, options):
                if isinstance(row, RecordProblem):
                    yield row
                else:
                    yield (
                        row[0],
                        {
                            name: value
                            for name, given in row[1].items()
                            if (value := csv_events.cell(given)) is not None
                        },
                    )
            return
        head = reading.head_of(path)
        if reading.outline(head).opening == "[":
            for item in reading.iter_json_members(path, (), options.on_bytes):
                yield item if isinstance(item, RecordProblem) else (item[1] + 1, item[2])
        elif reading.is_json_lines(head):
            yield from reading.iter_json_records(path, options.on_bytes)
        else:
            document = reading.load_json_document(path, options.on_bytes)
            yield document if isinstance(document, RecordProblem) else (1, document)


class _Reader:
    """State of one file while it is read."""

    def __init__(self, mapped: Description, path: Path, options: ReadOptions) -> None:
        self.mapped = mapped
        self.path = path
        self.options = options
        self.seq = 0
        self.turns: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()

    def record(self, line: int, record: dict[str, Any], whole: Any) -> Iterator[SourceItem]:
        for place, template in enumerate(self.mapped.templates):
            if any(encoded(at(record, path, whole)) not in wanted for path, wanted in template.when):
                continue
            kind = template.kind
            if kind is None:
                word = encoded(at(record, self.mapped.kind_path or "", whole))
                kind = self.mapped.kinds.get(word or "", self.mapped.default_kind)
            if kind != SKIP:
                yield self._event(line, KINDS[kind], template, place, record, whole)

    def _event(
        self, line: int, kind: EventKind, template: Template, position: int, record: dict[str, Any], whole: Any
    ) -> AgentEvent | RecordProblem:
        values = dict(template.constants)
        for name, path in template.fields.items():
            found = at(record, path, whole)
            if found is not None and found != "":
                values[name] = found
        session = encoded(values.get("session"))
        if session is None and kind is not EventKind.PRODUCT:
            return RecordProblem(line, "no session", field=template.fields.get("session", "session"))
        if kind is EventKind.PRODUCT and encoded(values.get("event")) is None:
            return RecordProblem(line, "a product event without a name", field=template.fields.get("event", "event"))
        time_ms = self._time(values.get("time"))
        if values.get("time") is not None and time_ms is None:
            return RecordProblem(line, f"{str(values['time'])[:40]!r} is not a time", field=template.fields.get("time"))
        self.seq += 1
        event = AgentEvent(kind=kind, insert_id="", time_ms=time_ms, seq=self.seq)
        if time_ms is None:
            event.time_quality = TimeQuality.ORDER_ONLY
        elif (
            isinstance(values["time"], str) and not has_zone(values["time"]) and not values["time"].strip().isdecimal()
        ):
            event.time_quality = TimeQuality.ZONE_ASSUMED
        _fill(event, values)
        self._place(event, session, values)
        for name, path in self.mapped.context.items():
            if (shown := encoded(at(record, path, whole))) and name != "resume":
                event.context[name] = shown
        for name, path in self.mapped.properties.items():
            if (value := at(record, path, whole)) is not None:
                event.properties[name] = value
        event.insert_id = self._insert_id(event, values, position, record)
        return event

    def _time(self, value: Any) -> int | None:
        unit = self.mapped.time_unit
        if unit is not None and isinstance(value, str) and value.strip().isdecimal() and len(value) < 25:
            value = int(value)
        if unit is not None and isinstance(value, int | float) and not isinstance(value, bool):
            real = number(value)
            scaled = int(real * _UNITS[unit]) if real is not None and abs(real) < 1e20 else None
            return scaled if scaled is not None and 0 <= scaled < 253_402_300_800_000 else None
        found = epoch_of(value)
        return found if found is not None and found >= 0 else None

    def _place(self, event: AgentEvent, session: str | None, values: Mapping[str, Any]) -> None:
        """Give the event its session, its turn and its user."""
        event.session_key = session
        mapped_user = user_for(ReadOptions(users=self.options.users), session, (str(self.path),))
        event.user_id = mapped_user or event.user_id or (self.options.user if event.device_id is None else None)
        if event.kind is EventKind.PRODUCT:
            return
        if event.agent_id is None:
            event.agent_id = self.mapped.name
        if event.trace_id is None and session is not None:
            if event.kind is EventKind.USER_MESSAGE:
                self.turns[session] += 1
            event.trace_id = f"{session}#{self.turns[session]}"

    def _insert_id(self, event: AgentEvent, values: Mapping[str, Any], position: int, record: dict[str, Any]) -> str:
        given = encoded(values.get("insert_id"))
        if given is None and event.span_id is not None:
            given = f"{event.session_key}:{event.span_id}"
        if given is not None:
            return f"{self.mapped.name}:{int(event.kind)}:{position}:{given}"
        body = json.dumps(record, sort_keys=True, ensure_ascii=True, default=str)
        found = text_hash(event.session_key or "", str(int(event.kind)), str(position), body)
        self.repeated[found] += 1
        times = self.repeated[found]
        return f"{self.mapped.name}:{found}" + (f".{times}" if times > 1 else "")


def _is_moment(value: str) -> bool:
    return instant_ms(value.strip()) is not None and not value.strip().isdecimal()


def _fill(event: AgentEvent, values: Mapping[str, Any]) -> None:
    for name, attribute in _TEXTS.items():
        if name in values and name != "session" and (shown := encoded(values[name])):
            setattr(event, attribute, shown)
    for name in _COUNTS:
        found = number(values.get(name))
        if found is not None and found >= 0 and found.is_integer():
            setattr(event, name, int(found))
    for name, (attribute, factor) in _SCALED.items():
        found = number(values.get(name))
        if found is not None and found >= 0:
            setattr(event, attribute, found * factor)
    for name, part in _PARTS.items():
        if (shown := encoded(values.get(name))) is not None:
            event.parts[part] = shown
    if "text" in values:
        given = values["text"]
        event.text = block_text(given) if isinstance(given, list | dict) else encoded(given)
    cost = number(values.get("cost_usd"))
    if cost is not None and 0 < cost < 2**62 / NANO:
        event.cost_nano = usd_to_nano(cost)
    if "is_error" in values:
        event.is_error = str(values["is_error"]).strip().lower() in _TRUE
    elif event.parts.get(Part.ERROR):
        event.is_error = True
    event.score_value = number(values.get("score"))
    if event.kind is EventKind.SCORE and event.score_source is None:
        event.score_source = "user"
    tags = values.get("tags")
    event.tags = tuple(tag for tag in (tags if isinstance(tags, list) else [tags]) if isinstance(tag, str) and tag)
    if event.kind is not EventKind.PRODUCT:
        event.event_type = ""
