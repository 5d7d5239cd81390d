"""What a filter is made of: parts, and AND, OR and NOT in normal form. Neither text nor SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aa_tui.backend.model.timerange import TimeRange


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
