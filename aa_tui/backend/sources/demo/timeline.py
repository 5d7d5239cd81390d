"""When things happen in the sample project: growth, week, day, the incident, releases, and who is still around."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from aa_tui.backend.sources.demo.people import Person, make_people, visitor
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS

SUPPORT, CODING, SHOPPING, RECIPE = "support-bot", "coding-agent", "shopping-agent", "recipe-agent"

INCIDENT_DAYS_AGO = (10, 8)
"""The incident lasts from 10 to 8 days before the end."""
RELEASE_DAYS_AGO = 58
"""`support-bot` v4.2 replaces v4.1 here."""
MODEL_CHANGE_DAYS_AGO = 40
"""`coding-agent` moves to a dearer model here."""
UNSCORED_DAYS = 10
"""Sessions of the first days were never judged."""

RETURN_AFTER_SUCCESS, RETURN_AFTER_FAILURE = 0.62, 0.38
"""Share of users seen on day 30 or later after a first session that worked, and one that failed."""
FIRST_FAILS = 0.34
RETURN_DAY = 30

_WEEKDAY = (1.14, 1.1, 1.06, 1.04, 1.0, 0.66, 0.6)
_HOURS = {
    SUPPORT: (3, 2, 1, 1, 1, 2, 4, 7, 11, 15, 17, 16, 13, 12, 13, 13, 12, 13, 15, 16, 14, 11, 8, 5),
    CODING: (1, 1, 0, 0, 0, 1, 2, 6, 13, 18, 19, 17, 9, 14, 18, 18, 16, 11, 5, 4, 4, 3, 2, 1),
    SHOPPING: (2, 1, 1, 0, 0, 1, 3, 5, 6, 8, 10, 13, 12, 8, 7, 8, 12, 18, 20, 18, 14, 10, 6, 3),
}
_HOUR_SUMS = {agent: list(accumulate(weights)) for agent, weights in _HOURS.items()}
_VISITOR_SHARE = 0.05
_INCIDENT_VOLUME = 1.45
"""Sessions of all agents during the incident against an ordinary day; the additional ones are all support-bot's."""


@dataclass(slots=True)
class Visit:
    """One session to be played."""

    start_ms: int
    person: Person
    agent: str
    ok: bool
    incident_refund: bool = False
    first: bool = False
    number: int = 0


@dataclass(slots=True)
class Plan:
    """Everything that is decided before texts are made."""

    start_ms: int
    end_ms: int
    people: list[Person]
    visits: list[Visit]


def in_incident(at_ms: int, end_ms: int) -> bool:
    """True while the refund gateway is down; `end_ms` is the end of the sample period."""
    return end_ms - INCIDENT_DAYS_AGO[0] * DAY_MS <= at_ms < end_ms - INCIDENT_DAYS_AGO[1] * DAY_MS


def moment(rng: Random, day_ms: int, agent: str) -> int:
    """Return an instant on the day that starts at `day_ms`, by the agent's daily rhythm."""
    sums = _HOUR_SUMS[agent]
    return day_ms + bisect(sums, rng.random() * sums[-1]) * HOUR_MS + int(rng.random() * HOUR_MS)


