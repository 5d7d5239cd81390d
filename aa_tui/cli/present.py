"""Read-models as JSON objects and as lines for people: names, units, wording of the headless verbs. Writes nothing."""

from __future__ import annotations

from typing import Any

from aa_tui.backend.model.vocabulary import MEASURES
from aa_tui.backend.query.readmodels import (
    Measure,
    MonitorView,
    SessionDetail,
    SessionRow,
    StepRow,
)
from aa_tui.backend.service.records import iso, kind_name
from aa_tui.backend.support import humanize
from aa_tui.backend.support.money import nano_to_usd

SESSION_COLUMNS = ("SESSION", "STARTED", "AGENT", "USER", "TURNS", "ERRORS", "COST", "DURATION", "STATE", "TITLE")
SESSION_RIGHT = frozenset({4, 5, 6, 7})
UNKNOWN = "–"


def session_cells(row: SessionRow, zone: str, now_ms: int) -> tuple[str, ...]:
    """Return one line of the session table."""
    cost = humanize.money(row.cost_nano)
    return (
        row.key,
        humanize.moment(row.started_ms, zone, now_ms),
        row.agent,
        row.user or UNKNOWN,
        str(row.turns),
        str(row.errors),
        f"~{cost}" if row.cost_estimated and row.cost_nano is not None else cost,
        humanize.duration(row.duration_ms),
        row.state,
        row.title or "",
    )


def session_facts(detail: SessionDetail, zone: str) -> list[tuple[str, str]]:
    """Return the head of a session for people: label and value."""
    row = detail.row
    cost = humanize.money(row.cost_nano) + (" (list price)" if row.cost_estimated else "")
    facts = [
        ("session", row.key),
        ("title", row.title or UNKNOWN),
        ("agents", ", ".join(detail.agents) or row.agent),
        ("user", row.user or UNKNOWN),
        ("started", humanize.full_moment(row.started_ms, zone)),
        ("duration", humanize.duration(row.duration_ms)),
        ("state", f"{row.state}{f' ({detail.close_reason})' if detail.close_reason else ''}"),
        ("models", ", ".join(detail.models) or UNKNOWN),
        (
            "size",
            f"{humanize.plural(row.turns, 'turn')}, {humanize.plural(row.messages, 'message')}, "
            f"{humanize.plural(row.model_calls, 'model call')}, {humanize.plural(row.tool_calls, 'tool call')} "
            f"({row.tool_errors} failed)",
        ),
        ("tokens", f"{humanize.tokens(row.input_tokens)} in, {humanize.tokens(row.output_tokens)} out"),
        ("cost", f"{cost}, {row.priced_calls} of {humanize.plural(row.model_calls, 'call')} priced"),
        ("source", row.source),
    ]
    coding = [text for text in (row.repository, row.branch, row.cwd) if text]
    if coding:
        facts.append(("place", " · ".join(coding)))
    if row.rules or detail.warnings:
        facts.append(("noticed", ", ".join((*row.rules, *detail.warnings))))
    return facts


def step_title(step: StepRow, zone: str) -> str:
    """Return the line above an event's text."""
    parts = [humanize.clock(step.time_ms, zone), step.agent or "", kind_name(step.kind).replace("_", " ")]
    parts += [step.name or "", step.model or ""]
    if step.latency_ms is not None:
        parts.append(humanize.latency(step.latency_ms))
    if step.is_error:
        parts.append(f"FAILED {step.error_type or ''}".rstrip())
    return "  " * step.depth + "  ".join(part for part in parts if part)


# --- monitor -------------------------------------------------------------------------------------------------------


def _is_cost(measure: str) -> bool:
    info = MEASURES.get(measure)
    return info is not None and info.unit == "usd"


def _usd(measure: str, value: float | None) -> float | None:
    return value / 1e9 if value is not None and _is_cost(measure) else value


def _name(measure: str) -> str:
    return f"{measure}_usd" if _is_cost(measure) else measure


def _measure(name: str, measure: Measure) -> dict[str, Any]:
    return {
        "value": _usd(name, measure.value),
        "n": measure.n,
        "previous": _usd(name, measure.previous),
        "previous_n": measure.previous_n,
    }


def monitor_object(view: MonitorView, project: str, filter_text: str) -> dict[str, Any]:
    """Return Monitor as JSON: money in US dollars, rates 0–1, latencies in milliseconds, instants ISO 8601 UTC."""
    return {
        "project": project,
        "filter": filter_text,
        "from": iso(view.from_ms),
        "to": iso(view.to_ms),
        "interval": view.interval,
        "time_zone": view.time_zone,
        "tiles": {_name(name): _measure(name, measure) for name, measure in view.tiles.items()},
        "series": [
            {
                "measure": _name(series.measure),
                "group": series.group,
                "points": [
                    {"start": iso(point.start_ms), "value": _usd(series.measure, point.value), "n": point.n}
                    for point in series.points
                ],
            }
            for series in view.series
        ],
        "agents": [
            {
                "agent": agent.agent,
                "sessions": agent.sessions,
                "success": _measure("success", agent.success),
                "quality": _measure("quality", agent.quality),
                "error_rate": _measure("error_rate", agent.error_rate),
                "cost_usd": nano_to_usd(agent.cost_nano),
                "cost_estimated": agent.cost_estimated,
                "p90_ms": agent.p90_ms,
                "topics": list(agent.topics),
            }
            for agent in view.agents
        ],
        "tools": [tool._asdict() for tool in view.tools or ()],
        "errors": [one._asdict() for one in view.errors],
        "rules": [one._asdict() for one in view.rules],
        "topics": [one._asdict() for one in view.topics],
        "marks": [{"at": iso(mark.at_ms), "label": mark.label, "kind": mark.kind} for mark in view.marks],
        "scored": view.scored,
        "scored_by": view.scored_by,
        "cost_estimated": view.cost_estimated,
        "priced_calls": view.cost_coverage[0],
        "model_calls": view.cost_coverage[1],
        "untimed_sessions": view.untimed,
        "data_as_of": iso(view.data_as_of_ms),
    }


def measure_title(name: str) -> str:
    """Return a measure's title as every screen has it."""
    info = MEASURES.get(name)
    return name if info is None else info.title


def measure_text(name: str, value: float | None) -> str:
    """Return a measure's value for people, by its unit in the vocabulary."""
    info = MEASURES.get(name)
    if value is None:
        return UNKNOWN
    if info is None or info.unit == "count":
        return humanize.count(value)
    if info.unit == "usd":
        return humanize.money(round(value))
    if info.unit == "ms":
        return humanize.latency(value)
    return humanize.share(value)
