"""A judge's reply to a verdict with flags or an error kind, never both: the reply contract, steps 7 to 10 put together.

An error never becomes a verdict. The raw reply is kept by whoever called; here it is read only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.judging.evidence import QuoteFinder
from aa_tui.backend.judging.reply.finding import Found, find_objects, only_object
from aa_tui.backend.judging.reply.reading import Disputed, SaidTwice, Unreadable, read_json, read_span, same
from aa_tui.backend.judging.reply.spec import NoAnswer, ReplySpec
from aa_tui.backend.judging.reply.values import answer_of, evidence_of, rationale_of
from aa_tui.backend.model.judgement import ErrorKind, Quote, ReplyFlag, Verdict
from aa_tui.backend.model.transcript import Passage

_TWICE = "a key stands twice with different values"
_NO_FLAGS: frozenset[ReplyFlag] = frozenset()


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What one reply said of several questions."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """One for every question asked, each with a value or an error of its own; empty when the reply is unusable."""
    said: Mapping[str, str] = field(default_factory=dict)
    """By-products that were answered with a text, by name."""
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The object that each question was answered with, for further fields it asks for; unchecked."""
    error: ErrorKind | None = None
    """Why the whole reply is unusable."""
    detail: str = ""

    @property
    def answered(self) -> bool:
        """Whether at least one question has a value."""
        return any(one.error is None for one in self.verdicts.values())


def parse_reply(
    raw: str, spec: ReplySpec, passages: Sequence[Passage] | QuoteFinder, finish_reason: str = "stop"
) -> Verdict:
    """Return what a reply says by the contract.

    Args:
        passages: the transcript that was judged, for checking quotes; a finder when several replies are about it.
        finish_reason: what the provider reported: `stop`, `length`, `content_filter`, `tool_calls`.
    """
    try:
        if asked := _at_once(raw, finish_reason, frozenset((spec.key,)), str.lower):
            return _verdict(*asked, spec, passages, _flags(False, finish_reason))
        found = find_objects(raw, finish_reason)
        return _verdict(*_chosen_of(found, spec), spec, passages, _flags(found.decorated, finish_reason))
    except NoAnswer as none:
        return Verdict(error=none.error, detail=none.detail)


def parse_batch(
    raw: str,
    specs: Mapping[str, ReplySpec],
    passages: Sequence[Passage] | QuoteFinder,
    finish_reason: str = "stop",
    by_products: Collection[str] = (),
) -> BatchReply:
    """Return what a reply of the form `{id: object, ...}` says; each object is validated alone.

    Args:
        specs: what was asked, by id; ids are matched exactly.
        by_products: names that are answered with one text each.
    """
    finder = passages if isinstance(passages, QuoteFinder) else QuoteFinder(passages)
    try:
        decorated = False
        asked = _at_once(raw, finish_reason, frozenset(specs), str)
        if asked is None:
            found = find_objects(raw, finish_reason)
            asked, decorated = _chosen(found, frozenset(specs), str, same, mark=True), found.decorated
    except NoAnswer as none:
        return BatchReply(error=none.error, detail=none.detail)
    whole, repaired = asked
    flags = _flags(decorated or repaired, finish_reason)
    disputed = whole.keys_disputed if isinstance(whole, Disputed) else frozenset()
    said = {name: whole[name] for name in by_products if isinstance(whole.get(name), str) and name not in disputed}
    return BatchReply(
        verdicts={name: _one_of(whole, name, spec, finder, flags, disputed) for name, spec in specs.items()},
        said={name: text for name, text in said.items() if text and not text.isspace()},
        objects={name: whole[name] for name in specs if isinstance(whole.get(name), dict) and name not in disputed},
    )


def _one_of(
    whole: Mapping[str, Any],
    name: str,
    spec: ReplySpec,
    finder: QuoteFinder,
    flags: frozenset[ReplyFlag],
    disputed: frozenset[str],
) -> Verdict:
    """Return what a batched reply says of one question; what is wrong with it spoils no other."""
    if name not in whole:
        return Verdict(error=ErrorKind.MISSING_FIELD, detail=f"the reply says nothing of `{name}`")
    one = whole[name]
    try:
        if name in disputed or _is_disputed(one):
            raise _ambiguous(_TWICE)
        if not isinstance(one, dict):
            raise NoAnswer(ErrorKind.NOT_OBJECT, f"the answer to `{name}` is no object")
        if (borne := _bearing(one, frozenset({spec.key}), str.lower)) is None:
            raise _missing(spec.key)
        return _verdict(*borne, spec, finder, flags)
    except NoAnswer as none:
        return Verdict(error=none.error, detail=none.detail)


