"""Keys of model servers: where they are looked for, kept and forgotten; never in a store, a log, an error or argv.

A key belongs to an *account*: the host it is for (with its port where that is not the usual one), so that a key never
travels to another address. In order: environment, the system's keyring, a file that only its owner may read.

- `AA_TUI_KEY_<HOST>` holds the key of a host: `AA_TUI_KEY_LLM_EXAMPLE_COM`, `AA_TUI_KEY_127_0_0_1_8000`; a hyphen is
  two underscores. Plain http to another machine has no variable.
- A standard variable (`OPENAI_API_KEY`) is taken for that provider's own address only.
- The file is `keys.toml` in the folder of the settings, of mode 0600; anything wider is refused.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from aa_tui.backend.judging.providers import kind_of
from aa_tui.backend.judging.providers.addresses import account as account_of_address
from aa_tui.backend.judging.providers.addresses import is_address
from aa_tui.backend.support import paths
from aa_tui.backend.support.errors import ConfigError
from aa_tui.backend.support.settings import SECRET_PREFIX

KEYRING, FILE = "keyring", "file"
_SERVICE = "aa-tui"
_LONGEST = 8_192
_PLAIN_HOST = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*")


class Secret:
    """A key. It shows itself to nobody who does not call `reveal`."""

    __slots__ = ("__value", "account", "origin")

    def __init__(self, value: str, account: str = "", origin: str = "") -> None:
        """Hold `value`, the key of `account`, which was found in `origin` (a variable's name, `keyring`, a file).

        Raises:
            ConfigError: it is empty, too long, or has characters that no header can carry.
        """
        value = value.strip()
        if not value or len(value) > _LONGEST or not value.isascii() or not value.isprintable():
            raise ConfigError("The key is empty or has characters that no key has.", "Copy it again, without quotes.")
        self.__value = value
        self.account = account
        self.origin = origin

    def reveal(self) -> str:
        """Return the key itself; for the request only."""
        return self.__value

    @property
    def masked(self) -> str:
        """The key as a screen may show it: its last four characters where it is long, else none."""
        return f"…{self.__value[-4:]}" if len(self.__value) >= 20 else "…"

    def __repr__(self) -> str:
        return f"Secret({self.masked})"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value, other.reveal())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not written anywhere")


def account_of(provider: str, base_url: str = "", model: str = "") -> str:
    """Return the account whose key a call needs: the host, or for addresses unknown to us the library's provider.

    Raises:
        ConfigError: the provider is unknown or the address is not well-formed.
    """
    kind = kind_of(provider)
    address = base_url or kind.base_url
    if address:
        return account_of_address(address)
    return model.partition("/")[0].lower() if kind.id == "litellm" and "/" in model else kind.id


def variables_of(provider: str, base_url: str = "", model: str = "") -> tuple[str, ...]:
    """Return the environment variables a key is looked for in, in order."""
    kind = kind_of(provider)
    account = account_of(provider, base_url, model)
    names = [SECRET_PREFIX + spelled] if (spelled := _spelled(account)) else []
    if account == account_of(provider, "", model):
        names += kind.keys
        if kind.id == "litellm" and re.fullmatch(r"[a-z][a-z0-9_]{1,40}", account):
            names.append(f"{account.upper()}_API_KEY")
    return tuple(names)


def _spelled(account: str) -> str:
    """Return an account as a variable's name spells it, or nothing where two could be spelled alike.

    Otherwise a host could be named so that it gets another's key.
    """
    host, _, port = account.partition(":")
    last = host.rpartition(".")[2]
    if not _PLAIN_HOST.fullmatch(host) or not (port.isdigit() or not port) or (last.isdigit() and not is_address(host)):
        return ""
    return account.replace("-", "__").replace(".", "_").replace(":", "_").upper()


def find_key(
    provider: str, base_url: str = "", environment: Mapping[str, str] | None = None, *, model: str = ""
) -> Secret | None:
    """Return the key for a provider at an address, or None. May wait for the keyring: call it off the UI's loop.

    Args:
        base_url: empty for the provider's own address.
        environment: in place of the process's.
        model: names the provider behind the library where `provider` is the library itself.

    Raises:
        ConfigError: the address is not well-formed, a key found is not usable, or the key file may be read by others.
    """
    variables = os.environ if environment is None else environment
    account = account_of(provider, base_url, model)
    for name in variables_of(provider, base_url, model):
        if variables.get(name, "").strip():
            return Secret(variables[name], account, name)
    ring = _keyring()
    if ring is not None:
        with contextlib.suppress(Exception):  # locked, gone, denied: a backend may raise anything, and then has no key
            if kept := ring.get_password(_SERVICE, account):
                return Secret(kept, account, KEYRING)
    kept = _read(key_file()).get(account)
    return Secret(kept, account, str(key_file())) if kept else None


def store_key(provider: str, key: Secret, base_url: str = "", *, model: str = "", place: str = "") -> str:
    """Keep a key and return where: `keyring` where a real one works, else the file.

    Args:
        place: `keyring` or `file`; empty: whatever is best.

    Raises:
        ConfigError: there is no working keyring although one was asked for, or the file cannot be written or may be
            read by others.
    """
    account = account_of(provider, base_url, model)
    ring = _keyring() if place != FILE else None
    if ring is not None:
        with contextlib.suppress(Exception):  # see find_key; what is not kept there goes into the file
            ring.set_password(_SERVICE, account, key.reveal())
            if ring.get_password(_SERVICE, account) == key.reveal():
                return KEYRING
    if place == KEYRING:
        raise ConfigError("No keyring of this system works.", "Keep the key in the file, or in the environment.")
    kept = _read(key_file())
    kept[account] = key.reveal()
    _write(key_file(), kept)
    return str(key_file())


def forget_key(provider: str, base_url: str = "", *, model: str = "") -> bool:
    """Forget the kept key of an address; tell whether there was one. Variables are not ours to unset.

    Raises:
        ConfigError: the key file may be read by others or cannot be written.
    """
    account = account_of(provider, base_url, model)
    found = False
    ring = _keyring()
    if ring is not None:
        with contextlib.suppress(Exception):  # see find_key; deleting what is not there raises as well
            ring.delete_password(_SERVICE, account)
            found = True
    kept = _read(key_file())
    if kept.pop(account, None) is not None:
        _write(key_file(), kept)
        found = True
    return found


def key_file() -> Path:
    """Return the file of keys; it need not exist."""
    return paths.config_dir() / "keys.toml"


def keyring_works() -> bool:
    """Tell whether a real keyring is at hand: a system's own, not one that writes plain files."""
    return _keyring() is not None


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    with contextlib.suppress(Exception):  # a backend may raise anything where there is no session to talk to
        ring = keyring.get_keyring()
        rings = list(getattr(ring, "backends", ())) or [ring]
        return next((one for one in rings if _is_real(one)), None)
    return None


def _is_real(ring: Any) -> bool:
    module = type(ring).__module__
    plain = module.startswith(("keyrings.alt", "keyring.backends.fail", "keyring.backends.null"))
    return not plain and float(ring.priority) >= 1


def _read(file: Path) -> dict[str, str]:
    """Return the keys of a file by account.

    Raises:
        ConfigError: others may read it, it belongs to somebody else, or it is no key file.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"Cannot read {file}: {error.strerror}.") from None
    with os.fdopen(handle, "rb") as opened:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigError(f"{file} is not a file of yours.", "Move it away and store the keys again.")
        if found.st_mode & 0o077:
            raise ConfigError(f"{file} may be read by others, so its keys are not used.", f"Run: chmod 600 {file}")
        raw = opened.read(1 << 20)
    import tomllib

    kept: Any = None
    with contextlib.suppress(ValueError):
        kept = tomllib.loads(raw.decode("utf-8")).get("keys", {})
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise ConfigError(f"{file} is no file of keys.", 'It has a table [keys] with lines like "host" = "key".')
    return kept


def _write(file: Path, kept: Mapping[str, str]) -> None:
    lines = [f"{json.dumps(name)} = {json.dumps(kept[name])}\n" for name in sorted(kept)]
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write("".join(["[keys]\n", *lines]))
            opened.flush()
            os.fsync(handle)
        draft.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise ConfigError(f"Cannot write {file}: {error.strerror}.", "Keep the key in the environment.") from None
