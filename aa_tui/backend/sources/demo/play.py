"""Plays a scenario: which branch a planned visit takes, and how the session ends. Making events is in `acting`."""

from __future__ import annotations

import json
import re
from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.sources.demo import coding, shopping, support
from aa_tui.backend.sources.demo.acting import Acting
from aa_tui.backend.sources.demo.script import Branch, Line, Scenario, compile_script, split_turns
from aa_tui.backend.sources.demo.timeline import CODING, SHOPPING, SUPPORT, Visit
from aa_tui.backend.sources.demo.truth import Truth
from aa_tui.backend.support.clock import DAY_MS

_SENTENCE = re.compile(r"[^\s].*?(?:[.!?](?=\s|$)|$)", re.MULTILINE)
_CUT_OFF = ("You stopped mid-sentence.", "Your message got cut off.", "...and? The answer ends in the middle.")

_PARTING = {
    SUPPORT: Line(
        "A", ("I'm sorry about this.", "I understand, and I'm sorry.", "Sorry that I couldn't do more today.")
    ),
    CODING: Line("A", ("Understood.", "All right, I'll leave it as it is.", "OK. I've stopped.")),
    SHOPPING: Line("A", ("I'm sorry about that.", "Sorry, that was not my best work.", "I understand. My apologies.")),
}
"""What the agent says when the user's last word would otherwise stay without an answer."""
_COMMENTS: dict[int, tuple[str, ...]] = {
    5: ("quick and friendly", "Solved in two minutes!", "better than waiting on the phone", "Very helpful, thank you"),
    4: ("good, a bit slow", "worked fine", "Did what I needed"),
    3: ("ok", "It works, but I had to explain it twice", "so-so"),
    2: ("had to ask three times", "not really solved", "I'd rather talk to a human"),
    1: ("useless", "did not help at all", "never again", "My problem is still there", "complete waste of time"),
}


@dataclass(slots=True)
class _Cast:
    """Scenarios of one agent, ready to draw from."""

    scenarios: list[Scenario]
    sums: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sums = list(accumulate(scenario.weight for scenario in self.scenarios))

    def draw(self, rng: Random) -> Scenario:
        return self.scenarios[bisect(self.sums, rng.random() * self.sums[-1])]


def _needed(branch: Branch) -> int:
    """Return the position of the last turn without which the branch is not finished."""
    return max(position for position, turn in enumerate(branch.turns) if turn[0].chance == 1)


def _draw_branch(rng: Random, branches: list[Branch]) -> Branch:
    sums = list(accumulate(branch.weight for branch in branches))
    return branches[bisect(sums, rng.random() * sums[-1])]


