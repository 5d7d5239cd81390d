"""Verdicts of model judges on tau2-bench sessions, as summaries and as raw replies. Only these formats are known here.

A judge prompt is written for a domain, and one prompt's name stands for a different prompt in each: an evaluator is
named by both (`airline/quick_triage_v1`). All answer the question that the benchmark's reward answers. What is neither
pass nor fail is no verdict, with the judge's word kept: never a silent fail.

The prompt holds the session's transcript. A stub of the session is rebuilt from it under the very ids that the
sessions file gives its events, marked `STUB`, so that `ingest` lets any event of that file take the stub's place.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import (
    AgentEvent,
    EventKind,
    ImportedLabel,
    ImportedResult,
    RecordProblem,
    SourceItem,
)
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.tau2_bench import REWARD_SOURCE, simulation_events
from aa_tui.backend.sources.tau_bench import SUCCESS_CRITERION, passes
from aa_tui.backend.sources.values import encoded, items, mapping, number, stated_nano, text, whole

STUB = "[Agent] Stub"
"""True on events rebuilt from what a judge was shown; the real ones replace them."""
REBUILT = "rebuilt_from_judge_prompt"
"""Warning of a session that only a judge's prompt tells of."""
NO_VERDICT = "bad_label"
"""Error kind of a verdict outside pass and fail."""
_VERDICTS = {"pass": True, "fail": False}
_DOMAIN = re.compile(r"\A\s*Domain: *(\S[^\n]{0,80})")
_TRANSCRIPT = "Conversation transcript:\n"
_INSTRUCTIONS = "\nJudging instructions:"
_POLICY = re.compile(r"^Domain policy[^\n:]*:\n", re.MULTILINE)
_LINE = re.compile(
    r"(?P<role>Assistant|User) TOOL CALL -> (?P<tool>\S+) ?(?P<arguments>.*)\Z"
    r"|(?P<speaker>Assistant|User|System): ?(?P<said>.*)\Z"
    r"|Tool (?P<id>\S*): ?(?P<output>.*)\Z",
    re.DOTALL,
)
_NUMBERED = re.compile(r"(\d{1,6})\. (?=Assistant|User|System|Tool)")
_FENCE = re.compile(r"```\w*\s*\n?(.*?)```", re.DOTALL)
_LONGEST_LITERAL = 200_000
_SAID = ("issue", "type", "description", "explanation", "details")


def _messages(transcript: str) -> list[dict[str, Any]]:
    """Return the messages of a numbered transcript in the shape and order of a sessions file."""
    entries: list[list[str]] = []
    for line in transcript.split("\n"):
        match = _NUMBERED.match(line)
        if match is not None and int(match.group(1)) == len(entries) + 1:
            entries.append([line[match.end() :]])
        elif entries:
            entries[-1].append(line)
    messages: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for number_, entry in enumerate(entries, start=1):
        match = _LINE.match("\n".join(entry))
        if match is None:
            continue
        if match["tool"] is not None:
            role = match["role"].lower()
            # Calls without a result in between were asked for in one message.
            if not (messages and messages[-1]["role"] == role):
                messages.append({"role": role, "content": None})
            call = {"id": f"line-{number_}", "name": match["tool"], "arguments": _arguments(match["arguments"])}
            messages[-1].setdefault("tool_calls", []).append(call)
            waiting.append({"call": call, "role": role})
        elif match["speaker"] is not None:
            messages.append({"role": match["speaker"].lower(), "content": match["said"] or None})
        else:
            asked: dict[str, Any] = waiting.pop(0) if waiting else {"call": {}, "role": "assistant"}
            if match["id"]:
                asked["call"]["id"] = match["id"]
            result = {"role": "tool", "id": asked["call"].get("id"), "content": match["output"]}
            messages.append({**result, "requestor": asked["role"], "error": match["output"].startswith("Error:")})
    return messages


def _arguments(written: str) -> Any:
    """Return the arguments that stand in a transcript as a Python literal; as they are when they are none."""
    if len(written) > _LONGEST_LITERAL:
        return written
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return written


_SHAPE: Shape = {"tau2_reward": float, "tau2_success": bool, "judge_prompt": str, "judge_response": str}


