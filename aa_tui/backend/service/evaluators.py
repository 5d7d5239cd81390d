"""Evaluators of a project: their life from a first definition to the archive, as decisions. Judging is not here.

A version that is no draft is frozen. An active evaluator is edited in a draft while its active version keeps scoring;
promoting the draft makes it a version of its own. Of an inactive one every edit is a new version at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.evaluator import Definition, Method, ModelChoice, OutputType
from aa_tui.backend.query.readmodels import (
    Agreement,
    CriterionRow,
    Difference,
    EvaluatorDetail,
    EvaluatorRow,
    EvaluatorVersion,
    TryResult,
    WeekRate,
)
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.store import decisions
from aa_tui.backend.store import evaluators as sql
from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.support.errors import Ambiguous, Conflict, NotFound, UsageError
from aa_tui.backend.support.ids import new_id
from aa_tui.backend.support.text import storable

if TYPE_CHECKING:
    from aa_tui.backend.judging.definitions import Problem, Template
    from aa_tui.backend.model.scoring import Estimate
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken

MOST_NAME = 255
ACTIVE, INACTIVE, ARCHIVED = "active", "inactive", "archived"
WEEKS = 12
"""Weeks that rates and their trend cover, counted back from the newest session that was judged."""
_MOST_ANSWERS = 20_000
_YES = frozenset({"true", "yes", "pass", "1"})
_NO = frozenset({"false", "no", "fail", "0"})

State = dict[str, Any]


class EvaluatorService:
    """What people define to measure quality by."""

    def __init__(self, workspace: Workspace) -> None:
        self._ws = workspace

    # --- looking ---------------------------------------------------------------------------------------------------

    def list(self, archived: bool = False, token: CancelToken | None = None) -> list[EvaluatorRow]:
        """Return the evaluators by name, with the rates of their last weeks; archived ones only where asked."""
        with self._ws.store.reader(token) as reader:
            rows = [row for row in sql.evaluators(reader, self._ws.project.id) if archived or row[4] != ARCHIVED]
            return [*self._rows(reader, rows)]

    def get(self, name_or_id: str | int, token: CancelToken | None = None) -> EvaluatorDetail:
        """Return one evaluator with its versions, newest first.

        Raises:
            NotFound: none has that name or id; the hint lists the names.
            Ambiguous: several differ from it only in case.
        """
        with self._ws.store.reader(token) as reader:
            row = self._find(reader, name_or_id)
            kept = sql.versions(reader, self._ws.project.id, [row[0]])
            counts = sql.judged(reader, self._ws.project.id, row[0])
            return EvaluatorDetail(
                self._row(reader, row, kept), tuple(_version(one, counts.get(one[1], 0)) for one in reversed(kept))
            )

    def criteria(self) -> tuple[CriterionRow, ...]:
        """Return the questions that people answer and evaluators judge, by name."""
        with self._ws.store.reader() as reader:
            rows = sql.criteria(reader, self._ws.project.id)
        return tuple(
            CriterionRow(row[0], row[1], row[2], row[3], tuple(map(str, json.loads(row[4]))), row[5], row[6])
            for row in rows
        )

    def diff(self, name_or_id: str | int, before: int, after: int) -> tuple[Difference, ...]:
        """Return what differs between two versions of an evaluator, field by field.

        Raises:
            NotFound: there is no such evaluator or version.
        """
        detail = self.get(name_or_id)
        first, second = detail.version(before), detail.version(after)
        for no, found in ((before, first), (after, second)):
            if found is None:
                known = ", ".join(str(one.no) for one in reversed(detail.versions))
                raise NotFound(f"“{detail.row.name}” has no version {no}.", f"It has: {known}.")
        assert first is not None and second is not None
        return differences(first.document, second.document)

    @staticmethod
    def problems(definition: Definition) -> tuple[Problem, ...]:
        """Return what is wrong with a definition and what could be better, by field; quick enough for every key."""
        from aa_tui.backend.judging import definitions

        return definitions.problems(definition)

    @staticmethod
    def templates() -> tuple[Template, ...]:
        """Return the starters."""
        from aa_tui.backend.judging.definitions import TEMPLATES

        return TEMPLATES

    @staticmethod
    def variables() -> dict[str, str]:
        """Return what a prompt may hold in double braces, with its meaning."""
        from aa_tui.backend.judging.prompt import VARIABLES

        return dict(VARIABLES)

    # --- defining --------------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        definition: Definition,
        criterion: str = "",
        agents: Sequence[str] = (),
        sampling: float = 1.0,
    ) -> EvaluatorRow:
        """Define an evaluator; it is always inactive, activating it is an act of its own.

        Args:
            criterion: name of the question it judges: an existing one shares its answers; empty: its own name.

        Raises:
            UsageError: the name or the definition is not usable, or the criterion is answered in another way.
            Conflict: the name is taken.
            Forbidden: the actor may not.
        """
        self._ws.actor.require(Permission.MANAGE_INACTIVE_EVALS)
        name = check_name(name)
        self._check(definition)
        question = storable(" ".join((criterion or name).split()))
        agents, sampling = check_agents(agents), check_sampling(sampling)
        now = self._ws.clock.now_ms()
        number = new_id(now)
        with self._ws.store.write(durable=True) as tx:
            if any(row[1] == name for row in sql.evaluators(tx, self._ws.project.id)):
                raise Conflict(f"There already is an evaluator “{name}”.", "Choose another name.")
            known = next((row for row in sql.criteria(tx, self._ws.project.id) if row[1] == question), None)
            if known is not None:
                self._fit(known, definition, alone=known[5] == 0 and known[6] == 0)
            after: State = {
                "name": name,
                "state": INACTIVE,
                "active_version": None,
                "activated_ms": None,
                "agents": list(agents),
                "sampling": sampling,
                "criterion": {"id": known[0] if known is not None else new_id(now), "name": question},
                "newest": self._made(1, definition),
                "draft": None,
            }
            self._decide(tx, number, Permission.MANAGE_INACTIVE_EVALS, "create evaluator", after)
            self._widen(tx, after["criterion"]["id"], definition)
        return self.get(number).row

    def save(self, name_or_id: str | int, definition: Definition, stamp: int | None = None) -> EvaluatorVersion:
        """Save an edit: the draft of an active evaluator, or a new version of one that scores nothing by itself.

        Nothing is saved where it is what stands already.

        Args:
            stamp: `EvaluatorRow.stamp` as it was when the edit began.

        Raises:
            UsageError: the definition is not usable, or it changes what kind of answer there is to a question that has
                answers or other evaluators.
            Conflict: somebody else changed the evaluator since.
            Forbidden: the actor may not.
        """
        self._check(definition)

        def edit(tx: Tx, row: Row, now: State) -> State:
            if now["state"] == ARCHIVED:
                raise UsageError(f"“{row[1]}” is archived.", "Take it out of the archive first.")
            criterion = next((one for one in sql.criteria(tx, self._ws.project.id) if one[0] == row[2]), None)
            if criterion is not None:
                counts = sql.judged(tx, self._ws.project.id, row[0])
                self._fit(criterion, definition, alone=criterion[5] == 0 and criterion[6] <= 1 and not counts)
                self._widen(tx, row[2], definition)
            newest, draft = now["newest"], now["draft"]
            if newest is not None and newest["hash"] == definition.hash:
                return {**now, "draft": None}
            if draft is not None and draft["hash"] == definition.hash and now["state"] == ACTIVE:
                return now
            no = draft["no"] if draft is not None else (newest["no"] if newest is not None else 0) + 1
            made = self._made(no, definition)
            return {**now, "draft": made} if now["state"] == ACTIVE else {**now, "newest": made, "draft": None}

        number = self._change(name_or_id, "save evaluator", edit, stamp, drafting=True)
        detail = self.get(number)
        found = detail.draft or detail.version(detail.row.version)
        assert found is not None
        return found

    def discard_draft(self, name_or_id: str | int, stamp: int | None = None) -> None:
        """Throw the draft away; `undo` brings it back.

        Raises:
            NotFound: there is none.
        """

        def edit(tx: Tx, row: Row, now: State) -> State:
            if now["draft"] is None:
                raise NotFound(f"“{row[1]}” has no draft.")
            return {**now, "draft": None}

        self._change(name_or_id, "discard draft", edit, stamp, drafting=True)

    def promote(self, name_or_id: str | int, stamp: int | None = None) -> int:
        """Make the draft a version, which scores from now on where the evaluator is active; return its number.

        People's answers stay: they answer the question, not a version.

        Raises:
            NotFound: there is no draft.
            Conflict: somebody else changed the evaluator since.
            Forbidden: the actor may not activate evaluators.
        """

        def edit(tx: Tx, row: Row, now: State) -> State:
            draft = now["draft"]
            if draft is None:
                raise NotFound(f"“{row[1]}” has no draft.", "Edit it first.")
            self._check(Definition.of(json.loads(draft["definition"])))
            active = draft["no"] if now["state"] == ACTIVE else now["active_version"]
            return {**now, "newest": draft, "draft": None, "active_version": active}

        return self.get(self._change(name_or_id, "promote draft", edit, stamp)).row.version

    def set_model(
        self, name_or_id: str | int, choice: ModelChoice | None, stamp: int | None = None
    ) -> EvaluatorVersion:
        """Let an evaluator be judged by a model of its own, None: by the project's judge. A new version or draft.

        Raises:
            UsageError: it is judged by code, or was imported without a definition.
        """
        detail = self.get(name_or_id)
        base = detail.draft or detail.version()
        if base is None or base.definition is None:
            raise UsageError(f"“{detail.row.name}” has no definition.", "Give it one first.")
        if base.definition.method is not Method.LLM:
            raise UsageError(f"“{detail.row.name}” is judged by code.", "No model is asked.")
        return self.save(detail.row.id, replace(base.definition, model=choice), stamp)

    # --- its life --------------------------------------------------------------------------------------------------

    def activate(self, name_or_id: str | int, version: int | None = None, stamp: int | None = None) -> EvaluatorRow:
        """Let an evaluator score every session that closes from now on. Older ones need a backfill or a run.

        Args:
            version: an older frozen version; the newest one without.

        Raises:
            UsageError: it has no definition that can judge.
            NotFound: there is no such version.
            Forbidden: the actor may not activate evaluators.
        """

        def edit(tx: Tx, row: Row, now: State) -> State:
            wanted = version if version is not None else (now["newest"] or {}).get("no")
            kept = next((one for one in sql.versions(tx, self._ws.project.id, [row[0]]) if one[1] == wanted), None)
            if kept is None or kept[6]:
                raise NotFound(f"“{row[1]}” has no version {wanted} that is no draft.", "Promote the draft first.")
            definition = _definition(kept[4])
            if definition is None:
                raise UsageError(f"“{row[1]}” was imported without a definition.", "Give it one first.")
            self._check(definition)
            since = now["activated_ms"] if now["state"] == ACTIVE else self._ws.clock.now_ms()
            return {**now, "state": ACTIVE, "active_version": wanted, "activated_ms": since}

        return self.get(self._change(name_or_id, "activate evaluator", edit, stamp, Permission.ACTIVATE_EVALS)).row

    def deactivate(self, name_or_id: str | int, stamp: int | None = None) -> EvaluatorRow:
        """Let an evaluator score no more by itself; its results stay.

        Raises:
            Forbidden: the actor may not (de)activate evaluators.
        """

        def edit(tx: Tx, row: Row, now: State) -> State:
            return {**now, "state": INACTIVE} if now["state"] == ACTIVE else now

        return self.get(self._change(name_or_id, "deactivate evaluator", edit, stamp, Permission.ACTIVATE_EVALS)).row

    def archive(self, name_or_id: str | int, stamp: int | None = None) -> None:
        """Put an evaluator away; an active one is deactivated. Results, versions and answers stay."""
        self._change(name_or_id, "archive evaluator", lambda tx, row, now: {**now, "state": ARCHIVED}, stamp)

    def unarchive(self, name_or_id: str | int, stamp: int | None = None) -> EvaluatorRow:
        """Take an evaluator out of the archive; it is inactive then."""

        def edit(tx: Tx, row: Row, now: State) -> State:
            return {**now, "state": INACTIVE} if now["state"] == ARCHIVED else now

        return self.get(self._change(name_or_id, "unarchive evaluator", edit, stamp)).row

    def rename(self, name_or_id: str | int, name: str, stamp: int | None = None) -> EvaluatorRow:
        """Give an evaluator another name; sessions it judged are found by the new one from then on.

        Saved views and links that filter by the old name find nothing any more.

        Raises:
            UsageError: the name is not usable.
            Conflict: it is taken.
        """
        name = check_name(name)
        return self.get(
            self._change(name_or_id, "rename evaluator", lambda tx, row, now: {**now, "name": name}, stamp)
        ).row

    def set_agents(self, name_or_id: str | int, agents: Sequence[str], stamp: int | None = None) -> EvaluatorRow:
        """Say which root agents an active evaluator scores; none: all."""
        given = list(check_agents(agents))
        return self.get(
            self._change(name_or_id, "set agents of", lambda tx, row, now: {**now, "agents": given}, stamp)
        ).row

    def set_sampling(self, name_or_id: str | int, share: float, stamp: int | None = None) -> EvaluatorRow:
        """Say which share of newly closed sessions an active evaluator scores, above 0 and at most 1."""
        share = check_sampling(share)
        return self.get(
            self._change(name_or_id, "set sampling of", lambda tx, row, now: {**now, "sampling": share}, stamp)
        ).row

    # --- trying ----------------------------------------------------------------------------------------------------

    def recent_sessions(self, number: int = 3) -> tuple[int, ...]:
        """Return the newest closed sessions that have text: a few to try a definition on."""
        from aa_tui.backend.service import trying

        return trying.recent_sessions(self._ws, number)

    def estimate_try(self, definition: Definition, sessions: Sequence[int]) -> Estimate:
        """Return what trying a definition on sessions will take: calls, tokens, money from low to high.

        Code is free: no calls. Raises nothing for want of a model; the trial itself does.
        """
        from aa_tui.backend.service import trying

        return trying.estimate(self._ws, definition, sessions)

    def try_on(
        self,
        definition: Definition,
        sessions: Sequence[int],
        *,
        go_ahead: bool = False,
        most_nano: int | None = None,
        token: CancelToken | None = None,
        advance: Callable[[TryResult], None] | None = None,
    ) -> tuple[TryResult, ...]:
        """Judge sessions by a definition that need not be saved; nothing is written but what it cost.

        Blocks until all are judged; call it off the UI's loop. Sessions come in the order they were given.

        Args:
            go_ahead: the person saw the estimate and where texts go, and said yes to this very call; without it the
                project's consent must cover the model. A server of this machine needs neither.
            most_nano: the most it may cost, where the model's price is known.
            advance: called with each result as it is there, on a thread of the engine's.

        Raises:
            UsageError: the definition is not usable, no model is chosen, models are switched off, nobody agreed, or a
                session does not exist.
            Forbidden: the actor may not run evaluators.
            Cancelled: the token was cancelled; calls under way are cut off.
        """
        from aa_tui.backend.service import trying

        self._check(definition)
        return trying.try_on(self._ws, definition, sessions, go_ahead, most_nano, token, advance)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _find(self, reader: Reader, name_or_id: str | int) -> Row:
        rows = sql.evaluators(reader, self._ws.project.id)
        wanted = " ".join(str(name_or_id).split())
        for found in (
            [row for row in rows if row[0] == name_or_id],
            [row for row in rows if row[1] == wanted],
            [row for row in rows if str(row[0]) == wanted],
            [row for row in rows if row[1].casefold() == wanted.casefold()],
        ):
            if len(found) == 1:
                return found[0]
            if found:
                raise Ambiguous(f"“{wanted}” matches several evaluators.", ", ".join(f"{r[1]} ({r[0]})" for r in found))
        names = ", ".join(row[1] for row in rows if row[4] != ARCHIVED) or "none yet"
        raise NotFound(f"There is no evaluator “{wanted}”.", f"Evaluators: {names}.")

    def _rows(self, reader: Reader, rows: Sequence[Row]) -> Iterator[EvaluatorRow]:
        kept: dict[int, list[Row]] = {}
        for one in sql.versions(reader, self._ws.project.id, [row[0] for row in rows]):
            kept.setdefault(one[0], []).append(one)
        for row in rows:
            yield self._row(reader, row, kept.get(row[0], []))

    def _row(self, reader: Reader, row: Row, kept: Sequence[Row]) -> EvaluatorRow:
        project, number = self._ws.project.id, row[0]
        frozen = [one for one in kept if not one[6]]
        newest = frozen[-1][1] if frozen else 0
        version = row[5] if row[4] == ACTIVE and row[5] is not None else newest
        shown = next((one for one in kept if one[1] == version), None)
        definition = _definition(shown[4]) if shown is not None else None
        last = sql.newest_result(reader, project, number)
        rates: list[Row] = []
        if last is not None:
            since = ((last - 1) // sql.WEEK_MS - WEEKS + 1) * sql.WEEK_MS
            rates = sql.weeks(reader, project, number, since)
        model = definition.model if definition is not None else None
        return EvaluatorRow(
            id=number,
            name=row[1],
            criterion_id=row[2],
            criterion=row[3] or "",
            state=row[4],
            method=shown[2] if shown is not None else Method.LLM.value,
            output_type=shown[3] if shown is not None else OutputType.BINARY.value,
            version=version,
            draft=next((one[1] for one in kept if one[6]), None),
            imported=definition is None,
            agents=tuple(map(str, json.loads(row[7]))),
            sampling=row[8],
            model=f"{model.provider}: {model.model}" if model is not None else "",
            weeks=tuple(WeekRate(*one[:5]) for one in rates),
            agreement=agreement_of(sql.answered_results(reader, project, number, row[2], _MOST_ANSWERS)),
            last_judged_ms=max((one[5] for one in rates), default=None),
            activated_ms=row[6],
            created_ms=row[9],
            created_by=row[10],
            stamp=row[11],
        )

    def _made(self, no: int, definition: Definition) -> State:
        return {
            "no": no,
            "method": definition.method.value,
            "output_type": definition.output_type.value,
            "definition": json.dumps(definition.document(), ensure_ascii=False),
            "hash": definition.hash,
            "created_ms": self._ws.clock.now_ms(),
            "created_by": self._ws.actor.name,
        }

    def _change(
        self,
        name_or_id: str | int,
        action: str,
        edit: Callable[[Tx, Row, State], State],
        stamp: int | None,
        permission: Permission | None = None,
        drafting: bool = False,
    ) -> int:
        """Change an evaluator in one transaction; return its id. What scores by itself needs the greater permission."""
        with self._ws.store.write(durable=True) as tx:
            row = self._find(tx, name_or_id)
            if stamp is not None and row[11] != stamp:
                raise Conflict(f"“{row[1]}” was changed by somebody else meanwhile.", "Look at it again first.")
            running = row[4] == ACTIVE and not drafting
            needed = permission or (Permission.ACTIVATE_EVALS if running else Permission.MANAGE_INACTIVE_EVALS)
            self._ws.actor.require(needed)
            before = sql.state(tx, self._ws.project.id, row[0])
            assert before is not None
            self._decide(tx, row[0], needed, action, edit(tx, row, before))
        return int(row[0])

    def _decide(self, tx: Tx, number: int, permission: Permission, action: str, after: State) -> None:
        journal.decide(
            tx,
            self._ws.project.id,
            self._ws.clock.now_ms(),
            self._ws.actor,
            permission,
            action,
            after["name"],
            "evaluator",
            {"id": number},
            after,
        )

    def _check(self, definition: Definition) -> None:
        wrong = [one for one in self.problems(definition) if one.severity == "error"]
        if wrong:
            more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise UsageError(f"{wrong[0].field}: {wrong[0].words}{more}", "Correct the definition.")

    def _fit(self, criterion: Row, definition: Definition, alone: bool) -> None:
        """Refuse a definition whose answers are of another kind than those its question has."""
        if criterion[3] != definition.output_type.value and not alone:
            raise UsageError(
                f"“{criterion[1]}” is answered as {criterion[3]}, not as {definition.output_type.value}.",
                "Name another criterion, or define another evaluator.",
            )

    def _widen(self, tx: Tx, criterion_id: int, definition: Definition) -> None:
        """Let a question be answered with every label that an evaluator of it may give."""
        known = next((row for row in sql.criteria(tx, self._ws.project.id) if row[0] == criterion_id), None)
        if known is None:
            return
        labels = list(json.loads(known[4])) if known[3] == definition.output_type.value else []
        if definition.output_type is OutputType.CLASSIFICATION:
            labels += [one for one in definition.label_names if one not in labels]
        sql.widen_criterion(tx, self._ws.project.id, criterion_id, definition.output_type.value, labels)
        decisions.touch(tx, self._ws.project.id)


# --- rules of names and numbers ------------------------------------------------------------------------------------


def check_name(name: str) -> str:
    """Return a name as it is kept.

    Raises:
        UsageError: it is empty, too long, or a number alone.
    """
    name = storable(" ".join(name.split()))
    if not 1 <= len(name) <= MOST_NAME:
        raise UsageError(f"An evaluator's name has 1 to {MOST_NAME} characters.")
    if name.isdigit():
        raise UsageError("An evaluator's name cannot be a number alone.", "Numbers are ids.")
    return name


def check_agents(agents: Sequence[str]) -> tuple[str, ...]:
    """Return names of agents without blanks around them and without repetition."""
    return tuple(dict.fromkeys(storable(one.strip()) for one in agents if one.strip()))


def check_sampling(share: float) -> float:
    """Return a share of sessions.

    Raises:
        UsageError: it is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise UsageError("Sampling is a share above 0 and at most 1.", "0.1 scores one session in ten.")
    return float(share)


