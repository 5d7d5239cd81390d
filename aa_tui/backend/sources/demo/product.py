"""What the sample project's users do in the shop itself: product events around their sessions. No agent events."""

from __future__ import annotations

from random import Random
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.sources.demo.people import Person
from aa_tui.backend.sources.demo.timeline import RETURN_DAY, SHOPPING, Plan, Quota, moment
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS

CART_AFTER = {True: 0.46, False: 0.30}
"""Share of searches followed by `add_to_cart`, by whether the user's first session worked."""
PURCHASE_AFTER = {True: 0.58, False: 0.40}
"""Share of those carts that become a `purchase`."""

_QUERIES = (
    "olive oil", "stand mixer", "gluten free pasta", "coffee beans", "skillet", "oat milk", "baking dish", "chef knife",
    "basmati rice", "espresso", "tofu", "food processor", "parmesan", "granola", "cutting board",
)  # fmt: skip
_PRODUCTS = (
    ("olive oil 750 ml", 11.9), ("cast iron skillet", 49.9), ("coffee beans 1 kg", 18.5), ("ceramic baking dish", 38.9),
    ("chef knife 20 cm", 72.0), ("oat milk 6 x 1 l", 10.8), ("salad spinner", 24.9), ("basmati rice 2 kg", 9.4),
    ("hand blender", 64.9), ("oak chopping board", 42.0),
)  # fmt: skip
_REASONS = ("too expensive", "not used enough", "bad experience", "moved away")
_NEXT_PLAN = {"free": "pro", "pro": "enterprise"}


def make_product_events(plan: Plan, seed: int) -> list[AgentEvent]:
    """Return the product and identify events of all users of `plan`, in order of time."""
    rng = Random(f"product-{seed}")
    carts = {ok: Quota(share) for ok, share in CART_AFTER.items()}
    purchases = {ok: Quota(share) for ok, share in PURCHASE_AFTER.items()}
    events: list[AgentEvent] = []
    day_tag = plan.end_ms // DAY_MS

    def emit(person: Person, at_ms: int, name: str, properties: dict[str, Any]) -> None:
        events.append(
            AgentEvent(
                EventKind.PRODUCT,
                "",
                event_type=name,
                user_id=person.user_id,
                device_id=person.device_id,
                time_ms=at_ms,
                properties=properties,
            )
        )

    def identify(person: Person, at_ms: int, values: dict[str, Any]) -> None:
        events.append(
            AgentEvent(
                EventKind.IDENTIFY,
                "",
                user_id=person.user_id,
                device_id=person.device_id,
                time_ms=at_ms,
                user_properties=values,
            )
        )

    def shop(person: Person, at_ms: int) -> None:
        """One visit of the shop, at most half an hour long."""
        emit(person, at_ms, "app_open", {"platform": person.platform})
        if rng.random() > 0.62:
            return
        at_ms += rng.randint(4_000, 60_000)
        query = rng.choice(_QUERIES)
        emit(person, at_ms, "search", {"query": query, "results": rng.randint(0, 48), "platform": person.platform})
        if not carts[person.first_ok].take():
            return
        product, price = rng.choice(_PRODUCTS)
        at_ms += rng.randint(20_000, 500_000)
        emit(person, at_ms, "add_to_cart", {"product": product, "price": price, "quantity": rng.randint(1, 3)})
        if purchases[person.first_ok].take():
            at_ms += rng.randint(40_000, 1_000_000)
            revenue = round(price + rng.uniform(4, 70), 2)
            emit(person, at_ms, "purchase", {"revenue": revenue, "currency": "USD", "items": rng.randint(1, 14)})

    for person in plan.people:
        profile = {"plan": person.plan, "country": person.country, "signup_channel": person.channel}
        if person.org:
            profile["customer_org"] = person.org
        begins = plan.start_ms if person.signed_up_ms is None else person.signed_up_ms
        if person.signed_up_ms is not None:
            emit(person, begins, "sign_up", {"channel": person.channel, "platform": person.platform})
        identify(person, begins + 1_000, profile)
        last_ms = person.until_ms - HOUR_MS
        day_ms = begins - begins % DAY_MS
        often = min(0.12 + 0.09 * person.weight, 0.5)
        while day_ms <= last_ms:
            if rng.random() < often:
                at_ms = moment(rng, day_ms, SHOPPING)
                if begins < at_ms <= last_ms:
                    shop(person, at_ms)
            day_ms += DAY_MS
        due_ms = person.first_ms + RETURN_DAY * DAY_MS
        if person.returns and due_ms + HOUR_MS < plan.end_ms:
            # Whoever counts as returning is seen on that day or later whatever the dice say.
            latest = min(plan.end_ms, max(person.until_ms, due_ms + 2 * HOUR_MS), due_ms + 6 * DAY_MS)
            emit(person, rng.randint(due_ms + HOUR_MS // 2, latest - 1), "app_open", {"platform": person.platform})
        if person.plan in _NEXT_PLAN and rng.random() < (0.14 if person.first_ok else 0.06):
            at_ms = rng.randint(begins, max(begins, last_ms))
            better = _NEXT_PLAN[person.plan]
            emit(person, at_ms, "upgrade", {"from_plan": person.plan, "to_plan": better})
            identify(person, at_ms + 500, {"plan": better})
        if person.plan != "free" and person.until_ms < plan.end_ms and rng.random() < 0.5:
            emit(person, person.until_ms, "cancel_subscription", {"plan": person.plan, "reason": rng.choice(_REASONS)})
    events.sort(key=lambda event: (event.time_ms or 0, event.user_id or "", event.event_type))
    for number, event in enumerate(events):
        event.insert_id = f"shop-{day_tag}-{number}"
        event.seq = number
    return events
