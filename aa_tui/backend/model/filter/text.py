"""The canonical text of a filter, which parses to an equal one. Sentences for people are in `sentence`."""

from __future__ import annotations

import re
from decimal import Decimal

from aa_tui.backend.model.filter.fields import FIELDS
from aa_tui.backend.model.filter.nodes import And, Compare, Match, Node, Not, Or, Started, Term, Value
from aa_tui.backend.model.timerange import TimeRange

_BARE_WORD = re.compile(r"[^\W_][\w.'@/+#-]*")
_BARE_VALUE = re.compile(r"[^\s(),\"\\*]+")
_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*")
_KEYWORDS = {"or", "and", "not"}


def _quoted(text: str, glob: bool) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped if glob else escaped.replace("*", chr(92) + "*")}"'


def value_text(value: Value) -> str:
    bare = value.text.replace("*", "") if value.glob else value.text
    if (bare or value.glob) and (not bare or _BARE_VALUE.fullmatch(bare)):
        return value.text
    return _quoted(value.text, value.glob)


def _name_text(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else _quoted(name, False)


def _number_text(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount_text(unit: str, value: float) -> str:
    if unit == "usd":
        return _nano_text(int(value))
    if unit == "time":
        for suffix, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
            if value and value % size == 0:
                return f"{_number_text(int(value // size))}{suffix}"
        return f"{_number_text(value)}ms"
    return _number_text(value)


def _nano_text(nano: int) -> str:
    text = format(Decimal(nano).scaleb(-9), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def started_text(time_range: TimeRange) -> str:
    text = time_range.text
    if text.endswith(".."):
        return f"since:{text[:-2]}"
    if text.startswith(".."):
        return f"until:{text[2:]}"
    return f"date:{text}" if text[:1].isdigit() and "-" in text else f"since:{text}"


def text_of(node: Node, inside_and: bool = False) -> str:
    match node:
        case Term():
            plain = _BARE_WORD.fullmatch(node.text) and node.text.lower() not in _KEYWORDS
            if plain:
                return node.text + ("*" if node.prefix else "")
            return _quoted(node.text, False)[:-1] + ('*"' if node.prefix else '"')
        case Match():
            values = ",".join(value_text(v) for v in node.values)
            if FIELDS[node.field].kind == "context":
                return f"context.{_name_text(node.key)}" + (f"={values}" if values else "=*")
            if FIELDS[node.field].kind == "named":
                return f"{node.field}:{_name_text(node.key)}" + (f"={values}" if values else "")
            return f"{node.field}:{values or '*'}"
        case Compare():
            return f"{node.field}{node.op}{amount_text(FIELDS[node.field].unit, node.value)}"
        case Started():
            return started_text(node.range)
        case Not():
            inner = text_of(node.node)
            return f"-({inner})" if isinstance(node.node, And | Or) else f"-{inner}"
        case And():
            return " ".join(text_of(n, inside_and=True) for n in node.nodes)
        case Or():
            inner = " or ".join(text_of(n) for n in node.nodes)
            return f"({inner})" if inside_and else inner
