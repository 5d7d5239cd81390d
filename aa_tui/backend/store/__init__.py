"""The store: schema, engines, one writer, cancellable readers. SQL about what it means lives in `facts` and in `query`."""
