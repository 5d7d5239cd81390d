"""SQL for the rollups: adding and taking away contributions, other days, clearing. What contributes is in `ingest`.

Two levels of the same sums: quarters of an hour, from which the days of every time zone can be built, and the days of
the project's own zone, which is what a view of weeks reads.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from operator import add as add_up
from typing import Any
from zoneinfo import ZoneInfo

from aa_tui.backend.model import histogram
from aa_tui.backend.store.engine import Reader, Tx
from aa_tui.backend.support.clock import DAY_MS, from_ms, to_ms

BUCKET_MS = 900_000
"""Width of a bucket of level QUARTER, milliseconds."""

QUARTER, DAY = 0, 1
"""Levels: by quarter of an hour, and by day of the project's zone, whose bucket is the first quarter of the day."""

SESSION_SUMS = (
    "sessions", "turns", "messages", "model_calls", "tool_calls", "tool_errors", "errors", "error_sessions",
    "ruled_sessions", "input_tokens", "output_tokens", "cost_nano", "priced_calls", "priced_sessions",
    "estimated_sessions", "duration_ms",
)  # fmt: skip
"""Columns that are summed in `rollup_session`, in the order of a contribution."""

DIM_SUMS = ("sessions", "calls", "errors", "tokens", "cost_nano")
"""Columns that are summed in `rollup_dim`, in the order of a contribution."""

DIMENSIONS = ("model", "tool", "tool_error", "rule", "error", "version", "topic", "repository", "source", "signal")
"""Dimensions of `rollup_dim`; values of `signal` are made by `signal_value`, of `tool_error` by `tool_error_value`."""

HISTOGRAMS = ("", "tool", "ttfb")
"""Dimensions of `rollup_latency`: model calls, tools by name, times to the first byte."""

SIGNALS = (
    "task_completion", "response_quality", "user_friction", "negative_feedback", "data_quality", "session_safety",
)  # fmt: skip
"""Signals whose values are counted in `rollup_dim`."""

SessionKey = tuple[int, str]
"""(bucket, root agent)."""
DimKey = tuple[str, int, str, str]
"""(dimension, bucket, root agent, value)."""
LatencyKey = tuple[str, int, str, str, int]
"""(dimension, bucket, root agent, value, bin)."""
UserKey = tuple[int, str, str]
"""(bucket, root agent, user)."""

BLOCK = 32_768
"""Users whose days one row of `rollup_user_day` holds: 4 KB at most, which a write of one session rewrites."""
_BETWEEN = "\x1f"
_REMEMBERED = 100_000
"""Quarters of an hour whose days are remembered: three years."""
_LOOKED_UP = 100
"""Rows that one statement looks up by their keys."""


def signal_value(signal: str, value: str) -> str:
    """Return how a signal's value is named in the dimension `signal`."""
    return f"{signal}={value}"


def tool_error_value(tool: str, error: str) -> str:
    """Return how an error type of a tool's calls is named in the dimension `tool_error`."""
    return f"{tool}{_BETWEEN}{error}"


def split_tool_error(value: str) -> tuple[str, str]:
    """Return the tool and the error type that `tool_error_value` put together."""
    tool, _, error = value.rpartition(_BETWEEN)
    return tool, error


def pack_users(numbers: Iterable[int]) -> bytes:
    """Return user numbers as `rollup_user` holds them: sorted, as often as given, 4 bytes each, little-endian."""
    return _swapped(array("I", sorted(numbers))).tobytes()


def unpack_users(stored: bytes) -> array[int]:
    """Return stored user numbers; the bytes of several rows may be joined."""
    found = array("I")
    found.frombytes(stored)
    return _swapped(found)


