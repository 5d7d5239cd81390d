"""Whether the parts of a record that carry messages are what they should be. Formats say what; none is known here.

Sources pass over what they do not know, because every format grows. What they do know and find of another type is
something that was said and cannot be read: that is told, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aa_tui.backend.model.event import RecordProblem

Shape = type | frozenset[str] | tuple["Shape", ...] | list["Shape"] | Mapping[str, "Shape"]
"""What is expected: a type (`float` means any number), one of some words, one of several shapes, an array whose
elements have a shape, or an object some of whose members have one. null and absent members are in order, but for
those whose name is written with a `!` at its end."""

_MOST = 20
"""Problems told of one record."""
_UNQUOTED = dict.fromkeys(map(ord, "\"'“”‘’"))
_TYPES: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def misfits(line: int | None, value: Any, shape: Shape, place: str = "") -> Iterator[RecordProblem]:
    """Yield what in a value is not as it should be, each with its place: `messages[3].role is a number, not text`.

    `place` names the value itself, empty for a whole record.
    """
    for number, problem in enumerate(_misfits(line, value, shape, place)):
        if number == _MOST:
            return
        yield problem


def _misfits(line: int | None, value: Any, shape: Shape, place: str) -> Iterator[RecordProblem]:
    if value is None:
        return
    if isinstance(shape, tuple):
        fitting = next((one for one in shape if _is(value, one)), None)
        if fitting is None:
            wanted = " or ".join(dict.fromkeys(_name(one) for one in shape))
            yield _problem(line, place, f"{_TYPES.get(type(value), 'something else')}, not {wanted}")
        else:
            yield from _misfits(line, value, fitting, place)
    elif not _is(value, shape):
        yield _problem(line, place, f"{_TYPES.get(type(value), 'something else')}, not {_name(shape)}")
    elif isinstance(shape, frozenset):
        if value not in shape:
            # Quotes inside would keep whoever withholds what a reason quotes from finding its end.
            shown = value[:40].translate(_UNQUOTED) + ("…" if len(value) > 40 else "")
            yield _problem(line, place, f'"{shown}", which is not known')
    elif isinstance(shape, list):
        for at, one in enumerate(value):
            if one is None and not isinstance(shape[0], tuple):
                yield _problem(line, f"{place}[{at}]", f"null, not {_name(shape[0])}")
            else:
                yield from _misfits(line, one, shape[0], f"{place}[{at}]")
    elif isinstance(shape, Mapping):
        for wanted, inner in shape.items():
            key = wanted.removesuffix("!")
            inside = f"{place}.{key}" if place else key
            if value.get(key) is None and key != wanted:
                yield _problem(line, inside, "missing")
            else:
                yield from _misfits(line, value.get(key), inner, inside)


def _is(value: Any, shape: Shape) -> bool:
    """Tell whether a value is of the type of a shape, whatever it holds."""
    if isinstance(shape, frozenset):
        return isinstance(value, str)
    if isinstance(shape, list):
        return isinstance(value, list)
    if isinstance(shape, Mapping):
        return isinstance(value, dict)
    if isinstance(shape, tuple):
        return any(_is(value, one) for one in shape)
    if shape in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, shape)


def _name(shape: Shape) -> str:
    if isinstance(shape, tuple):
        return " or ".join(dict.fromkeys(_name(one) for one in shape))
    if isinstance(shape, type):
        return _TYPES[shape]
    if isinstance(shape, frozenset):
        return _TYPES[str]
    return _TYPES[list] if isinstance(shape, list) else _TYPES[dict]


def _problem(line: int | None, place: str, said: str) -> RecordProblem:
    return RecordProblem(line, f"{place or 'the record'} is {said}", field=place or None)
