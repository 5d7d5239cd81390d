"""The built-in signals as values: registry, what code says of data and friction, what senders say, by-products."""

from __future__ import annotations

import json

import pytest

from aa_tui.backend.ingest.outputs import output_problem
from aa_tui.backend.judging.prompt import build_batch_prompt
from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.model.judgement import Quote, Verdict
from aa_tui.backend.model.transcript import Passage, Transcript
from aa_tui.backend.signals import data_quality, negative_feedback, task_completion, user_friction
from aa_tui.backend.signals.by_products import by_product
from aa_tui.backend.signals.data_quality import QualityFacts
from aa_tui.backend.signals.registry import DEFAULT, SIGNALS, asked_beside, judged, questions, versions
from aa_tui.backend.signals.sender import reported_issues, sender_findings


def test_the_signals_of_the_specification_with_their_verdicts() -> None:
    assert list(SIGNALS) == [
        "task_completion",
        "response_quality",
        "session_safety",
        "user_intent",
        "user_friction",
        "negative_feedback",
        "data_quality",
        "session_outcome",
    ]
    assert "session_outcome" not in DEFAULT and "data_quality" in DEFAULT
    verdicts: dict[tuple[str, bool | str], bool | None] = {
        ("task_completion", True): True,
        ("task_completion", False): False,
        ("response_quality", True): True,
        ("session_safety", "Normal"): True,
        ("session_safety", "Prompt Injection"): False,
        ("user_intent", "Task Execution"): None,
        ("session_outcome", "Abandoned"): None,
        ("user_friction", True): False,
        ("negative_feedback", False): True,
    }
    for (signal, answer), passed in verdicts.items():
        assert SIGNALS[signal].definition.decide(answer) is passed, (signal, answer)
    assert len({one.property for one in SIGNALS.values()}) == len(SIGNALS)
    assert versions({"data_quality", "task_completion"}) == ["task_completion@1", "data_quality@1"]


def test_one_batch_asks_every_judged_signal_and_what_goes_with_it() -> None:
    assert [one.id for one in judged()] == [
        "task_completion",
        "response_quality",
        "session_safety",
        "user_intent",
        "user_friction",
        "negative_feedback",
    ]
    asked = questions(["task_completion", "session_safety", "data_quality"])
    assert [one.id for one in asked] == ["task_completion", "session_safety"]
    assert asked[1].spec.labels == ("Normal", "Off Topic", "Prompt Injection", "Abuse")
    transcript = Transcript(1, "s", 1, "bot", (Passage(1, "user", "Where is my parcel?"),))
    prompt = build_batch_prompt(questions(), transcript, None, user_friction.hints(["retry_storm"]), asked_beside())
    for name in (*(one.id for one in judged()), "task_failure_type", "friction_patterns", "topic", "topic_summary"):
        assert name in prompt.text, name
    assert "retry_storm: one tool was called" in prompt.text and "session_outcome" not in prompt.text


@pytest.mark.parametrize(
    "said",
    [
        "retry_storm, correction",
        '["correction","retry_storm"]',
        "Retry Storm; Correction; made_up",
        "correction,retry-storm",
    ],
)
def test_patterns_are_read_however_they_are_listed(said: str) -> None:
    verdict = Verdict(answer=True)
    assert user_friction.SIGNAL.labels(verdict, {"friction_patterns": said}) == ("retry_storm", "correction")
    assert user_friction.SIGNAL.labels(Verdict(answer=False), {"friction_patterns": said}) == ()


def test_what_is_told_of_a_failure_needs_a_failure() -> None:
    signal = task_completion.SIGNAL
    said = {"task_failure_type": "unable_to_complete", "task_failure_reason": " The refund \n timed out. "}
    assert signal.labels(Verdict(answer=False), said) == ("unable_to_complete",)
    assert json.loads(signal.further(Verdict(answer=False), said) or "") == {
        "task_failure_reason": "The refund timed out."
    }
    assert signal.labels(Verdict(answer=True), said) == () and signal.further(Verdict(answer=True), said) is None
    assert signal.labels(Verdict(answer=False), {"task_failure_type": "bad luck"}) == ()
    assert signal.further(Verdict(error=None), {"task_failure_reason": "None"}) is None


def test_negative_phrases_are_the_users_verified_words() -> None:
    quotes = (
        Quote("this is useless", 2, 2, "user"),
        Quote("never said", 3, None),
        Quote("this is useless", 4, 2, "user"),
    )
    assert negative_feedback.SIGNAL.labels(Verdict(answer=True, quotes=quotes), {}) == ("this is useless",)


def test_by_products() -> None:
    assert by_product("topic", ' "Refund Request for a late Parcel" ') == "refund request"
    assert by_product("request_complexity", "Moderate.") == "moderate"
    assert by_product("request_complexity", "quite hard") is None
    assert by_product("topic_summary", " The user\nasked. ") == "The user asked."
    assert by_product("topic", "n/a") is None


def test_clean_data_has_fixed_words() -> None:
    found = data_quality.data_quality(QualityFacts({}, {}, {}))
    assert (found.value, found.passed, found.rationale, found.labels) == ("False", True, "No issues found.", ())


