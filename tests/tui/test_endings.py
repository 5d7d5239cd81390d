"""Ending with the terminal: signals, end of input and a vanished tty, seen from a pseudo-terminal outside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
sys.path[:0] = [{root!r}]
from tests.fakes import FakeWorkspace
from aa_tui.app import AAApp, AppOptions
app = AAApp(lambda: FakeWorkspace(n=50), "sessions", AppOptions(remember=False))
app.run()
sys.exit(app.return_code or 0)
"""
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""Leaving the alternate screen, showing the cursor."""


class Terminal:
    """The program under a pseudo-terminal of its own session."""

    def __init__(self) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.environ["TERM"] = "xterm-256color"
                os.execv(sys.executable, [sys.executable, "-c", PROGRAM.format(root=str(ROOT))])
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.written = b""
        self.open = True

    def read(self, seconds: float, until: bytes = b"") -> bool:
        """Read for some seconds, or until something is seen; return whether it was."""
        end = time.monotonic() + seconds
        while self.open and time.monotonic() < end:
            if until and until in self.written:
                return True
            ready, _, _ = select.select([self.fd], [], [], 0.05)
            if ready:
                try:
                    piece = os.read(self.fd, 65536)
                except OSError:
                    piece = b""
                self.open = bool(piece)
                self.written += piece
        return bool(until) and until in self.written

    def ended(self, seconds: float) -> int | None:
        """Return the exit code once the program ends within some seconds (negative: a signal), else None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.open:
                self.read(0.05)
            else:
                time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        return None

    def close(self) -> None:
        """End what is left."""
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    started = Terminal()
    assert started.read(20, b"Refund for order"), started.written[-2000:]
    yield started
    started.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_with_the_terminal_restored(terminal: Terminal, number: signal.Signals) -> None:
    os.kill(terminal.pid, number)
    assert terminal.ended(5) == 128 + number
    assert all(sequence in terminal.written for sequence in RESTORED)


def test_q_ends_it_with_the_terminal_restored(terminal: Terminal) -> None:
    os.write(terminal.fd, b"q")
    assert terminal.ended(5) == 0
    assert all(sequence in terminal.written for sequence in RESTORED)


def test_ctrl_c_twice_ends_it(terminal: Terminal) -> None:
    os.write(terminal.fd, b"\x03")
    assert terminal.read(5, b"again quits")
    assert terminal.ended(0.3) is None
    os.write(terminal.fd, b"\x03")
    assert terminal.ended(5) == 0
    assert all(sequence in terminal.written for sequence in RESTORED)


def test_a_vanished_terminal_ends_it_within_seconds(terminal: Terminal) -> None:
    os.close(terminal.fd)
    terminal.open = False
    assert terminal.ended(8) is not None


def test_a_vanished_terminal_ends_it_even_when_hang_up_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        started = Terminal()
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        assert started.read(20, b"Refund for order")
        os.close(started.fd)
        started.open = False
        assert started.ended(8) is not None
    finally:
        started.close()


def test_suspend_hands_the_terminal_back_and_returns(terminal: Terminal) -> None:
    os.write(terminal.fd, b"\x1a")
    assert terminal.read(5, RESTORED[0])
    end = time.monotonic() + 5
    stopped = False
    while not stopped and time.monotonic() < end:
        state = Path(f"/proc/{terminal.pid}/stat").read_text().rpartition(")")[2].split()[0]
        stopped = state == "T"
        time.sleep(0.05)
    assert stopped
    terminal.written = b""
    os.kill(terminal.pid, signal.SIGCONT)
    assert terminal.read(5, b"\x1b[?1049h")
    os.write(terminal.fd, b"q")
    assert terminal.ended(5) == 0


def test_an_idle_screen_sends_nothing(terminal: Terminal) -> None:
    terminal.read(1.5)
    before = len(terminal.written)
    terminal.read(2.5)
    assert len(terminal.written) == before
