"""The store: schema, engines, one writer, cancellable readers. Meaning of the SQL: `facts`, `rollups`, and `query`."""