def _swapped(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def pack_bits(bits: int) -> bytes:
    """Return a set of small numbers, given as an integer's bits, as `rollup_user_day` holds it."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def unpack_bits(stored: bytes | bytearray) -> int:
    """Return the integer whose bits are the members of a stored set."""
    return int.from_bytes(stored, "little")


def bits_of(numbers: Iterable[int]) -> dict[int, int]:
    """Return sets of numbers within a block, as bits, by block."""
    found: dict[int, bytearray] = {}
    for number in numbers:
        block, place = divmod(number, BLOCK)
        if block not in found:
            found[block] = bytearray(BLOCK // 8)
        found[block][place >> 3] |= 1 << (place & 7)
    return {block: unpack_bits(bits) for block, bits in found.items()}


class Days:
    """The days of a time zone as ranges of buckets; a bucket is in the day that its start is in.

    A day begins at the first midnight of its date, also where the clocks go back over it. Thread-safe.
    """

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._last = (0, 0)
        self._known: dict[int, tuple[int, int]] = {}

    def around(self, bucket: int) -> tuple[int, int]:
        """Return the first bucket of a bucket's day and that of the day after."""
        found = self._last
        if not found[0] <= bucket < found[1]:
            known = self._known.get(bucket)
            if known is None:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                known = self._known[bucket] = self._find(bucket)
            self._last = found = known
        return found

    def _find(self, bucket: int) -> tuple[int, int]:
        at = bucket * BUCKET_MS
        try:
            day = from_ms(at).astimezone(self._zone).date() + timedelta(days=2)
            high = low = self._midnight(day)
            while low > at:
                day -= timedelta(days=1)
                high, low = low, self._midnight(day)
        except (OverflowError, ValueError, OSError):
            low = at // DAY_MS * DAY_MS
            high = low + DAY_MS
        return -(-low // BUCKET_MS), -(-high // BUCKET_MS)

    def _midnight(self, day: Any) -> int:
        return to_ms(datetime.combine(day, time(), self._zone).astimezone(UTC))


@lru_cache(maxsize=8)
def days_of(zone: str) -> Days:
    """Return the days of a time zone; for whoever looks at many buckets again and again."""
    return Days(zone)


def spans(days: Days | None, first: int, last: int) -> list[tuple[int, int, int]]:
    """Return (level, first bucket, bucket after the last) that together hold the buckets from `first` to before `last`.

    Whole days are read as days, the ends by quarters; without `days` all is read by quarters.
    """
    if days is None or first >= last:
        return [(QUARTER, first, last)]
    low, high = days.around(first)
    begin = first if low == first else high
    end = days.around(last)[0]
    if begin >= end:
        return [(QUARTER, first, last)]
    found = [(QUARTER, first, begin), (DAY, begin, end), (QUARTER, end, last)]
    return [one for one in found if one[1] < one[2]]


def _upsert(table: str, keys: Sequence[str], sums: Sequence[str]) -> str:
    names = (*keys, *sums)
    return (
        f"INSERT INTO {table}(project_id, {', '.join(names)}) VALUES (:p, {', '.join(':' + name for name in names)}) "
        f"ON CONFLICT(project_id, {', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    )


def _put(table: str, keys: Sequence[str], value: str) -> str:
    names = (*keys, value)
    return (
        f"INSERT INTO {table}(project_id, {', '.join(names)}) VALUES (:p, {', '.join(':' + name for name in names)}) "
        f"ON CONFLICT(project_id, {', '.join(keys)}) DO UPDATE SET {value} = excluded.{value}"
    )


def _delete(table: str, keys: Sequence[str]) -> str:
    return f"DELETE FROM {table} WHERE project_id=:p AND {' AND '.join(f'{k}=:{k}' for k in keys)}"


_SESSION_KEYS = ("level", "bucket", "agent")
_DIM_KEYS = ("dim", "level", "bucket", "agent", "value")
_LATENCY_KEYS = ("dim", "level", "bucket", "agent", "value")
_USER_KEYS = ("bucket", "agent")
_USER_DAY_KEYS = ("bucket", "agent", "block")
_ADD_SESSION = _upsert("rollup_session", _SESSION_KEYS, SESSION_SUMS)
_ADD_DIM = _upsert("rollup_dim", _DIM_KEYS, DIM_SUMS)
_PUT_LATENCY = _put("rollup_latency", _LATENCY_KEYS, "bins")
_PUT_USERS = _put("rollup_user", _USER_KEYS, "users")
_PUT_USER_DAYS = _put("rollup_user_day", _USER_DAY_KEYS, "users")


def add(
    tx: Tx,
    project_id: int,
    days: Days,
    sessions: Mapping[SessionKey, Sequence[int]],
    dims: Mapping[DimKey, Sequence[int]],
    latencies: Mapping[LatencyKey, int],
    users: Mapping[UserKey, int],
) -> None:
    """Add contributions (negative ones take away); rows that no session stands behind any more are deleted.

    `days` are those of the project's zone; contributions are by quarter of an hour.
    """
    day_of = {
        bucket: days.around(bucket)[0] for bucket in sorted({key[0] for key in sessions} | {key[1] for key in dims})
    }
    by_session: dict[tuple[Any, ...], Sequence[int]] = {}
    for (bucket, agent), sums in sessions.items():
        if any(sums):
            by_session[QUARTER, bucket, agent] = sums
            _plus(by_session, (DAY, day_of[bucket], agent), sums)
    _add_sums(tx, project_id, "rollup_session", _ADD_SESSION, (_SESSION_KEYS, SESSION_SUMS), by_session)
    by_dim: dict[tuple[Any, ...], Sequence[int]] = {}
    for (dim, bucket, agent, value), sums in dims.items():
        if any(sums):
            by_dim[dim, QUARTER, bucket, agent, value] = sums
            _plus(by_dim, (dim, DAY, day_of[bucket], agent, value), sums)
    _add_sums(tx, project_id, "rollup_dim", _ADD_DIM, (_DIM_KEYS, DIM_SUMS), by_dim)
    _add_latencies(tx, project_id, days, latencies)
    _add_users(tx, project_id, days, users)


def _plus(total: dict[tuple[Any, ...], Sequence[int]], key: tuple[Any, ...], sums: Sequence[int]) -> None:
    found = total.get(key)
    total[key] = sums if found is None else list(map(add_up, found, sums))


def _add_sums(
    tx: Tx,
    project_id: int,
    table: str,
    statement: str,
    names: tuple[Sequence[str], Sequence[str]],
    found: Mapping[tuple[Any, ...], Sequence[int]],
) -> None:
    keys, columns = names
    tx.executerows(statement, [(project_id, *key, *sums) for key, sums in found.items() if any(sums)])
    of_sessions = columns.index("sessions")
    less = [(project_id, *key) for key, sums in found.items() if sums[of_sessions] < 0]
    tx.executerows(f"{_delete(table, keys)} AND sessions<=0", less)


def _add_latencies(tx: Tx, project_id: int, days: Days, latencies: Mapping[LatencyKey, int]) -> None:
    changes: dict[tuple[Any, ...], dict[int, int]] = {}
    for (dim, bucket, agent, value, number), n in latencies.items():
        if n:
            changes.setdefault((dim, QUARTER, bucket, agent, value), {})[number] = n
            bins = changes.setdefault((dim, DAY, days.around(bucket)[0], agent, value), {})
            bins[number] = bins.get(number, 0) + n
    held = dict(_held(tx, project_id, "rollup_latency", _LATENCY_KEYS, "bins", changes))
    packed: dict[tuple[Any, ...], str | bytes | None] = {}
    for key, bins in changes.items():
        if key in held:
            histogram.merge(bins, held[key])
        packed[key] = histogram.pack({number: n for number, n in bins.items() if n > 0}) or None
    _write(tx, project_id, "rollup_latency", _PUT_LATENCY, _LATENCY_KEYS, packed)


def _add_users(tx: Tx, project_id: int, days: Days, users: Mapping[UserKey, int]) -> None:
    wanted = {key: n for key, n in users.items() if n}
    numbers = _numbers(tx, project_id, {user for _, _, user in wanted})
    changes: dict[tuple[Any, ...], dict[int, int]] = {}
    come: dict[tuple[Any, ...], int] = {}
    left: dict[tuple[int, int, str], set[int]] = {}
    for (bucket, agent, user), n in wanted.items():
        number = numbers[user]
        changes.setdefault((bucket, agent), {})[number] = n
        day, end = days.around(bucket)
        if n > 0:
            block, place = divmod(number, BLOCK)
            come[day, agent, block] = come.get((day, agent, block), 0) | 1 << place
        else:
            left.setdefault((day, end, agent), set()).add(number)
    held = dict(_held(tx, project_id, "rollup_user", _USER_KEYS, "users", changes))
    packed: dict[tuple[Any, ...], str | bytes | None] = {}
    for key, counts in changes.items():
        for number in unpack_users(held.get(key, b"")):
            counts[number] = counts.get(number, 0) + 1
        packed[key] = pack_users(number for number, n in counts.items() for _ in range(n)) or None
    _write(tx, project_id, "rollup_user", _PUT_USERS, _USER_KEYS, packed)
    gone: dict[tuple[Any, ...], int] = {}
    for (day, end, agent), candidates in left.items():
        rows = tx.fetch(
            "SELECT users FROM rollup_user WHERE project_id=:p AND bucket>=:day AND bucket<:end AND agent=:agent",
            {"p": project_id, "day": day, "end": end, "agent": agent},
        )
        there = set(unpack_users(b"".join([row[0] for row in rows])))
        gone.update({(day, agent, block): bits for block, bits in bits_of(candidates - there).items()})
    touched = dict.fromkeys([*come, *gone])
    held = dict(_held(tx, project_id, "rollup_user_day", _USER_DAY_KEYS, "users", touched))
    packed = {
        key: pack_bits((unpack_bits(held.get(key, b"")) | come.get(key, 0)) & ~gone.get(key, 0)) or None
        for key in touched
    }
    _write(tx, project_id, "rollup_user_day", _PUT_USER_DAYS, _USER_DAY_KEYS, packed)


def _numbers(tx: Tx, project_id: int, users: Iterable[str]) -> dict[str, int]:
    """Return the numbers of users, giving new users the next ones."""
    wanted = sorted(users)
    found: dict[str, int] = {}
    for at in range(0, len(wanted), _LOOKED_UP):
        chunk = {f"u{i}": user for i, user in enumerate(wanted[at : at + _LOOKED_UP])}
        found.update(
            tx.fetch(
                "SELECT user_id, number FROM user_number WHERE project_id=:p "
                f"AND user_id IN ({', '.join(':' + name for name in chunk)})",
                {"p": project_id, **chunk},
            )
        )
    new = [user for user in wanted if user not in found]
    if new:
        row = tx.one("SELECT MAX(number) FROM user_number WHERE project_id=:p", {"p": project_id})
        first = row[0] + 1 if row is not None and row[0] is not None else 0
        given = {user: first + n for n, user in enumerate(new)}
        tx.executemany(
            "INSERT INTO user_number(project_id, user_id, number) VALUES (:p, :user, :number)",
            [{"p": project_id, "user": user, "number": number} for user, number in given.items()],
        )
        found.update(given)
    return found


def _held(
    reader: Reader, project_id: int, table: str, keys: Sequence[str], column: str, wanted: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield (key, what is stored) of the rows that are there already."""
    all_ = list(wanted)
    names = ", ".join(f"r.{name}" for name in keys)
    match = " AND ".join(f"r.{name}=w.{name}" for name in keys)
    for at in range(0, len(all_), _LOOKED_UP):
        chunk = all_[at : at + _LOOKED_UP]
        params = {f"k{i}_{j}": value for i, key in enumerate(chunk) for j, value in enumerate(key)}
        values = ", ".join(f"({', '.join(f':k{i}_{j}' for j in range(len(keys)))})" for i in range(len(chunk)))
        for row in reader.fetch(
            f"WITH w({', '.join(keys)}) AS (VALUES {values}) "
            f"SELECT {names}, r.{column} FROM w CROSS JOIN {table} r WHERE r.project_id=:p AND {match}",
            {"p": project_id, **params},
        ):
            yield row[:-1], row[-1]


def _write(
    tx: Tx,
    project_id: int,
    table: str,
    statement: str,
    keys: Sequence[str],
    found: Mapping[tuple[Any, ...], str | bytes | None],
) -> None:
    tx.executerows(statement, [(project_id, *key, packed) for key, packed in found.items() if packed is not None])
    tx.executerows(_delete(table, keys), [(project_id, *key) for key, packed in found.items() if packed is None])


def make_days(tx: Tx, project_id: int, zone: str) -> None:
    """Make the level of days anew from the quarters of an hour: the project has another time zone."""
    tables = ("rollup_session", "rollup_dim", "rollup_latency")
    for table in tables:
        for dim in {"rollup_dim": DIMENSIONS, "rollup_latency": HISTOGRAMS}.get(table, (None,)):
            part = "" if dim is None else " AND dim=:dim"
            tx.execute(f"DELETE FROM {table} WHERE project_id=:p{part} AND level={DAY}", {"p": project_id, "dim": dim})
    tx.execute("DELETE FROM rollup_user_day WHERE project_id=:p", {"p": project_id})
    days = Days(zone)
    low = -(1 << 62)
    while True:
        row = tx.one(
            f"SELECT MIN(bucket) FROM rollup_session WHERE project_id=:p AND level={QUARTER} AND bucket>=:low",
            {"p": project_id, "low": low},
        )
        if row is None or row[0] is None:
            return
        first, low = days.around(row[0])
        _make_day(tx, project_id, first, low)


def _make_day(tx: Tx, project_id: int, first: int, end: int) -> None:
    params = {"p": project_id, "first": first, "end": end}
    where = f"WHERE project_id=:p AND level={QUARTER} AND bucket>=:first AND bucket<:end"
    sums = ", ".join(f"SUM({name})" for name in SESSION_SUMS)
    tx.execute(
        f"INSERT INTO rollup_session(project_id, level, bucket, agent, {', '.join(SESSION_SUMS)}) "
        f"SELECT :p, {DAY}, :first, agent, {sums} FROM rollup_session {where} GROUP BY agent",
        params,
    )
    sums = ", ".join(f"SUM({name})" for name in DIM_SUMS)
    for dim in DIMENSIONS:
        tx.execute(
            f"INSERT INTO rollup_dim(project_id, dim, level, bucket, agent, value, {', '.join(DIM_SUMS)}) "
            f"SELECT :p, :dim, {DAY}, :first, agent, value, {sums} FROM rollup_dim {where} AND dim=:dim "
            "GROUP BY agent, value",
            {**params, "dim": dim},
        )
    merged: dict[tuple[Any, ...], dict[int, int]] = {}
    for dim in HISTOGRAMS:
        for agent, value, bins in tx.fetch(
            f"SELECT agent, value, bins FROM rollup_latency {where} AND dim=:dim", {**params, "dim": dim}
        ):
            histogram.merge(merged.setdefault((dim, DAY, first, agent, value), {}), bins)
    packed: dict[tuple[Any, ...], str | bytes | None] = {key: histogram.pack(bins) for key, bins in merged.items()}
    _write(tx, project_id, "rollup_latency", _PUT_LATENCY, _LATENCY_KEYS, packed)
    seen: dict[str, set[int]] = {}
    for agent, users in tx.fetch(
        "SELECT agent, users FROM rollup_user WHERE project_id=:p AND bucket>=:first AND bucket<:end", params
    ):
        seen.setdefault(agent, set()).update(unpack_users(users))
    packed = {
        (first, agent, block): pack_bits(bits)
        for agent, numbers in seen.items()
        for block, bits in bits_of(numbers).items()
    }
    _write(tx, project_id, "rollup_user_day", _PUT_USER_DAYS, _USER_DAY_KEYS, packed)


def clear(tx: Tx, project_id: int) -> None:
    """Delete all rollups of a project; its users keep their numbers."""
    for table in ("rollup_session", "rollup_dim", "rollup_latency", "rollup_user", "rollup_user_day"):
        tx.execute(f"DELETE FROM {table} WHERE project_id=:p", {"p": project_id})
