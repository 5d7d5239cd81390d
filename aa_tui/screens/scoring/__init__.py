"""The places of model scoring: consent with cap and signals, the judge with its key, and backfill."""
