"""The lane between a judge and a model server: every way to fail, with the attempts counted by the server itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from aa_tui.backend.judging.calling import Caller, CallPolicy
from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, ProviderError
from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible
from aa_tui.backend.model.judgement import ErrorKind
from tests.engine import model_server as ms
from tests.engine.model_server import Fault, ModelServer, status

K = ErrorKind
QUICK = CallPolicy(first_backoff_s=0.002, deadline_s=20)
REQUEST = CallRequest("mock", (Message("user", "Did it work? Answer in JSON."),))


@asynccontextmanager
async def lane(server: ModelServer, policy: CallPolicy = QUICK) -> AsyncIterator[Caller]:
    caller = Caller(OpenAICompatible(server.base_url), policy)
    try:
        yield caller
    finally:
        await caller.aclose()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110  (what is waited for happens in another thread, or in a fake clock)
            await asyncio.sleep(0)


MATRIX: list[tuple[str, Fault, int, ErrorKind | None]] = [
    # name, what the server does every time, attempts it must see, what comes of it
    ("429", status(429), 4, K.RATE_LIMITED),
    ("429 retry-after 0", status(429, retry_after="0"), 4, K.RATE_LIMITED),
    ("429 quota", status(429, code_name="insufficient_quota"), 1, K.QUOTA),
    ("402", status(402), 1, K.QUOTA),
    ("400 credit", status(400, "Your credit balance is too low to access the API"), 1, K.QUOTA),
    ("401", status(401, "Incorrect API key provided"), 1, K.AUTH),
    ("403", status(403), 1, K.AUTH),
    ("400 key", status(400, "API key not valid. Please pass a valid API key."), 1, K.AUTH),
    ("404 model", status(404, "The model `gpt-9` does not exist", code_name="model_not_found"), 1, K.UNKNOWN_MODEL),
    ("404 path", status(404, "no such route"), 1, K.BAD_REQUEST),
    ("400", status(400, "messages must not be empty"), 1, K.BAD_REQUEST),
    ("400 too long", status(400, "This model's maximum context length is 8192 tokens"), 1, K.TOO_LONG),
    ("400 filtered", status(400, "blocked by content management policy"), 1, K.REFUSAL),
    ("413", status(413), 1, K.TOO_LONG),
    ("422", status(422, "field required"), 1, K.BAD_REQUEST),
    ("408", status(408), 4, K.UNAVAILABLE),
    ("409", status(409), 4, K.UNAVAILABLE),
    ("500", status(500), 4, K.UNAVAILABLE),
    ("503", status(503, retry_after="0"), 4, K.UNAVAILABLE),
    ("529", status(529), 4, K.UNAVAILABLE),
    ("reset", ms.RESET, 4, K.UNAVAILABLE),
    ("cut body", ms.CUT_BODY, 4, K.UNAVAILABLE),
    ("error in a 200", ms.ERROR_IN_200, 4, K.UNAVAILABLE),
    ("empty choices", ms.EMPTY_CHOICES, 1, K.BAD_RESPONSE),
    ("html", ms.HTML, 1, K.BAD_RESPONSE),
    ("not json", ms.NOT_JSON, 1, K.BAD_RESPONSE),
    ("deep json", ms.raw("[" * 100_000), 1, K.BAD_RESPONSE),
    ("a list", ms.raw("[]"), 1, K.BAD_RESPONSE),
    ("odd choices", ms.raw('{"choices": ["yes"]}'), 1, K.BAD_RESPONSE),
    ("huge", ms.HUGE, 1, K.BAD_RESPONSE),
    ("redirect", ms.REDIRECT, 1, K.BAD_REQUEST),
    # These are replies; what they are worth is the reply parser's business.
    ("null content", ms.NULL_CONTENT, 1, None),
    ("content filter", ms.CONTENT_FILTER, 1, None),
    ("malformed", ms.MALFORMED, 1, None),
    ("wrong label", ms.WRONG_LABEL, 1, None),
]


@pytest.mark.parametrize(("fault", "attempts", "kind"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
async def test_every_fault_takes_its_number_of_attempts(fault: Fault, attempts: int, kind: ErrorKind | None) -> None:
    with ModelServer() as server:
        server.always(fault)
        async with lane(server) as caller:
            called = await caller.call(REQUEST)
        assert (server.calls, called.attempts) == (attempts, attempts)
        assert called.error is kind
        assert (called.reply is None) == (kind is not None)
        assert bool(called.words) == (kind is not None)
        assert caller.in_flight == 0


async def test_a_call_that_succeeds_after_faults_says_how_often_it_was_tried() -> None:
    with ModelServer(answer="fine") as server:
        server.then(status(500), status(429), ms.RESET)
        async with lane(server) as caller:
            called = await caller.call(REQUEST)
        assert called.reply is not None and called.reply.text == "fine"
        assert (called.attempts, server.calls) == (4, 4)
        assert called.maybe_billed, "a connection that broke after the request may have been billed"


@pytest.mark.parametrize("fault", [ms.HANG, ms.DRIBBLE, ms.SLOW_HEADERS], ids=["hang", "dribble", "slow headers"])
async def test_the_deadline_holds_whatever_the_server_does(fault: Fault) -> None:
    with ModelServer() as server:
        server.always(fault)
        async with lane(server, CallPolicy(deadline_s=0.3)) as caller:
            begun = time.monotonic()
            called = await caller.call(REQUEST)
            took = time.monotonic() - begun
        assert (called.error, called.attempts, server.calls) == (K.TIMEOUT, 1, 1)
        assert 0.3 <= took < 0.3 + 2.0
        assert called.maybe_billed


async def test_a_storm_of_retries_ends_before_the_deadline_with_what_the_server_said() -> None:
    with ModelServer() as server:
        server.always(status(503))
        async with lane(server, CallPolicy(deadline_s=0.4, first_backoff_s=0.3, attempts=50)) as caller:
            called = await caller.call(REQUEST)
        assert called.error is K.UNAVAILABLE
        assert 1 <= server.calls == called.attempts <= 2
        assert called.latency_ms < 2_400


async def test_nobody_listening_is_tried_four_times() -> None:
    with ModelServer() as server:
        base_url = server.base_url
    caller = Caller(OpenAICompatible(base_url), QUICK)
    called = await caller.call(REQUEST)
    await caller.aclose()
    assert (called.error, called.attempts, called.maybe_billed) == (K.CONNECTION, 4, False)
    assert caller.blocked_reason is None


async def test_a_cancelled_call_leaves_no_trace() -> None:
    with ModelServer() as server:
        server.always(ms.HANG)
        async with lane(server) as caller:
            task = asyncio.create_task(caller.call(REQUEST))
            await until(lambda: server.calls > 0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert caller.in_flight == 0


# --- with a clock of its own -----------------------------------------------------------------------------------------


class Scripted:
    """A provider that does what its script says, and a clock that only its lane's waits move."""

    def __init__(self, step: Callable[[int], CallReply | ProviderError] | None = None) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self.sent_at: list[float] = []
        self.in_flight = self.most = 0
        self._step = step or (lambda _: CallReply("yes", "stop"))

    def caller(self, policy: CallPolicy | None = None) -> Caller:
        return Caller(self, policy or CallPolicy(), now=lambda: self.time, sleep=self.sleep, jitter=lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.time = max(self.time, until)

    async def complete(self, request: CallRequest) -> CallReply:
        self.sent_at.append(self.time)
        number = len(self.sent_at)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        done = self._step(number)
        if isinstance(done, ProviderError):
            raise done
        return done

    async def aclose(self) -> None:
        return None


def failing(kind: ErrorKind, **how: bool | float) -> Callable[[int], ProviderError]:
    return lambda _: ProviderError(kind, f"{kind} happened", **how)  # type: ignore[arg-type]


def once(error: ProviderError) -> Callable[[int], CallReply | ProviderError]:
    return lambda number: error if number == 1 else CallReply("yes", "stop")


async def test_a_short_retry_after_is_waited_out() -> None:
    limited = ProviderError(K.RATE_LIMITED, "slow down", retryable=True, retry_after_s=30)
    provider = Scripted(once(limited))
    called = await provider.caller().call(REQUEST)
    assert called.reply is not None
    assert provider.sent_at == [0, 30]


async def test_what_a_short_retry_after_says_holds_for_the_whole_lane() -> None:
    limited = ProviderError(K.RATE_LIMITED, "slow down", retryable=True, retry_after_s=30)
    provider = Scripted(once(limited))
    caller = provider.caller()
    first = asyncio.create_task(caller.call(REQUEST))
    await until(lambda: bool(provider.slept))
    await asyncio.gather(first, caller.call(REQUEST))
    assert provider.sent_at[0] == 0 and min(provider.sent_at[1:]) >= 30


async def test_a_long_retry_after_pauses_the_lane_and_the_call_goes_on_afterwards() -> None:
    limited = ProviderError(K.RATE_LIMITED, "slow down", retryable=True, retry_after_s=300)
    provider = Scripted(once(limited))
    caller = provider.caller(CallPolicy(deadline_s=100))
    first = asyncio.create_task(caller.call(REQUEST))
    await until(lambda: bool(provider.slept))
    assert caller.paused_until == 300 and caller.paused_for_s == 300
    called = await first
    assert called.reply is not None and provider.sent_at == [0, 300]
    assert caller.paused_for_s == 0


async def test_who_does_not_want_to_wait_for_a_pause_is_told_at_once() -> None:
    limited = ProviderError(K.RATE_LIMITED, "slow down", retryable=True, retry_after_s=300)
    provider = Scripted(once(limited))
    caller = provider.caller(CallPolicy(hold=False))
    first, second = await caller.call(REQUEST), await caller.call(REQUEST)
    assert (first.error, first.attempts, second.error, second.attempts) == (K.RATE_LIMITED, 1, K.RATE_LIMITED, 0)
    assert provider.slept == [] and provider.sent_at == [0]


async def test_backoff_doubles_up_to_its_limit() -> None:
    provider = Scripted(failing(K.UNAVAILABLE, retryable=True))
    await provider.caller(CallPolicy(attempts=6, most_backoff_s=3)).call(REQUEST)
    assert provider.slept == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize("kind", [K.AUTH, K.QUOTA, K.UNKNOWN_MODEL, K.NO_KEY, K.CONNECTION])
async def test_errors_that_do_not_go_away_block_the_lane_after_three(kind: ErrorKind) -> None:
    provider = Scripted(failing(kind, terminal=True))
    caller = provider.caller(CallPolicy(start=8))
    called = await asyncio.gather(*(caller.call(REQUEST) for _ in range(100)))
    assert len(provider.sent_at) <= 3 + 8
    assert {one.error for one in called} == {kind, K.BLOCKED}
    assert caller.blocked_reason == f"{kind} happened" and caller.blocked_kind is kind
    assert all(one.attempts == 0 for one in called if one.error is K.BLOCKED)
    caller.unblock()
    sent = len(provider.sent_at)
    assert (await caller.call(REQUEST)).error is kind and len(provider.sent_at) == sent + 1


async def test_a_reply_between_them_starts_the_count_again() -> None:
    def step(number: int) -> CallReply | ProviderError:
        return ProviderError(K.AUTH, "no", terminal=True) if number % 3 else CallReply("yes", "stop")

    provider = Scripted(step)
    caller = provider.caller()
    for _ in range(12):
        await caller.call(REQUEST)
    assert len(provider.sent_at) == 12 and caller.blocked_reason is None


async def test_the_limit_doubles_while_it_is_used_and_ends_at_its_most() -> None:
    provider = Scripted()
    caller = provider.caller(CallPolicy(start=8, most=64))
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(8)))
    assert 8 < caller.limit <= 16
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(1_000)))
    assert caller.limit == 64 == provider.most


