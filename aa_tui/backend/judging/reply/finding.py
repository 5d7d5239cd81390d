"""Where in a reply the objects stand: steps 1 to 6 of the contract. What is in them is `reading` and `parsing`.

A reply that is one JSON object as a whole is taken as it stands: a reasoning tag inside one of its strings is quoted
text, not reasoning.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from aa_tui.backend.judging.reply.reading import too_deep
from aa_tui.backend.judging.reply.spec import NoAnswer
from aa_tui.backend.model.judgement import ErrorKind

LONGEST = 65_536
"""Characters; a longer reply is not parsed."""

_TAG = re.compile(r"<(/?)(think|thinking|reasoning|thought|analysis|scratchpad)[ \t]*+>", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*+```", re.MULTILINE)
_FENCE_LANGUAGE = re.compile(r"[A-Za-z][\w+.-]*+(?=\s)")
_IN_SPAN = re.compile(r'[{}]|"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_REFUSALS = (
    "I'm sorry",
    "I am sorry",
    "Sorry,",
    "I can't",
    "I cannot",
    "I'm unable",
    "I am unable",
    "I'm not able",
    "I am not able",
    "I won't",
    "I will not",
    "As an AI",
)


@dataclass(frozen=True, slots=True)
class Found:
    """The objects of a reply, as text."""

    spans: tuple[str, ...]
    decorated: bool
    """Something was dropped or stands around: prose, a fence, reasoning, a second object."""
    tail: str = ""
    """What follows a brace that never closes."""


def only_object(raw: str, finish_reason: str) -> str:
    """Return the text of a reply that looks as asked for: one object and nothing else; else an empty string."""
    if len(raw) > LONGEST or finish_reason == "content_filter":
        return ""
    text = raw.strip().lstrip("\ufeff").strip()
    return text if text[:1] == "{" and text[-1:] == "}" else ""


def find_objects(raw: str, finish_reason: str) -> Found:
    """Return the top-level `{...}` spans of a reply, at least one.

    Raises:
        NoAnswer: there is none, or the reply is unusable as a whole.
    """
    if len(raw) > LONGEST:
        raise NoAnswer(ErrorKind.TOO_LARGE, f"the reply has {len(raw):,} characters; at most {LONGEST:,} are read")
    if finish_reason == "content_filter":
        raise NoAnswer(ErrorKind.REFUSAL, "the provider's content filter stopped the reply")
    cut = finish_reason == "length"
    text = raw.strip().lstrip("\ufeff").strip()
    if not text:
        if cut:
            raise NoAnswer(ErrorKind.TRUNCATED, "the token limit was reached before any text came")
        raise NoAnswer(ErrorKind.EMPTY, "the reply is empty")
    whole = _spans(text)
    if whole.spans == (text,) and not (_TAG.search(text) and not _is_json(text)):
        return whole
    said, unclosed = _without_reasoning(text)
    dropped = said != text
    said = said.strip()
    if not said:
        if unclosed:
            raise NoAnswer(ErrorKind.TRUNCATED, "the reasoning never ends, so there is no answer")
        raise NoAnswer(ErrorKind.EMPTY, "the reply holds reasoning only")
    if _is_other_json(said):
        raise NoAnswer(ErrorKind.NOT_OBJECT, "the reply is JSON, but no object")
    found = _spans(said) if dropped else whole
    if found.spans:
        decorated = dropped or len(found.spans) > 1 or found.spans[0] != said
        return Found(found.spans, decorated, found.tail)
    if found.tail:
        raise NoAnswer(ErrorKind.TRUNCATED, "the object was cut off before it ended")
    if said[:20].replace("\u2019", "'").startswith(_REFUSALS):
        raise NoAnswer(ErrorKind.REFUSAL, "the model refused to answer")
    if cut:
        raise NoAnswer(ErrorKind.TRUNCATED, "the token limit was reached before any object began")
    raise NoAnswer(ErrorKind.NO_JSON, "the reply holds no JSON object")


def _without_reasoning(text: str) -> tuple[str, bool]:
    """Return (the text without its reasoning blocks, whether the last block never ended)."""
    kept: list[str] = []
    at, inside = 0, ""
    for tag in _TAG.finditer(text):
        closing, name = tag.group(1), tag.group(2).lower()
        if inside:
            if closing and name == inside:
                at, inside = tag.end(), ""
        elif closing:  # its opening tag was eaten by the chat template
            kept.clear()
            at = tag.end()
        else:
            kept.append(text[at : tag.start()])
            inside = name
    if not inside:
        kept.append(text[at:])
    return "".join(kept), bool(inside)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_json(text: str) -> bool:
    if too_deep(text):
        return False
    try:
        json.loads(text, strict=False, parse_constant=_no_constant)
    except ValueError:
        return False
    return True


def _is_other_json(text: str) -> bool:
    """Return whether the whole text, or the whole inside of its one fence, is JSON but no object."""
    return any(one and one[0] != "{" and _is_json(one) for one in (text, _fenced(text)))


def _fenced(text: str) -> str:
    """Return the inside of a text's one fence, which may lack its end, without the language; else an empty string."""
    if "```" not in text:
        return ""
    opening = _FENCE.search(text)
    if opening is None:
        return ""
    start = opening.end()
    end = text.find("```", start)
    if end >= 0 and _FENCE.search(text, end + 3):
        return ""
    inside = text[start : end if end >= 0 else len(text)]
    language = _FENCE_LANGUAGE.match(inside)
    return (inside[language.end() :] if language else inside).strip()


def _spans(text: str) -> Found:
    """Return the balanced top-level spans of a text; double-quoted strings inside of them are skipped over."""
    spans: list[str] = []
    at = text.find("{")
    while at >= 0:
        depth = 0
        end = -1
        for found in _IN_SPAN.finditer(text, at):
            character = found.group()
            if character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
                if not depth:
                    end = found.end()
                    break
        if end < 0:
            return Found(tuple(spans), True, text[at:])
        spans.append(text[at:end])
        at = text.find("{", end)
    return Found(tuple(spans), False)
