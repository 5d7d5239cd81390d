"""The process that holds LiteLLM, and the only file that imports it. Run by `litellm_client`; JSON lines on pipes.

In: one line `{"environment": {...}}`, then `{"id": n, "call": {...}}` and `{"cancel": n}`; the end of input ends the
process. Out: `{"ready": true}` or `{"fatal": words}`, then `{"id": n, "reply": {...}}` or `{"id": n, "error": {...}}`.
Whatever the library prints goes nowhere; what it says in errors is redacted by whoever started this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Any, BinaryIO

_SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}
"""Without these the library fetches tables at import and reads `.env` of the working directory."""
_TIMEOUT_S = 600.0
"""Far above any deadline of ours, which cancels."""
_LONGEST_TEXT = 1_000_000
_LONGEST_MESSAGE = 2_000


class Child:
    """Answers calls until its input ends."""

    def __init__(self, lines: BinaryIO, out: BinaryIO) -> None:
        """Read requests from `lines` and write answers to `out`."""
        self._lines, self._out = lines, out
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._library: Any = None

    def run(self) -> None:
        """Load the library, then answer until the input ends, which ends the process wherever it is."""
        first = json.loads(self._lines.readline() or b"{}")
        os.environ.update(_SWITCHES)
        os.environ.update(first.get("environment", {}))
        loop = asyncio.new_event_loop()
        # Reading begins before the import, which takes seconds: an end of input must be noticed meanwhile.
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        try:
            import litellm
        except Exception as error:  # any error of an import: the library is of no use then
            self._say({"fatal": f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]})
            return
        litellm.suppress_debug_info = True
        litellm.drop_params = True
        litellm.telemetry = False
        litellm.num_retries = 0
        self._library = litellm
        self._say({"ready": True})
        loop.run_forever()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in self._lines:
            loop.call_soon_threadsafe(self._take, line, loop)
        os._exit(0)

    def _take(self, line: bytes, loop: asyncio.AbstractEventLoop) -> None:
        asked = json.loads(line)
        if "cancel" in asked:
            task = self._calls.pop(asked["cancel"], None)
            if task is not None:
                task.cancel()
            return
        self._calls[asked["id"]] = loop.create_task(self._call(asked["id"], asked["call"]))

    async def _call(self, number: int, call: dict[str, Any]) -> None:
        try:
            reply = await self._library.acompletion(**call, num_retries=0, max_retries=0, timeout=_TIMEOUT_S)
            said: dict[str, Any] = {"reply": _reply(reply)}
        except asyncio.CancelledError:
            return
        except Exception as error:  # whatever the library raises is an answer: the parent decides what it means
            said = {"error": _error(error)}
        finally:
            self._calls.pop(number, None)
        self._say({"id": number, **said})

    def _say(self, document: dict[str, Any]) -> None:
        self._out.write(json.dumps(document).encode("ascii") + b"\n")
        self._out.flush()


def _reply(reply: Any) -> dict[str, Any] | None:
    """Return what matters of an answer; None when it holds no choice, which the library takes for a good one."""
    if not getattr(reply, "choices", None):
        return None
    choice = reply.choices[0]
    usage = getattr(reply, "usage", None)
    hidden = getattr(reply, "_hidden_params", None) or {}
    extra = getattr(choice.message, "provider_specific_fields", None) or {}
    return {
        "text": (choice.message.content or "")[:_LONGEST_TEXT],
        "refusal": str(extra.get("refusal") or getattr(choice.message, "refusal", None) or "")[:_LONGEST_MESSAGE],
        "finish_reason": str(choice.finish_reason or "stop"),
        "model": str(getattr(reply, "model", "") or ""),
        "input_tokens": getattr(usage, "prompt_tokens", None),
        "output_tokens": getattr(usage, "completion_tokens", None),
        "cost_usd": hidden.get("response_cost"),
    }


def _error(error: BaseException) -> dict[str, Any]:
    # The library rewrites errors: code and headers of the server are on the one it rewrote.
    causes = [one for one in (error, error.__cause__, error.__context__) if one is not None]
    bodies = [body for one in causes if isinstance(body := getattr(one, "body", None), dict)]
    codes = [str(body[name]) for body in bodies for name in ("code", "type") if body.get(name)]
    sources = [getattr(one, "headers", None) for one in causes]
    sources += [getattr(getattr(one, "response", None), "headers", None) for one in causes]
    headers: dict[str, str] = {}
    for source in sources:
        for name in ("retry-after", "retry-after-ms"):
            if source is not None and name in source:
                headers.setdefault(name, str(source[name]))
    status = getattr(error, "status_code", None)
    return {
        "type": type(error).__name__,
        "status": status if isinstance(status, int) else None,
        "code": " ".join(dict.fromkeys(codes)),
        "message": str(error)[:_LONGEST_MESSAGE],
        "headers": headers,
    }


def main() -> None:
    """Take the pipes for ourselves, give the library nothing to write to, and answer."""
    lines, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdin, sys.stdout, sys.stderr = (open(os.devnull, mode) for mode in ("r", "w", "w"))  # noqa: SIM115, PTH123
    Child(lines, out).run()