class _Contradiction(NoAnswer):
    """An object that bears a verdict contradicts itself: no other object may then speak for the reply."""


def _ambiguous(detail: str) -> NoAnswer:
    return NoAnswer(ErrorKind.AMBIGUOUS, detail)


def _missing(*keys: str) -> NoAnswer:
    return NoAnswer(ErrorKind.MISSING_FIELD, f"no object has {' or '.join(f'`{key}`' for key in keys)}")


def _flags(repaired: bool, finish_reason: str) -> frozenset[ReplyFlag]:
    if not repaired and finish_reason != "length":
        return _NO_FLAGS
    flags = {ReplyFlag.REPAIRED: repaired, ReplyFlag.HIT_LENGTH: finish_reason == "length"}
    return frozenset(flag for flag, raised in flags.items() if raised)


# --- which object bears the verdict --------------------------------------------------------------------------------


def _at_once(
    raw: str, finish_reason: str, keys: frozenset[str], fold: Callable[[str], str]
) -> tuple[Mapping[str, Any], bool] | None:
    """Return the bearer of a reply that is strict JSON and nothing else, which most are; None sends it the long way."""
    text = only_object(raw, finish_reason)
    if not text:
        return None
    try:
        return _bearing(read_json(text), keys, fold)
    except (Unreadable, SaidTwice):
        return None


def _chosen_of(found: Found, spec: ReplySpec) -> tuple[Mapping[str, Any], bool]:
    def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return _agree(_verdict_value(one, spec)[0], _verdict_value(other, spec)[0], spec)

    return _chosen(found, frozenset({spec.key}), str.lower, agree, mark=False)


def _chosen(
    found: Found,
    keys: frozenset[str],
    fold: Callable[[str], str],
    agree: Callable[[Mapping[str, Any], Mapping[str, Any]], bool],
    *,
    mark: bool,
) -> tuple[Mapping[str, Any], bool]:
    """Return (the object that bears the verdict, whether reading it took a repair).

    Raises:
        NoAnswer: none does, or several that disagree.
    """
    if found.tail and _names(found.tail, keys):
        raise NoAnswer(ErrorKind.TRUNCATED, "the object with the verdict was cut off before it ended")
    errors: dict[int, NoAnswer] = {}
    bearers: list[tuple[Mapping[str, Any], bool]] = []
    others: list[int] = []
    for index, span in enumerate(found.spans):
        if len(found.spans) > 1 and not _may_name(span, keys):
            others.append(index)
            continue
        try:
            value, repaired = _read(span, keys, fold, mark=mark)
        except _Contradiction:
            raise
        except NoAnswer as none:
            errors[index] = none
            continue
        if borne := _bearing(value, keys, fold):
            bearers.append((borne[0], borne[1] or repaired))
    if not bearers:
        raise _first_error(found.spans, errors, others) or _missing(*sorted(keys))
    if any(not agree(one[0], bearers[-1][0]) for one in bearers[:-1]):
        raise _ambiguous("several objects bear verdicts that disagree")
    return bearers[-1]


def _read(span: str, keys: frozenset[str], fold: Callable[[str], str], *, mark: bool) -> tuple[Any, bool]:
    try:
        return read_span(span, mark=mark)
    except Unreadable:
        raise NoAnswer(ErrorKind.INVALID_JSON, "the object is no JSON, and the allowed repairs do not help") from None
    except SaidTwice:
        pass
    bears = _bearing(read_span(span, mark=True)[0], keys, fold) is not None
    raise (_Contradiction if bears else NoAnswer)(ErrorKind.AMBIGUOUS, _TWICE)


def _first_error(spans: Sequence[str], errors: Mapping[int, NoAnswer], others: Iterable[int]) -> NoAnswer | None:
    """Return what was wrong with the first span that could not be read, among those without the verdict key too."""
    first = min(errors, default=len(spans))
    fine: set[str] = set()
    for index in others:
        if index > first:
            break
        if (span := spans[index]) in fine:
            continue
        try:
            _read(span, frozenset(), str, mark=False)
        except NoAnswer as none:
            return none
        fine.add(span)
    return errors.get(first)


