"""Keys of model servers: whose they are, where they are kept, and that nothing shows them."""

from __future__ import annotations

import json
import os
import pickle
import sys
from types import ModuleType
from typing import Any

import pytest

from aa_tui.backend.judging.providers import PROVIDERS, keys
from aa_tui.backend.judging.providers.keys import Secret, account_of, find_key, forget_key, key_file, store_key
from aa_tui.backend.judging.providers.redact import redact
from aa_tui.backend.support.errors import ConfigError
from aa_tui.backend.support.settings import load_settings_light

VALUE = "sk-planted-0123456789abcdefghij"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>40}".format, "{!r}".format, lambda one: f"{one}"])
def test_a_secret_never_prints(show: Any) -> None:
    secret = Secret(VALUE, "api.openai.com", "OPENAI_API_KEY")
    assert VALUE not in show(secret) and VALUE[:12] not in show(secret)
    assert VALUE not in secret.masked
    assert Secret("short").masked == "…"


def test_a_secret_is_not_written_anywhere() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        hash(Secret(VALUE))
    assert Secret(VALUE) == Secret(VALUE) != Secret("other")


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "clé", "a\x00b", "x" * 10_000])
def test_what_no_header_can_carry_is_no_key(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret(value)
    assert value.strip() == "" or value not in str(caught.value)


def test_a_standard_variable_is_for_its_providers_own_address_only() -> None:
    environment = {"OPENAI_API_KEY": VALUE}
    found = find_key("openai", "", environment)
    assert found is not None and (found.account, found.origin) == ("api.openai.com", "OPENAI_API_KEY")
    assert find_key("openai", "https://api.openai.com/v1/", environment) == found
    for elsewhere in (
        "https://evil.example/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "http://127.0.0.1:8000/v1",
        "https://api.openai.com.evil.example/v1",
    ):
        assert find_key("openai", elsewhere, environment) is None, elsewhere
    assert find_key("compatible", "https://evil.example/v1", environment) is None
    assert find_key("anthropic", "", environment) is None


def test_other_addresses_have_keys_of_their_own() -> None:
    environment = {"AA_TUI_KEY_LLM_EXAMPLE_COM": VALUE, "AA_TUI_KEY_127_0_0_1_8000": "local-1"}
    found = find_key("compatible", "https://LLM.example.com/v1", environment)
    assert found is not None and found.reveal() == VALUE
    assert find_key("compatible", "https://llm.example.com:8443/v1", environment) is None
    assert find_key("compatible", "http://llm.example.com/v1", environment) is None
    local = find_key("vllm", "", environment)
    assert local is not None and local.reveal() == "local-1"


def test_no_host_can_be_named_so_that_it_gets_anothers_key() -> None:
    def variable(address: str) -> tuple[str, ...]:
        return keys.variables_of("compatible", f"{address}/v1")

    hosts = ("a.b.example", "a-b.example", "a--b.example", "a.b-example", "a.b.example:8443", "a-8443.b.example")
    assert len({variable(f"https://{host}") for host in hosts}) == len(hosts)
    assert variable("https://my-llm.example.com") == ("AA_TUI_KEY_MY__LLM_EXAMPLE_COM",)
    for odd in (
        "http://a.example",
        "https://a_b.example",
        "https://a-.example",
        "https://a.b.example.8443",
        "http://[::1]:80",
        "https://a..example",
    ):
        assert variable(odd) == (), odd


def test_the_library_takes_the_key_of_the_models_provider() -> None:
    environment = {"COHERE_API_KEY": VALUE}
    assert find_key("litellm", "", environment, model="cohere/command-r") == Secret(VALUE)
    assert find_key("litellm", "", environment, model="replicate/x") is None
    assert find_key("litellm", "https://x.example", environment, model="cohere/command-r") is None


def test_variables_with_keys_are_no_settings() -> None:
    loaded = load_settings_light(environment={"AA_TUI_KEY_LLM_EXAMPLE_COM": VALUE})
    assert loaded.problems == ()


def test_the_file_is_the_owners_alone() -> None:
    assert find_key("openai", "", {}) is None
    place = store_key("openai", Secret(VALUE))
    store_key("compatible", Secret('with "quotes" \\ and more'), "http://127.0.0.1:9999/v1")
    assert place == str(key_file()) and key_file().stat().st_mode & 0o777 == 0o600
    found = find_key("openai", "", {})
    assert found is not None and (found.reveal(), found.origin) == (VALUE, place)
    assert find_key("compatible", "http://127.0.0.1:9999/v1", {}) == Secret('with "quotes" \\ and more')
    assert [one.name for one in key_file().parent.iterdir()] == [key_file().name], "no draft is left behind"
    assert find_key("openai", "", {"OPENAI_API_KEY": "sk-other"}) == Secret("sk-other"), "the environment comes first"
    assert forget_key("openai") and not forget_key("openai")
    assert find_key("openai", "", {}) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_file_others_may_read_is_refused(mode: int) -> None:
    store_key("openai", Secret(VALUE))
    key_file().chmod(mode)
    for act in (
        lambda: find_key("openai", "", {}),
        lambda: store_key("openai", Secret("x")),
        lambda: forget_key("openai"),
    ):
        with pytest.raises(ConfigError, match="may be read by others") as caught:
            act()
        assert VALUE not in str(caught.value) and "chmod 600" in str(caught.value)


def test_a_link_or_another_kind_of_file_is_refused() -> None:
    key_file().parent.mkdir(parents=True)
    target = key_file().with_name("elsewhere")
    target.write_text(f'[keys]\n"api.openai.com" = "{VALUE}"\n')
    target.chmod(0o600)
    key_file().symlink_to(target)
    with pytest.raises(ConfigError):
        find_key("openai", "", {})
    key_file().unlink()
    key_file().write_text(f"{VALUE} is no table")
    key_file().chmod(0o600)
    with pytest.raises(ConfigError, match="no file of keys") as caught:
        find_key("openai", "", {})
    assert VALUE not in str(caught.value)


class FakeRing:
    """A keyring's backend."""

    def __init__(self, module: str, priority: float = 5, broken: bool = False) -> None:
        type(self).__module__ = module
        self.priority, self.broken, self.kept = priority, broken, dict[tuple[str, str], str]()

    def get_password(self, service: str, name: str) -> str | None:
        if self.broken:
            raise RuntimeError(f"locked {VALUE}")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.broken:
            raise RuntimeError("locked")
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def put_ring(patch: pytest.MonkeyPatch, ring: FakeRing) -> None:
    module = ModuleType("keyring")
    module.get_keyring = lambda: ring  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "keyring", module)


