"""A model on loopback: an OpenAI-compatible chat server that answers, calls a tool when offered one, or fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Your parcel arrives on Tuesday."
TOOL = "find_order"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            self._reply(200, {"object": "list", "model": asked["model"], "data": [
                {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
                "usage": {"prompt_tokens": 4, "total_tokens": 4}})  # fmt: skip
            return
        last = asked["messages"][-1]
        if "FAIL" in str(last.get("content")):
            error = {"message": "Rate limit reached", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
            self._reply(429, {"error": error})
            return
        calls = bool(asked.get("tools")) and last["role"] == "user"
        message: dict[str, Any] = {"role": "assistant", "content": None if calls else ANSWER}
        if calls:
            function = {"name": TOOL, "arguments": json.dumps({"number": "A-1"})}
            message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        head = {"id": "chatcmpl-1", "created": 1_790_000_000, "model": asked["model"]}
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop"}
        if asked.get("stream"):
            self._stream(
                [
                    {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": message}]},
                    {**head, "object": "chat.completion.chunk", "choices": [{**choice, "delta": {}}]},
                    {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage},
                ]
            )
            return
        self._reply(
            200, {**head, "object": "chat.completion", "choices": [{**choice, "message": message}], "usage": usage}
        )

    def _reply(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: list[dict[str, Any]]) -> None:
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def model_server() -> Iterator[str]:
    """Yield the base URL of a running model."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
