"""The sample project's people and the values their conversations are filled with. No conversation, no calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from aa_tui.backend.support.clock import DAY_MS

_FIRST = [
    "Amelia",
    "Noah",
    "Priya",
    "Mateo",
    "Hannah",
    "Omar",
    "Sofia",
    "Liam",
    "Grace",
    "Kenji",
    "Nadia",
    "Lucas",
    "Chloe",
    "Ivan",
    "Maya",
    "Daniel",
    "Elena",
    "Tom",
    "Aisha",
    "Ben",
    "Carla",
    "David",
    "Fatima",
    "George",
    "Ingrid",
    "Jonas",
    "Karen",
    "Luis",
    "Mei",
    "Nora",
    "Oscar",
    "Paula",
    "Quentin",
    "Rosa",
    "Samir",
    "Tessa",
    "Umar",
    "Vera",
    "Will",
    "Yara",
]
_LAST = [
    "Nguyen",
    "Garcia",
    "Smith",
    "Okafor",
    "Rossi",
    "Kim",
    "Patel",
    "Jones",
    "Novak",
    "Haddad",
    "Larsen",
    "Brown",
    "Silva",
    "Weber",
    "Tanaka",
    "Cohen",
    "Murphy",
    "Ali",
    "Dubois",
    "Moreau",
    "Wilson",
    "Costa",
    "Schmidt",
    "Lopez",
    "Reed",
    "Bauer",
    "Clark",
    "Diaz",
    "Evans",
    "Fischer",
    "Hughes",
    "Ito",
    "Jensen",
    "Khan",
    "Lewis",
    "Martin",
]
_PLACES = (
    ("Portland", "97205"), ("Austin", "78704"), ("Denver", "80211"), ("Boston", "02118"), ("Oakland", "94607"),
    ("Madison", "53703"), ("Raleigh", "27601"), ("Tucson", "85719"), ("Albany", "12207"), ("Savannah", "31401"),
)  # fmt: skip
_STREETS = ("Maple Street", "Alder Avenue", "Hill Road", "Station Lane", "Harbor Street", "Cedar Court", "Park Row")
ORGS = (
    "Northwind Catering", "Bluebird Hotels", "Copper Kettle", "Lakeside Schools", "Meridian Health", "Oak & Ember",
    "Pacific Canteens", "Studio Kitchens",
)  # fmt: skip
"""Organisations of the enterprise users."""

_ITEMS = (
    ("ceramic baking dish", 38.90), ("cast iron skillet", 49.90), ("glass storage set", 44.50),
    ("pour-over kettle", 59.00),
    ("salad spinner", 24.90), ("bread knife", 32.00), ("milk frother", 36.75), ("digital kitchen scale", 29.50),
    ("enamel stock pot", 68.40), ("oak chopping board", 42.00), ("electric pepper mill", 34.20),
    ("hand blender", 64.90),
)  # fmt: skip
_SMALL = ("oat milk 6 x 1 l", "coffee beans 1 kg", "olive oil 750 ml", "basmati rice 2 kg", "dark chocolate box")
_BIG = (
    ("stand mixer", 329.00), ("Brio 2 espresso machine", 349.00), ("12-cup food processor", 279.00),
    ("countertop oven", 299.00), ("vacuum blender", 389.00),
)  # fmt: skip
_FOOD = (
    "almond granola",
    "lentil curry kit",
    "sesame crackers",
    "vegan pesto",
    "dark chocolate cookies",
    "miso ramen kit",
)
_CARRIERS = ("UPS", "FedEx", "USPS", "OnTrac")
_PLANS = {"free": ("Basic", "4.90"), "pro": ("Plus", "9.90"), "enterprise": ("Business", "49.00")}
_TICKET = {
    "storefront": "SHOP", "delivery-slots": "SLOT", "search-api": "FIND", "payments": "PAY", "warehouse": "WH",
    "mobile-app": "APP",
}  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

_ETA = (
    "It usually takes 5 to 10 business days to show up, depending on your bank.",
    "Banks need 5 to 10 business days for that, so please give it a little time.",
    "Most banks show it within 5 to 10 business days.",
    "Please allow 5 to 10 business days for your bank to book it.",
)
_ETA_DENIAL = (
    "I can't promise that it's there by {day}, banks take 5 to 10 business days.",
    "Nobody can guarantee it within 24 hours; 5 to 10 business days is normal.",
    "It won't be there by tomorrow, please allow 5 to 10 business days.",
)
_ETA_PROMISE = (
    "The money will be on your card by {day}.",
    "You'll have it within 24 hours.",
    "It will be back in your account by tomorrow.",
    "You'll see it on your statement within 48 hours.",
    "It's going to be there by {day}, for sure.",
)
_ETA_HIDDEN = (
    "You'll have it before the weekend, guaranteed.",
    "Expect it first thing next week, that's certain.",
    "It will be there in two days at most.",
)


@dataclass(slots=True)
class Person:
    """One user of the shop."""

    user_id: str
    device_id: str
    first: str
    last: str
    email: str
    city: str
    zip: str
    street: str
    card4: str
    plan: str
    org: str
    platform: str
    channel: str
    country: str
    casual: bool
    """Writes without capitals."""
    developer: bool
    weight: float
    signed_up_ms: int | None = None
    """None: before the sample period."""
    first_ms: int = 0
    """Start of the first session."""
    until_ms: int = 0
    """No activity after this."""
    first_ok: bool = True
    returns: bool = True
    """Comes back on day 30 after the first session or later."""


def make_people(rng: Random, count: int) -> list[Person]:
    """Return `count` people with distinct ids; nothing in them depends on the calendar."""
    made = []
    for index in range(count):
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        city, zip_code = rng.choice(_PLACES)
        plan = rng.choices(("free", "pro", "enterprise"), (58, 30, 12))[0]
        made.append(
            Person(
                user_id=f"u-{1000 + index}",
                device_id=f"d-{rng.getrandbits(40):010x}",
                first=first,
                last=last,
                email=f"{first}.{last}@example.com".lower(),
                city=city,
                zip=zip_code,
                street=f"{rng.randint(2, 240)} {rng.choice(_STREETS)}",
                card4=f"{rng.randint(1000, 9999)}",
                plan=plan,
                org=rng.choice(ORGS) if plan == "enterprise" else "",
                platform=rng.choices(("web", "ios", "android"), (45, 32, 23))[0],
                channel=rng.choices(("organic", "ads", "referral", "email"), (44, 26, 18, 12))[0],
                country=rng.choices(("US", "CA", "DE", "GB", "ES"), (68, 9, 9, 9, 5))[0],
                casual=rng.random() < 0.3,
                developer=index % 10 == 4,
                weight=min(rng.lognormvariate(0, 0.75), 6.0),
            )
        )
    return made


def visitor(rng: Random) -> Person:
    """Return somebody who is not logged in: a device, no user id."""
    made = make_people(rng, 1)[0]
    made.user_id = ""
    made.plan = "free"
    made.org = ""
    return made


def refund_wait(rng: Random, policy: str | None, reason: str) -> tuple[str, str]:
    """Return what the agent says about a refund's arrival, and which kind that is.

    The kinds are `plain`, `denial` (names a date only to deny it), `promise` and `hidden` (a promise in words no list
    of keywords holds). Only branches that break the policy by promising use the last two.
    """
    if reason == "date":
        kind = "hidden" if rng.random() < 0.3 else "promise"
    else:
        kind = "denial" if policy == "pass" and rng.random() < 0.12 else "plain"
    pool = {"plain": _ETA, "denial": _ETA_DENIAL, "promise": _ETA_PROMISE, "hidden": _ETA_HIDDEN}[kind]
    return rng.choice(pool).replace("{day}", rng.choice(_DAYS)), kind


_MONTHS_DE = (
    "Januar", "Februar", "März", "April", "Mai", "Juni",
    "Juli", "August", "September", "Oktober", "November", "Dezember",
)  # fmt: skip


@lru_cache(maxsize=4096)
def _day(day: int, language: str) -> str:
    """Return day number `day` since the epoch as people write it."""
    at = datetime.fromtimestamp(day * 86_400, UTC)
    if language == "de":
        return f"{at.day}. {_MONTHS_DE[at.month - 1]}"
    if language == "es":
        return f"{at.day}/{at.month}"
    return f"{at:%B} {at.day}"


def slots(rng: Random, person: Person, at_ms: int, language: str) -> dict[str, str]:
    """Return the values of every common slot for a session of `person` that starts at `at_ms`."""
    now = datetime.fromtimestamp(at_ms / 1000, UTC)
    item, price = rng.choice(_ITEMS)
    item2 = rng.choice(_SMALL)
    bigitem, big = rng.choice(_BIG)
    in_days, late_days = rng.randint(3, 26), rng.randint(36, 92)
    order = rng.randint(40_000, 89_999)
    plan_name, plan_price = _PLANS[person.plan]

    today = at_ms // DAY_MS

    def day(offset: int) -> str:
        return _day(today + offset, language)

    return {
        "amount": f"{price:.2f}",
        "half": f"{price / 2:.2f}",
        "big": f"{big:.2f}",
        "total": f"{price + 17.35:.2f}",
        "fee": rng.choice(("4.90", "5.90", "6.90")),
        "item": item,
        "item2": item2,
        "bigitem": bigitem,
        "food": rng.choice(_FOOD),
        "sku": f"SKU-{order % 9000 + 1000}",
        "order": f"HL-{order}",
        "order2": f"HL-{order + rng.randint(3, 900)}",
        "refund": f"RF-{rng.randint(100_000, 999_999)}",
        "invoice": f"INV-{now.year}-{order % 8000 + 1000}",
        "case": f"C-{rng.randint(10_000, 99_999)}",
        "gift": f"GC-{rng.randint(1000, 9999)}-{rng.randint(1000, 9999)}",
        "code": f"{rng.randint(100_000, 999_999)}",
        "tracking": f"1Z{rng.randint(10_000_000, 99_999_999)}",
        "carrier": rng.choice(_CARRIERS),
        "first": person.first,
        "email": person.email,
        "city": person.city,
        "zip": person.zip,
        "street": person.street,
        "card4": person.card4,
        "org": person.org or ORGS[order % len(ORGS)],
        "plan_name": plan_name,
        "plan_price": plan_price,
        "in_days": str(in_days),
        "in_date": day(-in_days),
        "late_days": str(late_days),
        "late_date": day(-late_days),
        "order_date": day(-in_days - 2),
        "old_date": f"{now - timedelta(days=240 + in_days):%B %Y}",
        "warranty": f"{now + timedelta(days=490 - in_days):%B %Y}",
        "past": day(-rng.randint(2, 4)),
        "soon": day(rng.randint(1, 4)),
        "later": day(rng.randint(58, 320)),
        "servings": str(rng.choice((4, 5, 6))),
    }


def coding_slots(rng: Random, repository: str, topic: str, words: str) -> dict[str, str]:
    """Return ticket key and branch name for a session in `repository` about `words`, a kind of `topic`."""
    key = f"{_TICKET[repository]}-{rng.randint(104, 1840)}"
    kind = "fix" if topic in ("bug fix", "security", "performance") else "feature"
    return {"key": key, "branch": f"{kind}/{key.lower()}-{words.replace(' ', '-')}"}
