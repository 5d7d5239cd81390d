"""Model scoring of a project: consent, cap, what waits, rounds, backfill. The judging itself is in `runs`; no SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import (
    CAP,
    CONSENT,
    JUDGE,
    MODEL_USE,
    SIGNALS,
    Backfill,
    Cap,
    Consent,
    Estimate,
    ModelUse,
    Offer,
    ScoringProgress,
    ScoringReport,
    ScoringStatus,
    ScoringTerms,
    SignalSwitch,
    SpentLine,
    WorkRow,
    WorkState,
)
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.store import decisions
from aa_tui.backend.store import scoring as rows
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import NotFound, UsageError

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.contract import Provider
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken

Told = Callable[[ScoringProgress], None]
LEAVES = (
    "the messages of users and agents, tool calls with what went in and came out, and errors of closed sessions",
    "their context and the names of agents, tools and attachments; of attachments nothing else",
    "secret-shaped strings are masked; texts that this project keeps back are not there to be sent",
)
"""What a judge is sent, in words."""


def total_words(estimate: Estimate) -> str:
    """Return what sessions take in all: `local, free`, `price unknown, 1.2M–3.4M tokens`, `$0.40–$1.10`."""
    if estimate.local:
        return "local, free"
    if estimate.low_nano is None or estimate.high_nano is None:
        if not estimate.high_tokens:
            return "price unknown"
        return f"price unknown, {humanize.tokens(estimate.low_tokens)}–{humanize.tokens(estimate.high_tokens)} tokens"
    return f"{humanize.money(estimate.low_nano)}–{humanize.money(estimate.high_nano)}"


def session_words(estimate: Estimate) -> str:
    """Return what one session takes: half of them at most this, and 95 of 100."""
    if not estimate.tokens_p50:
        return "not known yet: no closed session has text"
    tokens = f"{humanize.tokens(estimate.tokens_p50)} tokens (p95 {humanize.tokens(estimate.tokens_p95)})"
    if estimate.local:
        return f"{tokens}, local, free"
    if estimate.price_p50_nano is None:
        return f"{tokens}, price unknown"
    return f"{humanize.money(estimate.price_p50_nano)} (p95 {humanize.money(estimate.price_p95_nano)}), {tokens}"


def road_opener(workspace: Workspace) -> Callable[[ModelChoice], Provider]:
    """Return what opens the way to a model as the project and this machine's settings say now."""

    def open_(choice: ModelChoice) -> Provider:
        from aa_tui.backend.runs.roads import open_road
        from aa_tui.backend.service.judges import machine_command

        use = ScoringTerms.of(workspace.project.settings).use
        return open_road(choice, use, machine_command() if choice.provider == "command" else None)

    return open_


