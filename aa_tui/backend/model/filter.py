"""The one filter language: its fields, grammar, value, canonical text, words and link parameters. No SQL lives here.

    agent:billing,refunds -state:open (cost>0.5 or turns>=3) signal:task_completion=false since:7d "exact words" word

Parts are joined by AND; `or` and brackets group; `-` or `not` negates; commas list alternatives; `*` is a wildcard;
quotes keep blanks, and a backslash before `*`, `"` or `\\` takes the character literally.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from aa_tui.backend.model.timerange import PRESETS, TimeRange, parse_range
from aa_tui.backend.support.errors import UsageError

_MAX_DEPTH = 40
_MAX_LENGTH = 20_000
_MAX_AMOUNT = 10**18
"""Amounts stay within what a 64-bit integer of the store can hold."""


class FilterError(UsageError):
    """A filter text that cannot be understood; `column` (0-based) is where."""

    def __init__(self, message: str, column: int, hint: str | None = None) -> None:
        super().__init__(f"{message} (column {column + 1})", hint)
        self.column = column


# --- fields --------------------------------------------------------------------------------------------------------


class Field(NamedTuple):
    """A name the language knows.

    `kind`: `facet` (a value of a dimension), `named` (`eval:NAME=VALUE`), `context` (`context.KEY=VALUE`), `number`,
    `time` or `id`. `unit` of a number: `usd`, `time`, `count` or `share`. `values` are the fixed ones, where there are.
    """

    name: str
    kind: str
    help: str
    unit: str = ""
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    single: bool = False
    """A session has one value only, so that adding another part of this field replaces the first."""


def _facet(name: str, help_: str, *aliases: str, values: tuple[str, ...] = (), single: bool = False) -> Field:
    return Field(name, "facet", help_, aliases=aliases, values=values, single=single)


def _number(name: str, unit: str, help_: str, *aliases: str) -> Field:
    return Field(name, "number", help_, unit, aliases)


FIELDS: Mapping[str, Field] = {
    f.name: f
    for f in (
        _facet("agent", "agent that took part, at any depth", "agents"),
        _facet("user", "user, else device", "users"),
        _facet("state", "open or closed", values=("open", "closed"), single=True),
        _facet("source", "where the session came from", "sources"),
        _facet("model", "model that answered", "models"),
        _facet("provider", "provider of the model"),
        _facet("tool", "tool that was called", "tools"),
        _facet("failed_tool", "tool that failed"),
        _facet("error", "error type", "error_type"),
        _facet("error_category", "error category"),
        _facet("rule", "what rules found, for example retry_storm", "rules"),
        _facet("topic", "topic", "topics"),
        _facet("tag", "tag", "tags"),
        _facet("env", "environment"),
        _facet("version", "agent version"),
        _facet("org", "customer organisation", "customer_org"),
        _facet("repository", "repository", "repo"),
        _facet("branch", "git branch"),
        _facet("cwd", "working directory"),
        _facet("close_reason", "why the session was closed", single=True),
        _facet("content_mode", "full, metadata_only, customer_enriched", "content", single=True),
        _facet("warning", "soft problem of the data", "warnings"),
        _facet(
            "has", "what the session has", values=("text", "attachments", "feedback", "regeneration", "edit", "score")
        ),
        _facet("feedback", "what the user said of an answer", values=("positive", "negative")),
        _facet("cohort", "cohort the user is in", "cohorts"),
        _facet("dataset", "dataset the session is in", "datasets"),
        Field("eval", "named", "evaluator result: eval:NAME=fail, a value, or none", aliases=("evaluator",)),
        Field("signal", "named", "signal result: signal:task_completion=false", aliases=("signals",)),
        Field("reviewed", "named", "people's answer: reviewed:CRITERION=VALUE"),
        Field("context", "context", "context dimension: context.plan=pro"),
        _number("cost", "usd", "cost in US dollars"),
        _number("turns", "count", "turns"),
        _number("messages", "count", "messages"),
        _number("duration", "time", "first to last event; seconds without a unit"),
        _number("latency", "time", "average model latency; seconds without a unit"),
        _number("p50", "time", "median model latency"),
        _number("p90", "time", "90th percentile of model latency"),
        _number("tokens", "count", "all tokens"),
        _number("input_tokens", "count", "tokens sent"),
        _number("output_tokens", "count", "tokens received"),
        _number("errors", "count", "failed model calls, tool calls and spans"),
        _number("model_calls", "count", "model calls"),
        _number("tool_calls", "count", "tool calls"),
        _number("tool_errors", "count", "failed tool calls"),
        _number("quality", "share", "quality score, 0 to 1"),
        _number("sentiment", "share", "sentiment score, 0 to 1"),
        _number("score", "share", "user score, 0 to 1", "user_score"),
        Field("since", "time", "started in the last 7d, 24h, 2w, 3m, or since a day"),
        Field("until", "time", "started until the end of a day"),
        Field("date", "time", "started on a day, or between two: 2026-10-01..2026-10-31"),
        Field("id", "id", "session id or key", aliases=("session",), single=True),
    )
}
"""Every field by its canonical name."""

_BY_NAME = {n: f for f in FIELDS.values() for n in (f.name, *f.aliases)}

SIGNAL_ALIAS = {
    "task_completed": "task_completion",
    "quality": "response_quality",
    "safety": "session_safety",
    "intent": "user_intent",
    "friction": "user_friction",
    "has_user_friction": "user_friction",
    "has_negative_feedback": "negative_feedback",
    "has_data_quality_issues": "data_quality",
}
"""Names people use for signals, by what the store calls them."""

# --- nodes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """One alternative of a part: a text, taken literally unless `glob`, where every `*` stands for anything."""

    text: str
    glob: bool = False

    def matches(self, candidate: str) -> bool:
        """Tell whether a stored value is meant; letters count as they are written."""
        return bool(self.regex().fullmatch(candidate)) if self.glob else candidate == self.text

    def regex(self) -> re.Pattern[str]:
        """The wildcard as a regular expression for a whole value."""
        return re.compile(".*".join(re.escape(piece) for piece in self.text.split("*")), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Match:
    """The session has one of `values` of a field; `key` is the name after `eval:`, `signal:`, `context.`…

    No values: it has any value at all (`eval:refund_policy`).
    """

    field: str
    values: tuple[Value, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """A number of the session compared; the value is in nano-dollars, milliseconds, a count or a share. Unknown never
    matches, whichever the comparison."""

    field: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Started:
    """The session started in a range."""

    range: TimeRange


@dataclass(frozen=True, slots=True)
class Term:
    """A word or an exact phrase of the session's text; `prefix` leaves the end of the last word open."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two."""

    nodes: tuple[Node, ...]


