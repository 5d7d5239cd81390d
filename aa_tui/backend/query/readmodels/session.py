"""One session: its steps, turns, shares of cost, results, answers and long texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aa_tui.backend.query.readmodels.sessions import SessionRow


@dataclass(slots=True, unsafe_hash=True)
class StepRow:
    """One event of a session in order: a message, model call, tool call, span… without its long texts.

    A frozen value like all the others, but not declared so: that makes it four times as slow to build, and opening a
    long session builds thousands.
    """

    id: int
    kind: int
    """`EventKind`."""
    turn_no: int
    position: int
    depth: int
    parent_event: int | None
    time_ms: int | None
    """End of the operation; start = time - latency."""
    latency_ms: float | None
    ttfb_ms: float | None
    agent: str | None
    parent_agent: str | None
    name: str | None
    model: str | None
    head: str | None
    text_size: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost_nano: int | None
    cost_estimated: bool
    is_error: bool
    error_type: str | None
    finish_reason: str | None
    interrupted: bool
    from_agent: bool
    score_value: float | None
    score_source: str | None
    marks: tuple[str, ...]
    """copied, edited, regenerated, cached, streaming, machine (made by the tool itself), attachments, labels…"""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn of a session."""

    no: int
    started_ms: int | None
    ended_ms: int | None
    user_head: str | None
    answer_head: str | None
    messages: int
    model_calls: int
    tool_calls: int
    tool_errors: int
    errors: int
    total_tokens: int | None
    cost_nano: int | None
    cost_estimated: bool


@dataclass(frozen=True, slots=True)
class CostShare:
    """Cost by agent or by tool of one session. Tools are allocated a share of the model call that asked for them."""

    name: str
    calls: int
    errors: int
    cost_nano: int | None
    allocated: bool
    estimated: bool


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """A piece of evidence: what was quoted, and where code found it."""

    text: str
    event_id: int | None = None
    """The step it stands in; None: nowhere, or nobody looked."""
    turn: int | None = None
    """The passage that the judge named, 1-based."""
    role: str = ""
    """Who said it there."""
    verified: bool | None = None
    """Whether it stands there word for word; None where that was never checked, as of imported results."""


@dataclass(frozen=True, slots=True)
class JudgingRow:
    """What became of judging a session's newest close by the signals' one call."""

    state: str
    """claimed, done, failed, not_scored."""
    reason: str
    model: str | None
    provider: str | None
    calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nano: int | None
    latency_ms: float | None
    evaluated_ms: int | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A recorded result of a signal or evaluator for a session."""

    check: str
    kind: str
    """`signal` or `evaluator`."""
    version: int
    value: str | None
    passed: bool | None
    score: float | None
    rationale: str | None
    evidence: str | None
    model: str | None
    method: str
    latency_ms: float | None
    cost_nano: int | None
    error: str | None
    evaluated_ms: int | None
    error_kind: str | None = None
    quotes: tuple[QuoteRow, ...] = ()
    """`evidence` taken apart."""
    labels: tuple[str, ...] = ()
    """Patterns, phrases, codes; the labels chosen of several."""
    extras: tuple[tuple[str, str], ...] = ()
    """What else the judge said, by name."""
    flags: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    raw_reply: str | None = None
    """The beginning of what the judge wrote, where it was kept."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A person's (or an imported) answer to a criterion for a session."""

    criterion: str
    value: str
    reviewer: str
    source: str
    origin: str
    note: str | None
    answered_ms: int


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """One session as its five tabs need it, without long texts."""

    row: SessionRow
    steps: tuple[StepRow, ...]
    turns: tuple[TurnRow, ...]
    agents: tuple[str, ...]
    """The chain, root first."""
    models: tuple[str, ...]
    close_reason: str | None
    closed_ms: int | None
    revision: int
    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cache_read_tokens: int | None
    cache_creation_tokens: int | None
    latency_avg_ms: float | None
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    user_score: float | None
    warnings: tuple[str, ...]
    info: dict[str, Any]
    """Context, tags, versions, env, org, git, resume command, enrichments."""
    by_agent: tuple[CostShare, ...]
    by_tool: tuple[CostShare, ...]
    results: tuple[ResultRow, ...]
    answers: tuple[AnswerRow, ...]
    several_sources: bool = False
    judging: JudgingRow | None = None
    """None: no model was asked about its newest close, or may not be."""


@dataclass(frozen=True, slots=True)
class SessionBeginning:
    """How a session begins, for the preview beside the list."""

    row: SessionRow
    steps: tuple[StepRow, ...]
    """The first ones, in order."""


@dataclass(frozen=True, slots=True)
class ContentText:
    """A long text of an event: the part's name, the text from `offset`, and its whole size in characters."""

    part: str
    text: str
    size: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """A match of the in-thread search."""

    event_id: int
    part: str
    start: int
    """Character offset in that part."""
    length: int
