"""Every flag and every kind of error has words."""

from __future__ import annotations

from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag
from aa_tui.backend.model.judgement_words import ERROR_WORDS, FLAG_WORDS, error_words, flag_words


def test_nothing_is_without_words() -> None:
    assert set(FLAG_WORDS) == set(ReplyFlag)
    assert set(ERROR_WORDS) == set(ErrorKind)


def test_what_a_later_version_wrote_is_still_said() -> None:
    assert flag_words("repaired") == "the reply's form was repaired"
    assert flag_words("seen_by_two") == "seen by two"
    assert error_words("bad_label") == "the label is none of the evaluator's"
    assert error_words("imported") == "imported"
