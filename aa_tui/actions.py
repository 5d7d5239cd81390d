"""The registry of everything a user can do: id, title, help, default keys, scope. Behaviour lives on the screens.

Bindings, footer, `?` help, command palette, `:` line, the documented key table and the check of a user's keymap are all
derived from `ACTIONS`. A screen (or the app) answers action `sessions.sort` with a method `action_sessions_sort`, and
says why it cannot be done just now in `why_not`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do."""

    id: str
    """`scope.verb`; also the name in a keymap file and, dots as underscores, of the method."""
    title: str
    """A few words, as footer and palette show it. Spending actions end in `…`."""
    help: str
    """One sentence for `?`."""
    keys: tuple[str, ...]
    """Default keys as Textual names them; the first is the one shown. Empty: palette and `:` only."""
    scope: str
    priority: int = 0
    """Place in the footer: higher stays longer when space is short; 0 never shows there."""
    writes: bool = False
    spends: bool = False
    undoable: bool = False
    command: str = ""
    """The name on the `:` line where it differs from the last part of the id."""


_SHOWN_KEYS = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "minus": "-",
    "equals_sign": "=",
    "asterisk": "*",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "grave_accent": "`",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def key_label(key: str, ascii_only: bool = False) -> str:
    """Return a key as people read it: `question_mark` is `?`, `escape` is `esc`; arrows by name for ASCII terminals."""
    label = _SHOWN_KEYS.get(key, key)
    return label if label.isascii() or not ascii_only else key


