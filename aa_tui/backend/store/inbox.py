"""SQL of the inbox: what receivers acknowledged, its traces, its problems, the lease of who drains. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import chunks, fetch_in

LEASE_KEY = "receive_lease"
_LARGEST = 0x7FFF_FFFF_FFFF_FFFF


class State(IntEnum):
    """Where a received request stands. The number is stored; never renumber."""

    WAITING = 0
    """Nobody has looked at it yet."""
    HELD = 1
    """Some trace in it waits for its root."""
    MAPPED = 2
    """All of it is in the store as events; kept because more of its traces may come."""
    SETTLED = 3
    """As MAPPED, but its traces look complete, so it is kept for a short time only."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without its body."""

    id: int
    state: int
    kind: str
    encoding: str
    received_ms: int
    items: int
    size: int


@dataclass(frozen=True, slots=True)
class Load:
    """How much waits to be drained, over all projects."""

    rows: int = 0
    items: int = 0
    size: int = 0
    """Bytes as stored."""


def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert requests: columns of `inbox` by name, `p` the project."""
    tx.executemany(
        "INSERT INTO inbox(project_id, id, state, kind, encoding, received_ms, items, size, body) "
        "VALUES (:p, :id, 0, :kind, :encoding, :received_ms, :items, :size, :body)",
        rows,
    )


def load(reader: Reader) -> Load:
    """Return how much waits or is held."""
    row = reader.one(
        "SELECT COUNT(*), COALESCE(SUM(i.items), 0), COALESCE(SUM(i.size), 0) FROM project p "
        "JOIN inbox i ON i.project_id=p.id AND i.state<=1"
    )
    return Load(*(int(value) for value in row)) if row is not None else Load()


def projects(reader: Reader) -> list[int]:
    """Return the projects that have anything in the inbox."""
    rows = reader.fetch("SELECT id FROM project p WHERE EXISTS (SELECT 1 FROM inbox i WHERE i.project_id=p.id)")
    return [row[0] for row in rows]


def waiting(reader: Reader, project_id: int, state: State, limit: int) -> list[Waiting]:
    """Return the oldest requests in a state."""
    rows = reader.fetch(
        "SELECT id, state, kind, encoding, received_ms, items, size FROM inbox "
        "WHERE project_id=:p AND state=:s ORDER BY id LIMIT :n",
        {"p": project_id, "s": int(state), "n": limit},
    )
    return [Waiting(*row) for row in rows]


def requests(reader: Reader, project_id: int, ids: Iterable[int]) -> list[Waiting]:
    """Return requests by id, in order."""
    rows = fetch_in(
        reader,
        "SELECT id, state, kind, encoding, received_ms, items, size FROM inbox "
        "WHERE project_id=:p AND id IN ({values})",
        {"p": project_id},
        ids,
    )
    return sorted((Waiting(*row) for row in rows), key=lambda one: one.id)


def body(reader: Reader, project_id: int, inbox_id: int) -> bytes:
    """Return the body of a request as stored; empty when it is gone."""
    row = reader.one("SELECT body FROM inbox WHERE project_id=:p AND id=:id", {"p": project_id, "id": inbox_id})
    return bytes(row[0]) if row is not None else b""


def traces_of(reader: Reader, project_id: int, trace_ids: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Return (id, kind) of the requests that hold parts of traces, by trace."""
    rows = fetch_in(
        reader,
        "SELECT t.trace_id, t.inbox_id, i.kind FROM inbox_trace t "
        "JOIN inbox i ON i.project_id=t.project_id AND i.id=t.inbox_id "
        "WHERE t.project_id=:p AND t.trace_id IN ({values})",
        {"p": project_id},
        trace_ids,
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for trace_id, inbox_id, kind in rows:
        found.setdefault(trace_id, []).append((inbox_id, kind))
    return found


def stored_events(reader: Reader, project_id: int, prefixes: Iterable[str]) -> dict[str, list[Row]]:
    """Return (insert id, session id, source, received_ms, user, agent) of events by prefix of their insert id."""
    bytewise = ' COLLATE "C"' if reader.dialect == "postgresql" else ""
    found: dict[str, list[Row]] = {}
    for chunk in chunks(prefixes, 200):
        params: dict[str, Any] = {"p": project_id}
        pairs = []
        for at, prefix in enumerate(chunk):
            params[f"a{at}"], params[f"b{at}"] = prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)
            pairs.append(f"(CAST(:a{at} AS TEXT), CAST(:b{at} AS TEXT))")
        rows = reader.fetch(
            f"WITH wanted(low, high) AS (VALUES {', '.join(pairs)}) "
            "SELECT w.low, e.insert_id, e.session_id, e.source, e.received_ms, e.user_id, e.agent_id "
            "FROM wanted w CROSS JOIN event e WHERE e.project_id=:p "
            f"AND e.insert_id>=w.low{bytewise} AND e.insert_id<w.high{bytewise} ORDER BY e.insert_id",
            params,
        )
        for row in rows:
            found.setdefault(row[0], []).append(row[1:])
    return found


