"""A store that several users of one host share: its folder, group, modes, and the host's default. No SQL.

SQLite gives the log and the shared-memory file the mode of the store, and the folder's setgid bit gives every new file
the group, so nobody's umask matters.
"""

from __future__ import annotations

import grp
import json
import os
import stat
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aa_tui.backend.store import filesystem, schema
from aa_tui.backend.support.errors import NotFound, StoreError, UsageError

FOLDER_MODE = 0o2770
FILE_MODE = 0o660
PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class SharedStore:
    """What `init_shared` made."""

    path: Path
    group: str
    host_file: Path
    host_written: bool
    """False when this user may not write the host's settings; then `host_text` has to be put there by someone else."""
    host_text: str


def file_mode(folder: Path) -> int:
    """Return the mode for a new store in a folder: shared where the folder hands its group on, else private."""
    mode = folder.stat().st_mode
    shared = mode & stat.S_ISGID and mode & stat.S_IWGRP
    return FILE_MODE if shared else PRIVATE_FILE_MODE


def make_private_folder(folder: Path) -> None:
    """Create a folder, and missing ones above it, for this user alone; an existing one is left as it is.

    Raises:
        StoreError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER_MODE)
    except OSError as error:
        raise StoreError(f"Cannot create {folder}: {error.strerror}.", "Choose another place with --store.") from error


def init_shared(place: Path, group: str, host_file: Path) -> SharedStore:
    """Make a store that the members of a group share, and the host's default where this user may.

    Args:
        place: a folder, or a file ending in .db whose folder will be the group's.
        group: a group of this host.
        host_file: the settings file for all users of this host.

    Raises:
        NotFound: no such group.
        UnsafeFileSystem: the place is on a network file system.
        UsageError: the folder belongs to somebody else, or holds things that opening it to the group would expose.
        StoreError: it cannot be made.
    """
    place = place.absolute()
    path = place if place.suffix in {".db", ".sqlite"} else place / "store.db"
    filesystem.refuse_network(path)
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise NotFound(f"There is no group “{group}” on this host.", "`getent group` lists them.") from error
    folder = path.parent
    if folder.exists():
        ours = {path.name + end for end in ("", "-wal", "-shm")}
        others = [one.name for one in folder.iterdir() if one.name not in ours and ".backup" not in one.name]
        if others and stat.S_IMODE(folder.stat().st_mode) != FOLDER_MODE:
            raise UsageError(
                f"{folder} holds other things ({', '.join(sorted(others)[:3])}), which the group could then change.",
                "Choose a folder of its own for the store.",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, -1, number)
        folder.chmod(FOLDER_MODE)
        if not path.exists():
            schema.create_schema(path, mode=FILE_MODE)
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            with suppress(FileNotFoundError):
                os.chown(file, -1, number)
                file.chmod(FILE_MODE)
    except PermissionError as error:
        raise StoreError(
            f"Cannot give {folder} to the group {group}: {error.strerror}.",
            f"Its owner must be you, and you a member of {group}; or run this as root.",
        ) from error
    except OSError as error:
        raise StoreError(f"Cannot make {folder}: {error.strerror}.", "Choose another place.") from error
    text = f"store = {json.dumps(f'sqlite:///{path}')}\n"
    return SharedStore(path, group, host_file, _write_host_default(host_file, text), text)


def _write_host_default(host_file: Path, line: str) -> bool:
    """Set `store` in the host's settings, keeping its other lines; return False where this user may not."""
    try:
        host_file.parent.mkdir(parents=True, exist_ok=True)
        before = host_file.read_text(encoding="utf-8") if host_file.exists() else ""
        with suppress(tomllib.TOMLDecodeError):
            known = tomllib.loads(before)
            if known == known | tomllib.loads(line):
                return True
        kept = [one for one in before.splitlines(keepends=True) if not one.replace(" ", "").startswith("store=")]
        host_file.write_text(line + "".join(kept), encoding="utf-8")
        host_file.chmod(0o644)
        return True
    except OSError:
        return False
