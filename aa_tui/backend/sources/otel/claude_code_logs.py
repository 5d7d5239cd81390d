"""Claude Code's own telemetry: log events of its sessions to canonical events. Reading files is `telemetry_file`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.model.text_switches import PLACEHOLDERS
from aa_tui.backend.sources.otel.dialects import count_of, real_of
from aa_tui.backend.sources.otel.spans import LogRecord
from aa_tui.backend.sources.values import encoded, text
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.money import NANO, usd_to_nano

AGENT_ID = "claude-code"
SOURCE = "claude-code-telemetry"
SCOPE = "com.anthropic.claude_code"
_KINDS = {
    "user_prompt": EventKind.USER_MESSAGE,
    "api_request": EventKind.AI_RESPONSE,
    "api_error": EventKind.AI_RESPONSE,
    "tool_result": EventKind.TOOL_CALL,
    "subagent_completed": EventKind.SPAN,
    "skill_activated": EventKind.SPAN,
    "api_refusal": EventKind.AI_RESPONSE,
}
_TAKEN = frozenset(
    {"event.name", "session.id", "prompt.id", "user.email", "user.id", "model", "input_tokens", "output_tokens",
     "cache_read_tokens", "cache_creation_tokens", "cost_usd", "duration_ms", "prompt", "tool_name", "success", "error"}
)  # fmt: skip


def is_claude_code(record: LogRecord) -> bool:
    """Tell whether a log record is an event of Claude Code's telemetry that says something of a session."""
    name = record.name.removeprefix("claude_code.")
    return (record.scope.startswith(SCOPE) or record.name.startswith("claude_code.")) and name in _KINDS


def events_of_records(
    records: Iterable[LogRecord], first_seq: int = 0, contexts: Mapping[str, dict[str, str]] | None = None
) -> list[AgentEvent]:
    """Return the events of telemetry records; those that are of no session or of another kind are passed over.

    Args:
        records: in any order.
        first_seq: position before the first.
        contexts: dimensions by session id.
    """
    found: list[AgentEvent] = []
    repeated: Counter[str] = Counter()
    for record in records:
        session = text(record.attributes.get("session.id"))
        if session is None or not is_claude_code(record):
            continue
        event = _event(record, session, repeated)
        event.seq = first_seq + len(found) + 1
        if contexts is not None:
            event.context = contexts.get(session, {})
        found.append(event)
    return found


def _event(record: LogRecord, session: str, repeated: Counter[str]) -> AgentEvent:
    attributes = record.attributes
    name = record.name.removeprefix("claude_code.")
    at_ms = record.time_ns // 1_000_000 if record.time_ns is not None else None
    key = text_hash(name, str(at_ms), encoded(dict(sorted(attributes.items()))) or "")
    repeated[key] += 1
    if repeated[key] > 1:
        key = f"{key}.{repeated[key]}"
    prompt = text(attributes.get("prompt.id"))
    user = text(attributes.get("user.email")) or text(attributes.get("user.account_uuid"))
    event = AgentEvent(
        kind=_KINDS[name],
        insert_id=f"{SOURCE}:{session}:{key}",
        session_key=session,
        user_id=user or text(record.resource.get("user.email")) or text(attributes.get("user.id")),
        time_ms=at_ms,
        trace_id=prompt or session,
        agent_id=AGENT_ID,
        span_id=f"{session}:{key}",
        latency_ms=real_of(attributes, ("duration_ms",)),
        properties={key: value for key, value in attributes.items() if key not in _TAKEN and value not in ("", None)},
    )
    asked_by = text(attributes.get("query_source"))
    if asked_by is not None and asked_by.startswith("agent:"):
        event.agent_id, event.parent_agent_id = asked_by.removeprefix("agent:"), AGENT_ID
    if event.kind is EventKind.USER_MESSAGE:
        event.latency_ms = None
        said = text(attributes.get("prompt"))
        event.text = None if said in PLACEHOLDERS else said
    elif event.kind is EventKind.AI_RESPONSE:
        _answer(event, attributes, name)
    elif event.kind is EventKind.TOOL_CALL:
        event.name = text(attributes.get("tool_name")) or "unknown"
        event.is_error = str(attributes.get("success")).lower() == "false"
        for part, given in ((Part.INPUT, "tool_input"), (Part.INPUT, "tool_parameters"), (Part.ERROR, "error")):
            if (value := attributes.get(given)) is not None and part not in event.parts:
                event.parts[part] = encoded(value) or ""
    else:
        kind = "agent_type" if name == "subagent_completed" else "skill.name"
        event.name = f"{'agent' if name == 'subagent_completed' else 'skill'}:{text(attributes.get(kind)) or 'unknown'}"
    return event


def _answer(event: AgentEvent, attributes: Mapping[str, Any], name: str) -> None:
    event.model = text(attributes.get("model"))
    event.provider = "anthropic"
    fresh = count_of(attributes, ("input_tokens",))
    event.cache_read_tokens = count_of(attributes, ("cache_read_tokens",))
    event.cache_creation_tokens = count_of(attributes, ("cache_creation_tokens",))
    event.output_tokens = count_of(attributes, ("output_tokens",))
    if fresh is not None:
        # What it calls input is only what was not cached.
        event.input_tokens = fresh + (event.cache_read_tokens or 0) + (event.cache_creation_tokens or 0)
        if event.output_tokens is not None:
            event.total_tokens = event.input_tokens + event.output_tokens
    cost = real_of(attributes, ("cost_usd",))
    event.cost_nano = usd_to_nano(cost) if cost is not None and 0 < cost < 2**62 / NANO else None
    if name == "api_error":
        event.is_error = True
        if (message := text(attributes.get("error"))) is not None:
            event.parts[Part.ERROR] = message
