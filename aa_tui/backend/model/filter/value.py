"""The filter as one frozen value: its parts, what adding and dropping parts gives, its time and its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from aa_tui.backend.model.filter.fields import FIELDS
from aa_tui.backend.model.filter.nodes import And, Compare, Match, Node, Started, Term, Value, all_of
from aa_tui.backend.model.filter.text import text_of
from aa_tui.backend.model.timerange import TimeRange


@dataclass(frozen=True)
class Filter:
    """Which sessions are meant. `Filter()` means all. Values are equal when their canonical texts are."""

    node: Node | None = None

    def __bool__(self) -> bool:
        return self.node is not None

    def to_text(self) -> str:
        """Return the canonical text; `parse_filter` of it gives an equal filter."""
        return " ".join(text_of(node, inside_and=len(self._nodes) > 1) for node in self._nodes)

    def words(self) -> str:
        """Say the filter in English: `agent support-bot, task failed, last 7 days, “chargeback”`."""
        from aa_tui.backend.model.filter.sentence import words_of

        return ", ".join(words_of(node) for node in self._nodes) or "all sessions"

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
        if isinstance(other, str):
            from aa_tui.backend.model.filter.parsing import parse_filter

            other = parse_filter(other)
        replaced = {slot for node in other._nodes if (slot := _slot(node))}
        kept = [n for n in self._nodes if _slot(n) not in replaced or _slot(n) is None]
        return Filter(all_of([*kept, *(n for n in other._nodes if n not in kept)]))

    def time_range(self) -> TimeRange | None:
        """Return the range of the first time part at the top, or None."""
        return next((n.range for n in self._nodes if isinstance(n, Started)), None)

    def with_range(self, time_range: TimeRange | None) -> Filter:
        """Return the filter with this range instead of its own; None removes it."""
        rest = [n for n in self._nodes if not isinstance(n, Started)]
        return Filter(all_of(rest if time_range is None else [*rest, Started(time_range)]))

    def search_text(self) -> str:
        """Return the free words and phrases at the top, as typed; '' when nothing is searched."""
        return " ".join(text_of(t) for t in self.terms())

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
