"""What the Info, Evaluators and Review tabs say of a session: pure functions from read-models to lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aa_tui.backend.query.readmodels import AnswerRow, CostShare, ResultRow, SessionDetail
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.humanize import count, duration, full_moment, latency, money, tokens
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, wrap
from aa_tui.widgets.role_lines import Line

UNKNOWN = "–"
_LABEL_CELLS = 20


def _row(label: str, value: str, width: int, role: str = "text") -> list[Line]:
    rows = wrap(value, max(width - _LABEL_CELLS - 3, 10)) or [""]
    first: Line = [(" " + pad(label, _LABEL_CELLS), "label"), (rows[0], role)]
    return [first, *([(" " * (_LABEL_CELLS + 1), "text"), (row, role)] for row in rows[1:])]


def _title(text: str) -> list[Line]:
    return [[("", "text")], [(f" {text}", "title")]]


def _safe(value: object) -> str:
    return drawable(str(value), one_line=True)


def _cost(nano: int | None, estimated: bool) -> str:
    if nano is None:
        return UNKNOWN
    return money(nano) + (" list price, estimated" if estimated else "")


def info_lines(detail: SessionDetail, zone: str, width: int) -> list[Line]:
    """Return the Info tab: everything known of the session, unknown as a dash."""
    row = detail.row
    lines: list[Line] = [[(" Session", "title")]]

    def add(label: str, value: str, role: str = "text") -> None:
        lines.extend(_row(label, value, width, role))

    add("session id", _safe(row.key))
    add("agent chain", f" {glyphs.get('right')} ".join(map(_safe, detail.agents)) or UNKNOWN)
    add("user", _safe(row.user) if row.user else f"{UNKNOWN} none given: no cohorts, no user activity")
    reason = f", {detail.close_reason.replace('_', ' ')}" if detail.close_reason else ""
    add("state", f"{row.state}{reason}" + (f", revision {detail.revision}" if detail.revision else ""))
    add("source", _safe(row.source) + (" and others" if detail.several_sources else ""))
    if row.time_quality in ("exact", "zone_assumed"):
        note = " (zone assumed)" if row.time_quality == "zone_assumed" else ""
        add("started", full_moment(row.started_ms, zone) + note)
        add("ended", full_moment(row.ended_ms, zone))
    else:
        add("time", "made up in the source" if row.time_quality == "placeholder" else "none in the source: order only")
    add("duration", duration(row.duration_ms))
    lines += _title("Work")
    add("turns", count(row.turns))
    add("messages", f"{count(row.messages)}, {count(row.user_messages)} by the user")
    add("model calls", f"{count(row.model_calls)}   {', '.join(map(_safe, detail.models))}")
    add("tool calls", f"{count(row.tool_calls)}, {count(row.tool_errors)} failed", "bad" if row.tool_errors else "text")
    add("technical errors", count(row.errors), "bad" if row.errors else "text")
    lines += _title("Tokens and money")
    add(
        "input",
        f"{tokens(detail.input_tokens)}   of which cache read {tokens(detail.cache_read_tokens)},"
        f" cache written {tokens(detail.cache_creation_tokens)}",
    )
    add("output", f"{tokens(detail.output_tokens)}   of which reasoning {tokens(detail.reasoning_tokens)}")
    add(
        "cost",
        _cost(row.cost_nano, row.cost_estimated)
        + f"   {count(row.priced_calls)} of {count(row.model_calls)} calls priced",
    )
    lines += _shares("by agent, measured", detail.by_agent, width)
    lines += _shares("by tool, allocated from the call that asked", detail.by_tool, width)
    lines += _title("Latency of model calls")
    add("average", latency(detail.latency_avg_ms))
    add("p50 / p90", f"{latency(detail.latency_p50_ms)} / {latency(detail.latency_p90_ms)}")
    if detail.user_score is not None:
        add("user score", f"{detail.user_score:.2f} of 1")
    lines += _title("What rules know (no model)")
    add("rules", ", ".join(rule.replace("_", " ") for rule in row.rules) or "nothing", "warn" if row.rules else "text")
    add("data quality", ", ".join(map(_safe, detail.warnings)) or "no warnings", "warn" if detail.warnings else "text")
    lines += _title("Context")
    for label, value in sorted(detail.info.items()):
        for key, text in _flat(label, value):
            add(_safe(key), _safe(text))
    return lines


def _flat(label: str, value: object) -> Iterable[tuple[str, str]]:
    """Yield (label, text) pairs of a nested value, one level deep."""
    if isinstance(value, dict):
        for key, inner in sorted(value.items()):
            yield f"{label}.{key}" if label not in ("context",) else str(key), str(inner)
    elif isinstance(value, list | tuple):
        yield label, ", ".join(map(str, value))
    else:
        yield label, str(value)


def _shares(title: str, shares: Sequence[CostShare], width: int) -> list[Line]:
    if not shares:
        return []
    lines: list[Line] = [[(f" {title}", "dim")]]
    name_cells = max(min(width - 40, 36), 12)
    for share in shares[:12]:
        lines.append(
            [
                ("   " + pad(_safe(share.name), name_cells), "text"),
                (pad(count(share.calls), 7, right=True), "text"),
                (pad(f"{count(share.errors)} failed" if share.errors else "", 11, right=True), "bad"),
                (pad(("~" if share.estimated else "") + money(share.cost_nano), 12, right=True), "text"),
            ]
        )
    if len(shares) > 12:
        lines.append([(f"   and {count(len(shares) - 12)} more", "dim")])
    return lines


def _verdict(passed: bool | None, error: str | None) -> tuple[str, str]:
    if error:
        return f"{glyphs.get('error')} error", "warn"
    if passed is None:
        return f"{glyphs.get('unknown')} no verdict", "dim"
    return (f"{glyphs.get('pass')} pass", "good") if passed else (f"{glyphs.get('fail')} fail", "bad")


def evaluator_lines(results: Sequence[ResultRow], zone: str, width: int) -> list[Line]:
    """Return the Evaluators tab; without results, what would fill it."""
    if not results:
        return _empty(
            "No evaluator or signal has looked at this session.",
            "Signals and evaluators need a model, and nothing calls one before a person turns scoring on.",
            "What rules can tell without a model stands under Info.",
            width,
        )
    lines: list[Line] = []
    for kind, title in (("signal", "Signals · directional, not exact"), ("evaluator", "Evaluators")):
        chosen = [result for result in results if result.kind == kind]
        if not chosen:
            continue
        lines += _title(title)
        for result in chosen:
            word, role = _verdict(result.passed, result.error)
            value = _safe(result.value) if result.value is not None else UNKNOWN
            lines.append(
                [
                    ("  " + pad(_safe(result.check.removeprefix("signal:")).replace("_", " "), 22), "text"),
                    (pad(word, 14), role),
                    (pad(value, 20), "text"),
                    (f"{_safe(result.model or result.method)}", "dim"),
                ]
            )
            for text, text_role in ((result.rationale, "text"), (result.evidence, "output"), (result.error, "warn")):
                if text:
                    quoted = f"“{text}”" if text is result.evidence else text
                    lines += _block(quoted, 24, width, text_role)
            facts = [f"v{result.version}", full_moment(result.evaluated_ms, zone)]
            if result.latency_ms:
                facts.append(latency(result.latency_ms))
            if result.cost_nano is not None:
                facts.append(money(result.cost_nano))
            lines.append([(" " * 24, "text"), (f" {glyphs.get('dot')} ".join(facts), "dim")])
    return lines


def review_lines(answers: Sequence[AnswerRow], zone: str, width: int) -> list[Line]:
    """Return the Review tab; without answers, what will fill it."""
    if not answers:
        return _empty(
            "Nobody has answered a question about this session.",
            "Answers come from reviewers once this session is in a dataset; they belong to the session"
            " and are seen wherever it appears.",
            "Verified outcomes of imported data sets stand here too.",
            width,
        )
    lines = _title("Answers")
    for answer in answers:
        who = answer.reviewer or answer.origin or answer.source
        lines.append(
            [
                ("  " + pad(_safe(answer.criterion).replace("_", " "), 26), "text"),
                (clip(_safe(answer.value), max(width - 30, 20)), "accent"),
            ]
        )
        dot = f" {glyphs.get('dot')} "
        lines += _block(dot.join((who, answer.source, full_moment(answer.answered_ms, zone))), 28, width, "dim")
        if answer.note:
            lines += _block(answer.note, 28, width, "text")
    return lines


def _block(text: str, indent: int, width: int, role: str) -> list[Line]:
    """Return stored text as wrapped, indented lines; its own line breaks stay line breaks."""
    room = max(width - indent - 2, 20)
    rows = [row for line in drawable(text).expandtabs(4).split("\n") for row in wrap(line, room)]
    return [[(" " * indent, "text"), (row, role)] for row in rows]


def _empty(first: str, second: str, third: str, width: int) -> list[Line]:
    lines: list[Line] = [[("", "text")]]
    for text, role in ((first, "title"), (second, "text"), (third, "dim")):
        lines += [[("  ", "text"), (row, role)] for row in wrap(text, max(width - 4, 20))]
        lines.append([("", "text")])
    return lines
