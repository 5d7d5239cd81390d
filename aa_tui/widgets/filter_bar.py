"""The line where a filter is typed, with completion, history and errors that point at their column.

It knows no grammar: the parent checks the text and offers completions; the bar shows them and says what was typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message

from aa_tui import themes
from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.safe_text import safe_line


@dataclass(frozen=True, slots=True)
class Offer:
    """A completion: it replaces the text from `start` to `end`; `note` says what it is."""

    start: int
    end: int
    text: str
    note: str = ""


class FilterBar(Vertical):
    """Two lines: what is typed, and below it the offers or what is wrong. Hidden until opened."""

    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; }
    FilterBar.-open { display: block; }
    FilterBar > Horizontal { height: 1; }
    FilterBar OneLine#filter-sign { width: 3; }
    FilterBar Input { width: 1fr; height: 1; border: none; padding: 0; }
    FilterBar Input:focus { border: none; }
    """

    @dataclass
    class Edited(Message):
        """The text or the cursor changed; answer with `offer` or `complain`."""

        text: str
        cursor: int

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FilterBar.Edited)

    @dataclass
    class Submitted(Message):
        """Enter was pressed; answer with `close` or `complain`."""

        text: str

    @dataclass
    class Closed(Message):
        """Escape was pressed; the bar has hidden itself and the filter stays what it was."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.history: list[str] = []
        """Texts typed before, oldest first."""
        self._input: Any = None
        self._offers: Sequence[Offer] = ()
        self._at: int | None = None
        self._draft = ""

    def compose(self) -> Iterator[Any]:
        with Horizontal():
            yield OneLine(id="filter-sign")
        yield OneLine(id="filter-hint")

    @property
    def is_open(self) -> bool:
        """True while it is shown."""
        return self.has_class("-open")

    async def open(self, text: str) -> None:
        """Show the bar with a text to edit and take the focus."""
        # Imported here: the input widget costs a tenth of the start and the first frame does not need it.
        from aa_tui.widgets.line_input import LineInput

        self.add_class("-open")
        self.query_one("#filter-sign", OneLine).set(Content.styled(" / ", themes.style("accent", "bold")))
        if self._input is None:
            self._input = LineInput(compact=True, select_on_focus=False)
            self._input.cursor_blink = False
            await self.query_one(Horizontal).mount(self._input)
        self._input.value = text + " " if text else ""
        self._input.cursor_position = len(self._input.value)
        self.screen.set_focus(self._input)
        self._at = None
        self._edited()

    def close(self) -> None:
        """Hide the bar."""
        self.remove_class("-open")

    def offer(self, offers: Sequence[Offer]) -> None:
        """Show completions; Tab takes the first."""
        self._offers = offers
        pieces: list[Content | str] = []
        room = self.size.width - 4
        for n, item in enumerate(offers):
            text = safe_line(item.text, 40)
            note = clip(item.note, 44) if n == 0 else ""
            cells = width_of(text) + width_of(note) + 3
            if cells > room:
                break
            room -= cells
            pieces.append(Content.styled(text, themes.style("accent" if n == 0 else "text")))
            if note:
                pieces.append(Content.styled(f" {note}", themes.style("muted")))
            pieces.append("  ")
        if not pieces:
            tip = "enter filters  tab completes  ↑ earlier  esc leaves it as it was"
            pieces = [Content.styled(tip, themes.style("muted"))]
        self._hint(Content.assemble(*pieces))

    def complain(self, message: str, column: int | None) -> None:
        """Show what is wrong with the text; the list keeps showing the last filter that was right."""
        self._offers = ()
        before = f"{'^':>{column + 1}} " if column is not None and column < self.size.width // 4 else ""
        text = safe_line(message, max(10, self.size.width - len(before) - 4))
        self._hint(Content.assemble(before, Content.styled(text, themes.style("bad"))))

    def _hint(self, content: Content) -> None:
        self.query_one("#filter-hint", OneLine).set(Content.assemble("   ", content))

    def _edited(self) -> None:
        if self._input is not None:
            self.post_message(self.Edited(self._input.value, self._input.cursor_position))

    def on_input_changed(self, event: Any) -> None:
        event.stop()
        self._edited()

    def on_input_submitted(self, event: Any) -> None:
        event.stop()
        text = event.value.strip()
        if text and (not self.history or self.history[-1] != text):
            self.history.append(text)
        self.post_message(self.Submitted(text))

    def on_key(self, event: events.Key) -> None:
        if self._input is None or not self.is_open:
            return
        if event.key == "escape":
            self.close()
            self.post_message(self.Closed())
        elif event.key == "tab":
            if self._offers:
                first = self._offers[0]
                value = self._input.value
                self._input.value = value[: first.start] + first.text + value[first.end :]
                self._input.cursor_position = first.start + len(first.text)
        elif event.key == "up" and self.history:
            if self._at is None:
                self._draft = self._input.value
                self._at = len(self.history)
            self._at = max(0, self._at - 1)
            self._recall(self.history[self._at])
        elif event.key == "down" and self._at is not None:
            self._at += 1
            if self._at < len(self.history):
                self._recall(self.history[self._at])
            else:
                self._at = None
                self._recall(self._draft)
        else:
            return
        event.stop()
        event.prevent_default()

    def _recall(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)