# --- reading what is kept ------------------------------------------------------------------------------------------


def _definition(document: str) -> Definition | None:
    """Return a definition as it is kept, None of an import that told none."""
    try:
        said = json.loads(document)
        return None if not isinstance(said, dict) or said.get("imported") else Definition.of(said)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _version(row: Row, judged: int) -> EvaluatorVersion:
    try:
        said = json.loads(row[4])
    except ValueError:
        said = {}
    document = said if isinstance(said, dict) else {}
    return EvaluatorVersion(row[1], bool(row[6]), _definition(row[4]), document, row[5], row[7], row[8], judged)


def differences(before: Any, after: Any, field: str = "") -> tuple[Difference, ...]:
    """Return what differs between two documents, by the path of each field; texts of several lines line by line."""
    if before == after:
        return ()
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[Difference] = []
        for name in dict.fromkeys([*before, *after]):
            found += differences(before.get(name), after.get(name), f"{field}.{name}" if field else str(name))
        return tuple(found)
    if isinstance(before, list) and isinstance(after, list) and any(isinstance(one, dict) for one in before + after):
        found = []
        for at in range(max(len(before), len(after))):
            old, new = (side[at] if at < len(side) else None for side in (before, after))
            found += differences(old, new, f"{field}[{at + 1}]")
        return tuple(found)
    first, second = _shown(before), _shown(after)
    lines: tuple[str, ...] = ()
    if "\n" in first or "\n" in second:
        import difflib

        compared = difflib.ndiff(first.split("\n"), second.split("\n"))
        lines = tuple(line for line in compared if not line.startswith("?"))
    return (Difference(field, first, second, lines),)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- agreement -----------------------------------------------------------------------------------------------------


