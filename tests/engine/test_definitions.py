"""Live validation of definitions, and the starter templates."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from aa_tui.backend.judging.definitions import TEMPLATES, Problem, problems
from aa_tui.backend.judging.prompt import VARIABLE, VARIABLES, build_prompt
from aa_tui.backend.model.evaluator import (
    Definition,
    Label,
    Method,
    ModelChoice,
    OutputType,
    PassCriteria,
    Pattern,
    Scale,
    Target,
    Tier,
)
from aa_tui.backend.model.transcript import Passage, Transcript

PROMPT = "Did the agent confirm who the user is before it changed the account?"
YES_NO = (Label("true", "it did"), Label("false", "it did not"))
BINARY = Definition(OutputType.BINARY, prompt=PROMPT, labels=YES_NO, passing=PassCriteria(value=True))
LABELS = tuple(Label(name, f"means {name}", (f"an example of {name}",)) for name in ("good", "fair", "poor"))
CLASSES = Definition(OutputType.CLASSIFICATION, prompt=PROMPT, labels=LABELS, passing=PassCriteria(labels=("good",)))
SCORE = Definition(
    OutputType.SCORE, prompt=PROMPT, scale=Scale(1, 5, True, (Tier("low", 1),)), passing=PassCriteria(at_least=4)
)
REGEX = Definition(OutputType.BINARY, Method.REGEX, patterns=(Pattern("x+"),), passing=PassCriteria(value=False))
KEYWORD = Definition(
    OutputType.CLASSIFICATION,
    Method.KEYWORD,
    labels=tuple(Label(name) for name in ("a", "b", "c")),
    patterns=(Pattern("x", "a"), Pattern("y", "b")),
    default_label="c",
    passing=PassCriteria(labels=("c",)),
)


def errors(definition: Definition) -> list[Problem]:
    return [one for one in problems(definition) if one.severity == "error"]


def advice(definition: Definition) -> list[Problem]:
    return [one for one in problems(definition) if one.severity == "advice"]


def test_sound_definitions_have_no_error() -> None:
    for definition in (BINARY, CLASSES, SCORE, REGEX, KEYWORD):
        assert errors(definition) == []
    assert problems(BINARY) == problems(REGEX) == problems(KEYWORD) == ()
    assert [one.words for one in problems(CLASSES)] == ["start with binary, it calibrates best"]


@pytest.mark.parametrize(
    ("definition", "changes", "field", "words"),
    [
        (BINARY, {"prompt": "  "}, "prompt", "empty"),
        (BINARY, {"prompt": "x" * 20_001}, "prompt", "20,001"),
        (BINARY, {"prompt": PROMPT + " {{transcrpt}}"}, "prompt", "{{transcrpt}}"),
        (BINARY, {"prompt": PROMPT + " {{ last user }}"}, "prompt", "not written"),
        (BINARY, {"prompt": PROMPT + " {{transcript"}, "prompt", "not written"),
        (BINARY, {"labels": (Label("yes", "x"), Label("no", "y"))}, "labels", "true and false"),
        (BINARY, {"labels": (*YES_NO, YES_NO[0])}, "labels", "twice"),
        (BINARY, {"patterns": (Pattern("x"),)}, "patterns", "no patterns"),
        (BINARY, {"passing": PassCriteria(value=True, labels=("good",))}, "passing", "passing labels"),
        (BINARY, {"passing": PassCriteria(at_least=1)}, "passing", "passing score"),
        (BINARY, {"evidence_from": ("judge",)}, "evidence_from", "judge"),
        (BINARY, {"model": ModelChoice("openai", " ")}, "model", "named"),
        (BINARY, {"model": ModelChoice("openai", "m", window=0)}, "model", "window"),
        (CLASSES, {"labels": LABELS[:2]}, "labels", "three or more"),
        (CLASSES, {"labels": (*LABELS, Label("Good", "d", ("e",)))}, "labels", "twice"),
        (CLASSES, {"labels": (*LABELS, Label("new", "", ("e",)))}, "labels", "no description"),
        (CLASSES, {"labels": (*LABELS, Label("new", "d", ("  ",)))}, "labels", "no example"),
        (CLASSES, {"labels": (*LABELS, Label("", "d", ("e",)))}, "labels", "empty"),
        (CLASSES, {"labels": (*LABELS, Label("a\nb", "d", ("e",)))}, "labels", "one line"),
        (CLASSES, {"passing": PassCriteria(labels=("great",))}, "passing", '"great"'),
        (CLASSES, {"passing": PassCriteria(value=True)}, "passing", "passing value"),
        (SCORE, {"scale": Scale(5, 5)}, "scale", "begin below"),
        (SCORE, {"scale": Scale(0, float("inf"))}, "scale", "finite"),
        (SCORE, {"scale": Scale(0.5, 5, True)}, "scale", "whole"),
        (SCORE, {"scale": Scale(1, 5, True, (Tier("a", 1), Tier("a", 2)))}, "scale", "name of its own"),
        (SCORE, {"scale": Scale(1, 5, True, (Tier("a", 1), Tier("b", 1)))}, "scale", "same score"),
        (SCORE, {"scale": Scale(1, 5, True, (Tier("a", 7),))}, "scale", "from 1 to 5"),
        (SCORE, {"passing": PassCriteria(at_least=6)}, "passing", "from 1 to 5"),
        (SCORE, {"passing": PassCriteria(at_least=4, at_most=2)}, "passing", "no score"),
        (SCORE, {"labels": LABELS}, "labels", "tiers"),
        (REGEX, {"patterns": ()}, "patterns", "no pattern"),
        (REGEX, {"patterns": (Pattern("[a"),)}, "patterns", "does not compile"),
        (REGEX, {"patterns": (Pattern("a"), Pattern("(b"))}, "patterns", "pattern 2 does not compile"),
        (REGEX, {"patterns": (Pattern("((a{1000}){1000}){1000}"),)}, "patterns", "multiply"),
        (REGEX, {"output_type": OutputType.CLASSIFICATION}, "output_type", "binary"),
        (KEYWORD, {"output_type": OutputType.BINARY}, "output_type", "classification"),
        (KEYWORD, {"default_label": "d"}, "default_label", '"d"'),
        (KEYWORD, {"patterns": (*KEYWORD.patterns, Pattern("z", "d"))}, "patterns", '"d"'),
        (KEYWORD, {"patterns": (*KEYWORD.patterns, Pattern("z"))}, "patterns", "has no label"),
        (KEYWORD, {"patterns": KEYWORD.patterns[:1]}, "patterns", '"b"'),
    ],
)
def test_errors_name_field_and_cause(definition: Definition, changes: dict[str, Any], field: str, words: str) -> None:
    found = errors(replace(definition, **changes))
    assert any(one.field == field and words in one.words for one in found), found
    assert all("\n" not in one.words and not one.words.endswith(".") for one in found if "one line" not in one.words)


@pytest.mark.parametrize(
    ("definition", "changes", "field"),
    [
        (BINARY, {"prompt": "Was it good?"}, "prompt"),
        (BINARY, {"labels": ()}, "labels"),
        (BINARY, {"passing": PassCriteria()}, "passing"),
        (BINARY, {"evidence_from": ("assistant",)}, "evidence_from"),
        (CLASSES, {}, "output_type"),
        (CLASSES, {"passing": PassCriteria(labels=("good", "fair", "poor"))}, "passing"),
        (SCORE, {"scale": Scale(1, 5, True)}, "scale"),
        (SCORE, {"scale": Scale(1, 5, True, (Tier("high", 4),))}, "scale"),
        (SCORE, {"passing": PassCriteria(at_least=1)}, "passing"),
        (REGEX, {"patterns": (Pattern("x*"),)}, "patterns"),
        (REGEX, {"prompt": PROMPT}, "prompt"),
        (KEYWORD, {"default_label": "", "labels": KEYWORD.labels[:2]}, "default_label"),
    ],
)
def test_advice_does_not_forbid(definition: Definition, changes: dict[str, Any], field: str) -> None:
    found = advice(replace(definition, **changes))
    assert any(one.field == field for one in found), found


def test_errors_come_first() -> None:
    severities = [one.severity for one in problems(replace(CLASSES, labels=()))]
    assert severities == sorted(severities, key=lambda one: one != "error")
    assert {"error", "advice"} == set(severities)


def test_validation_is_cheap() -> None:
    long = replace(BINARY, prompt="{" * 20_000)
    start = time.process_time()
    for _ in range(20):
        problems(long)
    assert (time.process_time() - start) / 20 < 0.01


# --- templates -----------------------------------------------------------------------------------------------------


def test_the_starters_of_the_specification_are_there() -> None:
    assert [one.id for one in TEMPLATES] == [
        "groundedness",
        "policy_compliance",
        "refusal_correctness",
        "tone",
        "escalation_handled",
        "tool_choice",
        "pii_in_answer",
        "users_language",
        "request_kind",
    ]
    assert {one.definition.method for one in TEMPLATES} == set(Method)
    assert {one.definition.output_type for one in TEMPLATES} == set(OutputType)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.id)
def test_starters_can_be_used_as_they_are(template: Any) -> None:
    definition = template.definition
    assert errors(definition) == []
    fields = {one.field for one in advice(definition)}
    # A kind of request is nothing that passes or fails; classes and scores are advised against, yet these need them.
    assert fields <= {"output_type"} or template.id == "request_kind"
    assert 1 <= len(template.name) <= 255
    assert "\n" not in template.what
    assert Definition.of(definition.document()) == definition
    assert all(name in VARIABLES for name in VARIABLE.findall(definition.prompt))


def test_starters_become_prompts() -> None:
    said = (Passage(1, "user", "Hallo, wo ist mein Paket?"), Passage(2, "assistant", "It arrives tomorrow."))
    session = Transcript(1, "s1", 1, "support", said, tools=("orders.lookup",))
    for template in TEMPLATES:
        if template.definition.method is Method.LLM:
            prompt = build_prompt(template.definition, session, None)
            assert "wo ist mein Paket" in prompt.text
            assert prompt.tokens < 3_000
            assert "{{" not in prompt.text


def test_criteria_of_starters_decide() -> None:
    by_id = {one.id: one.definition for one in TEMPLATES}
    assert by_id["tone"].decide(4) is True
    assert by_id["tone"].decide(3) is False
    assert by_id["refusal_correctness"].decide("over_refusal") is False
    assert by_id["escalation_handled"].decide("not_due") is True
    assert by_id["pii_in_answer"].decide(True) is False
    assert by_id["pii_in_answer"].target is Target.AGENT
    assert by_id["request_kind"].decide("other") is None