ACTIONS: tuple[Action, ...] = (
    # everywhere
    Action("app.help", "help", "Show every key that works here; type to search.", ("question_mark",), "global", 100),
    Action("app.command", "command", "Type a command or an address.", ("colon",), "global"),
    Action("app.palette", "palette", "Find any action, place or saved filter by name.", ("ctrl+p",), "global"),
    Action("app.monitor", "Monitor", "Go to Monitor.", ("1",), "global", command="monitor"),
    Action("app.sessions", "Sessions", "Go to Sessions.", ("2",), "global", command="sessions"),
    Action("app.evaluators", "Evaluators", "Go to Evaluators.", ("3",), "global", command="evaluators"),
    Action("app.runs", "Runs", "Go to Runs.", ("4",), "global", command="runs"),
    Action("app.datasets", "Datasets", "Go to Datasets.", ("5",), "global", command="datasets"),
    Action("app.cohorts", "Cohorts", "Go to Cohorts.", ("6",), "global", command="cohorts"),
    Action("app.last", "last place", "Go to the place you were at before.", ("minus",), "global"),
    Action("app.back", "back", "Go one step back in history.", ("alt+left",), "global"),
    Action("app.forward", "forward", "Go one step forward in history.", ("alt+right",), "global"),
    Action("app.escape", "back out", "Peel off one layer: popup, search, marks, then the page.", ("escape",), "global"),
    Action("app.undo", "undo", "Take back the last decision.", ("z",), "global", writes=True),
    Action("app.redo", "redo", "Do again what was undone.", ("Z",), "global", writes=True, undoable=True),
    Action("app.freeze", "freeze", "Hold the display still, or follow new data again.", ("w",), "global"),
    Action(
        "app.import",
        "import",
        "Bring in what coding agents left on this machine; again, stop.",
        ("I",),
        "global",
        15,
        writes=True,
    ),
    Action(
        "app.import_stop",
        "stop import",
        "Stop the import under way; what came in stays.",
        (),
        "global",
        command="stop-import",
    ),
    Action(
        "app.receiver",
        "receiver",
        "Take in live agents over HTTP; while one does: what to set in an agent, and stop.",
        ("S",),
        "global",
        writes=True,
    ),
    Action(
        "app.scoring",
        "model scoring",
        "See and decide whether a model scores sessions: where texts go, price, cap, signals, what was spent.",
        (),
        "global",
        command="scoring",
    ),
    Action(
        "app.judge",
        "judge",
        "Choose the model that judges, keep its key, and check it with one tiny call.",
        (),
        "global",
        command="judge",
    ),
    Action(
        "app.backfill",
        "backfill",
        "Score sessions that closed before, within a budget; says first what it takes.",
        (),
        "global",
        command="backfill",
    ),
    Action("app.import_report", "import report", "Show what the last import added, and its problems.", (), "global"),
    Action("app.project", "project", "Switch to another project.", (), "global"),
    Action("app.theme", "theme", "Choose a theme; it is tried on as you move.", (), "global"),
    Action("app.copy_address", "copy address", "Copy the address of this place.", ("grave_accent",), "global"),
    Action("app.mouse", "mouse on/off", "Release the mouse, so that the terminal can select text.", (), "global"),
    Action("app.log", "messages", "Show the messages of this run again.", (), "global"),
    Action("app.redraw", "redraw", "Paint the whole screen again.", ("ctrl+l",), "global"),
    Action("app.suspend", "suspend", "Hand the terminal back to the shell; fg returns.", ("ctrl+z",), "global"),
    Action("app.interrupt", "copy or quit", "Copy the selection; without one, twice quits.", ("ctrl+c",), "global"),
    Action("app.quit", "quit", "Leave the program.", ("q",), "global", command="q"),
    # every list
    Action("list.down", "down", "Move down one line.", ("down", "j"), "list"),
    Action("list.up", "up", "Move up one line.", ("up", "k"), "list"),
    Action("list.page_down", "page down", "Move down one page.", ("pagedown",), "list"),
    Action("list.page_up", "page up", "Move up one page.", ("pageup",), "list"),
    Action("list.half_down", "half page down", "Scroll down half a page.", ("ctrl+d",), "list"),
    Action("list.half_up", "half page up", "Scroll up half a page.", ("ctrl+u",), "list"),
    Action("list.top", "top", "Go to the first line.", ("g", "home"), "list"),
    Action("list.bottom", "bottom", "Go to the last line.", ("G", "end"), "list"),
    Action("list.open", "open", "Open what is under the cursor.", ("enter",), "list", 95),
    Action("list.mark", "mark", "Mark or unmark the line and move on.", ("space",), "list", 70),
    Action("list.range", "range", "Start a range of marks here; again ends it.", ("v",), "list", 25),
    Action("list.mark_all", "mark all", "Mark everything that matches; again unmarks.", ("asterisk",), "list", 30),
    # every page of things to choose from that is not a list of sessions
    Action("pane.down", "down", "Move down to the next thing, or read on.", ("down", "j"), "pane"),
    Action("pane.up", "up", "Move up to the thing before, or read back.", ("up", "k"), "pane"),
    Action("pane.page_down", "page down", "Move down one page.", ("pagedown", "space"), "pane"),
    Action("pane.page_up", "page up", "Move up one page.", ("pageup",), "pane"),
    Action("pane.half_down", "half page down", "Scroll down half a page.", ("ctrl+d",), "pane"),
    Action("pane.half_up", "half page up", "Scroll up half a page.", ("ctrl+u",), "pane"),
    Action("pane.top", "top", "Go to the beginning.", ("g", "home"), "pane"),
    Action("pane.bottom", "bottom", "Go to the end.", ("G", "end"), "pane"),
    Action("pane.open", "open", "Open or change what is under the cursor.", ("enter",), "pane", 95),
    # Monitor
    Action("monitor.open", "sessions", "Open the sessions behind what is under the cursor.", ("enter",), "monitor", 95),
    Action(
        "monitor.filter", "filter", "Filter everything here, in the language of Sessions.", ("slash",), "monitor", 90
    ),
    Action("monitor.time", "time", "Choose the time range.", ("t",), "monitor", 85),
    Action("monitor.group", "group by", "Group the charts by a property.", ("g",), "monitor", 75),
    Action(
        "monitor.compare",
        "compare",
        "Compare agents: the one in focus with another, or two of all.",
        ("equals_sign",),
        "monitor",
        65,
    ),
    Action("monitor.agents", "agent", "Focus on one agent, or on all again.", ("a",), "monitor", 60),
    Action("monitor.measure", "measure", "Show the next measure in the focused chart.", ("m",), "monitor", 55),
    Action("monitor.interval", "interval", "Choose hours, days, weeks or months.", ("i",), "monitor", 45),
    Action("monitor.refresh", "refresh", "Read the figures again.", ("r",), "monitor", 50),
    Action(
        "monitor.note", "note", "Write a note at the cursor's time.", ("N",), "monitor", 35, writes=True, undoable=True
    ),
    Action("monitor.next_panel", "next panel", "Move to the next panel.", ("tab",), "monitor"),
    Action("monitor.previous_panel", "previous panel", "Move to the panel before.", ("shift+tab",), "monitor"),
    Action("monitor.left", "left", "Move left: earlier bucket, tile or table.", ("left", "h"), "monitor"),
    Action("monitor.right", "right", "Move right: later bucket, tile or table.", ("right", "l"), "monitor"),
    Action("monitor.up", "up", "Move up, into the panel above at the edge.", ("up", "k"), "monitor"),
    Action("monitor.down", "down", "Move down, into the panel below at the edge.", ("down", "j"), "monitor"),
    Action("monitor.first", "first", "Go to the first bucket, tile or row.", ("home",), "monitor"),
    Action("monitor.last", "last", "Go to the last bucket, tile or row.", ("end", "G"), "monitor"),
    Action("monitor.next_table", "next table", "Show the next table.", ("right_square_bracket",), "monitor"),
    Action("monitor.previous_table", "previous table", "Show the table before.", ("left_square_bracket",), "monitor"),
    Action("monitor.drop_part", "drop filter", "Drop the part of the filter that excludes most.", ("x",), "monitor"),
    Action("monitor.clear", "clear filter", "Drop the whole filter.", ("X",), "monitor"),
    Action("monitor.get_started", "get started", "Show how data comes in, and what has arrived.", (), "monitor"),
    # Evaluators
    Action("evaluators.new", "new", "Define an evaluator, from a starter or empty.", ("n",), "evaluators", 90, True),
    Action("evaluators.edit", "edit", "Edit the evaluator under the cursor.", ("e",), "evaluators", 85, True),
    Action(
        "evaluators.activate",
        "on/off",
        "Let it score every session that closes from now on, or no more; z takes that back.",
        ("A",),
        "evaluators",
        80,
        writes=True,
        undoable=True,
    ),
    Action(
        "evaluators.try",
        "try…",
        "Judge a few sessions with it; says first what that takes.",
        ("T",),
        "evaluators",
        75,
        spends=True,
    ),
    Action(
        "evaluators.backfill",
        "backfill…",
        "Score sessions that closed before; says first what that takes.",
        ("R",),
        "evaluators",
        60,
        spends=True,
    ),
    Action(
        "evaluators.archive",
        "archive",
        "Put it away, or take it out of the archive; results stay, z takes that back.",
        ("x",),
        "evaluators",
        50,
        writes=True,
        undoable=True,
    ),
    Action("evaluators.archived", "archived too", "Show archived ones too, or not.", ("v",), "evaluators", 30),
    Action("evaluators.scoring", "scoring", "Go to model scoring: consent, cap, signals.", ("m",), "evaluators", 65),
    Action("evaluators.refresh", "refresh", "Read the list again.", ("r",), "evaluators", 20),
    # one evaluator
    Action(
        "evaluator.edit", "edit", "Edit this evaluator; an active one keeps scoring.", ("e",), "evaluator", 90, True
    ),
    Action(
        "evaluator.activate",
        "on/off",
        "Let it score every session that closes from now on, or no more; z takes that back.",
        ("A",),
        "evaluator",
        85,
        writes=True,
        undoable=True,
    ),
    Action(
        "evaluator.try",
        "try…",
        "Judge a few sessions with it; says first what that takes.",
        ("T",),
        "evaluator",
        75,
        spends=True,
    ),
    Action(
        "evaluator.promote",
        "promote",
        "Make the draft a version; of an active evaluator it scores from now on.",
        ("P",),
        "evaluator",
        70,
        writes=True,
        undoable=True,
    ),
    Action("evaluator.compare", "compare", "Compare two versions, line by line.", ("equals_sign",), "evaluator", 65),
    Action(
        "evaluator.backfill",
        "backfill…",
        "Score sessions that closed before; says first what that takes.",
        ("R",),
        "evaluator",
        60,
        spends=True,
    ),
    Action(
        "evaluator.discard",
        "drop draft",
        "Throw the draft away; z brings it back.",
        ("D",),
        "evaluator",
        40,
        writes=True,
        undoable=True,
    ),
    Action(
        "evaluator.archive",
        "archive",
        "Put it away, or take it out of the archive; results stay, z takes that back.",
        ("x",),
        "evaluator",
        35,
        writes=True,
        undoable=True,
    ),
    Action("evaluator.sessions", "sessions", "List the sessions it failed.", ("f",), "evaluator", 30),
    Action("evaluator.refresh", "refresh", "Read it again.", ("r",), "evaluator"),
    # the editor of an evaluator
    Action("editor.prompt", "prompt", "Write the prompt; esc goes back to the fields.", ("p",), "editor", 90),
    Action("editor.save", "save", "Save: a draft while it is active, else a version.", ("s",), "editor", 88, True),
    Action(
        "editor.try",
        "try…",
        "Judge sessions with what is written here, before anything is saved; says first what that takes.",
        ("T",),
        "editor",
        85,
        spends=True,
    ),
    Action(
        "editor.promote",
        "promote",
        "Save, and make the draft a version, which scores from now on.",
        ("P",),
        "editor",
        60,
        writes=True,
        undoable=True,
    ),
    Action("editor.external", "in editor", "Write the prompt in your own editor.", ("E",), "editor", 50),
    Action("editor.reset", "reset", "Go back to what is saved; z brings back what was typed.", ("X",), "editor", 40),
    Action("editor.remove", "remove", "Remove the label, tier or pattern under the cursor.", ("x",), "editor", 35),
    Action(
        "trial.run",
        "judge now…",
        "Judge these sessions, after the figures above.",
        ("R",),
        "trial",
        98,
        spends=True,
    ),
    Action("trial.cancel", "cancel", "Stop what is being judged; what is there stays.", ("C",), "trial", 97),
    Action("trial.form", "fields", "Go back to the fields.", ("b",), "trial", 45),
    # writing a prompt: every other key is text
    Action("writing.leave", "fields", "Leave the text and go back to the fields.", ("escape",), "writing", 95),
    # model scoring
    Action(
        "scoring.switch",
        "turn on/off…",
        "Let the model score sessions that close, after showing where texts go and the price; or stop it.",
        ("A",),
        "scoring",
        90,
        writes=True,
        spends=True,
    ),
    Action("scoring.judge", "judge", "Choose the model, keep its key, check it.", ("m",), "scoring", 80),
    Action(
        "scoring.backfill",
        "backfill…",
        "Score sessions that closed before; says first what that takes.",
        ("R",),
        "scoring",
        70,
        spends=True,
    ),
    Action("scoring.refresh", "refresh", "Read it again.", ("r",), "scoring", 30),
    # the judge
    Action(
        "judge.save",
        "save",
        "Make this the project's judge; scoring still has to be agreed to.",
        ("s",),
        "judge",
        90,
        True,
    ),
    Action(
        "judge.check",
        "check…",
        "Spend one tiny call to see whether the model can judge; no session is sent.",
        ("C",),
        "judge",
        85,
        writes=True,
        spends=True,
    ),
    Action("judge.key", "key", "Type the key of this address; it is not shown.", ("a",), "judge", 70),
    Action("judge.forget", "forget key", "Forget the kept key of this address.", ("x",), "judge", 60),
    Action("judge.reset", "reset", "Go back to the judge that is saved.", ("X",), "judge", 40),
    Action("judge.look", "look again", "Look for model servers on this machine again.", ("r",), "judge", 50),
    # backfill
    Action(
        "backfill.run",
        "start…",
        "Score them now, after the figures above.",
        ("R",),
        "backfill",
        90,
        writes=True,
        spends=True,
    ),
    Action("backfill.cancel", "cancel", "Stop; what was scored stays.", ("C",), "backfill", 85),
    Action(
        "backfill.filter", "filter", "Choose the sessions, in the language of Sessions.", ("slash",), "backfill", 80
    ),
    Action("backfill.refresh", "estimate again", "Work out again what it takes.", ("r",), "backfill", 40),
    # Get started
    Action("guide.demo", "sample project", "Open the sample project, in a store of its own.", ("d",), "guide", 90),
    Action("guide.refresh", "look again", "Read the checklist again.", ("r",), "guide", 50),
    # Sessions
    Action("sessions.filter", "filter", "Filter the list: agent:billing since:7d “words”.", ("slash",), "sessions", 90),
    Action(
        "sessions.sort", "sort", "Choose what the list is sorted by; the same again reverses.", ("s",), "sessions", 80
    ),
    Action("sessions.refresh", "take new", "Take in sessions that arrived meanwhile.", ("r",), "sessions", 60),
    Action("sessions.copy", "copy", "Copy the session's key, link, row or resume command.", ("y",), "sessions", 50),
    Action(
        "sessions.save_file",
        "to file",
        "Write the marked, or all matching, sessions to a file.",
        ("Y",),
        "sessions",
        20,
    ),
    Action("sessions.similar", "similar", "Suggest filters drawn from this session.", ("f",), "sessions", 40),
    Action("sessions.drop_part", "drop filter", "Drop the part of the filter that excludes most.", ("x",), "sessions"),
    Action("sessions.clear", "clear filter", "Show all sessions.", ("X",), "sessions"),
    Action("sessions.save_filter", "save filter", "Keep this filter under a name.", (), "sessions", command="save"),
    Action("sessions.views", "saved filters", "Open a saved filter.", (), "sessions", command="views"),
    Action(
        "sessions.delete",
        "delete…",
        "Delete this session, or everything of its user, for good; asks first.",
        (),
        "sessions",
        writes=True,
    ),
    # one session
    Action("session.next_tab", "tab", "Go to the next tab.", ("right", "right_square_bracket", "tab"), "session", 75),
    Action(
        "session.previous_tab",
        "tab back",
        "Go to the previous tab.",
        ("left", "left_square_bracket", "shift+tab"),
        "session",
    ),
    Action("session.next_turn", "turn", "Go to the next message of the user.", ("j",), "session", 90),
    Action("session.previous_turn", "turn back", "Go to the previous message of the user.", ("k",), "session"),
    Action("session.next", "next session", "Open the next session of the list.", ("J",), "session", 85),
    Action("session.previous", "previous session", "Open the previous session of the list.", ("K",), "session"),
    Action("session.down", "down", "Move down one step; long ones scroll first.", ("down",), "session"),
    Action("session.up", "up", "Move up one step.", ("up",), "session"),
    Action("session.half_down", "half page down", "Scroll down half a page.", ("ctrl+d",), "session"),
    Action("session.half_up", "half page up", "Scroll up half a page.", ("ctrl+u",), "session"),
    Action("session.page_down", "page down", "Scroll down one page.", ("pagedown", "space"), "session"),
    Action("session.page_up", "page up", "Scroll up one page.", ("pageup",), "session"),
    Action("session.top", "top", "Go to the first step.", ("g", "home"), "session"),
    Action("session.bottom", "bottom", "Go to the last step.", ("G", "end"), "session"),
    Action("session.open", "open", "Unfold or fold what is under the cursor.", ("o", "enter"), "session", 80),
    Action("session.outline", "outline", "Show one line per turn; enter goes there.", ("O",), "session", 60),
    Action("session.next_error", "next error", "Go to the next failed step.", ("e",), "session", 70),
    Action("session.previous_error", "previous error", "Go to the previous failed step.", ("E",), "session"),
    Action("session.last_answer", "last answer", "Go to the agent's last answer.", ("a",), "session", 50),
    Action("session.search", "search", "Search within this session.", ("slash",), "session", 88),
    Action(
        "session.next_hit",
        "next hit",
        "Go to the next match; without a search, to what a verdict cites next.",
        ("n",),
        "session",
        65,
    ),
    Action("session.previous_hit", "previous hit", "Go to the previous match.", ("N",), "session"),
    Action("session.pager", "pager", "Read the whole text of this step in a pager.", ("p",), "session", 45),
    Action("session.editor", "editor", "Open the whole text of this step in an editor.", ("P",), "session"),
    Action(
        "session.copy",
        "copy",
        "Copy the session's id, link, this step's text or the command that resumes it.",
        ("y",),
        "session",
        40,
    ),
    Action("session.save_file", "to file", "Write this session as JSON to a file.", ("Y",), "session"),
    Action("session.similar", "similar", "Suggest filters drawn from this session.", ("f",), "session", 35),
    Action("session.refresh", "take new", "Take in what was added to this session meanwhile.", ("r",), "session"),
    Action(
        "session.delete",
        "delete…",
        "Delete this session, or everything of its user, for good; asks first.",
        (),
        "session",
        writes=True,
    ),
)
"""All actions. Grouped by scope, in the order the help shows them."""