class _Entry:
    """One verdict on one session."""

    def __init__(self, entry: dict[str, Any], session: str) -> None:
        self.entry = entry
        self.session = session
        self.prompt = text(entry.get("judge_prompt")) or text(entry.get("prompt")) or ""
        domain = _DOMAIN.match(self.prompt)
        self.domain = domain.group(1).strip() if domain is not None else None
        before, marked, rest = self.prompt.partition(_TRANSCRIPT)
        transcript, instructed, after = rest.rpartition(_INSTRUCTIONS)
        self.transcript = (transcript if instructed else rest).strip("\n") if marked else ""
        self.asked = after.strip() if instructed else ""
        policy = _POLICY.search(before) if marked else None
        self.policy = before[policy.end() :].strip("\n") if policy is not None else None

    def stub(self, path: Path, seq: int, options: ReadOptions) -> Iterator[AgentEvent]:
        messages = _messages(self.transcript)
        if not messages:
            return
        simulation = {"id": self.session, "task_id": self.entry.get("task_id"), "messages": messages}
        info = {"environment_info": {"domain_name": self.domain, "policy": self.policy}}
        for event in simulation_events(path, simulation, info, seq, options):
            if event.kind is EventKind.SESSION_ENRICHMENT:
                continue
            event.properties[STUB] = True
            if event.kind is EventKind.SESSION_END:
                event.warnings = (*event.warnings, REBUILT)
            yield event

    def label(self) -> ImportedLabel | None:
        reward, success = number(self.entry.get("tau2_reward")), self.entry.get("tau2_success")
        if not isinstance(success, bool):
            if reward is None:
                return None
            success = passes(reward)
        raw = f"{reward:g}" if reward is not None else str(success).lower()
        return ImportedLabel(self.session, SUCCESS_CRITERION, str(success), REWARD_SOURCE, raw=raw, kind="binary")

    def result(self) -> ImportedResult:
        entry = self.entry
        raw = text(entry.get("judge_response")) or ""
        answer = (
            _reply(raw)
            if "judge_verdict" not in entry
            else {
                "verdict": entry["judge_verdict"],
                "justification": entry.get("judge_justification"),
                "issues": entry.get("judge_issues"),
            }
        )
        word = encoded(answer.get("verdict")) if answer is not None else None
        passed = _VERDICTS.get(word.strip().lower()) if word is not None else None
        error, kind = None, None
        if passed is None:
            error = "the reply holds no verdict" if word is None else f"neither pass nor fail: {word}"
            kind = ("no_json" if answer is None else "missing_field") if word is None else NO_VERDICT
        name = text(entry.get("judge_prompt_name")) or "judge"
        system = text(entry.get("judge_system_prompt")) or ""
        temperature = number(entry.get("judge_temperature"))
        parameters = {} if temperature is None else {"temperature": temperature}
        return ImportedResult(
            self.session,
            f"{self.domain}/{name}" if self.domain else name,
            SUCCESS_CRITERION,
            "" if passed is None else str(passed),
            passed,
            rationale=encoded((answer or {}).get("justification")) or "",
            evidence="\n".join(_issue(issue) for issue in items((answer or {}).get("issues"))),
            model=text(entry.get("judge_model")) or "",
            cost_nano=stated_nano(entry.get("judge_cost_usd")),
            error=error,
            error_kind=kind,
            input_tokens=whole(entry.get("judge_prompt_tokens")),
            output_tokens=whole(entry.get("judge_completion_tokens")),
            parameters=json.dumps(parameters) if parameters else "",
            instructions="\n\n".join(part for part in (system, self.asked) if part),
            prompt="\n\n".join(part for part in (system, self.prompt) if part),
            raw_reply=raw,
        )


def _reply(raw: str) -> dict[str, Any] | None:
    """Return the object a judge replied with, out of its code fence; None when there is none."""
    fence = _FENCE.search(raw)
    for candidate in (fence.group(1) if fence is not None else "", raw):
        found = [value for value in reading.decode_objects(candidate)[0] if isinstance(value, dict)]
        if found:
            return found[0]
    return None


def _issue(issue: Any) -> str:
    """Return one finding as a line: what is wrong, where, and the words it rests on."""
    if not isinstance(issue, dict):
        return encoded(issue) or ""
    said = ": ".join(filter(None, (encoded(issue.get(name)) for name in _SAID)))
    turn, quote = encoded(issue.get("turn")), encoded(issue.get("evidence"))
    where = f" (turn {turn})" if turn else ""
    return (f"{said}{where} — {quote}" if quote else f"{said}{where}").strip() or (encoded(issue) or "")


class Tau2JudgeSource:
    """Judge runs over tau2-bench sessions."""

    name = "tau2-judge"
    title = "tau2 judge run"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{":
            return False
        if {"total_judged", "entries"} <= shape.keys:
            return True
        return {"simulation_id", "judge_prompt_name"} <= shape.keys or {"simulation_id", "judge_response"} <= shape.keys

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        seq = 0
        for item in _entries(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, value = item
            own = mapping(value).get("simulation_id")
            if isinstance(own, bool) or not isinstance(own, str | int) or own == "":
                yield RecordProblem(line, "a verdict without a session", field="simulation_id")
                continue
            yield from misfits(line, value, _SHAPE)
            entry = _Entry(value, str(own))
            for event in entry.stub(path, seq, options):
                seq = event.seq
                yield event
            if (label := entry.label()) is not None:
                yield label
            if "judge_verdict" in value or "judge_response" in value:
                yield entry.result()
            else:
                yield RecordProblem(line, "an entry without a verdict", field="judge_verdict", skipped=False)


def _entries(path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
    if "total_judged" not in reading.outline(reading.head_of(path)).keys:
        yield from reading.iter_json_records(path, options.on_bytes)
        return
    for item in reading.iter_json_members(path, ("entries",), options.on_bytes):
        if isinstance(item, RecordProblem):
            yield item
        elif item[0] == "entries":
            yield item[1] + 1, item[2]


TAU2_JUDGE = Tau2JudgeSource()
