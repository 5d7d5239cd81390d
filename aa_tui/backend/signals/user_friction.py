"""Signal: were there signs of a rough experience? With the hints of code, which stand in until a model has judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aa_tui.backend.model.evaluator import Definition, Label, OutputType, PassCriteria
from aa_tui.backend.signals.contract import Extra, Signal
from aa_tui.backend.signals.findings import Finding, binary, counted

ID = "user_friction"

PATTERNS: Mapping[str, str] = {
    "retry_storm": "the same request or the same tool call was tried again and again",
    "clarification_loop": "the agent kept asking back for what had been said or could have been found out",
    "early_abandonment": "the user left after the first answers without having what they came for",
    "tool_cascade_fail": "several tool calls failed in a row",
    "topic_drift": "the agent left the user's topic",
    "repeated_request": "the user had to say the same thing again",
    "correction": "the user corrected the agent",
}
"""Friction patterns and what each means."""

_BY_RULE = {
    "retry_storm": "retry_storm",
    "tool_cascade_fail": "tool_cascade_fail",
    "repeated_request": "repeated_request",
    "abandoned": "early_abandonment",
}
"""Pattern by the rule of code whose hit hints at it."""
_SEEN = {
    "retry_storm": "one tool was called three times or more in a row with the same input",
    "tool_cascade_fail": "two tool calls or more failed in a row",
    "repeated_request": "the same request was sent, edited or answered anew several times",
    "early_abandonment": "the user left after the first answer or before",
}
"""What code saw, by pattern."""

SIGNAL = Signal(
    id=ID,
    version=1,
    title="User friction",
    question=(
        "Were there signs of a rough experience for the user? Answer true if the user had to work harder than the "
        "request deserved, whether or not the task was done in the end, and false if it went smoothly.\n"
        "Counts: " + "; ".join(f"{code}: {words}" for code, words in PATTERNS.items()) + ".\n"
        "Does not count: one question back that was needed; one failed call that the agent recovered from without the "
        "user noticing; a long session that makes progress; a second request about something else; an answer that is "
        "only bad or wrong and that nobody reacted to; a refusal that was right.\n"
        "Hints found by code are pointers, not proof: decide by what happened. Rest it on what the user wrote, on tool "
        "calls and on their results, never on the agent's own account of how it went."
    ),
    definition=Definition(
        OutputType.BINARY,
        labels=(
            Label("true", "There is at least one sign of friction."),
            Label("false", "There is no sign of friction."),
        ),
        passing=PassCriteria(value=False),
        evidence_from=("user", "tool"),
    ),
    property="[Agent] Has User Friction",
    labels_property="[Agent] Detected User Friction",
    labels_from="friction_patterns",
    extras=(
        Extra(
            "friction_patterns",
            "if user_friction is true: the patterns that were found, parted by commas, of "
            + ", ".join(PATTERNS)
            + "; else an empty string",
            tuple(PATTERNS),
            many=True,
        ),
    ),
)


def hints(rules: Iterable[str]) -> tuple[str, ...]:
    """Return what rules of code found, in words for the judge: `retry_storm: one tool was called…`."""
    found = dict.fromkeys(_BY_RULE[rule] for rule in rules if rule in _BY_RULE)
    return tuple(f"{pattern}: {_SEEN[pattern]}" for pattern in found)


def friction_by_code(hits: Mapping[str, int]) -> Finding:
    """Return what code alone says of friction, given how often each rule fired.

    It hints and does not judge: it neither passes nor fails.
    """
    found = [(pattern, hits[rule]) for rule, pattern in _BY_RULE.items() if rule in hits]
    if not found:
        return _NONE
    seen = "; ".join(_SEEN[pattern] for pattern, _ in found)
    rationale = f"Found by code: {counted(found)}. {seen[0].upper()}{seen[1:]}."
    return Finding(ID, binary(True), None, rationale, tuple(pattern for pattern, _ in found))


_NONE = Finding(ID, binary(False), None, "Code found no sign of it; no model has looked.")
