"""How much a receiver takes at once: sizes, times and counts, and the budget all requests share. No HTTP here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of one receiver. Sizes are bytes, times seconds."""

    amplitude_bytes: int = 20_000_000
    """Largest Amplitude body, as sent and after decompression."""
    otlp_bytes: int = 64 * MIB
    """Largest OTLP body, as sent and after decompression."""
    held_bytes: int = 96 * MIB
    """Bodies of all requests together; beyond it new ones are told to come again."""
    decoded_bytes: int = 2 * MIB
    """Bodies decoded at the same time: decoded they take many times their size."""
    large_bytes: int = 2 * MIB
    """Above this a body's values are counted before it is decoded."""
    most_values: int = 1_000_000
    """Values of one large body; the largest batches that collectors send by default have fewer."""
    requests: int = 64
    """Requests under way at once; beyond it new ones are told to come again."""
    connections: int = 256
    header_bytes: int = 32 * 1024
    headers: int = 100
    header_seconds: float = 10.0
    """How long a client may take for the head of a request."""
    idle_seconds: float = 10.0
    """How long a client may send nothing within a body."""
    body_seconds: float = 60.0
    """How long a client may take for a whole body."""
    keep_alive_seconds: float = 75.0
    """How long a connection may wait for its next request; exporters send every few seconds and reuse theirs."""
    threads: int = 16
    """Requests that wait for one commit together."""
    retry_after_seconds: int = 2

    @property
    def budget(self) -> int:
        """`held_bytes`, but never less than one largest body needs."""
        return max(self.held_bytes, self.otlp_bytes, self.amplitude_bytes)


class Busy(Exception):
    """More is under way than the limits allow; the client should come again."""


class Place:
    """What one request holds of the budget."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.held = 0

    def hold(self, size: int) -> None:
        """Hold `size` bytes in all, if that is more than before.

        Raises:
            Busy: the budget has no room for them.
        """
        more = size - self.held
        if more > 0:
            self._admission.take(more)
            self.held = size


class Admission:
    """Counts requests and the bytes they hold. For one event loop: nothing here waits, so nothing here locks."""

    def __init__(self, most_bytes: int, most_requests: int) -> None:
        self._most_bytes = most_bytes
        self._most_requests = most_requests
        self.held = 0
        self.requests = 0

    def take(self, size: int) -> None:
        """Take `size` bytes out of the budget.

        Raises:
            Busy: there are not so many.
        """
        if self.held + size > self._most_bytes:
            raise Busy
        self.held += size

    @contextmanager
    def enter(self) -> Iterator[Place]:
        """Let one request in; what it held is free again when it leaves.

        Raises:
            Busy: too many are under way.
        """
        if self.requests >= self._most_requests:
            raise Busy
        self.requests += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.requests -= 1
            self.held -= place.held


class Gate:
    """Lets requests through in order, no more than `most` bytes at a time; a larger one goes alone."""

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def through(self, size: int) -> AsyncIterator[None]:
        """Wait for the turn of `size` bytes and take their place."""
        wanted = min(size, self._most)
        async with self._turn:
            while self._free < wanted:
                self._freed.clear()
                await self._freed.wait()
            self._free -= wanted
        try:
            yield
        finally:
            self._free += wanted
            self._freed.set()
