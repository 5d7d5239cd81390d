"""What people see of evaluators: lists, versions, rates by week, differences, what came of trying one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aa_tui.backend.model.evaluator import Definition
from aa_tui.backend.model.judgement import Judgement


class WeekRate(NamedTuple):
    """Verdicts on the sessions of one week. Errors are no verdicts."""

    week_ms: int
    """Its Monday, UTC."""
    passed: int
    decided: int
    """Verdicts that pass or fail."""
    verdicts: int
    """With the informational ones."""
    errors: int

    @property
    def rate(self) -> float | None:
        """Share that passes, None without any."""
        return self.passed / self.decided if self.decided else None


class Agreement(NamedTuple):
    """Current verdicts beside what people answered."""

    agree: int
    n: int
    """Sessions with a verdict and a resolved answer."""
    contested: int
    """Sessions whose reviewers do not agree: in no rate."""

    @property
    def rate(self) -> float | None:
        """Share in which the verdict is the people's answer."""
        return self.agree / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class EvaluatorRow:
    """One line of the list of evaluators."""

    id: int
    name: str
    criterion_id: int
    criterion: str
    state: str
    """`inactive`, `active` or `archived`."""
    method: str
    output_type: str
    version: int
    """The version that scores; of one that is not active the newest frozen one."""
    draft: int | None
    """The number of the draft, where there is one."""
    imported: bool
    """Its results were given elsewhere; there is no definition to judge by."""
    agents: tuple[str, ...]
    """Root agents it is for; empty: all."""
    sampling: float
    """Share of newly closed sessions it scores."""
    model: str
    """`provider: model` of its own; empty: the project's judge, or no model at all."""
    weeks: tuple[WeekRate, ...]
    """Of the last weeks in which it judged, oldest first; weeks without a result are left out."""
    agreement: Agreement | None
    """None without answers."""
    last_judged_ms: int | None
    activated_ms: int | None
    created_ms: int
    created_by: str
    stamp: int
    """Rises with every change: give it back with a change to be told of one that somebody else made meanwhile."""

    @property
    def passed(self) -> int:
        """Verdicts of these weeks that pass."""
        return sum(week.passed for week in self.weeks)

    @property
    def decided(self) -> int:
        """Verdicts of these weeks that pass or fail: the n of the pass rate."""
        return sum(week.decided for week in self.weeks)

    @property
    def verdicts(self) -> int:
        """Verdicts of these weeks."""
        return sum(week.verdicts for week in self.weeks)

    @property
    def errors(self) -> int:
        """Sessions of these weeks that there is an error of instead of a verdict."""
        return sum(week.errors for week in self.weeks)

    @property
    def pass_rate(self) -> float | None:
        """Share that passes; None without pass criteria or verdicts."""
        return self.passed / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class EvaluatorVersion:
    """One version: frozen, or the draft."""

    no: int
    draft: bool
    definition: Definition | None
    """None of an import that told no definition."""
    document: Mapping[str, Any]
    """As it is kept."""
    hash: str
    created_ms: int
    created_by: str
    judged: int
    """Results it has."""


@dataclass(frozen=True, slots=True)
class EvaluatorDetail:
    """One evaluator with all its versions, newest first."""

    row: EvaluatorRow
    versions: tuple[EvaluatorVersion, ...]

    def version(self, no: int | None = None) -> EvaluatorVersion | None:
        """Return a version by number; without one, that which scores."""
        wanted = self.row.version if no is None else no
        return next((one for one in self.versions if one.no == wanted), None)

    @property
    def definition(self) -> Definition | None:
        """What scores, or would if it were active."""
        found = self.version()
        return found.definition if found is not None else None

    @property
    def draft(self) -> EvaluatorVersion | None:
        """The draft, where there is one."""
        return next((one for one in self.versions if one.draft), None)


class Difference(NamedTuple):
    """One field that differs between two versions."""

    field: str
    before: str
    after: str
    lines: tuple[str, ...]
    """Of a text of several lines: those of both, each after `- `, `+ ` or two blanks. Empty for short values."""


class CriterionRow(NamedTuple):
    """A question that people answer and evaluators judge."""

    id: int
    name: str
    question: str
    output_type: str
    labels: tuple[str, ...]
    answers: int
    evaluators: int


@dataclass(frozen=True, slots=True)
class TryResult:
    """What came of trying a definition on a session: the prompt as sent, the raw reply and everything read from it."""

    session_id: int
    session_key: str
    judgement: Judgement
    local: bool = False
    """A server of this machine, or code: free."""
