"""Widgets that paint whole lines themselves, and the preview drawn that way."""

from __future__ import annotations

from typing import Any, cast

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from aa_tui.widgets.session_preview import SessionPreview
from aa_tui.widgets.textual_compat import OwnLines
from tests.driving import app_on, lines, settle
from tests.fakes import FakeWorkspace


class Counting(OwnLines):
    """Says on each line how often that line was drawn."""

    DEFAULT_CSS = "Counting { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.drawn: dict[int, int] = {}

    def render_line(self, y: int) -> Strip:
        self.drawn[y] = self.drawn.get(y, 0) + 1
        return Strip([Segment(f"line {y}, {self.drawn[y]}", self.visual_style.rich_style)])


class CountingApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Counting()


async def test_only_lines_that_changed_are_drawn_again() -> None:
    app = CountingApp()
    async with app.run_test(size=(30, 5)) as pilot:
        await pilot.pause()
        widget = app.query_one(Counting)
        widget.refresh()
        await pilot.pause()
        before = dict(widget.drawn)
        widget.refresh(Region(0, 1, 30, 1), Region(0, 3, 30, 1))
        await pilot.pause()
        assert {y for y in before if widget.drawn[y] != before[y]} == {1, 3}
        assert f"line 3, {widget.drawn[3]}" in lines(cast(Any, app))[3]
        assert all(strip.cell_length == 30 for strip in widget.render_lines(Region(0, 0, 30, 5)))
        assert [strip.text for strip in widget.render_lines(Region(5, 2, 1, 1))] == ["2"]


async def test_another_width_and_another_theme_draw_all_lines_again() -> None:
    app = CountingApp()
    async with app.run_test(size=(30, 5)) as pilot:
        await pilot.pause()
        widget = app.query_one(Counting)
        for change in (lambda: pilot.resize_terminal(20, 5), None):
            before = dict(widget.drawn)
            if change is None:
                app.theme = "textual-light"
            else:
                await change()
            await pilot.pause()
            await pilot.pause()
            assert all(widget.drawn[y] > before[y] for y in range(5))


async def test_the_preview_follows_the_cursor_and_paints_only_what_differs() -> None:
    app = app_on(FakeWorkspace(n=20), "sessions")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot, beyond=0.3)
        preview = app.screen.query_one(SessionPreview)
        before = [line[-44:] for line in lines(app)]
        painted: list[Region] = []
        refresh = preview.refresh
        preview.refresh = lambda *regions, **how: (painted.extend(regions), refresh(*regions, **how))[1]  # type: ignore
        await pilot.press("j")
        await settle(pilot, beyond=0.3)
        shown = [line[-44:] for line in lines(app)]
        assert "Dispute a chargeback" in shown[2] and "issue_refund ✗" in "".join(shown)
        top = preview.region.y
        changed = {y - top for y in range(top, top + preview.size.height) if shown[y] != before[y]}
        assert {region.y for region in painted} == changed and 0 < len(changed) < preview.size.height // 2
