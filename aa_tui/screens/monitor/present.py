"""From a `MonitorView` to what the widgets show: tiles, chart specs, table rows, and the filter behind each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aa_tui.backend.model import vocabulary
from aa_tui.backend.model.filter import Filter
from aa_tui.backend.support import humanize
from aa_tui.backend.support.clock import DAY_MS
from aa_tui.screens.monitor.measures import CYCLE, EACH, MEASURES, RULES, Shown, shown
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, width_of
from aa_tui.widgets.charts import ChartSpec, DrawnSeries
from aa_tui.widgets.charts.scale import combine, interval_end, readout
from aa_tui.widgets.safe_text import safe_line
from aa_tui.widgets.tile_strip import Tile

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import Measure, MonitorView, Series

_BAND_WORD = {"good": "good", "warn": "fair", "bad": "poor"}
_RULE_WORDS = {
    "tool_error": "tool errors",
    "retry_storm": "retry storms",
    "tool_cascade_fail": "tools failing in a row",
    "interrupted": "interrupted",
    "api_error": "API errors",
    "truncated": "answers cut off",
    "content_filtered": "content filtered",
    "repeated_request": "repeated requests",
    "unanswered": "unanswered",
    "abandoned": "abandoned",
}


# Tiles -------------------------------------------------------------------------------------------------------------


def tiles(view: MonitorView) -> tuple[Tile, ...]:
    """Return the tiles in their order; p50 and p90 stand in one; unknown quality measures are left out."""
    found = []
    for measure, how in MEASURES.items():
        value = view.tiles.get(measure)
        if value is None or measure == "latency_p50" or (how.scored and value.value is None):
            continue
        found.append(_tile(measure, value, view))
    if not view.scored and view.tiles:
        found += _rule_tiles(view)
    return tuple(found)


def _tile(measure: str, value: Measure, view: MonitorView) -> Tile:
    how = shown(measure, view.scored > 0)
    label, text, band = how.label, readout(value.value, how.unit), ""
    if how.bands is not None and value.value is not None:
        band = _BAND_WORD[how.bands.of(value.value)]
    if measure == "cost":
        label = cost_head(view)
    if measure == "latency_p90":
        label, text = "p50 / p90", _pair(view.tiles.get("latency_p50"), value)
    sessions = view.tiles.get("sessions")
    # The first tile already says how many sessions there are; only another denominator is worth the cells.
    whole = sessions is not None and value.n == sessions.value
    n = f"n{humanize.short_count(value.n)}" if how.how == "rate" and value.n and not whole else ""
    change, role = _change(value, how)
    return Tile(measure, label, text, n, change, role, band, how.priority)


def _pair(p50: Measure | None, p90: Measure) -> str:
    first = None if p50 is None else p50.value
    if first is None or p90.value is None or p90.value < 1000 or p90.value >= 99_950:
        return f"{readout(first, 'latency')} / {readout(p90.value, 'latency')}"
    return f"{first / 1000:.1f} / {p90.value / 1000:.1f} s"


def _change(value: Measure, how: Shown) -> tuple[str, str]:
    if value.value is None or value.previous is None or not value.previous_n:
        return "", "muted"
    if how.unit == "score":
        delta = value.value - value.previous
        text = "=" if abs(delta) < 0.005 else f"{'▲' if delta > 0 else '▼'} {abs(delta):.2f}".replace("0.", ".")
    else:
        text = humanize.change(value.value, value.previous, "points" if how.unit == "share" else "percent")
    if text in ("", "=") or how.higher_is_better is None:
        role = "muted"
    else:
        role = "good" if text.startswith("▲") == how.higher_is_better else "bad"
    return text, role


def _rule_tiles(view: MonitorView) -> list[Tile]:
    total = view.tiles["sessions"].value if "sessions" in view.tiles else None
    return [
        Tile(
            f"rule:{count.value}",
            rule_words(count.value),
            humanize.count(count.sessions),
            "",
            humanize.share(count.sessions / total) if total else "",
            "muted",
            "",
            max(1, 58 - index),
        )
        for index, count in enumerate(view.rules[:6])
    ]


def rule_words(rule: str) -> str:
    """Return a rule as people say it."""
    return _RULE_WORDS.get(rule) or safe_line(rule.replace("_", " "), 28)


def cost_head(view: MonitorView) -> str:
    """Return what the money is: `cost`, `list price` when estimated, `subscription` when nothing is paid per call."""
    return "subscription" if view.subscription else "list price" if view.cost_estimated else "cost"


# Charts ------------------------------------------------------------------------------------------------------------


def measures(view: MonitorView) -> tuple[str, ...]:
    """Return the measures a chart can show in this view, in the order a panel goes through them."""
    there = {series.measure for series in view.series}
    return tuple(measure for measure in CYCLE if measure in there)


def chart(view: MonitorView, measure: str, now_ms: int | None = None) -> ChartSpec:
    """Return the chart of a measure; grouped views become small multiples."""
    how = shown(measure, view.scored > 0)
    grouped = any(series.group for series in view.series)
    newest = view.to_ms if now_ms is None else min(view.to_ms, now_ms)
    mine = [series for series in view.series if series.measure == measure]
    form = "multiples" if grouped else "bars"
    series = tuple(_drawn(each, how) for each in mine)
    if measure == "latency_p90" and not grouped:
        p50 = [each for each in view.series if each.measure == "latency_p50"]
        series = (*(_named(each, "p50") for each in p50), *(_named(each, "p90") for each in mine))
        form = "lines"
    title = how.title.format(a=EACH.get(view.interval, "each"))
    if measure == "latency_p90" and grouped:
        title = "Latency p90 s"
    return ChartSpec(
        measure=measure,
        title=title,
        short="Latency" if measure == "latency_p90" else how.label.capitalize(),
        unit=how.unit,
        how=how.how,
        form="multiples" if form == "multiples" else "lines" if form == "lines" else "bars",
        series=series,
        end_ms=interval_end(series[0].points[-1].start_ms, view.interval, view.time_zone) if series else view.to_ms,
        interval=view.interval,
        zone=view.time_zone,
        legends=_legends(view, measure, how, mine),
        source=origin(view) if how.scored or measure == "success" else "",
        marks=view.marks,
        known=(view.from_ms, newest),
        full=how.full,
        bands=how.bands,
        opens=how.opens,
        empty=_empty(view, measure, how),
        higher_is_better=how.higher_is_better,
    )


def _drawn(series: Series, how: Shown) -> DrawnSeries:
    whole, _ = combine(series.points, "sum" if how.how == "mean" else how.how)
    name = safe_line(series.group or "all", 28) if series.group else ""
    # A percentile of the whole cannot be had from those of its parts.
    total = f"max {readout(whole, how.unit)}" if how.how == "max" else readout(whole, how.unit)
    return DrawnSeries(name, series.points, total, series.group)


def _named(series: Series, name: str) -> DrawnSeries:
    return DrawnSeries(name, series.points)


def _legends(view: MonitorView, measure: str, how: Shown, mine: list[Series]) -> tuple[str, ...]:
    """Return what the border says, longest first; the chart takes the first that fits."""
    points = [point for series in mine for point in series.points if point.value is not None]
    if not points:
        return ()
    tile = view.tiles.get(measure)
    n = f"n {humanize.count(tile.n)}" if tile is not None else ""
    peak = readout(max(point.value for point in points if point.value is not None), how.unit)
    newest = readout(tile.value if tile is not None else points[-1].value, how.unit)
    grouped = any(series.group for series in mine)
    if measure == "cost":
        head = cost_head(view)
        priced, calls = view.cost_coverage
        cover = f"{humanize.share(priced / calls)} of calls priced" if calls and priced < calls else ""
        return _shortening([head, f"max {peak}", cover]) if head != "cost" else _shortening([f"max {peak}", cover])
    source = origin(view) if how.scored or measure == "success" else ""
    if grouped:
        return _shortening([source or ("own scale each" if how.full is None else "0–100 % each"), n])
    if how.how == "rate":
        return _shortening([source, n] if source else [newest, n])
    if how.how == "max":
        return _shortening([f"p90 {readout(tile.value, how.unit) if tile else newest}", f"max {peak}", n])
    return _shortening([f"max {peak}"])


def _shortening(parts: list[str]) -> tuple[str, ...]:
    kept = [part for part in parts if part]
    return tuple(" · ".join(kept[:length]) for length in range(len(kept), 0, -1))


def origin(view: MonitorView) -> str:
    """Return what stands behind the quality numbers, in words: rules, or the model that scored."""
    if not view.scored:
        return RULES
    return safe_line(view.scored_by, 32) if view.scored_by else "scored"


def _empty(view: MonitorView, measure: str, how: Shown) -> str:
    if measure == "cost":
        return "no cost known: no call is priced"
    if how.scored:
        return "not scored yet: no model configured" if not view.scored else "not scored in this range"
    if view.untimed and not ((sessions := view.tiles.get("sessions")) and sessions.n):
        return f"{humanize.plural(view.untimed, 'session')} without a usable time"
    return "nothing in this range"


# What it means -----------------------------------------------------------------------------------------------------


def definition(measure: str, view: MonitorView | None) -> tuple[str, ...]:
    """Return what a number means, in sentences: definition, denominator, bands, origin."""
    if measure.startswith("rule:"):
        rule = rule_words(measure.partition(":")[2])
        return (f"Sessions in which the rule “{rule}” fired: {RULES}.", "Share of all sessions of the range.")
    info = vocabulary.MEASURES.get(measure)
    if info is None:
        return ()
    how = MEASURES[measure]
    lines = [f"{info.title}. {info.definition}"]
    if info.denominator:
        tile = view.tiles.get(measure) if view is not None else None
        n = f": n {humanize.count(tile.n)} now" if tile is not None and tile.n else ""
        lines.append(f"Out of: {info.denominator}{n}.")
    if how.bands is not None:
        good, bad = readout(how.bands.good, how.unit), readout(how.bands.bad, how.unit)
        above, below = ("above", "below") if how.bands.higher_is_better else ("below", "above")
        lines.append(f"Good {above} {good}, poor {below} {bad}, fair between.")
    if view is not None and (how.scored or measure == "success"):
        lines.append("Directional, not exact." if view.scored else "No model has scored anything in this range.")
        if view.scored and view.scored_by:
            lines.append(f"Scored by: {origin(view)}.")
    if view is not None and measure == "cost":
        priced, calls = view.cost_coverage
        lines.append(f"{humanize.count(priced)} of {humanize.count(calls)} model calls have a price.")
    return tuple(lines)


# Words -------------------------------------------------------------------------------------------------------------


def words(view: MonitorView, base: Filter, range_words: str, group: str, chosen: bool, room: int = 1000) -> str:
    """Say what is shown: filter, by what, range and why, against what. What does not fit into `room` cells goes, the
    comparison first; the filter is cut at last.
    """
    rest = base.with_range(None)
    agents = rest.values("agent")
    what = "all agents" if not rest else safe_line(rest.words())
    if agents and len(rest.parts()) == 1:
        what = " against ".join(safe_line(agent, 24) for agent in agents)
    by = [f"by {group}"] if group else []
    previous = "" if chosen else _previous_words(view)
    reach = f"{range_words}, the newest data" if chosen else range_words
    missing = f"{humanize.plural(view.untimed, 'session')} without a time left out of charts" if view.untimed else ""
    short = f"{humanize.short_count(view.untimed)} without a time" if view.untimed else ""
    dot = f" {glyphs.get('dot')} "
    text = ""
    for tail in ([reach, previous, missing], [reach, previous, short], [reach, short], [range_words, short]):
        text = dot.join([*by, *filter(None, tail)])
        if width_of(what + dot + text) <= room:
            break
    return f"{clip(what, max(12, room - width_of(dot + text)))}{dot}{text}"


def _previous_words(view: MonitorView) -> str:
    if not any(measure.previous is not None for measure in view.tiles.values()):
        return ""
    days = round((view.to_ms - view.from_ms) / DAY_MS)
    if days < 1:
        return "against the hours before"
    return "against the day before" if days == 1 else f"against the {days} days before"
