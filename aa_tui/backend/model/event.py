"""The `[Agent]` event: the one canonical input every source is turned into. No parsing of any format lives here.

The taxonomy is that of spec section 2; literal property names are kept in `PROPERTY` so that importers, receivers and
exports agree on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aa_tui.backend.model.event_kind import EventKind as EventKind

EVENT_TYPE: Mapping[EventKind, str] = {
    EventKind.USER_MESSAGE: "[Agent] User Message",
    EventKind.AI_RESPONSE: "[Agent] AI Response",
    EventKind.TOOL_CALL: "[Agent] Tool Call",
    EventKind.EMBEDDING: "[Agent] Embedding",
    EventKind.SPAN: "[Agent] Span",
    EventKind.SESSION_END: "[Agent] Session End",
    EventKind.SESSION_ENRICHMENT: "[Agent] Session Enrichment",
    EventKind.SCORE: "[Agent] Score",
    EventKind.IDENTIFY: "$identify",
}
"""Literal event types by kind."""

KIND_OF: Mapping[str, EventKind] = {name: kind for kind, name in EVENT_TYPE.items()}
"""Kind by literal event type; `[Agent] …` names that are not here are FOREIGN, all others PRODUCT."""


class TimeQuality(StrEnum):
    """How far an event's time can be trusted."""

    EXACT = "exact"
    ZONE_ASSUMED = "zone_assumed"
    """The source gave no zone; UTC was assumed."""
    ORDER_ONLY = "order_only"
    """No time at all; only the order inside the file is known. Kept out of time charts."""
    PLACEHOLDER = "placeholder"
    """A made-up time in the source. Kept out of time charts."""


class Part:
    """Names of the long texts of an event, stored apart from it."""

    TEXT = "text"
    INPUT = "input"
    OUTPUT = "output"
    REASONING = "reasoning"
    SYSTEM_PROMPT = "system_prompt"
    TOOL_DEFINITIONS = "tool_definitions"
    ERROR = "error"
    STACK_TRACE = "stack_trace"


