"""`StoredEvent`: an event as the store's columns hold it, made from a new `AgentEvent` or from a row. No SQL here."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from aa_tui.backend.ingest.errors import error_type_of
from aa_tui.backend.ingest.outputs import output_problem
from aa_tui.backend.model.event import EVENT_TYPE, AgentEvent, EventKind, Part, TimeQuality
from aa_tui.backend.store.facts import EVENT_COLUMNS
from aa_tui.backend.support.ids import stable_id
from aa_tui.backend.support.text import LONGEST_ID, storable, storable_id

HEAD_CHARS = 200
"""Length of `StoredEvent.head`, characters."""

CONTEXT = "[Agent] Context"
TAGS = "[Agent] Tags"
IDLE_TIMEOUT = "[Agent] Session Idle Timeout Minutes"
HAS_REASONING = "[Agent] Has Reasoning"
CREATION_1H = "[Agent] Cache Creation 1h Tokens"
INPUT_HASH = "input_hash"
"""Property of a tool call whose input is longer than its head: tells repeated inputs apart."""
USER_PROPERTIES = "user_properties"
"""Property that keeps what an event said about its user."""

_AI, _TOOL = int(EventKind.AI_RESPONSE), int(EventKind.TOOL_CALL)
_MESSAGES = (int(EventKind.USER_MESSAGE), _AI)
_ORDER_ONLY = str(TimeQuality.ORDER_ONLY)
_IDS = (
    "insert_id", "event_type", "user_id", "device_id", "trace_id", "agent_id", "parent_agent_id", "span_id",
    "parent_id", "name", "tool_type", "model", "provider", "finish_reason", "score_source", "target_id",
)  # fmt: skip
"""Ids and names of an event, which the store bounds in length."""
_NO_TOKENS = (None,) * 7
_MAX_SEQ = (1 << 41) - 1
_INT63 = (1 << 63) - 1


@dataclass(slots=True)
class StoredEvent:
    """One event without its long texts, as all of a session's derivation sees it.

    Field order is `store.facts.EVENT_COLUMNS`; units are those of the event table.
    """

    id: int
    insert_id: str
    fingerprint: int
    kind: int
    event_type: str
    source: str
    mapper_version: int
    user_id: str | None
    device_id: str | None
    time_ms: int | None
    time_quality: str
    received_ms: int
    seq: int
    trace_id: str | None
    turn_id: int | None
    agent_id: str | None
    parent_agent_id: str | None
    span_id: str | None
    parent_id: str | None
    name: str | None
    tool_type: str | None
    from_agent: int
    model: str | None
    provider: str | None
    latency_ms: float | None
    ttfb_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    reasoning_tokens: int | None
    cache_read_tokens: int | None
    cache_creation_tokens: int | None
    cost_nano: int | None
    cost_estimated: int
    is_error: int
    error_type: str | None
    finish_reason: str | None
    interrupted: int
    score_value: float | None
    score_source: str | None
    target_id: str | None
    head: str | None
    text_size: int
    properties: str | None
    turn_no: int = 0
    position: int = 0
    depth: int = 0
    parent_event: int | None = None
    warnings: str | None = None
    props: Mapping[str, Any] | None = None
    """Decoded `properties`; filled on first use by `props_of`."""


def _encoder() -> Callable[[Any], str]:
    """Return what writes compact JSON; `JSONEncoder.encode` would make a new encoder for every value."""
    made = getattr(json.encoder, "c_make_encoder", None)
    if made is None:
        return json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str, check_circular=False).encode
    write = made(None, str, json.encoder.encode_basestring, None, ":", ",", False, False, True)
    return lambda value: "".join(write(value, 0))


to_json = _encoder()
"""Writes a value as compact JSON; what JSON does not know is written as its text."""
_as_tuple = attrgetter(*EVENT_COLUMNS)


def row_of(event: StoredEvent, project_id: int, session_id: int) -> tuple[Any, ...]:
    """Return the event's row for `facts.insert_events`."""
    return (project_id, session_id, *_as_tuple(event))


def props_of(event: StoredEvent) -> Mapping[str, Any]:
    """Return the decoded properties of an event; empty when it has none."""
    if event.props is None:
        decoded = json.loads(event.properties) if event.properties else {}
        event.props = decoded if isinstance(decoded, dict) else {}
    return event.props


def richness(event: StoredEvent) -> tuple[int, int, int, int, int]:
    """Return what decides between two versions of one event: the newer mapper, then the one that tells more.

    A total order, so that a file and its longer version give the same store in whichever order they come.
    """
    return (
        event.mapper_version,
        event.text_size,
        (event.total_tokens or 0) + (event.input_tokens or 0) + (event.output_tokens or 0),
        0 if event.latency_ms is None else 1,
        event.fingerprint,
    )


def _clip_id(value: str | None) -> str | None:
    return None if value is None else storable_id(value)


def _head(*texts: str | None) -> str | None:
    for text in texts:
        if text:
            start = text if not text[0].isspace() else text.lstrip()
            if start:
                return start[:HEAD_CHARS]
    return None


