"""Commands that run once per close of a session, with the session as JSON on standard input. Which: settings say so.

A command is never taken from the store: whoever shares a store could then run programs as somebody else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from aa_tui.backend.service.projects import open_workspace
from aa_tui.backend.service.records import session_document
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import hooks as rows
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import DAY_MS, Clock
from aa_tui.backend.support.errors import AAError
from aa_tui.backend.support.settings import Settings

FRESH_MS = DAY_MS
"""Sessions that ended longer ago are history that was imported: nobody waits for word of them."""
_LATEST_MS = 2 * DAY_MS
"""Closes recorded longer ago are not fired any more, whatever kept a program from it."""
AT_ONCE = 2
"""Commands that run at the same time."""
_PER_SCAN = 100
_SPARE_MS = 30_000
"""How much longer than its time limit a command may take to be given up."""


@dataclass(frozen=True, slots=True)
class SessionHook:
    """A command and the closes it runs for."""

    name: str
    """`close` or `failed`; with the session and its revision it makes a firing unique."""
    command: str
    """For the shell."""
    only_failed: bool = False
    """Only for sessions with a technical failure: a model call, tool call or span that failed."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One firing that ended."""

    hook: str
    session_key: str
    state: str
    """`done` or `failed`."""
    reason: str | None = None

    def words(self) -> str:
        """Return it as a sentence."""
        return f"Hook {self.hook} for session {self.session_key}: {self.reason or self.state}."

    def record(self) -> dict[str, object]:
        """Return it as the documented object of `--json` lines."""
        return {
            "event": "hook",
            "hook": self.hook,
            "session": self.session_key,
            "state": self.state,
            "reason": self.reason,
        }


def hooks_of(settings: Settings) -> tuple[SessionHook, ...]:
    """Return the hooks that are set."""
    found = []
    if settings.on_close:
        found.append(SessionHook("close", settings.on_close))
    if settings.on_failed:
        found.append(SessionHook("failed", settings.on_failed, only_failed=True))
    return tuple(found)


class HookRunner:
    """Fires the hooks of one program for one project. Several programs on a store share the firings between them."""

    def __init__(
        self, workspace: Workspace, hooks: Sequence[SessionHook], timeout_s: int, told: Callable[[Fired], None]
    ) -> None:
        """`told` is called on any thread after each firing."""
        self._work = workspace
        self._hooks = hooks
        self._timeout_s = timeout_s
        self._told = told
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hook")
        self._waiting = threading.Semaphore(_PER_SCAN)
        self._stopping = threading.Event()
        self._since: dict[str, int] = {}

    def scan(self) -> int:
        """Take what closed since the last time and start its commands; return how many were taken.

        Raises:
            StoreError: the store cannot be written.
        """
        work, now, taken = self._work, self._work.clock.now_ms(), 0
        if not self._hooks:
            return 0
        if len(self._since) < len(self._hooks):
            with work.store.write() as tx:
                rows.interrupt_overdue(tx, work.project.id, now)
                self._since = {hook.name: rows.begin(tx, work.project.id, hook.name, now) for hook in self._hooks}
        for hook in self._hooks:
            with work.store.reader() as reader:
                due = rows.due(
                    reader,
                    work.project.id,
                    hook.name,
                    only_failed=hook.only_failed,
                    since_ms=max(self._since[hook.name], now - _LATEST_MS),
                    fresh_ms=now - FRESH_MS,
                    limit=_PER_SCAN,
                )
            for close in due:
                if self._stopping.is_set() or not self._waiting.acquire(blocking=False):
                    return taken
                taken += self._take(hook, close, now)
        return taken

    def close(self) -> None:
        """Start nothing more and wait for the commands that run."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=False)

    def _take(self, hook: SessionHook, close: rows.Close, now: int) -> bool:
        """Claim a firing and give it to the pool; the claim is committed before the command can start."""
        with self._work.store.write() as tx:
            mine = rows.claim(
                tx, self._work.project.id, close, hook.name, now, now + self._timeout_s * 1000 + _SPARE_MS
            )
        if not mine:
            self._waiting.release()
            return False
        self._pool.submit(self._fire, hook, close)
        return True

    def _fire(self, hook: SessionHook, close: rows.Close) -> None:
        key = str(close.session_id)
        try:
            key, said = self._document(close)
            reason = self._run(hook, close, said)
        except (AAError, OSError, ValueError) as error:
            reason = str(error)
        finally:
            self._waiting.release()
        state = "done" if reason is None else "failed"
        # A store that is away now leaves it running; it is marked interrupted later and never fired again.
        with suppress(AAError), self._work.store.write() as tx:
            rows.end(tx, self._work.project.id, close, hook.name, state, reason, self._work.clock.now_ms())
        self._told(Fired(hook.name, key, state, reason))

    def _document(self, close: rows.Close) -> tuple[str, str]:
        work = self._work
        detail = work.sessions.detail(close.session_id)
        texts = work.sessions.texts(close.session_id, [step.id for step in detail.steps], limit=1 << 30)
        whole = session_document(detail, texts, work.sessions.projected(close.session_id))
        document = {"project": work.project.name, "close_revision": close.revision, **whole}
        return detail.row.key, json.dumps(document, ensure_ascii=False)

    def _run(self, hook: SessionHook, close: rows.Close, said: str) -> str | None:
        """Run the command; return why it failed, or None."""
        environment = {
            **os.environ,
            "AA_TUI_HOOK": hook.name,
            "AA_TUI_CLOSE_REVISION": str(close.revision),
        }
        with subprocess.Popen(
            hook.command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        ) as process:
            try:
                process.communicate(said.encode("utf-8", "replace"), timeout=self._timeout_s)
            except subprocess.TimeoutExpired:
                return f"did not end within {self._timeout_s} s"
            finally:
                # What it started goes with it, or a pipe held open by a grandchild would hold this thread.
                with suppress(ProcessLookupError, PermissionError):
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGKILL)
        return None if process.returncode == 0 else f"exit code {process.returncode}"


class HookRunners:
    """The hooks of one program for every project of a store: what a receiver calls after closing sessions."""

    def __init__(
        self, store: Store, clock: Clock, hooks: Sequence[SessionHook], timeout_s: int, told: Callable[[Fired], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._hooks = hooks
        self._timeout_s = timeout_s
        self._told = told
        self._runners: dict[int, HookRunner] = {}

    def scan(self, project_id: int) -> int:
        """Fire what is due in one project; see `HookRunner.scan`."""
        if not self._hooks:
            return 0
        runner = self._runners.get(project_id)
        if runner is None:
            workspace = open_workspace(self._store, str(project_id), clock=self._clock)
            runner = self._runners[project_id] = HookRunner(workspace, self._hooks, self._timeout_s, self._told)
        return runner.scan()

    def close(self) -> None:
        """Wait for the commands that run."""
        for runner in self._runners.values():
            runner.close()
