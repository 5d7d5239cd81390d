"""What can be done on the session list: moving, marking, sorting, filtering, copying, saving. Mixed into the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aa_tui.address import Address
from aa_tui.backend.support import humanize
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aa_tui.backend.model.filter import Filter, Sort
    from aa_tui.backend.query.readmodels import SessionRow
    from aa_tui.widgets.filter_bar import FilterBar
    from aa_tui.widgets.windowed_table import WindowedTable

SORTS = (
    ("started", "t", "start", "newest first"),
    ("cost", "c", "cost", "dearest first"),
    ("duration", "d", "duration", "longest first"),
    ("turns", "n", "turns", "most first"),
    ("tokens", "o", "tokens", "most first"),
    ("errors", "e", "errors", "most first"),
    ("user", "u", "user", "A to Z"),
    ("agent", "a", "agent", "A to Z"),
    ("relevance", "r", "relevance", "best match first"),
)
"""Key of the order, letter in the menu, title, what its first direction means."""
_WRITTEN_AT_ONCE = 2_000
_NEED_ROWS = frozenset(
    {
        "list.open",
        "list.mark",
        "list.range",
        "list.mark_all",
        "sessions.copy",
        "sessions.similar",
        "sessions.delete",
    }
)


class SessionListActions(PlaceScreen):
    """The actions of scopes `sessions` and `list`."""

    bar: FilterBar | None = None
    """The line where a filter is typed, once it was opened."""
    worst_part: int | None = None
    """Which part of the filter to drop when nothing matches."""

    if TYPE_CHECKING:
        shown: Any
        table: WindowedTable

        @property
        def filter(self) -> Filter: ...
        @property
        def order(self) -> Sort: ...
        def set_filter(self, wanted: Filter) -> None: ...
        def set_sort(self, order: Sort | None) -> None: ...
        def reload(self, keep: bool = True) -> None: ...
        def _say_words(self) -> None: ...
        def _show_marks(self) -> None: ...

    def why_not(self, action_id: str) -> str | None:
        if action_id in _NEED_ROWS:
            if not self.table.ids:
                return "the list is empty"
        elif action_id == "sessions.drop_part" and self.worst_part is None:
            return "only where a filter leaves nothing"
        elif action_id == "sessions.clear" and not self.filter:
            return "no filter is set"
        elif action_id == "sessions.save_filter" and not self.filter:
            return "there is no filter to save"
        return super().why_not(action_id)

    def _row(self) -> SessionRow | None:
        row_id = self.table.cursor_id
        return None if row_id is None else self.table.row(row_id)

    # -- moving and marking

    def action_list_down(self) -> None:
        self.table.move_by(1)

    def action_list_up(self) -> None:
        self.table.move_by(-1)

    def action_list_page_down(self) -> None:
        self.table.move_by(self.table.page)

    def action_list_page_up(self) -> None:
        self.table.move_by(-self.table.page)

    def action_list_half_down(self) -> None:
        self.table.scroll_rows(self.table.page // 2)

    def action_list_half_up(self) -> None:
        self.table.scroll_rows(-(self.table.page // 2))

    def action_list_top(self) -> None:
        self.table.move_to(0)

    def action_list_bottom(self) -> None:
        self.table.move_to(len(self.table.ids) - 1)

    def action_list_mark(self) -> None:
        self.table.toggle_mark()

    def action_list_range(self) -> None:
        self.table.toggle_range()

    def action_list_mark_all(self) -> None:
        self.table.mark_all()

    def action_app_escape(self) -> None:
        self.table.clear_marks()

    def action_app_freeze(self) -> None:
        self.shown.frozen = not self.shown.frozen
        if self.shown.frozen:
            self._say_words()
        else:
            self.reload()

    def action_sessions_refresh(self) -> None:
        self.reload()

    # -- sorting

    def action_sessions_sort(self) -> None:
        from aa_tui.widgets.choice_list import Choice

        now = self.order
        choices = [
            Choice(
                key, title, note, letter, why_not=None if key != "relevance" or self.filter.terms() else "search first"
            )
            for key, letter, title, note in SORTS
        ]
        at = next(n for n, choice in enumerate(choices) if choice.value == now.key)
        self.aa.choose("Sort by · the same again reverses", choices, self.sort_by, typed=False, cursor=at)

    def sort_by(self, key: str) -> None:
        """Sort by a key; by the key in use, the other way round."""
        from aa_tui.backend.model.filter import Sort, usual_sort

        now = self.order
        again = key == now.key and key != "relevance"
        self.set_sort(Sort(key, not now.descending) if again else usual_sort(key))

    # -- filtering

    async def action_sessions_filter(self) -> None:
        from aa_tui.widgets.filter_bar import FilterBar

        if self.bar is None:
            self.bar = FilterBar(id="filter")
            self.bar.history = self.aa.remembered.filters
            await self.mount(self.bar, before=self.query_one("#body"))
        await self.bar.open(self.filter.to_text())

    async def _offer(self, text: str, cursor: int) -> None:
        """Offer names and values for what is being typed; say at once what cannot be understood."""
        from aa_tui.backend.model.filter import complete, facet_filter, value_slot
        from aa_tui.widgets.filter_bar import Offer

        offers = [Offer(c.start, c.end, c.text, c.help) for c in complete(text, cursor)] if text.strip() else []
        slot = value_slot(text, cursor)
        if slot is not None and not offers:
            workspace = await self.ready()
            found = await self.ask(
                workspace.sessions.facet_values, slot.facet, prefix=slot.prefix, limit=12, group="offers"
            )
            for value in found:
                # Written by the language itself: a value may hold quotes and commas.
                quoted = facet_filter("agent", value.value).to_text().partition(":")[2]
                offers.append(Offer(slot.start, slot.end, quoted, humanize.plural(value.sessions, "session")))
        if self.bar is not None:
            self.bar.offer(offers[:8])

    def action_sessions_drop_part(self) -> None:
        if self.worst_part is not None:
            self.set_filter(self.filter.drop(self.worst_part))

    def action_sessions_clear(self) -> None:
        from aa_tui.backend.model.filter import Filter

        self.set_filter(Filter())

    def action_sessions_save_filter(self) -> None:
        self.aa.open_command_line("save ")

    def action_sessions_views(self) -> None:
        from aa_tui.screens.shell import open_views

        open_views(self.aa, self)

    # -- similar

    def action_sessions_similar(self) -> None:
        row = self._row()
        if row is not None:
            self.load(self._suggest(row), "similar")

    async def _suggest(self, row: SessionRow) -> None:
        """Offer filters drawn from what distinguishes a session."""
        from aa_tui.screens.similar import offer

        workspace = await self.ready()
        detail = await self.ask(workspace.sessions.detail, row.id, group="similar")
        await offer(self, detail, lambda part: self.set_filter(self.filter.plus(part)), self.filter)

    # -- copying and saving

    def action_sessions_copy(self) -> None:
        from aa_tui.widgets.choice_list import Choice

        row = self._row()
        if row is None:
            return
        link = str(Address("session", {}, row.key))
        line = "\t".join((row.key, row.agent, row.user or "", row.title or "", str(row.turns), row.state))
        choices = [
            Choice(("text", row.key), "session key", safe_line(row.key, 40), "i"),
            Choice(("text", f"aa-tui open '{link}'"), "command that opens it", safe_line(link, 40), "o"),
            Choice(("text", line), "this line", "tab-separated", "l"),
            Choice(("resume", row.id), "command that resumes it in its agent", "", "r"),
            Choice(("text", str(self.address())), "address of this list", "", "a"),
        ]
        marked = self.table.marks.count(len(self.table.ids))
        if marked:
            choices.append(Choice(("marked", 0), f"keys of the {marked:,} marked", "one per line", "m"))
        self.aa.choose("Copy", choices, self._copy, typed=False)

    def _copy(self, what: tuple[str, Any]) -> None:
        kind, value = what
        if kind == "text":
            self.aa.copy_text(value)
        elif kind == "resume":
            self.load(self._copy_resume(value), "copy")
        else:
            self.load(self._copy_marked(), "copy")

    async def _copy_resume(self, row_id: int) -> None:
        workspace = await self.ready()
        from aa_tui.backend.service.records import resume_command

        detail = await self.ask(workspace.sessions.detail, row_id, group="copy")
        command = resume_command(detail)
        if command is not None:
            self.aa.copy_text(command)
        else:
            self.flash("Its source has no command to resume a session.", "warn")

    async def _copy_marked(self) -> None:
        rows = await self._rows_of(self.table.marks.chosen(self.table.ids))
        self.aa.copy_text("\n".join(row.key for row in rows))

    async def _rows_of(self, ids: Sequence[int]) -> list[SessionRow]:
        workspace = await self.ready()
        rows: list[SessionRow] = []
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            found = await self.ask(workspace.sessions.rows, part, group="bulk")
            rows += [found[row_id] for row_id in part if row_id in found]
        return rows

    def action_sessions_delete(self) -> None:
        from aa_tui.screens.forgetting import open_delete

        row = self._row()
        if row is not None:
            open_delete(self, row.id, row.key, row.user, self.reload)

    def action_sessions_save_file(self) -> None:
        self.load(self._save_file(), "save file")

    async def _save_file(self) -> None:
        """Write the marked sessions, else all, a part at a time: a million rows would not fit into memory."""
        from aa_tui.host.exporting import RowFile

        ids: Sequence[int] = self.table.marks.chosen(self.table.ids) or self.table.ids
        written = 0
        try:
            with RowFile() as file:
                for start in range(0, len(ids), _WRITTEN_AT_ONCE):
                    rows = await self._rows_of(ids[start : start + _WRITTEN_AT_ONCE])
                    await self.ask(file.write, rows, group="bulk", token=False)
                    written += len(rows)
                    if len(ids) > _WRITTEN_AT_ONCE:
                        self.set_status(f"{written:,} of {len(ids):,} sessions written to {file.path.name}")
        finally:
            self._show_marks()
        self.flash(f"{humanize.plural(written, 'session')} written to {file.path}", "good")
