"""How long the app's event loop stalls while transcripts are imported in the background.

The app runs without a terminal on a store that is being imported into, the list on the screen and moving. A heartbeat
asks to be woken every 5 ms; how late it is woken is the stall. Importing is measured both ways it can be done: in a
thread of the app, and in a child process; the app at rest stands beside them.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import harness
from harness import Line, Options

GOAL_MS = 20.0
BEAT = 0.005
CORPUS = harness.DATA / "claude-code-team" / "sessions"
REST_SECONDS = 6.0
KEYS = ("down", "down", "down", "pagedown", "home")


async def lateness(busy: Callable[[], bool]) -> list[float]:
    """Return the milliseconds by which each beat came late while `busy`."""
    late = []
    while busy():
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(max(0.0, (time.perf_counter() - began - BEAT) * 1000))
    return late


async def in_app(store: Path, begin: Callable[[], Callable[[], bool]]) -> list[float]:
    """Open the app on the store, begin the work, and move through the list until it is done."""
    from aa_tui.app import AAApp
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    # As the command line starts it: the app collects garbage from its first frame on, what is there by then stays.
    gc.collect()
    gc.disable()
    app = AAApp(lambda: open_workspace(open_store(str(store)), None), "sessions")
    async with app.run_test(size=(100, 40)) as pilot:
        await app.workspace_ready()
        for key in KEYS:
            await pilot.press(key)
            await asyncio.sleep(0.3)
        busy = begin()
        beats = asyncio.create_task(lateness(busy))
        for key in itertools.cycle(KEYS):
            if not busy():
                break
            await pilot.press(key)
            await asyncio.sleep(0.2)
        return await beats


def at_rest() -> Callable[[], bool]:
    """Begin nothing, for a while."""
    end = time.monotonic() + REST_SECONDS
    return lambda: time.monotonic() < end


def in_thread(store: Path, files: list[str]) -> Callable[[], Callable[[], bool]]:
    """Return how to begin importing in a thread of this process."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    def work() -> None:
        own = open_store(str(store))
        open_workspace(own, None).imports.run(files)
        own.close()

    def begin() -> Callable[[], bool]:
        future = asyncio.get_running_loop().run_in_executor(None, work)
        return lambda: not future.done()

    return begin


def in_child(store: Path, files: list[str]) -> Callable[[], Callable[[], bool]]:
    """Return how to begin importing in a child process that gives way to whoever else wants the processor."""

    def begin() -> Callable[[], bool]:
        command = [sys.executable, "-m", "aa_tui", "--store", str(store), "import", *files]
        child = subprocess.Popen(
            command,
            env={**os.environ, **harness.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.nice(10),
        )
        return lambda: child.poll() is None

    return begin


def run(options: Options) -> list[Line]:
    """Measure the three one after the other, each into a store of its own that holds a few sessions already."""
    if not CORPUS.is_dir():
        raise harness.Skip("the transcripts (../shared/data/claude-code-team) are not beside the project")
    harness.isolate()
    paths = [str(path) for path in sorted(CORPUS.iterdir())]
    first, rest = paths[:10], paths[10:40] if options.quick else paths[10:]
    late: dict[str, list[float]] = {}
    with harness.scratch() as folder:
        for name, ways in (("at rest", None), ("thread", in_thread), ("child process", in_child)):
            store = folder / f"{name}.db"
            prepare(store, first)
            late[name] = asyncio.run(in_app(store, at_rest if ways is None else ways(store, rest)))

    def line(name: str, goal: float) -> Line:
        values = late[name]
        note = f"largest {max(values):.0f} ms, {len(values):,} beats"
        return Line(f"loop stall, import in a {name}, p99", harness.percentile(values, 0.99), "ms", goal, note=note)

    rest_p99 = harness.percentile(late["at rest"], 0.99)
    return [
        Line(
            "loop stall, app at rest, p99", rest_p99, "ms", float("inf"), note=f"largest {max(late['at rest']):.0f} ms"
        ),
        line("child process", GOAL_MS),
        line("thread", float("inf")),
    ]


def prepare(store: Path, files: list[str]) -> None:
    """Import a few transcripts, so that the list has lines to move over."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    own = open_store(str(store))
    open_workspace(own, None).imports.run(files)
    own.close()


if __name__ == "__main__":
    harness.main(run, __doc__ or "")
