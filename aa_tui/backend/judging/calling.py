"""The one owner of retries, deadlines and concurrency between whoever judges and a provider. Reads no replies.

One `Caller` is one lane: the calls of one process to one model server. How many of them are in flight is found out:
the lane starts low, doubles while it is used and nothing is refused, gives way by a fifth when the server says that
it is too much, and then grows by one per round (additive increase, multiplicative decrease).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, Provider, ProviderError
from aa_tui.backend.model.judgement import ErrorKind

_CUT = 0.8
"""What is left of the limit after the server said that it is too much."""
_USED = 0.8
"""Share of the limit that must be in flight for the limit to grow."""
_NO_MONEY = "The budget does not allow this call."


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How a lane behaves. Times are seconds."""

    attempts: int = 4
    """Most attempts of one call, the first included."""
    deadline_s: float = 120.0
    """Of a whole call: attempts and the waits between them, whatever the server does. Waiting for a place in the lane
    and the pauses of the lane are not part of it."""
    longest_wait_s: float = 60.0
    """Longest `Retry-After` that is waited out within a call; a longer one pauses the lane."""
    start: int = 8
    """Calls in flight at first."""
    most: int = 64
    """Most calls in flight."""
    block_after: int = 3
    """Errors in a row that will not go away by themselves, after which nothing is sent any more."""
    first_backoff_s: float = 0.5
    most_backoff_s: float = 8.0
    episode_s: float = 15.0
    """Within this time the limit is cut once only."""
    hold: bool = True
    """Whether calls wait for the end of a pause of the lane; otherwise they end with `rate_limited` at once."""


@dataclass(frozen=True, slots=True)
class Called:
    """What came of one call: exactly one of `reply` and `error` is set."""

    reply: CallReply | None
    error: ErrorKind | None
    words: str
    """What happened, for the error; redacted."""
    attempts: int
    """Attempts that left; 0 when nothing was sent (lane blocked or paused)."""
    latency_ms: float
    """From the start of the first attempt to the end, waits between attempts included."""
    maybe_billed: bool = False
    """Whether attempts without a reply may have been billed all the same (timeouts, broken connections)."""


