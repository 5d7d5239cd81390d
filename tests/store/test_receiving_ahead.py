"""Requests mapped ahead in a process of its own: the same store comes of it, whatever becomes of that process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.arrivals import ahead
from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock
from tests.builders import workspace
from tests.receiving_kit import content, drain
from tests.store.test_receiving import export, span


def requests() -> list[list[dict[str, Any]]]:
    """Six requests: whole traces, one trace over two requests, one without a root, one that comes twice."""
    found: list[list[dict[str, Any]]] = []
    for number in range(6):
        trace = f"{number:032x}"
        key = f"s-{number % 3}"
        found.append([
            span(1, None, trace, number, 9, session__id=key, openinference__span__kind="AGENT", agent__name="bot"),
            span(2, 1, trace, number + 1, 1, session__id=key, openinference__span__kind="LLM",
                 llm__model_name="m", input__value=f"say {number} " * 40, output__value="said " * 90,
                 llm__token_count__prompt=number + 1),
            span(3, 1, trace, number + 2, 1, session__id=key, openinference__span__kind="TOOL", tool__name="find",
                 input__value="{}", output__value="x" * 500),
        ])  # fmt: skip
    found[4].append(span(9, 1, f"{1:032x}", 1.5, 0.2, openinference__span__kind="TOOL", tool__name="late"))
    found[3] = found[3][1:]
    return [*found, found[2]]


def received(folder: Path, most: int) -> tuple[Workspace, Receiving]:
    ws = workspace(folder)
    receiving = Receiving(ws.store, ws.clock)
    for spans in requests():
        assert export(receiving, *spans)[0] == 200
    drain(receiving, most)
    assert isinstance(ws.clock, FrozenClock)
    ws.clock.advance(6_000)
    drain(receiving, most)
    receiving.close()
    return ws, receiving


def test_the_same_store_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[ahead.Ahead | None] = []
    take = ahead.Helper.take

    def noted(self: ahead.Helper, project: int, row: int) -> ahead.Ahead | None:
        future = self._futures.get((project, row))
        if future is not None:
            # Wait for it, so that the drain does not do it itself.
            future.result()
        used.append(take(self, project, row))
        return used[-1]

    monkeypatch.setattr(ahead.Helper, "take", noted)
    helped, _ = received(tmp_path / "helped", 3)
    assert sum(len(one.traces) for one in used if one is not None) >= 4
    assert any(one.others for one in used if one is not None)
    monkeypatch.setattr(ahead.Helper, "take", lambda self, project, row: None)
    alone, _ = received(tmp_path / "alone", 3)
    assert content(helped.store) == content(alone.store)
    helped.store.close()
    alone.store.close()


def test_a_helper_that_dies_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_CHILD", "import sys; sys.stdin.buffer.read(20)")
    helped, receiving = received(tmp_path / "dead", 3)
    assert receiving.status().waiting_rows == 0
    with helped.store.reader() as reader:
        assert reader.one("SELECT COUNT(*) FROM session") == (3,)
    helped.store.close()