CHAINS: dict[str, tuple[str, ...]] = {
    "global": ("global",),
    "place": ("global",),
    "sessions": ("sessions", "list", "global"),
    "monitor": ("monitor", "global"),
    "guide": ("guide", "global"),
    "session": ("session", "thread", "global"),
    "evaluators": ("evaluators", "pane", "global"),
    "evaluator": ("evaluator", "pane", "global"),
    "editor": ("editor", "pane", "global"),
    "trial": ("trial", "editor", "pane", "global"),
    "writing": ("writing", "global"),
    "scoring": ("scoring", "pane", "global"),
    "judge": ("judge", "pane", "global"),
    "backfill": ("backfill", "pane", "global"),
}
"""The scopes whose keys work in a place, nearest first. A nearer scope wins a key that both declare."""

SCOPE_TITLES = {
    "global": "Everywhere",
    "list": "Lists",
    "sessions": "Sessions",
    "monitor": "Monitor",
    "guide": "Get started",
    "session": "Session",
    "thread": "Thread",
    "pane": "Pages",
    "evaluators": "Evaluators",
    "evaluator": "Evaluator",
    "editor": "Editor of an evaluator",
    "trial": "Trying an evaluator",
    "writing": "Writing a prompt",
    "scoring": "Model scoring",
    "judge": "Judge",
    "backfill": "Backfill",
}


