"""SWE-agent trajectories: one software-repair run per file. Only this format is known here.

A step is a model call (thought and action) and the command it ran. Nothing has a time, and tokens and cost exist for
the whole run only: they become one span, so that no step is given a share by guessing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    block_text,
    encoded,
    items,
    mapping,
    number,
    stated_nano,
    stem,
    text,
    whole,
)

AGENT_ID = "swe-agent"
UNATTRIBUTED = "unattributed_usage"
"""Span name of the run's tokens and cost, which no step states."""


def session_key(path: Path) -> str:
    """Return what identifies a run: the folder that names the run, and the instance.

    Newer versions put each instance into a folder of its own name; then the folder above names the run.
    """
    instance = stem(path)
    folder = next((part.name for part in path.absolute().parents if part.name != instance), "")
    return f"{folder}/{instance}" if folder else instance


_SHAPE: Shape = {
    "history": [{"role!": str, "content": (str, list)}],
    "trajectory": [{"action": (str, dict), "observation": (str, list)}],
    "info": {"submission": str, "model_stats": dict},
}


class _Run:
    """One trajectory while it is turned into events."""

    def __init__(self, path: Path, document: dict[str, Any], options: ReadOptions) -> None:
        self.document = document
        self.key = session_key(path)
        self.user = user_for(options, self.key, (str(path),))
        self.info = mapping(document.get("info"))
        self.history = [mapping(message) for message in items(document.get("history"))]
        known = {
            "environment": text(document.get("environment")),
            "exit_status": text(self.info.get("exit_status")),
            "instance": stem(path),
        }
        self.context = {name: value for name, value in known.items() if value}
        self.events: list[AgentEvent] = []

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        event = AgentEvent(
            kind=kind,
            insert_id=f"swe-agent:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_quality=TimeQuality.ORDER_ONLY,
            seq=len(self.events) + 1,
            trace_id=f"{self.key}#1",
            agent_id=AGENT_ID,
            span_id=f"{self.key}:{key}",
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def map(self) -> list[AgentEvent]:
        asked, system = self._asked()
        if asked is not None:
            self._event(EventKind.USER_MESSAGE, "task", text=asked)
        steps = [mapping(step) for step in items(self.document.get("trajectory"))] or self._steps_of_history()
        for position, step in enumerate(steps):
            self._step(position, step, system if position == 0 else None)
        self._close()
        return self.events

    def _asked(self) -> tuple[str | None, str | None]:
        """Return the task and the system prompt; demonstrations were put into the prompt and are no part of the run."""
        asked = system = None
        for message in self.history:
            role = message.get("role")
            if role == "assistant" and not message.get("is_demo"):
                break
            if message.get("is_demo") or message.get("message_type") == "demonstration":
                continue
            if role == "user":
                asked = block_text(message.get("content"))
            elif role == "system":
                system = block_text(message.get("content"))
        return asked, system

    def _steps_of_history(self) -> list[dict[str, Any]]:
        """Files of demonstrations have no trajectory: their steps are the assistant's messages and what follows."""
        steps: list[dict[str, Any]] = []
        for message in self.history:
            said = block_text(message.get("content"))
            if message.get("is_demo"):
                continue
            if message.get("role") == "assistant":
                step = {name: message.get(name) for name in ("thought", "action", "tool_calls")}
                steps.append({**step, "response": said})
            elif steps and message.get("role") in ("user", "tool") and "observation" not in steps[-1]:
                steps[-1]["observation"] = said
        return steps

    def _step(self, position: int, step: dict[str, Any], system: str | None) -> None:
        answer = self._event(EventKind.AI_RESPONSE, f"{position}")
        answer.text = block_text(step.get("response")) or text(step.get("thought"))
        thought = text(step.get("thought"))
        if thought is not None and thought.strip() != (answer.text or "").strip():
            answer.parts[Part.REASONING] = thought
        if system is not None:
            answer.parts[Part.SYSTEM_PROMPT] = system
        action = (encoded(step.get("action")) or "").strip()
        answer.finish_reason = "tool_calls" if action else "stop"
        if not action:
            return
        call = self._event(EventKind.TOOL_CALL, f"{position}.action", parent_id=answer.span_id)
        call.name = action.split(None, 1)[0]
        call.parts[Part.INPUT] = action
        observation = block_text(step.get("observation"))
        if observation is not None:
            call.parts[Part.OUTPUT] = observation
        elif "observation" not in step:
            call.warnings = ("no_result",)
        seconds = number(step.get("execution_time"))
        call.latency_ms = seconds * 1000 if seconds is not None and seconds >= 0 else None
        state = _state(step.get("state"))
        if state:
            call.properties["state"] = state

    def _close(self) -> None:
        stats = mapping(self.info.get("model_stats"))
        sent, received = whole(stats.get("tokens_sent")) or None, whole(stats.get("tokens_received")) or None
        cost = stated_nano(stats.get("instance_cost"))
        if cost is not None or sent is not None or received is not None:
            usage = self._event(EventKind.SPAN, "usage", name=UNATTRIBUTED)
            usage.cost_nano = cost
            usage.input_tokens, usage.output_tokens = sent, received
            usage.total_tokens = (sent or 0) + (received or 0) or None
            if calls := whole(stats.get("api_calls")):
                usage.properties["api_calls"] = calls
        if patch := text(self.info.get("submission")):
            self._event(EventKind.SPAN, "submission", name="submission").parts[Part.OUTPUT] = patch
        self._event(EventKind.SESSION_END, "end")


def _state(value: Any) -> dict[str, Any]:
    """The shell's state is an object in newer files and one encoded as text in older ones."""
    if isinstance(value, str):
        decoded, _ = reading.decode_objects(value)
        value = decoded[0] if decoded else None
    return mapping(value)


class SweAgentSource:
    """Trajectory files of SWE-agent."""

    name = "swe-agent"
    title = "SWE-agent trajectory"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{":
            return False
        if {"trajectory", "history"} <= shape.keys or {"trajectory", "environment"} <= shape.keys:
            return True
        if "trajectory" in shape.keys:
            return b'"observation"' in head.start and b'"action"' in head.start
        history = items(shape.records[0].get("history")) if shape.records else []
        if shape.keys == {"history"} and shape.records:
            return any("message_type" in mapping(message) for message in history)
        return shape.keys == {"history"} and b'"message_type"' in head.start and b'"agent"' in head.start

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        document = reading.load_json_document(path, options.on_bytes)
        if isinstance(document, RecordProblem):
            yield document
            return
        if not isinstance(document, dict):
            yield RecordProblem(1, "not a trajectory: no object")
            return
        yield from misfits(1, document, _SHAPE)
        yield from _Run(path, document, options).map()


SWE_AGENT = SweAgentSource()
