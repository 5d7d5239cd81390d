"""Sessions and projects as plain records with stable names: what JSON, CSV and files carry. One definition per field.

Formatting for people lives elsewhere; a record holds numbers, texts and ISO 8601 instants, None for unknown.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.query.readmodels import ContentText, ProjectInfo, SessionDetail, SessionRow, StepRow
from aa_tui.backend.support.clock import from_ms
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.money import nano_to_usd

if TYPE_CHECKING:
    from aa_tui.backend.query.records import ProjectedEvent


def iso(ms: int | None) -> str | None:
    """Return an instant as ISO 8601 with `Z` and milliseconds, or None."""
    return None if ms is None else from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: Any) -> Any:
    """Return a record's value as a cell of CSV: unknown is empty, lists are joined by blanks, true is 1.

    A text is made drawable on one line, so that printing the file drives no terminal, and gets an apostrophe before it
    where a spreadsheet would take it for a formula.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = drawable(value, one_line=True)
    # Drawing drops colours, which may have stood before the sign.
    return f"'{text}" if text.startswith(_FORMULA) or value.startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a session's record."""

    name: str
    definition: str
    value: Callable[[SessionRow], Any]


SESSION_FIELDS: tuple[Field, ...] = (
    Field("id", "The session's id as its source gave it; unique in the project.", lambda row: row.key),
    Field("agent", "Root agent: the agent of the first event that has no parent agent.", lambda row: row.agent),
    Field("user", "User id, else device id; null when the source named neither.", lambda row: row.user),
    Field(
        "started_at",
        "Start of the first event (its time minus its latency), UTC; null when the source has no usable time.",
        lambda row: iso(row.started_ms) if row.time_quality in ("exact", "zone_assumed") else None,
    ),
    Field(
        "ended_at",
        "Time of the last event, UTC; null when the source has no usable time.",
        lambda row: iso(row.ended_ms) if row.time_quality in ("exact", "zone_assumed") else None,
    ),
    Field("duration_ms", "ended_at minus started_at, milliseconds; null when unknown.", lambda row: row.duration_ms),
    Field("turns", "Distinct Trace IDs that hold a user message or an answer.", lambda row: row.turns),
    Field("messages", "User messages and AI responses, nested agents included.", lambda row: row.messages),
    Field(
        "user_messages",
        "Messages by a person; instructions of one agent to another are not counted.",
        lambda row: row.user_messages,
    ),
    Field("model_calls", "Model calls, nested agents included.", lambda row: row.model_calls),
    Field("tool_calls", "Tool calls of the agents, nested agents included.", lambda row: row.tool_calls),
    Field("tool_errors", "Tool calls that failed.", lambda row: row.tool_errors),
    Field("input_tokens", "Input tokens, cached ones included; null when no call told.", lambda row: row.input_tokens),
    Field("output_tokens", "Output tokens, reasoning included; null when no call told.", lambda row: row.output_tokens),
    Field(
        "cost_usd",
        "Sum of the costs that are known, US dollars; null when none is.",
        lambda row: nano_to_usd(row.cost_nano),
    ),
    Field(
        "cost_estimated",
        "True when any part of the cost was estimated from list prices.",
        lambda row: row.cost_estimated,
    ),
    Field("priced_calls", "How many model calls the cost covers.", lambda row: row.priced_calls),
    Field("errors", "Technical errors: model calls, tool calls and spans that failed.", lambda row: row.errors),
    Field("state", "open, closing, enriching, closed or failed.", lambda row: row.state),
    Field("source", "Name of the format or sender it came from.", lambda row: row.source),
    Field("title", "What they wanted: sender's title, topic or the first user line.", lambda row: row.title),
    Field("model", "The model most calls used; null when none was named.", lambda row: row.model),
    Field("topic", "Primary topic, where a sender or evaluator named one.", lambda row: row.topic),
    Field("rules", "What rules found without a model: tool_error, retry_storm, …", lambda row: list(row.rules)),
    Field("repository", "Repository of a coding session.", lambda row: row.repository),
    Field("branch", "Git branch of a coding session.", lambda row: row.branch),
    Field("cwd", "Working directory of a coding session.", lambda row: row.cwd),
)
"""The record of a session, in order."""


def session_record(row: SessionRow) -> dict[str, Any]:
    """Return a session as a record with the names of `SESSION_FIELDS`."""
    return {field.name: field.value(row) for field in SESSION_FIELDS}


