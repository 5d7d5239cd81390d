"""The session list: its rows, ids, search excerpts and parts of its filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
    warnings: tuple[str, ...] = ()
    """Codes of its soft data problems; `model.data_problems` says what they mean."""
    revision: int = 0
    """How often it was closed."""


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
class FilterPart:
    """One part of a filter and how many sessions it lets through by itself; for the "filtered to nothing" screen."""

    text: str
    alone: int
    without: int
    """Sessions when this part is dropped."""
