"""The sample project: 120 seeded days of a shop with three agents and a delegate. Stories only; the store is elsewhere.

Everything is decided by the seed and the day, so the same day gives the same project. What is planted in it, so that
later features have something true to find, is written down in `PLANTED` and `KEYWORD_EVALUATOR`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult
from aa_tui.backend.sources.demo import product, timeline, verdicts
from aa_tui.backend.sources.demo.play import Stage
from aa_tui.backend.sources.demo.truth import Truth
from aa_tui.backend.support.clock import DAY_MS

SEED, SESSIONS, USERS, DAYS = 7, 4000, 400, 120

PLANTED: Mapping[str, Any] = {
    "retention": {
        "about": "Any event of the user on day 30 or later after the start of the first session (return on or after), "
        "by whether that first session's task was completed; users whose first session is at least 31 days old. "
        "Users whose first session lies in the first 10 days have no recorded verdict. Grouping by any failed session "
        "instead of the first turns the picture around: whoever stays longer has more chances to fail.",
        "after_success": timeline.RETURN_AFTER_SUCCESS,
        "after_failure": timeline.RETURN_AFTER_FAILURE,
        "day": timeline.RETURN_DAY,
    },
    "funnel": {
        "about": "Share of searches followed by add_to_cart within 10 minutes, and of those carts followed by a "
        "purchase within 20 minutes (purchases with journey_type = agent left out), by whether the user's first "
        "session's task was completed.",
        "search_to_cart": {"after_success": product.CART_AFTER[True], "after_failure": product.CART_AFTER[False]},
        "cart_to_purchase": {
            "after_success": product.PURCHASE_AFTER[True],
            "after_failure": product.PURCHASE_AFTER[False],
        },
    },
    "incident": {
        "about": "support-bot's issue_refund times out, model latency is about three times as high, volume is up "
        "by half.",
        "from_days_ago": timeline.INCIDENT_DAYS_AGO[0],
        "to_days_ago": timeline.INCIDENT_DAYS_AGO[1],
    },
    "release": {
        "about": "support-bot v4.1 (gpt-4o-mini) becomes v4.2 (gpt-4.1-mini) and fails less.",
        "days_ago": timeline.RELEASE_DAYS_AGO,
    },
    "model_change": {
        "about": "coding-agent 1.7.0 moves most sessions from claude-sonnet-4-5 to claude-opus-4-5; cost per session "
        "rises by about half.",
        "days_ago": timeline.MODEL_CHANGE_DAYS_AGO,
    },
    "refund_policy_judge": {
        "about": "The recorded judge of refund_policy against the labels; positive = the policy was followed (`pass`).",
        "tpr": verdicts.TPR,
        "tnr": verdicts.TNR,
        "labelled_sessions": verdicts.LABELLED,
        "labelled_twice": verdicts.TWICE_LABELLED,
        "contested": verdicts.DISAGREEMENTS,
    },
}
"""What is planted, with the figures a correct analysis must come near to."""

KEYWORD_EVALUATOR: Mapping[str, Any] = {
    "name": "promises_refund_date",
    "criterion": verdicts.PROMISE,
    "kind": "keyword",
    "target": "ai",
    "labels": {
        "promises_date": [
            *(f"by {day}" for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")),
            "by tomorrow",
            "within 24 hours",
            "within 48 hours",
        ],
        "no_promise": [],
    },
    "default": "no_promise",
    "passing": ["no_promise"],
    "planted_mistakes": {
        "missed": "About 3 in 10 promises are in words the list lacks: `before the weekend, guaranteed`, `first thing "
        "next week`, `in two days at most`.",
        "false_alarms": "About 1 in 8 correct answers name a date only to deny it: `I can't promise that it's there by "
        "Friday`, `Nobody can guarantee it within 24 hours`, `It won't be there by tomorrow`.",
    },
}
"""A keyword evaluator for `support-bot` (patterns are lower-case substrings of AI text) and the mistakes it makes.

Truth is in the labels of the criterion `promises_refund_date`.
"""


def demo_size(sessions: int = SESSIONS, users: int = USERS, days: int = DAYS) -> int:
    """Return about how many items `generate` yields with these arguments, for a progress bar; within a few percent."""
    return round(sessions * 18.3 + users * days * 0.235)


def generate(
    now_ms: int, seed: int = SEED, sessions: int = SESSIONS, users: int = USERS, days: int = DAYS
) -> Iterator[AgentEvent | ImportedLabel | ImportedResult]:
    """Yield the sample project: each session's events in one piece, sessions and product events in order of time.

    A session is followed by its recorded verdicts; people's labels come last. Deterministic for the arguments and
    `now_ms` rounded down to the day (UTC); nothing is later than that midnight. Ids contain the day, so projects of
    different days do not mix when they end up in one store.
    """
    end_ms = now_ms - now_ms % DAY_MS
    plan = timeline.make_plan(end_ms, seed, sessions, users, days)
    others = product.make_product_events(plan, seed)
    stage = Stage(Random(f"play-{seed}"), end_ms)
    rng = Random(f"verdicts-{seed}")
    scored_from = plan.start_ms + timeline.UNSCORED_DAYS * DAY_MS
    played: list[tuple[str, Truth]] = []
    cases: list[tuple[str, Truth]] = []
    position = 0
    for visit in plan.visits:
        while position < len(others) and (others[position].time_ms or 0) < visit.start_ms:
            yield others[position]
            position += 1
        key, events, truth = stage.play(visit)
        yield from events
        yield from _bought(events)
        if visit.start_ms >= scored_from:
            yield from verdicts.signal_results(rng, key, truth, sure=visit.first)
            if truth.policy and visit.agent == timeline.SUPPORT:
                cases.append((key, truth))
        played.append((key, truth))
    yield from others[position:]
    chosen = verdicts.choose_labelled(rng, cases)
    judge = verdicts.PolicyJudge(rng)
    for key, truth in cases:
        yield judge.result(key, truth, key in chosen)
    yield from verdicts.make_labels(rng, chosen, end_ms)


def _bought(events: list[AgentEvent]) -> Iterator[AgentEvent]:
    """Yield the product event that belongs to an order an agent placed for a user."""
    for event in events:
        if event.name == "place_order" and not event.is_error and event.user_id and event.time_ms is not None:
            yield AgentEvent(
                EventKind.PRODUCT,
                f"{event.insert_id}:purchase",
                event_type="purchase",
                user_id=event.user_id,
                device_id=event.device_id,
                time_ms=event.time_ms + 400,
                properties={"journey_type": "agent", "currency": "USD", "[Agent] Session ID": event.session_key},
            )
