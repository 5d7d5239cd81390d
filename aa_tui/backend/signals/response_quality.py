"""Signal: were the answers accurate, clear and well put together?"""

from __future__ import annotations

from aa_tui.backend.model.evaluator import Definition, Label, OutputType, PassCriteria
from aa_tui.backend.signals.contract import Signal

ID = "response_quality"

SIGNAL = Signal(
    id=ID,
    version=1,
    title="Response quality",
    question=(
        "Were the agent's answers accurate, clear and well put together? Judge the answers themselves, whatever became "
        "of the task: a task can fail with good answers and be done with poor ones.\n"
        "Answer false if an answer contradicts what a tool returned or what the user had said; states something as "
        "fact that nothing in the session supports and that matters; contradicts another answer without saying so; "
        "does not address what was asked; leaves out what the user needs to go on; or is so long, muddled or full of "
        "repetition that the point is lost.\n"
        "Answer true otherwise. Does not count against it: a short answer that says enough; a plain 'I do not know' "
        "where it is so; a refusal that is explained; small slips of wording; a mistake the agent itself noticed and "
        "put right before the user was misled.\n"
        "Quote the answer that decides it, and for a wrong one also the tool result or the words of the user that it "
        "goes against."
    ),
    definition=Definition(
        OutputType.BINARY,
        labels=(
            Label("true", "The answers are accurate, clear and to the point."),
            Label("false", "At least one answer that matters is wrong, unsupported, beside the point or unclear."),
        ),
        passing=PassCriteria(value=True),
    ),
    property="[Agent] Response Quality",
    with_evidence=True,
)
