"""The filterable values of a session. How they are stored is the writer's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.ingest.sessionise.results import FACET_CHARS
from aa_tui.backend.ingest.sessionise.totals import Totals
from aa_tui.backend.ingest.sessionise.warnings import Warn
from aa_tui.backend.model.error_categories import category_of

MOST_VALUES = 50
"""Values of one facet key that a session may have; more would be data, not a dimension."""


def facets_of(
    row: dict[str, Any],
    given: Mapping[str, Mapping[str, None]],
    totals: Totals,
    agents: Sequence[str],
    hits: Mapping[str, int],
    sources: Sequence[str],
    warn: Warn,
) -> set[tuple[str, str]]:
    """Return (key, value) of every facet that does not come from results."""
    found = {(key, value) for key, values in given.items() for value in values}

    def add(key: str, values: Iterable[object]) -> None:
        for count, value in enumerate(values):
            if count >= MOST_VALUES and key != "tool":
                break
            found.add((key, str(value)[:FACET_CHARS]))

    add("agent", agents)
    if row["user_id"]:
        add("user", [row["user_id"]])
    add("state", ["closed" if row["state"] == "closed" else "open"])
    if row["close_reason"]:
        add("close_reason", [row["close_reason"]])
    add("source", sources)
    add("model", totals.models)
    add("tool", totals.tools)
    add("failed_tool", sorted(totals.failed_tools))
    add("provider", sorted(totals.providers))
    add("error", sorted(totals.error_types))
    add("error_category", sorted({category_of(name) for name in totals.error_types}))
    add("rule", hits)
    add("warning", sorted(warn.codes))
    return found