Node = Match | Compare | Started | Term | Not | And | Or


def all_of(nodes: Sequence[Node]) -> Node | None:
    """AND in normal form: nested ANDs flattened, one alone unwrapped, `since:` and `until:` days joined to a range."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, And) else (node,))
    flat = _join_days(flat)
    return None if not flat else flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(nodes: Sequence[Node]) -> Node | None:
    """OR in normal form."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, Or) else (node,))
    return None if not flat else flat[0] if len(flat) == 1 else Or(tuple(flat))


def negated(node: Node) -> Node:
    """NOT in normal form."""
    return node.node if isinstance(node, Not) else Not(node)


def _join_days(nodes: list[Node]) -> list[Node]:
    """`a..` and `..b` side by side say the same as `a..b`."""
    lower = [n for n in nodes if isinstance(n, Started) and n.range.text.endswith("..")]
    upper = [n for n in nodes if isinstance(n, Started) and n.range.text.startswith("..")]
    if len(lower) != 1 or len(upper) != 1:
        return nodes
    joined = Started(TimeRange(lower[0].range.text + upper[0].range.text[2:]))
    first = min(nodes.index(lower[0]), nodes.index(upper[0]))
    rest = [n for n in nodes if n is not lower[0] and n is not upper[0]]
    return [*rest[:first], joined, *rest[first:]]