def _clean(value: Any) -> Any:
    """Return a property value as the store can hold it; JSON text would otherwise carry escaped lone surrogates."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _properties(event: AgentEvent, texts: Mapping[str, str]) -> dict[str, Any]:
    found = dict(event.properties)
    if event.context:
        found[CONTEXT] = event.context
    if event.tags:
        found[TAGS] = list(event.tags)
    if event.idle_timeout_min is not None:
        found[IDLE_TIMEOUT] = event.idle_timeout_min
    if event.cache_creation_1h_tokens:
        found[CREATION_1H] = event.cache_creation_1h_tokens
    if event.user_properties:
        found[USER_PROPERTIES] = event.user_properties
    if event.parts:
        if event.kind == _AI and Part.REASONING in texts and Part.TEXT not in texts:
            found[HAS_REASONING] = True
        if event.kind == _TOOL and len(given := texts.get(Part.INPUT, "")) > HEAD_CHARS:
            found[INPUT_HASH] = blake2b(given.encode(), digest_size=8).hexdigest()
    return found


def _encoded(properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return properties as JSON text the store can hold, and as values that say the same.

    JSON writes NUL as an escape, which `storable` would not see in the text.
    """
    text = to_json(properties)
    if "\\u0000" in text or storable(text) is not text:
        properties = _clean(properties)
        text = to_json(properties)
    return text, properties


def _int(value: int | None) -> int | None:
    if value is None or -_INT63 <= value <= _INT63:
        return value
    return _INT63 if value > 0 else -_INT63


def _fingerprint(known: str, properties: str | None, texts: Mapping[str, str]) -> int:
    told = [known, properties or ""]
    for part in sorted(texts) if len(texts) > 1 else texts:
        told += ("\x1f", part, "\x1f", texts[part])
    digest = blake2b("".join(told).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


def _with_storable_ids(event: AgentEvent) -> AgentEvent:
    """Return the event with ids and names that the store can hold."""
    clipped: dict[str, Any] = {name: _clip_id(getattr(event, name)) for name in _IDS}
    return replace(event, **clipped)


def make_stored(
    event: AgentEvent, source: str, mapper_version: int, received_ms: int
) -> tuple[StoredEvent, dict[str, str]]:
    """Return a new event as it is stored, with its long texts by part, both normalised for the store.

    The id is provisional: the writer moves it on where another event of the session has it.
    """
    texts = {part: storable(text) for part, text in event.parts.items() if text}
    kind = int(event.kind)
    text, given, output, error = event.text, None, None, None
    if text:
        text = texts[Part.TEXT] = storable(text)
    else:
        text = texts.get(Part.TEXT)
    if event.parts:
        given, output, error = texts.get(Part.INPUT), texts.get(Part.OUTPUT), texts.get(Part.ERROR)
    props = _properties(event, texts)
    properties: str | None = None
    if props:
        properties, props = _encoded(props)
    warnings = event.warnings
    if kind == _TOOL and not event.is_error and (code := output_problem(event, given, output)):
        warnings = (*warnings, code)
    error_type = _clip_id(event.error_type)
    if event.is_error and error_type is None:
        said = error or output or text
        error_type = error_type_of(said, is_prose=kind != _AI and error is None)
    at_ms, insert_id = event.time_ms, event.insert_id
    known = repr((
        kind, event.event_type, event.user_id, event.device_id, at_ms, event.trace_id, event.turn_id,
        event.agent_id, event.parent_agent_id, event.span_id, event.parent_id, event.name, event.tool_type,
        event.model, event.latency_ms, event.ttfb_ms, event.input_tokens, event.output_tokens, event.total_tokens,
        event.reasoning_tokens, event.cache_read_tokens, event.cache_creation_tokens, event.is_error, error_type,
        event.finish_reason, event.interrupted, event.score_value, event.score_source, event.target_id,
        event.warnings, None if event.cost_estimated else event.cost_nano,
    ))  # fmt: skip
    fingerprint = _fingerprint(known, properties, texts)
    provider = event.provider or ""
    # Ids whose writing down is short, plain and without an escape are storable as they are, all of them at one look.
    if (
        len(known) + len(insert_id) + len(provider) > LONGEST_ID
        or not (known.isascii() and insert_id.isascii() and provider.isascii())
        or "\\" in known
        or "\x00" in insert_id
        or "\x00" in provider
    ):
        event = _with_storable_ids(event)
    given_tokens, written, all_tokens = event.input_tokens, event.output_tokens, event.total_tokens
    thought, read, created = event.reasoning_tokens, event.cache_read_tokens, event.cache_creation_tokens
    cost = event.cost_nano
    if (given_tokens, written, all_tokens, thought, read, created, cost) != _NO_TOKENS:
        given_tokens, written, all_tokens = _int(given_tokens), _int(written), _int(all_tokens)
        thought, read, created, cost = _int(thought), _int(read), _int(created), _int(cost)
    # By position, in the order of the fields: fifty names to look up would cost more than all the rest of this object.
    stored = StoredEvent(
        stable_id(at_ms if at_ms is not None else min(event.seq, _MAX_SEQ), insert_id),
        event.insert_id, fingerprint, kind, event.event_type or EVENT_TYPE.get(event.kind, ""), source, mapper_version,
        event.user_id, event.device_id,
        _int(at_ms), _ORDER_ONLY if at_ms is None else str(event.time_quality), received_ms, _int(event.seq) or 0,
        event.trace_id, _int(event.turn_id), event.agent_id, event.parent_agent_id, event.span_id, event.parent_id,
        event.name, event.tool_type, int(event.from_agent), event.model, event.provider,
        event.latency_ms, event.ttfb_ms, given_tokens, written, all_tokens, thought, read, created,
        cost, int(event.cost_estimated),
        int(event.is_error), error_type, event.finish_reason, int(event.interrupted),
        event.score_value, event.score_source, event.target_id,
        _head(text, given, error, output),
        len(text or "") if text or kind in _MESSAGES else len(given or "") + len(output or ""),
        properties, 0, 0, 0, None,
        " ".join(sorted({_clip_id(code) or "" for code in warnings})) or None if warnings else None,
        props,
    )  # fmt: skip
    return stored, texts
