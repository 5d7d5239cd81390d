"""One event in Amplitude's HTTP shape to one `AgentEvent`, and back. No files, no HTTP: importer and receiver share it.

Every property of the taxonomy that has a field moves into it; all others stay in `properties` by their literal names,
with values that travel as JSON text (attachments, enrichments, tool calls…) decoded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aa_tui.backend.model.event import EVENT_TYPE, KIND_OF, AgentEvent, EventKind, Part, TimeQuality
from aa_tui.backend.sources.values import encoded, instant_ms, mapping, number, text, whole
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.money import NANO, nano_to_usd, usd_to_nano

DEFAULT_MIN_ID_LENGTH = 1
IDLE_FOREVER = -1
"""`idle_timeout_min` of a session that waits for its explicit end."""
MAX_IDLE_MINUTES = 90 * 24 * 60
PLACEHOLDER_IDS = frozenset(
    {
        "",
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1",
    }
)
"""User and device ids that mean "nobody", compared in lower case."""

_MAX_MS = 253_402_300_799_999
_AGENT = "[Agent] "
_CONVERSATION = (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE, EventKind.TOOL_CALL)
_SPENDERS = (EventKind.AI_RESPONSE, EventKind.EMBEDDING, EventKind.SPAN)

_TEXT_FIELDS = {
    "[Agent] Session ID": "session_key",
    "[Agent] Trace ID": "trace_id",
    "[Agent] Agent ID": "agent_id",
    "[Agent] Parent Agent ID": "parent_agent_id",
    "[Agent] Model Name": "model",
    "[Agent] Provider": "provider",
    "[Agent] Tool Type": "tool_type",
    "[Agent] Error Type": "error_type",
    "[Agent] Finish Reason": "finish_reason",
}
_NUMBER_FIELDS = {"[Agent] Latency Ms": "latency_ms", "[Agent] TTFB Ms": "ttfb_ms"}
_TOKEN_FIELDS = {
    "[Agent] Input Tokens": "input_tokens",
    "[Agent] Output Tokens": "output_tokens",
    "[Agent] Total Tokens": "total_tokens",
    "[Agent] Reasoning Tokens": "reasoning_tokens",
    "[Agent] Cache Read Tokens": "cache_read_tokens",
    "[Agent] Cache Creation Tokens": "cache_creation_tokens",
}
_PARTS = {
    "[Agent] Tool Input": Part.INPUT,
    "[Agent] Tool Output": Part.OUTPUT,
    "[Agent] Input State": Part.INPUT,
    "[Agent] Output State": Part.OUTPUT,
    "[Agent] Reasoning Content": Part.REASONING,
    "[Agent] System Prompt": Part.SYSTEM_PROMPT,
    "[Agent] Tool Definitions": Part.TOOL_DEFINITIONS,
    "[Agent] Error Message": Part.ERROR,
    "[Agent] Stack Trace": Part.STACK_TRACE,
}
_CONTEXT_PROPERTIES = {
    "[Agent] Customer Org ID": "customer_org",
    "[Agent] Env": "env",
    "[Agent] Agent Version": "version",
    "[Agent] Git Repo": "repository",
    "[Agent] Git Ref": "branch",
}
_OWN_ID = {
    EventKind.USER_MESSAGE: "[Agent] Message ID",
    EventKind.AI_RESPONSE: "[Agent] Message ID",
    EventKind.TOOL_CALL: "[Agent] Invocation ID",
    EventKind.EMBEDDING: "[Agent] Span ID",
    EventKind.SPAN: "[Agent] Span ID",
}
_NAMES = {
    EventKind.TOOL_CALL: "[Agent] Tool Name",
    EventKind.SPAN: "[Agent] Span Name",
    EventKind.SCORE: "[Agent] Score Name",
}
_JSON_TEXT = (
    "[Agent] Attachments",
    "[Agent] Message Labels",
    "[Agent] Message Label Map",
    "[Agent] Enrichments",
    "[Agent] Tool Calls",
)
_LISTS = ("[Agent] Attachment Types",)
_COMPONENT = {
    EventKind.USER_MESSAGE: "user_input",
    EventKind.AI_RESPONSE: "llm",
    EventKind.TOOL_CALL: "tool",
    EventKind.EMBEDDING: "embedding",
}
_SAYS_ERROR = (EventKind.AI_RESPONSE, EventKind.TOOL_CALL, EventKind.SPAN)


class InvalidEvent(ValueError):
    """An event that must be rejected.

    Attributes:
        field: the offending top-level field.
        missing: True when the field is absent rather than wrong.
        too_short: names of the ids that were given but are shorter than allowed.
    """

    def __init__(self, field: str, reason: str, missing: bool = False, too_short: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.field = field
        self.missing = missing
        self.too_short = too_short


def usable_id(value: Any, min_id_length: int = DEFAULT_MIN_ID_LENGTH) -> str | None:
    """Return a user or device id, or None when it is absent, too short or a placeholder for nobody."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    found = str(value).strip()
    return None if len(found) < min_id_length or found.lower() in PLACEHOLDER_IDS else found


