"""The Monitor screen: which panels there are, which service call fills them, what opening something leads to.

What a view looks like is decided in `present`, how much fits in `layout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.model.filter import Filter, to_link_params
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError, UsageError
from aa_tui.screens.monitor import behind, present, reading
from aa_tui.screens.monitor.measures import GROUPS, shown
from aa_tui.screens.monitor.menus import MonitorMenus
from aa_tui.screens.monitor.panels import Panels
from aa_tui.screens.monitor.reading import DEFAULT_RANGE, GUIDE
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import width_of
from aa_tui.widgets.charts import Chart
from aa_tui.widgets.safe_text import safe, safe_line
from aa_tui.widgets.stat_table import StatTable
from aa_tui.widgets.tile_strip import TileStrip

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import MonitorView
    from aa_tui.screens.get_started import GetStarted
    from aa_tui.widgets.empty_state import EmptyState
    from aa_tui.widgets.prompt import Prompt


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

    SETTLES_WITHIN = 0.5

    def __init__(self) -> None:
        super().__init__()
        self._view: MonitorView | None = None
        self._chosen = False
        self._guide_wanted = False
        self._now_ms: int | None = None
        self._note_time: int | None = None
        self._version: int | None = None
        self._frozen = False
        self._nothing_shown: EmptyState | None = None
        self._guide_shown: GetStarted | None = None
        self._note: Prompt | None = None

    # Composition ---------------------------------------------------------------------------------------------

    def compose_body(self) -> Iterator[Any]:
        # What most visits do not see is mounted when it is first wanted.
        yield Panels(id="panels")

    @property
    def _nothing(self) -> EmptyState:
        if self._nothing_shown is None:
            from aa_tui.widgets.empty_state import EmptyState

            self._nothing_shown = EmptyState(id="nothing")
            self._body.mount(self._nothing_shown)
        return self._nothing_shown

    @property
    def _guide(self) -> GetStarted:
        if self._guide_shown is None:
            from aa_tui.screens.get_started import GetStarted

            self._guide_shown = GetStarted(id="guide")
            self._body.mount(self._guide_shown)
        return self._guide_shown

    # Address -------------------------------------------------------------------------------------------------

    def address(self) -> Address:
        if self._guide_wanted:
            return Address("monitor", {}, None, GUIDE)
        return Address("monitor", self._asked.params())

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        self._guide_wanted = address.tab == GUIDE
        try:
            self._asked = reading.asked(address)
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
        if self._guide_wanted:
            await self._show_guide()
            return
        answer = await self.ask(reading.read, workspace, self._asked, self._range, group="view")
        self._version = answer.version
        if answer.view is None:
            await self._show_guide()
            return
        self.set_class(False, "-guide")
        if self._range is None:
            self._chosen = answer.chosen is not None and answer.chosen != DEFAULT_RANGE
        self._range = answer.chosen
        self._asked = self._asked._replace(filter=answer.filter)
        self._parts, self._now_ms = answer.parts, answer.now_ms
        self._apply(answer.view)
        if answer.view.tools is None:
            self.load(self._load_tables(answer.filter), "tables")

    async def _load_tables(self, f: Filter) -> None:
        workspace = await self.ready()
        asked = workspace.monitor.tables
        self._panels.show_tables(await self.ask(asked, f, interval=self._asked.interval, group="tables"))

    def _apply(self, view: MonitorView) -> None:
        self._view = view
        nothing = not reading.has_sessions(view)
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
        group = next((words for key, words in GROUPS if key == self._asked.grouping), self._asked.grouping)
        verb = "frozen" if self._frozen else "as of"
        as_of = f"{verb} {humanize.clock(self._now_ms, view.time_zone)}"
        said = (view, self._filter, chosen.words(), group, self._chosen and chosen == self._range)
        whole = present.words(*said)
        rights = (f"{as_of} {safe_line(view.time_zone)}", as_of)
        rooms = [self.words_room - width_of(right) for right in rights]
        # The zone goes before the comparison does, but not where the comparison has to go all the same.
        pick = 1 if rooms[0] < width_of(whole) <= rooms[1] else 0
        self.set_words(present.words(*said, rooms[pick]), Content.styled(rights[pick], themes.style("muted")))

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
        self._nothing.say("Filtered to nothing", lines, "warn")

    def failed(self, group: str, error: AAError) -> None:
        """Say it where the data would be; what was there before stays, with the words at the bottom."""
        if group in ("view", "news"):
            # New figures that could not be read are tried again with the next look.
            self.news = True
        if group != "view":
            super().failed(group, error)
            return
        if self._view is not None:
            self.flash(f"{error} r tries again.", "bad")
            return
        self.set_class(True, "-nothing")
        self.set_words(Content.styled("not read", themes.style("muted")))
        lines: list[str | Content] = [safe(error.message), safe(error.hint or ""), "", "r tries again"]
        self._nothing.say("Monitor could not be read", lines, "bad")

    async def _show_guide(self) -> None:
        workspace = await self.ready()
        self.set_class(True, "-guide")
        self.set_words("get started", "")
        guide = self._guide
        rows = await self.ask(workspace.monitor.checklist, group="checklist")
        guide.begin(workspace.project.name, workspace.project.api_key, rows, empty=not self._guide_wanted)
        guide.focus()
        self.refresh_frame()

    # News ----------------------------------------------------------------------------------------------------

    def store_changed(self) -> bool:
        """Something was committed: take new figures in, where the cursor stays."""
        if not self.is_current or self._frozen or self._version is None:
            return False
        if self.at_work("view") or self.at_work("news"):
            return False
        self.load(self._look_for_news(), "news")
        return True

    async def _look_for_news(self) -> None:
        workspace = await self.ready()
        version = await self.ask(workspace.data_version, group="news", token=False)
        if version == self._version:
            # Another project, a lease, a receiver's own words: the figures here are what they were.
            return
        if self.has_class("-guide"):
            self._version = version
            self.load(self._refresh_guide(), "guide")
        else:
            self.load(self._load(), "view")

    async def imported(self) -> None:
        """Take the range that holds the newest data, unless a person chose another."""
        if self.has_class("-guide"):
            self.load(self._refresh_guide(), "guide")
        elif self._range is not None and self._filter.time_range() == self._range:
            self._range, self._asked = None, self._asked._replace(filter=self._filter.with_range(None))
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
        self._guide.show(rows)
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
        wanted = behind.behind_group(wanted, self._asked.grouping, event.group, groups)
        wanted = behind.behind_measure(wanted, event.measure, scored)
        self._open(wanted, shown(event.measure, scored).sort)

    @on(TileStrip.Opened)
    def _tile_opened(self, event: TileStrip.Opened) -> None:
        scored = self._view is not None and self._view.scored > 0
        sort = "" if event.tile.startswith("rule:") else shown(event.tile, scored).sort
        self._open(behind.behind_measure(self._base, event.tile, scored), sort)

    @on(StatTable.RowOpened)
    def _row_opened(self, event: StatTable.RowOpened) -> None:
        self._open(behind.behind_row(self._base, event.panel.id or "", event.key, self._panels.topics_from))

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
        if self._note is None:
            from aa_tui.widgets.prompt import Prompt

            self._note = Prompt("N", "a note at this time", id="note")
            await self._body.mount(self._note)
        await self._note.open()

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
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
        self.go(Address("monitor", {}, None, GUIDE))

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
        self._view, self._version, self._range, self._chosen, self._parts = None, None, None, False, ()
        self._asked = reading.Asked()

    def on_resize(self, event: events.Resize) -> None:
        """Say as much as there is room for now."""
        if self._view is not None:
            self._say_words(self._view)

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
