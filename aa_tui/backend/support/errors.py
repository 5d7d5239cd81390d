"""Errors the program expects. A door turns each kind into words and an exit code; nothing else is caught broadly.

Messages are written for the person who reads them: what happened, then what to do.
"""

from __future__ import annotations


class AAError(Exception):
    """Base of all expected errors.

    Attributes:
        message: what happened, one sentence, safe to show.
        hint: what to do about it, or None.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(AAError):
    """The request itself is off: an unknown name, a bad value, a missing choice. Exit 2."""


class ConfigError(UsageError):
    """A settings file or environment variable cannot be used. Exit 2."""


class NotFound(UsageError):
    """No such project, session or file. Exit 2."""


class Ambiguous(UsageError):
    """A name matches several things; the hint lists them. Exit 2."""


class StoreError(AAError):
    """The store cannot be opened, read or written. Exit 3."""

    exit_code = 3


class StoreOutdated(StoreError):
    """The store was written by another version; the hint says how to go on."""


class StoreReadOnly(StoreError):
    """A write was asked of a store that this user may only read."""


class UnsafeFileSystem(StoreError):
    """The store would lie on a network file system, where SQLite corrupts; the hint has the exact command."""

    suggestion: str | None = None
    """A file on a local file system that could be used instead."""


class Cancelled(AAError):
    """The caller gave up: a newer request, a key, or a deadline. Never shown as a failure. Exit 130."""

    exit_code = 130


class Forbidden(AAError):
    """The actor lacks a permission; the message names it."""

    exit_code = 2


class Conflict(AAError):
    """Somebody else changed the same thing since it was read."""

    exit_code = 2
