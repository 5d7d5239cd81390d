"""From text to a filter: recursive descent over the text itself, so that every error knows its column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from aa_tui.backend.model.filter.fields import BY_NAME, SIGNAL_ALIAS, Field, FilterError, nearest
from aa_tui.backend.model.filter.nodes import Compare, Match, Node, Started, Term, Value, all_of, any_of, negated
from aa_tui.backend.model.filter.value import Filter
from aa_tui.backend.model.timerange import TimeRange, parse_range
from aa_tui.backend.support.errors import UsageError

_MAX_DEPTH = 40
_MAX_LENGTH = 20_000
_MAX_AMOUNT = 10**18
"""Amounts stay within what a 64-bit integer of the store can hold."""
_FIELD_HEAD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?=[.:<>=!])")
_OP = re.compile(r">=|<=|!=|:>=|:<=|:>|:<|:|>|<|=")
_AMOUNT = re.compile(r"\$?(\d+(?:\.\d+)?|\.\d+)\s?([a-zA-Z%]*)")
_UNITS: Mapping[str, Mapping[str, Decimal | int]] = {
    "time": {
        "": 1000,
        "ms": 1,
        "s": 1000,
        "sec": 1000,
        "m": 60_000,
        "min": 60_000,
        "h": 3_600_000,
        "d": 86_400_000,
    },
    "count": {"": 1, "k": 1000, "m": 1_000_000, "b": 1_000_000_000},
    "usd": {"": 1_000_000_000, "usd": 1_000_000_000, "c": 10_000_000, "ct": 10_000_000},
    "share": {"": 1, "%": Decimal("0.01")},
}
"""What a unit stands for, in milliseconds, pieces, nano-dollars and shares."""


def parse_filter(text: str) -> Filter:
    """Return the filter a text means; blanks only mean everything.

    Raises:
        FilterError: the text cannot be understood; it has the column and, for an unknown field, the nearest name.
    """
    if len(text) > _MAX_LENGTH:
        raise FilterError("The filter is too long", _MAX_LENGTH)
    return Filter(Parser(text).whole())


class Parser:
    """Recursive descent over the text itself, so that every error knows its column."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Node | None:
        self.blanks()
        if self.at == len(self.text):
            return None
        node = self.alternatives(0)
        if self.at < len(self.text):
            raise FilterError("A closing bracket without an opening one", self.at)
        return node

    def blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def keyword(self, word: str) -> bool:
        """Take `word` when it stands here alone."""
        end = self.at + len(word)
        if self.text[self.at : end].lower() != word or (
            end < len(self.text) and not (self.text[end].isspace() or self.text[end] in '()"')
        ):
            return False
        self.at = end
        self.blanks()
        return True

    def alternatives(self, depth: int) -> Node:
        nodes = [self.conjunction(depth)]
        while self.keyword("or"):
            nodes.append(self.conjunction(depth))
        return _some(any_of(nodes))

    def conjunction(self, depth: int) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            start = self.at
            if self.keyword("and"):
                if not nodes:
                    raise FilterError("“and” needs something before it", start, 'Quote it to search for it: "and".')
                continue
            if self.keyword("or"):
                self.at = start
                break
            nodes.append(self.unary(depth))
            self.blanks()
        if not nodes:
            raise FilterError("Something is missing here", self.at, "Brackets and “or” need parts around them.")
        return _some(all_of(nodes))

    def unary(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise FilterError("Too many brackets inside each other", self.at)
        start = self.at
        if self.keyword("not"):
            if self.at == len(self.text):
                raise FilterError("“not” needs something after it", start, 'Quote it to search for it: "not".')
            return negated(self.unary(depth + 1))
        if self.text[self.at] == "-":
            self.at += 1
            if self.at == len(self.text) or self.text[self.at].isspace():
                raise FilterError("“-” needs something right after it", start)
            return negated(self.unary(depth + 1))
        if self.text[self.at] == "(":
            self.at += 1
            self.blanks()
            node = self.alternatives(depth + 1)
            if self.at == len(self.text) or self.text[self.at] != ")":
                raise FilterError("This bracket is not closed", start)
            self.at += 1
            return node
        head = _FIELD_HEAD.match(self.text, self.at)
        clause = self.clause(head) if head else None
        return clause if clause is not None else self.term()

    def clause(self, head: re.Match[str]) -> Node | None:
        """A part that names a field; None when the text turns out to be a plain word such as `e.g.`."""
        start = self.at
        self.at = head.end()
        name = head[1].lower()
        key = ""
        if self.text[self.at] == ".":
            if name not in ("context", "eval", "evaluator", "signal", "reviewed"):
                self.at = start
                return None
            self.at += 1
            key = self.name()
        op = _OP.match(self.text, self.at)
        if op is None:
            self.at = start
            return None
        field = BY_NAME.get(name)
        if field is None:
            near = nearest(name, BY_NAME)
            hint = f"Did you mean {BY_NAME[near].name}? " if near else ""
            raise FilterError(f"No field “{head[1]}”", start, f"{hint}Quote the text to search for it.")
        self.at = op.end()
        sign = op[0]
        if field.kind == "number":
            return self.number(field, sign.lstrip(":") or ":", start)
        if sign not in (":", "=", "!="):
            raise FilterError(f"“{field.name}” cannot be compared by {sign.lstrip(':')}", op.start(), "Use “:”.")
        node = self.named(field, key, start) if field.kind in ("named", "context") else self.plain(field, start)
        return negated(node) if sign == "!=" else node

    def plain(self, field: Field, start: int) -> Node:
        column = self.at
        if field.kind == "time":
            return Started(range_of(field.name, self.raw_value(field), column))
        values = self.values(field)
        if field.values or field.name == "state":
            values = tuple(Value(v.text.lower(), v.glob) for v in values)
        if values == (Value("*", True),) and field.kind == "facet":
            return Match(field.name, ())
        return Match(field.name, values)

    def named(self, field: Field, key: str, start: int) -> Node:
        if not key:
            if field.kind == "context":
                raise FilterError("“context” needs a key", start, "For example context.plan=pro.")
            key = self.name()
            sign = _OP.match(self.text, self.at)
            if sign is None:
                return Match(field.name, (), _signal_name(field, key))
            if sign[0] not in (":", "=", "!="):
                raise FilterError(f"“{field.name}” cannot be compared by {sign[0]}", self.at, "Use “=”.")
            self.at = sign.end()
            node = self.named_values(field, key)
            return negated(node) if sign[0] == "!=" else node
        return self.named_values(field, key)

    def named_values(self, field: Field, key: str) -> Node:
        values = self.values(field)
        if values == (Value("*", True),):
            values = ()
        return Match(field.name, values, _signal_name(field, key))

    def name(self) -> str:
        start = self.at
        if self.text[start : start + 1] == '"':
            name = self.quoted()[0]
        else:
            found = re.compile(r"[^\s(),\":=<>!]+").match(self.text, start)
            name = found[0] if found else ""
            self.at += len(name)
        if not name:
            raise FilterError("A name is missing here", start)
        return name

    def values(self, field: Field) -> tuple[Value, ...]:
        found = [self.value(field)]
        while self.text[self.at : self.at + 1] == ",":
            self.at += 1
            found.append(self.value(field))
        return tuple(dict.fromkeys(found))

    def value(self, field: Field) -> Value:
        if self.text[self.at : self.at + 1] == '"':
            return Value(*self.quoted())
        start = self.at
        while self.at < len(self.text) and not (self.text[self.at].isspace() or self.text[self.at] in '(),"'):
            self.at += 2 if escapes(self.text, self.at) else 1
        if self.at == start:
            raise FilterError(f"“{field.name}” needs a value here", start, f"For example {_example(field)}.")
        return Value(*unescape(self.text[start : self.at]))

    def raw_value(self, field: Field) -> str:
        return self.value(field).text

    def quoted(self) -> tuple[str, bool]:
        start = self.at
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.at += 2 if escapes(self.text, self.at) else 1
        if self.at >= len(self.text):
            raise FilterError("This quote is not closed", start)
        self.at += 1
        return unescape(self.text[start + 1 : self.at - 1])

    def number(self, field: Field, op: str, start: int) -> Node:
        nodes: list[Node] = []
        while True:
            column = self.at
            text = self.raw_value(field)
            first, dots, last = text.partition("..")
            if dots and op in (":", "="):
                bounds: list[Node] = []
                if first:
                    bounds.append(Compare(field.name, ">=", _amount(field, first, column)))
                if last:
                    bounds.append(Compare(field.name, "<=", _amount(field, last, column + len(first) + 2)))
                if not bounds:
                    raise FilterError(f"“{field.name}” needs a number here", column)
                nodes.append(_some(all_of(bounds)))
            else:
                nodes.append(Compare(field.name, "=" if op in (":", "!=") else op, _amount(field, text, column)))
            if self.text[self.at : self.at + 1] != ",":
                break
            self.at += 1
        node = _some(any_of(nodes))
        return negated(node) if op == "!=" else node

    def term(self) -> Node:
        start = self.at
        if self.text[start] == '"':
            text, glob = self.quoted()
        else:
            while self.at < len(self.text) and not (self.text[self.at].isspace() or self.text[self.at] in '()"'):
                self.at += 2 if escapes(self.text, self.at) else 1
            text, glob = unescape(self.text[start : self.at])
        prefix = glob and text.endswith("*")
        text = (text.rstrip("*") if prefix else text).strip()
        if not text:
            raise FilterError("There is nothing to search for here", start)
        return Term(text, prefix)


def _some(node: Node | None) -> Node:
    if node is None:
        raise AssertionError("a group has at least one part")
    return node


def _signal_name(field: Field, key: str) -> str:
    return SIGNAL_ALIAS.get(key.lower(), key) if field.name == "signal" else key


def escapes(text: str, at: int) -> bool:
    return text[at] == "\\" and text[at + 1 : at + 2] in ("*", '"', "\\")


def unescape(text: str) -> tuple[str, bool]:
    """Return the text meant, and whether a `*` in it stands for anything."""
    out: list[str] = []
    glob = False
    at = 0
    while at < len(text):
        if escapes(text, at):
            at += 1
        elif text[at] == "*":
            glob = True
        out.append(text[at])
        at += 1
    return "".join(out), glob


def _example(field: Field) -> str:
    if field.kind == "number":
        return {"usd": f"{field.name}>0.5", "time": f"{field.name}>30s"}.get(field.unit, f"{field.name}>=3")
    if field.kind == "time":
        return {"since": "since:7d", "until": "until:2026-10-31"}.get(field.name, "date:2026-10-01..2026-10-31")
    return f"{field.name}:{field.values[0]}" if field.values else f"{field.name}:name"


def _amount(field: Field, text: str, column: int) -> float:
    found = _AMOUNT.fullmatch(text)
    units = _UNITS[field.unit]
    try:
        if found is None or len(found[1]) > 30:
            raise KeyError
        amount = Decimal(found[1]) * units[found[2].lower()]
    except (KeyError, InvalidOperation):
        known = ", ".join(u for u in units if u)
        raise FilterError(f"“{text}” is no amount of {field.name}", column, f"A number; units: {known}.") from None
    if amount > _MAX_AMOUNT:
        raise FilterError(f"“{text}” is too large", column)
    rounded = round(float(amount), 6)
    return int(amount) if field.unit == "usd" or amount == amount.to_integral_value() else rounded


def range_of(name: str, text: str, column: int) -> TimeRange:
    try:
        found = parse_range(text)
        if name == "until":
            if not text[:1].isdigit() or "-" not in text or ".." in text:
                raise UsageError("")
            return parse_range(f"..{text}")
    except UsageError as problem:
        hint = problem.hint or "A day: until:2026-10-31."
        raise FilterError(f"“{text}” is no time for {name}", column, hint) from None
    if name == "since" and "-" in found.text and ".." not in found.text:
        return parse_range(f"{text}..")
    return found