def method_of(action_id: str) -> str:
    """Return the name an action has as a method, without `action_`: `sessions.sort` is `sessions_sort`."""
    return action_id.replace(".", "_")


def find(action_id: str) -> Action:
    """Return an action by id. KeyError where there is none."""
    return _by_id()[action_id]


def in_scope(scope: str) -> tuple[Action, ...]:
    """Return the actions declared in exactly this scope, in order, with the user's keys."""
    return tuple(action for action in _by_id().values() if action.scope == scope)


def actions_for(scope: str) -> tuple[Action, ...]:
    """Return every action that works in a place, nearest scope first, each with the keys it keeps there.

    A key that a nearer scope uses is taken away from farther ones.
    """
    taken: set[str] = set()
    found: list[Action] = []
    for name in CHAINS.get(scope, (scope, "global")):
        members = in_scope(name)
        for action in members:
            keys = tuple(key for key in action.keys if key not in taken)
            found.append(action if keys == action.keys else replace(action, keys=keys))
        taken.update(key for action in members for key in action.keys)
    return tuple(found)


_keymap: dict[str, tuple[str, ...]] = {}
_cache: dict[str, Action] | None = None


def _by_id() -> dict[str, Action]:
    global _cache
    if _cache is None:
        _cache = {action.id: replace(action, keys=_keymap.get(action.id, action.keys)) for action in ACTIONS}
    return _cache