class Caller:
    """A lane. Belongs to one event loop; `call` never raises but `CancelledError`."""

    def __init__(
        self,
        provider: Provider,
        policy: CallPolicy = CallPolicy(),
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Use `provider` as `policy` says; `now`, `sleep` and `jitter` (0 to 1) are replaced by tests."""
        self.policy = policy
        self.blocked_reason: str | None = None
        """Why nothing is sent any more, in words; None while the lane is open."""
        self.blocked_kind: ErrorKind | None = None
        """The kind of the errors that blocked it."""
        self.paused_until: float | None = None
        """By `now`: when a pause the server asked for ends; may lie in the past."""
        self.in_flight = 0
        """Calls that have a place in the lane."""
        self._provider = provider
        self._now, self._sleep, self._jitter = now, sleep, jitter
        self._limit = float(max(1, min(policy.start, policy.most)))
        self._doubling = True
        self._calm_in = 0
        """Replies to come before the limit may grow again."""
        self._episode_until = float("-inf")
        self._opens_at = float("-inf")
        """No attempt starts before this time: what a short `Retry-After` says is true of the whole lane."""
        self._terminal_in_a_row = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return int(self._limit)

    @property
    def paused_for_s(self) -> float:
        """Seconds until the lane's pause is over; 0 when it is not paused."""
        return 0.0 if self.paused_until is None else max(0.0, self.paused_until - self._now())

    def unblock(self) -> None:
        """Open a blocked lane again: somebody changed something."""
        self.blocked_reason = self.blocked_kind = None
        self._terminal_in_a_row = 0

    async def aclose(self) -> None:
        """Close the provider."""
        await self._provider.aclose()

    async def call(self, request: CallRequest, *, pay: Callable[[], bool] | None = None) -> Called:
        """Make one call, with retries, and say what came of it.

        Args:
            pay: asked just before the first attempt leaves, and again before one that follows an attempt which may
                have been billed; False ends the call with `budget`.

        Raises:
            asyncio.CancelledError: the caller gave up; the attempt in flight is dropped.
        """
        await self._enter()
        attempts, billed, begun = 0, False, self._now()
        last: ProviderError | None = None
        try:
            if not await self._open():
                return self._refused(0, 0.0)
            if pay is not None and not pay():
                return Called(None, ErrorKind.BUDGET, _NO_MONEY, 0, 0.0)
            begun = self._now()
            async with asyncio.timeout(self.policy.deadline_s) as deadline:
                while True:
                    attempts += 1
                    reply, last = await self._attempt(request)
                    if last is None:
                        self._succeeded()
                        return Called(reply, None, "", attempts, (self._now() - begun) * 1e3, billed)
                    billed = billed or last.maybe_billed
                    self._failed(last)
                    if not last.retryable or attempts >= self.policy.attempts:
                        break
                    if not await self._wait(last, attempts, deadline):
                        if self.blocked_reason is not None:
                            return self._refused(attempts, begun, billed)
                        break
                    if last.maybe_billed and pay is not None and not pay():
                        words = f"{_NO_MONEY} Before that: {last.words}"
                        took = (self._now() - begun) * 1e3
                        return Called(None, ErrorKind.BUDGET, words, attempts, took, billed)
        except TimeoutError:
            self._calm_in = self.limit
            words = f"There was no whole answer within {self.policy.deadline_s:g} s."
            if last is not None:
                words = f"{words} Before that: {last.words}"
            return Called(None, ErrorKind.TIMEOUT, words, attempts, (self._now() - begun) * 1e3, True)
        finally:
            self._leave()
        return Called(None, last.kind, last.words, attempts, (self._now() - begun) * 1e3, billed)

    # --- attempts ----------------------------------------------------------------------------------------------------

    async def _attempt(self, request: CallRequest) -> tuple[CallReply | None, ProviderError | None]:
        try:
            return await self._provider.complete(request), None
        except ProviderError as error:
            return None, error
        except Exception as error:  # one failing item must not end a run; what it says could hold a key
            name = type(error).__name__
        return None, ProviderError(ErrorKind.BAD_RESPONSE, f"The provider's client failed ({name}).")

    async def _wait(self, error: ProviderError, attempts: int, deadline: asyncio.Timeout) -> bool:
        """Wait before the next attempt; False when there will be none: no time, lane blocked, nobody wants to wait."""
        asked = error.retry_after_s or 0.0
        if asked > self.policy.longest_wait_s:
            if not self.policy.hold:
                return False
            now = asyncio.get_running_loop().time()
            left = (deadline.when() or now) - now
            deadline.reschedule(None)  # the pause is the lane's, not the call's
            opened = await self._open()
            deadline.reschedule(asyncio.get_running_loop().time() + left)
            return opened
        backoff = min(self.policy.most_backoff_s, self.policy.first_backoff_s * 2 ** (attempts - 1))
        wait = max(asked or backoff * (0.5 + 0.5 * self._jitter()), self._opens_at - self._now())
        ends = deadline.when()
        if ends is not None and asyncio.get_running_loop().time() + wait >= ends:
            return False
        await self._sleep(wait)
        return self.blocked_reason is None

    def _succeeded(self) -> None:
        self._terminal_in_a_row = 0
        if self._calm_in > 0:
            self._calm_in -= 1
        elif self._limit < self.policy.most and self.in_flight >= _USED * self.limit:
            self._limit = min(float(self.policy.most), self._limit + (1.0 if self._doubling else 1.0 / self._limit))
            self._wake()

    def _failed(self, error: ProviderError) -> None:
        if error.terminal:
            self._terminal_in_a_row += 1
            if self._terminal_in_a_row >= self.policy.block_after and self.blocked_reason is None:
                self.blocked_reason, self.blocked_kind = error.words, error.kind
                self._wake()
            return
        if not error.retryable:
            return
        now, asked = self._now(), error.retry_after_s or 0.0
        self._calm_in = self.limit
        if error.kind is ErrorKind.RATE_LIMITED and now >= self._episode_until:
            self._limit = max(1.0, self._limit * _CUT)
            self._doubling = False
            self._episode_until = now + max(self.policy.episode_s, asked)
        if asked > self.policy.longest_wait_s:
            self.paused_until = max(self.paused_until or 0.0, now + asked)
        elif asked:
            self._opens_at = max(self._opens_at, now + asked)

    # --- places in the lane ------------------------------------------------------------------------------------------

    async def _enter(self) -> None:
        if self.in_flight < self.limit and not self._waiting:
            self.in_flight += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()  # the place came just when nobody wanted it any more
            raise

    def _leave(self) -> None:
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and (self.in_flight < self.limit or self.blocked_reason is not None):
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    async def _open(self) -> bool:
        """Wait until attempts may start; False when the lane is blocked, or paused and nobody wants to wait."""
        while self.blocked_reason is None:
            paused = self.paused_for_s
            if paused > 0 and not self.policy.hold:
                return False
            wait = max(paused, self._opens_at - self._now())
            if wait <= 0:
                return True
            await self._sleep(wait)
        return False

    def _refused(self, attempts: int, begun: float, billed: bool = False) -> Called:
        latency = (self._now() - begun) * 1e3 if attempts else 0.0
        if self.blocked_reason is not None:
            return Called(None, ErrorKind.BLOCKED, self.blocked_reason, attempts, latency, billed)
        words = f"The provider asks to wait {self.paused_for_s:.0f} s more."
        return Called(None, ErrorKind.RATE_LIMITED, words, attempts, latency, billed)
