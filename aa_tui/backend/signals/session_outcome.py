"""Signal: how did the session end? Off by default; informational: it neither passes nor fails."""

from __future__ import annotations

from aa_tui.backend.model.evaluator import Definition, Label, OutputType
from aa_tui.backend.signals.contract import Signal

ID = "session_outcome"

SIGNAL = Signal(
    id=ID,
    version=1,
    title="Session outcome",
    question=(
        "How did the session end? Judge by its last turns, and by what happened rather than by what the agent says of "
        "it. Whether the answer was right is not asked here."
    ),
    definition=Definition(
        OutputType.CLASSIFICATION,
        labels=(
            Label("Response Provided", "The user got an answer or a result, and nothing was left open.", ()),
            Label("Unable to Complete", "The agent said or showed that it could not do it, and it stayed at that.", ()),
            Label("Escalated", "It was handed over to a person, another team or another channel.", ()),
            Label("Abandoned", "The user left in the middle: a question or a step of the agent was left open.", ()),
        ),
    ),
    property="[Agent] Session Outcome",
    by_default=False,
)
