"""Signal: did the user say that they were unhappy with the agent? Its labels are the user's own words."""

from __future__ import annotations

from aa_tui.backend.model.evaluator import Definition, Label, OutputType, PassCriteria
from aa_tui.backend.signals.contract import Signal

ID = "negative_feedback"

SIGNAL = Signal(
    id=ID,
    version=1,
    title="Negative feedback",
    question=(
        "Did the user SAY that they are unhappy with the agent, its answers or its work? Only words of the user count. "
        "Answer true if there is at least one such statement, and quote every one of them character by character as "
        "evidence; they are kept as they are. Answer false if there is none.\n"
        "Counts: 'that is wrong', 'this is useless', 'you are not listening', 'no, I said the other one', a demand for "
        "a person instead, sarcasm that is plainly aimed at the agent.\n"
        "Does not count: being unhappy with a product, a company, a delivery or the weather; describing a problem; a "
        "neutral correction or a changed mind; silence, leaving, or repeating a request without a word about the "
        "agent; anything the agent, a tool or another agent wrote; words that the user only quotes."
    ),
    definition=Definition(
        OutputType.BINARY,
        labels=(
            Label("true", "The user says at least once that they are unhappy with the agent."),
            Label("false", "The user never says so."),
        ),
        passing=PassCriteria(value=False),
        evidence_required=True,
        evidence_from=("user",),
    ),
    property="[Agent] Has Negative Feedback",
    labels_property="[Agent] Detected Negative Feedback",
    labels_from="evidence",
)
