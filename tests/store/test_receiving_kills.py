"""kill -9 while requests are accepted and drained: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.sources.otel.mapping import insert_ids_of, short_id
from aa_tui.backend.support.clock import FrozenClock
from tests.builders import NOW_MS, workspace
from tests.receiving_kit import content, drain, rows, the_project

_ROOT = Path(__file__).resolve().parents[2]
_REQUESTS = 120
_CHILD = """
import sys, threading
from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import FrozenClock
from tests.builders import NOW_MS
from tests.store.test_receiving_kills import send
receiving = Receiving(open_store(sys.argv[1]), FrozenClock(NOW_MS))
def accept(numbers):
    for number in numbers:
        send(receiving, number)
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
todo = [int(number) for number in sys.argv[2:]]
for at in range(2):
    threading.Thread(target=accept, args=(todo[at::2],), daemon=True).start()
while True:
    receiving.drain(CancelToken(), 40)
"""


def send(receiving: Receiving, number: int) -> None:
    """Send the request of a number: every other one is half a trace whose other half is the next but one's."""
    if number % 2:
        answer = receiving.amplitude(json.dumps(_events(number)).encode())
        assert answer.status == 200, answer
    else:
        body = {"resourceSpans": [{"scopeSpans": [{"spans": _spans(number)}]}]}
        assert receiving.traces(the_project(receiving), json.dumps(body).encode(), "json").status == 200


def _events(number: int) -> dict[str, Any]:
    properties = {
        "[Agent] Session ID": f"s-{number % 10}",
        "[Agent] Trace ID": f"t-{number}",
        "[Agent] Agent ID": "bot",
    }
    events = [
        {
            "event_type": "[Agent] AI Response",
            "user_id": f"u-{number % 7}",
            "time": NOW_MS - 86_400_000 + number * 1_000 + at,
            "insert_id": f"{number}-{at}",
            "event_properties": {
                **properties,
                "[Agent] Message ID": f"{number}-{at}",
                "$llm_message": {"text": "hello"},
            },
        }
        for at in range(8)
    ]
    return {"api_key": "test", "events": events}


def _spans(number: int) -> list[dict[str, Any]]:
    trace, half = divmod(number // 2, 2)
    found = []
    for at in range(6):
        one = half * 6 + at + 1
        start = (NOW_MS - 86_400_000 + trace * 60_000 + one * 10) * 1_000_000
        given = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": "3"}
        if one == 1:
            # Only the root knows the session, and it comes with the half that may come first or last.
            given = {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.conversation.id": f"c-{trace % 4}",
                "user.id": "ada",
            }
        found.append(
            {
                "traceId": f"{trace + 1:032x}",
                "spanId": f"{one:016x}",
                **({"parentSpanId": f"{1:016x}"} if one > 1 else {}),
                "name": "x",
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(start + 5_000_000),
                "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in given.items()],
            }
        )
    return found


def _run_and_kill(path: Path, todo: list[int], after_s: float) -> set[int]:
    """Start a child that sends and drains, kill it, and return what it had acknowledged."""
    command = [sys.executable, "-c", _CHILD, str(path), *map(str, todo)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)})
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().decode()
    child.wait()
    child.stdout.close()
    lines = rest.splitlines() if rest.endswith("\n") else rest.splitlines()[:-1]
    return {int(line) for line in [first.decode(), *lines] if line.strip()}


def _kill_again_and_again(ws: Workspace, kills: int, seed: int) -> set[int]:
    chance = random.Random(seed)
    path = getattr(ws.store, "path")  # noqa: B009 - only a file's store has one
    acknowledged: set[int] = set()
    numbers = list(range(_REQUESTS))
    chance.shuffle(numbers)
    for _ in range(kills):
        # Once all are acknowledged they are all sent again, as clients do whose answer got lost.
        todo = [number for number in numbers if number not in acknowledged] or numbers
        acknowledged |= _run_and_kill(path, todo, chance.uniform(0, 0.35))
    return acknowledged


@pytest.mark.parametrize(("kills", "seed"), [(20, 1), pytest.param(100, 2, marks=pytest.mark.long)])
def test_killed_at_any_moment(tmp_path: Path, kills: int, seed: int) -> None:
    (tmp_path / "calm").mkdir()
    ws, calm = workspace(tmp_path), workspace(tmp_path / "calm")
    acknowledged = _kill_again_and_again(ws, kills, seed)
    assert acknowledged, "a child must have got somewhere"
    ws.store.close()
    store = open_store(str(tmp_path / "store.db"))
    receiving = Receiving(store, FrozenClock(NOW_MS + 6_000))
    drain(receiving)
    stored = {insert_id for (insert_id,) in rows(store, "SELECT insert_id FROM event")}
    for number in acknowledged:
        wanted = {f"{number}-{at}" for at in range(8)} if number % 2 else _ids(number)
        assert wanted <= stored, number
    # Whoever got no answer sends again, and so do some who did; what results is what would have been without kills.
    for number in range(_REQUESTS):
        send(receiving, number)
    drain(receiving)
    reference = Receiving(calm.store, FrozenClock(NOW_MS + 6_000))
    for number in range(_REQUESTS):
        send(reference, number)
    drain(reference)
    assert content(store, ["seq"]) == content(calm.store, ["seq"])
    assert receiving.status().problems == ()
    receiving.close()
    store.close()
    calm.store.close()


def _ids(number: int) -> set[str]:
    """Return the insert ids of the model calls among the spans of a request."""
    return {
        f"{insert_ids_of(one['traceId'])}{short_id(one['spanId'])}:ai"
        for one in _spans(number)
        if "parentSpanId" in one
    }
