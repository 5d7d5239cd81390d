"""The provider check: one tiny call, and each way it can fail in words with what to do about it. Judges nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aa_tui.backend.judging.calling import Called, Caller, CallPolicy
from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.prices import price
from aa_tui.backend.judging.providers import COMMAND, LIBRARY, address_of, is_local_choice, kind_of, open_provider
from aa_tui.backend.judging.providers.contract import CallReply, CallRequest, ProviderError
from aa_tui.backend.judging.providers.keys import Secret
from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.judgement import ErrorKind, Spent
from aa_tui.backend.support.errors import ConfigError

MOST_TOKENS = 256
"""Of the one reply: enough for models that think first, a fraction of a cent everywhere."""
_DEADLINE_S = 30.0
_LIBRARY_DEADLINE_S = 60.0
"""The library takes seconds to load."""
_LISTED = 5
_MESSAGES = (
    Message("system", "You answer with one JSON object and nothing else."),
    Message("user", 'This is a test of the connection. Answer with the JSON object {"ok": true}.'),
)
_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}

HELP: dict[ErrorKind, str] = {
    ErrorKind.AUTH: "Make a new key at the provider, or check that it belongs to this account and may use the model.",
    ErrorKind.NO_KEY: "Set the variable, or store the key here.",
    ErrorKind.QUOTA: "Add credit or raise the limit at the provider, or choose another one.",
    ErrorKind.UNKNOWN_MODEL: "Choose a model the provider lists; names are exact, with version and prefix.",
    ErrorKind.RATE_LIMITED: "Wait a little and check again; fewer calls at once may help (concurrency).",
    ErrorKind.UNAVAILABLE: "Check the provider's status page or the server's log, and try again.",
    ErrorKind.CONNECTION: "Check the address and port, that the server runs, and the network or proxy.",
    ErrorKind.TIMEOUT: "The model may still be loading, or be too large for this machine: try again, or a smaller one.",
    ErrorKind.BAD_REQUEST: "Check the address (most end in /v1) and the parameters.",
    ErrorKind.BAD_RESPONSE: "Something else answers at this address: a sign-in page, a proxy, another program.",
    ErrorKind.TOO_LARGE: "The reply is far too long for a test: look at what the command or server prints.",
    ErrorKind.TOO_LONG: "State the model's window: it takes in less than any session needs.",
    ErrorKind.REFUSAL: "The provider filters even this: choose another model or account.",
}
"""What a person can do about an error, by its kind; also good for the reasons of blocked lanes."""


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One thing that was looked at."""

    name: str
    """`address`, `key`, `models`, `call` or `reply`."""
    ok: bool
    words: str
    """What was found, safe to show."""
    help: str = ""
    """What to do, when it is not fine."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found."""

    ok: bool
    steps: tuple[CheckStep, ...]
    spent: Spent
    """Of the one call; calls is 0 when none was sent."""


async def check(
    choice: ModelChoice, key: Secret | None, *, command: Sequence[str] | None = None, local_only: bool = False
) -> CheckReport:
    """Look whether a choice works: its address, its key, its list of models where that is free, and one tiny call.

    Args:
        key: from `keys.find_key`.
        command: the argument vector of the provider `command`.
        local_only: the project's setting.
    """
    try:
        kind = kind_of(choice.provider)
        provider = open_provider(choice, key, command=command, local_only=local_only)
    except ConfigError as error:
        return CheckReport(False, (CheckStep("address", False, error.message, error.hint or ""),), Spent())
    steps = [_address(choice, command)]
    if kind.road != COMMAND:
        steps.append(_key(choice, key))
    deadline = _LIBRARY_DEADLINE_S if kind.road == LIBRARY else _DEADLINE_S
    policy = CallPolicy(attempts=1, deadline_s=deadline, hold=False)
    caller = Caller(provider, policy)
    try:
        if isinstance(provider, OpenAICompatible) and steps[-1].ok:
            steps.append(await _models(provider, choice))
        if steps[1:] and not steps[1].ok:
            return CheckReport(False, tuple(steps), Spent())
        request = CallRequest(choice.model, _MESSAGES, _SCHEMA, MOST_TOKENS, dict(choice.parameters))
        called = await caller.call(request)
    finally:
        await caller.aclose()
    steps.append(_call(called))
    if called.reply is not None:
        steps.append(_reply(called.reply))
    return CheckReport(all(one.ok for one in steps if one.name != "models"), tuple(steps), _spent(choice, called))


