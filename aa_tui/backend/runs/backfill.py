"""Scoring what closed before: chosen sessions with the signals and active evaluators, within a budget of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aa_tui.backend.model.evaluator import Definition, ModelChoice
from aa_tui.backend.model.scoring import Backfill, Cap, Estimate, Purpose, ScoringReport, ScoringTerms
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.runs.estimate import estimate_texts
from aa_tui.backend.runs.lanes import Lanes, Opener
from aa_tui.backend.runs.roads import free, refusal
from aa_tui.backend.runs.scoring import (
    LEASE_MS,
    SESSIONS_AT_ONCE,
    Job,
    Kind,
    Scorer,
    Told,
    kinds_of,
    run_to_end,
    take_over,
    terms_of,
)
from aa_tui.backend.store import scoring as sql
from aa_tui.backend.store.engine import Reader, Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import NotFound, UsageError


def estimate_backfill(
    store: Store,
    scope: Scope,
    terms: ScoringTerms,
    request: Backfill,
    sessions: Sequence[int],
    token: CancelToken | None = None,
) -> Estimate:
    """Return what a backfill will take; what is scored already is not counted.

    Raises:
        UsageError: nobody agreed to the model, or there is nothing to score with.
        NotFound: an evaluator is not active.
        Cancelled: the token was cancelled.
    """
    with store.reader(token) as reader:
        kinds = _kinds(terms, request, sql.active_evaluators(reader, scope.project_id))
        todo: dict[int, set[int]] = {}
        for kind in kinds:
            for claim in _wanted(reader, scope.project_id, request, kind, sessions):
                todo.setdefault(claim.session_id, set()).add(kind.what)
    judged = [kind for kind in kinds if kind.choice is not None]
    by_model = [one for one, what in todo.items() if any(kind.what in what for kind in judged)]
    step = max(len(by_model) // 100, 1)
    signals = next((kind.choice for kind in judged if kind.what == 0), None)
    evaluators: list[tuple[Definition, ModelChoice]] = [
        (kind.definition, kind.choice) for kind in judged if kind.definition is not None and kind.choice is not None
    ]
    found = estimate_texts(store, scope, terms, signals, evaluators, len(by_model), by_model[::step], token)
    return replace(found, calls=sum(len(what & {kind.what for kind in judged}) for what in todo.values()))


def backfill(
    store: Store,
    project: int,
    clock: Clock,
    open_road: Opener,
    request: Backfill,
    sessions: Sequence[int],
    token: CancelToken | None = None,
    told: Told | None = None,
) -> ScoringReport:
    """Score closed sessions within a budget, in the order given. Blocks; CALLS MODELS.

    Raises:
        UsageError: nobody agreed to the model, there is nothing to score with, or a budget is missing where the
            price is unknown.
        NotFound: an evaluator is not active, or the project is gone.
        Cancelled: the token was cancelled; what was finished stays.
        StoreError: the store cannot be written.
    """
    from aa_tui.backend.judging.prices import price

    terms, zone = terms_of(store, project)
    take_over(store, project, clock.now_ms())
    with store.reader() as reader:
        kinds = _kinds(terms, request, sql.active_evaluators(reader, project))
        wanted: dict[int, list[sql.Claim]] = {}
        for kind in kinds:
            for claim in _wanted(reader, project, request, kind, sessions):
                wanted.setdefault(claim.session_id, []).append(claim)
    for kind in kinds:
        if kind.choice is None or free(kind.choice):
            continue
        if price(kind.choice, 1, 1) is None and request.most_tokens is None:
            raise UsageError(
                f"No price of {kind.choice.model} is known, so a budget in money bounds nothing.",
                "Set a budget of tokens, for example --max-tokens 500000.",
            )
    unbounded = request.most_nano is None and request.most_tokens is None
    bound = Cap(
        request.most_nano if request.most_nano is not None else 1 << 62,
        request.most_tokens if request.most_tokens is not None else 1 << 62,
    )

    async def rounds() -> ScoringReport:
        lanes = Lanes(store, project, zone, clock, open_road, lambda: None if unbounded else bound, daily=False)
        scorer = Scorer(store, project, clock, terms, zone, kinds, lanes, told)
        scorer.total = len(wanted)
        left = iter(list(wanted.values()))

        def feed() -> Sequence[Job]:
            while True:
                batch: list[sql.Claim] = []
                for count, claims in enumerate(left, 1):
                    batch += claims
                    if count >= SESSIONS_AT_ONCE:
                        break
                if not batch:
                    return ()
                now = clock.now_ms()
                with store.write() as tx:
                    sql.claim_for(tx, project, scorer.owner, batch, now, now + LEASE_MS)
                    mine = sql.owned(tx, project, scorer.owner, [one.session_id for one in batch])
                jobs = scorer.read([one for one in batch if (one.session_id, one.revision, one.what) in mine])
                if jobs:
                    return jobs

        try:
            await scorer.work(feed)
        finally:
            scorer.end()
            await lanes.aclose()
        done = scorer.report(0)
        return replace(done, left=max(sum(map(len, wanted.values())) - done.done - done.failed - done.not_scored, 0))

    return run_to_end(rounds, token)


def _kinds(terms: ScoringTerms, request: Backfill, active: Sequence[sql.ActiveEvaluator]) -> list[Kind]:
    """Return what a backfill scores with, at its own expense."""
    known = {one.id: one for one in active}
    for number in request.evaluators:
        if number not in known:
            raise NotFound("Only active evaluators can be backfilled.", "Activate it first, or make a run.")
    allowed = {one.what: one for one in kinds_of(terms, [known[number] for number in request.evaluators])}
    wanted = [0] * request.signals + list(request.evaluators)
    for what in wanted:
        if what not in allowed:
            why = "No model is chosen." if terms.choice is None else refusal(terms, terms.choice)
            raise UsageError(why or "Nothing is switched on that a model answers.", "`aa-tui signals on` asks first.")
    if not wanted:
        raise UsageError("There is nothing to score with.", "Name the signals or active evaluators.")
    return [replace(allowed[what], purpose=Purpose.BACKFILL, sampling=1.0) for what in wanted]


def _wanted(reader: Reader, project: int, request: Backfill, kind: Kind, sessions: Sequence[int]) -> list[sql.Claim]:
    """Return the work of a kind on sessions that is not done."""
    done = {} if request.again and kind.what == 0 else sql.settled(reader, project, kind.what, sessions)
    found = []
    for one in sql.closed_sessions(reader, project, sessions):
        if not kind.wants(one.agent, one.key):
            continue
        before = done.get(one.session_id)
        if before is not None and before[0] == one.revision and (kind.what == 0 or before[1] == kind.version):
            continue
        found.append(sql.Claim(one.session_id, one.revision, kind.what, kind.version, 1))
    return found
