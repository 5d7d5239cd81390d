"""What doors ask about Monitor: the view, the range that holds the newest data, the get-started checklist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.backend.model.filter import Filter
from aa_tui.backend.model.timerange import TimeRange
from aa_tui.backend.query.monitor import checklist, period
from aa_tui.backend.query.monitor.view import MonitorQuery
from aa_tui.backend.query.readmodels import CheckRow, MonitorTables, MonitorView
from aa_tui.backend.support.cancel import CancelToken

if TYPE_CHECKING:
    from aa_tui.backend.service.workspace import Workspace


class MonitorService:
    """Monitor of one project. Every call may raise `Cancelled` (its token) or `StoreError`."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def view(
        self,
        f: Filter,
        interval: str = "auto",
        group_by: str | None = None,
        token: CancelToken | None = None,
        *,
        tools: bool = True,
    ) -> MonitorView:
        """Return everything Monitor draws for a filter, over its time range or the last 30 days.

        Args:
            f: which sessions; its time range is the view's.
            interval: `auto`, `hour`, `day`, `week` or `month`, in the project's zone.
            group_by: a field or stored facet key; series come for the five largest values and `other`.
            tools: without, the view comes sooner and its tools are None; `tables` asks for them.

        Raises:
            UsageError: no such interval or field.
        """
        with self._ws.store.reader(token) as reader:
            query = MonitorQuery(reader, self._ws.scope, f, interval, group_by)
            return query.view(self._ws.project.settings, tools)

    def tables(self, f: Filter, interval: str = "auto", token: CancelToken | None = None) -> MonitorTables:
        """Return the tools and topics of the view of the same filter and interval."""
        with self._ws.store.reader(token) as reader:
            return MonitorQuery(reader, self._ws.scope, f, interval, None).tables(self._ws.project.settings)

    def best_range(self) -> TimeRange:
        """Return the shortest usual range that shows the newest data."""
        with self._ws.store.reader() as reader:
            return period.best_range(reader, self._ws.scope)

    def checklist(self, token: CancelToken | None = None) -> list[CheckRow]:
        """Return what has arrived so far, with fill rates, and what to do where something is missing."""
        with self._ws.store.reader(token) as reader:
            return checklist.checklist(reader, self._ws.scope)

    def has_agent_data(self) -> bool:
        """Tell whether the project has any session."""
        with self._ws.store.reader() as reader:
            return checklist.has_agent_data(reader, self._ws.scope)