def test_notices_are_listed_without_setting_the_flag() -> None:
    found = data_quality.data_quality(
        QualityFacts({"missing_cost": 3, "several_session_ends": 1, "mixed_users": 1}, {}, {})
    )
    assert (found.value, found.passed) == ("False", True)
    assert found.rationale == (
        "No issues found. Notices: 3 answers without a cost; 1 session with several ends; events of several users."
    )
    assert found.labels == ("missing_cost", "several_session_ends", "mixed_users")


def test_issues_are_counted_and_name_typed_tool_calls() -> None:
    facts = QualityFacts(
        {"truncated_response": 1, "missing_cost": 2},
        {("issue_refund", "TimeoutError"): 2, ("find", "Error"): 1},
        {"lookup": 1},
        [("tool_error:issue_refund:TimeoutError", "tool", 7)],
        ("dup rows",),
    )
    found = data_quality.data_quality(facts)
    assert (found.value, found.passed) == ("True", False)
    assert found.labels == (
        "tool_error:issue_refund:TimeoutError",
        "tool_error:find:Error",
        "tool_empty_output:lookup",
        "truncated_response",
        "dup rows",
        "missing_cost",
    )
    assert found.rationale == (
        "6 issues: 3 failed tool calls (issue_refund: TimeoutError ×2, find: Error); 1 tool call without any output "
        "(lookup); 1 answer cut off by its length; 1 reported by the sender (dup rows). Notices: 2 answers without a "
        "cost."
    )
    assert json.loads(found.evidence or "") == [
        {"quote": "tool_error:issue_refund:TimeoutError", "role": "tool", "event": 7}
    ]


def test_friction_by_code_hints_and_does_not_judge() -> None:
    found = user_friction.friction_by_code({"abandoned": 1, "retry_storm": 2, "tool_error": 9})
    assert (found.value, found.passed, found.method) == ("True", None, "code")
    assert found.labels == ("retry_storm", "early_abandonment")
    assert user_friction.friction_by_code({"tool_error": 9}).value == "False"
    assert user_friction.friction_by_code({}).passed is None


def test_what_senders_say() -> None:
    flags = {"has_task_failure": False, "has_negative_feedback": False, "has_data_quality_issues": False}
    assert sender_findings(flags, labels_itself=False) == ()
    said = {one.signal: one for one in sender_findings(flags, labels_itself=True)}
    assert (said["task_completion"].value, said["task_completion"].passed) == ("True", True)
    told = {
        **flags,
        "has_task_failure": True,
        "task_failure_type": "access_denied",
        "task_failure_reason": "No rights.",
        "user_friction": ["clarification_loop"],
        "negative_feedback_phrases": ["charged twice"],
        "overall_outcome": "abandoned",
        "data_quality_issues": ["dup rows", 7, "dup rows"],
    }
    said = {one.signal: one for one in sender_findings(told, labels_itself=False)}
    assert {name: (one.value, one.passed) for name, one in said.items()} == {
        "task_completion": ("False", False),
        "user_friction": ("True", False),
        "negative_feedback": ("True", False),
        "session_outcome": ("Abandoned", None),
    }
    assert said["task_completion"].labels == ("access_denied",)
    assert {one.method for one in said.values()} == {"sender"}
    assert reported_issues(told) == ("dup rows",)
    refused: tuple[object, ...] = (
        None,
        [],
        "x",
        {"user_friction": "no list", "has_task_failure": "yes", "overall_outcome": ["x"]},
    )
    for hostile in refused:
        assert sender_findings(hostile, labels_itself=False) == () and reported_issues(hostile) == ()


@pytest.mark.parametrize(
    ("name", "given", "output", "code"),
    [
        ("lookup", "{}", "", "tool_empty_output"),
        ("Bash", "mkdir x", "", None),
        ("lookup", "", "", None),
        ("lookup", "{}", "[]", "no_data_returned"),
        ("query", "{}", ' {"rows": [], "count": 0} ', "no_data_returned"),
        ("query", "{}", '{"rows": [1], "errors": []}', None),
        ("query", "{}", "No data returned.", "no_data_returned"),
        ("query", "{}", "There is no datacentre here", None),
        ("query", "{}", "Event property 'plan tier' was not found", "property_not_found"),
        ("read", "{}", "The property is for sale" + " x" * 2000 + "property y not found", None),
    ],
)
def test_outputs_that_hold_nothing(name: str, given: str, output: str, code: str | None) -> None:
    event = AgentEvent(EventKind.TOOL_CALL, "1", name=name)
    assert output_problem(event, given, output) == code


def test_a_call_that_waits_for_its_result_is_not_empty() -> None:
    waiting = AgentEvent(EventKind.TOOL_CALL, "1", name="lookup", warnings=("no_result",))
    assert output_problem(waiting, "{}", None) is None
    assert output_problem(AgentEvent(EventKind.TOOL_CALL, "1", name="lookup", interrupted=True), "{}", None) is None
