"""Live ingest: `aa-tui serve` over HTTP until everything is durable and searchable, against a floor without HTTP.

Spans of `gen_otlp.py`, 500 a request over 4 connections, acknowledged after the commit. The floor is one process that
decodes, stores and indexes the same requests (`floor_ingest.py`); both run in alternation, each on a fresh store. With
`--phoenix COMMAND` (`phoenix` of an environment that has arize-phoenix) it is measured in the same rounds; without,
the figures recorded for a like machine stand in its place, and the lines say so.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import harness
from harness import Line, Options

CONNECTIONS = 4
SPANS_PER_SESSION = 10
GOAL_FLOOR = 2.0
"""Times the floor may take: half its spans a second."""
GOAL_PHOENIX = 40.0
GOAL_BYTES = 0.8
PHOENIX_RATE = 103.0
PHOENIX_BYTES = 2910.0
"""Recorded on a like machine (2 cores): spans a second until durable, and bytes a span without a text index."""
PHOENIX_SPANS = 10_000
"""As many are sent to it: it takes minutes for more."""
MEMORY_MB = 256.0
_PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One run of a receiver."""

    seconds: float
    """From the first request until all is durable and searchable."""
    acknowledged: float
    """Until the last request was answered."""
    cpu: float
    """Processor seconds of the receiver and its children, from the first request on."""
    memory_mb: float
    """Highest sum of the resident memory of the receiver and its children."""
    size: int
    """Bytes of the store once raw requests are purged, its log emptied."""
    used: int
    """As `size`, without free pages."""


