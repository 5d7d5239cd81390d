"""Monitor driven by keys on a fake service, and once on the small sample; its presenter and layout as functions."""

from __future__ import annotations

from typing import Any, cast

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from aa_tui.address import Address, parse_address
from aa_tui.app import AAApp, AppOptions
from aa_tui.backend.model.filter import Filter, from_link_params, parse_filter
from aa_tui.backend.model.text_switches import SWITCHES
from aa_tui.backend.query.readmodels import CheckRow
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import DAY_MS, parse_iso_ms
from aa_tui.backend.support.errors import StoreError
from aa_tui.screens.get_started import GetStarted
from aa_tui.screens.monitor import behind, present
from aa_tui.screens.monitor.layout import layout_for
from aa_tui.screens.monitor.screen import MonitorScreen
from aa_tui.widgets.charts import Chart
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.stat_table import StatTable
from aa_tui.widgets.tile_strip import TileStrip
from tests.tui import fakes_monitor as fakes


class Recording(AAApp):
    """The app, noting where it was asked to go instead of going there."""

    def __init__(self, workspace: Any, address: str = "monitor", **options: Any) -> None:
        super().__init__(lambda *_: workspace, address, AppOptions(remember=False, **options))
        self.gone: list[Address] = []

    def go(self, address: Address | str) -> None:
        self.gone.append(address if isinstance(address, Address) else parse_address(address))


async def settled(pilot: Pilot[Any]) -> MonitorScreen:
    """Wait until nothing is asked for any more; return the screen."""
    app = cast(AAApp, pilot.app)
    for _ in range(200):
        await pilot.pause(0.01)
        if app.idle and app.workspace is not None:
            break
    await pilot.pause()
    return cast(MonitorScreen, app.screen_stack[0])


def words(screen: MonitorScreen) -> str:
    return screen.query_one("#words", OneLine).plain


def opened(app: Recording) -> tuple[Filter, str]:
    """The filter and the order the last opened list has."""
    address = app.gone[-1]
    assert address.section == "sessions"
    params = dict(address.params)
    sort = params.pop("sort", "")
    return from_link_params(params), sort


def screen_text(app: AAApp) -> str:
    height = app.size.height
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])


# What is shown ---------------------------------------------------------------------------------------------------


async def test_the_incident_is_under_the_cursor_and_enter_leads_to_its_failing_sessions() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = screen.focused
        assert isinstance(chart, Chart) and chart.spec is not None and chart.spec.measure == "success"
        reach = chart.cursor_range
        assert reach is not None and (reach[0] - fakes.FROM) // DAY_MS in fakes.INCIDENT
        assert "Nov 9" in chart.readout() and "n41" in chart.readout()
        await pilot.press("enter")
        wanted, _ = opened(app)
        assert wanted == parse_filter("date:2026-11-09..2026-11-09 signal:task_completion=false")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 48), (60, 20)])
async def test_every_size_shows_tiles_charts_and_tables_within_the_screen(size: tuple[int, int]) -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        plan = layout_for(size[0], size[1] - 3)
        charts = [chart for chart in screen.query(Chart) if chart.display]
        assert len(charts) == plan.charts
        whole = Region(0, 0, *size)
        for panel in (*charts, screen.query_one(TileStrip), *(t for t in screen.query(StatTable) if t.display)):
            assert whole.contains_region(panel.region) and panel.region.height >= 3
        text = screen_text(app)
        assert "sessions" in text and "support-bot" in text and "? help" in text
        assert ("Tools" in text) and ("Topics" in text)
        shown = [table for table in screen.query(StatTable) if table.display]
        assert len(shown) == (5 if plan.all_tables else 1)


async def test_line_two_says_filter_range_comparison_and_zone() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        assert "all agents · last 30 days · against the 30 days before" in words(screen)
        assert words(screen).endswith("as of 14:02:11 UTC")


