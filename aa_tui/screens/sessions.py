"""The Sessions screen: filter, list, matched passage, preview. It routes; what rows look like is in the widgets."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual import events, on
from textual.containers import Horizontal
from textual.content import Content

from aa_tui import themes
from aa_tui.address import Address
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.base import SessionList
from aa_tui.screens.session_list_actions import SessionListActions
from aa_tui.widgets import glyphs
from aa_tui.widgets.columns import Line
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.passage import passage
from aa_tui.widgets.safe_text import safe
from aa_tui.widgets.session_columns import COLUMNS, line_of
from aa_tui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from aa_tui.backend.model.filter import Filter, Sort
    from aa_tui.backend.query.readmodels import SessionRow
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken
    from aa_tui.widgets.empty_state import EmptyState
    from aa_tui.widgets.filter_bar import FilterBar
    from aa_tui.widgets.session_preview import SessionPreview

T = TypeVar("T")

FIRST_PAGE = 100
_WIDE = 120
"""From this width on a preview stands beside the list."""


@dataclass(slots=True)
class Shown:
    """What the list shows and how complete that is."""

    total: int | None = None
    """Matching sessions; None until counted."""
    capped: int | None = None
    """All matches, where only the best were ranked."""
    as_of_ms: int | None = None
    version: int | None = None
    """The project's data version when the list was read."""
    fresh: int = 0
    """Sessions that arrived since."""
    frozen: bool = False


