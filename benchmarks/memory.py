"""How much memory the app has resident while a million sessions are browsed, beside a bare Textual program.

Pages, jumps to the end and back, another order, Monitor and the list again; the process tree's resident set.
"""

from __future__ import annotations

from pathlib import Path

import harness
from harness import Line, Options
from keys import LIST_READY, PAGE_DOWN
from start import HELLO

GOAL_MB = 90.0
END, HOME = b"\x1b[F", b"\x1b[H"


def browse(store: Path, pages: int) -> tuple[float, float, float]:
    """Browse; return MB resident when the list has come, after browsing, and at the peak."""
    memory = harness.ptykit().memory
    with harness.terminal(harness.app_command(store, "sessions")) as term:
        harness.wait_for(term, LIST_READY)
        term.settle(1.0, 10.0)
        fresh = memory(term.pid)[0]
        for key in (*[PAGE_DOWN] * pages, END, *[b"\x1b[5~"] * pages, HOME, b"1", b"2"):
            term.send(key)
            term.settle(0.1, 3.0)
        term.settle(1.0, 10.0)
        now, peak = memory(term.pid)
        return fresh, now, max(peak, term.peak)


def bare() -> float:
    """Return MB of the bare Textual program."""
    with harness.terminal(harness.hello_command()) as term:
        harness.wait_for(term, HELLO)
        term.settle(1.0, 5.0)
        return float(harness.ptykit().memory(term.pid)[0])


def run(options: Options) -> list[Line]:
    """Measure once: memory hardly varies."""
    harness.ptykit()
    count = 20_000 if options.quick else 1_000_000
    with harness.stores(options, [count]) as (store,):
        base = bare()
        fresh, now, peak = browse(store, 10 if options.quick else 60)
    inf = float("inf")
    return [
        Line(f"{count:,} sessions, browsed", now, "MB", GOAL_MB, note=f"peak {peak:.0f} MB"),
        Line("  the list just opened", fresh, "MB", inf),
        Line("  beside a bare Textual program", now, "MB", inf, base),
    ]


if __name__ == "__main__":
    harness.main(run, __doc__ or "")
