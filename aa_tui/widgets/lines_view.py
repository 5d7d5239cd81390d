"""A scrolling page of lines made by its parent: Info, Review. Holds no data of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Size

from aa_tui.widgets.role_lines import Line, RoleLines


class LinesView(RoleLines):
    """Shows the lines a builder returns for a width; asks it again when the width changes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._build: Callable[[int], Sequence[Line]] = lambda width: ()
        self._lines: Sequence[Line] = ()

    def show(self, build: Callable[[int], Sequence[Line]]) -> None:
        """Show what `build(width)` returns, from the top."""
        self._build = build
        self._make()
        self.scroll_home(animate=False)

    def _make(self) -> None:
        self._lines = self._build(self.page_width)
        self.virtual_size = Size(self.page_width, len(self._lines))
        self.refresh()

    def on_resize(self) -> None:
        self._make()

    def move(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=self.scroll_offset.y + by, animate=False)

    def line_at(self, y: int) -> tuple[Line, bool, bool] | None:
        return (self._lines[y], False, False) if y < len(self._lines) else None
