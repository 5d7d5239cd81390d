"""The verb `serve`: a receiver in the foreground, what it says of itself, and how it ends. No HTTP, no SQL."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import TYPE_CHECKING

from aa_tui.backend.service import receivers
from aa_tui.backend.service.hooks import Fired, HookRunners, hooks_of
from aa_tui.backend.service.projects import open_workspace
from aa_tui.backend.service.scoring_worker import ScoringWorker
from aa_tui.backend.support import humanize
from aa_tui.backend.support.clock import SystemClock, from_ms
from aa_tui.backend.support.errors import AAError, StoreReadOnly, UsageError
from aa_tui.backend.support.settings import Settings
from aa_tui.cli import errors, output, units

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import ScoringReport
    from aa_tui.backend.query.readmodels import ProjectInfo
    from aa_tui.backend.store.engine import Store
    from aa_tui.server.receiver.guard import Access
    from aa_tui.server.receiver.limits import ServerLimits
    from aa_tui.server.receiver.running import Figures, Receiver, ReceiverOptions

_SAME_FAULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of `serve` on the command line."""

    host: str = "127.0.0.1"
    port: int = 4318
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    as_json: bool = False
    access_log: bool = False
    with_parent: bool = False
    """End when standard input ends: whoever started it is gone then."""

    def words(self) -> list[str]:
        """Return the command line that asks for the same."""
        asked = ["serve", "--host", self.host, "--port", str(self.port)]
        for name in self.allowed_hosts:
            asked += ["--allowed-host", name]
        for origin in self.allowed_origins:
            asked += ["--allowed-origin", origin]
        return asked + (["--access-log"] if self.access_log else [])


def print_unit(request: Request, store: str | None) -> None:
    """Print a systemd user unit of this request, on the same store."""
    where = units.store_words(store)
    output.write(units.user_unit("aa-tui receiver", [*where, *request.words()]))
    for line in units.unit_advice("aa-tui-serve", "serve --print-unit"):
        errors.note(line)
    if not where:
        for line in units.PASSWORD_ADVICE:
            errors.note(line)


def print_ssh(host: str, port: int) -> None:
    """Print the ssh line for a bot on another host."""
    output.line(units.ssh_line(host, port))
    errors.note(f"While it runs, programs on {host} reach this receiver at http://127.0.0.1:{port}.")


def serve(store: Store, project: str | None, request: Request, settings: Settings) -> int:
    """Receive until a signal; return the exit code.

    Raises:
        UsageError: the port is taken, or the address none of this machine's.
        StoreReadOnly: the store may only be read.
    """
    from aa_tui.server.receiver.running import Receiver, ReceiverOptions, listen

    if store.read_only:
        raise StoreReadOnly(f"A receiver writes, and this store may only be read: {store.read_only_reason}.")
    info = open_workspace(store, project).project
    options = ReceiverOptions(
        request.host, request.port, request.allowed_hosts, request.allowed_origins, limits_of(settings)
    )
    try:
        sockets = listen(options)
    except UsageError as error:
        other = next((one for one in receivers.running(store, SystemClock()) if one.port == request.port), None)
        if other is None:
            raise
        words = f"A receiver of this store listens at port {other.port} already: process {other.pid}."
        raise UsageError(words, error.hint) from error
    speaker = _Speaker(request, options, info)
    runners = HookRunners(store, SystemClock(), hooks_of(settings), settings.hook_timeout_s, speaker.fired)
    scoring = ScoringWorker(store, SystemClock(), speaker.scored, speaker.fault)
    receiver = Receiver(
        store,
        options,
        sockets,
        told=speaker.told,
        access=speaker.access,
        fault=speaker.fault,
        closed=runners.scan,
    )
    speaker.receiver = receiver
    speaker.begin()
    scoring.start()
    try:
        with _ended_by_signals(receiver, speaker) as ended:
            if request.with_parent:
                threading.Thread(target=_watch_parent, args=(receiver,), daemon=True).start()
            receiver.run()
    finally:
        scoring.stop()
        runners.close()
        speaker.close()
    speaker.end(receiver.figures())
    return errors.INTERRUPTED if signal.SIGINT in ended else errors.FINE


def limits_of(settings: Settings) -> ServerLimits:
    """Return the receiver's limits with what is set."""
    from aa_tui.server.receiver.limits import MIB, ServerLimits

    return ServerLimits(
        amplitude_bytes=settings.amplitude_limit_mb * 1_000_000, otlp_bytes=settings.otlp_limit_mb * MIB
    )


def _watch_parent(receiver: Receiver) -> None:
    if sys.stdin is not None:
        sys.stdin.read()
    receiver.stop()