async def test_the_limit_does_not_grow_when_it_is_not_used() -> None:
    provider = Scripted()
    caller = provider.caller(CallPolicy(start=8))
    for _ in range(100):
        await asyncio.gather(*(caller.call(REQUEST) for _ in range(3)))
    assert caller.limit == 8


async def test_too_many_requests_cut_the_limit_once_per_episode() -> None:
    provider = Scripted(failing(K.RATE_LIMITED, retryable=True))
    caller = provider.caller(CallPolicy(start=50, attempts=1))
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(50)))
    assert caller.limit == 40
    provider.time = 14.9
    await caller.call(REQUEST)
    assert caller.limit == 40
    provider.time = 15.0
    await caller.call(REQUEST)
    assert caller.limit == 32


async def test_after_a_cut_the_limit_grows_by_about_one_per_round() -> None:
    provider = Scripted(once(ProviderError(K.RATE_LIMITED, "slow down", retryable=True)))
    caller = provider.caller(CallPolicy(start=10))
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(10)))
    assert caller.limit == 8
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(8 + 9 + 10)))
    assert 9 <= caller.limit <= 11


async def test_failures_of_the_server_do_not_cut_but_hold_growth() -> None:
    provider = Scripted(lambda number: ProviderError(K.UNAVAILABLE, "x", retryable=True) if number % 5 == 1 else ok())
    caller = provider.caller(CallPolicy(start=8, attempts=4))
    await asyncio.gather(*(caller.call(REQUEST) for _ in range(60)))
    assert caller.limit == 8


