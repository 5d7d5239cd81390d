"""The app in a pseudo-terminal: started as a process of its own, driven by keys, its bytes kept. POSIX only."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; from aa_tui.cli.main import run; sys.exit(run(sys.argv[1:]))"
SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[()*+][0-9A-Za-z]|\x1b."
)
"""One terminal sequence."""
_ANSWERS = (
    (b"\x1b[c", b"\x1b[?62;22c"),
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),
)


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, words: Sequence[str], columns: int, rows: int, home: Path) -> None:
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "AA_TUI_HOME": str(home / "aa-tui"),
            "AA_TUI_HOST_CONFIG": str(home / "none.toml"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "TZ": "UTC",
        }
        self.written = b""
        """Every byte the program wrote."""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(sys.executable, [sys.executable, "-c", _START, *words], env)
            finally:
                os._exit(127)

    def read(self, quiet: float, limit: float) -> None:
        """Read until nothing came for `quiet` seconds, or `limit` seconds are over."""
        end = time.monotonic() + limit
        last = time.monotonic()
        while time.monotonic() < min(end, last + quiet):
            ready, _, _ = select.select([self._fd], [], [], 0.05)
            if not ready:
                continue
            try:
                new = os.read(self._fd, 1 << 20)
            except OSError:
                return
            if not new:
                return
            self.written += new
            last = time.monotonic()
            for question, answer in _ANSWERS:
                if question in new:
                    os.write(self._fd, answer)

    def wait_for(self, text: bytes, limit: float) -> bool:
        """Read until the program has written `text`; return whether it has."""
        end = time.monotonic() + limit
        while text not in self.written and time.monotonic() < end:
            self.read(0.2, 0.5)
        return text in self.written

    def press(self, keys: bytes, quiet: float = 0.25, limit: float = 8.0) -> None:
        """Type, and read what follows."""
        os.write(self._fd, keys)
        self.read(quiet, limit)

    def close(self, keys: bytes = b"") -> int | None:
        """Type the keys that leave, else end the process; return its exit code, None where it had to be killed."""
        code: int | None = None
        if keys:
            self.press(keys, 0.5, 5.0)
        for step in range(60):
            done, status = os.waitpid(self._pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                break
            if step == 40:
                os.kill(self._pid, signal.SIGKILL)
            self.read(0.1, 0.1)
            time.sleep(0.05)
        os.close(self._fd)
        return code
