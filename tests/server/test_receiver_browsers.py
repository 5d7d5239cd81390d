"""Pages in a browser on this machine cannot send anything: Host × Origin × content type × method, all refused."""

from __future__ import annotations

import itertools

import pytest

from tests.server.conftest import KEY, FakeReceiving, opened

HOSTS = ("127.0.0.1:4318", "evil.example:4318", "localhost.evil.example")
ORIGINS = ("http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:4318")
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
METHODS = ("POST", "OPTIONS", "GET")
# A page's request has an Origin wherever it can have a body; without one it can only read, or name a foreign host.
CASES = [
    *itertools.product(HOSTS, ORIGINS, TYPES[:4], ("POST",)),
    *itertools.product(HOSTS[1:], ("",), TYPES, ("POST",)),
    *itertools.product(HOSTS[1:], ("",), ("",), ("GET",)),
    *itertools.product(HOSTS[:1], ORIGINS[:2], ("",), METHODS[1:]),
]


def test_the_matrix_has_its_sixty_cases() -> None:
    assert len(CASES) >= 60 and len(set(CASES)) == len(CASES)


@pytest.mark.parametrize(("host", "origin", "kind", "method"), CASES)
async def test_a_page_is_refused(fake: FakeReceiving, host: str, origin: str, kind: str, method: str) -> None:
    headers = {"host": host, "x-api-key": KEY}
    headers |= {"origin": origin} if origin else {}
    headers |= {"content-type": kind} if kind else {}
    async with opened(fake) as door:
        for path in ("/2/httpapi", "/v1/traces", "/v1/logs", "/healthz"):
            answer = await door.client.request(
                method, path, headers=headers, content=b"{}" if method == "POST" else b""
            )
            assert answer.status_code == (421 if "evil" in host else 403), path
            assert answer.json()["code"] and "access-control-allow-origin" not in answer.headers
    assert fake.bodies == []


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:9", True),
        ("LOCALHOST:4318", True),
        ("[::1]:4318", True),
        ("[::1]", True),
        ("bot.internal:4318", True),
        ("", False),
        ("localhost.", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example#127.0.0.1", False),
        ("127.0.0.1:4318@evil.example", False),
        ("user@127.0.0.1", False),
        ("[::1", False),
        ("[::1]evil", False),
        ("0.0.0.0:4318", False),
        ("2130706433", False),
        ("10.0.0.5:4318", False),
    ],
)
async def test_which_names_it_answers_to(fake: FakeReceiving, host: str, taken: bool) -> None:
    async with opened(fake, hosts=("Bot.Internal",)) as door:
        answer = await door.client.get("/healthz", headers={"host": host})
    assert answer.status_code == (200 if taken else 421)


async def test_several_host_headers_are_refused(fake: FakeReceiving) -> None:
    async with opened(fake) as door:
        answer = await door.client.get("/healthz", headers=[("host", "127.0.0.1"), ("host", "127.0.0.1")])
    assert answer.status_code == 421


async def test_an_origin_may_be_allowed_by_name(fake: FakeReceiving) -> None:
    async with opened(fake, origins=("https://Desk.example",)) as door:
        for origin, status in (("https://desk.example", 200), ("http://desk.example", 403)):
            assert (await door.send("/v1/traces", b"{}", x_api_key=KEY, origin=origin)).status_code == status


async def test_a_wildcard_bind_answers_to_the_address_it_was_reached_at(fake: FakeReceiving) -> None:
    """An address in Host cannot come from rebinding, which needs a name; ASGITransport says it is 127.0.0.1."""
    async with opened(fake, own_addresses=True) as door:
        for host, status in (("127.0.0.1:4318", 200), ("10.0.0.5:4318", 421), ("my-machine:4318", 421)):
            assert (await door.client.get("/healthz", headers={"host": host})).status_code == status
