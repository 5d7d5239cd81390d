"""Run every benchmark, one after the other, each in a process of its own; exit 1 when one misses its goal.

python benchmarks/run.py [--quick] [--cache DIR] [--json] [NAME ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("start", "keys", "ingest", "receive", "memory", "stalls", "signals", "million")


def command(name: str, quick: bool, json: bool, cache: Path | None) -> list[str]:
    """Return how a benchmark is started. `million` needs a folder for its stores and always prints JSON."""
    words = [sys.executable, str(HERE / f"{name}.py")]
    if name == "million":
        if cache is None:
            return []
        sizes = ["10000"] if quick else ["10000", "100000", "1000000"]
        return [*words, "--cache", str(cache), "--sessions", *sizes, "--queries", "60" if quick else "300"]
    words += ["--quick"] if quick else []
    words += ["--json"] if json else []
    return [*words, "--cache", str(cache)] if cache is not None else words


def main() -> int:
    """Run those asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="few rounds and small stores")
    parser.add_argument("--cache", type=Path, help="folder that keeps synthetic stores; million needs it")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if given.cache is not None:
        given.cache.mkdir(parents=True, exist_ok=True)
    missed = []
    for name in given.names or NAMES:
        words = command(name, given.quick, given.json, given.cache)
        if not words:
            print(f"== {name}: left out, it needs --cache", file=sys.stderr, flush=True)  # noqa: T201
            continue
        print(f"== {name}", file=sys.stderr, flush=True)  # noqa: T201
        if subprocess.run(words, check=False).returncode != 0:
            missed.append(name)
    if missed:
        print(f"missed or failed: {', '.join(missed)}", file=sys.stderr)  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
