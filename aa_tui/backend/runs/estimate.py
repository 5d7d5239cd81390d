"""What judging will take: tokens and price per session and in all, from this project's own texts. Calls nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aa_tui.backend.judging.prices import price
from aa_tui.backend.judging.prompt import TooLong, build_batch_prompt, build_prompt
from aa_tui.backend.model.evaluator import Definition, ModelChoice
from aa_tui.backend.model.scoring import Estimate, ScoringTerms
from aa_tui.backend.model.transcript import Transcript
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.transcripts import transcripts
from aa_tui.backend.runs.roads import free
from aa_tui.backend.runs.scoring import enabled_signals
from aa_tui.backend.signals.registry import asked_beside, judged, questions
from aa_tui.backend.store import scoring as sql
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken

SAMPLE = 100
"""Sessions whose prompts are built."""
_CHUNK = 20
_ENOUGH = 20
"""Sessions judged before from which history says more than a sample of texts."""
_TYPICAL_REPLY, _LONG_REPLY = 60, 150
"""Tokens of an answer to one question with its reason and quotes."""
_REPAIRS = 1.1
"""How much more it becomes when a tenth of the replies has to be asked for again."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one session takes at one model: tokens in, and out at least and at most."""

    choice: ModelChoice
    tokens: int
    typical: int
    long: int


def estimate_signals(
    store: Store, scope: Scope, terms: ScoringTerms, choice: ModelChoice, sessions: int, token: CancelToken | None
) -> Estimate:
    """Return what the signals of so many sessions will take with a model.

    Raises:
        Cancelled: the token was cancelled.
    """
    with store.reader(token) as reader:
        before = sql.history(reader, scope.project_id, choice.model, 2 * SAMPLE)
        sample = [] if len(before) >= _ENOUGH else sql.newest_with_text(reader, scope.project_id, SAMPLE)
    if len(before) >= _ENOUGH:
        each = [[_Taken(choice, row[0], row[1], row[1])] for row in before]
        return _estimate(each, sessions, sessions, len(before), "history")
    return estimate_texts(store, scope, terms, choice, (), sessions, sample, token)


def estimate_texts(
    store: Store,
    scope: Scope,
    terms: ScoringTerms,
    signals: ModelChoice | None,
    evaluators: Sequence[tuple[Definition, ModelChoice]],
    sessions: int,
    sample: Sequence[int],
    token: CancelToken | None,
) -> Estimate:
    """Return what so many sessions will take, from prompts built for a sample of them.

    Args:
        signals: the model that answers the signals; None: they are not asked.
        evaluators: those judged by a model, each with its own.

    Raises:
        Cancelled: the token was cancelled.
    """
    each: list[list[_Taken]] = []
    for start in range(0, min(len(sample), SAMPLE), _CHUNK):
        if token is not None:
            token.check()
        with store.reader(token) as reader:
            read = transcripts(reader, scope, sample[start : start + _CHUNK])
        each += [_of_session(one, terms, signals, evaluators) for one in read.values() if one.has_text]
    calls = sessions * (int(signals is not None) + len(evaluators))
    choices = [one for one in (signals, *(choice for _, choice in evaluators)) if one is not None]
    return _estimate(each, sessions, calls, len(each), "texts" if each else "none", choices)


def _of_session(
    transcript: Transcript,
    terms: ScoringTerms,
    signals: ModelChoice | None,
    evaluators: Sequence[tuple[Definition, ModelChoice]],
) -> list[_Taken]:
    found = []
    if signals is not None:
        enabled = enabled_signals(terms)
        asked = len(judged(enabled)) + len(asked_beside(enabled)) // 2
        try:
            prompt = build_batch_prompt(questions(enabled), transcript, signals.window, (), asked_beside(enabled))
            found.append(_Taken(signals, prompt.tokens, asked * _TYPICAL_REPLY, asked * _LONG_REPLY))
        except TooLong:
            pass
    for definition, choice in evaluators:
        try:
            tokens = build_prompt(definition, transcript, choice.window).tokens
            found.append(_Taken(choice, tokens, _TYPICAL_REPLY, _LONG_REPLY))
        except TooLong:
            pass
    return found


def _estimate(
    each: Sequence[Sequence[_Taken]],
    sessions: int,
    calls: int,
    sampled: int,
    basis: str,
    choices: Sequence[ModelChoice] = (),
) -> Estimate:
    used = choices or [one.choice for taken in each[:1] for one in taken]
    local = bool(used) and all(free(one) for one in used)
    if not each:
        return Estimate(sessions, calls, local, 0, basis)
    tokens = sorted(sum(one.tokens + one.typical for one in taken) for taken in each)
    low = [_price(taken, local, long=False) for taken in each]
    high = [_price(taken, local, long=True) for taken in each]
    prices = sorted(one for one in low if one is not None)
    priced = not local and len(prices) == len(low)
    most = sum(one.tokens + one.long for taken in each for one in taken) / len(each)
    return Estimate(
        sessions=sessions,
        calls=calls,
        local=local,
        sampled=sampled,
        basis=basis,
        tokens_p50=_percentile(tokens, 0.5),
        tokens_p95=_percentile(tokens, 0.95),
        price_p50_nano=_percentile(prices, 0.5) if priced else None,
        price_p95_nano=_percentile(prices, 0.95) if priced else None,
        low_tokens=round(sessions * sum(tokens) / len(tokens)),
        high_tokens=round(sessions * most * _REPAIRS),
        low_nano=round(sessions * sum(prices) / len(prices)) if priced else None,
        high_nano=round(sessions * sum(one or 0 for one in high) / len(high) * _REPAIRS) if priced else None,
    )


def _price(taken: Sequence[_Taken], local: bool, *, long: bool) -> int | None:
    """Return what a session costs; None where no price is known."""
    total = 0
    for one in taken:
        if local or free(one.choice):
            continue
        cost = price(one.choice, one.tokens, one.long if long else one.typical)
        if cost is None:
            return None
        total += cost
    return total


def _percentile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
