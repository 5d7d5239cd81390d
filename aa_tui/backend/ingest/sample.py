"""Loading the sample project: the generator's stories through the same road as every other source."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aa_tui.backend.ingest.bulk import patient_collector
from aa_tui.backend.ingest.outcomes import Outcome
from aa_tui.backend.ingest.report import ImportReport, Progress, ProgressEvent
from aa_tui.backend.ingest.writer import FileRecord, Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, ImportedLabel, ImportedResult
from aa_tui.backend.store import facts
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import Cancelled, UsageError
from aa_tui.backend.support.ids import text_hash

SAMPLE = "sample"
"""Name of the source of sample events."""
MAPPER_VERSION = 1
_MARK = text_hash("sample project")
_BATCH = 6_000
"""Events of one transaction: nobody else writes to a sample, and many small ones rewrite the same pages."""
_PROGRESS_S = 0.25
_STARTED, _COMPLETE = "started", "complete"


@patient_collector()
def load_sample(
    store: Store,
    project_id: int,
    clock: Clock,
    progress: Progress | None = None,
    token: CancelToken | None = None,
) -> ImportReport:
    """Generate the sample into a project, or complete it where it was interrupted; loaded twice it changes nothing.

    Raises:
        UsageError: the project holds other data.
        StoreError: the store cannot be written.
    """
    from aa_tui.backend.sources.demo import generate

    report = ImportReport()
    with store.reader() as reader:
        known = facts.imported_files(reader, project_id, [_MARK]).get(_MARK)
        others = facts.facet_values(reader, project_id, "source") - {SAMPLE}
    if others:
        raise UsageError(
            "The sample belongs into a project of its own; this one holds other data.", "Run `aa-tui demo`."
        )
    if known is not None and known[4] == _COMPLETE:
        report.unchanged = 1
        _say(progress, 1, 1, report, finished=True)
        return report
    now_ms = known[2] if known is not None else clock.now_ms()
    if known is None:
        with store.write() as tx:
            facts.record_file(tx, _row(project_id, now_ms, _STARTED, clock), ())
    writer = Writer(store, project_id, clock, replace=False, slice_events=2 * _BATCH)
    try:
        items, outcomes = _gathered(generate(now_ms), token)
        _say(progress, 1, 10, report)
        said_at = time.monotonic()
        for start in range(0, len(items), _BATCH):
            if token is not None:
                token.check()
            batch = items[start : start + _BATCH]
            keys = {item.event.session_key for item in items[start + _BATCH : start + 2 * _BATCH]}
            here = {item.event.session_key for item in batch} - keys
            _write(writer, report, batch, [one for key in here if key is not None for one in outcomes.pop(key, ())])
            if time.monotonic() - said_at >= _PROGRESS_S:
                said_at = time.monotonic()
                _say(progress, len(items) // 9 + start, len(items) // 9 + len(items), report)
        done = FileRecord(_row(project_id, now_ms, _COMPLETE, clock), [], 0)
        _write(writer, report, [], [one for left in outcomes.values() for one in left], [done])
        report.files = 1
    except Cancelled:
        report.cancelled = True
    _say(progress, 1, 1, report, finished=not report.cancelled)
    return report


def _gathered(
    made: Iterator[AgentEvent | ImportedLabel | ImportedResult], token: CancelToken | None
) -> tuple[list[Incoming], dict[str, list[Outcome]]]:
    """Return all events, and outcomes by session: many come last, and a session is cheapest derived once."""
    items: list[Incoming] = []
    outcomes: dict[str, list[Outcome]] = {}
    for count, item in enumerate(made):
        if token is not None and count % 256 == 0:
            token.check()
        if isinstance(item, AgentEvent):
            items.append(Incoming(item, SAMPLE, MAPPER_VERSION))
        else:
            outcomes.setdefault(item.session_key, []).append(item)
    return items, outcomes


def _write(
    writer: Writer,
    report: ImportReport,
    items: list[Incoming],
    outcomes: list[Outcome],
    files: list[FileRecord] | None = None,
) -> None:
    for written in writer.write(items, files or (), outcomes).values():
        report.sessions += written.sessions
        report.turns += written.turns
        report.events += written.events
        report.duplicates += written.duplicates
        report.results += written.results
    times = [item.event.time_ms for item in items if item.event.time_ms is not None]
    if times:
        report.newest_ms = max(report.newest_ms or 0, *times)


def _row(project_id: int, now_ms: int, digest: str, clock: Clock) -> dict[str, object]:
    """Return the row that remembers the sample: its size is the instant it was made for."""
    return {
        "p": project_id,
        "path_hash": _MARK,
        "path": "sample project",
        "source": SAMPLE,
        "mapper_version": MAPPER_VERSION,
        "size": now_ms,
        "mtime_ns": 0,
        "digest": digest,
        "options": "",
        "imported_ms": clock.now_ms(),
        "sessions": 0,
        "events": 0,
        "problems": 0,
    }


def _say(progress: Progress | None, done: int, total: int, report: ImportReport, finished: bool = False) -> None:
    if progress is not None:
        progress(
            ProgressEvent(
                done_bytes=done,
                total_bytes=total,
                files_done=int(finished),
                files=1,
                file="" if finished else "sample project",
                sessions=report.sessions,
                events=report.events,
                finished=finished,
            )
        )
