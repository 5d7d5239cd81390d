"""Scoring closed sessions: what is due is taken by lease, judged and recorded in batches. Judging one is `judging`.

    closes ─► work (rows) ─► claim ─► transcripts ─► judge ─► record + finish + spend, one transaction

A session is taken with all its due work at once, so that its text is read once. Rows come before calls and results
after them, both by key, so a program that dies anywhere loses nothing, and nothing is recorded twice: what it had is
due again when its lease ends, and a result is only recorded while the lease is held.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aa_tui.backend.ingest.arrivals import may_live
from aa_tui.backend.ingest.bulk import patient_collector
from aa_tui.backend.ingest.writer import Judged, record
from aa_tui.backend.judging.code import judge_by_code
from aa_tui.backend.model.evaluator import Definition, Method, ModelChoice
from aa_tui.backend.model.judgement import ErrorKind, Judgement, Spent
from aa_tui.backend.model.scoring import Cap, Purpose, ScoringProgress, ScoringReport, ScoringTerms, WorkState
from aa_tui.backend.model.transcript import Transcript
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.transcripts import transcripts
from aa_tui.backend.runs import rows as made
from aa_tui.backend.runs.lanes import Lanes, Opener
from aa_tui.backend.runs.ledger import day_of
from aa_tui.backend.runs.roads import refusal
from aa_tui.backend.signals.registry import SIGNALS, asked_beside, judged, questions, versions
from aa_tui.backend.signals.user_friction import hints
from aa_tui.backend.store import facts
from aa_tui.backend.store import scoring as sql
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import MINUTE_MS, Clock
from aa_tui.backend.support.errors import Cancelled, ConfigError, NotFound
from aa_tui.backend.support.ids import text_hash

if TYPE_CHECKING:
    from aa_tui.backend.judging.judge import BatchJudgement

SESSIONS_AT_ONCE = 50
"""Sessions that are claimed, read and recorded together."""
LEASE_MS = 10 * MINUTE_MS
_RENEW_S = 60.0
_FLUSH_S = 1.0
_LOOK_S = 1.0
_LOOK_BACK_MS = 10 * MINUTE_MS
"""Closes are looked for again this far back: another process may commit one late."""
MOST_ATTEMPTS = 4
RETRY_MS = (MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS)
"""When work that failed for reasons that pass is tried again."""
_TRANSIENT = frozenset(
    {
        ErrorKind.TIMEOUT, ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE, ErrorKind.CONNECTION, ErrorKind.BAD_RESPONSE,
    }
)  # fmt: skip
_NOT_ITS_FAULT = frozenset(
    {
        ErrorKind.BUDGET, ErrorKind.BLOCKED, ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.UNKNOWN_MODEL, ErrorKind.NO_KEY,
        ErrorKind.CANCELLED, ErrorKind.NO_MODEL,
    }
)  # fmt: skip
"""Errors that say nothing of the session: it waits on as if it had not been taken."""
_NOT_SCORED = frozenset({ErrorKind.NO_TEXT, ErrorKind.TOO_LONG})
_SIGNALS = 0
"""What stands for the batched signals among kinds of work; others are evaluators' ids."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work that may be done now."""

    what: int
    """0 the signals, else the evaluator's id."""
    purpose: Purpose
    choice: ModelChoice | None
    """None: code judges."""
    since_ms: int
    """Closes recorded before are none of it."""
    name: str = ""
    version: int = 0
    definition: Definition | None = None
    agents: tuple[str, ...] = ()
    sampling: float = 1.0

    def wants(self, agent: str, key: str) -> bool:
        """Return whether a session is one of those it is for; a sample is the same ones every time."""
        if self.agents and agent not in self.agents:
            return False
        return self.sampling >= 1.0 or int(text_hash(str(self.what), key)[:8], 16) < self.sampling * 0x1_0000_0000


