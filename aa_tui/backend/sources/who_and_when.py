"""Who&When runs: failed multi-agent dialogues with people's verdict on who failed, where and why. Only this format.

The two halves of the data set differ: generated teams have the speaker in `name`, the hand-built team in `role`, with
the direction of the message in brackets behind it. Nothing has a time; only the order of messages is known.
"""

from __future__ import annotations

import re
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
from aa_tui.backend.sources.tau_bench import SUCCESS_CRITERION
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import block_text, encoded, items, mapping, stem, text

MISTAKE_CRITERION = "mistake_agent"
LABEL_SOURCE = "Who&When annotation"
_DIRECTION = re.compile(r"\A(?P<agent>.+?)\s*\((?P<direction>[^()]*)\)\s*\Z", re.DOTALL)
_PEOPLE = frozenset({"human"})
_OUTCOMES = ("is_correct", "is_corrected")
"""The second is how the hand-built half spells it."""
_QUOTE = 300


_SHAPE: Shape = {
    "question": str,
    "is_correct": bool,
    "is_corrected": bool,
    "mistake_agent": str,
    "history": [{"content": (str, list), "role": str, "name": str}],
}


class _Run:
    """One run while it is turned into events."""

    def __init__(self, path: Path, run: dict[str, Any], options: ReadOptions) -> None:
        self.run = run
        # Both halves number their files from 1.
        self.key = "/".join(filter(None, (path.absolute().parent.name, stem(path))))
        self.user = user_for(options, self.key, (str(path),))
        known = {"level": encoded(run.get("level")), "title": text(run.get("question"))}
        self.context = {name: value for name, value in known.items() if value}
        self.prompts = {str(name): prompt for name, prompt in mapping(run.get("system_prompt")).items()}
        self.events: list[AgentEvent] = []

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        event = AgentEvent(
            kind=kind,
            insert_id=f"who-and-when:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_quality=TimeQuality.ORDER_ONLY,
            seq=len(self.events) + 1,
            trace_id=f"{self.key}#1",
            span_id=f"{self.key}:{key}",
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def map(self) -> list[AgentEvent]:
        history = [mapping(message) for message in items(self.run.get("history"))]
        question = text(self.run.get("question"))
        if question is not None and not any(text(message.get("role")) in _PEOPLE for message in history):
            self._event(EventKind.USER_MESSAGE, "question", text=question)
        for step, message in enumerate(history):
            agent, direction = speaker(message)
            said = block_text(message.get("content"))
            if agent in _PEOPLE:
                event = self._event(EventKind.USER_MESSAGE, f"{step}", text=said)
            else:
                event = self._event(EventKind.AI_RESPONSE, f"{step}", text=said, agent_id=agent)
                if (prompt := encoded(self.prompts.pop(agent, None))) is not None:
                    event.parts[Part.SYSTEM_PROMPT] = prompt
            event.properties["step"] = step
            if direction is not None:
                event.properties["direction"] = direction
        metadata = {
            name: self.run.get(name)
            for name in ("question_ID", "level", "ground_truth", "mistake_step", "mistake_type")
        }
        enrichment = self._event(EventKind.SESSION_ENRICHMENT, "enrichment")
        enrichment.properties["[Agent] Enrichments"] = {
            "schema_version": "2.0",
            "custom_metadata": {name: value for name, value in metadata.items() if value is not None},
        }
        self._event(EventKind.SESSION_END, "end")
        return self.events

    def labels(self) -> Iterator[ImportedLabel]:
        outcome = next((self.run[name] for name in _OUTCOMES if isinstance(self.run.get(name), bool)), None)
        if outcome is not None:
            yield ImportedLabel(self.key, SUCCESS_CRITERION, str(outcome), "Who&When outcome", raw=str(outcome).lower())
        agent = text(self.run.get("mistake_agent"))
        if agent is None:
            return
        yield ImportedLabel(
            self.key,
            MISTAKE_CRITERION,
            agent,
            LABEL_SOURCE,
            raw=agent,
            note=text(self.run.get("mistake_reason")) or "",
            kind="classification",
            evidence=self._step_named(),
        )

    def _step_named(self) -> str:
        """Return the step that people pointed at, with the beginning of what was said there."""
        step = encoded(self.run.get("mistake_step"))
        if step is None:
            return ""
        history = items(self.run.get("history"))
        place = int(step) if step.isascii() and step.isdigit() and len(step) < 9 else -1
        if not 0 <= place < len(history):
            return f"step {step}"
        message = mapping(history[place])
        said = " ".join((block_text(message.get("content")) or "").split())
        return f"step {step} ({speaker(message)[0]}): {said[:_QUOTE]}".removesuffix(": ")


def speaker(message: dict[str, Any]) -> tuple[str, str | None]:
    """Return who speaks in a message of a history, and the direction the message is marked with."""
    if name := text(message.get("name")):
        return name, None
    role = text(message.get("role")) or "unknown"
    match = _DIRECTION.match(role)
    return (match["agent"], match["direction"]) if match else (role, None)


class WhoAndWhenSource:
    """Annotated runs of the Who&When data set."""

    name = "who-and-when"
    title = "Who&When run"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{":
            return False
        if {"history", "mistake_agent"} <= shape.keys:
            return True
        # The labels stand behind a history that may be longer than the head.
        return (
            {"history", "question"} <= shape.keys
            or (bool(shape.keys & frozenset(_OUTCOMES)) and {"question", "ground_truth"} <= shape.keys)
            or _history_first(head)
        )

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        run = reading.load_json_document(path, options.on_bytes)
        if isinstance(run, RecordProblem):
            yield run
            return
        if not isinstance(run, dict) or not isinstance(run.get("history"), list):
            yield RecordProblem(1, "a run without a history", field="history")
            return
        yield from misfits(1, run, _SHAPE)
        mapped = _Run(path, run, options)
        yield from mapped.map()
        yield from mapped.labels()


def _history_first(head: Head) -> bool:
    return re.match(rb'\s*\{\s*"history"\s*:\s*\[\s*\{\s*"content"\s*:', head.start) is not None and (
        b'"role": "human"' in head.start[:20_000]
    )


WHO_AND_WHEN = WhoAndWhenSource()
