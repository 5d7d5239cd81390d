"""What is wrong with an evaluator's definition, and what could be better, while it is being written. Stores nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aa_tui.backend.judging.patterns import BadPattern, compiled
from aa_tui.backend.judging.prompt import VARIABLE, VARIABLES
from aa_tui.backend.judging.templates import TEMPLATES, Template
from aa_tui.backend.model.evaluator import Definition, Label, Method, OutputType

__all__ = ["TEMPLATES", "Problem", "Template", "problems"]

LONGEST_PROMPT = 20_000
"""Characters."""
SHORTEST_PROMPT = 20
"""Characters; a shorter question leaves a judge to guess."""
MOST_LABELS = 50
LONGEST_LABEL = 100
ROLES = ("user", "assistant", "tool")
"""Roles that evidence may be asked from."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about a definition."""

    field: str
    """Name of the definition's field: `prompt`, `labels`, `patterns`…"""
    words: str
    """What is wrong, or what would be better; one sentence without a full stop."""
    severity: Literal["error", "advice"]
    """A definition with an error cannot be saved; advice is for its author to judge."""


def problems(definition: Definition) -> tuple[Problem, ...]:
    """Return everything that is wrong or could be better, errors first; cheap enough for every keystroke."""
    found = [
        *_question(definition),
        *_labels(definition),
        *_scale(definition),
        *_passing(definition),
        *_patterns(definition),
        *_evidence(definition),
        *_model(definition),
    ]
    return tuple(sorted(found, key=lambda one: one.severity != "error"))


def _error(name: str, words: str) -> Problem:
    return Problem(name, words, "error")


def _advice(name: str, words: str) -> Problem:
    return Problem(name, words, "advice")


def _question(definition: Definition) -> Iterator[Problem]:
    if definition.method is not Method.LLM:
        if definition.prompt.strip():
            yield _advice("prompt", "the prompt is not used: this evaluator is judged by patterns")
        return
    prompt = definition.prompt.strip()
    if not prompt:
        yield _error("prompt", "the prompt is empty")
        return
    if len(prompt) > LONGEST_PROMPT:
        yield _error("prompt", f"the prompt has {len(prompt):,} characters; at most {LONGEST_PROMPT:,} are allowed")
    if len(prompt) < SHORTEST_PROMPT:
        yield _advice("prompt", "the prompt is very short: say what counts and what does not")
    named = list(dict.fromkeys(VARIABLE.findall(prompt)))
    for name in named:
        if name.lower() not in VARIABLES:
            known = ", ".join(f"{{{{{one}}}}}" for one in VARIABLES)
            yield _error("prompt", f"there is no variable {{{{{name}}}}}; there are {known}")
    rest = VARIABLE.sub("", prompt)
    if "{{" in rest or "}}" in rest:
        yield _error("prompt", "a variable is not written as {{name}}")
    if definition.output_type is not OutputType.BINARY:
        yield _advice("output_type", "start with binary, it calibrates best")


def _labels(definition: Definition) -> Iterator[Problem]:
    labels = definition.labels
    if definition.output_type is OutputType.BINARY:
        if definition.method is not Method.LLM:
            return
        if any(one.label not in ("true", "false") for one in labels):
            yield _error("labels", "the labels of a binary evaluator are true and false")
        elif {one.label for one in labels if one.description.strip()} != {"true", "false"}:
            yield _advice("labels", "describe what true and what false mean")
        yield from _twice(labels)
        return
    if definition.output_type is OutputType.SCORE:
        if labels:
            yield _error("labels", "a score has no labels; name the parts of its range as tiers")
        return
    names = [one.label for one in labels]
    if len(names) < 3:
        yield _error("labels", "a classification needs three or more labels; for two outcomes use binary")
    if len(names) > MOST_LABELS:
        yield _error("labels", f"a classification has at most {MOST_LABELS} labels")
    if any(not name.strip() for name in names):
        yield _error("labels", "a label is empty")
    for one in labels:
        if one.label != one.label.strip() or "\n" in one.label or len(one.label) > LONGEST_LABEL:
            yield _error("labels", f'"{one.label[:40]}" must be one line of at most {LONGEST_LABEL} characters')
        if definition.method is not Method.LLM or not one.label.strip():
            continue
        if not one.description.strip():
            yield _error("labels", f'"{one.label}" has no description')
        if not any(example.strip() for example in one.examples):
            yield _error("labels", f'"{one.label}" has no example')
    yield from _twice(labels)


def _twice(labels: tuple[Label, ...]) -> Iterator[Problem]:
    """Labels that a reader, or the repair of a reply, cannot tell apart."""
    folded = Counter(one.label.strip().lower().replace("-", "_").replace(" ", "_") for one in labels)
    for one in dict.fromkeys(label for label, count in folded.items() if count > 1 and label):
        yield _error("labels", f'"{one}" stands twice; labels must differ in more than case, spaces and hyphens')


