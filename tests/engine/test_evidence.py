"""Quotes against transcripts: invented ones are always flagged, true ones never (J5), and whose words they are (J6)."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.judging.evidence import LEAST_VISIBLE, MOST_QUOTES, QuoteFinder, check_quotes, normalised
from aa_tui.backend.judging.reply import ReplySpec, parse_reply
from aa_tui.backend.model.evaluator import OutputType
from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag, Verdict
from aa_tui.backend.model.transcript import Passage
from aa_tui.backend.support.drawable import drawable
from tests.engine.judge_replies import SHARED

BINARY = ReplySpec(OutputType.BINARY)
OBSERVED = ReplySpec(OutputType.BINARY, evidence_from=("user", "tool"))


def judged(passages: tuple[Passage, ...] | QuoteFinder, *evidence: Any, spec: ReplySpec = BINARY) -> Verdict:
    """What a stub judge's reply with these quotes is read as."""
    raw = json.dumps({"detected": True, "rationale": "Because.", "evidence": list(evidence)})
    return parse_reply(raw, spec, passages)


# --- J5, on real transcripts ---------------------------------------------------------------------------------------


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _real(path: Path) -> tuple[Passage, ...]:
    said = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    texts = [text for text in _texts(json.loads(said)) if len(text.split()) >= 3][:400]
    roles = ("user", "assistant", "tool")
    return tuple(
        Passage(no, roles[no % 3], text if no % 4 else "", input="" if no % 4 else text)
        for no, text in enumerate(texts, 1)
    )


@lru_cache
def transcripts() -> tuple[tuple[Passage, ...], ...]:
    """Real sessions of four kinds, and one in many scripts with invisible characters."""
    folders = (
        ("tau-bench", "*.json.gz"),
        ("swe-agent-trajectories", "*.traj.gz"),
        ("who-and-when/hand-crafted", "*.json"),
        ("inspect-logs", "*.json"),
    )
    found = [path for name, what in folders for path in sorted((SHARED / name).glob(what))[:3]]
    if not found:
        pytest.skip("shared data absent")
    scripts = (
        "Grüße aus Köln — “ganz herzlich”, bis bald und auf Wiedersehen\u200b!",
        "सत्र अब समाप्त हो गया है, धन्यवाद और नमस्ते",
        "e\u0301te\u0301 a\u0300 la plage, c\u2019est tout\u00a0pour aujourd\u2019hui",
        "👩\u200d👩\u200d👧 family emoji stays, ‮odd‬ directions do not",
        "見積もりは来週の火曜日に送ります。よろしくお願いします。",
    )
    return (*map(_real, found), tuple(Passage(no, "user", text) for no, text in enumerate(scripts, 1)))


def _cut(rng: random.Random, passages: tuple[Passage, ...]) -> tuple[str, int]:
    """Cut a quote out of a random passage, long enough to prove something."""
    while True:
        one = rng.choice(passages)
        text = one.text or one.input
        start = rng.randrange(len(text))
        quote = text[start : start + rng.choice((12, 30, 80, 300))]
        if sum(character.isprintable() and not character.isspace() for character in quote) >= LEAST_VISIBLE:
            return quote, one.no


def test_true_quotes_are_never_flagged() -> None:
    rng = random.Random(20)
    finders = [(passages, QuoteFinder(passages)) for passages in transcripts()]
    for number in range(1000):
        passages, finder = finders[number % len(finders)]
        quote, turn = _cut(rng, passages)
        verdict = judged(finder, {"turn": turn, "quote": quote} if number % 2 else quote)
        assert verdict.flags == frozenset(), (quote, turn)
        assert all(one.verified for one in verdict.quotes)


def test_true_quotes_survive_what_models_do_to_them() -> None:
    """Wrapped lines, straight quotes, lost zero-width characters, another normal form, hidden characters by name."""
    rng = random.Random(21)
    ways = (
        lambda text: "  " + "\n   ".join(text.split()) + "\t",
        lambda text: text.replace("’", "'").replace("“", '"').replace("”", '"'),
        lambda text: text.replace("\u200b", ""),
        drawable,
        normalised,
    )
    finders = [(passages, QuoteFinder(passages)) for passages in transcripts()]
    for number in range(500):
        passages, finder = finders[number % len(finders)]
        # Whole texts: a cut through a character and its accent is none after normalising.
        one = rng.choice(passages)
        quote = ways[number % len(ways)]((one.text or one.input)[:2000].rstrip("\u0300\u0301"))
        if len(quote.strip()) < 3 * LEAST_VISIBLE:
            continue
        verdict = judged(finder, quote)
        assert ReplyFlag.EVIDENCE_UNVERIFIED not in verdict.flags, quote


def test_invented_quotes_are_always_flagged() -> None:
    rng = random.Random(22)
    finders = [(passages, QuoteFinder(passages)) for passages in transcripts()]
    flagged = 0
    for number in range(1000):
        passages, finder = finders[number % len(finders)]
        quote, turn = _cut(rng, passages)
        true, _ = _cut(rng, passages)
        invented = _invented(rng, quote, passages)
        items = [{"turn": turn, "quote": invented}, true] if number % 2 else [invented]
        verdict = judged(finder, *items)
        assert verdict.error is None
        flagged += ReplyFlag.EVIDENCE_UNVERIFIED in verdict.flags
        assert not verdict.quotes[0].verified, invented
    assert flagged == 1000


