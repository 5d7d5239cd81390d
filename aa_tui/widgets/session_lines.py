"""What the Evaluators and Review tabs say of a session: pure functions from read-models to lines."""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.query.readmodels import AnswerRow, ResultRow
from aa_tui.backend.support.humanize import UNKNOWN, full_moment, latency, money
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, wrap
from aa_tui.widgets.fact_lines import block, heading, stored
from aa_tui.widgets.role_lines import Line


def _verdict(passed: bool | None, error: str | None) -> tuple[str, str]:
    if error:
        return f"{glyphs.get('error')} error", "warn"
    if passed is None:
        return f"{glyphs.get('unknown')} no verdict", "dim"
    return (f"{glyphs.get('pass')} pass", "good") if passed else (f"{glyphs.get('fail')} fail", "bad")


def evaluator_lines(results: Sequence[ResultRow], zone: str, width: int) -> list[Line]:
    """Return the Evaluators tab; without results, what would fill it."""
    if not results:
        return _empty(
            "No evaluator or signal has looked at this session.",
            "Signals and evaluators need a model, and nothing calls one before a person turns scoring on.",
            "What rules can tell without a model stands under Info.",
            width,
        )
    lines: list[Line] = []
    for kind, title in (("signal", "Signals · directional, not exact"), ("evaluator", "Evaluators")):
        chosen = [result for result in results if result.kind == kind]
        if not chosen:
            continue
        lines += heading(title)
        for result in chosen:
            word, role = _verdict(result.passed, result.error)
            value = stored(result.value) if result.value is not None else UNKNOWN
            lines.append(
                [
                    ("  " + pad(stored(result.check.removeprefix("signal:")).replace("_", " "), 22), "text"),
                    (pad(word, 14), role),
                    (pad(value, 20), "text"),
                    (f"{stored(result.model or result.method)}", "dim"),
                ]
            )
            for text, text_role in ((result.rationale, "text"), (result.evidence, "output"), (result.error, "warn")):
                if text:
                    quoted = f"“{text}”" if text is result.evidence else text
                    lines += block(quoted, 24, width, text_role)
            facts = [f"v{result.version}", full_moment(result.evaluated_ms, zone)]
            if result.latency_ms:
                facts.append(latency(result.latency_ms))
            if result.cost_nano is not None:
                facts.append(money(result.cost_nano))
            lines.append([(" " * 24, "text"), (f" {glyphs.get('dot')} ".join(facts), "dim")])
    return lines


def review_lines(answers: Sequence[AnswerRow], zone: str, width: int) -> list[Line]:
    """Return the Review tab; without answers, what will fill it."""
    if not answers:
        return _empty(
            "Nobody has answered a question about this session.",
            "Answers come from reviewers once this session is in a dataset; they belong to the session"
            " and are seen wherever it appears.",
            "Verified outcomes of imported data sets stand here too.",
            width,
        )
    lines = heading("Answers")
    for answer in answers:
        who = answer.reviewer or answer.origin or answer.source
        lines.append(
            [
                ("  " + pad(stored(answer.criterion).replace("_", " "), 26), "text"),
                (clip(stored(answer.value), max(width - 30, 20)), "accent"),
            ]
        )
        dot = f" {glyphs.get('dot')} "
        lines += block(dot.join((who, answer.source, full_moment(answer.answered_ms, zone))), 28, width, "dim")
        if answer.note:
            lines += block(answer.note, 28, width, "text")
    return lines


def _empty(first: str, second: str, third: str, width: int) -> list[Line]:
    lines: list[Line] = [[("", "text")]]
    for text, role in ((first, "title"), (second, "text"), (third, "dim")):
        lines += [[("  ", "text"), (row, role)] for row in wrap(text, max(width - 4, 20))]
        lines.append([("", "text")])
    return lines
