"""What makes a verb run on its own: a systemd user unit, and the ssh line for a bot on another host. Text only."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from aa_tui.backend.service import stores
from aa_tui.backend.support.errors import UsageError

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+~")


PASSWORD_ADVICE = (
    "The store's address has a password, which stays out of the unit: systemctl --user edit it and add",
    "  Environment=AA_TUI_STORE=…",
)


def store_words(store: str | None) -> list[str]:
    """Return the words that name the same store from anywhere; none where its address holds a password."""
    url = store or stores.default_store_url()
    if not stores.is_database(url):
        return ["--store", str(stores.store_path(url))]
    return ["--store", url] if stores.shown(url) == url else []


def own_command() -> list[str]:
    """Return the words that start this program from anywhere: its script, else this Python with the package."""
    script = Path(sys.argv[0])
    if script.name in {"aa-tui", "aa"} and script.is_file():
        return [str(script.absolute())]
    beside = shutil.which("aa-tui", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "aa_tui"]


def user_unit(description: str, arguments: Sequence[str]) -> str:
    """Return a systemd user unit that runs `aa-tui ARGUMENTS...`, starts it again when it fails and ends it gently.

    Args:
        description: a few words of ours for `systemctl status`.
        arguments: everything after the program's name, as separate words.
    """
    command = " ".join(_unit_word(word) for word in (*own_command(), *arguments))
    return (
        "[Unit]\n"
        f"Description={description}\n"
        "\n"
        "[Service]\n"
        f"ExecStart={command}\n"
        "Restart=on-failure\n"
        "RestartSec=2\n"
        "TimeoutStopSec=30\n"
        "NoNewPrivileges=yes\n"
        "UMask=0077\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def unit_advice(name: str, verb: str) -> list[str]:
    """Return the commands that install a printed unit under `name`, one line each, for stderr.

    Args:
        verb: the words after `aa-tui` that print it.
    """
    place = f"~/.config/systemd/user/{name}.service"
    return [
        f"To install it:  mkdir -p ~/.config/systemd/user && aa-tui {verb} > {place}",
        f"                systemctl --user enable --now {name}",
        "To keep it running after you log out:  loginctl enable-linger",
        f"What it says:   journalctl --user -u {name}",
    ]


def ssh_line(host: str, port: int, remote_port: int | None = None) -> str:
    """Return the command that lets programs on `host` reach a receiver on this machine's loopback.

    Args:
        host: as ssh takes it, `user@host` too.
        port: where the receiver listens here.
        remote_port: the port on the other host's loopback; the same one when not given.

    Raises:
        UsageError: ssh would take the name for an option.
    """
    if not host.strip() or host.startswith("-") or not host.isprintable():
        raise UsageError(
            f"“{host}” is no host ssh could reach.", "For example: aa-tui serve --print-ssh bot@example.org"
        )
    forward = f"127.0.0.1:{remote_port or port}:127.0.0.1:{port}"
    return shlex.join(
        ["ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=30", "-R", forward, host]
    )


def _unit_word(word: str) -> str:
    """Quote one word for ExecStart: `%` and `$` mean something to systemd even inside quotes."""
    if word and set(word) <= _PLAIN:
        return word
    escapes = {"\\": "\\\\", '"': '\\"', "%": "%%", "$": "$$", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(one, one) for one in word) + '"'
