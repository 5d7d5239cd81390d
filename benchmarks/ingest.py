"""How long importing real transcripts takes, against only unpacking them and decoding their JSON.

The floor is gzip and json.loads of the same files with the standard library; both run in this process after all
imports, in alternation, each import into a fresh store. The stages of the import are shown as shares of the floor.
Beside wall time stands processor time, which other programs on the machine disturb less; so for the sample project.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from harness import Line, Options

CORPUS = harness.DATA / "claude-code-team"
GOAL = 6.0
SAMPLE_GOAL_S = 8.0
"""Processor seconds of building the sample."""


class Stopwatch:
    """Wall time by stage; a stage inside another is taken out of the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def of(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call, timed as `stage`."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._inside.append(0.0)
            try:
                return call(*args, **kwargs)
            finally:
                took = time.perf_counter() - began
                self.seconds[stage] = self.seconds.get(stage, 0.0) + took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took

        return timed


@contextmanager
def timed_stages(watch: Stopwatch) -> Any:
    """Time the import's stages where they are entered, while the block runs."""
    from aa_tui.backend.ingest import writer
    from aa_tui.backend.ingest.pipeline import Importer
    from aa_tui.backend.ingest.pricing import Pricer
    from aa_tui.backend.ingest.writer import slices
    from aa_tui.backend.store import search
    from aa_tui.backend.store.sqlite import SqliteStore

    places: list[tuple[Any, str, str]] = [
        (Importer, "_look_at", "find"),
        (Importer, "_gather", "parse"),
        (Pricer, "price", "price"),
        (slices, "make_stored", "normalise"),
        (writer.Writer, "_plan", "derive"),
        (writer, "apply", "write"),
        (writer.Writer, "_commit", "commit"),
        (search, "replace_documents", "search"),
        (SqliteStore, "optimize", "statistics"),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    try:
        for owner, name, stage in places:
            setattr(owner, name, watch.of(stage, getattr(owner, name)))
        yield
    finally:
        for owner, name, call in before:
            setattr(owner, name, call)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock and of the processor."""

    wall: float
    processor: float


class Timer:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def took(self) -> Took:
        """Return what has passed."""
        return Took(time.perf_counter() - self._wall, time.process_time() - self._processor)


def floor(paths: list[Path]) -> Took:
    """Return how long it takes to unpack and decode every line of the files."""
    timer = Timer()
    for path in paths:
        with gzip.open(path, "rb") as stream:
            for line in stream:
                try:
                    json.loads(line)
                except ValueError:
                    decode_glued(line.decode())
    return timer.took()


def decode_glued(line: str) -> None:
    """Decode the objects of a line that holds several or a broken one, as some of the transcripts do."""
    decoder, at = json.JSONDecoder(), 0
    with suppress(ValueError):
        while line[at:].strip():
            _, at = decoder.raw_decode(line, at)


def import_into(folder: Path, corpus: Path) -> tuple[Took, int]:
    """Import into a fresh store in `folder`; return how long it took and the events that came in."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    store = open_store(str(folder / "store.db"))
    workspace = open_workspace(store, None)
    timer = Timer()
    report = workspace.imports.run([corpus])
    took = timer.took()
    store.close()
    if not report.events or report.cancelled:
        raise RuntimeError(f"the import brought nothing in: {report.problems[:3]}")
    return took, report.events


def build_sample(folder: Path) -> tuple[Took, int]:
    """Build the sample project in a fresh store in `folder`; return how long it took and its sessions."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    store = open_store(str(folder / "sample.db"))
    workspace = open_workspace(store, None)
    timer = Timer()
    report = workspace.imports.load_demo()
    took = timer.took()
    store.close()
    return took, report.sessions


def run(options: Options) -> list[Line]:
    """Import and floor in alternation; the first pair is a warm-up. The sample is built after them."""
    if not CORPUS.is_dir():
        raise harness.Skip("the transcripts (../shared/data/claude-code-team) are not beside the project")
    harness.isolate()
    paths = sorted(CORPUS.rglob("*.jsonl.gz"))
    took: list[Took] = []
    floors: list[Took] = []
    stages: list[dict[str, float]] = []
    events = 0
    for number in range(options.runs + 1):
        unpacked = floor(paths)
        watch = Stopwatch()
        with harness.scratch() as folder, timed_stages(watch):
            seconds, events = import_into(folder, CORPUS)
        if number:
            took.append(seconds)
            floors.append(unpacked)
            stages.append(watch.seconds)
    walls, walls_of_floor = [one.wall for one in took], [one.wall for one in floors]
    base = harness.median(walls_of_floor)
    processor = [one.processor for one in took]
    processor_of_floor = [one.processor for one in floors]
    lines = [
        Line("import of claude-code-team", harness.median(walls), "s", GOAL, base,
             harness.paired(walls, walls_of_floor),
             f"{events:,} events, {events / harness.median(walls):,.0f} events/s"),
        Line("  of the processor", harness.median(processor), "s", float("inf"), harness.median(processor_of_floor),
             harness.paired(processor, processor_of_floor)),
    ]  # fmt: skip
    for stage in stages[0]:
        shares = [one.get(stage, 0.0) for one in stages]
        ratio = harness.paired(shares, walls_of_floor)
        lines.append(Line(f"  {stage}", harness.median(shares), "s", float("inf"), base, ratio))
    built: list[Took] = []
    sessions = 0
    for _ in range(min(options.runs, 2)):
        with harness.scratch() as folder:
            made, sessions = build_sample(folder)
        built.append(made)
    fastest = min(one.processor for one in built)
    on_the_clock = f"{sessions:,} sessions, {min(one.wall for one in built):.1f} s on the clock"
    lines.append(Line("the sample project, of the processor", fastest, "s", SAMPLE_GOAL_S, note=on_the_clock))
    return lines


if __name__ == "__main__":
    harness.main(run, __doc__ or "", runs=5)
