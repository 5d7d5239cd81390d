"""What events say of users: the days they were active, first and last sight, their properties. No SQL here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aa_tui.backend.ingest.stored import USER_PROPERTIES, StoredEvent, props_of
from aa_tui.backend.ingest.writer.records import Plan
from aa_tui.backend.model.event import EventKind, TimeQuality

PROPERTY_TIMES = "$times"
"""Reserved member of a person's properties: when each was last said, so that the last value wins in any order."""

_REAL_TIME = (str(TimeQuality.EXACT), str(TimeQuality.ZONE_ASSUMED))
_PRODUCT = int(EventKind.PRODUCT)
_NO_ACTIVITY = (int(EventKind.FOREIGN), int(EventKind.IDENTIFY))
_EPOCH_DAY = 719_163
_QUARTER_MS = 900_000


class DayOf:
    """Days since 1970-01-01 in a time zone; remembers quarters of an hour because zones are slow."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def __call__(self, at_ms: int) -> int:
        quarter = at_ms // _QUARTER_MS
        day = self._known.get(quarter)
        if day is None:
            try:
                local = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, self._zone)
            except (OverflowError, ValueError, OSError):
                return at_ms // 86_400_000
            day = self._known[quarter] = local.toordinal() - _EPOCH_DAY
        return day


class People:
    """What a project's events say of its users, in the days of its time zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._day_of = DayOf(zone)

    def count_day(self, plan: Plan, event: StoredEvent, sign: int) -> None:
        """Count an event (`sign` -1: take it away) on its user's day."""
        user = event.user_id or event.device_id
        if user is None or event.time_ms is None or event.time_quality not in _REAL_TIME:
            return
        if event.kind in _NO_ACTIVITY:
            return
        counts = plan.days.setdefault((user, self._day_of(event.time_ms)), [0, 0])
        counts[event.kind == _PRODUCT] += sign

    @staticmethod
    def see(plan: Plan, event: StoredEvent) -> None:
        """Note when an event's user was seen and what it says of them."""
        user = event.user_id or event.device_id
        if user is None:
            return
        at = event.time_ms if event.time_quality in _REAL_TIME else None
        first, last = plan.persons.setdefault(user, (at, at))
        if at is not None and (first is None or last is None or not first <= at <= last):
            plan.persons[user] = (at if first is None else min(first, at), at if last is None else max(last, at))
        if event.properties is None or USER_PROPERTIES not in event.properties:
            return
        said = props_of(event).get(USER_PROPERTIES)
        if isinstance(said, Mapping) and said:
            plan.said.setdefault(user, []).append((at or 0, event.insert_id, said))


def merge_properties(stored: str, statements: Iterable[tuple[int, str, Mapping[str, Any]]]) -> str:
    """Return a person's properties JSON after statements (time, insert id, values): per property the last one wins.

    None takes a property away. Operations of `$identify` that keep no value (`$add`, `$append`…) are left out.
    """
    loaded = json.loads(stored)
    properties: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    times: dict[str, list[Any]] = properties.pop(PROPERTY_TIMES, {})
    for at, insert_id, values in statements:
        for name, value in values.items():
            if name.startswith("$"):
                continue
            if [at, insert_id] < times.get(name, [-1, ""]):
                continue
            times[name] = [at, insert_id]
            if value is None:
                properties.pop(name, None)
            else:
                properties[name] = value
    found = dict(sorted(properties.items()))
    found[PROPERTY_TIMES] = dict(sorted(times.items()))
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=str)
