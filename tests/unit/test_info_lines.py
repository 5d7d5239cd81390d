"""What Info says of a session's state, its errors and its soft data problems."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aa_tui.backend.ingest.sessionise.warnings import DERIVED_CODES
from aa_tui.backend.model.data_problems import PROBLEMS, problem_of
from aa_tui.backend.query.readmodels import SessionDetail
from aa_tui.widgets.info_lines import flat, info_lines, state_words
from aa_tui.widgets.session_columns import signals_of, state_of
from tests.tui.session_builder import SessionBuilder, refund_session


def text_of(detail: SessionDetail, width: int = 100) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in info_lines(detail, "UTC", width))


def test_errors_are_named_with_category_and_count() -> None:
    shown = text_of(refund_session().detail())
    assert "1 Timeout, category timeout" in shown and "data quality        nothing to remark" in shown


def test_soft_problems_are_said_in_words_with_their_steps_and_filter() -> None:
    builder = SessionBuilder()
    builder.user_says("hello")
    builder.tool("search", "{}", warnings=("no_result",))
    builder.tool("search", "{}", warnings=("no_result",))
    detail = builder.detail(warnings=("no_result", "several_sources", "brand_new_code"))
    shown = text_of(detail)
    assert "▲ calls without a result (2 steps)" in shown and "warning:no_result" in shown
    assert "▲ merged from several sources" in shown and "▲ brand new code" in shown
    assert all(len(line) <= 60 for line in text_of(detail, 60).splitlines())


def test_every_problem_that_derivation_finds_has_a_meaning() -> None:
    assert set(PROBLEMS) >= DERIVED_CODES
    assert all(problem.words and problem.meaning.endswith(".") for problem in PROBLEMS.values())
    assert problem_of("never_heard_of").words == "never heard of"


@pytest.mark.parametrize(
    ("state", "fields", "words", "word"),
    [
        ("closed", {"revision": 1}, "closed: the agent said so, ", "closed"),
        ("closed", {"revision": 3, "close_reason": "timeout"}, "re-opened 2 times, revision 3", "closed"),
        ("open", {"revision": 0, "close_reason": None}, "open: more may come", "open"),
        ("open", {"revision": 2, "close_reason": None}, "re-opened, revision 2 stands until", "re-opened"),
        ("closing", {"revision": 0, "close_reason": None}, "closing: it ended, and closes unless", "closing"),
    ],
)
def test_states_are_said(state: str, fields: dict[str, Any], words: str, word: str) -> None:
    detail = refund_session().detail(**fields)
    row = replace(detail.row, state=state, revision=detail.revision)
    assert words in state_words(replace(detail, row=row), "UTC")
    assert state_of(row) == word
    assert signals_of(row)[0].startswith("○") == (state != "closed")


@pytest.mark.parametrize(
    ("signals", "shown"),
    [
        ((), "–"),
        ((("data_quality", "False", True),), "–"),
        ((("data_quality", "True", False), ("user_friction", "True", None)), "–"),
        ((("data_quality", "True", False), ("task_completion", "True", True)), "✓"),
        ((("data_quality", "False", True), ("task_completion", "False", False)), "✗"),
    ],
)
def test_only_who_judged_the_agent_gives_a_session_a_verdict(
    signals: tuple[tuple[str, str, bool | None], ...], shown: str
) -> None:
    row = replace(refund_session().row(), rules=(), signals=signals)
    assert signals_of(row)[0] == shown


def test_what_a_sender_gave_is_taken_apart() -> None:
    given = {"topics": {"intent": {"primary": "refund", "values": ["a", "b"]}}, "flags": [], "score": 0.5, "none": None}
    found = [("score", "0.5"), ("topics.intent.primary", "refund"), ("topics.intent.values", "a, b")]
    assert list(flat(given)) == found
    deep = {"a": {"b": {"c": {"d": 1}}}}
    assert list(flat(deep)) == [("a.b.c", '{"d": 1}')]
    assert list(flat({"context": {"plan": "pro"}, "env": "live"})) == [("plan", "pro"), ("env", "live")]
