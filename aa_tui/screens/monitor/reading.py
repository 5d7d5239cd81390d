"""What Monitor asks the service, in one go on a reader thread: each question of its own would wait for its turn of the
event loop. No Textual here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aa_tui.backend.model.filter import Filter, from_link_params, to_link_params
from aa_tui.backend.model.timerange import TimeRange

if TYPE_CHECKING:
    from aa_tui.address import Address
    from aa_tui.backend.query.readmodels import FilterPart, MonitorView
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken

DEFAULT_RANGE = TimeRange("30d")
"""What is shown where nothing says otherwise."""
INTERVALS = ("auto", "hour", "day", "week", "month")
"""What one bar of a chart can hold."""
GUIDE = "get-started"
"""The tab of the address that means the guide instead of figures."""


class Asked(NamedTuple):
    """How Monitor is looked at."""

    filter: Filter = Filter()
    interval: str = "auto"
    group: str = ""

    @property
    def grouping(self) -> str:
        """What charts are grouped by: as chosen, else by agent while several are compared."""
        return self.group or ("agent" if len(self.filter.values("agent")) > 1 else "")

    def params(self) -> dict[str, str]:
        """Return the parameters of the address that `asked` reads."""
        params = to_link_params(self.filter)
        if self.group:
            params["by"] = self.group
        if self.interval != "auto":
            params["interval"] = self.interval
        return params


def asked(address: Address) -> Asked:
    """Return what an address asks for.

    Raises:
        UsageError: its filter cannot be understood.
    """
    params = dict(address.params)
    group = params.pop("by", "")
    interval = params.pop("interval", "auto")
    if "range" in params:
        params.setdefault("since", params.pop("range"))
    return Asked(from_link_params(params), interval if interval in INTERVALS else "auto", group)


class Answer(NamedTuple):
    """What was read."""

    view: MonitorView | None
    """None: the project has no data of agents."""
    filter: Filter
    """The one asked for, with a range where it named none."""
    chosen: TimeRange | None
    """The range that stands for none."""
    parts: tuple[FilterPart, ...]
    """Where nothing matches: what each part of the filter lets through."""
    now_ms: int
    version: int
    """The project's data version before it was read."""


def read(workspace: Workspace, wanted: Asked, chosen: TimeRange | None, token: CancelToken) -> Answer:
    """Read the view; `chosen` is the range for a filter that names none, as an earlier answer said.

    Raises:
        Cancelled: the token was cancelled.
        StoreError: the store cannot be read.
        UsageError: there is no such property to group by.
    """
    monitor = workspace.monitor
    version = workspace.data_version()
    now_ms = workspace.clock.now_ms()
    base = wanted.filter
    if not monitor.has_agent_data():
        return Answer(None, base, chosen, (), now_ms, version)
    if base.time_range() is None:
        chosen = chosen or monitor.best_range()
        base = base.with_range(chosen)
    view = monitor.view(base, interval=wanted.interval, group_by=wanted.grouping or None, token=token, tools=False)
    parts: tuple[FilterPart, ...] = ()
    if not has_sessions(view):
        parts = tuple(workspace.sessions.explain_nothing(base, token=token))
    return Answer(view, base, chosen, parts, now_ms, version)


def has_sessions(view: MonitorView) -> bool:
    """Tell whether anything matched, be it without a usable time."""
    tile = view.tiles.get("sessions")
    return bool(tile is not None and tile.value) or view.untimed > 0
