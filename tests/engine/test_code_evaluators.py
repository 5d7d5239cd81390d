"""Evaluators judged by code: regex and keyword classifiers over whole sessions, their evidence and their limits."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from aa_tui.backend.judging.code import LONGEST_LINE, MOST_LINES, judge_by_code
from aa_tui.backend.judging.definitions import TEMPLATES
from aa_tui.backend.model.evaluator import Definition, Label, Method, OutputType, PassCriteria, Pattern, Target
from aa_tui.backend.model.judgement import ErrorKind, Judgement, Quote
from aa_tui.backend.model.transcript import Passage, Transcript

PASSAGES = (
    Passage(1, "user", "I was charged twice.\nPlease cancel my subscription and refund me.", event_id=5),
    Passage(2, "tool", "ok: 2 invoices", name="billing.list", input="DELETE FROM invoices", event_id=6),
    Passage(3, "tool", "", name="billing.refund", input="{}", error="ERROR 403 forbidden", event_id=7),
    Passage(4, "assistant", "Hello,\nyour refund is done. Write to mia@shop.de.\nBye", event_id=8),
)


def session(passages: tuple[Passage, ...] = PASSAGES, has_text: bool = True) -> Transcript:
    return Transcript(1, "s1", 1, "support", passages, has_text=has_text)


def regex(*patterns: str, target: Target = Target.ANY, **fields: object) -> Definition:
    given = Definition(
        OutputType.BINARY,
        Method.REGEX,
        patterns=tuple(Pattern(one) for one in patterns),
        target=target,
        passing=PassCriteria(value=True),
    )
    return replace(given, **fields)  # type: ignore[arg-type]


def keywords(default: str = "", multiple: bool = False, target: Target = Target.USER) -> Definition:
    return Definition(
        OutputType.CLASSIFICATION,
        Method.KEYWORD,
        labels=(Label("cancel"), Label("billing"), Label("refund"), Label("other")),
        patterns=(
            Pattern(r"\bcancel", "cancel"),
            Pattern(r"\bcharged\b", "billing"),
            Pattern(r"\bsubscription\b", "billing"),
            Pattern(r"\brefund", "refund"),
        ),
        multiple=multiple,
        default_label=default,
        target=target,
        passing=PassCriteria(labels=("billing", "other")),
    )


def judge(definition: Definition, transcript: Transcript | None = None) -> Judgement:
    judged = judge_by_code(definition, transcript or session())
    assert (judged.verdict.answer is None) is (judged.verdict.error is not None)
    assert (judged.spent.calls, judged.spent.cost_nano) == (0, 0)
    return judged


@pytest.mark.parametrize(
    ("target", "pattern", "answer"),
    [
        (Target.USER, "charged", True),
        (Target.USER, "your refund", False),
        (Target.AGENT, "your refund", True),
        (Target.AGENT, "charged", False),
        (Target.TOOL_INPUT, "delete from", True),
        (Target.TOOL_INPUT, "invoices$", True),
        (Target.TOOL_INPUT, "2 invoices", False),
        (Target.TOOL_OUTPUT, "2 invoices", True),
        (Target.TOOL_OUTPUT, "ERROR 4\\d\\d", True),
        (Target.TOOL_OUTPUT, "delete from", False),
        (Target.ANY, "delete from", True),
        (Target.ANY, "ERROR 4\\d\\d", True),
        (Target.ANY, "^bye$", True),
    ],
)
def test_targets(target: Target, pattern: str, answer: bool) -> None:
    assert judge(regex(pattern, target=target)).verdict.answer is answer
    turned = judge(regex(pattern, target=target, must_match=False))
    assert turned.verdict.answer is not answer
    assert turned.passed is not answer


def test_evidence_is_the_matching_lines() -> None:
    verdict = judge(regex(r"refund", "mia@")).verdict
    assert verdict.quotes == (
        Quote("Please cancel my subscription and refund me.", 1, 1, "user", 5),
        Quote("your refund is done. Write to mia@shop.de.", 4, 4, "assistant", 8),
    )
    assert verdict.rationale == "A pattern matched 3 times, in turns 1, 4."
    assert judge(regex("nowhere")).verdict.rationale == "No pattern matched in 6 texts."


def test_long_lines_are_cut_around_the_match_and_stay_verbatim() -> None:
    text = "x" * 5000 + " needle " + "y" * 5000
    (quote,) = judge(regex("needle"), session((Passage(1, "user", text),))).verdict.quotes
    assert "needle" in quote.text
    assert quote.text in text
    assert len(quote.text) <= LONGEST_LINE
    many = session((Passage(1, "user", "\n".join(f"line {no} hit" for no in range(99))),))
    assert len(judge(regex("hit"), many).verdict.quotes) == MOST_LINES


def test_case_matters_when_asked() -> None:
    upper = regex("CHARGED")
    assert judge(upper).verdict.answer is True
    exact = replace(upper, patterns=(Pattern("CHARGED", ignore_case=False),))
    assert judge(exact).verdict.answer is False


def test_without_text_it_does_not_apply() -> None:
    for definition in (regex("x"), regex("x", must_match=False), keywords("other")):
        judged = judge(definition, session(has_text=False))
        assert (judged.verdict.error, judged.passed) == (ErrorKind.NO_TEXT, None)
    unanswered = session(PASSAGES[:1])
    assert judge(regex("x", target=Target.AGENT, must_match=False), unanswered).verdict.error is ErrorKind.NO_TEXT
    # That no tool was called can be said of a session with text.
    assert judge(regex("x", target=Target.TOOL_INPUT), unanswered).verdict.answer is False


def test_informational_without_criteria() -> None:
    assert judge(replace(regex("refund"), passing=PassCriteria())).passed is None


def test_keywords_most_hits_win() -> None:
    judged = judge(keywords())
    assert judged.verdict.answer == "billing"
    assert judged.passed is True
    assert judged.verdict.rationale == "Keywords found: cancel: once, billing: 2 times, refund: once."
    assert [one.text for one in judged.verdict.quotes] == [
        "I was charged twice.",
        "Please cancel my subscription and refund me.",
    ]


def test_keywords_ties_go_by_order() -> None:
    text = session((Passage(1, "user", "refund or cancel"),))
    assert judge(keywords(), text).verdict.answer == "cancel"


def test_keywords_several_labels() -> None:
    judged = judge(keywords(multiple=True))
    assert judged.verdict.answer == ("cancel", "billing", "refund")
    assert judged.passed is False, "all chosen labels must pass"


def test_keywords_default_or_no_verdict() -> None:
    text = session((Passage(1, "user", "hello"),))
    assert judge(keywords(), text).verdict.error is ErrorKind.NO_MATCH
    assert judge(keywords("other"), text).verdict.answer == "other"
    assert judge(keywords("other"), text).passed is True
    assert judge(keywords("other", multiple=True), text).verdict.answer == ("other",)


@pytest.mark.parametrize("pattern", [r"(a|aa)+$", r"(x+x+)+y"])
def test_patterns_that_never_end_are_stopped(pattern: str) -> None:
    text = session((Passage(1, "user", "a" * 60 + "b " + "x" * 60_000),) * 5)
    start = time.monotonic()
    judged = judge_by_code(regex(pattern), text, seconds=0.2)
    assert time.monotonic() - start < 5
    assert (judged.verdict.error, judged.passed) == (ErrorKind.PATTERN, None)


@pytest.mark.parametrize(
    "pattern", ["", "[a", "(" * 3000, "((a{1000}){1000}){1000}", "a{99999999999}", "(" * 900 + ")" * 900]
)
def test_patterns_that_cannot_be_used_are_errors(pattern: str) -> None:
    start = time.process_time()
    assert judge(regex(pattern)).verdict.error is ErrorKind.PATTERN
    assert time.process_time() - start < 1


def test_no_pattern_is_no_verdict() -> None:
    assert judge(regex()).verdict.error is ErrorKind.PATTERN


def test_a_model_is_not_asked_here() -> None:
    with pytest.raises(ValueError, match="model"):
        judge_by_code(Definition(OutputType.BINARY), session())


# --- the starters --------------------------------------------------------------------------------------------------

STARTERS = {one.id: one.definition for one in TEMPLATES}


@pytest.mark.parametrize(
    "answer",
    [
        "Write to mia.lopez+shop@mail.example.de please",
        "Your card 4111 1111 1111 1111 was charged",
        "card 378282246310005",
        "IBAN DE89 3704 0044 0532 0130 00",
        "IBAN GB29NWBK60161331926819.",
        "SSN 219-09-9999",
        "Call +49 30 1234567 or +1 (415) 555-2671",
    ],
)
def test_pii_is_found(answer: str) -> None:
    judged = judge(STARTERS["pii_in_answer"], session((Passage(1, "assistant", answer),)))
    assert (judged.verdict.answer, judged.passed) == (True, False)


@pytest.mark.parametrize(
    "answer",
    [
        "Order 48213 of 2024-05-14 costs 1,299.00 EUR",
        "Mail goes to somebody@example.com in the docs",
        "commit 4f2a8b1c9d0e at 2024-05-14T09:40:00.123456789Z",
        "version 1.20.300.4000, port 8080, 192.168.10.12",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "The total is 1234567 rows in 3.5 s; see RFC 2119",
        "session 01HZX3V7M4Q2 and hash e3b0c44298fc1c149afbf4c8996fb924",
        "@app.route('/x') def f(a, b): return a+b  # user@host:~$",
        "2 + 3 = 5, +20 % since 2019",
    ],
)
def test_ordinary_numbers_are_no_pii(answer: str) -> None:
    judged = judge(STARTERS["pii_in_answer"], session((Passage(1, "assistant", answer),)))
    assert (judged.verdict.answer, judged.passed) == (False, True), judged.verdict.quotes


def test_kinds_of_request() -> None:
    wanted = {
        "I want my money back": "refund",
        "please unsubscribe me": "cancellation",
        "why was I charged? send the invoice": "billing",
        "the app crashes with an error": "technical",
        "what are your opening hours?": "other",
    }
    for said, label in wanted.items():
        assert judge(STARTERS["request_kind"], session((Passage(1, "user", said),))).verdict.answer == label
