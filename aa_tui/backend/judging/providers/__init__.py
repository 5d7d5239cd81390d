"""The registry of model providers: what each is called, where it lives, which key it takes. No client lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from aa_tui.backend.judging.providers.addresses import is_address, is_local, parsed
from aa_tui.backend.support.errors import ConfigError

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.contract import Provider
    from aa_tui.backend.judging.providers.keys import Secret
    from aa_tui.backend.model.evaluator import ModelChoice

DIRECT, LIBRARY, COMMAND = "direct", "litellm", "command"


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One entry of the registry."""

    id: str
    title: str
    road: str
    """`direct` (OpenAI-compatible, our own client), `litellm` (the library, in a process of its own) or `command`."""
    base_url: str = ""
    """Its own address; empty: none, or known to the library alone."""
    keys: tuple[str, ...] = ()
    """Standard environment variables of its key, in order."""
    needs_key: bool = False
    local: bool = False
    """A server on this machine: no text leaves it and calls are free."""
    prefix: str = ""
    """What the library wants in front of the model's name."""
    passes: tuple[str, ...] = ()
    """Further variables its calls need (clouds with several credentials); no other provider gets to see them."""
    note: str = ""
    """What a person should know before choosing it."""


_KINDS = (
    ProviderKind("ollama", "Ollama", DIRECT, "http://127.0.0.1:11434/v1", local=True),
    ProviderKind("lmstudio", "LM Studio", DIRECT, "http://127.0.0.1:1234/v1", local=True),
    ProviderKind("llamacpp", "llama.cpp", DIRECT, "http://127.0.0.1:8080/v1", local=True),
    ProviderKind("vllm", "vLLM", DIRECT, "http://127.0.0.1:8000/v1", local=True),
    ProviderKind("compatible", "OpenAI-compatible server", DIRECT, note="State its address; it mostly ends in /v1."),
    ProviderKind("openai", "OpenAI", DIRECT, "https://api.openai.com/v1", ("OPENAI_API_KEY",), True),
    ProviderKind(
        "anthropic",
        "Anthropic",
        LIBRARY,
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        True,
        prefix="anthropic/",
    ),
    ProviderKind(
        "gemini",
        "Google Gemini",
        DIRECT,
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        True,
    ),
    ProviderKind("openrouter", "OpenRouter", DIRECT, "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), True),
    ProviderKind("groq", "Groq", DIRECT, "https://api.groq.com/openai/v1", ("GROQ_API_KEY",), True),
    ProviderKind("mistral", "Mistral", DIRECT, "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), True),
    ProviderKind("deepseek", "DeepSeek", DIRECT, "https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), True),
    ProviderKind("together", "Together AI", DIRECT, "https://api.together.xyz/v1", ("TOGETHER_API_KEY",), True),
    ProviderKind(
        "fireworks", "Fireworks AI", DIRECT, "https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",), True
    ),
    ProviderKind("xai", "xAI", DIRECT, "https://api.x.ai/v1", ("XAI_API_KEY",), True),
    ProviderKind("cerebras", "Cerebras", DIRECT, "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), True),
    ProviderKind(
        "azure",
        "Azure OpenAI",
        LIBRARY,
        prefix="azure/",
        passes=("AZURE_API_VERSION",),
        note="State the resource's address; the model is the deployment's name. Its key is kept by that address.",
    ),
    ProviderKind(
        "bedrock",
        "AWS Bedrock",
        LIBRARY,
        prefix="bedrock/",
        passes=(
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_REGION_NAME",
            "AWS_DEFAULT_REGION",
        ),
        note="Credentials are AWS's own, from the environment or ~/.aws.",
    ),
    ProviderKind(
        "vertex",
        "Google Vertex AI",
        LIBRARY,
        prefix="vertex_ai/",
        passes=("GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_PROJECT", "VERTEXAI_LOCATION", "GOOGLE_CLOUD_PROJECT"),
        note="Credentials are Google Cloud's own.",
    ),
    ProviderKind(
        "litellm", "Any other, through LiteLLM", LIBRARY, note="The model as LiteLLM names it: provider/model."
    ),
    ProviderKind(
        "command",
        "A command",
        COMMAND,
        note="For subscriptions that are a command-line tool: the prompt on its stdin, the reply on its stdout.",
    ),
)

PROVIDERS: Mapping[str, ProviderKind] = MappingProxyType({one.id: one for one in _KINDS})
"""Every provider by id, in the order in which they are offered."""


def kind_of(provider: str) -> ProviderKind:
    """Return a provider's entry.

    Raises:
        ConfigError: there is none of this name.
    """
    if provider not in PROVIDERS:
        raise ConfigError(f"There is no provider “{provider}”.", f"There are: {', '.join(PROVIDERS)}.")
    return PROVIDERS[provider]


def address_of(choice: ModelChoice) -> str:
    """Return the address a choice leads to; empty for commands and where the library alone knows it."""
    return choice.base_url or kind_of(choice.provider).base_url


def is_local_choice(choice: ModelChoice) -> bool:
    """Tell whether a choice's model runs on this machine: nothing leaves it, and it costs nothing.

    A command's is unknown, so it is not.
    """
    return is_local(address_of(choice))


def open_provider(
    choice: ModelChoice,
    key: Secret | None,
    *,
    command: Sequence[str] | None = None,
    local_only: bool = False,
) -> Provider:
    """Return a client for a choice. Nothing is sent or started before its first call.

    Args:
        key: from `keys.find_key` for the same provider and address.
        command: the argument vector of the provider `command`, from the settings of this machine, never from a store:
            whoever may write a project must not thereby run programs.
        local_only: refuse whatever is not on this machine, also when a name turns out to lead elsewhere.

    Raises:
        ConfigError: provider, address or command cannot be used, the key belongs to another address, or the address
            is not local although it must be.
    """
    kind = kind_of(choice.provider)
    if kind.road == COMMAND:
        if not command:
            raise ConfigError("No command is set on this machine.", "Set it in this machine's settings file.")
        if local_only:
            raise ConfigError(
                "This project allows local addresses only, and what a command sends where cannot be known.",
                "Choose a model server on this machine.",
            )
        from aa_tui.backend.judging.providers.command import Command

        return Command(command)
    address = address_of(choice)
    if not address and kind.id in ("compatible", "azure"):
        raise ConfigError(f"{kind.title} needs an address.", kind.note)
    if address:
        parsed(address)
    if local_only:
        _refuse_remote(address, names_too=kind.road == DIRECT)
    if key is not None:
        _check_account(choice, key)
    if kind.road == DIRECT:
        from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible

        own = not choice.base_url or choice.base_url == kind.base_url
        return OpenAICompatible(address, key, local_only=local_only, needs_key=kind.needs_key and own)
    from aa_tui.backend.judging.providers.litellm_client import LiteLLM

    return LiteLLM(kind, choice.base_url, key)


def _refuse_remote(address: str, *, names_too: bool) -> None:
    """Refuse what is surely elsewhere; a name is looked at again when a connection to it is made, where we make it."""
    host = parsed(address).hostname or "" if address else ""
    if is_local(address) or (names_too and host and not is_address(host)):
        return
    raise ConfigError(
        f"This project allows local addresses only, and {address or 'this provider'} is not on this machine.",
        "Choose a model server on this machine, or change the project's setting.",
    )


def _check_account(choice: ModelChoice, key: Secret) -> None:
    from aa_tui.backend.judging.providers.keys import account_of

    wanted = account_of(choice.provider, choice.base_url, choice.model)
    if key.account and key.account != wanted:
        raise ConfigError(f"The key is for {key.account}, not for {wanted}.", "Look it up for this address.")
