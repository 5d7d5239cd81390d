"""tau-bench trajectories: an array of customer-service dialogues with rewards. Only this format is known here.

The dialogues have no times and no ids: a session is file, task and trial, and only the order of messages is known.
The customer is simulated; its hidden instruction and the expected actions go into the session's enrichment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import (
    AgentEvent,
    EventKind,
    ImportedLabel,
    Part,
    RecordProblem,
    SourceItem,
    TimeQuality,
)
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import block_text, encoded, items, mapping, number, stem, text

PASS_REWARD = 1.0
"""A dialogue passes at this reward; the raw reward is kept with the label, so that another threshold can be drawn."""
SUCCESS_CRITERION = "task_success"
DOMAINS = ("airline", "retail", "telecom")
_TOLERANCE = 1e-6


def passes(reward: float) -> bool:
    """Tell whether a reward means that the task was done."""
    return reward >= PASS_REWARD - _TOLERANCE


def agent_of_domain(domain: str | None) -> str:
    """Return the agent id of a benchmark's domain."""
    return f"{domain}-agent" if domain else "customer-service-agent"


_SHAPE: Shape = {
    "reward": float,
    "traj": [
        {
            "role!": frozenset({"system", "user", "assistant", "tool"}),
            "content": (str, list),
            "tool_calls": [{"function": {"name": str}}],
        }
    ],
}


class _Dialogue:
    """One trajectory while it is turned into events."""

    def __init__(self, path: Path, element: dict[str, Any], first_seq: int, options: ReadOptions) -> None:
        self.element = element
        self.info = mapping(element.get("info"))
        self.task = mapping(self.info.get("task"))
        task_id, trial = encoded(element.get("task_id")) or "?", encoded(element.get("trial")) or "0"
        self.key = f"{stem(path)}/{task_id}/{trial}"
        self.messages = [mapping(message) for message in items(element.get("traj"))]
        self.user = text(self.task.get("user_id")) or user_for(options, self.key, (str(path),))
        self.domain = _domain(self.messages, path)
        known = {"domain": self.domain, "task": task_id, "trial": trial}
        self.context = {name: value for name, value in known.items() if value}
        self.seq = first_seq
        self.turn = 0
        self.events: list[AgentEvent] = []

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        self.seq += 1
        event = AgentEvent(
            kind=kind,
            insert_id=f"tau-bench:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_quality=TimeQuality.ORDER_ONLY,
            seq=self.seq,
            trace_id=f"{self.key}#{self.turn}",
            agent_id=agent_of_domain(self.domain),
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def map(self) -> list[AgentEvent]:
        results: dict[str, AgentEvent] = {}
        policy: str | None = None
        for index, message in enumerate(self.messages):
            role = message.get("role")
            said = block_text(message.get("content"))
            if role == "system":
                policy = said
            elif role == "user":
                self.turn += 1
                self._event(EventKind.USER_MESSAGE, f"{index}", span_id=f"{self.key}:{index}", text=said)
            elif role == "assistant":
                calls = [mapping(call) for call in items(message.get("tool_calls"))]
                answer = self._event(EventKind.AI_RESPONSE, f"{index}", span_id=f"{self.key}:{index}", text=said)
                answer.finish_reason = "tool_calls" if calls else "stop"
                if policy is not None:
                    answer.parts[Part.SYSTEM_PROMPT] = policy
                    policy = None
                for position, call in enumerate(calls):
                    call_id = text(call.get("id")) or f"{index}.{position}"
                    results[call_id] = self._call(f"{index}.{position}", call_id, call, answer)
            elif role == "tool":
                self._result(index, message, said, results)
        self._close()
        return self.events

    def _call(self, key: str, call_id: str, call: dict[str, Any], answer: AgentEvent) -> AgentEvent:
        function = mapping(call.get("function"))
        event = self._event(EventKind.TOOL_CALL, key, span_id=f"{self.key}:{call_id}", parent_id=answer.span_id)
        event.name = text(function.get("name")) or "unknown"
        event.warnings = ("no_result",)
        if (given := encoded(function.get("arguments"))) is not None:
            event.parts[Part.INPUT] = given
        return event

    def _result(self, index: int, message: dict[str, Any], said: str | None, results: dict[str, AgentEvent]) -> None:
        event = results.pop(text(message.get("tool_call_id")) or "", None)
        if event is None:
            event = self._event(EventKind.TOOL_CALL, f"{index}", name=text(message.get("name")) or "unknown")
            event.warnings = ("no_call",)
        else:
            event.warnings = ()
        if said is not None:
            event.parts[Part.OUTPUT] = said
            event.is_error = said.startswith("Error")
            if event.is_error:
                event.parts[Part.ERROR] = said

    def _close(self) -> None:
        metadata = {
            "instruction": self.task.get("instruction"),
            "expected_actions": self.task.get("actions"),
            "expected_outputs": self.task.get("outputs"),
            "reward_info": self.info.get("reward_info"),
            "user_cost_usd": number(self.info.get("user_cost")),
            "end": self.info.get("source"),
        }
        metadata = {name: value for name, value in metadata.items() if value is not None}
        enrichment = self._event(EventKind.SESSION_ENRICHMENT, "enrichment")
        enrichment.properties["[Agent] Enrichments"] = {"schema_version": "2.0", "custom_metadata": metadata}
        self._event(EventKind.SESSION_END, "end")

    def label(self) -> ImportedLabel | None:
        reward = number(self.element.get("reward"))
        if reward is None:
            return None
        return ImportedLabel(self.key, SUCCESS_CRITERION, str(passes(reward)), "tau-bench reward", raw=f"{reward:g}")


def _domain(messages: list[dict[str, Any]], path: Path) -> str | None:
    """Return the domain named in the policy's first line, else in the file's name."""
    policy = next((block_text(m.get("content")) or "" for m in messages if m.get("role") == "system"), "")
    heading = policy.lstrip().split("\n", 1)[0].lower()
    return next((domain for domain in DOMAINS if domain in heading or domain in path.name.lower()), None)


class TauBenchSource:
    """Trajectory files of tau-bench."""

    name = "tau-bench"
    title = "tau-bench trajectories"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        return shape.opening == "[" and {"task_id", "traj"} <= shape.keys

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        seq = 0
        for item in reading.iter_json_members(path, (), options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
                continue
            key, index, element = item
            if key is not None or not isinstance(element, dict) or not isinstance(element.get("traj"), list):
                yield RecordProblem(index + 1, "a dialogue without messages", field="traj")
                continue
            yield from misfits(index + 1, element, _SHAPE)
            dialogue = _Dialogue(path, element, seq, options)
            yield from dialogue.map()
            seq = dialogue.seq
            if (label := dialogue.label()) is not None:
                yield label


TAU_BENCH = TauBenchSource()
