"""Projects of a store: list, create, settings, and opening one as a workspace. Everything else happens inside one."""

from __future__ import annotations

import getpass
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from aa_tui.backend.query.readmodels import ProjectInfo
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import ROLES, Actor, Permission
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import decisions
from aa_tui.backend.store.engine import Reader, Row, Store
from aa_tui.backend.support import paths
from aa_tui.backend.support.clock import Clock, SystemClock
from aa_tui.backend.support.errors import Ambiguous, Conflict, NotFound, UsageError
from aa_tui.backend.support.ids import new_api_key
from aa_tui.backend.support.text import storable

DEFAULT_PROJECT = "default"
EPOCH_2025_S = 1_735_689_600
"""Project ids are seconds since 2025-01-01 UTC: short to type, the same length for decades."""
PROJECT_SETTINGS = (
    "time_zone",
    "subscription",
    "pricing",
    "content_mode",
    "redact",
    "retention_days",
    "topic_evaluator",
)
"""Settings a person may change: an IANA zone, two switches (cost is a subscription; price what states no cost), what is
kept of texts, what is replaced by placeholders, for how many days sessions are kept, and the evaluator whose classes
are the topics."""
CONTENT_MODES = ("full", "metadata_only", "customer_enriched")
MOST_RETENTION_DAYS = 36_500
_SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False, "default": None}
_MAX_NAME = 100


def system_time_zone() -> str:
    """Return the IANA name of the machine's zone, or UTC where it cannot be told."""
    from zoneinfo import ZoneInfo

    candidates = [os.environ.get("TZ", "").lstrip(":")]
    with suppress(OSError):
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    with suppress(OSError):
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
    for name in candidates:
        if name:
            with suppress(Exception):
                key = ZoneInfo(name).key
                return "UTC" if key in {"Etc/UTC", "Etc/UCT", "Zulu", "Universal"} else key
    return "UTC"


