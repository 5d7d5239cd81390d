"""Titles of sessions: what the user wanted, in one line."""

from __future__ import annotations

import pytest

from aa_tui.backend.ingest.titles import title_from


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("fix the tests", "fix the tests"),
        ("\n\n  Fix the tests\nplease", "Fix the tests"),
        (
            "Implement the following plan:\n\n# Plan: Simplify setup\n\nmore",
            "Implement the following plan: Simplify setup",
        ),
        (
            "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>PR 7",
            "/review PR 7",
        ),
        ("<command-message>review</command-message>\n<command-name>/review", "review"),
        ("Do this:", "Do this:"),
        ("   ", ""),
    ],
)
def test_title_says_what_was_wanted(text: str, title: str) -> None:
    assert title_from(text) == title
