"""What the Review tab says of a session: pure functions from read-models to lines."""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.query.readmodels import AnswerRow
from aa_tui.backend.support.humanize import full_moment
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, wrap
from aa_tui.widgets.fact_lines import block, heading, stored
from aa_tui.widgets.role_lines import Line


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
