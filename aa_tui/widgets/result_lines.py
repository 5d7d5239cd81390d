"""The Evaluators tab as lines: each verdict, what it rests on, what it cost, and where the cursor can stand. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from aa_tui.backend.model.judgement_words import error_words, flag_words
from aa_tui.backend.query.readmodels import JudgingRow, QuoteRow, ResultRow
from aa_tui.backend.support.humanize import UNKNOWN, count, full_moment, latency, money, plural
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, width_of, wrap
from aa_tui.widgets.fact_lines import block, stored
from aa_tui.widgets.role_lines import Line

BY_PRODUCTS = {"topic_summary": "what it was about", "topic": "topic", "request_complexity": "request complexity"}
"""Results that are values and no verdicts, and their titles."""
_INDENT = 4
_METHODS = {"code": "by code", "sender": "said by the sender", "regex": "by pattern", "keyword": "by keywords"}


class Stand(NamedTuple):
    """A line the cursor can be on."""

    y: int
    result: ResultRow
    quote: QuoteRow | None = None
    """None: the result itself."""


class Page(NamedTuple):
    """The whole tab."""

    lines: list[Line]
    stands: list[Stand]


def title_of(result: ResultRow) -> str:
    """Return a check's name as people read it."""
    return BY_PRODUCTS.get(result.check) or stored(result.check.removeprefix("signal:")).replace("_", " ")


def verdict_of(result: ResultRow) -> tuple[str, str]:
    """Return a verdict as glyph and word, and its role. An error is no verdict, and neither is a hint of code."""
    if result.error is not None or result.error_kind is not None:
        return f"{glyphs.get('error')} error", "warn"
    if result.passed is None:
        return (f"{glyphs.get('unknown')} no verdict", "dim") if result.value is None else ("", "dim")
    return (f"{glyphs.get('pass')} pass", "good") if result.passed else (f"{glyphs.get('fail')} fail", "bad")


def result_page(
    results: Sequence[ResultRow], judging: JudgingRow | None, zone: str, width: int, opened: Collection[int] = ()
) -> Page:
    """Return the tab; `opened` are the places in `results` whose particulars are shown."""
    lines: list[Line] = []
    stands: list[Stand] = []
    signals = [at for at, one in enumerate(results) if one.kind == "signal" and one.check not in BY_PRODUCTS]
    products = [at for at, one in enumerate(results) if one.kind == "signal" and one.check in BY_PRODUCTS]
    evaluators = [at for at, one in enumerate(results) if one.kind == "evaluator"]
    lines += _heading("Signals", "directional, not exact", width)
    lines += _judged(judging, any(results[at].method == "llm" for at in signals), width)
    for at in products:
        lines += _product(results[at], width)
    for at in signals:
        _result(results[at], at in opened, zone, width, lines, stands)
    lines.append([("", "text")])
    lines += _heading("Evaluators", "", width)
    if not evaluators:
        lines += _said("No evaluator has judged this session: an active one does when a session closes, a run", width)
        lines += _said("does when somebody asks for it. 3 shows them.", width)
    for at in evaluators:
        _result(results[at], at in opened, zone, width, lines, stands)
    return Page(lines, stands)


def _heading(text: str, aside: str, width: int) -> list[Line]:
    dot = f" {glyphs.get('dot')} "
    return [[(f" {text}", "title"), (clip(f"{dot}{aside}" if aside else "", max(width - 12, 8)), "dim")]]


def _said(text: str, width: int) -> list[Line]:
    return [[("  ", "text"), (row, "dim")] for row in wrap(text, max(width - 4, 20))]


def _judged(judging: JudgingRow | None, scored: bool, width: int) -> list[Line]:
    """Say what became of the one call that asks a model all signals at once."""
    if judging is None:
        if scored:
            return []
        return _said(
            "not scored: no model was asked, so only what code can tell stands here. :scoring shows what it takes.",
            width,
        )
    if judging.state != "done":
        words = {"waiting": "not scored yet: it waits for its turn", "claimed": "being scored now"}.get(judging.state)
        if words is None:
            why = error_words(judging.reason) if judging.reason else "the reason was not recorded"
            words = f"{'failed' if judging.state == 'failed' else 'not scored'}: {why}"
        return _said(words, width)
    dot = f" {glyphs.get('dot')} "
    tokens = [each for each in (judging.input_tokens, judging.output_tokens) if each is not None]
    facts = [f"by {stored(judging.model or judging.provider or 'an unnamed model')}"]
    facts.append(f"in {plural(judging.calls or 0, 'call')}")
    facts.append(f"{count(sum(tokens))} tok" if tokens else f"{UNKNOWN} tok")
    facts.append(money(judging.cost_nano) if judging.cost_nano is not None else "price unknown")
    if judging.latency_ms:
        facts.append(latency(judging.latency_ms))
    return _said(dot.join(facts), width)