def _may_name(span: str, keys: frozenset[str]) -> bool:
    """Whether a span can have one of the keys; one with an escape may spell it differently."""
    if "\\" in span:
        return True
    lowered = span.lower()
    return any(key.lower() in lowered for key in keys)


def _names(tail: str, keys: frozenset[str]) -> bool:
    """Whether an object that never ends names one of the keys as a key, quoted or before a colon."""
    return any(
        re.search(rf"[\"'\u201c]{re.escape(key)}[\"'\u201d]|\b{re.escape(key)}\s{{0,20}}:", tail, re.IGNORECASE)
        for key in keys
    )


def _bearing(value: Any, keys: frozenset[str], fold: Callable[[str], str]) -> tuple[Mapping[str, Any], bool] | None:
    """Return (the object that has one of the keys, whether it was unwrapped once); None when neither does."""
    if not isinstance(value, dict):
        return None
    if any(fold(key) in keys for key in value):
        return value, False
    if len(value) == 1:
        (inner,) = value.values()
        if isinstance(inner, dict) and any(fold(key) in keys for key in inner):
            return inner, True
    return None


def _is_disputed(value: Any) -> bool:
    if isinstance(value, Disputed):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_is_disputed, inner))


# --- what it says --------------------------------------------------------------------------------------------------


def _agree(one: Any, other: Any, spec: ReplySpec) -> bool:
    if same(one, other):
        return True
    try:
        return same(answer_of(one, spec)[0], answer_of(other, spec)[0])
    except NoAnswer:
        return False


def _verdict_value(bearer: Mapping[str, Any], spec: ReplySpec) -> tuple[Any, bool]:
    """Return (the value under the verdict key, whether the key was spelled in another case).

    Raises:
        NoAnswer: two spellings of it disagree.
    """
    name = spec.key
    spelled = [key for key in bearer if key.lower() == name]
    value = bearer[spelled[-1]]
    if any(not _agree(bearer[key], value, spec) for key in spelled[:-1]):
        raise _ambiguous(f"two spellings of `{name}` disagree")
    return value, spelled != [name]


def _verdict(
    bearer: Mapping[str, Any],
    repaired: bool,
    spec: ReplySpec,
    passages: Sequence[Passage] | QuoteFinder,
    flags: frozenset[ReplyFlag],
) -> Verdict:
    value, other_case = _verdict_value(bearer, spec)
    answer, fixed = answer_of(value, spec)
    rationale, joined = rationale_of(bearer.get("rationale"))
    said, wrapped = evidence_of(bearer.get("evidence"))
    found: set[ReplyFlag] = set()
    if repaired or other_case or fixed or joined or wrapped:
        found.add(ReplyFlag.REPAIRED)
    if not rationale:
        found.add(ReplyFlag.NO_RATIONALE)
    quotes: tuple[Quote, ...] = ()
    if said:
        finder = passages if isinstance(passages, QuoteFinder) else QuoteFinder(passages)
        quotes = finder.check(said, spec.evidence_from)
        found |= _evidence_flags(quotes, spec)
    else:
        found.add(ReplyFlag.NO_EVIDENCE)
    improvement = bearer.get("improvement")
    return Verdict(
        answer=answer,
        rationale=rationale,
        quotes=quotes,
        flags=flags | found if found else flags,
        improvement=improvement if isinstance(improvement, str) else "",
    )


def _evidence_flags(quotes: Sequence[Quote], spec: ReplySpec) -> set[ReplyFlag]:
    flags: set[ReplyFlag] = set()
    roles = set()
    for quote in quotes:
        if quote.found is None:
            flags.add(ReplyFlag.EVIDENCE_UNVERIFIED)
            continue
        roles.add(quote.role)
        if quote.turn is not None and quote.turn != quote.found:
            flags.add(ReplyFlag.EVIDENCE_MISPLACED)
    if spec.evidence_from and roles and roles.isdisjoint(spec.evidence_from):
        flags.add(ReplyFlag.EVIDENCE_SELF_REPORT)
    return flags
