"""Builders for small stores: rows written directly, one readable call per session, event or result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import EVENT_TYPE, EventKind
from aa_tui.backend.model.histogram import bin_of, pack, quantile
from aa_tui.backend.query.readmodels import ProjectInfo
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import contents, facts, rollups, search
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.ids import first_session_id, stable_id

NOW_MS = 1_790_000_000_000
"""The frozen "now" of built workspaces: 2026-09-21 14:13:20 UTC."""
DAY_MS = 86_400_000


@dataclass
class Made:
    """A session as it was built: what a brute-force evaluation of filters and sums needs."""

    id: int
    key: str
    at: int
    columns: dict[str, Any]
    facets: set[tuple[str, str]]
    text: str
    latencies: list[float] = field(default_factory=list)
    message_ids: set[str] = field(default_factory=set)


def workspace(
    path: Path | str, zone: str = "UTC", now_ms: int = NOW_MS, name: str = "test", project_id: int = 1
) -> Workspace:
    """Return a workspace on a fresh store in `path` or a database (or another project of the store already there)."""
    store = open_store(path if isinstance(path, str) else str(path / "store.db"))
    with store.write() as tx:
        tx.execute(
            "INSERT INTO project(id, name, api_key, time_zone, created_ms, settings, version, data_version) "
            "VALUES (:p, :n, :k, :z, 0, '{}', 1, 0) ON CONFLICT DO NOTHING",
            {"p": project_id, "n": name, "k": name, "z": zone},
        )
    project = ProjectInfo(project_id, name, name, zone, 0, None)
    return Workspace(store, project, Actor("tester"), FrozenClock(now_ms))


def session(
    ws: Workspace,
    key: str,
    *,
    at: int = NOW_MS - DAY_MS,
    agent: str = "support-bot",
    agents: Iterable[str] = (),
    user: str | None = "u-1",
    state: str = "closed",
    source: str = "test",
    models: Iterable[str] = ("gpt-4o",),
    tools: Mapping[str, tuple[int, int]] | None = None,
    errors: Iterable[str] = (),
    topic: str | None = None,
    rules: Iterable[str] = (),
    cost: float | None = None,
    turns: int = 1,
    duration_ms: int | None = 1000,
    tokens: int | None = None,
    latencies: Iterable[float] = (),
    signals: Mapping[str, tuple[str, bool | None]] | None = None,
    context: Mapping[str, str] | None = None,
    tags: Iterable[str] = (),
    text: str = "",
    more: Iterable[tuple[str, str]] = (),
    info: Mapping[str, Any] | None = None,
    quality: float | None = None,
    time_quality: str = "exact",
    model_calls: int | None = None,
    first_known_ms: int | None = None,
) -> Made:
    """Write one session with its facets, rollups, signals and search document, and return what was written.

    `tools` maps a tool to (calls, failures); `signals` a signal to (value, passed); `cost` is in US dollars;
    `first_known_ms` is the start that was known when the session got its id.
    """
    p = ws.project.id
    waits = list(latencies)
    failed = sum(f for _, f in (tools or {}).values())
    chain = [agent, *agents]
    problems = list(errors)
    bins: dict[int, int] = {}
    for wait in waits:
        bins[bin_of(wait)] = bins.get(bin_of(wait), 0) + 1
    id_ = first_session_id(at if first_known_ms is None else first_known_ms)
    with ws.store.reader() as reader:
        while facts.taken_session_ids(reader, p, [id_]):
            id_ += 1
    calls = len(waits) if model_calls is None else model_calls
    columns: dict[str, Any] = {
        **dict.fromkeys(facts.SESSION_COLUMNS),
        "key": key, "sort_at": at, "started_ms": None if time_quality == "order_only" else at, "ended_ms": at + 1000,
        "time_quality": time_quality, "agent": agent, "user_id": user, "state": state, "revision": 1, "title": key,
        "source": source, "primary_model": next(iter(models), None), "agents": json.dumps(chain),
        "models": json.dumps(list(models)), "turns": turns, "messages": 2 * turns, "user_messages": turns,
        "model_calls": calls, "tool_calls": sum(c for c, _ in (tools or {}).values()), "tool_errors": failed,
        "errors": failed + len(problems), "total_tokens": tokens,
        "input_tokens": tokens, "output_tokens": None if tokens is None else 0,
        "cost_nano": None if cost is None else round(cost * 1e9), "cost_estimated": 0,
        "priced_calls": 0 if cost is None else calls, "duration_ms": duration_ms,
        "latency_avg_ms": sum(waits) / len(waits) if waits else None, "latency_p50_ms": quantile(bins, 0.5),
        "latency_p90_ms": quantile(bins, 0.9), "latency_bins": pack(bins) or None, "topic": topic,
        "rules": " ".join(rules), "warnings": "", "quality_score": quality, "has_text": 1 if text else 0,
        "info": json.dumps(dict(info or {})), "updated_ms": at,
    }  # fmt: skip
    facets: set[tuple[str, str]] = {("state", state), ("source", source), *more}
    facets |= {("agent", a) for a in chain} | {("model", m) for m in models} | {("error", e) for e in problems}
    facets |= {("tool", t) for t in tools or {}} | {("failed_tool", t) for t, (_, f) in (tools or {}).items() if f}
    facets |= {("rule", r) for r in rules} | {("tag", t) for t in tags}
    facets |= {(f"context.{k}", v) for k, v in (context or {}).items()}
    facets |= {("user", user)} if user else set()
    facets |= {("topic", topic)} if topic else set()
    facets |= {("has", "text")} if text else set()
    for name, (value, passed) in (signals or {}).items():
        facets.add((f"signal.{name}", value))
        if passed is not None:
            facets.add((f"signalpass.{name}", "pass" if passed else "fail"))
    with ws.store.write() as tx:
        facts.upsert_sessions(tx, [{"p": p, "id": id_, **columns}])
        numbers = {f: stable_id(0, p, *f) for f in sorted(facets)}
        facts.count_facets(
            tx, [{"p": p, "f": n, "key": f[0], "value": f[1], "n": 1, "first": at} for f, n in numbers.items()]
        )
        facts.add_facets(tx, [(p, n, at, id_) for n in numbers.values()])
        search.put_in(tx, [{"p": p, "s": id_, "document": text}])
        for name, (value, passed) in (signals or {}).items():
            tx.execute(
                "INSERT INTO signal_result(project_id, session_id, signal, revision, sort_at, current, value, passed, "
                "method, signal_version, model) VALUES (:p, :s, :n, 1, :at, 1, :v, :ok, 'llm', 1, 'sample (recorded)')",
                {"p": p, "s": id_, "n": name, "at": at, "v": value, "ok": passed},
            )
        if time_quality in ("exact", "zone_assumed"):
            _roll_up(tx, ws, columns, bins, tools or {}, facets)
    return Made(id_, key, at, columns, facets, text, waits)


def _roll_up(
    tx: Any,
    ws: Workspace,
    columns: dict[str, Any],
    bins: dict[int, int],
    tools: Mapping[str, tuple[int, int]],
    facets: set[tuple[str, str]],
) -> None:
    bucket, agent = columns["sort_at"] // rollups.BUCKET_MS, columns["agent"]
    sums = {name: columns.get(name) or 0 for name in rollups.SESSION_SUMS}
    sums["sessions"] = 1
    sums["error_sessions"] = int(columns["errors"] > 0)
    sums["ruled_sessions"] = int(columns["rules"] != "")
    sums["priced_sessions"] = int(columns["cost_nano"] is not None)
    sums["estimated_sessions"] = columns["cost_estimated"]
    dims: dict[rollups.DimKey, tuple[int, ...]] = {}
    cost, tokens = columns["cost_nano"] or 0, columns["total_tokens"] or 0
    for name in json.loads(columns["models"]):
        dims[("model", bucket, agent, name)] = (1, columns["model_calls"], 0, tokens, cost)
    for name, (calls, failed) in tools.items():
        dims[("tool", bucket, agent, name)] = (1, calls, failed, 0, 0)
    for name in columns["rules"].split():
        dims[("rule", bucket, agent, name)] = (1, 0, 0, 0, 0)
    if columns["topic"]:
        dims[("topic", bucket, agent, columns["topic"])] = (1, 0, columns["errors"], tokens, cost)
    dims[("source", bucket, agent, columns["source"])] = (1, 0, columns["errors"], tokens, cost)
    for key, value in facets:
        if key == "error":
            dims[("error", bucket, agent, value)] = (1, 0, 1, 0, 0)
        elif key.removeprefix("signal.") in rollups.SIGNALS:
            dims[("signal", bucket, agent, rollups.signal_value(key.removeprefix("signal."), value))] = (1, 0, 0, 0, 0)
    latencies = {("", bucket, agent, "", bin_no): n for bin_no, n in bins.items()}
    users = {(bucket, agent, columns["user_id"]): 1} if columns["user_id"] else {}
    sessions = {(bucket, agent): tuple(sums[n] for n in rollups.SESSION_SUMS)}
    rollups.add(tx, ws.project.id, rollups.Days(ws.project.time_zone), sessions, dims, latencies, users)


def event(
    ws: Workspace,
    of: Made,
    kind: EventKind,
    position: int,
    *,
    turn: int = 1,
    parts: Mapping[str, str] | None = None,
    **columns: Any,
) -> int:
    """Write one event of a session with its long texts; return its id. Other columns of the event by name."""
    id_ = stable_id(of.at + position, of.key, position)
    insert_id = columns.pop("insert_id", f"{of.key}-{position}")
    of.message_ids.add(insert_id)
    row: dict[str, Any] = {
        **dict.fromkeys(facts.EVENT_COLUMNS),
        "id": id_, "insert_id": insert_id, "fingerprint": 0, "kind": int(kind), "event_type": EVENT_TYPE.get(kind, ""),
        "source": "test", "mapper_version": 1, "time_ms": of.at + position * 1000, "time_quality": "exact",
        "received_ms": of.at, "seq": position, "from_agent": 0, "cost_estimated": 0, "is_error": 0, "interrupted": 0,
        "text_size": sum(map(len, (parts or {}).values())), "turn_no": turn, "position": position, "depth": 0,
        **columns,
    }  # fmt: skip
    with ws.store.write() as tx:
        facts.insert_events(tx, [(ws.project.id, of.id, *(row[name] for name in facts.EVENT_COLUMNS))])
        if parts:
            contents.insert(tx, [(ws.project.id, of.id, id_, *contents.pack(parts, row["head"]))])
    return id_
