"""Filters drawn from one session: what it shares with others, with how many those are and how much more often."""

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
    yield from ((f"signal.{name}", value) for name, value, passed in row.signals if passed is False)
    yield from (("warning", code) for code in detail.warnings)
    if row.state != "closed":
        yield "state", "open"
    given = (("topic", row.topic), ("model", row.model), ("user", row.user), ("repository", row.repository))
    yield from ((name, value) for name, value in given if value)


async def offer(
    screen: PlaceScreen, detail: SessionDetail, chosen: Callable[[Filter], None], within: Filter | None = None
) -> None:
    """Let the user choose one of a session's features; `chosen` is called with its filter.

    Each is shown with how many sessions have it, and with its lift: how much more often it is met among the sessions
    of `within` than among all. Without a filter to be within, the sessions of the same agent stand there.
    """
    from aa_tui.backend.model.filter import facet_filter
    from aa_tui.widgets.choice_list import Choice

    workspace = await screen.ready()

    async def count(wanted: Filter) -> int:
        return await screen.ask(workspace.sessions.count, wanted, group="similar")

    agent = detail.row.agent
    around = within or facet_filter("agent", agent)
    place = "in this list" if within else f"with {safe_line(agent, 20)}"
    heading = f"sessions, share of all, times as often {place}"
    everything, some = max(1, workspace.project.sessions), await count(around)
    choices: list[Choice] = []
    for name, value in list(features(detail))[:_MOST]:
        part = facet_filter(name, value)
        both = around.plus(part)
        if within and both == within:
            # It is in the filter already.
            continue
        n = some if part == around else await count(part)
        note = f"{n:>9,}  {humanize.share(n / everything):>6}"
        if both != around and n and some:
            lift = await count(both) / some / (n / everything)
            note += f"  {lift:>5.1f} ×"
        choices.append(Choice(part, safe_line(part.to_text(), 40), note, group=heading))
    title = f"Sessions like {safe_line(detail.row.key, 30)}"
    if choices:
        screen.aa.choose(title, choices, chosen, typed=False)
    else:
        screen.flash("Nothing more distinguishes this session: the filter says it all.", "warn")