@dataclass(slots=True)
class Job:
    """One session with the work on it."""

    session: int
    revision: int
    claims: list[sql.Claim]
    transcript: Transcript | None = None
    whole: Transcript | None = None
    """With all of the tools' texts, for code."""
    rules: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What came of one session: what to record and how its work ends; work that is not among it goes back."""

    judged: Judged
    finished: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Sums:
    done: int = 0
    failed: int = 0
    not_scored: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    unpriced: int = 0

    def add(self, state: str, spent: Spent) -> None:
        self.done += state == WorkState.DONE
        self.failed += state == WorkState.FAILED
        self.not_scored += state == WorkState.NOT_SCORED
        self.calls += spent.calls
        self.input_tokens += spent.input_tokens or 0
        self.output_tokens += spent.output_tokens or 0
        self.cost_nano += spent.cost_nano or 0
        self.unpriced += spent.calls if spent.cost_nano is None else 0


Told = Callable[[ScoringProgress], None]


def terms_of(store: Store, project: int) -> tuple[ScoringTerms, str]:
    """Return what a project says of scoring now, and its time zone.

    Raises:
        NotFound: the project is gone.
    """
    with store.reader() as reader:
        state = facts.project_state(reader, project)
    if state is None:
        raise NotFound("The project is gone.")
    settings: dict[str, Any] = {}
    with suppress(ValueError):
        loaded = json.loads(state[2])
        settings = loaded if isinstance(loaded, dict) else {}
    return ScoringTerms.of(settings), state[1]


def enabled_signals(terms: ScoringTerms) -> tuple[str, ...]:
    """Return the ids of the signals that a model answers and that are on."""
    return tuple(one.id for one in SIGNALS.values() if not one.code_only and terms.switched.get(one.id, one.by_default))


def kinds_of(terms: ScoringTerms, evaluators: Sequence[sql.ActiveEvaluator]) -> list[Kind]:
    """Return what may be scored by itself now: signals and evaluators that somebody agreed to, and those of code."""
    found = []
    choice, consent = terms.choice, terms.consent
    if choice is not None and consent is not None and refusal(terms, choice) is None and enabled_signals(terms):
        found.append(Kind(_SIGNALS, Purpose.SIGNALS, choice, consent.since_ms))
    for one in evaluators:
        try:
            definition = Definition.of(json.loads(one.definition))
        except (ValueError, KeyError, TypeError):
            continue
        kind = Kind(
            one.id, Purpose.EVALUATORS, None, one.activated_ms, one.name, one.version, definition, one.agents,
            one.sampling,
        )  # fmt: skip
        if definition.method is not Method.LLM:
            found.append(kind)
            continue
        its = definition.model or choice
        if its is not None and consent is not None and refusal(terms, its) is None:
            found.append(replace(kind, choice=its, since_ms=max(one.activated_ms, consent.since_ms)))
    return found


class Scorer:
    """Does rounds for one project. Belongs to one event loop while it works."""

    def __init__(
        self,
        store: Store,
        project: int,
        clock: Clock,
        terms: ScoringTerms,
        zone: str,
        kinds: Sequence[Kind],
        lanes: Lanes,
        told: Told | None = None,
    ) -> None:
        self._store = store
        self._project = project
        self._clock = clock
        self._scope = Scope(project, zone, clock.now_ms())
        self._kinds = {one.what: one for one in kinds}
        self._lanes = lanes
        self._told = told
        self._terms = terms
        self._looked_at = 0.0
        self._changed = False
        self._enabled = enabled_signals(terms)
        self._asked = judged(self._enabled)
        self._questions = questions(self._enabled)
        self._beside = asked_beside(self._enabled)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._jobs: deque[Job] = deque()
        self._outbox: list[Outcome] = []
        self._sums = _Sums()
        self._flushed_at = 0.0
        self._fed_up = False
        self._in_flight = 0
        self.stopped: str | None = None
        self.stop_kind = ""
        self.total: int | None = None

    # --- the round ---------------------------------------------------------------------------------------------------

    async def work(self, feed: Callable[[], Sequence[Job]]) -> None:
        """Do jobs until `feed` has none, or something stops the round.

        Raises:
            StoreError: the store cannot be written; what was not recorded is due again.
        """
        loop = asyncio.get_running_loop()
        self._flushed_at = loop.time()
        count = self._lanes.most()
        renewing = asyncio.create_task(self._renew())
        workers = [asyncio.create_task(self._worker(feed)) for _ in range(count)]
        try:
            await asyncio.gather(*workers)
        finally:
            renewing.cancel()
            for one in workers:
                one.cancel()
            await asyncio.gather(*workers, renewing, return_exceptions=True)

    def end(self) -> int:
        """Record what is left to record, give back what was not done; return how many pieces of work went back."""
        self._flush()
        with self._store.write(durable=True) as tx:
            self._lanes.write(tx, last=True)
            return sql.give_back(tx, self._project, self.owner, self._clock.now_ms())

    def kinds(self) -> list[int]:
        """Return the kinds of work it does."""
        return list(self._kinds)

    def report(self, left: int) -> ScoringReport:
        """Return what was done."""
        sums = self._sums
        return ScoringReport(
            done=sums.done,
            failed=sums.failed,
            not_scored=sums.not_scored,
            left=left,
            calls=sums.calls,
            input_tokens=sums.input_tokens,
            output_tokens=sums.output_tokens,
            cost_nano=None if sums.unpriced and not sums.cost_nano else sums.cost_nano,
            local=bool(self._lanes.ledgers) and all(one.local for one in self._lanes.ledgers.values()),
            stopped=self.stopped,
            provider_fault=self.stop_kind in ("blocked", "paused", "config"),
        )

    async def _worker(self, feed: Callable[[], Sequence[Job]]) -> None:
        while self.stopped is None:
            if not self._jobs:
                if self._fed_up or self._terms_changed():
                    return
                self._jobs.extend(feed())
                if not self._jobs:
                    self._fed_up = True
                    return
            if self._terms_changed():
                return
            job = self._jobs.popleft()
            self._in_flight += 1
            try:
                outcome = await self._do(job)
            finally:
                self._in_flight -= 1
            self._outbox.append(outcome)
            now = asyncio.get_running_loop().time()
            if len(self._outbox) >= SESSIONS_AT_ONCE or now - self._flushed_at > _FLUSH_S:
                self._flush()
                self._flushed_at = asyncio.get_running_loop().time()

    def _terms_changed(self) -> bool:
        """Return whether what the project says of scoring is another now; looked at about once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > _LOOK_S:
            self._looked_at = now
            self._changed = terms_of(self._store, self._project)[0] != self._terms
            if self._changed:
                self._stop("changed", "What the project says of scoring was changed")
        return self._changed

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with self._store.write() as tx:
                sql.renew(tx, self._project, self.owner, self._clock.now_ms() + LEASE_MS)

    # --- one session -------------------------------------------------------------------------------------------------

    async def _do(self, job: Job) -> Outcome:
        outcome = Outcome(Judged(job.session, job.revision))
        if len(job.claims) == 1:
            await self._piece(job, job.claims[0], outcome)
        else:
            await asyncio.gather(*(self._piece(job, claim, outcome) for claim in job.claims))
        return outcome

    async def _piece(self, job: Job, claim: sql.Claim, outcome: Outcome) -> None:
        kind = self._kinds[claim.what]
        try:
            if claim.what == _SIGNALS:
                await self._signals(job, claim, kind, outcome)
            else:
                await self._evaluator(job, claim, kind, outcome)
        except ConfigError as error:
            self._stop("config", str(error))

    async def _signals(self, job: Job, claim: sql.Claim, kind: Kind, outcome: Outcome) -> None:
        if job.transcript is None or not job.transcript.has_text:
            self._finish(outcome, claim, kind, ErrorKind.NO_TEXT)
            return
        assert kind.choice is not None
        judge = self._lanes.judge(kind.purpose, kind.choice)
        said = await judge.judge_batch(self._questions, job.transcript, hints(job.rules), self._beside)
        now = self._clock.now_ms()
        answered = [one for one in self._asked if one.id in said.verdicts and said.verdicts[one.id].error is None]
        error = said.error
        if error is None and not answered:
            error = next((one.error for one in said.verdicts.values()), None)
        if error is not None and (error in _NOT_ITS_FAULT or error in _TRANSIENT or error in _NOT_SCORED):
            self._finish(outcome, claim, kind, error, said.detail, said=said)
            return
        for signal in self._asked:
            verdict = said.verdicts.get(signal.id)
            if verdict is not None:
                outcome.judged.signals.append(
                    made.signal_row(
                        signal, verdict, said.said, kind.choice.model, said.prompt_hash, said.raw_reply, now
                    )
                )
        products = made.products_of(said.said) if answered else {}
        outcome.judged.signals += made.by_product_rows(products, kind.choice.model, said.prompt_hash, now)
        names = tuple(one.id for one in answered)
        self._finish(outcome, claim, kind, error, said.detail, said=said, answered=names, products=products)

    async def _evaluator(self, job: Job, claim: sql.Claim, kind: Kind, outcome: Outcome) -> None:
        definition = kind.definition
        assert definition is not None
        if definition.method is not Method.LLM:
            transcript = job.whole or job.transcript
            if transcript is None:
                self._finish(outcome, claim, kind, ErrorKind.NO_TEXT)
                return
            judgement = judge_by_code(definition, transcript)
        else:
            if job.transcript is None or not job.transcript.has_text:
                self._finish(outcome, claim, kind, ErrorKind.NO_TEXT)
                return
            assert kind.choice is not None
            judgement = await self._lanes.judge(kind.purpose, kind.choice).judge(definition, job.transcript)
        error = judgement.verdict.error
        ends = error is None or not (
            error in _NOT_ITS_FAULT or error in _NOT_SCORED or (error in _TRANSIENT and claim.attempts < MOST_ATTEMPTS)
        )
        if ends:
            outcome.judged.results.append(
                made.result_row(
                    kind.what, kind.name, claim.version or kind.version, definition.output_type, judgement,
                    self._clock.now_ms(),
                )
            )  # fmt: skip
        self._finish(outcome, claim, kind, error, judgement.verdict.detail, judgement=judgement)

    # --- how work ends -----------------------------------------------------------------------------------------------

    def _finish(
        self,
        outcome: Outcome,
        claim: sql.Claim,
        kind: Kind,
        error: ErrorKind | None,
        detail: str = "",
        *,
        said: BatchJudgement | None = None,
        judgement: Judgement | None = None,
        answered: tuple[str, ...] = (),
        products: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Write how a piece of work ends; what is not the session's fault goes back and stops the round."""
        if error in _NOT_ITS_FAULT:
            self._stop_for(error, detail)
            return
        now = self._clock.now_ms()
        spent = said.spent if said is not None else judgement.spent if judgement is not None else Spent()
        state, due = WorkState.DONE, None
        if error in _NOT_SCORED:
            state = WorkState.NOT_SCORED
        elif error is not None:
            state = WorkState.FAILED
            if error in _TRANSIENT and claim.attempts < MOST_ATTEMPTS:
                due = now + RETRY_MS[min(claim.attempts, len(RETRY_MS)) - 1]
        if error is ErrorKind.RATE_LIMITED and self._lanes.paused_for_s() > 0:
            wait = self._lanes.paused_for_s()
            self._stop("paused", f"The provider asks to wait {wait:.0f} s")
            return
        raw = said.raw_reply if said is not None else judgement.raw_reply if judgement is not None else ""
        partly = said is not None and any(one.error is not None for one in said.verdicts.values())
        parameters = dict(kind.choice.parameters) if kind.choice is not None else {}
        outcome.finished.append(
            {
                "s": claim.session_id,
                "r": claim.revision,
                "w": claim.what,
                "state": str(state),
                "reason": None if error is None else str(error),
                "due_ms": due,
                "version": claim.version,
                "provider": None if kind.choice is None else kind.choice.provider,
                "model": None if kind.choice is None else kind.choice.model,
                "parameters": json.dumps(parameters, ensure_ascii=False) if parameters else None,
                "prompt_hash": said.prompt_hash if said is not None else judgement.prompt_hash if judgement else None,
                "raw_reply": made.kept_raw(raw) if error is not None or partly else None,
                "flags": None,
                "calls": spent.calls,
                "input_tokens": spent.input_tokens,
                "output_tokens": spent.output_tokens,
                "cost_nano": spent.cost_nano,
                "latency_ms": spent.latency_ms,
                "topic_summary": products.get("topic_summary"),
                "request_complexity": products.get("request_complexity"),
                "topic": products.get("topic"),
                "versions": _versions(answered),
                "error": None if error is None else made.kept_raw(detail) or str(error),
                "evaluated_ms": now,
            }
        )
        self._sums.add(str(state), spent)

    def _stop_for(self, error: ErrorKind, detail: str) -> None:
        if error is ErrorKind.BUDGET:
            self._stop("cap", "The cap of today is reached" if self._lanes.daily else "The budget is used up")
        elif error is not ErrorKind.CANCELLED:
            blocked = self._lanes.blocked()
            if blocked is not None or error is not ErrorKind.BLOCKED:
                self._stop("blocked", (blocked or detail or str(error)).rstrip("."))

    def _stop(self, kind: str, words: str) -> None:
        if self.stopped is None:
            self.stop_kind, self.stopped = kind, words

    def _flush(self) -> None:
        """Record what came of sessions, end their work and write down what was spent: all of it or nothing."""
        outcomes, self._outbox = self._outbox, []
        now = self._clock.now_ms()
        with self._store.write(durable=True) as tx:
            if outcomes:
                mine = sql.owned(tx, self._project, self.owner, [one.judged.session_id for one in outcomes])
                kept = [_admitted(one, mine) for one in outcomes]
                with_results = [one.judged for one in kept if one.judged.signals or one.judged.results]
                if with_results:
                    record(tx, self._project, with_results, now)
                sql.finish(tx, self._project, [row for one in kept for row in one.finished])
            self._lanes.write(tx)
        if self._told is not None and outcomes:
            sums = self._sums
            self._told(
                ScoringProgress(
                    self.total,
                    sums.done,
                    sums.failed,
                    sums.not_scored,
                    sums.calls,
                    sums.input_tokens + sums.output_tokens,
                    sums.cost_nano,
                    sums.unpriced,
                    self._in_flight,
                )
            )

    # --- what to do --------------------------------------------------------------------------------------------------

    def read(self, claims: Sequence[sql.Claim]) -> list[Job]:
        """Return claimed work by session, with what was said in it."""
        by_session: dict[tuple[int, int], Job] = {}
        for claim in claims:
            place = (claim.session_id, claim.revision)
            if place not in by_session:
                by_session[place] = Job(*place, [])
            by_session[place].claims.append(claim)
        numbers = list(dict.fromkeys(one.session_id for one in claims))
        coded = {
            one.session_id
            for one in claims
            if (kind := self._kinds[one.what]).definition is not None and kind.choice is None
        }
        with self._store.reader() as reader:
            read = transcripts(reader, self._scope, numbers)
            whole = transcripts(reader, self._scope, sorted(coded), longest=None) if coded else {}
            rules = sql.rules_of(reader, self._project, numbers)
        for job in by_session.values():
            job.transcript, job.whole = read.get(job.session), whole.get(job.session)
            job.rules = tuple(rules.get(job.session, "").split())
        return list(by_session.values())


@lru_cache(maxsize=64)
def _versions(answered: tuple[str, ...]) -> str | None:
    return " ".join(versions(answered)) or None


def _admitted(one: Outcome, mine: set[tuple[int, int, int]]) -> Outcome:
    """Return what may be recorded of a session: nothing of work that is another program's by now."""
    judged = one.judged
    signals = judged.signals if (judged.session_id, judged.revision, _SIGNALS) in mine else []
    results = [row for row in judged.results if (judged.session_id, judged.revision, row["evaluator_id"]) in mine]
    finished = [row for row in one.finished if (row["s"], row["r"], row["w"]) in mine]
    return Outcome(Judged(judged.session_id, judged.revision, signals, results), finished)


# --- what is due by itself -------------------------------------------------------------------------------------------


def enqueue(store: Store, project: int, kinds: Sequence[Kind], now_ms: int) -> int:
    """Write down the work that closes since the last time mean; return how many closes were looked at."""
    with store.reader() as reader:
        until = sql.scanned(reader, project)
    seen = 0
    for kind in kinds:
        name = str(kind.what)
        since = max(kind.since_ms, until.get(name, 0) - _LOOK_BACK_MS)
        place: tuple[int, int] = (-1, 0)
        while True:
            with store.reader() as reader:
                found = sql.closes(reader, project, kind.what, since, place, 500)
            if not found:
                break
            seen += len(found)
            place = (found[-1].written_ms, found[-1].session_id)
            rows = [
                {
                    "s": one.session_id,
                    "revision": one.revision,
                    "what": kind.what,
                    "version": kind.version,
                    "state": str(WorkState.WAITING if readable else WorkState.NOT_SCORED),
                    "reason": None if readable else str(ErrorKind.NO_TEXT),
                    "due": now_ms if readable else None,
                }
                for one in found
                if kind.wants(one.agent, one.key)
                for readable in (one.has_text,)
            ]
            until[name] = max(until.get(name, 0), place[0])
            with store.write() as tx:
                sql.enqueue(tx, project, rows)
                sql.set_scanned(tx, project, until)
    return seen


def take_over(store: Store, project: int, now_ms: int) -> None:
    """Put back what programs of this machine had that are gone, without waiting for their leases to end."""
    with store.reader() as reader:
        gone = [one for one in sql.owners(reader, project) if not may_live(one)]
    if gone:
        with store.write() as tx:
            for owner in gone:
                sql.give_back(tx, project, owner, now_ms)


def run_pending(
    store: Store,
    project: int,
    clock: Clock,
    open_road: Opener,
    token: CancelToken | None = None,
    told: Told | None = None,
) -> ScoringReport:
    """Score what is due in a project until nothing is, or something stops it. Blocks; CALLS MODELS.

    Raises:
        Cancelled: the token was cancelled; what was finished stays.
        NotFound: the project is gone.
        StoreError: the store cannot be written.
    """
    terms, zone = terms_of(store, project)
    with store.reader() as reader:
        evaluators = sql.active_evaluators(reader, project)
    kinds = kinds_of(terms, evaluators)
    if not kinds:
        return ScoringReport()
    take_over(store, project, clock.now_ms())
    enqueue(store, project, kinds, clock.now_ms())
    with store.reader() as reader:
        _, due, _ = sql.counts(reader, project, clock.now_ms())
    if not due:
        return ScoringReport()

    def cap() -> Cap:
        return terms_of(store, project)[0].cap

    async def rounds() -> ScoringReport:
        lanes = Lanes(store, project, zone, clock, open_road, cap, daily=True)
        scorer = Scorer(store, project, clock, terms, zone, kinds, lanes, told)

        def feed() -> Sequence[Job]:
            now = clock.now_ms()
            with store.write() as tx:
                sql.drop_outdated(tx, project, now)
                claims = sql.claim(tx, project, scorer.owner, scorer.kinds(), now, now + LEASE_MS, SESSIONS_AT_ONCE)
            return scorer.read(claims)

        try:
            await scorer.work(feed)
        finally:
            scorer.end()
            await lanes.aclose()
        with store.reader() as reader:
            waiting, due, _ = sql.counts(reader, project, clock.now_ms())
        with store.write() as tx:
            note = {
                "kind": scorer.stop_kind,
                "words": scorer.stopped,
                "day": day_of(clock.now_ms(), zone),
                "cap": terms.cap.document(),
            }
            sql.set_note(tx, project, note if scorer.stop_kind not in ("", "changed") and due else None)
        return scorer.report(waiting)

    return run_to_end(rounds, token)


@patient_collector()
def run_to_end(make: Callable[[], Any], token: CancelToken | None) -> ScoringReport:
    """Run a round in an event loop of its own on this thread; a token cancels it.

    Raises:
        Cancelled: the token was cancelled.
    """

    async def cancellable() -> ScoringReport:
        task = asyncio.ensure_future(make())
        loop = asyncio.get_running_loop()

        def stop() -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

        forget = None if token is None else token.on_cancel(stop)
        try:
            result: ScoringReport = await task
            return result
        finally:
            if forget is not None:
                forget()

    if token is not None:
        token.check()
    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise Cancelled("cancelled") from None
