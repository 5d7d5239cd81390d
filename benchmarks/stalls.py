"""How long the app's event loop stalls while transcripts are imported, or scored, in the background.

The app runs without a terminal on a store that is being imported into, the list on the screen and moving, at three
sizes (the larger two with the preview beside the list). A heartbeat asks to be woken every 5 ms; how late it is woken
is the stall, and the processor time of the loop's thread between two beats says how much of it the app took itself.
Importing is measured both ways it can be done: in a child process, and in a thread of the app; signals are scored in a
child process, against a loopback model that answers at once. The app at rest stands beside them.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import harness
from harness import Line, Options
from signals import answer_to_all, mock

GOAL_MS = 20.0
BEAT_SECONDS = 0.005
CORPUS = harness.DATA / "claude-code-team" / "sessions"
REST_SECONDS = 6.0
SIZES = ((80, 24), (120, 40), (160, 48))
SCORED = "signals scored in a child process"
KEYS = ("down", "down", "down", "pagedown", "home")


class Beat(NamedTuple):
    """One waking of the heartbeat, in milliseconds."""

    late: float
    cpu: float
    """Processor time of the loop's thread since the beat before: what a busy machine changes less."""


async def lateness(busy: Callable[[], bool]) -> list[Beat]:
    """Return the beats while `busy`."""
    beats = []
    while busy():
        began, used = time.perf_counter(), time.thread_time()
        await asyncio.sleep(BEAT_SECONDS)
        late = time.perf_counter() - began - BEAT_SECONDS
        beats.append(Beat(max(0.0, late * 1000), (time.thread_time() - used) * 1000))
    return beats


async def in_app(store: Path, size: tuple[int, int], begin: Callable[[], Callable[[], bool]]) -> list[Beat]:
    """Open the app on the store, begin the work, and move through the list until it is done."""
    from aa_tui.app import AAApp
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    # As the command line starts it: the app collects garbage from its first frame on, what is there by then stays.
    gc.collect()
    gc.disable()
    app = AAApp(lambda: open_workspace(open_store(str(store)), None), "sessions")
    async with app.run_test(size=size) as pilot:
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


def in_child(store: Path, *verb: str) -> Callable[[], Callable[[], bool]]:
    """Return how to begin a verb in a child process that gives way to whoever else wants the processor."""

    def begin() -> Callable[[], bool]:
        command = [sys.executable, "-m", "aa_tui", "--store", str(store), *verb]
        child = subprocess.Popen(
            command,
            env={**os.environ, **harness.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.nice(10),
        )
        return functools.partial(under_way, child)

    return begin


def under_way(child: subprocess.Popen[bytes]) -> bool:
    """Return whether a child process is still at work.

    Raises:
        RuntimeError: it failed, so that what was measured was the app at rest.
    """
    code = child.poll()
    if code:
        raise RuntimeError(f"the child process failed with {code}")
    return code is None


def run(options: Options) -> list[Line]:
    """Measure one after the other, each into a store of its own that holds a few sessions already."""
    if not CORPUS.is_dir():
        raise harness.Skip("the transcripts (../shared/data/claude-code-team) are not beside the project")
    harness.isolate()
    paths = [str(path) for path in sorted(CORPUS.iterdir())]
    first, rest = paths[:10], paths[10:40] if options.quick else paths[10:]
    cases = [(size, "at rest", GOAL_MS) for size in SIZES]
    cases += [(size, "import in a child process", GOAL_MS) for size in SIZES]
    cases += [(SIZES[-1], "import in a thread", float("inf"))]
    cases += [(size, SCORED, GOAL_MS) for size in SIZES]
    lines = []
    with harness.scratch() as folder, mock(answer_to_all()) as address:
        for number, (size, name, goal) in enumerate(cases):
            store = folder / f"{number}.db"
            prepare(store, paths if name == SCORED else first, address if name == SCORED else "")
            begins = {
                "at rest": at_rest,
                "import in a thread": in_thread(store, rest),
                "import in a child process": in_child(store, "import", *rest),
                SCORED: in_child(store, "signals", "backfill", "--yes"),
            }
            beats = asyncio.run(in_app(store, size, begins[name]))
            late, cpu = [beat.late for beat in beats], [beat.cpu for beat in beats]
            note = f"largest {max(late):.0f} ms; processor time p99 {harness.percentile(cpu, 0.99):.0f} ms, "
            note += f"largest {max(cpu):.0f} ms; {len(beats):,} beats"
            what = f"loop stall, {size[0]} × {size[1]}, {name}, p99"
            lines.append(Line(what, harness.percentile(late, 0.99), "ms", goal, note=note))
    return lines


def prepare(store: Path, files: list[str], model: str = "") -> None:
    """Import transcripts, so that the list has lines to move over; agree to have them scored by a model where given."""
    from aa_tui.backend.model.evaluator import ModelChoice
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    own = open_store(str(store))
    workspace = open_workspace(own, None)
    workspace.imports.run(files)
    if model:
        workspace.scoring.turn_on(ModelChoice("compatible", "mock", model))
    own.close()


if __name__ == "__main__":
    harness.main(run, __doc__ or "")