def session_keys(reader: Reader, project_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Return session keys by id."""
    rows = fetch_in(
        reader, "SELECT id, key FROM session WHERE project_id=:p AND id IN ({values})", {"p": project_id}, ids
    )
    return {row[0]: row[1] for row in rows}


def set_state(tx: Tx, project_id: int, ids: Iterable[int], state: State) -> None:
    """Move requests on."""
    tx.executemany(
        "UPDATE inbox SET state=:s WHERE project_id=:p AND id=:id",
        [{"p": project_id, "id": one, "s": int(state)} for one in ids],
    )


def wake(tx: Tx, project_id: int) -> None:
    """Have everything that is held looked at anew: whoever held it is gone."""
    tx.execute("UPDATE inbox SET state=0 WHERE project_id=:p AND state=1", {"p": project_id})


def add_traces(tx: Tx, project_id: int, pairs: Iterable[tuple[str, int]]) -> None:
    """Note which traces (trace id, inbox id) requests hold parts of."""
    tx.executemany(
        "INSERT INTO inbox_trace(project_id, trace_id, inbox_id) VALUES (:p, :t, :id) ON CONFLICT DO NOTHING",
        [{"p": project_id, "t": trace_id, "id": inbox_id} for trace_id, inbox_id in pairs],
    )


def remove(tx: Tx, project_id: int, ids: Iterable[int]) -> None:
    """Delete requests with what is noted of their traces."""
    rows = [{"p": project_id, "id": one} for one in ids]
    tx.executemany("DELETE FROM inbox_trace WHERE project_id=:p AND inbox_id=:id", rows)
    tx.executemany("DELETE FROM inbox WHERE project_id=:p AND id=:id", rows)


def outdated(reader: Reader, project_id: int, state: State, before_id: int, limit: int) -> list[Waiting]:
    """Return the oldest requests in a state that arrived before an id, and of whose traces nothing arrived since."""
    rows = reader.fetch(
        "SELECT i.id, i.state, i.kind, i.encoding, i.received_ms, i.items, i.size FROM inbox i "
        "WHERE i.project_id=:p AND i.state=:s AND i.id<:before AND NOT EXISTS ("
        "SELECT 1 FROM inbox_trace mine JOIN inbox_trace other ON other.project_id=mine.project_id "
        "AND other.trace_id=mine.trace_id AND other.inbox_id>=:before "
        "WHERE mine.project_id=i.project_id AND mine.inbox_id=i.id) ORDER BY i.id LIMIT :n",
        {"p": project_id, "s": int(state), "before": before_id, "n": limit},
    )
    return [Waiting(*row) for row in rows]


def kept(reader: Reader, project_id: int) -> int:
    """Return the bytes of the requests that are mapped and kept."""
    row = reader.one("SELECT COALESCE(SUM(size), 0) FROM inbox WHERE project_id=:p AND state>=2", {"p": project_id})
    return int(row[0]) if row is not None else 0


def oldest_kept(reader: Reader, project_id: int, limit: int) -> list[Waiting]:
    """Return the oldest requests that are mapped and kept."""
    rows = [one for state in (State.SETTLED, State.MAPPED) for one in waiting(reader, project_id, state, limit)]
    return sorted(rows, key=lambda one: one.id)[:limit]


def forget_kept(tx: Tx, project_id: int) -> None:
    """Delete every request that is kept only in case more of its traces comes: it holds texts of people."""
    tx.execute(
        "DELETE FROM inbox_trace WHERE project_id=:p AND inbox_id IN "
        "(SELECT id FROM inbox WHERE project_id=:p AND state>=2)",
        {"p": project_id},
    )
    tx.execute("DELETE FROM inbox WHERE project_id=:p AND state>=2", {"p": project_id})


# --- problems ------------------------------------------------------------------------------------------------------


def add_problems(tx: Tx, project_id: int, problems: Mapping[tuple[str, str], int], at_ms: int) -> None:
    """Count problems: (kind, reason) to the number of items they cost."""
    tx.executemany(
        "INSERT INTO receiving_problem(project_id, kind, reason, items, first_ms, last_ms) "
        "VALUES (:p, :kind, :reason, :n, :at, :at) ON CONFLICT(project_id, kind, reason) DO UPDATE SET "
        "items=receiving_problem.items+excluded.items, last_ms=excluded.last_ms",
        [
            {"p": project_id, "kind": kind, "reason": reason, "n": items, "at": at_ms}
            for (kind, reason), items in problems.items()
        ],
    )


def problems(reader: Reader, project_id: int | None = None) -> list[Row]:
    """Return (project, kind, reason, items, first_ms, last_ms), the newest first."""
    where = "" if project_id is None else "WHERE project_id=:p "
    return reader.fetch(
        f"SELECT project_id, kind, reason, items, first_ms, last_ms FROM receiving_problem {where}"
        "ORDER BY last_ms DESC, project_id, kind, reason",
        {} if project_id is None else {"p": project_id},
    )


# --- who drains ----------------------------------------------------------------------------------------------------


def lease(reader: Reader) -> tuple[str, int]:
    """Return (owner, until_ms) of the lease; an empty owner when nobody has it."""
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": LEASE_KEY})
    if row is not None:
        with suppress(ValueError, KeyError, TypeError):
            held = json.loads(row[0])
            return str(held["owner"]), min(int(held["until_ms"]), _LARGEST)
    return "", 0


def take_lease(tx: Tx, owner: str, until_ms: int) -> None:
    """Write down who drains until when."""
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        {"k": LEASE_KEY, "v": json.dumps({"owner": owner, "until_ms": until_ms})},
    )


def drop_lease(tx: Tx, owner: str) -> None:
    """Give the lease back if it is still `owner`'s."""
    if lease(tx)[0] == owner:
        tx.execute("DELETE FROM meta WHERE key=:k", {"k": LEASE_KEY})