@pytest.mark.parametrize(("width", "comparison"), [(120, True), (80, False), (60, False)])
async def test_line_two_keeps_filter_group_and_range_whole_where_it_is_narrow(width: int, comparison: bool) -> None:
    app = Recording(fakes.workspace(), "monitor?by=agent")
    async with app.run_test(size=(width, 24)) as pilot:
        screen = await settled(pilot)
        assert words(screen).startswith("all agents · by agent · last 30 days")
        assert ("against the 30 days before" in words(screen)) is comparison
        assert "as of 14:02:11" in words(screen)
        line = screen_text(app).splitlines()[1]
        assert "…" not in line and " ".join(line.split()) == words(screen)
        await pilot.resize_terminal(160, 24)
        await settled(pilot)
        assert "against the 30 days before" in words(screen) and words(screen).endswith("UTC")


def test_a_long_filter_gives_way_to_the_range() -> None:
    base = parse_filter("topic:refunds model:gpt* errors>0 since:7d")
    text = present.words(fakes.view(), base, "last 7 days", "", False, 40)
    assert text.endswith("… · last 7 days") and len(text) == 40


async def test_a_range_chosen_for_the_newest_data_says_so() -> None:
    monitor = fakes.FakeMonitor(best="90d")
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        assert monitor.asked[-1][0] == "since:90d"
        assert "last 90 days, the newest data" in words(screen)


async def test_without_scores_quality_is_headed_from_rules_and_shows_rule_tiles() -> None:
    app = Recording(fakes.workspace(fakes.FakeMonitor(scored=0)))
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await settled(pilot)
        text = screen_text(app)
        assert "from rules, no model" in text and "No rule hit %" in text and "Task completed" not in text
        assert "sample (recorded)" not in text
        strip = screen.query_one(TileStrip)
        strip.focus()
        await pilot.press("end", "enter")
        wanted, _ = opened(app)
        assert wanted.values("rule")


async def test_recorded_sample_verdicts_are_named_where_quality_is_shown() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        screen.query_one("#chart-0", Chart).focus()
        await pilot.pause()
        lines = [line for line in screen_text(app).splitlines() if "sample (recorded)" in line]
        assert len(lines) == 2 and "Task completed %" in lines[0] and "Agents" in lines[1]


async def test_untimed_sessions_are_counted_in_words() -> None:
    view = fakes.view()._replace(untimed=12)
    text = present.words(view, Filter(), "last 30 days", "", False)
    assert text.endswith("12 sessions without a time left out of charts")


# Moving and opening ----------------------------------------------------------------------------------------------


async def test_arrows_move_over_buckets_and_between_panels() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = cast(Chart, screen.focused)
        before = chart.cursor_range
        await pilot.press("right")
        after = chart.cursor_range
        assert before is not None and after is not None and after[0] == before[1]
        await pilot.press("up")
        assert isinstance(screen.focused, TileStrip)
        await pilot.press("down", "down")
        assert screen.focused is screen.query_one("#chart-2")
        await pilot.press("down")
        assert screen.focused is screen.query_one("#agents")
        await pilot.press("down", "enter")
        assert opened(app)[0] == parse_filter("since:30d agent:coding-agent")


async def test_a_cursor_move_repaints_only_its_buckets_readout_and_axis() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = cast(Chart, screen.focused)
        painted: list[Region] = []
        original = chart.refresh

        def refresh(*regions: Region, **kwargs: Any) -> Any:
            painted.extend(regions or (chart.region,))
            return original(*regions, **kwargs)

        chart.refresh = refresh  # type: ignore[method-assign]
        chart.step_across(1)
        cells = sum(region.area for region in painted)
        assert 0 < cells < chart.size.width * 2


async def test_tables_are_tabs_where_space_is_short() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("right_square_bracket")
        assert screen.focused is screen.query_one("#tools")
        await pilot.press("right", "enter")
        assert screen.focused is screen.query_one("#errors")
        assert opened(app)[0] == parse_filter("since:30d error:TimeoutError")
        await pilot.press("left_square_bracket", "down", "enter")
        assert opened(app)[0] == parse_filter("since:30d tool:issue_refund")


