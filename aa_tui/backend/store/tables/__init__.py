"""The schema as SQLModel tables; migrations are cut from it. Nothing reads or writes through these classes at run time:
hot paths use SQL text on the same names (`facts`, `query`), which needs no SQLAlchemy import before the first frame.

Every key starts with the project, so that the schema can be distributed. Four kinds of record, never mixed (house):
FACTS event, content, turn, session · DERIVED facets, search, rollups, user_day, signal_result · MEASURED result ·
DECISIONS answer, evaluator, dataset, cohort, view, note, journal, suppress. One module each.
Instants are epoch milliseconds UTC (`…_ms`, `sort_at`), money nano-dollars (`…_nano`), JSON is text.
"""

from __future__ import annotations

from sqlalchemy import DefaultClause

from aa_tui.backend.store.tables import (
    decisions,
    derived,
    facts,
    hooks,
    imports,
    measured,
    projects,
    receiving,
    scoring,
)
from aa_tui.backend.store.tables.base import Table

__all__ = [
    "SCHEMA_VERSION",
    "decisions",
    "derived",
    "facts",
    "hooks",
    "imports",
    "measured",
    "projects",
    "receiving",
    "scoring",
]

SCHEMA_VERSION = 1
"""Written to the store; raise it with every migration."""


def _give_server_defaults() -> None:
    """Let the database fill in every default a class states, because rows are written by SQL text, not by classes."""
    for table_class in Table.__subclasses__():
        for name, info in table_class.model_fields.items():
            column = table_class.__table__.columns[name]  # type: ignore[attr-defined]
            if isinstance(info.default, int | float | str) and column.server_default is None:
                column.server_default = DefaultClause(str(info.default))


_give_server_defaults()
