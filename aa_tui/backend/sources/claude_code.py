"""Claude Code transcripts (JSON Lines) to events: prompts, model calls, tool calls, compactions. One file, one session.

Records become events in `claude_code_records` and are settled in `claude_code_settling`. What the texts mean is in
`claude_code_text`, where a nested thread belongs in `claude_code_threads`; reading lines is `reading`'s, deduplication
across files is `ingest`'s (by the insert ids made from the records' own ids).

Turns: each prompt (defined in `claude_code_text`) starts one; its trace id is the prompt's uuid. Machine-made prompts
and interrupts are prompts too and carry `[Agent] Message Source` = `machine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aa_tui.backend.model.event import RecordProblem, SourceItem
from aa_tui.backend.sources.claude_code_settling import Transcript
from aa_tui.backend.sources.claude_code_text import text_or_none
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.reading import iter_json_records, outline

_RECORD_TYPES = frozenset({"user", "assistant", "system", "progress", "attachment"})
_FLOW_TYPES = frozenset({"queue-operation", "file-history-snapshot", "summary", "pr-link"})
_FLOW_MARKS = ("sessionId", "leafUuid", "messageId")
_FIRST_KEYS = frozenset({"parentUuid", "sessionId", "isSidechain"})


class ClaudeCode:
    """The format of Claude Code's transcripts, sessions and nested threads alike."""

    name = "claude-code"
    title = "Claude Code"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        """Return True when the first records are Claude Code's."""
        shape = outline(head)
        if shape.opening != "{":
            return False
        for record in shape.records:
            kind = text_or_none(record.get("type"))
            if kind in _RECORD_TYPES and "sessionId" in record and ("uuid" in record or "parentUuid" in record):
                return True
            if kind in _FLOW_TYPES and any(mark in record for mark in _FLOW_MARKS):
                return True
        return not shape.records and len(_FIRST_KEYS & shape.keys) >= 2

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        """Yield the file's events in file order, after the problems of its records.

        A nested thread's file looks its parent up beside it. All records of the file are one session (the file is held
        as events until its end), but for records copied from a session whose own file lies beside.

        Raises:
            OSError: the file, or the parent file of a nested thread, cannot be read.
        """
        transcript = Transcript(path)
        for item in iter_json_records(path, options.on_bytes, skip=transcript.skip):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, record = item
            reason = transcript.feed(line, record)
            if reason is not None:
                yield RecordProblem(line, reason)
        yield from transcript.finish(options)


CLAUDE_CODE = ClaudeCode()
"""The instance that the registry offers files to."""
