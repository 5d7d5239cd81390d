"""The ways to the models that a round uses: a lane for each model and server, a purse for each purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aa_tui.backend.judging.calling import Caller, CallPolicy
from aa_tui.backend.judging.judge import Judge
from aa_tui.backend.judging.prices import price
from aa_tui.backend.judging.providers.contract import Provider
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import Cap, Purpose
from aa_tui.backend.runs.ledger import Ledger
from aa_tui.backend.runs.roads import destination_of, free
from aa_tui.backend.store.engine import Store, Tx
from aa_tui.backend.support.clock import Clock

POLICY = CallPolicy(hold=False)
"""A server that wants to be left alone for long ends the round: what waits is taken up again later."""
Opener = Callable[[ModelChoice], Provider]
"""Opens the way to a model; raises `ConfigError` where it cannot be used."""


@dataclass(slots=True)
class Lanes:
    """The lanes of one round of one project, and what is set aside for it. Belongs to one event loop."""

    store: Store
    project: int
    zone: str
    clock: Clock
    open: Opener
    cap: Callable[[], Cap | None]
    daily: bool
    """The cap is that of a day, else that of this round."""
    policy: CallPolicy = field(default_factory=lambda: POLICY)
    callers: dict[ModelChoice, Caller] = field(default_factory=dict)
    ledgers: dict[tuple[Purpose, ModelChoice], Ledger] = field(default_factory=dict)
    _judges: dict[tuple[Purpose, ModelChoice], Judge] = field(default_factory=dict)

    def judge(self, purpose: Purpose, choice: ModelChoice) -> Judge:
        """Return who judges with a model at the expense of a purpose.

        Raises:
            ConfigError: the model cannot be reached: no such provider, a key file that others may read, no command.
        """
        found = self._judges.get((purpose, choice))
        if found is None:
            caller = self.callers.get(choice)
            if caller is None:
                most = min(choice.concurrency or self.policy.most, self.policy.most)
                policy = replace(self.policy, most=most, start=min(self.policy.start, most))
                caller = self.callers[choice] = Caller(self.open(choice), policy)
            ledger = self.ledgers[purpose, choice] = Ledger(
                self.store,
                self.project,
                self.zone,
                self.clock,
                purpose,
                destination_of(choice),
                local=free(choice),
                priced=price(choice, 1, 1) is not None,
                cap=self.cap,
                daily=self.daily,
            )
            found = self._judges[purpose, choice] = Judge(caller, choice, choice.provider, ledger)
        return found

    def most(self) -> int:
        """Return how many calls may ever be in flight at once."""
        return self.policy.most

    def blocked(self) -> str | None:
        """Return in words why a lane is blocked, or None."""
        return next((one.blocked_reason for one in self.callers.values() if one.blocked_reason is not None), None)

    def paused_for_s(self) -> float:
        """Return for how many seconds the server of a lane wants to be left alone."""
        return max((one.paused_for_s for one in self.callers.values()), default=0.0)

    def refused(self) -> bool:
        """Return whether a cap or budget kept a call from leaving."""
        return any(one.refused for one in self.ledgers.values())

    def write(self, tx: Tx, *, last: bool = False) -> None:
        """Write down what was spent; `last` gives back what is set aside."""
        for ledger in self.ledgers.values():
            ledger.write(tx, last=last)

    async def aclose(self) -> None:
        """Close all lanes."""
        for caller in self.callers.values():
            await caller.aclose()
