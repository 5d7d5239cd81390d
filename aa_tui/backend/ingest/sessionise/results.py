"""What recorded results add to a session: facets, topic, scores, and their part of the rollups. Pure.

It needs nothing of a session but its row, so that results can be recorded without deriving the session again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.ingest.sessionise.kinds import UNTIMED
from aa_tui.backend.ingest.sessionise.records import Recorded
from aa_tui.backend.ingest.sessionise.scores import scores_of, sentiment_of
from aa_tui.backend.store.rollups import BUCKET_MS, SIGNALS, DimKey, signal_value

FACET_CHARS = 200
"""Longer facet values are cut here."""
MOST_TOPICS = 50
_TOPIC = "topic"
_NO_FACET = frozenset({_TOPIC, "topic_summary"})
"""By-products of judging that are no values to filter by: the topic is a facet of its own, the summary a sentence."""
_COUNTED = {f"signal.{name}": name for name in SIGNALS}
"""Signal by the facet key of its value, where rollups count it."""
_HINTED, _JUDGED = "signal.user_friction", "signalpass.user_friction"
"""Code hints at friction where nothing judged it; rollups count judgements, which pass or fail."""


@dataclass(frozen=True, slots=True)
class FromResults:
    """What a session has from results, and from what its sender says in their place."""

    facets: frozenset[tuple[str, str]]
    columns: Mapping[str, Any]
    """`topic`, `quality_score`, `sentiment_score`."""


def from_results(enrichments: Any, user_score: float | None, recorded: Recorded) -> FromResults:
    """Return what recorded results mean for a session whose sender's enrichments and user's score are known."""
    found: set[tuple[str, str]] = set()
    topics = topics_of(enrichments)
    for name, value, passed in recorded.signals:
        if name == _TOPIC and value and not topics:
            topics = [value[:FACET_CHARS]]
        if name not in _NO_FACET:
            _facets(found, "signal", name, value, passed)
    for name, value, passed in recorded.evaluators:
        _facets(found, "eval", name, value, passed)
    for name, answer in recorded.answered:
        found.add((f"reviewed.{name}", answer[:FACET_CHARS]))
    found.update((_TOPIC, topic) for topic in topics[:MOST_TOPICS])
    columns = {_TOPIC: topics[0] if topics else None, **scores_of(enrichments, recorded)}
    if columns["sentiment_score"] is None:
        columns["sentiment_score"] = sentiment_of(user_score, recorded)
    return FromResults(frozenset(found), columns)


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


def result_dims(row: Mapping[str, Any], facets: Collection[tuple[str, str]]) -> dict[DimKey, list[int]]:
    """Return what facets of results add to the rollups of a session with these columns.

    Nothing when its time is unknown or made up (decision 3).
    """
    made: dict[DimKey, list[int]] = {}
    if row["time_quality"] in UNTIMED:
        return made
    bucket, agent = row["sort_at"] // BUCKET_MS, row["agent"]
    judged = {key for key, _ in facets if key == _JUDGED}
    for key, value in facets:
        if key == _TOPIC:
            made[_TOPIC, bucket, agent, value] = session_sums(row)
        elif key in _COUNTED and (key != _HINTED or judged):
            made["signal", bucket, agent, signal_value(_COUNTED[key], value)] = [1, 0, 0, 0, 0]
    return made


def session_sums(row: Mapping[str, Any]) -> list[int]:
    """Return what a session adds to a dimension that all of it belongs to: itself, calls, errors, tokens, cost."""
    return [1, row["model_calls"], row["errors"], row["total_tokens"] or 0, row["cost_nano"] or 0]


def _facets(found: set[tuple[str, str]], kind: str, name: str, value: str | None, passed: bool | None) -> None:
    if value is not None:
        found.add((f"{kind}.{name}", value[:FACET_CHARS]))
    if passed is not None:
        found.add((f"{kind}pass.{name}", "pass" if passed else "fail"))


def changed(
    recorded: Recorded,
    signals: Sequence[tuple[str, str | None, bool | None]],
    evaluators: Sequence[tuple[str, str | None, bool | None]],
    gone: Iterable[str] = (),
) -> Recorded:
    """Return what is recorded of a session once newer results took the place of those of the same names.

    `gone`: evaluators whose newer result is an error, which is no verdict.
    """
    by_signal = {one[0]: one for one in recorded.signals}
    by_signal.update((one[0], one) for one in signals)
    by_evaluator = {one[0]: one for one in recorded.evaluators if one[0] not in set(gone)}
    by_evaluator.update((one[0], one) for one in evaluators)
    return Recorded(tuple(by_signal.values()), tuple(by_evaluator.values()), recorded.answered)