# --- the filter ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    """Which sessions are meant. `Filter()` means all. Values are equal when their canonical texts are."""

    node: Node | None = None

    def __bool__(self) -> bool:
        return self.node is not None

    def to_text(self) -> str:
        """Return the canonical text; `parse_filter` of it gives an equal filter."""
        return " ".join(_text(node, inside_and=len(self._nodes) > 1) for node in self._nodes)

    def words(self) -> str:
        """Say the filter in English: `agent support-bot, task failed, last 7 days, “chargeback”`."""
        return ", ".join(_words(node) for node in self._nodes) or "all sessions"

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return () if self.node is None else self.node.nodes if isinstance(self.node, And) else (self.node,)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The parts that AND joins at the top."""
        return self._nodes

    def parts(self) -> tuple[Filter, ...]:
        """The parts that AND joins at the top, each a filter of its own: the chips."""
        return tuple(Filter(node) for node in self._nodes)

    def drop(self, index: int) -> Filter:
        """Return the filter without the part at `index` of `parts()`.

        Raises:
            IndexError: there is no such part.
        """
        nodes = list(self._nodes)
        del nodes[index]
        return Filter(all_of(nodes))

    def plus(self, other: Filter | str) -> Filter:
        """Return both filters joined by AND.

        A part of `other` that only one value can hold for (a time, `state:`, `id:`, the same comparison of the same
        number) replaces such parts of this one; a part that is already there is not repeated.

        Raises:
            FilterError: `other` is a text that cannot be understood.
        """
        added = parse_filter(other) if isinstance(other, str) else other
        replaced = {slot for node in added._nodes if (slot := _slot(node))}
        kept = [n for n in self._nodes if _slot(n) not in replaced or _slot(n) is None]
        return Filter(all_of([*kept, *(n for n in added._nodes if n not in kept)]))

    def time_range(self) -> TimeRange | None:
        """Return the range of the first time part at the top, or None."""
        return next((n.range for n in self._nodes if isinstance(n, Started)), None)

    def with_range(self, time_range: TimeRange | None) -> Filter:
        """Return the filter with this range instead of its own; None removes it."""
        rest = [n for n in self._nodes if not isinstance(n, Started)]
        return Filter(all_of(rest if time_range is None else [*rest, Started(time_range)]))

    def search_text(self) -> str:
        """Return the free words and phrases at the top, as typed; '' when nothing is searched."""
        return " ".join(_text(t) for t in self.terms())

    def terms(self) -> tuple[Term, ...]:
        """Return the words and phrases at the top that must occur."""
        return tuple(n for n in self._nodes if isinstance(n, Term))

    def values(self, field: str) -> tuple[str, ...]:
        """Return the values of the positive parts of `field` at the top, in order (agents in focus, say)."""
        found = (v.text for n in self._nodes if isinstance(n, Match) and n.field == field for v in n.values)
        return tuple(dict.fromkeys(found))


def _slot(node: Node) -> tuple[str, ...] | None:
    """What at most one part of a filter can sensibly say; None for parts that add up."""
    match node:
        case Started():
            return ("time",)
        case Compare():
            return ("number", node.field, node.op.rstrip("="))
        case Match() if FIELDS[node.field].single:
            return ("match", node.field)
        case _:
            return None


def facet_filter(field: str, value: str, key: str = "") -> Filter:
    """Return the filter for one literal value: what Enter on something drawn opens. `field` is a name of `FIELDS`, or a
    stored facet key such as `context.plan` or `signal.user_friction`."""
    if field not in FIELDS and "." in field:
        field, _, key = field.partition(".")
    return Filter(Match(FIELDS[field].name, (Value(value),), key))


# --- canonical text ------------------------------------------------------------------------------------------------

_BARE_WORD = re.compile(r"[^\W_][\w.'@/+#-]*")
_BARE_VALUE = re.compile(r"[^\s(),\"\\*]+")
_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*")
_KEYWORDS = {"or", "and", "not"}


def _quoted(text: str, glob: bool) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped if glob else escaped.replace("*", chr(92) + "*")}"'


def _value_text(value: Value) -> str:
    bare = value.text.replace("*", "") if value.glob else value.text
    if (bare or value.glob) and (not bare or _BARE_VALUE.fullmatch(bare)):
        return value.text
    return _quoted(value.text, value.glob)


def _name_text(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else _quoted(name, False)


def _number_text(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _amount_text(unit: str, value: float) -> str:
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


def _started_text(time_range: TimeRange) -> str:
    text = time_range.text
    if text.endswith(".."):
        return f"since:{text[:-2]}"
    if text.startswith(".."):
        return f"until:{text[2:]}"
    return f"date:{text}" if text[:1].isdigit() and "-" in text else f"since:{text}"


def _text(node: Node, inside_and: bool = False) -> str:
    match node:
        case Term():
            plain = _BARE_WORD.fullmatch(node.text) and node.text.lower() not in _KEYWORDS
            if plain:
                return node.text + ("*" if node.prefix else "")
            return _quoted(node.text, False)[:-1] + ('*"' if node.prefix else '"')
        case Match():
            values = ",".join(_value_text(v) for v in node.values)
            if FIELDS[node.field].kind == "context":
                return f"context.{_name_text(node.key)}" + (f"={values}" if values else "=*")
            if FIELDS[node.field].kind == "named":
                return f"{node.field}:{_name_text(node.key)}" + (f"={values}" if values else "")
            return f"{node.field}:{values or '*'}"
        case Compare():
            return f"{node.field}{node.op}{_amount_text(FIELDS[node.field].unit, node.value)}"
        case Started():
            return _started_text(node.range)
        case Not():
            inner = _text(node.node)
            return f"-({inner})" if isinstance(node.node, And | Or) else f"-{inner}"
        case And():
            return " ".join(_text(n, inside_and=True) for n in node.nodes)
        case Or():
            inner = " or ".join(_text(n) for n in node.nodes)
            return f"({inner})" if inside_and else inner


# --- words ---------------------------------------------------------------------------------------------------------

_SIGNAL_WORDS = {
    ("task_completion", "true"): "task completed",
    ("task_completion", "false"): "task failed",
    ("response_quality", "true"): "good answers",
    ("response_quality", "false"): "poor answers",
    ("user_friction", "true"): "user friction",
    ("negative_feedback", "true"): "negative feedback",
    ("data_quality", "true"): "data-quality issues",
}
_OP_WORDS = {">": "over", ">=": "at least", "<": "under", "<=": "at most", "=": ""}


def _words(node: Node) -> str:
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
    return f"({_words(node)})" if isinstance(node, And | Or) else _words(node)


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
    text = _amount_text(unit, node.value)
    if unit == "usd":
        return f"${text}"
    if unit == "time":
        number = text.rstrip("hms")
        return f"{number} {text[len(number) :].replace('m', 'min') if text.endswith('m') else text[len(number) :]}"
    return text


# --- parsing -------------------------------------------------------------------------------------------------------

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
    return Filter(_Parser(text).whole())


class _Parser:
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
        field = _BY_NAME.get(name)
        if field is None:
            near = get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
            hint = f"Did you mean {_BY_NAME[near[0]].name}?" if near else f"Fields: {', '.join(FIELDS)}."
            raise FilterError(f"No field “{head[1]}”", start, f"{hint} Quote the text to search for it.")
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
            return Started(_range_of(field.name, self.raw_value(field), column))
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
            self.at += 2 if _escapes(self.text, self.at) else 1
        if self.at == start:
            raise FilterError(f"“{field.name}” needs a value here", start, f"For example {_example(field)}.")
        return Value(*_unescape(self.text[start : self.at]))

    def raw_value(self, field: Field) -> str:
        return self.value(field).text

    def quoted(self) -> tuple[str, bool]:
        start = self.at
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.at += 2 if _escapes(self.text, self.at) else 1
        if self.at >= len(self.text):
            raise FilterError("This quote is not closed", start)
        self.at += 1
        return _unescape(self.text[start + 1 : self.at - 1])

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
                self.at += 2 if _escapes(self.text, self.at) else 1
            text, glob = _unescape(self.text[start : self.at])
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


def _escapes(text: str, at: int) -> bool:
    return text[at] == "\\" and text[at + 1 : at + 2] in ("*", '"', "\\")


def _unescape(text: str) -> tuple[str, bool]:
    """Return the text meant, and whether a `*` in it stands for anything."""
    out: list[str] = []
    glob = False
    at = 0
    while at < len(text):
        if _escapes(text, at):
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


def _range_of(name: str, text: str, column: int) -> TimeRange:
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


# --- links ---------------------------------------------------------------------------------------------------------

_LINK_FIELDS = {
    "agents": "agent",
    "users": "user",
    "models": "model",
    "tools": "tool",
    "topics": "topic",
    "errors": "error",
    "states": "state",
    "sources": "source",
    "cohorts": "cohort",
    "datasets": "dataset",
}
_LINK_NAME = {field: name for name, field in _LINK_FIELDS.items()}


def to_link_params(f: Filter) -> dict[str, str]:
    """Return a filter as the parameters of a link: common fields by name, the time, and the rest under `q`."""
    params: dict[str, str] = {}
    rest: list[Node] = []
    for node in f.nodes:
        if isinstance(node, Match) and node.values and _LINK_NAME.get(node.field, "") not in ("", *params):
            params[_LINK_NAME[node.field]] = ",".join(_value_text(v) for v in node.values)
        elif isinstance(node, Started) and not {"since", "until", "date"} & set(params):
            name, _, value = _started_text(node.range).partition(":")
            params[name] = value
        else:
            rest.append(node)
    if rest:
        params["q"] = Filter(all_of(rest)).to_text()
    return params


def from_link_params(params: Mapping[str, str]) -> Filter:
    """Return the filter of a link's parameters; unknown names are refused, `sort`, `tab` and the like are the address's
    own and must be taken out before. Singular names (`agent=`) mean the same as plural ones.

    Raises:
        FilterError: an unknown name or a value that cannot be understood.
    """
    nodes: list[Node] = []
    for name, text in params.items():
        field = FIELDS[_LINK_FIELDS[name]] if name in _LINK_FIELDS else _BY_NAME.get(name)
        if name == "q":
            nodes.extend(parse_filter(text).nodes)
        elif field is None:
            near = get_close_matches(name, [*_LINK_FIELDS, "q", "since"], n=1)
            raise FilterError(f"No link parameter “{name}”", 0, f"Did you mean {near[0]}?" if near else None)
        elif field.kind == "time":
            nodes.append(Started(_range_of(field.name, text, 0)))
        elif field.kind in ("facet", "id"):
            nodes.append(Match(field.name, tuple(_link_values(field, text))))
        else:
            nodes.extend(parse_filter(f"{name}:{text}").nodes)
    return Filter(all_of(nodes))


def _link_values(field: Field, text: str) -> Iterator[Value]:
    """A list of values in a link: blanks and brackets are part of a value there, commas and quotes are not."""
    parser = _Parser(text)
    while True:
        if parser.text[parser.at : parser.at + 1] == '"':
            yield Value(*parser.quoted())
        else:
            start = parser.at
            while parser.at < len(text) and text[parser.at] != ",":
                parser.at += 2 if _escapes(text, parser.at) else 1
            if start == parser.at:
                raise FilterError(f"“{field.name}” needs a value here", start)
            yield Value(*_unescape(text[start : parser.at]))
        if parser.at >= len(text):
            return
        if text[parser.at] != ",":
            raise FilterError("A comma is missing here", parser.at)
        parser.at += 1


# --- sorting -------------------------------------------------------------------------------------------------------

SORT_KEYS = ("started", "duration", "cost", "turns", "tokens", "errors", "user", "agent", "relevance")
"""What sessions can be sorted by."""


class Sort(NamedTuple):
    """An order of sessions. Unknown values come last either way; ties go by start."""

    key: str = "started"
    descending: bool = True

    def to_text(self) -> str:
        """Return `-cost` for descending, `cost` for ascending."""
        return f"{'-' if self.descending else ''}{self.key}"


def parse_sort(text: str) -> Sort:
    """Return the order a text names: `cost` rises, `-cost` falls; `relevance` always falls.

    Raises:
        UsageError: no such key.
    """
    key = text.strip().lower().lstrip("-+")
    if key not in SORT_KEYS:
        near = get_close_matches(key, SORT_KEYS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"One of {', '.join(SORT_KEYS)}."
        raise UsageError(f"cannot sort by {text!r}.", hint)
    return Sort(key, key == "relevance" or text.strip().startswith("-"))


# --- completion ----------------------------------------------------------------------------------------------------


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
        field = _BY_NAME.get(clause[1].partition(".")[0].lower())
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
    field = _BY_NAME.get(name.lower())
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
