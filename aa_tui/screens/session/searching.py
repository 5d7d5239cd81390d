"""Searching in a session. Mixed into the screen."""

from __future__ import annotations

from textual import on
from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support.humanize import count
from aa_tui.screens.session.parts import SessionParts
from aa_tui.widgets.prompt import Prompt
from aa_tui.widgets.safe_text import safe


class SessionSearching(SessionParts):
    """Looks for words in the thread and goes from hit to hit."""

    def __init__(self) -> None:
        super().__init__()
        self._needle = ""

    async def action_session_search(self) -> None:
        self._to_thread()
        await self.query_one(Prompt).open()

    @on(Prompt.Submitted)
    def _search_submitted(self, event: Prompt.Submitted) -> None:
        self.thread.focus()
        if event.text.strip():
            self.load(self._search(event.text.strip()), "search")
        else:
            self._end_search()

    @on(Prompt.Closed)
    def _search_closed(self) -> None:
        self.thread.focus()

    async def _search(self, needle: str) -> None:
        workspace = await self.ready()
        assert self._session_id is not None
        hits = await self.ask(workspace.sessions.find, self._session_id, needle, group="find")
        self.thread.set_hits(needle, hits)
        self._needle = needle
        self._say_hits()

    def _say_hits(self) -> None:
        current, total = self.thread.hit_position
        found = f"{count(current)} of {count(total)}" if total else "nothing found"
        self.set_status(Content.assemble("search ", safe(f"“{self._needle}”", themes.style("hit")), f"  {found}"))

    def _end_search(self) -> bool:
        if not self._needle:
            return False
        self._needle = ""
        self.thread.set_hits("", ())
        self.set_status(None)
        return True

    def action_session_next_hit(self) -> None:
        self._move_hit(1)

    def action_session_previous_hit(self) -> None:
        self._move_hit(-1)

    def _list_word(self) -> str:
        """Return what the list this session came from was searched for: `n` looks for it here too."""
        places = self.aa.session_list
        if places is None or not places.words:
            return ""
        from aa_tui.backend.model.filter import parse_filter

        terms = parse_filter(places.words).terms()
        return terms[0].text if terms else ""

    def _move_hit(self, by: int) -> None:
        if not self._needle:
            self._switch("thread")
            self.load(self._search(self._list_word()), "search")
            return
        self.thread.next_hit(by)
        self._say_hits()
