"""Which sessions stand behind what is drawn: filters and ranges of rows, measures, groups and buckets. Pure."""

from __future__ import annotations

from aa_tui.backend.model.filter import Filter, facet_filter
from aa_tui.backend.model.timerange import TimeRange
from aa_tui.backend.support import humanize
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.screens.monitor.measures import shown

OTHER = "other"
"""Name of the group of all that is in none of the named groups."""

_TABLE_FIELD = {"agents": "agent", "tools": "tool", "errors": "error", "rules": "rule", "topics": "topic"}


def behind_row(base: Filter, table: str, key: str, topics_from: str = "") -> Filter:
    """Return the filter of the sessions behind a table row; topics may be the classes of an evaluator."""
    if table == "topics" and topics_from:
        return base.plus(facet_filter("eval", key, topics_from))
    return base.plus(facet_filter(_TABLE_FIELD[table], key))


def behind_measure(base: Filter, measure: str, scored: bool) -> Filter:
    """Return the filter of the sessions a measure is about: the failing ones where it is a rate of success."""
    if measure.startswith("rule:"):
        return base.plus(facet_filter("rule", measure.partition(":")[2]))
    extra = shown(measure, scored).filter
    return base.plus(extra) if extra else base


def behind_group(base: Filter, key: str, group: str, groups: tuple[str, ...]) -> Filter:
    """Return the filter of one group of a grouped chart; `other` is everything the named groups are not."""
    if not group:
        return base
    field, _, name = key.partition(".")
    if group != OTHER:
        return base.plus(facet_filter(field, group, name))
    for named in groups:
        if named and named != OTHER:
            base = base.plus(f"-{facet_filter(field, named, name).to_text()}")
    return base


def bucket_range(from_ms: int, to_ms: int, zone: str) -> TimeRange:
    """Return the range of a bucket: whole days where it begins and ends at midnight of the zone, else minutes."""
    start, end = humanize.instant(from_ms, zone), humanize.instant(to_ms, zone)
    if (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0):
        last = humanize.instant(to_ms - DAY_MS // 2, zone)
        return TimeRange(f"{start:%Y-%m-%d}..{last:%Y-%m-%d}")
    return TimeRange(f"{start:%Y-%m-%dT%H:%M}..{end:%Y-%m-%dT%H:%M}")
