"""What a key costs: bytes (what SSH carries) and time until the screen has settled, against a Textual DataTable.

Cursor and page keys in the list of synthetic sessions and in a DataTable of 10,000 rows, an idle screen, and opening a
session of 5,000 messages with fifty outputs of 1 MB: from the key to its text on the terminal.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import floors
import harness
from harness import Line, Options

GOAL_CURSOR_BYTES = 350.0
GOAL_ROW, GOAL_PAGE = 1.0, 1.0
"""Of a DataTable's time; a page at 0.35 × is the ideal."""
GOAL_OPEN_MS = 60.0
IDLE_SECONDS = 4.0
LIST_READY = r"What they wanted, number"
DOWN, PAGE_DOWN, ENTER, ESCAPE = b"\x1b[B", b"\x1b[6~", b"\r", b"\x1b"
MOVES = 100
QUIET = 0.15
"""Seconds without a byte after which a screen counts as settled."""
MESSAGES, OUTPUTS, OUTPUT_CHARS = 5_000, 50, 1_000_000
FIRST_ANSWER = "answer-number-0"


def presses(term: Any, key: bytes, count: int) -> tuple[list[float], list[int]]:
    """Press a key so many times; return the milliseconds until each settled, and its bytes."""
    times, sizes = [], []
    for _ in range(count):
        began = term.now()
        term.send(key)
        _, last, size, _ = term.settle(QUIET, 2.0)
        times.append(((last or term.now()) - began) * 1000)
        sizes.append(size)
    return times, sizes


def idle_bytes(term: Any) -> int:
    """Return the bytes that an untouched screen sends in a while."""
    before, began = term.total, term.now()
    while term.now() - began < IDLE_SECONDS:
        term.pump(0.05)
    return int(term.total - before)


def list_against_table(store: Path, count: int) -> list[Line]:
    """Press the same keys in both, one after the other, at 119 × 48: the session preview is not open."""
    found: dict[tuple[str, bytes], tuple[list[float], list[int]]] = {}
    idle = 0
    table = [sys.executable, floors.__file__]
    for name, command, ready in (("table", table, floors.READY), ("list", store_command(store), LIST_READY)):
        with harness.terminal(command, 119, 48) as term:
            harness.wait_for(term, ready)
            term.settle(0.8, 8.0)
            for key in (DOWN, PAGE_DOWN):
                presses(term, key, 3)
                found[name, key] = presses(term, key, count)
            if name == "list":
                idle = idle_bytes(term)

    def line(what: str, key: bytes, goal: float) -> Line:
        (ours, sizes), (base, base_sizes) = found["list", key], found["table", key]
        note = f"{harness.median(sizes):,.0f} bytes against {harness.median(base_sizes):,.0f}"
        return Line(what, harness.median(ours), "ms", goal, harness.median(base), note=note)

    return [
        Line(f"idle list, {IDLE_SECONDS:.0f} s", idle, "bytes", 0.0),
        line("cursor key / DataTable, 119 × 48", DOWN, GOAL_ROW),
        line("page key / DataTable, 119 × 48", PAGE_DOWN, GOAL_PAGE),
    ]


def store_command(store: Path) -> list[str]:
    """Return the command that opens the list."""
    return harness.app_command(store, "sessions")


def cursor_bytes(store: Path, columns: int, rows: int, goal: float) -> list[Line]:
    """Press the cursor key all the way down several screens; the median is judged, the mean counts scrolling in."""
    with harness.terminal(store_command(store), columns, rows) as term:
        harness.wait_for(term, LIST_READY)
        term.settle(0.8, 8.0)
        _, sizes = presses(term, DOWN, MOVES)
    note = f"largest {max(sizes):,} (when the list scrolls)"
    what = f"cursor key, {columns} × {rows}"
    return [
        Line(what, harness.median(sizes), "bytes", goal, note=note),
        Line(f"{what}, mean of {MOVES} moves", sum(sizes) / len(sizes), "bytes", float("inf")),
    ]


