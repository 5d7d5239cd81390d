"""What every benchmark shares: lines of ratios against a floor, their table and JSON, stores and commands to measure.

What is measured lives in the programs beside it; the terminal and its clock are the measuring tools' (`ptykit`).
"""

from __future__ import annotations

import argparse
import compileall
import functools
import importlib
import json
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
TOOLS = SHARED / "tools"
DATA = SHARED / "data"


class Skip(Exception):
    """A benchmark cannot run here; its text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measured figure, the floor it is taken against in the same run, and the goal."""

    what: str
    measured: float
    unit: str
    goal: float
    floor: float | None = None
    """Of the same unit; None: the goal is on `measured` itself."""
    ratio: float | None = None
    """The median of the paired ratios where rounds were paired; None: measured / floor."""
    note: str = ""

    @property
    def judged(self) -> float:
        """What the goal is on: the ratio where there is a floor, else the figure itself."""
        if self.floor is None:
            return self.measured
        return self.ratio if self.ratio is not None else self.measured / self.floor

    @property
    def met(self) -> bool:
        """Whether the goal is reached. A goal of infinity stands for none: the figure is only shown."""
        return self.judged <= self.goal


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run."""

    quick: bool
    """Few rounds and small stores: to see that it works, not for figures."""
    runs: int
    cache: Path | None
    """The folder of synthetic stores that million.py fills; None: they are written anew, which takes minutes."""


Benchmark = Callable[[Options], list[Line]]


def main(run: Benchmark, doc: str, runs: int = 10) -> None:
    """Be the program of one benchmark: read the arguments, run, print the table or the JSON, exit 1 on a missed goal.

    A benchmark that cannot run here says why and exits 0.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, small stores")
    parser.add_argument("--runs", type=int, help=f"rounds of each pair (default {runs})")
    parser.add_argument("--cache", type=Path, help="folder that keeps synthetic stores, as of million.py")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of the table")
    given = parser.parse_args()
    options = Options(given.quick, given.runs or (3 if given.quick else runs), given.cache)
    try:
        lines = run(options)
    except Skip as reason:
        say(f"skipped: {reason}")
        return
    for line in lines if given.json else ():
        print(json.dumps(as_json(line)))  # noqa: T201
    if not given.json:
        print(table(lines))  # noqa: T201
    raise SystemExit(0 if all(line.met for line in lines) else 1)


def as_json(line: Line) -> dict[str, Any]:
    """Return a line as `--json` prints it; a goal of None means that there is none."""
    goal = None if line.goal == float("inf") else line.goal
    return {**asdict(line), "goal": goal, "judged": line.judged, "met": line.met}


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table for people."""
    heads = ("what", "measured", "floor", "ratio", "goal", "")
    rows = [heads]
    for line in lines:
        floor = "" if line.floor is None else _figure(line.floor, line.unit)
        ratio = "" if line.floor is None else f"{line.judged:.2f} ×"
        goal = (
            ""
            if line.goal == float("inf")
            else "≤ " + (_figure(line.goal, line.unit) if line.floor is None else f"{line.goal:.2f} ×")
        )
        verdict = "" if not goal else "met" if line.met else "MISSED"
        note = f"{verdict}  {line.note}".strip()
        rows.append((line.what, _figure(line.measured, line.unit), floor, ratio, goal, note))
    widths = [max(len(row[at]) for row in rows) for at in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) if at in (0, 5) else cell.rjust(width) for at, (cell, width) in enumerate(pairs))
        for pairs in (tuple(zip(row, widths, strict=True)) for row in rows)
    )


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}".strip()


def say(text: str) -> None:
    """Talk to whoever runs the benchmark; data alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


# -- statistics


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def paired(measured: Sequence[float], floors: Sequence[float]) -> float:
    """Return the median of the ratios of rounds taken in alternation, so that a busy machine hits both sides."""
    return median([one / floor for one, floor in zip(measured, floors, strict=True)])