def apply_keymap(overrides: Mapping[str, str | Iterable[str]]) -> list[str]:
    """Use the user's keys instead of the defaults; return what is wrong with them, in words, one line each.

    Unknown ids and keys that two actions of one place would share are reported; the rest is used. An empty mapping
    restores the defaults.
    """
    global _cache
    problems: list[str] = []
    known = {action.id: action for action in ACTIONS}
    _keymap.clear()
    for action_id, keys in overrides.items():
        if action_id not in known:
            import difflib

            near = difflib.get_close_matches(action_id, known, 1)
            problems.append(f"keys: no action {action_id!r}" + (f"; did you mean {near[0]}?" if near else "."))
            continue
        wanted = keys.split(",") if isinstance(keys, str) else list(keys)
        _keymap[action_id] = tuple(_key_name(key.strip()) for key in wanted if key.strip())
    _cache = None
    problems.extend(clashes())
    return problems


def _key_name(key: str) -> str:
    """Return Textual's name of a key that may be written as the character it types."""
    if len(key) == 1 and not key.isalnum():
        for name, shown in _SHOWN_KEYS.items():
            if shown == key:
                return name
        import unicodedata

        return unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown"}.get(key, key)


def clashes() -> list[str]:
    """Return each key that two actions of one place share, naming both."""
    seen: set[frozenset[str]] = set()
    lines: list[str] = []
    for place in CHAINS:
        for scope in CHAINS[place]:
            owner: dict[str, str] = {}
            for action in in_scope(scope):
                for key in action.keys:
                    other = owner.setdefault(key, action.id)
                    pair = frozenset((other, action.id))
                    if other != action.id and pair not in seen:
                        seen.add(pair)
                        lines.append(f"keys: {key_label(key)} is both {other} and {action.id}.")
    # A nearer scope wins a key on purpose in the defaults; that a person's own key takes `q` away is not meant.
    everywhere = {key: action for action in in_scope("global") for key in action.keys}
    for action in ACTIONS:
        if action.id not in _keymap or action.scope == "global":
            continue
        for key in _keymap[action.id]:
            if key in everywhere:
                lines.append(f"keys: {key_label(key)} is both {action.id} and {everywhere[key].id}.")
    return lines


def reference_table() -> str:
    """Return the key table of the documentation, as Markdown; a test keeps the document equal to it."""
    lines: list[str] = []
    for scope in dict.fromkeys(action.scope for action in ACTIONS):
        lines += [f"### {SCOPE_TITLES.get(scope, scope)}", "", "| key | action | what it does |", "| --- | --- | --- |"]
        for action in (a for a in ACTIONS if a.scope == scope):
            keys = " ".join(f"`{key_label(key)}`" for key in action.keys) or f"`:{command_name(action)}`"
            lines.append(f"| {keys} | `{action.id}` {action.title} | {action.help} |")
        lines.append("")
    return "\n".join(lines)


def command_name(action: Action) -> str:
    """Return what is typed after `:` for an action."""
    return action.command or action.id.rpartition(".")[2].replace("_", "-")
