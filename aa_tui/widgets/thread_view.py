"""The conversation of one session as a virtual list: only visible lines are laid out. Fetches nothing itself."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.query.readmodels import ContentText, StepRow, ThreadHit
from aa_tui.widgets.role_lines import Line, RoleLines
from aa_tui.widgets.thread_layout import ThreadContext, estimate_height, is_tool_line, layout

_KEPT_TEXTS = 400
"""Steps whose long texts stay in memory; the rest is asked for again."""
_AHEAD = 12
"""Steps beyond the visible ones whose texts are asked for early."""


class ThreadView(RoleLines):
    """Shows `steps`; the parent answers `TextsWanted` with `provide`."""

    @dataclass
    class TextsWanted(Message):
        """The long texts of these steps are about to be seen."""

        event_ids: tuple[int, ...]

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ThreadView.TextsWanted)

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another step."""

        index: int

    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the selected step."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._steps: Sequence[StepRow] = ()
        self._index_of: dict[int, int] = {}
        self._drawing = ThreadContext(None, "UTC", "", 80)
        self._texts: OrderedDict[int, tuple[ContentText, ...]] = OrderedDict()
        self._asked: set[int] = set()
        self._opened: set[int] = set()
        self._cited: set[int] = set()
        self._laid: dict[int, list[Line]] = {}
        self._heights: list[int] = []
        self._ends: list[int] = []
        self._hits: Sequence[ThreadHit] = ()
        self._hit = -1
        self._awaited: int | None = None
        """The step whose text must come before its match can be scrolled to."""

    # -- what the parent sets ----------------------------------------------------------------------------------

    def show(
        self,
        steps: Sequence[StepRow],
        context: ThreadContext,
        texts: Mapping[int, tuple[ContentText, ...]] | None = None,
        cursor: int = 0,
    ) -> None:
        """Show another session, with the texts of the first visible steps if they are at hand."""
        self._take(steps)
        self._drawing = context
        self._texts.clear()
        self._texts.update(texts or {})
        self._asked = set(self._texts)
        self._opened.clear()
        self._cited.clear()
        self._hits, self._hit, self._awaited = (), -1, None
        self._reflow()
        self.set_reactive(ThreadView.cursor, min(cursor, max(len(self._steps) - 1, 0)))
        self.scroll_to(y=self._top_of(self.cursor) if self.cursor else 0, animate=False)
        self.refresh()

    def extend(self, steps: Sequence[StepRow]) -> None:
        """Take in a longer version of the same session without moving the reader."""
        anchor = self._steps[self.cursor].id if self._steps else None
        offset = self.scroll_offset.y - (self._top_of(self.cursor) if self._steps else 0)
        self._take(steps)
        self._reflow()
        if anchor in self._index_of:
            self.set_reactive(ThreadView.cursor, self._index_of[anchor])
            self.scroll_to(y=self._top_of(self.cursor) + offset, animate=False)
        self.refresh()

    def _take(self, steps: Sequence[StepRow]) -> None:
        # What a sender said about the whole session is nobody's turn to speak: it stands under Info.
        self._steps = [step for step in steps if step.kind != EventKind.SESSION_ENRICHMENT]
        self._index_of = {step.id: index for index, step in enumerate(self._steps)}

    def provide(self, texts: Mapping[int, tuple[ContentText, ...]]) -> None:
        """Take the long texts that were asked for; lines above the reader do not move what is read."""
        changed = [self._index_of[event_id] for event_id in texts if event_id in self._index_of]
        self._texts.update(texts)
        while len(self._texts) > _KEPT_TEXTS:
            dropped, _ = self._texts.popitem(last=False)
            self._asked.discard(dropped)
        if changed:
            self._relayout(changed)
        if self._awaited in texts:
            self._show_hit()

    def cite(self, event_ids: Iterable[int]) -> None:
        """Mark the steps a judge cited."""
        self._cited = set(event_ids)
        self.refresh()

    def set_hits(self, needle: str, hits: Sequence[ThreadHit]) -> None:
        """Show the matches of a search; the first one at or after the cursor becomes current."""
        self._drawing = ThreadContext(
            self._drawing.user, self._drawing.zone, self._drawing.root_agent, self._drawing.width, needle
        )
        self._hits = [hit for hit in hits if hit.event_id in self._index_of]
        self._hit, self._awaited = -1, None
        self._laid.clear()
        self.refresh()
        if self._hits:
            at = next((n for n, hit in enumerate(self._hits) if self._index_of[hit.event_id] >= self.cursor), 0)
            self._go_to_hit(at)

    # -- what the parent reads ---------------------------------------------------------------------------------

    @property
    def step(self) -> StepRow | None:
        """The step under the cursor."""
        return self._steps[self.cursor] if self._steps else None

    @property
    def hit_position(self) -> tuple[int, int]:
        """(current, all) matches, counted from 1; (0, 0) when there is no search."""
        return (self._hit + 1, len(self._hits))

    # -- moves -------------------------------------------------------------------------------------------------

    def move(self, by: int) -> None:
        """Move the cursor by steps; a step taller than the screen scrolls first."""
        if not self._steps:
            return
        top, bottom = self._top_of(self.cursor), self._ends[self.cursor]
        view_top, height = self.scroll_offset.y, self.size.height
        if by > 0 and bottom > view_top + height and top <= view_top + height:
            self.scroll_to(y=min(view_top + max(height // 3, 1), bottom - height), animate=False)
            return
        if by < 0 and top < view_top:
            self.scroll_to(y=max(view_top - max(height // 3, 1), top), animate=False)
            return
        self.go_to(self.cursor + by)

    def scroll_page(self, by: int) -> None:
        """Scroll by lines; the cursor follows to the first step that is wholly visible."""
        if not self._steps:
            return
        target = min(max(self.scroll_offset.y + by, 0), max(self._ends[-1] - self.size.height, 0))
        self.scroll_to(y=target, animate=False)
        first = self._index_at(target)
        if self._top_of(first) < target and first + 1 < len(self._steps):
            first += 1
        last = self._index_at(target + max(self.size.height - 1, 0))
        wanted = min(max(self.cursor, first), max(last, first))
        if target == max(self._ends[-1] - self.size.height, 0) and by > 0:
            wanted = len(self._steps) - 1
        old = self.cursor
        self.set_reactive(ThreadView.cursor, wanted)
        self._refresh_first_line(old)
        self._refresh_first_line(wanted)
        if wanted != old:
            self.post_message(self.CursorMoved(wanted))

    def go_to(self, index: int, align_top: bool = False) -> None:
        """Put the cursor on a step and make it visible."""
        if not self._steps:
            return
        index = min(max(index, 0), len(self._steps) - 1)
        old = self.cursor
        self.set_reactive(ThreadView.cursor, index)
        self._refresh_first_line(old)
        self._refresh_first_line(index)
        top, bottom = self._top_of(index), self._ends[index]
        view_top, height = self.scroll_offset.y, self.size.height
        if align_top:
            self.scroll_to(y=top, animate=False)
        elif top < view_top:
            self.scroll_to(y=max(top - height // 3, 0), animate=False)
        elif min(bottom, top + height) > view_top + height:
            self.scroll_to(y=max(min(top, bottom - height + height // 3), 0), animate=False)
        if index != old:
            self.post_message(self.CursorMoved(index))

    def go_to_event(self, event_id: int) -> bool:
        """Put the cursor on the step of an event; False when it is not in this session."""
        if event_id not in self._index_of:
            return False
        self.go_to(self._index_of[event_id], align_top=True)
        return True

    def go_to_turn(self, number: int) -> None:
        """Put the cursor on the first step of a turn."""
        for index, step in enumerate(self._steps):
            if step.turn_no == number:
                self.go_to(index, align_top=True)
                return

    def next_turn(self, by: int) -> None:
        """Go to the next (or previous) message of a person."""
        self._seek(by, lambda step: step.kind == EventKind.USER_MESSAGE and not step.from_agent)

    def next_error(self, by: int = 1) -> None:
        """Go to the next (or previous) failed step."""
        self._seek(by, lambda step: step.is_error or step.interrupted)

    def last_answer(self) -> None:
        """Go to the last answer that has text."""
        for index in range(len(self._steps) - 1, -1, -1):
            step = self._steps[index]
            if step.kind == EventKind.AI_RESPONSE and step.text_size and not step.parent_agent:
                self.go_to(index, align_top=True)
                return

    def next_hit(self, by: int) -> None:
        """Go to the next (or previous) match, around the ends."""
        if self._hits:
            self._go_to_hit((self._hit + by) % len(self._hits))

    def toggle(self) -> None:
        """Unfold or fold the step under the cursor."""
        if not self._steps:
            return
        event_id = self._steps[self.cursor].id
        self._opened ^= {event_id}
        if event_id not in self._texts:
            self._ask([event_id])
        self._relayout([self.cursor])

    def _seek(self, by: int, wanted: Callable[[StepRow], bool]) -> None:
        index = self.cursor + by
        while 0 <= index < len(self._steps):
            if wanted(self._steps[index]):
                self.go_to(index, align_top=True)
                return
            index += by

    def _go_to_hit(self, number: int) -> None:
        self._hit = number
        event_id = self._hits[number].event_id
        index = self._index_of[event_id]
        if is_tool_line(self._steps[index]) or self._hits[number].start > 1_000:
            self._opened.add(event_id)
            if event_id not in self._texts:
                self._ask([event_id])
            self._relayout([index])
        self.go_to(index, align_top=True)
        self._awaited = None if event_id in self._texts else event_id
        self._show_hit()

    def _show_hit(self) -> None:
        """Scroll to the line of the current match, where it is off the screen."""
        if self._hits[self._hit].event_id in self._texts:
            self._awaited = None
        event_id = self._hits[self._hit].event_id
        index = self._index_of[event_id]
        before = sum(hit.event_id == event_id for hit in self._hits[: self._hit])
        marked = [y for y, line in enumerate(self._lines(index)) for _, role in line if role == "hit"]
        if not marked:
            return
        # Fewer are marked than found where a text is cut; the last one shown is the nearest then.
        y, height = self._top_of(index) + marked[min(before, len(marked) - 1)], max(self.size.height, 1)
        if not self.scroll_offset.y <= y < self.scroll_offset.y + height:
            self.scroll_to(y=max(y - height // 3, 0), animate=False)

    # -- layout ------------------------------------------------------------------------------------------------

    def _reflow(self) -> None:
        """Forget all layout: the steps or the width changed."""
        width = self.page_width
        self._drawing = ThreadContext(
            self._drawing.user, self._drawing.zone, self._drawing.root_agent, width, self._drawing.needle
        )
        self._laid.clear()
        self._heights = [estimate_height(step, width) for step in self._steps]
        self._measure()

    def _measure(self) -> None:
        self._ends = list(accumulate(self._heights))
        self.virtual_size = Size(self.scrollable_content_region.width, self._ends[-1] if self._ends else 0)

    def _relayout(self, indexes: Iterable[int]) -> None:
        """Lay these steps out again and keep the first visible line where it is."""
        if not self._steps:
            return
        first = self._index_at(self.scroll_offset.y)
        offset = self.scroll_offset.y - self._top_of(first)
        changed = False
        for index in indexes:
            self._laid.pop(index, None)
            height = len(self._lines(index))
            if height != self._heights[index]:
                self._heights[index] = height
                changed = True
        if changed:
            self._measure()
            self.scroll_to(y=self._top_of(first) + offset, animate=False, force=True)
        self.refresh()

    def _lines(self, index: int) -> list[Line]:
        lines = self._laid.get(index)
        if lines is None:
            step = self._steps[index]
            following = self._steps[index + 1] if index + 1 < len(self._steps) else None
            last = following is None or not is_tool_line(following) or following.turn_no != step.turn_no
            lines = layout(step, self._texts.get(step.id), self._drawing, step.id in self._opened, last)
            self._laid[index] = lines
        return lines

    def _top_of(self, index: int) -> int:
        return self._ends[index - 1] if index > 0 else 0

    def _index_at(self, y: int) -> int:
        return min(bisect_right(self._ends, y), len(self._steps) - 1)

    def _settle(self) -> None:
        """Give the steps that are visible their true heights, top down, and ask for texts that are missing."""
        if not self._steps:
            return
        height = self.size.height
        for _ in range(4):
            first = self._index_at(self.scroll_offset.y)
            index, y, stale = first, self._top_of(first), []
            while index < len(self._steps) and y < self.scroll_offset.y + height:
                true_height = len(self._lines(index))
                if true_height != self._heights[index]:
                    stale.append(index)
                    self._heights[index] = true_height
                y += true_height
                index += 1
            if not stale:
                break
            self._measure()
        wanted = [
            self._steps[n].id
            for n in range(max(first - _AHEAD // 2, 0), min(index + _AHEAD, len(self._steps)))
            if self._steps[n].text_size > len(self._steps[n].head or "") or self._steps[n].is_error
        ]
        self._ask(wanted)

    def _ask(self, event_ids: Iterable[int]) -> None:
        missing = [event_id for event_id in event_ids if event_id not in self._asked]
        if missing:
            self._asked.update(missing)
            self.post_message(self.TextsWanted(tuple(missing)))

    # -- painting ----------------------------------------------------------------------------------------------

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        if not self._steps or y >= self._ends[-1]:
            return None
        index = self._index_at(y)
        within = y - self._top_of(index)
        lines = self._lines(index)
        line = lines[within] if within < len(lines) else []
        return line, index == self.cursor and within == 0, self._steps[index].id in self._cited

    def _refresh_first_line(self, index: int) -> None:
        if 0 <= index < len(self._steps):
            self.refresh_page_line(self._top_of(index))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._steps:
            self._settle()

    def on_resize(self) -> None:
        if self._steps and self.page_width == self._drawing.width:
            # Only higher or lower, as when a status line comes: what is read stays where it is.
            self._settle()
        elif self._steps:
            first = self._index_at(self.scroll_offset.y)
            self._reflow()
            self.scroll_to(y=self._top_of(first), animate=False)
            self._settle()

    def on_click(self, event: events.Click) -> None:
        """Select the step that was clicked; a second click on it unfolds it."""
        if not self._steps:
            return
        line_no = event.y + self.scroll_offset.y
        if line_no < self._ends[-1]:
            index = self._index_at(line_no)
            if index == self.cursor:
                self.toggle()
            else:
                self.go_to(index)
