"""One message to a model: who speaks and what is said. How it is built is `prompt`, how it is sent `providers`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a request to a model."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str
