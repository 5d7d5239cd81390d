"""What opens over any place: help, palette, themes, projects, messages, and what a line typed after `:` does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aa_tui import actions, themes
from aa_tui.actions import Action
from aa_tui.address import Address
from aa_tui.backend.support import humanize
from aa_tui.backend.support.errors import AAError
from aa_tui.commands import Command, complete_command, parse_command
from aa_tui.screens.base import PlaceScreen
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import wrap
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from aa_tui.app import AAApp


def _place(app: AAApp) -> PlaceScreen | None:
    """Return the place below whatever is open."""
    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, PlaceScreen)), None)


def _choice(place: PlaceScreen, action: Action, group: str) -> Choice:
    keys = (
        " ".join(actions.key_label(key, glyphs.ascii_mode()) for key in action.keys)
        or f":{actions.command_name(action)}"
    )
    return Choice(action.id, f"{keys:<12} {action.title}", action.help, "", group, place.why_not(action.id))


def _perform(app: AAApp, action_id: str) -> None:
    place = _place(app)
    if place is not None and action_id:
        app.call_later(place.perform, action_id)


def open_help(app: AAApp) -> None:
    """Show every action that works here, nearest scope first; typing searches, Enter does it."""
    place = _place(app)
    if place is None:
        return
    found = actions.actions_for(place.scope())
    choices = [
        Choice("", row, group="Under the cursor") for line in place.explain() for row in wrap(safe_line(line), 70)
    ]
    choices += [_choice(place, action, actions.SCOPE_TITLES.get(action.scope, action.scope)) for action in found]
    app.choose("Keys that work here", choices, partial(_perform, app), placeholder="type to search keys and words")


def open_palette(app: AAApp) -> None:
    """Find an action, a theme or a saved filter by name. Saved filters join as soon as they are read."""
    place = _place(app)
    if place is None:
        return

    async def gather() -> None:
        choices = [
            Choice(("do", action.id), action.title, action.help, " ".join(map(actions.key_label, action.keys[:1])))
            for action in actions.actions_for(place.scope())
            if action.id != "app.palette" and place.why_not(action.id) is None
        ]
        choices += [
            Choice(("open", address), f"saved: {safe_line(name, 40)}", safe_line(address, 60))
            for name, address in await saved_views(place)
        ]
        choices += [Choice(("theme", p.name), f"theme: {p.title}", "") for p in themes.PALETTES.values()]
        app.choose("Palette", choices, partial(_from_palette, app), placeholder="an action, a theme, a saved filter")

    place.load(gather(), "palette")


def _from_palette(app: AAApp, value: tuple[str, str]) -> None:
    kind, name = value
    if kind == "do":
        _perform(app, name)
    elif kind == "theme":
        app.use_theme(name)
    else:
        app.go(name)


def open_themes(app: AAApp) -> None:
    """Choose a theme; moving over one tries it on, leaving restores the former."""
    former = app.theme
    palettes = list(themes.PALETTES.values())
    at = next((n for n, palette in enumerate(palettes) if palette.name == former), 0)
    choices = [Choice(palette.name, palette.title, palette.name) for palette in palettes]
    app.choose(
        "Theme",
        choices,
        app.use_theme,
        typed=False,
        highlighted=app.use_theme,
        left=partial(app.use_theme, former),
        cursor=at,
    )


def open_messages(app: AAApp) -> None:
    """Show the messages of this run, newest first; Enter copies one."""
    rows = [(text, wrap(safe_line(text), 70)) for text in reversed(app.messages)]
    choices = [Choice(text, f"{'  ' * bool(n)}{row}") for text, lines in rows for n, row in enumerate(lines)]
    app.choose("Messages", choices or [Choice("", "none so far")], app.copy_text, typed=False)


def open_projects(app: AAApp) -> None:
    """Switch to another project of this store."""
    place = _place(app)
    if place is None:
        return

    async def gather() -> None:
        found = await _projects(place)
        here = app.project_name
        choices = [
            Choice(
                p.name, safe_line(p.name, 40), f"{humanize.plural(p.sessions, 'session')}{', open' * (p.name == here)}"
            )
            for p in found
        ]
        at = next((n for n, p in enumerate(found) if p.name == here), 0)
        app.choose("Project", choices, app.use_project, cursor=at)

    place.load(gather(), "projects")


async def _projects(place: PlaceScreen) -> Sequence[Any]:
    workspace = await place.ready()

    def read() -> Sequence[Any]:
        from aa_tui.backend.service.projects import ProjectService

        return ProjectService(workspace.store, workspace.clock).list()

    return await place.ask(read, group="projects", token=False)


async def saved_views(place: PlaceScreen) -> list[tuple[str, str]]:
    """Return the saved filters as (name, address); empty where they cannot be read."""
    workspace = await place.ready()
    try:
        found = await place.ask(workspace.views.list, group="views", token=False)
    except AAError:
        return []
    return [(view.name, view.address) for view in found]


def open_command_line(app: AAApp, text: str) -> None:
    """Ask for a line and do what it says; an empty line opens the palette."""
    place = _place(app)
    if place is None:
        return

    from aa_tui.screens.command_line import CommandLine

    known = actions.actions_for(place.scope())
    names: list[str] = []
    projects: list[str] = []

    async def gather() -> None:
        # The line is there at once; the names of saved filters and projects join when they are read.
        names.extend(name for name, _ in await saved_views(place))
        projects.extend(project.name for project in await _projects(place))

    def offers(line: str) -> list[str]:
        if line.startswith("import "):
            from aa_tui.host.path_names import complete_last_path

            return complete_last_path(line)
        return complete_command(line, known, projects, names)

    def done(line: str | None) -> None:
        if line is None:
            return
        if not line:
            open_palette(app)
            return
        app.remembered.commands.append(line)
        run_line(app, place, line)

    app.push_screen(CommandLine(text, offers, app.remembered.commands), done)
    place.load(gather(), "views")


def run_line(app: AAApp, place: PlaceScreen, line: str) -> None:
    """Do what a line after `:` says, or say that it is not understood."""
    command = parse_command(line, actions.actions_for(place.scope()))
    try:
        if command is None:
            _perhaps_session(app, place, line)
        elif command.kind == "action":
            app.call_later(place.perform, command.value)
        elif command.kind == "place":
            _go_place(app, command)
        else:
            _verb(app, place, command)
    except AAError as error:
        place.flash(str(error), "bad")


def _go_place(app: AAApp, command: Command) -> None:
    if not command.rest:
        app.go_section(command.value)
        return
    from aa_tui.backend.model.filter import parse_filter, to_link_params

    app.go(Address(command.value, to_link_params(parse_filter(command.rest))))


def _perhaps_session(app: AAApp, place: PlaceScreen, line: str) -> None:
    if " " in line.strip():
        place.flash(f"“{line}” is no command. ? lists what there is; ctrl+p finds by name.", "warn")
        return

    async def find() -> None:
        workspace = await place.ready()
        row_id = await place.ask(workspace.sessions.resolve, line.strip(), group="resolve", token=False)
        rows = await place.ask(workspace.sessions.rows, [row_id], group="resolve")
        app.go(Address("session", {}, rows[row_id].key))

    place.load(find(), "resolve")


def _verb(app: AAApp, place: PlaceScreen, command: Command) -> None:
    value = command.value
    match command.kind:
        case "theme":
            if value in themes.PALETTES:
                app.use_theme(value)
            else:
                place.flash(f"No theme “{value}”: {', '.join(themes.PALETTES)}.", "warn")
        case "project":
            app.use_project(value)
        case "session":
            _perhaps_session(app, place, value)
        case "open":
            app.go(value)
        case "sort":
            app.go(place.address().with_params(sort=value))
        case "set":
            place.load(_set(app, place, value), "set")
        case "import":
            from aa_tui.screens.importing import import_line

            import_line(app, place, value)
        case "save" | "forget" | "view":
            place.load(_views(app, place, command), "views")


async def _set(app: AAApp, place: PlaceScreen, line: str) -> None:
    workspace = await place.ready()
    key, _, text = line.partition(" ")

    def change() -> None:
        from aa_tui.backend.service.projects import ProjectService

        service = ProjectService(workspace.store, workspace.clock)
        value = service.read_setting(key, text.strip())
        service.set_setting(workspace.project, key, value, workspace.actor)

    await place.ask(change, group="set", token=False)
    await app.take_changes()
    place.flash(f"{key} is set for this project; z undoes.", "good")


async def _views(app: AAApp, place: PlaceScreen, command: Command) -> None:
    workspace = await place.ready()
    name = command.value
    if command.kind == "save":
        await place.ask(workspace.views.save, name, str(place.address()), group="views", token=False)
        place.flash(f"Saved as “{name}”: :view {name} opens it, z undoes.", "good")
    elif command.kind == "forget":
        await place.ask(workspace.views.delete, name, group="views", token=False)
        place.flash(f"“{name}” is forgotten; z undoes.", "good")
    else:
        address = dict(await saved_views(place)).get(name)
        if address is None:
            place.flash(f"No saved filter “{name}”.", "warn")
        else:
            app.go(address)


def open_views(app: AAApp, place: PlaceScreen) -> None:
    """Choose a saved filter."""

    async def gather() -> None:
        found = await saved_views(place)
        choices = [Choice(address, safe_line(name, 40), safe_line(address, 60)) for name, address in found]
        if not choices:
            place.flash("No filter is saved yet: set one, then :save NAME.")
            return
        app.choose("Saved filters", choices, app.go)

    place.load(gather(), "views")
