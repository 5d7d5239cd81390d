"""Where a store may lie and who may share it: file systems, groups, modes, host default."""

from __future__ import annotations

import grp
import os
import stat
import tempfile
import tomllib
import traceback
from pathlib import Path

import pytest

from aa_tui.backend.service import stores
from aa_tui.backend.store import filesystem
from aa_tui.backend.support.errors import NotFound, UnsafeFileSystem, UsageError

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
auto.home /home autofs rw 0 0
filer:/export/home /home/ada nfs4 rw,vers=4.2 0 0
//box/team /mnt/team\\040share cifs rw 0 0
ada@far:/ /home/ada/far fuse.sshfs rw 0 0
/dev/sdb1 /home/ada/disk ext4 rw 0 0
overlay /box fuse.fuse-overlayfs rw 0 0
C:\\134 /mnt/c 9p rw 0 0
mds:/ /scratch lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/srv/store.db", "ext4", False),
        ("/home/bob/store.db", "ext4", False),
        ("/home/ada/.local/share/aa-tui/store.db", "nfs4", True),
        ("/home/adam/store.db", "ext4", False),
        ("/home/ada/disk/store.db", "ext4", False),
        ("/home/ada/far/store.db", "fuse.sshfs", True),
        ("/mnt/team share/store.db", "cifs", True),
        ("/box/store.db", "fuse.fuse-overlayfs", False),
        ("/mnt/c/Users/store.db", "9p", True),
        ("/scratch/store.db", "lustre", True),
    ],
)
def test_longest_mount_decides(path: str, kind: str, network: bool) -> None:
    mount = filesystem.mount_of(Path(path), MOUNTS)
    assert mount is not None
    assert (mount.kind, mount.network) == (kind, network)


def test_network_home_is_refused_with_the_exact_command() -> None:
    with pytest.raises(UnsafeFileSystem) as caught:
        filesystem.refuse_network(Path("/home/ada/.local/share/aa-tui/store.db"), MOUNTS)
    suggestion = caught.value.suggestion
    assert suggestion is not None and suggestion.startswith("/var/tmp/aa-tui-") and suggestion.endswith("/store.db")
    assert caught.value.hint == f"Keep it on this machine: aa-tui --store {suggestion}"
    assert "nfs4" in caught.value.message and "/home/ada" in caught.value.message
    filesystem.refuse_network(Path(suggestion), MOUNTS)


def test_no_local_place_suggests_none() -> None:
    everywhere = "filer:/ / nfs rw 0 0\n"
    assert filesystem.local_suggestion(mounts_text=everywhere) is None
    with pytest.raises(UnsafeFileSystem, match=r"/LOCAL/FOLDER/store\.db"):
        filesystem.refuse_network(Path("/store.db"), everywhere)


def test_somebody_elses_folder_is_not_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "ada")
    (tmp_path / "aa-tui-ada").symlink_to("/etc")
    (tmp_path / "second").mkdir()
    roots = (str(tmp_path), str(tmp_path / "second"))
    assert filesystem.local_suggestion(roots=roots) == tmp_path / "second" / "aa-tui-ada" / "store.db"


def test_opening_on_a_network_mount_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"/dev/sda1 / ext4 rw 0 0\nfiler:/ {tmp_path}/home nfs rw 0 0\n")
    monkeypatch.setattr(filesystem, "MOUNT_TABLE", table)
    with pytest.raises(UnsafeFileSystem):
        stores.open_store(str(tmp_path / "home" / "x" / "store.db"))
    assert not (tmp_path / "home").exists()


def test_private_store_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        stores.open_store(str(tmp_path / "new" / "store.db")).close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "store.db").stat().st_mode) == 0o600


@pytest.fixture
def host_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AA_TUI_HOST_CONFIG", str(tmp_path / "etc" / "config.toml"))
    monkeypatch.setenv("AA_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AA_TUI_STORE", raising=False)
    return tmp_path / "etc" / "config.toml"


def test_shared_store_has_its_modes_whatever_the_umask(tmp_path: Path, host_file: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    old = os.umask(0o077)
    try:
        made = stores.init_shared_store(str(tmp_path / "team"), group)
        store = stores.open_store(None)
        with store.write() as tx:
            tx.execute("INSERT INTO meta(key, value) VALUES ('a', '1')")
        modes = {one.name: oct(stat.S_IMODE(one.stat().st_mode)) for one in (tmp_path / "team").iterdir()}
        store.close()
    finally:
        os.umask(old)
    assert made.path == tmp_path / "team" / "store.db"
    assert stat.S_IMODE((tmp_path / "team").stat().st_mode) == 0o2770
    assert modes == {"store.db": "0o660", "store.db-wal": "0o660", "store.db-shm": "0o660"}
    assert made.host_written and tomllib.loads(host_file.read_text()) == {"store": f"sqlite:///{made.path}"}


def test_host_default_keeps_other_settings_and_can_be_repeated(tmp_path: Path, host_file: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    host_file.parent.mkdir()
    host_file.write_text('theme = "mono"\nstore = "old"\n[keys]\nquit = "q"\n')
    stores.init_shared_store(str(tmp_path / "team"), group)
    stores.init_shared_store(str(tmp_path / "team"), group)
    expected = {"store": f"sqlite:///{tmp_path}/team/store.db", "theme": "mono", "keys": {"quit": "q"}}
    assert tomllib.loads(host_file.read_text()) == expected


def test_host_settings_that_cannot_be_written_are_given_as_text(tmp_path: Path, host_file: Path) -> None:
    host_file.parent.write_text("a file where the folder should be")
    made = stores.init_shared_store(str(tmp_path / "team"), grp.getgrgid(os.getgid()).gr_name)
    assert not made.host_written
    assert tomllib.loads(made.host_text) == {"store": f"sqlite:///{made.path}"}


def test_folder_with_other_things_is_not_opened_to_a_group(tmp_path: Path, host_file: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(UsageError, match=r"diary\.txt"):
        stores.init_shared_store(str(tmp_path), grp.getgrgid(os.getgid()).gr_name)
    with pytest.raises(NotFound, match="no group"):
        stores.init_shared_store(str(tmp_path / "team"), "no-such-group-here")


def _as_member(user: int, group: int, path: Path) -> None:
    """Write to a store as another user of the group, with the strictest umask; in a child that then ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([group])
            os.setgid(54321)
            os.setuid(user)
            os.umask(0o077)
            store = stores.open_store(str(path))
            with store.write() as tx:
                tx.execute("INSERT INTO meta(key, value) VALUES (:k, '')", {"k": f"member {user}"})
            code = 0 if store.read_only_reason is None else 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can play two members of a group")
def test_two_members_write_one_store(host_file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        team = Path(folder) / "team"
        team.mkdir()
        os.chown(team, 50001, 60001)
        team.chmod(0o2770)
        path = team / "store.db"
        stores.open_store(str(path)).close()
        # Neither leaves by the front door, so that the second meets the first one's log and shared memory.
        _as_member(50001, 60001, path)
        _as_member(50002, 60001, path)
        store = stores.open_store(str(path))
        with store.reader() as reader:
            found = reader.fetch("SELECT key FROM meta WHERE key LIKE 'member %' ORDER BY key")
        store.close()
        assert found == [("member 50001",), ("member 50002",)]
