"""What a call to a judge's model costs: prices a person stated, else the local price table. Never a guess, no network.

None is unknown. A model on this machine has no price either: ask `is_local_choice` to say "local, free".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from aa_tui.backend.judging.providers import PROVIDERS, is_local_choice
from aa_tui.backend.judging.providers.addresses import is_local
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.support.money import NANO

__all__ = ["is_local", "is_local_choice", "price"]

_TABLE_NAMES = {
    "gemini": "google",
    "vertex": "google",
    "bedrock": "aws",
    "xai": "x-ai",
}
"""What the price table calls a provider, where that is not our id."""
_PER_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class _Rates:
    """Pico-dollars per token."""

    input: int
    output: int
    most_input: int | None
    """Input tokens above which a higher tier holds."""


def price(choice: ModelChoice, input_tokens: int, output_tokens: int) -> int | None:
    """Return the nano-dollars of a call by its tokens, or None when its price is unknown.

    Stated prices come first. The table is asked only for a provider's own address: what a server elsewhere charges for
    a model of the same name is its own affair.
    """
    if choice.input_price_nano is not None and choice.output_price_nano is not None:
        total = choice.input_price_nano * input_tokens + choice.output_price_nano * output_tokens
        return -(-total // _PER_THOUSAND)
    kind = PROVIDERS.get(choice.provider)
    if kind is None or is_local_choice(choice) or (choice.base_url and choice.base_url != kind.base_url):
        return None
    if kind.id in ("compatible", "command"):
        return None
    provider, model = kind.id, choice.model.removeprefix(kind.prefix)
    if kind.id == "litellm":
        provider, _, model = choice.model.partition("/")
    provider = _TABLE_NAMES.get(provider, provider)
    rates = _rates(provider, model)
    if rates is None or (rates.most_input is not None and input_tokens > rates.most_input):
        return _exactly(provider, model, input_tokens, output_tokens)
    return -(-(rates.input * input_tokens + rates.output * output_tokens) // _PER_THOUSAND)


@lru_cache(maxsize=256)
def _rates(provider: str, model: str) -> _Rates | None:
    """Return the prices where they are linear in tokens: a look-up costs a quarter of a millisecond, each time."""
    found = _call(provider, model, 1, 1)
    if found is None:
        return None
    said = {name: value for name, value in vars(found.model_price).items() if value is not None}
    if not {"input_mtok", "output_mtok"} <= said.keys() or "requests_kcount" in said:
        return None
    starts = [tier.start for value in said.values() if hasattr(value, "tiers") for tier in value.tiers]
    return _Rates(_pico(said["input_mtok"]), _pico(said["output_mtok"]), min(starts) if starts else None)


def _exactly(provider: str, model: str, input_tokens: int, output_tokens: int) -> int | None:
    found = _call(provider, model, input_tokens, output_tokens)
    return None if found is None else int((Decimal(found.total_price) * NANO).to_integral_value())


def _call(provider: str, model: str, input_tokens: int, output_tokens: int) -> Any:
    from genai_prices import Usage, calc_price

    try:
        return calc_price(Usage(input_tokens=input_tokens, output_tokens=output_tokens), model, provider_id=provider)
    except (LookupError, ValueError):
        return None


def _pico(rate: Any) -> int:
    """Return pico-dollars per token of dollars per million tokens; of tiers the base."""
    return int(Decimal(getattr(rate, "base", rate)) * 1_000_000)
