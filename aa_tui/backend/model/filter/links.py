"""A filter as the parameters of a link, and back. Sorting and tabs are the address's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aa_tui.backend.model.filter.fields import BY_NAME, FIELDS, Field, FilterError, nearest
from aa_tui.backend.model.filter.nodes import Match, Node, Started, Value, all_of
from aa_tui.backend.model.filter.parsing import Parser, escapes, parse_filter, range_of, unescape
from aa_tui.backend.model.filter.text import started_text, value_text
from aa_tui.backend.model.filter.value import Filter

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
            params[_LINK_NAME[node.field]] = ",".join(value_text(v) for v in node.values)
        elif isinstance(node, Started) and not {"since", "until", "date"} & set(params):
            name, _, value = started_text(node.range).partition(":")
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
        field = FIELDS[_LINK_FIELDS[name]] if name in _LINK_FIELDS else BY_NAME.get(name)
        if name == "q":
            nodes.extend(parse_filter(text).nodes)
        elif field is None:
            near = nearest(name, [*_LINK_FIELDS, *BY_NAME])
            raise FilterError(f"No link parameter “{name}”", 0, f"Did you mean {near}?" if near else None)
        elif field.kind == "time":
            nodes.append(Started(range_of(field.name, text, 0)))
        elif field.kind in ("facet", "id"):
            nodes.append(Match(field.name, tuple(_link_values(field, text))))
        else:
            nodes.extend(parse_filter(f"{name}:{text}").nodes)
    return Filter(all_of(nodes))


def _link_values(field: Field, text: str) -> Iterator[Value]:
    """A list of values in a link: blanks and brackets are part of a value there, commas and quotes are not."""
    parser = Parser(text)
    while True:
        if parser.text[parser.at : parser.at + 1] == '"':
            yield Value(*parser.quoted())
        else:
            start = parser.at
            while parser.at < len(text) and text[parser.at] != ",":
                parser.at += 2 if escapes(text, parser.at) else 1
            if start == parser.at:
                raise FilterError(f"“{field.name}” needs a value here", start)
            yield Value(*unescape(text[start : parser.at]))
        if parser.at >= len(text):
            return
        if text[parser.at] != ",":
            raise FilterError("A comma is missing here", parser.at)
        parser.at += 1
