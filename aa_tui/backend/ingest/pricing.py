"""List prices of model calls from a local price table, for sources that state no cost. No network, no store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.backend.support.money import NANO

VERSION = 1
"""Part of an import's options: raise it when the way of pricing changes, so that files are priced again."""

_PICO_PER_TOKEN = 1_000_000
"""Dollars per million tokens times this are pico-dollars per token."""
_PICO_PER_NANO = 1_000
_RATE_NAMES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")


@dataclass(frozen=True, slots=True)
class _Rates:
    """Prices that are linear in tokens, pico-dollars per token, up to a number of input tokens."""

    plain: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    limit: int | None
    """Input tokens above which a higher tier holds; None without tiers."""


class Pricer:
    """Prices model calls and remembers a model's rates per day, because a look-up costs a quarter of a millisecond."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str | None, int | None], _Rates | None] = {}
        self._names: dict[tuple[str, str | None], bool] = {}

    def price(self, event: AgentEvent) -> None:
        """Set the cost of a model call that has tokens and a model but no cost, marked estimated.

        A model without a known price keeps an unknown cost.
        """
        if event.cost_nano is not None or event.model is None or event.kind is not EventKind.AI_RESPONSE:
            return
        if event.input_tokens is None and event.output_tokens is None:
            return
        cost = self._cost(event, event.model)
        if cost is not None:
            event.cost_nano, event.cost_estimated = cost, True

    def _cost(self, event: AgentEvent, model: str) -> int | None:
        day = None if event.time_ms is None else event.time_ms // DAY_MS
        key = (model, event.provider, day)
        if key not in self._rates:
            self._rates[key] = self._look_up(model, event.provider, day)
        rates = self._rates[key]
        total = event.input_tokens or 0
        if rates is None or (rates.limit is not None and total > rates.limit):
            return self._exact(event, model, day)
        read, created = event.cache_read_tokens or 0, event.cache_creation_tokens or 0
        long = min(event.cache_creation_1h_tokens or 0, created)
        pico = (
            max(total - read - created, 0) * rates.plain
            + read * rates.cache_read
            + (created - long) * rates.cache_write
            + long * rates.cache_write_1h
            + (event.output_tokens or 0) * rates.output
        )
        return (pico + _PICO_PER_NANO // 2) // _PICO_PER_NANO

    def _look_up(self, model: str, provider: str | None, day: int | None) -> _Rates | None:
        found = self._call(model, provider, day, {"input_tokens": 1, "output_tokens": 1})
        if found is None:
            return None
        prices = {name: value for name, value in vars(found.model_price).items() if value is not None}
        if any(name.endswith("_mtok") and name not in _RATE_NAMES for name in prices) or "input_mtok" not in prices:
            return None
        starts = [tier.start for value in prices.values() if hasattr(value, "tiers") for tier in value.tiers]
        plain, output, read, write, long = (_pico(prices.get(name)) for name in _RATE_NAMES)
        plain = plain or 0
        write = plain if write is None else write
        return _Rates(
            plain=plain,
            output=output or 0,
            cache_read=plain if read is None else read,
            cache_write=write,
            cache_write_1h=write if long is None else long,
            limit=min(starts) if starts else None,
        )

    def _exact(self, event: AgentEvent, model: str, day: int | None) -> int | None:
        usage: dict[str, int | None] = {
            "input_tokens": event.input_tokens or 0,
            "output_tokens": event.output_tokens or 0,
            "cache_read_tokens": event.cache_read_tokens,
            "cache_write_tokens": event.cache_creation_tokens,
            "cache_write_1h_tokens": event.cache_creation_1h_tokens or None,
        }
        found = self._call(model, event.provider, day, usage)
        return None if found is None else int((Decimal(found.total_price) * NANO).to_integral_value())

    def _call(self, model: str, provider: str | None, day: int | None, usage: dict[str, int | None]) -> Any:
        """Ask the price table; None for a model it does not know or a usage that makes no sense to it."""
        if self._names.get((model, provider)) is False:
            return None
        from genai_prices import Usage, calc_price

        at = None if day is None else datetime.fromtimestamp(day * DAY_MS / 1000, UTC)
        given = {name: count for name, count in usage.items() if count is not None}
        for wanted in (provider, None) if provider else (None,):
            try:
                found = calc_price(Usage(**given), model, provider_id=wanted, genai_request_timestamp=at)
            except LookupError:
                continue
            except ValueError:
                return None
            self._names[model, provider] = True
            return found
        self._names[model, provider] = False
        return None


def _pico(price: Any) -> int | None:
    if price is None:
        return None
    base = price.base if hasattr(price, "tiers") else price
    return int((Decimal(base) * _PICO_PER_TOKEN).to_integral_value())


def price_all(events: Iterable[AgentEvent], pricer: Pricer) -> None:
    """Price every event that can be priced."""
    for event in events:
        pricer.price(event)
