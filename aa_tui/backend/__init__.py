"""Everything that knows sessions and nothing of terminals: sources > ingest > store > query > service."""
