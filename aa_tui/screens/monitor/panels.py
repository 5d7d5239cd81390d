"""The panels of Monitor as one pane: where tiles, charts and tables stand, and how keys move over them.

Takes a `MonitorView`; asks nothing and opens nothing: what is opened goes up as the panels' own messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult

from aa_tui.screens.monitor import present
from aa_tui.screens.monitor.layout import FRAME_ROWS, Layout, layout_for
from aa_tui.screens.monitor.measures import SLOTS
from aa_tui.screens.monitor.tables import tables, tools_table, topics_table
from aa_tui.widgets.charts import Chart
from aa_tui.widgets.panel import Panel
from aa_tui.widgets.room import Room
from aa_tui.widgets.stat_table import StatTable
from aa_tui.widgets.tile_strip import TileStrip

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import MonitorTables, MonitorView

TABLES = ("agents", "tools", "errors", "rules", "topics")
"""The tables by id, in the order of the tabs."""

_TABLE_ROWS = (TABLES[:2], TABLES[2:])
_FIRST_LOOK = ("success", "error_rate", "latency_p90", "cost")
"""Where something going wrong is looked for, in this order."""


class Panels(Room):
    """Tiles above charts above tables; as many as there is room for."""

    DEFAULT_CSS = """
    Panels #charts { layout: grid; grid-rows: 1fr; }
    Panels .table-row { layout: horizontal; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: MonitorView | None = None
        self._now_ms: int | None = None
        self._grouped = False
        self._slots = list(SLOTS)
        self._layout: Layout | None = None
        self._table = TABLES[0]
        self.topics_from = ""
        """The evaluator whose classes the topics are; empty for what signals and senders say."""
        self._tiles = TileStrip(id="tiles")
        self._all_charts = tuple(Chart(id=f"chart-{index}") for index in range(len(SLOTS)))
        self._grid = Room(*self._all_charts, id="charts")
        self._tables = {name: StatTable(name.capitalize(), id=name) for name in TABLES}
        self._table_rows = tuple(
            Room(*(self._tables[name] for name in names), classes="table-row") for names in _TABLE_ROWS
        )

    def compose(self) -> ComposeResult:
        # Divided before anything is mounted, so that the first layout stays.
        self._arrange(self.app.size.width, self.app.size.height - FRAME_ROWS)
        yield self._tiles
        yield self._grid
        yield from self._table_rows

    def on_resize(self, event: events.Resize) -> None:
        """Divide the new space."""
        self._arrange(event.size.width, event.size.height)

    # What is shown -------------------------------------------------------------------------------------------

    def show(self, view: MonitorView, now_ms: int | None) -> None:
        """Show a view; buckets that end after `now_ms` are unfinished."""
        if view.tools is None and self._view is not None:
            # The former ones stand until `show_tables`: a table that empties and fills again is unquiet.
            view = view._replace(tools=self._view.tools)
        self._view, self._now_ms = view, now_ms
        self._grouped = any(series.group for series in view.series)
        self._arrange(self.size.width, self.size.height)
        self._tiles.set(present.tiles(view))
        self._fill_charts()
        for name, table in tables(view).items():
            self._tables[name].set(table.columns, table.rows, note=table.note, empty=table.empty)

    def show_tables(self, more: MonitorTables) -> None:
        """Show what comes after the figures: tools, and what is known of topics."""
        if self._view is None:
            return
        self._view, self.topics_from = self._view._replace(tools=more.tools), more.topics_from
        for name, table in (("tools", tools_table(self._view)), ("topics", topics_table(more, self._view))):
            self._tables[name].set(table.columns, table.rows, note=table.note, empty=table.empty)

    def _fill_charts(self) -> None:
        view = self._view
        there = present.measures(view) if view is not None else ()
        if view is None or not there:
            return
        for index, chart in enumerate(self._all_charts):
            if self._slots[index] not in there:
                self._slots[index] = next((each for each in there if each not in self._slots), there[0])
            chart.spec = present.chart(view, self._slots[index], self._now_ms)

    def next_measure(self) -> None:
        """Show the next measure in the focused chart."""
        chart = self.screen.focused
        if self._view is None or not isinstance(chart, Chart):
            return
        index = self._all_charts.index(chart)
        there = present.measures(self._view)
        now = self._slots[index]
        self._slots[index] = there[(there.index(now) + 1) % len(there)] if now in there else there[0]
        chart.spec = present.chart(self._view, self._slots[index], self._now_ms)

    # Where it stands -----------------------------------------------------------------------------------------

    def _arrange(self, width: int, height: int) -> None:
        plan = layout_for(width, height, self._grouped)
        if plan == self._layout or not width:
            return
        self._layout = plan
        styles = self._grid.styles
        styles.grid_size_columns, styles.grid_size_rows = plan.across, plan.down
        styles.height = plan.down * plan.chart_height
        for index, chart in enumerate(self._all_charts):
            chart.display = index < plan.charts
        self._arrange_tables(plan)

    def _arrange_tables(self, plan: Layout) -> None:
        titles = [] if plan.all_tables else [table.title for table in self._tables.values()]
        for name, table in self._tables.items():
            table.display = plan.all_tables or name == self._table
            table.set_tabs(titles)
        for row, names in zip(self._table_rows, _TABLE_ROWS, strict=True):
            row.display = any(self._tables[name].display for name in names)

    @property
    def _charts(self) -> tuple[Chart, ...]:
        """The charts there is room for."""
        return self._all_charts[: self._layout.charts] if self._layout else ()

    # Moving --------------------------------------------------------------------------------------------------

    @property
    def current(self) -> Panel | None:
        """The panel in focus."""
        focused = self.screen.focused
        return focused if isinstance(focused, Panel) else None

    def focus_first(self) -> None:
        """Begin where something stands out, so that one key opens what went wrong."""
        charts = [chart for chart in self._charts if chart.spec is not None]
        by_measure = {chart.spec.measure: chart for chart in charts if chart.spec is not None}
        order = [by_measure[name] for name in _FIRST_LOOK if name in by_measure]
        standing_out = [chart for chart in order if chart.stands_out]
        first = next(iter(standing_out or order or charts), None)
        (first or self._tiles).focus()

    def _rows(self) -> list[list[Panel]]:
        charts: list[Panel] = list(self._charts)
        across = self._layout.across if self._layout else 1
        rows: list[list[Panel]] = [[self._tiles]]
        rows += [charts[first : first + across] for first in range(0, len(charts), across)]
        for names in _TABLE_ROWS:
            shown: list[Panel] = [self._tables[name] for name in names if self._tables[name].display]
            if shown:
                rows.append(shown)
        return rows

    def step(self, down: int, across: int) -> None:
        """Move within the focused panel; at its edge, to the panel that stands beyond."""
        panel = self.current
        rows = self._rows()
        if panel is None:
            self.focus_first()
            return
        if (down and panel.step_down(down)) or (across and panel.step_across(across)):
            return
        row = next((index for index, panels in enumerate(rows) if panel in panels), 0)
        column = rows[row].index(panel) if panel in rows[row] else 0
        if across and isinstance(panel, StatTable) and self._layout and not self._layout.all_tables:
            self.turn_table(across)
        elif across and 0 <= column + across < len(rows[row]):
            rows[row][column + across].focus()
        elif down and 0 <= row + down < len(rows):
            there = rows[row + down]
            there[min(len(there) - 1, column * len(there) // max(1, len(rows[row])))].focus()

    def next_panel(self, by: int) -> None:
        """Focus the next panel in reading order (the previous with -1), around the end."""
        flat = [panel for row in self._rows() for panel in row]
        panel = self.current
        flat[(flat.index(panel) + by) % len(flat) if panel in flat else 0].focus()

    def turn_table(self, by: int) -> None:
        """Show and focus the next table."""
        self._show_table(TABLES[(TABLES.index(self._table) + by) % len(TABLES)])

    def _show_table(self, name: str) -> None:
        self._table = name
        if self._layout is not None:
            self._arrange_tables(self._layout)
        self._tables[name].focus()

    @on(StatTable.TabChosen)
    def _tab_chosen(self, event: StatTable.TabChosen) -> None:
        event.stop()
        self._show_table(TABLES[event.index])