def event_from_amplitude(
    record: Mapping[str, Any],
    seq: int,
    *,
    min_id_length: int = DEFAULT_MIN_ID_LENGTH,
    received_ms: int | None = None,
) -> AgentEvent:
    """Turn one event of an HTTP body, or one line of Amplitude's export, into an `AgentEvent`.

    Args:
        record: the decoded event.
        seq: its position in the source.
        min_id_length: shorter user and device ids are removed.
        received_ms: epoch milliseconds that stand in for a missing time; without it such an event has no time.

    Raises:
        InvalidEvent: no event type, a time that is not whole milliseconds, or nobody it belongs to.
    """
    event_type, user_id, device_id = check_event(record, min_id_length)
    kind = KIND_OF.get(event_type, EventKind.FOREIGN if event_type.startswith(_AGENT) else EventKind.PRODUCT)
    time_ms, quality = _time(record, received_ms)
    given = record.get("event_properties")
    properties = dict(given) if isinstance(given, dict) else {}
    event = AgentEvent(
        kind=kind,
        insert_id="",
        event_type=event_type,
        user_id=user_id,
        device_id=device_id,
        time_ms=time_ms,
        time_quality=quality,
        seq=seq,
        user_properties=_user_properties(record.get("user_properties")),
    )
    if kind is EventKind.PRODUCT:
        event.session_key = text(properties.pop("[Agent] Session ID", None))
    elif kind is not EventKind.IDENTIFY:
        _take_properties(event, properties)
    for name in ("groups", "session_id"):
        if record.get(name) not in (None, {}, -1):
            properties[f"${name}"] = record[name]
    event.properties = properties
    event.insert_id = text(record.get("insert_id")) or text(record.get("$insert_id")) or _derived_id(event, given)
    return event


def check_event(
    record: Mapping[str, Any], min_id_length: int = DEFAULT_MIN_ID_LENGTH
) -> tuple[str, str | None, str | None]:
    """Return (event type, user id, device id) of an event that may be accepted; costs much less than mapping it.

    Raises:
        InvalidEvent: as `event_from_amplitude`.
    """
    event_type = record.get("event_type")
    if not isinstance(event_type, str) or not event_type:
        raise InvalidEvent("event_type", "no event_type", missing=event_type is None)
    _time(record, None)
    user_id = usable_id(record.get("user_id"), min_id_length)
    device_id = usable_id(record.get("device_id"), min_id_length)
    if user_id is None and device_id is None:
        short = tuple(name for name in ("user_id", "device_id") if usable_id(record.get(name), 1) is not None)
        raise InvalidEvent("user_id", "neither a usable user_id nor a usable device_id", True, short)
    return event_type, user_id, device_id


def _time(record: Mapping[str, Any], received_ms: int | None) -> tuple[int | None, TimeQuality]:
    value = record.get("time")
    if value is not None:
        time_ms = whole(value)
        if time_ms is None or not 0 <= time_ms <= _MAX_MS:
            raise InvalidEvent("time", "time is not a whole number of epoch milliseconds")
        return time_ms, TimeQuality.EXACT
    for name in ("event_time", "client_event_time"):
        if record.get(name) is not None:
            time_ms = instant_ms(record[name])
            if time_ms is None or time_ms < 0:
                raise InvalidEvent(name, f"{name} is not a time")
            return time_ms, TimeQuality.EXACT  # the export writes UTC without saying so
    return (received_ms, TimeQuality.EXACT) if received_ms is not None else (None, TimeQuality.ORDER_ONLY)