def test_a_real_keyring_is_used_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = FakeRing("keyring.backends.SecretService")
    put_ring(monkeypatch, ring)
    assert keys.keyring_works()
    assert store_key("openai", Secret(VALUE)) == "keyring"
    assert not key_file().exists() and ring.kept == {("aa-tui", "api.openai.com"): VALUE}
    found = find_key("openai", "", {})
    assert found is not None and found.origin == "keyring"
    assert store_key("openai", Secret("sk-file"), place="file") == str(key_file())
    assert forget_key("openai") and find_key("openai", "", {}) is None


@pytest.mark.parametrize(
    ("module", "priority", "broken"),
    [
        ("keyring.backends.fail", 0, False),
        ("keyring.backends.null", -1, False),
        ("keyrings.alt.file", 5, False),
        ("keyring.backends.SecretService", 5, True),
    ],
)
def test_a_keyring_that_is_none_or_fails_leaves_the_file(
    module: str, priority: float, broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_ring(monkeypatch, FakeRing(module, priority, broken))
    assert store_key("openai", Secret(VALUE)) == str(key_file())
    assert find_key("openai", "", {}) == Secret(VALUE)
    with pytest.raises(ConfigError, match="No keyring"):
        store_key("openai", Secret(VALUE), place="keyring")


def test_every_provider_of_the_registry_has_an_account() -> None:
    accounts = {name: account_of(name, "https://x.example/v1" if name == "compatible" else "") for name in PROVIDERS}
    assert accounts["openai"] == "api.openai.com" and all(accounts.values())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_file_is_refused() -> None:
    store_key("openai", Secret(VALUE))
    os.chown(key_file(), 12_345, 12_345)
    with pytest.raises(ConfigError, match="not a file of yours"):
        find_key("openai", "", {})


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc***wxyz.",
        "Authorization: Bearer abcdef123456789",
        "https://x/v1?key=AIzaSyA1234567890abcdefghijk",
        "http://user:hunter2secret@proxy:3128 failed",
        '{"api_key": "0123456789abcdef"}',
        "token=ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "the value gAAAAABhZ0123456789abcdefghijklmn was refused",
    ],
)
def test_what_looks_like_a_key_is_gone(text: str) -> None:
    said = redact(text)
    for piece in ("abc***wxyz", "abcdef123456789", "AIzaSy", "hunter2", "0123456789abcdef", "ghp_", "gAAAA"):
        assert piece not in said
    assert "[REDACTED]" in said


@pytest.mark.parametrize(
    "text",
    [
        "The model `claude-3-5-sonnet-20241022` does not exist",
        "Rate limit reached for gpt-4o-mini in organization on tokens per min (TPM): Limit 200000, Used 199000",
        "unexpected keyword_argument response_format",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert redact(text) == text


def test_known_values_are_gone_in_every_spelling_and_lines_are_one() -> None:
    odd = 'p/w"x y+z'
    said = redact('a p%2Fw%22x%20y%2Bz\nb p/w\\"x y+z\x00 c ' + odd, [odd])
    assert said.count("[REDACTED]") == 3 and "\n" not in said and "\x00" not in said
    assert len(redact("y " * 1_000)) == 300
