"""Moving in a page or a short list by the keys of scope `pane`. Mixed into screens that have one; knows no content."""

from __future__ import annotations

from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets.field_page import FieldPage
from aa_tui.widgets.windowed_table import WindowedTable


class PaneMoves(PlaceScreen):
    """The actions of scope `pane`."""

    @property
    def moved(self) -> FieldPage | WindowedTable:
        """What the keys move in."""
        raise NotImplementedError

    def action_pane_down(self) -> None:
        self.moved.move_by(1)

    def action_pane_up(self) -> None:
        self.moved.move_by(-1)

    def action_pane_page_down(self) -> None:
        self._by_page(self.moved.page)

    def action_pane_page_up(self) -> None:
        self._by_page(-self.moved.page)

    def action_pane_half_down(self) -> None:
        self.moved.scroll_rows(self.moved.page // 2)

    def action_pane_half_up(self) -> None:
        self.moved.scroll_rows(-(self.moved.page // 2))

    def action_pane_top(self) -> None:
        self._to_end(False)

    def action_pane_bottom(self) -> None:
        self._to_end(True)

    def _by_page(self, rows: int) -> None:
        if isinstance(self.moved, WindowedTable):
            self.moved.move_by(rows)
        else:
            self.moved.scroll_rows(rows)

    def _to_end(self, last: bool) -> None:
        if isinstance(self.moved, WindowedTable):
            self.moved.move_to(len(self.moved.ids) - 1 if last else 0)
        else:
            self.moved.move_to_end(last)
