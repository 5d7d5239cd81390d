"""What may be typed next in a filter: names and fixed values, and where a stored value would stand."""

from __future__ import annotations

import re
from typing import NamedTuple

from aa_tui.backend.model.filter.fields import BY_NAME, FIELDS, Field
from aa_tui.backend.model.timerange import PRESETS


class Completion(NamedTuple):
    """A name or fixed value that may replace the text from `start` to `end`."""

    start: int
    end: int
    text: str
    help: str


class ValueSlot(NamedTuple):
    """The place of a value being typed: ask `facet_values(facet, prefix)` and replace `start` to `end`."""

    facet: str
    prefix: str
    start: int
    end: int


_TYPED_CLAUSE = re.compile(r"(?:^|[\s(-])([A-Za-z_][A-Za-z0-9_]*(?:\.[^\s:=]+)?)[:=]((?:[^\s()\"]|\"[^\"]*\"?)*)$")
_TYPED_NAME = re.compile(r"(?:^|[\s(-])([A-Za-z_]*)$")


def complete(text: str, cursor: int) -> list[Completion]:
    """Return names of fields, or fixed values, that fit what stands before the cursor; stored values come from
    `facet_values` for the `value_slot` of the same place."""
    before = text[:cursor]
    if clause := _TYPED_CLAUSE.search(before):
        field = BY_NAME.get(clause[1].partition(".")[0].lower())
        typed = clause[2].rpartition(",")[2].lower()
        fixed = () if field is None else PRESETS if field.name == "since" else field.values
        start = cursor - len(typed)
        return [Completion(start, cursor, v, field.help if field else "") for v in fixed if v.startswith(typed)]
    if name := _TYPED_NAME.search(before):
        typed = name[1].lower()
        start = cursor - len(typed)
        return [Completion(start, cursor, _opening(f), f.help) for f in FIELDS.values() if f.name.startswith(typed)]
    return []


def value_slot(text: str, cursor: int) -> ValueSlot | None:
    """Return which stored values would fit before the cursor, or None when none are asked for there."""
    clause = _TYPED_CLAUSE.search(text[:cursor])
    if clause is None:
        return None
    name, _, key = clause[1].partition(".")
    field = BY_NAME.get(name.lower())
    if field is None or field.kind in ("number", "time", "id") or (field.kind == "context" and not key):
        return None
    typed = clause[2].rpartition(",")[2]
    facet = field.name
    if field.kind != "facet":
        if field.kind == "named" and not key:
            key, equals, typed = typed.partition("=")
            if not equals:
                return None
        facet = f"{field.name}.{key}"
    return ValueSlot(facet, typed.lstrip('"'), cursor - len(typed), cursor)


def _opening(field: Field) -> str:
    return {"number": f"{field.name}>", "context": "context."}.get(field.kind, f"{field.name}:")
