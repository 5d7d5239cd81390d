"""One session with its five tabs. Composition and routing: what is asked of the service and which widget shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content
from textual.widget import Widget

from aa_tui import themes
from aa_tui.address import SESSION_TABS, Address
from aa_tui.backend.model.text_switches import SWITCHES
from aa_tui.backend.query.readmodels import ContentText, SessionDetail
from aa_tui.backend.support.errors import AAError
from aa_tui.backend.support.humanize import clock, count, plural
from aa_tui.screens.session.citing import SessionCiting
from aa_tui.screens.session.copying import SessionCopying
from aa_tui.screens.session.moving import SessionMoving
from aa_tui.screens.similar import offer
from aa_tui.widgets import glyphs
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.info_lines import info_lines
from aa_tui.widgets.lines_view import LinesView
from aa_tui.widgets.notice import Notice
from aa_tui.widgets.outline import Outline
from aa_tui.widgets.prompt import Prompt
from aa_tui.widgets.result_view import ResultView
from aa_tui.widgets.safe_text import safe
from aa_tui.widgets.session_columns import state_of
from aa_tui.widgets.session_lines import review_lines
from aa_tui.widgets.span_tree import SpanTree
from aa_tui.widgets.tab_bar import Tab, TabBar
from aa_tui.widgets.thread_layout import ThreadContext
from aa_tui.widgets.thread_view import ThreadView

if TYPE_CHECKING:
    from aa_tui.backend.model.filter import Filter

_FIRST_TEXTS = 30
"""Steps whose texts are read together with the session, so that its first screen is whole at once."""
_TEXT_LIMIT = 20_000
"""Characters of a text that are read for the screen; the pager reads all."""


class SessionScreen(SessionMoving, SessionCiting, SessionCopying):
    """Thread, Info, Turns, Evaluators and Review of one session."""

    SCOPE = "session"

    def __init__(self) -> None:
        super().__init__()
        self._key: str | None = None
        self._stale: set[str] = set()
        """Tabs whose widget does not show the current session yet."""
        self._added = False
        self._first_texts: tuple[dict[int, tuple[ContentText, ...]], int] = ({}, 0)

    # -- composition

    def compose_body(self) -> Iterator[Any]:
        yield TabBar(id="tabs")
        yield EmptyState(id="nothing")
        yield Notice(id="no-text")
        yield ThreadView(id="thread")
        yield LinesView(id="page")
        yield SpanTree(id="tree")
        yield ResultView(id="results")
        yield Outline(id="outline")
        yield Prompt("/", "search in this session", id="search")

    def on_mount(self) -> None:
        super().on_mount()
        self._show_tab()

    # -- where we are

    def address(self) -> Address:
        return Address("session", {}, self._key, self._tab)

    def view_state(self) -> dict[str, Any]:
        return {"cursor": self.thread.cursor, "scroll": self.thread.scroll_offset.y}

    def forget(self) -> None:
        super().forget()
        self._detail = None

    async def show(self, address: Address, state: dict[str, Any] | None = None) -> None:
        self._tab = address.tab or "thread"
        event = address.params.get("event")
        if address.session == self._key and self._detail is not None:
            self._show_tab()
            self._go_to_event(event)
            return
        self._key = address.session
        self._detail = None
        self.load(self._read(state or {}, event), "session")

    async def _read(self, state: dict[str, Any], event: str | None = None) -> None:
        workspace = await self.ready()
        assert self._key is not None
        sessions = workspace.sessions
        self._session_id = await self.ask(sessions.resolve, self._key, group="detail", token=False)
        detail = await self.ask(sessions.detail, self._session_id, group="detail")
        start = int(state.get("cursor", 0))
        near = [step.id for step in detail.steps[max(start - 5, 0) : start + _FIRST_TEXTS]]
        texts = await self.ask(sessions.texts, self._session_id, near, limit=_TEXT_LIMIT, group="first texts")
        self._detail = detail
        self._take_citations()
        self._stale = set(SESSION_TABS)
        self._added = False
        self._first_texts = (texts, start)
        self._show_tab()
        self._go_to_event(event)
        self.refresh_footer()
        self.aa.replace_address()

    def _go_to_event(self, event: str | None) -> None:
        if event and event.isdigit():
            self.thread.go_to_event(int(event))

    def failed(self, group: str, error: AAError) -> None:
        if self._detail is not None:
            super().failed(group, error)
            return
        lines = [safe(error.message), Content(""), safe(error.hint or "r tries again")]
        self.query_one("#nothing", EmptyState).say("This session cannot be shown", lines, "bad")
        self._show_tab()

    # -- tabs

    def _show_tab(self) -> None:
        detail = self._detail
        nothing = self.query_one("#nothing", EmptyState)
        shown: dict[str, Widget] = {"thread": self.thread, "turns": self.span_tree, "evaluators": self.results}
        current = nothing if detail is None else shown.get(self._tab, self.page)
        for widget in (nothing, self.thread, self.span_tree, self.results, self.page):
            widget.display = widget is current
        self.query_one(TabBar).set(self._tabs(), self._tab, detail.row.agent if detail else "")
        self.query_one(Notice).say(*self._why_no_text(detail))
        if detail is None:
            return
        # Laying out needs the widget's size, which is known after the next refresh.
        self.call_after_refresh(self._fill_tab, detail)
        current.focus()
        self._say_where(detail)

    def _why_no_text(self, detail: SessionDetail | None) -> tuple[str, str]:
        """Return what is said above a conversation without words: who keeps them back, and the switch."""
        reason = detail.info.get("withheld") if detail is not None and self._tab == "thread" else None
        switch = SWITCHES.get(reason) if isinstance(reason, str) else None
        return ("no text ", f"kept back by {switch.words}") if switch is not None else ("", "")

    def _fill_tab(self, detail: SessionDetail) -> None:
        if detail is not self._detail:
            return
        if self._tab in ("info", "review"):
            self._fill_page(detail)
            return
        if self._tab == "evaluators":
            self._show_results(detail)
            return
        if self._tab not in self._stale:
            return
        self._stale.discard(self._tab)
        context = ThreadContext(detail.row.user, self._zone, detail.row.agent, 80)
        if self._tab == "thread":
            texts, cursor = self._first_texts
            self.thread.show(detail.steps, context, texts, cursor)
            self._mark_citations()
        else:
            self.span_tree.show(detail.turns, detail.steps, context)
        self.refresh_footer()

    def _fill_page(self, detail: SessionDetail) -> None:
        if self._tab == "info":
            self.page.show(lambda width: info_lines(detail, self._zone, width))
        else:
            self.page.show(lambda width: review_lines(detail.answers, self._zone, width))

    def _tabs(self) -> list[Tab]:
        detail = self._detail
        failed = sum(result.passed is False for result in detail.results) if detail else 0
        answered = len(detail.answers) if detail else 0
        return [
            Tab("thread", "Thread"),
            Tab("info", "Info"),
            Tab("turns", "Turns"),
            Tab("evaluators", "Evaluators", f"{failed}{glyphs.get('fail')}" if failed else "", "bad"),
            Tab("review", "Review", f"{glyphs.get('verified')}" if answered else "", "good"),
        ]

    def _say_where(self, detail: SessionDetail) -> None:
        crumb = f" {glyphs.get('crumb')} "
        places = self.aa.session_list
        pieces: list[Content | str] = ["Sessions", crumb]
        if places is not None and places.words:
            pieces += [safe(places.words, themes.style("muted")), crumb]
        pieces.append(safe(detail.row.key, "bold"))
        right: Content | str = ""
        if places is not None and self._session_id in places.ids[places.index : places.index + 1]:
            right = f"{count(places.index + 1)} of {count(len(places.ids))}"
        if self._added:
            right = Content.assemble(Content.styled("more was added, r  ", themes.style("accent")), right)
        elif detail.row.state != "closed":
            as_of = clock(self.aa.workspace.clock.now_ms(), self._zone) if self.aa.workspace else ""
            state = f"{state_of(detail.row)} {glyphs.get('dot')} as of {as_of}  "
            right = Content.assemble(Content.styled(state, themes.style("muted")), right)
        self.set_words(Content.assemble(*pieces), right)

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        self._switch(event.name)

    def _switch(self, name: str) -> None:
        self._tab = name
        self.outline.set_class(False, "-open")
        self._show_tab()
        self.refresh_footer()
        self.aa.replace_address()

    def action_session_next_tab(self) -> None:
        self._switch(SESSION_TABS[(SESSION_TABS.index(self._tab) + 1) % len(SESSION_TABS)])

    def action_session_previous_tab(self) -> None:
        self._switch(SESSION_TABS[(SESSION_TABS.index(self._tab) - 1) % len(SESSION_TABS)])

    # -- long texts

    @on(ThreadView.TextsWanted)
    @on(SpanTree.TextsWanted)
    def _texts_wanted(self, event: ThreadView.TextsWanted | SpanTree.TextsWanted) -> None:
        target = self.thread if isinstance(event, ThreadView.TextsWanted) else self.span_tree
        self.load(self._provide(target, event.event_ids), f"texts {event.event_ids[0]}")

    async def _provide(self, target: ThreadView | SpanTree, event_ids: tuple[int, ...]) -> None:
        workspace = await self.ready()
        assert self._session_id is not None
        detail = self._detail
        texts = await self.ask(
            workspace.sessions.texts, self._session_id, event_ids, limit=_TEXT_LIMIT, group=f"texts {event_ids[0]}"
        )
        if detail is self._detail:
            # A step without long texts is answered too, so that it stops saying it is being read.
            target.provide({event_id: texts.get(event_id, ()) for event_id in event_ids})

    def action_app_escape(self) -> None:
        """Peel one layer: the outline, the search, then back to the list."""
        if self.outline.has_class("-open"):
            self.outline.set_class(False, "-open")
        elif not self._end_search():
            self.aa.go_section("sessions")

    # -- the list this session is in, and news of it

    def action_session_next(self) -> None:
        self._neighbour(1)

    def action_session_previous(self) -> None:
        self._neighbour(-1)

    def _neighbour(self, by: int) -> None:
        places = self.aa.session_list
        if places is None or not 0 <= places.index + by < len(places.ids):
            self.flash("This is the last session of the list." if by > 0 else "This is the first session of the list.")
            return
        places.index += by
        self.load(self._open_neighbour(places.ids[places.index]), "session")

    async def _open_neighbour(self, session_id: int) -> None:
        workspace = await self.ready()
        rows = await self.ask(workspace.sessions.rows, [session_id], group="neighbour")
        if session_id in rows:
            self._key = rows[session_id].key
            await self._read({})

    def action_session_similar(self) -> None:
        if self._detail is not None:
            self.load(offer(self, self._detail, self._list_like), "similar")

    def _list_like(self, part: Filter) -> None:
        from aa_tui.backend.model.filter import to_link_params

        self.aa.go(Address("sessions", to_link_params(part)))

    def action_session_delete(self) -> None:
        from aa_tui.screens.forgetting import open_delete

        if self._detail is not None:
            row = self._detail.row
            open_delete(self, row.id, row.key, row.user, lambda: self.aa.go(Address("sessions")))

    def action_session_refresh(self) -> None:
        self.load(self._reread(), "session")

    async def _reread(self) -> None:
        if self._detail is None or self._session_id is None:
            await self._read({})
            return
        workspace = await self.ready()
        detail = await self.ask(workspace.sessions.detail, self._session_id, group="detail")
        added = len(detail.steps) - len(self._detail.steps)
        self._detail = detail
        self._added = False
        self._stale = set(SESSION_TABS) - {"thread"}
        self.thread.extend(detail.steps)
        self._take_citations()
        self._mark_citations()
        self._show_tab()
        self.flash(f"{plural(added, 'new step')}" if added else "nothing new")

    def store_changed(self) -> bool:
        """Something was committed: say so when this session grew, without moving what is read."""
        if self._detail is None or self._session_id is None or self.at_work("session"):
            return False
        self.load(self._look_for_news(self._session_id), "news")
        return True

    async def _look_for_news(self, session_id: int) -> None:
        workspace = await self.ready()
        rows = await self.ask(workspace.sessions.rows, [session_id], group="news")
        row = rows.get(session_id)
        if row is not None and self._detail is not None and row.id == self._detail.row.id and row != self._detail.row:
            self._added = True
            self._say_where(self._detail)

    # -- what can be done now

    def why_not(self, action_id: str) -> str | None:
        if self._detail is None and action_id.startswith("session.") and action_id != "session.refresh":
            return "the session is not read yet"
        looks = action_id in ("session.next_hit", "session.previous_hit")
        if looks and not self.thread.hit_position[1] and (self._needle or not (self._cited or self._list_word())):
            return "nothing is searched for, and no verdict cites a step; / searches"
        if action_id in ("session.pager", "session.editor") and self.selected_step is None:
            return "no step is selected; Thread and Turns have steps"
        if action_id in ("session.next", "session.previous") and self.aa.session_list is None:
            return "this session was not opened from a list"
        return super().why_not(action_id)
