"""Signal: did the agent do what the user asked? A failure also gets a type and a reason."""

from __future__ import annotations

from collections.abc import Mapping

from aa_tui.backend.model.evaluator import Definition, Label, OutputType, PassCriteria
from aa_tui.backend.signals.contract import Extra, Signal

ID = "task_completion"

FAILURES: Mapping[str, str] = {
    "wrong_answer": "the agent gave or did something that is wrong",
    "unable_to_complete": "the agent tried and did not get there",
    "access_denied": "a permission, login or limit stood in the way",
    "no_action_taken": "the agent talked about it, or did nothing at all",
}
"""Types of a task's failure and what each means."""

SIGNAL = Signal(
    id=ID,
    version=1,
    title="Task completion",
    question=(
        "Did the agent do what the user asked for? Answer true only if everything essential of what the user wanted by "
        "the end of the session was done, answered or handed over correctly. Answer false if an essential part is "
        "missing, wrong or was only promised.\n"
        "Judge by what the user asked, what tools returned and how the user reacted. That the agent says it is done "
        "proves nothing: look for the tool result or the user's words that show it. A failed call that was repeated "
        "successfully is no failure; a claim of success after a failed call is one.\n"
        "Counts as done: a correct answer to a question; an action whose result confirms it; the right refusal of "
        "something the agent must not do, with the user told what they can do instead; a handover to a person where "
        "that is what the user needed. If the user changed the request, the last version counts; if there were "
        "several, all of them count.\n"
        "Counts as failed: the user left or gave up without it; the agent asked back and never acted on the answer; it "
        "did something else than asked; it said it could not although it could.\n"
        "Does not count against it: style, length, slowness, or a request that is no task for this agent."
    ),
    definition=Definition(
        OutputType.BINARY,
        labels=(
            Label("true", "Everything essential that the user asked for was done."),
            Label("false", "An essential part is missing, wrong or only promised."),
        ),
        passing=PassCriteria(value=True),
        evidence_required=True,
        evidence_from=("user", "tool"),
    ),
    property="[Agent] Task Completed",
    with_evidence=True,
    labels_from="task_failure_type",
    extras=(
        Extra(
            "task_failure_type",
            "if task_completion is false: the one that fits best of "
            + "; ".join(f"{code} ({words})" for code, words in FAILURES.items())
            + "; else an empty string",
            tuple(FAILURES),
        ),
        Extra(
            "task_failure_reason",
            "if task_completion is false: one sentence that says what went wrong and where; else an empty string",
        ),
    ),
)
