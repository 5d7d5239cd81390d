"""The one filter language: its fields, grammar, value, canonical text, words and link parameters. No SQL lives here.

    agent:billing,refunds -state:open (cost>0.5 or turns>=3) signal:task_completion=false since:7d "exact words" word

Parts are joined by AND; `or` and brackets group; `-` or `not` negates; commas list alternatives; `*` is a wildcard;
quotes keep blanks, and a backslash before `*`, `"` or `\\` takes the character literally.

What is needed to show a list is imported here; the parser, links and completion are imported when first asked for,
because the first frame waits for this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from aa_tui.backend.model.filter.fields import FIELDS, SIGNAL_ALIAS, Field, FilterError
from aa_tui.backend.model.filter.nodes import (
    And,
    Compare,
    Match,
    Node,
    Not,
    Or,
    Started,
    Term,
    Value,
    all_of,
    any_of,
    negated,
)
from aa_tui.backend.model.filter.sorting import SORT_KEYS, Sort, parse_sort, usual_sort
from aa_tui.backend.model.filter.value import Filter, facet_filter

if TYPE_CHECKING:
    from aa_tui.backend.model.filter.completing import Completion, ValueSlot, complete, value_slot
    from aa_tui.backend.model.filter.links import from_link_params, to_link_params
    from aa_tui.backend.model.filter.parsing import parse_filter
else:
    _LATER = {
        "Completion": "completing",
        "ValueSlot": "completing",
        "complete": "completing",
        "value_slot": "completing",
        "from_link_params": "links",
        "to_link_params": "links",
        "parse_filter": "parsing",
    }

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "FIELDS",
    "SIGNAL_ALIAS",
    "SORT_KEYS",
    "And",
    "Compare",
    "Completion",
    "Field",
    "Filter",
    "FilterError",
    "Match",
    "Node",
    "Not",
    "Or",
    "Sort",
    "Started",
    "Term",
    "Value",
    "ValueSlot",
    "all_of",
    "any_of",
    "complete",
    "facet_filter",
    "from_link_params",
    "negated",
    "parse_filter",
    "parse_sort",
    "to_link_params",
    "usual_sort",
    "value_slot",
]
