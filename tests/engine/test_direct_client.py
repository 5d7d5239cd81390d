"""The direct client: what it sends, what it learns from refusals, where it never connects, what a reply is."""

from __future__ import annotations

import asyncio
import json
import socket
import traceback
from typing import Any

import pytest

from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.providers import open_provider
from aa_tui.backend.judging.providers.contract import CallRequest, ProviderError
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible, _proxy
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.judgement import ErrorKind
from aa_tui.backend.support.errors import ConfigError
from tests.engine import model_server as ms
from tests.engine.model_server import ModelServer, status

SCHEMA = {"type": "object", "properties": {"detected": {"type": "boolean"}}, "required": ["detected"]}
PLANTED = "sk-planted-0123456789abcdefghij"


def asking(**parameters: Any) -> CallRequest:
    return CallRequest("mock", (Message("system", "Judge."), Message("user", "hé \ud800")), SCHEMA, 99, parameters)


async def answered(server: ModelServer, *requests: CallRequest, key: str | None = None) -> list[Any]:
    client = OpenAICompatible(server.base_url, None if key is None else Secret(key))
    try:
        return [await client.complete(request) for request in requests]
    finally:
        await client.aclose()


async def test_a_request_has_all_that_was_asked() -> None:
    with ModelServer() as server:
        (reply,) = await answered(server, asking(top_p=0.5), key="sk-test-1")
        (seen,) = server.requests
    assert seen.headers["authorization"] == "Bearer sk-test-1"
    assert seen.body["messages"] == [{"role": "system", "content": "Judge."}, {"role": "user", "content": "hé \ud800"}]
    assert (seen.body["model"], seen.body["max_tokens"], seen.body["temperature"], seen.body["top_p"]) == (
        "mock",
        99,
        0,
        0.5,
    )
    assert seen.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert json.loads(reply.text) == {"detected": True}
    assert (reply.finish_reason, reply.output_tokens, reply.model, reply.requests) == ("stop", 60, "mock", 1)
    assert reply.input_tokens > 0 and reply.cost_nano is None and reply.latency_ms > 0


async def test_without_a_key_none_is_sent() -> None:
    with ModelServer(usage=False) as server:
        (reply,) = await answered(server, asking(temperature=0.7))
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].body["temperature"] == 0.7
    assert (reply.input_tokens, reply.output_tokens) == (None, None)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [(ms.NO_SCHEMA, ["json_schema", "json_object"]), (ms.NO_FORMAT, ["json_schema", "json_object", None])],
)
async def test_a_refused_format_is_asked_in_another_way_and_remembered(fault: ms.Fault, wanted: list[str]) -> None:
    with ModelServer().always(fault) as server:
        first, second = await answered(server, asking(), asking())
    formats = [(seen.body.get("response_format") or {}).get("type") for seen in server.requests]
    assert formats == [*wanted, wanted[-1]]
    assert (first.requests, second.requests) == (len(wanted), 1)


async def test_calls_in_flight_learn_it_together() -> None:
    with ModelServer(latency_s=0.05).always(ms.NO_SCHEMA) as server:
        client = OpenAICompatible(server.base_url)
        await asyncio.gather(*(client.complete(asking()) for _ in range(6)))
        await client.aclose()
    formats = [seen.body["response_format"]["type"] for seen in server.requests]
    assert formats.count("json_schema") == 6 and formats.count("json_object") == 6


async def test_token_limit_and_temperature_are_learned_too() -> None:
    with ModelServer() as server:
        server.then(
            status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
            status(400, "Unsupported value: 'temperature' does not support 0 with this model."),
        )
        first, second = await answered(server, asking(), asking())
    last = server.requests[-1].body
    assert (first.requests, second.requests) == (3, 1)
    assert "max_tokens" not in last and "temperature" not in last and last["max_completion_tokens"] == 99


async def test_a_stated_temperature_is_not_dropped_behind_ones_back() -> None:
    with ModelServer().always(status(400, "'temperature' is not supported")) as server:
        with pytest.raises(ProviderError) as caught:
            await answered(server, asking(temperature=0.7))
        assert (caught.value.kind, server.calls) == (ErrorKind.BAD_REQUEST, 1)


async def test_a_server_that_refuses_everything_is_asked_a_few_times_only() -> None:
    words = "response_format json_schema, temperature, use max_completion_tokens"
    with ModelServer().always(status(400, words)) as server:
        with pytest.raises(ProviderError):
            await answered(server, asking())
        assert server.calls <= 5


@pytest.mark.parametrize(
    ("message", "finish", "text", "reason"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "stop", "ab", "stop"),
        ({"content": None, "refusal": "I can't."}, "stop", "I can't.", "content_filter"),
        ({"content": "x"}, None, "x", "stop"),
        ({"content": "x"}, "max_tokens", "x", "length"),
        ({"content": 5}, "stop", "", "stop"),
        ({}, "tool_calls", "", "tool_calls"),
    ],
)
async def test_replies_of_all_forms(message: dict[str, Any], finish: str | None, text: str, reason: str) -> None:
    envelope = {"choices": [{"message": message, "finish_reason": finish}], "usage": {"prompt_tokens": True}}
    with ModelServer().always(ms.raw(json.dumps(envelope))) as server:
        (reply,) = await answered(server, asking())
    assert (reply.text, reply.finish_reason, reply.input_tokens) == (text, reason, None)


