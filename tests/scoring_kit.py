"""Small closed conversations in a store, and a model server's answers to the batched signals; for tests of scoring."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.service.workspace import Workspace
from tests.builders import NOW_MS

HOUR = 3_600_000
ASKED = "My parcel 4711 has not arrived, where is it?"
ANSWERED = "It left Leipzig this morning and arrives tomorrow."
THANKS = "Thanks, that helps."


def talk(key: str, at: int, *, agent: str = "support-bot", more: Iterable[str] = ()) -> list[AgentEvent]:
    """Return the events of a short conversation that its sender ended."""
    said = [(EventKind.USER_MESSAGE, ASKED), (EventKind.AI_RESPONSE, ANSWERED), (EventKind.USER_MESSAGE, THANKS)]
    said += [(EventKind.USER_MESSAGE, text) for text in more]
    found = [
        AgentEvent(
            kind,
            f"{key}-{number}-{at}",
            session_key=key,
            user_id="u-1",
            time_ms=at + number * 1000,
            trace_id=f"{key}-t",
            agent_id=agent,
            model="gpt-4o" if kind == EventKind.AI_RESPONSE else None,
            latency_ms=500.0 if kind == EventKind.AI_RESPONSE else None,
            input_tokens=100 if kind == EventKind.AI_RESPONSE else None,
            output_tokens=20 if kind == EventKind.AI_RESPONSE else None,
            text=text,
        )
        for number, (kind, text) in enumerate(said)
    ]
    end = AgentEvent(EventKind.SESSION_END, f"{key}-end-{at}", session_key=key, time_ms=at + 60_000, agent_id=agent)
    return [*found, end]


def put(ws: Workspace, events: Iterable[AgentEvent]) -> None:
    """Write events as a source does."""
    Writer(ws.store, ws.project.id, ws.clock).write([Incoming(one, "test", 1) for one in events])


def conversations(ws: Workspace, count: int, *, first: int = 0, at: int = NOW_MS - 5 * HOUR) -> None:
    """Write closed conversations `s-0`, `s-1`…"""
    put(ws, [event for n in range(first, first + count) for event in talk(f"s-{n}", at + n * 1000)])


def ids(ws: Workspace) -> dict[str, int]:
    """Return session ids by key."""
    with ws.store.reader() as reader:
        return dict(reader.fetch("SELECT key, id FROM session WHERE project_id=:p", {"p": ws.project.id}))


def batch_answer(body: dict[str, Any]) -> dict[str, Any]:
    """Answer every question of a batched prompt: the task was done, all is well, with a quote that is there."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    answer: dict[str, Any] = {}
    for name, wanted in schema.get("properties", {}).items():
        if wanted.get("type") == "object":
            inner = wanted.get("properties", {})
            verdict: dict[str, Any] = {"rationale": "It says so.", "evidence": [{"quote": THANKS, "turn": 3}]}
            if "detected" in inner:
                verdict["detected"] = name in ("task_completion", "response_quality")
            if "label" in inner:
                verdict["label"] = inner["label"]["enum"][0]
            answer[name] = verdict
        else:
            answer[name] = {
                "topic": "parcel tracking",
                "topic_summary": "The user asked where a parcel is.",
                "request_complexity": "simple",
            }.get(name, "")
    return answer


def choice(base_url: str, **more: Any) -> ModelChoice:
    """Return the choice of a loopback server's model."""
    return ModelChoice("compatible", "mock", base_url, **more)


def rows(ws: Workspace, sql: str, **params: Any) -> list[tuple[Any, ...]]:
    """Return what a statement finds in the project (`:p`)."""
    with ws.store.reader() as reader:
        return [tuple(row) for row in reader.fetch(sql, {"p": ws.project.id, **params})]


def settings(ws: Workspace) -> dict[str, Any]:
    """Return the project's settings as stored."""
    found: dict[str, Any] = json.loads(rows(ws, "SELECT settings FROM project WHERE id=:p")[0][0])
    return found
