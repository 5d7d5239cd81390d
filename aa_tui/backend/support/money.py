"""Money is integer nano-dollars (10^-9 US dollars), None when unknown; never a float in the store."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

NANO = 1_000_000_000


def usd_to_nano(usd: float | int | str | Decimal | None) -> int | None:
    """Return nano-dollars of an amount in US dollars, or None for None, a non-number, NaN or infinity."""
    if usd is None or isinstance(usd, bool):
        return None
    try:
        amount = Decimal(str(usd))
    except InvalidOperation:
        return None
    return int((amount * NANO).to_integral_value()) if amount.is_finite() else None


def nano_to_usd(nano: int | None) -> float | None:
    """Return US dollars for JSON; None stays None."""
    return None if nano is None else nano / NANO
