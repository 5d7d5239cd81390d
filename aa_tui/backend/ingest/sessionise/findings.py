"""What code says of signals of a closed session: its events counted for `signals`, which words and decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aa_tui.backend.ingest.rules import SHORTEST_REQUEST
from aa_tui.backend.ingest.sessionise.kinds import AI, TOOL, USER
from aa_tui.backend.ingest.sessionise.records import Recorded
from aa_tui.backend.ingest.sessionise.totals import LONE_RESULT, Totals
from aa_tui.backend.ingest.sessionise.warnings import DERIVED_CODES, Warn
from aa_tui.backend.ingest.stored import StoredEvent
from aa_tui.backend.signals.data_quality import QualityFacts, data_quality
from aa_tui.backend.signals.findings import Finding
from aa_tui.backend.signals.sender import reported_issues, sender_findings
from aa_tui.backend.signals.user_friction import friction_by_code

_BY_RULE = {
    "unanswered": "unanswered_user_message",
    "truncated": "truncated_response",
    "content_filtered": "content_filtered",
}
"""Code of data quality by the rule that finds it."""
_EMPTY = "tool_empty_output"
_TWICE_WITHIN_MS = 2_000
"""The same words again within so short a time were sent twice, not said twice."""
_ROLES = {USER: "user", AI: "assistant", TOOL: "tool"}
_MOST_PLACES = 10


def sender_says(enrichments: Any, content_mode: str | None) -> tuple[Finding, ...]:
    """Return what the sender says of signals."""
    return sender_findings(enrichments, content_mode == "customer_enriched") if enrichments else ()


def code_says(
    ordered: Sequence[StoredEvent], totals: Totals, hits: Mapping[str, int], enrichments: Any, warn: Warn
) -> tuple[Finding, ...]:
    """Return what code says of a session whose warnings are all collected."""
    facts = _facts(ordered, totals, hits, warn)
    if enrichments and (reported := reported_issues(enrichments)):
        facts = QualityFacts(facts.codes, facts.tool_errors, facts.empty_outputs, facts.places, reported)
    return data_quality(facts), friction_by_code(hits)


def current_of(findings: Sequence[Finding], recorded: Recorded) -> tuple[Finding, ...]:
    """Return those that nothing better stands for: a judge's result, then the sender's word, then code."""
    judged = {name for name, _, _ in recorded.signals}
    chosen: dict[str, Finding] = {}
    for one in findings:
        if one.signal not in judged:
            chosen.setdefault(one.signal, one)
    return tuple(chosen.values())


def with_findings(recorded: Recorded, findings: Sequence[Finding]) -> Recorded:
    """Return what is recorded of a session, with findings that nothing better stands for."""
    chosen = current_of(findings, recorded)
    if not chosen:
        return recorded
    signals = tuple((one.signal, one.value, one.passed) for one in chosen)
    return Recorded(recorded.signals + signals, recorded.evaluators, recorded.answered)


def _facts(ordered: Sequence[StoredEvent], totals: Totals, hits: Mapping[str, int], warn: Warn) -> QualityFacts:
    codes: dict[str, int] = {}
    places: list[tuple[str, str, int]] = []
    empty: dict[str, int] = {}
    said: dict[tuple[int, str, int], int] = {}
    asked = False

    def count(code: str, event: StoredEvent | None = None, times: int = 1) -> None:
        codes[code] = codes.get(code, 0) + times
        if event is not None:
            place(code, event)

    def place(code: str, event: StoredEvent) -> None:
        if len(places) < _MOST_PLACES:
            places.append((code, _ROLES.get(event.kind, "system"), event.id))

    for event in ordered:
        kind = event.kind
        if event.warnings is not None:
            for code in event.warnings.split():
                if code in DERIVED_CODES:
                    continue
                if code == _EMPTY:
                    tool = event.name or "unknown"
                    empty[tool] = empty.get(tool, 0) + 1
                    place(f"{code}:{tool}", event)
                else:
                    count(code, event)
        if kind == AI:
            if event.is_error or (not asked and event.model is None and event.total_tokens is None):
                continue  # failed, or a greeting that no model wrote
            if event.cost_nano is None:
                count("missing_cost")
            if event.input_tokens is None and event.output_tokens is None and event.total_tokens is None:
                count("missing_tokens")
            if not event.latency_ms:
                count("missing_latency")
            if event.model is None:
                count("missing_model", event)
        elif kind == TOOL:
            if event.is_error:
                place(f"tool_error:{event.name or 'unknown'}:{event.error_type or 'Error'}", event)
            continue
        elif kind == USER:
            asked = True
            if event.from_agent or event.interrupted:
                continue
        else:
            continue
        head, at = event.head, event.time_ms
        # Agents that work side by side say and are told the same at once.
        if head is not None and at is not None and event.text_size >= SHORTEST_REQUEST and not event.parent_agent_id:
            same = (kind, head, event.text_size)
            before = said.get(same)
            if before is not None and abs(at - before) <= _TWICE_WITHIN_MS:
                count("duplicate_message", event)
            said[same] = at
    for rule, code in _BY_RULE.items():
        if rule in hits:
            codes[code] = hits[rule]
    for derived in warn.by_event.values():
        for code in derived:
            count(code)
    for code in warn.codes:
        if code not in codes and code != _EMPTY:
            codes[code] = 1
    errors = dict(totals.tool_errors_by_type)
    for tool, (_, failed) in totals.tools.items():
        typed = sum(n for (name, _), n in errors.items() if name == tool) if failed else 0
        if failed > typed:
            errors[tool, "Error"] = failed - typed
    lone = totals.tool_errors - sum(errors.values())
    if lone:
        errors[LONE_RESULT, "Error"] = lone
    return QualityFacts(codes if len(codes) < 2 else dict(sorted(codes.items())), errors, empty, places)
