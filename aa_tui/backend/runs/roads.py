"""Which model a project may send texts to, where that is, and the way there: provider, lane, judge. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.judging.providers import PROVIDERS, address_of, is_local_choice
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import Destination, ModelUse, ScoringTerms

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.contract import Provider


def destination_of(choice: ModelChoice) -> Destination:
    """Return where a choice sends texts; the address is the provider's own where none is stated."""
    return Destination(choice.provider, address_of(choice).rstrip("/"), choice.model)


def title_of(choice: ModelChoice) -> str:
    """Return a provider's name as people know it."""
    kind = PROVIDERS.get(choice.provider)
    return kind.title if kind is not None else choice.provider


def free(choice: ModelChoice) -> bool:
    """Return whether a choice is a server of this machine, which costs nothing."""
    return choice.provider in PROVIDERS and is_local_choice(choice)


def problem_of(use: ModelUse, choice: ModelChoice) -> str | None:
    """Return why a project does not allow a model, in words; None where it does."""
    if choice.provider not in PROVIDERS:
        return f"There is no provider “{choice.provider}”; there are: {', '.join(PROVIDERS)}."
    if use is ModelUse.OFF:
        return "This project uses no models."
    if use is ModelUse.LOCAL and not free(choice):
        return "This project uses models of this machine only."
    return None


def refusal(terms: ScoringTerms, choice: ModelChoice) -> str | None:
    """Return why closed sessions may not be sent to a model now, in words; None where they may."""
    if terms.consent is None:
        return "Model scoring is off: nobody agreed to it yet."
    problem = problem_of(terms.use, choice)
    if problem is not None:
        return problem
    if not terms.consent.covers(destination_of(choice)):
        return f"{terms.consent.by} agreed to another model or address than the one set now; turn scoring on again."
    return None


def open_road(choice: ModelChoice, use: ModelUse, command: Sequence[str] | None = None) -> Provider:
    """Open the way to a model with the key that belongs to its address.

    Raises:
        ConfigError: there is no such provider, or a key file that others may read.
    """
    from aa_tui.backend.judging.providers import open_provider
    from aa_tui.backend.judging.providers.keys import find_key

    key = find_key(choice.provider, choice.base_url, model=choice.model)
    return open_provider(choice, key, command=command, local_only=use is ModelUse.LOCAL)