def corpus(folder: Path, spans: int) -> tuple[Path, list[bytes]]:
    """Write the requests into a file and return it with them.

    Raises:
        Skip: the measuring tools are not beside the project.
    """
    if not (harness.TOOLS / "gen_otlp.py").exists() or not (harness.TOOLS / "floor_ingest.py").exists():
        raise harness.Skip("the measuring tools (../shared/tools) are not beside the project")
    path = folder / f"spans-{spans}.otlp"
    if not path.exists():
        words = [sys.executable, str(harness.TOOLS / "gen_otlp.py"), "--sessions", str(spans // SPANS_PER_SESSION)]
        subprocess.run([*words, "--out", str(path)], check=True, stderr=subprocess.DEVNULL)
    bodies = []
    with path.open("rb") as file:
        while head := file.read(4):
            bodies.append(file.read(int.from_bytes(head, "big")))
    return path, bodies


def floor(path: Path) -> dict[str, Any]:
    """Run the floor and return its figures."""
    words = [sys.executable, str(harness.TOOLS / "floor_ingest.py"), "--file", str(path), "--stage", "fts"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def send(port: int, path: str, headers: dict[str, str], bodies: list[bytes]) -> None:
    """Post all bodies over a few connections; one that is told to wait does so.

    Raises:
        RuntimeError: a request was refused.
    """
    queue: SimpleQueue[bytes] = SimpleQueue()
    for body in bodies:
        queue.put(body)
    wrong: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with closing(connection), suppress(Empty):
            while not wrong:
                body = queue.get_nowait()
                while True:
                    connection.request("POST", path, body, {"content-type": "application/x-protobuf", **headers})
                    answer = connection.getresponse()
                    said = answer.read()
                    if answer.status == 429:
                        time.sleep(float(answer.headers.get("retry-after", "1")))
                        continue
                    if answer.status != 200:
                        wrong.append(f"{answer.status} {said[:300]!r}")
                    break

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(f"refused: {wrong[0]}")


class Watch:
    """Processor time and memory of a process and its children, looked at again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.memory_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def family(self) -> list[int]:
        """Return the ids of the process and of its children that live."""
        found, at = [self._pid], 0
        while at < len(found):
            with suppress(OSError, ValueError):
                for task in Path(f"/proc/{found[at]}/task").iterdir():
                    found += [int(one) for one in (task / "children").read_text().split()]
            at += 1
        return found

    def cpu(self) -> float:
        """Return the processor seconds they have used."""
        total = 0.0
        for pid in self.family():
            with suppress(OSError):
                total += harness.cpu_seconds(pid)
        return total

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            pages = 0
            for pid in self.family():
                with suppress(OSError, ValueError, IndexError):
                    pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            self.memory_mb = max(self.memory_mb, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()


@contextmanager
def serving(store: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Run the receiver on a fresh store with one project; gives (process, port, key)."""
    harness.isolate()
    harness.compile_code()
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import ProjectService
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.support.clock import SystemClock

    opened = open_store(str(store))
    ProjectService(opened, SystemClock()).create("bench", Actor("bench"), "UTC")
    with opened.reader() as reader:
        (key,) = reader.fetch("SELECT api_key FROM project")[0]
    opened.close()
    words = [sys.executable, "-m", "aa_tui", "--store", str(store), "serve", "--port", "0", "--json"]
    environment = {**os.environ, **harness.environment(), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
                break
        if not port:
            raise RuntimeError("the receiver did not say where it listens")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        _until(lambda: _listens(port))
        yield process, port, key
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(done: Callable[[], bool], every: float = 0.02) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > ends:
            raise RuntimeError("it did not come to an end")
        time.sleep(every)


def project(folder: Path, bodies: list[bytes], spans: int) -> Taken:
    """Run the receiver once and return what it took.

    Raises:
        RuntimeError: a request was refused, or not everything can be found in the end.
    """
    store = folder / "receive.db"
    for old in folder.glob("receive.db*"):
        old.unlink()
    with serving(store) as (process, port, key):
        watch = Watch(process.pid)
        before, began = watch.cpu(), time.perf_counter()
        send(port, "/v1/traces", {"authorization": f"Bearer {key}"}, bodies)
        acknowledged = time.perf_counter() - began
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, isolation_level=None)) as connection:

            def waiting() -> int:
                return int(connection.execute("SELECT COUNT(*) FROM inbox WHERE state<=1").fetchone()[0])

            _until(lambda: waiting() == 0)
            seconds = time.perf_counter() - began
            cpu = watch.cpu() - before
            watch.stop()
            held = connection.execute("SELECT COUNT(*), COUNT(DISTINCT span_id) FROM event").fetchone()
            search = "SELECT COUNT(*) FROM session_fts WHERE session_fts MATCH 'needle0007'"
            found = connection.execute(search).fetchone()
        sessions = spans // SPANS_PER_SESSION
        if held[1] < spans or found[0] != (sessions + 992) // 1000:
            raise RuntimeError(f"{held[1]:,} of {spans:,} spans, the word in {found[0]} sessions")
    return Taken(seconds, acknowledged, cpu, watch.memory_mb, *purged(store))


def purged(store: Path) -> tuple[int, int]:
    """Purge raw requests as the receiver does once their time is over, until it gives no more room back.

    Returns the file's bytes and those in use.
    """
    from aa_tui.backend.service.receiving import Receiving, ReceivingLimits
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.support.cancel import CancelToken
    from aa_tui.backend.support.clock import DAY_MS, FrozenClock, SystemClock

    opened = open_store(str(store))
    receiving = Receiving(opened, FrozenClock(SystemClock().now_ms() + DAY_MS), ReceivingLimits())
    receiving.drain(CancelToken())
    before = -1
    while before != (before := _free_pages(store)):
        receiving.drain(CancelToken())
    receiving.close()
    opened.close()
    with closing(sqlite3.connect(store)) as connection:
        if connection.execute("SELECT COUNT(*) FROM inbox").fetchone()[0]:
            raise RuntimeError("raw requests are left")
        page, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "freelist_count"))
    log = store.with_name(store.name + "-wal")
    size = store.stat().st_size + (log.stat().st_size if log.exists() else 0)
    return size, size - page * free


