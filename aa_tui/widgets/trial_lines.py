"""What came of trying an evaluator as lines: where texts would go, what it takes, then all that each verdict rests on.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.judgement import Judgement, Quote
from aa_tui.backend.model.judgement_words import error_words, flag_words
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, width_of
from aa_tui.widgets.fact_lines import block, stored
from aa_tui.widgets.field_page import Row, keyed

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import TryResult
    from aa_tui.widgets.role_lines import Line

_INDENT = 4


def answer_words(judgement: Judgement) -> str:
    """Return what the verdict says, as people read it."""
    answer = judgement.verdict.answer
    if answer is None:
        return humanize.UNKNOWN
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, tuple):
        return ", ".join(map(stored, answer))
    return stored(answer) if isinstance(answer, str) else f"{answer:g}"


def cost_words(judgement: Judgement, local: bool) -> str:
    """Return calls, tokens, money and time of one judgement; unknown is no zero."""
    spent = judgement.spent
    if not spent.calls and local:
        return "by code, free"
    tokens = [each for each in (spent.input_tokens, spent.output_tokens) if each is not None]
    money = "local, free" if local else "price unknown" if spent.cost_nano is None else humanize.money(spent.cost_nano)
    facts = [humanize.plural(spent.calls, "call"), f"{humanize.count(sum(tokens)) if tokens else humanize.UNKNOWN} tok"]
    return f" {glyphs.get('dot')} ".join((*facts, money, humanize.latency(spent.latency_ms)))


def trial_rows(results: Sequence[TryResult], opened: Collection[int], width: int) -> list[Row]:
    """Return each result; the opened ones with the prompt as it was sent and the reply as it came."""
    rows: list[Row] = []
    for one in results:
        key = f"result:{one.session_id}"
        whole = one.session_id in opened
        rows.append(Row(_head(one, whole, width), key))
        rows += keyed(_body(one, width), key)
        if whole:
            rows += keyed(_whole(one.judgement, width))
        rows.append(Row([("", "text")]))
    return rows


def _head(one: TryResult, whole: bool, width: int) -> Line:
    judgement = one.judgement
    if judgement.verdict.error is not None:
        word, role = f"{glyphs.get('error')} error", "warn"
    elif judgement.passed is None:
        word, role = f"{glyphs.get('unknown')} informational", "dim"
    else:
        outcome = glyphs.verdict(judgement.passed)
        word, role = outcome.text, outcome.style
    folded = glyphs.get("unfolded" if whole else "folded")
    room = max(width - 34, 8)
    return [
        (f"  {folded} ", "label"),
        (pad(stored(one.session_key), room), "title"),
        (f" {pad(word, 8)} ", role),
        (pad(answer_words(judgement), 18), "text"),
    ]


def _body(one: TryResult, width: int) -> list[Line]:
    verdict = one.judgement.verdict
    lines: list[Line] = [[(" " * _INDENT, "text"), (cost_words(one.judgement, one.local), "dim")]]
    if verdict.error is not None:
        detail = f": {verdict.detail}" if verdict.detail else ""
        lines += block(f"{error_words(verdict.error)}{detail}", _INDENT, width, "warn")
    if verdict.rationale:
        lines += block(verdict.rationale, _INDENT, width, "text")
    lines += [_quote(quote, width) for quote in verdict.quotes]
    if verdict.improvement:
        lines += block(f"better: {verdict.improvement}", _INDENT, width, "text")
    if verdict.flags:
        marks = f" {glyphs.get('dot')} ".join(sorted(map(flag_words, verdict.flags)))
        lines += block(f"{glyphs.get('warn')} {marks}", _INDENT, width, "warn")
    return lines


def _quote(quote: Quote, width: int) -> Line:
    where = " ".join(filter(None, (stored(quote.role), "" if quote.found is None else f"[{quote.found}]")))
    sign, role = (
        (glyphs.get("pass"), "output") if quote.verified else (f"{glyphs.get('warn')} not in the session", "warn")
    )
    tail = f"{sign} {where}".strip()
    room = max(width - _INDENT - 6 - width_of(tail), 12)
    shown = f"{glyphs.get('left_quote')}{clip(stored(quote.text), room)}{glyphs.get('right_quote')}"
    return [(" " * _INDENT, "text"), (pad(shown, room + 2), role), (" " + tail, "warn" if role == "warn" else "dim")]


def _whole(judgement: Judgement, width: int) -> list[Line]:
    lines: list[Line] = []
    for title, text, role in (
        ("the prompt as it was sent", judgement.prompt, "text"),
        ("what the judge wrote", judgement.raw_reply, "output"),
    ):
        if text:
            lines += [
                [("", "text")],
                [(" " * _INDENT, "text"), (title, "label")],
                *block(text, _INDENT + 2, width, role),
            ]
    facts = [fact for fact in (stored(judgement.model), stored(judgement.parameters)) if fact]
    if judgement.prompt_hash:
        facts.append(f"prompt {stored(judgement.prompt_hash)[:10]}")
    if facts:
        lines += block(f" {glyphs.get('dot')} ".join(facts), _INDENT, width, "dim")
    return lines
