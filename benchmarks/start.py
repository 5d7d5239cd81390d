"""How soon the app shows something, against a bare Textual program started in alternation.

First frame: header, section and filters are on the terminal. First rows: the list's first session, or Monitor's first
figures, are. Then first rows on a million-session store against a thousand-session store. 160 × 48 cells.
"""

from __future__ import annotations

from pathlib import Path

import harness
from harness import Line, Moment, Options

HELLO = "hello world ready"
FRAMES = {"sessions": r"2 Sessions[\s\S]*all sessions", "monitor": r"1 Monitor[\s\S]*all agents"}
"""What is on the terminal once the frame, the section and its filters are."""
ROWS = {"sessions": r"What they wanted, number", "monitor": r"coding-agent"}
"""What is on the terminal once the synthetic sessions are."""
GOAL_FRAME = 1.25
GOAL_ROWS = 2.0
GOAL_MILLION = 1.1


def moments(command: list[str], *patterns: str) -> list[Moment]:
    """Start a program; return when each pattern was first on the terminal."""
    with harness.terminal(command) as term:
        return harness.wait_for(term, *patterns)


def compare(what: str, values: list[Moment], floors: list[Moment], goal: float) -> Line:
    """Return the line of wall times, with the ratio of processor times as its note."""
    wall, base = [one.seconds for one in values], [one.seconds for one in floors]
    cpu = harness.paired([one.cpu for one in values], [one.cpu for one in floors])
    ratio = harness.paired(wall, base)
    return Line(what, harness.median(wall), "s", goal, harness.median(base), ratio, f"processor time {cpu:.2f} ×")


def measure(place: str, small: Path, large: Path, runs: int) -> list[Line]:
    """Time one place in rounds of hello, small store, large store; the first round is a warm-up."""
    hello: list[Moment] = []
    frames: list[Moment] = []
    rows: list[Moment] = []
    rows_large: list[Moment] = []
    for number in range(runs + 1):
        floor = moments(harness.hello_command(), HELLO)[0]
        frame, row = moments(harness.app_command(small, place), FRAMES[place], ROWS[place])
        row_large = moments(harness.app_command(large, place), ROWS[place])[0]
        if number:
            hello.append(floor)
            frames.append(frame)
            rows.append(row)
            rows_large.append(row_large)
    name = place.capitalize()
    return [
        compare(f"{name}: first frame / hello", frames, hello, GOAL_FRAME),
        compare(f"{name}: first rows / hello", rows, hello, GOAL_ROWS),
        compare(f"{name}: first rows, large / small store", rows_large, rows, GOAL_MILLION),
    ]


def run(options: Options) -> list[Line]:
    """Measure both places that show data first."""
    harness.ptykit()
    with harness.stores(options, [1_000, 20_000 if options.quick else 1_000_000]) as (small, large):
        return [line for place in FRAMES for line in measure(place, small, large, options.runs)]


if __name__ == "__main__":
    harness.main(run, __doc__ or "", runs=15)
