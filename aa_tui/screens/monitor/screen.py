"""The Monitor screen: which panels there are, which service call fills them, what opening something leads to.

What a view looks like is decided in `present`, how much fits in `layout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.filter import (
    Filter,
    FilterError,
    complete,
    facet_filter,
    from_link_params,
    parse_filter,
    to_link_params,
    value_slot,
)
from aa_tui.backend.model.timerange import PRESETS, TimeRange, parse_range
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.screens.base import PlaceScreen
from aa_tui.screens.chooser import Chooser
from aa_tui.screens.get_started import GetStarted
from aa_tui.screens.monitor import present
from aa_tui.screens.monitor.measures import GROUPS, INTERVALS, shown
from aa_tui.screens.monitor.panels import Panels
from aa_tui.widgets import glyphs
from aa_tui.widgets.charts import Chart
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.filter_bar import FilterBar, Offer
from aa_tui.widgets.prompt import Prompt
from aa_tui.widgets.safe_text import safe, safe_line
from aa_tui.widgets.stat_table import StatTable
from aa_tui.widgets.tile_strip import TileStrip

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FilterPart, MonitorView

_DEFAULT_RANGE = TimeRange("30d")
_RANGE_WORDS = {
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
    "all": "all time",
}


class MonitorScreen(PlaceScreen):
    """Activity, quality, cost and speed of the agents, for one filter and range."""

    SCOPE = "monitor"
    AUTO_FOCUS = ""
    CSS_PATH: ClassVar[Any] = "../../styles/monitor.tcss"
    DEFAULT_CSS = """
    MonitorScreen #nothing { display: none; }
    MonitorScreen.-nothing #nothing { display: block; }
    MonitorScreen.-nothing #panels { display: none; }
    MonitorScreen GetStarted { display: none; }
    MonitorScreen.-guide GetStarted { display: block; }
    MonitorScreen.-guide #panels, MonitorScreen.-guide #nothing { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._interval = "auto"
        self._group = ""
        self._view: MonitorView | None = None
        self._chosen = False
        self._guide_wanted = False
        self._parts: list[FilterPart] = []
        self._now_ms: int | None = None
        self._range: TimeRange | None = None
        self._note_time: int | None = None

    # Composition ---------------------------------------------------------------------------------------------

    def compose_body(self) -> Iterator[Any]:
        yield FilterBar(id="filter")
        yield Panels(id="panels")
        yield EmptyState(id="nothing")
        yield GetStarted(id="guide")
        yield Prompt("N", "a note at this time", id="note")

    # Address -------------------------------------------------------------------------------------------------

    def address(self) -> Address:
        if self._guide_wanted:
            return Address("monitor", {}, None, "get-started")
        params = to_link_params(self._filter)
        if self._group:
            params["by"] = self._group
        if self._interval != "auto":
            params["interval"] = self._interval
        return Address("monitor", params)

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        params = dict(address.params)
        self._guide_wanted = address.tab == "get-started"
        self._group = params.pop("by", "")
        wanted = params.pop("interval", "auto")
        self._interval = wanted if wanted in INTERVALS else "auto"
        if "range" in params:
            params.setdefault("since", params.pop("range"))
        try:
            self._filter = from_link_params(params)
        except UsageError as error:
            self.flash(str(error), "bad")
        self.load(self._load(), "view")

    # Loading -------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        if self._view is None:
            what = safe(self._filter.words()) if self._filter else Content("all agents")
            self.set_words(
                Content.assemble(what, Content.styled(f" {glyphs.get('dot')} loading", themes.style("muted")))
            )
        workspace = await self.ready()
        monitor = workspace.monitor
        has_data = await self.ask(monitor.has_agent_data, token=False, group="view")
        if self._guide_wanted or not has_data:
            await self._show_guide()
            return
        self.set_class(False, "-guide")
        self.query_one(GetStarted).stop()
        if self._filter.time_range() is None:
            if self._range is None:
                self._range = await self.ask(monitor.best_range, token=False, group="view")
                self._chosen = self._range != _DEFAULT_RANGE
            self._filter = self._filter.with_range(self._range)
        view = await self.ask(
            monitor.view, self._filter, interval=self._interval, group_by=self._grouping() or None, group="view"
        )
        self._now_ms = workspace.clock.now_ms()
        parts: list[FilterPart] = []
        if not _has_sessions(view):
            parts = await self.ask(workspace.sessions.explain_nothing, self._filter, group="view")
        self._apply(view, parts)

    def _grouping(self) -> str:
        """What charts are grouped by: as chosen, else by agent while several are compared."""
        return self._group or ("agent" if len(self._filter.values("agent")) > 1 else "")

    def _apply(self, view: MonitorView, parts: list[FilterPart]) -> None:
        first = self._view is None
        self._view, self._parts = view, parts
        nothing = not _has_sessions(view)
        self.set_class(nothing, "-nothing")
        self._say_words(view)
        if nothing:
            self._say_nothing()
        self._panels.show(view, self._now_ms)
        if first and not nothing and self.focused is None:
            self._panels.focus_first()
        self.aa.replace_address()
        self.refresh_footer()

    def _say_words(self, view: MonitorView) -> None:
        chosen = self._filter.time_range() or _DEFAULT_RANGE
        range_words = chosen.words()
        group = next((words for key, words in GROUPS if key == self._grouping()), self._grouping())
        left = present.words(view, self._filter, range_words, group, self._chosen and chosen == self._range)
        as_of = humanize.clock(self._now_ms, view.time_zone)
        self.set_words(left, Content.styled(f"as of {as_of} {safe_line(view.time_zone)}", themes.style("muted")))

    def _say_nothing(self) -> None:
        words = safe_line(self._filter.words())
        lines: list[str | Content] = [safe(f"No session matches: {words}."), ""]
        worst = max(self._parts, key=lambda part: part.without, default=None)
        if worst is not None and worst.without:
            without = humanize.plural(worst.without, "session")
            lines.append(safe(f"{worst.text} excludes most: {without} without it."))
            lines.append("x drops it · X drops everything · t another time · / edit the filter")
        else:
            lines.append("t another time · X drops the whole filter · / edit it")
        self.query_one("#nothing", EmptyState).say("Filtered to nothing", lines, "warn")

    def failed(self, group: str, error: AAError) -> None:
        """Say it where the data would be; what was there before stays, with the words at the bottom."""
        if group != "view":
            super().failed(group, error)
            return
        if self._view is not None:
            self.flash(f"{error} r tries again.", "bad")
            return
        self.set_class(True, "-nothing")
        lines: list[str | Content] = [safe(error.message), safe(error.hint or ""), "", "r tries again"]
        self.query_one("#nothing", EmptyState).say("Monitor could not be read", lines, "bad")

    async def _show_guide(self) -> None:
        workspace = await self.ready()
        self.set_class(True, "-guide")
        self.set_words("get started", "")
        guide = self.query_one(GetStarted)
        rows = await self.ask(workspace.monitor.checklist, group="checklist")
        guide.begin(workspace.project.name, workspace.project.api_key, rows)
        guide.follow(workspace.store.change_counter)
        guide.focus()
        self.refresh_footer()

    @on(GetStarted.Changed)
    def _guide_changed(self) -> None:
        self.load(self._refresh_guide(), "guide")

    async def _refresh_guide(self) -> None:
        workspace = await self.ready()
        rows = await self.ask(workspace.monitor.checklist, group="checklist")
        self.query_one(GetStarted).show(rows)
        if not self._guide_wanted and any(row.done for row in rows):
            self._range = None
            self.load(self._load(), "view")

    # Moving --------------------------------------------------------------------------------------------------

    @property
    def _panels(self) -> Panels:
        return self.query_one(Panels)

    def action_monitor_up(self) -> None:
        self._panels.step(-1, 0)

    def action_monitor_down(self) -> None:
        self._panels.step(1, 0)

    def action_monitor_left(self) -> None:
        self._panels.step(0, -1)

    def action_monitor_right(self) -> None:
        self._panels.step(0, 1)

    def action_monitor_first(self) -> None:
        if (panel := self._panels.current) is not None:
            panel.step_to_end(False)

    def action_monitor_last(self) -> None:
        if (panel := self._panels.current) is not None:
            panel.step_to_end(True)

    def action_monitor_next_panel(self) -> None:
        self._panels.next_panel(1)

    def action_monitor_previous_panel(self) -> None:
        self._panels.next_panel(-1)

    def action_monitor_next_table(self) -> None:
        self._panels.turn_table(1)

    def action_monitor_previous_table(self) -> None:
        self._panels.turn_table(-1)

    def action_monitor_measure(self) -> None:
        self._panels.next_measure()
        self.refresh_footer()

    # Opening -------------------------------------------------------------------------------------------------

    def action_monitor_open(self) -> None:
        if (panel := self._panels.current) is not None:
            panel.open_cursor()

    @property
    def _base(self) -> Filter:
        """The filter with a range, as drawn."""
        return self._filter if self._filter.time_range() is not None else self._filter.with_range(_DEFAULT_RANGE)

    def _open(self, wanted: Filter, sort: str = "") -> None:
        params = to_link_params(wanted)
        if sort:
            params["sort"] = sort
        self.go(Address("sessions", params))

    @on(Chart.BucketOpened)
    def _bucket_opened(self, event: Chart.BucketOpened) -> None:
        view = self._view
        if view is None:
            return
        scored = view.scored > 0
        wanted = self._base.with_range(present.bucket_range(event.from_ms, event.to_ms, view.time_zone))
        groups = tuple(series.group for series in view.series if series.measure == event.measure)
        wanted = present.behind_group(wanted, self._grouping(), event.group, groups)
        wanted = present.behind_measure(wanted, event.measure, scored)
        self._open(wanted, shown(event.measure, scored).sort)

    @on(TileStrip.Opened)
    def _tile_opened(self, event: TileStrip.Opened) -> None:
        scored = self._view is not None and self._view.scored > 0
        sort = "" if event.tile.startswith("rule:") else shown(event.tile, scored).sort
        self._open(present.behind_measure(self._base, event.tile, scored), sort)

    @on(StatTable.RowOpened)
    def _row_opened(self, event: StatTable.RowOpened) -> None:
        self._open(present.behind_row(self._base, event.table.id or "", event.key))

    # Filtering -----------------------------------------------------------------------------------------------

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
        try:
            parse_filter(event.text)
        except FilterError as error:
            bar.complain(str(error), error.column)
            return
        bar.offer([Offer(each.start, each.end, each.text, each.help) for each in complete(event.text, event.cursor)])
        if value_slot(event.text, event.cursor) is not None:
            self.load(self._offer_values(event.text, event.cursor), "offers")

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
        if offers:
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

    def action_monitor_time(self) -> None:
        """Choose the time range."""
        now = self._filter.time_range() or _DEFAULT_RANGE
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
        self.app.push_screen(Chooser("Time range", choices, True, hint, cursor=cursor, on_text=typed), chosen)

    def action_monitor_interval(self) -> None:
        """Choose what one bar of a chart holds."""
        choices = [Choice(name, name) for name in INTERVALS]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._change(interval=name)

        chooser = Chooser("Interval", choices, False, cursor=INTERVALS.index(self._interval))
        self.app.push_screen(chooser, chosen)

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
        self.app.push_screen(Chooser("Group by", choices, True, hint, cursor=cursor, on_text=typed), chosen)

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
        self.app.push_screen(Chooser(title, choices), chosen)

    # Refresh, notes, guide -----------------------------------------------------------------------------------

    def action_monitor_refresh(self) -> None:
        """Read again."""
        if self._guide_wanted:
            self.load(self._refresh_guide(), "guide")
        else:
            self.load(self._load(), "view")

    def action_monitor_demo(self) -> None:
        """Open the sample project, in a store of its own."""
        self.aa.use_sample()

    async def action_monitor_note(self) -> None:
        """Write a note at the time of the cursor."""
        panel = self._panels.current
        reach = panel.cursor_range if isinstance(panel, Chart) else None
        self._note_time = reach[0] if reach is not None else None
        await self.query_one("#note", Prompt).open()

    @on(Prompt.Submitted)
    def _note_written(self, event: Prompt.Submitted) -> None:
        self._refocus()
        if event.text.strip():
            self.load(self._add_note(event.text.strip()), "note")

    async def _add_note(self, text: str) -> None:
        workspace = await self.ready()
        at = self._note_time if self._note_time is not None else workspace.clock.now_ms()
        await self.ask(workspace.views.add_note, at, text, token=False, group="note")
        zone = self._view.time_zone if self._view is not None else "UTC"
        self.flash(f"note at {humanize.moment(at, zone)} · z takes it back")
        self.load(self._load(), "view")

    def action_monitor_get_started(self) -> None:
        """Show the guide, or Monitor again."""
        self._guide_wanted = not self._guide_wanted
        self.load(self._load(), "view")

    def explain(self) -> tuple[str, ...]:
        panel = self._panels.current
        if isinstance(panel, TileStrip):
            return present.definition(panel.current.id, self._view) if panel.current is not None else ()
        if isinstance(panel, Chart) and panel.spec is not None:
            return present.definition(panel.spec.measure, self._view)
        if isinstance(panel, StatTable) and panel.id == "agents":
            wanted = (
                ("success", "quality", "error_rate") if self._view and self._view.scored else ("success", "error_rate")
            )
            return tuple(line for measure in wanted for line in present.definition(measure, self._view)[:2])
        return ()

    def forget(self) -> None:
        """Another project is shown: nothing of the former one counts."""
        super().forget()
        self._view, self._range, self._chosen, self._parts = None, None, False, []
        self._filter, self._group, self._interval = Filter(), "", "auto"

    def restyle(self) -> None:
        """Draw what carries styles of the former theme again."""
        super().restyle()
        if self._view is not None:
            self._say_words(self._view)

    def why_not(self, action_id: str) -> str | None:
        if action_id == "monitor.measure" and not isinstance(self.focused, Chart):
            return "move to a chart first"
        if action_id == "monitor.drop_part" and not self._parts:
            return "something is shown"
        if action_id == "monitor.demo" and not self.has_class("-guide"):
            return "there is data here already"
        return super().why_not(action_id)


def _has_sessions(view: MonitorView) -> bool:
    tile = view.tiles.get("sessions")
    return bool(tile is not None and tile.value) or view.untimed > 0
