"""Importing files: which are read, by which source, in what batches, with progress, cancelling and a report.

Files are read one after the other and written in batches of whole files; a file counts as imported only once its last
event is committed, so an import that is killed or cancelled is simply continued by the next one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from aa_tui.backend.ingest import pricing, privacy
from aa_tui.backend.ingest.bulk import patient_collector
from aa_tui.backend.ingest.outcomes import Outcome, bordered
from aa_tui.backend.ingest.report import FileReport, ImportOptions, ImportProblem, ImportReport, Progress, ProgressEvent
from aa_tui.backend.ingest.writer import FileRecord, Incoming, Writer, Written
from aa_tui.backend.model.event import AgentEvent, ImportedLabel, ImportedResult, RecordProblem
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions, Source, Spread
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.store import facts
from aa_tui.backend.store.engine import Row, Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import Cancelled, NotFound, UsageError
from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.text import storable, storable_id

BATCH_EVENTS = 3_000
BATCH_CHARS = 8_000_000
"""How much is gathered from small files before it is written."""
HELD_EVENTS = 20_000
HELD_CHARS = 64_000_000
"""A file beyond this is written in pieces while it is read; cancelled in between, its pieces stay."""
PROGRESS_S = 0.25
_CHECK_EVERY = 256
_PLAIN_PER_GZIP = 6
"""How much longer a compressed transcript gets, roughly; only progress depends on it."""
_GZIP = b"\x1f\x8b"

CODING_AGENTS = frozenset({"claude-code", "codex", "copilot-cli", "cursor", "droid", "gemini-cli", "opencode", "pi"})
"""Sources whose sessions belong to whoever runs the import unless they say otherwise."""
USER_MAPS = frozenset({"agent-checkpoints"})
"""Sources whose files also tell whose session is whose."""
UNPRICED = frozenset({"amplitude", "copilot-cli"})
"""Sources whose senders price their calls themselves, or whose calls lack the tokens a price would need."""
ATTACH_ONLY = "[Agent] Attach Only"
"""Property of events that add to a session but must not create one."""
STUB = "[Agent] Stub"
"""Property of events rebuilt from hearsay: any other version of the same event is better."""
_STUB_VERSION = 0
"""Below every mapper's version, which is what decides first between two versions of one event."""


@dataclass(slots=True)
class _File:
    """One file of an import."""

    index: int
    path: Path
    hash: str
    size: int = 0
    mtime_ns: int = 0
    source: Source | None = None
    known: Row | None = None
    status: str = "imported"
    problems: list[ImportProblem] = field(default_factory=list)
    written: Written = field(default_factory=Written)
    is_gzip: bool = False
    members: tuple[Path, ...] = ()
    """All files that are read with it, itself included, when it is not alone."""


@dataclass(slots=True)
class _Pending:
    """What was read and not yet written."""

    items: list[Incoming] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    files: list[FileRecord] = field(default_factory=list)
    chars: int = 0


