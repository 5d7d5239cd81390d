"""Damaged files through the real importer into a real store: no crash, no hang, no silent loss, a store in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from aa_tui.backend.ingest.pipeline import CODING_AGENTS, Importer
from aa_tui.backend.ingest.rebuild import rebuild_rollups
from aa_tui.backend.ingest.report import ImportOptions, ImportReport
from aa_tui.backend.model.event import AgentEvent, RecordProblem
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import FrozenClock
from tests import mutating_samples
from tests.builders import workspace
from tests.ingest_state import dangling, state
from tests.mutating import Mutated, Mutator

FILES = int(os.environ.get("FUZZ_FILES", "1000"))
FILES_LONG = int(os.environ.get("FUZZ_FILES_LONG", "10000"))
PER_STORE = 100
LONGEST_S = 5.0
NOW_MS = 1_796_000_000_000
_LAST_TIME_MS = 253_402_300_799_999


class Hung(BaseException):
    """An import takes so long that it will not end; not an `Exception`, so that nothing swallows it."""


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Raise `Hung` where the code is when it takes longer."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Job:
    """A damaged file in a project of its own."""

    project: int
    mutated: Mutated
    paths: list[Path]
    forced: str | None
    again: bool = False

    def run(self, store: Store) -> ImportReport:
        """Import it; with `again` as if nothing were known."""
        options = ImportOptions(format=self.forced, again=self.again)
        return Importer(store, self.project, FrozenClock(NOW_MS), options, login="ada").run(self.paths)

    def __str__(self) -> str:
        sample = self.mutated.sample
        return f"{sample.format} {sample.name} {self.mutated.target} (asked for: {self.forced}): {self.mutated.what}"


def _lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _job(store: Store, home: Path, project: int, mutated: Mutated, forced: bool) -> Job:
    with store.write() as tx:
        tx.execute(
            "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
            "VALUES (:p, :n, :n, 'UTC', 0, '{}', 1, 0)",
            {"p": project, "n": f"project-{project}"},
        )
    folder = home / str(project)
    _lay(folder, mutated.files)
    sample = mutated.sample
    alone = len(sample.files) == 1
    # Folders leave out tables, which are read when they are named.
    paths = [folder / sample.targets[0]] if alone else [folder]
    return Job(project, mutated, paths, sample.format if forced and alone else None)


def _untouched(job: Job) -> dict[str | None, int]:
    """Return the sessions that the damage cannot have reached, with the number of their events.

    They are those that are the same with and without the damaged records. Names of files are part of some ids, so the
    file is read in its place.
    """
    mutated = job.mutated
    if mutated.rest is None or len(mutated.sample.files) > 1:
        return {}
    path = job.paths[0]
    whole = _ids(mutated.sample.format, path, mutated.sample.files[mutated.target])
    rest = _ids(mutated.sample.format, path, mutated.rest)
    path.write_bytes(mutated.data)
    if len(whole) < 2:
        return {}  # what is damaged belongs to the only session there is
    return {session: len(ids) for session, ids in whole.items() if rest.get(session) == ids}


def _ids(format_: str, path: Path, data: bytes) -> dict[str | None, set[str]]:
    path.write_bytes(data)
    found: dict[str | None, set[str]] = {}
    for item in registry.by_name(format_).read(path, ReadOptions()):
        if isinstance(item, AgentEvent):
            found.setdefault(item.session_key, set()).add(item.insert_id)
    return found


def _check_report(job: Job, report: ImportReport) -> None:
    """Each file is imported, or it is told why not; every problem has a place and a reason."""
    told = {problem.file for problem in report.problems}
    assert report.per_file, job
    for file in report.per_file:
        assert file.status in ("imported", "unknown", "failed"), job
        assert file.status == "imported" or file.file in told, job
        gave = file.sessions + file.events + file.duplicates
        if not gave and not report.results and file.source not in CODING_AGENTS:
            assert file.file in told, f"nothing was imported and nothing said: {job}"
    for problem in report.problems:
        assert problem.reason.strip() and problem.file, job
        # Sources survive their inputs by themselves; the importer's net below them must not be needed.
        assert "cannot be read as" not in problem.reason, f"{job}: {problem.reason}"
        assert problem.line is None or problem.line >= 1, job
    # Where something was read line by line, so was what could not be.
    is_lines = job.mutated.target.endswith(".jsonl") and report.events > 0
    if is_lines and job.mutated.sample.format not in ("agent-checkpoints", "otel"):
        assert all(problem.line is not None for problem in report.problems if problem.skipped), job
    assert report.skipped_records >= sum(problem.skipped for problem in report.problems), job


def _check_untouched(store: Store, job: Job, report: ImportReport, wanted: dict[str | None, int]) -> None:
    """Sessions that the damage cannot have reached are there whole."""
    if not wanted:
        return
    with store.reader() as reader:
        rows = reader.fetch(
            "SELECT s.key, COUNT(*) FROM event e LEFT JOIN session s ON s.project_id=e.project_id "
            "AND s.id=e.session_id WHERE e.project_id=:p GROUP BY s.key",
            {"p": job.project},
        )
    found: Counter[str | None] = Counter(dict(rows))
    if set(wanted) - set(found) and sum(found.values()) >= sum(wanted.values()):
        # Records that come before the one that names the session are told to be of another: there, under its name.
        return
    for session, count in wanted.items():
        if found[session] < count:
            # Whoever is refused as a whole, or is taken for another format, is told so.
            assert report.problems and report.per_file[0].source != job.mutated.sample.format, (
                f"{count - found[session]} of {count} events of the untouched session {session!r} are gone: {job}; "
                f"{[problem.words() for problem in report.problems][:3]}"
            )


def _check_stored(store: Store, jobs: list[Job]) -> None:
    """What is stored points somewhere, has times that exist, and adds up to its rollups."""
    assert dangling(store) == {}
    with store.reader() as reader:
        times = reader.one("SELECT MIN(time_ms), MAX(time_ms) FROM event WHERE time_ms IS NOT NULL")
        broken = reader.fetch("SELECT info FROM session UNION ALL SELECT properties FROM event")
    assert times is not None and (times[0] is None or (times[0] >= 0 and times[1] <= _LAST_TIME_MS))
    for (text,) in broken:
        json.loads(text or "{}")
    before = state(store)
    for job in jobs:
        rebuild_rollups(store, job.project, FrozenClock(NOW_MS))
    assert state(store) == before


def _run(tmp_path: Path, total: int, seed: int) -> None:
    samples = [*mutating_samples.written(), *mutating_samples.shared()]
    mutator = Mutator(seed)
    statuses: Counter[str] = Counter()
    untouched = 0
    for first in range(0, total, PER_STORE):
        home = tmp_path / f"from-{first}"
        home.mkdir()
        store = open_store(str(home / "store.db"))
        jobs = []
        for project, number in enumerate(range(first, min(total, first + PER_STORE)), 1):
            # One step aside in every round, so that each sample is read both ways.
            sample = samples[number % len(samples)]
            forced = (number + number // len(samples)) % 2 == 0
            job = _job(store, home, project, mutator.file(sample, number), forced)
            jobs.append(job)
            wanted = _untouched(job)
            untouched += len(wanted)
            with deadline(60):
                begun = time.process_time()
                report = job.run(store)
                took = time.process_time() - begun
            assert took < LONGEST_S, f"{took:.1f} s: {job}"
            statuses.update(file.status for file in report.per_file)
            _check_report(job, report)
            _check_untouched(store, job, report, wanted)
        _check_stored(store, jobs)
        before = state(store)
        for job in jobs:
            job.again = True
            with deadline(60):
                job.run(store)
        assert state(store) == before, "the same files again must change nothing"
        store.close()
        shutil.rmtree(home)
    # The damage must be neither so light nor so heavy that the checks above are idle.
    assert statuses["imported"] > total * 0.6 and statuses["unknown"] > total * 0.02, statuses
    assert untouched > total * 0.1


def test_damaged_files(tmp_path: Path) -> None:
    _run(tmp_path, FILES, seed=1)


@pytest.mark.long
def test_many_damaged_files(tmp_path: Path) -> None:
    _run(tmp_path, FILES_LONG, seed=2)


def test_a_mutation_is_the_same_for_the_same_number() -> None:
    sample = mutating_samples.written()[0]
    first, again, other = Mutator(7).file(sample, 3), Mutator(7).file(sample, 3), Mutator(8).file(sample, 3)
    assert (first.data, first.what) == (again.data, again.what)
    assert (first.data, first.what) != (other.data, other.what)


def test_every_format_has_a_sample_that_it_recognises(tmp_path: Path) -> None:
    found = set()
    for number, sample in enumerate([*mutating_samples.written(), *mutating_samples.shared()]):
        folder = tmp_path / str(number)
        _lay(folder, dict(sample.files))
        paths = {path for target in sample.targets for path in registry.walk([folder / target])}
        sources = {source.name for path in paths if (source := registry.detect(path)) is not None}
        assert sources == {sample.format}, sample.name
        found |= sources
    assert found == {source.name for source in registry.SOURCES}


@pytest.mark.parametrize("damage", [b'{"type": "user', b"\x00\xff\xfe noise", b"null", b"[7]", b"{}"])
@pytest.mark.parametrize("format_", ["amplitude", "claude-code", "codex", "copilot-cli", "pi", "otel", "tau2-judge"])
def test_a_damaged_first_line_costs_itself_only(tmp_path: Path, format_: str, damage: bytes) -> None:
    sample = next(
        one for one in mutating_samples.written() if one.format == format_ and one.targets[0].endswith(".jsonl")
    )
    path = tmp_path / sample.targets[0]
    path.write_bytes(sample.files[sample.targets[0]])
    source = registry.by_name(format_)
    whole = sum(isinstance(item, AgentEvent) for item in source.read(path, ReadOptions()))
    path.write_bytes(damage + b"\n" + sample.files[sample.targets[0]])
    assert registry.detect(path) is source
    items = list(source.read(path, ReadOptions()))
    assert sum(isinstance(item, AgentEvent) for item in items) == whole
    assert any(isinstance(item, RecordProblem) and item.line == 1 for item in items)


def test_a_problem_that_quotes_what_no_store_takes_is_stored(tmp_path: Path) -> None:
    dialogue = {"task_id": 1, "traj": [{"role": "a\ud800b\x00", "content": "x"}, {"role": "user", "content": "y"}]}
    (tmp_path / "t.json").write_text(json.dumps([dialogue]), encoding="ascii")
    ws = workspace(tmp_path)
    report = ws.imports.run([tmp_path / "t.json"])
    (problem,) = report.problems
    assert (problem.line, problem.field, report.sessions) == (1, "traj[0].role", 1)
    problem.reason.encode()
    with ws.store.reader() as reader:
        assert reader.one("SELECT reason FROM import_problem") == (problem.reason,)
    ws.store.close()
