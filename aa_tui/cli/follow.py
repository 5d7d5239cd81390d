"""The end of `import` that goes on: following files while they are written, and what it says of them. No SQL."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from aa_tui.backend.service.hooks import Fired, HookRunner, hooks_of
from aa_tui.backend.service.scoring_worker import ScoringWorker
from aa_tui.backend.support import humanize
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import StoreError, StoreReadOnly
from aa_tui.cli import errors, output, units

if TYPE_CHECKING:
    from aa_tui.backend.ingest.report import ImportOptions, ImportReport
    from aa_tui.backend.model.scoring import ScoringReport
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.settings import Settings


def follow(
    ws: Workspace, paths: Sequence[Path], options: ImportOptions, settings: Settings, as_json: bool, poll: bool
) -> int:
    """Import and follow until a signal; return the exit code.

    Raises:
        StoreReadOnly: the store may only be read.
        NotFound, UsageError: see `ImportService.follow`.
    """
    if ws.store.read_only:
        raise StoreReadOnly(f"Following writes, and this store may only be read: {ws.store.read_only_reason}.")
    speaker = _Speaker(ws, as_json)
    bar = errors.ProgressBar()
    runner = HookRunner(ws, hooks_of(settings), settings.hook_timeout_s, speaker.fired)
    scoring = ScoringWorker(ws.store, ws.clock, speaker.scored)
    scoring.start()
    try:
        with _until_signal() as (token, came):

            def told(report: ImportReport) -> None:
                bar.close()
                try:
                    speaker.told(report)
                except output.ReaderGone:
                    token.cancel()

            ws.imports.follow(
                paths,
                options,
                told,
                progress=bar,
                fault=speaker.fault,
                closed=runner.scan,
                token=token,
                poll=poll,
            )
    finally:
        scoring.stop()
        runner.close()
        bar.close()
        speaker.end()
    return errors.INTERRUPTED if signal.SIGINT in came else errors.FINE


def print_unit(paths: Sequence[Path], words: Sequence[str], store: str | None, project: str | None) -> None:
    """Print a systemd user unit that follows `paths`; `words` are the other options."""
    where = units.store_words(store)
    which = ["--project", project] if project else []
    places = [str(path.expanduser().absolute()) for path in paths]
    output.write(units.user_unit("aa-tui follows transcripts", [*where, *which, "import", "--follow", *words, *places]))
    for line in units.unit_advice("aa-tui-follow", "import --follow --print-unit PATH..."):
        errors.note(line)
    if not where:
        for line in units.PASSWORD_ADVICE:
            errors.note(line)


@contextmanager
def _until_signal() -> Iterator[tuple[CancelToken, set[int]]]:
    """Yield a token that the first signal cancels and the signals that came; a second one ends at once."""
    token = CancelToken()
    came: set[int] = set()

    def stop(number: int, _frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.add(number)
        token.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield token, came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Speaker:
    """Says what came in: JSON lines on stdout, or words above a live line on stderr."""

    def __init__(self, ws: Workspace, as_json: bool) -> None:
        self._ws = ws
        self._as_json = as_json
        self._line = errors.LiveLine()
        self._files = 0
        self._sessions = 0
        self._events = 0
        self._rounds = 0

    def told(self, report: ImportReport) -> None:
        """Say one round."""
        self._rounds += 1
        self._files = max(self._files, report.files + report.unchanged)
        self._sessions += report.sessions
        self._events += report.events
        if self._as_json:
            output.json_line(report.record())
            output.flush()
        elif self._rounds == 1:
            self._line.note(f"Imported {report.words()}. Following; ctrl+c ends it.")
        if not self._as_json:
            for problem in report.problems[:20]:
                self._line.note(problem.words())
            if len(report.problems) > 20:
                self._line.note(f"… and {len(report.problems) - 20:,} more problems; --json lists all.")
        at = humanize.clock(self._ws.clock.now_ms(), self._ws.project.time_zone)
        self._line.show(
            f"following {humanize.plural(self._files, 'file')} · {humanize.plural(self._sessions, 'session')}, "
            f"{humanize.plural(self._events, 'event')} new · last at {at}"
        )

    def fault(self, error: StoreError) -> None:
        """Say that the store could not be written; it is tried again."""
        self._line.note(f"aa-tui: {error} Trying again.")

    def scored(self, project: str, report: ScoringReport) -> None:
        """Say what a model scored; with --json every round, else only why it stands still."""
        if self._as_json:
            output.json_line({"event": "scored", "project": project, **asdict(report)})
            output.flush()
        elif report.stopped is not None:
            waiting = humanize.plural(report.left, "session")
            self._line.note(f"Scoring of {project}: {report.stopped}; {waiting} wait.")

    def fired(self, one: Fired) -> None:
        """Say that a hook could not do its work; with --json say every firing."""
        if self._as_json:
            output.json_line(one.record())
            output.flush()
        elif one.reason is not None:
            self._line.note(one.words())

    def end(self) -> None:
        """Say what it did."""
        self._line.close()
        if self._rounds and not self._as_json:
            errors.note(
                f"Followed {humanize.plural(self._files, 'file')}: {humanize.plural(self._sessions, 'session')}, "
                f"{humanize.plural(self._events, 'event')} new."
            )
