"""A loopback model server with faults, OpenAI-compatible, in a thread of its own; for every test that judges.

with ModelServer() as server:                      # answers instances of the schema it is asked for
    server.then(status(429, retry_after="1"), RESET)    # the next two requests fail, later ones do not
    ...
    assert server.calls == 3
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Answer = str | Mapping[str, Any] | Callable[[dict[str, Any]], "str | Mapping[str, Any]"]
"""What the model writes: a text, an object (sent as JSON), or a function of the request's body that gives either."""


@dataclass(frozen=True)
class Fault:
    """One way in which a request goes wrong."""

    kind: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


def status(
    code: int, message: str = "mock failure", *, retry_after: str | None = None, code_name: str = "", type_: str = ""
) -> Fault:
    """An error status with an OpenAI-style error body."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    error = {"message": message, "type": type_ or "error", "code": code_name or None}
    return Fault("status", code, headers, json.dumps({"error": error}))


def raw(body: str, code: int = 200, content_type: str = "application/json") -> Fault:
    """Any status and body."""
    return Fault("status", code, (("Content-Type", content_type),), body)


HANG = Fault("hang")
"""Takes the request and never answers."""
SLOW_HEADERS = Fault("slow_headers")
"""Sends the head of its answer one byte at a time, for ever."""
DRIBBLE = Fault("dribble")
"""Sends a good head and then a body of one byte at a time, for ever."""
RESET = Fault("reset")
"""Closes the connection without an answer."""
CUT_BODY = Fault("cut_body")
"""Closes the connection in the middle of the body."""
EMPTY_CHOICES = Fault("empty_choices")
NULL_CONTENT = Fault("null_content")
EMPTY_CONTENT = Fault("empty_content")
CONTENT_FILTER = Fault("content_filter")
REFUSAL = Fault("refusal")
"""An answer whose `refusal` is set and whose content is null."""
MALFORMED = Fault("malformed")
"""A good envelope round prose with half an object in it."""
TRUNCATED = Fault("truncated")
"""Half of the answer, and the reason that the token limit was reached."""
WRONG_LABEL = Fault("wrong_label")
"""An answer whose verdict is none of what was asked for."""
HTML = raw("<html><body>Sign in</body></html>", 200, "text/html")
NOT_JSON = raw("{not json")
HUGE = Fault("huge")
"""A body without an end."""
REDIRECT = Fault("status", 307, (("Location", "http://127.0.0.1:9/v1/chat/completions"),), "")
NO_FORMAT = Fault("no_format")
"""Refuses any request that has a `response_format`, answers others."""
NO_SCHEMA = Fault("no_schema")
"""Refuses `json_schema`, takes `json_object`."""
ERROR_IN_200 = raw('{"error": {"message": "upstream is overloaded", "code": 502}}')


@dataclass
class Seen:
    """One chat request as it came."""

    at: float
    """Monotonic seconds."""
    headers: dict[str, str]
    """By lower-case name."""
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n".join(str(message["content"]) for message in self.body.get("messages", ()))


def instance(schema: Mapping[str, Any]) -> Any:
    """A small instance of a JSON schema: first choices, true, least numbers, empty lists."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return instance(schema[several][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {name: instance(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}))] if schema.get("minItems") else []
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return None if kind == "null" else "because it says so"