def check_time_zone(name: str) -> str:
    """Return `name` if it is a time zone.

    Raises:
        UsageError: it is none.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name).key
    except Exception as error:
        raise UsageError(f"“{name}” is no time zone.", "Use an IANA name such as Europe/Zurich.") from error


def _content_mode(text: str) -> str | None:
    mode = text.replace("-", "_")
    if mode == "default":
        return None
    if mode not in CONTENT_MODES:
        raise UsageError(f"“{text}” is no content mode.", f"There are: {', '.join(CONTENT_MODES)}.")
    return mode


def _retention_days(text: str) -> int | None:
    if text in ("default", "off", "forever"):
        return None
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_RETENTION_DAYS:
        raise UsageError(
            f"“{text}” is no number of days.", f"Say 1 to {MOST_RETENTION_DAYS}, or default to keep everything."
        )
    return int(text)


def _patterns(text: str) -> list[str]:
    from aa_tui.backend.ingest.privacy import PATTERNS

    named = text.replace(",", " ").split()
    if not named or not set(named) <= set(PATTERNS):
        raise UsageError(
            f"“{text}” is no value of redact.", f"Say on, off, default, or some of: {', '.join(PATTERNS)}."
        )
    return [name for name in PATTERNS if name in named]


def login_name() -> str:
    """Return who acts: `AA_TUI_USER`, else the login name."""
    with suppress(Exception):
        return os.environ.get("AA_TUI_USER") or getpass.getuser()
    return "unknown"


SettingValue = str | bool | int | list[str] | None
"""A project setting as it is kept; None where the default holds."""


class ProjectService:
    """The projects of one store."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()

    def list(self) -> list[ProjectInfo]:
        """Return all projects by name."""
        with self._store.reader() as reader:
            return [self._info(reader, row) for row in decisions.projects(reader)]

    def get(self, name_or_id: str) -> ProjectInfo:
        """Return the project of that name, else of that id.

        Raises:
            NotFound: none has it; the hint lists the names.
            Ambiguous: several differ from it only in case.
        """
        with self._store.reader() as reader:
            rows = decisions.projects(reader)
            for wanted in (
                [row for row in rows if row[1] == name_or_id],
                [row for row in rows if str(row[0]) == name_or_id],
                [row for row in rows if row[1].casefold() == name_or_id.casefold()],
            ):
                if len(wanted) == 1:
                    return self._info(reader, wanted[0])
                if wanted:
                    names = ", ".join(sorted(row[1] for row in wanted))
                    raise Ambiguous(f"“{name_or_id}” matches several projects.", f"They are: {names}.")
        names = ", ".join(sorted(row[1] for row in rows)) or "none yet"
        raise NotFound(
            f"There is no project “{name_or_id}”.", f"Projects: {names}. `aa-tui projects create NAME` makes one."
        )

    def create(self, name: str, actor: Actor, time_zone: str | None = None) -> ProjectInfo:
        """Create a project with a fresh API key, in `time_zone` or the machine's.

        Raises:
            UsageError: the name is empty, too long or taken, or the time zone unknown.
            Forbidden: the actor may not.
            StoreReadOnly: the store may only be read.
        """
        actor.require(Permission.ADMINISTER)
        name = self._check_name(name)
        zone = check_time_zone(time_zone) if time_zone else system_time_zone()
        now = self._clock.now_ms()
        with self._store.write(durable=True) as tx:
            number = decisions.insert_project(tx, max(now // 1000 - EPOCH_2025_S, 1), name, new_api_key(), zone, now)
            decisions.record(
                tx,
                number,
                now,
                actor.name,
                Permission.ADMINISTER.value,
                "create project",
                name,
                {"name": name, "time_zone": zone},
            )
        return self.get(str(number))

    def ensure(self, name: str, actor: Actor) -> ProjectInfo:
        """Return the project `name`, creating it when there is none."""
        try:
            return self.get(name)
        except NotFound:
            pass
        try:
            return self.create(name, actor)
        except Conflict:
            return self.get(name)

    def set_setting(self, project: ProjectInfo, key: str, value: Any, actor: Actor) -> ProjectInfo:
        """Set one project setting (`time_zone` too); None removes it. Journaled with its inverse.

        Raises:
            UsageError: the time zone is unknown.
            Forbidden: the actor may not.
        """
        if key == "time_zone":
            value = check_time_zone(str(value))
        with self._store.write(durable=True) as tx:
            journal.decide(
                tx,
                project.id,
                self._clock.now_ms(),
                actor,
                Permission.ADMINISTER,
                "set",
                key,
                "setting",
                {"key": key},
                None if value is None else {"value": value},
            )
        return self.get(str(project.id))

    @staticmethod
    def read_setting(key: str, text: str) -> SettingValue:
        """Return what a person typed as the value of a project setting; None takes the setting back.

        Raises:
            UsageError: there is no such setting, or it has no such value.
        """
        if key not in PROJECT_SETTINGS:
            raise UsageError(f"A project has no setting “{key}”.", f"There are: {', '.join(PROJECT_SETTINGS)}.")
        if key == "time_zone":
            return check_time_zone(text)
        lowered = text.strip().lower()
        if key == "topic_evaluator":
            return storable(text.strip()) if lowered not in ("", "default", "off") else None
        if key == "content_mode":
            return _content_mode(lowered)
        if key == "retention_days":
            return _retention_days(lowered)
        if lowered in _SWITCHES:
            return _SWITCHES[lowered]
        if key == "redact":
            return _patterns(lowered)
        raise UsageError(f"“{text}” is no value of {key}.", "Say on, off or default.")

    def actor(self, project: ProjectInfo, name: str | None = None) -> Actor:
        """Return who acts in a project: `name` or the login, with the recorded role.

        Nobody recorded means single use, so everybody is admin; in a project with members, others may read.
        """
        name = name or login_name()
        with self._store.reader() as reader:
            role, others = decisions.role(reader, project.id, name)
        if role is None:
            role = "viewer" if others else "admin"
        return Actor(name, role if role in ROLES else "viewer")

    @staticmethod
    def _check_name(name: str) -> str:
        name = storable(" ".join(name.split()))
        if not name or len(name) > _MAX_NAME:
            raise UsageError(f"A project's name has 1 to {_MAX_NAME} characters.")
        if name.isdigit():
            raise UsageError("A project's name cannot be a number alone.", "Numbers are project ids.")
        return name

    @staticmethod
    def _info(reader: Reader, row: Row) -> ProjectInfo:
        sessions, newest_ms = decisions.project_counts(reader, row[0])
        settings: dict[str, Any] = {}
        with suppress(ValueError):
            loaded = json.loads(row[4])
            settings = loaded if isinstance(loaded, dict) else {}
        return ProjectInfo(
            id=row[0],
            name=row[1],
            api_key=row[2],
            time_zone=row[3],
            sessions=sessions,
            newest_ms=newest_ms,
            settings=settings,
        )


def _last_file() -> Path:
    return paths.state_dir() / "last-project.json"


def last_project(store: Store) -> str | None:
    """Return the id of the project this user last had open in a store, or None."""
    with suppress(OSError, ValueError):
        remembered = json.loads(_last_file().read_text(encoding="utf-8"))
        if isinstance(remembered, dict):
            value = remembered.get(store.url)
            return str(value) if value is not None else None
    return None


def remember_project(store: Store, project: ProjectInfo) -> None:
    """Keep the project as this user's last in a store. A state folder that cannot be written is no reason to fail."""
    file = _last_file()
    remembered: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        loaded = json.loads(file.read_text(encoding="utf-8"))
        remembered = loaded if isinstance(loaded, dict) else {}
    if remembered.get(store.url) == project.id:
        return
    remembered[store.url] = project.id
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text(json.dumps(remembered), encoding="utf-8")
        draft.replace(file)


def open_workspace(
    store: Store, project: str | None = None, actor: Actor | None = None, clock: Clock | None = None
) -> Workspace:
    """Open a project of a store: the named one, else the last used, the only one, `default`, or the first by name.

    In an empty store the project `default` is created.

    Raises:
        NotFound: no such project, or an empty store that may only be read.
    """
    projects = ProjectService(store, clock)
    info: ProjectInfo | None = None
    if project:
        info = projects.get(project)
    else:
        wanted = last_project(store)
        if wanted is not None:
            with suppress(NotFound):
                info = projects.get(wanted)
        if info is None:
            known = projects.list()
            info = next((one for one in known if one.name == DEFAULT_PROJECT), known[0] if known else None)
    if info is None:
        if store.read_only:
            raise NotFound("This store has no project yet.", f"It may only be read: {store.read_only_reason}.")
        info = projects.ensure(DEFAULT_PROJECT, actor or Actor(login_name()))
    return Workspace(store, info, actor or projects.actor(info), clock)