class Quota:
    """Says yes to a given share of questions, evenly, so that small groups come out right too."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._sum = 0.5

    def take(self) -> bool:
        """Return True for the next member of the share."""
        self._sum += self._share
        if self._sum >= 1:
            self._sum -= 1
            return True
        return False


def _fail_share(agent: str, at_ms: int, end_ms: int) -> float:
    if agent == SUPPORT:
        return 0.21 if at_ms < end_ms - RELEASE_DAYS_AGO * DAY_MS else 0.14
    return 0.19 if agent == CODING else 0.15


def _outcome(rng: Random, visit: Visit, end_ms: int) -> None:
    if visit.agent == SUPPORT and in_incident(visit.start_ms, end_ms):
        visit.incident_refund = rng.random() < 0.66
        visit.ok = rng.random() >= (0.88 if visit.incident_refund else 0.25)
    else:
        visit.ok = rng.random() >= _fail_share(visit.agent, visit.start_ms, end_ms)


def _first_visits(rng: Random, people: list[Person], start_ms: int, end_ms: int) -> list[Visit]:
    """Return everybody's first session and decide who comes back."""
    days = (end_ms - start_ms) // DAY_MS
    fails = Quota(FIRST_FAILS)
    back: dict[tuple[bool, bool, bool], Quota] = {}
    visits = []
    for person in people:
        early = rng.random() < 0.26
        day = int(rng.random() * min(2 * UNSCORED_DAYS, days)) if early else int(rng.random() ** 0.86 * (days - 1))
        agent = CODING if person.developer else (SUPPORT if rng.random() < 0.7 else SHOPPING)
        first_ms = min(moment(rng, start_ms + day * DAY_MS, agent), end_ms - HOUR_MS * 3)
        person.signed_up_ms = (
            None if early else max(start_ms, first_ms - int(rng.random() ** 2 * 2.5 * DAY_MS) - 300_000)
        )
        person.first_ms = first_ms
        visits.append(Visit(first_ms, person, agent, ok=True, first=True))
    visits.sort(key=lambda visit: visit.start_ms)
    for visit in visits:
        person = visit.person
        incident = visit.agent == SUPPORT and in_incident(visit.start_ms, end_ms)
        visit.incident_refund = incident and rng.random() < 0.66
        visit.ok = rng.random() > 0.85 if visit.incident_refund else not fails.take()
        person.first_ok = visit.ok
        settled = visit.start_ms <= end_ms - (RETURN_DAY + 1) * DAY_MS
        scored = visit.start_ms >= start_ms + UNSCORED_DAYS * DAY_MS
        share = RETURN_AFTER_SUCCESS if visit.ok else RETURN_AFTER_FAILURE
        person.returns = back.setdefault((visit.ok, settled, scored), Quota(share)).take()
        if person.returns:
            leaves = rng.random() < 0.15
            person.until_ms = person.first_ms + int((38 + rng.random() * 60) * DAY_MS) if leaves else end_ms
        else:
            person.until_ms = person.first_ms + int((0.2 + rng.random() ** 2 * 23) * DAY_MS)
        person.until_ms = min(person.until_ms, end_ms)
    return visits


def _agent_of_day(rng: Random, weekend: bool, incident: bool) -> str:
    draw = rng.random()
    if incident and rng.random() < 1 - 1 / _INCIDENT_VOLUME:
        return SUPPORT
    if weekend:
        return SUPPORT if draw < 0.66 else (SHOPPING if draw < 0.93 else CODING)
    return SUPPORT if draw < 0.6 else (CODING if draw < 0.83 else SHOPPING)


def _pick(rng: Random, choices: Sequence[Person], sums: Sequence[float]) -> Person:
    return choices[bisect(sums, rng.random() * sums[-1])]


def make_plan(end_ms: int, seed: int, sessions: int, users: int, days: int) -> Plan:
    """Return who talks to which agent when, and how it ends. `end_ms` is midnight; nothing happens after it."""
    rng = Random(f"plan-{seed}")
    start_ms = end_ms - days * DAY_MS
    people = make_people(rng, min(users, sessions))
    visits = _first_visits(rng, people, start_ms, end_ms)
    devices = [visitor(rng) for _ in range(max(1, sessions // 30))]
    weights = []
    for day in range(days):
        day_ms = start_ms + day * DAY_MS
        growth = 0.42 + 1.16 * day / days
        # The incident stands out even where it falls on a weekend: people complain on any day.
        weekday = _WEEKDAY[(day_ms // DAY_MS + 3) % 7]
        busy = _INCIDENT_VOLUME * max(1.0, weekday) if in_incident(day_ms, end_ms) else weekday
        weights.append(growth * busy * rng.uniform(0.92, 1.08))
    left = sessions - len(visits)
    total, owed = sum(weights), 0.0
    for day, weight in enumerate(weights):
        owed += left * weight / total
        day_ms = start_ms + day * DAY_MS
        weekend = (day_ms // DAY_MS + 3) % 7 >= 5
        active = [person for person in people if person.first_ms < day_ms and person.until_ms > day_ms + DAY_MS // 2]
        pools = {}
        for developers in (False, True):
            pool = [person for person in active if person.developer is developers]
            if pool:
                pools[developers] = pool, list(accumulate(person.weight for person in pool))
        while owed >= 0.5:
            owed -= 1
            agent = _agent_of_day(rng, weekend, in_incident(day_ms, end_ms))
            group = agent == CODING
            if (not group and rng.random() < _VISITOR_SHARE) or group not in pools:
                person, agent = rng.choice(devices), agent if not group else SUPPORT
            else:
                person = _pick(rng, *pools[group])
            at_ms = moment(rng, day_ms, agent)
            if person.user_id:
                at_ms = min(at_ms, person.until_ms)
            visit = Visit(min(at_ms, end_ms - 3 * HOUR_MS), person, agent, ok=True)
            _outcome(rng, visit, end_ms)
            visits.append(visit)
    visits.sort(key=lambda visit: (visit.start_ms, visit.person.user_id, visit.person.device_id))
    for number, visit in enumerate(visits):
        visit.number = number
    return Plan(start_ms, end_ms, people, visits)
