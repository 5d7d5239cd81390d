"""What a session adds to the rollups. Adding it up is the store's business."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aa_tui.backend.ingest.sessionise.kinds import UNTIMED
from aa_tui.backend.ingest.sessionise.records import Contribution
from aa_tui.backend.ingest.sessionise.results import FACET_CHARS, result_dims, session_sums
from aa_tui.backend.ingest.sessionise.totals import Totals
from aa_tui.backend.store.rollups import BUCKET_MS, tool_error_value


def contribution_of(
    row: Mapping[str, Any], facets: Collection[tuple[str, str]], totals: Totals, hits: Mapping[str, int]
) -> Contribution:
    """Return what the session adds to the rollups; nothing when its time is unknown or made up (decision 3)."""
    made = Contribution()
    if row["time_quality"] in UNTIMED:
        return made
    bucket, agent = row["sort_at"] // BUCKET_MS, row["agent"]
    made.sessions[bucket, agent] = (
        1, row["turns"], totals.messages, totals.model_calls, totals.tool_calls, totals.tool_errors, totals.errors,
        int(totals.errors > 0), int(bool(hits)), totals.input_tokens or 0, totals.output_tokens or 0,
        totals.cost_nano or 0, totals.priced_calls, int(totals.cost_nano is not None), int(totals.cost_estimated),
        row["duration_ms"] or 0,
    )  # fmt: skip
    for name, (calls, errors, spent, nano) in totals.models.items():
        made.dims["model", bucket, agent, name[:FACET_CHARS]] = [1, calls, errors, spent, nano]
    for name, (calls, errors) in totals.tools.items():
        made.dims["tool", bucket, agent, name[:FACET_CHARS]] = [1, calls, errors, 0, 0]
    for (name, error), count in totals.tool_errors_by_type.items():
        value = tool_error_value(name[:FACET_CHARS], error[:FACET_CHARS])
        made.dims["tool_error", bucket, agent, value] = [1, 0, count, 0, 0]
    for name, count in totals.error_types.items():
        made.dims["error", bucket, agent, name[:FACET_CHARS]] = [1, 0, count, 0, 0]
    for name, count in hits.items():
        made.dims["rule", bucket, agent, name] = [1, count, 0, 0, 0]
    for key, value in facets:
        if key in ("version", "repository", "source"):
            made.dims[key, bucket, agent, value] = session_sums(row)
    made.dims.update(result_dims(row, facets))
    if row["user_id"] is not None:
        made.users[bucket, agent, row["user_id"]] = 1
    for dim, value, bins in (
        ("", "", totals.bins),
        ("ttfb", "", totals.ttfb_bins),
        *(("tool", name[:FACET_CHARS], bins) for name, bins in totals.tool_bins.items()),
    ):
        for number, count in bins.items():
            place = (dim, bucket, agent, value, number)
            made.latencies[place] = made.latencies.get(place, 0) + count
    return made
