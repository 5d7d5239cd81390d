"""Running a coroutine to its end on the calling thread, in a loop of its own; cancelled by a token. No judging here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Cancelled

T = TypeVar("T")


def run_to_end(make: Callable[[], Coroutine[Any, Any, T]], token: CancelToken | None = None) -> T:
    """Run what `make` returns in a fresh event loop and return its result. Blocks: call it on a reader thread.

    Args:
        make: called inside of the loop, so that what it imports and opens belongs to that loop.
        token: cancelling it, or its deadline, cancels the coroutine.

    Raises:
        Cancelled: the token was cancelled.
    """
    if token is not None:
        token.check()
    try:
        return asyncio.run(_cancellable(make, token))
    except asyncio.CancelledError:
        raise Cancelled("cancelled") from None


async def _cancellable(make: Callable[[], Coroutine[Any, Any, T]], token: CancelToken | None) -> T:
    if token is None:
        return await make()
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(make())

    def stop() -> None:
        loop.call_soon_threadsafe(task.cancel)

    forget = token.on_cancel(stop)
    timer = loop.call_later(token.remaining_s, task.cancel) if token.remaining_s is not None else None
    try:
        return await task
    finally:
        forget()
        if timer is not None:
            timer.cancel()