def _user_properties(value: Any) -> dict[str, Any]:
    """Flatten `$identify` operations: what is set becomes the value, what is unset becomes None, others stay named."""
    found: dict[str, Any] = {}
    for name, given in mapping(value).items():
        if name in ("$set", "$setOnce") and isinstance(given, dict):
            found.update(given)
        elif name == "$unset" and isinstance(given, dict):
            found.update(dict.fromkeys(given))
        else:
            found[name] = given
    return found


def _derived_id(event: AgentEvent, given: Any) -> str:
    body = json.dumps(given, sort_keys=True, ensure_ascii=True, default=str)
    identity = event.user_id or event.device_id or ""
    moment = "" if event.time_ms is None else str(event.time_ms)
    return text_hash(event.event_type, identity, moment, event.session_key or "", event.span_id or "", body)


def _take_properties(event: AgentEvent, properties: dict[str, Any]) -> None:
    """Move what has a field from `properties` into the event and note its soft problems."""
    kind = event.kind
    warnings: list[str] = []
    _take_message(event, properties, warnings)
    if "[Agent] Model Name" not in properties and "[Agent] Model" in properties:
        properties["[Agent] Model Name"] = properties.pop("[Agent] Model")
    for name, attribute in _TEXT_FIELDS.items():
        if (value := text(properties.get(name))) is not None:
            setattr(event, attribute, value)
            del properties[name]
    for name, attribute in _NUMBER_FIELDS.items():
        if (real := number(properties.get(name))) is not None and real >= 0:
            setattr(event, attribute, real)
            del properties[name]
    _take_spending(event, properties, warnings)
    for name, part in _PARTS.items():
        value = properties.get(name)
        if value is not None and part not in event.parts:
            event.parts[part] = encoded(value) or ""
            del properties[name]
    _take_context(event, properties, warnings)
    _take_tags(event, properties)
    _take_ids(event, properties)
    _take_outcome(event, properties)
    for name in _JSON_TEXT + _LISTS:
        _decode(properties, name)
    if (turn := whole(properties.get("[Agent] Turn ID"))) is not None:
        event.turn_id = turn
        del properties["[Agent] Turn ID"]
    if properties.get("[Agent] Component Type") == _COMPONENT.get(kind, ""):
        del properties["[Agent] Component Type"]
    if kind is not EventKind.FOREIGN:
        warnings += _soft_problems(event, properties)
    event.warnings = tuple(dict.fromkeys(warnings))


def _take_message(event: AgentEvent, properties: dict[str, Any], warnings: list[str]) -> None:
    """Take the message text; a message of another shape stays where it is and is noted."""
    if "$llm_message" not in properties:
        return
    message = properties["$llm_message"]
    said = _message_text(message)
    if said is None:
        warnings.append("llm_message_not_object")
        return
    del properties["$llm_message"]
    event.text = said or None


def _message_text(message: Any) -> str | None:
    """Return the text of `$llm_message`, joined when old senders cut it in chunks; None for any other shape."""
    if not isinstance(message, dict):
        return None
    if isinstance(message.get("text"), str):
        return str(message["text"])
    count = whole(message.get("n"))
    if count is None or not 0 < count <= len(message):
        return None
    chunks = [message.get(f"c{index}") for index in range(count)]
    return "".join(chunks) if all(isinstance(chunk, str) for chunk in chunks) else None  # type: ignore[arg-type]


def _take_spending(event: AgentEvent, properties: dict[str, Any], warnings: list[str]) -> None:
    stated = [name for name in (*_TOKEN_FIELDS, "[Agent] Cost USD") if properties.get(name) is not None]
    if event.kind not in _SPENDERS:
        if stated:
            warnings.append("cost_outside_ai_response")
        return
    for name, attribute in _TOKEN_FIELDS.items():
        if (count := whole(properties.get(name))) is not None and count >= 0:
            setattr(event, attribute, count)
            del properties[name]
    cost = number(properties.get("[Agent] Cost USD"))
    if cost is not None and abs(cost) < 2**62 / NANO:
        event.cost_nano = usd_to_nano(cost)
        del properties["[Agent] Cost USD"]


