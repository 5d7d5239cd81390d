"""A filter in English, for titles and summaries. It is not parsed again."""

from __future__ import annotations

from aa_tui.backend.model.filter.fields import FIELDS
from aa_tui.backend.model.filter.nodes import And, Compare, Match, Node, Not, Or, Started, Term
from aa_tui.backend.model.filter.text import amount_text

_SIGNAL_WORDS = {
    ("task_completion", "true"): "task completed",
    ("task_completion", "false"): "task failed",
    ("response_quality", "true"): "good answers",
    ("response_quality", "false"): "poor answers",
    ("user_friction", "true"): "user friction",
    ("user_friction", "fail"): "user friction",
    ("negative_feedback", "true"): "negative feedback",
    ("data_quality", "true"): "data-quality issues",
}
_OP_WORDS = {">": "over", ">=": "at least", "<": "under", "<=": "at most", "=": ""}


def words_of(node: Node) -> str:
    match node:
        case Term():
            return f"“{node.text}{'…' if node.prefix else ''}”"
        case Match():
            return _match_words(node)
        case Compare():
            return " ".join(filter(None, (node.field.replace("_", " "), _OP_WORDS[node.op], _amount_words(node))))
        case Started():
            return node.range.words()
        case Not():
            return f"not {_words_inside(node.node)}"
        case And():
            return " and ".join(_words_inside(n) for n in node.nodes)
        case Or():
            return " or ".join(_words_inside(n) for n in node.nodes)


def _words_inside(node: Node) -> str:
    return f"({words_of(node)})" if isinstance(node, And | Or) else words_of(node)


def _match_words(node: Match) -> str:
    values = " or ".join(v.text for v in node.values)
    if node.field == "signal" and (found := _SIGNAL_WORDS.get((node.key, values.lower()))):
        return found
    name = node.key or node.field.replace("_", " ")
    if values.lower() in ("none", "null") and FIELDS[node.field].kind == "named":
        return f"{name} not scored"
    return f"{name} {values}" if values else f"any {name}"


def _amount_words(node: Compare) -> str:
    unit = FIELDS[node.field].unit
    text = amount_text(unit, node.value)
    if unit == "usd":
        return f"${text}"
    if unit == "time":
        number = text.rstrip("hms")
        return f"{number} {text[len(number) :].replace('m', 'min') if text.endswith('m') else text[len(number) :]}"
    return text
