"""Where somebody has been: addresses in order, what each place kept when it was left, how each section was left last.

No terminal and no screen: going there is the app's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aa_tui.address import SECTIONS, Address

LIMIT = 200
"""So many steps are kept."""


@dataclass(slots=True)
class Entry:
    """A step: the place and what it kept when it was left."""

    address: str
    state: dict[str, Any] = field(default_factory=dict)


class History:
    """Steps back and forward from where one is; there is always at least the one where one is."""

    def __init__(self, start: Address | str, sections: Mapping[str, str] | None = None) -> None:
        self._entries = [Entry(str(start))]
        self._at = 0
        self.sections: dict[str, str] = dict(sections or {})
        """Last address of each section."""

    @property
    def current(self) -> Entry:
        """Where one is."""
        return self._entries[self._at]

    def push(self, address: Address | str) -> Entry:
        """Go to an address and return its step; what was forward of here is gone, and so is the oldest of too many."""
        del self._entries[self._at + 1 :]
        self._entries.append(Entry(str(address)))
        del self._entries[:-LIMIT]
        self._at = len(self._entries) - 1
        return self.current

    def replace(self, address: Address | str, state: Mapping[str, Any] | None = None) -> None:
        """Say where one is instead, and what the place keeps; a section that is there is left like this."""
        entry = self.current
        entry.address, entry.state = str(address), dict(state or {})
        if isinstance(address, Address) and address.section in SECTIONS:
            self.sections[address.section] = entry.address

    def move(self, step: int) -> Entry | None:
        """Go back (-1) or forward (1) and return the step there, or None where there is none."""
        if not 0 <= self._at + step < len(self._entries):
            return None
        self._at += step
        return self.current

    def last_of(self, section: str) -> str:
        """Return the address at which a section was left, or the section itself."""
        return self.sections.get(section, section)

    def restart(self, start: Address | str) -> Entry:
        """Forget everything, sections too, and begin here."""
        self._entries, self._at = [Entry(str(start))], 0
        self.sections.clear()
        return self.current
