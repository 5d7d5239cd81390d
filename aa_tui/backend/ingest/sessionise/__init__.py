"""From all events of one session to everything derived from them: order, turns, nesting, sums, facets, rollups. Pure.

`derive` depends only on the set of events, never on the order they arrived in: the same events give the same session in
any order and split over any number of imports.
"""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.ingest.closing_rules import SessionSettings, State, state_of
from aa_tui.backend.ingest.rules import rule_hits
from aa_tui.backend.ingest.sessionise.about import agent_chain, describe, title_of, user_of
from aa_tui.backend.ingest.sessionise.contribution import contribution_of
from aa_tui.backend.ingest.sessionise.facets import facets_of
from aa_tui.backend.ingest.sessionise.findings import code_says, sender_says, with_findings
from aa_tui.backend.ingest.sessionise.kinds import AFTERWARDS, QUALITY_RANK, UNTIMED
from aa_tui.backend.ingest.sessionise.order import in_order_of_turns, traces_of, warn_of_ends, with_times, without_time
from aa_tui.backend.ingest.sessionise.records import NOTHING_RECORDED, Contribution, DerivedSession, Place, Recorded
from aa_tui.backend.ingest.sessionise.results import FACET_CHARS, from_results
from aa_tui.backend.ingest.sessionise.totals import Totals
from aa_tui.backend.ingest.sessionise.turns import places_of, turn_rows
from aa_tui.backend.ingest.sessionise.warnings import Warn
from aa_tui.backend.ingest.stored import StoredEvent, to_json
from aa_tui.backend.model.event import TimeQuality
from aa_tui.backend.signals.findings import Finding

__all__ = ["FACET_CHARS", "NOTHING_RECORDED", "Contribution", "DerivedSession", "Place", "Recorded", "derive"]

_CONTENT_MODES = ("customer_enriched", "metadata_only", "full")


def derive(
    key: str,
    events: Sequence[StoredEvent],
    settings: SessionSettings,
    now_ms: int,
    recorded: Recorded = NOTHING_RECORDED,
    frozen: State | None = None,
) -> DerivedSession:
    """Derive a session from all its events.

    Args:
        key: the session's key.
        events: all its events, at least one, in any order.
        settings: what the project says of closing and scores.
        now_ms: the present, epoch milliseconds; only the state depends on it.
        recorded: results and answers that did not come as events.
        frozen: the state to assume instead of computing it: what the store has of the session now.
    """
    warn = Warn()
    traces = traces_of(key, with_times(events), warn)
    ordered, turn_of, turn_traces = in_order_of_turns(key, traces, warn)
    in_order = [one.event for one in ordered]
    core = [one for one in ordered if one.event.kind not in AFTERWARDS] or ordered
    steps = [one.event for one in core]
    qualities = {event.time_quality for event in steps if not without_time(event)}
    quality = max(qualities, key=QUALITY_RANK.__getitem__, default=str(TimeQuality.ORDER_ONLY))
    timed = quality != TimeQuality.ORDER_ONLY
    started = min([one.at for one in core]) if timed else None
    ended = max([one.end for one in core]) if timed else None
    received = min([event.received_ms for event in in_order])
    state = frozen or state_of(in_order, settings, now_ms, started, ended, untimed=quality in UNTIMED)
    warn_of_ends(ordered, warn)
    places = places_of(in_order, turn_of, warn)
    totals = Totals(in_order)
    info, facets = describe(in_order, totals, settings, warn)
    agents = agent_chain(steps)
    hits = rule_hits(in_order, state.closed, state.close_reason == "timeout")
    row = {
        "key": key,
        "sort_at": started if started is not None else received,
        "started_ms": started,
        "ended_ms": ended,
        "time_quality": quality,
        "agent": agents[0],
        "user_id": user_of(steps, warn) or user_of(in_order, warn),
        "state": state.state,
        "close_reason": state.close_reason,
        "closed_ms": state.closed_ms,
        "close_due_ms": state.close_due_ms,
        "title": title_of(in_order, info),
        "source": steps[0].source,
        "agents": to_json(agents),
        "turns": len(turn_traces),
        "duration_ms": ended - started if started is not None and ended is not None else None,
        "rules": " ".join(sorted(hits)),
        "content_mode": next((mode for mode in _CONTENT_MODES if mode in info.get("content_modes", ())), None),
        **totals.columns(),
        "user_score": info.get("user_score"),
    }
    sources = sorted({event.source for event in steps if event.source})
    if len(sources) > 1:
        warn("several_sources")
        info["sources"] = sources
    if hits:
        info["rule_hits"] = dict(sorted(hits.items()))
    row["info"] = to_json(dict(sorted(info.items())))
    row["warnings"] = " ".join(sorted(warn.codes))
    enrichments = info.get("enrichments")
    findings: tuple[Finding, ...] = ()
    if state.closed:
        findings = (
            *sender_says(enrichments, row["content_mode"]),
            *code_says(in_order, totals, hits, enrichments, warn),
        )
    results = from_results(enrichments, info.get("user_score"), with_findings(recorded, findings))
    row.update(results.columns)
    found = facets_of(row, facets, totals, agents, hits, sources, warn) | results.facets
    turns = turn_rows(ordered, turn_of, turn_traces, timed)
    contribution = contribution_of(row, found, totals, hits)
    return DerivedSession(row, turns, places, found, contribution, state, findings)
