"""What people keep: saved views and notes."""

from __future__ import annotations

from typing import NamedTuple


class SavedViewRow(NamedTuple):
    """A named address, private to its owner or shared with the project."""

    name: str
    owner: str
    shared: bool
    address: str
    created_ms: int


class NoteRow(NamedTuple):
    """A typed note at an instant of the time charts."""

    id: int
    at_ms: int
    text: str
    author: str
