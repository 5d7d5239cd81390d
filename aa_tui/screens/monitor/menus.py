"""What changes the view of Monitor: filter, time range, interval, grouping, agents. Mixed into the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual import on

from aa_tui.backend.model.filter import Filter, FilterError, complete, facet_filter, parse_filter, value_slot
from aa_tui.backend.model.timerange import PRESETS, TimeRange, parse_range
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import UsageError
from aa_tui.screens.base import PlaceScreen
from aa_tui.screens.monitor.measures import GROUPS, INTERVALS
from aa_tui.screens.monitor.panels import Panels
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.filter_bar import FilterBar, Offer
from aa_tui.widgets.prompt import Prompt
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FilterPart

DEFAULT_RANGE = TimeRange("30d")
"""What is shown where nothing says otherwise."""


class MonitorMenus(PlaceScreen):
    """How Monitor is looked at, and the actions that change it."""

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._interval = "auto"
        self._group = ""
        self._parts: list[FilterPart] = []
        self._range: TimeRange | None = None
        """The range chosen for a filter that names none."""

    if TYPE_CHECKING:

        @property
        def _panels(self) -> Panels: ...
        async def _load(self) -> None: ...

    def _change(self, wanted: Filter | None = None, **changes: str) -> None:
        """Look at something else; the place it was becomes history."""
        before = str(self.address())
        self._filter = wanted if wanted is not None else self._filter
        self._group = changes.get("group", self._group)
        self._interval = changes.get("interval", self._interval)
        if str(self.address()) != before:
            self.aa.push_address(before)
        self.load(self._load(), "view")

    async def action_monitor_filter(self) -> None:
        await self.query_one(FilterBar).open(self._filter.to_text())

    @on(FilterBar.Edited)
    def _filter_edited(self, event: FilterBar.Edited) -> None:
        bar = self.query_one(FilterBar)
        if value_slot(event.text, event.cursor) is not None:
            # A value that is only begun is no mistake yet.
            self.load(self._offer_values(event.text, event.cursor), "offers")
            return
        try:
            parse_filter(event.text)
        except FilterError as error:
            bar.complain(str(error), error.column)
            return
        bar.offer([Offer(each.start, each.end, each.text, each.help) for each in complete(event.text, event.cursor)])

    async def _offer_values(self, text: str, cursor: int) -> None:
        slot = value_slot(text, cursor)
        if slot is None:
            return
        workspace = await self.ready()
        found = await self.ask(workspace.sessions.facet_values, slot.facet, slot.prefix, 8, group="offers")
        offers = []
        for count in found:
            value = facet_filter("agent", count.value).to_text().partition(":")[2]
            offers.append(Offer(slot.start, slot.end, value, humanize.plural(count.sessions, "session")))
        self.query_one(FilterBar).offer(offers)

    @on(FilterBar.Submitted)
    def _filter_submitted(self, event: FilterBar.Submitted) -> None:
        bar = self.query_one(FilterBar)
        try:
            wanted = parse_filter(event.text)
        except FilterError as error:
            bar.complain(str(error), error.column)
            return
        bar.close()
        self._refocus()
        self._change(wanted)

    @on(FilterBar.Closed)
    @on(Prompt.Closed)
    def _refocus(self) -> None:
        self._panels.focus_first()

    def action_monitor_drop_part(self) -> None:
        """Drop the part of the filter that excludes most."""
        if not self._parts:
            return
        worst = max(range(len(self._parts)), key=lambda index: self._parts[index].without)
        parts = self._filter.parts()
        if worst < len(parts):
            self._change(self._filter.drop(worst))

    def action_monitor_clear(self) -> None:
        """Drop the filter; the range stays unless it is all there is."""
        kept = Filter().with_range(self._filter.time_range())
        if kept == self._filter:
            self._range = None
            kept = Filter()
        self._change(kept)

    def _menu(
        self,
        title: str,
        choices: Sequence[Choice],
        chosen: Callable[[Any], None],
        *,
        hint: str = "",
        cursor: int = 0,
        typed: Callable[[str], Any] | None = None,
    ) -> None:
        """Let something be chosen; with a hint it can be typed too."""
        # Not before the first frame: most visits open no menu.
        from aa_tui.screens.chooser import Chooser

        self.app.push_screen(Chooser(title, choices, bool(hint), hint, cursor=cursor, on_text=typed), chosen)

    def action_monitor_time(self) -> None:
        """Choose the time range."""
        now = self._filter.time_range() or DEFAULT_RANGE
        choices = [Choice(preset, parse_range(preset).words(), preset) for preset in PRESETS]
        cursor = PRESETS.index(now.text) if now.text in PRESETS else 0

        def typed(text: str) -> str | None:
            try:
                return parse_range(text).text
            except UsageError as error:
                self.flash(str(error), "bad")
                return None

        def chosen(text: str | None) -> None:
            if text is not None:
                self._change(self._filter.with_range(parse_range(text)))

        hint = "14d, 2026-10-01..2026-10-31"
        self._menu("Time range", choices, chosen, hint=hint, cursor=cursor, typed=typed)

    def action_monitor_interval(self) -> None:
        """Choose what one bar of a chart holds."""
        choices = [Choice(name, name) for name in INTERVALS]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._change(interval=name)

        self._menu("Interval", choices, chosen, cursor=INTERVALS.index(self._interval))

    def action_monitor_group(self) -> None:
        """Choose the property charts are grouped by."""
        choices = [Choice("", "nothing", "one series each"), *(Choice(key, words) for key, words in GROUPS)]
        keys = ["", *(key for key, _ in GROUPS)]

        def typed(text: str) -> str:
            return text if "." in text else f"context.{text}"

        def chosen(key: str | None) -> None:
            if key is not None:
                self._change(group=key)

        cursor = keys.index(self._group) if self._group in keys else 0
        hint = "a property; context.KEY for your own"
        self._menu("Group by", choices, chosen, hint=hint, cursor=cursor, typed=typed)

    def action_monitor_agents(self) -> None:
        """Focus on one agent, or on all again."""
        self.load(self._choose_agent(compare=False), "agents")

    def action_monitor_compare(self) -> None:
        """Compare the agent in focus with another one."""
        self.load(self._choose_agent(compare=True), "agents")

    async def _choose_agent(self, compare: bool) -> None:
        workspace = await self.ready()
        found = await self.ask(workspace.sessions.facet_values, "agent", "", 200, group="agents")
        focus = self._filter.values("agent")
        agents = [each for each in found if not (compare and each.value in focus)]
        choices = [
            Choice(each.value, safe_line(each.value, 40), humanize.plural(each.sessions, "session")) for each in agents
        ]
        if not compare:
            choices.insert(0, Choice("", "all agents"))

        def chosen(agent: str | None) -> None:
            if agent is None:
                return
            rest = [part for part in self._filter.parts() if not part.values("agent")]
            wanted = Filter()
            for part in rest:
                wanted = wanted.plus(part)
            names = [*focus, agent] if compare else [agent] if agent else []
            if names:
                values = ",".join(facet_filter("agent", name).to_text().partition(":")[2] for name in names)
                wanted = wanted.plus(f"agent:{values}")
            self._change(wanted)

        beside = " and ".join(safe_line(name, 20) for name in focus) or "another"
        title = f"Compare {beside} with" if compare and focus else "Agent"
        self._menu(title, choices, chosen, hint="type to search")