@contextmanager
def _ended_by_signals(receiver: Receiver, speaker: _Speaker) -> Iterator[set[int]]:
    """Stop the receiver on Ctrl-C and the like; yields the signals that came."""
    came: set[int] = set()

    def stop(number: int, _frame: FrameType | None) -> None:
        if came:
            speaker.note("Ending at once; what was acknowledged is kept and mapped by the next receiver.")
        came.add(number)
        receiver.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Speaker:
    """Says what the receiver does: words and a live line on stderr, or JSON lines on stdout. Called from any thread."""

    def __init__(self, request: Request, options: ReceiverOptions, project: ProjectInfo) -> None:
        self._request = request
        self._options = options
        self._project = project
        self._line = errors.LiveLine()
        self._last: Figures | None = None
        self._faults: dict[str, float] = {}
        self._zone = project.time_zone
        self.receiver: Receiver | None = None

    def begin(self) -> None:
        """Say where it listens and what to set in clients. The key is said to a person at a terminal only."""
        options, project = self._options, self._project
        port = self.receiver.port if self.receiver is not None else options.port
        url = options.url.removesuffix(f":{options.port}") + f":{port}"
        if self._request.as_json:
            output.json_line({"event": "listening", "url": url, "port": port, "project": project.name})
            output.flush()
        key = project.api_key if errors.can_ask() else f"KEY    # of project {project.name}: aa-tui projects"
        errors.note(f"aa-tui receives at {url} for every project of the store. Set this in your agent:")
        errors.note("")
        errors.note("OpenTelemetry, any language")
        errors.note(f"  export OTEL_EXPORTER_OTLP_ENDPOINT={url}")
        errors.note("  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
        errors.note(f"  export OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}")
        errors.note("Amplitude SDK")
        errors.note(f"  server_url  {url}/2/httpapi")
        errors.note(f"  api_key     {key}")
        errors.note("")
        errors.note(f"These are for project {project.name}; `aa-tui projects` has the keys of all. ctrl+c ends it.")
        if not options.loopback:
            errors.note(
                "aa-tui: warning: this machine's network reaches this receiver, and what is sent is not encrypted. "
                "For a bot on another host rather: aa-tui serve --print-ssh HOST"
            )
            if options.wildcard and not options.allowed_hosts:
                errors.note("Senders must use an address of this machine; a name needs --allowed-host NAME.")

    def told(self, figures: Figures) -> None:
        """Show newer figures where they differ."""
        if figures == self._last:
            return
        self._last = figures
        if not self._request.as_json:
            self._line.show(_words(figures, self._zone))
            return
        try:
            output.json_line({"event": "figures", **_record(figures)})
            output.flush()
        except output.ReaderGone:
            if self.receiver is not None:
                self.receiver.stop()

    def access(self, one: Access) -> None:
        """Log one request, where that was asked for."""
        if self._request.access_log:
            self.note(f"{one.client} {one.method} {one.path} {one.status} {one.ms:.0f} ms")

    def fault(self, error: BaseException) -> None:
        """Say what was not expected; the same again is kept to oneself for a while."""
        words = str(error) if isinstance(error, AAError) else f"unexpected {type(error).__name__}"
        now = time.monotonic()
        if now - self._faults.get(words, -_SAME_FAULT_SECONDS) < _SAME_FAULT_SECONDS:
            return
        self._faults = {**dict(list(self._faults.items())[-20:]), words: now}
        self.note(f"aa-tui: {words}")
        if not isinstance(error, AAError):
            errors.trace(error)

    def scored(self, project: str, report: ScoringReport) -> None:
        """Say what a model scored; with --json every round, else only why it stands still."""
        if self._request.as_json:
            output.json_line({"event": "scored", "project": project, **asdict(report)})
            output.flush()
        elif report.stopped is not None:
            self.note(f"Scoring of {project}: {report.stopped}; {humanize.plural(report.left, 'session')} wait.")

    def fired(self, one: Fired) -> None:
        """Say that a hook could not do its work; with --json say every firing."""
        if self._request.as_json:
            output.json_line(one.record())
            output.flush()
        elif one.reason is not None:
            self.note(one.words())

    def note(self, text: str) -> None:
        """Say something without spoiling the live line."""
        self._line.note(text)

    def close(self) -> None:
        """Clear the live line."""
        self._line.close()

    def end(self, figures: Figures) -> None:
        """Say what it did."""
        if self._request.as_json:
            output.json_line({"event": "stopped", **_record(figures)})
            output.flush()
        errors.note(f"Received {_words(figures, self._zone)}.")


def _record(figures: Figures) -> dict[str, object]:
    return {
        "events": figures.events,
        "waiting": figures.waiting,
        "problems": figures.problems,
        "refused": {str(status): count for status, count in sorted(figures.refused.items())},
        "last_at": from_ms(figures.last_ms).isoformat() if figures.last_ms is not None else None,
    }


def _words(figures: Figures, zone: str) -> str:
    parts = [humanize.plural(figures.events, "event")]
    if figures.last_ms is not None:
        parts.append(f"last at {humanize.clock(figures.last_ms, zone)}")
    if figures.waiting:
        parts.append(f"{humanize.plural(figures.waiting, 'request')} on the way to sessions")
    if figures.problems:
        parts.append(f"{humanize.plural(figures.problems, 'item')} not usable")
    if figures.refused:
        counts = ", ".join(f"{count:,} × {status}" for status, count in sorted(figures.refused.items()))
        parts.append(f"refused: {counts}")
    return " · ".join(parts)