def _product(result: ResultRow, width: int) -> list[Line]:
    return [
        [(("  " + pad(title_of(result), 24)) if first else " " * 26, "label"), (row, "text")]
        for first, row in _firsts(wrap(stored(result.value or UNKNOWN), max(width - 28, 20)))
    ]


def _firsts(rows: Sequence[str]) -> Iterator[tuple[bool, str]]:
    return ((index == 0, row) for index, row in enumerate(rows))


def _result(result: ResultRow, opened: bool, zone: str, width: int, lines: list[Line], stands: list[Stand]) -> None:
    stands.append(Stand(len(lines), result))
    word, role = verdict_of(result)
    value = stored(result.value) if result.value is not None else UNKNOWN
    by = _METHODS.get(result.method) or stored(result.model or result.method)
    folded = glyphs.get("unfolded" if opened else "folded")
    room = max(width - 42, 8)
    lines.append(
        [
            (f" {folded} " + pad(title_of(result), 21), "text"),
            (pad(word, 8), role),
            (" " + pad(value, room // 2), "text"),
            (pad(by, room - room // 2, right=True), "dim"),
        ]
    )
    kind = error_words(result.error_kind) if result.error_kind else ""
    said = result.error if result.error and result.error != result.error_kind else ""
    if kind or said:
        lines += block(" — ".join(filter(None, (kind, said))) if kind != said else kind, _INDENT, width, "warn")
    if result.rationale:
        lines += block(result.rationale, _INDENT, width, "text")
    if result.labels:
        lines += block(", ".join(result.labels), _INDENT, width, "accent")
    for name, text in result.extras:
        lines += block(f"{name.replace('_', ' ')}: {text}", _INDENT, width, "text")
    for quote in result.quotes:
        stands.append(Stand(len(lines), result, quote))
        lines.append(_quote(quote, width))
    flags = [flag for flag in result.flags if opened or flag not in ("repaired", "hit_length")]
    if flags:
        marks = f" {glyphs.get('dot')} ".join(map(flag_words, flags))
        lines += block(f"{glyphs.get('warn')} {marks}", _INDENT, width, "warn")
    if opened:
        lines += _particulars(result, zone, width)


def _quote(quote: QuoteRow, width: int) -> Line:
    where = [quote.role] if quote.role else []
    if quote.turn is not None:
        where.append(f"[{quote.turn}]")
    sign, role = ("", "output")
    if quote.verified is False:
        sign, role = f"{glyphs.get('warn')} not in the session", "warn"
    elif quote.verified:
        sign = glyphs.get("pass")
    tail = " ".join(filter(None, (sign, *where)))
    room = max(width - _INDENT - 6 - width_of(tail), 12)
    text = clip(stored(quote.text), room)
    shown = f"{glyphs.get('left_quote')}{text}{glyphs.get('right_quote')}"
    return [(" " * _INDENT, "text"), (pad(shown, room + 2), role), (" " + tail, "warn" if role == "warn" else "dim")]


def _particulars(result: ResultRow, zone: str, width: int) -> list[Line]:
    facts = [f"version {result.version}", full_moment(result.evaluated_ms, zone)]
    if result.latency_ms:
        facts.append(latency(result.latency_ms))
    tokens = [each for each in (result.input_tokens, result.output_tokens) if each is not None]
    if tokens:
        facts.append(f"{count(sum(tokens))} tok")
    if result.kind == "evaluator" and result.method == "llm":
        facts.append(money(result.cost_nano) if result.cost_nano is not None else "price unknown")
    lines = block(f" {glyphs.get('dot')} ".join(facts), _INDENT, width, "dim")
    if result.raw_reply:
        lines.append([(" " * _INDENT, "text"), ("what the judge wrote", "label")])
        lines += block(result.raw_reply, _INDENT + 2, width, "output")
    return lines
