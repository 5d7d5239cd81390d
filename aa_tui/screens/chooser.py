"""A popup that lets one of several things be chosen, by arrows, typing or mouse: menus, palette, help, switchers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support.fuzzy import fuzzy
from aa_tui.screens.modal import Modal
from aa_tui.widgets.choice_list import Choice, ChoiceList
from aa_tui.widgets.frame import OneLine


class Chooser(Modal[Any]):
    """Shows choices; its result is the value of the chosen one, or None when it was left.

    `highlighted` is called with the value under the cursor whenever it changes, for live previews. With `typed`, typing
    narrows the list; without, a choice's `key` chooses it at once.
    """

    DEFAULT_CSS = """
    Chooser { align: center top; background: $background 0%; }
    Chooser > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%; margin-top: 2;
        border: round $line; padding: 0; background: $surface;
    }
    Chooser ChoiceList { max-height: 1fr; background: $surface; }
    Chooser Vertical > Input { height: 1; border: none; padding: 0 1; background: $surface; }
    Chooser Vertical > Input:focus { border: none; }
    Chooser #chooser-title { background: $surface; }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        typed: bool = True,
        placeholder: str = "type to search",
        highlighted: Callable[[Any], None] | None = None,
        cursor: int = 0,
        on_text: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._typed = typed
        self._placeholder = placeholder
        self._highlighted = highlighted
        self._first = cursor
        self._on_text = on_text
        self._last: Any = object()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield OneLine(id="chooser-title")
            if self._typed:
                from aa_tui.widgets.line_input import LineInput

                box = LineInput(placeholder=self._placeholder, compact=True)
                box.cursor_blink = False
                yield box
            yield ChoiceList()

    def on_mount(self) -> None:
        hint = Content.styled("enter chooses  esc leaves ", themes.style("muted"))
        title = Content.styled(f" {self._title}", themes.style("accent", "bold"))
        self.query_one("#chooser-title", OneLine).set(title, hint)
        self.query_one(ChoiceList).show(self._choices, self._first)
        self._tell()

    @property
    def shown(self) -> ChoiceList:
        """The list."""
        return self.query_one(ChoiceList)

    def _tell(self) -> None:
        choice = self.shown.current
        if self._highlighted is not None and choice is not None and choice.value != self._last:
            self._last = choice.value
            self._highlighted(choice.value)

    def on_input_changed(self, event: Any) -> None:
        query = event.value.strip()
        if not query:
            self.shown.show(self._choices)
        else:
            ranked: list[tuple[float, Choice]] = []
            for choice in self._choices:
                score = fuzzy(query, f"{choice.title} {choice.note}")
                if score is not None:
                    # A match in the title is what people mean; the note only helps when no title has it.
                    ranked.append((score + (fuzzy(query, choice.title) or -50), choice))
            ranked.sort(key=lambda pair: -pair[0])
            self.shown.show([choice for _, choice in ranked])
        self._tell()

    def on_input_submitted(self, event: Any) -> None:
        self._choose(self.shown.current, event.value)

    def _choose(self, choice: Choice | None, text: str = "") -> None:
        if choice is None:
            if self._on_text is not None and text.strip():
                self.leave(self._on_text(text.strip()))
            return
        if choice.why_not is None:
            self.leave(choice.value)

    @on(ChoiceList.Chosen)
    def _clicked(self, event: ChoiceList.Chosen) -> None:
        self._choose(event.choice)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.leave(None)

    def on_key(self, event: events.Key) -> None:
        steps = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "ctrl+p": -1, "ctrl+n": 1}
        if not self._typed:
            steps |= {"k": -1, "j": 1}
        if event.key == "escape":
            self.leave(None)
        elif event.key in steps:
            self.shown.move(steps[event.key])
            self._tell()
        elif event.key == "enter" and not self._typed:
            self._choose(self.shown.current)
        elif not self._typed and event.character:
            found = next((choice for choice in self._choices if choice.key == event.character), None)
            self._choose(found)
        else:
            return
        event.stop()
        event.prevent_default()
