"""One `{...}` span to values: strict JSON, then the allowed dialects, no others. Which span counts is `parsing`.

Everything is linear in the length of the span: no pattern can go back, and nesting ends at `DEEPEST`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

DEEPEST = 64
"""Levels of objects and lists, the outermost included; deeper counts as unreadable."""

_BRACKETS = re.compile(r'[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SPACE = re.compile(r"(?:[ \t\r\n]++|//[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?(?![A-Za-z0-9_.+])")
_TYPOGRAPHIC = "\u201c\u201d"
_STRINGS = {
    '"': re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
} | dict.fromkeys(
    _TYPOGRAPHIC,
    re.compile(rf"[{_TYPOGRAPHIC}]([^{_TYPOGRAPHIC}\\]*+(?:\\.[^{_TYPOGRAPHIC}\\]*+)*+)[{_TYPOGRAPHIC}]", re.DOTALL),
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PYTHON_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|U00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}|.)", re.DOTALL)
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}


class Unreadable(Exception):
    """The span is neither JSON nor one of the allowed dialects of it."""


class SaidTwice(Exception):
    """A key stands twice in one object, with different values."""


class Disputed(dict[str, Any]):
    """An object some keys of which were said twice with different values; `keys_disputed` names them."""

    __slots__ = ("keys_disputed",)

    def __init__(self, pairs: dict[str, Any], disputed: frozenset[str]) -> None:
        super().__init__(pairs)
        self.keys_disputed = disputed


def same(one: Any, other: Any) -> bool:
    """Return whether two values read from JSON say the same; a boolean is no number here, unlike in Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    # NaN differs from itself, but two of them say the same.
    return bool(one == other) or (one != one and other != other)


def _disputed(pairs: list[tuple[str, Any]]) -> frozenset[str]:
    first: dict[str, Any] = {}
    return frozenset(key for key, value in pairs if not same(first.setdefault(key, value), value))


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs) and _disputed(pairs):
        raise SaidTwice
    return read


def _mark_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs) and (disputed := _disputed(pairs)):
        return Disputed(read, disputed)
    return read


_REFUSING = json.JSONDecoder(object_pairs_hook=_refuse_twice, strict=False)
_MARKING = json.JSONDecoder(object_pairs_hook=_mark_twice, strict=False)


def too_deep(text: str) -> bool:
    """Return whether brackets outside of strings nest deeper than `DEEPEST`."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        character = found.group()
        if character in ("{", "["):
            depth += 1
            if depth > DEEPEST:
                return True
        elif character in ("}", "]"):
            depth -= 1
    return False


def read_json(text: str, *, mark: bool = False) -> Any:
    """Return what strict JSON says; raw control characters inside strings are allowed.

    Args:
        mark: objects with disputed keys become `Disputed` instead of an error.

    Raises:
        Unreadable: it is no JSON, or nests too deep.
        SaidTwice: a key stands twice with different values, and `mark` is off.
    """
    if too_deep(text):
        raise Unreadable
    try:
        return (_MARKING if mark else _REFUSING).decode(text)
    except ValueError as error:  # also a number of more digits than Python turns into one
        raise Unreadable from error


def read_span(text: str, *, mark: bool = False) -> tuple[Any, bool]:
    """Return (what a `{...}` span says, whether a repair was needed).

    Raises:
        Unreadable: it stays unreadable with the allowed repairs.
        SaidTwice: as in `read_json`.
    """
    try:
        return read_json(text, mark=mark), False
    except Unreadable:
        return _Dialect(text, _mark_twice if mark else _refuse_twice).read(), True


class _Dialect:
    """Reads comments, trailing commas, unquoted keys, Python's words and quotes, typographic quotes, odd escapes."""

    def __init__(self, text: str, build: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> None:
        self.text = text
        self.at = 0
        self.build = build
        self.straight = self.typographic = False

    def read(self) -> Any:
        value = self._value(0)
        self._space()
        if self.at != len(self.text) or (self.straight and self.typographic):
            raise Unreadable
        return value

    def _space(self) -> str:
        """Skip white space and comments; return the character there, or an empty string at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def _value(self, depth: int) -> Any:
        character = self._space()
        if character == "{":
            return self._object(depth + 1)
        if character == "[":
            return self._list(depth + 1)
        if character in _STRINGS:
            return self._string(character)
        negative = self.text.startswith("-Infinity", self.at)
        if bare := _BARE.match(self.text, self.at + negative):
            if bare.group() not in _WORDS:
                raise Unreadable
            self.at = bare.end()
            return -_WORDS[bare.group()] if negative else _WORDS[bare.group()]
        return self._number()

    def _number(self) -> int | float:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise Unreadable
        self.at = found.end()
        try:
            return float(found.group()) if found.group(1) or found.group(2) else int(found.group())
        except ValueError as error:
            raise Unreadable from error

    def _string(self, quote: str) -> str:
        if quote in _TYPOGRAPHIC:
            self.typographic = True
        else:
            self.straight = True
        found = _STRINGS[quote].match(self.text, self.at)
        if found is None:
            raise Unreadable
        self.at = found.end()
        said = found.group(1)
        if "\\" not in said:
            return said
        said = (_PYTHON_ESCAPE if quote == "'" else _ESCAPE).sub(_unescaped, said)
        if _SURROGATE.search(said):  # two escapes that are one character
            said = said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return said

    def _key(self, character: str) -> str:
        if character in _STRINGS:
            return self._string(character)
        bare = _BARE.match(self.text, self.at)
        if bare is None:
            raise Unreadable
        self.at = bare.end()
        return bare.group()

    def _object(self, depth: int) -> dict[str, Any]:
        if depth > DEEPEST:
            raise Unreadable
        self.at += 1
        pairs: list[tuple[str, Any]] = []
        while (character := self._space()) != "}":
            key = self._key(character)
            if self._space() != ":":
                raise Unreadable
            self.at += 1
            pairs.append((key, self._value(depth)))
            if not self._comma("}"):
                break
        self.at += 1
        return self.build(pairs)

    def _list(self, depth: int) -> list[Any]:
        if depth > DEEPEST:
            raise Unreadable
        self.at += 1
        items: list[Any] = []
        while self._space() != "]":
            items.append(self._value(depth))
            if not self._comma("]"):
                break
        self.at += 1
        return items

    def _comma(self, closing: str) -> bool:
        """Step over a comma, or return False at the closing bracket; a comma may stand before that."""
        character = self._space()
        if character == ",":
            self.at += 1
            return True
        if character != closing:
            raise Unreadable
        return False


def _unescaped(match: re.Match[str]) -> str:
    said = match.group(1)
    if len(said) > 1:
        return chr(int(said[1:], 16))
    return _MEANT.get(said, said)