@dataclass(slots=True)
class AgentEvent:
    """One thing that happened in an agent session, or one product event of a user.

    Mutable only so that a source can fill it in as later records of the same call arrive; whoever receives one from a
    source treats it as frozen. Texts are raw; `ingest` applies `support.text.storable`.
    """

    kind: EventKind
    insert_id: str
    """Unique in the project for ever; derived from the source's own ids so that a re-import collapses."""
    event_type: str = ""
    """Literal name; filled from `kind` when empty. Needed for PRODUCT and FOREIGN."""
    session_key: str | None = None
    """`[Agent] Session ID`, chosen by the sender."""
    user_id: str | None = None
    device_id: str | None = None
    time_ms: int | None = None
    """The moment the operation ENDED, epoch milliseconds; None when the source has no time."""
    time_quality: TimeQuality = TimeQuality.EXACT
    seq: int = 0
    """Position in the source, rising; breaks ties of time and orders events without one."""
    trace_id: str | None = None
    """The turn key. None: the session's one common turn."""
    turn_id: int | None = None
    """`[Agent] Turn ID`: a message ordinal of the sender, an ordering hint only."""
    agent_id: str | None = None
    parent_agent_id: str | None = None
    span_id: str | None = None
    """The event's own id in the source: message id, invocation id or span id; what `parent_id` of others names."""
    parent_id: str | None = None
    """`span_id` of what this ran inside of (parent span, or the tool call that started a sub-agent)."""
    name: str | None = None
    """Tool name, span name or score name."""
    tool_type: str | None = None
    from_agent: bool = False
    """A user message written by a parent agent for a child, not by a person."""
    model: str | None = None
    provider: str | None = None
    latency_ms: float | None = None
    """None or 0 when unknown."""
    ttfb_ms: float | None = None
    input_tokens: int | None = None
    """Includes cached tokens; the cache counts are a subset."""
    output_tokens: int | None = None
    """Includes reasoning tokens."""
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cache_creation_1h_tokens: int | None = None
    """The part of cache creation with the long lifetime, where told; priced differently."""
    cost_nano: int | None = None
    """Nano-dollars; None when unknown, never 0 for unknown."""
    cost_estimated: bool = False
    is_error: bool = False
    error_type: str | None = None
    finish_reason: str | None = None
    interrupted: bool = False
    """The person stopped this step."""
    score_value: float | None = None
    target_id: str | None = None
    score_source: str | None = None
    text: str | None = None
    """Message text (`$llm_message.text`)."""
    parts: dict[str, str] = field(default_factory=dict)
    """Other long texts by `Part` name: tool input and output, reasoning, system prompt, error message…"""
    context: dict[str, str] = field(default_factory=dict)
    """`[Agent] Context` dimensions as text. Known keys: repository, branch, cwd, title (session title, not a
    dimension), resume (command that resumes the session in its own agent), version (agent version), env,
    customer_org."""
    tags: tuple[str, ...] = ()
    idle_timeout_min: int | None = None
    warnings: tuple[str, ...] = ()
    """Soft problems found by the source (spec 4.4 codes, or `incomplete`, `orphan_thread`, …)."""
    properties: dict[str, Any] = field(default_factory=dict)
    """Every remaining property by its literal name; product event properties."""
    user_properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedLabel:
    """A verified outcome that a data set carries: ground truth for a criterion, made by people or by a checker."""

    session_key: str
    criterion: str
    """Name of the question, for example `task_success`."""
    value: str
    """The answer as text: `True`/`False`, a class, or a number."""
    source: str
    """Who says so, for example `tau-bench reward`."""
    raw: str = ""
    """The value as the source had it."""
    note: str = ""
    reviewer: str = ""
    """Login of the person who answered; empty when a checker or an unnamed person did."""
    at_ms: int | None = None
    """When it was answered, epoch milliseconds; None when the source does not say."""
    kind: str = ""
    """`binary`, `classification` or `score` where the source knows what its criterion is; empty: told by the values."""
    evidence: str = ""
    """What in the session the answer rests on: a step and what was said there; empty where the source has none."""


@dataclass(frozen=True, slots=True)
class ImportedResult:
    """A verdict that a model gave elsewhere and a source carries along. Never made by this program's own judging."""

    session_key: str
    evaluator: str
    """Evaluator name; built-in signals are `signal:task_completion`, `signal:user_friction`…"""
    criterion: str
    """Name of the question it answers, for example `refund_policy`."""
    value: str
    """The answer as text: `True`/`False`, a class, or a number; empty when `error` is set."""
    passed: bool | None
    """None when the answer is informational or there is none."""
    rationale: str = ""
    evidence: str = ""
    """Verbatim quote from the session, or empty."""
    labels: tuple[str, ...] = ()
    """Further findings: friction pattern codes, quoted phrases."""
    model: str = ""
    cost_nano: int | None = None
    latency_ms: float | None = None
    error: str | None = None
    at_ms: int | None = None
    """When the verdict was given, epoch milliseconds; None when the source does not say."""
    error_kind: str | None = None
    """What kind of error `error` is, for example `bad_label`; None for one the source does not tell apart."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    parameters: str = ""
    """Model parameters as JSON, or empty."""
    instructions: str = ""
    """The part of the prompt that is the same for all sessions: what makes the evaluator; empty when unknown."""
    prompt: str = ""
    """The whole prompt that was sent, the session's transcript included; empty when unknown."""
    raw_reply: str = ""
    """The model's reply as it came; empty when only its fields are known."""


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """One record of a source that could not be used. It costs one record, never the file."""

    line: int | None
    """1-based line (or array index + 1) in the decompressed file; None when it concerns the file."""
    reason: str
    field: str | None = None
    skipped: bool = True
    """False for a warning about a record that was used all the same."""


SourceItem = AgentEvent | ImportedLabel | ImportedResult | RecordProblem
"""What a source yields."""