# -- the terminal


def ptykit() -> Any:
    """Return the measuring tool that runs a program under a pseudo-terminal.

    Raises:
        Skip: the folder of the tools is not beside the project.
    """
    if not (TOOLS / "ptykit.py").exists():
        raise Skip("the measuring tools (../shared/tools/ptykit.py) are not beside the project")
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    return importlib.import_module("ptykit")


@functools.cache
def environment() -> dict[str, str]:
    """Return what programs under measurement get on top of the environment: no user's settings, no stray colours."""
    home = tempfile.mkdtemp(prefix="aa-bench-")
    return {
        "AA_TUI_HOME": home,
        "AA_TUI_HOST_CONFIG": str(Path(home, "none.toml")),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def isolate() -> None:
    """Have this process itself use no user's settings and the project beside the benchmarks."""
    os.environ.update(environment())
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


@functools.cache
def compile_code() -> None:
    """Compile the project's and Textual's byte code: without it, a start measures the compiler."""
    import rich
    import textual

    for module in (rich, textual):
        compileall.compile_dir(str(Path(str(module.__file__)).parent), quiet=2)
    compileall.compile_dir(str(ROOT / "aa_tui"), quiet=2)


def app_command(store: Path, address: str) -> list[str]:
    """Return the command that opens the app on a store at a place, as a user starts it."""
    return [sys.executable, "-m", "aa_tui", "--store", str(store), "open", address]


def hello_command() -> list[str]:
    """Return the command of the floor: the bare Textual program."""
    return [sys.executable, str(TOOLS / "textual_hello.py")]


@contextmanager
def terminal(command: list[str], columns: int = 160, rows: int = 48) -> Iterator[Any]:
    """Run a program under a pseudo-terminal; it is ended when the block is left."""
    compile_code()
    term = ptykit().Term(command, columns, rows, env=environment())
    try:
        yield term
    finally:
        if term.alive:
            term.quit(b"\x11", 3.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was first on the terminal, since the program's start."""

    seconds: float
    cpu: float
    """Processor seconds the program had used by then: what a busy machine does not change."""


def wait_for(term: Any, *patterns: str, timeout: float = 60.0) -> list[Moment]:
    """Return for each pattern when it was on the terminal.

    Raises:
        RuntimeError: one never came; the message ends with what the program wrote last.
    """
    plain = ptykit().plain
    found: dict[str, Moment] = {}
    written, read = b"", 0
    while True:
        for at, chunk in term.chunks[read:]:
            read += 1
            written += chunk
            text = plain(written[-262_144:])
            for pattern in patterns:
                if pattern not in found and re.search(pattern, text):
                    found[pattern] = Moment(at, cpu_seconds(term.pid))
        if len(found) == len(set(patterns)):
            return [found[pattern] for pattern in patterns]
        if not term.alive or term.now() > timeout:
            missing = [pattern for pattern in patterns if pattern not in found]
            last = "\n".join(line for line in plain(written).splitlines() if line.strip())
            raise RuntimeError(f"{missing} never appeared:\n{last[-2000:]}")
        term.pump(0.05)


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds of a process and its threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


# -- stores


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="aa-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stores(options: Options, counts: Sequence[int]) -> Iterator[list[Path]]:
    """Give synthetic stores of so many sessions (no events): from the cache, or written now."""
    isolate()
    import million

    with scratch() as own:
        folder = options.cache or own
        paths = []
        for count in counts:
            path = folder / f"sessions-{count}.db"
            if not path.exists():
                say(f"writing a store of {count:,} sessions")
                draft = path.with_suffix(".draft")
                draft.unlink(missing_ok=True)
                million.Writer(draft, count).write()
                for tail in ("-wal", "-shm"):
                    draft.with_name(draft.name + tail).unlink(missing_ok=True)
                draft.replace(path)
            paths.append(path)
        yield paths


def machine() -> str:
    """Return the class of machine in a few words, without names or paths."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