def _address(choice: ModelChoice, command: Sequence[str] | None) -> CheckStep:
    if command and kind_of(choice.provider).road == COMMAND:
        return CheckStep("address", True, f"The command “{command[0]}” of this machine.")
    address = address_of(choice)
    if is_local_choice(choice):
        return CheckStep("address", True, f"{address} is on this machine: nothing leaves it.")
    if address.startswith("http://"):
        words = f"{address} is another machine, and the way there is not encrypted."
        return CheckStep("address", True, words, "Use https where the server has it: others can read along.")
    return CheckStep("address", True, address or kind_of(choice.provider).title)


def _key(choice: ModelChoice, key: Secret | None) -> CheckStep:
    kind = kind_of(choice.provider)
    if key is not None:
        return CheckStep("key", True, f"A key ({key.masked}) from {key.origin or 'the form'}.")
    if kind.needs_key and not choice.base_url:
        words = f"{kind.title} needs a key, and none was found."
        return CheckStep("key", False, words, f"Set {kind.keys[0]}, or store it here.")
    return CheckStep("key", True, "No key: none is sent.")


async def _models(provider: OpenAICompatible, choice: ModelChoice) -> CheckStep:
    try:
        names = [name for name, _ in await _listing(provider)]
    except (ProviderError, TimeoutError):
        return CheckStep("models", True, "The server lists no models; the call will tell.")
    if choice.model in names or f"{choice.model}:latest" in names or f"models/{choice.model}" in names:
        return CheckStep("models", True, f"“{choice.model}” is among the {len(names)} models listed.")
    shown = ", ".join(sorted(names)[:_LISTED]) + ("…" if len(names) > _LISTED else "")
    words = f"“{choice.model}” is not among the {len(names)} models listed" + (f": {shown}." if shown else ".")
    return CheckStep("models", False, words, HELP[ErrorKind.UNKNOWN_MODEL])


async def _listing(provider: OpenAICompatible) -> tuple[tuple[str, str], ...]:
    async with asyncio.timeout(10):
        return await provider.listing()


def _call(called: Called) -> CheckStep:
    if called.error is None:
        return CheckStep("call", True, f"The model answered after {called.latency_ms / 1e3:.1f} s.")
    return CheckStep("call", False, called.words, HELP.get(called.error, ""))


def _reply(reply: CallReply) -> CheckStep:
    if reply.finish_reason == "content_filter":
        return CheckStep("reply", False, "The answer was withheld by a content filter.", HELP[ErrorKind.REFUSAL])
    if not reply.text.strip():
        if reply.finish_reason == "length":
            words = f"The model spent all {MOST_TOKENS} tokens on thinking and wrote nothing."
            return CheckStep("reply", True, words, "Give it more tokens, or choose a model that thinks less.")
        return CheckStep("reply", False, "The answer is empty.", "Look at the server's log, or choose another model.")
    if "{" not in reply.text:
        words = "The answer is no JSON object although one was asked for."
        return CheckStep("reply", False, words, "This model will rarely give usable verdicts: choose a stronger one.")
    return CheckStep("reply", True, "The answer is JSON, as judgements need it.")


def _spent(choice: ModelChoice, called: Called) -> Spent:
    reply = called.reply
    if reply is None:
        return Spent(calls=called.attempts, latency_ms=called.latency_ms)
    cost = reply.cost_nano
    if cost is None and reply.input_tokens is not None and reply.output_tokens is not None:
        cost = price(choice, reply.input_tokens, reply.output_tokens)
    return Spent(reply.requests, reply.input_tokens, reply.output_tokens, cost, called.latency_ms)
