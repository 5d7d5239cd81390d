"""The way in: tells the app from the verbs, and turns whatever happens into an exit code. No verb lives here."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aa_tui.cli import errors, output


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run a command line; return the exit code."""
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except (BrokenPipeError, output.ReaderGone):
        # Whoever read our output has seen enough (`| head`): that is no failure of ours.
        errors.silence_stdout()
        return errors.FINE
    except (Exception, KeyboardInterrupt) as error:
        return errors.report(error)


def _run(argv: Sequence[str]) -> int:
    from aa_tui.cli import arguments

    common = arguments.parse(argv)
    first = common.rest[0] if common.rest else None
    if first in {"--version", "-V"}:
        return _version()
    if first in {"--help", "-h", "help"} and len(common.rest) == 1:
        return _help()
    if common.verb in {None, "demo", "open"} and not _wants_help(common.rest):
        from aa_tui.cli import start

        return start.run(common)
    from aa_tui.cli import verbs

    output.prepare()
    return verbs.run(common)


def _wants_help(words: Sequence[str]) -> bool:
    return any(word in {"--help", "-h"} for word in words)


def _version() -> int:
    from aa_tui import __version__

    output.write(f"aa-tui {__version__}\n")
    return errors.FINE


def _help() -> int:
    from aa_tui.cli import help as texts

    output.prepare()
    output.write(texts.SCREEN)
    return errors.FINE
