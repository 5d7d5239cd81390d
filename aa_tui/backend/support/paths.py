"""Where this user's files live: data, configuration, state, cache, logs. Creates nothing, reads no settings.

`AA_TUI_HOME` puts all five under one folder (tests, portable use).
"""

from __future__ import annotations

import os
from pathlib import Path

APP = "aa-tui"


def _place(kind: str) -> Path:
    home = os.environ.get("AA_TUI_HOME")
    if home:
        return Path(home).expanduser() / kind
    import platformdirs

    finders = {
        "data": platformdirs.user_data_path,
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
        "cache": platformdirs.user_cache_path,
        "log": platformdirs.user_log_path,
    }
    return finders[kind](APP, appauthor=False)


def data_dir() -> Path:
    """Return the folder of the default store."""
    return _place("data")


def config_dir() -> Path:
    """Return the folder of the user's settings file."""
    return _place("config")


def state_dir() -> Path:
    """Return the folder of what may be lost without harm but should survive: last place, history, first view."""
    return _place("state")


def cache_dir() -> Path:
    """Return the folder of what can be made again."""
    return _place("cache")


def log_dir() -> Path:
    """Return the folder of the program's own log."""
    return _place("log")


def default_store_path() -> Path:
    """Return the file of the default store."""
    return data_dir() / "store.db"


def demo_store_path() -> Path:
    """Return the file of the sample project's own store."""
    return data_dir() / "demo.db"


def settings_file() -> Path:
    """Return the user's settings file; it need not exist."""
    return config_dir() / "config.toml"


def host_settings_file() -> Path:
    """Return the settings file for all users of this host; `AA_TUI_HOST_CONFIG` names another."""
    return Path(os.environ.get("AA_TUI_HOST_CONFIG") or "/etc/aa-tui/config.toml")
