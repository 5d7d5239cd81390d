"""Finding local servers, the provider check and prices."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from aa_tui.backend.judging.calling import CallPolicy
from aa_tui.backend.judging.prices import is_local, is_local_choice, price
from aa_tui.backend.judging.providers import check as checking
from aa_tui.backend.judging.providers.check import HELP, CheckReport, check
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.local import PORTS, discover
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.judgement import ErrorKind
from tests.engine import model_server as ms
from tests.engine.model_server import Fault, ModelServer, status

PLANTED = "sk-planted-0123456789abcdefghij"


async def test_servers_of_this_machine_are_found() -> None:
    with (
        ModelServer(models=("llama3.2:3b", "qwen"), owner="library") as ollama,
        ModelServer(models=(), owner="") as empty,
        ModelServer().always(ms.HTML) as other,
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        gone = closed.getsockname()[1]
        closed.close()
        ports = [
            (gone, "vllm"),
            (ollama.port, "compatible"),
            (silent.getsockname()[1], "vllm"),
            (empty.port, "llamacpp"),
        ]
        found = await discover(3.0, ports)
        assert [(one.provider, one.title, one.models) for one in found] == [
            ("ollama", "Ollama", ("llama3.2:3b", "qwen")),
            ("llamacpp", "llama.cpp", ()),
        ]
        assert found[0].base_url == ollama.base_url and is_local(found[0].base_url)
        assert (ollama.listings, ollama.calls, other.listings) == (1, 0, 0), "looking costs no call"
    assert len({port for port, _ in PORTS}) == len(PORTS)


async def checked(server: ModelServer, key: str | None = None, model: str = "mock") -> CheckReport:
    choice = ModelChoice("compatible", model, server.base_url)
    return await check(choice, None if key is None else Secret(key, origin="the form"))


async def test_a_check_that_is_fine_says_what_it_looked_at() -> None:
    with ModelServer(key=PLANTED) as server:
        report = await checked(server, PLANTED)
        assert server.calls == 1 and server.requests[0].body["max_tokens"] <= 256
    assert report.ok and [one.name for one in report.steps] == ["address", "key", "models", "call", "reply"]
    assert all(one.ok and one.words for one in report.steps)
    assert (report.spent.calls, report.spent.output_tokens) == (1, 60)
    assert PLANTED not in repr(report) and "…ghij" in repr(report)


@pytest.mark.parametrize(
    ("fault", "step", "said"),
    [
        (status(401, "Incorrect API key provided"), "call", "does not accept the key"),
        (status(403), "call", "forbids"),
        (status(402), "call", "credit"),
        (status(429), "call", "too many requests"),
        (status(404, "The model `mock` does not exist"), "call", "does not know the model"),
        (status(404, "nothing here"), "call", "no chat completions at this address"),
        (status(500), "call", "failed (500)"),
        (ms.RESET, "call", "closed the connection"),
        (ms.HTML, "call", "no JSON object"),
        (ms.EMPTY_CHOICES, "call", "no choices"),
        (ms.REDIRECT, "call", "elsewhere"),
        (ms.HANG, "call", "no whole answer"),
        (ms.CONTENT_FILTER, "reply", "content filter"),
        (ms.EMPTY_CONTENT, "reply", "empty"),
    ],
)
async def test_each_way_to_fail_is_explained(
    fault: Fault, step: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_DEADLINE_S", 0.5)
    with ModelServer().always(fault) as server:
        report = await checked(server, PLANTED)
        assert server.calls == 1, "a check spends one call"
    last = report.steps[-1]
    assert not report.ok and (last.name, last.ok) == (step, False)
    assert said in last.words and last.help
    assert PLANTED not in repr(report)


async def test_prose_is_a_warning_about_the_model() -> None:
    with ModelServer(answer="Sure! It works.") as server:
        report = await checked(server)
    assert not report.ok and "no JSON" in report.steps[-1].words
    with ModelServer(answer='Here: {"ok": true}').always(ms.NO_FORMAT) as server:
        report = await checked(server)
    assert report.ok and report.spent.calls == 3


async def test_a_model_that_only_thinks_is_told_from_one_that_is_broken() -> None:
    thinking = ms.raw('{"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}')
    with ModelServer().always(thinking) as server:
        report = await checked(server)
    assert report.ok and "thinking" in report.steps[-1].words


async def test_a_model_that_is_not_listed_is_said_but_still_tried() -> None:
    with ModelServer(models=("llama", "qwen")) as server:
        report = await checked(server, model="lama")
    models = next(one for one in report.steps if one.name == "models")
    assert not models.ok and "llama, qwen" in models.words and report.ok


async def test_nothing_is_sent_without_address_key_or_command() -> None:
    with ModelServer() as server:
        gone = server.base_url
    report = await check(ModelChoice("compatible", "m", gone), None)
    assert not report.ok and "does not take connections" in report.steps[-1].words
    for choice, name, words in (
        (ModelChoice("nobody", "m"), "address", "no provider"),
        (ModelChoice("compatible", "m"), "address", "needs an address"),
        (ModelChoice("command", "m"), "address", "No command"),
        (ModelChoice("openai", "m"), "key", "needs a key"),
    ):
        report = await check(choice, None)
        assert not report.ok and report.steps[-1].name == name and words in report.steps[-1].words
        assert report.steps[-1].help and report.spent.calls == 0
    report = await check(ModelChoice("openai", "m"), Secret(PLANTED), local_only=True)
    assert not report.ok


async def test_a_command_is_checked_too() -> None:
    argv = (sys.executable, "-c", "import sys; sys.stdin.read(); print('{\"ok\": true}')")
    report = await check(ModelChoice("command", "any"), None, command=argv)
    assert report.ok and [one.name for one in report.steps] == ["address", "call", "reply"]
    report = await check(ModelChoice("command", "any"), None, command=("no-such-command-here",))
    assert not report.ok and "no command" in report.steps[-1].words


def test_what_calls_end_with_has_help() -> None:
    kinds = {ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.UNKNOWN_MODEL, ErrorKind.CONNECTION, ErrorKind.TIMEOUT}
    assert kinds <= set(HELP) and all(words.endswith(".") for words in HELP.values())
    assert CallPolicy().attempts == 4


# --- prices ----------------------------------------------------------------------------------------------------------

STATED: dict[str, Any] = {"input_price_nano": 150_000, "output_price_nano": 600_000}


def test_stated_prices_come_first_and_are_never_rounded_down() -> None:
    choice = ModelChoice("openai", "gpt-4o-mini", **STATED)
    assert price(choice, 2_000, 1_000) == 2 * 150_000 + 600_000
    assert price(ModelChoice("compatible", "x", "http://h/v1", input_price_nano=1, output_price_nano=1), 1, 0) == 1


def test_the_table_prices_a_providers_own_address() -> None:
    small, large = (
        price(ModelChoice("openai", "gpt-4o-mini"), 1_000, 100),
        price(ModelChoice("openai", "gpt-4o"), 1_000, 100),
    )
    assert small is not None and large is not None and 0 < small < large
    assert price(ModelChoice("litellm", "openai/gpt-4o"), 1_000, 100) == large
    assert price(ModelChoice("openai", "gpt-4o", "https://api.openai.com/v1"), 1_000, 100) == large


def test_a_higher_tier_is_priced_as_one() -> None:
    choice = ModelChoice("gemini", "gemini-2.5-pro")
    low, high = price(choice, 100_000, 0), price(choice, 300_000, 0)
    assert low is not None and high is not None and high > 3 * low


@pytest.mark.parametrize(
    "choice",
    [
        ModelChoice("openai", "no-such-model-9"),
        ModelChoice("openai", "gpt-4o", "https://gateway.example/v1"),
        ModelChoice("compatible", "gpt-4o", "https://gateway.example/v1"),
        ModelChoice("ollama", "gpt-4o"),
        ModelChoice("command", "gpt-4o"),
        ModelChoice("compatible", "gpt-4o", "https://x.example/v1", input_price_nano=1),
    ],
)
def test_what_is_not_known_is_unknown(choice: ModelChoice) -> None:
    assert price(choice, 1_000, 1_000) is None


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::ffff:127.0.0.1]/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://192.168.0.5:8000/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://0.0.0.0:8000/v1", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_what_is_this_machine(base_url: str, local: bool) -> None:
    assert is_local(base_url) is local


def test_a_command_is_not_local_and_ollama_is() -> None:
    assert is_local_choice(ModelChoice("ollama", "x")) and not is_local_choice(ModelChoice("command", "x"))
    assert not is_local_choice(ModelChoice("ollama", "x", "http://elsewhere.example/v1"))