class ScoringService:
    """What a door can ask of model scoring. Nothing here calls a model unless its description says so."""

    def __init__(self, workspace: Workspace) -> None:
        self._work = workspace

    # --- how things stand --------------------------------------------------------------------------------------------

    def terms(self) -> ScoringTerms:
        """Return what the project says of model scoring, as it is stored now."""
        self._work.reread()
        return ScoringTerms.of(self._work.project.settings)

    def signals(self) -> tuple[SignalSwitch, ...]:
        """Return the built-in signals and which are on."""
        from aa_tui.backend.signals.registry import SIGNALS as known

        switched = self.terms().switched
        return tuple(
            SignalSwitch(
                one.id,
                one.title,
                one.question,
                one.version,
                one.code_only or switched.get(one.id, one.by_default),
                one.by_default,
                one.code_only,
            )
            for one in known.values()
        )

    def status(self, token: CancelToken | None = None) -> ScoringStatus:
        """Return where model scoring stands.

        Raises:
            StoreError: the store cannot be read.
        """
        from aa_tui.backend.runs.ledger import day_of
        from aa_tui.backend.runs.roads import destination_of, free, refusal, title_of

        terms, now = self.terms(), self._work.clock.now_ms()
        project = self._work.project
        day, capped = day_of(now, project.time_zone), terms.cap.document()
        with self._work.store.reader(token) as reader:
            waiting, due, failed = rows.counts(reader, project.id, now)
            note = rows.note(reader, project.id)
            nano, tokens = rows.used(reader, project.id, day)
            evaluators = len(rows.active_evaluators(reader, project.id))
        choice = terms.choice
        refused = "No model is chosen: only what code can tell is scored." if choice is None else refusal(terms, choice)
        on = refused is None
        paused = None
        if on and due and note is not None and (note["kind"] != "cap" or (note["day"], note["cap"]) == (day, capped)):
            paused = f"{note['words']}; {humanize.plural(waiting, 'session')} wait."
        destination = None if choice is None else destination_of(choice)
        return ScoringStatus(
            on=on,
            why_not=refused,
            paused=paused,
            use=terms.use,
            provider="" if choice is None else choice.provider,
            provider_title="" if choice is None else title_of(choice),
            address="" if destination is None else destination.address,
            model="" if choice is None else choice.model,
            local=choice is not None and free(choice),
            consent=terms.consent,
            cap=terms.cap,
            spent_nano=nano,
            spent_tokens=tokens,
            waiting=waiting,
            failed=failed,
            signals=self.signals(),
            evaluators=evaluators,
            leaves=LEAVES,
        )

    def waits(self) -> bool:
        """Return whether there may be something to score by itself; cheap, and loads nothing that calls models.

        Raises:
            StoreError: the store cannot be read.
        """
        consent, project = self.terms().consent, self._work.project.id
        with self._work.store.reader() as reader:
            if consent is None and not rows.active_evaluators(reader, project):
                return False
            _, due, _ = rows.counts(reader, project, self._work.clock.now_ms())
            if due:
                return True
            newest, seen = rows.newest_close(reader, project), rows.scanned(reader, project)
        return newest is not None and (not seen or newest > min(seen.values()))

    def of_session(self, session_id: int) -> tuple[WorkRow, ...]:
        """Return the scoring work on a session, newest close first; none: nothing was ever due."""
        with self._work.store.reader() as reader:
            found = rows.work_of(reader, self._work.project.id, session_id)
        return tuple(
            WorkRow(**{**row, "state": WorkState(row["state"]), "versions": tuple((row["versions"] or "").split())})
            for row in found
        )

    def spent(self, days: int = 1) -> tuple[SpentLine, ...]:
        """Return what was spent today and on the days before it, newest first."""
        from aa_tui.backend.runs.ledger import day_of

        today = day_of(self._work.clock.now_ms(), self._work.project.time_zone)
        with self._work.store.reader() as reader:
            found = rows.spent_lines(reader, self._work.project.id, today - days + 1)
        return tuple(SpentLine(**{**row, "local": bool(row["local"])}) for row in found)

    def offer(self, choice: ModelChoice | None = None, token: CancelToken | None = None) -> Offer:
        """Return everything a person must see before they turn scoring on with a model (None: the project's judge).

        Raises:
            UsageError: no model is named and the project has none.
            Cancelled: the token was cancelled.
        """
        from aa_tui.backend.runs.estimate import estimate_signals
        from aa_tui.backend.runs.roads import destination_of, free, problem_of, title_of

        terms = self.terms()
        chosen = self._chosen(terms, choice)
        with self._work.store.reader(token) as reader:
            unscored = rows.count_unscored(reader, self._work.project.id)
            waiting, _, _ = rows.counts(reader, self._work.project.id, self._work.clock.now_ms())
        estimate = estimate_signals(self._work.store, self._work.scope, terms, chosen, unscored, token)
        return Offer(
            chosen,
            title_of(chosen),
            destination_of(chosen),
            free(chosen),
            LEAVES,
            terms.cap,
            self.signals(),
            estimate,
            min(waiting, unscored),
            problem_of(terms.use, chosen),
        )

    # --- decisions ---------------------------------------------------------------------------------------------------

    def turn_on(self, choice: ModelChoice | None = None, cap: Cap | None = None) -> ScoringStatus:
        """Agree to what `offer` showed: sessions that close from now on are judged by the model. Calls no model.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: there is no model, or the project does not allow it.
        """
        from aa_tui.backend.runs.roads import destination_of, problem_of

        self._work.actor.require(Permission.ADMINISTER)
        terms = self.terms()
        chosen = self._chosen(terms, choice)
        problem = problem_of(terms.use, chosen)
        if problem is not None:
            raise UsageError(problem)
        now = self._work.clock.now_ms()
        destination = destination_of(chosen)
        standing = terms.consent
        still = standing is not None and standing.covers(destination) and terms.choice == chosen
        consent = Consent(
            self._work.actor.name,
            now,
            standing.since_ms if standing is not None and still else now,
            tuple(dict.fromkeys((destination, *(standing.destinations if standing is not None and still else ())))),
        )
        changes: dict[str, Any] = {JUDGE: chosen.document(), CONSENT: consent.document()}
        if cap is not None:
            changes[CAP] = cap.document()
        self._put("turn model scoring on", destination.model, changes)
        return self.status()

    def agree(self, choice: ModelChoice) -> ScoringStatus:
        """Let an evaluator's own model read closed sessions too, besides the project's judge.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: scoring is off, or the project does not allow this model.
        """
        from aa_tui.backend.runs.roads import destination_of, problem_of

        self._work.actor.require(Permission.ADMINISTER)
        terms = self.terms()
        if terms.consent is None:
            raise UsageError("Model scoring is off.", "`aa-tui signals on` turns it on.")
        problem = problem_of(terms.use, choice)
        if problem is not None:
            raise UsageError(problem)
        destination = destination_of(choice)
        consent = terms.consent
        wider = Consent(
            self._work.actor.name,
            self._work.clock.now_ms(),
            consent.since_ms,
            tuple(dict.fromkeys((*consent.destinations, destination))),
        )
        self._put("allow a further model", destination.model, {CONSENT: wider.document()})
        return self.status()

    def turn_off(self) -> ScoringStatus:
        """Take the consent back: no model is called for closed sessions any more. What was scored stays.

        Raises:
            Forbidden: the actor may not administer the project.
        """
        self._work.actor.require(Permission.ADMINISTER)
        self._put("turn model scoring off", self._work.project.name, {CONSENT: None})
        return self.status()

    def set_cap(self, cap: Cap) -> ScoringStatus:
        """Set the most that a day may take. Journaled and undoable.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: it is negative.
        """
        if cap.nano < 0 or cap.tokens < 0:
            raise UsageError("A cap cannot be negative.")
        self._decide("set the cap", CAP, cap.document())
        return self.status()

    def set_signal(self, signal: str, on: bool) -> ScoringStatus:
        """Switch one signal on or off for sessions that close from now on. Journaled and undoable.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: there is no such signal, or it is computed by code and always on.
        """
        from aa_tui.backend.signals.registry import SIGNALS as known

        found = known.get(signal)
        if found is None:
            raise NotFound(f"There is no signal “{signal}”.", f"There are: {', '.join(known)}.")
        if found.code_only:
            raise UsageError(f"{found.title} is computed by code, costs nothing and is always on.")
        switched = {name: value for name, value in self.terms().switched.items() if name != signal}
        if on != found.by_default:
            switched[signal] = on
        self._decide("switch a signal", SIGNALS, switched or None)
        return self.status()

    def set_model_use(self, use: ModelUse) -> ScoringStatus:
        """Allow any model, those of this machine only, or none. Journaled and undoable.

        Raises:
            Forbidden: the actor may not administer the project.
        """
        self._decide("set model use", MODEL_USE, None if use is ModelUse.ON else str(use))
        return self.status()

    # --- work --------------------------------------------------------------------------------------------------------

    def run_pending(
        self, token: CancelToken | None = None, advance: Told | None = None, provider: Provider | None = None
    ) -> ScoringReport:
        """Score what is due until nothing is, the cap is reached or the provider cannot be used. CALLS THE MODEL.

        Without a consent that holds, only what needs no model is done. Several programs may do this at once.

        Args:
            token: cancelling it drops calls under way; what was finished stays.
            advance: called on this thread after every transaction.
            provider: in place of the one that the project's choice opens.

        Raises:
            StoreError: the store cannot be written.
        """
        from aa_tui.backend.runs.scoring import run_pending

        return run_pending(
            self._work.store, self._work.project.id, self._work.clock, self._opener(provider), token, advance
        )

    def estimate_backfill(
        self, request: Backfill, sessions: Sequence[int], token: CancelToken | None = None
    ) -> Estimate:
        """Return what a backfill of these sessions would take; those scored already are not counted.

        Raises:
            UsageError: there is nothing to ask a model with.
            Cancelled: the token was cancelled.
        """
        from aa_tui.backend.runs.backfill import estimate_backfill

        return estimate_backfill(self._work.store, self._work.scope, self.terms(), request, sessions, token)

    def backfill(
        self,
        request: Backfill,
        sessions: Sequence[int],
        token: CancelToken | None = None,
        advance: Told | None = None,
        provider: Provider | None = None,
    ) -> ScoringReport:
        """Score closed sessions with the signals and active evaluators within a budget. CALLS THE MODEL.

        The cap of the day does not bound it, the request's budget does. What was finished when it is cancelled, when
        the budget is used up or when the program dies stays, and the next one goes on with the rest.

        Raises:
            Forbidden: the actor may not administer the project.
            UsageError: nobody agreed to the model, or the price is unknown and no budget of tokens is given.
            StoreError: the store cannot be written.
        """
        from aa_tui.backend.runs.backfill import backfill

        self._work.actor.require(Permission.ADMINISTER)
        project = self._work.project
        with self._work.store.write(durable=True) as tx:
            journal.record(
                tx,
                project.id,
                self._work.clock.now_ms(),
                self._work.actor,
                Permission.ADMINISTER,
                "backfill",
                humanize.plural(len(sessions), "session"),
                {"signals": request.signals, "evaluators": list(request.evaluators), "most_nano": request.most_nano},
            )
        return backfill(
            self._work.store, project.id, self._work.clock, self._opener(provider), request, sessions, token, advance
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def backfill_apart(
        self,
        request: Backfill,
        sessions: Sequence[int],
        token: CancelToken | None = None,
        advance: Told | None = None,
    ) -> ScoringReport:
        """Do a `backfill` in a child process that gives way to this one. CALLS THE MODEL. Raises the same."""
        from aa_tui.backend.service.apart import backfill_apart

        return backfill_apart(self._work, request, sessions, advance, token)

    def _opener(self, provider: Provider | None) -> Callable[[ModelChoice], Provider]:
        if provider is not None:
            return lambda _choice: provider
        return road_opener(self._work)

    def _chosen(self, terms: ScoringTerms, choice: ModelChoice | None) -> ModelChoice:
        chosen = choice or terms.choice or self._work.judges.choice()[0]
        if chosen is None:
            raise UsageError("No model is chosen.", "Name one, for example --provider ollama --model NAME.")
        return chosen

    def _decide(self, action: str, key: str, value: Any) -> None:
        """Set one setting as a decision that can be undone."""
        work = self._work
        with work.store.write(durable=True) as tx:
            journal.decide(
                tx,
                work.project.id,
                work.clock.now_ms(),
                work.actor,
                Permission.ADMINISTER,
                action,
                key,
                "setting",
                {"key": key},
                None if value is None else {"value": value},
            )

    def _put(self, action: str, subject: str, changes: Mapping[str, Any]) -> None:
        """Set settings together, journaled but not undoable: pressing undo must not make text leave the machine."""
        work, now = self._work, self._work.clock.now_ms()
        with work.store.write(durable=True) as tx:
            for key, value in changes.items():
                before = decisions.state(tx, work.project.id, "setting", {"key": key})
                after = None if value is None else {"value": value}
                if before != after:
                    decisions.change(tx, work.project.id, "setting", {"key": key}, before, after, now)
            journal.record(tx, work.project.id, now, work.actor, Permission.ADMINISTER, action, subject, changes)


__all__ = ["LEAVES", "ScoringService", "road_opener", "session_words", "total_words"]