def _scale(definition: Definition) -> Iterator[Problem]:
    if definition.output_type is not OutputType.SCORE:
        return
    scale = definition.scale
    if not (math.isfinite(scale.least) and math.isfinite(scale.most)):
        yield _error("scale", "both ends of the range must be finite numbers")
        return
    if scale.least >= scale.most:
        yield _error("scale", "the range must begin below its end")
        return
    if scale.integer and (scale.least != int(scale.least) or scale.most != int(scale.most)):
        yield _error("scale", "the ends of a whole-number range must be whole numbers")
    names = [tier.name.strip() for tier in scale.tiers]
    if any(not name for name in names) or len(set(names)) < len(names):
        yield _error("scale", "every tier needs a name of its own")
    starts = [tier.least for tier in scale.tiers]
    if len(set(starts)) < len(starts):
        yield _error("scale", "two tiers begin at the same score")
    if any(not scale.least <= start <= scale.most for start in starts):
        yield _error("scale", f"every tier must begin from {scale.least:g} to {scale.most:g}")
    elif starts and min(starts) > scale.least:
        yield _advice("scale", f"scores below {min(starts):g} belong to no tier")
    if not scale.tiers and definition.method is Method.LLM:
        yield _advice("scale", "name the tiers of the range, so that two judges mean the same by a number")


def _passing(definition: Definition) -> Iterator[Problem]:
    rule = definition.passing
    bounds = (rule.at_least, rule.at_most)
    kind = definition.output_type
    used = {OutputType.BINARY: "value", OutputType.CLASSIFICATION: "labels", OutputType.SCORE: "bounds"}[kind]
    given = {"value": rule.value is not None, "labels": bool(rule.labels), "bounds": bounds != (None, None)}
    for name, is_given in given.items():
        if is_given and name != used:
            said = {"value": "a passing value", "labels": "passing labels", "bounds": "a passing score"}[name]
            yield _error("passing", f"{said} means nothing for {kind}")
    if not given[used]:
        yield _advice("passing", "without pass criteria the evaluator is informational: nothing passes or fails")
        return
    if kind is OutputType.CLASSIFICATION:
        names = definition.label_names
        for label in rule.labels:
            if label not in names:
                yield _error("passing", f'the passing label "{label}" is none of the labels')
        if names and set(names) <= set(rule.labels):
            yield _advice("passing", "every label passes, so nothing can fail")
    if kind is OutputType.SCORE:
        yield from _bounds(definition)


def _bounds(definition: Definition) -> Iterator[Problem]:
    scale, rule = definition.scale, definition.passing
    for bound in (rule.at_least, rule.at_most):
        if bound is not None and not (math.isfinite(bound) and scale.least <= bound <= scale.most):
            yield _error("passing", f"the passing score must lie from {scale.least:g} to {scale.most:g}")
    if rule.at_least is not None and rule.at_most is not None and rule.at_least > rule.at_most:
        yield _error("passing", "no score is at least and at most that")
    if (rule.at_least in (None, scale.least)) and (rule.at_most in (None, scale.most)):
        yield _advice("passing", "every score passes, so nothing can fail")


def _patterns(definition: Definition) -> Iterator[Problem]:
    if definition.method is Method.LLM:
        if definition.patterns:
            yield _error("patterns", "an evaluator judged by a model has no patterns")
        return
    if definition.method is Method.REGEX and definition.output_type is not OutputType.BINARY:
        yield _error("output_type", "a regex evaluator is binary: it matches or it does not")
    if definition.method is Method.KEYWORD and definition.output_type is not OutputType.CLASSIFICATION:
        yield _error("output_type", "a keyword classifier is a classification")
    if not definition.patterns:
        yield _error("patterns", "there is no pattern")
    for number, one in enumerate(definition.patterns, 1):
        which = "the pattern" if len(definition.patterns) == 1 else f"pattern {number}"
        try:
            found = compiled(one)
        except BadPattern as bad:
            yield _error("patterns", str(bad).replace("the pattern", which, 1))
            continue
        if found.fullmatch("") is not None:
            yield _advice("patterns", f"{which} also matches nothing at all, so it matches everywhere")
    if definition.method is Method.KEYWORD:
        yield from _keywords(definition)


def _keywords(definition: Definition) -> Iterator[Problem]:
    names = definition.label_names
    strangers = [one.label for one in definition.patterns if one.label not in names]
    for label in dict.fromkeys(strangers):
        yield _error("patterns", f'"{label}" of a pattern is none of the labels' if label else "a pattern has no label")
    with_patterns = {one.label for one in definition.patterns} | {definition.default_label}
    for name in names:
        if name not in with_patterns:
            yield _error("patterns", f'no pattern leads to "{name}"')
    if not definition.default_label:
        yield _advice("default_label", "without a default label, sessions with none of the keywords get no verdict")
    elif definition.default_label not in names:
        yield _error("default_label", f'the default label "{definition.default_label}" is none of the labels')


def _evidence(definition: Definition) -> Iterator[Problem]:
    if definition.method is not Method.LLM:
        return
    for role in definition.evidence_from:
        if role not in ROLES:
            yield _error("evidence_from", f'evidence cannot be asked from "{role}"; there are {", ".join(ROLES)}')
    if "assistant" in definition.evidence_from and len(definition.evidence_from) == 1:
        yield _advice("evidence_from", "what an agent says of itself proves little; ask for user or tool evidence")


def _model(definition: Definition) -> Iterator[Problem]:
    choice = definition.model
    if definition.method is not Method.LLM or choice is None:
        return
    if not choice.provider.strip() or not choice.model.strip():
        yield _error("model", "a model is named by its provider and its name")
    for name in ("window", "concurrency"):
        value = getattr(choice, name)
        if value is not None and value < 1:
            yield _error("model", f"the {name} must be at least 1")
