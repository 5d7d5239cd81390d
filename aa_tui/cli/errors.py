"""Everything that goes to stderr, the questions asked on a terminal, and the exit codes. Data goes through `output`."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.errors import AAError, Cancelled, UsageError

if TYPE_CHECKING:
    from aa_tui.backend.ingest.report import ProgressEvent

FINE = 0
NOTHING_IMPORTED = 1
USAGE = 2
STORE = 3
PROVIDER = 4
OUR_FAULT = 70
INTERRUPTED = 130
_BAR = 24


def note(text: str) -> None:
    """Say something to the person."""
    sys.stderr.write(drawable(text) + "\n")


def report(error: BaseException) -> int:
    """Say what went wrong in words; return the exit code for it."""
    if isinstance(error, KeyboardInterrupt | Cancelled):
        note("Interrupted.")
        return INTERRUPTED
    if isinstance(error, AAError):
        note(f"aa-tui: {error.message}")
        if error.hint:
            note(error.hint)
        return error.exit_code
    if hasattr(error, "format_message"):
        note(f"aa-tui: {error.format_message()}")
        note("`aa-tui --help` shows what there is.")
        return USAGE
    note(f"aa-tui: unexpected {type(error).__name__}: {error}")
    note("This is a fault of aa-tui, not yours. AA_TUI_TRACEBACK=1 shows where it happened.")
    trace(error)
    return OUR_FAULT


def trace(error: BaseException) -> None:
    """Show where an unexpected error happened, if the environment asks for it."""
    if os.environ.get("AA_TUI_TRACEBACK"):
        import traceback

        note("".join(traceback.format_exception(error)))


def silence_stdout() -> None:
    """After the reader of our output has gone: let the interpreter flush its buffers into nothing."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def can_ask() -> bool:
    """Return whether there is a person to answer: stdin and stderr are terminals."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str = "") -> str:
    """Ask on the terminal; return the answer, `default` for an empty one.

    Raises:
        UsageError: there is nobody to answer.
    """
    if not can_ask():
        raise UsageError("This needs an answer, and there is no terminal to ask on.")
    sys.stderr.write(drawable(question) + (f" [{default}] " if default else " "))
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip() or default


class ProgressBar:
    """How far an import is, on one line of a terminal; silent where stderr is none."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0
        self._drawn = False

    def __call__(self, event: ProgressEvent) -> None:
        """Draw the newest state, at most ten times a second."""
        now = time.monotonic()
        if not self._shown or (now - self._last < 0.1 and not event.finished):
            return
        self._last = now
        done = round(event.fraction * _BAR)
        text = (
            f"[{'#' * done}{'.' * (_BAR - done)}] {event.fraction:4.0%}  {event.files_done}/{event.files} files  "
            f"{event.sessions:,} sessions  {event.events:,} events"
        )
        sys.stderr.write("\r" + text[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
        sys.stderr.flush()
        self._drawn = True

    def close(self) -> None:
        """Clear the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class LiveLine:
    """The newest state of something that runs on, kept on the last line of a terminal; silent where stderr is none.

    May be used from several threads.
    """

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._text = ""
        self._lock = threading.Lock()

    def show(self, text: str) -> None:
        """Show another state."""
        with self._lock:
            self._text = drawable(text, one_line=True) if self._shown else ""
            self._draw()

    def note(self, text: str) -> None:
        """Say something above the line."""
        with self._lock:
            if self._text:
                sys.stderr.write("\r\x1b[K")
            note(text)
            self._draw()

    def close(self) -> None:
        """Clear the line."""
        with self._lock:
            if self._text:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
            self._text = ""

    def _draw(self) -> None:
        if self._text:
            sys.stderr.write("\r" + self._text[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
            sys.stderr.flush()
