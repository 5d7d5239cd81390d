"""Mapping requests ahead in a process of its own, while the drain writes: both ends of the pipe. Decides nothing.

The child knows no store: a body and the project's settings go in, events as the store holds them come out, and the
drain uses what came of a trace only where nothing else is known of it. Whatever goes wrong here costs time only: the
drain then maps the request itself.
"""

from __future__ import annotations

import marshal
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from aa_tui.backend.ingest import pricing, privacy
from aa_tui.backend.ingest.arrivals.decoding import parts_of
from aa_tui.backend.ingest.arrivals.records import MappedAhead, Trace, settings_in
from aa_tui.backend.ingest.arrivals.tracing import SOURCE, map_trace
from aa_tui.backend.ingest.bulk import patient_collector
from aa_tui.backend.ingest.stored import StoredEvent
from aa_tui.backend.ingest.writer import Incoming
from aa_tui.backend.ingest.writer.records import New
from aa_tui.backend.ingest.writer.slices import converted
from aa_tui.backend.model.event import AgentEvent
from aa_tui.backend.sources.otel.files import OTEL
from aa_tui.backend.store import contents
from aa_tui.backend.store.inbox import Waiting

_CHILD = "import sys; sys.path.append(sys.argv[1]); from aa_tui.backend.ingest.arrivals.ahead import main; main()"
_LENGTH = 8
_ENDS_S = 5.0
_values = attrgetter(*(one.name for one in fields(StoredEvent) if one.name != "props"))
_Packed = list[tuple[str, bool, list[tuple[Any, ...]]]]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a request holds: of each trace with a root its events, made under `settings`."""

    settings: str
    traces: dict[str, MappedAhead]
    others: frozenset[str]
    """Traces without a root, and those that cannot be mapped."""


class Finisher:
    """Applies what a project's settings say of privacy and prices."""

    def __init__(self, pricer: pricing.Pricer, settings: str) -> None:
        loaded = settings_in(settings)
        self._rules = privacy.rules_of(loaded)
        self._pricer = pricer if loaded.get("pricing") is True else None

    def __call__(self, event: AgentEvent) -> AgentEvent:
        """Return the event as it may be stored; prices are put into it."""
        event = privacy.apply(event, self._rules)
        if self._pricer is not None:
            self._pricer.price(event)
        return event


# --- the drain's end -----------------------------------------------------------------------------------------------


class Helper:
    """A child process that maps requests in the order they are handed in. Not thread-safe."""

    def __init__(self) -> None:
        self._line = ThreadPoolExecutor(1, "ahead")
        self._futures: dict[tuple[int, int], Future[Ahead | None]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._broken = False

    def holds(self, project: int, row: int) -> bool:
        """Return whether a request was handed in and not taken back."""
        return (project, row) in self._futures

    def hand_in(self, project: int, row: Waiting, body: bytes, settings: str) -> None:
        """Have a request mapped."""
        self._futures[project, row.id] = self._line.submit(self._exchange, row, body, settings)

    def take(self, project: int, row: int) -> Ahead | None:
        """Return what came of a request, waiting for it if it is under way; None when the drain has to do it."""
        future = self._futures.pop((project, row), None)
        if future is None or future.cancel():
            return None
        return future.result()

    def close(self) -> None:
        """End the process and forget what it was given; harmless when there is none, and it can be used again."""
        if self._process is None and not self._futures:
            return
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()
        self._line.shutdown()
        self._line = ThreadPoolExecutor(1, "ahead")
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
            try:
                process.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _exchange(self, row: Waiting, body: bytes, settings: str) -> Ahead | None:
        if self._broken:
            return None
        try:
            process = self._process = self._process or _start()
            assert process.stdin is not None and process.stdout is not None
            _send(process.stdin, (row.received_ms, row.encoding, row.items, settings, body))
            answer: tuple[_Packed, list[str]] | None = _receive(process.stdout)
        except (OSError, EOFError, ValueError, TypeError):
            # It is gone or talks nonsense; it is not started again, so that a body it cannot bear kills it only once.
            self._broken = True
            return None
        if answer is None:
            return None
        packed, others = answer
        found = {trace_id: MappedAhead([_new(one) for one in news], settled) for trace_id, settled, news in packed}
        return Ahead(settings, found, frozenset(others))


def _start() -> subprocess.Popen[bytes]:
    # -P: nothing in the working directory may pass for a module; where this package lies is said instead.
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(__file__).resolve().parents[4])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _new(one: tuple[Any, ...]) -> New:
    event, texts, key, size, packed = one
    return New(StoredEvent(*event), texts, key, 0, size, False, True, packed)


# --- the child's end -----------------------------------------------------------------------------------------------


def main() -> None:
    """Map what comes until the input ends."""
    # Ctrl-C reaches the whole group; the parent says when it is over by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pricer = pricing.Pricer()
    with suppress(EOFError, BrokenPipeError), patient_collector():
        while True:
            received_ms, encoding, items, settings, body = _receive(sys.stdin.buffer)
            answer: tuple[_Packed, list[str]] | None = None
            try:
                answer = map_ahead(Waiting(0, 0, "traces", encoding, received_ms, items, 0), body, settings, pricer)
                said = marshal.dumps(answer)
            except Exception:
                # The drain does it again and notes what is wrong with it.
                said = marshal.dumps(None)
            _put(sys.stdout.buffer, said)


def map_ahead(row: Waiting, body: bytes, settings: str, pricer: pricing.Pricer) -> tuple[_Packed, list[str]]:
    """Return (trace, settled, events) of the traces of a request that have a root, and the ids of the others."""
    finish = Finisher(pricer, settings)
    done: _Packed = []
    others: list[str] = []
    for trace_id, part in parts_of(row, body).items():
        trace = Trace(trace_id, {0: part}, {0}, part.received_ms)
        try:
            if trace.has_root:
                done.append((trace_id, *_mapped(trace, finish)))
                continue
        except Exception:
            # The drain maps it again and notes why it cannot be.
            pass
        others.append(trace_id)
    return done, others


def _mapped(trace: Trace, finish: Finisher) -> tuple[bool, list[tuple[Any, ...]]]:
    mapped = map_trace(trace, (), {})
    incoming = [incoming_of(finish(event), mapped.since_ms) for event in mapped.events]
    news = [
        (
            _values(new.event),
            new.texts,
            new.key,
            new.size,
            contents.pack(new.texts, new.event.head, contents.SMALL) if new.texts else None,
        )
        for new in converted(incoming, mapped.since_ms)
    ]
    return mapped.settled, news


def incoming_of(event: AgentEvent, since_ms: int) -> Incoming:
    """Return an event of a trace as the writer takes it."""
    return Incoming(event, SOURCE, OTEL.mapper_version, exact=True, received_ms=since_ms)


def _send(pipe: IO[bytes], value: Any) -> None:
    _put(pipe, marshal.dumps(value))


def _put(pipe: IO[bytes], said: bytes) -> None:
    pipe.write(len(said).to_bytes(_LENGTH, "big"))
    pipe.write(said)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        raise EOFError
    return marshal.loads(pipe.read(int.from_bytes(head, "big")))
