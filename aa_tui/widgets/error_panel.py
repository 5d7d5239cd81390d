"""What stands where data could not be shown: what happened, what to do, how to try again."""

from __future__ import annotations

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.support.errors import AAError
from aa_tui.widgets.empty_state import EmptyState
from aa_tui.widgets.safe_text import safe


class ErrorPanel(EmptyState):
    """The fourth kind of nothing: it failed."""

    def fail(self, error: AAError, retry_key: str = "r") -> None:
        """Show an expected error. Its message is treated as stored text: it may quote a file or a server."""
        lines: list[Content | str] = [safe(error.message, one_line=False)]
        if error.hint:
            lines += ["", safe(error.hint, one_line=False)]
        key = Content.styled(retry_key, themes.style("accent", "bold"))
        lines += ["", Content.assemble(key, Content.styled(" tries again", themes.style("muted")))]
        self.say("This cannot be shown", lines, "bad")
