"""What a verb that spends says before it does, and the yes it needs. Nothing is spent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.money import usd_to_nano
from aa_tui.cli import errors

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import Estimate

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
MaxCost = Annotated[
    str, typer.Option("--max-cost", metavar="USD", help="Do not ask if it cannot cost more; stop at this.")
]


def price_words(estimate: Estimate) -> str:
    """Return what calls will cost, in words: a range, "local, free" or "price unknown"."""
    if estimate.local:
        return "local, free"
    if estimate.high_nano is None:
        return "price unknown"
    if estimate.low_nano is None or estimate.low_nano == estimate.high_nano:
        return f"about {humanize.money(estimate.high_nano)}"
    return f"{humanize.money(estimate.low_nano)} to {humanize.money(estimate.high_nano)}"


def estimate_words(estimate: Estimate) -> str:
    """Return calls, tokens and money of an estimate, in words."""
    if not estimate.calls:
        return "no calls"
    tokens = humanize.tokens(estimate.high_tokens)
    if estimate.low_tokens != estimate.high_tokens:
        tokens = f"{humanize.tokens(estimate.low_tokens)} to {tokens}"
    return f"{humanize.plural(estimate.calls, 'call')}, {tokens} tokens, {price_words(estimate)}"


def budget(max_cost: str) -> int | None:
    """Return the nano-dollars that `--max-cost` names, None where it was not given.

    Raises:
        UsageError: it is no amount.
    """
    if not max_cost:
        return None
    nano = usd_to_nano(max_cost.strip().removeprefix("$"))
    if nano is None or nano < 0:
        raise UsageError(f"“{max_cost}” is no amount in US dollars.", "For example: --max-cost 0.50.")
    return nano


def may_spend(estimate: Estimate, where: str, yes: bool, most_nano: int | None) -> bool:
    """Say what calls will take and where texts go; return whether somebody said yes to it.

    Args:
        where: the model and its address, in words.
        yes: `--yes` was given.
        most_nano: what `--max-cost` allows.

    Raises:
        UsageError: there is nobody to ask, or it may cost more than allowed.
    """
    if not estimate.calls:
        return True
    errors.note(f"{estimate_words(estimate)}. Texts go to {where}.")
    if most_nano is not None and not estimate.local:
        if estimate.high_nano is None and not yes:
            raise UsageError(
                "The price of this model is unknown, so --max-cost cannot bound it.",
                "State its prices with `aa-tui judge set`, or add --yes.",
            )
        if estimate.high_nano is not None and estimate.high_nano > most_nano and not yes:
            raise UsageError(
                f"It may cost {humanize.money(estimate.high_nano)}, more than --max-cost {humanize.money(most_nano)}.",
                "Take fewer sessions, or allow more.",
            )
    if yes or most_nano is not None:
        return True
    if not errors.can_ask():
        raise UsageError("Calling a model needs a yes.", "Add --yes, or --max-cost USD.")
    if errors.ask("Go on? Type yes:", "").strip().lower() in ("y", "yes"):
        return True
    errors.note("Nothing was sent.")
    return False
