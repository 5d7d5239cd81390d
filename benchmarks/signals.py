"""What a pass of signals takes of the processor, against a bare aiohttp loop with the same calls and the same rows.

The floor sends the very same request bodies to the same loopback model server (`mock_llm.py`), decodes the reply and
the JSON in it, and inserts the very rows that the pass recorded of each session into a copy of the same store, fifty
sessions to a transaction. The pass does everything: finding what closed, leases, reading transcripts, masking, prompts,
reading the reply by its contract, looking every quote up, facets, rollups. Both run in this process after all imports,
in alternation; the figure is processor time, which other programs on the machine disturb less.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import harness
from harness import Line, Options, Skip

GOAL = 3.0
AT_ONCE = 64
_SESSIONS, _FEW = 1000, 200
_CLOSED_MS = 1_790_000_000_000
_THANKS = "thanks, that works"
_BATCH = 50


@contextmanager
def mock(answer: dict[str, Any]) -> Iterator[str]:
    """Run the model server that always gives one answer; yields its address."""
    tool = harness.TOOLS / "mock_llm.py"
    if not tool.exists():
        raise Skip(f"{tool} is absent")
    command = [sys.executable, str(tool), "--content", json.dumps(answer)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[1])
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def answer_to_all() -> dict[str, Any]:
    """Return a good answer to every signal, with a quote that stands in every session."""
    from aa_tui.backend.model.evaluator import OutputType
    from aa_tui.backend.signals.registry import asked_beside, judged

    found: dict[str, Any] = {}
    for one in judged():
        said: dict[str, Any] = {
            "rationale": "The agent answered the request and the user confirmed it.",
            "evidence": [{"quote": _THANKS, "turn": 9}],
        }
        if one.definition.output_type is OutputType.BINARY:
            said["detected"] = one.id in ("task_completion", "response_quality")
        else:
            said["label"] = one.definition.label_names[0]
        found[one.id] = said
    beside = dict.fromkeys(asked_beside(), "")
    beside |= {
        "topic": "order status",
        "topic_summary": "The user asked where an order is.",
        "request_complexity": "simple",
    }
    return {**found, **beside}


def prepare(folder: Path, base_url: str, count: int) -> Path:
    """Make a store with closed sessions of about 1.2 KB that somebody agreed to have scored."""
    sys.path.insert(0, str(harness.TOOLS))
    from common import transcripts  # of the measuring tools

    from aa_tui.backend.ingest.writer import Incoming, Writer
    from aa_tui.backend.model.evaluator import ModelChoice
    from aa_tui.backend.model.event import AgentEvent, EventKind
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import ProjectService, open_workspace
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.support.clock import FrozenClock

    path = folder / "prepared.db"
    store = open_store(str(path))
    clock = FrozenClock(_CLOSED_MS)
    ProjectService(store, clock).create("default", Actor("bench"), "UTC")
    ws = open_workspace(store, "default", Actor("bench"), clock)
    ws.scoring.turn_on(ModelChoice("compatible", "mock", base_url))
    events = []
    for number, text in enumerate(transcripts(count)):
        at = _CLOSED_MS - 3_600_000 - number * 1000
        lines = [*text.split("\n"), f"user[{number}]: {_THANKS}"]
        for turn, line in enumerate(lines):
            who, _, said = line.partition(": ")
            kind = EventKind.USER_MESSAGE if who.startswith("user") else EventKind.AI_RESPONSE
            events.append(
                AgentEvent(
                    kind, f"{number}-{turn}", session_key=f"s-{number}", user_id=f"u-{number % 50}",
                    time_ms=at + turn, trace_id=f"t-{number}-{turn // 2}", agent_id="bot", text=said,
                    model="m" if kind == EventKind.AI_RESPONSE else None,
                    cost_nano=1000 if kind == EventKind.AI_RESPONSE else None,
                )
            )  # fmt: skip
        events.append(AgentEvent(EventKind.SESSION_END, f"{number}-end", session_key=f"s-{number}", time_ms=at + 99))
    Writer(store, ws.project.id, clock).write([Incoming(one, "bench", 1) for one in events])
    store.close()
    return path


def score(path: Path, count: int) -> float:
    """Do the pass on a store; return the seconds of processor time."""
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.support.clock import FrozenClock

    store = open_store(str(path), create=False)
    try:
        ws = open_workspace(store, "default", Actor("bench"), FrozenClock(_CLOSED_MS))
        began = time.process_time()
        report = ws.scoring.run_pending()
        took = time.process_time() - began
        if report.done != count or report.calls != count:
            raise RuntimeError(f"the pass did something else: {report}")
    finally:
        store.close()
    return took


def recorded(path: Path) -> list[list[tuple[str, tuple[Any, ...]]]]:
    """Return the rows of a scored store, by session, as (statement, values)."""
    found: dict[int, list[tuple[str, tuple[Any, ...]]]] = {}
    with closing(sqlite3.connect(path)) as connection:
        for table, condition in (("signal_result", "method='llm'"), ("scoring", "1=1")):
            cursor = connection.execute(f"SELECT * FROM {table} WHERE {condition}")
            names = [one[0] for one in cursor.description]
            statement = f"INSERT OR REPLACE INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            for row in cursor:
                found.setdefault(row[names.index("session_id")], []).append((statement, row))
    return list(found.values())


def bodies(path: Path) -> list[bytes]:
    """Return the request bodies that the pass sends for a store."""
    from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.support.clock import FrozenClock

    seen: list[bytes] = []
    import aiohttp

    before = aiohttp.ClientSession._request

    async def listening(self: Any, method: str, url: Any, **given: Any) -> Any:
        data = given.get("data")
        if data is None:
            data = json.dumps(given.get("json")).encode()
        seen.append(data if isinstance(data, bytes) else str(data).encode())
        return await before(self, method, url, **given)

    assert OpenAICompatible
    aiohttp.ClientSession._request = listening  # type: ignore[method-assign]
    store = open_store(str(path), create=False)
    try:
        open_workspace(store, "default", Actor("bench"), FrozenClock(_CLOSED_MS)).scoring.run_pending()
    finally:
        aiohttp.ClientSession._request = before  # type: ignore[method-assign]
        store.close()
    return seen


def floor(path: Path, base_url: str, asked: list[Any], rows: list[list[tuple[str, tuple[Any, ...]]]]) -> float:
    """Make the same calls and store the same rows in the barest way; return the seconds of processor time."""
    import aiohttp

    async def run() -> None:
        todo = iter(list(zip(asked, rows, strict=True)))
        waiting: list[list[tuple[str, tuple[Any, ...]]]] = []
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")

            def flush() -> None:
                connection.execute("BEGIN IMMEDIATE")
                for session in waiting:
                    for statement, values in session:
                        connection.execute(statement, values)
                connection.execute("COMMIT")
                waiting.clear()

            async def worker() -> None:
                for body, session in todo:
                    async with client.post(
                        f"{base_url}/chat/completions",
                        data=json.dumps(body),
                        headers={"Content-Type": "application/json"},
                    ) as response:
                        reply = json.loads(await response.read())
                    json.loads(reply["choices"][0]["message"]["content"])
                    waiting.append(session)
                    if len(waiting) >= _BATCH:
                        flush()

            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as client:
                await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
            flush()

    began = time.process_time()
    asyncio.run(run())
    return time.process_time() - began


def run(options: Options) -> list[Line]:
    """Measure."""
    harness.isolate()
    count = _FEW if options.quick else _SESSIONS
    with harness.scratch() as folder, mock(answer_to_all()) as base_url:
        prepared = prepare(folder, base_url, count)

        def fresh(name: str) -> Path:
            path = folder / name
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            shutil.copy(prepared, path)
            return path

        asked = [json.loads(one) for one in bodies(fresh("listen.db"))]
        score(fresh("warm.db"), count)
        rows = recorded(folder / "warm.db")
        ratios, ours, bare = [], [], []
        for _ in range(options.runs):
            bare.append(floor(fresh("floor.db"), base_url, asked, rows))
            ours.append(score(fresh("ours.db"), count))
            ratios.append(ours[-1] / bare[-1])
    per_row = sum(map(len, rows)) / len(rows)
    note = f"{count:,} sessions, {per_row:.0f} rows each, {len(json.dumps(asked[0])) / 1000:.1f} kB a call"
    return [
        Line(
            "pass of signals, processor time a session",
            1000 * harness.median(ours) / count,
            "ms",
            GOAL,
            1000 * harness.median(bare) / count,
            harness.median(ratios),
            note,
        )
    ]


if __name__ == "__main__":
    harness.main(run, __doc__ or "", 5)