def kind_name(kind: int) -> str:
    """Return the stable name of an event's kind: `user_message`, `ai_response`, `tool_call`…"""
    return EventKind(kind).name.lower()


def _step(step: StepRow, texts: Sequence[ContentText]) -> dict[str, Any]:
    return {
        "kind": kind_name(step.kind),
        "turn": step.turn_no,
        "depth": step.depth,
        "time": iso(step.time_ms),
        "latency_ms": step.latency_ms,
        "agent": step.agent,
        "name": step.name,
        "model": step.model,
        "input_tokens": step.input_tokens,
        "output_tokens": step.output_tokens,
        "cost_usd": nano_to_usd(step.cost_nano),
        "cost_estimated": step.cost_estimated,
        "is_error": step.is_error,
        "error_type": step.error_type,
        "finish_reason": step.finish_reason,
        "interrupted": step.interrupted,
        "from_agent": step.from_agent,
        "score": step.score_value,
        "marks": list(step.marks),
        "warnings": list(step.warnings),
        "texts": {text.part: text.text for text in texts},
    }


def session_document(
    detail: SessionDetail,
    texts: Mapping[int, Sequence[ContentText]],
    projected: Sequence[ProjectedEvent] | None = None,
) -> dict[str, Any]:
    """Return a whole session: its record, what only its own page has, and every event with its texts.

    `projected`: its Session Records and Evaluator Results, where somebody asked for them.
    """
    return {
        **session_record(detail.row),
        "agents": list(detail.agents),
        "models": list(detail.models),
        "close_reason": detail.close_reason,
        "closed_at": iso(detail.closed_ms),
        "revision": detail.revision,
        "reasoning_tokens": detail.reasoning_tokens,
        "cache_read_tokens": detail.cache_read_tokens,
        "cache_creation_tokens": detail.cache_creation_tokens,
        "latency_p50_ms": detail.latency_p50_ms,
        "latency_p90_ms": detail.latency_p90_ms,
        "warnings": list(detail.warnings),
        "info": detail.info,
        "results": [
            {
                "check": result.check,
                "kind": result.kind,
                "version": result.version,
                "value": result.value,
                "passed": result.passed,
                "score": result.score,
                "rationale": result.rationale,
                "evidence": result.evidence,
                "model": result.model,
                "method": result.method,
                "cost_usd": nano_to_usd(result.cost_nano),
                "error": result.error,
                "evaluated_at": iso(result.evaluated_ms),
            }
            for result in detail.results
        ],
        "answers": [
            {
                "criterion": answer.criterion,
                "value": answer.value,
                "reviewer": answer.reviewer,
                "source": answer.source,
                "origin": answer.origin,
                "note": answer.note,
                "answered_at": iso(answer.answered_ms),
            }
            for answer in detail.answers
        ],
        **({} if projected is None else {"enrichment_events": [one.document() for one in projected]}),
        "events": [_step(step, texts.get(step.id, ())) for step in detail.steps],
    }


def resume_command(detail: SessionDetail) -> str | None:
    """Return the shell command that resumes a session in its own agent, in the directory it ran in; None if unknown."""
    command = detail.info.get("resume")
    if not isinstance(command, str) or not command:
        return None
    folder = detail.row.cwd
    return f"cd {shlex.quote(folder)} && {command}" if folder else command


PROJECT_FIELDS: Mapping[str, str] = {
    "id": "The project's id.",
    "name": "Its name, unique in the store.",
    "api_key": "The key senders use for it; shown to its owner here and in the get-started guide only.",
    "content_mode": "What is kept of texts: `full`, `metadata_only` or `customer_enriched`.",
    "redact": "What is replaced by placeholders: a list of pattern sets; empty when nothing is.",
    "retention_days": "For how many days sessions are kept; null: for ever.",
}


def project_record(project: ProjectInfo) -> dict[str, Any]:
    """Return a project as a record with the names of `PROJECT_FIELDS`."""
    from aa_tui.backend.ingest.privacy import rules_of

    rules = rules_of(project.settings)
    return {
        "id": project.id,
        "name": project.name,
        "api_key": project.api_key,
        "content_mode": rules.mode.value,
        "redact": list(rules.patterns),
        "retention_days": project.settings.get("retention_days"),
    }
