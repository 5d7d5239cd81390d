"""What model scoring says of itself, as lines: where texts go, what leaves, what it takes, what was spent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.scoring import Cap, ModelUse
from aa_tui.backend.support import humanize
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, pad, wrap
from aa_tui.widgets.fact_lines import fact, heading, stored
from aa_tui.widgets.field_page import Row, keyed

if TYPE_CHECKING:
    from aa_tui.backend.model.scoring import Offer, ScoringStatus, SignalSwitch, SpentLine
    from aa_tui.widgets.role_lines import Line

USES = {
    ModelUse.ON: ("any model", "o"),
    ModelUse.LOCAL: ("models of this machine only", "l"),
    ModelUse.OFF: ("no model at all", "n"),
}
"""Which models a project may use, in words, and the key in the menu."""
_DAY_MS = 86_400_000
_PURPOSES = {"try": "trials", "check": "checks", "run": "runs"}


def cap_words(cap: Cap) -> str:
    """Return the cap of a day."""
    return f"{humanize.money(cap.nano)} a day, or {humanize.tokens(cap.tokens)} tokens where no price is known"


def bullets(texts: Sequence[str], width: int) -> list[Line]:
    """Return sentences as a list."""
    lines: list[Line] = []
    for text in texts:
        for n, row in enumerate(wrap(text, max(20, width - 6))):
            lines.append([(f"   {glyphs.get('bullet') if not n else ' '} ", "label"), (row, "text")])
    return lines


def where_lines(offer: Offer, width: int) -> list[Line]:
    """Return who would judge and where that is."""
    to = offer.destination
    lines = fact("provider", f"{stored(offer.provider_title)}{', on this machine' if offer.local else ''}", width)
    lines += fact("address", stored(to.address) or "its own", width)
    lines += fact("model", stored(to.model), width)
    return lines


def leaves_title(offer: Offer) -> str:
    """Return the heading over what leaves."""
    return "What leaves this program, but not this machine" if offer.local else "What leaves this machine"


def takes_lines(offer: Offer, width: int) -> list[Line]:
    """Return price and tokens of a session, how many wait, and their total."""
    from aa_tui.backend.service.scoring import session_words, total_words

    estimate = offer.estimate
    lines = fact("a session", glyphs.plain(session_words(estimate)), width, "title")
    unscored = f"{humanize.plural(estimate.sessions, 'session')}, in all {glyphs.plain(total_words(estimate))}"
    lines += fact("not scored", unscored, width)
    lines += fact(
        "of them waiting", f"{humanize.count(offer.waiting)} are scored at once; a backfill does the rest", width
    )
    return lines


def asked_words(offer: Offer) -> str:
    """Return which signals the model is asked for."""
    return ", ".join(stored(one.title) for one in offer.signals if one.on and not one.code_only) or "nothing"


def scoring_rows(
    status: ScoringStatus, offer: Offer | None, problem: str, spent: Sequence[SpentLine], zone: str, width: int
) -> list[Row]:
    """Return the page of model scoring."""
    rows = keyed(_state(status, zone, width))
    rows += keyed(heading("Where texts go"))
    if offer is None:
        rows += keyed(fact("judge", problem or glyphs.get("ellipsis"), width, "warn" if problem else "dim"), "judge")
        rows += keyed(fact("", "enter chooses a model; servers of this machine are offered first", width, "dim"))
    else:
        rows += keyed(where_lines(offer, width), "judge")
        if offer.problem:
            rows += keyed(fact("", f"{glyphs.get('fail')} {stored(offer.problem)}", width, "bad"))
        rows += keyed([*heading(leaves_title(offer)), *bullets(offer.leaves, width)])
        rows += keyed([*heading("What it takes"), *takes_lines(offer, width)])
    rows += keyed(heading("Bounds"))
    rows += keyed(fact("cap", cap_words(status.cap), width), "cap")
    used = f"{humanize.money(status.spent_nano)} of it today"
    if status.spent_tokens:
        used += f", {humanize.tokens(status.spent_tokens)} tokens without a known price"
    rows += keyed(fact("", "none, it is free" if status.local else used, width, "dim"))
    rows += keyed(fact("may be used", USES[status.use][0], width), "use")
    rows += keyed(heading("Signals, asked in one call"))
    for one in status.signals:
        rows.append(Row(_signal(one, width), f"signal:{one.id}"))
    rows += keyed(_spent(spent, width))
    return rows


def _state(status: ScoringStatus, zone: str, width: int) -> list[Line]:
    consent = status.consent
    if status.paused:
        lines = fact("model scoring", f"{glyphs.get('warn')} paused: {stored(status.paused)}", width, "warn")
    elif status.on:
        lines = fact(
            "model scoring", f"{glyphs.get('verified')} on: sessions are scored when they close", width, "good"
        )
    else:
        why = stored(status.why_not or "").removeprefix("Model scoring is off: ")
        lines = fact("model scoring", f"{glyphs.get('pending')} off: {why[:1].lower()}{why[1:]}", width, "unknown")
        if status.model:
            lines += fact("", "What code can tell is scored always, and costs nothing.", width, "dim")
    if consent is not None:
        lines += fact("agreed", f"{stored(consent.by)}, {humanize.full_moment(consent.at_ms, zone)}", width)
    words = f"{humanize.count(status.waiting)} wait, {humanize.count(status.failed)} failed"
    return lines + fact("sessions", words, width, "text" if status.waiting or status.failed else "dim")


def _signal(one: SignalSwitch, width: int) -> Line:
    by = "code" if one.code_only else "model"
    state = "always" if one.code_only else "on" if one.on else "off"
    sign = glyphs.get("done" if one.on else "open")
    asks = clip(" ".join(stored(one.question).split()), max(0, width - 42))
    return [
        (f"  {sign} ", "good" if one.on else "dim"),
        (pad(stored(one.title), 20), "text" if one.on else "dim"),
        (pad(f" {state}", 8) + pad(by, 7), "dim"),
        (f" {asks}", "dim"),
    ]


def _spent(spent: Sequence[SpentLine], width: int) -> list[Line]:
    if not spent:
        return [*heading("Spent, last 7 days"), [("   nothing", "dim")]]
    known = [line.cost_nano for line in spent if line.cost_nano is not None and not line.local]
    calls = humanize.plural(sum(line.calls for line in spent), "call")
    lines = heading(f"Spent, last 7 days: {humanize.money(sum(known)) if known else '$0'} in {calls}")
    for line in spent:
        purpose = _PURPOSES.get(line.purpose, line.purpose)
        money = (
            "local, free"
            if line.local
            else "price unknown"
            if line.cost_nano is None
            else humanize.money(line.cost_nano)
        )
        tokens = humanize.tokens(line.input_tokens + line.output_tokens)
        lines.append(
            [
                (f"   {humanize.day(line.day * _DAY_MS)}  ", "dim"),
                (pad(purpose, 11), "text"),
                (pad(f"{stored(line.provider)} {stored(line.model)}", max(12, width - 64)), "dim"),
                (pad(humanize.plural(line.calls, "call"), 13, right=True), "text"),
                (pad(f"{tokens} tok", 10, right=True), "dim"),
                (pad(money, 14, right=True), "text"),
            ]
        )
    return lines


def consent_lines(offer: Offer, width: int) -> list[Line]:
    """Return everything that is agreed to, as short as it can be said."""
    lines = where_lines(offer, width)
    lines += fact("asked", asked_words(offer), width)
    lines += [[(f" {leaves_title(offer)}:", "label")], *bullets(offer.leaves, width)]
    lines += takes_lines(offer, width)
    lines += fact("cap", "none, it is free" if offer.local else cap_words(offer.cap), width)
    return lines
