"""One session's events as they are played: prompts, answers, tools, retrieval, delegates. Which come is `play`'s."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.sources.demo import people, timeline
from aa_tui.backend.sources.demo.equipment import (
    API_ERRORS,
    EMBEDDING,
    FLASH,
    GPT_4O,
    GPT_4O_MINI,
    GPT_41_MINI,
    LOCAL,
    OPUS,
    PROMPT,
    SONNET,
    TOOL_MS,
)
from aa_tui.backend.sources.demo.script import Branch, Line, Scenario, phrases
from aa_tui.backend.sources.demo.timeline import CODING, RECIPE, SHOPPING, SUPPORT, Visit
from aa_tui.backend.sources.demo.truth import Truth
from aa_tui.backend.support.clock import DAY_MS

_SENTENCE_START = re.compile(r"(^|[.!?] )([A-Z])(?=[a-z' ])")
_plain_json = json.JSONEncoder(ensure_ascii=False).encode
"""Kept, because `json.dumps` makes a new encoder at every call that asks for anything."""
_WROTE = re.compile(r"(?:wrote|moved) (\d+) lines")


def _written_tokens(line: Line) -> int:
    """Return about how many tokens the model writes for a call whose file contents are not part of the script."""
    lines = _WROTE.search(line.tool_output)
    return int(lines[1]) * 9 if lines else (110 if line.name == "edit_file" else 0)


class Acting:
    """One session while it is being played: its clock, its history and its events."""

    def __init__(
        self, rng: Random, visit: Visit, scenario: Scenario, branch: Branch, ending: str, end_ms: int, day_tag: int
    ) -> None:
        self._rng, self._visit, self._scenario, self._branch, self._ending = rng, visit, scenario, branch, ending
        person = visit.person
        agent = self._agent = visit.agent
        self._end_ms = end_ms
        prefix = {SUPPORT: "ticket", CODING: "code", SHOPPING: "shop"}[agent]
        self.key = f"{prefix}-{day_tag + visit.number}"
        self._now = float(visit.start_ms)
        self._events: list[AgentEvent] = []
        self._turn = 0
        self._ordinal = 0
        self._history = 0
        self._cached = 0
        self._user_lines: list[str] = []
        self._agent_lines: list[str] = []
        self._negative: list[str] = []
        self._last_answer: AgentEvent | None = None
        self._answers = 0
        self._called = False
        """Whether a model was called."""
        self._reasoning = ""
        self._language = language = next((flag for flag in ("de", "es") if flag in scenario.flags), "")
        self._slow = 1.0
        if agent == SUPPORT and timeline.in_incident(visit.start_ms, end_ms):
            self._slow = rng.uniform(2.4, 4.2)
        values = people.slots(rng, person, visit.start_ms, language)
        if scenario.vars:
            drawn = rng.choice(scenario.vars)
            values.update(drawn)
        marks = branch.marks
        values["eta"], wait = people.refund_wait(rng, marks.get("policy"), marks.get("reason", ""))
        self._wait = wait
        self._casual = person.casual and agent != CODING and not language
        staging = not person.user_id and rng.random() < 0.25
        context = {"env": "staging" if staging else "production", "plan": person.plan}
        released = visit.start_ms >= end_ms - timeline.RELEASE_DAYS_AGO * DAY_MS
        dearer = visit.start_ms >= end_ms - timeline.MODEL_CHANGE_DAYS_AGO * DAY_MS
        if agent == SUPPORT:
            context["version"] = "v4.2" if released else "v4.1"
            context["channel"] = person.platform if rng.random() < 0.85 else "email"
            self._model = GPT_41_MINI if released else GPT_4O_MINI
            if rng.random() < 0.14:
                self._model = GPT_4O
        elif agent == CODING:
            values.update(people.coding_slots(rng, values["repository"], scenario.topic, scenario.subtopic))
            context["version"] = "1.7.0" if dearer else "1.6.2"
            context["repository"] = "harvest-lane/" + values["repository"]
            context["branch"] = values["branch"]
            context["cwd"] = f"/home/{person.first.lower()}/src/{values['repository']}"
            context["title"] = f"{values['key']}: {scenario.subtopic}"
            self._model = OPUS if dearer and rng.random() < 0.88 else SONNET
        else:
            context["version"] = "2.3"
            context["channel"] = person.platform
            self._model = FLASH
        if staging:
            self._model = LOCAL
        if person.org:
            context["customer_org"] = person.org
        self._context = context
        tags = [scenario.topic.replace(" ", "-")]
        if person.plan == "enterprise":
            tags.append("key-account")
        if agent == SUPPORT and rng.random() < 0.2:
            tags.append("concise-tone")
        self._tags = tuple(tags)
        self._values = values
        self._json_values = values
        if scenario.vars:
            self._json_values = values | {name: _plain_json(drawn[name])[1:-1] for name in drawn}
        self._pick = 0
        self.truth = Truth(completed=branch.ok and not ending, quality=marks.get("quality") != "bad", why="")

    # -- making events -------------------------------------------------------------------------------------------

    def _event(self, kind: EventKind, **values: Any) -> AgentEvent:
        person = self._visit.person
        events = self._events
        number = len(events)
        if "agent_id" not in values:
            values["agent_id"] = self._agent
        event = AgentEvent(
            kind,
            f"{self.key}:{number}",
            session_key=self.key,
            user_id=person.user_id or None,
            device_id=person.device_id,
            time_ms=int(self._now),
            seq=number,
            trace_id=f"{self.key}/t{self._turn}",
            context=self._context,
            tags=self._tags,
            **values,
        )
        events.append(event)
        self._called = self._called or kind is EventKind.AI_RESPONSE
        return event

    def _id(self, letter: str) -> str:
        return f"{self.key}/{letter}{len(self._events)}"

    def _fill(self, texts: tuple[str, ...], pick: int | None = None) -> str:
        if pick is None:
            pick = int(self._rng.random() * len(texts))
        self._pick = pick
        return texts[pick] % self._values

    def _phrase(self, line: Line) -> str:
        return self._fill(line.texts, self._pick % len(line.texts) if line.flag == "pair" else None)

    def _say(self, text: str, **values: Any) -> AgentEvent:
        """The user writes `text`, which may hold marked phrases."""
        self._turn += 1
        self._ordinal += 1
        if self._casual:
            text = _SENTENCE_START.sub(lambda match: match[1] + match[2].lower(), text)
        if "~" in text:
            text, said = phrases(text)
            self._negative.extend(said)
        self._history += len(text)
        self._user_lines.append(text)
        properties = {"[Agent] Message Source": "user", **values.pop("properties", {})}
        if self._scenario.topic == "products" and self._turn == 1 and self._rng.random() < 0.05:
            properties |= {"[Agent] Has Attachments": True, "[Agent] Attachment Types": ["image"]}
            properties |= {"[Agent] Attachment Count": 1}
        return self._event(
            EventKind.USER_MESSAGE,
            span_id=self._id("m"),
            turn_id=self._ordinal,
            text=text,
            properties=properties,
            **values,
        )

    def _answer(self, text: str | None, finish: str, written_tokens: int = 0, **values: Any) -> AgentEvent:
        """The model is called and takes its time. `text` None: it only asks for tools, in `written_tokens`."""
        rng, model = self._rng, self._model
        agent = values.get("agent_id", self._agent)
        if agent == RECIPE:
            model = GPT_41_MINI
        prompt, prompt_tokens = PROMPT[agent]
        reasoning = self._reasoning
        self._reasoning = ""
        thought = len(reasoning) // 4 * 6
        out = (len(text) // 4 if text else 4) + written_tokens + thought + 6
        given = prompt_tokens + self._history // 4
        cached = None if model is LOCAL else 0
        if cached == 0 and agent != RECIPE and self._cached > 1024:
            cached = self._cached
        latency = (model.latency + out * model.per_token + given * 0.02) * rng.lognormvariate(0, 0.28) * self._slow
        self._now += latency
        self._ordinal += 1
        written = None
        cost: int | None = None
        if model.price_in >= 0:
            hit = cached or 0
            if model.provider == "anthropic":
                written = given - hit
                cost = hit * model.price_cached + written * model.price_write + out * model.price_out
            else:
                cost = hit * model.price_cached + (given - hit) * model.price_in + out * model.price_out
        parts = {}
        if reasoning:
            parts[Part.REASONING] = reasoning
        properties = values.pop("properties", {})
        if not self._called:
            parts[Part.SYSTEM_PROMPT] = prompt
        self._history += len(text) if text else 60
        if agent != RECIPE:
            self._cached = given
        if text and values.get("agent_id") is None:
            self._agent_lines.append(text)
        return self._event(
            EventKind.AI_RESPONSE,
            span_id=self._id("m"),
            turn_id=self._ordinal,
            model=model.name,
            provider=model.provider,
            latency_ms=round(latency),
            ttfb_ms=round(min(latency, model.latency * self._slow * rng.uniform(0.6, 0.95))),
            input_tokens=given,
            output_tokens=out,
            total_tokens=given + out,
            reasoning_tokens=thought or None,
            cache_read_tokens=cached,
            cache_creation_tokens=written,
            cost_nano=cost,
            finish_reason=finish,
            text=text,
            parts=parts,
            properties=properties,
            **values,
        )

    def _finish(self, tools: bool) -> str:
        if self._model.provider == "anthropic":
            return "tool_use" if tools else "end_turn"
        return "tool_calls" if tools else "stop"

    # -- lines ---------------------------------------------------------------------------------------------------

    def _tools(self, lines: list[Line], text: str | None, **owner: Any) -> None:
        """One model call that asks for the tools of `lines`, and their runs."""
        filled = [
            (
                line,
                line.tool_input % self._json_values,
                line.tool_output % (self._values if line.raw else self._json_values),
            )
            for line in lines
        ]
        asked = _plain_json([{"name": line.name, "arguments": given} for line, given, _ in filled])
        size = len(asked) // 4 + sum(_written_tokens(line) for line in lines)
        call = self._answer(text, self._finish(True), size, properties={"[Agent] Tool Calls": asked}, **owner)
        for line, given, result in filled:
            for attempt in range(line.repeat):
                if attempt:
                    again = {"[Agent] Tool Calls": json.dumps([{"name": line.name, "arguments": given}])}
                    call = self._answer(None, self._finish(True), size, properties=again, **owner)
                self._tool(line, given, result, call.span_id, **owner)

    def _tool(self, line: Line, given: str, result: str, parent: str | None, **owner: Any) -> None:
        rng = self._rng
        took = TOOL_MS.get(line.name, 260) * rng.lognormvariate(0, 0.45)
        if line.error_type == "TimeoutError":
            limit = re.search(r"(\d+) (ms|s)\b", result)
            took = float(limit[1]) * (1000 if limit[2] == "s" else 1) + rng.random() * 40 if limit else 30_000
        elif self._slow > 1 and line.name in ("issue_refund", "get_refund_status"):
            took *= 9
        self._now += took
        self._ordinal += 1
        self._history += len(given) + len(result)
        if self._agent == CODING and line.name in ("read_file", "search_code"):
            # The excerpt in the output stands for a whole file, which the model was given.
            self._history += int(rng.uniform(4_000, 26_000))
        parts = {Part.INPUT: given, (Part.ERROR if line.error_type else Part.OUTPUT): result}
        self._event(
            EventKind.TOOL_CALL,
            span_id=self._id("i"),
            parent_id=parent,
            turn_id=self._ordinal,
            name=line.name,
            tool_type="mcp" if line.name.startswith("search_") else "python",
            latency_ms=round(took),
            is_error=bool(line.error_type),
            error_type=line.error_type or None,
            parts=parts,
            properties={"[Agent] Error Source": "tool"} if line.error_type else {},
            **owner,
        )

    def _retrieve(self, line: Line, **owner: Any) -> None:
        """Retrieval: an embedding, a search and a rerank inside of one span."""
        rng = self._rng
        query = line.texts[0] % self._values
        titles = [title % self._values for title in line.docs]
        span = self._id("s")
        began = self._now
        tokens = len(query) // 4 + 2
        self._now += rng.uniform(40, 110)
        self._event(
            EventKind.EMBEDDING,
            span_id=self._id("e"),
            parent_id=span,
            model=EMBEDDING,
            provider="openai",
            latency_ms=round(self._now - began),
            input_tokens=tokens,
            cost_nano=tokens * 20,
            properties={"[Agent] Embedding Dimensions": 1536},
            **owner,
        )
        found = _plain_json(titles)
        for name, low, high in (("vector_search", 25, 90), ("rerank", 60, 190)):
            took = rng.uniform(low, high)
            self._now += took
            self._event(
                EventKind.SPAN,
                span_id=self._id("s") + name[0],
                parent_id=span,
                name=name,
                latency_ms=round(took),
                parts={Part.INPUT: json.dumps({"query": query, "top_k": 8}), Part.OUTPUT: found},
                **owner,
            )
        self._event(
            EventKind.SPAN,
            span_id=span,
            name="retrieve_policy" if self._agent == SUPPORT else "retrieve_recipes",
            latency_ms=round(self._now - began),
            parts={Part.INPUT: json.dumps({"query": query}), Part.OUTPUT: json.dumps({"documents": titles})},
            **owner,
        )

    def _delegate(self, line: Line) -> None:
        """The agent calls its delegate as a tool; the delegate's own steps run inside of that call."""
        instruction = self._fill(line.texts)
        given = _plain_json({"task": instruction})
        call = self._answer(
            None,
            self._finish(True),
            properties={"[Agent] Tool Calls": json.dumps([{"name": "ask_recipe_agent", "arguments": given}])},
        )
        began = self._now
        invocation = f"{self.key}/d{len(self._events)}"
        owner: dict[str, Any] = {"agent_id": RECIPE, "parent_agent_id": self._agent}
        self._now += 5
        self._ordinal += 1
        self._event(
            EventKind.USER_MESSAGE,
            span_id=self._id("m"),
            parent_id=invocation,
            turn_id=self._ordinal,
            text=instruction,
            from_agent=True,
            properties={"[Agent] Message Source": "agent"},
            **owner,
        )
        history, self._history = self._history, len(instruction)
        owner["parent_id"] = invocation
        reply = ""
        for step in line.child:
            if step.kind == "R":
                self._retrieve_inside(step, owner)
            elif step.kind == "T":
                plain = {name: value for name, value in owner.items() if name != "parent_id"}
                self._tools([step], None, **plain)
            else:
                reply = self._fill(step.texts)
                self._answer(reply, "stop", **owner)
        self._history = history + len(instruction) + len(reply)
        self._now += 12
        self._ordinal += 1
        self._event(
            EventKind.TOOL_CALL,
            span_id=invocation,
            parent_id=call.span_id,
            turn_id=self._ordinal,
            name="ask_recipe_agent",
            tool_type="flow",
            latency_ms=round(self._now - began),
            parts={Part.INPUT: given, Part.OUTPUT: _plain_json({"answer": reply})},
        )

    def _retrieve_inside(self, step: Line, owner: dict[str, Any]) -> None:
        count = len(self._events)
        self._retrieve(step, agent_id=owner["agent_id"], parent_agent_id=owner["parent_agent_id"])
        # The group's own span is the last of the four; it alone hangs directly under the delegating call.
        self._events[-1].parent_id = owner["parent_id"]
        self._events[count].name = "embed_query"

    def _guard(self) -> None:
        bad = self._branch.marks.get("safety") == "injection"
        took = self._rng.uniform(18, 70)
        self._now += took
        self._event(
            EventKind.SPAN,
            span_id=self._id("s"),
            name="input_guardrail",
            latency_ms=round(took),
            parts={Part.OUTPUT: '{"verdict": "suspicious", "score": 0.93}' if bad else '{"verdict": "pass"}'},
            properties={"[Agent] Component Type": "guardrail"},
        )

    def _reply(self, line: Line, pick: int | None = None) -> None:
        """The agent's answer to the user at the end of a turn."""
        text = self._phrase(line) if pick is None else self._fill(line.texts, pick)
        properties: dict[str, Any] = {}
        finish = self._finish(False)
        interrupted = False
        if line.flag == "filter":
            finish = "content_filter"
        elif line.flag == "length":
            finish = "length"
        elif line.flag == "copied" or (not line.flag and self._rng.random() < 0.015):
            properties["[Agent] Was Copied"] = True
        elif line.flag == "stop":
            interrupted = True
        self._last_answer = self._answer(text, finish, interrupted=interrupted, properties=properties)
        self._answers += 1

    def _play_turn(self, turn: tuple[Line, ...]) -> None:
        group: list[Line] = []
        said: str | None = None
        for line in turn:
            if line.kind != "T" and group:
                self._tools(group, said)
                group, said = [], None
            if line.kind == "T":
                # A failing call ends the group: the model reacts to it before it asks for anything else.
                group.append(line)
                if line.error_type or self._agent == CODING:
                    self._tools(group, said)
                    group, said = [], None
            elif line.kind == "P":
                said = self._fill(line.texts)
            elif line.kind == "A":
                self._reply(line)
            elif line.kind == "K":
                self._reasoning = self._fill(line.texts)
            elif line.kind == "R":
                self._retrieve(line)
            elif line.kind == "D":
                self._delegate(line)
        if group:
            self._tools(group, said)
        elif said:
            self._answer(said, self._finish(False))

    def _think(self) -> None:
        middle = 75_000 if self._agent == CODING else 32_000
        self._now += min(middle * self._rng.lognormvariate(0, 0.7), 1_200_000)

    def _fail_call(self) -> None:
        """The model provider does not answer."""
        kind, message, source = self._rng.choice(API_ERRORS[:3] if self._agent != CODING else API_ERRORS)
        self._now += self._rng.uniform(900, 20_000)
        self._ordinal += 1
        self._event(
            EventKind.AI_RESPONSE,
            span_id=self._id("m"),
            turn_id=self._ordinal,
            model=self._model.name,
            provider=self._model.provider,
            latency_ms=round(self._rng.uniform(900, 20_000)),
            is_error=True,
            error_type=kind,
            parts={Part.ERROR: message},
            properties={"[Agent] Error Source": source},
        )

    def _score(self, name: str, value: float, target: str | None, target_type: str, comment: str) -> None:
        properties = {"[Agent] Target Type": target_type}
        if comment:
            properties["[Agent] Comment"] = comment
        self._event(
            EventKind.SCORE,
            name=name,
            score_value=value,
            target_id=target,
            score_source="user",
            properties=properties,
        )
