"""What Alembic runs to learn its connection: the caller's, or none for SQL on paper. Reads no ini file."""

from alembic import context

_attributes = context.config.attributes

if context.is_offline_mode():
    context.configure(dialect_name=_attributes["dialect"], literal_binds=True, transactional_ddl=True)
else:
    # Alembic thinks SQLite cannot roll back DDL; with BEGIN under our control it can, so a step is all or nothing.
    context.configure(connection=_attributes["connection"], transactional_ddl=True)

with context.begin_transaction():
    context.run_migrations()
