"""Read-models of one session: its steps, turns, cost shares, results, and its long texts on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.readmodels import (
    AnswerRow,
    ContentText,
    CostShare,
    SessionBeginning,
    SessionDetail,
    StepRow,
    ThreadHit,
    TurnRow,
)
from aa_tui.backend.query.session_results import judging, results
from aa_tui.backend.query.sessions import rows
from aa_tui.backend.store import contents
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.support.errors import NotFound

_STEP_COLUMNS = (
    "id, kind, turn_no, position, depth, parent_event, time_ms, latency_ms, ttfb_ms, agent_id, parent_agent_id, name, "
    "model, head, text_size, input_tokens, output_tokens, total_tokens, cost_nano, cost_estimated, is_error, "
    "error_type, finish_reason, interrupted, from_agent, score_value, score_source, warnings, properties"
)
_MARKS = (
    ("[Agent] Was Copied", "copied"),
    ("[Agent] Is Edit", "edited"),
    ("[Agent] Is Regeneration", "regenerated"),
    ("[Agent] Was Cached", "cached"),
    ("[Agent] Is Streaming", "streaming"),
    ("[Agent] Has Attachments", "attachments"),
    ("[Agent] Attachments", "attachments"),
    ("[Agent] Message Labels", "labels"),
    ("[Agent] Message Label Map", "labels"),
)
_MARKING = re.compile(
    r'"\[Agent\] (?:Was C|Is Edit|Is Regen|Is Stream|Has Att|Attachments"|Message Label|Message Source")'
)
_AI = int(EventKind.AI_RESPONSE)
_TOOL = int(EventKind.TOOL_CALL)
_COSTING = (_AI, int(EventKind.EMBEDDING), int(EventKind.SPAN))
_HITS = 10_000
"""A search in a thread stops at so many hits."""
_AT_ONCE = 40
"""Texts in memory at once while searching."""


def _marks(properties: str | None) -> tuple[str, ...]:
    """Return the marks of a step; properties are decoded only where one of them can be there."""
    if not properties or not _MARKING.search(properties):
        return ()
    try:
        props = json.loads(properties)
    except ValueError:
        return ()
    found = [mark for name, mark in _MARKS if props.get(name)]
    if props.get("[Agent] Message Source") == "machine":
        found.append("machine")
    return tuple(dict.fromkeys(found))


def _step(row: Row) -> StepRow:
    values: tuple[Any, ...] = (
        *row[:19],
        bool(row[19]),
        bool(row[20]),
        *row[21:23],
        bool(row[23]),
        bool(row[24]),
        *row[25:27],
        _marks(row[28]),
        tuple(row[27].split()) if row[27] else (),
    )
    return StepRow(*values)


class _Sum:
    """A running cost share."""

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.cost: int | None = None
        self.estimated = False

    def pay(self, nano: int | None, estimated: bool) -> None:
        if nano is not None:
            self.cost = (self.cost or 0) + nano
            self.estimated = self.estimated or estimated

    def share(self, name: str, allocated: bool) -> CostShare:
        return CostShare(name, self.calls, self.errors, self.cost, allocated, self.estimated)


def _by_cost(sums: dict[str, _Sum], allocated: bool) -> tuple[CostShare, ...]:
    shares = [s.share(name, allocated) for name, s in sums.items()]
    return tuple(sorted(shares, key=lambda s: (-(s.cost_nano or 0), -s.calls, s.name)))


def cost_shares(steps: Sequence[StepRow]) -> tuple[tuple[CostShare, ...], tuple[CostShare, ...]]:
    """Return cost by agent (as measured) and by tool (allocated).

    A model call's cost is shared evenly among the tool calls it asked for: those that stand under it, else those of the
    same agent after it and before that agent's next model call.
    """
    agents: dict[str, _Sum] = {}
    tools: dict[str, _Sum] = {}
    by_id = {step.id: step for step in steps}
    newest: dict[str | None, StepRow] = {}
    asked: dict[int, list[StepRow]] = {}
    for step in steps:
        if step.kind in _COSTING:
            mine = agents.setdefault(step.agent or "unknown", _Sum())
            mine.calls += 1
            mine.errors += step.is_error
            mine.pay(step.cost_nano, step.cost_estimated)
        if step.kind == _AI:
            newest[step.agent] = step
        elif step.kind == _TOOL:
            used = tools.setdefault(step.name or "unknown", _Sum())
            used.calls += 1
            used.errors += step.is_error
            parent = by_id.get(step.parent_event) if step.parent_event is not None else None
            caller = parent if parent is not None and parent.kind == _AI else newest.get(step.agent)
            if caller is not None:
                asked.setdefault(caller.id, []).append(step)
    for caller_id, calls in asked.items():
        caller = by_id[caller_id]
        if caller.cost_nano is None:
            continue
        each, left = divmod(caller.cost_nano, len(calls))
        for index, call in enumerate(calls):
            tools[call.name or "unknown"].pay(each + (index < left), caller.cost_estimated)
    return _by_cost(agents, False), _by_cost(tools, True)


def detail(reader: Reader, scope: Scope, session_id: int) -> SessionDetail:
    """Return one session without its long texts.

    Raises:
        NotFound: there is no such session.
    """
    known = rows(reader, scope, [session_id]).get(session_id)
    params: dict[str, Any] = {"p": scope.project_id, "s": session_id}
    row = reader.one(
        "SELECT models, close_reason, closed_ms, revision, input_tokens, output_tokens, reasoning_tokens, "
        "cache_read_tokens, cache_creation_tokens, latency_avg_ms, latency_p50_ms, latency_p90_ms, user_score, "
        "warnings, info FROM session WHERE project_id=:p AND id=:s",
        params,
    )
    if known is None or row is None:
        raise _gone(session_id)
    events = reader.fetch(f"SELECT {_STEP_COLUMNS} FROM event WHERE project_id=:p AND session_id=:s", params)
    events.sort(key=itemgetter(3, 0))
    steps = tuple(map(_step, events))
    turns = tuple(
        TurnRow(*(*turn[:12], bool(turn[12])))
        for turn in reader.fetch(
            "SELECT no, started_ms, ended_ms, user_head, answer_head, messages, model_calls, tool_calls, tool_errors, "
            "errors, total_tokens, cost_nano, cost_estimated FROM turn WHERE project_id=:p AND session_id=:s "
            "ORDER BY no",
            params,
        )
    )
    answers = tuple(
        AnswerRow(*answer)
        for answer in reader.fetch(
            "SELECT c.name, a.value, a.reviewer, a.source, a.origin, a.note, a.answered_ms FROM answer a "
            "JOIN criterion c ON c.project_id=a.project_id AND c.id=a.criterion_id "
            "WHERE a.project_id=:p AND a.session_id=:s ORDER BY c.name, a.answered_ms, a.reviewer",
            params,
        )
    )
    info = json.loads(row[14] or "{}")
    warnings = tuple(row[13].split())
    by_agent, by_tool = cost_shares(steps)
    found = tuple(results(reader, scope.project_id, session_id))
    values: tuple[Any, ...] = (
        known, steps, turns, known.agents, tuple(json.loads(row[0] or "[]")), *row[1:13],
        warnings, info if isinstance(info, dict) else {}, by_agent, by_tool, found, answers,
        "several_sources" in warnings, judging(reader, scope.project_id, session_id),
    )  # fmt: skip
    return SessionDetail(*values)


def beginning(reader: Reader, scope: Scope, session_id: int, steps: int) -> SessionBeginning:
    """Return a session's row and its first `steps` steps.

    Raises:
        NotFound: there is no such session.
    """
    known = rows(reader, scope, [session_id]).get(session_id)
    if known is None:
        raise _gone(session_id)
    params: dict[str, Any] = {"p": scope.project_id, "s": session_id, "n": steps}
    events = reader.fetch(
        f"SELECT {_STEP_COLUMNS} FROM event WHERE project_id=:p AND session_id=:s ORDER BY position, id LIMIT :n",
        params,
    )
    return SessionBeginning(known, tuple(map(_step, events)))


def _gone(session_id: int) -> NotFound:
    return NotFound(f"There is no session {session_id} any more.", "Go back to the list and refresh it.")


def texts(
    reader: Reader, scope: Scope, session_id: int, event_ids: Iterable[int], limit: int
) -> dict[int, tuple[ContentText, ...]]:
    """Return the long texts of some events, each cut at `limit` characters, with their whole sizes."""
    found: dict[int, list[ContentText]] = {}
    for event_id, part, text, size in contents.read(reader, scope.project_id, session_id, event_ids, limit=limit):
        found.setdefault(event_id, []).append(ContentText(part, text, size))
    return {event_id: tuple(sorted(parts, key=lambda one: one.part)) for event_id, parts in found.items()}


def text(reader: Reader, scope: Scope, session_id: int, event_id: int, part: str) -> str:
    """Return one long text whole.

    Raises:
        NotFound: the event has no such text.
    """
    for _, _, whole, _ in contents.read(reader, scope.project_id, session_id, [event_id], only=(part,)):
        return whole
    raise NotFound(f"This event has no {part}.", "It may have been imported without content.")


def find(reader: Reader, scope: Scope, session_id: int, needle: str) -> list[ThreadHit]:
    """Return where `needle` stands in the session's texts, in any case, in the order of the thread; at most 10,000."""
    if not needle:
        return []
    params: dict[str, Any] = {"p": scope.project_id, "s": session_id}
    order = reader.fetch("SELECT id FROM event WHERE project_id=:p AND session_id=:s ORDER BY position, id", params)
    found: list[ThreadHit] = []
    pattern = re.compile(re.escape(needle), re.IGNORECASE)
    lowered = needle.lower()
    for start in range(0, len(order), _AT_ONCE):
        ids = [row[0] for row in order[start : start + _AT_ONCE]]
        held: dict[int, list[tuple[str, str]]] = {}
        for event_id, part, whole, _ in contents.read(reader, scope.project_id, session_id, ids):
            held.setdefault(event_id, []).append((part, whole))
        for event_id in ids:
            for part, whole in sorted(held.get(event_id, ()), key=lambda c: (_PART_ORDER.get(c[0], 9), c[0])):
                for at, length in _places(whole, lowered, pattern):
                    found.append(ThreadHit(event_id, part, at, length))
                    if len(found) >= _HITS:
                        return found
    return found


_PART_ORDER = {"reasoning": 0, "text": 1, "input": 2, "output": 3, "error": 4, "stack_trace": 5}


def _places(whole: str, lowered: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    if whole.isascii():
        # Lower case keeps every character at its place here, and plain finding is many times faster than a pattern.
        low = whole.lower()
        at = low.find(lowered)
        while at >= 0:
            yield at, len(lowered)
            at = low.find(lowered, at + len(lowered))
        return
    for match in pattern.finditer(whole):
        yield match.start(), match.end() - match.start()
