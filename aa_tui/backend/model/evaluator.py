"""What an evaluator is: output types, labels, scales, pass criteria, code rules. Values only; judging is `judging`.

A definition is frozen and hashed: two versions with the same hash ask the same question in the same way. Pass or fail
is decided here, by code, from the pass criteria; a model never decides it (decision 12).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from aa_tui.backend.support.ids import text_hash

Answer = bool | str | int | float | tuple[str, ...]
"""What is said of one session: a boolean (binary), a label or several (classification), a number (score)."""


class Method(StrEnum):
    """How a session is judged."""

    LLM = "llm"
    REGEX = "regex"
    KEYWORD = "keyword"


class OutputType(StrEnum):
    """What kind of answer an evaluator gives."""

    BINARY = "binary"
    CLASSIFICATION = "classification"
    SCORE = "score"


class Target(StrEnum):
    """Which texts of a session a code rule reads."""

    USER = "user"
    AGENT = "agent"
    TOOL_INPUT = "tool_input"
    TOOL_OUTPUT = "tool_output"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Label:
    """One answer of a binary or classification evaluator."""

    label: str
    """For binary evaluators `true` and `false`, described in words."""
    description: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """A named part of a score's range: from `least` up to the next tier."""

    name: str
    least: float


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a score, both ends included."""

    least: float = 0.0
    most: float = 1.0
    integer: bool = False
    tiers: tuple[Tier, ...] = ()

    def tier_of(self, score: float) -> str | None:
        """Return the name of the highest tier a score reaches, or None."""
        reached = [tier for tier in self.tiers if score >= tier.least]
        return max(reached, key=lambda tier: tier.least).name if reached else None


@dataclass(frozen=True, slots=True)
class PassCriteria:
    """Which answers pass. Without any, the evaluator is informational: it neither passes nor fails."""

    value: bool | None = None
    """Binary: the passing value."""
    labels: tuple[str, ...] = ()
    """Classification: the passing labels; of several chosen ones all must be among them."""
    at_least: float | None = None
    at_most: float | None = None
    """Score: either bound, or both."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression of a code evaluator."""

    pattern: str
    label: str = ""
    """Keyword classifiers: the label it counts for. Empty for regex evaluators."""
    ignore_case: bool = True


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model judges, and how it is reached. Keys are never part of it."""

    provider: str
    """Id of the provider registry: `openai`, `anthropic`, `compatible`, `command`…"""
    model: str
    base_url: str = ""
    """Empty: the provider's own address."""
    parameters: tuple[tuple[str, Any], ...] = ()
    """Sampling parameters by name, sorted. Temperature is 0 unless given."""
    window: int | None = None
    """Tokens the model takes in; None: what is known of the model, else a cautious default."""
    concurrency: int | None = None
    """Most calls in flight; None: the engine's default."""
    input_price_nano: int | None = None
    output_price_nano: int | None = None
    """Nano-dollars per 1,000 tokens where a person stated prices; None: the price table's, else unknown."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it, without what is not set."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said["parameters"] = dict(self.parameters)
        return {name: value for name, value in said.items() if value not in (None, "", {})}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ModelChoice:
        """Return the choice a document holds; unknown names are left out.

        Raises:
            KeyError: provider or model is missing.
        """
        known = {one.name for one in fields(cls)} - {"parameters"}
        given = {name: value for name, value in document.items() if name in known}
        parameters = tuple(sorted(dict(document.get("parameters") or {}).items()))
        return cls(**{"provider": document["provider"], "model": document["model"], **given, "parameters": parameters})


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that makes an evaluator's verdicts: what a version freezes."""

    output_type: OutputType
    method: Method = Method.LLM
    prompt: str = ""
    """The question for the judge, with `{{variables}}`; empty for code evaluators."""
    labels: tuple[Label, ...] = ()
    multiple: bool = False
    """Classification: several labels may be chosen."""
    scale: Scale = Scale()
    passing: PassCriteria = PassCriteria()
    patterns: tuple[Pattern, ...] = ()
    target: Target = Target.ANY
    must_match: bool = True
    """Regex: the answer is true when a pattern matches; otherwise when none does."""
    default_label: str = ""
    """Keyword classifiers: the label when nothing matched; empty: no verdict then."""
    model: ModelChoice | None = None
    """None: the project's judge."""
    evidence_required: bool = False
    evidence_from: tuple[str, ...] = ()
    """Roles (`user`, `assistant`, `tool`) that must bear the verdict; quotes of others alone are flagged."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels an answer may take."""
        return tuple(one.label for one in self.labels)

    def decide(self, answer: Answer) -> bool | None:
        """Return whether an answer passes; None when the evaluator is informational."""
        rule = self.passing
        if self.output_type is OutputType.BINARY:
            return None if rule.value is None else answer is rule.value
        if self.output_type is OutputType.CLASSIFICATION:
            chosen = answer if isinstance(answer, tuple) else (str(answer),)
            return all(one in rule.labels for one in chosen) if rule.labels else None
        if rule.at_least is None and rule.at_most is None:
            return None
        score = float(answer)  # type: ignore[arg-type]
        return (rule.at_least is None or score >= rule.at_least) and (rule.at_most is None or score <= rule.at_most)

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it: every field, in one order."""
        return {
            "output_type": str(self.output_type),
            "method": str(self.method),
            "prompt": self.prompt,
            "labels": [
                {"label": one.label, "description": one.description, "examples": list(one.examples)}
                for one in self.labels
            ],
            "multiple": self.multiple,
            "scale": {
                "least": self.scale.least,
                "most": self.scale.most,
                "integer": self.scale.integer,
                "tiers": [{"name": tier.name, "least": tier.least} for tier in self.scale.tiers],
            },
            "passing": {
                "value": self.passing.value,
                "labels": list(self.passing.labels),
                "at_least": self.passing.at_least,
                "at_most": self.passing.at_most,
            },
            "patterns": [
                {"pattern": one.pattern, "label": one.label, "ignore_case": one.ignore_case} for one in self.patterns
            ],
            "target": str(self.target),
            "must_match": self.must_match,
            "default_label": self.default_label,
            "model": None if self.model is None else self.model.document(),
            "evidence_required": self.evidence_required,
            "evidence_from": list(self.evidence_from),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Definition:
        """Return the definition a stored document holds; what is missing has its default.

        Raises:
            ValueError: a value is none of its kind.
            KeyError: the output type is missing.
        """
        scale, passing = document.get("scale") or {}, document.get("passing") or {}
        model = document.get("model")
        return cls(
            output_type=OutputType(_output_type(document["output_type"])),
            method=Method(document.get("method", Method.LLM)),
            prompt=str(document.get("prompt", "")),
            labels=tuple(
                Label(str(one["label"]), str(one.get("description", "")), tuple(map(str, one.get("examples", ()))))
                for one in document.get("labels", ())
            ),
            multiple=bool(document.get("multiple", False)),
            scale=Scale(
                float(scale.get("least", 0.0)),
                float(scale.get("most", 1.0)),
                bool(scale.get("integer", False)),
                tuple(Tier(str(tier["name"]), float(tier["least"])) for tier in scale.get("tiers", ())),
            ),
            passing=PassCriteria(
                passing.get("value"),
                tuple(map(str, passing.get("labels", ()))),
                passing.get("at_least"),
                passing.get("at_most"),
            ),
            patterns=tuple(
                Pattern(str(one["pattern"]), str(one.get("label", "")), bool(one.get("ignore_case", True)))
                for one in document.get("patterns", ())
            ),
            target=Target(document.get("target", Target.ANY)),
            must_match=bool(document.get("must_match", True)),
            default_label=str(document.get("default_label", "")),
            model=ModelChoice.of(model) if isinstance(model, Mapping) else None,
            evidence_required=bool(document.get("evidence_required", False)),
            evidence_from=tuple(map(str, document.get("evidence_from", ()))),
        )

    @property
    def hash(self) -> str:
        """A hash of everything above: equal hashes judge alike."""
        return text_hash(json.dumps(self.document(), sort_keys=True, ensure_ascii=False))


def _output_type(name: str) -> str:
    """Public interfaces of the field also say `categorical`."""
    return OutputType.CLASSIFICATION if name == "categorical" else name