class Stage:
    """Plays visits one after another. Deterministic for the random generator it is given."""

    def __init__(self, rng: Random, end_ms: int) -> None:
        self._rng = rng
        self._end_ms = end_ms
        everyday = compile_script(support.SUPPORT)
        self._casts = {
            SUPPORT: _Cast(everyday),
            CODING: _Cast(compile_script(coding.CODING)),
            SHOPPING: _Cast(compile_script(shopping.SHOPPING)),
        }
        self._refunds = _Cast([scenario for scenario in everyday if "incident" in scenario.flags])
        self._incident = compile_script(support.INCIDENT)[0]
        self._day_tag = (end_ms // DAY_MS) % 89 * 100_000 + 1_000_000

    def play(self, visit: Visit) -> tuple[str, list[AgentEvent], Truth]:
        """Return the session's key, its events in order of time, and the truth about it."""
        rng = self._rng
        ending = ""
        if visit.incident_refund:
            scenario = self._refunds.draw(rng)
            tail = _draw_branch(rng, self._incident.ok if visit.ok else self._incident.fail)
            turns = split_turns([*scenario.opening, *(line for turn in tail.turns for line in turn)])
            branch = Branch(tail.ok, 1, turns, tail.why, tail.marks)
        else:
            scenario = self._casts[visit.agent].draw(rng)
            draw = rng.random()
            if not visit.ok and draw < 0.2 and "alone" not in scenario.ok[0].marks:
                branch = _draw_branch(rng, scenario.ok)
                ending = "abandoned" if draw < 0.13 else "unanswered"
            else:
                branch = _draw_branch(rng, scenario.ok if visit.ok else scenario.fail)
            if ending and (_needed(branch) < 1 or branch.marks.get("policy") == "fail"):
                ending, branch = "", _draw_branch(rng, scenario.fail)
        session = _Session(rng, visit, scenario, branch, ending, self._end_ms, self._day_tag)
        return session.key, session.run(), session.truth


class _Session(Acting):
    """A session's course, from the first prompt to its end."""

    def _extras(self, turn: tuple[Line, ...], position: int) -> None:
        """Small things that happen to any session: a regenerated answer, or one that was cut off."""
        rng, last = self._rng, turn[-1]
        if last.kind != "A" or last.flag or turn[0].flag or len(last.texts) < 2:
            return
        draw = rng.random()
        answer = self._events[-1]
        if draw < 0.016 and position:
            asked = self._user_lines[-1]
            self._now += rng.uniform(4_000, 15_000)
            casual, self._casual = self._casual, False
            self._say(asked, properties={"[Agent] Is Regeneration": True})
            self._casual = casual
            first = last.texts[0] % self._values == answer.text
            self._reply(last, 1 if first else 0)
        elif draw < 0.024 and answer.text and len(answer.text) > 110:
            answer.text = answer.text[: answer.text.rfind(" ", 0, len(answer.text) * 2 // 3)]
            answer.finish_reason = "max_tokens" if self._model.provider == "anthropic" else "length"
            self._agent_lines[-1] = answer.text
            self._now += rng.uniform(9_000, 30_000)
            self._say(rng.choice(_CUT_OFF))
            self._reply(last)

    def run(self) -> list[AgentEvent]:
        """Play the session and return its events."""
        rng, ending, branch = self._rng, self._ending, self._branch
        turns = branch.turns
        stop_after = len(turns)
        if ending:
            needed = _needed(branch)
            stop_after = rng.randint(1, min(2, needed) if ending == "abandoned" else needed + 1)
        for position, turn in enumerate(turns):
            opening = turn[0]
            if position >= stop_after or (opening.chance < 1 and rng.random() > opening.chance):
                break
            if position:
                self._think()
            if position == 0 and ending == "" and rng.random() < 0.02 and len(opening.texts) > 1:
                # The person sees the answer start, notices that the question is unclear, stops it and edits.
                self._say(self._fill(opening.texts, 1))
                original = self._events[-1].span_id
                self._answer("Thanks for your message. Let me", self._finish(False), interrupted=True)
                self._now += rng.uniform(5_000, 20_000)
                edit = {"[Agent] Is Edit": True, "[Agent] Edited Message ID": original}
                self._say(self._fill(opening.texts, 0), properties=edit)
            else:
                self._say(self._phrase(opening))
            if position == 0 and self._agent == SUPPORT and (rng.random() < 0.3 or "injection" in self._scenario.flags):
                self._guard()
            if ending == "unanswered" and position == stop_after - 1:
                self._fail_call()
                if rng.random() < 0.5:
                    self._now += rng.uniform(20_000, 60_000)
                    self._say(rng.choice(("Hello?", "Are you still there?", "Anybody there?")))
                break
            if rng.random() < 0.005:
                self._fail_call()
            self._play_turn(turn[1:])
            if len(turn) == 1 and not self._language and rng.random() < 0.65:
                self._reply(_PARTING[self._agent])
            if not ending and branch.marks.get("policy") != "fail":
                self._extras(turn, position)
        self._settle()
        self._close()
        self._fit()
        return self._events

    def _settle(self) -> None:
        """Write down the truth about what was played."""
        truth, branch, scenario = self.truth, self._branch, self._scenario
        marks = branch.marks
        truth.scenario, truth.topic, truth.subtopic = scenario.key, scenario.topic, scenario.subtopic
        truth.intent = scenario.intent
        truth.policy, truth.policy_reason = marks.get("policy"), marks.get("reason", "")
        if marks.get("safety") == "injection":
            truth.safety = "Prompt Injection"
        elif marks.get("safety") == "offtopic":
            truth.safety = "Off Topic"
        truth.friction = tuple(filter(None, marks.get("friction", "").split(",")))
        truth.negative = tuple(self._negative)
        truth.user_quote = self._user_lines[-1]
        said = "\n".join(self._agent_lines[-2:])
        truth.quote = max(_SENTENCE.findall(said), key=len, default="")
        truth.characters = self._history
        wait_text: str = self._values["eta"]
        if any(wait_text in line for line in self._agent_lines):
            truth.wait, truth.wait_text = self._wait, wait_text
        if self._ending:
            truth.abandoned = self._ending == "abandoned"
            truth.failure_type = "no_action_taken" if truth.abandoned else "unable_to_complete"
            truth.friction = ("early_abandonment",) if truth.abandoned and self._answers <= 1 else ()
            answers = f"{self._answers} answer{'s' if self._answers != 1 else ''}"
            truth.why = (
                f"The user left after {answers}; the request was still open."
                if truth.abandoned
                else "The model provider failed and the user's last message was never answered."
            )
            return
        truth.why = self._fill(branch.why)
        if not truth.completed:
            truth.failure_type = marks.get("type", "unable_to_complete")

    def _close(self) -> None:
        """Scores, the sender's enrichment and the end of the session, each of which may be missing."""
        rng, truth, agent = self._rng, self.truth, self._agent
        happy = truth.completed and truth.quality and not truth.negative
        if self._last_answer is not None and rng.random() < (0.14 if happy else 0.24):
            self._now += rng.uniform(2_000, 9_000)
            good = rng.random() < (0.93 if happy else 0.1)
            self._score("thumbs", 1.0 if good else 0.0, self._last_answer.span_id, "message", "")
        if agent != CODING and rng.random() < (0.1 if happy else 0.17):
            self._now += rng.uniform(15_000, 90_000)
            value = rng.choices((5, 4, 3), (66, 27, 7))[0] if happy else rng.choices((1, 2, 3, 4), (55, 28, 13, 4))[0]
            comment = rng.choice(_COMMENTS[value]) if rng.random() < 0.6 else ""
            self._score("csat", float(value), self.key, "session", comment)
        if rng.random() < (0.6 if agent == CODING else 0.93):
            self._now += 1_500
            self._event(
                EventKind.SESSION_ENRICHMENT,
                properties={"[Agent] Enrichments": self._enrichment()},
            )
        ends = 0.35 if self._ending else 0.9
        if rng.random() < ends:
            self._now += rng.uniform(3_000, 40_000)
            properties = {"[Agent] Abandonment Turn": self._answers} if truth.abandoned else {}
            self._event(EventKind.SESSION_END, properties=properties)
        truth.ended_ms = int(self._now)

    def _enrichment(self) -> str:
        truth = self.truth
        errors = sum(event.is_error for event in self._events)
        labels = {
            "schema_version": "2.0",
            "topic_classifications": {
                "request_topic": {
                    "l1": truth.topic,
                    "values": [truth.topic],
                    "primary": truth.topic,
                    "subcategories": [truth.subtopic],
                }
            },
            "request_complexity": "simple" if self._turn <= 2 else ("moderate" if self._turn <= 4 else "complex"),
            "has_task_failure": False,
            "has_negative_feedback": False,
            "has_data_quality_issues": False,
            "has_technical_failure": errors > 0,
            "technical_error_count": errors,
        }
        return json.dumps(labels)

    def _fit(self) -> None:
        """Move a session that would end after the sample period to before its end."""
        over = int(self._now) - self._end_ms + 60_000
        if over > 0:
            for event in self._events:
                if event.time_ms is not None:
                    event.time_ms -= over
            self.truth.ended_ms -= over
