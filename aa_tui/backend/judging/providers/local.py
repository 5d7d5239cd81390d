"""Looking for model servers on this machine, so that they can be offered first. Asks loopback addresses only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aa_tui.backend.judging.providers.contract import ProviderError
from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible

PORTS: tuple[tuple[int, str], ...] = (
    (11434, "ollama"),
    (1234, "lmstudio"),
    (8080, "llamacpp"),
    (8000, "vllm"),
    (1337, "compatible"),
    (5000, "compatible"),
    (30000, "compatible"),
    (4000, "compatible"),
)
"""Where the usual servers listen, and the provider that a server found there most likely is. The last ones are Jan,
text-generation-webui, SGLang and LiteLLM's proxy."""
_OWNERS = {"vllm": "vllm", "llamacpp": "llamacpp", "library": "ollama", "organization_owner": "lmstudio"}
"""What servers call the owner of their models, which tells more than their port."""
_MOST_MODELS = 200


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A model server that answered."""

    provider: str
    """Id in the registry."""
    title: str
    base_url: str
    models: tuple[str, ...]
    """As it lists them; may be empty when none is loaded."""


async def discover(timeout_s: float = 0.5, ports: Sequence[tuple[int, str]] = PORTS) -> list[LocalServer]:
    """Return the model servers of this machine that list their models within `timeout_s`, in the order of `ports`."""
    found = await asyncio.gather(*(_look(port, provider, timeout_s) for port, provider in ports))
    return [one for one in found if one is not None]


async def _look(port: int, provider: str, timeout_s: float) -> LocalServer | None:
    from aa_tui.backend.judging.providers import PROVIDERS

    client = OpenAICompatible(f"http://127.0.0.1:{port}/v1", local_only=True)
    try:
        await client.open()  # loading the client is not the server's time
        async with asyncio.timeout(timeout_s):
            listed = await client.listing()
    except (ProviderError, TimeoutError):
        return None
    finally:
        await client.aclose()
    owners = {_OWNERS[owner] for _, owner in listed if owner in _OWNERS}
    provider = owners.pop() if len(owners) == 1 else provider
    models = tuple(name for name, _ in listed)[:_MOST_MODELS]
    return LocalServer(provider, PROVIDERS[provider].title, f"http://127.0.0.1:{port}/v1", models)
