"""The Turns tab: every turn as a tree of its steps with bars on a time axis; input and output unfold on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.query.readmodels import ContentText, StepRow, TurnRow
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.humanize import clock, count, duration, latency, money, plural, tokens
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import pad
from aa_tui.widgets.role_lines import Line, RoleLines
from aa_tui.widgets.thread_layout import ThreadContext, unfolded

_KIND_WORD = {
    EventKind.USER_MESSAGE: "user",
    EventKind.AI_RESPONSE: "model",
    EventKind.TOOL_CALL: "tool",
    EventKind.EMBEDDING: "embed",
    EventKind.SPAN: "span",
    EventKind.SCORE: "score",
    EventKind.SESSION_END: "end",
    EventKind.SESSION_ENRICHMENT: "label",
    EventKind.FOREIGN: "other",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the tree: a turn, a step, or a line of an unfolded step."""

    turn: TurnRow
    step: StepRow | None = None
    line: Line | None = None


def bar(start: float, end: float, cells: int) -> str:
    """Return a bar of `cells` cells covering the share [start, end] of 0–1 of the axis.

    Something that takes no visible time still shows one mark, so that nothing disappears.
    """
    if cells <= 0:
        return ""
    first = min(int(start * cells), cells - 1)
    last = min(max(round(end * cells), first + 1), cells)
    full, thin = glyphs.get("bar"), glyphs.get("bar_thin")
    body = full * (last - first) if (end - start) * cells >= 0.5 else thin
    return (" " * first + body).ljust(cells)[:cells]


