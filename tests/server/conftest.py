"""A receiver in this process over a store of its own, and one that says whatever a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.receivers import reachable
from aa_tui.backend.service.receiving import Answer, OtlpAnswer, Receiving, ReceivingProject
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import SystemClock
from aa_tui.server.receiver.guard import Access, Guard
from aa_tui.server.receiver.limits import ServerLimits
from aa_tui.server.receiver.routes import Routes

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
KEY = "f" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def key(store: Store) -> str:
    """The API key of the store's one project."""
    return ProjectService(store).create("bots", Actor("ada"), "UTC").api_key


@dataclass
class FakeReceiving:
    """Answers as it is told, and keeps what it was asked."""

    answer: Answer = field(default_factory=lambda: Answer(200, {"code": 200, "events_ingested": 1}))
    otlp: OtlpAnswer = field(default_factory=lambda: OtlpAnswer(200))
    error: BaseException | None = None
    bodies: list[bytes] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)

    def project_of(self, key: str) -> ReceivingProject | None:
        return ReceivingProject(1, "bots") if key == KEY else None

    def amplitude(self, body: bytes) -> Answer:
        self._take(body)
        return self.answer

    def traces(self, project: ReceivingProject, body: bytes, encoding: str) -> OtlpAnswer:
        self.encodings.append(encoding)
        self._take(body)
        return self.otlp

    logs = traces

    def _take(self, body: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.bodies.append(body)


@dataclass
class Door:
    """An in-process receiver and a client of it."""

    client: httpx.AsyncClient
    routes: Routes
    guard: Guard
    log: list[Access]
    faults: list[BaseException]

    async def send(self, path: str, body: Any = b"", **headers: str) -> httpx.Response:
        """POST with headers by name (`content_type`); JSON by default."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=body, headers={"content-type": "application/json", **named})


@asynccontextmanager
async def opened(
    receiving: Any, store: Store | None = None, limits: ServerLimits | None = None, **guard: Any
) -> AsyncIterator[Door]:
    """Yield a door to a receiver around `receiving`."""
    limits = limits or ServerLimits()
    log: list[Access] = []
    faults: list[BaseException] = []
    routes = Routes(receiving, (lambda: True) if store is None else (lambda: reachable(store)), limits)
    wrapped = Guard(routes.app(), log=log.append, fault=faults.append, **guard)
    transport = httpx.ASGITransport(app=wrapped)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4318") as client:
            yield Door(client, routes, wrapped, log, faults)
    finally:
        routes.close()


@pytest.fixture
async def door(store: Store, key: str) -> AsyncIterator[Door]:
    """A receiver of the store in this process."""
    receiving = Receiving(store, SystemClock())
    async with opened(receiving, store) as made:
        yield made
    receiving.close()


@pytest.fixture
def fake() -> FakeReceiving:
    return FakeReceiving()


@pytest.fixture
async def fake_door(fake: FakeReceiving) -> AsyncIterator[Door]:
    """A receiver around `fake`."""
    async with opened(fake) as made:
        yield made
