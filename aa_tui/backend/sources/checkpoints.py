"""Checkpoint records beside transcripts (JSON Lines, one per commit made while an agent worked) to enrichments.

They name a session, its developer and how much of the commit the agent wrote. They say nothing about the conversation,
so no session may come to life from them: every event carries the property `ATTACH_ONLY`, and `ingest` keeps such an
event only for sessions that other events establish. The map of sessions to people is in `users.read_user_map`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, RecordProblem, SourceItem
from aa_tui.backend.sources.claude_code_text import count, instant, mapping, text_or_none
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.reading import iter_json_records, outline
from aa_tui.backend.sources.users import bare_session_id, session_and_user, user_of

ATTACH_ONLY = "[Agent] Attach Only"
"""True on events that add to a session but must not create one."""
ENRICHMENTS = "[Agent] Enrichments"


class AgentCheckpoints:
    """The format of checkpoint records."""

    name = "agent-checkpoints"
    title = "Agent checkpoints"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        """Return True when the first record is a checkpoint."""
        shape = outline(head)
        if shape.opening != "{":
            return False
        return {"checkpoint_id", "session_id"} <= (frozenset(shape.records[0]) if shape.records else shape.keys)

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        """Yield one SESSION_ENRICHMENT per record, in file order; an amended commit's later record has the same id.

        The user of `options.users` beats the record's own, which beats `options.user`.

        Raises:
            OSError: the file cannot be read.
        """
        for item in iter_json_records(path, options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, record = item
            own, named = (mapping(record).get(key) for key in ("checkpoint_id", "session_id"))
            if not isinstance(own, str) or not own or not isinstance(named, str) or not named:
                yield RecordProblem(line, "a checkpoint without checkpoint_id or session_id")
                continue
            yield _enrichment(record, own, bare_session_id(named), line, path, options)


CHECKPOINTS = AgentCheckpoints()
"""The instance that the registry offers files to."""


def _enrichment(
    record: dict[str, Any], own: str, session: str, line: int, path: Path, options: ReadOptions
) -> AgentEvent:
    at, quality = instant(record.get("created_at"))
    pair = session_and_user(record)
    event = AgentEvent(
        EventKind.SESSION_ENRICHMENT,
        f"ckpt:{own}:{session}",
        session_key=session,
        user_id=user_of(options.users, session, (path.absolute(),)) or (pair[1] if pair else options.user),
        time_ms=at,
        time_quality=quality,
        seq=line,
    )
    branch = text_or_none(record.get("branch"))
    if branch is not None:
        event.context["branch"] = branch
    event.properties[ATTACH_ONLY] = True
    event.properties[ENRICHMENTS] = {"schema_version": "2.0", "custom_metadata": _metadata(record, own)}
    return event


def _metadata(record: dict[str, Any], own: str) -> dict[str, Any]:
    """What a checkpoint tells of the outcome; not its token counts, whose starting point differs by version."""
    found: dict[str, Any] = {"checkpoint_id": own}
    attribution = mapping(record.get("initial_attribution"))
    share = attribution.get("agent_percentage")
    if isinstance(share, (int, float)) and not isinstance(share, bool) and 0 <= share <= 100:
        found["agent_percentage"] = share
    for key in ("agent_lines", "total_committed"):
        if count(attribution.get(key)) is not None:
            found[key] = attribution[key]
    files = record.get("files_touched")
    if isinstance(files, list):
        found["files_touched"] = len(files)
    summary = mapping(record.get("summary"))
    for key in ("intent", "outcome"):
        text = text_or_none(summary.get(key))
        if text is not None:
            found[key] = text
    return found