class SessionsScreen(SessionListActions):
    """All sessions that match a filter, newest first unless sorted or searched."""

    SCOPE = "sessions"
    AUTO_FOCUS = "#table"
    BODY = Horizontal
    BINDING_SCOPES = ("sessions", "list")

    def __init__(self) -> None:
        super().__init__()
        self._filter: Filter | None = None
        self._expected = Address("sessions")
        self.sort: Sort | None = None
        """The chosen order; None: by relevance while searching, else newest first."""
        self.shown = Shown()
        self._delay: Any = None
        self._place: dict[str, Any] = {}
        self._zone = "UTC"
        self._now_ms = 0
        self.table = WindowedTable(COLUMNS, self._line, id="table")
        self._panel: EmptyState | None = None
        self._preview: SessionPreview | None = None
        self._passage: OneLine | None = None

    # -- composition

    def compose_body(self) -> Iterator[Any]:
        # The rest is mounted when first needed: every widget costs time before the first frame.
        yield self.table
        if self.app.size.width >= _WIDE:
            yield self._make_preview()

    @property
    def filter(self) -> Filter:
        """Which sessions are listed."""
        # The filter language is imported when it is first needed: it costs a tenth of the time to the first frame.
        if self._filter is None:
            from aa_tui.backend.model.filter import Filter

            self._filter = Filter()
        return self._filter

    @filter.setter
    def filter(self, wanted: Filter) -> None:
        self._filter = wanted

    @property
    def order(self) -> Sort:
        """The order in use."""
        from aa_tui.backend.model.filter import Sort

        return self.sort or (Sort("relevance") if self.filter.terms() else Sort())

    def _line(self, row: SessionRow) -> Line:
        return line_of(row, self._zone, self._now_ms)

    # -- address

    def expect(self, address: Address) -> None:
        self._expected = address
        parts = [text if name == "q" else f"{name}:{text}" for name, text in address.params.items() if name != "sort"]
        self._show_parts(parts)

    def address(self) -> Address:
        if self._filter is None:
            return self._expected
        from aa_tui.backend.model.filter import to_link_params

        params = to_link_params(self.filter)
        if self.sort is not None:
            params["sort"] = self.sort.to_text()
        return Address("sessions", params)

    def view_state(self) -> dict[str, Any]:
        return {"id": self.table.cursor_id, "index": self.table.cursor, "top": round(self.table.scroll_y)}

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        from aa_tui.backend.model.filter import from_link_params, parse_sort

        params = dict(address.params)
        # A plus sign that somebody typed into an address arrives as a blank.
        sort = params.pop("sort", "").replace(" ", "+")
        try:
            wanted, order = from_link_params(params), parse_sort(sort) if sort else None
        except AAError as error:
            self.flash(str(error), "bad")
            return
        self._place = dict(state or {})
        known = self.shown.total is not None
        if (wanted, order) == (self.filter, self.sort) and known:
            self._restore_place()
            self._follow_session_list()
            return
        self.filter, self.sort = wanted, order
        self._say_words()
        self.reload(keep=False)

    def _restore_place(self) -> None:
        row_id, top = self._place.get("id"), self._place.get("top")
        if row_id is None or row_id == self.table.cursor_id or row_id not in self.table.ids:
            return
        self.table.move_to(self.table.ids.index(row_id))
        if top is not None:
            self.table.scroll_to(y=top, animate=False)

    def _follow_session_list(self) -> None:
        """Stand on the session that was read last, when reading went on from one to the next."""
        places = self.aa.session_list
        if places is not None and places.ids is self.table.ids:
            self.table.move_to(places.index)

    def forget(self) -> None:
        super().forget()
        self._filter, self.sort, self.shown, self._place = None, None, Shown(), {}
        self.table.marks.clear()
        self.table.forget_rows()
        self.table.set_ids((), keep=False)
        self.set_status(None)

    def set_filter(self, wanted: Filter) -> None:
        """Show another filter; going back returns to this one."""
        if wanted == self.filter:
            return
        before, state = str(self.address()), self.view_state()
        self.filter, self._place = wanted, {}
        self.table.marks.clear()
        self._show_marks()
        self.aa.push_address(before, state)
        self._say_words()
        self.reload(keep=False)

    def set_sort(self, order: Sort | None) -> None:
        """Sort otherwise; the cursor stays on its session."""
        self.sort = order
        self.aa.replace_address()
        self.reload(keep=True)

    # -- loading

    def reload(self, keep: bool = True) -> None:
        """Read the list again; with `keep` the cursor stays on its session."""
        self.load(self._fill(keep), "rows")

    async def _fill(self, keep: bool) -> None:
        workspace = await self.ready()
        self._zone, self._now_ms = workspace.project.time_zone, workspace.clock.now_ms()
        wanted, order = self.filter, self.order
        version: int | None = None
        if not keep or not self.table.ids:
            first_page = partial(workspace.sessions.first_page, wanted, order, limit=FIRST_PAGE)
            version, page = await self.ask(_with_version, workspace, first_page, group="page")
            self.table.set_sort(order.key, order.descending)
            self.table.put_rows({row.id: row for row in page})
            self.table.set_ids(array("q", [row.id for row in page]), keep=False)
            self.shown = Shown(len(page) if len(page) < FIRST_PAGE else None, None, self._now_ms, version)
            self._say_words()
            if not page:
                await self._explain()
                return
            self._show()
            if len(page) < FIRST_PAGE and order.key != "relevance":
                self._restore_place()
                return
        newer, listed = await self.ask(
            _with_version, workspace, partial(workspace.sessions.ids, wanted, order), group="ids"
        )
        version = newer if version is None else version
        capped = listed.matches if listed.capped else None
        self.shown = Shown(listed.total, capped, self._now_ms, version, 0, self.shown.frozen)
        self.table.set_sort(order.key, order.descending)
        self.table.set_ids(listed.ids, keep=True)
        if keep:
            self.table.forget_rows()
        self._restore_place()
        self._place = {}
        self._say_words()
        if listed.total:
            self._show()
        else:
            await self._explain()

    async def _explain(self) -> None:
        """Say why there is nothing: no data at all, or a filter that lets nothing through."""
        from aa_tui.screens.session_list_nothing import filtered_to_nothing, no_data_yet
        from aa_tui.widgets.empty_state import EmptyState

        workspace = await self.ready()
        panel = EmptyState()
        self.worst_part = None
        if not self.filter:
            panel.say(*no_data_yet(workspace.project))
        else:
            parts = await self.ask(workspace.sessions.explain_nothing, self.filter, group="explain")
            self.worst_part, (title, lines) = filtered_to_nothing(self.filter, parts)
            panel.say(title, lines)
        self._show(panel)

    def failed(self, group: str, error: AAError) -> None:
        if group != "rows":
            super().failed(group, error)
            return
        from aa_tui.widgets.error_panel import ErrorPanel

        panel = ErrorPanel()
        panel.fail(error)
        self._show(panel)

    def _show(self, panel: EmptyState | None = None) -> None:
        """Show the list, or a panel that says why there is none."""
        if self._panel is not None:
            self._panel.remove()
        self._panel = panel
        if self._passage is not None and panel is not None:
            self._passage.set("")
        if panel is not None:
            self.query_one("#body").mount(panel, after=self.table)
        if self.table.display != (panel is None):
            self.table.display = panel is None
        if panel is None and self.focused is None:
            self.table.focus()
        self.refresh_footer()

    @on(WindowedTable.Wanted)
    def _rows_wanted(self, event: WindowedTable.Wanted) -> None:
        self.load(self._more(event.ids), "window")

    async def _more(self, ids: list[int]) -> None:
        workspace = await self.ready()
        self.table.put_rows(await self.ask(workspace.sessions.rows, ids, group="window"))

    # -- words

    def _say_words(self) -> None:
        self._show_parts([part.to_text() for part in self.filter.parts()], self._freshness())
        searching = bool(self.filter.terms())
        if searching and self._passage is None and self.is_mounted:
            self._passage = OneLine(id="passage")
            self.mount(self._passage, after=self.query_one("#body"))
        self.set_class(searching, "-searching")

    def _show_parts(self, parts: Sequence[str], right: Content | str = "") -> None:
        chips: list[Content | str] = []
        for part in parts:
            chips += [safe(part, themes.style("chip")), "  "]
        self.set_words(Content.assemble(*chips or [Content.styled("all sessions", themes.style("muted"))]), right)

    def _freshness(self) -> Content:
        shown, workspace = self.shown, self.aa.workspace
        pieces: list[Content | str] = []
        if shown.fresh:
            pieces += [Content.styled(f"+{shown.fresh:,} new", themes.style("accent", "bold")), "  "]
        if shown.total is not None and workspace is not None:
            text = f"best {shown.total:,} of {shown.capped:,}" if shown.capped else humanize.count(shown.total)
            if self.filter and not shown.capped and shown.total <= workspace.project.sessions:
                text += f" of {workspace.project.sessions:,}"
            pieces.append(text)
        if shown.as_of_ms is not None:
            word = "frozen" if shown.frozen else "as of"
            at = humanize.clock(shown.as_of_ms, self._zone, seconds=not self.has_class("-narrow"))
            pieces.append(Content.styled(f" {glyphs.get('dot')} {word} {at}", themes.style("muted")))
        return Content.assemble(*pieces)

    def _show_marks(self) -> None:
        marked = self.table.marks.count(len(self.table.ids))
        if self.table.range_begun:
            self.set_status(f"{marked:,} marked {glyphs.get('dot')} range: move, then v marks it, esc leaves it")
        else:
            self.set_status(f"{marked:,} marked" if marked else None)
        self.refresh_footer()

    # -- news

    def store_changed(self) -> bool:
        """Something was committed: say how many sessions are new, and show those that are seen as they are now."""
        if not self.is_current or self.shown.frozen or self.shown.version is None:
            return False
        if self.at_work("rows") or self.at_work("news"):
            return False
        self.load(self._look_for_news(), "news")
        return True

    async def _look_for_news(self) -> None:
        workspace = await self.ready()
        version = await self.ask(workspace.data_version, group="news", token=False)
        if version == self.shown.version:
            # Another project, a lease, a receiver's own words: the list is what it was.
            return
        self.shown.version = version
        now = await self.ask(workspace.sessions.count, self.filter, group="news")
        if not self.table.ids and now:
            self.reload(keep=False)
            return
        self.shown.fresh = max(0, now - (self.shown.capped or self.shown.total or 0))
        self._say_words()
        seen = self.table.shown_ids
        if seen:
            # Sessions that go on are shown as they are now, each where it stands.
            self.table.renew_rows(await self.ask(workspace.sessions.rows, seen, group="news"))

    # -- the row under the cursor

    @on(WindowedTable.Moved)
    def _moved(self) -> None:
        if self._filter is None:
            return
        searching, preview = bool(self.filter.terms()), self.size.width >= _WIDE
        if not searching and not preview:
            return
        if self._delay is not None:
            self._delay.stop()
        self._delay = self.set_timer(1.0 if self.aa.remote else 0.15, partial(self._look_closer, searching, preview))

    def _look_closer(self, searching: bool, preview: bool) -> None:
        row_id = self.table.cursor_id
        if row_id is None:
            return
        if searching:
            self.load(self._fill_passage(row_id), "passage")
        if preview:
            self.load(self._fill_preview(row_id), "preview")

    async def _fill_passage(self, row_id: int) -> None:
        workspace = await self.ready()
        found = await self.ask(workspace.sessions.excerpt, self.filter, row_id, group="passage")
        if self._passage is not None:
            self._passage.set(*passage(found, self.size.width))

    async def _fill_preview(self, row_id: int) -> None:
        workspace = await self.ready()
        beginning = await self.ask(workspace.sessions.beginning, row_id, group="preview")
        if self._preview is not None:
            self._preview.show(beginning)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width >= _WIDE and self._preview is None:
            self.query_one("#body").mount(self._make_preview())
        self._moved()

    def _make_preview(self) -> SessionPreview:
        from aa_tui.widgets.session_preview import SessionPreview

        self._preview = SessionPreview(id="preview")
        return self._preview

    # -- list and filter events

    @on(WindowedTable.Marked)
    def _marked(self) -> None:
        self._show_marks()

    @on(WindowedTable.Opened)
    def _opened(self) -> None:
        self.action_list_open()

    @on(WindowedTable.SortClicked)
    def _sort_clicked(self, event: WindowedTable.SortClicked) -> None:
        self.sort_by(event.sort)

    def on_filter_bar_edited(self, event: FilterBar.Edited) -> None:
        self.load(self._offer(event.text, event.cursor), "offers")

    def on_filter_bar_submitted(self, event: FilterBar.Submitted) -> None:
        from aa_tui.backend.model.filter import parse_filter

        try:
            wanted = parse_filter(event.text)
        except AAError as error:
            if self.bar is not None:
                self.bar.complain(str(error), getattr(error, "column", None))
            return
        if self.bar is not None:
            self.bar.close()
        self.table.focus()
        self.set_filter(wanted)

    def on_filter_bar_closed(self) -> None:
        self.table.focus()

    def action_list_open(self) -> None:
        table, row_id = self.table, self.table.cursor_id
        row = table.row(row_id) if row_id is not None else None
        if row is None:
            return
        self.aa.session_list = SessionList(table.ids, table.cursor, self.filter.to_text())
        self.go(Address("session", {}, row.key))


def _with_version(workspace: Workspace, read: Callable[..., T], token: CancelToken) -> tuple[int, T]:
    """Return the project's data version and what was read after it; both in one go on a reader thread."""
    return workspace.data_version(), read(token=token)
