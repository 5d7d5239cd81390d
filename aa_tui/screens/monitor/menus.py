"""What changes the view of Monitor: filter, time range, interval, grouping, agents. Mixed into the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from aa_tui.backend.model.filter import Filter, FilterError, complete, facet_filter, parse_filter, value_slot
from aa_tui.backend.model.timerange import PRESETS, TimeRange, parse_range
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import UsageError
from aa_tui.screens.base import PlaceScreen
from aa_tui.screens.monitor.measures import GROUPS
from aa_tui.screens.monitor.panels import Panels
from aa_tui.screens.monitor.reading import DEFAULT_RANGE, INTERVALS, Asked
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FilterPart
    from aa_tui.widgets.choice_list import Choice
    from aa_tui.widgets.filter_bar import FilterBar


class MonitorMenus(PlaceScreen):
    """How Monitor is looked at, and the actions that change it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = Asked()
        self._parts: tuple[FilterPart, ...] = ()
        self._range: TimeRange | None = None
        """The range chosen for a filter that names none."""
        self._bar: FilterBar | None = None

    @property
    def _filter(self) -> Filter:
        return self._asked.filter

    @property
    def _body(self) -> Widget:
        return self.query_one("#body")

    if TYPE_CHECKING:

        @property
        def _panels(self) -> Panels: ...
        async def _load(self) -> None: ...

    def _change(self, wanted: Asked) -> None:
        """Look at something else; the place it was becomes history."""
        before = str(self.address())
        self._asked = wanted
        if str(self.address()) != before:
            self.aa.push_address(before)
        self.load(self._load(), "view")

    def _filter_by(self, wanted: Filter) -> None:
        self._change(self._asked._replace(filter=wanted))

    async def action_monitor_filter(self) -> None:
        """Edit the filter."""
        if self._bar is None:
            # Not before the first figures: most visits type no filter.
            from aa_tui.widgets.filter_bar import FilterBar

            self._bar = FilterBar(id="filter")
            await self._body.mount(self._bar, before=0)
        await self._bar.open(self._filter.to_text())

    def on_filter_bar_edited(self, event: FilterBar.Edited) -> None:
        bar = self._bar
        if bar is None:
            return
        if value_slot(event.text, event.cursor) is not None:
            # A value that is only begun is no mistake yet.
            self.load(self._offer_values(event.text, event.cursor), "offers")
            return
        try:
            parse_filter(event.text)
        except FilterError as error:
            bar.complain(str(error), error.column)
            return
        from aa_tui.widgets.filter_bar import Offer

        bar.offer([Offer(each.start, each.end, each.text, each.help) for each in complete(event.text, event.cursor)])

    async def _offer_values(self, text: str, cursor: int) -> None:
        from aa_tui.widgets.filter_bar import Offer

        slot = value_slot(text, cursor)
        if slot is None or self._bar is None:
            return
        workspace = await self.ready()
        found = await self.ask(workspace.sessions.facet_values, slot.facet, slot.prefix, 8, group="offers")
        offers = []
        for count in found:
            value = facet_filter("agent", count.value).to_text().partition(":")[2]
            offers.append(Offer(slot.start, slot.end, value, humanize.plural(count.sessions, "session")))
        self._bar.offer(offers)

    def on_filter_bar_submitted(self, event: FilterBar.Submitted) -> None:
        if self._bar is None:
            return
        try:
            wanted = parse_filter(event.text)
        except FilterError as error:
            self._bar.complain(str(error), error.column)
            return
        self._bar.close()
        self._refocus()
        self._filter_by(wanted)

    def on_filter_bar_closed(self) -> None:
        self._refocus()

    def on_prompt_closed(self) -> None:
        self._refocus()

    def _refocus(self) -> None:
        self._panels.focus_first()

    def action_monitor_drop_part(self) -> None:
        """Drop the part of the filter that excludes most."""
        if not self._parts:
            return
        worst = max(range(len(self._parts)), key=lambda index: self._parts[index].without)
        parts = self._filter.parts()
        if worst < len(parts):
            self._filter_by(self._filter.drop(worst))

    def action_monitor_clear(self) -> None:
        """Drop the filter; the range stays unless it is all there is."""
        kept = Filter().with_range(self._filter.time_range())
        if kept == self._filter:
            self._range = None
            kept = Filter()
        self._filter_by(kept)

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
        from aa_tui.widgets.choice_list import Choice

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
                self._filter_by(self._filter.with_range(parse_range(text)))

        hint = "14d, 2026-10-01..2026-10-31"
        self._menu("Time range", choices, chosen, hint=hint, cursor=cursor, typed=typed)

    def action_monitor_interval(self) -> None:
        """Choose what one bar of a chart holds."""
        from aa_tui.widgets.choice_list import Choice

        choices = [Choice(name, name) for name in INTERVALS]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._change(self._asked._replace(interval=name))

        self._menu("Interval", choices, chosen, cursor=INTERVALS.index(self._asked.interval))

    def action_monitor_group(self) -> None:
        """Choose the property charts are grouped by."""
        from aa_tui.widgets.choice_list import Choice

        choices = [Choice("", "nothing", "one series each"), *(Choice(key, words) for key, words in GROUPS)]
        keys = ["", *(key for key, _ in GROUPS)]

        def typed(text: str) -> str:
            return text if "." in text else f"context.{text}"

        def chosen(key: str | None) -> None:
            if key is not None:
                self._change(self._asked._replace(group=key))

        cursor = keys.index(self._asked.group) if self._asked.group in keys else 0
        hint = "a property; context.KEY for your own"
        self._menu("Group by", choices, chosen, hint=hint, cursor=cursor, typed=typed)

    def action_monitor_agents(self) -> None:
        """Focus on one agent, or on all again."""
        self.load(self._choose_agent(), "agents")

    def action_monitor_compare(self) -> None:
        """Compare the agents in focus with one more; where none is, two that are chosen one after the other."""
        self.load(self._choose_to_compare(self._filter.values("agent")), "agents")

    async def _choose_agent(self) -> None:
        from aa_tui.widgets.choice_list import Choice

        choices = [Choice("", "all agents"), *await self._agents(())]

        def chosen(agent: str | None) -> None:
            if agent is not None:
                self._focus_on((agent,) if agent else ())

        self._menu("Agent", choices, chosen, hint="type to search")

    async def _choose_to_compare(self, focus: tuple[str, ...]) -> None:
        from aa_tui.widgets.choice_list import Choice

        choices = await self._agents(focus)
        if len(choices) + len(focus) < 2:
            self.flash("There is only one agent: nothing to compare it with.")
            return
        if not choices:
            self.flash("All agents are compared already.")
            return
        if not focus:
            choices.insert(0, Choice("", "every agent", "the largest five, each by itself"))

        def chosen(agent: str | None) -> None:
            if agent is None:
                return
            if not agent:
                self._change(self._asked._replace(group="agent"))
            elif focus:
                self._focus_on((*focus, agent))
            else:
                # One agent is no comparison yet.
                self.load(self._choose_to_compare((agent,)), "agents")

        beside = " and ".join(safe_line(name, 20) for name in focus)
        title = f"Compare {beside} with" if focus else "Compare which agent"
        self._menu(title, choices, chosen, hint="type to search")

    async def _agents(self, without: Sequence[str]) -> list[Choice]:
        from aa_tui.widgets.choice_list import Choice

        workspace = await self.ready()
        found = await self.ask(workspace.sessions.facet_values, "agent", "", 200, group="agents")
        return [
            Choice(each.value, safe_line(each.value, 40), humanize.plural(each.sessions, "session"))
            for each in found
            if each.value not in without
        ]

    def _focus_on(self, agents: Sequence[str]) -> None:
        """Put these agents into the filter in place of those that were there."""
        wanted = Filter()
        for part in self._filter.parts():
            if not part.values("agent"):
                wanted = wanted.plus(part)
        if agents:
            values = ",".join(facet_filter("agent", name).to_text().partition(":")[2] for name in agents)
            wanted = wanted.plus(f"agent:{values}")
        self._filter_by(wanted)
