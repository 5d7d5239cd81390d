"""The fields of an evaluator as lines, with what is wrong beside each. Pure: what a key does is `fields`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.evaluator import Method, OutputType
from aa_tui.backend.support import humanize
from aa_tui.screens.evaluators.draft import Draft
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import wrap
from aa_tui.widgets.evaluator_columns import KINDS, METHODS
from aa_tui.widgets.evaluator_lines import evidence_words, label_lines, model_words, passing_words
from aa_tui.widgets.fact_lines import LABEL_CELLS, block, fact, heading, stored
from aa_tui.widgets.field_page import Row, keyed

if TYPE_CHECKING:
    from aa_tui.backend.judging.definitions import Problem

_PROMPT_ROWS = 5


def form_rows(draft: Draft, problems: Sequence[Problem], new: bool, wide: bool, width: int) -> list[Row]:
    """Return the fields; the whole prompt stands beside them where it is `wide`."""
    definition = draft.definition
    by_field: dict[str, list[Problem]] = {}
    for one in problems:
        by_field.setdefault(one.field, []).append(one)
    used: set[str] = set()

    def said(name: str) -> list[Row]:
        """What is wrong with a field, under it."""
        used.add(name)
        rows: list[Row] = []
        for one in by_field.get(name, ()):
            bad = one.severity == "error"
            sign = glyphs.get("fail" if bad else "bullet")
            for n, line in enumerate(wrap(stored(one.words), max(20, width - LABEL_CELLS - 5))):
                text = f"{' ' * (LABEL_CELLS + 1)}{sign if not n else ' '} {line}"
                rows.append(Row([(text, "bad" if bad else "dim")]))
        return rows

    kind = f"{KINDS[definition.output_type]} by {METHODS[definition.method]}"
    if definition.multiple:
        kind += ", several labels may be chosen"
    rows = keyed(fact("name", stored(draft.name) or "(not named)", width, "title" if draft.name else "bad"), "name")
    if new:
        own = "a question of its own, under its name"
        rows += keyed(
            fact("question", stored(draft.criterion) or own, width, "text" if draft.criterion else "dim"), "criterion"
        )
    else:
        rows += keyed(fact("question", stored(draft.criterion), width, "dim"))
    rows += keyed(fact("answer", kind, width), "kind")
    rows += said("output_type")
    if definition.method is Method.LLM:
        rows += _prompt(definition.prompt, wide, width)
        rows += said("prompt")
    if definition.output_type is not OutputType.SCORE and (definition.labels or definition.method is not Method.REGEX):
        for at, label in enumerate(definition.labels):
            rows += keyed(label_lines(label.label, label.description, label.examples, width), f"label:{at}")
        if definition.output_type is OutputType.CLASSIFICATION:
            rows += keyed(fact("", "add a label", width, "accent"), "label:+")
        rows += said("labels")
    if definition.output_type is OutputType.SCORE:
        scale = definition.scale
        whole = ", whole numbers" if scale.integer else ""
        rows += keyed(fact("range", f"{scale.least:g} to {scale.most:g}{whole}", width), "scale")
        for at, tier in enumerate(scale.tiers):
            rows += keyed(fact(f"  from {tier.least:g}", stored(tier.name), width), f"tier:{at}")
        rows += keyed(fact("", "name a part of the range", width, "accent"), "tier:+")
        rows += said("scale")
    if definition.method is not Method.LLM:
        rows += _patterns(draft, width)
        rows += [*said("patterns"), *said("default_label")]
    rows += keyed(fact("passes", passing_words(definition), width), "passing")
    rows += said("passing")
    if definition.method is Method.LLM:
        rows += keyed(fact("evidence", evidence_words(definition), width), "evidence")
        rows += said("evidence_from")
        rows += keyed(fact("model", model_words(definition), width), "model")
        rows += said("model")
    rows += keyed(heading("Once it is active"))
    agents = ", ".join(stored(one) for one in draft.agents) or "all"
    rows += keyed(fact("agents", agents, width), "agents")
    rows += keyed(fact("sampling", f"{humanize.share(draft.sampling)} of newly closed sessions", width), "sampling")
    for name in by_field:
        if name not in used:
            rows += said(name)
    return rows


def _prompt(prompt: str, wide: bool, width: int) -> list[Row]:
    count = f"{len(prompt):,} characters"
    if wide:
        return keyed(fact("prompt", f"{count}, at the right", width, "dim"), "prompt")
    rows = keyed(
        fact("prompt", f"{count}; enter writes" if prompt.strip() else "(empty) enter writes", width, "dim"), "prompt"
    )
    lines = block(prompt.strip(), 3, width, "text") if prompt.strip() else []
    rows += keyed(lines[:_PROMPT_ROWS], "prompt")
    if len(lines) > _PROMPT_ROWS:
        rows += keyed([[(f"   {glyphs.get('ellipsis')} {len(lines) - _PROMPT_ROWS} more lines", "dim")]], "prompt")
    return rows


def _patterns(draft: Draft, width: int) -> list[Row]:
    definition = draft.definition
    rows = keyed(fact("reads", definition.target.value.replace("_", " "), width), "target")
    if definition.method is Method.REGEX:
        words = "a pattern matches" if definition.must_match else "no pattern matches"
        rows += keyed(fact("yes (true) when", words, width), "must_match")
    for at, one in enumerate(definition.patterns):
        case = "" if one.ignore_case else "   (case matters)"
        label = stored(one.label) or (f"pattern {at + 1}" if definition.method is Method.REGEX else "(no label)")
        rows += keyed(fact(label, stored(one.pattern) + case, width, "tool"), f"pattern:{at}")
    rows += keyed(fact("", "add a pattern", width, "accent"), "pattern:+")
    if definition.method is Method.KEYWORD:
        rows += keyed(fact("otherwise", stored(definition.default_label) or "no verdict", width), "default_label")
    return rows
