"""A receiver as a child process of the app: started, heard until it listens, asked to end; `serve` does the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress

from aa_tui.backend.support.errors import UsageError

PORTS = range(4318, 4328)
"""Tried in turn; the first is where clients look by default."""
_USAGE = 2
_KEPT_LINES = 20


class ReceiverChild:
    """One `aa-tui serve` of this program. It ends by itself when this program is gone."""

    def __init__(self, store_url: str, project: str) -> None:
        self._store_url = store_url
        self._project = project
        self._process: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listening = threading.Event()
        self._stopping = False
        self.url = ""
        """Where it listens, once it does."""

    def start(self) -> None:
        """Start it at the first free port and return when it listens; takes seconds, so call it on a thread.

        Raises:
            UsageError: it ended instead, with its own words why.
        """
        for port in PORTS:
            self._begin(port)
            if self.url or self._stopping:
                return
            if self._exit_code() != _USAGE or not any(" is taken" in line for line in self._said):
                break
        words = next((line for line in self._said if line.startswith("aa-tui: ")), "")
        raise UsageError(words.removeprefix("aa-tui: ") or "The receiver ended at once.", "`aa-tui serve` says more.")

    def stop(self) -> None:
        """Ask it to end after what it has acknowledged; returns at once."""
        self._stopping = True
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.close()

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def last_words(self) -> str:
        """What it said last, for where it ended by itself."""
        return self._said[-1] if self._said else ""

    def _begin(self, port: int) -> None:
        self._said.clear()
        self._listening.clear()
        # The store's address may hold a password, which everybody could read among a process's arguments.
        environment = {**os.environ, "AA_TUI_STORE": self._store_url}
        command = [sys.executable, "-c", "from aa_tui.cli.main import main; main()", "--project", self._project]
        self._process = subprocess.Popen(
            [*command, "serve", "--port", str(port), "--json", "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
        threading.Thread(target=self._hear, args=(self._process,), name="receiver", daemon=True).start()
        if self._stopping:
            self.stop()
        self._listening.wait()

    def _hear(self, process: subprocess.Popen[str]) -> None:
        """Read all it says, so that it never waits for a reader."""
        with suppress(ValueError):
            for line in process.stdout or ():
                if line.startswith("{"):
                    with suppress(ValueError):
                        message = json.loads(line)
                        if message.get("event") == "listening":
                            self.url = str(message.get("url", ""))
                            self._listening.set()
                elif line.strip():
                    self._said.append(line.rstrip("\n"))
        process.wait()
        self._listening.set()

    def _exit_code(self) -> int | None:
        return self._process.wait() if self._process is not None else None
