"""The floors that are Textual programs: a DataTable of 10,000 rows, whose cursor and pages the session list is held to.

Run as a program under the terminal of the measuring tools; what is measured lives in the benchmarks.
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable

ROWS = 10_000
READY = "what they wanted, number 0,"


class Table(App[None]):
    """Six columns of text like the session list's."""

    BINDINGS = [("ctrl+q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """Yield the table."""
        table: DataTable[str] = DataTable(cursor_type="row")
        table.add_columns("started", "user", "agent", "title", "turns", "cost")
        for n in range(ROWS):
            title = f"what they wanted, number {n}, as the first line of a request"
            table.add_row(
                f"{n % 24:02}:{n % 60:02} Mon",
                f"user-{n * 37 % 4000}",
                f"agent-{n % 7}",
                title,
                str(n % 30),
                f"$0.{n % 97:02}",
            )
        yield table


if __name__ == "__main__":
    Table().run()
