"""kill -9 while scoring: nothing is lost, nothing is recorded twice, and only what was under way is asked again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders import workspace
from tests.engine.model_server import ModelServer
from tests.ingest_state import dangling
from tests.scoring_kit import batch_answer, choice, conversations, rows

_ZYGOTE = """
import os, sys
import aa_tui.backend.judging.providers.openai_compatible
import aa_tui.backend.runs.scoring
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.support.clock import FrozenClock
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        store = open_store(sys.argv[1], create=False)
        ws = open_workspace(store, "1", Actor("tester"), FrozenClock(int(sys.argv[2])))
        ws.scoring.run_pending()
        store.close()
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""Imports once and becomes a program that scores for every line it reads; says its process and how it ended."""
AT_ONCE = 8
"""Calls that a lane has in flight."""
_UNWRITTEN = 50
"""Sessions that are judged and not recorded yet, at most."""


def _kills(tmp_path: Path, kills: int, sessions: int) -> None:
    ws = workspace(tmp_path)
    rng = random.Random(7)
    command = [sys.executable, "-c", _ZYGOTE, ws.store.url, str(ws.clock.now_ms())]
    with (
        ModelServer(answer=batch_answer, latency_s=0.05) as server,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as zygote,
    ):
        assert zygote.stdin is not None and zygote.stdout is not None
        ws.scoring.turn_on(choice(server.base_url, concurrency=AT_ONCE))
        conversations(ws, sessions)
        for killed in range(kills + 1):
            before = server.calls
            zygote.stdin.write("score\n")
            zygote.stdin.flush()
            pid = int(zygote.stdout.readline())
            if killed < kills:
                while server.calls == before:
                    time.sleep(0.002)
                time.sleep(rng.random() * 0.1)
                os.kill(pid, signal.SIGKILL)
                assert int(zygote.stdout.readline()) == signal.SIGKILL
            else:
                assert int(zygote.stdout.readline()) == 0
        zygote.stdin.close()
        calls = server.calls
    assert rows(ws, "SELECT state, COUNT(*) FROM scoring GROUP BY state") == [("done", sessions)]
    verdicts = rows(ws, "SELECT COUNT(*) FROM signal_result WHERE method='llm' AND signal='task_completion'")
    assert verdicts == [(sessions,)]
    assert rows(ws, "SELECT COUNT(*) FROM signal_result WHERE signal='task_completion' AND current=1") == verdicts
    assert sessions <= calls <= sessions + kills * (AT_ONCE + _UNWRITTEN)
    assert dangling(ws.store) == {}
    ws.store.close()


def test_twenty_kills(tmp_path: Path) -> None:
    _kills(tmp_path, 20, 400)


@pytest.mark.long
def test_a_hundred_kills(tmp_path: Path) -> None:
    _kills(tmp_path, 100, 2000)
