"""Scoring as a child process of the app, so that what calls models is never loaded here; it ends with the app."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress


class ScoringChild:
    """One `aa-tui signals worker` of this program. It ends when this program is gone, or has nothing to do for long."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def ensure(self, store_url: str) -> None:
        """Start it unless it runs; takes milliseconds, so call it on a thread."""
        if self._stopped or self.pid is not None:
            return
        # The store's address may hold a password, which everybody could read among a process's arguments.
        environment = {**os.environ, "AA_TUI_STORE": store_url}
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from aa_tui.cli.main import main; main()", "signals", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        if self._stopped:
            self.stop()

    def stop(self) -> None:
        """Ask it to end; calls under way are dropped, and what was finished stays. Returns at once."""
        self._stopped = True
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.close()

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None
