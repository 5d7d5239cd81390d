"""What stands in the editor of an evaluator, as a value: with a beginning for each starter, and changes. No screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.evaluator import (
    Definition,
    Label,
    Method,
    OutputType,
    PassCriteria,
    Pattern,
    Scale,
    Target,
    Tier,
)

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import EvaluatorDetail

_YES_NO = (Label("true"), Label("false"))


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a person can say of an evaluator."""

    name: str
    definition: Definition
    criterion: str = ""
    """The question it judges, where it is new; empty: one of its own name."""
    agents: tuple[str, ...] = ()
    sampling: float = 1.0

    def to_text(self) -> str:
        """Return it as text that `of_text` reads."""
        return json.dumps(
            {
                "name": self.name,
                "criterion": self.criterion,
                "agents": list(self.agents),
                "sampling": self.sampling,
                "definition": self.definition.document(),
            },
            ensure_ascii=False,
        )

    @classmethod
    def of_text(cls, text: str) -> Draft | None:
        """Return what a text holds, or None where it is none of ours."""
        try:
            said: dict[str, Any] = json.loads(text)
            return cls(
                str(said["name"]),
                Definition.of(said["definition"]),
                str(said["criterion"]),
                tuple(map(str, said["agents"])),
                float(said["sampling"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def define(self, **changes: Any) -> Draft:
        """Return it with something of its definition changed."""
        return replace(self, definition=replace(self.definition, **changes))


def of_detail(detail: EvaluatorDetail) -> Draft:
    """Return what is saved of an evaluator: its draft, else what scores; an import's begins empty."""
    row, kept = detail.row, detail.draft or detail.version()
    definition = kept.definition if kept is not None else None
    kind = OutputType(row.output_type) if row.output_type in tuple(OutputType) else OutputType.BINARY
    return Draft(row.name, definition or empty(kind), row.criterion, row.agents, row.sampling)


def empty(kind: OutputType = OutputType.BINARY, method: Method = Method.LLM) -> Definition:
    """Return a definition of a kind with nothing said yet."""
    definition = Definition(kind, method)
    if kind is OutputType.BINARY:
        labels = _YES_NO if method is Method.LLM else ()
        return replace(definition, labels=labels, passing=PassCriteria(value=True))
    if kind is OutputType.SCORE:
        return replace(definition, scale=Scale(1, 5, True), passing=PassCriteria(at_least=4))
    return definition


def beginning(name: str, templates: Sequence[Any]) -> Draft:
    """Return what a new evaluator begins with: a starter by its id, or an empty kind."""
    found = next((one for one in templates if one.id == name), None)
    if found is not None:
        return Draft(found.id, found.definition)
    return Draft(
        "",
        {
            "labels": empty(OutputType.CLASSIFICATION),
            "score": empty(OutputType.SCORE),
            "regex": empty(OutputType.BINARY, Method.REGEX),
        }.get(name, empty()),
    )


def change_kind(definition: Definition, kind: OutputType, method: Method) -> Definition:
    """Return a definition that asks for another kind of answer; what still has a meaning stays."""
    changed = replace(definition, output_type=kind, method=method)
    fresh = empty(kind, method)
    if kind is not definition.output_type:
        changed = replace(changed, passing=fresh.passing, multiple=False)
        changed = replace(changed, labels=fresh.labels, scale=fresh.scale)
    if kind is OutputType.BINARY and method is not Method.LLM:
        changed = replace(changed, labels=())
    elif kind is OutputType.BINARY and not changed.labels:
        changed = replace(changed, labels=_YES_NO)
    if method is Method.LLM:
        return replace(changed, patterns=(), target=Target.ANY, must_match=True, default_label="")
    return replace(changed, model=None, evidence_required=False, evidence_from=())


# --- one thing of several ------------------------------------------------------------------------------------------


def with_label(definition: Definition, at: int, label: Label) -> Definition:
    """Return it with one label replaced, or added where there is none yet; a renamed one keeps passing and patterns."""
    labels = [*definition.labels]
    if at >= len(labels):
        return replace(definition, labels=(*labels, label))
    before, labels[at] = labels[at].label, label
    passing = definition.passing
    if before in passing.labels:
        renamed = tuple(label.label if one == before else one for one in passing.labels)
        passing = replace(passing, labels=renamed)
    patterns = tuple(
        replace(one, label=label.label) if one.label == before and before else one for one in definition.patterns
    )
    default = label.label if definition.default_label == before and before else definition.default_label
    return replace(definition, labels=tuple(labels), passing=passing, patterns=patterns, default_label=default)


def without(definition: Definition, what: str, at: int) -> Definition:
    """Return it without one label, tier or pattern."""
    if what == "label":
        gone = definition.labels[at].label
        passing = replace(definition.passing, labels=tuple(one for one in definition.passing.labels if one != gone))
        return replace(definition, labels=_less(definition.labels, at), passing=passing)
    if what == "tier":
        return replace(definition, scale=replace(definition.scale, tiers=_less(definition.scale.tiers, at)))
    return replace(definition, patterns=_less(definition.patterns, at))


def _less(things: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    return (*things[:at], *things[at + 1 :])


def with_tier(definition: Definition, at: int, tier: Tier) -> Definition:
    """Return it with one tier replaced or added, in the order of their scores."""
    tiers = [*definition.scale.tiers]
    tiers[at : at + 1] = [tier]
    ordered = tuple(sorted(tiers, key=lambda one: one.least))
    return replace(definition, scale=replace(definition.scale, tiers=ordered))


def with_pattern(definition: Definition, at: int, pattern: Pattern) -> Definition:
    """Return it with one pattern replaced or added."""
    patterns = [*definition.patterns]
    patterns[at : at + 1] = [pattern]
    return replace(definition, patterns=tuple(patterns))