def ok() -> CallReply:
    return CallReply("yes", "stop")


async def test_a_call_waiting_for_its_place_can_be_cancelled() -> None:
    provider = Scripted()
    caller = provider.caller(CallPolicy(start=1, most=1))
    tasks = [asyncio.create_task(caller.call(REQUEST)) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[2], asyncio.CancelledError)
    assert sum(isinstance(one, BaseException) for one in done) == 1
    assert (caller.in_flight, provider.most, len(provider.sent_at)) == (0, 1, 4)


async def test_a_call_is_paid_for_before_it_leaves_and_again_after_one_that_may_be_billed() -> None:
    provider = Scripted(failing(K.UNAVAILABLE, retryable=True, maybe_billed=True))
    purse = iter([True, True, False])
    called = await provider.caller().call(REQUEST, pay=lambda: next(purse))
    assert (called.error, called.attempts, called.maybe_billed) == (K.BUDGET, 2, True)
    called = await provider.caller().call(REQUEST, pay=lambda: False)
    assert (called.error, called.attempts, len(provider.sent_at)) == (K.BUDGET, 0, 2)


async def test_what_is_surely_not_billed_is_paid_for_once() -> None:
    provider = Scripted(failing(K.RATE_LIMITED, retryable=True))
    purse = iter([True])
    called = await provider.caller().call(REQUEST, pay=lambda: next(purse))
    assert (called.attempts, next(purse, None)) == (4, None)


async def test_a_client_that_breaks_is_one_failed_item() -> None:
    provider = Scripted(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    called = await provider.caller().call(REQUEST)
    assert (called.error, called.attempts) == (K.BAD_RESPONSE, 1)
    assert "ZeroDivisionError" in called.words
