"""Filters drawn from one session: what it has in common with others, offered with how many those are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aa_tui.backend.model.error_categories import category_of
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.support import humanize
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.model.filter import Filter
    from aa_tui.backend.query.readmodels import SessionDetail
    from aa_tui.screens.base import PlaceScreen

_MOST = 24
"""Filters offered; each is counted."""


def features(detail: SessionDetail) -> Iterator[tuple[str, str]]:
    """Yield (field, value) of what distinguishes a session, what went wrong first."""
    row = detail.row
    failed = [step for step in detail.steps if step.is_error]
    types = dict.fromkeys(step.error_type for step in failed if step.error_type)
    yield "agent", row.agent
    yield from (("error", name) for name in types)
    yield from dict.fromkeys(("error_category", category_of(name)) for name in types)
    tools = dict.fromkeys(step.name for step in failed if step.name and step.kind == EventKind.TOOL_CALL)
    yield from (("failed_tool", name) for name in tools)
    yield from (("rule", rule) for rule in row.rules)
    yield from (("warning", code) for code in detail.warnings)
    if row.state != "closed":
        yield "state", "open"
    given = (("topic", row.topic), ("model", row.model), ("user", row.user), ("repository", row.repository))
    yield from ((name, value) for name, value in given if value)


async def offer(screen: PlaceScreen, detail: SessionDetail, chosen: Callable[[Filter], None]) -> None:
    """Let the user choose one of a session's features; `chosen` is called with its filter."""
    from aa_tui.backend.model.filter import facet_filter
    from aa_tui.widgets.choice_list import Choice

    workspace = await screen.ready()
    everything = max(1, workspace.project.sessions)
    choices: list[Choice] = []
    for name, value in list(features(detail))[:_MOST]:
        part = facet_filter(name, value)
        n = await screen.ask(workspace.sessions.count, part, group="similar")
        note = f"{humanize.plural(n, 'session')}, {humanize.share(n / everything)} of all"
        choices.append(Choice(part, safe_line(part.to_text(), 40), note))
    screen.aa.choose(f"Sessions like {safe_line(detail.row.key, 30)}", choices, chosen, typed=False)
