"""tau2-bench result files: simulations with times, tokens, costs and outcomes. Only this format is known here.

The agent's model and the domain exist once per file. The simulated customer may call tools of its own (telecom): those
are spans named `user_tool:<name>`, never tool calls of the agent, and its costs stay out of the session's.
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
from aa_tui.backend.sources.tau_bench import SUCCESS_CRITERION, agent_of_domain, passes
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    block_text,
    elapsed_ms,
    encoded,
    has_zone,
    instant_ms,
    items,
    mapping,
    number,
    text,
    whole,
)
from aa_tui.backend.support.money import NANO, usd_to_nano

_DAY_MS = 86_400_000
_SMALLEST_DIFFERENCE = 1_000
"""Nano-dollars: below it, a session's stated cost and the sum of its messages differ only by rounding."""
REWARD_SOURCE = "tau2-bench reward"
"""Who says whether a task was done, in the labels of every file about these sessions."""


_SHAPE: Shape = {
    "agent_cost": float,
    "reward_info": {"reward": float},
    "messages": [
        {
            "role!": frozenset({"system", "user", "assistant", "tool"}),
            "content": (str, list),
            "tool_calls": [dict],
            "tool_messages": [dict],
        }
    ],
}


class _Simulation:
    """One simulation while it is turned into events."""

    def __init__(
        self,
        path: Path,
        simulation: dict[str, Any],
        info: dict[str, Any],
        task: dict[str, Any],
        first_seq: int,
        options: ReadOptions,
    ) -> None:
        self.simulation = simulation
        self.info = info
        self.task = task
        self.key = str(simulation["id"])
        self.user = user_for(options, self.key, (str(path),))
        self.messages = [mapping(message) for message in items(simulation.get("messages"))]
        agent = mapping(info.get("agent_info"))
        environment = mapping(info.get("environment_info"))
        self.model = text(agent.get("llm"))
        self.domain = text(environment.get("domain_name"))
        self.policy = text(environment.get("policy"))
        known = {
            "domain": self.domain,
            "task": encoded(simulation.get("task_id")),
            "trial": encoded(simulation.get("trial")),
            "termination": text(simulation.get("termination_reason")),
        }
        self.context = {name: value for name, value in known.items() if value}
        self.seq = first_seq
        self.turn = 0
        self.events: list[AgentEvent] = []
        self.started_ms = instant_ms(simulation.get("start_time"))
        self.ended_ms = instant_ms(simulation.get("end_time"))
        self.timed = any(instant_ms(message.get("timestamp")) is not None for message in self.messages)
        self.quality = self._quality()
        self.now = self.started_ms
        self.spent_nano = 0
        self.customer_tokens = {"prompt_tokens": 0, "completion_tokens": 0}

    def _quality(self) -> TimeQuality:
        if self.started_ms is None:
            return TimeQuality.ORDER_ONLY
        if not self.timed and self.started_ms % _DAY_MS == 0:
            # Nothing starts at midnight to the microsecond and leaves its messages without a time: made up.
            return TimeQuality.PLACEHOLDER
        return TimeQuality.EXACT if has_zone(self.simulation.get("start_time")) else TimeQuality.ZONE_ASSUMED

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        self.seq += 1
        event = AgentEvent(
            kind=kind,
            insert_id=f"tau2-bench:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_ms=self.now,
            time_quality=self.quality if self.now is not None else TimeQuality.ORDER_ONLY,
            seq=self.seq,
            trace_id=f"{self.key}#{self.turn}",
            agent_id=agent_of_domain(self.domain),
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def map(self) -> list[AgentEvent]:
        if not any(message.get("role") == "user" for message in self.messages):
            self._task()
        calls: dict[tuple[str, str], AgentEvent] = {}
        customer_spoke = customer_acted = False
        for index, message in enumerate(self.messages):
            role = message.get("role")
            before, self.now = self.now, instant_ms(message.get("timestamp")) or self.now
            took = elapsed_ms(before, self.now) if self.timed else None
            if role == "assistant":
                customer_spoke = customer_acted = False
                answer = self._answer(index, message, took)
                for call_id, call in _calls(message, index):
                    calls["assistant", call_id] = self._call(index, call_id, call, answer)
            elif role == "user":
                said = block_text(message.get("content"))
                asked = _calls(message, index)
                if (said and (customer_spoke or not customer_acted)) or (asked and not customer_acted):
                    self.turn += 1
                customer_acted = True
                for name, count in mapping(message.get("usage")).items():
                    if name in self.customer_tokens:
                        self.customer_tokens[name] += whole(count) or 0
                if said:
                    customer_spoke = True
                    self._event(EventKind.USER_MESSAGE, f"{index}", span_id=f"{self.key}:{index}", text=said)
                for call_id, call in asked:
                    calls["user", call_id] = self._customer_call(index, call_id, call)
            elif role == "tool":
                for result in [mapping(one) for one in items(message.get("tool_messages"))] or [message]:
                    self._result(index, result, calls, took)
        self.now = self.ended_ms if self.ended_ms is not None else self.now
        self._close()
        return self.events

    def _task(self) -> None:
        """Without a customer the task stands in for what was asked."""
        ticket = self.task.get("ticket") or mapping(self.task.get("user_scenario")).get("instructions")
        event = self._event(EventKind.SPAN, "task", span_id=f"{self.key}:task", name="task")
        if (given := encoded(ticket)) is not None:
            event.parts[Part.INPUT] = given

    def _answer(self, index: int, message: dict[str, Any], took: float | None) -> AgentEvent:
        usage = mapping(message.get("usage"))
        event = self._event(EventKind.AI_RESPONSE, f"{index}", span_id=f"{self.key}:{index}")
        event.text = block_text(message.get("content"))
        event.input_tokens = whole(usage.get("prompt_tokens"))
        event.output_tokens = whole(usage.get("completion_tokens"))
        if event.input_tokens is not None and event.output_tokens is not None:
            event.total_tokens = event.input_tokens + event.output_tokens
        event.cost_nano = _cost(message.get("cost"))
        self.spent_nano += event.cost_nano or 0
        called = bool(usage) or bool(message.get("raw_data")) or not self._greets(index, message)
        if called:
            event.model = self.model
            event.latency_ms = took
        if self.policy is not None:
            event.parts[Part.SYSTEM_PROMPT] = self.policy
            self.policy = None
        if (reasoning := encoded(message.get("reasoning"))) is not None:
            event.parts[Part.REASONING] = reasoning
        raw = mapping(message.get("raw_data"))
        event.finish_reason = text(raw.get("finish_reason")) or text(raw.get("stop_reason"))
        if message.get("errors"):
            # The harness repaired the form of the reply and went on: a remark, not a failed call.
            event.warnings = ("invalid_format",)
            event.properties["errors"] = message["errors"]
        return event

    def _greets(self, index: int, message: dict[str, Any]) -> bool:
        """The agent's first words are fixed, not a model call: they come before anybody asked for anything."""
        return index == 0 and not message.get("tool_calls")

    def _call(self, index: int, call_id: str, call: dict[str, Any], answer: AgentEvent) -> AgentEvent:
        event = self._event(
            EventKind.TOOL_CALL, f"{index}:{call_id}", span_id=f"{self.key}:{call_id}", parent_id=answer.span_id
        )
        event.name = _tool_name(call)
        return self._begin(event, call)

    def _customer_call(self, index: int, call_id: str, call: dict[str, Any]) -> AgentEvent:
        event = self._event(EventKind.SPAN, f"{index}:{call_id}", span_id=f"{self.key}:{call_id}")
        event.name = f"user_tool:{_tool_name(call)}"
        return self._begin(event, call)

    def _begin(self, event: AgentEvent, call: dict[str, Any]) -> AgentEvent:
        event.warnings = ("no_result",)
        given = call["arguments"] if "arguments" in call else mapping(call.get("function")).get("arguments")
        if (shown := encoded(given)) is not None:
            event.parts[Part.INPUT] = shown
        return event

    def _result(
        self, index: int, message: dict[str, Any], calls: dict[tuple[str, str], AgentEvent], took: float | None
    ) -> None:
        requestor = "user" if message.get("requestor") == "user" else "assistant"
        call_id = text(message.get("id")) or text(message.get("tool_call_id")) or ""
        event = calls.pop((requestor, call_id), None)
        if event is None:
            kind = EventKind.SPAN if requestor == "user" else EventKind.TOOL_CALL
            event = self._event(kind, f"{index}", name="user_tool:unknown" if requestor == "user" else "unknown")
            event.warnings = ("no_call",)
        else:
            event.warnings = ()
            event.latency_ms = took
            event.time_ms = self.now
        said = block_text(message.get("content"))
        if said is not None:
            event.parts[Part.OUTPUT] = said
        if message.get("error") is True:
            event.is_error = True
            if said is not None:
                event.parts[Part.ERROR] = said

    def _close(self) -> None:
        stated = _cost(self.simulation.get("agent_cost"))
        if stated is not None and stated - self.spent_nano > _SMALLEST_DIFFERENCE:
            missing = self._event(EventKind.SPAN, "cost", span_id=f"{self.key}:cost", name="unattributed_cost")
            missing.cost_nano = stated - self.spent_nano
        reward_info = mapping(self.simulation.get("reward_info"))
        assertions = [mapping(one) for one in items(reward_info.get("nl_assertions"))]
        enrichment = self._event(EventKind.SESSION_ENRICHMENT, "enrichment")
        content: dict[str, Any] = {"schema_version": "2.0"}
        rubrics = [
            {
                "name": encoded(one.get("nl_assertion")) or "assertion",
                "score": 1 if one.get("met") is True else 0,
                "rationale": encoded(one.get("justification")) or "",
            }
            for one in assertions
            if isinstance(one.get("met"), bool)
        ]
        if rubrics:
            content["rubrics"] = rubrics
        metadata = {
            "nl_assertions": reward_info.get("nl_assertions"),
            "action_checks": reward_info.get("action_checks"),
            "env_assertions": reward_info.get("env_assertions"),
            "db_check": reward_info.get("db_check"),
            "reward_basis": reward_info.get("reward_basis"),
            "reward_breakdown": reward_info.get("reward_breakdown"),
            "user_cost_usd": number(self.simulation.get("user_cost")),
            "user_tokens": self.customer_tokens if any(self.customer_tokens.values()) else None,
            "user_model": mapping(self.info.get("user_info")).get("llm"),
            "duration_s": number(self.simulation.get("duration")),
            "seed": self.simulation.get("seed"),
            "purpose": mapping(self.task.get("description")).get("purpose"),
            "user_scenario": self.task.get("user_scenario"),
        }
        content["custom_metadata"] = {name: value for name, value in metadata.items() if value is not None}
        enrichment.properties["[Agent] Enrichments"] = content
        self._event(EventKind.SESSION_END, "end")

    def label(self) -> ImportedLabel | None:
        reward = number(mapping(self.simulation.get("reward_info")).get("reward"))
        if reward is None:
            return None
        return ImportedLabel(self.key, SUCCESS_CRITERION, str(passes(reward)), REWARD_SOURCE, raw=f"{reward:g}")


def simulation_events(
    path: Path, simulation: dict[str, Any], info: dict[str, Any], first_seq: int, options: ReadOptions
) -> list[AgentEvent]:
    """Return the events of one simulation (with an `id`) given apart from a result file; `info` as in such a file."""
    return _Simulation(path, simulation, info, {}, first_seq, options).map()


def _calls(message: dict[str, Any], index: int) -> list[tuple[str, dict[str, Any]]]:
    calls = [mapping(call) for call in items(message.get("tool_calls"))]
    return [(text(call.get("id")) or f"{index}.{position}", call) for position, call in enumerate(calls)]


def _tool_name(call: dict[str, Any]) -> str:
    return text(call.get("name")) or text(mapping(call.get("function")).get("name")) or "unknown"


def _cost(value: Any) -> int | None:
    """Return nano-dollars; a stated cost of exactly zero means that nobody knows it."""
    amount = number(value)
    return usd_to_nano(amount) if amount is not None and 0 < amount < 2**62 / NANO else None


class Tau2BenchSource:
    """Result files of tau2-bench."""

    name = "tau2-bench"
    title = "tau2-bench results"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{":
            return False
        return {"info", "tasks"} <= shape.keys and (
            "simulations" in shape.keys or b'"environment_info"' in head.start or b'"agent_info"' in head.start
        )

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        info: dict[str, Any] | None = None
        tasks: dict[str, dict[str, Any]] = {}
        early: list[tuple[int, Any]] = []
        seq = 0
        for item in reading.iter_json_members(path, ("simulations", "tasks"), options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
            elif item[0] == "info":
                info = mapping(item[2])
            elif item[0] == "tasks":
                task = mapping(item[2])
                tasks[encoded(task.get("id")) or ""] = task
            elif item[0] == "simulations":
                if info is None:
                    early.append(item[1:])  # the model and the domain stand further down
                    continue
                for found in self._simulation(path, item[1:], info, tasks, seq, options):
                    seq = found.seq if isinstance(found, AgentEvent) else seq
                    yield found
        for waiting in early:
            for found in self._simulation(path, waiting, info or {}, tasks, seq, options):
                seq = found.seq if isinstance(found, AgentEvent) else seq
                yield found

    def _simulation(
        self,
        path: Path,
        element: tuple[int, Any],
        info: dict[str, Any],
        tasks: dict[str, dict[str, Any]],
        seq: int,
        options: ReadOptions,
    ) -> Iterator[SourceItem]:
        index, simulation = element
        if not isinstance(simulation, dict) or not isinstance(simulation.get("id"), str | int):
            yield RecordProblem(index + 1, "a simulation without an id", field="id")
            return
        yield from misfits(index + 1, simulation, _SHAPE)
        task = tasks.get(encoded(simulation.get("task_id")) or "", {})
        mapped = _Simulation(path, simulation, info, task, seq, options)
        yield from mapped.map()
        if (label := mapped.label()) is not None:
            yield label


TAU2_BENCH = Tau2BenchSource()
