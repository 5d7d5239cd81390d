"""Charts of the terminal: pure scale and drawing, and the widget around them. Plain values in, messages out."""

from aa_tui.widgets.charts.chart import Chart
from aa_tui.widgets.charts.spec import Bands, ChartSpec, DrawnSeries

__all__ = ["Bands", "Chart", "ChartSpec", "DrawnSeries"]
