"""Choosing what a new evaluator begins with: a starter, or nothing. Only the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.address import Address
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.evaluator_columns import KINDS, METHODS
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.screens.base import PlaceScreen

EMPTY = (
    ("empty", "empty, yes or no", "binary calibrates best: start here"),
    ("labels", "empty, one of several labels", "three or more, each described, with an example"),
    ("score", "empty, a score", "a range with named tiers"),
    ("regex", "empty, by patterns", "no model, no cost: matches or not"),
)
"""What a new evaluator can be without a starter; the first part is what its address says."""


def choose_starter(place: PlaceScreen) -> None:
    """Offer the starters, then the empty kinds; the editor opens with the one that is chosen."""

    async def gather() -> None:
        workspace = await place.ready()
        templates = await place.ask(workspace.evaluators.templates, group="starters", token=False)
        choices = [Choice(name, title, note, group="Empty") for name, title, note in EMPTY]
        choices += [
            Choice(
                one.id,
                safe_line(one.name, 34),
                f"{KINDS[one.definition.output_type]} by {METHODS[one.definition.method]}: {safe_line(one.what)}",
                group="Starters, meant to be changed",
            )
            for one in templates
        ]
        place.aa.choose("New evaluator", choices, lambda name: place.go(Address("editor", {"new": name})))

    place.load(gather(), "starters")
