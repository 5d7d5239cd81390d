"""Opening the right store: which one is meant, whether its place is safe, and whether its schema fits this program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aa_tui.backend.store import filesystem, schema
from aa_tui.backend.store.engine import Store
from aa_tui.backend.store.sqlite import APPLICATION_ID, SqliteStore, header_version, read_only_reason, readable_by
from aa_tui.backend.support import paths
from aa_tui.backend.support.errors import NotFound, StoreError, StoreOutdated, UsageError
from aa_tui.backend.support.settings import load_settings_light

if TYPE_CHECKING:
    from aa_tui.backend.store.sharing import SharedStore

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


def default_store_url() -> str:
    """Return the store used when none is named: as set (variable, user, host), else in the platform's data folder."""
    return load_settings_light().values.store or f"sqlite:///{paths.default_store_path()}"


def is_database(url: str) -> bool:
    """Return whether a store URL means a PostgreSQL database and no file."""
    return "://" in url and url.partition("://")[0].lower() in _POSTGRES


def shown(url: str) -> str:
    """Return a store URL as it may be shown: a database's without its passwords."""
    if not is_database(url):
        return url
    from aa_tui.backend.store.postgres import mask_url

    return mask_url(url)


def demo_store_url() -> str:
    """Return the sample project's store: beside a file this user has set as store, else in the usual data folder."""
    loaded = load_settings_light()
    store = loaded.values.store
    if store and not is_database(store) and loaded.origins["store"] != str(paths.host_settings_file()):
        return f"sqlite:///{store_path(store).with_name(paths.demo_store_path().name)}"
    return f"sqlite:///{paths.demo_store_path()}"


def check_place(url: str | None) -> None:
    """Do nothing where the store `url`, or the default one, is a database or lies on a local file system.

    Raises:
        UsageError: the URL names no file.
        UnsafeFileSystem: it lies on a network file system; `suggestion` is a local file.
    """
    url = url or default_store_url()
    if not is_database(url):
        filesystem.refuse_network(store_path(url))


def init_shared_store(place: str, group: str) -> SharedStore:
    """Make a store that a group of this host shares, and the host's default; see `store.sharing.init_shared`."""
    from aa_tui.backend.store import sharing

    return sharing.init_shared(Path(place).expanduser(), group, paths.host_settings_file())


def store_path(url: str) -> Path:
    """Return the file a store URL names: a path, or `sqlite:///path`.

    Raises:
        UsageError: the URL names no file.
    """
    if url.startswith("sqlite://"):
        rest = unquote(url.removeprefix("sqlite://").removeprefix("localhost"))
        text = rest[1:] if rest.startswith("/") else rest
    elif "://" in url:
        raise UsageError(
            f"Stores of the kind {url.split('://')[0]}:// cannot be opened.",
            "Use a path, sqlite:///path or postgresql://user@host/database.",
        )
    else:
        text = url
    if not text or text == ":memory:":
        raise UsageError("A store needs a file.", "Use a path or sqlite:///path.")
    path = Path(text).expanduser()
    return path if path.is_absolute() else Path.cwd() / path


def open_store(url: str | None, *, create: bool = True, read_only: bool = False) -> Store:
    """Open the store `url`, or the default one; create it when missing and `create`.

    A store that this user may not write opens read-only and says why.

    Raises:
        NotFound: there is none and `create` is off.
        UnsafeFileSystem: it is or would be on a network file system.
        StoreOutdated: its schema does not fit this program; the hint says how to go on.
        StoreError: it cannot be opened.
    """
    url = url or default_store_url()
    if is_database(url):
        from aa_tui.backend.store.postgres import open_postgres

        return open_postgres(url, create=create, read_only=read_only)
    path = store_path(url)
    filesystem.refuse_network(path)
    version = header_version(path)
    if version is None:
        if not create or read_only:
            raise NotFound(f"There is no store at {path}.", "Import something, or choose another with --store.")
        from aa_tui.backend.store import sharing

        sharing.make_private_folder(path.parent)
        schema.create_schema(path, mode=sharing.file_mode(path.parent))
        version = header_version(path) or (0, 0)
    application, number = version
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program.", "Choose another file with --store.")
    reason = "opened with --read-only" if read_only else read_only_reason(path)
    if number > schema.SCHEMA_VERSION:
        if not readable_by(path, schema.SCHEMA_VERSION):
            raise StoreOutdated(
                f"{path} was written by a newer version of this program (schema {number}, this one knows "
                f"{schema.SCHEMA_VERSION}).",
                "Update aa-tui, or choose another store with --store.",
            )
        reason = f"it was written by a newer version (schema {number}); update aa-tui to change it"
    elif number < schema.SCHEMA_VERSION:
        if reason is not None:
            raise StoreOutdated(
                f"{path} has schema {number}; this program needs {schema.SCHEMA_VERSION} and may not upgrade it "
                f"({reason}).",
                "Ask its owner to open it once with this version of aa-tui.",
            )
        schema.upgrade_schema(path)
    return SqliteStore(path, read_only_reason=reason)
