"""The façade every door calls: one `Workspace` per project, with permissions checked on every write. No SQL here."""