@pytest.mark.parametrize(
    ("presses", "text", "sort"),
    [
        (0, "since:30d", ""),
        (2, "since:30d signal:task_completion=false", ""),
        (4, "since:30d", "-cost"),
        (6, "since:30d errors>0", ""),
    ],
)
async def test_tiles_open_the_sessions_they_are_about(presses: int, text: str, sort: str) -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        screen.query_one(TileStrip).focus()
        await pilot.press("home", *["right"] * presses, "enter")
        assert opened(app) == (parse_filter(text), sort)


async def test_a_measure_is_cycled_in_the_focused_chart() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = cast(Chart, screen.focused)
        seen = []
        for _ in range(8):
            await pilot.press("m")
            seen.append(chart.spec.measure if chart.spec else "")
        assert "error_rate" in seen and "friction" in seen and len(set(seen)) == 8


async def test_a_click_moves_the_cursor_and_a_double_click_opens() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = cast(Chart, screen.focused)
        await pilot.click(chart, offset=(10, 3))
        first = chart.cursor_range
        await pilot.click(chart, offset=(10, 3), times=2)
        assert first is not None and app.gone
        assert opened(app)[0].time_range() == behind.bucket_range(*first, "UTC")


# Filter, range, interval, group, agents --------------------------------------------------------------------------


async def test_a_typed_filter_is_asked_for_and_becomes_the_address() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("slash")
        await pilot.pause()
        await pilot.press(*"error:TimeoutError", "enter")
        await settled(pilot)
        assert parse_filter(monitor.asked[-1][0]) == parse_filter("since:30d error:TimeoutError")
        assert str(screen.address()) == "monitor?since=30d&errors=TimeoutError"


async def test_a_wrong_filter_says_where_and_changes_nothing() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        asked = len(monitor.asked)
        await pilot.press("slash")
        await pilot.pause()
        await pilot.press(*"agnt:x", "enter")
        await settled(pilot)
        assert "agent" in screen.query_one("#filter-hint", OneLine).plain
        assert len(monitor.asked) == asked


async def test_menus_change_time_interval_and_group() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("t")
        await pilot.pause()
        await pilot.press("up", "enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:7d", "auto", None)
        await pilot.press("i")
        await pilot.pause()
        await pilot.press("down", "enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:7d", "hour", None)
        await pilot.press("g")
        await pilot.pause()
        await pilot.press("down", "enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:7d", "hour", "agent")
        assert "by agent" in words(screen)
        assert str(screen.address()) == "monitor?since=7d&by=agent&interval=hour"


async def test_groups_are_multiples_whose_cursor_picks_one() -> None:
    app = Recording(fakes.workspace(), "monitor?since=30d&by=agent")
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await settled(pilot)
        chart = screen.query_one("#chart-0", Chart)
        chart.focus()
        await pilot.press("down")
        assert chart.cursor_group == "coding-agent"
        await pilot.press("enter")
        assert opened(app)[0].values("agent") == ("coding-agent",)
        await pilot.press("down", "down", "enter")
        wanted = opened(app)[0]
        assert not wanted.values("agent") and "-agent:support-bot" in wanted.to_text()
        await pilot.press("down")
        assert screen.focused is not chart


async def test_an_agent_in_focus_is_compared_with_another_by_lines_per_agent() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("a")
        await settled(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:30d agent:support-bot", "auto", None)
        await pilot.press("equals_sign")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:30d agent:support-bot,coding-agent", "auto", "agent")
        assert "support-bot against coding-agent" in words(screen)


async def test_with_all_agents_two_are_chosen_one_after_the_other() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("equals_sign")
        await settled(pilot)
        assert "Compare which agent" in screen_text(app)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert "Compare support-bot with" in screen_text(app) and monitor.asked[-1] == ("since:30d", "auto", None)
        await pilot.press("enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:30d agent:support-bot,coding-agent", "auto", "agent")
        await pilot.press("equals_sign")
        await settled(pilot)
        assert "Compare support-bot and coding-agent with" in screen_text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert screen._filter.values("agent") == fakes.GROUPS
        await pilot.press("equals_sign")
        await settled(pilot)
        assert "compared already" in app.messages[-1]


async def test_every_agent_by_itself_is_one_choice_away() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("equals_sign")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert monitor.asked[-1] == ("since:30d", "auto", "agent")


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (52, 16)])
async def test_a_focused_chart_says_what_it_is_beside_its_value(size: tuple[int, int]) -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        for chart in (chart for chart in screen.query(Chart) if chart.display and chart.spec is not None):
            chart.focus()
            await pilot.pause()
            for step in (-40, 3, 5, 40):
                chart.step_across(step)
                title, right = chart._heading()
                assert chart.spec is not None and title in (chart.spec.title, chart.spec.short)
                assert "…" not in right and any(char.isdigit() for char in right)
                assert (right[:3] in ("Oct", "Nov")) or size[0] < 60
                assert f" {title} " in chart.render_line(0).text and right in chart.render_line(0).text


