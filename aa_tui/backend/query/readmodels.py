"""Read-models: small frozen values made for one view each, holding numbers and instants, never formatted strings.

None means unknown. Instants are epoch milliseconds UTC (`…_ms`), money nano-dollars (`…_nano`), durations and
latencies milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project as the switcher and `projects` show it."""

    id: int
    name: str
    api_key: str
    time_zone: str
    sessions: int
    newest_ms: int | None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One line of the session list; also the JSON of `aa-tui sessions`."""

    id: int
    key: str
    agent: str
    user: str | None
    title: str | None
    started_ms: int | None
    sort_at: int
    ended_ms: int | None
    time_quality: str
    duration_ms: int | None
    state: str
    turns: int
    messages: int
    user_messages: int
    model_calls: int
    tool_calls: int
    tool_errors: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost_nano: int | None
    cost_estimated: bool
    priced_calls: int
    source: str
    model: str | None
    topic: str | None
    rules: tuple[str, ...]
    """What rules know: tool_error, retry_storm, tool_cascade_fail, interrupted, abandoned, unanswered, api_error…"""
    signals: tuple[tuple[str, str, bool | None], ...] = ()
    """Recorded signal results (signal, value, passed) of the current revision."""
    repository: str | None = None
    branch: str | None = None
    cwd: str | None = None
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchExcerpt:
    """The passage of a session that a search matched: plain text and the spans (start, end) of the hits in it."""

    session_id: int
    turn_no: int | None
    text: str
    hits: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SessionIds:
    """The ordered ids of a filtered, sorted list: a stable snapshot for marking, jumping and next/previous."""

    ids: Any
    """`array('q')`."""
    total: int
    capped: bool = False
    """True when the list was cut (search ranks only the newest matches); `total` is then what was ranked."""
    matches: int | None = None
    """All matches, when more than were ranked."""


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value of a dimension with the number of sessions that have it."""

    value: str
    sessions: int


@dataclass(frozen=True, slots=True)
class FilterPart:
    """One part of a filter and how many sessions it lets through by itself; for the "filtered to nothing" screen."""

    text: str
    alone: int
    without: int
    """Sessions when this part is dropped."""


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


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its denominator and its change against the previous equal period."""

    value: float | None
    n: int
    """How many sessions (or calls) it is about."""
    previous: float | None = None
    previous_n: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket of a time series. `value` None is "no data", which is not zero."""

    start_ms: int
    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Series:
    """A named time series; `group` is the value of the group-by property, '' for all, 'other' for the rest."""

    measure: str
    group: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class AgentStat:
    """One line of Monitor's agents table."""

    agent: str
    sessions: int
    success: Measure
    """Share of sessions without a rule hit, or of task completion where signals were recorded."""
    quality: Measure
    error_rate: Measure
    cost_nano: int | None
    cost_estimated: bool
    p90_ms: float | None
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolStat:
    """One line of Monitor's tools table."""

    tool: str
    calls: int
    errors: int
    p50_ms: float | None
    p90_ms: float | None
    top_error: str | None


@dataclass(frozen=True, slots=True)
class ChartMark:
    """Something that happened at an instant: a note, or the first sight of an agent version."""

    at_ms: int
    label: str
    kind: str
    """`note` or `version`."""


@dataclass(frozen=True, slots=True)
class MonitorView:
    """Everything Monitor draws, for one filter, range and interval."""

    from_ms: int
    to_ms: int
    interval: str
    """hour, day, week, month."""
    time_zone: str
    tiles: dict[str, Measure]
    """By measure id of the vocabulary: sessions, users, turns, success, quality, friction, cost, latency_p50,
    latency_p90, error_rate…; cost in nano-dollars, rates in 0–1, latencies in ms."""
    series: tuple[Series, ...]
    agents: tuple[AgentStat, ...]
    tools: tuple[ToolStat, ...]
    errors: tuple[FacetCount, ...]
    rules: tuple[FacetCount, ...]
    """Sessions by rule hit: what quality can say before a model scored."""
    topics: tuple[FacetCount, ...]
    marks: tuple[ChartMark, ...]
    scored: int
    """Sessions with recorded signals in the range; 0 means quality is from rules only."""
    scored_by: str | None
    """Model name behind the signals, for example `sample (recorded)`."""
    cost_estimated: bool
    subscription: bool
    untimed: int
    """Sessions kept out of the charts because their time is unknown or made up."""
    cost_coverage: tuple[int, int]
    """(priced, all) model calls."""
    data_as_of_ms: int | None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A line of the get-started checklist."""

    id: str
    title: str
    done: bool
    n: int
    of: int
    hint: str


@dataclass(frozen=True, slots=True)
class SavedViewRow:
    """A named address, private to its owner or shared with the project."""

    name: str
    owner: str
    shared: bool
    address: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A typed note at an instant of the time charts."""

    id: int
    at_ms: int
    text: str
    author: str
