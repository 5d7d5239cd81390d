"""Sending to a `Receiving` in tests: captured requests, draining, and everything that a store then holds."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.service.receiving import Drained, OtlpAnswer, Receiving, ReceivingProject
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from tests.ingest_state import contents_of

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SDK = DATA / "amplitude_sdk_wire"
OTLP = DATA / "otlp_wire"
KEY = "test"
"""The API key of `tests.builders.workspace`."""
_TABLES = {
    "event": (
        "insert_id, kind, event_type, source, user_id, device_id, time_ms, trace_id, turn_id, agent_id, "
        "parent_agent_id, span_id, parent_id, name, model, latency_ms, ttfb_ms, total_tokens, cost_nano, is_error, "
        "error_type, finish_reason, head, properties, turn_no, position, depth, warnings, seq"
    ),
    "session": (
        "key, sort_at, started_ms, ended_ms, agent, user_id, state, close_reason, title, agents, models, turns, "
        "messages, user_messages, model_calls, tool_calls, tool_errors, errors, total_tokens, cost_nano, duration_ms, "
        "latency_avg_ms, rules, warnings, user_score, quality_score, has_text, content_mode, info"
    ),
    "turn": "no, trace_id, started_ms, ended_ms, user_head, answer_head, messages, model_calls, tool_calls, errors",
    "facet": "key, value, sessions, first_ms",
    "rollup_session": "bucket, agent, sessions, turns, errors, input_tokens, output_tokens, cost_nano",
    "rollup_dim": "dim, bucket, agent, value, sessions, calls, errors, tokens",
    "user_day": "user_id, day, agent_events, product_events",
    "person": "user_id, first_ms, last_ms, properties",
}


def captures() -> list[Path]:
    """Return the captures of the Amplitude SDK by name."""
    return sorted(SDK.glob("[0-9]*.json"))


def sdk_requests(path: Path | str) -> list[dict[str, Any]]:
    """Return the bodies of a capture (or of the one whose name begins so), with the key of the test's project."""
    if isinstance(path, str):
        found = sorted(SDK.glob(f"{path}*.json"))
        if not found:
            pytest.skip("shared data absent")
        path = found[0]
    requests = json.loads(path.read_text(encoding="utf-8"))["requests"]
    return [{**one["body"], "api_key": KEY} for one in requests]


def wire(name: str) -> bytes:
    """Return the decompressed body of a captured export request."""
    path = OTLP / name
    if not path.is_file():
        pytest.skip("shared data absent")
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def send_otlp(receiving: Receiving, name: str, encoding: str = "protobuf") -> OtlpAnswer:
    """Send a captured export request, or its form in JSON."""
    project = the_project(receiving)
    call = receiving.logs if name == "openai_v2_logs_2" else receiving.traces
    if encoding == "json":
        return call(project, wire(f"{name}.otlp.json"), "json")
    return call(project, wire(f"{name}.bin"), "protobuf")


def the_project(receiving: Receiving) -> ReceivingProject:
    """Return the test's project."""
    project = receiving.project_of(KEY)
    assert project is not None
    return project


def drain(receiving: Receiving, max_items: int = 10_000) -> Drained:
    """Drain until a round does nothing; return the sums, and what waits at the end."""
    items = sessions = 0
    while True:
        done = receiving.drain(CancelToken(), max_items)
        items += done.items
        sessions += done.sessions
        if not done.items:
            return Drained(items, sessions, done.waiting)


def content(store: Store, without: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that events left in a store of one project, in an order of its own, ids and receipt left out."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with store.reader() as reader:
        for table, columns in _TABLES.items():
            kept = [name for name in columns.split(", ") if name not in without]
            rows = reader.fetch(f"SELECT {', '.join(kept)} FROM {table}")
            found[table] = sorted(rows, key=repr)
        found["content"] = sorted(one[1:] for one in contents_of(reader))
        found["homes"] = sorted(
            reader.fetch(
                "SELECT e.insert_id, s.key FROM event e LEFT JOIN session s "
                "ON s.project_id=e.project_id AND s.id=e.session_id"
            ),
            key=repr,
        )
    return found


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with store.reader() as reader:
        return reader.fetch(sql)
