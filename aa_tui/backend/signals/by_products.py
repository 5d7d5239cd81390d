"""What a signal pass gives besides signals: a topic, one sentence on what was wanted, how complex it was."""

from __future__ import annotations

from collections.abc import Mapping

from aa_tui.backend.signals.contract import Extra

TOPIC_SUMMARY, REQUEST_COMPLEXITY, TOPIC = "topic_summary", "request_complexity", "topic"
COMPLEXITIES = ("simple", "moderate", "complex", "ambiguous")
TOPIC_WORDS = 4
_JOINING = frozenset({"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"})
"""Words that no heading ends with; a longer one may be cut after them."""

BY_PRODUCTS: Mapping[str, Extra] = {
    one.name: one
    for one in (
        Extra(
            TOPIC_SUMMARY,
            "one factual sentence, at most 25 words, on what the user wanted; no judgement, no names of people, no "
            "secrets",
            longest=300,
        ),
        Extra(
            REQUEST_COMPLEXITY,
            "how complex the request was: simple (one step, nothing to find out), moderate (a few steps or look-ups), "
            "complex (many steps that depend on each other) or ambiguous (it stayed unclear what was wanted)",
            COMPLEXITIES,
        ),
        Extra(
            TOPIC,
            f"what the session is about: a noun phrase of at most {TOPIC_WORDS} words in lower case, as general as a "
            "heading that other sessions would share, such as: refund request, login problem, unit tests",
            longest=80,
        ),
    )
}
"""By name. They are stored as rows of their own beside the signals' and are never judged."""


def by_product(name: str, said: str) -> str | None:
    """Return the value that is stored of a by-product, or None when nothing usable was said."""
    found = BY_PRODUCTS[name].read(said)
    if not found:
        return None
    if name == TOPIC:
        words = found[0].strip(" \"'.`").lower().split()[:TOPIC_WORDS]
        while words and words[-1] in _JOINING:
            words.pop()
        return " ".join(words) or None
    return found[0]
