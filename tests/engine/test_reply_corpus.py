"""The reply contract: the shared corpus exact, and what the corpus leaves open: hostile sizes, batches, many labels."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.judging.evidence import QuoteFinder
from aa_tui.backend.judging.reply import (
    LONGEST,
    ReplySpec,
    batch_schema,
    parse_batch,
    parse_reply,
    repair_request,
    reply_schema,
    reply_shape,
    spec_of,
)
from aa_tui.backend.model.evaluator import Definition, Label, OutputType, Scale
from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag, Verdict
from aa_tui.backend.model.transcript import Passage
from tests.engine import judge_replies as corpus

BINARY = ReplySpec(OutputType.BINARY)
THREE = ReplySpec(OutputType.CLASSIFICATION, ("Normal", "Off Topic", "Abuse"))
SEVERAL = ReplySpec(OutputType.CLASSIFICATION, ("Normal", "Off Topic", "Abuse"), multiple=True)
FIVE = ReplySpec(OutputType.SCORE, scale=Scale(1, 5, integer=True))
SAID = (Passage(1, "user", "Where is my order 4711, please?"), Passage(2, "assistant", "It is on its way to you."))
QUOTE = {"turn": 1, "quote": "Where is my order 4711"}


def reply(**fields: Any) -> str:
    return json.dumps({"rationale": "Because.", "evidence": [QUOTE], **fields})


def read(raw: str, spec: ReplySpec = BINARY, finish_reason: str = "stop") -> Verdict:
    verdict = parse_reply(raw, spec, SAID, finish_reason)
    assert (verdict.answer is None) is (verdict.error is not None), "exactly one of answer and error"
    return verdict


# --- the corpus ----------------------------------------------------------------------------------------------------


def test_the_corpus_is_whole() -> None:
    if not corpus.FOLDER.exists():
        pytest.skip("shared data absent")
    assert len(corpus.entries()) == 125


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda entry: entry["id"])
def test_corpus(entry: dict[str, Any]) -> None:
    verdict = parse_reply(
        corpus.raw(entry),
        corpus.spec(entry["spec"]),
        corpus.transcript(entry["transcript"]),
        entry["finish_reason"],
    )
    expected = entry["expect"]
    if not expected["ok"]:
        assert (verdict.answer, verdict.error) == (None, expected["error"]), entry["why"]
        assert verdict.detail, "an error says what was wrong"
        return
    assert verdict.error is None, (entry["why"], verdict.detail)
    assert verdict.answer == expected["value"]
    assert isinstance(verdict.answer, bool) is isinstance(expected["value"], bool)
    assert sorted(verdict.flags) == sorted(expected["flags"]), entry["why"]


# --- what the corpus leaves open -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ('{"detected": true, "detected": true}', None),
        ('{"detected": true, "Detected": false}', ErrorKind.AMBIGUOUS),
        ('{"detected": true, "DETECTED": "yes"}', None),
        ('{"detected": true, "evidence": [], "evidence": ["x"]}', ErrorKind.AMBIGUOUS),
        ('{"detected": true, "x": {"a": 1, "a": true}}', ErrorKind.AMBIGUOUS),
        # An object that contradicts itself is not healed by a clean one beside it.
        ('{"detected": true, "detected": false} {"detected": true}', ErrorKind.AMBIGUOUS),
        ('{"note": 1, "note": 2} {"detected": true}', None),
        ('{broken} {"detected": true}', None),
        ('{broken} {"other": true}', ErrorKind.INVALID_JSON),
        ('{"a": 1} {broken} {"b": 1, "b": 2}', ErrorKind.INVALID_JSON),
        ('{"b": 1, "b": 2} {broken}', ErrorKind.AMBIGUOUS),
        ('{"detected": true} and {"detected": fal', ErrorKind.TRUNCATED),
        ('{"detected": true} and {so on', None),
        ('{"\\u0064etected": false} then {"detected": true}', ErrorKind.AMBIGUOUS),
        ('{"detected": null} {"detected": true}', ErrorKind.AMBIGUOUS),
        ("NaN", ErrorKind.NO_JSON),
        ("Here:\n```json\n[1, 2]\n```\nDone.", ErrorKind.NOT_OBJECT),
        ('"detected": true', ErrorKind.NO_JSON),
        ("{'detected': True, 'rationale': 'it's'}", ErrorKind.INVALID_JSON),
        ('{\u201cdetected\u201d: true, "rationale": "mixed"}', ErrorKind.INVALID_JSON),
        ('{"detected": yes}', ErrorKind.INVALID_JSON),
        ('{"detected": true,, "rationale": "x"}', ErrorKind.INVALID_JSON),
        ('{"detected": +1}', ErrorKind.INVALID_JSON),
        ('{"detected": true /* never ends }', ErrorKind.INVALID_JSON),
        ('{"detected": true, "rationale": 5}', ErrorKind.WRONG_TYPE),
        ('{"detected": true, "evidence": [{"turn": true, "quote": "x"}]}', ErrorKind.WRONG_TYPE),
        ('{"detected": true, "evidence": [{"turn": 1.5, "quote": "x"}]}', ErrorKind.WRONG_TYPE),
        ('{"detected": true, "evidence": 7}', ErrorKind.WRONG_TYPE),
    ],
)
def test_contract_by_cases(raw: str, error: ErrorKind | None) -> None:
    verdict = read(raw)
    assert verdict.error == error, verdict.detail
    if error is None:
        assert verdict.answer is True


def test_whole_object_may_quote_reasoning_tags() -> None:
    verdict = read(reply(detected=True, rationale="It wrote </think> and <think> into the page."))
    assert verdict.answer is True
    assert verdict.flags == frozenset()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("<think>a</think><think>b</think>" + reply(detected=True), None),
        ("<THINK>a {x}</Think>" + reply(detected=True), None),
        ("<think>a <think> b</think> c </think>" + reply(detected=True), None),
        ('<think>{"detected": false}</thinking>' + reply(detected=True), ErrorKind.TRUNCATED),
        (reply(detected=True) + "<think>and then", None),
        (reply(detected=False) + "</think>" + reply(detected=True), None),
    ],
)
def test_reasoning_is_dropped_with_all_it_holds(raw: str, error: ErrorKind | None) -> None:
    verdict = read(raw)
    assert verdict.error == error
    if error is None:
        assert verdict.answer is True
        assert ReplyFlag.REPAIRED in verdict.flags


def test_dialect_reads_strings_as_they_were_meant() -> None:
    verdict = read("{'detected': True, 'rationale': 'it\\'s \\x41 caf\\u00e9 \\ud83d\\ude00', // why\n'evidence': [],}")
    assert verdict.rationale == "it's A café 😀"
    assert verdict.flags == {ReplyFlag.REPAIRED, ReplyFlag.NO_EVIDENCE}
    assert read('{detected: true, rationale: "a\\_b \\/ \\q"}').rationale == "a_b / q"
    assert (
        read("{\u201cdetected\u201d: true, \u201crationale\u201d: \u201cit\u2019s so\u201d}").rationale
        == "it\u2019s so"
    )


def test_many_labels() -> None:
    assert read(reply(labels=["Abuse", "Normal"]), SEVERAL).answer == ("Normal", "Abuse")
    repaired = read(reply(labels=["off_topic", "Off Topic"]), SEVERAL)
    assert repaired.answer == ("Off Topic",)
    assert ReplyFlag.REPAIRED in repaired.flags
    assert read(reply(labels=[]), SEVERAL).error is ErrorKind.BAD_LABEL
    assert read(reply(labels=["Normal", "Nice"]), SEVERAL).error is ErrorKind.BAD_LABEL
    assert read(reply(labels="Normal"), SEVERAL).error is ErrorKind.WRONG_TYPE
    assert read(reply(labels=["Normal", 1]), SEVERAL).error is ErrorKind.WRONG_TYPE
    assert read(reply(label="Normal"), SEVERAL).error is ErrorKind.MISSING_FIELD


def test_labels_that_fold_alike_are_told_apart_or_refused() -> None:
    spec = ReplySpec(OutputType.CLASSIFICATION, ("a b", "A-B", "c"))
    assert read(reply(label="A-B"), spec).answer == "A-B"
    assert read(reply(label="a_b"), spec).error is ErrorKind.BAD_LABEL


@pytest.mark.parametrize("said", ["9" * 5000, "-" + "9" * 400, 10**400, "1e3", "0x4", " 4", "4,0", "٤"])
def test_odd_numbers_are_errors(said: Any) -> None:
    assert read(reply(score=said), FIVE).error in (ErrorKind.WRONG_TYPE, ErrorKind.OUT_OF_RANGE, ErrorKind.NOT_FINITE)


def test_score_keeps_what_would_raise_it() -> None:
    verdict = read(reply(score="4.0", improvement="Say when."), FIVE)
    assert (verdict.answer, verdict.improvement) == (4, "Say when.")
    assert isinstance(verdict.answer, int)


# --- batches -------------------------------------------------------------------------------------------------------

ASKED = {"task_completion": BINARY, "session_safety": THREE, "quality": FIVE}


def test_batch_reads_each_alone() -> None:
    one = {"detected": True, "rationale": "Done.", "evidence": [QUOTE]}
    raw = json.dumps(
        {
            "task_completion": one,
            "session_safety": {"label": "Fine", "rationale": "x"},
            "topic_summary": "Where an order is.",
            "request_complexity": 7,
        }
    )
    read = parse_batch(raw, ASKED, SAID, "stop", ("topic_summary", "request_complexity"))
    assert read.error is None
    assert read.answered
    assert read.verdicts["task_completion"].answer is True
    assert read.verdicts["task_completion"].flags == frozenset()
    assert read.verdicts["session_safety"].error is ErrorKind.BAD_LABEL
    assert read.verdicts["quality"].error is ErrorKind.MISSING_FIELD
    assert read.said == {"topic_summary": "Where an order is."}
    assert read.objects["task_completion"] == one


def test_batch_disputes_stay_where_they_are() -> None:
    good = '{"detected": true, "rationale": "r", "evidence": ["Where is my order 4711"]}'
    read = parse_batch(
        f'{{"task_completion": {good}, "session_safety": {{"label": "Normal", "label": "Abuse"}}}}', ASKED, SAID
    )
    assert read.verdicts["task_completion"].answer is True
    assert read.verdicts["session_safety"].error is ErrorKind.AMBIGUOUS
    twice = parse_batch(f'{{"task_completion": {good}, "task_completion": {{"detected": false}}}}', ASKED, SAID)
    assert twice.verdicts["task_completion"].error is ErrorKind.AMBIGUOUS
    assert not twice.answered


@pytest.mark.parametrize(
    ("raw", "finish", "error"),
    [
        ("", "stop", ErrorKind.EMPTY),
        ("I cannot help with that.", "stop", ErrorKind.REFUSAL),
        ('{"task_completion": {"detected": true}, "session_sa', "length", ErrorKind.TRUNCATED),
        ('{"something": {"else": true}}', "stop", ErrorKind.MISSING_FIELD),
        ('{"task_completion": {"detected": true}} {"task_completion": {"detected": false}}', "stop", "ambiguous"),
        ('{"task_completion": {"detected": true "x"}}', "stop", ErrorKind.INVALID_JSON),
    ],
)
def test_batch_that_is_unusable_as_a_whole(raw: str, finish: str, error: ErrorKind) -> None:
    read = parse_batch(raw, ASKED, SAID, finish)
    assert read.error == error
    assert read.verdicts == {}


def test_batch_repairs_are_marked_on_each() -> None:
    read = parse_batch('```json\n{"signals": {"task_completion": {"detected": "yes"}}}\n```', ASKED, SAID, "length")
    assert read.verdicts["task_completion"].answer is True
    assert {ReplyFlag.REPAIRED, ReplyFlag.HIT_LENGTH} <= read.verdicts["task_completion"].flags


# --- hostile replies -----------------------------------------------------------------------------------------------

_PIECES = ["{", "}", "[", "]", '"', "'", "\\", ":", ",", "<think>", "</think>", "```", "//", "/*", "*/", "\u201c"]
_PIECES += ["detected", "true", " ", "\n", "1", '"detected":', '{"a":', "{'a':", "True", "-", "\u201d", "{}"]


@pytest.mark.parametrize("piece", _PIECES)
def test_long_replies_take_little_time(piece: str) -> None:
    """CPU seconds at the longest length read: what is quadratic in it takes many times as long."""
    for head in ("", "{", '{"detected":', "{'a", '{"a": ['):
        for tail in ("", '"detected": true}'):
            raw = (head + piece * LONGEST)[: LONGEST - 100] + tail
            start = time.process_time()
            read(raw)
            assert time.process_time() - start < 0.5, (head, tail)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=40), st.sampled_from(["stop", "length"]))
def test_anything_is_a_value_or_an_error(pieces: list[str], finish: str) -> None:
    for spec in (BINARY, FIVE, SEVERAL):
        read("".join(pieces), spec, finish)
    parse_batch("".join(pieces), ASKED, SAID, finish)


def test_deep_nesting_is_unreadable_not_a_crash() -> None:
    for opening, closing in (('{"a":', "}"), ("[", "]"), ("{a:[", "]}")):
        raw = '{"detected": true, "x": ' + opening * 9000 + "1" + closing * 9000 + "}"
        assert read(raw).error is ErrorKind.INVALID_JSON
    fine = '{"detected": true, "x": ' + "[" * 63 + "]" * 63 + "}"
    assert read(fine).answer is True
    assert read(fine.replace("[]", "[[]]")).error is ErrorKind.INVALID_JSON


def test_cut_replies_never_bear_a_verdict() -> None:
    """However a canonical reply is cut, what is left gives no value."""
    rng = random.Random(5)
    whole = reply(detected=True, rationale='He said {"detected": false} and left.')
    for at in [*range(1, len(whole)), *(rng.randrange(1, len(whole)) for _ in range(20))]:
        assert read(whole[:at], finish_reason="length").error is ErrorKind.TRUNCATED


def test_reading_a_reply_costs_little() -> None:
    """Well under 100 µs of CPU with its quotes checked; the bound leaves room for a busy machine."""
    raw, finder = reply(detected=True), QuoteFinder(SAID)
    best = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(200):
            parse_reply(raw, BINARY, finder)
        best.append((time.process_time() - start) / 200)
    assert min(best) < 100e-6


# --- asking --------------------------------------------------------------------------------------------------------


def test_schemas_are_closed_and_complete() -> None:
    for spec in (BINARY, THREE, SEVERAL, FIVE):
        schema = reply_schema(spec)
        assert set(schema["required"]) == set(schema["properties"]) >= {"evidence", "rationale", spec.key}
        assert schema["additionalProperties"] is False
    assert reply_schema(FIVE)["properties"]["score"]["enum"] == [1, 2, 3, 4, 5]
    assert reply_schema(SEVERAL)["properties"]["labels"]["items"]["enum"] == list(SEVERAL.labels)
    whole = batch_schema(ASKED, ("topic_summary",))
    assert whole["required"] == [*ASKED, "topic_summary"]
    assert whole["properties"]["quality"] == reply_schema(FIVE)


def test_repair_request_names_kind_and_form() -> None:
    verdict = read(reply(label="failed"), THREE)
    words = repair_request(verdict, THREE)
    assert "bad_label" in words
    assert reply_shape(THREE) in words
    assert all(label in words for label in THREE.labels)


def test_spec_of_a_definition() -> None:
    labels = (Label("a"), Label("b"), Label("c"))
    spec = spec_of(Definition(OutputType.CLASSIFICATION, labels=labels, multiple=True, evidence_from=("tool",)))
    assert (spec.key, spec.labels, spec.evidence_from) == ("labels", ("a", "b", "c"), ("tool",))
    described = (Label("true", "yes"), Label("false", "no"))
    assert spec_of(Definition(OutputType.BINARY, labels=described)).labels == ()
