"""Sections whose features are not there yet: each says in words what will stand here and what fills it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets.empty_state import EmptyState


class ComingScreen(PlaceScreen, inherit_bindings=False):
    """A section that is honest about being empty."""

    NAME = ""
    WORDS = ""
    LINES: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._empty = EmptyState(id="empty")

    def compose_body(self) -> Iterator[Any]:
        yield self._empty

    def on_mount(self) -> None:
        self.set_words(Content.styled(self.WORDS, themes.style("muted")))
        self._empty.say(self.NAME.capitalize(), list(self.LINES))

    def address(self) -> Address:
        return Address(self.NAME)


class RunsScreen(ComingScreen):
    """Evaluators over a set of sessions."""

    NAME = "runs"
    WORDS = "no run yet"
    LINES = (
        "A run applies evaluators to chosen sessions: a sample, a filter or a dataset. "
        "Progress, failures and cost against its limit will be shown here while it works, "
        "and its results stay to be compared with other runs.",
        "",
        "A run needs an evaluator first.",
    )


class DatasetsScreen(ComingScreen):
    """Sessions collected for review."""

    NAME = "datasets"
    WORDS = "no dataset yet"
    LINES = (
        "A dataset is up to a hundred sessions that people read and answer questions about. "
        "Their answers are the ground truth an evaluator is measured against.",
        "",
        "Datasets will be filled from marked sessions in Sessions; their review starts here.",
    )


class CohortsScreen(ComingScreen):
    """Users grouped by what happened in their sessions."""

    NAME = "cohorts"
    WORDS = "no cohort yet"
    LINES = (
        "A cohort is the users whose sessions match a filter: those whose task failed, say. "
        "Funnels, retention and segmentation will compare cohorts here, with the product "
        "events of the same users.",
        "",
        "Cohorts will be made from the filter of Sessions.",
    )
