"""A receiver at work: its sockets, the HTTP server, and the threads that map what came, close sessions and tell of it.

What is shown of it is its caller's business. Everything here ends with `stop`.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from aa_tui.backend.service import receivers
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.receiving import Receiving, ReceivingLimits
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock, SystemClock
from aa_tui.backend.support.errors import Cancelled, UsageError
from aa_tui.server.receiver.guard import LOOPBACK_NAMES, Access, Guard
from aa_tui.server.receiver.limits import ServerLimits
from aa_tui.server.receiver.protocol import guarded
from aa_tui.server.receiver.routes import Routes

if TYPE_CHECKING:
    from aa_tui.backend.store.engine import Store

DRAIN_ITEMS = 4_000
"""Mapped in one round; a round is what a stop waits for."""
DRAIN_SECONDS = 0.5
"""Between two looks when nothing came: a trace without its root is mapped after a while."""
CLOSING_SECONDS = 5.0
TELL_SECONDS = 1.0
_REST_SECONDS = 2.0
"""After a fault: it may be a store that is away for a moment."""
_GRACE_SECONDS = 5
"""How long requests under way may take once the end was asked for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a receiver has done since it began."""

    events: int = 0
    """Events, spans and log records acknowledged."""
    waiting: int = 0
    """Requests that are not in their sessions yet."""
    last_ms: int | None = None
    """When something was last acknowledged."""
    problems: int = 0
    """Items that were acknowledged and could not be used."""
    refused: dict[int, int] = field(default_factory=dict)
    """Requests that were not taken, by HTTP status."""


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """How a receiver is set up."""

    host: str = "127.0.0.1"
    port: int = 4318
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    limits: ServerLimits = field(default_factory=ServerLimits)

    @property
    def wildcard(self) -> bool:
        """True when it listens at every address of the machine."""
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_unspecified
        return False

    @property
    def loopback(self) -> bool:
        """True when only programs of this machine reach it."""
        if self.host.lower() in LOOPBACK_NAMES:
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    @property
    def url(self) -> str:
        """Where programs of this machine reach it."""
        name = "127.0.0.1" if self.wildcard or self.host.lower() == "localhost" else self.host
        return f"http://[{name}]:{self.port}" if ":" in name else f"http://{name}:{self.port}"


def listen(options: ReceiverOptions) -> list[socket.socket]:
    """Return listening sockets. At loopback's IPv4 address IPv6's is listened at too where there is one.

    Raises:
        UsageError: the port is taken or may not be used, or the address is none of this machine's.
    """
    host = options.host
    both = host.lower() in {"localhost", "127.0.0.1"}
    found = [_bind("127.0.0.1" if both else host, options.port)]
    if both and socket.has_ipv6:
        # Some programs say `localhost` and try ::1 first. Port 0 was chosen by the first socket.
        with suppress(UsageError):
            found.append(_bind("::1", found[0].getsockname()[1]))
    return found


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"“{host}” is no address of this machine.", "For example: --host 127.0.0.1") from error
    # With the protocol named: asyncio switches Nagle's algorithm off only then, which costs 40 ms a request.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(512)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} is taken: another program listens there, perhaps another receiver.",
                f"Choose another one: --port {port + 1}" if port < 65535 else "Choose another one with --port.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM}:
            raise UsageError(f"You may not listen at port {port}.", "Choose one above 1023.") from error
        raise UsageError(f"Cannot listen at {host}: {error.strerror}.", "For example: --host 127.0.0.1") from error
    return bound


class Receiver:
    """One receiver of a store. `run` works until `stop`; the rest may be called from any thread."""

    def __init__(
        self,
        store: Store,
        options: ReceiverOptions,
        sockets: Sequence[socket.socket],
        clock: Clock | None = None,
        told: Callable[[Figures], None] | None = None,
        access: Callable[[Access], None] | None = None,
        fault: Callable[[BaseException], None] | None = None,
        closed: Callable[[int], object] | None = None,
    ) -> None:
        """Prepare a receiver at `sockets`.

        Args:
            told: called on a thread about every second with what it has done so far.
            access: called on the event loop after each request.
            fault: called, on any thread, with what was not expected.
            closed: called with each project's id after sessions whose time had come were closed.
        """
        self._store = store
        self._clock = clock or SystemClock()
        self._fault = fault or (lambda _error: None)
        self._told = told or (lambda _figures: None)
        self._closed = closed or (lambda _project: None)
        limits = options.limits
        self._receiving = Receiving(
            store,
            self._clock,
            ReceivingLimits(amplitude_bytes=limits.amplitude_bytes, otlp_bytes=limits.otlp_bytes),
        )
        self._problems_before = self._problems()
        self._routes = Routes(self._receiving, lambda: receivers.reachable(store), limits)
        self._routes.arrived = self._wake
        self._guard = Guard(
            self._routes.app(),
            (*options.allowed_hosts, *(() if options.wildcard else (options.host,))),
            options.allowed_origins,
            options.wildcard,
            limits.retry_after_seconds,
            access,
            self._fault,
        )
        self._sockets = list(sockets)
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._hurry = CancelToken()
        self._presence = receivers.Presence(
            store, self._clock, receivers.describe(options.host, self.port, self._clock.now_ms())
        )
        self._server = _Server(
            uvicorn.Config(
                self._guard,
                http=guarded(limits),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=round(limits.keep_alive_seconds),
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        # Its own words repeat parts of requests; what matters of them comes here as faults and figures.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._sockets[0].getsockname()[1])

    def figures(self) -> Figures:
        """Return what it has done so far.

        Raises:
            StoreError: the store cannot be read.
        """
        status = self._receiving.status()
        return Figures(
            status.received,
            status.waiting_rows,
            status.last_ms,
            max(0, sum(one.items for one in status.problems) - self._problems_before),
            dict(self._guard.refused),
        )

    def _problems(self) -> int:
        return sum(one.items for one in self._receiving.status().problems)

    def run(self) -> None:
        """Work until `stop`: then take nothing more, map what was taken, and return."""
        workers = [
            threading.Thread(target=self._repeat, args=(work, seconds), name=name, daemon=True)
            for name, work, seconds in (
                ("drain", self._drain, DRAIN_SECONDS),
                ("closing", self._close_due, CLOSING_SECONDS),
                ("presence", self._tell, TELL_SECONDS),
            )
        ]
        self._tell()
        for worker in workers:
            worker.start()
        try:
            asyncio.run(self._server.serve(self._sockets))
        finally:
            self._stopping.set()
            self._wake()
            for worker in workers:
                worker.join()
            self._routes.close()
            self._drain_rest()
            self._receiving.close()
            self._presence.withdraw()

    def stop(self) -> None:
        """End after the requests under way. A second call does not wait for what is still to be mapped either."""
        if self._server.should_exit:
            self._server.force_exit = True
            self._hurry.cancel()
        self._server.should_exit = True

    # -- beside the server

    def _wake(self) -> None:
        self._news.set()

    def _repeat(self, work: Callable[[], bool], seconds: float) -> None:
        """Do `work` again and again: at once while it says so, else after `seconds`."""
        while not self._stopping.is_set():
            try:
                again = work()
            except Cancelled:
                return
            except Exception as error:
                # A thread that died here would let everything pile up unseen.
                self._fault(error)
                self._stopping.wait(_REST_SECONDS)
                continue
            if again:
                continue
            if work == self._drain:
                self._news.wait(seconds)
                self._news.clear()
            else:
                self._stopping.wait(seconds)

    def _drain(self) -> bool:
        return self._receiving.drain(self._hurry, DRAIN_ITEMS).items > 0

    def _close_due(self) -> bool:
        projects = ProjectService(self._store, self._clock)
        for project in projects.list():
            if self._stopping.is_set():
                break
            Workspace(self._store, project, projects.actor(project), self._clock).imports.close_due(self._hurry)
            self._closed(project.id)
        return False

    def _tell(self) -> bool:
        figures = self.figures()
        self._told(figures)
        self._presence.tell(figures.events, figures.waiting, figures.problems)
        return False

    def _drain_rest(self) -> None:
        """Map what was acknowledged. What this leaves over is durable and mapped by the next receiver."""
        try:
            while self._drain():
                pass
        except Cancelled:
            return
        except Exception as error:
            # Whatever it is, the rest of the ending must follow.
            self._fault(error)


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: the program that runs it has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