async def test_retry_after_is_read() -> None:
    with ModelServer() as server:
        server.then(status(429, retry_after="17"))
        with pytest.raises(ProviderError) as caught:
            await answered(server, asking())
    assert caught.value.retry_after_s == 17


@pytest.mark.parametrize("shown", [PLANTED, "sk-other-key-of-somebody-else-1", f"Bearer {PLANTED}", f"?key={PLANTED}"])
async def test_no_error_holds_a_key(shown: str, caplog: pytest.LogCaptureFixture) -> None:
    for fault in (status(401, f"Incorrect API key provided: {shown}."), status(500, shown), ms.raw(shown), ms.RESET):
        with ModelServer().always(fault) as server:
            client = OpenAICompatible(server.base_url, Secret(PLANTED))
            with pytest.raises(ProviderError) as caught:
                await client.complete(asking())
            await client.aclose()
        error = caught.value
        chain = [error, error.__cause__, error.__context__]
        shown_by = [*map(repr, chain), *map(str, chain), repr(client), *traceback.format_exception(error)]
        everything = "".join([*shown_by, error.words, caplog.text])
        assert PLANTED not in everything and "sk-other-key-of-somebody-else-1" not in everything
        assert error.__context__ is None


# --- staying on this machine -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    ["https://api.openai.com/v1", "http://10.0.0.5:8000/v1", "http://[2001:db8::1]/v1", "http://0.0.0.0:8000/v1"],
)
def test_local_only_refuses_addresses_of_other_machines(base_url: str) -> None:
    name_only = base_url.startswith("https")
    choice = ModelChoice("compatible", "m", base_url)
    if name_only:
        open_provider(choice, None, local_only=True)  # a name: looked at when a connection to it is made
    else:
        with pytest.raises(ConfigError, match="local addresses only"):
            open_provider(choice, None, local_only=True)


async def test_local_only_refuses_names_that_lead_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"elsewhere.example": "93.184.216.34", "here.example": "127.0.0.1"}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return real(known.get(host, host), port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    client = open_provider(ModelChoice("compatible", "mock", "http://elsewhere.example:9/v1"), None, local_only=True)
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking())
    await client.aclose()
    assert caught.value.terminal and "not on this machine" in caught.value.words
    with ModelServer() as server:
        choice = ModelChoice("compatible", "mock", f"http://here.example:{server.port}/v1")
        client = open_provider(choice, None, local_only=True)
        assert (await client.complete(asking())).finish_reason == "stop"
        await client.aclose()


async def test_a_name_that_leads_nowhere_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    client = OpenAICompatible("http://nowhere.example/v1")
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking())
    await client.aclose()
    assert (caught.value.kind, caught.value.terminal, caught.value.retryable) == (ErrorKind.CONNECTION, True, False)


async def test_redirects_are_not_followed() -> None:
    with ModelServer().always(ms.REDIRECT) as server, pytest.raises(ProviderError) as caught:
        await answered(server, asking(), key=PLANTED)
    assert "elsewhere" in caught.value.words and caught.value.terminal


def test_proxies_of_the_environment_are_for_other_machines_only() -> None:
    said = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "inside.example"}
    assert _proxy("https", "api.openai.com", said) == "http://proxy:3128"
    assert _proxy("https", "inside.example", said) is None
    assert OpenAICompatible("https://api.openai.com/v1", environment=said)._proxy == "http://proxy:3128"
    assert OpenAICompatible("https://127.0.0.1:8000/v1", environment=said)._proxy is None
    assert OpenAICompatible("https://name.example/v1", environment=said, local_only=True)._proxy is None


async def test_a_service_that_needs_a_key_is_not_called_without_one() -> None:
    client = open_provider(ModelChoice("openai", "gpt-4o-mini"), None)
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking())
    assert (caught.value.kind, caught.value.terminal) == (ErrorKind.NO_KEY, True)


def test_a_key_goes_to_its_own_address_only() -> None:
    key = Secret(PLANTED, "api.openai.com")
    open_provider(ModelChoice("openai", "m"), key)
    with pytest.raises(ConfigError, match=r"for api\.openai\.com, not for") as caught:
        open_provider(ModelChoice("openai", "m", "https://evil.example/v1"), key)
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    ["ftp://x/v1", "x:8000", "http://", "http://u:p@x/v1", "http://x/v1?key=1", "http://x y/v1", "http://[::1/v1", ""],
)
def test_addresses_that_are_none(base_url: str) -> None:
    with pytest.raises(ConfigError):
        open_provider(ModelChoice("compatible", "m", base_url), None)
