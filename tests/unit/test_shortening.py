"""Leaving out the middle of a text: how much is missing is said, and no secret is parted."""

from __future__ import annotations

import re
import time

import pytest

from aa_tui.backend.support.redaction import SECRET, Redactor
from aa_tui.backend.support.shortening import left_out_mark, middle_out

_KEY = "sk-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"
_PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(["MIIEpAIBAAKCAQEA" + "x7" * 24] * 20)
    + "\n-----END RSA PRIVATE KEY-----"
)


def test_short_texts_stay_the_same_object() -> None:
    text = "a" * 100
    assert middle_out(text, 100) is text


def test_beginning_and_end_stay_and_the_mark_counts() -> None:
    text = "B" * 500 + "m" * 9_000 + "E" * 500
    short = middle_out(text, 1_000)
    assert short == "B" * 500 + left_out_mark(9_000) + "E" * 500


def test_shortening_twice_counts_from_the_first_text() -> None:
    text = "".join(f"line {number}\n" for number in range(5_000))
    twice = middle_out(middle_out(text, 20_000), 1_000)
    said = re.search(r"\[… ([\d,]+) characters left out …\]", twice)
    assert said is not None
    shown = len(twice) - len(said.group()) - 2
    assert int(said.group(1).replace(",", "")) + shown == len(text)
    assert twice.count("left out") == 1


def test_a_cut_through_an_earlier_mark_takes_it_along() -> None:
    short = middle_out("A" * 300 + left_out_mark(1_234) + "B" * 100, 220)
    assert short.count("left out") == 1
    said = re.search(r"… ([\d,]+) ", short)
    assert said is not None
    assert int(said.group(1).replace(",", "")) + short.count("A") + short.count("B") == 300 + 1_234 + 100


@pytest.mark.parametrize("secret", [_KEY, _PEM, "Authorization: Basic dXNlcjpodW50ZXIyaHVudGVyMg=="])
def test_no_cut_parts_a_secret(secret: str) -> None:
    redact = Redactor((SECRET,)).text
    for before in range(0, len(secret) + 20, 7):
        text = "x " * 20 + "y" * before + " " + secret + " " + "z " * 400
        for most in (60, 120, 400):
            masked = redact(middle_out(text, most))
            body = secret.removeprefix("Authorization: Basic ")
            assert not any(
                body[at : at + 12] in masked for at in range(0, len(body) - 12, 3) if "-----" not in body[at : at + 12]
            )


def test_five_megabytes_take_milliseconds() -> None:
    text = ('{"id": 1, "url": "https://example.com/a"}\n' * 130_000)[:5_000_000]
    best = 1.0
    for _ in range(5):
        started = time.process_time()
        middle_out(text, 20_000)
        best = min(best, time.process_time() - started)
    assert best < 0.03
