"""All built-in signals, and what the one batched call of a pass asks. Which of them a project runs is not here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from aa_tui.backend.signals import (
    data_quality,
    negative_feedback,
    response_quality,
    session_outcome,
    session_safety,
    task_completion,
    user_friction,
    user_intent,
)
from aa_tui.backend.signals.by_products import BY_PRODUCTS
from aa_tui.backend.signals.contract import Signal

if TYPE_CHECKING:
    from aa_tui.backend.judging.prompt import Question

SIGNALS: Mapping[str, Signal] = MappingProxyType(
    {
        room.ID: room.SIGNAL
        for room in (
            task_completion,
            response_quality,
            session_safety,
            user_intent,
            user_friction,
            negative_feedback,
            data_quality,
            session_outcome,
        )
    }
)
"""By id, in the order they are shown."""
DEFAULT = tuple(signal.id for signal in SIGNALS.values() if signal.by_default)
"""Ids of the signals that run unless somebody switches them off."""
TAXONOMY = "signals-" + ".".join(f"{signal.id}@{signal.version}" for signal in SIGNALS.values())
"""Names the whole configuration of built-in signals."""


def judged(enabled: Collection[str] = DEFAULT) -> tuple[Signal, ...]:
    """Return the signals among `enabled` that a model answers, in order."""
    return tuple(signal for signal in SIGNALS.values() if signal.id in enabled and not signal.code_only)


def questions(enabled: Collection[str] = DEFAULT) -> tuple[Question, ...]:
    """Return what the batched prompt asks for the signals among `enabled`."""
    from aa_tui.backend.judging.prompt import Question
    from aa_tui.backend.judging.reply import spec_of

    return tuple(Question(one.id, one.question, spec_of(one.definition)) for one in judged(enabled))


def asked_beside(enabled: Collection[str] = DEFAULT) -> dict[str, str]:
    """Return what else the batched prompt asks, by field: by-products of the pass, and extras of the signals."""
    extras = [extra for signal in judged(enabled) for extra in signal.extras]
    return {one.name: one.ask for one in (*BY_PRODUCTS.values(), *extras)}


def versions(signals: Iterable[str]) -> list[str]:
    """Return `<signal>@<version>` of built-in signals, in order."""
    wanted = set(signals)
    return [f"{one.id}@{one.version}" for one in SIGNALS.values() if one.id in wanted]