async def test_the_cursor_covers_no_letter_of_a_date() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        chart = cast(Chart, screen.focused)
        picture = chart._drawn()
        assert picture is not None
        dates = [char for char, role in picture.axis if role == "date"]
        assert dates
        for _ in range(31):
            axis = chart.render_line(chart.size.height - 1)
            letters = [char for char in axis.text if char.isalnum()]
            assert letters == [char for char in dates if char.isalnum()]
            chart.step_across(1)
            await pilot.pause()


# Notes, definitions ----------------------------------------------------------------------------------------------


async def test_a_note_is_kept_at_the_cursors_time() -> None:
    workspace = fakes.workspace()
    app = Recording(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        reach = cast(Chart, screen.focused).cursor_range
        await pilot.press("N")
        await pilot.pause()
        await pilot.press(*"rolled back", "enter")
        await settled(pilot)
        assert reach is not None and workspace.views.notes == [(reach[0], "rolled back")]


async def test_help_begins_with_what_the_number_under_the_cursor_means() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await settled(pilot)
        lines = screen.explain()
        assert lines[0].startswith("Success rate. Share of scored sessions")
        assert any(line.startswith("Out of: sessions on which Task Completed ran") and "931" in line for line in lines)
        assert "Good above 80 %, poor below 60 %, fair between." in lines
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Share of scored sessions" in screen_text(app)


# Nothing, four ways ----------------------------------------------------------------------------------------------


async def test_filtered_to_nothing_offers_to_drop_what_excludes_most() -> None:
    monitor = fakes.FakeMonitor()
    monitor.nothing = True
    app = Recording(fakes.workspace(monitor), "monitor?since=30d&agents=nobody")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        said = screen.query_one("#nothing", EmptyState)
        assert said.display and "agent:nobody excludes most: 40 sessions without it." in said.plain
        monitor.nothing = False
        await pilot.press("x")
        await settled(pilot)
        assert monitor.asked[-1][0] == "since:30d" and not said.display


async def test_a_failure_says_what_happened_and_r_tries_again() -> None:
    monitor = fakes.FakeMonitor()
    monitor.error = StoreError("The store is locked by another program.", "Close it and try again.")
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        said = screen.query_one("#nothing", EmptyState)
        assert said.display and "locked by another program" in said.plain and "r tries again" in said.plain
        monitor.error = None
        await pilot.press("r")
        await settled(pilot)
        assert not said.display and "support-bot" in screen_text(app)


async def test_a_failed_refresh_keeps_what_was_shown() -> None:
    monitor = fakes.FakeMonitor()
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        monitor.error = StoreError("The store is locked.")
        await pilot.press("r")
        await settled(pilot)
        assert "support-bot" in screen_text(app) and "The store is locked." in app.messages[-1]
        assert not screen.has_class("-nothing")


async def test_no_data_shows_the_guide_with_key_and_checklist_that_follows_the_store() -> None:
    monitor = fakes.FakeMonitor(has_data=False)
    workspace = fakes.workspace(monitor)
    app = Recording(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        guide = screen.query_one(GetStarted)
        text = screen_text(app)
        assert "No agent data yet" in text and "first session record" in text
        assert guide.display and "aa-tui import" in text and "aa_k3y00000000" in text and "--project demo" in text
        assert guide.done == (3, 7)
        monitor.rows = (*monitor.rows[:3], CheckRow("user", "user", True, 12, 12, ""), *monitor.rows[4:])
        app.watching.look()
        await settled(pilot)
        assert guide.done == (3, 7), "nothing was committed yet"
        workspace.store.changes += 1
        app.watching.look()
        await settled(pilot)
        assert guide.done == (4, 7)
        monitor.has_data = True
        workspace.store.changes += 1
        app.watching.look()
        await settled(pilot)
        assert not guide.display and "support-bot" in screen_text(app)


async def test_a_red_row_names_the_switch_that_keeps_texts_back_whole() -> None:
    monitor = fakes.FakeMonitor(has_data=False)
    hint = "\n".join(f"2 sessions, {SWITCHES[name].words}" for name in ("openinference", "otel-genai"))
    monitor.rows = (*monitor.rows[:5], CheckRow("text", "no text", False, 0, 12, hint, failed=True))
    app = Recording(fakes.workspace(monitor))
    async with app.run_test(size=(80, 30)) as pilot:
        screen = await settled(pilot)
        text = " ".join(screen_text(app).split())
        for name in ("openinference", "otel-genai"):
            for piece in SWITCHES[name].switch.split():
                assert piece in text
        assert "no text" in text and "what to do" not in text
        guide = screen.query_one(GetStarted)
        row = next(line for line in guide.render().split("\n") if "no text" in line.plain)
        assert any("bold" in str(span.style) for span in row.spans)


async def test_the_guide_can_be_asked_for_and_left() -> None:
    app = AAApp(lambda *_: fakes.workspace(), "monitor?since=30d", AppOptions(remember=False))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"get-started", "enter")
        await settled(pilot)
        assert screen.query_one(GetStarted).display and "No agent data yet" not in screen_text(app)
        assert str(screen.address()) == "monitor/get-started"
        await pilot.press("escape")
        await settled(pilot)
        assert not screen.query_one(GetStarted).display and "support-bot" in screen_text(app)
        assert str(screen.address()) == "monitor?since=30d"


# Looks -----------------------------------------------------------------------------------------------------------


async def test_ascii_draws_nothing_else() -> None:
    app = Recording(fakes.workspace(), ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        text = screen_text(app)
        assert [char for char in text if ord(char) > 126] == []


async def test_an_idle_monitor_paints_nothing() -> None:
    app = Recording(fakes.workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.pause(0.2)
        painted: list[Any] = []
        for widget in screen.walk_children():
            widget.refresh = lambda *a, w=widget, **k: painted.append(w)  # type: ignore[method-assign]
        await pilot.pause(1.2)
        assert painted == []


async def test_new_data_is_taken_in_without_moving_the_cursor_unless_frozen() -> None:
    monitor = fakes.FakeMonitor()
    workspace = fakes.workspace(monitor)
    app = Recording(workspace)
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("left", "left")
        chart = cast(Chart, screen.focused)
        before, asked = chart.cursor_range, len(monitor.asked)
        app.watching.look()
        await settled(pilot)
        assert len(monitor.asked) == asked, "nothing was committed"
        workspace.store.changes += 1
        workspace.clock.advance(61_000)
        app.watching.look()
        await settled(pilot)
        assert len(monitor.asked) == asked + 1 and chart.cursor_range == before and screen.focused is chart
        assert "as of 14:03:12" in words(screen)
        await pilot.press("w")
        workspace.store.changes += 1
        app.watching.look()
        await settled(pilot)
        assert len(monitor.asked) == asked + 1 and "frozen 14:03:12" in words(screen)
        await pilot.press("w")
        await settled(pilot)
        assert len(monitor.asked) == asked + 2 and "as of" in words(screen)


async def test_commits_that_change_no_figure_are_not_read_for() -> None:
    """A receiver renews its lease every few seconds; a screen that was redrawn for that would never be idle."""
    monitor = fakes.FakeMonitor()
    workspace = fakes.workspace(monitor)
    workspace.data_version = lambda: 7
    app = Recording(workspace)
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        asked, said = len(monitor.asked), words(screen)
        for _ in range(2):
            workspace.store.changes += 1
            workspace.clock.advance(61_000)
            app.watching.look()
            await settled(pilot)
        assert (len(monitor.asked), words(screen)) == (asked, said)
        workspace.store.changes += 1
        workspace.data_version = lambda: 8
        app.watching.look()
        await settled(pilot)
        assert len(monitor.asked) == asked + 1


async def test_hostile_names_reach_no_cell_as_they_are() -> None:
    bad = "\x1b]52;c;AAAA\x07[/x]\u202egpj"
    view = fakes.view(groups=(bad, "b", "c"), grouped=True)
    stat = view.agents[0]._replace(agent=bad, topics=(bad,))
    view = view._replace(agents=(stat,), scored_by=bad, time_zone="UTC")
    monitor = fakes.FakeMonitor()
    monitor.view = lambda *a, **k: view  # type: ignore[method-assign]
    app = Recording(fakes.workspace(monitor), "monitor?since=30d&by=agent")
    async with app.run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        text = screen_text(app)
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
        assert "[/x]" in text


# Presenter and layout --------------------------------------------------------------------------------------------


def test_tiles_say_value_change_band_and_denominator() -> None:
    tiles = {tile.id: tile for tile in present.tiles(fakes.view())}
    assert (tiles["success"].value, tiles["success"].change, tiles["success"].band, tiles["success"].n) == (
        "78 %",
        "▼ 3 pt",
        "fair",
        "n931",
    )
    assert tiles["success"].change_role == "bad" and tiles["friction"].change_role == "bad"
    assert tiles["quality"].change == "▼ .02" and tiles["quality"].band == "good"
    assert tiles["latency_p90"].value == "2.1 / 8.1 s"
    assert tiles["cost"].label == "list price"
    assert "latency_p50" not in tiles


def test_what_money_is_stands_in_its_heading() -> None:
    view = fakes.view()
    assert present.cost_head(view) == "list price"
    assert present.cost_head(view._replace(subscription=True)) == "subscription"
    assert present.cost_head(view._replace(cost_estimated=False)) == "cost"
    assert any("95 % of calls priced" in legend for legend in present.chart(view, "cost").legends)


def test_nothing_known_is_said_for_what_it_is() -> None:
    nothing = fakes.empty()
    assert present.chart(nothing, "cost").empty == "no cost known: no call is priced"
    assert present.chart(nothing, "sessions").empty == "nothing in this range"


@pytest.mark.parametrize(
    ("start", "end", "zone", "text"),
    [
        ("2026-11-13T00:00:00Z", "2026-11-14T00:00:00Z", "UTC", "2026-11-13..2026-11-13"),
        ("2026-11-13T14:00:00Z", "2026-11-13T15:00:00Z", "UTC", "2026-11-13T14:00..2026-11-13T15:00"),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "Europe/Vienna", "2026-10-25..2026-10-25"),
        ("2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z", "UTC", "2026-11-02..2026-11-08"),
    ],
)
def test_a_bucket_becomes_a_range_of_the_filter_language(start: str, end: str, zone: str, text: str) -> None:
    found = behind.bucket_range(parse_iso_ms(start), parse_iso_ms(end), zone)
    assert found.text == text
    assert found.bounds(0, zone) == (parse_iso_ms(start), parse_iso_ms(end))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 240])
@pytest.mark.parametrize("height", [9, 17, 21, 27, 45, 70])
@pytest.mark.parametrize("grouped", [False, True])
def test_panels_never_need_more_than_there_is(width: int, height: int, grouped: bool) -> None:
    plan = layout_for(width, height, grouped)
    assert 1 <= plan.charts <= 6
    left = height - 3 - plan.down * plan.chart_height
    assert left >= (0 if height < 13 else 5)
    assert plan.chart_height >= 3


def test_a_status_line_moves_no_chart() -> None:
    assert layout_for(80, 20) == layout_for(80, 21)


# On the sample ---------------------------------------------------------------------------------------------------


async def test_the_sample_fills_every_panel(sample: Workspace) -> None:
    app = Recording(sample)
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await settled(pilot)
        text = screen_text(app)
        assert "sample (recorded)" in text and "support-bot" in text
        assert all(chart.spec is not None and chart.spec.has_values for chart in screen.query(Chart))
        assert all(table.current is not None for table in screen.query(StatTable))
