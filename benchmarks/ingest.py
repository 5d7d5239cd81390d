"""How long importing real transcripts takes, against only unpacking them and decoding their JSON.

The floor is gzip and json.loads of the same files with the standard library; both run in this process after all
imports, in alternation, each import into a fresh store. The stages of the import are shown as shares of the floor.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import harness
from harness import Line, Options

CORPUS = harness.DATA / "claude-code-team"
GOAL = 6.0


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
    from aa_tui.backend.ingest.pipeline import Importer
    from aa_tui.backend.ingest.pricing import Pricer
    from aa_tui.backend.ingest.writer import Writer
    from aa_tui.backend.store import search
    from aa_tui.backend.store.sqlite import SqliteStore

    places: list[tuple[Any, str, str]] = [
        (Importer, "_look_at", "find"),
        (Importer, "_gather", "parse"),
        (Pricer, "price", "price"),
        (Writer, "_plan", "derive"),
        (Writer, "_apply", "write"),
        (Writer, "_commit", "commit"),
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


def floor(paths: list[Path]) -> float:
    """Return the seconds of unpacking and decoding every line of the files."""
    began = time.perf_counter()
    for path in paths:
        with gzip.open(path, "rb") as stream:
            for line in stream:
                try:
                    json.loads(line)
                except ValueError:
                    decode_glued(line.decode())
    return time.perf_counter() - began


def decode_glued(line: str) -> None:
    """Decode the objects of a line that holds several or a broken one, as some of the transcripts do."""
    decoder, at = json.JSONDecoder(), 0
    with suppress(ValueError):
        while line[at:].strip():
            _, at = decoder.raw_decode(line, at)


def import_into(folder: Path, corpus: Path) -> tuple[float, int]:
    """Import into a fresh store in `folder`; return the seconds and the events that came in."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    store = open_store(str(folder / "store.db"))
    workspace = open_workspace(store, None)
    began = time.perf_counter()
    report = workspace.imports.run([corpus])
    took = time.perf_counter() - began
    store.close()
    if not report.events or report.cancelled:
        raise RuntimeError(f"the import brought nothing in: {report.problems[:3]}")
    return took, report.events


def run(options: Options) -> list[Line]:
    """Import and floor in alternation; the first pair is a warm-up."""
    if not CORPUS.is_dir():
        raise harness.Skip("the transcripts (../shared/data/claude-code-team) are not beside the project")
    harness.isolate()
    paths = sorted(CORPUS.rglob("*.jsonl.gz"))
    took: list[float] = []
    floors: list[float] = []
    stages: list[dict[str, float]] = []
    events = 0
    for number in range(options.runs + 1):
        base = floor(paths)
        watch = Stopwatch()
        with harness.scratch() as folder, timed_stages(watch):
            seconds, events = import_into(folder, CORPUS)
        if number:
            took.append(seconds)
            floors.append(base)
            stages.append(watch.seconds)
    base = harness.median(floors)
    lines = [
        Line("import of claude-code-team", harness.median(took), "s", GOAL, base, harness.paired(took, floors),
             f"{events:,} events, {events / harness.median(took):,.0f} events/s"),
    ]  # fmt: skip
    for stage in stages[0]:
        shares = [one.get(stage, 0.0) for one in stages]
        ratio = harness.paired(shares, floors)
        lines.append(Line(f"  {stage}", harness.median(shares), "s", float("inf"), base, ratio))
    return lines


if __name__ == "__main__":
    harness.main(run, __doc__ or "", runs=5)
