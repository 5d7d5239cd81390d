"""The Monitor screen: which panels there are, which service call fills them, what opening something leads to.

What a view looks like is decided in `present`, how much fits in `layout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.filter import Filter, from_link_params, to_link_params
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.screens.get_started import GetStarted
from aa_tui.screens.monitor import behind, present
from aa_tui.screens.monitor.measures import GROUPS, INTERVALS, shown
from aa_tui.screens.monitor.menus import DEFAULT_RANGE, MonitorMenus
from aa_tui.screens.monitor.panels import Panels
from aa_tui.widgets import glyphs
from aa_tui.widgets.charts import Chart
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.filter_bar import FilterBar
from aa_tui.widgets.prompt import Prompt
from aa_tui.widgets.safe_text import safe, safe_line
from aa_tui.widgets.stat_table import StatTable
from aa_tui.widgets.tile_strip import TileStrip

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FilterPart, MonitorView


class MonitorScreen(MonitorMenus):
    """Activity, quality, cost and speed of the agents, for one filter and range."""

    SCOPE = "monitor"
    BINDING_SCOPES = ("monitor", "guide")
    AUTO_FOCUS = ""
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
        self._view: MonitorView | None = None
        self._chosen = False
        self._guide_wanted = False
        self._now_ms: int | None = None
        self._note_time: int | None = None
        self._seen: int | None = None
        self._frozen = False

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
        self._seen = await self.ask(workspace.store.change_counter, token=False, group="view")
        has_data = await self.ask(monitor.has_agent_data, token=False, group="view")
        if self._guide_wanted or not has_data:
            await self._show_guide()
            return
        self.set_class(False, "-guide")
        if self._filter.time_range() is None:
            if self._range is None:
                self._range = await self.ask(monitor.best_range, token=False, group="view")
                self._chosen = self._range != DEFAULT_RANGE
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
        self._view, self._parts = view, parts
        nothing = not _has_sessions(view)
        self.set_class(nothing, "-nothing")
        self._say_words(view)
        if nothing:
            self._say_nothing()
        self._panels.show(view, self._now_ms)
        if not nothing and self.focused is None:
            self._panels.focus_first()
        self.aa.replace_address()
        self.refresh_frame()

    def _say_words(self, view: MonitorView) -> None:
        chosen = self._filter.time_range() or DEFAULT_RANGE
        range_words = chosen.words()
        group = next((words for key, words in GROUPS if key == self._grouping()), self._grouping())
        left = present.words(view, self._filter, range_words, group, self._chosen and chosen == self._range)
        verb = "frozen" if self._frozen else "as of"
        as_of = humanize.clock(self._now_ms, view.time_zone)
        self.set_words(left, Content.styled(f"{verb} {as_of} {safe_line(view.time_zone)}", themes.style("muted")))

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
        self.set_words(Content.styled("not read", themes.style("muted")))
        lines: list[str | Content] = [safe(error.message), safe(error.hint or ""), "", "r tries again"]
        self.query_one("#nothing", EmptyState).say("Monitor could not be read", lines, "bad")

    async def _show_guide(self) -> None:
        workspace = await self.ready()
        self.set_class(True, "-guide")
        self.set_words("get started", "")
        guide = self.query_one(GetStarted)
        rows = await self.ask(workspace.monitor.checklist, group="checklist")
        guide.begin(workspace.project.name, workspace.project.api_key, rows, empty=not self._guide_wanted)
        guide.focus()
        self.refresh_frame()

    # News ----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        super().on_mount()
        # Asking whether anything was committed costs microseconds and paints nothing.
        self.set_interval(5.0 if self.aa.remote else 2.0, self._watch)

    def _watch(self) -> None:
        if self.is_current and not self._frozen and self._seen is not None:
            self.load(self._look_for_news(), "news")

    async def _look_for_news(self) -> None:
        workspace = await self.ready()
        change = await self.ask(workspace.store.change_counter, group="news", token=False)
        if change == self._seen:
            return
        if self.has_class("-guide"):
            self._seen = change
            self.load(self._refresh_guide(), "guide")
        else:
            self.load(self._load(), "view")

    def action_app_freeze(self) -> None:
        """Hold what is shown, or follow new data again."""
        self._frozen = not self._frozen
        if self._frozen and self._view is not None:
            self._say_words(self._view)
        elif not self._frozen:
            self.load(self._load(), "view")

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
        return self._filter if self._filter.time_range() is not None else self._filter.with_range(DEFAULT_RANGE)

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
        wanted = self._base.with_range(behind.bucket_range(event.from_ms, event.to_ms, view.time_zone))
        groups = tuple(series.group for series in view.series if series.measure == event.measure)
        wanted = behind.behind_group(wanted, self._grouping(), event.group, groups)
        wanted = behind.behind_measure(wanted, event.measure, scored)
        self._open(wanted, shown(event.measure, scored).sort)

    @on(TileStrip.Opened)
    def _tile_opened(self, event: TileStrip.Opened) -> None:
        scored = self._view is not None and self._view.scored > 0
        sort = "" if event.tile.startswith("rule:") else shown(event.tile, scored).sort
        self._open(behind.behind_measure(self._base, event.tile, scored), sort)

    @on(StatTable.RowOpened)
    def _row_opened(self, event: StatTable.RowOpened) -> None:
        self._open(behind.behind_row(self._base, event.table.id or "", event.key))

    # Refresh, notes, guide -----------------------------------------------------------------------------------

    def action_monitor_refresh(self) -> None:
        """Read again."""
        if self._guide_wanted:
            self.load(self._refresh_guide(), "guide")
        else:
            self.load(self._load(), "view")

    def action_guide_demo(self) -> None:
        """Open the sample project, in a store of its own."""
        self.aa.use_sample()

    def action_guide_refresh(self) -> None:
        """Read the checklist again."""
        self.load(self._refresh_guide(), "guide")

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
        """Show how data comes in."""
        self.go(Address("monitor", {}, None, "get-started"))

    def action_app_escape(self) -> None:
        """Leave the guide where there is something else to see."""
        if self._guide_wanted:
            self.aa.action_app_back()

    def scope(self) -> str:
        return "guide" if self.has_class("-guide") else self.SCOPE

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
        in_guide = self.has_class("-guide")
        if action_id.startswith("guide.") and not in_guide:
            return "only in the guide (:get-started)"
        if action_id.startswith("monitor.") and in_guide and action_id != "monitor.get_started":
            return "there is nothing to see yet" if not self._guide_wanted else "leave the guide first (esc)"
        return super().why_not(action_id)


def _has_sessions(view: MonitorView) -> bool:
    tile = view.tiles.get("sessions")
    return bool(tile is not None and tile.value) or view.untimed > 0
