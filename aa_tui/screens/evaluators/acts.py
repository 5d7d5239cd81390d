"""What can be done with an evaluator from its list and from its page alike. Each decision is undone by one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aa_tui.address import Address
from aa_tui.screens.pane_moves import PaneMoves
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import EvaluatorRow
    from aa_tui.backend.service.workspace import Workspace

_NEED_ONE = ("edit", "activate", "try", "backfill", "archive", "promote", "discard", "compare", "sessions")


class EvaluatorActs(PaneMoves):
    """Editing, activating, archiving, trying and backfilling the evaluator that is looked at."""

    @property
    def current(self) -> EvaluatorRow | None:
        """The evaluator that is looked at."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read what is shown again."""
        raise NotImplementedError

    def why_not(self, action_id: str) -> str | None:
        scope, _, verb = action_id.partition(".")
        if scope in ("evaluators", "evaluator"):
            why = self._why_not(verb)
            if why is not None:
                return why
        return super().why_not(action_id)

    def _why_not(self, verb: str) -> str | None:
        from aa_tui.backend.service.permissions import Permission

        workspace, row = self.aa.workspace, self.current
        if verb in _NEED_ONE and row is None:
            return "there is no evaluator"
        needs = {
            "new": Permission.MANAGE_INACTIVE_EVALS,
            "edit": Permission.MANAGE_INACTIVE_EVALS,
            "discard": Permission.MANAGE_INACTIVE_EVALS,
            "activate": Permission.ACTIVATE_EVALS,
            "archive": Permission.MANAGE_INACTIVE_EVALS,
            "promote": Permission.MANAGE_INACTIVE_EVALS,
            "backfill": Permission.ADMINISTER,
            "try": Permission.MANAGE_INACTIVE_EVALS,
        }
        needed = needs.get(verb)
        if row is not None and row.state == "active" and verb in ("archive", "promote"):
            needed = Permission.ACTIVATE_EVALS
        missing = workspace.actor.lacks(needed) if workspace is not None and needed is not None else None
        if missing is not None:
            return missing
        if row is None:
            return None
        return _unfit(verb, row)

    # -- what the keys do

    def do_edit(self, row: EvaluatorRow) -> None:
        """Go to its editor."""
        self.go(Address("editor", evaluator=row.name, tab="edit"))

    def do_try(self, row: EvaluatorRow) -> None:
        """Go to where it is tried on a few sessions; that says first what it takes."""
        self.go(Address("editor", evaluator=row.name, tab="try"))

    def do_backfill(self, row: EvaluatorRow) -> None:
        """Go to the backfill of this evaluator alone."""
        params = {"evaluators": str(row.id), "signals": "off"}
        if row.agents:
            params["agents"] = ",".join(row.agents)
        self.go(Address("backfill", params))

    def do_activate(self, row: EvaluatorRow) -> None:
        """Let it score what closes from now on, or no more."""
        self.load(self._activate(row), "act")

    async def _activate(self, row: EvaluatorRow) -> None:
        workspace = await self.ready()
        service, name = workspace.evaluators, safe_line(row.name, 24)
        if row.state == "active":
            await self._decide(service.deactivate, row.id, stamp=row.stamp)
            self.flash(f"{name} scores no more by itself; its results stay. z takes that back.", "good")
            return
        await self._decide(service.activate, row.id, stamp=row.stamp)
        waits = await self.ask(_why_it_waits, workspace, row, group="act", token=False)
        if waits:
            self.flash(f"{name} is active but waits. {waits} z takes it back.", "warn")
        else:
            self.flash(f"{name} is active: R scores older sessions, z takes it back.", "good")

    def do_archive(self, row: EvaluatorRow) -> None:
        """Put it away, or take it out of the archive."""
        self.load(self._archive(row), "act")

    async def _archive(self, row: EvaluatorRow) -> None:
        service, name = (await self.ready()).evaluators, safe_line(row.name, 24)
        if row.state == "archived":
            await self._decide(service.unarchive, row.id, stamp=row.stamp)
            self.flash(f"{name} is out of the archive, inactive. z takes that back.", "good")
        else:
            await self._decide(service.archive, row.id, stamp=row.stamp)
            self.flash(f"{name} is archived; results stay. z takes that back.", "good")

    async def _decide(self, call: Any, *args: Any, **kwargs: Any) -> None:
        await self.ask(call, *args, group="act", token=False, **kwargs)
        await self.aa.take_changes()


def _unfit(verb: str, row: EvaluatorRow) -> str | None:
    """Return why something makes no sense for an evaluator as it is."""
    if verb in ("edit", "activate") and row.state == "archived":
        return "it is archived; x takes it out"
    if row.imported and verb in ("activate", "try"):
        return "it was imported without a definition; e gives it one"
    if verb == "backfill" and row.state != "active":
        return "only an active evaluator is backfilled; A activates it"
    if verb in ("promote", "discard") and row.draft is None:
        return "there is no draft"
    if verb == "sessions" and not row.verdicts:
        return "it judged no session yet"
    return None


def _why_it_waits(workspace: Workspace, row: EvaluatorRow) -> str | None:
    """Return why an active evaluator scores nothing yet, or None; code needs nobody's leave."""
    if row.method != "llm":
        return None
    status = workspace.scoring.status()
    return status.why_not or status.paused