def agreement_of(rows: Sequence[Row]) -> Agreement | None:
    """Return how often verdicts are the people's answer.

    The resolved answer is the adjudicated one, else the unanimous one; where reviewers differ a session is contested.

    Args:
        rows: (session, answer, its source, verdict, passed).
    """
    by_session: dict[int, list[Row]] = {}
    for row in rows:
        by_session.setdefault(row[0], []).append(row)
    agree = n = contested = 0
    for given in by_session.values():
        adjudicated = [row for row in given if row[2] == "adjudicated"]
        resolved = {_answer(row[1]) for row in adjudicated[:1] or given}
        if len(resolved) > 1:
            contested += 1
            continue
        n += 1
        agree += _verdict(given[0], resolved.pop())
    return Agreement(agree, n, contested) if n or contested else None


def _answer(value: str) -> str | bool | float:
    lowered = value.strip().casefold()
    if lowered in _YES - {"1"} or lowered in _NO - {"0"}:
        return lowered in _YES
    try:
        return float(lowered)
    except ValueError:
        return lowered


def _verdict(row: Row, answer: str | bool | float) -> bool:
    """Return whether a verdict is the answer; an answer in words of passing is held against what passed."""
    _, said, _, value, passed = row
    if said.strip().casefold() in ("pass", "fail") and passed is not None:
        return bool(passed) is answer
    given = _answer(value)
    return type(given) is type(answer) and given == answer
