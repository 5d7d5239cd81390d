"""The verdict, rationale and evidence of one object, checked: steps 9 and 10 of the contract. Quotes are `evidence`'s.

Nothing is clamped, rounded or guessed: a value outside of the labels or the range is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aa_tui.backend.judging.reply.spec import NoAnswer, ReplySpec
from aa_tui.backend.model.evaluator import Answer, OutputType, Scale
from aa_tui.backend.model.judgement import ErrorKind

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_DECIMAL = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?")
_NOT_FINITE = frozenset({"nan", "infinity", "-infinity", "+infinity", "inf", "-inf", "+inf"})
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_LAST_TURN = 2**31 - 1
_JOINTS = str.maketrans("- ", "__")


def answer_of(value: Any, spec: ReplySpec) -> tuple[Answer, bool]:
    """Return (the answer, whether it had to be repaired).

    Raises:
        NoAnswer: it is of the wrong type, not finite, none of the labels or out of range.
    """
    if spec.output_type is OutputType.BINARY:
        return _boolean(value)
    if spec.output_type is OutputType.SCORE:
        return _score(value, spec.scale)
    return _labels(value, spec.labels) if spec.multiple else _label(value, spec.labels)


def _boolean(value: Any) -> tuple[bool, bool]:
    if isinstance(value, bool):
        return value, False
    if isinstance(value, str) and (meant := _BOOLEANS.get(value.lower())) is not None:
        return meant, True
    raise NoAnswer(ErrorKind.WRONG_TYPE, f"`detected` must be true or false, not {_shown(value)}")


def number_of(value: Any, name: str) -> tuple[int | float, bool]:
    """Return (a number, whether it was a string).

    Raises:
        NoAnswer: it is no number, or not finite.
    """
    repaired = isinstance(value, str)
    if isinstance(value, str):
        if value.lower() in _NOT_FINITE:
            raise NoAnswer(ErrorKind.NOT_FINITE, f"`{name}` must be a finite number, not {_shown(value)}")
        found = _DECIMAL.fullmatch(value)
        if found is None:
            raise NoAnswer(ErrorKind.WRONG_TYPE, f"`{name}` must be a number, not {_shown(value)}")
        value = float(value) if found.group(1) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoAnswer(ErrorKind.WRONG_TYPE, f"`{name}` must be a number, not {_shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise NoAnswer(ErrorKind.NOT_FINITE, f"`{name}` must be a finite number, not {value}")
    return value, repaired


def _score(value: Any, scale: Scale) -> tuple[int | float, bool]:
    score, repaired = number_of(value, "score")
    if scale.integer:
        if score != int(score):
            raise NoAnswer(ErrorKind.WRONG_TYPE, f"`score` must be a whole number, not {_shown(score)}")
        score = int(score)
    if not scale.least <= score <= scale.most:
        raise NoAnswer(
            ErrorKind.OUT_OF_RANGE, f"`score` must lie from {scale.least:g} to {scale.most:g}, not {_shown(score)}"
        )
    return score, repaired


def _folded(label: str) -> str:
    label = label.strip()
    stop = label.endswith(".")
    label = label.removesuffix(".").strip(_QUOTES)
    if not stop:
        label = label.removesuffix(".")
    return label.strip().lower().translate(_JOINTS)


@lru_cache(maxsize=256)
def _by_fold(labels: tuple[str, ...]) -> Mapping[str, str | None]:
    """Labels by what they are after folding; None where two become the same, so that neither is guessed."""
    known: dict[str, str | None] = {}
    for label in labels:
        folded = _folded(label)
        known[folded] = None if folded in known else label
    return known


def _label(value: Any, labels: tuple[str, ...]) -> tuple[str, bool]:
    if not isinstance(value, str):
        raise NoAnswer(ErrorKind.WRONG_TYPE, f"a label must be a text, not {_shown(value)}")
    if value in labels:
        return value, False
    meant = _by_fold(labels).get(_folded(value))
    if meant is None:
        raise NoAnswer(ErrorKind.BAD_LABEL, f"{_shown(value)} is none of the labels {_listed(labels)}")
    return meant, True


def _labels(value: Any, labels: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    if not isinstance(value, list):
        raise NoAnswer(ErrorKind.WRONG_TYPE, f"`labels` must be a list of labels, not {_shown(value)}")
    if not value:
        # An empty choice would pass every criterion; "none of them" has to be a label to be said.
        raise NoAnswer(ErrorKind.BAD_LABEL, f"no label was chosen of {_listed(labels)}")
    read = [_label(one, labels) for one in value]
    chosen = {one for one, _ in read}
    return tuple(one for one in labels if one in chosen), len(chosen) < len(read) or any(fixed for _, fixed in read)


def rationale_of(value: Any) -> tuple[str, bool]:
    """Return (the rationale, empty when missing or blank, and whether it had to be repaired).

    Raises:
        NoAnswer: it is neither a text nor a list of texts.
    """
    if value is None:
        return "", False
    if isinstance(value, str):
        return ("" if not value or value.isspace() else value), False
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        said = " ".join(one for one in value if one and not one.isspace())
        return said, bool(said)
    raise NoAnswer(ErrorKind.WRONG_TYPE, f"`rationale` must be a text, not {_shown(value)}")


def evidence_of(value: Any) -> tuple[list[tuple[str, int | None]], bool]:
    """Return (quotes with the turns they name, without blank ones, and whether they had to be repaired).

    Raises:
        NoAnswer: it is no list of texts or of objects with a quote.
    """
    if value is None:
        return [], False
    repaired = isinstance(value, str | dict)
    items = [value] if repaired else value
    if not isinstance(items, list):
        raise NoAnswer(ErrorKind.WRONG_TYPE, f"`evidence` must be a list of quotes, not {_shown(value)}")
    said: list[tuple[str, int | None]] = []
    for item in items:
        quote, turn = (item.get("quote"), item.get("turn")) if isinstance(item, dict) else (item, None)
        if not isinstance(quote, str):
            raise NoAnswer(ErrorKind.WRONG_TYPE, f"a piece of evidence must hold a quote, not {_shown(item)}")
        if turn is not None:
            turn, fixed = number_of(turn, "turn")
            if turn != int(turn):
                raise NoAnswer(ErrorKind.WRONG_TYPE, f"`turn` must be a whole number, not {_shown(turn)}")
            # A turn that is none is a mark on the verdict; it must still fit wherever turns are kept.
            turn, repaired = max(-1, min(int(turn), _LAST_TURN)), repaired or fixed
        if quote and not quote.isspace():
            said.append((quote, turn))
    return said, repaired and bool(said)


def _shown(value: Any) -> str:
    """A value of a reply in a few words; what it is matters more than all of it."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    said = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    said = said if len(said) <= 60 else f"{said[:59]}…"
    return f'"{said}"' if isinstance(value, str) else said


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(f'"{label}"' for label in labels)
