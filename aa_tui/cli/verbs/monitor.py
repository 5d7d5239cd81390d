"""The verb `monitor`: the numbers of Monitor as one JSON object or as tables."""

from __future__ import annotations

from typing import Annotated

import typer

from aa_tui.cli import errors, output
from aa_tui.cli.verbs.shared import ANYWHERE, FilterWords, Json, filter_text, open_workspace

group = typer.Typer()


@group.command(
    epilog="Example:  aa-tui monitor agent:billing --range 30d --json. " + ANYWHERE,
)
def monitor(
    context: typer.Context,
    words: FilterWords = None,
    range_: Annotated[
        str, typer.Option("--range", help="24h, 7d, 30d, all, 2026-10-01..2026-10-31; else what holds the newest data.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the numbers of Monitor."""
    from aa_tui.backend.model.filter import parse_filter
    from aa_tui.backend.model.timerange import parse_range
    from aa_tui.backend.support import humanize
    from aa_tui.cli import present

    wanted = parse_filter(filter_text(words))
    chosen = parse_range(range_) if range_ else None
    with open_workspace(context) as ws:
        if chosen is not None:
            wanted = wanted.with_range(chosen)
        elif wanted.time_range() is None:
            wanted = wanted.with_range(ws.monitor.best_range())
        view = ws.monitor.view(wanted)
        if as_json:
            output.json_line(present.monitor_object(view, ws.project.name, wanted.to_text()))
            return
        output.line(f"{ws.project.name}: {wanted.words() or 'all'} ({view.time_zone})")
        output.line()
        output.table(
            ("MEASURE", "VALUE", "BEFORE", "OF"),
            [
                (
                    present.measure_title(name),
                    present.measure_text(name, measure.value),
                    present.measure_text(name, measure.previous),
                    f"{measure.n:,}",
                )
                for name, measure in view.tiles.items()
            ],
            frozenset({1, 2, 3}),
        )
        if view.agents:
            output.line()
            output.table(
                ("AGENT", "SESSIONS", "SUCCESS", "ERRORS", "COST", "P90", "TOPICS"),
                [
                    (
                        agent.agent,
                        f"{agent.sessions:,}",
                        present.measure_text("success", agent.success.value),
                        present.measure_text("error_rate", agent.error_rate.value),
                        humanize.money(agent.cost_nano),
                        humanize.latency(agent.p90_ms),
                        ", ".join(agent.topics),
                    )
                    for agent in view.agents
                ],
                frozenset({1, 2, 3, 4, 5}),
            )
        if view.tools:
            output.line()
            output.table(
                ("TOOL", "CALLS", "FAILED", "P50", "P90", "MOST FREQUENT ERROR"),
                [
                    (
                        tool.tool,
                        f"{tool.calls:,}",
                        f"{tool.errors:,}",
                        humanize.latency(tool.p50_ms),
                        humanize.latency(tool.p90_ms),
                        tool.top_error or "",
                    )
                    for tool in view.tools
                ],
                frozenset({1, 2, 3, 4}),
            )
        if not view.scored:
            errors.note("Success and quality are from rules, no model has scored these sessions.")
        if view.subscription:
            errors.note("Cost is what these calls would have cost; this project pays a subscription.")
        elif view.cost_estimated:
            errors.note("Cost is at list price where the source states none.")
