"""Which file system a path lies on, and whether SQLite may share a file there. Reads the mount table, opens no store.

SQLite's log needs shared memory and honest locks. Network file systems have neither: stores on network homes were
corrupted there, on a single host too, so the program refuses and names a local place instead.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aa_tui.backend.support.errors import UnsafeFileSystem

MOUNT_TABLE = Path("/proc/self/mounts")
_NETWORK = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|ncpfs|9p|v9fs|afs|openafs|auristorfs|lustre|ceph|glusterfs|gpfs|beegfs|pvfs2|orangefs|"
    r"gfs2?|ocfs2|coda|davfs\d*|acfs|panfs|vboxsf|vmhgfs|prl_fs|drvfs"
)
_LOCAL_FUSE = {
    "fuse-overlayfs",
    "overlayfs",
    "ntfs",
    "ntfs-3g",
    "ext2",
    "ext4",
    "exfat",
    "zfs",
    "gocryptfs",
    "encfs",
    "bindfs",
}
"""User-space file systems that keep their data on a local disk."""
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a path is mounted."""

    point: str
    kind: str
    source: str

    @property
    def network(self) -> bool:
        """True when other machines may hold the same files, or locks are not to be trusted."""
        kind, _, inner = self.kind.partition(".")
        if kind == "fuse":
            return inner not in _LOCAL_FUSE
        return _NETWORK.fullmatch(self.kind) is not None


def parse_mounts(text: str) -> list[Mount]:
    """Return the mounts of a Linux mount table, in its order; later ones cover earlier ones."""
    mounts = []
    for line in text.splitlines():
        fields = [_ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), field) for field in line.split()]
        if len(fields) >= 3 and fields[1].startswith("/"):
            mounts.append(Mount(fields[1], fields[2], fields[0]))
    return mounts


def mount_of(path: Path, mounts_text: str | None = None) -> Mount | None:
    """Return the mount that holds `path` (links resolved, the path need not exist), or None where it cannot be told."""
    if mounts_text is None:
        try:
            mounts_text = MOUNT_TABLE.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    target = str(path.resolve())
    best: Mount | None = None
    for mount in parse_mounts(mounts_text):
        point = mount.point.rstrip("/")
        inside = target == point or target.startswith(point + "/")
        # An automounter's own entry says nothing about the file system mounted over it.
        if inside and mount.kind != "autofs" and (best is None or len(point) >= len(best.point.rstrip("/"))):
            best = mount
    return best


def local_suggestion(
    name: str = "store.db", mounts_text: str | None = None, roots: Iterable[str] = ("/var/tmp", "/tmp")
) -> Path | None:
    """Return a file in a private folder of this user on a local file system of this machine, or None."""
    user = os.environ.get("USER") or str(os.getuid())
    folder = f"aa-tui-{re.sub(r'[^A-Za-z0-9_.-]', '_', user)}"
    for root in roots:
        place = Path(root) / folder
        mount = mount_of(Path(root), mounts_text)
        if mount is None or mount.network or not os.access(root, os.W_OK):
            continue
        # In a folder that everybody may write, somebody else may have been quicker with the name.
        if place.is_symlink() or (place.exists() and place.stat().st_uid != os.getuid()):
            continue
        return place / name
    return None


def refuse_network(path: Path, mounts_text: str | None = None) -> None:
    """Do nothing for a local path.

    Raises:
        UnsafeFileSystem: the path lies on a network file system; `suggestion` is a local file, the hint a command.
    """
    mount = mount_of(path, mounts_text)
    if mount is None or not mount.network:
        return
    suggestion = local_suggestion(path.name, mounts_text)
    error = UnsafeFileSystem(
        f"{path} lies on a network file system ({mount.kind}, mounted at {mount.point}), where a store would be "
        "corrupted sooner or later.",
        f"Keep it on this machine: aa-tui --store {shlex.quote(str(suggestion or '/LOCAL/FOLDER/' + path.name))}",
    )
    error.suggestion = None if suggestion is None else str(suggestion)
    raise error
