"""Addresses of model servers: what is well-formed, what is this machine, which one a key belongs to. Opens nothing."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from aa_tui.backend.support.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HINT = "An address looks like http://127.0.0.1:11434/v1 or https://llm.example.com/v1."


def parsed(base_url: str) -> SplitResult:
    """Return an address taken apart.

    Raises:
        ConfigError: it is no http(s) address, or carries a user, a password, a query or a fragment.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise ConfigError("The address of the model server cannot be read.", _HINT) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ConfigError("The address of the model server is no http or https address.", _HINT)
    if any(char.isspace() or not char.isprintable() for char in base_url):
        raise ConfigError("The address of the model server has characters that no address has.", _HINT)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("The address of the model server holds a user or password.", "Store a key for it instead.")
    if parts.query or parts.fragment:
        raise ConfigError("The address of the model server has a query or fragment.", _HINT)
    return parts


def account(base_url: str) -> str:
    """Return the name under which an address's key is kept: its host, with the port where that is not the usual one.

    Plain http to another machine is an account of its own: a key kept for https must not travel unencrypted.

    Raises:
        ConfigError: the address is not well-formed.
    """
    parts = parsed(base_url)
    host = (parts.hostname or "").rstrip(".").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    plain = parts.scheme == "http" and not is_loopback_host(host)
    return f"{'http://' if plain else ''}{host}{'' if port == _DEFAULT_PORTS[parts.scheme] else f':{port}'}"


def is_loopback_address(text: str) -> bool:
    """Tell whether a text is an IP address of this machine's loopback interface."""
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address rather than a name."""
    try:
        ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def is_loopback_host(host: str) -> bool:
    """Tell whether a host is `localhost` or a loopback address; other names are not, wherever they lead."""
    return host.rstrip(".").lower() == "localhost" or is_loopback_address(host)


@lru_cache(maxsize=256)
def is_local(base_url: str) -> bool:
    """Tell whether an address is on this machine: then no text leaves it, and calls cost nothing."""
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return False
    return is_loopback_host(parts.hostname or "")
