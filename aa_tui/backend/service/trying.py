"""Trying a definition on sessions, and a model with one tiny call: what it will take, the calls, what was spent.

Nothing of a trial is kept but what it cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.evaluator import Definition, Method, ModelChoice
from aa_tui.backend.model.scoring import Cap, Estimate, ModelUse, Purpose, ScoringTerms
from aa_tui.backend.query.readmodels import TryResult
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.store import evaluators as sql
from aa_tui.backend.support.errors import NotFound, StoreReadOnly, UsageError

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.check import CheckReport
    from aa_tui.backend.model.transcript import Transcript
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken

MOST_SESSIONS = 20
"""Sessions of one trial; more is a run's business."""


def recent_sessions(ws: Workspace, number: int) -> tuple[int, ...]:
    """Return the newest closed sessions that have text."""
    with ws.store.reader() as reader:
        return tuple(sql.recent_sessions(reader, ws.project.id, number))


def chosen(ws: Workspace, definition: Definition) -> ModelChoice | None:
    """Return the model that would judge: the definition's own, else the project's or this machine's judge."""
    return definition.model or ws.judges.choice()[0]


def estimate(ws: Workspace, definition: Definition, sessions: Sequence[int]) -> Estimate:
    """Return what a trial will take, from the prompts it would send."""
    from aa_tui.backend.runs.estimate import estimate_texts

    choice = None if definition.method is not Method.LLM else chosen(ws, definition)
    if choice is None:
        return Estimate(len(sessions), 0, definition.method is not Method.LLM, len(sessions), "texts")
    terms = ScoringTerms.of(ws.project.settings)
    return estimate_texts(ws.store, ws.scope, terms, None, [(definition, choice)], len(sessions), list(sessions), None)


def try_on(
    ws: Workspace,
    definition: Definition,
    sessions: Sequence[int],
    go_ahead: bool,
    most_nano: int | None,
    token: CancelToken | None,
    advance: Callable[[TryResult], None] | None,
) -> tuple[TryResult, ...]:
    """Judge sessions and return what came of each, in the order they were given; see `EvaluatorService.try_on`."""
    ws.actor.require(Permission.MANAGE_INACTIVE_EVALS)
    if len(sessions) > MOST_SESSIONS:
        raise UsageError(f"A trial takes at most {MOST_SESSIONS} sessions.", "Run the evaluator on more.")
    found = _transcripts(ws, definition, sessions, token)
    if definition.method is not Method.LLM:
        from aa_tui.backend.judging.code import judge_by_code

        results = []
        for one in found:
            if token is not None:
                token.check()
            results.append(TryResult(one.session_id, one.session_key, judge_by_code(definition, one), local=True))
            if advance is not None:
                advance(results[-1])
        return tuple(results)
    choice, use = _allowed(ws, definition, go_ahead)
    import asyncio

    from aa_tui.backend.runs.lanes import Lanes
    from aa_tui.backend.runs.roads import free, open_road
    from aa_tui.backend.service.judges import machine_command
    from aa_tui.backend.service.loops import run_to_end

    local, cap = free(choice), None if most_nano is None else Cap(nano=most_nano)
    lanes = Lanes(
        ws.store,
        ws.project.id,
        ws.project.time_zone,
        ws.clock,
        lambda one: open_road(one, use, machine_command() if one.provider == "command" else None),
        lambda: cap,
        daily=False,
    )
    done: dict[int, TryResult] = {}

    async def judge_all() -> None:
        judge = lanes.judge(Purpose.TRY, choice)

        async def judge_one(transcript: Transcript) -> None:
            judgement = await judge.judge(definition, transcript)
            done[transcript.session_id] = TryResult(transcript.session_id, transcript.session_key, judgement, local)
            if advance is not None:
                advance(done[transcript.session_id])

        try:
            async with asyncio.TaskGroup() as tasks:
                for transcript in found:
                    tasks.create_task(judge_one(transcript))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            await lanes.aclose()

    try:
        run_to_end(judge_all, token)
    finally:
        with ws.store.write(durable=True) as tx:
            lanes.write(tx, last=True)
    return tuple(done[one.session_id] for one in found)


def check(ws: Workspace, choice: ModelChoice, use: ModelUse, token: CancelToken | None) -> CheckReport:
    """Spend one tiny call on a model and write down what it cost; see `JudgeService.check`."""
    from aa_tui.backend.judging.prices import price
    from aa_tui.backend.judging.providers.check import check as check_provider
    from aa_tui.backend.judging.providers.keys import find_key
    from aa_tui.backend.runs.ledger import Ledger
    from aa_tui.backend.runs.roads import destination_of, free
    from aa_tui.backend.service.judges import machine_command
    from aa_tui.backend.service.loops import run_to_end

    if ws.store.read_only:
        raise StoreReadOnly("What a check costs could not be written down.", f"{ws.store.read_only_reason}.")
    ledger = Ledger(
        ws.store,
        ws.project.id,
        ws.project.time_zone,
        ws.clock,
        Purpose.CHECK,
        destination_of(choice),
        local=free(choice),
        priced=price(choice, 1, 1) is not None,
        cap=lambda: None,
        daily=False,
    )
    command = machine_command() if choice.provider == "command" else None
    key = find_key(choice.provider, choice.base_url, model=choice.model)
    report = run_to_end(lambda: check_provider(choice, key, command=command, local_only=use is ModelUse.LOCAL), token)
    if report.spent.calls:
        ledger.settle(0, None, report.spent)
        with ws.store.write(durable=True) as tx:
            ledger.write(tx, last=True)
    return report


def _transcripts(
    ws: Workspace, definition: Definition, sessions: Sequence[int], token: CancelToken | None
) -> list[Transcript]:
    from aa_tui.backend.query.transcripts import LONGEST_TOOL_TEXT, transcripts

    longest = LONGEST_TOOL_TEXT if definition.method is Method.LLM else None
    wanted = list(dict.fromkeys(sessions))
    with ws.store.reader(token) as reader:
        found = transcripts(reader, ws.scope, wanted, longest)
    for one in wanted:
        if one not in found:
            raise NotFound(f"There is no session {one}.")
    return [found[one] for one in wanted]


def _allowed(ws: Workspace, definition: Definition, go_ahead: bool) -> tuple[ModelChoice, ModelUse]:
    """Return the model that judges, once the project and a person allow that it reads these texts.

    Raises:
        UsageError: they do not.
        StoreReadOnly: what is spent could not be written down.
    """
    from aa_tui.backend.runs.roads import free, problem_of, refusal

    if ws.store.read_only:
        raise StoreReadOnly("What a trial costs could not be written down.", f"{ws.store.read_only_reason}.")
    ws.reread()
    choice = chosen(ws, definition)
    if choice is None:
        raise UsageError("No model is chosen.", "`aa-tui judge set PROVIDER MODEL` chooses the project's judge.")
    terms = ScoringTerms.of(ws.project.settings)
    problem = problem_of(terms.use, choice)
    if problem is None and not go_ahead and not free(choice):
        problem = refusal(terms, choice)
    if problem is not None:
        raise UsageError(problem, "Texts of sessions go to this model only if somebody says so.")
    return choice, terms.use
