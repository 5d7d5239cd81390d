"""Pricing transcripts: the same amounts as the price table gives, quickly, and unknown for what it does not know."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from aa_tui.backend.ingest.pricing import Pricer
from aa_tui.backend.model.event import AgentEvent, EventKind

T0 = 1_770_000_000_000


def call(model: str | None, provider: str | None = "anthropic", **values: Any) -> AgentEvent:
    return AgentEvent(EventKind.AI_RESPONSE, "x", model=model, provider=provider, time_ms=T0, **values)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-opus-4-5-20251101", "anthropic"),
        ("claude-sonnet-4-5-20250929", "anthropic"),
        ("gpt-4o-mini", "openai"),
        ("gemini-2.5-pro", "google"),
        ("gemini-2.5-flash", None),
    ],
)
@pytest.mark.parametrize("total", [1, 20_000, 199_999, 200_000, 200_001, 350_000])
def test_the_shortcut_gives_what_the_table_gives(model: str, provider: str | None, total: int) -> None:
    from genai_prices import Usage, calc_price

    read, created, long = total // 2, total // 4, total // 10
    cached: dict[str, int] = {"cache_read_tokens": read}
    event = call(model, provider, input_tokens=total, output_tokens=777, cache_read_tokens=read)
    if provider == "anthropic":
        cached |= {"cache_write_tokens": created, "cache_write_1h_tokens": long}
        event.cache_creation_tokens, event.cache_creation_1h_tokens = created, long
    Pricer().price(event)
    price = calc_price(Usage(input_tokens=total, output_tokens=777, **cached), model, provider_id=provider)
    assert event.cost_nano is not None and event.cost_estimated
    assert abs(event.cost_nano - int(Decimal(price.total_price) * 1_000_000_000)) <= 1


def test_what_cannot_be_priced_stays_unknown_and_what_is_priced_stays() -> None:
    pricer = Pricer()
    unknown, silent, modelless = call("house-model", input_tokens=5), call("gpt-4o-mini"), call(None, input_tokens=5)
    stated = call("gpt-4o-mini", "openai", input_tokens=5, cost_nano=3)
    for event in (unknown, silent, modelless, stated):
        pricer.price(event)
    assert (unknown.cost_nano, silent.cost_nano, modelless.cost_nano) == (None, None, None)
    assert (stated.cost_nano, stated.cost_estimated) == (3, False)


def test_five_thousand_calls_cost_little() -> None:
    pricer = Pricer()
    events = [call("claude-opus-4-5-20251101", input_tokens=n, output_tokens=n) for n in range(1, 5001)]
    pricer.price(events[0])
    started = time.process_time()
    for event in events:
        pricer.price(event)
    assert time.process_time() - started < 0.25
    assert all(event.cost_nano for event in events)
