"""The filterable values of a session. How they are stored is the writer's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aa_tui.backend.ingest.closing_rules import SessionSettings
from aa_tui.backend.ingest.sessionise.records import Recorded
from aa_tui.backend.ingest.sessionise.scores import sentiment_of
from aa_tui.backend.ingest.sessionise.totals import Totals
from aa_tui.backend.ingest.sessionise.warnings import Warn
from aa_tui.backend.model.error_categories import category_of

FACET_CHARS = 200
"""Longer facet values are cut here."""
MOST_VALUES = 50
"""Values of one facet key that a session may have; more would be data, not a dimension."""


def topics_of(enrichments: Any) -> list[str]:
    """Return the primary topics that a sender's topic models gave, in order of model name."""
    if not isinstance(enrichments, Mapping):
        return []
    models = enrichments.get("topic_classifications")
    found: dict[str, None] = {}
    if isinstance(models, Mapping):
        for _, given in sorted(models.items(), key=lambda pair: str(pair[0])):
            if not isinstance(given, Mapping):
                continue
            primary = given.get("primary") or given.get("l1")
            values = given.get("values")
            if not primary and isinstance(values, list) and values:
                primary = values[0]
            if isinstance(primary, str) and primary:
                found[primary[:FACET_CHARS]] = None
    return list(found)


def facets_of(
    row: dict[str, Any],
    info: Mapping[str, Any],
    given: Mapping[str, Mapping[str, None]],
    totals: Totals,
    agents: Sequence[str],
    hits: Mapping[str, int],
    topics: Sequence[str],
    sources: Sequence[str],
    warn: Warn,
    recorded: Recorded,
    settings: SessionSettings,
) -> set[tuple[str, str]]:
    """Return (key, value) of every facet, and set the row's scores that depend on what Info says."""
    row["user_score"] = info.get("user_score")
    if row["sentiment_score"] is None:
        row["sentiment_score"] = sentiment_of(row, recorded)
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
    add("topic", topics)
    add("warning", sorted(warn.codes))
    for name, value, passed in recorded.signals:
        _result_facets(found, "signal", name, value, passed)
    for name, value, passed in recorded.evaluators:
        _result_facets(found, "eval", name, value, passed)
    for name, answer in recorded.answered:
        found.add((f"reviewed.{name}", answer[:FACET_CHARS]))
    return found


def _result_facets(found: set[tuple[str, str]], kind: str, name: str, value: str | None, passed: bool | None) -> None:
    if value is not None:
        found.add((f"{kind}.{name}", value[:FACET_CHARS]))
    if passed is not None:
        found.add((f"{kind}pass.{name}", "pass" if passed else "fail"))
