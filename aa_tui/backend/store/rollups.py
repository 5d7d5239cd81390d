"""SQL for the 15-minute rollups: adding and taking away contributions, clearing a range. What contributes: `ingest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aa_tui.backend.store.engine import Tx

BUCKET_MS = 900_000
"""Width of a rollup bucket, milliseconds."""

SESSION_SUMS = (
    "sessions", "turns", "messages", "model_calls", "tool_calls", "tool_errors", "errors", "error_sessions",
    "input_tokens", "output_tokens", "cost_nano", "priced_calls", "priced_sessions", "estimated_sessions",
    "duration_ms",
)  # fmt: skip
"""Columns that are summed in `rollup_session`, in the order of a contribution."""

DIM_SUMS = ("sessions", "calls", "errors", "tokens", "cost_nano")
"""Columns that are summed in `rollup_dim`, in the order of a contribution."""

DIMENSIONS = ("model", "tool", "rule", "error", "version", "topic", "repository", "source")
"""Dimensions of `rollup_dim`."""

SessionKey = tuple[int, str]
"""(bucket, root agent)."""
DimKey = tuple[str, int, str, str]
"""(dimension, bucket, root agent, value)."""
LatencyKey = tuple[str, int, str, str, int]
"""(dimension, bucket, root agent, value, bin)."""


def _upsert(table: str, keys: Sequence[str], sums: Sequence[str]) -> str:
    names = (*keys, *sums)
    return (
        f"INSERT INTO {table}(project_id, {', '.join(names)}) VALUES (:p, {', '.join(':' + name for name in names)}) "
        f"ON CONFLICT(project_id, {', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    )


_SESSION_KEYS = ("bucket", "agent")
_DIM_KEYS = ("dim", "bucket", "agent", "value")
_LATENCY_KEYS = ("dim", "bucket", "agent", "value", "bin")
_ADD_SESSION = _upsert("rollup_session", _SESSION_KEYS, SESSION_SUMS)
_ADD_DIM = _upsert("rollup_dim", _DIM_KEYS, DIM_SUMS)
_ADD_LATENCY = _upsert("rollup_latency", _LATENCY_KEYS, ("n",))


def _drop_empty(table: str, keys: Sequence[str], count: str) -> str:
    return f"DELETE FROM {table} WHERE project_id=:p AND {' AND '.join(f'{k}=:{k}' for k in keys)} AND {count}<=0"


def add(
    tx: Tx,
    project_id: int,
    sessions: Mapping[SessionKey, Sequence[int]],
    dims: Mapping[DimKey, Sequence[int]],
    latencies: Mapping[LatencyKey, int],
) -> None:
    """Add contributions (negative ones take away); rows that no session stands behind any more are deleted."""
    rows: list[dict[str, Any]] = [
        {"p": project_id, **dict(zip(_SESSION_KEYS, key, strict=True)), **dict(zip(SESSION_SUMS, sums, strict=True))}
        for key, sums in sessions.items()
        if any(sums)
    ]
    tx.executemany(_ADD_SESSION, rows)
    tx.executemany(
        _drop_empty("rollup_session", _SESSION_KEYS, "sessions"),
        [{"p": project_id, "bucket": row["bucket"], "agent": row["agent"]} for row in rows if row["sessions"] < 0],
    )
    rows = [
        {"p": project_id, **dict(zip(_DIM_KEYS, dim, strict=True)), **dict(zip(DIM_SUMS, sums, strict=True))}
        for dim, sums in dims.items()
        if any(sums)
    ]
    tx.executemany(_ADD_DIM, rows)
    tx.executemany(
        _drop_empty("rollup_dim", _DIM_KEYS, "sessions"),
        [{"p": project_id, **{name: row[name] for name in _DIM_KEYS}} for row in rows if row["sessions"] < 0],
    )
    rows = [
        {"p": project_id, **dict(zip(_LATENCY_KEYS, place, strict=True)), "n": n} for place, n in latencies.items() if n
    ]
    tx.executemany(_ADD_LATENCY, rows)
    tx.executemany(
        _drop_empty("rollup_latency", _LATENCY_KEYS, "n"),
        [{"p": project_id, **{name: row[name] for name in _LATENCY_KEYS}} for row in rows if row["n"] < 0],
    )


def clear(tx: Tx, project_id: int, first: int | None, last: int | None) -> None:
    """Delete the rollups of the buckets from `first` to `last`, both inclusive; None is open."""
    params = {
        "p": project_id,
        "first": -(1 << 62) if first is None else first,
        "last": 1 << 62 if last is None else last,
    }
    tx.execute("DELETE FROM rollup_session WHERE project_id=:p AND bucket BETWEEN :first AND :last", params)
    for table, dims in (("rollup_dim", DIMENSIONS), ("rollup_latency", ("", "tool", "ttfb"))):
        for dim in dims:
            tx.execute(
                f"DELETE FROM {table} WHERE project_id=:p AND dim=:dim AND bucket BETWEEN :first AND :last",
                {**params, "dim": dim},
            )
