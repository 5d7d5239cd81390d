"""Styles by role for widgets that draw their own lines. Which roles there are and what they mean, a widget says itself.

Component classes would do the same, but each of them is matched against every rule whenever its widget is styled: with
twenty roles in ten widgets that was a third of the time to the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.style import Style
from textual.style import Style as VisualStyle
from textual.widget import Widget

from aa_tui import themes


class RoleStyled(Widget):
    """A widget whose pieces of text have roles."""

    LOOKS: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Per role: a meaning of `themes` (`text` for none) and attributes on top of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._role_styles: dict[tuple[str, ...], Style] = {}
        self._role_styles_of = ""
        self._own_style: VisualStyle | None = None
        super().__init__(*args, **kwargs)

    def role_style(self, *roles: str) -> Style:
        """Return the widget's own style with those of the roles on top, the last one winning; KeyError for no role."""
        if self._role_styles_of != themes.current().name:
            self._role_styles.clear()
            self._own_style = None
            self._role_styles_of = themes.current().name
        found = self._role_styles.get(roles)
        if found is None:
            if self._own_style is None:
                self._own_style = self.visual_style
            style = self._own_style
            for role in roles:
                style += self.app.stylesheet.parse_style(themes.style(*self.LOOKS[role]))
            found = self._role_styles[roles] = style.rich_style
        return found

    def notify_style_update(self) -> None:
        self._role_styles.clear()
        self._own_style = None
        super().notify_style_update()
