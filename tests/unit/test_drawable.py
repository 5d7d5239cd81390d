"""Text that is safe to draw: every entry of the hostile corpus, and properties over made-up text."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.support.drawable import LINE_BREAK_MARK, MAX_MARKS, DrawableStream, drawable, has_hidden

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "hostile_text" / "corpus.jsonl"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]"
)
COLOUR = re.compile("\x1b\\[[0-9;:]*m")


def entries() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        return []
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def whole(entry: dict[str, Any]) -> str:
    """Return the text of an entry, generated where it is big."""
    gen = entry.get("gen")
    return gen["head"] + gen["unit"] * gen["times"] + gen["tail"] if gen else entry["text"]


def named(entry: dict[str, Any]) -> str:
    return f"{entry['id']}-{entry['category']}"


ALL = entries()
each = pytest.mark.parametrize("entry", ALL, ids=named)


def test_corpus_is_there() -> None:
    if not ALL:
        pytest.skip("shared data absent")
    assert len(ALL) == 255


@each
@pytest.mark.parametrize("one_line", [False, True])
def test_entry_is_neutral_readable_and_stable(entry: dict[str, Any], one_line: bool) -> None:
    text = whole(entry)
    began = time.thread_time()
    shown = drawable(text, one_line=one_line)
    assert time.thread_time() - began < 2, "bounded"
    assert not FORBIDDEN.search(shown)
    assert drawable(shown, one_line=one_line) == shown
    if one_line:
        assert "\n" not in shown and "\t" not in shown
    if entry["category"] != "secret":
        for raw in entry.get("never_raw") or ():
            if one_line or not raw.endswith("\n"):
                assert raw not in shown
    for readable in entry.get("must_show") or ():
        assert readable in shown
    for hidden in entry.get("must_reveal") or ():
        assert hidden in shown
        assert has_hidden(text)
    if entry["expect"] in {"preserve", "literal"} and not one_line:
        assert shown == text
    shown.encode("utf-8")


@each
def test_entry_in_two_pieces_gives_the_same(entry: dict[str, Any]) -> None:
    text = entry["text"]
    for one_line in (False, True):
        expected = drawable(text, one_line=one_line)
        for cut in range(len(text) + 1):
            stream = DrawableStream(one_line=one_line)
            assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.close() == expected, cut


@each
def test_kept_colour_is_the_only_escape(entry: dict[str, Any]) -> None:
    shown = drawable(entry["text"], keep_sgr=True)
    assert not FORBIDDEN.search(COLOUR.sub("", shown))
    assert drawable(shown, keep_sgr=True) == shown


HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "a1 \t\n\r\x1b[]m;38\x07\x9b\u200d\u200c\ufe0f\ufe0e\u0301\u0e31\u200b\u202e\u2800\u2801\u0915\u094d"
            "😀🏴\U000e0067\U000e007f\U000e0100字\u1820\u180b\ud800⟨⟩"
        ),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, st.booleans(), st.booleans())
def test_any_text_is_neutral_and_stable(text: str, one_line: bool, keep_sgr: bool) -> None:
    shown = drawable(text, one_line=one_line, keep_sgr=keep_sgr)
    assert not FORBIDDEN.search(COLOUR.sub("", shown) if keep_sgr else shown)
    assert drawable(shown, one_line=one_line, keep_sgr=keep_sgr) == shown


@settings(max_examples=300, deadline=None)
@given(st.lists(HOSTILE, max_size=5), st.booleans())
def test_pieces_give_the_same_as_the_whole(pieces: list[str], keep_sgr: bool) -> None:
    stream = DrawableStream(keep_sgr=keep_sgr)
    assert "".join([*map(stream.feed, pieces), stream.close()]) == drawable("".join(pieces), keep_sgr=keep_sgr)


def test_controls_are_drawn_as_their_pictures() -> None:
    assert drawable("a\x1b[2Jb\x07\x00\x7f\x85") == "a␛[2Jb␇␀␡⟨U+0085⟩"


def test_colour_is_dropped_but_concealment_is_shown() -> None:
    assert drawable("\x1b[1;38;5;8mgrey\x1b[0m \x1b[38;2;8;8;8mx\x1b[m") == "grey x"
    assert drawable("\x1b[8mhidden\x1b[28m") == "␛[8mhidden"
    assert drawable("\x1b[31;08mhidden", keep_sgr=True) == "␛[31;08mhidden"


def test_windows_line_ends_are_line_ends() -> None:
    assert drawable("a\r\nb\rc") == "a\nb␍c"
    assert drawable("a\r\nb\tc", one_line=True) == f"a{LINE_BREAK_MARK}b␉c"


def test_runs_are_counted_instead_of_repeated() -> None:
    assert drawable("a" + "\u200b" * 5000 + "b") == "a⟨U+200B ×5000⟩b"


def test_stacked_marks_are_cut_at_the_limit() -> None:
    assert drawable("Z" + "\u0301" * 30) == "Z" + "\u0301" * MAX_MARKS + "⟨22 more marks⟩"


@pytest.mark.parametrize("text", ["⠋⠀⠀⠙", "می‌خواهم", "❤️‍🔥", "葛󠄀", "1️⃣", "ᠠ᠋"])
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert drawable(text) == text
    assert not has_hidden(text)


def test_joiner_between_latin_letters_is_revealed() -> None:
    assert drawable("ad\u200dmin") == "ad⟨U+200D⟩min"
