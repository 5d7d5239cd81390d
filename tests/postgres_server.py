"""A private PostgreSQL server in a temporary folder, reached through a socket there; it touches no other server."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

OWNER = "owner"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
_QUICK = (
    "-c fsync=off -c full_page_writes=off -c listen_addresses='' -c shared_buffers=32MB -c unix_socket_directories="
)
_REQUIRED = "postgres" in os.environ.get("AA_TUI_REQUIRE", "")
"""Read before the tests take the variable away."""


def _programs() -> Path | None:
    places = [path.parent for place in _PLACES for path in sorted(Path("/").glob(f"{place[1:]}/pg_ctl"), reverse=True)]
    on_path = shutil.which("pg_ctl")
    places += [Path(on_path).resolve().parent] if on_path else []
    needed = ("initdb", "pg_ctl", "psql")
    return next((place for place in places if all((place / name).exists() for name in needed)), None)


@dataclass
class Server:
    """A running server and its fresh databases."""

    folder: Path
    programs: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _shared: str | None = None

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the user that owns the server; return what it printed."""
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=120)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement with psql as the owner."""
        where = ["-h", str(self.folder), "-U", OWNER, "-d", database]
        return self.run("psql", *where, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement).strip()

    def database(self, options: str = "") -> str:
        """Create an empty database and return its name."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} {options}")
        return name

    def place(self) -> str:
        """Return the store URL of an empty schema in a database that all places share: quicker than one of its own."""
        number = next(self._numbers)
        if self._shared is None:
            self._shared = self.database()
        self.sql(f"CREATE SCHEMA place_{number}", self._shared)
        return f"{self.url(self._shared)}&options=-csearch_path%3Dplace_{number}"

    def url(self, database: str, user: str = OWNER, password: str = "s3cret-password") -> str:
        """Return the store URL of a database, with a password that must never be shown."""
        return f"postgresql://{user}:{password}@/{database}?host={self.folder}"


def _missing(reason: str) -> None:
    if _REQUIRED:
        pytest.fail(f"{reason}, and AA_TUI_REQUIRE asks for it")
    pytest.skip(reason)


@contextmanager
def running() -> Iterator[Server]:
    """Start a server for the time of the context; skip (or fail, see AA_TUI_REQUIRE) where there is none to start."""
    programs = _programs()
    if programs is None:
        _missing("PostgreSQL's server programs are not installed")
    assert programs is not None
    if os.geteuid() == 0 and not shutil.which("runuser"):
        _missing("PostgreSQL does not run as root, and there is no runuser")
    try:
        import psycopg  # noqa: F401
    except ImportError:
        _missing("psycopg is not installed")
    # A socket's path has at most 107 characters, so this is not pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="aa-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server, data = Server(folder, programs), str(folder / "data")
    try:
        # Another order than that of the bytes, as most servers have it: the schema must not depend on it.
        plain = ["-D", data, "-U", OWNER, "--auth=trust", "-E", "UTF8", "-N", "--locale=C"]
        try:
            server.run("initdb", *plain, "--locale-provider=icu", "--icu-locale=en-US")
        except AssertionError:
            shutil.rmtree(data, ignore_errors=True)
            server.run("initdb", *plain)
        options = _QUICK + str(folder)
        server.run("pg_ctl", "-D", data, "-w", "-l", str(folder / "server.log"), "-o", options, "start")
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
