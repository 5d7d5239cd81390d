"""What the Info tab says of a session: pure functions from the read-model to lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from aa_tui.backend.model.data_problems import problem_of
from aa_tui.backend.model.error_categories import category_of
from aa_tui.backend.model.text_switches import SWITCHES
from aa_tui.backend.query.readmodels import CostShare, SessionDetail
from aa_tui.backend.support.humanize import (
    UNKNOWN,
    count,
    duration,
    full_moment,
    latency,
    money,
    plural,
    tokens,
)
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import pad
from aa_tui.widgets.fact_lines import fact, heading, stored
from aa_tui.widgets.role_lines import Line

_DEEP = 3
"""Levels of what a sender gave that are taken apart; deeper ones stay JSON."""
_MOST_CHARS = 400
"""Of a value that stays JSON."""
_MOST_SHARES = 12
_CLOSED_BY = {
    "explicit_close": "the agent said so",
    "timeout": "nothing came for its idle time",
}


def info_lines(detail: SessionDetail, zone: str, width: int) -> list[Line]:
    """Return the Info tab: everything known of the session, unknown as a dash."""
    lines = [
        *_session(detail, zone, width),
        *_problems(detail, width),
        *_work(detail, width),
        *_money(detail, width),
        *_latency(detail, width),
    ]
    given = {label: value for label, value in detail.info.items() if label not in ("enrichments", "withheld")}
    for title, values in (("From the sender", detail.info.get("enrichments")), ("Context", given)):
        facts = [line for label, text in flat(values) for line in fact(stored(label), stored(text), width)]
        if facts:
            lines += [*heading(title), *facts]
    return lines


def state_words(detail: SessionDetail, zone: str) -> str:
    """Return where the session stands in its life: state, reason, and how often it was closed."""
    row, revision = detail.row, detail.revision
    if row.state == "closed":
        words = "closed"
        if detail.close_reason:
            words += f": {_CLOSED_BY.get(detail.close_reason, stored(detail.close_reason).replace('_', ' '))}"
        if detail.closed_ms is not None:
            words += f", {full_moment(detail.closed_ms, zone)}"
        return words + (f"; re-opened {plural(revision - 1, 'time')}, revision {revision}" if revision > 1 else "")
    words = (
        "closing: it ended, and closes unless more comes" if row.state == "closing" else f"{row.state}: more may come"
    )
    return words + (f"; re-opened, revision {revision} stands until it closes again" if revision else "")


def _session(detail: SessionDetail, zone: str, width: int) -> list[Line]:
    row = detail.row
    lines: list[Line] = [[(" Session", "title")]]
    lines += fact("session id", stored(row.key), width)
    lines += fact("agent chain", f" {glyphs.get('right')} ".join(map(stored, detail.agents)) or UNKNOWN, width)
    user = stored(row.user) if row.user else f"{UNKNOWN} none given: no cohorts, no user activity"
    lines += fact("user", user, width)
    lines += fact("state", state_words(detail, zone), width, "text" if row.state == "closed" else "accent")
    lines += fact("source", stored(row.source) + (" and others" if detail.several_sources else ""), width)
    if row.time_quality in ("exact", "zone_assumed"):
        note = " (zone assumed)" if row.time_quality == "zone_assumed" else ""
        lines += fact("started", full_moment(row.started_ms, zone) + note, width)
        lines += fact("ended", full_moment(row.ended_ms, zone), width)
    else:
        made_up = row.time_quality == "placeholder"
        lines += fact("time", "made up in the source" if made_up else "none in the source: order only", width)
    return lines + fact("duration", duration(row.duration_ms), width)


def _problems(detail: SessionDetail, width: int) -> list[Line]:
    """Return what went wrong: technical errors by type, what rules found, soft problems of the data."""
    row = detail.row
    lines = heading("What went wrong")
    types = Counter(step.error_type or "Error" for step in detail.steps if step.is_error)
    role = "bad" if row.errors else "text"
    lines += fact("technical errors", count(row.errors) if row.errors else "none", width, role)
    for name, number in types.most_common():
        category = category_of(name)
        of = f", category {category}" if category not in ("unknown", name) else ""
        lines += fact("", f"{count(number)} {stored(name)}{of}", width, "bad")
    rules = ", ".join(rule.replace("_", " ") for rule in row.rules)
    lines += fact("rules (no model)", rules or "nothing", width, "warn" if rules else "text")
    switch = SWITCHES.get(str(detail.info.get("withheld")))
    if switch is not None:
        lines += fact("no text", stored(f"kept back by {switch.words}"), width, "bad")
    if not detail.warnings:
        return lines + fact("data quality", "nothing to remark", width)
    steps = Counter(code for step in detail.steps for code in step.warnings)
    for number, code in enumerate(detail.warnings):
        problem = problem_of(code)
        where = f" ({plural(steps[code], 'step')})" if steps[code] else ""
        label = "data quality" if number == 0 else ""
        lines += fact(label, f"{glyphs.get('warn')} {stored(problem.words)}{where}", width, "warn")
        meaning = f"{problem.meaning} " if problem.meaning else ""
        lines += fact("", f"{meaning}warning:{stored(code)}", width, "dim")
    return lines


def _work(detail: SessionDetail, width: int) -> list[Line]:
    row = detail.row
    models = ", ".join(map(stored, detail.models))
    failed = f"{count(row.tool_calls)}, {count(row.tool_errors)} failed"
    return [
        *heading("Work"),
        *fact("turns", count(row.turns), width),
        *fact("messages", f"{count(row.messages)}, {count(row.user_messages)} by the user", width),
        *fact("model calls", f"{count(row.model_calls)}   {models}", width),
        *fact("tool calls", failed, width, "bad" if row.tool_errors else "text"),
    ]


def _money(detail: SessionDetail, width: int) -> list[Line]:
    row = detail.row
    read, written = tokens(detail.cache_read_tokens), tokens(detail.cache_creation_tokens)
    cost = UNKNOWN
    if row.cost_nano is not None:
        cost = money(row.cost_nano) + (" list price, estimated" if row.cost_estimated else "")
    priced = f"{count(row.priced_calls)} of {count(row.model_calls)} calls priced"
    cached = f"of which cache read {read}, cache written {written}"
    reasoned = f"of which reasoning {tokens(detail.reasoning_tokens)}"
    return [
        *heading("Tokens and money"),
        *fact("input", f"{tokens(detail.input_tokens)}   {cached}", width),
        *fact("output", f"{tokens(detail.output_tokens)}   {reasoned}", width),
        *fact("cost", f"{cost}   {priced}", width),
        *_shares("by agent, measured", detail.by_agent, width),
        *_shares("by tool, allocated from the call that asked", detail.by_tool, width),
    ]


def _shares(title: str, shares: Sequence[CostShare], width: int) -> list[Line]:
    if not shares:
        return []
    lines: list[Line] = [[(f" {title}", "dim")]]
    name_cells = max(min(width - 40, 36), 12)
    for share in shares[:_MOST_SHARES]:
        lines.append(
            [
                ("   " + pad(stored(share.name), name_cells), "text"),
                (pad(count(share.calls), 7, right=True), "text"),
                (pad(f"{count(share.errors)} failed" if share.errors else "", 11, right=True), "bad"),
                (pad(("~" if share.estimated else "") + money(share.cost_nano), 12, right=True), "text"),
            ]
        )
    if len(shares) > _MOST_SHARES:
        lines.append([(f"   and {count(len(shares) - _MOST_SHARES)} more", "dim")])
    return lines


def _latency(detail: SessionDetail, width: int) -> list[Line]:
    lines = [
        *heading("Latency of model calls"),
        *fact("average", latency(detail.latency_avg_ms), width),
        *fact("p50 / p90", f"{latency(detail.latency_p50_ms)} / {latency(detail.latency_p90_ms)}", width),
    ]
    if detail.user_score is not None:
        lines += fact("user score", f"{detail.user_score:.2f} of 1", width)
    return lines


def flat(value: object, label: str = "", level: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (label, text) of what a sender gave, names of nested values joined by dots."""
    if isinstance(value, dict) and (level < _DEEP or not value):
        for key, inner in sorted(value.items(), key=lambda pair: str(pair[0])):
            # What stands under "context" is known by its own name.
            inside = "" if label == "context" else label
            yield from flat(inner, f"{inside}.{key}" if inside else str(key), level + 1)
    elif isinstance(value, list | tuple) and all(isinstance(one, str | int | float | bool) for one in value):
        if value:
            yield label, ", ".join(_plain(one) for one in value)
    elif value is not None:
        yield label, _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_CHARS else text[:_MOST_CHARS] + glyphs.get("ellipsis")
