"""Bodies: sizes before and after decompression, damaged ones, slow ones, and what all of them may hold together."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from aa_tui.server.receiver.bodies import Expander, Refused
from aa_tui.server.receiver.limits import MIB, Admission, Busy, ServerLimits
from tests.server.conftest import KEY, Door, FakeReceiving, opened

TEXT = b'{"api_key":"k","events":[]}' * 5000


def expanded(encoding: str, data: bytes, chunk: int = 1000) -> bytes:
    expander = Expander(encoding)
    out = b"".join(
        piece for start in range(0, len(data), chunk) for piece in expander.expand(data[start : start + chunk])
    )
    expander.finish()
    return out


@pytest.mark.parametrize("chunk", [1, 7, 1000, 1 << 20])
def test_every_compression_comes_back_whole(chunk: int) -> None:
    bare = zlib.compressobj(wbits=-15)
    raw = bare.compress(TEXT) + bare.flush()
    assert expanded("gzip", gzip.compress(TEXT), chunk) == TEXT
    assert expanded("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), chunk) == TEXT + b"more"
    assert expanded("deflate", zlib.compress(TEXT), chunk) == TEXT
    assert expanded("deflate", raw, chunk) == TEXT


def test_output_at_the_edge_of_a_step_is_not_lost() -> None:
    for size in (MIB - 1, MIB, MIB + 1, 3 * MIB):
        assert len(expanded("gzip", gzip.compress(bytes(size)), 1 << 20)) == size


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-4],
        lambda data: data[: len(data) // 2],
        lambda data: b"\x00" + data,
        lambda data: data + b"trailing",
        lambda data: data[:-8] + bytes(8),
        lambda data: gzip.compress(b"") * 100,
    ],
)
def test_damaged_gzip_is_refused(damage: object) -> None:
    with pytest.raises(Refused) as refused:
        expanded("gzip", damage(gzip.compress(TEXT)))  # type: ignore[operator]
    assert refused.value.status == 400


def test_a_budget_is_shared_and_given_back() -> None:
    admission = Admission(100, 2)
    with admission.enter() as one:
        one.hold(60)
        one.hold(10)
        assert admission.held == 60, "what was held stays held until the request leaves"
        with admission.enter() as other:
            with pytest.raises(Busy):
                other.hold(41)
            other.hold(40)
            with pytest.raises(Busy), admission.enter():
                pass
    assert (admission.held, admission.requests) == (0, 0)


async def test_a_body_may_have_its_limit_and_not_a_byte_more(fake: FakeReceiving) -> None:
    limits = ServerLimits(amplitude_bytes=1000, otlp_bytes=2000)
    async with opened(fake, limits=limits) as door:
        for path, most in (("/2/httpapi", 1000), ("/v1/traces", 2000)):
            for size, status in ((most, 200), (most + 1, 413)):
                plain = await door.send(path, bytes(size), x_api_key=KEY)
                packed = await door.send(path, gzip.compress(bytes(size)), x_api_key=KEY, content_encoding="gzip")
                assert (plain.status_code, packed.status_code) == (status, status), (path, size)
        assert [len(body) for body in fake.bodies] == [1000, 1000, 2000, 2000]


async def test_a_body_without_a_length_is_limited_too(fake: FakeReceiving) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(64 * 1024)

    async with opened(fake, limits=ServerLimits(amplitude_bytes=MIB)) as door:
        answer = await door.send("/2/httpapi", endless())
    assert (answer.status_code, answer.json()) == (413, {"code": 413, "error": answer.json()["error"]})
    assert "Payload too large" in answer.json()["error"] and fake.bodies == []


async def test_a_bomb_of_a_thousand_to_one_stays_small(fake_door: Door, fake: FakeReceiving) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(4 * MIB)) for _ in range(64)) + packer.flush()
    assert 256 * MIB / len(bomb) > 900
    tracemalloc.start()
    try:
        answers = await asyncio.gather(
            *(fake_door.send("/v1/traces", bomb, x_api_key=KEY, content_encoding="gzip") for _ in range(6))
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {answer.status_code for answer in answers} <= {413, 429} and fake.bodies == []
    assert peak < 130 * MIB, f"{peak / MIB:.0f} MiB at the most"
    assert fake_door.routes.admission.held == 0


async def test_a_client_that_stops_sending_is_told_so(fake: FakeReceiving) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    async def trickles() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.03)

    async with opened(fake, limits=ServerLimits(idle_seconds=0.1, body_seconds=0.4)) as door:
        for slow in (stalls, trickles):
            answer = await door.send("/2/httpapi", slow())
            assert (answer.status_code, answer.json()["code"]) == (408, 408)
            assert answer.headers["connection"] == "close"
    assert fake.bodies == []


async def test_too_much_at_once_is_sent_away_for_a_moment(fake: FakeReceiving) -> None:
    began = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield b" " * 600
        began.set()
        await asyncio.sleep(0.3)
        yield b" "

    limits = ServerLimits(amplitude_bytes=1000, otlp_bytes=1000, held_bytes=1000)
    async with opened(fake, limits=limits) as door:
        first = asyncio.create_task(door.send("/2/httpapi", held()))
        await began.wait()
        amplitude = await door.send("/batch", b" " * 600)
        otlp = await door.send("/v1/logs", b" " * 600, x_api_key=KEY)
        assert (await first).status_code == 200
        again = await door.send("/batch", b" " * 600)
    assert (amplitude.status_code, otlp.status_code, again.status_code) == (429, 429, 200)
    assert int(amplitude.headers["retry-after"]) >= 1 and int(otlp.headers["retry-after"]) >= 1
    told = amplitude.json()
    assert told["code"] == 429 and {"eps_threshold", "throttled_devices", "throttled_users"} <= told.keys()
    assert set(range(2000)) <= set(told["throttled_events"]), "the SDK waits only for events that are listed"