def default_answer(body: dict[str, Any]) -> Any:
    """An instance of the schema that was asked for; without one an object with the keys of all output types."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return instance(wanted["json_schema"]["schema"])
    return {"detected": True, "label": "a", "score": 1, "rationale": "because it says so", "evidence": []}


@dataclass
class ModelServer:
    """The server; use it as a context manager. `base_url` is ready inside."""

    answer: Answer = default_answer
    models: tuple[str, ...] = ("mock",)
    owner: str = "mock"
    """`owned_by` of the models it lists."""
    latency_s: float = 0.0
    usage: bool = True
    """Whether answers say how many tokens they took."""
    key: str | None = None
    """The key it demands; others get 401."""
    port: int = 0
    requests: list[Seen] = field(default_factory=list)
    listings: int = 0
    """How often the models were listed."""
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._script: deque[Fault | None] = deque()
        self._always: Fault | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    # --- what a test says and asks -----------------------------------------------------------------------------------

    def then(self, *faults: Fault | None) -> Self:
        """Let the next chat requests go wrong in this order; None is one that goes well."""
        with self._lock:
            self._script.extend(faults)
        return self

    def always(self, fault: Fault | None) -> Self:
        """Let every chat request that has no other fault go wrong like this; None ends it."""
        self._always = fault
        return self

    @property
    def calls(self) -> int:
        """Chat requests so far."""
        return len(self.requests)

    @property
    def base_url(self) -> str:
        """Its address, as a model choice has it."""
        return f"http://127.0.0.1:{self.port}/v1"

    # --- starting and ending -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the model server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=1024, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._open.discard(task)
            writer.close()

    # --- one request -------------------------------------------------------------------------------------------------

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if path.endswith("/models") and method == "GET":
            self.listings += 1
            listed = [{"id": name, "object": "model", "owned_by": self.owner} for name in self.models]
            return await self._send(writer, 200, json.dumps({"object": "list", "data": listed}))
        if not path.endswith("/chat/completions"):
            return await self._send(writer, 404, '{"error": {"message": "no such route"}}')
        asked = json.loads(body)
        with self._lock:
            fault = self._script.popleft() if self._script else self._always
            self.requests.append(Seen(time.monotonic(), headers, asked))
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
                return await self._send(writer, 401, '{"error": {"message": "Incorrect API key provided"}}')
            return await self._respond(writer, asked, fault)
        finally:
            self.in_flight -= 1

    async def _respond(self, writer: asyncio.StreamWriter, asked: dict[str, Any], fault: Fault | None) -> bool:
        kind = "" if fault is None else fault.kind
        if fault is not None and kind == "status":
            return await self._send(writer, fault.status, fault.body, dict(fault.headers))
        if kind == "hang":
            await self._stop.wait()
            return False
        if kind == "slow_headers":
            return await self._dribble(writer, b"HTTP/1.1 200 OK\r\nX-Slow: ")
        if kind == "dribble":
            return await self._dribble(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        if kind == "reset":
            return False
        if kind == "huge":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self._stop.is_set():
                writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                await writer.drain()
        wanted = (asked.get("response_format") or {}).get("type", "")
        if (kind == "no_format" and wanted) or (kind == "no_schema" and wanted == "json_schema"):
            words = f"'response_format' of type '{wanted}' is not supported with this model"
            return await self._send(writer, 400, json.dumps({"error": {"message": words}}))
        text = json.dumps(self._envelope(asked, kind))
        if kind == "cut_body":
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text[:40]}".encode())
            await writer.drain()
            return False
        return await self._send(writer, 200, text)

    def _envelope(self, asked: dict[str, Any], kind: str) -> dict[str, Any]:
        said = self.answer(asked) if callable(self.answer) else self.answer
        text = said if isinstance(said, str) else json.dumps(said)
        finish = "stop"
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if kind in ("null_content", "content_filter", "refusal"):
            message["content"] = None
        if kind == "content_filter":
            finish = "content_filter"
        elif kind == "refusal":
            message["refusal"] = "I can't help with that."
        elif kind == "empty_content":
            message["content"] = ""
        elif kind == "malformed":
            message["content"] = "Well, I think it passes?? {detected: maybe"
        elif kind == "truncated":
            message["content"], finish = text[: len(text) // 2], "length"
        elif kind == "wrong_label":
            wrong = {"detected": "perhaps", "label": "none of yours", "score": 1e9, "rationale": "so", "evidence": []}
            message["content"] = json.dumps(wrong)
        choices = [] if kind == "empty_choices" else [{"index": 0, "message": message, "finish_reason": finish}]
        envelope = {"id": "chatcmpl-mock", "object": "chat.completion", "model": asked.get("model"), "choices": choices}
        if self.usage:
            asked_tokens = len(json.dumps(asked.get("messages", ()))) // 4
            envelope["usage"] = {
                "prompt_tokens": asked_tokens,
                "completion_tokens": 60,
                "total_tokens": asked_tokens + 60,
            }
        return envelope

    async def _dribble(self, writer: asyncio.StreamWriter, head: bytes) -> bool:
        writer.write(head)
        while not self._stop.is_set():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    async def _send(
        self, writer: asyncio.StreamWriter, code: int, body: str, headers: Mapping[str, str] | None = None
    ) -> bool:
        raw_body = body.encode()
        lines = {"Content-Type": "application/json", **(headers or {}), "Content-Length": str(len(raw_body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {code} X\r\n{head}\r\n".encode() + raw_body)
        await writer.drain()
        return True
