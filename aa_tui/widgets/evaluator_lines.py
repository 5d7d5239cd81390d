"""Lines about one evaluator: how it stands, what its definition says, its versions, what differs between two. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.evaluator import Definition, Method, OutputType
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad
from aa_tui.widgets.evaluator_columns import (
    KINDS,
    METHODS,
    agents_words,
    agreement_words,
    kind_words,
    state_words,
    trend,
)
from aa_tui.widgets.fact_lines import block, fact, heading, stored
from aa_tui.widgets.field_page import Row, keyed

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import Difference, EvaluatorDetail, EvaluatorRow, EvaluatorVersion
    from aa_tui.widgets.role_lines import Line

_ROLES = {"muted": "dim", "unknown": "unknown"}
_PATTERNS_SHOWN = 12


def how_it_stands(row: EvaluatorRow, zone: str, width: int) -> list[Line]:
    """Return state, rates and agreement of an evaluator."""
    state, meaning = state_words(row)
    kind, by = kind_words(row)
    since = f" since {humanize.full_moment(row.activated_ms, zone)}" if row.state == "active" else ""
    lines = fact("state", f"{state}{since}", width, _ROLES.get(meaning, meaning))
    judged = f"{humanize.share(row.pass_rate)} of {humanize.plural(row.decided, 'verdict')}"
    if row.errors:
        judged += f", {humanize.plural(row.errors, 'error')} apart"
    if not row.decided:
        judged = f"{humanize.UNKNOWN} no verdict that passes or fails yet"
        if row.verdicts:
            judged = (
                f"{humanize.UNKNOWN} informational: {humanize.plural(row.verdicts, 'verdict')}, none passes or fails"
            )
    lines += fact("pass, 12 weeks", judged, width)
    bars = trend(row.weeks, 12)
    if bars.strip():
        lines.append([(" " + pad("by week", 20), "label"), (bars, "accent")])
    agreement = agreement_words(row)
    if row.agreement is None:
        agreement += " nobody has answered the same question yet"
    elif row.agreement.contested:
        agreement += f", {humanize.count(row.agreement.contested)} contested apart"
    lines += fact("agreement", agreement, width)
    lines += fact("question", stored(row.criterion), width)
    lines += fact("answer", f"{kind} by {by}", width)
    lines += fact("agents", agents_words(row), width)
    lines += fact("sampling", f"{humanize.share(row.sampling)} of newly closed sessions", width)
    lines += fact("last judged", humanize.full_moment(row.last_judged_ms, zone), width)
    return lines


def passing_words(definition: Definition) -> str:
    """Return which answers pass."""
    rule = definition.passing
    if definition.output_type is OutputType.BINARY:
        return "nothing: informational" if rule.value is None else "yes (true)" if rule.value else "no (false)"
    if definition.output_type is OutputType.CLASSIFICATION:
        return ", ".join(stored(one) for one in rule.labels) or "nothing: informational"
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("at least", rule.at_least), ("at most", rule.at_most))
        if bound is not None
    ]
    return " and ".join(bounds) or "nothing: informational"


def model_words(definition: Definition) -> str:
    """Return which model judges."""
    if definition.method is not Method.LLM:
        return f"none: {METHODS[definition.method]}, free"
    choice = definition.model
    return "the project's judge" if choice is None else f"{stored(choice.provider)}: {stored(choice.model)}"


def evidence_words(definition: Definition) -> str:
    """Return what is asked of evidence."""
    if not definition.evidence_required:
        return "not required"
    of = " or ".join(stored(one) for one in definition.evidence_from)
    return f"required, of {of}" if of else "required"


def definition_lines(definition: Definition, width: int) -> list[Line]:
    """Return everything a definition says."""
    kind = KINDS[definition.output_type]
    if definition.output_type is OutputType.SCORE:
        scale = definition.scale
        kind += f" from {scale.least:g} to {scale.most:g}{', whole numbers' if scale.integer else ''}"
    elif definition.multiple:
        kind += ", several may be chosen"
    lines = fact("answer", f"{kind} by {METHODS[definition.method]}", width)
    lines += fact("passes", passing_words(definition), width)
    lines += fact("model", model_words(definition), width)
    if definition.method is Method.LLM:
        lines += fact("evidence", evidence_words(definition), width)
        lines += [[(" prompt", "label")], *block(definition.prompt, 3, width, "text")]
    for label in definition.labels:
        lines += label_lines(label.label, label.description, label.examples, width)
    for tier in definition.scale.tiers if definition.output_type is OutputType.SCORE else ():
        lines.append(
            [(" " + pad(f"tier from {tier.least:g}", 20), "label"), (clip(stored(tier.name), width - 22), "text")]
        )
    if definition.patterns:
        lines += fact("reads", definition.target.value.replace("_", " "), width)
        if definition.method is Method.REGEX:
            lines += fact("true when", "a pattern matches" if definition.must_match else "no pattern matches", width)
        elif definition.default_label:
            lines += fact("otherwise", stored(definition.default_label), width)
        for one in definition.patterns[:_PATTERNS_SHOWN]:
            case = "" if one.ignore_case else "  case matters"
            lines += fact(stored(one.label) or "pattern", stored(one.pattern) + case, width, "tool")
        more = len(definition.patterns) - _PATTERNS_SHOWN
        if more > 0:
            lines += fact("", f"and {more} more", width, "dim")
    return lines


def label_lines(label: str, description: str, examples: Sequence[str], width: int) -> list[Line]:
    """Return a label with what it means and its examples."""
    lines = fact(
        stored(label) or "(no name)", stored(description) or "not described", width, "text" if description else "dim"
    )
    for example in examples:
        lines += [
            [(" " * 21 + ("for example " if not n else "            "), "label"), (row[1][0], "dim")]
            for n, row in enumerate(block(stored(example), 0, max(width - 33, 24), "dim"))
        ]
    return lines


def version_line(one: EvaluatorVersion, scoring: int | None, zone: str, width: int) -> Line:
    """Return one version in one line: number, what it is, when, by whom, hash, results."""
    what = ("draft", "warn") if one.draft else ("scores", "good") if one.no == scoring else ("", "dim")
    when = humanize.full_moment(one.created_ms, zone)[:16]
    judged = humanize.plural(one.judged, "result") if one.judged else "no result"
    return [
        (f"  v{one.no:<4}", "text"),
        (pad(what[0], 8), what[1]),
        (f"{when}  ", "dim"),
        (pad(stored(one.created_by), 14), "text"),
        (f" {stored(one.hash)[:10]:<12}", "dim"),
        (clip(judged, max(0, width - 62)), "dim"),
    ]


def page_rows(detail: EvaluatorDetail, zone: str, open_version: int | None, width: int) -> list[Row]:
    """Return the page of an evaluator: how it stands, what scores, and its versions, the opened one in full."""
    row = detail.row
    rows = keyed(how_it_stands(row, zone, width))
    rows += keyed(heading(f"Versions, newest first   enter shows one, {glyphs.get('cursor')} and = compares"))
    scoring = row.version if row.state == "active" else None
    shown = row.version if open_version is None else open_version
    for one in detail.versions:
        key = f"v{one.no}"
        rows.append(Row(version_line(one, scoring, zone, width), key))
        if one.no == shown:
            if one.definition is None:
                rows += keyed(fact("", "imported: whoever judged told no definition", width, "dim"))
            else:
                rows += keyed([[("", "text")], *definition_lines(one.definition, width), [("", "text")]])
    return rows


def diff_rows(differences: Sequence[Difference], width: int) -> list[Row]:
    """Return what differs, field by field: what was in the colour of what is wrong, what is in that of what is right,
    and a sign for who sees no colour."""
    rows: list[Row] = []
    for one in differences:
        rows += keyed(heading(stored(one.field).replace("_", " ")))
        lines = one.lines or [
            *(f"- {line}" for line in [one.before] if line),
            *(f"+ {line}" for line in [one.after] if line),
        ]
        for line in lines:
            role = {"- ": "bad", "+ ": "good"}.get(line[:2], "dim")
            sign, text = line[:2], line[2:]
            for n, wrapped in enumerate(block(text, 0, max(width - 4, 20), role)):
                rows.append(Row([(f"  {sign if not n else '  '}", role), *wrapped[1:]]))
    if not differences:
        rows += keyed([[("", "text")], [("  They are the same.", "dim")]])
    return rows
