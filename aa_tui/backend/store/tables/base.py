"""What all tables share: their common base and column types. No table is here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import SQLModel

CLUSTERED = {"sqlite_with_rowid": False}
"""Rows live in primary-key order: a session's events, a facet's sessions and a day's rollups are one range read."""


def big_int(primary_key: bool = False, nullable: bool = False, default: int | None = None) -> Column[int]:
    """Return a column of 64-bit numbers: ids, instants, money, sums."""
    return Column(BigInteger, primary_key=primary_key, nullable=nullable, autoincrement=False, default=default)


def long_text(nullable: bool = True) -> Column[str]:
    """Return a column of text of any length."""
    return Column(Text, nullable=nullable)


class Table(SQLModel):
    """Common base, so that every table shares one metadata."""