def _take_context(event: AgentEvent, properties: dict[str, Any], warnings: list[str]) -> None:
    idle = properties.get("[Agent] Session Idle Timeout Minutes")
    if (minutes := idle_timeout(idle)) is not None:
        event.idle_timeout_min = minutes
        del properties["[Agent] Session Idle Timeout Minutes"]
    sent = properties.get("[Agent] Context")
    if sent is not None:
        context = _json_object(sent)
        if context is None:
            warnings.append("bad_context")
        else:
            del properties["[Agent] Context"]
            if (minutes := idle_timeout(context.pop("idle_timeout_minutes", None))) is not None:
                event.idle_timeout_min = minutes
            event.context = {key: shown for key, value in context.items() if (shown := encoded(value)) is not None}
    for name, key in _CONTEXT_PROPERTIES.items():
        if (value := text(properties.get(name))) is not None:
            event.context[key] = value
            del properties[name]


def idle_timeout(value: Any) -> int | None:
    """Return an idle timeout in minutes: clamped to 90 days, -1 for "only an explicit end"; None when invalid."""
    minutes = whole(value)
    if minutes is None or minutes < IDLE_FOREVER:
        return None
    return min(minutes, MAX_IDLE_MINUTES)


def _json_object(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, str):
        return None
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _decode(properties: dict[str, Any], name: str) -> None:
    value = properties.get(name)
    if not isinstance(value, str):
        return
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return
    if isinstance(decoded, dict | list):
        properties[name] = decoded


def _take_tags(event: AgentEvent, properties: dict[str, Any]) -> None:
    _decode(properties, "[Agent] Tags")
    tags = properties.get("[Agent] Tags")
    if isinstance(tags, list):
        event.tags = tuple(dict.fromkeys(tag for tag in tags if isinstance(tag, str) and tag))
    elif isinstance(tags, dict):
        event.tags = tuple(f"{key}:{encoded(value)}" for key, value in tags.items())
    else:
        return
    del properties["[Agent] Tags"]


def _take_ids(event: AgentEvent, properties: dict[str, Any]) -> None:
    own = _OWN_ID.get(event.kind)
    if own is not None and (value := text(properties.get(own))) is not None:
        event.span_id = value
        del properties[own]
    parent = _parent_name(event.kind)
    other = "[Agent] Parent Span ID" if parent != "[Agent] Parent Span ID" else "[Agent] Parent Message ID"
    if (value := text(properties.get(parent))) is not None:
        event.parent_id = value
        del properties[parent]
    else:
        event.parent_id = text(properties.get(other))
    named = _NAMES.get(event.kind)
    if named is not None and (value := text(properties.get(named))) is not None:
        event.name = value
        del properties[named]


def _parent_name(kind: EventKind) -> str:
    return "[Agent] Parent Message ID" if kind is EventKind.TOOL_CALL else "[Agent] Parent Span ID"


def _take_outcome(event: AgentEvent, properties: dict[str, Any]) -> None:
    failed = properties.pop("[Agent] Is Error", None) if event.kind in _SAYS_ERROR else None
    event.is_error = failed is True
    if event.kind is EventKind.TOOL_CALL:
        event.is_error = properties.pop("[Agent] Tool Success", None) is False or event.is_error
    elif event.kind is EventKind.USER_MESSAGE:
        event.from_agent = properties.get("[Agent] Message Source") == "agent"
        if properties.get("[Agent] Message Source") in ("agent", "user"):
            del properties["[Agent] Message Source"]
    elif event.kind is EventKind.SCORE:
        event.score_value = number(properties.get("[Agent] Score Value"))
        if event.score_value is not None:
            del properties["[Agent] Score Value"]
        event.target_id = text(properties.pop("[Agent] Target ID", None))
        event.score_source = text(properties.pop("[Agent] Evaluation Source", None)) or "user"


def _soft_problems(event: AgentEvent, properties: Mapping[str, Any]) -> list[str]:
    """Return the soft problems that one event shows by itself; those of order and repetition need the session."""
    found = []
    if event.session_key is None:
        found.append("missing_session_id")
    if event.agent_id is None:
        found.append("missing_agent_id")
    if event.kind in _CONVERSATION and event.trace_id is None:
        found.append("missing_trace_id")
    expects_content = properties.get("[Agent] Content Mode") in ("full", None)
    if expects_content and not (event.text or "").strip() and "$llm_message" not in properties:
        if event.kind is EventKind.USER_MESSAGE:
            found.append("empty_user_message")
        elif event.kind is EventKind.AI_RESPONSE and not event.is_error:
            asks_for_tools = properties.get("[Agent] Tool Calls") or event.finish_reason in ("tool_calls", "tool_use")
            if not asks_for_tools:
                found.append("empty_response")
    return found