class Importer:
    """One import into one project."""

    def __init__(
        self,
        store: Store,
        project_id: int,
        clock: Clock,
        options: ImportOptions,
        *,
        login: str,
        progress: Progress | None = None,
        token: CancelToken | None = None,
    ) -> None:
        """`login` is the user of coding agents' sessions when nobody is named."""
        self._store = store
        self._project = project_id
        self._clock = clock
        self._options = options
        self._login = login
        self._progress = progress
        self._token = token
        self._writer = Writer(store, project_id, clock)
        self._pricer = pricing.Pricer()
        self._report = ImportReport()
        self._files: list[_File] = []
        self._pending = _Pending()
        self._attached: list[Incoming] = []
        self._file_of: dict[int, int] = {}
        """File of each outcome by identity, for telling where one that fits no session came from."""
        self._users: Mapping[str, str] = options.users
        self._pricing: bool | None = options.pricing
        self._rules = privacy.KEEP_ALL
        self._said_at = 0.0
        self._done_bytes = 0
        self._total_bytes = 0

    @patient_collector()
    def run(self, paths: Iterable[Path]) -> ImportReport:
        """Import files and folders and return what was added.

        Cancelling ends it after the last whole batch; the report says so.

        Raises:
            NotFound: a path does not exist.
            UsageError: the format asked for does not exist.
            StoreError: the store cannot be written; whole batches before stay.
        """
        try:
            self._look_at(registry.walk(paths))
            self._total_bytes = sum(file.size for file in self._files if file.status == "imported")
            for number, file in enumerate(self._files):
                self._check()
                if file.status == "imported" and file.source is not None:
                    self._say(number, file, force=number == 0)
                    self._check()
                    self._read(number, file, file.source)
                    self._done_bytes += file.size
            self._flush()
            self._attach()
            self._retry_outcomes()
        except Cancelled:
            self._report.cancelled = True
        self._finish()
        return self._report

    # --- choosing --------------------------------------------------------------------------------------------------

    def _look_at(self, paths: Iterable[Path]) -> None:
        """Find each file's source and whether it must be read."""
        wanted = registry.by_name(self._options.format) if self._options.format else None
        for path in paths:
            self._check()
            file = _File(len(self._files), path, text_hash(os.path.realpath(path)))
            self._files.append(file)
            try:
                status = path.stat()
                file.size, file.mtime_ns = status.st_size, status.st_mtime_ns
            except OSError as error:
                self._fail(file, f"cannot be read: {error.strerror or error}")
        with self._store.reader() as reader:
            state = facts.project_state(reader, self._project)
            if state is None:
                raise NotFound("The project is gone.")
            known = facts.imported_files(reader, self._project, [file.hash for file in self._files])
        loaded = json.loads(state[2])
        self._rules = privacy.rules_of(loaded)
        setting = loaded.get("pricing") if isinstance(loaded, dict) else None
        if self._pricing is None and isinstance(setting, bool):
            self._pricing = setting
        for file in self._files:
            self._check()
            file.known = known.get(file.hash)
            if file.status == "imported":
                self._find_source(file, wanted)
            if isinstance(file.source, Spread):
                self._gauge(file, file.source)
        self._read_user_maps()
        for file in self._files:
            if file.status == "imported" and not self._options.again and self._is_unchanged(file):
                file.status = "unchanged"

    def _find_source(self, file: _File, wanted: Source | None) -> None:
        if wanted is not None:
            file.source = wanted
            return
        known = file.known
        try:
            if known is not None and (known[2], known[3]) == (file.size, file.mtime_ns):
                file.source = registry.by_name(known[0])
                return
        except UsageError:
            file.known = None
        try:
            file.source = registry.detect(file.path)
            if file.source is None:
                reason = f"unknown format: {registry.explain_unknown(file.path)}"
                self._fail(file, reason, "unknown")
        except OSError as error:
            self._fail(file, f"cannot be read: {error.strerror or error}")

    def _gauge(self, file: _File, source: Spread) -> None:
        """Take the files read together with one for that file: a new or changed one among them is a change of it."""
        file.members = source.members(file.path)
        file.size = file.mtime_ns = 0
        for member in file.members:
            try:
                status = member.stat()
            except OSError:
                continue  # reading it will say so
            file.size += status.st_size
            file.mtime_ns = max(file.mtime_ns, status.st_mtime_ns)

    def _read_user_maps(self) -> None:
        from aa_tui.backend.sources.users import read_user_map

        users: dict[str, str] = {}
        for file in self._files:
            if file.source is not None and file.source.name in USER_MAPS:
                try:
                    users.update(read_user_map(file.path))
                except UsageError:
                    continue
        if users:
            self._users = {**users, **self._options.users}

    def _is_unchanged(self, file: _File) -> bool:
        if file.known is None or file.source is None:
            return False
        source, version, size, mtime_ns, digest, options = file.known
        if (source, version, size, options) != (
            file.source.name,
            file.source.mapper_version,
            file.size,
            self._option_text(file.source),
        ):
            return False
        return bool(mtime_ns == file.mtime_ns or digest == _digest(file.members or (file.path,)))

    def _option_text(self, source: Source) -> str:
        """Return what changes the mapping of a file besides the file itself."""
        priced = f"{pricing.VERSION}" if self._prices(source) else "-"
        users = text_hash(json.dumps(dict(sorted(self._users.items())))) if self._users else "-"
        # Files that were read under other rules are read again: what they withheld may be wanted now.
        mark = "" if self._rules.keeps_all else f" privacy={self._rules.mark()}"
        return f"user={self._options.user or '-'} users={users} pricing={priced}{mark}"

    def _prices(self, source: Source) -> bool:
        return source.name not in UNPRICED if self._pricing is None else self._pricing

    # --- reading ---------------------------------------------------------------------------------------------------

    def _read(self, number: int, file: _File, source: Source) -> None:
        """Read one file into what is pending; a file that breaks leaves nothing of itself there."""
        batch = _Pending()
        try:
            with file.path.open("rb") as stream:
                file.is_gzip = stream.read(2) == _GZIP
            inside = 0

            def on_bytes(count: int) -> None:
                nonlocal inside
                inside += count
                self._say(number, file, inside)

            options = ReadOptions(user=self._options.user, users=self._users, on_bytes=on_bytes)
            digest = _digest(file.members or (file.path,))
            if not self._gather(file, source, options, batch) and not _is_in_order(file, source):
                self._problem(file, None, f"nothing of a session was found in it as {source.title}", None, False)
        except Cancelled:
            raise
        except OSError as error:
            self._fail(file, f"cannot be read: {error.strerror or error}")
            return
        except Exception as error:
            # A source that trips over one file must not cost the others; the report names the file and the error.
            said = "" if self._rules.mode.withholds else f": {error}"
            self._fail(file, f"cannot be read as {source.title}: {type(error).__name__}{said}")
            return
        self._report.files += 1
        pending = self._pending
        pending.items += batch.items
        pending.outcomes += batch.outcomes
        pending.chars += batch.chars
        pending.files.append(self._record(file, source, digest))
        if len(pending.items) >= BATCH_EVENTS or pending.chars >= BATCH_CHARS:
            self._flush()

    def _gather(self, file: _File, source: Source, options: ReadOptions, batch: _Pending) -> int:
        """Read a file into a batch; return how many items it yielded, problems included."""
        count = 0
        priced = self._prices(source)
        user = (self._options.user or self._login) if source.name in CODING_AGENTS else None
        known = file.known
        force = known is not None and (known[1], known[5]) != (source.mapper_version, self._option_text(source))
        for count, item in enumerate(source.read(file.path, options), 1):
            if count % _CHECK_EVERY == 0:
                self._check()
            if isinstance(item, AgentEvent):
                if item.session_key is not None:
                    item.session_key = storable_id(item.session_key)
                if user is not None and item.user_id is None and item.device_id is None:
                    item.user_id = user
                if priced:
                    self._pricer.price(item)
                item = privacy.apply(item, self._rules)
                version = _STUB_VERSION if item.properties.get(STUB) is True else source.mapper_version
                incoming = Incoming(item, source.name, version, file.index, force)
                if item.properties.get(ATTACH_ONLY):
                    self._attached.append(incoming)
                    continue
                batch.items.append(incoming)
                batch.chars += len(item.text or "") + sum(map(len, item.parts.values()))
                if len(batch.items) >= HELD_EVENTS or batch.chars >= HELD_CHARS:
                    self._write(batch.items, (), batch.outcomes)
                    batch.items, batch.outcomes, batch.chars = [], [], 0
            elif isinstance(item, RecordProblem):
                self._problem(file, item.line, item.reason, item.field, item.skipped)
            elif isinstance(item, ImportedLabel | ImportedResult):
                outcome = bordered(privacy.apply_to_outcome(item, self._rules))
                self._file_of[id(outcome)] = file.index
                batch.outcomes.append(outcome)
        return count

    def _record(self, file: _File, source: Source, digest: str) -> FileRecord:
        now = self._clock.now_ms()
        row = {
            "p": self._project,
            "path_hash": file.hash,
            "path": str(file.path.absolute()).encode("utf-8", "replace").decode(),
            "source": source.name,
            "mapper_version": source.mapper_version,
            "size": file.size,
            "mtime_ns": file.mtime_ns,
            "digest": digest,
            "options": self._option_text(source),
            "imported_ms": now,
            "problems": len(file.problems),
        }
        problems = [
            {
                "p": self._project,
                "path_hash": file.hash,
                "no": number,
                "line": problem.line,
                "field": problem.field,
                "reason": problem.reason,
                "at_ms": now,
            }
            for number, problem in enumerate(file.problems)
        ]
        return FileRecord(row, problems, file.index)

    # --- writing ---------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        pending, self._pending = self._pending, _Pending()
        if self._attached and pending.items:
            keys = {item.event.session_key for item in pending.items}
            pending.items += [item for item in self._attached if item.event.session_key in keys]
            self._attached = [item for item in self._attached if item.event.session_key not in keys]
        if pending.items or pending.outcomes or pending.files:
            self._write(pending.items, pending.files, pending.outcomes)

    def _write(self, items: Sequence[Incoming], files: Sequence[FileRecord], outcomes: Sequence[Outcome]) -> None:
        for index, written in self._writer.write(items, files, outcomes).items():
            self._files[index].written.add(written)
            self._report.sessions += written.sessions
            self._report.turns += written.turns
            self._report.events += written.events
            self._report.duplicates += written.duplicates
            self._report.updated += written.updated
            self._report.results += written.results
        newest = max((item.event.time_ms for item in items if item.event.time_ms is not None), default=None)
        if newest is not None and (self._report.newest_ms is None or newest > self._report.newest_ms):
            self._report.newest_ms = newest

    def _attach(self) -> None:
        """Write what only adds to sessions, for those that are there; the rest is read again next time."""
        if not self._attached:
            return
        keys = {item.event.session_key for item in self._attached if item.event.session_key}
        with self._store.reader() as reader:
            known = facts.session_ids(reader, self._project, keys)
        self._write([item for item in self._attached if item.event.session_key in known], (), ())
        left: dict[int, int] = {}
        for item in self._attached:
            if item.event.session_key not in known:
                left[item.file] = left.get(item.file, 0) + 1
        for index, count in left.items():
            self._leave(index, f"{count} records are about sessions that are not here", count)

    def _retry_outcomes(self) -> None:
        """Outcomes may come before their session's file; what still fits no session is reported."""
        left, self._writer.unresolved = self._writer.unresolved, []
        if left:
            self._write((), (), left)
        missing: dict[int, set[str]] = {}
        for outcome in self._writer.unresolved:
            missing.setdefault(self._file_of.get(id(outcome), 0), set()).add(outcome.session_key)
        for index, sessions in missing.items():
            count = len(sessions)
            self._leave(index, f"verdicts or labels of {count} sessions that are not here", count)

    def _leave(self, index: int, reason: str, count: int) -> None:
        """Report records that fit no session and have their file read again next time."""
        file = self._files[index]
        self._problem(file, None, reason, "session_id", False)
        self._report.skipped_records += count
        with self._store.write() as tx:
            facts.forget_file(tx, self._project, file.hash)

    # --- saying ----------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._token is not None:
            self._token.check()

    def _fail(self, file: _File, reason: str, status: str = "failed") -> None:
        file.status = status
        self._problem(file, None, reason, None, False)

    def _problem(self, file: _File, line: int | None, reason: str, name: str | None, skipped: bool) -> None:
        # Both may quote the record.
        reason = storable(privacy.apply_to_reason(reason, self._rules))
        name = None if name is None else storable_id(name)
        problem = ImportProblem(str(file.path), line, reason, name, skipped)
        file.problems.append(problem)
        self._report.problems.append(problem)
        self._report.skipped_records += skipped

    def _say(self, number: int, file: _File, inside: int = 0, force: bool = False) -> None:
        if self._progress is None:
            return
        now = time.monotonic()
        if not force and now - self._said_at < PROGRESS_S:
            return
        self._said_at = now
        done = self._done_bytes + min(inside // _PLAIN_PER_GZIP if file.is_gzip else inside, file.size)
        self._progress(
            ProgressEvent(
                done_bytes=done,
                total_bytes=self._total_bytes,
                files_done=number,
                files=len(self._files),
                file=str(file.path),
                sessions=self._report.sessions,
                events=self._report.events + len(self._pending.items),
            )
        )

    def _finish(self) -> None:
        report = self._report
        report.unchanged = sum(file.status == "unchanged" for file in self._files)
        if not report.cancelled:
            report.per_file = [
                FileReport(
                    file=str(file.path),
                    source=file.source.name if file.source is not None else None,
                    status=file.status,
                    sessions=file.written.sessions,
                    turns=file.written.turns,
                    events=file.written.events,
                    duplicates=file.written.duplicates,
                    problems=len(file.problems),
                )
                for file in self._files
            ]
        if self._progress is not None:
            self._progress(
                ProgressEvent(
                    done_bytes=self._done_bytes,
                    total_bytes=self._total_bytes,
                    files_done=len(self._files),
                    files=len(self._files),
                    file="",
                    sessions=report.sessions,
                    events=report.events,
                    finished=not report.cancelled,
                )
            )


def _is_in_order(file: _File, source: Source) -> bool:
    """Return whether a file that yielded nothing may be so: coding agents write one whenever they are opened."""
    return source.name in CODING_AGENTS and bool(head_of(file.path).start.strip())


def _digest(paths: Sequence[Path]) -> str:
    digest = blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
