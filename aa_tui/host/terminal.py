"""Ending with the terminal: signals, hang-up and a vanished tty end the program within seconds, screen restored."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping

CHECK_SECONDS = 2.0


def is_remote(env: Mapping[str, str]) -> bool:
    """Return whether this terminal is at the other end of a connection."""
    return any(env.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "MOSH_SERVER_PID"))


def watch_signals(stop: Callable[[int], None]) -> None:
    """Call `stop` with an exit code on SIGTERM or SIGHUP, from the event loop."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            loop.add_signal_handler(number, stop, 128 + number)


def terminal_is_gone() -> bool:
    """Return whether the terminal this program reads from has vanished (a dropped connection, a closed window)."""
    descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
    try:
        os.tcgetpgrp(descriptor)
    except OSError:
        return True
    import select

    poller = select.poll()
    poller.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poller.poll(0))