class SpanTree(RoleLines):
    """Shows `turns` with their steps; the parent answers `TextsWanted` with `provide`."""

    @dataclass
    class TextsWanted(Message):
        """The long texts of an unfolded step are needed."""

        event_ids: tuple[int, ...]

    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the selected line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._turns: Sequence[TurnRow] = ()
        self._steps: dict[int, list[StepRow]] = {}
        self._drawing = ThreadContext(None, "UTC", "", 80)
        self._folded: set[int] = set()
        self._opened: set[int] = set()
        self._texts: dict[int, tuple[ContentText, ...]] = {}
        self._rows: list[_Row] = []

    def show(self, turns: Sequence[TurnRow], steps: Sequence[StepRow], context: ThreadContext) -> None:
        """Show a session; many turns start folded so that the shape of the session is seen first."""
        self._steps = {}
        for step in steps:
            self._steps.setdefault(step.turn_no, []).append(step)
        known = {turn.no for turn in turns}
        loose = [no for no in self._steps if no not in known]
        self._turns = (*turns, *(_loose_turn(no, self._steps[no]) for no in loose))
        self._drawing = context
        self._folded = {turn.no for turn in self._turns} if len(steps) > 60 and len(self._turns) > 1 else set()
        self._opened.clear()
        self._texts.clear()
        self._build()
        self.set_reactive(SpanTree.cursor, 0)
        self.scroll_home(animate=False)

    def provide(self, texts: Mapping[int, tuple[ContentText, ...]]) -> None:
        """Take the texts of unfolded steps."""
        self._texts.update(texts)
        self._build()

    @property
    def step(self) -> StepRow | None:
        """The step under the cursor, None on a turn's own line."""
        return self._rows[self.cursor].step if self._rows else None

    @property
    def turn_no(self) -> int | None:
        """The turn the cursor is in."""
        return self._rows[self.cursor].turn.no if self._rows else None

    def move(self, by: int) -> None:
        """Move the cursor by lines."""
        self._place(self.cursor + by)

    def next_turn(self, by: int) -> None:
        """Go to the next (or previous) turn's line."""
        index = self.cursor + by
        while 0 <= index < len(self._rows):
            if self._rows[index].step is None and self._rows[index].line is None:
                self._place(index)
                return
            index += by

    def next_error(self, by: int = 1) -> None:
        """Go to the next (or previous) failed step, unfolding its turn."""
        order = [step for turn in self._turns for step in self._steps.get(turn.no, ())]
        at = self._position_in(order)
        candidates = order[at + 1 :] if by > 0 else order[:at][::-1]
        for step in candidates:
            if step.is_error:
                self._folded.discard(step.turn_no)
                self._build()
                self._place(next(n for n, row in enumerate(self._rows) if row.step is step))
                return

    def go_to_event(self, event_id: int) -> None:
        """Put the cursor on a step, unfolding its turn."""
        for steps in self._steps.values():
            for step in steps:
                if step.id == event_id:
                    self._folded.discard(step.turn_no)
                    self._build()
                    self._place(next(n for n, row in enumerate(self._rows) if row.step is step))
                    return

    def toggle(self) -> None:
        """Fold or unfold what is under the cursor: a turn, or a step's input and output."""
        if not self._rows:
            return
        row = self._rows[self.cursor]
        if row.step is None:
            self._folded ^= {row.turn.no}
        else:
            self._opened ^= {row.step.id}
            if row.step.id in self._opened and row.step.id not in self._texts:
                self.post_message(self.TextsWanted((row.step.id,)))
        self._build()

    def _position_in(self, order: list[StepRow]) -> int:
        """Return the place of the cursor among all steps, folded ones too."""
        row = self._rows[self.cursor] if self._rows else None
        if row is None:
            return -1
        if row.step is not None:
            return next(n for n, step in enumerate(order) if step is row.step)
        first = self._steps.get(row.turn.no)
        return next((n for n, step in enumerate(order) if first and step is first[0]), 0) - 1

    def _build(self) -> None:
        """Make the list of lines again after a fold, unfold or a text that arrived."""
        rows: list[_Row] = []
        context = ThreadContext(
            self._drawing.user,
            self._drawing.zone,
            self._drawing.root_agent,
            self.page_width,
        )
        for turn in self._turns:
            rows.append(_Row(turn))
            if turn.no in self._folded:
                continue
            for step in self._steps.get(turn.no, ()):
                rows.append(_Row(turn, step))
                if step.id in self._opened:
                    rows.extend(_Row(turn, step, line) for line in unfolded(step, self._texts.get(step.id), context))
        self._rows = rows
        self.virtual_size = Size(self.page_width, len(rows))
        self.set_reactive(SpanTree.cursor, min(self.cursor, max(len(rows) - 1, 0)))
        self.refresh()

    def _place(self, index: int) -> None:
        if not self._rows:
            return
        index = min(max(index, 0), len(self._rows) - 1)
        old = self.cursor
        self.set_reactive(SpanTree.cursor, index)
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if index < top:
            self.scroll_to(y=max(index - height // 3, 0), animate=False)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1 + height // 3, animate=False)
        self.refresh_page_line(old)
        self.refresh_page_line(index)

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        if y >= len(self._rows):
            return None
        row = self._rows[y]
        if row.line is not None:
            line = row.line
        elif row.step is not None:
            line = self._step_line(row.turn, row.step, self.page_width)
        else:
            line = self._turn_line(row.turn, self.page_width)
        return line, y == self.cursor, False

    def _turn_line(self, turn: TurnRow, width: int) -> Line:
        mark = glyphs.get("folded" if turn.no in self._folded else "unfolded")
        span = turn.ended_ms - turn.started_ms if turn.ended_ms is not None and turn.started_ms is not None else None
        facts = [duration(span) if span is not None else ""]
        if width >= 100:
            facts.append(plural(turn.model_calls, "model call"))
        if turn.tool_calls:
            facts.append(plural(turn.tool_calls, "tool"))
        if turn.total_tokens and width >= 100:
            facts.append(f"{tokens(turn.total_tokens)} tok")
        if turn.cost_nano is not None:
            facts.append(("~" if turn.cost_estimated else "") + money(turn.cost_nano))
        right = f" {glyphs.get('dot')} ".join(fact for fact in facts if fact)
        bad = f" {glyphs.get('fail')} {count(turn.errors)} failed" if turn.errors else ""
        stamp = clock(turn.started_ms, self._drawing.zone) if turn.started_ms is not None else ""
        title = drawable(turn.user_head or turn.answer_head or "", one_line=True)
        name = f"{turn.no:>3}" if turn.no else "  –"
        room = width - len(right) - len(bad) - len(stamp) - 10
        return [
            (f"{mark} ", "turn"),
            (f"{name} ", "turn"),
            (f"{stamp} ", "dim"),
            (pad(title, max(room, 4)), "user-text"),
            (bad, "bad"),
            (f" {right}", "dim"),
        ]

    def _step_line(self, turn: TurnRow, step: StepRow, width: int) -> Line:
        axis = max(min(width // 3, 50), 10)
        label_cells = width - axis - 12
        kind = _KIND_WORD.get(EventKind(step.kind), "event")
        indent = "  " * min(step.depth + 1, 8)
        name = step.name or (step.model if step.kind == EventKind.AI_RESPONSE else None) or ""
        head = step.head or ""
        if step.kind == EventKind.AI_RESPONSE and not step.text_size:
            head = "asked for tools"
        agent = f"{drawable(step.agent or '', one_line=True)}: " if step.parent_agent else ""
        if step.is_error:
            mark, role = f"{glyphs.get('fail')} ", "bad"
            head = f"{step.error_type or 'failed'} {head}"
        else:
            mark, role = "", "text"
        text = f"{agent}{drawable(name, one_line=True)} {drawable(head, one_line=True)}".strip()
        used = len(indent) + 6 + len(mark)
        line: Line = [
            (indent, "text"),
            (f"{kind:<5} ", "dim"),
            (mark, "bad"),
            (pad(text, max(label_cells - used, 4)), role),
            (f"{latency(step.latency_ms) if step.latency_ms else '':>9} ", "dim"),
        ]
        drawn = _bar_of(turn, step, axis)
        if drawn is not None:
            line.append((drawn, "bad" if step.is_error else "span-bar"))
        return line

    def on_resize(self) -> None:
        self._build()

    def on_click(self, event: events.Click) -> None:
        """Select the line that was clicked; a second click on it unfolds it."""
        index = event.y + self.scroll_offset.y
        if index < len(self._rows):
            if index == self.cursor:
                self.toggle()
            else:
                self._place(index)


def _bar_of(turn: TurnRow, step: StepRow, cells: int) -> str | None:
    """Return the bar of a step on its turn's axis, or None where times are unknown."""
    if turn.started_ms is None or turn.ended_ms is None or step.time_ms is None:
        return None
    span = max(turn.ended_ms - turn.started_ms, 1)
    end = (step.time_ms - turn.started_ms) / span
    start = (step.time_ms - (step.latency_ms or 0) - turn.started_ms) / span
    return bar(min(max(start, 0.0), 1.0), min(max(end, 0.0), 1.0), cells)


def _loose_turn(number: int, steps: Sequence[StepRow]) -> TurnRow:
    """Return a stand-in for steps that belong to no turn."""
    times = [step.time_ms for step in steps if step.time_ms is not None]
    return TurnRow(
        no=number,
        started_ms=min(times, default=None),
        ended_ms=max(times, default=None),
        user_head="outside any turn",
        answer_head=None,
        messages=0,
        model_calls=0,
        tool_calls=sum(step.kind == EventKind.TOOL_CALL for step in steps),
        tool_errors=0,
        errors=sum(step.is_error for step in steps),
        total_tokens=None,
        cost_nano=None,
        cost_estimated=False,
    )
