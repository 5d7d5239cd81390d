"""kill -9 while files are imported: the store is in order, the next import goes on, hooks hear of each close once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.rebuild import rebuild_rollups
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import hooks
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS
from tests.builders import workspace
from tests.ingest_state import dangling, state
from tests.store.test_ingest_pipeline import event_line, write_lines

ROOT = Path(__file__).resolve().parents[2]
EVENTS_FROM_MS = 1_790_000_000_000
"""When the events of `event_line` begin."""
NOW_MS = EVENTS_FROM_MS + 3 * HOUR_MS
_HOOK = "close"
_CHILD = """
import sys
from pathlib import Path
from aa_tui.backend.service.stores import open_store
import aa_tui.backend.ingest.pipeline as pipeline
from aa_tui.backend.ingest.report import ImportOptions
from aa_tui.backend.support.clock import FrozenClock
pipeline.BATCH_EVENTS = 60
store = open_store(sys.argv[1])
print("ready", flush=True)
pipeline.Importer(store, 1, FrozenClock(int(sys.argv[3])), ImportOptions(), login="x").run([Path(sys.argv[2])])
print("done", flush=True)
"""


def _make_files(folder: Path) -> Path:
    """Write 120 files of 90 sessions: the sessions of the last files go on in them."""
    folder.mkdir()
    for number in range(120):
        lines = [event_line(f"s{number % 90}", n + 100 * (number // 90)) for n in range(1, 31)]
        write_lines(folder / f"{number:03}.jsonl", lines)
    return folder


def _home(folder: Path) -> Workspace:
    """Make a store that has a hook already."""
    folder.mkdir()
    ws = workspace(folder, now_ms=NOW_MS)
    with ws.store.write() as tx:
        hooks.begin(tx, ws.project.id, _HOOK, NOW_MS - 1)
    return ws


def _due(ws: Workspace) -> list[Any]:
    """Return the closes that a hook would be fired for now, by session."""
    with ws.store.reader() as reader:
        found = hooks.due(reader, 1, _HOOK, only_failed=False, since_ms=0, fresh_ms=NOW_MS - DAY_MS, limit=10_000)
        keys: dict[int, str] = dict(reader.fetch("SELECT id, key FROM session"))
    return sorted(keys[close.session_id] for close in found)


def _start(home: Path, data: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(home / "store.db"), str(data), str(NOW_MS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    return child


def _ended(child: subprocess.Popen[bytes], after_s: float) -> bool:
    """Kill a child; return whether it was done before."""
    assert child.stdout is not None
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    said = child.stdout.read()
    child.wait()
    child.stdout.close()
    return said == b"done\n"


@pytest.mark.parametrize(("kills", "seed"), [(20, 1), pytest.param(100, 2, marks=pytest.mark.long)])
def test_killed_at_any_moment(tmp_path: Path, kills: int, seed: int) -> None:
    data = _make_files(tmp_path / "data")
    calm = _home(tmp_path / "calm")
    calm.store.close()
    child = _start(tmp_path / "calm", data)
    begun = time.monotonic()
    assert child.wait() == 0
    took = time.monotonic() - begun
    assert child.stdout is not None
    child.stdout.close()
    calm = workspace(tmp_path / "calm", now_ms=NOW_MS)
    expected, closes = state(calm.store), _due(calm)
    calm.store.close()
    assert len(closes) == 90
    chance = random.Random(seed)
    killed = partly = rounds = 0
    while killed < kills:
        home = tmp_path / f"round-{rounds}"
        _home(home).store.close()
        rounds += 1
        done = False
        while not done and killed < kills:
            # A third of the way at the most, so that every round is killed several times.
            done = _ended(_start(home, data), chance.uniform(0, took / 3))
            killed += not done
            ws = workspace(home, now_ms=NOW_MS)
            assert dangling(ws.store) == {}
            before = state(ws.store)
            partly += 0 < len(before["event"]) < len(expected["event"])
            if killed % 5 == 0:
                rebuild_rollups(ws.store, 1, ws.clock)
                assert state(ws.store) == before
            ws.store.close()
        ws = workspace(home, now_ms=NOW_MS)
        ws.imports.run([data])
        assert state(ws.store) == expected
        assert _due(ws) == closes
        with ws.store.reader() as reader:
            assert reader.one("SELECT COUNT(*) FROM hook_run") == (0,), "an import fires nothing"
        again = ws.imports.run([data])
        assert (again.unchanged, again.events) == (120, 0)
        ws.store.close()
    assert killed == kills and partly >= kills // 4, f"{partly} of {kills} kills came in between"
