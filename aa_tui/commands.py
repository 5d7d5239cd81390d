"""What the `:` line understands: places, addresses, actions by name, and a few verbs with an argument. No behaviour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aa_tui import themes
from aa_tui.actions import Action, command_name
from aa_tui.address import SECTIONS

ALIASES = {
    "q": "app.quit",
    "quit": "app.quit",
    "exit": "app.quit",
    "h": "app.help",
    "back": "app.back",
    "forward": "app.forward",
    "log": "app.log",
    "messages": "app.log",
    "problems": "app.import_report",
    "undo": "app.undo",
    "redo": "app.redo",
}
"""Short names of actions, beside those the registry gives."""

VERBS = {
    "theme": "NAME  choose a theme",
    "project": "NAME  switch to another project",
    "save": "NAME  keep this filter under a name",
    "view": "NAME  open a saved filter",
    "forget": "NAME  delete a saved filter",
    "session": "KEY  open a session",
    "sort": "KEY  sort the list; -KEY the other way round",
    "open": "ADDRESS  go to an address",
    "import": "PATH...  bring files or folders in; without one, offer what is found on this machine",
    "set": "KEY VALUE  change a setting of this project: time_zone, pricing, content_mode, redact, retention_days…",
}
"""Commands that take an argument."""


@dataclass(frozen=True, slots=True)
class Command:
    """A line that was understood: `kind` is action, place, or a verb of `VERBS`."""

    kind: str
    value: str = ""
    rest: str = ""


def parse_command(line: str, actions: Iterable[Action]) -> Command | None:
    """Return what a line asks for, or None when it names nothing known.

    `sessions agent:billing` is a place with a filter; `sessions?since=7d` and bare session keys are addresses.
    """
    text = line.strip().removeprefix(":").strip()
    head, _, rest = text.partition(" ")
    rest = rest.strip()
    name = head.lower()
    if name in SECTIONS:
        return Command("place", name, rest)
    short = [section for section in SECTIONS if section.startswith(name)] if len(name) > 2 else []
    if len(short) == 1:
        return Command("place", short[0], rest)
    if name in VERBS and rest:
        return Command(name, rest)
    if name in ALIASES:
        return Command("action", ALIASES[name])
    for action in actions:
        if name in (command_name(action), action.id):
            return Command("action", action.id)
    if "?" in head or "/" in head:
        return Command("open", text)
    return None


def complete_command(line: str, actions: Iterable[Action], projects: Iterable[str], views: Iterable[str]) -> list[str]:
    """Return whole lines that what is typed may become, best first."""
    head, blank, rest = line.partition(" ")
    if not blank:
        names = [*SECTIONS, *VERBS, *(command_name(action) for action in actions), "q"]
        return [name for name in dict.fromkeys(names) if name.startswith(head.lower())]
    values: Iterable[str] = {
        "theme": themes.PALETTES,
        "project": projects,
        "view": views,
        "forget": views,
    }.get(head.lower(), ())
    return [f"{head} {value}" for value in values if value.lower().startswith(rest.lower())]