def _free_pages(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def phoenix(command: str, folder: Path, bodies: list[bytes], spans: int) -> tuple[float, float]:
    """Run Arize Phoenix once on a fresh store; return (spans a second until durable, bytes a span)."""
    home = folder / f"phoenix-{time.monotonic_ns()}"
    home.mkdir()
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        other = free.getsockname()[1]
    environment = {
        **os.environ, "PHOENIX_WORKING_DIR": str(home), "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(other),
        "PHOENIX_HOST": "127.0.0.1", "PHOENIX_TELEMETRY_ENABLED": "false",
    }  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([command, "serve"], env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _until(lambda: _listens(port), 0.5)
        database = home / "phoenix.db"
        began = time.perf_counter()
        send(port, "/v1/traces", {}, bodies)

        def stored() -> bool:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                return bool(connection.execute("SELECT COUNT(*) FROM spans").fetchone()[0] >= spans)

        _until(stored, 0.5)
        rate = spans / (time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(60)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rate, database.stat().st_size / spans


def run(options: Options, command: str | None = None) -> list[Line]:
    """Run floor, project and, where there is one, Phoenix in alternation."""
    spans = 10_000 if options.quick else 100_000
    taken: list[Taken] = []
    floors: list[dict[str, Any]] = []
    peers: list[tuple[float, float]] = []
    with harness.scratch() as folder:
        path, bodies = corpus(options.cache or folder, spans)
        for _ in range(options.runs):
            floors.append(floor(path))
            taken.append(project(folder, bodies, spans))
            if command is not None:
                few = bodies[: PHOENIX_SPANS // 500]
                peers.append(phoenix(command, folder, few, PHOENIX_SPANS))
    return _lines(spans, taken, floors, peers)


def _lines(
    spans: int, taken: list[Taken], floors: list[dict[str, Any]], peers: list[tuple[float, float]]
) -> list[Line]:
    seconds = [one.seconds for one in taken]
    base = [spans / one["spans_per_s"] for one in floors]
    cpu = [one.cpu / spans * 1e6 for one in taken]
    least = [one["cpu_s_per_1000_spans"] * 1e3 for one in floors]
    rate = harness.median([spans / one for one in seconds])
    size = harness.median([one.size / spans for one in taken])
    used = harness.median([one.used / spans for one in taken])
    said = "" if peers else "Phoenix not measured here: as recorded on a like machine"
    peer_rate = harness.median([one[0] for one in peers]) if peers else PHOENIX_RATE
    peer_size = harness.median([one[1] for one in peers]) if peers else PHOENIX_BYTES
    fact = float("inf")
    return [
        Line(
            f"{spans:,} spans until durable and searchable", harness.median(seconds), "s", GOAL_FLOOR,
            harness.median(base), harness.paired(seconds, base),
            f"{rate:,.0f} spans/s; acknowledged after {harness.median([one.acknowledged for one in taken]):.1f} s",
        ),
        Line("– processor time a span", harness.median(cpu), "µs", fact, harness.median(least),
             harness.paired(cpu, least)),
        Line("– spans a second, Phoenix / aa-tui", peer_rate, "/s", 1 / GOAL_PHOENIX, rate, None,
             f"{rate / peer_rate:.0f} times as many  {said}".strip()),
        Line("bytes a span, raw requests purged", size, "bytes", GOAL_BYTES, peer_size, None,
             f"text index included  {said}".strip()),
        Line("– without free pages", used, "bytes", GOAL_BYTES, peer_size),
        Line("memory of the receiver, highest", max(one.memory_mb for one in taken), "MB", MEMORY_MB),
    ]  # fmt: skip


if __name__ == "__main__":
    given = sys.argv[1:]
    peer = None
    if "--phoenix" in given:
        at = given.index("--phoenix")
        peer = given[at + 1]
        sys.argv[1:] = given[:at] + given[at + 2 :]
    harness.main(lambda options: run(options, peer), __doc__ or "", runs=3)