# -- opening a long session


def transcript(messages: int = MESSAGES, outputs: int = OUTPUTS, size: int = OUTPUT_CHARS) -> Iterator[str]:
    """Yield the lines of a Claude Code transcript with so many messages and so many outputs of `size` characters."""
    stamps = (f"2026-05-04T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000Z" for n in itertools.count())
    last: str | None = None
    every = max(1, messages // 2 // outputs)

    def record(kind: str, number: str, message: dict[str, Any]) -> str:
        nonlocal last
        one = {
            "type": kind, "uuid": number, "parentUuid": last, "sessionId": "long-session", "timestamp": next(stamps),
            "cwd": "/home/me/shop", "version": "2.1.0", "gitBranch": "main", "message": message,
        }  # fmt: skip
        last = number
        return json.dumps(one)

    for n in range(messages // 2):
        yield record("user", f"u{n}", {"role": "user", "content": f"question-number-{n}: why does the build fail?"})
        content: list[dict[str, Any]] = [
            {"type": "text", "text": f"answer-number-{n}: " + "because of the cache " * 12}
        ]
        with_output = n % every == every - 1
        if with_output:
            content.append({"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"command": "cat build.log"}})
        usage = {"input_tokens": 900, "output_tokens": 80}
        answer = {"id": f"m{n}", "role": "assistant", "model": "claude-sonnet-4", "content": content, "usage": usage}
        yield record("assistant", f"a{n}", answer)
        if with_output:
            output = "\n".join(f"line {at} of the build log of step {n}" for at in range(size // 40)).ljust(size, ".")
            result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": output}
            yield record("user", f"r{n}", {"role": "user", "content": [result]})


def open_times(folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Import the long session, open it from the list again and again; return milliseconds, and of processor time."""
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    source = folder / "long-session.jsonl"
    source.write_text("\n".join(transcript()) + "\n", encoding="utf-8")
    path = folder / "long.db"
    store = open_store(str(path))
    report = open_workspace(store, None).imports.run([source])
    store.close()
    if report.sessions != 1:
        raise RuntimeError(f"the long session did not come in: {report}")
    times, cpu = [], []
    with harness.terminal(store_command(path), 80, 24) as term:
        harness.wait_for(term, "question-number-0")
        for _ in range(count + 1):
            term.settle(0.6, 5.0)
            before = harness.cpu_seconds(term.pid)
            times.append(until(term, ENTER, FIRST_ANSWER.encode()) * 1000)
            cpu.append((harness.cpu_seconds(term.pid) - before) * 1000)
            term.settle(0.6, 5.0)
            until(term, ESCAPE, b"what they wanted")
    return times[1:], cpu[1:]


def until(term: Any, key: bytes, text: bytes) -> float:
    """Press a key; return the seconds until a text has been written since."""
    began, written = term.now(), b""
    term.send(key)
    while text not in written:
        if term.now() - began > 10 or (chunk := term.pump(0.02)) is None:
            raise RuntimeError(f"{text!r} never appeared after {key!r}: {harness.ptykit().plain(written)[-1000:]}")
        written += chunk
    return float(term.chunks[-1][0] - began)


def run(options: Options) -> list[Line]:
    """Measure the list, then the long session."""
    harness.ptykit()
    count = 15 if options.quick else 40
    with harness.stores(options, [20_000 if options.quick else 1_000_000]) as (store,):
        lines = [*cursor_bytes(store, 80, 24, GOAL_CURSOR_BYTES), *cursor_bytes(store, 160, 48, float("inf"))]
        lines += list_against_table(store, count)
    with harness.scratch() as folder:
        times, cpu = open_times(folder, 8 if options.quick else 40)
    note = f"median {harness.median(times):.0f} ms, of processor time {harness.median(cpu):.0f} ms"
    lines.append(Line("open a long session, p95", harness.percentile(times, 0.95), "ms", GOAL_OPEN_MS, note=note))
    return lines


if __name__ == "__main__":
    harness.main(run, __doc__ or "")
