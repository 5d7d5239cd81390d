"""Alembic's history of the schema, one file per step, run without an ini file. No step imports the tables.

A new step: raise `SCHEMA_VERSION` in `tables.py` and `schema.py`, add `versions/000N_….py`, never edit an older one.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

HERE = Path(__file__).parent


def _config(scripts: Path) -> Config:
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def upgrade(connection: Connection, scripts: Path = HERE) -> None:
    """Run every missing step on an open connection, inside the transaction the caller has begun."""
    from alembic import command

    config = _config(scripts)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def upgrade_sql(dialect: str, scripts: Path = HERE) -> str:
    """Return the SQL of all steps for a dialect (`postgresql`, `sqlite`), for an administrator to read or run."""
    from alembic import command

    config = _config(scripts)
    buffer = io.StringIO()
    config.output_buffer = buffer
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head", sql=True)
    return buffer.getvalue()