def _invented(rng: random.Random, quote: str, passages: tuple[Passage, ...]) -> str:
    """A quote that is nearly true: a letter changed, words in another order, an ellipsis, another case, glued turns."""
    words = quote.split()
    near = [
        quote[: len(quote) // 2] + "¤" + quote[len(quote) // 2 :],
        " ".join(reversed(words)),
        f"{quote[: len(quote) // 2]} ... {quote[len(quote) // 2 + 1 :]}",
        quote.swapcase(),
        "".join(one.text for one in passages[:2]) + quote,
    ]
    rng.shuffle(near)
    whole = normalised("\n".join(f"{one.text}\n{one.input}" for one in passages))
    return next((one for one in near if normalised(one) not in whole), f"the user said: {quote[:3]} and left ¤")


# --- where a quote stands ------------------------------------------------------------------------------------------

SAID = (
    Passage(1, "user", "Please refund order 4711 to my card.", event_id=11),
    Passage(
        2, "tool", "ERROR 403: refunds are disabled", name="refund", input='{"order": 4711, "to": "card"}', event_id=12
    ),
    Passage(3, "assistant", "ERROR 403: refunds are disabled, it says. Your card was refunded.", event_id=13),
    Passage(4, "tool", "", error="Timeout after 30 seconds", event_id=14),
)


def test_places() -> None:
    quotes = check_quotes(
        [
            ("refund order 4711", 1),
            ('"order": 4711, "to"', None),
            ("ERROR 403: refunds are disabled", 3),
            ("ERROR 403: refunds are disabled", None),
            ("ERROR 403: refunds are disabled", 1),
            ("Timeout after 30 seconds", 4),
            ("Please refund order 9999", 1),
        ],
        SAID,
    )
    assert [(one.found, one.role, one.event_id) for one in quotes] == [
        (1, "user", 11),
        (2, "tool", 12),
        (3, "assistant", 13),
        (2, "tool", 12),
        (2, "tool", 12),
        (4, "tool", 14),
        (None, "", 0),
    ]


def test_no_quote_reaches_from_one_text_into_the_next() -> None:
    assert not check_quotes([("my card.ERROR 403", None)], SAID)[0].verified
    assert not check_quotes([("my card. ERROR 403", None)], SAID)[0].verified
    assert not check_quotes([("my card.\x00\x1f\x00ERROR 403", None)], SAID)[0].verified


@pytest.mark.parametrize(
    "quote", ["my card", "       my           card     ", "\u200b" * 9, "a\u202eb\u200b\u200bc\u2066\u2069de"]
)
def test_too_little_to_prove_anything(quote: str) -> None:
    said = (Passage(1, "user", f"x {quote} and my card y"),)
    assert judged(said, quote).flags == {ReplyFlag.EVIDENCE_UNVERIFIED}


def test_misplaced_and_unverified() -> None:
    assert judged(SAID, {"turn": 2, "quote": "refund order 4711"}).flags == {ReplyFlag.EVIDENCE_MISPLACED}
    assert judged(SAID, {"turn": 99, "quote": "refund order 4711"}).flags == {ReplyFlag.EVIDENCE_MISPLACED}
    assert judged(SAID, {"turn": "1", "quote": "refund order 4711"}).flags == {ReplyFlag.REPAIRED}
    assert judged(SAID, {"turn": 10**400, "quote": "refund order 4711"}).flags == {ReplyFlag.EVIDENCE_MISPLACED}
    assert judged(SAID, {"turn": 1}).error is ErrorKind.WRONG_TYPE


def test_self_report() -> None:
    claim, fact = "Your card was refunded.", "refunds are disabled"
    assert judged(SAID, claim, spec=OBSERVED).flags == {ReplyFlag.EVIDENCE_SELF_REPORT}
    assert judged(SAID, claim, fact, spec=OBSERVED).flags == frozenset()
    assert judged(SAID, fact, spec=OBSERVED).quotes[0].role == "tool", "who said it first to the agent bears it"
    assert judged(SAID, {"turn": 3, "quote": fact}, spec=OBSERVED).flags == {ReplyFlag.EVIDENCE_SELF_REPORT}
    # Nothing that was found is nobody's word: unverified says it.
    assert judged(SAID, "the card was not refunded", spec=OBSERVED).flags == {ReplyFlag.EVIDENCE_UNVERIFIED}
    assert judged(SAID, claim).flags == frozenset()


def test_masked_and_hidden_texts_are_quoted_as_prompts_show_them() -> None:
    said = (Passage(1, "tool", "key=sk-proj-Abcdefgh1234567890abcdefgh1234567890 works\u202e now"),)
    for quote in ("key=[REDACTED] works", "works⟨U+202E⟩ now"):
        shown = drawable("works\u202e now") if "202E" in quote else quote
        assert judged(said, shown).flags == frozenset(), shown


# --- hostile sizes -------------------------------------------------------------------------------------------------


def test_many_quotes_over_a_long_session() -> None:
    passages = tuple(Passage(no, "tool", "lorem ipsum dolor " * 500) for no in range(1, 301))
    quotes = [f"invented number {no}" for no in range(2500)]
    start = time.process_time()
    verdict = judged(passages, *quotes)
    assert time.process_time() - start < 3
    assert len(verdict.quotes) == 2500
    assert verdict.flags == {ReplyFlag.EVIDENCE_UNVERIFIED}
    late = judged(passages, *["lorem ipsum dolor"] * (MOST_QUOTES + 1))
    assert late.flags == {ReplyFlag.EVIDENCE_UNVERIFIED}, "what is not looked for is not verified"
