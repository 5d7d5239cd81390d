"""Reading the command line's first layer by hand: common options anywhere, then a verb or a place. Nothing heavy.

The app itself must start without Typer, so what both the app and the verbs take is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.support.errors import UsageError

VERBS = (
    "import",
    "serve",
    "demo",
    "sessions",
    "session",
    "monitor",
    "signals",
    "evaluators",
    "judge",
    "projects",
    "forget",
    "store",
    "open",
    "where",
    "doctor",
    "keys",
    "completion",
)
"""Everything that can be asked for by name."""
_VALUES = {"--store": "store", "-S": "store", "--project": "project", "-P": "project", "--theme": "theme"}
_SWITCHES = {"--no-mouse": ("mouse", False), "--ascii": ("ascii", True), "--read-only": ("read_only", True)}


@dataclass(slots=True)
class Common:
    """What every verb and the app understand, from the command line alone; None means not given."""

    store: str | None = None
    project: str | None = None
    theme: str | None = None
    mouse: bool | None = None
    ascii: bool | None = None
    read_only: bool = False
    argv: tuple[str, ...] = ()
    """The whole command line, for messages that repeat it."""
    rest: list[str] = field(default_factory=list)
    """What is left: a verb with its own arguments, an address, or nothing."""

    @property
    def verb(self) -> str | None:
        """The verb, when the first remaining word is one."""
        return self.rest[0] if self.rest and self.rest[0] in VERBS else None

    def flags(self) -> dict[str, Any]:
        """Return what was given, by key of the settings."""
        return {
            "store": self.store,
            "project": self.project,
            "theme": self.theme,
            "mouse": self.mouse,
            "ascii": self.ascii,
        }


def parse(argv: Sequence[str]) -> Common:
    """Take the common options out of a command line, wherever they stand before `--`.

    Raises:
        UsageError: an option misses its value.
    """
    common = Common(argv=tuple(argv))
    words = iter(argv)
    for word in words:
        if word == "--":
            common.rest += [word, *words]
            break
        name, equals, value = word.partition("=")
        if name in _VALUES and (equals or word == name):
            given = value if equals else next(words, None)
            if not given:
                raise UsageError(f"{name} needs a value.", f"For example: aa-tui {name} NAME.")
            setattr(common, _VALUES[name], given)
        elif word in _SWITCHES:
            key, setting = _SWITCHES[word]
            setattr(common, key, setting)
        else:
            common.rest.append(word)
    return common
