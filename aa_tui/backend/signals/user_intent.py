"""Signal: what kind of request was it? Informational: it neither passes nor fails."""

from __future__ import annotations

from aa_tui.backend.model.evaluator import Definition, Label, OutputType
from aa_tui.backend.signals.contract import Signal

ID = "user_intent"

SIGNAL = Signal(
    id=ID,
    version=1,
    title="User intent",
    question=(
        "What kind of request was it? Judge what the user came for, by the user's own messages, not what the agent did "
        "with it. If there were several requests, choose the kind of the one that most of the session is about. A "
        "request to change or do something is Task Execution even when it is worded as a question; when something is "
        "broken and the user wants it to work again, it is Troubleshooting, whatever has to be done for it."
    ),
    definition=Definition(
        OutputType.CLASSIFICATION,
        labels=(
            Label("Information Request", "The user wants to know or understand something.", ("What is the fee?",)),
            Label(
                "Task Execution",
                "The user wants something done or changed by the agent or its tools.",
                ("Cancel my order.", "Rename this function everywhere."),
            ),
            Label(
                "Content Creation",
                "The user wants something new written or made.",
                ("Draft a reply to this customer.", "Write a program that sorts these files."),
            ),
            Label(
                "Troubleshooting",
                "Something does not work as it should, and the user wants to know why or to have it put right.",
                ("The export fails with an error.",),
            ),
            Label("Feedback", "The user tells an opinion, a complaint or praise and asks for nothing else.", ()),
            Label("Other", "None of these, or it cannot be told.", ()),
        ),
        evidence_from=("user",),
    ),
    property="[Agent] User Intent",
)
