"""Monitor, the landing place: tiles, charts and tables of one project's agents."""

from aa_tui.screens.monitor.screen import MonitorScreen

__all__ = ["MonitorScreen"]