def amplitude_properties(event: AgentEvent) -> dict[str, Any]:
    """Return the literal `event_properties` of an event: the inverse of `event_from_amplitude`."""
    found: dict[str, Any] = {
        name: value for name, value in event.properties.items() if name not in ("$groups", "$session_id")
    }
    if event.kind is EventKind.PRODUCT:
        if event.session_key is not None:
            found["[Agent] Session ID"] = event.session_key
        return found
    if event.kind is EventKind.IDENTIFY:
        return found
    for name in _JSON_TEXT:
        if isinstance(found.get(name), dict | list):
            found[name] = json.dumps(found[name], ensure_ascii=False)
    for name, attribute in (*_TEXT_FIELDS.items(), *_NUMBER_FIELDS.items(), *_TOKEN_FIELDS.items()):
        if (value := getattr(event, attribute)) is not None:
            found[name] = value
    if event.cost_nano is not None:
        found["[Agent] Cost USD"] = nano_to_usd(event.cost_nano)
    if event.text is not None:
        found["$llm_message"] = {"text": event.text}
    is_span = event.kind is EventKind.SPAN
    for name, part in _PARTS.items():
        if part in event.parts and (part not in (Part.INPUT, Part.OUTPUT) or ("State" in name) == is_span):
            found[name] = event.parts[part]
    context = dict(event.context)
    for name, key in _CONTEXT_PROPERTIES.items():
        if key in context:
            found[name] = context.pop(key)
    if context:
        found["[Agent] Context"] = json.dumps(context, ensure_ascii=False)
    if event.idle_timeout_min is not None:
        found["[Agent] Session Idle Timeout Minutes"] = event.idle_timeout_min
    if event.tags:
        found["[Agent] Tags"] = json.dumps(event.tags, ensure_ascii=False)
    if event.turn_id is not None:
        found["[Agent] Turn ID"] = event.turn_id
    _give_ids(event, found)
    _give_outcome(event, found)
    return found


def _give_ids(event: AgentEvent, found: dict[str, Any]) -> None:
    own, named = _OWN_ID.get(event.kind), _NAMES.get(event.kind)
    if own is not None and event.span_id is not None:
        found[own] = event.span_id
    if named is not None and event.name is not None:
        found[named] = event.name
    if event.parent_id is not None and event.parent_id not in (
        found.get("[Agent] Parent Span ID"),
        found.get("[Agent] Parent Message ID"),
    ):
        found[_parent_name(event.kind)] = event.parent_id
    if event.kind in _COMPONENT:
        found.setdefault("[Agent] Component Type", _COMPONENT[event.kind])


def _give_outcome(event: AgentEvent, found: dict[str, Any]) -> None:
    if event.kind in _SAYS_ERROR:
        found["[Agent] Is Error"] = event.is_error
    if event.kind is EventKind.TOOL_CALL:
        found["[Agent] Tool Success"] = not event.is_error
    elif event.kind is EventKind.USER_MESSAGE:
        found.setdefault("[Agent] Message Source", "agent" if event.from_agent else "user")
    elif event.kind is EventKind.SCORE:
        for name, value in (
            ("[Agent] Score Value", event.score_value),
            ("[Agent] Target ID", event.target_id),
            ("[Agent] Evaluation Source", event.score_source),
        ):
            if value is not None:
                found[name] = value


def amplitude_event(event: AgentEvent) -> dict[str, Any]:
    """Return an event in the shape of an HTTP body's `events` element; unknown fields are left out."""
    found: dict[str, Any] = {
        "event_type": event.event_type or EVENT_TYPE[event.kind],
        "insert_id": event.insert_id,
        "event_properties": amplitude_properties(event),
    }
    optional = {
        "user_id": event.user_id,
        "device_id": event.device_id,
        "time": event.time_ms,
        "groups": event.properties.get("$groups"),
        "session_id": event.properties.get("$session_id"),
        "user_properties": event.user_properties or None,
    }
    found.update({name: value for name, value in optional.items() if value is not None})
    return found
