"""Following files while they are written: growing, new and replaced files, new folders, problems, and the end."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aa_tui.backend.ingest.report import ImportOptions, ImportReport
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import NotFound, StoreError
from tests.builders import workspace
from tests.store.test_ingest_pipeline import NOW_MS, event_line

WAIT_S = 20.0
"""Far above what is needed: a loaded machine must not fail a test of behaviour."""


class Follower:
    """A follow in a thread, its reports in a queue."""

    def __init__(self, ws: Workspace, *paths: Path) -> None:
        self.ws = ws
        self.reports: queue.Queue[ImportReport] = queue.Queue()
        self.faults: list[StoreError] = []
        self.token = CancelToken()
        self.ended: list[BaseException | None] = []
        self._thread = threading.Thread(target=self._run, args=(paths,))
        self._thread.start()

    def _run(self, paths: tuple[Path, ...]) -> None:
        try:
            self.ws.imports.follow(paths, ImportOptions(), self.reports.put, fault=self.faults.append, token=self.token)
        except BaseException as error:
            self.ended.append(error)
        else:
            self.ended.append(None)

    def next(self) -> ImportReport:
        return self.reports.get(timeout=WAIT_S)

    def until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.next()

    def stop(self) -> None:
        self.token.cancel()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "store").mkdir()
    made = workspace(tmp_path / "store", now_ms=NOW_MS)
    yield made
    made.store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "transcripts"
    made.mkdir()
    return made


@pytest.fixture
def follow(ws: Workspace) -> Iterator[Callable[..., Follower]]:
    started: list[Follower] = []

    def start(*paths: Path) -> Follower:
        started.append(Follower(ws, *paths))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def sessions(ws: Workspace) -> dict[str, tuple[int, int]]:
    with ws.store.reader() as reader:
        return {row[0]: (row[1], row[2]) for row in reader.fetch("SELECT key, turns, messages FROM session")}


def _has(ws: Workspace, messages: int) -> Callable[[], bool]:
    return lambda: sessions(ws)["s"][1] == messages


def test_a_growing_file_shows_its_new_turns(ws: Workspace, folder: Path, follow: Callable[..., Follower]) -> None:
    file = folder / "live.jsonl"
    file.write_text(event_line("s", 1) + "\n")
    follower = follow(folder)
    assert follower.next().events == 1
    for number in (2, 3, 4):
        with file.open("a") as out:
            out.write(event_line("s", number) + "\n")
        follower.until(_has(ws, number))
    assert sessions(ws) == {"s": (2, 4)}


def test_a_line_being_written_is_no_problem_and_read_once_whole(
    ws: Workspace, folder: Path, follow: Callable[..., Follower]
) -> None:
    file = folder / "live.jsonl"
    file.write_text(event_line("s", 1) + "\n")
    follower = follow(folder)
    follower.next()
    line = event_line("s", 2)
    with file.open("a") as out:
        out.write(line[:40])
    assert follower.next().problems == []
    with file.open("a") as out:
        out.write(line[40:] + "\n")
    follower.until(lambda: sessions(ws)["s"][1] == 2)


def test_new_files_new_folders_and_files_put_in_place_by_renaming(
    ws: Workspace, folder: Path, tmp_path: Path, follow: Callable[..., Follower]
) -> None:
    follower = follow(folder)
    follower.next()
    (folder / "a.jsonl").write_text(event_line("a", 1) + "\n")
    follower.until(lambda: "a" in sessions(ws))
    deep = folder / "new" / "deeper"
    deep.mkdir(parents=True)
    (deep / "b.jsonl").write_text(event_line("b", 1) + "\n")
    follower.until(lambda: "b" in sessions(ws))
    beside = tmp_path / "beside.jsonl"
    beside.write_text(event_line("a", 1) + "\n" + event_line("a", 2) + "\n")
    beside.replace(folder / "a.jsonl")
    follower.until(lambda: sessions(ws)["a"][1] == 2)


def test_only_the_named_file_of_a_folder_is_followed(
    ws: Workspace, folder: Path, follow: Callable[..., Follower]
) -> None:
    named = folder / "named.jsonl"
    named.write_text(event_line("named", 1) + "\n")
    follower = follow(named)
    follower.next()
    (folder / "other.jsonl").write_text(event_line("other", 1) + "\n")
    with named.open("a") as out:
        out.write(event_line("named", 2) + "\n")
    follower.until(lambda: sessions(ws)["named"][1] == 2)
    assert "other" not in sessions(ws)


def test_a_problem_is_said_once_and_costs_one_record(
    ws: Workspace, folder: Path, follow: Callable[..., Follower]
) -> None:
    file = folder / "live.jsonl"
    file.write_text(event_line("s", 1) + "\n{broken\n")
    follower = follow(folder)
    first = follower.next()
    assert [problem.line for problem in first.problems] == [2]
    with file.open("a") as out:
        out.write(event_line("s", 2) + "\n")
    second = follower.next()
    assert second.events == 1
    assert second.problems == []


def test_a_folder_that_vanishes_and_a_file_that_is_deleted_end_nothing(
    ws: Workspace, folder: Path, follow: Callable[..., Follower]
) -> None:
    gone = folder / "gone.jsonl"
    gone.write_text(event_line("gone", 1) + "\n")
    follower = follow(folder)
    follower.next()
    gone.unlink()
    (folder / "next.jsonl").write_text(event_line("next", 1) + "\n")
    follower.until(lambda: "next" in sessions(ws))
    assert "gone" in sessions(ws)
    assert follower.ended == []


def test_a_store_that_cannot_be_written_is_tried_again(
    ws: Workspace, folder: Path, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follow(folder)
    follower.next()
    run = ws.imports.run
    failures = [StoreError("database is locked"), StoreError("disk is full")]

    def failing(*args: object, **keywords: object) -> ImportReport:
        if failures:
            raise failures.pop()
        return run(*args, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(ws.imports, "run", failing)
    (folder / "a.jsonl").write_text(event_line("a", 1) + "\n")
    follower.until(lambda: "a" in sessions(ws))
    assert [str(fault) for fault in follower.faults] == ["disk is full", "database is locked"]


def test_sessions_whose_time_has_come_are_closed_meanwhile(
    ws: Workspace, folder: Path, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.service import following

    monkeypatch.setattr(following, "CLOSE_EVERY_S", 0.0)
    closed = threading.Event()
    monkeypatch.setattr(ws.imports, "close_due", lambda token: closed.set())
    follow(folder)
    assert closed.wait(WAIT_S)


def test_a_path_that_is_not_there_is_an_error(ws: Workspace, folder: Path) -> None:
    with pytest.raises(NotFound):
        ws.imports.follow([folder / "nowhere"], ImportOptions(), lambda report: None, token=CancelToken())


def test_the_verb_follows_until_a_signal_and_prints_a_unit(tmp_path: Path, folder: Path) -> None:
    import os
    import signal
    import subprocess
    import sys

    environment = {**os.environ, "AA_TUI_STORE": str(tmp_path / "s.db"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "aa_tui", "import", "--follow", "--json", str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["files"] == 0
            (folder / "a.jsonl").write_text(event_line("a", 1) + "\n")
            assert json.loads(process.stdout.readline())["sessions"] == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0
        finally:
            process.kill()
    unit = subprocess.run(
        [sys.executable, "-m", "aa_tui", "import", "--follow", "--print-unit", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    ).stdout
    assert "[Service]" in unit
    assert f"import --follow {folder}" in unit
