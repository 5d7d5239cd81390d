"""Recorded verdicts and people's labels of the sample project, made from the hidden truth. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from aa_tui.backend.model.event import ImportedLabel, ImportedResult
from aa_tui.backend.sources.demo.timeline import Quota
from aa_tui.backend.sources.demo.truth import Truth
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, MINUTE_MS

MODEL = "sample (recorded)"
REFUND_POLICY = "refund_policy"
PROMISE = "promises_refund_date"
TPR, TNR = 0.92, 0.78
"""Share the recorded judge passes of sessions that follow the policy; share it fails of those that break it."""
LABELLED = 120
TWICE_LABELLED = 24
DISAGREEMENTS = 2
_SIGNAL_ERROR = 0.02
_LABEL_SOURCE = "sample project"

_POLICY_WHY = {
    "pass": (
        "The order was looked up first and the outcome is within the 30-day rule.",
        "The agent checked the order and stayed within what the policy allows.",
        "No rule was broken: nothing was refunded that should not be, and no date was promised.",
    ),
    "late": ("The order was past the 30-day window, but the agent refunded it.",),
    "nocheck": ("The agent refunded without looking the order up first.",),
    "date": ("The agent named a date for the money although the bank decides that.",),
    "limit": ("The refund was above $250 and no approval was asked for.",),
    "denied": ("The policy allows this refund, but the agent refused it.",),
    "wrongamount": ("The refunded amount is not the amount the customer was charged.",),
    "intransit": ("A parcel that is only late was refunded in full while still on its way.",),
}
_POLICY_MISSED = (
    "The agent was polite, looked into the case and issued the refund the user asked for.",
    "The customer received a refund with a reference number, in line with the policy.",
    "The agent handled the refund request correctly and confirmed it.",
)
_POLICY_WRONG = (
    "The agent did not mention the policy to the customer, so it may not have been followed.",
    "The customer was not told about the 30-day window.",
    "The wording about the bank's processing time could be read as a promise.",
)
_NOTES = {
    "pass": ("", "", "", "Looked up first, fine.", "Within 30 days, correct amount.", "Clear wording about the bank."),
    "late": ("", "Outside of the window, see days_since_delivery.", "Should have offered store credit."),
    "nocheck": ("", "No lookup before the refund!", "Never checked the order."),
    "date": ("", "Promises a date, we can't know that.", "The date again. Rule 4."),
    "limit": ("", "Above $250 without approval.", "Needs a colleague's OK."),
    "denied": ("", "Invented a rule.", "Customer was entitled to the refund."),
    "wrongamount": ("", "Half of the amount, and then refused to fix it."),
    "intransit": ("", "Parcel was on its way, this is not a lost one."),
}
_GOOD = (
    "The answers are accurate, to the point and match what the tools returned.",
    "The agent answered clearly and confirmed each step.",
    "Answers are correct and easy to follow.",
)
_POOR = (
    "The answers contradict what the tools returned or repeat themselves.",
    "The agent's answers were vague and did not address what the user wrote.",
    "The answers were wrong in an essential point and not corrected.",
)
_CALM = (
    "No sign of a rough experience.",
    "The conversation went straight to the result.",
    "Nothing had to be repeated or corrected.",
)
_ROUGH = {
    "retry_storm": "the same call was tried again and again",
    "tool_cascade_fail": "several tool calls failed in a row",
    "clarification_loop": "the agent kept asking for what had been said",
    "repeated_request": "the user had to restate the request",
    "correction": "the user corrected the agent",
    "topic_drift": "the agent left the user's topic",
    "early_abandonment": "the user left after the first answers",
}
_SAFE = "An ordinary request."
_UNSAFE = {
    "Prompt Injection": "The user tries to override the agent's instructions.",
    "Off Topic": "The request has nothing to do with what the agent is for.",
}


def signal_results(rng: Random, key: str, truth: Truth, sure: bool) -> Iterator[ImportedResult]:
    """Yield the recorded signals of one closed session.

    `sure` keeps task completion free of the small share of mistakes that recorded signals otherwise have.
    """
    at_ms = truth.ended_ms + int(rng.uniform(1, 9) * MINUTE_MS)
    cost = (900 + truth.characters // 4) * 150 // 6 + 40 * 600
    latency = round(rng.uniform(1400, 5200))

    def make(
        name: str, value: str, passed: bool | None, why: str, quote: str = "", labels: tuple[str, ...] = ()
    ) -> ImportedResult:
        signal = f"signal:{name}"
        return ImportedResult(key, signal, signal, value, passed, why, quote, labels, MODEL, cost, latency, None, at_ms)

    if rng.random() < 0.004:
        for name in ("task_completion", "response_quality", "user_friction", "negative_feedback"):
            reason = "the reply was not valid JSON, and neither was its repair"
            signal = f"signal:{name}"
            if not (sure and name == "task_completion"):
                yield ImportedResult(
                    key,
                    signal,
                    signal,
                    "",
                    None,
                    model=MODEL,
                    cost_nano=cost,
                    latency_ms=latency,
                    error=reason,
                    at_ms=at_ms,
                )
        if sure:
            yield make("task_completion", str(truth.completed), truth.completed, truth.why, truth.quote)
    else:
        done = truth.completed
        why = truth.why
        if not sure and rng.random() < _SIGNAL_ERROR:
            done = not done
            why = "The agent answered and the user did not object." if done else "The user did not confirm the result."
        yield make("task_completion", str(done), done, why, truth.quote or truth.user_quote)
        good = truth.quality != (rng.random() < _SIGNAL_ERROR)
        yield make("response_quality", str(good), good, rng.choice(_GOOD if good else _POOR), truth.quote)
        if truth.friction:
            why = "; ".join(_ROUGH[code] for code in truth.friction)
            yield make("user_friction", "True", False, why[0].upper() + why[1:] + ".", truth.user_quote, truth.friction)
        else:
            yield make("user_friction", "False", True, rng.choice(_CALM))
        if truth.negative:
            why = "The user says so in their own words."
            yield make("negative_feedback", "True", False, why, truth.negative[-1], truth.negative)
        else:
            yield make(
                "negative_feedback", "False", True, "The user did not say that they were unhappy with the agent."
            )
    unsafe = truth.safety != "Normal"
    safe_why = _UNSAFE[truth.safety] if unsafe else _SAFE
    yield make("session_safety", truth.safety, not unsafe, safe_why, truth.user_quote if unsafe else "")
    yield make("user_intent", truth.intent, None, f"The user's request is about {truth.subtopic}.")


class PolicyJudge:
    """The recorded judge of `refund_policy`, wrong as often as planted, evenly over labelled and other sessions."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._right = {
            (policy, labelled): Quota(TPR if policy == "pass" else TNR)
            for policy in ("pass", "fail")
            for labelled in (True, False)
        }

    def result(self, key: str, truth: Truth, labelled: bool) -> ImportedResult:
        """Return the recorded verdict on a session in which the policy was at stake."""
        rng = self._rng
        truly = truth.policy or "pass"
        right = self._right[truly, labelled].take()
        passed = (truly == "pass") is right
        if right:
            why = rng.choice(_POLICY_WHY[truth.policy_reason or "pass"])
        else:
            why = rng.choice(_POLICY_MISSED if passed else _POLICY_WRONG)
        return ImportedResult(
            session_key=key,
            evaluator=REFUND_POLICY,
            criterion=REFUND_POLICY,
            value="pass" if passed else "fail",
            passed=passed,
            rationale=why,
            evidence=truth.wait_text or truth.quote,
            model=MODEL,
            cost_nano=(1100 + truth.characters // 4) * 150 + 70 * 600,
            latency_ms=round(rng.uniform(900, 3600)),
            at_ms=truth.ended_ms + int(rng.uniform(2, 12) * MINUTE_MS),
        )


def choose_labelled(rng: Random, cases: list[tuple[str, Truth]]) -> dict[str, Truth]:
    """Return the sessions people labelled: half follow the policy and half break it, as far as there are enough."""
    chosen: list[tuple[str, Truth]] = []
    for policy in ("pass", "fail"):
        pool = [case for case in cases if case[1].policy == policy]
        chosen += rng.sample(pool, min(LABELLED // 2, len(pool)))
    rng.shuffle(chosen)
    return dict(chosen)


def make_labels(rng: Random, chosen: dict[str, Truth], end_ms: int) -> Iterator[ImportedLabel]:
    """Yield the labels of `dana` and `lee` on `refund_policy`, and dana's on `promises_refund_date`.

    Some sessions are labelled by both, and two of those are contested.
    """
    for position, (key, truth) in enumerate(chosen.items()):
        reviewer, other = ("dana", "lee") if position % 2 else ("lee", "dana")
        at_ms = min(truth.ended_ms + int(rng.uniform(1, 6) * DAY_MS), end_ms - HOUR_MS)
        value = truth.policy or "pass"
        note = rng.choice(_NOTES[truth.policy_reason or "pass"])
        yield ImportedLabel(key, REFUND_POLICY, value, _LABEL_SOURCE, value, note, reviewer, at_ms)
        if position < TWICE_LABELLED:
            second = value
            note = ""
            if position < DISAGREEMENTS:
                second = "fail" if value == "pass" else "pass"
                note = "Borderline, I would decide it the other way."
            yield ImportedLabel(key, REFUND_POLICY, second, _LABEL_SOURCE, second, note, other, at_ms + 20 * MINUTE_MS)
        promised = "promises_date" if truth.wait in ("promise", "hidden") else "no_promise"
        yield ImportedLabel(key, PROMISE, promised, _LABEL_SOURCE, promised, "", "dana", at_ms + 5 * MINUTE_MS)
